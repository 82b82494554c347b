"""A notices' office: boards, people, and the desk over the real ingest and store, on virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from devices.notice import Level
from devices.person import By, Person, Role
from devices.site import Placing, Site
from hub.notices.desk import NoticeDesk
from hub.notices.views import Draft
from hub.notices.wall import Wall
from hub.people import Roll
from hub.store.reader import Reader
from tests.hub.house import House
from tests.hub.scene import REALM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hub.notices.views import Notice
    from hub.store.writer import Writes

LAN, MINH, TUAN, HOA = (By(name, "127.0.0.1") for name in ("Lan", "Minh", "Tuấn", "Hoa"))
"""An administrator, an official, one of the night watch, one of a crew."""
PEOPLE = tuple(
    Person(number, name, role)
    for number, (name, role) in enumerate(
        (
            ("Lan", Role.ADMINISTRATOR),
            ("Minh", Role.OFFICIAL),
            ("Tuấn", Role.SECURITY),
            ("Hoa", Role.MAINTENANCE),
        ),
        start=1,
    )
)
HOUR_MS = 3_600_000


def board(name: str, profile: str = "led-64x32-1", **more: Any) -> Device:
    """An active notice board."""
    return Device(
        name,
        Kind.SIGNBOARD,
        REALM,
        REALM,
        lifecycle=more.pop("lifecycle", Lifecycle.ACTIVE),
        profile=profile,
        **more,
    )


BOARDS = (
    board("bang-1"),
    board("bang-2", tags=("chợ",)),
    board("tivi-1", "screen-1920x1080"),
)


def said(title: str = "Họp thôn", **more: Any) -> Draft:
    """A draft for the whole village."""
    return Draft(title=title, text="Tối nay 19 giờ", targets=more.pop("targets", (f"site:{REALM}",)), **more)


FLOOD = said("Nước lũ", level=Level.EMERGENCY)


class Office(House):
    """A house with boards and a desk; what is asked of the desk is carried out at once."""

    def __init__(self, folder: Path, *devices: Device) -> None:
        super().__init__(folder, *(devices or BOARDS))

    def start(self) -> None:
        super().start()
        self.registry.sites |= {s: Site(s, s, t) for s, t in ((REALM, "village"), ("xa", "commune"))}
        self.registry.placings = {REALM: [Placing(REALM, "xa")]}
        self.lights._above = {}
        self.people = Roll(PEOPLE, self.clock.now)
        reader = Reader(self.store.path)
        wall = Wall(self.book, self.tracker, reader)
        self.notices = NoticeDesk(self.book, self.people, reader, self.do, self.clock.now, wall)

    async def do(self, run: Callable[[Writes], Any]) -> Any:
        done = self.ingest.submit(run)
        self.turn()
        return done.result(0)

    def later(self, seconds: float) -> Office:
        self.clock.at += round(seconds * 1000)
        self.turn()
        return self

    async def on_boards(self, draft: Draft) -> Notice:
        """Written by one, approved by another, published."""
        n = await self.notices.save(None, draft, 0, LAN)
        if draft.level is Level.EMERGENCY:
            count = (await self.notices.compose(draft)).boards
            return await self.notices.publish(n.number, n.version, LAN, boards=count)
        n = await self.notices.approve(n.number, n.version, MINH)
        return await self.notices.publish(n.number, n.version, LAN)
