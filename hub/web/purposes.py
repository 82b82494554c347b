"""What a link can be for: one visible table. A further purpose is a file like site_outside.py and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.web import site_outside
from hub.web.language import mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Purpose:
    """What links of one purpose serve, below their own address.

    `subject`: what they are about, `site` or `device`; `days`: how long they work where nothing else is said,
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
}
