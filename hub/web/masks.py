"""What nobody may see on a camera's pictures: drawn on one of them, painted over before any other is kept."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from hub.cameras import MASKS, Options
from hub.views import Refused
from hub.web.pages import Missing, Reader, ReaderDep

router = APIRouter(tags=["cameras"])

SHOWN = ("reference", "last")
Percent = Annotated[float, Field(ge=0, le=100)]
THIN = 1.0  # percent: what is thinner covers nothing


class Drawn(BaseModel):
    """A rectangle in percent of width and height; with `purge` the pictures kept so far go."""

    left: Percent = 0
    top: Percent = 0
    right: Percent = 0
    bottom: Percent = 0
    purge: bool = False


class Shape(NamedTuple):
    """A mask as the page shows it: corners for an SVG of 100 x 100, and the box around them, in percent."""

    points: str
    left: int
    top: int
    right: int
    bottom: int


def _shape(mask: tuple[tuple[float, float], ...]) -> Shape:
    xs, ys = [100 * x for x, _ in mask], [100 * y for _, y in mask]
    corners = list(zip(xs, ys, strict=True))
    if len(mask) == 2:  # noqa: PLR2004 - a rectangle
        (a, b), (c, d) = corners
        corners = [(a, b), (c, b), (c, d), (a, d)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return Shape(points, round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys)))


async def _page(reader: Reader, name: str, error: Refused | None = None) -> Response:
    device = reader.core.device_view(name)
    if device is None or not device.device.is_asked:
        raise Missing("unknown_device")
    if not reader.by.person:
        return reader.go(f"/who?back=/devices/{name}/masks")
    cameras = reader.core.cameras
    pictures = await cameras.pictures(name)
    found = {p.what: p for p in reversed(pictures)}
    return reader.page(
        "masks.html", status=409 if error else 200, name=name, device=device, error=error, most=MASKS,
        picture=next((found[what] for what in SHOWN if what in found), None), kept=len(pictures),
        shapes=[_shape(mask) for mask in cameras.options(name).masks],
    )  # fmt: skip


@router.get("/devices/{name}/masks", include_in_schema=False)
async def page(reader: ReaderDep, name: str) -> Response:
    """What is painted over, on the reference view or the last good picture; asks who looks."""
    return await _page(reader, name)


@router.post("/devices/{name}/masks", include_in_schema=False)
async def add(reader: ReaderDep, name: str, said: Annotated[Drawn, Form()]) -> Response:
    """One more rectangle."""
    cameras = reader.core.cameras
    try:
        before = cameras.options(name)
        masks = (*before.masks, _mask(said, len(before.masks)))
        await _set(reader, name, before.model_copy(update={"masks": masks}))
        if said.purge:
            await cameras.purge(name, reader.core.now(), reader.by)
    except Refused as error:
        return await _page(reader, name, error)
    return reader.go(f"/devices/{name}/masks")


def _mask(said: Drawn, there: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """What was drawn, from whichever corner. Raises Refused: thin_mask, many_masks."""
    (left, right), (top, bottom) = sorted((said.left, said.right)), sorted((said.top, said.bottom))
    if right - left < THIN or bottom - top < THIN:
        raise Refused("thin_mask")
    if there >= MASKS:
        raise Refused("many_masks", limit=MASKS)
    return (left / 100, top / 100), (right / 100, bottom / 100)


@router.post("/devices/{name}/masks/{index}/remove", include_in_schema=False)
async def remove(reader: ReaderDep, name: str, index: int) -> Response:
    """One rectangle less."""
    before = reader.core.cameras.options(name)
    masks = tuple(m for i, m in enumerate(before.masks) if i != index)
    try:
        await _set(reader, name, before.model_copy(update={"masks": masks}))
    except Refused as error:
        return await _page(reader, name, error)
    return reader.go(f"/devices/{name}/masks")


async def _set(reader: Reader, name: str, wanted: Options) -> None:
    await reader.core.cameras.set_options(name, wanted, reader.by)
