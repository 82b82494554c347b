"""Lifecycle: where a device stands between a plan and the scrap heap."""

from __future__ import annotations

from enum import StrEnum


class Lifecycle(StrEnum):
    """`planned` becomes `active` at the first live message; only `active` devices raise alerts."""

    PENDING = "pending"
    PLANNED = "planned"
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"
