"""LED controllers that only fetch: what is said for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.notices.visits import FETCH_S, Visits
from tests.hub.notices.office import LAN, Office, said

if TYPE_CHECKING:
    from devices.notice import Playlist

LONG = "Từ 8 giờ đến 17 giờ ngày 27 tháng 11, xã cắt nước để sửa đường ống. " * 3


def playlist(visits: Visits) -> Playlist:
    made = visits.playlist("bang-1")
    assert made is not None
    return made


async def stored(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    return [(s.item, s.frames) for s in await office.notices.said_by("bang-1") if s.state == "stored"]


async def test_an_item_is_stored_once_all_of_its_frames_were_taken(office: Office) -> None:
    visits = Visits(office.boards, office.do, office.clock.now)
    await office.on_boards(said().model_copy(update={"text": LONG}))
    (item,) = playlist(visits).items
    first, *others = frames = tuple(f.hash for f in item.frames)
    assert others
    await visits.fetched("bang-1", item.id, first)
    await visits.fetched("bang-1", item.id, first)
    assert await stored(office) == []
    for frame in others:
        await visits.fetched("bang-1", item.id, frame)
    assert await stored(office) == [(item.id, frames)]
    office.later(FETCH_S + 1)
    for frame in frames:
        await visits.fetched("bang-1", item.id, frame)
    assert await stored(office) == [(item.id, frames)], "once"


async def test_what_is_no_longer_on_its_list_is_forgotten(office: Office) -> None:
    visits = Visits(office.boards, office.do, office.clock.now)
    for n in range(3):
        notice = await office.on_boards(said(f"Tin {n}"))
        item = next(i for i in playlist(visits).items if i.id == notice.item)
        await visits.fetched("bang-1", item.id, item.frames[0].hash)
        await office.notices.end(notice.number, notice.version, LAN)
        office.later(1)
    await visits.fetched("bang-1", "", "")
    known = visits._fetchers["bang-1"]
    assert (known.taken, known.stored) == ({}, set())
