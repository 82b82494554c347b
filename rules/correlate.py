"""Which incident an alert belongs to. For now to one of its own: one incident a device and rule.

The caller keeps, by (device, rule), the incident that is not closed, and hands it in with each record of an alert
of these two, in order. At each tick alerts' deadlines come before incidents', so that an alert which opened while
an incident was recovering finds it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules import incident as life
from rules.alert import Changed, Closed, Opened

if TYPE_CHECKING:
    from rules.alert import Record
    from rules.incident import Entry, Incident


class Move(NamedTuple):
    """One incident after a record, with the lines that its story got."""

    incident: Incident
    entries: tuple[Entry, ...]


def correlate(
    current: Incident | None, device: str, rule: str, record: Record, number: int
) -> tuple[Move, ...]:
    """What a record of an alert does to incidents; a new one gets `number`.

    `current` may be due to close before the record: then it comes back closed, and a new one after it.
    """
    moves: list[Move] = []
    if current is not None:
        current, entries = life.fire(current, record.at)
        if current.phase is life.Phase.CLOSED:
            moves.append(Move(current, entries))
            current, entries = None, ()
    else:
        entries = ()
    member = life.Member(device, rule, record.generation, record.severity)
    if current is None:
        if isinstance(record, Opened):
            moves.append(Move(*life.begin(number, member, record.at)))
        return tuple(moves)
    after, more = _apply(current, member, record)
    moves.append(Move(after, entries + more))
    return tuple(moves)


def _apply(incident: Incident, member: life.Member, record: Record) -> life.Result:
    match record:
        case Opened():
            return life.join(incident, member, record.at)
        case Changed():
            return life.change(incident, member, record.at)
        case Closed():
            return life.leave(incident, member, record.at)
