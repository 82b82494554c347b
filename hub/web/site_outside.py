"""Purpose `site`: what works in a village now, for everybody who has the link.

Only counts by kind, and incidents by what is wrong with which kind: a title that somebody typed may name a person, and
which camera is blind is nobody's business outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from devices.health import WORST_FIRST, Shown
from hub.web import sites, words
from hub.web.language import mark, wanted
from hub.web.pages import draw, nav_fragments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from devices.device import Kind
    from hub.views import Core
    from hub.web.answers import IncidentAnswer, SiteAnswer
    from hub.web.language import Language

STATIC = Path(__file__).parent / "static"
CARDS = 20
"""Most things told that are wrong."""

_MANY = mark("%(kind)s (%(num)s devices)")
_MIXED = mark("several devices (%(num)s)")


async def page(request: Request) -> Response:
    """The page; 404 where the site is no more."""
    core: Core = request.scope["core"]
    lang = wanted(request)
    site = core.site(request.scope["link"].subject)
    if site is None or site.ended:
        return Response(status_code=404)
    answer = sites.read(core, request.scope["link"].subject)
    counts = _counts(answer.site)
    sums = words.totals(counts)
    html = draw(
        "outside_site.html", core, lang, at=request.scope["at"], site=answer.site, counts=counts, sums=sums,
        worst=next((s for s in WORST_FIRST if sums[s]), Shown.UNKNOWN),
        wrongs=wrongs(core, lang, answer.incidents), cards=CARDS, hub=core.hub(),
        deaf=nav_fragments(core, lang)["deaf-note"], caught_up=core.overview().caught_up, order=WORST_FIRST,
    )  # fmt: skip
    return HTMLResponse(html)


def _counts(site: SiteAnswer) -> dict[Kind, dict[Shown, int]]:
    """Devices that people use, by kind and state."""
    found: dict[Kind, dict[Shown, int]] = {}
    for kind, by_state in words.ordered(site.counts):
        there = {state: n for state, n in by_state.items() if n}
        there.pop(Shown.RETIRED, None)
        if there and not kind.is_infrastructure:
            found[kind] = there
    return found


class Wrong(NamedTuple):
    """What is wrong with devices of one kind at one site, however many incidents that is. `since` is ms."""

    severity: Shown
    site: str
    site_name: str
    sentence: str
    """`Đèn năng lượng mặt trời: đèn hỏng`: which kind, and what is wrong by the rule's own text."""
    since: int
    recovering: bool


def wrongs(core: Core, lang: Language, incidents: Iterable[IncidentAnswer]) -> list[Wrong]:
    """Incidents by what is wrong with which kind and where, in their order."""
    rules = {r.id: r.title for r in core.hub().rules}
    alike: dict[tuple[Shown, str, str, Kind | None], list[IncidentAnswer]] = {}
    for i in incidents:
        said = words.rule_title(lang, rules.get(i.rule, {})) or lang.text(words.SHOWN[i.severity])
        alike.setdefault((i.severity, i.site, said, _kind(core, i)), []).append(i)
    found = []
    for (_, _, said, kind), group in alike.items():
        n = len({name for i in group for name in i.devices})
        whose = _whose(lang, kind, n)
        found.append(
            Wrong(
                group[0].severity, group[0].site, group[0].site_name, words.capital(f"{whose}: {said}"),
                min(i.opened_at for i in group), all(i.state == "recovering" for i in group),
            )
        )  # fmt: skip
    return found


def _kind(core: Core, incident: IncidentAnswer) -> Kind | None:
    """The one kind of its devices; None where there are several."""
    kinds = {v.device.kind for n in incident.devices if (v := core.device_view(n)) is not None}
    return kinds.pop() if len(kinds) == 1 else None


def _whose(lang: Language, kind: Kind | None, n: int) -> str:
    if kind is None:
        return lang.text(_MIXED, num=lang.number(n))
    word = lang.text(words.KIND[kind])
    return word if n == 1 else lang.text(_MANY, kind=word, num=lang.number(n))


def _file(name: str, media: str) -> Route:
    content = (STATIC / name).read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media)

    return Route(f"/{name}", answer)


ROUTES = (
    Route("/", page),
    _file("app.css", "text/css"),
    _file("icon.svg", "image/svg+xml"),
)
