"""A solar street light: panel, LiFePO4 battery, lamp and a controller that sees night by its panel."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices import program
from simulators import faults
from simulators.chance import between, dice, drift
from simulators.sky import light_w_m2

if TYPE_CHECKING:
    from devices.field import Value
    from simulators.inputs import Inputs

DUSK_W_M2, DAWN_W_M2 = 4.0, 6.0
"""The controller takes it for night below the first and for day above the second: some minutes beside sunset."""
FULL_FROM_H, FULL_UNTIL_H = 12.0, 22.0
HALF_PCT = 50.0
"""Its own program, where nobody asked for another: full level in the evening until 22:00, half of it until dawn."""

NOMINAL_V = 12.8
CURVE = (
    (0.0, 10.4),
    (0.03, 11.7),
    (0.08, 12.4),
    (0.2, 12.8),
    (0.4, 13.05),
    (0.7, 13.2),
    (0.9, 13.35),
    (0.98, 13.5),
    (1.0, 13.7),
)
"""Voltage at rest of four LiFePO4 cells in series by state of charge."""
OHM, OHM_DYING = 0.03, 0.25
DYING_CAPACITY = 0.12
CUT_V, BACK_V, BACK_SOC = 11.5, 12.9, 0.12
"""The controller cuts the lamp off below the first, and takes it back above both others."""
CHARGER = 0.94
"""Share of the panel's power that reaches battery and lamp."""
OWN_W = 0.25
"""What controller and modem draw day and night."""
DIRTY = 0.5
LIT_W = 0.5


@dataclass(frozen=True, slots=True)
class State:
    """Its build (panel and lamp in W, battery in Wh as aged) and how it stands (charge 0-1, night seen, cut off).

    `saving`: how many savings of its program hold.
    """

    seed: int
    panel_w: float
    battery_wh: float
    lamp_w: float
    at: float
    soc: float
    night: bool = False
    cut: bool = False
    saving: int = 0


def born(seed: int, inputs: Inputs) -> State:
    """A light of one of the usual sizes, aged by up to 20 %, 80 % charged."""
    size = int(dice(seed, 1) * 3)
    aged = between(seed, 2, 0.8, 1.0)
    return State(
        seed=seed,
        panel_w=(60.0, 80.0, 100.0)[size],
        battery_wh=(30.0, 40.0, 50.0)[size] * NOMINAL_V * aged,
        lamp_w=(15.0, 20.0, 25.0)[size],
        at=inputs.now,
        soc=0.8,
    )


def capacity_wh(state: State, broken: frozenset[str]) -> float:
    """What the battery holds when full."""
    return state.battery_wh * (DYING_CAPACITY if "dying_battery" in broken else 1.0)


def rest_v(soc: float) -> float:
    """Voltage at rest for a charge of 0-1."""
    i = min(max(bisect_right(CURVE, (soc, 99.0)), 1), len(CURVE) - 1)
    (low, low_v), (high, high_v) = CURVE[i - 1], CURVE[i]
    return low_v + (high_v - low_v) * (soc - low) / (high - low)


def step(state: State, inputs: Inputs) -> tuple[State, dict[str, Value]]:
    """From the state at its last step to now; the values are what its controller reports."""
    broken, weather = inputs.faults, inputs.weather
    light = light_w_m2(weather.sun_deg, weather.clear)
    night = light < (DAWN_W_M2 if state.night else DUSK_W_M2)
    own = 100.0 if FULL_FROM_H <= weather.hour < FULL_UNTIL_H else HALF_PCT
    level, saving = _level(state, inputs, own if night else 0.0)
    burning = level or (own if "stuck_on_by_day" in broken else 0.0)
    load_w = state.lamp_w * burning / 100 if "lamp_dead" not in broken and not state.cut else 0.0

    hours = inputs.since(state.at) / 3600
    full_wh = capacity_wh(state, broken)
    sunny_w = state.panel_w * light / 1000 * (DIRTY if "dirty_panel" in broken else 1.0) * CHARGER
    charge_w = min(sunny_w, load_w + OWN_W + _accepted_w(state.soc, full_wh))
    net_w = charge_w - load_w - OWN_W
    soc = min(max(state.soc + net_w * hours / full_wh, 0.0), 1.0)
    rest = rest_v(soc)
    volt = rest + net_w / rest * (OHM_DYING if "dying_battery" in broken else OHM)
    cut = (rest < BACK_V or soc < BACK_SOC) if state.cut else (volt < CUT_V)

    after = replace(state, at=inputs.now, soc=soc, night=night, cut=cut, saving=saving)
    return after, _report(after, inputs, level, volt, load_w, charge_w / CHARGER)


def _level(state: State, inputs: Inputs, own: float) -> tuple[float, int]:
    """The level that its controller asks for, and the savings in force; `own` is what it does by its panel."""
    order = inputs.order
    asked = None if order is None else program.wanted(order, inputs.now)
    if order is None or asked is None:
        return own, 0
    burning = order.override is not None and inputs.now < order.override.until
    if order.program is None or burning:
        return float(asked), 0
    saving = program.saving(order.program, state.saving, state.soc * 100)
    return float(program.saved(order.program, saving, asked)), saving


def _accepted_w(soc: float, full_wh: float) -> float:
    """What the battery takes: half its capacity an hour, less and less above 95 %."""
    return full_wh / 2 * min(1.0, (1.0 - soc) / 0.05)


def _report(
    state: State, inputs: Inputs, level: float, volt: float, load_w: float, panel_w: float
) -> dict[str, Value]:
    commanded = level > 0
    lit = load_w > LIT_W
    codes = []
    if commanded and not lit and not state.cut:
        codes.append(faults.LAMP_FAILURE)
    if state.cut:
        codes.append(faults.BATTERY_SHUTDOWN)
    if lit and not commanded:
        codes.append(faults.LAMP_UNEXPECTED_ON)
    noise = drift(state.seed, inputs.now, 300) - 0.5
    warm_c = inputs.weather.air_c + 0.12 * panel_w + 0.1 * load_w + 2 * noise
    return {
        "battery_v": 655.35 if "out_of_range" in inputs.faults else round(volt + 0.01 * noise, 2),
        "soc_pct": round(state.soc * 100, 1),
        "panel_w": round(panel_w * (1 + 0.02 * noise), 1),
        "load_w": round(load_w * (1 + 0.03 * noise), 1),
        "lamp_commanded": commanded,
        "lamp_lit": lit,
        "level_pct": level,
        "controller_c": -127.0 if "out_of_range" in inputs.faults else round(warm_c, 1),
        "faults": list(codes),
    }
