"""The life of one incident: forming -> open -> recovering -> closed, as pure functions.

An incident holds the alerts that have one cause; people are told of it once. Like alerts, each deadline fires with
its own exact ms. `accepted_by` is a field and no state: it survives recovery and relapse.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

from rules.rule import Severity

FORMING_AFTER_LAST_MS = 10_000
FORMING_AT_MOST_MS = 45_000
QUIET_MS = 300_000


class Phase(StrEnum):
    """Where an incident stands. `merged` (into another) is reserved for correlation."""

    FORMING = "forming"
    OPEN = "open"
    RECOVERING = "recovering"
    CLOSED = "closed"
    MERGED = "merged"


class Member(NamedTuple):
    """One alert in it, by device and rule; `generation` is its latest there. `open` until that alert has closed."""

    device: str
    rule: str
    generation: int
    severity: Severity
    open: bool = True


class Incident(NamedTuple):
    """Times in ms. `severity` is the worst of the open members; once none is open, what it was last.

    `joined_at` is when its last new member came, `quiet_at` when its last open member closed (None while one is
    open), `recovering_at` when it began to recover.
    """

    number: int
    phase: Phase
    severity: Severity
    members: tuple[Member, ...]
    opened_at: int
    joined_at: int
    quiet_at: int | None = None
    recovering_at: int | None = None
    closed_at: int | None = None
    accepted_by: str = ""
    accepted_at: int | None = None
    accepted_comment: str = ""


What = Literal["opened", "joined", "severity", "accepted", "comment", "recovering", "reopened", "closed"]


class Entry(NamedTuple):
    """One line of an incident's story. `severity` is the incident's after it; `device` and `rule` for members only."""

    at: int
    what: What
    severity: Severity
    who: str = ""
    text: str = ""
    device: str = ""
    rule: str = ""


Result = tuple[Incident, tuple[Entry, ...]]


class CannotAcceptError(Exception):
    """An acceptance that means nothing: `code` is incident_closed or already_accepted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def begin(number: int, member: Member, at: int) -> Result:
    """A new incident with its first member."""
    incident = Incident(number, Phase.FORMING, member.severity, (member,), opened_at=at, joined_at=at)
    return incident, (_entry(incident, at, "opened", member),)


def join(incident: Incident, member: Member, at: int) -> Result:
    """An alert opened: a new member, or one that is in it already and came back. Not for a closed one."""
    others = _others(incident, member)
    known = len(others) < len(incident.members)
    after = incident._replace(
        members=(*others, member), joined_at=incident.joined_at if known else at, quiet_at=None
    )
    if incident.phase is Phase.RECOVERING:
        after = _weighed(after._replace(phase=Phase.OPEN, recovering_at=None))
        return after, (_entry(after, at, "reopened", member),)
    after = _weighed(after)
    entries = () if known else (_entry(after, at, "joined", member),)
    return after, entries + _if_changed(incident, after, at)


def change(incident: Incident, member: Member, at: int) -> Result:
    """A member's severity changed."""
    after = _weighed(incident._replace(members=(*_others(incident, member), member)))
    return after, _if_changed(incident, after, at)


def leave(incident: Incident, member: Member, at: int) -> Result:
    """A member's alert closed."""
    members = (*_others(incident, member), member._replace(open=False))
    after = _weighed(incident._replace(members=members))
    if any(m.open for m in members):
        return after, _if_changed(incident, after, at)
    after = after._replace(quiet_at=at)
    return _recover(after, at) if after.phase is Phase.OPEN else (after, ())


def accept(incident: Incident, who: str, comment: str, at: int) -> Result:
    """`who` deals with it. Raises CannotAcceptError."""
    if incident.phase in (Phase.CLOSED, Phase.MERGED):
        raise CannotAcceptError("incident_closed")
    if incident.accepted_by:
        raise CannotAcceptError("already_accepted")
    after = incident._replace(accepted_by=who, accepted_at=at, accepted_comment=comment)
    return after, (Entry(at, "accepted", after.severity, who=who, text=comment),)


def comment(incident: Incident, who: str, text: str, at: int) -> Result:
    """A line by a person; also possible once it is closed."""
    return incident, (Entry(at, "comment", incident.severity, who=who, text=text),)


def due(incident: Incident) -> int | None:
    """The ms of the next deadline, None where there is none."""
    if incident.phase is Phase.FORMING:
        return min(incident.joined_at + FORMING_AFTER_LAST_MS, incident.opened_at + FORMING_AT_MOST_MS)
    if incident.phase is Phase.RECOVERING and incident.quiet_at is not None:
        return incident.quiet_at + QUIET_MS
    return None


def fire(incident: Incident, at: int) -> Result:
    """Every deadline at or before `at`, in order, each at its own time."""
    entries: tuple[Entry, ...] = ()
    while (when := due(incident)) is not None and when <= at:
        incident, more = _pass(incident, when)
        entries += more
    return incident, entries


def pack(incident: Incident) -> list[Any]:
    """The incident as plain JSON values."""
    members = [[m.device, m.rule, m.generation, m.severity.word, m.open] for m in incident.members]
    return [incident.number, incident.phase.value, incident.severity.word, members, *incident[4:]]


def unpack(data: list[Any]) -> Incident:
    """An incident from `pack`'s values."""
    number, phase, severity, members, *rest = data
    return Incident(number, Phase(phase), _severity(severity), tuple(_member(m) for m in members), *rest)


def _member(data: list[Any]) -> Member:
    device, rule, generation, severity, is_open = data
    return Member(device, rule, generation, _severity(severity), is_open)


def _severity(word: str) -> Severity:
    return Severity[word.upper()]


def _pass(incident: Incident, at: int) -> Result:
    """One deadline, which is at `at`."""
    if incident.phase is Phase.RECOVERING:
        after = incident._replace(phase=Phase.CLOSED, closed_at=at)
        return after, (Entry(at, "closed", after.severity),)
    after = incident._replace(phase=Phase.OPEN)
    return (after, ()) if after.quiet_at is None else _recover(after, at)


def _recover(incident: Incident, at: int) -> Result:
    after = incident._replace(phase=Phase.RECOVERING, recovering_at=at)
    return after, (Entry(at, "recovering", after.severity),)


def _others(incident: Incident, member: Member) -> list[Member]:
    return [m for m in incident.members if (m.device, m.rule) != (member.device, member.rule)]


def _weighed(incident: Incident) -> Incident:
    worst = max((m.severity for m in incident.members if m.open), default=incident.severity)
    return incident if worst is incident.severity else incident._replace(severity=worst)


def _if_changed(before: Incident, after: Incident, at: int) -> tuple[Entry, ...]:
    return () if before.severity is after.severity else (Entry(at, "severity", after.severity),)


def _entry(incident: Incident, at: int, what: What, member: Member) -> Entry:
    return Entry(at, what, incident.severity, device=member.device, rule=member.rule)
