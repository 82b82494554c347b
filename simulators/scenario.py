"""Scenarios: timetables in YAML of what breaks when. `scenarios/` holds the ones that come with us.

about: One sentence.
again: 15m                # played again so long after its start; left out: once
steps:
  - at: 20s               # after the start, in simulated time
    break: lamp_dead      # a fault of simulators/faults.py, on `device: NAME` or on `some`
    some: {kind: solar_light, count: 2, village: thap-thuong}   # chosen by seed; village may be left out
    for: 5m               # then mended; left out: stays broken
  - at: 1m
    cut_power: any        # or cut_uplink; a village, `any` (chosen by seed) or `all`
    for: 4m
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from devices.device import Kind
from simulators import faults
from simulators.act import Act, perform
from simulators.errors import UserError
from simulators.fleet import is_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulators.fleet import Fleet
    from simulators.world import World

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(value: Any) -> float:
    """`90s`, `10m`, `2h`, `1d` in seconds; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", str(value).strip())
    if not found:
        raise ValueError(f"a time is written like 90s, 10m or 2h, not {value!r}")
    return float(found[1]) * _UNIT_S[found[2]]


Duration = Annotated[float, BeforeValidator(seconds)]
_CONFIG = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Some(BaseModel):
    """So many devices of a kind, chosen by seed."""

    model_config = _CONFIG
    kind: Kind
    count: int = Field(ge=1)
    village: str | None = None


class Step(BaseModel):
    """One line of the timetable: exactly one of break, cut_power, cut_uplink."""

    model_config = _CONFIG
    at: Duration
    lasts: Duration | None = Field(default=None, alias="for")
    fault: str | None = Field(default=None, alias="break")
    device: str | None = None
    some: Some | None = None
    cut_power: str | None = None
    cut_uplink: str | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Step:
        if sum(x is not None for x in (self.fault, self.cut_power, self.cut_uplink)) != 1:
            raise ValueError("a step has exactly one of break, cut_power, cut_uplink")
        if (self.fault is not None) != ((self.device is not None) != (self.some is not None)):
            raise ValueError("`break` needs one of `device` and `some`, and nothing else has them")
        return self


class Scenario(BaseModel):
    """A timetable."""

    model_config = _CONFIG
    about: str
    again: Duration | None = None
    steps: tuple[Step, ...]


class Move(NamedTuple):
    """An act and when, in seconds after the scenario's start."""

    at: float
    act: Act


def names() -> list[str]:
    """The scenarios that come with us."""
    found = (files("simulators") / "scenarios").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in found if f.name.endswith(".yaml"))


def load(name: str) -> Scenario:
    """One of ours by name, or a file by path; raises UserError."""
    if name in names():
        text = (files("simulators") / "scenarios" / f"{name}.yaml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"No scenario {name!r}: neither a readable file nor one of {', '.join(names())}."
            ) from error
    try:
        return Scenario.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise UserError(f"Scenario {name} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"Scenario {name}: {where}: {first['msg']}.") from error


def timetable(scenario: Scenario, fleet: Fleet, seed: int = 0) -> list[Move]:
    """All acts of one round, with their ends, in order; raises UserError for what the fleet does not have."""
    chance = random.Random(seed)
    moves = []
    for step in scenario.steps:
        for act in _acts(step, fleet, chance):
            moves.append(Move(step.at, act))
            if step.lasts is not None:
                moves.append(Move(step.at + step.lasts, act.undone()))
    return sorted(moves, key=lambda move: move.at)


def _acts(step: Step, fleet: Fleet, chance: random.Random) -> Iterator[Act]:
    if step.fault is not None:
        for name in _chosen(step, fleet, chance):
            kind = next(d.kind for d in fleet.devices if d.name == name)
            faults.check(step.fault, kind)
            yield Act("break", name, step.fault)
        return
    villages = sorted({d.site for d in fleet.devices})
    verb, village = ("cut_power", step.cut_power) if step.cut_power else ("cut_uplink", step.cut_uplink)
    if village == "any":
        yield Act(verb, chance.choice(villages))
    elif village == "all":
        yield from (Act(verb, v) for v in villages)
    elif village in villages:
        yield Act(verb, village)
    else:
        raise UserError(f"The scenario names a village {village!r} that this fleet does not have.")


def _chosen(step: Step, fleet: Fleet, chance: random.Random) -> list[str]:
    some = step.some
    if some is None:
        if step.device not in {d.name for d in fleet.devices}:
            raise UserError(f"The scenario names a device {step.device!r} that this fleet does not have.")
        return [step.device or ""]
    there = (d for d in fleet.devices if not is_browser(d))
    able = [d.name for d in there if d.kind is some.kind and some.village in (None, d.site)]
    if len(able) < some.count:
        raise UserError(
            f"The scenario wants {some.count} of kind {some.kind}, this fleet has {len(able)} there."
        )
    return chance.sample(able, some.count)


@dataclass(frozen=True, slots=True)
class Rounds:
    """A scenario at its pace: `speed` 2 plays the timetable twice as fast (time itself does not run faster)."""

    scenario: Scenario
    fleet: Fleet
    seed: int = 0
    speed: float = 1.0

    def play(self, world: World, say: Callable[[str], None]) -> None:
        """Puts all acts onto the world's timetable, from now on; `say` is told each as it happens."""
        self._round(world, say, 0)

    def _round(self, world: World, say: Callable[[str], None], number: int) -> None:
        def do(act: Act) -> None:
            say(str(act))
            perform(world, act)

        start = world.now
        for at, act in timetable(self.scenario, self.fleet, self.seed + number):
            world.at(start + at / self.speed, partial(do, act))
        if self.scenario.again:
            again = partial(self._round, world, say, number + 1)
            world.at(start + self.scenario.again / self.speed, again)
