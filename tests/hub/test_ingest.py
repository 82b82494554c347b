"""Ingest on real SQLite: commit then ack, a disk that fills, generations, catching up, what people ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devices.health import Health, Shown
from drivers.mqtt_link import Broker, CaughtUp, Foreign
from hub.ingest import UNACKED
from hub.views import Refused
from tests.hub.house import House
from tests.hub.scene import REALM, T0, gateway, light

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

NOON = T0 / 1000
TOPIC = f"vh/1/{REALM}/den-1/telemetry"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, gateway(), light(uplink_by="cong-1"), light("den-2")).listening()
    made.link.acked.clear()
    yield made
    made.close()


def fill_the_disk(house: House) -> None:
    """Not a byte more; what is written from now on fails."""
    house.store.limit_pages(house.store.pages())
    house.store._db.execute("PRAGMA cache_size=10")


def empty_the_disk(house: House) -> None:
    """Room again, and the time to try has come."""
    house.store.limit_pages(0)
    house.ingest._retry_at = 0.0


def reading(house: House, seq: int, **said: Any) -> None:
    said = {"boot": 1, "seq": seq, "faults": [], "pad": "x" * 2000} | said
    house.link.inbox.append(house.message(TOPIC, json.dumps(said).encode()))


def stored(house: House, name: str = "den-1") -> list[int]:
    number = house.registry.ids[name]
    return [
        json.loads(b)["seq"]
        for (b,) in house.rows("SELECT body FROM journal WHERE device=? ORDER BY pos", number)
    ]


# --- commit, then ack -----------------------------------------------------------------------------------------


def test_acks_follow_the_commit_in_order(house: House) -> None:
    for seq in range(1, 6):
        reading(house, seq)
    first = house.mid - 4
    house.ingest._drain(house.link.inbox)
    assert not house.link.acked
    house.commit()
    assert stored(house) == [1, 2, 3, 4, 5]
    assert house.link.acked == [(1, mid) for mid in range(first, first + 5)]
    house.commit()
    assert len(house.link.acked) == 5, "each once"


def test_whatever_becomes_of_a_message_it_is_acknowledged(house: House) -> None:
    house.take(
        house.message(TOPIC, b"\xff"),
        house.message(TOPIC, b'{"boot": 1, "seq": 1}'),
        house.message(TOPIC, b'{"boot": 1, "seq": 1}'),
        house.message("vh/1/thon-1/nobody/telemetry", b"{}"),
        house.message("elsewhere", b""),
        house.message("vh/1/thon-1/nobody/hello", b'{"kind": "camera"}'),
    )
    house.commit()
    assert len(house.link.acked) == 6


def test_a_message_that_the_hub_fails_on_is_counted_and_holds_nothing_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as m:
        m.setattr(type(house.intake), "_event", boom)
        reading(house, 1)
        house.turn()
    reading(house, 2)
    house.turn()
    assert house.intake.tallies["failed"].count == 1
    assert stored(house) == [2]
    assert len(house.link.acked) == 2


def test_acks_of_an_older_connection_are_never_sent(house: House) -> None:
    reading(house, 1)
    house.ingest._drain(house.link.inbox)
    house.down()
    house.up()
    reading(house, 2)
    newest = house.mid
    house.ingest._drain(house.link.inbox)
    house.commit()
    assert house.link.acked == [(2, newest)]


# --- a disk that fills ----------------------------------------------------------------------------------------


def test_a_full_disk_stops_acks_and_not_the_judging(house: House) -> None:
    fill_the_disk(house)
    reading(house, 1)
    reading(house, 2, faults=["lampFailure"])
    house.turn()
    assert not house.link.acked
    assert house.report.disk_full
    assert house.track("hub").health is Health.FAULTY
    assert house.track("hub").values["faults"] == ["disk_full"]
    assert house.track().shown is Shown.FAULTY
    assert house.deltas[-1].hub
    assert any(house.track() in d.tracks for d in house.deltas), "pages are told"


def test_nothing_is_lost_over_a_full_disk(house: House) -> None:
    reading(house, 1)
    house.turn()
    acked = len(house.link.acked)
    fill_the_disk(house)
    for seq in range(2, 20):
        house.at(seq)
        reading(house, seq, faults=["lampFailure"] if seq < 10 else [])
        house.ingest._retry_at = 0.0
        house.turn()
    house.at(120).tick()
    assert len(house.link.acked) == acked
    assert stored(house) == [1]
    empty_the_disk(house)
    house.turn()
    assert stored(house) == list(range(1, 20))
    assert len(house.link.acked) == acked + 18
    story = house.story()
    changes = [(at - T0, after) for who, at, _, after, *_ in story["transitions"] if who == "den-1"]
    assert changes == [(0, "ok"), (2000, "faulty"), (70_000, "ok")]
    assert [(rule, opened - T0, closed - T0) for _, rule, _, _, opened, closed, _ in story["alerts"]] == [
        ("lamp-failed", 2000, 70_000)
    ]
    assert house.report.store_ok
    assert house.track("hub").values["store_ok"] is True


def test_a_hub_killed_with_a_full_disk_has_lost_nothing_that_it_acknowledged(house: House) -> None:
    reading(house, 1)
    house.turn()
    fill_the_disk(house)
    reading(house, 2, faults=["lampFailure"])
    unacked = house.link.inbox[-1]
    house.turn()
    house.crash()
    house.start()
    house.listening()
    house.take(unacked)
    house.commit()
    assert stored(house) == [1, 2]
    assert house.track().health is Health.FAULTY


def test_what_the_broker_holds_back_makes_the_hub_deaf(house: House) -> None:
    """It sends no more than UNACKED messages without an acknowledgement."""
    fill_the_disk(house)
    for seq in range(1, UNACKED + 1):
        reading(house, seq)
    while house.link.inbox:
        house.ingest._drain(house.link.inbox)
    house.at(5).commit()
    assert house.deaf.open is not None
    assert house.deaf.open.reason == "store"
    empty_the_disk(house)
    house.at(1000).turn()
    assert house.link.marks == 1, "it asks for what waited"
    assert house.deaf.open is not None
    house.take(CaughtUp(house.clock.at, 1))
    assert house.deaf.open is None
    house.at(1160).tick()
    assert house.track().health is Health.OK, "nobody fell silent while the hub could not hear"


def test_no_checkpoint_stands_for_what_is_not_stored(house: House) -> None:
    reading(house, 1)
    house.ingest._drain(house.link.inbox)
    before = house.store.meta("checkpoint_pos")
    house.ingest._checkpoint(house.clock.at)
    assert house.store.meta("checkpoint_pos") == before


# --- what people ask for --------------------------------------------------------------------------------------


def ask(house: House, number: int = 1) -> Future[Any]:
    return house.ingest.submit(lambda w: house.desk.accept(number, "Anh Ba", "on my way", house.clock.at, w))


def test_an_incident_is_accepted_with_a_name_and_a_comment_and_keeps_it(house: House) -> None:
    reading(house, 1, faults=["lampFailure"])
    house.turn()
    asked = ask(house)
    assert not asked.done()
    house.turn()
    assert asked.result(0).accepted_by == "Anh Ba"
    again = ask(house)
    house.turn()
    with pytest.raises(Refused, match="already_accepted"):
        again.result(0)
    house.crash()
    house.start()
    assert house.desk.open[1].incident.accepted_by == "Anh Ba"
    assert ("accepted", "Anh Ba", "on my way") in house.rows("SELECT what, who, text FROM incident_log")


def test_nobody_gets_an_answer_before_it_is_stored(house: House) -> None:
    reading(house, 1, faults=["lampFailure"])
    house.turn()
    asked = ask(house)
    while house.ingest._commands:
        house.ingest._command(house.ingest._commands.popleft())
    assert not asked.done()
    house.commit()
    assert asked.done()


def test_nothing_is_changed_while_nothing_can_be_stored(house: House) -> None:
    reading(house, 1, faults=["lampFailure"])
    house.turn()
    fill_the_disk(house)
    reading(house, 2)
    house.turn()
    asked = ask(house)
    house.turn()
    with pytest.raises(Refused, match="disk_full"):
        asked.result(0)
    assert house.desk.open[1].incident.accepted_by == ""


def test_an_asker_who_left_stops_nobody_elses_answer(house: House) -> None:
    reading(house, 1, faults=["lampFailure"])
    house.turn()
    gone, stays = house.ingest.submit(lambda _: 1), house.ingest.submit(lambda _: 2)
    gone.cancel()
    house.turn()
    assert stays.result(0) == 2


def test_a_request_that_raises_is_its_askers(house: House) -> None:
    asked = house.ingest.submit(lambda _: 1 // 0)
    house.turn()
    with pytest.raises(ZeroDivisionError):
        asked.result(0)
    reading(house, 1)
    house.turn()
    assert stored(house) == [1]


# --- an incident's life over restarts -------------------------------------------------------------------------


def states(house: House) -> list[tuple[Any, ...]]:
    return house.rows(
        "SELECT state, opened_at - ?, recovering_at - ?, closed_at - ? FROM incident WHERE rule = 'lamp-failed'",
        T0,
        T0,
        T0,
    )


@pytest.mark.parametrize("stop", [None, 3, 9.999, 10, 30, 59.999, 89.999, 90, 389.999, 390, 500], ids=str)
def test_an_incident_forms_opens_recovers_and_closes_whenever_the_hub_restarts(
    house: House, stop: float | None
) -> None:
    """A lamp fails at 0 and is mended at 30: closed alert at 90 (clear_after 1m), closed incident at 390."""
    reading(house, 1, faults=["lampFailure"])
    house.take()
    house.commit()
    mended = False
    for second in sorted({3, 9.999, 10, 30, 59.999, 89.999, 90, 389.999, 390, 500}):
        house.at(second)
        if second >= 30 and not mended:
            reading(house, 2)
            house.take()
            mended = True
        if second != stop:
            house.tick()
        house.commit()
        if second == stop:
            gap = house.intake.gap
            house.crash()
            house.start()
            house.intake.gap, house.ingest.caught_up = gap, True
            assert not house.reconciled.other
    house.tick()
    house.commit()
    assert states(house) == [("closed", 0, 90_000, 390_000)]
    log = [
        (what, at - T0)
        for what, at in house.rows("SELECT what, at FROM incident_log WHERE incident = 1 ORDER BY id")
    ]
    assert log == [("opened", 0), ("recovering", 90_000), ("closed", 390_000)]


@pytest.mark.parametrize(
    ("second", "state"),
    [
        (0, "forming"),
        (9.999, "forming"),
        (10, "open"),
        (90, "recovering"),
        (389.999, "recovering"),
        (390, "closed"),
    ],
)
def test_each_deadline_of_an_incident(house: House, second: float, state: str) -> None:
    reading(house, 1, faults=["lampFailure"])
    house.take()
    house.commit()
    if second > 30:
        house.at(30)
        reading(house, 2)
        house.take()
    house.at(second).tick()
    house.commit()
    assert states(house)[0][0] == state


# --- catching up ----------------------------------------------------------------------------------------------


def gap(house: House, start: float, end: float) -> None:
    house.at(start).down()
    house.at(end).up()


def test_what_was_over_before_the_hub_came_back_is_history_and_one_incident(house: House) -> None:
    house.says(boot=1, seq=1, ts=NOON)
    gap(house, 100, 3000)
    house.says(boot=1, seq=2, ts=NOON + 500, faults=["lampFailure"])
    house.says(boot=1, seq=3, ts=NOON + 900, faults=[])
    house.caught_up()
    house.commit()
    house.tick()
    house.commit()
    assert states(house) == [("closed", 500_000, 960_000, 1_260_000)]


def test_what_still_holds_is_told_once(house: House) -> None:
    house.says(boot=1, seq=1, ts=NOON)
    gap(house, 100, 3000)
    for seq in range(2, 40):
        house.says(boot=1, seq=seq, ts=NOON + 100 + 60 * seq, faults=["lampFailure"])
    house.commit()
    house.caught_up()
    house.at(3030).says(boot=1, seq=40, ts=NOON + 3030, faults=["lampFailure"])
    house.tick()
    house.commit()
    assert states(house) == [("open", 220_000, None, None)]


def test_a_power_cut_that_the_hub_slept_through_raises_nothing_false(house: House) -> None:
    """Everybody is cut off with the hub; all come back within their interval."""
    for name in ("cong-1", "den-1", "den-2"):
        house.says(name, boot=1, seq=1)
    house.at(10).commit()
    house.crash()
    house.at(4000).start()
    house.ingest.deafen(T0 + 10_000, "start", cut=True)
    house.up()
    house.caught_up()
    for second in range(4000, 4060):
        house.at(second).tick()
    for name in ("cong-1", "den-1", "den-2"):
        house.says(name, boot=2, seq=1)
    house.at(4160).tick()
    house.commit()
    assert not house.rows("SELECT * FROM alert")
    assert [after for _, _, _, after, *_ in house.story()["transitions"]] == ["ok"] * 3


def test_a_broker_that_stood_all_the_time_cut_nobody_off(house: House) -> None:
    house.says(boot=1, seq=1)
    house.at(10).commit()
    house.crash()
    house.at(500).start()
    house.ingest.deafen(T0 + 10_000, "start", cut=True)
    house.up()
    house.take(Broker(house.clock.at, "$SYS/broker/uptime", "500 seconds"))
    house.caught_up()
    assert house.deaf.spans[-1].cut is False
    house.at(500 + 155.001).tick()
    assert house.track().health is Health.OFFLINE, "no time to come back: it was never cut off"


# --- the hub's own faults -------------------------------------------------------------------------------------


def test_another_hub_with_our_name_is_a_fault_that_says_so(house: House) -> None:
    house.take(Foreign(house.clock.at, "f00"))
    assert house.track("hub").values["faults"] == ["taken_over"]
    assert house.track("hub").health is Health.DEGRADED
    house.at(3700).tick()
    assert house.track("hub").values["faults"] == []


def test_a_forgotten_session_is_shown_and_counted(house: House) -> None:
    house.down()
    house.up(session=False)
    assert house.track("hub").values["sessions_lost"] == 1
    assert "hub-session-lost" in house.track("hub").active


def test_the_first_connection_of_all_expects_no_session(house: House) -> None:
    house.down()
    house.up(session=False, expected=False)
    assert house.track("hub").values["sessions_lost"] == 0


def test_what_the_broker_dropped_is_a_fault_of_the_hub(house: House) -> None:
    topic = "$SYS/broker/publish/messages/dropped"
    house.take(Broker(house.clock.at, topic, "7"))
    house.at(10).tick()
    assert house.track("hub").values["broker_dropped"] == 0, "before this hub's time"
    house.take(Broker(house.clock.at, topic, "9"))
    house.at(20).tick()
    assert house.track("hub").values["broker_dropped"] == 2
    assert "hub-broker-dropped" in house.track("hub").active


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_stepped_wall_clock_is_a_fault_and_moves_nothing_stored(house: House, step: int) -> None:
    house.says(boot=1, seq=1)
    house.at(60).tick()
    house.clock.step = step * 1000
    house.at(61 + max(step, 0)).tick()
    house.commit()
    assert house.track("hub").values["clock_step_s"] == step
    assert house.track().health is Health.OK
    assert not [r for r in house.story()["alerts"] if r[0] != "hub"]
    spans = [s.reason for s in house.deaf.spans if s.reason == "clock_step"]
    assert spans == (["clock_step"] if step > 0 else [])
    house.at(61 + max(step, 0) + 104).tick()
    assert house.track().health is Health.OK
    house.at(61 + max(step, 0) + 107).tick()
    assert house.track().health is Health.OFFLINE


def test_a_clock_behind_what_is_stored_is_told(house: House) -> None:
    house.clock.behind = True
    house.at(10).tick()
    assert house.track("hub").values["faults"] == ["clock_behind"]


def test_hellos_wait_and_survive(house: House) -> None:
    house.says("den-77", "hello", kind="solar_light", serial="77")
    house.says("den-77", "hello", kind="solar_light", serial="78")
    house.commit()
    house.crash()
    house.start()
    entry = house.waiting.entries["den-77"]
    assert (entry.realm, entry.claim["serial"], entry.times) == (REALM, "78", 2)


@pytest.mark.parametrize("topic", ["vh/1/hub/den-7/hello", "vh/1/thon-1/enrol/hello", "vh/1/hub/enrol/hello"])
def test_nobody_waits_under_the_hubs_own_names(house: House, topic: str) -> None:
    house.take(house.message(topic, b'{"kind": "solar_light"}'))
    assert not house.waiting.entries
    assert house.intake.tallies["wrong_realm"].count == 1


def test_the_waiting_room_is_bounded(house: House) -> None:
    for i in range(1001):
        house.take(house.message(f"vh/1/thon-1/x{i}/hello", b'{"kind": "camera"}'))
    assert len(house.waiting.entries) == 1000
    assert house.intake.tallies["pending_full"].count == 1
    house.take(house.message("vh/1/thon-1/x5/hello", b'{"kind": "camera"}'))
    assert house.waiting.entries["x5"].times == 2
