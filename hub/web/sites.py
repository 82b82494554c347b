"""Sites: a village or a larger unit, what is open there, and its devices."""

from fastapi import APIRouter
from starlette.responses import Response

from devices.device import Kind
from hub.views import Changed, Core, DeviceQuery
from hub.web import curve, programs, words
from hub.web.answers import Answer, DeviceAnswer, IncidentAnswer, Ms, SiteAnswer, devices_of, names_of
from hub.web.language import Language
from hub.web.now import tiles
from hub.web.pages import CoreDep, Fragments, Missing, ReaderDep, draw

router = APIRouter(tags=["sites"])

CARDS = 6
VILLAGE, LARGER = 200, 50
"""Most devices drawn for a village, and for a unit that has villages."""


class SitePageAnswer(Answer):
    """One site, what is open there, and its devices."""

    now: Ms
    site: SiteAnswer
    below: list[SiteAnswer]
    incidents: list[IncidentAnswer]
    devices: list[DeviceAnswer]
    """Of a village all (at most 200), of a larger unit those that do not work (at most 50), worst first."""


def read(core: Core, slug: str) -> SitePageAnswer:
    """The page and its JSON twin. Raises Missing."""
    site = core.site(slug)
    if site is None:
        raise Missing("unknown_site")
    below = core.sites_below(slug)
    names = names_of(core)
    views = core.devices(DeviceQuery(site=slug, size=LARGER if below else VILLAGE)).devices
    if below:
        views = tuple(v for v in views if v.shown in words.BAD)
    return SitePageAnswer.model_construct(
        now=core.now(),
        site=SiteAnswer.of(site),
        below=[SiteAnswer.of(s) for s in below],
        incidents=_incidents(core, slug),
        devices=devices_of(views, names),
    )


async def fragments(core: Core, lang: Language, key: str) -> Fragments:
    """The parts that stream."""
    answer = read(core, key)
    said = words.stated(lang, words.totals(answer.site.counts))
    about = {"answer": answer, "sentence": " · ".join(said), "cards": CARDS}
    parts = ["head", "incidents", "kinds"] + (["devices"] if answer.below else [])
    drawn = {f"site-{part}": draw(f"parts/site_{part}.html", core, lang, **about) for part in parts}
    if answer.below:
        return drawn | tiles(lang, answer.below)
    return drawn | {
        f"device-{d.name}": draw("parts/device_tile.html", core, lang, device=d) for d in answer.devices
    }


def touches(core: Core, changed: Changed, key: str) -> bool:
    """True where the site changed, or one below it."""
    return changed.all or any(_inside(core, slug, key) for slug in changed.sites)


def _incidents(core: Core, slug: str) -> list[IncidentAnswer]:
    open_now = core.overview().incidents
    inside = {site for site in {i.site for i in open_now} if _inside(core, site, slug)}
    return [IncidentAnswer.of(i) for i in open_now if i.site in inside]


def _inside(core: Core, slug: str, within: str) -> bool:
    if slug == within:
        return True
    site = core.site(slug)
    return site is not None and any(up == within for up, _ in site.path)


@router.get("/sites/{slug}", include_in_schema=False)
async def page(reader: ReaderDep, slug: str) -> Response:
    """The page."""
    parts = await fragments(reader.core, reader.lang, slug)
    answer = read(reader.core, slug)
    return reader.page(
        "site.html",
        live=f"site:{slug}",
        fragments=parts,
        answer=answer,
        by_kind=by_kind(answer),
        curve=curve,
        lights=programs.about_lights(reader.core, slug) if Kind.SOLAR_LIGHT in answer.site.counts else None,
    )


def by_kind(answer: SitePageAnswer) -> list[tuple[str, list[str]]]:
    """Kind -> names of its devices, in the order of the kinds."""
    found: dict[str, list[str]] = {}
    for kind in answer.site.counts:
        names = [d.name for d in answer.devices if d.kind == kind]
        if names:
            found[kind] = names
    return list(found.items())


@router.get("/api/sites/{slug}")
async def site(core: CoreDep, slug: str) -> SitePageAnswer:
    """One site with everything below it."""
    return read(core, slug)
