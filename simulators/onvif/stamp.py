"""Times and durations as XML writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def iso(at: float) -> str:
    """`2025-07-01T12:00:00Z`."""
    return f"{datetime.fromtimestamp(max(0.0, at), UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(text: str, otherwise: float) -> float:
    """A duration in seconds, or `otherwise` where it is none."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        return otherwise
    return int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + float(found[3] or 0)
