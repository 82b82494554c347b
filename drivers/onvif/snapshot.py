"""Fetching a JPEG from a camera's snapshot address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.onvif import digest, soap
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.http import PICTURE_CAP, uri_of
from drivers.onvif.login import in_words

if TYPE_CHECKING:
    from drivers.onvif.http import Http, Reply
    from drivers.onvif.login import Login
    from drivers.onvif.target import Target

_TAIL = 8192
_UNAUTHORIZED = 401


async def fetch(http: Http, url: str, target: Target, login: Login, seconds: float) -> tuple[bytes, bool]:
    """The JPEG, and whether it came without a login. Raises CameraError.

    The address is asked without a login first, or with the answer to the last challenge; then once with a login.
    A login that was refused is not shown again until `Login.forgive`.
    """
    if login.picture_final:
        raise login.picture_final
    shown = login.picture_challenge is not None or login.picture_basic

    def make(address: str) -> tuple[dict[str, str], bytes]:
        headers = {"Accept": "image/jpeg"}
        if login.picture_challenge:
            answer = login.picture_challenge.answer
            headers["Authorization"] = answer("GET", uri_of(address), target.username, target.password)
        elif login.picture_basic:
            headers["Authorization"] = digest.basic(target.username, target.password)
        return headers, b""

    reply = await http.ask("GET", url, make, cap=PICTURE_CAP, seconds=seconds)
    if reply.status == _UNAUTHORIZED and target.username:
        if login.final:
            raise login.final
        if _learn(reply, login):
            shown = True
            reply = await http.ask("GET", url, make, cap=PICTURE_CAP, seconds=seconds)
    _status(reply, login, target.password)
    check(reply.body, reply.header("content-type"))
    if shown:
        login.picture_accepted()
    return reply.body, not shown


def _learn(reply: Reply, login: Login) -> bool:
    """Note what the camera asks for; whether that is worth a second try."""
    known, shown_basic = login.picture_challenge, login.picture_basic
    challenge, basic = digest.read(reply.values("www-authenticate"))
    login.picture_challenge, login.picture_basic = challenge, False
    if challenge:
        return known is None or challenge.nonce != known.nonce
    if not basic or shown_basic:
        return False
    if not login.plain_allowed:
        raise CameraError(
            Code.LOGIN_PLAIN,
            "the snapshot wants the password unencrypted, which is not allowed for this camera",
            permanent=True,
        )
    login.picture_basic = True
    return True


def _status(reply: Reply, login: Login, password: str) -> None:
    match reply.status:
        case 200:
            return
        case 401 | 403:
            raise login.explain_picture(soap.plain(reply, password), reply.status)
        case 404 | 405 | 410 | 501:
            raise CameraError(Code.NO_SUCH_SERVICE, f"HTTP {reply.status} at the snapshot address")
        case 503:
            words = soap.plain(reply, password)
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
