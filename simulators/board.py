"""A notice board as MQTT knows it here: that it runs, and since when. What it shows comes with its own driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.field import Value
    from simulators.inputs import Inputs


@dataclass(frozen=True, slots=True)
class State:
    """Nothing but its seed: what matters comes from outside."""

    seed: int


def born(seed: int, inputs: Inputs) -> State:  # noqa: ARG001 - every kind is born alike
    """A board."""
    return State(seed)


def step(state: State, inputs: Inputs) -> tuple[State, dict[str, Value]]:
    """The values are what the board's player reports."""
    return state, {"uptime_s": max(0, int(inputs.now - inputs.booted)), "faults": []}
