"""HTTP's and RTSP's logins: Digest (RFC 7616, with what is left of RFC 2069) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PARAM = re.compile(r'([A-Za-z][\w-]{0,20})\s*=\s*(?:"((?:[^"\\]|\\.){0,500})"|([^\s,"]{0,500}))')
_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)(?=\s|,|$)", re.IGNORECASE)
_HEADER = 4000


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # what cameras ask for


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_HASHES: dict[str, Callable[[str], str]] = {"md5": _md5, "sha-256": _sha256}


class Challenge:
    """A server's wish for Digest. One instance a nonce: it counts the uses."""

    def __init__(self, params: dict[str, str]) -> None:
        self.realm = params.get("realm", "")
        self.nonce = params.get("nonce", "")
        self.stale = params.get("stale", "").lower() == "true"
        self._opaque = params.get("opaque")
        self._algorithm = params.get("algorithm", "")
        name = (self._algorithm or "MD5").lower()
        self._session = name.endswith("-sess")
        self._hash = _HASHES.get(name.removesuffix("-sess"))
        qop = [q.strip().lower() for q in params.get("qop", "").split(",") if q.strip()]
        self._qop = "auth" if "auth" in qop else ""
        self.usable = bool(self.nonce) and self._hash is not None and (not qop or bool(self._qop))
        self.strong = name.startswith("sha-256")
        self._count = 0

    def answer(self, method: str, uri: str, user: str, password: str) -> str:
        """The value of the header Authorization for one request."""
        hashed = self._hash or _md5
        self._count += 1
        count, mine = f"{self._count:08x}", secrets.token_hex(8)
        first = hashed(f"{user}:{self.realm}:{password}")
        if self._session:
            first = hashed(f"{first}:{self.nonce}:{mine}")
        second = hashed(f"{method}:{uri}")
        middle = f"{self.nonce}:{count}:{mine}:{self._qop}" if self._qop else self.nonce
        fields = {
            "username": user,
            "realm": self.realm,
            "nonce": self.nonce,
            "uri": uri,
            "response": hashed(f"{first}:{middle}:{second}"),
        }
        if self._opaque is not None:
            fields["opaque"] = self._opaque
        text = ", ".join(f'{k}="{_escaped(v)}"' for k, v in fields.items())
        if self._algorithm:
            text += f", algorithm={self._algorithm}"
        if self._qop or self._session:
            text += f', cnonce="{mine}"'
        if self._qop:
            text += f", qop={self._qop}, nc={count}"
        return f"Digest {text}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def read(headers: Iterable[str]) -> tuple[Challenge | None, bool]:
    """What the values of WWW-Authenticate offer: the strongest usable Digest, and whether Basic is offered."""
    best: Challenge | None = None
    basic = False
    for header in headers:
        found = list(_SCHEME.finditer(header[:_HEADER]))
        ends = [m.start() for m in found[1:]] + [_HEADER]
        for here, end in zip(found, ends, strict=False):
            if here[1].lower() == "basic":
                basic = True
                continue
            params = _PARAM.finditer(header[here.end() : end])
            challenge = Challenge({m[1].lower(): _value(m) for m in params})
            if challenge.usable and (best is None or (challenge.strong and not best.strong)):
                best = challenge
    return best, basic


def _value(match: re.Match[str]) -> str:
    return match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])


def basic(user: str, password: str) -> str:
    """The value of the header Authorization for Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
