"""Light control in memory, for the web's tests: it meets `Programs` and does what it is told at once."""

# ruff: noqa: ARG002 - a fake does not look at who asks
from __future__ import annotations

from typing import TYPE_CHECKING

from devices import program as programs
from devices.program import Program, Step
from hub.programs import Count, Following, Kept, Programs, UntilDawn
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices.person import By

EVENING = Program(steps=(Step(at="22:00", level_pct=50), Step(at="04:30", level_pct=80)))


class FakeLights(Programs):
    """One program for the whole district; every light but one in five applied it."""

    def __init__(self) -> None:
        self.kept = {"Đêm thường": Kept("Đêm thường", "site:dan-phuong", EVENING, 1)}
        self.burning: dict[str, UntilDawn] = {}

    def all(self) -> Sequence[Kept]:
        return sorted(self.kept.values(), key=lambda k: k.name)

    def until_dawn(self) -> Sequence[UntilDawn]:
        return list(self.burning.values())

    def following(self, device: str) -> Following | None:
        if "-l" not in device:
            return None
        found, body = programs.order(EVENING, None, 21.1, 105.7, "Đêm thường")
        order = programs.read(body)
        if device.endswith("5"):
            return Following("Đêm thường", order, 1795400000000, "late", "", None, "chỉ nhận 4 bước", None)
        return Following("Đêm thường", order, 1795400000000, "applied", found, 1795400060000, "", None)

    def place(self, site: str) -> tuple[float, float] | None:
        return 21.1, 105.7

    def tags(self) -> Sequence[str]:
        return ["chợ"]

    def counting_at(self, site: str) -> Kept | None:
        return next(iter(self.kept.values()), None)

    async def counts(self) -> Mapping[str, Count]:
        return {"Đêm thường": Count(2400, 1900, 480, 20)}

    async def lagging(self, name: str, limit: int) -> Sequence[str]:
        return ["thap-thuong-l005", "thap-thuong-l015"][:limit]

    async def save(self, name: str, target: str, program: Program, version: int, by: By) -> int:
        before = self.kept.get(name)
        if version != (before.version if before else 0):
            raise Refused("changed_meanwhile")
        self.kept[name] = Kept(name, target, program, version + 1)
        return version + 1

    async def remove(self, name: str, version: int, by: By) -> None:
        if name not in self.kept:
            raise Refused("unknown_program")
        del self.kept[name]

    async def burn(self, target: str, until: int, by: By) -> None:
        self.burning[target] = UntilDawn(target, until, 0)

    async def burn_no_more(self, target: str, by: By) -> None:
        if self.burning.pop(target, None) is None:
            raise Refused("unknown_target")
