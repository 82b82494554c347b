"""Light programs as pages see them: plain values, and one protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices.person import By
    from devices.program import Order, Program


@dataclass(frozen=True, slots=True)
class Kept:
    """A program as it is kept. `target` is `site:<slug>`, `tag:<tag>` or `device:<name>`."""

    name: str
    target: str
    program: Program
    version: int


@dataclass(frozen=True, slots=True)
class UntilDawn:
    """Lights of a target burn until dawn, all nights that begin before `until`; made at `at` (ms)."""

    target: str
    until: int
    at: int


@dataclass(frozen=True, slots=True)
class Count:
    """Devices of which one program is asked: all of them, and of these by what they say."""

    asked: int = 0
    applied: int = 0
    late: int = 0
    cannot_tell: int = 0


@dataclass(frozen=True, slots=True)
class Following:
    """What is asked of one light, and what it follows.

    `program` counts for it (empty: none). `asked` is the order published since `asked_at`, None where none was;
    `state` is `applied`, `waiting`, `late`, `cannot_tell` or `nothing`; `applied` the id that it reports,
    since `applied_at`; `why` its own word on why it cannot.
    """

    program: str
    asked: Order | None
    asked_at: int | None
    state: str
    applied: str | None
    applied_at: int | None
    why: str
    until_dawn: UntilDawn | None


class Programs(Protocol):
    """Light programs: what pages and the API may do. Changes raise Refused and have happened when they return."""

    def all(self) -> Sequence[Kept]:
        """Every program, by name."""

    def until_dawn(self) -> Sequence[UntilDawn]:
        """What is in force."""

    def following(self, device: str) -> Following | None:
        """None where the device is no light or unknown."""

    def place(self, site: str) -> tuple[float, float] | None:
        """Where a site's dusk and dawn are reckoned; None where there is no such site."""

    def tags(self) -> Sequence[str]:
        """Tags that a light has."""

    def counting_at(self, site: str) -> Kept | None:
        """The program that counts at a site for lights without one of their own."""

    async def counts(self) -> Mapping[str, Count]:
        """By program's name."""

    async def lagging(self, name: str, limit: int) -> Sequence[str]:
        """Lights that did not apply a program in time, by name."""

    async def save(self, name: str, target: str, program: Program, version: int, by: By) -> int:
        """Keep a program, 0 being a new one's version; its version then.

        Raises Refused: changed_meanwhile, program_exists, unknown_program, unknown_target, target_taken (name),
        tags_tie (device, tag).
        """

    async def remove(self, name: str, version: int, by: By) -> None:
        """Raises Refused: unknown_program, changed_meanwhile."""

    async def burn(self, target: str, until: int, by: By) -> None:
        """On until dawn, until an instant (ms). Raises Refused: unknown_target, bad_until."""

    async def burn_no_more(self, target: str, by: By) -> None:
        """The programs count again at once. Raises Refused: unknown_target."""
