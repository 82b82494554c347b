"""Cameras that answer a search on the hub's own network, and the way to register one of them."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from hub.views import Refused
from hub.web.answers import Answer, ProblemAnswer
from hub.web.pages import CoreDep, ReaderDep

router = APIRouter(tags=["cameras"])


class Search(BaseModel):
    """For how long, and whom: everybody who hears a multicast, or one host."""

    seconds: Annotated[float, Field(ge=1, le=10)] = 4.0
    host: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9.:-]*$")] = ""


class NeighbourAnswer(Answer):
    """A camera that answered."""

    address: str
    """Its device service; empty where it named only foreign addresses."""
    host: str
    name: str
    hardware: str
    location: str
    registered: str
    """The device that is asked there already."""


@router.get("/api/neighbours", responses={409: {"model": ProblemAnswer}})
async def find_by_api(core: CoreDep, said: Annotated[Search, Query()]) -> list[NeighbourAnswer]:
    """Who answers a WS-Discovery search, and which of them are registered."""
    return [NeighbourAnswer(**n._asdict()) for n in await core.cameras.find(said.seconds, said.host)]


@router.get("/registry/find", include_in_schema=False)
async def page(reader: ReaderDep, said: Annotated[Search, Query()], go: bool = False) -> Response:
    """The page; it searches where the button was pressed."""
    error: Refused | None = None
    found: list[NeighbourAnswer] = []
    if go:
        try:
            found = await find_by_api(reader.core, said)
        except Refused as e:
            error = e
    new = [(n, _link(n) if n.address else "") for n in found if not n.registered]
    known = [n for n in found if n.registered]
    return reader.page("find.html", new=new, known=known, said=said, searched=go, error=error)


def _link(n: NeighbourAnswer) -> str:
    title = " ".join(w for w in (n.name, n.location) if w)
    query = {"kind": "camera", "driver": "onvif", "address": n.address, "title": title}
    return f"/registry/new?{urlencode(query)}"
