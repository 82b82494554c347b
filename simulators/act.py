"""Acts: what people and scenarios do to the field. One visible table, each with what undoes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.world import World


@dataclass(frozen=True, slots=True)
class Act:
    """`verb` of ACTS, done to a device (with a fault) or to a village."""

    verb: str
    target: str
    fault: str | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.verb.replace("_", "-"), self.target, self.fault) if part)

    def undone(self) -> Act:
        """The act that takes this one back."""
        return replace(self, verb=UNDO[self.verb])


def _break(world: World, act: Act) -> None:
    world.break_(act.target, act.fault or "")


ACTS: Mapping[str, Callable[[World, Act], None]] = MappingProxyType(
    {
        "break": _break,
        "mend": lambda world, act: world.mend(act.target, act.fault),
        "cut_power": lambda world, act: world.cut_power(act.target),
        "restore_power": lambda world, act: world.restore_power(act.target),
        "cut_uplink": lambda world, act: world.cut_uplink(act.target),
        "restore_uplink": lambda world, act: world.restore_uplink(act.target),
    }
)
UNDO: Mapping[str, str] = MappingProxyType(
    {"break": "mend", "cut_power": "restore_power", "cut_uplink": "restore_uplink"}
)


def perform(world: World, act: Act) -> None:
    """Does it now; raises UserError for a device, village or fault that is not there."""
    ACTS[act.verb](world, act)
