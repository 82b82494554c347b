"""Sites: the administrative tree. Every tier is optional and dated; units merge and are renamed, history stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

TIERS = ("province", "district", "commune", "village", "hamlet")


@dataclass(frozen=True, slots=True)
class Site:
    """A node of the tree. `slug` never changes; `since` and `until` (exclusive) bound its existence, None = open."""

    slug: str
    name: str
    tier: str
    lat: float | None = None
    lon: float | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Placing:
    """`site` belongs to `parent` from `since` until `until` (exclusive), None = open."""

    site: str
    parent: str
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """True where the placing is valid on `day`."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)
