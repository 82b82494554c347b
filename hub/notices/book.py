"""The book of notices: every notice with its revisions, and what boards should have. Owned by ingest.

Others may read it: what it holds is replaced and never changed. Changes come with a batch of ingest, each with its
entry in the audit; who may make them was looked at by who calls (hub.notices.desk), since people are known there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.device import Kind
from devices.lifecycle import Lifecycle
from devices.notice import Level, Policy, place
from hub import audit
from hub.notices import rows, schedule
from hub.notices.views import WITHOUT, Notice, NotRight, Revision, State, reaches
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from devices.device import Device
    from devices.notice import Place
    from devices.person import By
    from hub.notices.views import Composed, Draft, Page, Template
    from hub.registry import Registry
    from hub.store.writer import Store, Writes

REMINDED_MS = 30 * 60_000
"""So long before an emergency is over by itself the hub says so, as a fault of its own."""


class Reached(NamedTuple):
    """Where a draft goes: names of boards by profile, those for which nothing can be drawn, targets without a board."""

    profiles: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    missed: tuple[str, ...]


@dataclass(slots=True)
class Book:
    """`targets`: what a device is aimed at by at an instant, as `site:<slug>`, `tag:<tag>`, `device:<name>`.

    `changed` is set whenever what boards should show may have changed (published, ended, a policy, the registry): who
    tells the boards looks at it in ingest and takes it back.
    """

    store: Store
    registry: Registry
    targets: Callable[[Device, int], Iterable[str]]
    notices: Mapping[int, Notice] = field(init=False)
    templates: Mapping[str, Template] = field(init=False)
    policies: Mapping[str, Policy] = field(init=False)
    pngs: Mapping[str, bytes] = field(init=False)
    """Frames of what is published, by hash."""
    changed: bool = field(init=False, default=True)
    _next: int = field(init=False)
    _news: bool = field(init=False, default=False)
    witnesses: dict[str, str] = field(init=False)
    """By board, the camera that sees it."""

    def __post_init__(self) -> None:
        """Read what is kept."""
        self.notices = rows.notices(self.store)
        self.templates = rows.templates(self.store)
        stored = self.store.each("SELECT device, policy FROM board")
        self.policies = {name: Policy.model_validate_json(body) for name, body in stored}
        self.witnesses = dict(self.store.each("SELECT board, camera FROM witness"))
        wanted = self._hashes()
        self.pngs = {h: png for h in wanted for png in self._png(h)}
        highest = max(
            self.notices, default=0
        )  # a number is never given twice, also where a draft was forgotten
        self._next = max(highest + 1, int(self.store.meta("notice_next") or 1))

    def _png(self, found: str) -> Iterator[bytes]:
        yield from (png for (png,) in self.store.each("SELECT png FROM frame WHERE hash=?", found))

    def _hashes(self) -> set[str]:
        return {p.hash for _, r in self.published() for pages in r.frames.values() for p in pages}

    def take_news(self) -> bool:
        """A notice changed since the last call: pages draw anew."""
        news, self._news = self._news, False
        return news

    # --- what boards should have ------------------------------------------------------------------------------

    def published(self) -> list[tuple[Notice, Revision]]:
        """What is published and not ended, the strongest first: one total order."""
        found = [(n, r) for n in list(self.notices.values()) if (r := n.on_boards) is not None]
        return sorted(found, key=lambda f: standing(*f))

    def windows(self, revision: Revision, first: int, last: int) -> tuple[tuple[int, int], ...]:
        """The windows (ms) of a published revision that touch [first, last), in order, apart, at most MOST_WINDOWS."""
        since = revision.published_at
        return () if since is None else schedule.windows(revision.draft, since, first, last)

    def boards(self, at: int) -> Iterator[tuple[Device, frozenset[str]]]:
        """Every board that is not retired, with what it is aimed at by."""
        for device in list(self.registry.devices.values()):
            if device.kind is Kind.SIGNBOARD and device.lifecycle is not Lifecycle.RETIRED:
                yield device, self.aims(device, at)

    def aims(self, device: Device, at: int) -> frozenset[str]:
        """What a board is aimed at by, and what takes it out."""
        return frozenset((*self.targets(device, at), WITHOUT + device.name))

    def board(self, name: str) -> Device | None:
        """A board that is not retired; None where it is none."""
        found = self.registry.devices.get(name)
        there = found is not None and found.kind is Kind.SIGNBOARD
        return found if there and found is not None and found.lifecycle is not Lifecycle.RETIRED else None

    def reached(self, draft: Draft, at: int) -> Reached:
        """The boards that a draft is aimed at."""
        wanted, found, left_out = set(draft.targets), dict[str, list[str]](), list[str]()
        missed = set(wanted)
        for device, aims in self.boards(at):
            missed -= aims
            if reaches(wanted, aims):
                (found.setdefault(device.profile, []) if device.profile else left_out).append(device.name)
        profiles = {p: tuple(sorted(names)) for p, names in sorted(found.items())}
        return Reached(profiles, tuple(sorted(left_out)), tuple(t for t in draft.targets if t in missed))

    def policy(self, board: str) -> Policy:
        """What a board does by itself."""
        return self.policies.get(board) or Policy()

    # --- time -------------------------------------------------------------------------------------------------

    def tick(self, at: int, writes: Writes) -> None:
        """A second's work: what is over by itself ends."""
        for n in [n for n in self.notices.values() if n.ends_at is not None and n.ends_at <= at]:
            self._take_down(n, at, "", "", writes)

    def ending(self, at: int) -> list[Notice]:
        """Emergencies that are over soon unless somebody extends them."""
        return [
            n
            for n in list(self.notices.values())
            if n.ends_at is not None
            and at < n.ends_at <= at + REMINDED_MS
            and (r := n.on_boards) is not None
            and r.draft.level is Level.EMERGENCY
        ]

    # --- what people do ---------------------------------------------------------------------------------------

    def looked_at(self, number: int, version: int) -> Notice:
        """A notice as who asks has seen it. Raises Refused: unknown_notice, changed_meanwhile."""
        found = self.notices.get(number)
        if found is None:
            raise Refused("unknown_notice")
        if found.version != version:
            raise Refused("changed_meanwhile")
        return found

    def save(self, number: int | None, draft: Draft, version: int, at: int, by: By, writes: Writes) -> Notice:
        """Keep a draft. Raises Refused: unknown_notice, changed_meanwhile, notice_ended."""
        if number is None:
            number, self._next = self._next, self._next + 1
            self.store.set_meta(writes, "notice_next", self._next)
            revision = Revision(1, draft, by.person, at)
            made = Notice(number, 1, State.DRAFT, (revision,))
            self._put(made, (revision,), writes)
            audit.note(writes, at, by, "notice.written", _subject(number), {}, _told(draft))
            return made
        n = self.looked_at(number, version)
        if n.state is State.ENDED:
            raise Refused("notice_ended")
        before, kept = n.newest, n.revisions
        if before.published_at is None:
            kept = kept[:-1]
        revision = Revision(kept[-1].number + 1 if kept else 1, draft, by.person, at)
        saved = self._changed(n, State.DRAFT, (*kept, revision), (revision,), writes)
        audit.note(writes, at, by, "notice.changed", _subject(number), _told(before.draft), _told(draft))
        return saved

    def approve(
        self, number: int, version: int, composed: Composed, at: int, by: By, writes: Writes
    ) -> Notice:
        """A second person agrees. Raises Refused: not_a_draft, same_person, notice_problems and as `looked_at`."""
        n = self.looked_at(number, version)
        if n.state is not State.DRAFT:
            raise Refused("not_a_draft")
        if n.newest.written_by == by.person:
            raise Refused("same_person")
        _make_sure(composed, n.newest.draft)
        revision = replace(n.newest, approved_by=by.person, approved_at=at)
        saved = self._changed(n, State.APPROVED, (*n.revisions[:-1], revision), (revision,), writes)
        audit.note(writes, at, by, "notice.approved", _subject(number), {}, {"revision": revision.number})
        return saved

    def publish(
        self,
        number: int,
        version: int,
        composed: Composed,
        boards: int | None,
        at: int,
        by: By,
        writes: Writes,
    ) -> Notice:
        """Boards get it. Raises Refused as `Notices.publish` says, and changed_meanwhile where boards changed."""
        n = self.looked_at(number, version)
        draft = n.newest.draft
        alone = draft.level is Level.EMERGENCY and n.state is State.DRAFT
        if n.state is not State.APPROVED and not alone:
            raise Refused("notice_ended" if n.state is State.ENDED else "not_approved")
        _make_sure(composed, draft)
        if self.reached(draft, at).profiles != {p.profile: p.boards for p in composed.previews}:
            raise Refused("changed_meanwhile")
        if draft.level is Level.EMERGENCY and boards != composed.boards:
            raise Refused("confirm_boards", count=composed.boards)
        frames = {p.profile: p.pages for p in composed.previews}
        revision = self._to_boards(n.newest, frames, at, by, writes)
        saved = self._replaced(n, revision, at, by, writes)
        told = {"revision": revision.number, "boards": composed.boards, "hash": revision.hash}
        audit.note(
            writes, at, by, "notice.declared" if alone else "notice.published", _subject(number), {}, told
        )
        return saved

    def end(self, number: int, version: int, why: str, at: int, by: By, writes: Writes) -> Notice:
        """Boards show it no more. Raises Refused: not_published and as `looked_at`."""
        n = self.looked_at(number, version)
        if n.published is None:
            raise Refused("not_published")
        saved = self._take_down(n, at, by.person, why, writes)
        told = {"revision": n.published} | ({"why": why} if why else {})
        audit.note(writes, at, by, "notice.ended", _subject(number), {}, told)
        return saved

    def extend(self, number: int, version: int, until: int, at: int, by: By, writes: Writes) -> Notice:
        """An emergency's next revision, the same but for its end.

        Raises Refused: not_published, bad_emergency_until, not_later.

        A further revision, since a board never prolongs one that it has. What was being written as the next one stays,
        under a higher number.
        """
        n = self.looked_at(number, version)
        now = n.on_boards
        if now is None or now.draft.level is not Level.EMERGENCY:
            raise Refused("not_published")
        if not at < until <= at + schedule.EMERGENCY_MS:
            raise Refused("bad_emergency_until")
        if n.ends_at is not None and until <= n.ends_at:
            raise Refused("not_later")
        written = n.newest if n.newest.published_at is None else None
        draft = now.draft.model_copy(update={"start": None, "end": until})
        further = Revision(now.number + 1, draft, by.person, at, placed_at=now.placed_at)
        revision = self._to_boards(further, now.frames, at, by, writes)
        if written is not None:
            written = replace(written, number=revision.number + 1)
        saved = self._replaced(n, revision, at, by, writes, written)
        told = {"until": until, "revision": revision.number}
        audit.note(writes, at, by, "notice.extended", _subject(number), {"until": n.ends_at}, told)
        return saved

    def discard(self, number: int, version: int, at: int, by: By, writes: Writes) -> None:
        """Forget what was never published. Raises Refused: not_a_draft and as `looked_at`."""
        n = self.looked_at(number, version)
        gone, kept = n.newest, n.revisions[:-1]
        if gone.published_at is not None:
            raise Refused("not_a_draft")
        writes.add("DELETE FROM revision WHERE notice=? AND number=?", number, gone.number)
        if kept:
            state = State.ENDED if n.published is None else State.PUBLISHED
            self._changed(n, state, kept, (), writes)
        else:
            writes.add("DELETE FROM notice WHERE id=?", number)
            self.notices = {k: v for k, v in self.notices.items() if k != number}
            self._news = True
        audit.note(writes, at, by, "notice.discarded", _subject(number), _told(gone.draft), {})

    def keep_template(self, wanted: Template, version: int, at: int, by: By, writes: Writes) -> Template:
        """Keep a template. Raises Refused: changed_meanwhile."""
        before = self.templates.get(wanted.name)
        if (before.version if before is not None else 0) != version:
            raise Refused("changed_meanwhile")
        kept = replace(wanted, version=version + 1)
        writes.add(
            "INSERT OR REPLACE INTO template (name, level, title, text, version) VALUES (?,?,?,?,?)",
            kept.name, kept.level.value, kept.title, kept.text, kept.version,
        )  # fmt: skip
        self.templates = {**self.templates, kept.name: kept}
        told = [
            {} if t is None else {"level": t.level.value, "title": t.title, "text": t.text}
            for t in (before, kept)
        ]
        audit.note(writes, at, by, "template.kept", f"template:{kept.name}", *told)
        return kept

    def set_policy(self, board: str, policy: Policy, at: int, by: By, writes: Writes) -> None:
        """What a board does by itself. Raises Refused: unknown_device."""
        device = self.registry.devices.get(board)
        if device is None or device.kind is not Kind.SIGNBOARD:
            raise Refused("unknown_device")
        before = self.policy(board)
        writes.add("INSERT OR REPLACE INTO board VALUES (?,?)", board, policy.model_dump_json())
        self.policies = {**self.policies, board: policy}
        self.changed = True
        told = before.model_dump(), policy.model_dump()
        audit.note(writes, at, by, "board.policy_set", f"device:{board}", *told)

    def set_witness(self, board: str, camera: str, at: int, by: By, writes: Writes) -> None:
        """The camera that sees a board; empty: none. Raises Refused: unknown_device, not_a_camera."""
        device, seen_by = self.registry.devices.get(board), self.registry.devices.get(camera)
        if device is None or device.kind is not Kind.SIGNBOARD:
            raise Refused("unknown_device")
        if camera and (seen_by is None or seen_by.kind is not Kind.CAMERA or not seen_by.is_asked):
            raise Refused("not_a_camera", name=camera)
        before = self.witnesses.get(board, "")
        writes.add("DELETE FROM witness WHERE board=?", board)
        if camera:
            writes.add("INSERT INTO witness VALUES (?,?)", board, camera)
        self.witnesses = {**self.witnesses, board: camera}
        told = {"camera": before}, {"camera": camera}
        audit.note(writes, at, by, "board.witness_set", f"device:{board}", *told)

    # --- the steps that these share ---------------------------------------------------------------------------

    def _to_boards(
        self, written: Revision, frames: Mapping[str, tuple[Page, ...]], at: int, by: By, writes: Writes
    ) -> Revision:
        """A revision as it is published, its frames kept."""
        pngs = {p.hash: p.png for pages in frames.values() for p in pages if p.png}
        for profile, pages in frames.items():
            for p in pages:
                if p.png:
                    writes.add("INSERT OR IGNORE INTO frame VALUES (?,?,?)", p.hash, profile, p.png)
        self.pngs = {**self.pngs, **pngs}
        kept = {profile: tuple(replace(p, png=b"") for p in pages) for profile, pages in frames.items()}
        return replace(
            written, published_by=by.person, published_at=at, placed_at=written.placed_at or at, frames=kept,
            hash=rows.hash_of(written.draft, kept),
        )  # fmt: skip

    def _replaced(
        self, n: Notice, revision: Revision, at: int, by: By, writes: Writes, written: Revision | None = None
    ) -> Notice:
        """A notice with this revision on the boards, in the place of the one before; `written`: the next one."""
        others = tuple(
            replace(r, ended_by=by.person, ended_at=at) if r.number == n.published else r
            for r in n.revisions
            if r.published_at is not None
        )
        last = (written,) if written is not None else ()
        changed = [r for r in others if r.number == n.published]
        return self._changed(
            replace(n, published=revision.number, ends_at=schedule.over(revision.draft, at)),
            n.state if written is not None else State.PUBLISHED,
            (*others, revision, *last), (*changed, revision, *last), writes,
        )  # fmt: skip

    def _take_down(self, n: Notice, at: int, who: str, why: str, writes: Writes) -> Notice:
        ended = [
            replace(r, ended_by=who, ended_at=at, why=why) for r in n.revisions if r.number == n.published
        ]
        revisions = tuple(ended[0] if r.number == n.published else r for r in n.revisions)
        state = State.ENDED if n.newest.number == n.published else n.state
        return self._changed(replace(n, published=None, ends_at=None), state, revisions, ended, writes)

    def _changed(
        self,
        n: Notice,
        state: State,
        revisions: tuple[Revision, ...],
        stored: Iterable[Revision],
        writes: Writes,
    ) -> Notice:
        made = replace(n, version=n.version + 1, state=state, revisions=revisions)
        self._put(made, stored, writes)
        return made

    def _put(self, made: Notice, stored: Iterable[Revision], writes: Writes) -> None:
        before = self.notices.get(made.number)
        rows.put(made, stored, writes)
        self._news = True
        self.notices = {**self.notices, made.number: made}
        if made.published != (before.published if before is not None else None):
            self.changed = True
            wanted = self._hashes()
            self.pngs = {h: png for h, png in self.pngs.items() if h in wanted}


def standing(notice: Notice, revision: Revision) -> Place:
    """Where a published revision stands among others: the sort key of the total order."""
    d = revision.draft
    return place(d.level, d.priority, revision.placed_at, notice.number, drill=d.drill)


def _make_sure(composed: Composed, draft: Draft) -> None:
    """Raises Refused (changed_meanwhile, notice_problems, no_boards)."""
    if composed.draft != draft:
        raise Refused("changed_meanwhile")
    if composed.wrong:
        raise NotRight(composed.wrong)
    if not composed.boards:
        raise Refused("no_boards")


def _subject(number: int) -> str:
    return f"notice:{number}"


def _told(draft: Draft) -> dict[str, Any]:
    """A draft as the audit tells it: what differs from an empty one."""
    return draft.model_dump(mode="json", exclude_defaults=True) | {"level": draft.level.value}


def troubles(book: Book, now: Callable[[], int]) -> Iterator[str]:
    """Fault codes of the hub that the book knows."""
    if book.ending(now()):
        yield "emergency_ending"
