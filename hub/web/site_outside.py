"""Purpose `site`: what works in a village now, for everybody who has the link.

Only counts by kind, and incidents by what is wrong with which kind: a title that somebody typed may name a person, and
which camera is blind is nobody's business outside.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from devices.device import Kind
from devices.health import WORST_FIRST, Shown
from hub.web import sites, words
from hub.web.language import mark, wanted
from hub.web.pages import draw, nav_fragments

if TYPE_CHECKING:
    from starlette.requests import Request

    from hub.views import Core
    from hub.web.answers import IncidentAnswer, SiteAnswer
    from hub.web.language import Language

STATIC = Path(__file__).parent / "static"
CARDS = 20
"""Most incidents told."""

_MANY = mark("%(kind)s (%(num)s devices)")
_MIXED = mark("several devices (%(num)s)")


async def page(request: Request) -> Response:
    """The page; 404 where the site is no more."""
    core: Core = request.scope["core"]
    lang = wanted(request)
    if core.site(request.scope["link"].subject) is None:
        return Response(status_code=404)
    answer = sites.read(core, request.scope["link"].subject)
    counts = _counts(answer.site)
    sums = words.totals(counts)
    html = draw(
        "outside_site.html", core, lang, at=request.scope["at"], site=answer.site, counts=counts, sums=sums,
        worst=next((s for s in WORST_FIRST if sums[s]), Shown.UNKNOWN),
        incidents=[(i, sentence(core, lang, i)) for i in answer.incidents[:CARDS]],
        more=max(0, len(answer.incidents) - CARDS),
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


def sentence(core: Core, lang: Language, incident: IncidentAnswer) -> str:
    """`Đèn năng lượng mặt trời: đèn được bật mà không sáng`: which kind, and what is wrong by the rule's own text."""
    rules = {r.id: r.title for r in core.hub().rules}
    wrong = words.rule_title(lang, rules.get(incident.rule, {})) or lang.text(words.SHOWN[incident.severity])
    return words.capital(f"{_whose(core, lang, incident)}: {wrong}")


def _whose(core: Core, lang: Language, incident: IncidentAnswer) -> str:
    kinds = Counter(v.device.kind for n in incident.devices if (v := core.device_view(n)) is not None)
    if len(kinds) == 1:
        ((kind, n),) = kinds.items()
        word = lang.text(words.KIND[Kind(kind)])
        return word if n == 1 else lang.text(_MANY, kind=word, num=lang.number(n))
    return lang.text(_MIXED, num=lang.number(len(incident.devices)))


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
