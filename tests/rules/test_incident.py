"""An incident's life, and which incident an alert belongs to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alert import Changed, Closed, Opened
from rules.correlate import correlate
from rules.incident import (
    CannotAcceptError,
    Entry,
    Incident,
    Member,
    Phase,
    accept,
    begin,
    change,
    comment,
    due,
    fire,
    join,
    leave,
    pack,
    unpack,
)
from rules.rule import Severity

LAMP = Member("lamp-1", "lamp-failed", 1, Severity.FAULTY)
OTHER = Member("lamp-2", "offline", 1, Severity.OFFLINE)
S = 1000


def one() -> Incident:
    incident, entries = begin(7, LAMP, 0)
    assert entries == (Entry(0, "opened", Severity.FAULTY, device="lamp-1", rule="lamp-failed"),)
    return incident


def at(incident: Incident, ms: int) -> Incident:
    return fire(incident, ms)[0]


def test_forming_ends_ten_seconds_after_the_last_new_member() -> None:
    incident = one()
    assert due(incident) == 10 * S
    incident, _ = join(incident, OTHER, 9 * S)
    assert at(incident, 19 * S - 1).phase is Phase.FORMING
    assert fire(incident, 19 * S) == (incident._replace(phase=Phase.OPEN), ())


def test_forming_ends_forty_five_seconds_after_the_first() -> None:
    incident = one()
    for second in range(5, 45, 5):
        incident, _ = join(incident, OTHER._replace(device=f"lamp-{second}"), second * S)
    assert due(incident) == 45 * S
    assert at(incident, 45 * S).phase is Phase.OPEN


def test_a_member_that_comes_again_does_not_keep_it_forming() -> None:
    incident, _ = leave(one(), LAMP, 2 * S)
    incident, entries = join(incident, LAMP._replace(generation=2), 9 * S)
    assert entries == ()
    assert due(incident) == 10 * S
    assert incident.members == (LAMP._replace(generation=2),)


def test_it_recovers_when_no_member_is_open_and_closes_after_five_quiet_minutes() -> None:
    incident, _ = join(one(), OTHER, 5 * S)
    incident = at(incident, 60 * S)
    incident, entries = leave(incident, LAMP, 100 * S)
    assert (incident.phase, entries) == (Phase.OPEN, ())
    incident, entries = leave(incident, OTHER, 200 * S)
    assert entries == (Entry(200 * S, "recovering", Severity.OFFLINE),)
    assert due(incident) == 500 * S
    assert at(incident, 500 * S - 1).phase is Phase.RECOVERING
    incident, entries = fire(incident, 999 * S)
    assert entries == (Entry(500 * S, "closed", Severity.OFFLINE),)
    assert (incident.phase, incident.closed_at, due(incident)) == (Phase.CLOSED, 500 * S, None)


def test_over_while_forming_recovers_when_formed() -> None:
    incident, entries = leave(one(), LAMP, 3 * S)
    assert (incident.phase, entries) == (Phase.FORMING, ())
    incident, entries = fire(incident, 10 * S)
    assert entries == (Entry(10 * S, "recovering", Severity.FAULTY),)
    assert due(incident) == 303 * S


def test_a_relapse_opens_it_again_and_keeps_who_accepted() -> None:
    incident, _ = accept(at(one(), 10 * S), "Hùng", "tôi đi xem", 20 * S)
    incident, _ = leave(incident, LAMP, 60 * S)
    incident, entries = join(incident, LAMP._replace(generation=2), 359 * S)
    assert entries == (Entry(359 * S, "reopened", Severity.FAULTY, device="lamp-1", rule="lamp-failed"),)
    assert (incident.phase, incident.recovering_at, incident.quiet_at) == (Phase.OPEN, None, None)
    assert (incident.accepted_by, incident.accepted_at, incident.accepted_comment) == (
        "Hùng",
        20 * S,
        "tôi đi xem",
    )
    incident, _ = leave(incident, LAMP._replace(generation=2), 400 * S)
    assert due(incident) == 700 * S


def test_severity_is_the_worst_of_the_open_members() -> None:
    incident = at(one(), 10 * S)
    incident, entries = join(incident, OTHER, 20 * S)
    assert [e.what for e in entries] == ["joined", "severity"]
    assert incident.severity is Severity.OFFLINE
    incident, entries = leave(incident, OTHER, 30 * S)
    assert entries == (Entry(30 * S, "severity", Severity.FAULTY),)
    incident, entries = change(incident, LAMP._replace(severity=Severity.DEGRADED), 40 * S)
    assert entries == (Entry(40 * S, "severity", Severity.DEGRADED),)
    incident, _ = leave(incident, LAMP._replace(severity=Severity.DEGRADED), 50 * S)
    assert incident.severity is Severity.DEGRADED, "recovering: what it was last"


def test_accepting() -> None:
    incident, entries = accept(one(), "Lan", "", 5)
    assert entries == (Entry(5, "accepted", Severity.FAULTY, who="Lan"),)
    with pytest.raises(CannotAcceptError, match="already_accepted"):
        accept(incident, "Hùng", "", 6)
    incident, _ = leave(incident, LAMP, 10)
    with pytest.raises(CannotAcceptError, match="incident_closed"):
        accept(at(incident, 999 * S), "Hùng", "", 999 * S)


def test_a_comment_may_come_late() -> None:
    incident, _ = leave(one(), LAMP, 10)
    incident = at(incident, 999 * S)
    assert comment(incident, "Lan", "đã thay bóng", 1000 * S) == (
        incident,
        (Entry(1000 * S, "comment", Severity.FAULTY, who="Lan", text="đã thay bóng"),),
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["join", "leave", "change", "accept"]), st.integers(0, 60 * S)), max_size=8
    )
)
def test_restarts_and_ticks_change_nothing(steps: list[tuple[str, int]]) -> None:
    calm, nervous = one(), one()
    told_calm: list[Entry] = []
    told_nervous: list[Entry] = []
    now = 0
    for what, gap in steps:
        for tick in (gap // 3, gap // 2):
            nervous, entries = fire(nervous, now + tick)
            told_nervous += entries
        nervous = unpack(json.loads(json.dumps(pack(nervous))))
        now += gap
        calm, entries = fire(calm, now)
        told_calm += entries
        nervous, entries = fire(nervous, now)
        told_nervous += entries
        if calm.phase is Phase.CLOSED or (what == "accept" and calm.accepted_by):
            continue
        calm, entries = step(calm, what, now)
        told_calm += entries
        nervous, entries = step(nervous, what, now)
        told_nervous += entries
    assert (calm, told_calm) == (nervous, told_nervous)


def step(incident: Incident, what: str, now: int) -> tuple[Incident, tuple[Entry, ...]]:
    match what:
        case "join":
            return join(incident, LAMP, now)
        case "leave":
            return leave(incident, LAMP, now)
        case "change":
            return change(incident, LAMP._replace(severity=Severity.DEGRADED), now)
    return accept(incident, "Lan", "", now)


# ---------------------------------------------------------------- correlate


def opened(ms: int, generation: int = 1) -> Opened:
    return Opened(ms, generation, Severity.FAULTY, {}, ())


def closed(ms: int, generation: int = 1) -> Closed:
    return Closed(ms, generation, Severity.FAULTY, {})


def test_an_alert_opens_an_incident_of_one() -> None:
    (move,) = correlate(None, "lamp-1", "lamp-failed", opened(5), number=3)
    assert move.incident == begin(3, LAMP, 5)[0]
    assert [e.what for e in move.entries] == ["opened"]


def test_an_alert_that_comes_again_joins_what_is_not_closed() -> None:
    (move,) = correlate(None, "lamp-1", "lamp-failed", opened(0), number=3)
    (move,) = correlate(move.incident, "lamp-1", "lamp-failed", closed(60 * S), number=4)
    assert (move.incident.phase, move.entries) == (
        Phase.RECOVERING,
        (Entry(60 * S, "recovering", Severity.FAULTY),),
    )
    (move,) = correlate(move.incident, "lamp-1", "lamp-failed", opened(360 * S - 1, 2), number=4)
    assert (move.incident.number, move.incident.phase) == (3, Phase.OPEN)
    assert [e.what for e in move.entries] == ["reopened"]


def test_five_quiet_minutes_later_it_is_a_new_one_also_in_the_same_millisecond() -> None:
    (move,) = correlate(None, "lamp-1", "lamp-failed", opened(0), number=3)
    (move,) = correlate(move.incident, "lamp-1", "lamp-failed", closed(60 * S), number=4)
    old, new = correlate(move.incident, "lamp-1", "lamp-failed", opened(360 * S, 2), number=4)
    assert (old.incident.number, old.incident.phase, old.incident.closed_at) == (3, Phase.CLOSED, 360 * S)
    assert (new.incident.number, new.incident.phase, new.incident.opened_at) == (4, Phase.FORMING, 360 * S)


def test_severity_follows_the_alert() -> None:
    (move,) = correlate(None, "lamp-1", "lamp-failed", opened(0), number=3)
    changed = Changed(30 * S, 1, Severity.DEGRADED, {}, ())
    (move,) = correlate(move.incident, "lamp-1", "lamp-failed", changed, number=4)
    assert (move.incident.phase, move.incident.severity) == (Phase.OPEN, Severity.DEGRADED)


def test_records_of_an_incident_nobody_knows_do_nothing() -> None:
    assert correlate(None, "lamp-1", "lamp-failed", closed(5), number=3) == ()
