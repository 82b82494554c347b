"""What boards are told, when, and what they prove; through the real ingest and store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devices import notice
from devices.device import Device, Kind
from devices.health import Health
from devices.lifecycle import Lifecycle
from devices.notice import MOST_ITEMS, Level
from hub.notices.boards import AGAIN_MS
from hub.notices.proof import DUE_MS
from hub.notices.views import Step
from hub.views import Refused
from tests.hub.notices.office import FLOOD, LAN, Office, board, said
from tests.hub.scene import REALM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devices.notice import Playlist


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.listening()
    made.later(1)
    yield made
    made.close()


def told(office: Office) -> dict[str, Playlist | None]:
    """What was published since the last look, by board."""
    assert all(t.endswith("/desired") and retain for t, _, retain in office.link.published)
    found = {t.split("/")[3]: notice.read(p) if p else None for t, p, _ in office.link.published}
    office.link.published.clear()
    return found


class Board:
    """A board's firmware, as honest as the test wants it."""

    def __init__(self, office: Office, name: str, boot: int = 7) -> None:
        self.office, self.name, self.boot, self.seq = office, name, boot, 0

    def says(self, channel: str, **said: Any) -> None:
        self.seq += 1
        self.office.says(self.name, channel, boot=self.boot, seq=self.seq, **said)
        self.office.turn()

    def shows(self, made: Playlist, frame: str | None = None, **more: Any) -> None:
        known = notice.Known(self.office.clock.at / 1000)
        due = [f.hash for i in notice.turns(made, known) for f in i.frames]
        showing = frame if frame is not None else (due or [f.hash for f in made.fallback] or [""])[0]
        self.says("telemetry", applied=made.id, showing=showing, **more)

    @property
    def values(self) -> dict[str, Any]:
        return self.office.track(self.name).values

    @property
    def health(self) -> tuple[Health, list[str]]:
        t = self.office.track(self.name)
        return t.health, [str(r.about.get("rule", r.code)) for r in t.reasons]


async def test_a_board_has_its_own_frame_until_a_notice_comes(office: Office) -> None:
    first = told(office)
    assert sorted(first) == ["bang-1", "bang-2", "tivi-1"]
    assert first["bang-1"] == first["bang-2"], "boards that are alike get the same"
    made = first["bang-1"]
    assert made is not None
    assert (made.items, made.profile, len(made.fallback)) == ((), "led-64x32-1", 1)
    assert office.boards.tally[1:] == (2, 3), "one for each profile"
    office.later(3600)
    assert office.boards.tally == (2, 2, 3)
    assert office.notices.frame(made.fallback[0].hash)
    assert told(office) == {}


async def test_a_notice_is_published_at_once_one_payload_a_profile(office: Office) -> None:
    told(office)
    office.later(1)
    before = office.boards.tally
    await office.on_boards(said())
    made = told(office)
    assert {name: [i.id for i in p.items] for name, p in made.items() if p} == {
        name: ["1.1"] for name in made
    }
    assert len(made) == 3
    assert office.boards.tally.payloads_built - before.payloads_built == 2
    assert office.boards.tally.frames_rendered == before.frames_rendered
    bang = made["bang-1"]
    assert bang is not None
    assert bang.items[0].frames[0].png, "a small frame is written in"
    assert [(s.board, s.state) for s in await office.notices.steps(1)] == [
        ("bang-1", "sent"), ("bang-2", "sent"), ("tivi-1", "sent"),
    ]  # fmt: skip


async def test_nothing_is_told_that_is_not_on_disk(office: Office) -> None:
    told(office)
    n = await office.notices.save(None, FLOOD, 0, LAN)
    office.store.limit_pages(office.store.pages())
    office.ingest.writes.add("INSERT INTO playlist VALUES ('x', ?, 0)", "x" * 2_000_000)
    with pytest.raises(Refused, match="not_stored_yet"):
        await office.notices.publish(n.number, n.version, LAN, boards=3)
    office.later(5)
    assert told(office) == {}
    office.store.limit_pages(0)
    office.ingest._retry_at = 0
    office.later(1)
    assert len(told(office)) == 3


async def test_very_many_are_told_in_pieces(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told(office)
    monkeypatch.setattr("hub.notices.boards.ASKS", 2)
    await office.on_boards(said())
    assert (len(told(office)), office.boards.hurries) == (2, True)
    office.turn()
    assert (len(told(office)), office.boards.hurries) == (1, False)
    assert office.boards.tally.payloads_built <= 4, "one for what is alike, also over pieces"


async def test_a_full_playlist_leaves_the_weakest_out_and_says_so(office: Office) -> None:
    for n in range(MOST_ITEMS + 1):
        await office.on_boards(said(f"Tin {n}", priority=9 if n else 0, targets=("device:bang-1",)))
    made = told(office)["bang-1"]
    assert made is not None
    assert len(made.items) == MOST_ITEMS
    assert "1.1" not in {i.id for i in made.items}
    view = office.notices.board("bang-1")
    assert view is not None
    assert [p.code for p in view.problems] == ["playlist_full"]


async def test_an_emergency_stands_first_and_says_how_long(office: Office) -> None:
    await office.on_boards(said())
    await office.on_boards(FLOOD)
    made = told(office)["bang-1"]
    assert made is not None
    assert [(i.id, i.level, i.ttl_s) for i in made.items] == [
        ("2.1", Level.EMERGENCY, 12 * 3600), ("1.1", Level.ROUTINE, None),
    ]  # fmt: skip


async def test_it_goes_on_green_while_it_shows_what_was_previewed(office: Office) -> None:
    own = told(office)["bang-1"]
    assert own is not None
    bang = Board(office, "bang-1")
    bang.says("telemetry")
    assert bang.health == (Health.UNKNOWN, ["not_shown_yet"])
    bang.shows(own)
    assert bang.health == (Health.OK, [])
    await office.on_boards(said())
    made = told(office)["bang-1"]
    assert made is not None
    assert bang.health == (Health.OK, []), "it has two minutes"
    bang.shows(made)
    assert bang.health == (Health.OK, [])
    bang.shows(made, "f" * 64)
    assert bang.health == (Health.UNKNOWN, ["shows_other"])
    office.later(10)
    assert bang.health == (Health.FAULTY, ["board-wrong"])
    bang.shows(made)
    assert bang.health == (Health.OK, [])


async def test_a_board_is_not_well_while_an_emergency_is_not_acknowledged(office: Office) -> None:
    own = told(office)["bang-1"]
    assert own is not None
    bang = Board(office, "bang-1")
    bang.shows(own)
    await office.on_boards(FLOOD)
    flood = told(office)["bang-1"]
    assert flood is not None
    assert bang.health == (Health.UNKNOWN, ["not_shown_yet"])
    bang.shows(own)
    assert bang.health == (Health.UNKNOWN, ["not_shown_yet"])
    bang.shows(flood)
    assert bang.health == (Health.OK, [])


async def test_a_board_that_says_nothing_of_it_is_told_again_and_then_late(office: Office) -> None:
    own = told(office)["bang-1"]
    assert own is not None
    bang = Board(office, "bang-1")
    bang.shows(own)
    await office.on_boards(FLOOD)
    told(office)
    office.later(AGAIN_MS / 1000 - 5)
    bang.shows(own)
    assert told(office) == {}
    office.later(5)
    assert sorted(told(office)) == ["bang-1"], "the others were never heard: the broker keeps it for them"
    office.later((DUE_MS - AGAIN_MS) / 1000 - 1)
    assert bang.values["board_late"] is False
    office.later(1)
    assert bang.values["board_late"] is True, "though it said nothing"
    assert bang.health == (Health.FAULTY, ["board-late"])
    view = office.notices.board("bang-1")
    assert view is not None
    assert (view.late, view.due, view.proves) == (True, ("1.1",), "applied")
    assert view.asked != view.applied == own.id


async def test_what_is_right_changes_with_the_time_alone(office: Office) -> None:
    until = office.clock.at + 600_000
    await office.on_boards(said(end=until))
    made = told(office)["bang-1"]
    assert made is not None
    bang = Board(office, "bang-1")
    bang.shows(made)
    notice_frame = made.items[0].frames[0].hash
    office.later(150)
    bang.shows(made)
    office.later(150)
    bang.shows(made)
    office.later(150)
    bang.shows(made)
    office.later(150)
    bang.shows(made, notice_frame)
    assert bang.values["board_wrong"] is False
    office.later(89)
    assert bang.values["board_wrong"] is False
    office.later(1)
    assert bang.values["board_wrong"] is True, "its own time told it"
    bang.shows(made, made.fallback[0].hash)
    assert bang.values["board_wrong"] is False


async def test_every_receipt_is_a_step_once(office: Office) -> None:
    await office.on_boards(said())
    made = told(office)["bang-1"]
    assert made is not None
    frame = made.items[0].frames[0].hash
    bang = Board(office, "bang-1")
    bang.says("receipt", id="1.1", result="stored", frames=[frame], ts=office.clock.at / 1000)
    bang.says("receipt", id="1.1", result="shown", frames=[frame])
    bang.seq -= 1
    bang.says("receipt", id="1.1", result="shown", frames=[frame])
    bang.says("receipt", id="1.1", result="ended", late=True, ts=office.clock.at / 1000 - 60)
    bang.says("receipt", id="order-7", result="done")
    assert await office.notices.said_by("bang-1") == [
        Step("bang-1", "1.1", "ended", office.clock.at, office.clock.at - 60_000, late=True),
        Step("bang-1", "1.1", "shown", office.clock.at, None, frames=(frame,), right=True),
        Step("bang-1", "1.1", "stored", office.clock.at, office.clock.at, frames=(frame,), right=True),
        Step("bang-1", "1.1", "sent", office.clock.at),
    ]
    assert [s.state for s in await office.notices.steps(1) if s.board == "bang-1"] == [
        "sent", "stored", "shown", "ended",
    ]  # fmt: skip


async def test_the_camera_that_sees_a_board_is_sent_for_once_a_notice(office: Office) -> None:
    office.registry.devices["cam-1"] = Device(
        "cam-1", Kind.CAMERA, REALM, REALM, driver="onvif", address="http://192.168.1.9"
    )
    with pytest.raises(Refused, match="not_a_camera"):
        await office.notices.set_witness("bang-1", "bang-2", LAN)
    await office.notices.set_witness("bang-1", "cam-1", LAN)
    await office.on_boards(said())
    made = told(office)["bang-1"]
    assert made is not None
    frame = made.items[0].frames[0].hash
    for name in ("bang-1", "bang-2"):
        bang = Board(office, name)
        bang.says("receipt", id="1.1", result="shown", frames=[frame])
        bang.says("receipt", id="1.1", result="shown", frames=[frame])
    late = Board(office, "bang-1", boot=9)
    late.says("receipt", id="1.2", result="shown", frames=[frame], late=True, ts=office.clock.at / 1000 - 60)
    assert [look for d in office.deltas for look in d.looks] == [("cam-1", "bang-1 1.1")]
    office.crash()
    office.start()
    assert office.book.witnesses == {"bang-1": "cam-1"}


async def test_a_frame_that_nobody_previewed_is_a_lie(office: Office) -> None:
    await office.on_boards(said())
    made = told(office)["bang-1"]
    assert made is not None
    bang = Board(office, "bang-1")
    bang.shows(made)
    bang.says("receipt", id="1.1", result="shown", frames=["0" * 64])
    assert (await office.notices.said_by("bang-1", 1))[0].right is False
    assert bang.health == (Health.UNKNOWN, ["shows_other"])
    office.later(10)
    assert bang.health == (Health.FAULTY, ["board-wrong"])
    bang.says("receipt", id="1.1", result="shown", frames=[made.items[0].frames[0].hash])
    assert bang.health == (Health.OK, [])
    bang.says("receipt", id="1.1", result="shown", frames=["0" * 64])
    n = office.notices.get(1)
    assert n is not None
    await office.notices.end(1, n.version, LAN)
    own = told(office)["bang-1"]
    assert own is not None
    bang.shows(own)
    assert bang.health == (Health.OK, []), "what it lied about is over"


async def test_who_fetches_a_frame_proves_nothing(office: Office) -> None:
    device = replace(office.track("bang-1").device, driver="led")
    office.track("bang-1").device = office.registry.devices["bang-1"] = device
    office.later(60)
    told(office)
    await office.on_boards(said())
    assert "bang-1" not in told(office), "it comes by itself"
    bang = Board(office, "bang-1")
    asked = office.track("bang-1").follows
    assert asked is not None
    made = notice.read(office.boards.desired(asked.id, office.clock.at))
    bang.shows(made)
    assert bang.health == (Health.UNKNOWN, ["cannot_prove"])
    office.later(300)
    assert bang.values["board_late"] is False
    assert len(office.rows("SELECT * FROM transition WHERE after='unknown'")) <= 1


async def test_one_that_returns_in_an_emergency_learns_how_late_it_is(office: Office) -> None:
    await office.on_boards(FLOOD)
    told(office)
    bang = Board(office, "bang-1")
    office.clock.at += 3_600_000
    office.says("bang-1", "state", online=True, boot=8, ts=office.clock.at / 1000)
    office.turn()
    made = told(office)
    assert made["bang-1"] is not None
    assert made["bang-1"].items[0].ttl_s == 11 * 3600
    bang.boot = 8
    bang.shows(made["bang-1"])
    n = office.notices.get(1)
    assert n is not None
    await office.notices.end(1, n.version, LAN)
    told(office)
    office.says("bang-1", "state", online=True, boot=9, ts=office.clock.at / 1000)
    office.turn()
    assert told(office) == {}
    office.says("bang-1", "state", online=True, boot=10)
    office.turn()
    assert list(told(office)) == ["bang-1"], "it has no clock"


async def test_who_leaves_is_told_nothing_any_more(office: Office) -> None:
    told(office)
    await office.do(lambda _: office.tracker.live(office.track("bang-2"), Lifecycle.RETIRED, office.clock.at))
    office.book.changed = True
    office.later(1)
    assert told(office) == {"bang-2": None}


async def test_boards_that_come_by_http_are_asked_while_the_broker_is_away(tmp_path: Path) -> None:
    office = Office(tmp_path, board("bang-1"), board("tivi-1", "screen-1920x1080", driver="player"))
    office.listening()
    office.later(1)
    told(office)
    office.down()
    office.later(5)
    await office.on_boards(FLOOD)
    asked = {n: office.track(n).follows for n in ("bang-1", "tivi-1")}
    shows = {n: office.tracker.shows[f.id].previewed for n, f in asked.items() if f is not None}
    assert [list(s) for s in shows.values()] == [[], ["1.1"]]
    office.up()
    office.caught_up()
    office.later(1)
    assert list(told(office)) == ["bang-1"]
    office.close()


async def test_the_day_is_carried_on_and_what_nobody_follows_goes(office: Office) -> None:
    await office.on_boards(said())
    told(office)
    office.later(86_400)
    made = told(office)
    assert len(made) == 3
    office.later(86_400)
    told(office)
    office.later(86_400)
    kept = {i for (i,) in office.rows("SELECT id FROM playlist")}
    assert kept == set(office.tracker.shows)
    assert len(kept) <= 8, "two a day for two profiles, not more than of two days"


async def test_a_restart_knows_the_playlists(office: Office) -> None:
    await office.on_boards(said())
    made = told(office)["bang-1"]
    assert made is not None
    bang = Board(office, "bang-1")
    bang.shows(made)
    t, count = office.track("bang-1"), office.rows("SELECT count(*) FROM step")
    office.crash()
    office.start()
    now = office.track("bang-1")
    assert (now.follows, now.values, now.again, now.health) == (t.follows, t.values, t.again, t.health)
    office.listening()
    office.later(1)
    assert told(office).get("bang-1") is None, "what is proved is not told again"
    assert office.rows("SELECT count(*) FROM step") == count
    view = office.notices.board("bang-1")
    assert view is not None
    assert (view.right, view.showing) == (True, made.items[0].frames[0].hash)


async def test_a_restart_in_an_emergency_tells_nobody_anew(office: Office) -> None:
    await office.on_boards(FLOOD)
    asked = [office.track(n).follows for n in ("bang-1", "bang-2", "tivi-1")]
    office.crash()
    office.start()
    jobs: list[Callable[[], None]] = []
    office.boards.fallbacks._start = jobs.append
    office.listening()
    told(office)
    office.later(1)
    assert jobs, "fallbacks are being drawn"
    for job in jobs:
        job()
    office.later(1)
    assert [office.track(n).follows for n in ("bang-1", "bang-2", "tivi-1")] == asked
    assert told(office) == {}


async def test_a_board_of_no_profile_or_of_a_later_one_says_so(tmp_path: Path) -> None:
    office = Office(tmp_path, board("bang-1"), board("bang-2", ""))
    office.listening()
    office.later(1)
    assert list(told(office)) == ["bang-1"]
    await office.on_boards(said())
    device = replace(office.track("bang-1").device, profile="led-192x64-1")
    office.track("bang-1").device = office.registry.devices["bang-1"] = device
    office.book.changed = True
    office.later(1)
    views = {b.name: [p.code for p in b.problems] for b in office.notices.boards()}
    assert views == {"bang-1": ["not_drawn"], "bang-2": ["profile_missing"]}
    office.close()


def test_topics_of_a_realm(office: Office) -> None:
    assert all(t.startswith(f"vh/1/{REALM}/") for t, _, _ in office.link.published)
