"""Links: addresses of the outside door that carry a token. In memory for every request; changes go through ingest.

A token is 20 random bytes and the first 10 of their signature, as 40 characters of base64url: a guess fails at the
signature. Only its SHA-256 is kept. Nothing is deleted: who had a link until when stays known.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from hub import audit
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from devices.person import By
    from hub.store.writer import Writes

log = logging.getLogger(__name__)

OPEN = 2000
"""Most links that work at a time."""
COUNT_S = 60.0
"""Uses are stored at most so often."""
STORE_S = 5.0
"""The hub's end waits no longer for them."""
DAY_MS = 86_400_000

_RANDOM, _SIGNED = 20, 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")
_ROW = (
    "INSERT INTO link (id, purpose, subject, note, made_by, made_at, expires_at, revoked_at, used_at, uses, hash) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)


class Signer(Protocol):
    """Who signs tokens; hub.secrets.Secrets is one."""

    def sign(self, text: bytes, writes: Writes) -> bytes:
        """At least 10 bytes. Raises Refused: no_secret_key."""

    def signature(self, text: bytes) -> bytes:
        """The same without a batch; empty where there is no key."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link. Times are ms; `made_by` is a person's name."""

    id: int
    purpose: str
    subject: str
    note: str
    made_by: str
    made_at: int
    expires_at: int
    revoked_at: int | None = None
    used_at: int | None = None
    uses: int = 0

    def state(self, now: int) -> str:
        """`works`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "works" if now < self.expires_at else "expired"


class Links:
    """Every link there was. `do` runs a change in ingest, `now` is hub time in ms."""

    def __init__(
        self,
        rows: Iterable[tuple[Any, ...]],
        signer: Signer,
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        self._signer, self._do, self._now = signer, do, now
        self._by_id: dict[int, Link] = {}
        self._by_hash: dict[str, int] = {}
        self._counted: set[int] = set()
        for *told, hashed in rows:
            link = Link(*told)
            self._by_id[link.id], self._by_hash[hashed] = link, link.id

    def all(self) -> list[Link]:
        """Newest first."""
        return list(self._by_id.values())[::-1]

    def get(self, number: int) -> Link | None:
        """The link of this number."""
        return self._by_id.get(number)

    def opened(self, token: str) -> Link | None:
        """The link that works by this token now; None for every other text, whatever it is."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = base64.urlsafe_b64decode(token)
        signed = self._signer.signature(_signed(raw[:_RANDOM]))[:_SIGNED]
        if not hmac.compare_digest(signed, raw[_RANDOM:]):
            return None
        link = self._by_id.get(self._by_hash.get(_hash(token), 0))
        return link if link is not None and link.state(self._now()) == "works" else None

    def used(self, number: int) -> None:
        """Somebody opened it; stored within a minute."""
        link = self._by_id[number]
        self._by_id[number] = replace(link, used_at=self._now(), uses=link.uses + 1)
        self._counted.add(number)

    async def make(self, purpose: str, subject: str, note: str, days: int, by: By) -> tuple[Link, str]:
        """A new link and its token, which is told only here. Raises Refused: no_secret_key, too_many_links."""
        kept: list[tuple[Link, str]] = []

        def run(writes: Writes) -> None:
            now = self._now()
            if sum(link.state(now) == "works" for link in self.all()) >= OPEN:
                raise Refused("too_many_links", limit=OPEN)
            token = self._token(writes)
            link = Link(
                max(self._by_id, default=0) + 1, purpose, subject, note, by.person, now, now + days * DAY_MS
            )
            writes.add(_ROW, *_row(link), _hash(token))
            audit.note(writes, now, by, "link.made", f"link:{link.id}", {}, _told(link) | {"days": days})
            self._by_id[link.id], self._by_hash[_hash(token)] = link, link.id
            kept.append((link, token))

        try:
            await self._do(run)
        except Refused as e:
            if e.code != "not_stored_yet" or not kept:  # else it is so from now on, and is told only now
                raise
        return kept[0]

    async def revoke(self, number: int, by: By) -> Link:
        """It opens nothing from now on. Raises Refused: unknown_link."""

        def run(writes: Writes) -> Link:
            link = self._by_id.get(number)
            if link is None:
                raise Refused("unknown_link")
            if link.revoked_at is None:
                link = self._by_id[number] = replace(link, revoked_at=self._now())
                writes.add("UPDATE link SET revoked_at=? WHERE id=?", link.revoked_at, number)
                audit.note(writes, self._now(), by, "link.revoked", f"link:{number}", _told(link), {})
            return link

        link: Link = await self._do(run)
        return link

    async def store_uses(self) -> None:
        """Store what `used` counted; what cannot be stored now stays counted."""
        counted, self._counted = self._counted, set()
        rows = [(self._by_id[n].used_at, self._by_id[n].uses, n) for n in counted]

        def run(writes: Writes) -> None:
            for row in rows:
                writes.add("UPDATE link SET used_at=?, uses=? WHERE id=?", *row)

        if not rows:
            return
        try:
            async with asyncio.timeout(STORE_S):
                await self._do(run)
        except (Refused, TimeoutError):  # the disk is full
            self._counted |= counted
            log.warning("the uses of links could not be stored yet")

    async def keep_counting(self, every_s: float = COUNT_S) -> None:
        """Until cancelled: store the uses."""
        while True:
            await asyncio.sleep(every_s)
            await self.store_uses()

    def _token(self, writes: Writes) -> str:
        random = secrets.token_bytes(_RANDOM)
        signed = self._signer.sign(_signed(random), writes)[:_SIGNED]
        return base64.urlsafe_b64encode(random + signed).decode()


def revoke_all(writes: Writes, now: int) -> None:
    """With the batch no link works any more: the key that signed them is given up."""
    writes.add("UPDATE link SET revoked_at=? WHERE revoked_at IS NULL AND expires_at>?", now, now)


def _signed(random: bytes) -> bytes:
    """What is signed: a signature for something else is none here."""
    return b"link\0" + random


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _row(link: Link) -> tuple[Any, ...]:
    return (
        link.id, link.purpose, link.subject, link.note, link.made_by, link.made_at, link.expires_at, link.revoked_at,
        link.used_at, link.uses,
    )  # fmt: skip


def _told(link: Link) -> dict[str, Any]:
    """A link as the audit tells it."""
    return {"purpose": link.purpose, "subject": link.subject, "note": link.note}
