"""HTTP as a camera's small server has it: requests, replies, and how a reply may come over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.onvif.events import Subscription

WORDS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Manner(Enum):
    """How a reply comes."""

    WHOLE = "whole"
    HALF = "half"  # then the end, though more was announced
    RESET = "reset"  # half, then the connection is reset
    DRIP = "drip"  # some bytes, and some more later
    ENDLESS = "endless"  # its body, again and again


@dataclass(frozen=True, slots=True)
class Request:
    """`path` with its query; names of headers in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """`after_s` is real time. `hold`: an open question that events answer earlier; `make` gives the reply then."""

    status: int
    body: bytes = b""
    type: str = "text/plain"
    headers: tuple[str, ...] = field(default=())
    after_s: float = 0.0
    manner: Manner = Manner.WHOLE
    hold: Subscription | None = None
    make: Callable[[], Reply] | None = None

    def head(self, *, keep: bool) -> bytes:
        """Status line and headers."""
        length = 10**9 if self.manner is Manner.ENDLESS else len(self.body)
        lines = [
            f"HTTP/1.1 {self.status} {WORDS[self.status]}",
            "Server: webs",
            f"Content-Type: {self.type}",
            f"Content-Length: {length}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *self.headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


MOST_HEADER, MOST_BODY = 16_384, 131_072


def take(buffer: bytearray) -> Request | None:
    """The next whole request out of `buffer`, or None until more came; raises ValueError for what is none."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MOST_HEADER:
            raise ValueError("header too long")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, path, version = first.split(" ")
    if not version.startswith(("HTTP/1.", "RTSP/1.")):
        raise ValueError(version)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length") or 0)
    if not 0 <= length <= MOST_BODY or "transfer-encoding" in headers:
        raise ValueError("body too long, or of unknown length")
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return Request(method, path, headers, body)
