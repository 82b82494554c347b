"""Fetching a JPEG from a camera's snapshot address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.onvif import soap
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.http import PICTURE_CAP, uri_of
from drivers.onvif.login import in_words

if TYPE_CHECKING:
    from drivers.onvif.http import Http, Reply, Room
    from drivers.onvif.login import Door

_TAIL = 8192
_UNAUTHORIZED = 401


async def fetch(
    http: Http, url: str, door: Door, secret: str, seconds: float, room: Room | None = None
) -> tuple[bytes, bool]:
    """The JPEG, and whether it came without a login; `room` as in Http.ask. Raises CameraError.

    The address is asked without a login first, or with the answer to the last challenge; then once with a login.
    A login that was refused is not shown again until `Login.forgive`.
    """
    door.closed()

    def make(address: str) -> tuple[dict[str, str], bytes]:
        return {"Accept": "image/jpeg", **door.answer("GET", uri_of(address))}, b""

    reply = await http.ask("GET", url, make, cap=PICTURE_CAP, seconds=seconds, room=room)
    if reply.status == _UNAUTHORIZED and door.learn(reply.values("www-authenticate")):
        reply = await http.ask("GET", url, make, cap=PICTURE_CAP, seconds=seconds, room=room)
    _status(reply, door, secret)
    check(reply.body, reply.header("content-type"))
    if door.shown:
        door.accepted()
    return reply.body, not door.shown


def _status(reply: Reply, door: Door, secret: str) -> None:
    match reply.status:
        case 200:
            return
        case 401 | 403:
            raise door.explain(soap.plain(reply, secret), reply.status)
        case 404 | 405 | 410 | 501:
            raise CameraError(Code.NO_SUCH_SERVICE, f"HTTP {reply.status} at the snapshot address")
        case 503:
            words = soap.plain(reply, secret)
            raise in_words(words) or CameraError(
                Code.BUSY, "the camera has no time for a snapshot (HTTP 503)"
            )
        case status:
            raise CameraError(Code.FAILED, f"HTTP {status} at the snapshot address")


def check(body: bytes, content_type: str) -> None:
    """Whether this is one whole JPEG by its first and last marker. Raises CameraError."""
    if not body.startswith(b"\xff\xd8\xff"):
        kind = quoted(content_type.partition(";")[0]) or "something unnamed"
        raise CameraError(Code.NOT_A_PICTURE, f"{kind} of {len(body):,} bytes came instead of a JPEG")
    if b"\xff\xd9" not in body[-_TAIL:]:
        raise CameraError(Code.GARBLED, f"the picture ends in the middle, after {len(body):,} bytes")
