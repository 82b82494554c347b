"""What a camera's SOAP reply means: an answer, a fault, or a refused login, however its maker says it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.login import in_words
from drivers.onvif.wsdl import child, local, parse

if TYPE_CHECKING:
    from lxml import etree

    from drivers.onvif.http import Reply

_AUTH = re.compile(
    r"not\s?authori[sz]ed|unauthori[sz]ed|authori[sz]ation|authenticat|FailedCheck|InvalidSecurity|"
    r"username or password|authority failure|wsse|accessdenied|access denied",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(
    r"ActionNotSupported|not supported|not implemented|NoSuchService|InvalidService|unknown action",
    re.IGNORECASE,
)
_NOT_FOUND = (404, 405, 410, 501)


class Refused(Exception):  # noqa: N818 - what happened
    """A login was not accepted. `status` of HTTP, the camera's own words, and what it asks for.

    `said`: its words without SOAP's codes.
    """

    def __init__(self, status: int, words: str, challenges: list[str], said: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.words, self.said = words, said or words
        self.challenges = challenges


class UnexplainedError(CameraError):
    """An HTTP error without a fault: it may be a refused login, and may be anything."""


class _Fault(NamedTuple):
    codes: str
    reason: str


def body_of(reply: Reply, what: str, secret: str) -> etree._Element:
    """The Body of an answer. Raises Refused for a refused login, else CameraError.

    A refusal comes as HTTP 401 or 403, or as a fault with HTTP 200, 400, 401 or 500: the fault's words decide, not
    the status. `secret` is taken out of whatever the camera said.
    """
    body, problem = _envelope(reply)
    fault = _fault(body) if body is not None else None
    words = quoted(" ".join(fault) if fault else "", secret)
    said = quoted(fault.reason if fault else "", secret)
    if reply.status in (401, 403, 407) or (fault and _AUTH.search(" ".join(fault))):
        asks = reply.values("www-authenticate")
        raise Refused(reply.status, words or plain(reply, secret), asks, said)
    if fault:
        if _UNSUPPORTED.search(" ".join(fault)):
            raise CameraError(Code.NO_SUCH_SERVICE, f"{what} is not offered: {words}", permanent=True)
        told = in_words(words, said)
        raise (
            told
            if told and told.code is Code.LOGIN_FULL
            else CameraError(Code.FAILED, f"{what} failed: {words}")
        )
    if reply.status == 503:  # noqa: PLR2004 - HTTP's own number
        said = plain(reply, secret)
        busy = f"the camera is busy or full (HTTP 503) {said}".rstrip()
        raise in_words(said) or CameraError(Code.BUSY, busy, evidence="busyUnsaid", words=said)
    if reply.status in _NOT_FOUND:
        raise CameraError(Code.NO_SUCH_SERVICE, f"{what}: HTTP {reply.status} at its address", permanent=True)
    if reply.status != 200:  # noqa: PLR2004 - HTTP's own number
        raise UnexplainedError(Code.FAILED, f"{what}: HTTP {reply.status} without a reason")
    if body is None:
        raise problem or CameraError(Code.NOT_ONVIF, "an empty answer")
    return body


def plain(reply: Reply, secret: str) -> str:
    """The words of an answer that is not SOAP: a page without its tags."""
    text = reply.body[:4000].decode("utf-8", "replace")
    return quoted(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL), secret)


def _envelope(reply: Reply) -> tuple[etree._Element | None, CameraError | None]:
    if not reply.body.strip():
        return None, None
    start = reply.body[:500].lstrip().lower()
    if "html" in reply.header("content-type") or start.startswith((b"<!doctype html", b"<html")):
        return None, CameraError(Code.NOT_ONVIF, "a web page answers there, not ONVIF")
    try:
        root = parse(reply.body)
    except CameraError as e:
        return None, e
    body = child(root, "Body")
    if local(root) != "Envelope" or body is None:
        return None, CameraError(Code.GARBLED, "the answer is XML, but no SOAP envelope")
    return body, None


def _fault(body: etree._Element) -> _Fault | None:
    """SOAP 1.2's fault, or 1.1's, in whatever namespace."""
    fault = next((e for e in body if local(e) == "Fault"), None)
    if fault is None:
        return None
    codes = [
        (e.text or "").rpartition(":")[2].strip() for e in fault.iter() if local(e) in ("Value", "faultcode")
    ]
    reasons = [(e.text or "").strip() for e in fault.iter() if local(e) in ("Text", "faultstring")]
    return _Fault(" ".join(codes), " ".join(reasons))
