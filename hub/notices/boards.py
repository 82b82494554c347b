"""Boards: which playlist each should follow, telling it so, and what it proves. Owned by ingest.

What a board should show is one total order (hub.notices.book). It is put together for all boards that are alike at
once, stands in the journal where it differs from what is asked already, and is published once that is committed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from devices import notice
from devices.device import Kind
from devices.lifecycle import Lifecycle
from devices.notice import MOST_ITEMS, Frame, Item, Level, Playlist
from drivers import VISITING, dialect_of
from drivers.contract import Desired
from hub.notices import proof
from hub.notices.schedule import DAY_MS, HORIZON_MS
from hub.notices.views import reaches
from hub.plan import Show
from hub.registry import midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from devices.device import Device
    from devices.notice import Policy
    from hub.intake import Intake
    from hub.notices.book import Book
    from hub.notices.fallback import Fallbacks
    from hub.notices.views import Notice, Page, Revision
    from hub.store.writer import Store, Writes
    from hub.track import Track
    from hub.tracker import Tracker

ASKS = 500
"""Boards told something new in one turn; the next turn follows at once, while the first ones are busy with theirs."""
AGAIN_MS, LATER_MS = 60_000, 300_000
"""A board that did not acknowledge is told again after so long, and then each so long."""
LOOK_MS = 5_000
FRESH_MS = 1000
"""A payload says what time it is: it is sent for so long."""


class Tally(NamedTuple):
    """How much work was done since the start: frames drawn as fallback, payloads put together, messages published."""

    frames_rendered: int = 0
    payloads_built: int = 0
    published: int = 0


class _Like(NamedTuple):
    """Boards that are alike in this follow the same playlist. `aims`: those that some notice is aimed at."""

    profile: str
    aims: frozenset[str]
    policy: Policy
    name: str


@dataclass(slots=True)
class Boards:
    """`tracker.shows` holds the playlists; made before the journal is folded, which needs them."""

    store: Store
    tracker: Tracker
    intake: Intake
    book: Book
    fallbacks: Fallbacks
    tally: Tally = field(init=False, default_factory=Tally)
    hurries: bool = field(init=False, default=False)
    """There is more to tell: the next tick should follow at once."""
    _built: dict[str, tuple[int, bytes]] = field(init=False, default_factory=dict)
    _lists: _Lists | None = field(init=False, default=None)
    _since: dict[str, int] = field(init=False, default_factory=dict)
    _wait: dict[Track, None] = field(init=False, default_factory=dict)
    _fresh: dict[Track, None] = field(init=False, default_factory=dict)
    _told: dict[Track, int] = field(init=False, default_factory=dict)
    _day: int = field(init=False, default=-1)
    _looked: int = field(init=False, default=0)
    _looked_at: set[tuple[str, str]] = field(init=False, default_factory=set)
    looks: list[tuple[str, str]] = field(init=False, default_factory=list)
    """Pictures to be taken as proof: (camera, of what)."""

    def __post_init__(self) -> None:
        """Read the playlists that are followed."""
        for number, body, at in self.store.each("SELECT id, body, at FROM playlist"):
            self.tracker.shows[number] = Show(Playlist.model_validate_json(body))
            self._since[number] = at

    # --- what each should follow ------------------------------------------------------------------------------

    def tick(self, at: int, now: int, writes: Writes, publish: Callable[..., None], *, hears: bool) -> None:
        """A second's work, and at once where the book changed.

        `at`: nothing before it is unknown. While the hub does not hear the broker, boards that come by HTTP are asked.
        """
        self.hurries = False
        day, drawn = midnight(at), self._keep_fallbacks(writes)
        if self.book.changed or drawn or day != self._day:
            self.book.changed, self._lists = False, _Lists(self, at)
            if day != self._day:
                self._forget(now, writes)
            self._day = day
            self._wait = dict.fromkeys(self._boards())
        if self._wait:
            self._ask(at, now, writes, hears=hears)
        if hears:
            again = {**self._returned(at), **self._unproved(at)}
            self._publish([t for t in again if t not in self._fresh], publish, now)

    def _ask(self, at: int, now: int, writes: Writes, *, hears: bool) -> None:
        lists = self._lists = self._lists or _Lists(self, at)
        asks = 0
        for t in list(self._wait):
            by_broker = t.device.driver not in VISITING
            if by_broker and not hears:
                continue
            if asks == ASKS:
                self.hurries = True
                break
            wanted = lists.of(t.device) if t.lifecycle is not Lifecycle.RETIRED else None
            if self._drawing(t, wanted, at):
                continue
            del self._wait[t]
            new = wanted.id if wanted is not None else ""
            old = t.follows.id if t.follows is not None else ""
            if new == old:
                continue
            if wanted is not None and new not in self.tracker.shows:
                self.tracker.shows[new] = Show(wanted)
                self._since[new] = now
                body = wanted.model_dump_json(exclude_none=True)
                writes.add("INSERT OR REPLACE INTO playlist VALUES (?,?,?)", new, body, now)
            self._sent(t, old, wanted, now, writes)
            self.intake.ask(t, new, at if hears else now)
            asks += 1
            if by_broker:
                self._fresh[t] = None

    def _drawing(self, t: Track, wanted: Playlist | None, at: int) -> bool:
        """Its fallback is being drawn, and it can wait for that: no emergency is new to it."""
        profile = t.device.profile
        if not profile or self.fallbacks.get(profile, self.name(t.device, at)) is not None:
            return False
        show = self.tracker.shows.get(t.follows.id) if t.follows is not None else None
        had = show.previewed if show is not None else {}
        return t.lifecycle is not Lifecycle.RETIRED and (
            wanted is None or {i.id for i in wanted.items} == had.keys()
        )

    def _sent(self, t: Track, old: str, wanted: Playlist | None, now: int, writes: Writes) -> None:
        before = self.tracker.shows.get(old)
        had = before.previewed if before is not None else {}
        for item in wanted.items if wanted is not None else ():
            if item.id not in had:
                number, revision = map(int, item.id.split("."))
                writes.add(
                    "INSERT OR IGNORE INTO step (notice, revision, device, state, at, boot, seq) "
                    "VALUES (?,?,?,'sent',?,-1,?)",
                    number, revision, t.id, now, self.intake.next_pos,
                )  # fmt: skip

    def name(self, device: Device, at: int) -> str:
        """What a board shows of its own: the name of its commune, else of its site."""
        registry = self.book.registry
        own = registry.sites.get(device.site)
        above = registry.path(device.site, at)
        found = next((s for s in (own, *reversed(above)) if s is not None and s.tier == "commune"), own)
        return found.name if found is not None else device.title or device.name

    def _keep_fallbacks(self, writes: Writes) -> bool:
        drawn = self.fallbacks.take()
        for profile, page in drawn:
            writes.add("INSERT OR IGNORE INTO frame VALUES (?,?,?)", page.hash, profile, page.png)
        if drawn:
            self.tally = self.tally._replace(frames_rendered=self.tally.frames_rendered + len(drawn))
        return bool(drawn)

    def _forget(self, now: int, writes: Writes) -> None:
        """Playlists that nobody follows any more, not even in what a restart would fold again."""
        used = {i for t in self._boards() if t.follows is not None for i in (t.follows.id, t.follows.applied)}
        for gone in [i for i, at in self._since.items() if i not in used and at < now - DAY_MS]:
            del self._since[gone]
            self.tracker.shows.pop(gone, None)
            writes.add("DELETE FROM playlist WHERE id=?", gone)

    def _boards(self) -> Iterator[Track]:
        return (t for t in self.tracker.tracks if t.device.kind is Kind.SIGNBOARD)

    # --- telling ----------------------------------------------------------------------------------------------

    def connected(self, *, kept: bool) -> None:
        """The link stands. Where the broker `kept` its memory, only those are told again of whom nothing is proved."""
        self._fresh |= {
            t: None
            for t in self._boards()
            if t.follows is not None and not (kept and t.follows.applied == t.follows.id)
        }

    def _returned(self, at: int) -> dict[Track, None]:
        """A board that came back in an emergency, or without the time, gets a copy that tells it how late it is."""
        taken, self.intake.of_boards.births = self.intake.of_boards.births, []
        found: dict[Track, None] = {}
        for t, lost in taken:
            show = self.tracker.shows.get(t.follows.id) if t.follows is not None else None
            if show is not None and (lost or _emergency(show.made, at)):
                found[t] = None
        return found

    def _unproved(self, at: int) -> dict[Track, None]:
        """Those that are heard and did not acknowledge: they are told again. For others the broker keeps it."""
        found: dict[Track, None] = {}
        if at - self._looked < LOOK_MS:
            return found
        self._looked = at
        for t in self._boards():
            f = t.follows
            away = t.last_seen is None or t.gone_at is not None or t.silent
            if f is None or not f.id or f.applied == f.id or away:
                self._told.pop(t, None)
            elif at - self._told.get(t, f.at) >= (AGAIN_MS if at - f.at < 2 * AGAIN_MS else LATER_MS):
                self._told[t] = at
                found[t] = None
        return found

    def tell(self, publish: Callable[..., None], now: int) -> None:
        """Publish what was committed."""
        fresh, self._fresh = self._fresh, {}
        self._publish(fresh, publish, now)

    def _publish(self, tracks: Iterable[Track], publish: Callable[..., None], now: int) -> None:
        """One payload for all that follow the same."""
        count = 0
        self._built = {i: b for i, b in self._built.items() if now - b[0] < FRESH_MS}
        for t in tracks:
            asked = t.follows.id if t.follows is not None else ""
            if t.device.driver in VISITING or (asked and asked not in self.tracker.shows):
                continue
            if asked not in self._built:
                self._built[asked] = now, self._payload(asked, now) if asked else b""
            for m in dialect_of(t.device.driver).write(Desired(t.device, self._built[asked][1])):
                publish(m.topic, m.payload, qos=m.qos, retain=m.retain)
            count += 1
        if count:
            self.tally = self.tally._replace(published=self.tally.published + count)

    def _payload(self, asked: str, now: int) -> bytes:
        self.tally = self.tally._replace(payloads_built=self.tally.payloads_built + 1)
        return self.desired(asked, now)

    def desired(self, asked: str, now: int) -> bytes:
        """A playlist as it is sent at `now` (ms); empty where there is none. Any thread may ask."""
        show = self.tracker.shows.get(asked)
        if show is None:
            return b""
        pngs = {h: png for h in show.made.frames if (png := self.png(h)) is not None}
        return notice.payload(show.made, pngs, now // 1000)

    def png(self, found: str) -> bytes | None:
        """The PNG of a frame that boards should have now."""
        return self.book.pngs.get(found) or self.fallbacks.pngs.get(found)

    # --- proof ------------------------------------------------------------------------------------------------

    def prove(self, writes: Writes) -> None:
        """What boards said since the last call, with the rows of the journal that it came in."""
        receipts, self.intake.of_boards.receipts = self.intake.of_boards.receipts, []
        for t, e, late in receipts:
            number, _, revision = e.id.partition(".")
            if not (number.isdecimal() and revision.isdecimal() and len(e.id) <= 16):  # noqa: PLR2004 - no item's
                continue
            if e.result == "shown" and not late:
                self._look_at(t.device.name, e.id)
            writes.add(
                "INSERT OR IGNORE INTO step (notice, revision, device, state, at, board_at, late, frames, right, "
                "detail, boot, seq) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                int(number), int(revision), t.id, e.result, e.at, e.sent, int(late), json.dumps(e.frames),
                proof.previewed(self._revision(int(number), int(revision)), t.device.profile, e.frames),
                e.detail, e.boot, e.seq,
            )  # fmt: skip

    def _look_at(self, board: str, item: str) -> None:
        """The camera that sees a board takes a picture when an item begins there."""
        camera = self.book.witnesses.get(board, "")
        if camera and (board, item) not in self._looked_at:
            self._looked_at.add((board, item))
            self.looks.append((camera, f"{board} {item}"))

    def _revision(self, number: int, revision: int) -> Revision | None:
        found = self.book.notices.get(number)
        return next((r for r in found.revisions if r.number == revision), None) if found is not None else None


def _emergency(made: Playlist, at: int) -> bool:
    return any(i.level is Level.EMERGENCY and i.due(at / 1000) for i in made.items)


class _Lists:
    """Playlists as they are at an instant, each put together once for all boards that are alike."""

    def __init__(self, boards: Boards, at: int) -> None:
        self._boards, self._at = boards, at
        self._published = [(n, r, frozenset(r.draft.targets)) for n, r in boards.book.published()]
        self._aimed = frozenset().union(*(targets for _, _, targets in self._published))
        self._windows: dict[str, tuple[tuple[int, int], ...]] = {}
        self._items: dict[tuple[str, str], Item | None] = {}
        self._made: dict[_Like, Playlist | None] = {}

    def of(self, device: Device) -> Playlist | None:
        """The playlist of a board; None where nothing can be drawn for it, or its fallback is not drawn yet.

        An emergency waits for no fallback.
        """
        if not device.profile:
            return None
        book = self._boards.book
        aims = self._aimed & book.aims(device, self._at) if self._aimed else frozenset()
        name = self._boards.name(device, self._at)
        like = _Like(device.profile, aims, book.policy(device.name), name)
        if like not in self._made:
            self._made[like] = self._make(like)
        return self._made[like]

    def _make(self, like: _Like) -> Playlist | None:
        found = (
            self._item(n, r, like.profile) for n, r, targets in self._published if reaches(targets, like.aims)
        )
        items = tuple(i for i in found if i is not None)[:MOST_ITEMS]
        own = self._boards.fallbacks.get(like.profile, like.name)
        if own is None and not any(i.level is Level.EMERGENCY for i in items):
            return None
        return notice.playlist(like.profile, items, _frames(own or ()), like.policy)

    def _item(self, n: Notice, r: Revision, profile: str) -> Item | None:
        key = n.item, profile
        if key not in self._items:
            pages, windows = r.frames.get(profile, ()), self._when(n, r)
            self._items[key] = (
                Item(id=n.item, level=r.draft.level, priority=r.draft.priority, windows=windows, frames=_frames(pages))
                if pages and windows
                else None
            )  # fmt: skip
        return self._items[key]

    def _when(self, n: Notice, r: Revision) -> tuple[tuple[int, int], ...]:
        """In whole seconds, from today on: the same all day long."""
        if n.item not in self._windows:
            first = midnight(self._at)
            found = self._boards.book.windows(r, first, first + HORIZON_MS + DAY_MS)
            self._windows[n.item] = tuple((a // 1000, -(-b // 1000)) for a, b in found)
        return self._windows[n.item]


def _frames(pages: Sequence[Page]) -> tuple[Frame, ...]:
    return tuple(Frame(hash=p.hash, seconds=p.seconds) for p in pages)
