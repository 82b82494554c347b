"""The notices' desk: what pages, API and commands ask of notices, on the event loop; changes go through ingest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from devices.notice import Policy
from hub.notices import picture, rights, schedule, text, timetable
from hub.notices.book import standing
from hub.notices.easel import Easel
from hub.notices.views import Composed, Notices, Preview, Problem, State, reaches
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from devices.person import By, Role
    from hub.notices.book import Book
    from hub.notices.views import BoardView, Draft, Notice, Proved, Slot, Step, Template
    from hub.notices.wall import Wall
    from hub.people import Roll
    from hub.store.reader import Reader
    from hub.store.writer import Writes

_UNUSED = (
    "DELETE FROM upload WHERE at < ? AND hash NOT IN (SELECT json_extract(body, '$.picture') FROM revision)"
)
CALENDAR_MS = 62 * schedule.DAY_MS
"""A calendar shows at most so much at once."""


class NoticeDesk(Notices):
    """Implements hub.notices.views.Notices."""

    def __init__(
        self,
        book: Book,
        people: Roll,
        reader: Reader,
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
        wall: Wall,
    ) -> None:
        self._book, self._people, self._reader, self._do, self._now = book, people, reader, do, now
        self._easel = Easel(reader.upload)
        self._wall = wall
        self._one_picture = asyncio.Lock()

    # --- reading ----------------------------------------------------------------------------------------------

    def all(self) -> Sequence[Notice]:
        return sorted(self._book.notices.values(), key=_order)

    def get(self, number: int) -> Notice | None:
        return self._book.notices.get(number)

    def frame(self, found: str) -> bytes | None:
        return self._book.pngs.get(found) or self._easel.png(found) or self._reader.frame(found)

    def templates(self) -> Sequence[Template]:
        return sorted(self._book.templates.values(), key=lambda t: t.name)

    def boards(self) -> Sequence[BoardView]:
        return self._wall.boards(self._now())

    def board(self, name: str) -> BoardView | None:
        return self._wall.board(name, self._now())

    async def steps(self, number: int) -> Sequence[Step]:
        return await self._wall.steps(number)

    async def proved(self, number: int, revision: int) -> Sequence[Proved]:
        return await self._wall.proved(number, revision, self._now())

    async def said_by(self, board: str, limit: int = 100) -> Sequence[Step]:
        return await self._wall.said_by(board, limit)

    def calendar(self, start: int, end: int, board: str = "") -> Sequence[Slot]:
        end = min(end, start + CALENDAR_MS)
        entries = list(self._entries(start, end))
        alike: dict[tuple[int, ...], list[str]] = {}
        for device, aims in self._book.boards(self._now()):
            if board in ("", device.name):
                mine = tuple(i for i, (targets, _) in enumerate(entries) if reaches(targets, aims))
                alike.setdefault(mine, []).append(device.name)
        found = [
            slot
            for mine, names in alike.items()
            for slot in timetable.slots([entries[i][1] for i in mine], tuple(sorted(names)), start, end)
        ]
        return sorted(found, key=lambda s: (s.start, s.boards, s.hidden))

    def _entries(self, start: int, end: int) -> Iterator[tuple[frozenset[str], timetable.Entry]]:
        """What is published, and what is approved as if it were now; the strongest first."""
        now = self._now()
        waits = [
            (n, replace(n.newest, published_at=now, placed_at=now))
            for n in self.all()
            if n.state is State.APPROVED
        ]
        for n, r in sorted([*self._book.published(), *waits], key=lambda f: standing(*f)):
            d, windows = r.draft, self._book.windows(r, start, end)
            item = f"{n.number}.{r.number}"
            yield (
                frozenset(d.targets),
                timetable.Entry(item, d.title, d.level, d.priority, windows, waits=n.item != item),
            )

    # --- composing --------------------------------------------------------------------------------------------

    async def compose(self, draft: Draft) -> Composed:
        return await self.composed(text.clean(draft, self._book.templates))

    async def composed(self, draft: Draft) -> Composed:
        now = self._now()
        reached = self._book.reached(draft, now)
        problems = [*text.problems(draft, self._book.templates), *schedule.problems(draft, now)]
        if draft.picture and await asyncio.to_thread(self._reader.upload, draft.picture) is None:
            problems.append(Problem("picture_unknown", "picture"))
        problems += [Problem("target_reaches_none", "targets", {"target": t}) for t in reached.missed]
        if draft.targets and not reached.missed and not reached.profiles:
            problems.append(Problem("no_boards", "targets"))
        previews: Sequence[Preview] = ()
        if draft.title or draft.text or draft.picture:
            everywhere, previews = _apart(
                [await self._preview(draft, p, n) for p, n in reached.profiles.items()]
            )
            problems += everywhere
        end = schedule.over(draft, now)
        windows = schedule.windows(draft, now, now, end or now + schedule.LIFE_MS) if not problems else ()
        return Composed(draft, tuple(previews), tuple(problems), windows[: schedule.SHOWN], reached.left_out)

    async def _preview(self, draft: Draft, profile: str, boards: tuple[str, ...]) -> Preview:
        drawn = await asyncio.to_thread(self._easel.draw, draft, profile)
        return Preview(profile, boards, drawn.pages, drawn.problems)

    async def upload(self, data: bytes, by: By) -> str:
        async with self._one_picture:  # each may take 100 MB while it is decoded
            kept = await asyncio.to_thread(picture.taken, data)
        name, now = picture.name(kept), self._now()

        def run(writes: Writes) -> None:
            writes.add(_UNUSED, now - schedule.DAY_MS)
            writes.add("INSERT OR REPLACE INTO upload VALUES (?,?,?,?)", name, kept, now, by.person)

        await self._do(run)
        return name

    # --- the life of a notice ---------------------------------------------------------------------------------

    async def save(self, number: int | None, draft: Draft, version: int, by: By) -> Notice:
        kept = text.clean(draft, self._book.templates)
        saved: Notice = await self._do(lambda w: self._book.save(number, kept, version, self._now(), by, w))
        return saved

    async def approve(self, number: int, version: int, by: By) -> Notice:
        seen = self._book.looked_at(number, version)
        rights.check("approve", self._role(by))
        composed = await self.composed(seen.newest.draft)
        approved: Notice = await self._do(
            lambda w: self._book.approve(number, version, composed, self._now(), by, w)
        )
        return approved

    async def publish(self, number: int, version: int, by: By, boards: int | None = None) -> Notice:
        seen = self._book.looked_at(number, version)
        rights.check(rights.to_publish(seen.newest.draft), self._role(by))
        if seen.on_boards is not None:  # what stands there goes with it
            rights.check(rights.to_end(seen.on_boards.draft), self._role(by))
        composed = await self.composed(seen.newest.draft)
        published: Notice = await self._do(
            lambda w: self._book.publish(number, version, composed, boards, self._now(), by, w)
        )
        return published

    async def end(self, number: int, version: int, by: By, why: str = "") -> Notice:
        seen = self._book.looked_at(number, version)
        if seen.on_boards is None:
            raise Refused("not_published")
        rights.check(rights.to_end(seen.on_boards.draft), self._role(by))
        ended: Notice = await self._do(lambda w: self._book.end(number, version, why, self._now(), by, w))
        return ended

    async def extend(self, number: int, version: int, until: int, by: By) -> Notice:
        rights.check("extend", self._role(by))
        extended: Notice = await self._do(
            lambda w: self._book.extend(number, version, until, self._now(), by, w)
        )
        return extended

    async def discard(self, number: int, version: int, by: By) -> None:
        await self._do(lambda w: self._book.discard(number, version, self._now(), by, w))

    # --- templates and boards ---------------------------------------------------------------------------------

    async def keep_template(self, template: Template, version: int, by: By) -> Template:
        rights.check("template", self._role(by))
        wanted = text.template_of(template)
        kept: Template = await self._do(
            lambda w: self._book.keep_template(wanted, version, self._now(), by, w)
        )
        return kept

    async def set_policy(self, board: str, policy: Mapping[str, Any], by: By) -> None:
        rights.check("policy", self._role(by))
        try:
            wanted = Policy.model_validate({**self._book.policy(board).model_dump(), **policy})
        except ValidationError as e:
            first = e.errors(include_url=False)[0]
            raise Refused("bad_policy", what=".".join(map(str, first["loc"]))) from None
        unknown = policy.keys() - Policy.model_fields.keys()
        if unknown:
            raise Refused("bad_policy", what=", ".join(sorted(unknown)))
        await self._do(lambda w: self._book.set_policy(board, wanted, self._now(), by, w))

    async def set_witness(self, board: str, camera: str, by: By) -> None:
        rights.check("policy", self._role(by))
        await self._do(lambda w: self._book.set_witness(board, camera.strip(), self._now(), by, w))

    def _role(self, by: By) -> Role | None:
        """What somebody does here; None while the list of people is empty. Raises Refused (who_are_you)."""
        person = self._people.known(self._people.by(by.person, by.address).person)
        return None if person is None else person.role


def _apart(previews: Sequence[Preview]) -> tuple[list[Problem], list[Preview]]:
    """What is wrong on every board is wrong with the draft, and told once; what is wrong on some stays with them."""
    first = previews[0].problems if previews else ()
    everywhere = [p for p in first if all(p in other.problems for other in previews)]
    return everywhere, [
        replace(p, problems=tuple(w for w in p.problems if w not in everywhere)) for p in previews
    ]


def _order(n: Notice) -> tuple[int, int]:
    rank = 0 if n.published is not None else 2 if n.state is State.ENDED else 1
    return rank, -n.number
