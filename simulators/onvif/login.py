"""A camera's gate: WS-UsernameToken and HTTP Digest, checked with its own clock, and nothing taken twice."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.onvif.maker import Maker
    from simulators.onvif.soap import Ask

NONCE_S = 300.0
"""So long a camera takes digests with a nonce of its own."""
REMEMBERED = 64
"""Nonces that a camera remembers, the newest; it is a small machine."""
_DIGEST_TYPE = "#PasswordDigest"
_PART = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class Gate:
    """Who may come in. `now` is always the camera's own time, in seconds since 1970."""

    __slots__ = ("_given", "_maker", "_seen", "_user", "realm")

    def __init__(self, user: str, maker: Maker, realm: str) -> None:
        self._user = user
        self._maker = maker
        self.realm = realm
        self._seen: OrderedDict[str, None] = OrderedDict()  # nonces of tokens
        self._given: OrderedDict[str, list[float]] = OrderedDict()  # our nonces: [since, highest count]

    def token(self, ask: Ask, password: str, now: float) -> bool:
        """Whether a request's WS-UsernameToken is right, fresh and new."""
        created, nonce = ask.value("Created"), ask.value("Nonce")
        if not ask.attribute("Password", "Type").endswith(_DIGEST_TYPE) or not nonce:
            return False
        try:
            raw = base64.b64decode(nonce, validate=True)
        except binascii.Error:
            return False
        sha = hashlib.sha1(raw + created.encode() + password.encode(), usedforsecurity=False)
        right = base64.b64encode(sha.digest()).decode()
        if not _same(ask.value("Username"), self._user) or not _same(ask.value("Password"), right):
            return False
        at = _moment(created)
        if at is None or (self._maker.window_s is not None and abs(at - now) > self._maker.window_s):
            return False
        if nonce in self._seen:
            return False
        self._seen[nonce] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def challenge(self, now: float, *, stale: bool = False) -> str:
        """The value of a WWW-Authenticate header, with a new nonce."""
        nonce = secrets.token_hex(16)
        self._given[nonce] = [now, 0]
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        return (
            f'Digest realm="{self.realm}", qop="auth", nonce="{nonce}", algorithm=MD5, '
            f'stale="{"TRUE" if stale else "FALSE"}"'
        )

    def digest(self, header: str, method: str, password: str, now: float) -> tuple[bool, bool]:
        """Whether an Authorization header is right; else whether only its nonce is too old, used up or unknown."""
        kind, _, rest = header.partition(" ")
        if kind.lower() != "digest":
            return False, False
        said = {key.lower(): quoted or bare for key, quoted, bare in _PART.findall(rest)}
        if not _same(said.get("username", ""), self._user):
            return False, False
        one = _md5(f"{self._user}:{self.realm}:{password}")
        two = _md5(f"{method}:{said.get('uri', '')}")
        nonce, count = said.get("nonce", ""), said.get("nc", "")
        middle = f"{nonce}:{count}:{said.get('cnonce', '')}:{said['qop']}" if "qop" in said else nonce
        if not _same(said.get("response", ""), _md5(f"{one}:{middle}:{two}")):
            return False, False
        given = self._given.get(nonce)
        if given is None or not 0 <= now - given[0] <= NONCE_S:
            return False, True
        number = int(count, 16) if re.fullmatch("[0-9a-fA-F]{8}", count) else 1
        if number <= given[1]:
            return False, True  # replayed
        given[1] = number
        return True, False

    def basic(self, header: str, password: str) -> bool:
        """Whether an Authorization header brings name and password as they are."""
        right = base64.b64encode(f"{self._user}:{password}".encode()).decode()
        return _same(header, f"Basic {right}")


def _same(said: str, right: str) -> bool:
    return hmac.compare_digest(said.encode(), right.encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _moment(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
