"""Transitions: stored changes of health. Uptime, history, reports and alerts read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.health import Health, Reason


@dataclass(frozen=True, slots=True)
class Transition:
    """`device` went from `before` to `after` at `at` (ms since 1970, hub time)."""

    device: str
    at: int
    before: Health
    after: Health
    unstable: bool
    reasons: tuple[Reason, ...]
