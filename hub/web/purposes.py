"""What a link can be for: one visible table. A further purpose is a file like site_outside.py and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.web import player, site_outside
from hub.web.language import mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Purpose:
    """What links of one purpose serve, below their own address.

    `subject`: what they are about, `site` or `board`; `days`: how long they work where nothing else is said,
    `most_days` at most; `routes`: everything they serve; `policy`: what is added to the Content-Security-Policy.
    """

    title: str
    about: str
    subject: str
    days: int
    most_days: int
    routes: Sequence[Route]
    policy: str = ""


PURPOSES: Mapping[str, Purpose] = {
    "site": Purpose(
        title=mark("Page of a site, for villagers"),
        about=mark(
            "What works in this village now, to read only: no names, addresses, pictures or single devices."
        ),
        subject="site",
        days=365,
        most_days=1825,
        routes=site_outside.ROUTES,
    ),
    "player": Purpose(
        title=mark("Player of a notice board"),
        about=mark(
            "Opened on the television, Android box or Raspberry Pi that is the board: it shows the notices and "
            "reports what stands on the screen. Whoever has it can do that, too."
        ),
        subject="board",
        days=1825,
        most_days=3650,
        routes=player.PLAYER,
        policy=player.POLICY,
    ),
    "led": Purpose(
        title=mark("Frames for an LED controller"),
        about=mark(
            "For a controller that fetches the frame to show, as a picture or as bits. It cannot prove what it shows."
        ),
        subject="board",
        days=1825,
        most_days=3650,
        routes=player.LED,
    ),
}
