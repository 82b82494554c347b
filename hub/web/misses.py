"""Misses: who asks the outside door for what is not there, and how often before nothing is answered any more.

A minute counts different addresses of a page, so that a screen whose link is over may ask for it again and again
without shutting its neighbours out.
"""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EACH, ALL = 30, 1000
"""Different misses a minute, of one network address and of all."""
WINDOW_S = 60.0


class Misses:
    """Counts. Beyond ALL, who has missed in this minute is answered no more, and all others are."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._since, self._all = now, now(), 0
        self._by: dict[str, set[int]] = {}

    def too_many(self, address: str) -> bool:
        """True where this address gets no answer until the minute is over."""
        if self._now() - self._since >= WINDOW_S:
            self._since, self._all = self._now(), 0
            self._by.clear()
        missed = self._by.get(_network(address))
        return missed is not None and (len(missed) >= EACH or self._all >= ALL)

    def note(self, address: str, path: str) -> None:
        """This address missed."""
        missed = self._by.setdefault(_network(address), set()) if len(self._by) < 10 * ALL else set()
        before = len(missed)
        missed.add(hash(path))
        self._all += len(missed) - before


def _network(address: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))  # noqa: PLR2004
