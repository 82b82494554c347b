"""The map: villages of a larger unit, devices of a village, drawn here from their coordinates, without internet."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from devices.health import Shown
from hub.views import Core, DeviceQuery
from hub.web import atlas
from hub.web.answers import Answer, Ms
from hub.web.pages import CoreDep, Missing, ReaderDep

router = APIRouter(tags=["map"])

MOST = 5000
"""So many devices of one site are drawn at most, the worst first."""


class MarkAnswer(Answer):
    """One mark: a site or a device, or several that lie too near to each other."""

    x: float
    y: float
    """In a square of 400 x 400, from its upper left corner."""
    shown: Shown
    """The worst of its places."""
    names: list[str]
    title: str
    """Of one place; empty for several."""
    link: str


class MapAnswer(Answer):
    """A map."""

    now: Ms
    site: str
    box: str
    """What it shows: south,west,north,east in degrees; empty for everything."""
    marks: list[MarkAnswer]
    nowhere: int
    """Places without coordinates, which no map shows."""


def read(core: Core, site: str, box: str) -> tuple[MapAnswer, atlas.Drawing]:
    """The map and its JSON twin. Raises Missing."""
    places, nowhere = _places(core, site)
    wanted = atlas.Box.parse(box) if box else None
    if box and wanted is None:
        raise Missing("unknown_page")
    drawing = atlas.draw(places, wanted, tiles=True)
    marks = [_mark(m, site) for m in drawing.marks]
    return MapAnswer(now=core.now(), site=site, box=str(wanted or ""), marks=marks, nowhere=nowhere), drawing


def _mark(m: atlas.Mark, site: str) -> MarkAnswer:
    title = m.places[0].title if len(m.places) == 1 else ""
    return MarkAnswer(
        x=m.x, y=m.y, shown=m.shown, names=[p.name for p in m.places], title=title, link=_link(m, site)
    )


def _link(mark: atlas.Mark, site: str) -> str:
    if len(mark.places) == 1:
        return mark.places[0].link
    return "/map?" + urlencode({"site": site, "box": str(mark.box)} if site else {"box": str(mark.box)})


def _places(core: Core, site: str) -> tuple[list[atlas.Place], int]:
    found = core.site(site) if site else None
    if site and found is None:
        raise Missing("unknown_site")
    sites = (*core.overview().sites, *core.empty_places())
    inside = [s for s in sites if not site or s.slug == site or any(up == site for up, _ in s.path)]
    if site and len(inside) <= 1:
        return _devices(core, site)
    places = [
        atlas.Place(s.slug, s.name, s.lat, s.lon, s.worst, f"/sites/{s.slug}")
        for s in inside
        if s.lat is not None and s.lon is not None
    ]
    return places, len(inside) - len(places)


def _devices(core: Core, site: str) -> tuple[list[atlas.Place], int]:
    views = [
        v for v in core.devices(DeviceQuery(site=site, size=MOST)).devices if v.shown is not Shown.RETIRED
    ]
    places = []
    for v in views:
        d = v.device
        if d.lat is not None and d.lon is not None:
            title = d.title or d.name
            places.append(
                atlas.Place(d.name, title, d.lat, d.lon, v.shown, f"/devices/{d.name}", d.kind.value)
            )
    return places, len(views) - len(places)


_Site = Annotated[str, Query(max_length=80, description="a site; its villages, or the devices of a village")]
_Box = Annotated[str, Query(max_length=100, description="south,west,north,east in degrees")]


@router.get("/map", include_in_schema=False)
async def page(reader: ReaderDep, site: _Site = "", box: _Box = "") -> Response:
    """The page."""
    answer, drawing = read(reader.core, site, box)
    template: str = reader.request.app.state.tiles
    tiles = [(t, template.format(z=t.z, x=t.x, y=t.y)) for t in drawing.tiles] if template else []
    found = reader.core.site(site) if site else None
    return reader.page("map.html", answer=answer, drawing=drawing, tiles=tiles, site=found, size=atlas.SIZE)


@router.get("/api/map")
async def map_of(core: CoreDep, site: _Site = "", box: _Box = "") -> MapAnswer:
    """Marks of a map: the villages of a unit, or the devices of a village."""
    return read(core, site, box)[0]
