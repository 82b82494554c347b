"""A village's gateway: it watches the mains, lives some hours on its battery, speaks for others and buffers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulators.chance import between, drift

if TYPE_CHECKING:
    from devices.field import Value
    from simulators.inputs import Inputs

FULL_AFTER_S = 4 * 3600.0
"""Time to charge the battery from empty."""


@dataclass(frozen=True, slots=True)
class State:
    """How long its battery lasts when full, and how full it is (0-1)."""

    seed: int
    lasts_s: float
    at: float
    charge: float = 1.0

    @property
    def empty(self) -> bool:
        """True where nothing is left to live on without mains."""
        return self.charge <= 0


def born(seed: int, inputs: Inputs) -> State:
    """A gateway whose battery lasts two to five hours."""
    return State(seed, between(seed, 1, 2, 5) * 3600, inputs.now)


def step(state: State, inputs: Inputs) -> tuple[State, dict[str, Value]]:
    """From the state at its last step to now; the values are what the gateway reports."""
    seconds = inputs.since(state.at)
    change = seconds / FULL_AFTER_S if inputs.mains else -seconds / state.lasts_s
    charge = min(max(state.charge + change, 0.0), 1.0)
    busy = drift(state.seed, inputs.now, 120)
    slow = "slow_uplink" in inputs.faults
    values: dict[str, Value] = {
        "mains": inputs.mains,
        "ups_pct": 255.0 if "out_of_range" in inputs.faults else round(charge * 100, 1),
        "buffered": inputs.buffered,
        "children": inputs.children,
        "faults": [],
    }
    if inputs.uplink:
        values["uplink_ms"] = round(700 + 900 * busy if slow else 18 + 40 * busy * busy, 1)
    return replace(state, at=inputs.now, charge=charge), values
