"""Failpoints: where the torture benchmark kills the hub. Nothing happens unless VILLAGE_HUB_FAILPOINT names one."""

from __future__ import annotations

import os
import signal

_NAME, _, _COUNT = os.environ.get("VILLAGE_HUB_FAILPOINT", "").partition(":")
_left = {_NAME: int(_COUNT or 1)} if _NAME else {}


def failpoint(name: str) -> None:
    """Die here by SIGKILL at the n-th passing, where the environment says `name:n`."""
    if name in _left:
        _left[name] -= 1
        if _left[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
