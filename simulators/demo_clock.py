"""The demo's time: evening when it starts by day, since lamps are judged at night only; never backwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from simulators.errors import UserError
from simulators.fleet_file import write_private
from simulators.sky import VILLAGE_TIME

if TYPE_CHECKING:
    from pathlib import Path

EVENING_H, EVENING_MIN = 19, 30
DARK_FROM_H, DARK_UNTIL_H = 19, 2
"""Between these hours it is dark all year, and stays so for a while."""


@dataclass(frozen=True, slots=True)
class DemoClock:
    """Simulated time was `begin` at the wall time `epoch`, and runs at `rate`."""

    epoch: float
    begin: float
    rate: float = 1.0

    def at(self, wall: float) -> float:
        """Simulated time at a wall time."""
        return self.begin + self.rate * (wall - self.epoch)

    @property
    def shift_s(self) -> float:
        """How far ahead it was at the wall time `epoch`."""
        return round(self.begin - self.epoch, 3)

    def told(self) -> str:
        """One sentence for people."""
        local = datetime.fromtimestamp(self.begin, VILLAGE_TIME)
        pace = "" if self.rate == 1 else f", running {self.rate:g} times as fast"
        ahead = self.begin - self.epoch
        if abs(ahead) < 1:
            return f"Simulated time is real time{pace}."
        return f"Simulated time is {local:%d.%m.%Y %H:%M}, {ahead / 3600:.1f} h ahead{pace}: lamps are judged at night."


def choose(wall: float, shift_s: float, last: float, rate: float) -> DemoClock:
    """Goes on from the last start's shift, never before `last`; forward to the next evening where it would be day."""
    begin = max(wall + shift_s, last)
    local = datetime.fromtimestamp(begin, VILLAGE_TIME)
    if DARK_UNTIL_H <= local.hour < DARK_FROM_H:
        local = local.replace(hour=EVENING_H, minute=EVENING_MIN, second=0, microsecond=0)
        begin = local.timestamp()
    return DemoClock(wall, begin, rate)


def load(path: Path, wall: float, rate: float) -> DemoClock:
    """The clock of this start, from what the last one left in `path`; raises UserError."""
    if not path.exists():
        return choose(wall, 0, 0, rate)
    try:
        kept = json.loads(path.read_text("utf-8"))
        return choose(wall, float(kept["shift_s"]), float(kept["last"]), rate)
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        raise UserError(
            f"{path} is broken ({error}); delete it, and the demo chooses a time anew."
        ) from error


def save(path: Path, clock: DemoClock, wall: float) -> None:
    """Keeps how far simulated time has come."""
    now = clock.at(wall)
    write_private(path, json.dumps({"shift_s": round(now - wall, 3), "last": round(now, 3)}) + "\n")
