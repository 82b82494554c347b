"""Notices as they are stored."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from devices.notice import Level
from hub.notices import text
from hub.notices.views import Draft, Notice, Page, Revision, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.notices.views import Template
    from hub.store.writer import Store, Writes

_COLUMNS = (
    "notice", "number", "body", "written_by", "written_at", "approved_by", "approved_at", "published_by",
    "published_at", "ended_by", "ended_at", "why", "hash", "placed_at", "frames",
)  # fmt: skip
_PUT = (
    f"INSERT INTO revision ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT (notice, number) DO UPDATE SET {', '.join(f'{c}=excluded.{c}' for c in _COLUMNS[2:])}"
)


def canonical(value: object) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(draft: Draft, frames: Mapping[str, tuple[Page, ...]]) -> str:
    """What exactly was published: the sha256 of the draft and the frames' hashes by profile, as canonical JSON."""
    named = {profile: [page.hash for page in pages] for profile, pages in frames.items()}
    body = canonical({"draft": draft.model_dump(mode="json"), "frames": named})
    return hashlib.sha256(body.encode()).hexdigest()


def put(notice: Notice, changed: Iterable[Revision], writes: Writes) -> None:
    """Store a notice and those of its revisions that changed."""
    writes.add(
        "INSERT OR REPLACE INTO notice (id, version, state, published, ends_at) VALUES (?,?,?,?,?)",
        notice.number, notice.version, notice.state.value, notice.published, notice.ends_at,
    )  # fmt: skip
    for r in changed:
        frames = {p: [[page.hash, page.seconds] for page in pages] for p, pages in r.frames.items()}
        writes.add(
            _PUT, notice.number, r.number, canonical(r.draft.model_dump(mode="json")), r.written_by, r.written_at,
            r.approved_by, r.approved_at, r.published_by, r.published_at, r.ended_by, r.ended_at, r.why, r.hash,
            r.placed_at, canonical(frames),
        )  # fmt: skip


def _revision(row: tuple[Any, ...]) -> Revision:
    number, body, written_by, written_at, *said, frames = row
    names = (
        "approved_by",
        "approved_at",
        "published_by",
        "published_at",
        "ended_by",
        "ended_at",
        "why",
        "hash",
    )
    about: dict[str, Any] = dict(zip((*names, "placed_at"), said, strict=True))
    pages = {p: tuple(Page(h, s) for h, s in found) for p, found in json.loads(frames).items()}
    return Revision(number, Draft.model_validate_json(body), written_by, written_at, frames=pages, **about)


def notices(store: Store) -> dict[int, Notice]:
    """Every notice, by number."""
    revisions: dict[int, list[Revision]] = {}
    for notice, *row in store.each(f"SELECT {', '.join(_COLUMNS)} FROM revision ORDER BY notice, number"):  # noqa: S608
        revisions.setdefault(notice, []).append(_revision(tuple(row)))
    return {
        number: Notice(number, version, State(state), tuple(revisions[number]), published, ends_at)
        for number, version, state, published, ends_at in store.each(
            "SELECT id, version, state, published, ends_at FROM notice ORDER BY id"
        )
        if number in revisions
    }


def templates(store: Store) -> dict[str, Template]:
    """Every template, by name: ours, and what people made of them."""
    found = {t.name: t for t in text.BUILTIN}
    for name, level, title, said, version in store.each(
        "SELECT name, level, title, text, version FROM template"
    ):
        found[name] = text.template(name, Level(level), title, said, version)
    return found
