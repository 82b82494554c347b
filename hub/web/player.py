"""Purposes `player` and `led`: what a board takes, and says, through the outside door.

A player is a page on a screen that goes on by itself; an LED controller fetches one frame at a time.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from devices.device import Kind
from devices.lifecycle import Lifecycle
from devices.notice import Level
from drivers import led, player
from drivers.errors import BadPayload
from hub.views import Refused
from hub.web.language import wanted
from hub.web.pages import draw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from devices.device import Device
    from devices.notice import Item, Playlist
    from hub.notices.visits import Visits
    from hub.views import Core

FILES = Path(__file__).parent / "static" / "player"
NAMES = ("player.js", "rules.js", "store.js", "player.css", "sw.js")
PING_S = 10.0
STREAMS = 3
"""Streams open at a time on one link: a screen, one that is just taking over, somebody who looks."""
POLICY = "; script-src 'self'; connect-src 'self'; worker-src 'self'"


def _board(request: Request, *drivers: str) -> Device | None:
    """The board that this link is about; None where it is none any more, or is not driven so."""
    core: Core = request.scope["core"]
    found = core.device_view(request.scope["link"].subject)
    if found is None or found.device.kind is not Kind.SIGNBOARD or found.lifecycle is Lifecycle.RETIRED:
        return None
    return found.device if not drivers or found.device.driver in drivers else None


def _visits(request: Request) -> Visits:
    visits: Visits = request.scope["core"].visits
    return visits


async def page(request: Request) -> Response:
    """The player. Everything is fetched relative to this page, so its address ends with a slash."""
    board, core = _board(request, "player"), request.scope["core"]
    if board is None:
        return Response(status_code=404)
    if not request.scope["raw_path"].endswith(b"/"):
        return RedirectResponse(f"{request.scope['at']}/", 307)
    lang = wanted(request)
    return HTMLResponse(draw("player.html", core, lang, board=board, version=core.hub().version))


async def file(request: Request) -> Response:
    """A file of the player's own."""
    return FileResponse(FILES / request.url.path.rpartition("/")[2])


async def playlist(request: Request) -> Response:
    """What the board should show. Who `have`s it gets its id, the hub's time, and what emergencies have left."""
    board = _board(request, "player")
    if board is None:
        return Response(status_code=404)
    made, now = _visits(request).playlist(board.name), _visits(request).now() // 1000
    if made is None or made.id == request.query_params.get("have"):
        left = {i.id: max(0, i.windows[-1][1] - now) for i in _emergencies(made)}
        said = {"id": made.id if made is not None else "", "now": now, "left": left}
        return Response(json.dumps(said), media_type="application/json")
    return Response(_visits(request).payload(made), media_type="application/json")


def _emergencies(made: Playlist | None) -> list[Item]:
    return [i for i in made.items if i.level is Level.EMERGENCY] if made is not None else []


async def frame(request: Request) -> Response:
    """A frame by its hash: of this board's playlist only."""
    board, found = _board(request), request.path_params["hash"]
    made = _visits(request).playlist(board.name) if board is not None else None
    png = _visits(request).frame(found) if made is not None and found in made.frames else None
    return Response(png, media_type="image/png") if png is not None else Response(status_code=404)


async def said(request: Request) -> Response:
    """Receipts and readings. 204: stored; 409: another screen speaks; 422: it will never be taken; 503: not now."""
    board = _board(request, "player")
    if board is None:
        return Response(status_code=404)
    try:
        told = player.read(await request.body())
        if not _visits(request).speaks(board.name, told.screen):
            return Response(status_code=409)
        await _visits(request).said(board.name, told.messages)
    except BadPayload as e:
        return Response(e.reason, 422)
    except Refused:
        return Response(status_code=503, headers={"retry-after": "10"})
    return Response(status_code=204)


async def events(request: Request) -> Response:
    """A stream: event `playlist` whenever it may be another one, `ping` every 10 s. It ends with the link."""
    board = _board(request, "player")
    if board is None:
        return Response(status_code=404)
    if _visits(request).watching(board.name) >= STREAMS:
        return Response(status_code=429, headers={"retry-after": "30"})
    request.scope["lasting"] = True  # the door's server cuts what lasts too long, unless it is said to
    return StreamingResponse(_told(request, board.name), media_type="text/event-stream")


def _works(core: Core, number: int) -> bool:
    link = core.links.get(number)
    return link is not None and link.state(core.now()) == "works"


async def _told(request: Request, board: str) -> AsyncIterator[str]:
    core, visits, number = request.scope["core"], _visits(request), request.scope["link"].id
    event = visits.watch(board)
    known, doors = None, visits.doors
    try:
        while doors == visits.doors and _works(core, number):
            made = visits.playlist(board)
            asked = made.id if made is not None else ""
            yield f"event: {'ping' if asked == known else 'playlist'}\ndata: {asked}\n\n"
            known = asked
            event.clear()
            try:
                async with asyncio.timeout(PING_S):
                    await event.wait()
            except TimeoutError:
                continue
    finally:
        visits.leave(board, event)


# --- LED controllers ------------------------------------------------------------------------------------------


async def standing(request: Request) -> Response:
    """The frame that is to stand now, as PNG or as bits, with its hash as ETag and when to come again."""
    board = _board(request, "led")
    if board is None:
        return Response(status_code=404)
    visits = _visits(request)
    made = visits.playlist(board.name)
    now = led.standing(made, visits.now() / 1000) if made is not None else None
    with suppress(Refused):  # the frame matters more than that its fetching is stored
        await visits.fetched(board.name, now.item if now is not None else "", now.frame.hash if now else "")
    if now is None:
        return Response(status_code=204, headers={"retry-after": "10"})
    head = {
        "etag": f'"{now.frame.hash}"',
        "x-seconds": f"{min(now.seconds, 60):.1f}",
        "x-item": now.item,
    }
    if request.headers.get("if-none-match") == head["etag"]:
        return Response(status_code=304, headers=head)
    png = visits.frame(now.frame.hash)
    if png is None:
        return Response(status_code=503, headers={"retry-after": "5"})
    if request.url.path.endswith(".bin"):
        data = await asyncio.to_thread(led.bits, png, board.profile.rpartition("-")[2])
        return Response(data, media_type="application/octet-stream", headers=head)
    return Response(png, media_type="image/png", headers=head)


PLAYER = (
    Route("/", page),
    *(Route(f"/{name}", file) for name in NAMES),
    Route("/playlist", playlist),
    Route("/frames/{hash}.png", frame),
    Route("/events", events),
    Route("/said", said, methods=["POST"]),
)
LED = (Route("/frame.png", standing), Route("/frame.bin", standing), Route("/frames/{hash}.png", frame))
