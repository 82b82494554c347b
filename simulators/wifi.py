"""A public wifi point: people come in the evening, and traffic and a crowded channel with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulators.chance import between, drift

if TYPE_CHECKING:
    from devices.field import Value
    from simulators.inputs import Inputs

EVENING_H = 20.0
KBIT_EACH = 350.0
"""What one person draws on average."""


@dataclass(frozen=True, slots=True)
class State:
    """How many people come at the busiest hour, and how many are connected now (they come and go gradually)."""

    seed: int
    busiest: float
    at: float
    people: float = 0.0


def born(seed: int, inputs: Inputs) -> State:
    """A point at a busier or a quieter place, with the people of the hour."""
    state = State(seed, between(seed, 1, 8, 40), inputs.now)
    return replace(state, people=_wanted(state, inputs))


def _wanted(state: State, inputs: Inputs) -> float:
    """Who would be connected: most in the evening, few in the small hours."""
    away = min(abs(inputs.weather.hour - EVENING_H), 24 - abs(inputs.weather.hour - EVENING_H))
    share = 0.05 + 0.95 * math.exp(-((away / 4.5) ** 2))
    return state.busiest * share * (0.6 + 0.8 * drift(state.seed, inputs.now, 900))


def step(state: State, inputs: Inputs) -> tuple[State, dict[str, Value]]:
    """From the state at its last step to now; the values are what the access point reports."""
    broken = inputs.faults
    radio = "radio_off" not in broken
    internet = inputs.uplink and "uplink_down" not in broken
    wanted = _wanted(state, inputs) * (0.15 if not internet else 1.0) if radio else 0.0
    pace = 1.0 if not radio else 1 - math.exp(-inputs.since(state.at) / 180)
    people = state.people + (wanted - state.people) * pace
    slow = "slow_uplink" in broken
    busy = drift(state.seed + 1, inputs.now, 120)
    clients = round(people)
    kbit = clients * KBIT_EACH * (0.3 + busy) * (0.1 if slow else 1.0) if internet else 0.0
    values: dict[str, Value] = {
        "uplink_up": internet,
        "clients": clients,
        "rx_kbit_s": round(kbit, 1),
        "tx_kbit_s": round(kbit * 0.15, 1),
        "radio_on": radio,
        "channel_busy_pct": round(min(99.0, 6 + 1.6 * people + 20 * busy), 1) if radio else 0.0,
        "noise_dbm": 127.0 if "out_of_range" in broken else round(-96 + 5 * busy, 1),
        "faults": [],
    }
    if internet:
        values["latency_ms"] = round(700 + 900 * busy if slow else 12 + 30 * busy * busy, 1)
        values["loss_pct"] = round(6 + 20 * busy if slow else 0.4 * busy, 2)
    return replace(state, at=inputs.now, people=people), values
