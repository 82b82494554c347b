"""What is kept of a notice that is long over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.notices.trim import Trim
from tests.hub.notices.office import FLOOD, LAN, Office, said

if TYPE_CHECKING:
    from hub.notices.views import Notice

DAY_MS = 86_400_000


async def over(office: Office, n: Notice) -> Notice:
    return await office.notices.end(n.number, n.version, LAN)


def kept(office: Office, table: str) -> int:
    return int(office.store.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - named here


async def trimmed(office: Office, trim: Trim, days: float) -> None:
    office.later(days * 86_400)
    for _ in range(5):
        await office.do(lambda w: trim.tick(office.clock.at, w))


async def test_proof_and_frames_go_when_their_time_is_over_and_the_words_stay(office: Office) -> None:
    trim = Trim(office.store, office.book, 31 * DAY_MS)
    stands = await office.on_boards(said("Còn đó"))
    old = await over(office, await office.on_boards(FLOOD))
    office.later(60)
    frames = {p.hash for r in old.revisions for pages in r.frames.values() for p in pages}
    assert kept(office, "step") > 0
    assert all(office.notices.frame(h) for h in frames)
    before = kept(office, "step"), kept(office, "frame")
    await trimmed(office, trim, 30)
    assert (kept(office, "step"), kept(office, "frame")) == before
    await trimmed(office, trim, 2)
    assert await office.notices.steps(old.number) == []
    assert not any(office.store.rows("SELECT 1 FROM frame WHERE hash=?", h) for h in frames)
    assert office.notices.get(old.number) == old
    assert await office.notices.steps(stands.number)
    assert kept(office, "frame") == before[1] - len(frames)


async def test_a_frame_that_a_later_text_shows_too_stays(office: Office) -> None:
    trim = Trim(office.store, office.book, 31 * DAY_MS)
    await over(office, await office.on_boards(FLOOD))
    office.later(20 * 86_400)
    again = await over(office, await office.on_boards(FLOOD))
    frames = {p.hash for r in again.revisions for pages in r.frames.values() for p in pages}
    await trimmed(office, trim, 12)
    assert all(office.store.rows("SELECT 1 FROM frame WHERE hash=?", h) for h in frames)
    await trimmed(office, trim, 20)
    assert not any(office.store.rows("SELECT 1 FROM frame WHERE hash=?", h) for h in frames)


async def test_what_a_crash_cut_short_is_done_again(office: Office) -> None:
    for _ in range(2):
        await over(office, await office.on_boards(FLOOD))
    office.later(32 * 86_400)
    first = Trim(office.store, office.book, 31 * DAY_MS)
    await office.do(lambda w: first.tick(office.clock.at, w))
    left = kept(office, "step")
    assert left > 0
    await trimmed(office, replace(first), 0)
    assert kept(office, "step") < left
