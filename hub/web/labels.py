"""Nhãn: a sheet of labels to print on A4, each with a QR code that a device's app can read (docs/mqtt.md)."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Query
from markupsafe import Markup
from pydantic import BaseModel, Field
from starlette.responses import Response

from hub.web.pages import Missing, ReaderDep

router = APIRouter(tags=["devices"])


class Wanted(BaseModel):
    """Whose labels: named devices (with commas between), or all at a site and below. At most 500."""

    devices: Annotated[str, Field(max_length=25_000)] = ""
    site: Annotated[str, Field(max_length=60)] = ""

    @property
    def names(self) -> list[str]:
        """The named devices."""
        return [name for name in (part.strip() for part in self.devices.split(",")) if name]


def drawn(text: str, *, scale: int = 0) -> Markup:
    """A QR code as SVG, black on white whatever the theme, with the quiet zone that readers need.

    `scale`: pixels a module; without it the page says how large it is.
    """
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(scale=scale or 1, border=4, light="#fff", omitsize=not scale)
    return Markup(svg)  # noqa: S704 - lines only: the text is not in it


@router.get("/labels", include_in_schema=False)
async def page(reader: ReaderDep, wanted: Annotated[Wanted, Query()]) -> Response:
    """The sheet. Passwords stand on it where they were made just now."""
    labels = await reader.core.enrolment.labels(wanted.names, wanted.site)
    if not labels:
        raise Missing("unknown_device")
    response = reader.page(
        "labels.html", labels=[(label, drawn(label.code)) for label in labels], wanted=wanted,
        secret=[label.name for label in labels if label.password],
    )  # fmt: skip
    response.headers["cache-control"] = "no-store"
    return response


@router.post("/labels/printed", include_in_schema=False)
async def printed(reader: ReaderDep, wanted: Annotated[Wanted, Form()]) -> Response:
    """They were printed: the passwords are forgotten."""
    await reader.core.enrolment.printed(wanted.names, reader.by)
    return reader.go(f"/labels?devices={','.join(wanted.names)}" if wanted.names else "/devices")
