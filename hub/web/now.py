"""Tình hình: the whole district in one sentence, its open incidents, its kinds of device, its villages."""

from functools import lru_cache

from fastapi import APIRouter
from starlette.responses import Response

from devices.health import Shown
from hub.views import Changed, Core, Overview
from hub.web import words
from hub.web.answers import Answer, Counts, IncidentAnswer, Ms, SiteAnswer
from hub.web.language import Language, language, mark
from hub.web.pages import CoreDep, Fragments, ReaderDep, draw, plain

router = APIRouter(tags=["now"])

DAY_MS = 86_400_000
CARDS = 8
"""Incidents shown on this page; the rest is one link away."""


class OverviewAnswer(Answer):
    """The whole district now."""

    now: Ms
    caught_up: bool
    """False while the hub reads what it missed: what is shown may be old."""
    counts: Counts
    recording: tuple[int, int, int]
    """Of the cameras that are asked: how many record, do not, and cannot tell."""
    pending: int
    """Devices that wait for approval."""
    incidents: list[IncidentAnswer]
    """Those not closed, worst first."""
    sites: list[SiteAnswer]
    """Those that hold devices, worst first."""

    @classmethod
    def of(cls, view: Overview, pending: int) -> "OverviewAnswer":
        return cls.model_construct(
            now=view.now,
            caught_up=view.caught_up,
            counts=view.counts,
            recording=(view.recording.yes, view.recording.no, view.recording.unknown),
            pending=pending,
            incidents=[IncidentAnswer.of(i) for i in view.incidents],
            sites=[SiteAnswer.of(s) for s in view.sites],
        )


def read(core: Core) -> OverviewAnswer:
    """The page and its JSON twin."""
    return OverviewAnswer.of(core.overview(), len(core.pending()))


async def fragments(core: Core, lang: Language, _key: str = "") -> Fragments:
    """The parts that stream: each tile is one, so that a change costs a tile and not a district."""
    answer = read(core)
    about = {"answer": answer, "sentence": sentence(lang, answer), "cards": CARDS, "sun": sun(core, answer)}
    parts = {
        f"now-{part}": draw(f"parts/now_{part}.html", core, lang, **about)
        for part in ("head", "incidents", "kinds")
    }
    return parts | tiles(lang, answer.sites)


def touches(_core: Core, _changed: Changed, _key: str) -> bool:
    """Everything shows here."""
    return True


def sentence(lang: Language, answer: OverviewAnswer) -> str:
    """`4 sự cố · 31 thiết bị mất liên lạc`; or that all is well."""
    sums = words.totals(answer.counts)
    parts = []
    if answer.incidents:
        parts.append(lang.count("%(num)s incident", "%(num)s incidents", len(answer.incidents)))
    for state, one, many in (
        (Shown.FAULTY, mark("%(num)s device faulty"), mark("%(num)s devices faulty")),
        (Shown.OFFLINE, mark("%(num)s device offline"), mark("%(num)s devices offline")),
        (Shown.UNSTABLE, mark("%(num)s device unstable"), mark("%(num)s devices unstable")),
        (Shown.DEGRADED, mark("%(num)s device degraded"), mark("%(num)s devices degraded")),
        (Shown.UNKNOWN, mark("%(num)s device unknown"), mark("%(num)s devices unknown")),
    ):
        if sums[state] and len(parts) < 3:  # noqa: PLR2004 - a sentence, not a list
            parts.append(lang.count(one, many, sums[state]))
    if parts:
        return " · ".join(parts)
    if sums[Shown.OK]:
        return lang.text("All devices are working")
    return lang.text("No device has reported yet")


def sun(core: Core, answer: OverviewAnswer) -> tuple[bool, int] | None:
    """What the sun does next over the first site: (does it set, when)."""
    site = core.site(answer.sites[0].slug) if answer.sites else None
    if site is None or site.sunset is None or site.sunrise is None:
        return None
    down, up = ((at - answer.now) % DAY_MS + answer.now for at in (site.sunset, site.sunrise))
    return (True, down) if down < up else (False, up)


def tiles(lang: Language, sites: list[SiteAnswer]) -> Fragments:
    """One fragment a site. Few of many change at a time, so those drawn before are kept."""
    drawn = {}
    for site in sites:
        sums = tuple((state, count) for state, count in words.totals(site.counts).items() if count)
        drawn[f"tile-{site.slug}"] = _tile(lang.code, site.slug, site.name, site.worst, sums)
    return drawn


@lru_cache(maxsize=4096)
def _tile(code: str, slug: str, name: str, worst: Shown, sums: tuple[tuple[Shown, int], ...]) -> str:
    about = {"slug": slug, "name": name, "worst": worst, "sums": dict(sums), "total": sum(n for _, n in sums)}
    return plain("parts/tile.html", language(code), **about)


@router.get("/", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    """The page."""
    parts = await fragments(reader.core, reader.lang)
    return reader.page("now.html", live="now", fragments=parts)


@router.get("/api/overview")
async def overview(core: CoreDep) -> OverviewAnswer:
    """The whole district now: open incidents worst first, sites worst first, devices by kind and state."""
    return read(core)
