"""What can go wrong between hub and hardware: few classes, each says what to do."""

from __future__ import annotations


class DriverError(Exception):
    """A device or its link failed. `permanent`: trying again as it is will not help."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


class BadPayload(DriverError):  # noqa: N818 - what it is
    """What a device said cannot be read. `excerpt` is short and redacted, safe to store and show."""

    def __init__(self, reason: str, excerpt: str) -> None:
        super().__init__(reason, permanent=True)
        self.excerpt = excerpt
