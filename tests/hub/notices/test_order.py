"""One total order decides what a board shows; the calendar says what boards do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.notice import Frame, Item, Known, Level, playlist, turns
from hub.notices.book import standing
from hub.notices.timetable import Entry, slots
from hub.notices.views import Draft, Notice, Revision, State

ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(list(Level)), st.integers(0, 3), st.integers(1, 4),
        st.integers(0, 20), st.integers(1, 10),
    ),
    max_size=6,
)  # fmt: skip
"""Level, priority, when it was published, when it begins and how long it lasts."""


def notices(said: list[tuple[Level, int, int, int, int]]) -> list[tuple[Notice, Revision, tuple[int, int]]]:
    found = []
    for number, (level, priority, placed, start, length) in enumerate(said, start=1):
        draft = Draft(level=level, priority=priority, title=str(number))
        r = Revision(1, draft, "Lan", 1, published_at=placed, placed_at=placed)
        found.append((Notice(number, 1, State.PUBLISHED, (r,), 1), r, (start, start + length)))
    return sorted(found, key=lambda f: standing(f[0], f[1]))


@given(ENTRIES, st.randoms())
def test_the_order_is_total_and_hangs_on_nothing_else(
    said: list[tuple[Level, int, int, int, int]], by: object
) -> None:
    found = notices(said)
    shuffled = list(found)
    by.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(shuffled, key=lambda f: standing(f[0], f[1])) == found
    assert len({standing(n, r) for n, r, _ in found}) == len(found)
    for (a, x, _), (b, y, _) in pairwise(found):
        keys = [(-d.level.rank, -d.priority) for d in (x.draft, y.draft)]
        assert keys == sorted(keys)
        if keys[0] == keys[1]:
            assert (x.placed_at, a.number) > (y.placed_at, b.number), "the newest first"


@given(ENTRIES)
def test_the_calendar_shows_what_boards_show(said: list[tuple[Level, int, int, int, int]]) -> None:
    found = notices(said)
    entries = [Entry(n.item, r.draft.title, r.draft.level, r.draft.priority, (w,)) for n, r, w in found]
    items = tuple(
        Item(
            id=n.item, level=r.draft.level, priority=r.draft.priority, windows=(w,),
            frames=(Frame(hash=f"{n.number:064x}", seconds=8),),
        )
        for n, r, w in found
    )  # fmt: skip
    board = playlist("led-64x32-1", items)
    drawn = slots(entries, ("a",), 0, 32)
    for at in range(32):
        here = [s for s in drawn if s.start <= at < s.end]
        assert {s.item for s in here if not s.hidden} == {i.id for i in turns(board, Known(at))}
        assert {s.item for s in here} == {i.id for i in items if i.due(at)}
        assert len({s.item for s in here}) == len(here), "in one piece each"
