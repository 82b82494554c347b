"""Health: how a device is, why, and what a page shows for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping


class Health(StrEnum):
    """Computed from last-seen and open alerts, never from edges."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    FAULTY = "faulty"
    OFFLINE = "offline"


class Shown(StrEnum):
    """What a page shows: shape + colour + word each."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULTY = "faulty"
    OFFLINE = "offline"
    UNSTABLE = "unstable"
    UNKNOWN = "unknown"
    PENDING = "pending"
    PLANNED = "planned"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


WORST_FIRST: tuple[Shown, ...] = (
    Shown.FAULTY,
    Shown.OFFLINE,
    Shown.UNSTABLE,
    Shown.DEGRADED,
    Shown.UNKNOWN,
    Shown.OK,
    Shown.PENDING,
    Shown.PLANNED,
    Shown.MAINTENANCE,
    Shown.RETIRED,
)
"""Order in which pages list states and choose a site's worst one."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a health holds: a code and what fills its sentence (JSON values only).

    Codes of the hub itself: `never_seen`, `silent` (last_seen ms), `link_lost` (at ms), `unreachable` (at ms, how:
    a driver's code), `gateway_silent` (gateway), `rule` (rule, severity); of boards that prove nothing `cannot_prove`,
    `not_shown_yet`, `shows_other`. The rest are rules' ids.
    """

    code: str
    about: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


_FROM_LIFECYCLE = {
    Lifecycle.PENDING: Shown.PENDING,
    Lifecycle.PLANNED: Shown.PLANNED,
    Lifecycle.MAINTENANCE: Shown.MAINTENANCE,
    Lifecycle.RETIRED: Shown.RETIRED,
}


def shown(lifecycle: Lifecycle, health: Health, *, unstable: bool) -> Shown:
    """What a page shows for a device; `faulty` outranks the flag `unstable`, the flag outranks the rest."""
    if lifecycle in _FROM_LIFECYCLE:
        return _FROM_LIFECYCLE[lifecycle]
    if unstable and health is not Health.FAULTY:
        return Shown.UNSTABLE
    return Shown(health.value)
