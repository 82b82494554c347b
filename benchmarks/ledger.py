"""The ledger: what was sent and acknowledged, held against what a hub stored and against a fault-free replay.

Not a benchmark. The comparisons are pure functions of rows; the readers at the end get the rows from a hub's
database. A message is known by its identity (device, boot, seq).
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.device import FIELDS
from drivers import DRIVERS
from drivers.contract import Inbound
from hub import registry
from hub.deaf import Deafness
from hub.intake import Intake
from hub.store.writer import Store
from hub.tracker import Tracker
from rules.alert import Phase
from rules.load import BUILTIN
from rules.load import load as load_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

STEP_MS = 1000


class Identity(NamedTuple):
    """What a message is known by."""

    device: str
    boot: int
    seq: int


class Sent(NamedTuple):
    """One message as it was handed to the broker. `identity` is None for births and wills, which have none."""

    at: int
    topic: str
    body: bytes
    identity: Identity | None


class State(NamedTuple):
    """What a hub thinks of one device."""

    health: str
    values: dict[str, Any]
    alerts: frozenset[str]


class TransitionRow(NamedTuple):
    """One row of the transitions, in the order they were stored."""

    device: str
    at: int
    before: str
    after: str


class AlertRow(NamedTuple):
    """One row of the alerts, in the order they were stored."""

    device: str
    rule: str
    generation: int
    opened_at: int
    closed_at: int | None


class Doubles(NamedTuple):
    """What stands twice."""

    messages: int
    transitions: int
    alerts: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


def lost(acknowledged: Iterable[Identity], stored: Iterable[Identity]) -> set[Identity]:
    """Acknowledged to the publisher, and not stored."""
    return set(acknowledged) - set(stored)


def doubled_messages(stored: Iterable[Identity]) -> int:
    """Rows beyond the first of each identity."""
    return sum(n - 1 for n in Counter(stored).values())


def doubled_transitions(rows: Iterable[TransitionRow]) -> int:
    """Transitions that do not go on where the device's transition before ended: told twice, or one is missing."""
    stands: dict[str, str] = {}
    wrong = 0
    for row in rows:
        wrong += stands.get(row.device, "unknown") != row.before
        stands[row.device] = row.after
    return wrong


def doubled_alerts(rows: Iterable[AlertRow]) -> int:
    """Alerts of one device and rule that opened while the one before was open, or repeat its generation."""
    last: dict[tuple[str, str], AlertRow] = {}
    wrong = 0
    for row in rows:
        before = last.get((row.device, row.rule))
        if before is not None:
            overlap = before.closed_at is None or row.opened_at < before.closed_at
            wrong += overlap or row.generation <= before.generation
        last[row.device, row.rule] = row
    return wrong


def differing(found: dict[str, State], wanted: dict[str, State]) -> dict[str, str]:
    """Devices whose state differs, each with a sentence that says how."""
    wrong: dict[str, str] = {}
    for name, want in wanted.items():
        have = found.get(name)
        if have is None:
            wrong[name] = "is not there"
            continue
        said = [
            f"{what} {a!r} instead of {b!r}"
            for what, a, b in (
                ("health", have.health, want.health),
                ("alerts", set(have.alerts), set(want.alerts)),
            )
            if a != b
        ]
        keys = sorted(have.values.keys() | want.values.keys())
        said += [
            f"{k} {have.values.get(k)!r} instead of {want.values.get(k)!r}"
            for k in keys
            if have.values.get(k) != want.values.get(k)
        ]
        if said:
            wrong[name] = "; ".join(said)
    return wrong


def replay(
    folder: Path, messages: Sequence[Sent], until: int
) -> tuple[dict[str, State], Counter[tuple[str, str]]]:
    """What a hub that never failed makes of these messages: each taken at the time it was sent, time going on evenly.

    `folder` holds the database of a stopped hub, for its registry. Returns each device's state at `until` (ms),
    and how often each (device, rule) opened an alert.
    """
    rules, problems = load_rules([BUILTIN])
    assert not problems
    store = Store(folder)
    known = registry.load(store)
    store.close()
    tracker = Tracker(rules, Deafness())
    for name, device in known.devices.items():
        tracker.add(device, known.ids[name], known.sun(device), known.scope(device.site, until))
    tracker.connect()
    intake = Intake(tracker, DRIVERS, 1, hello=lambda _: "hello")
    opened: Counter[tuple[str, str]] = Counter()
    clock = messages[0].at if messages else until
    for m in messages:
        while clock + STEP_MS <= m.at:
            clock += STEP_MS
            tracker.tick(clock)
        intake.take(Inbound(m.topic, m.body, m.at, 1, 1, retain=False, generation=1))
        intake.rows.clear()
    tracker.tick(until)
    for t, rule, record in tracker.take().alerts:
        opened[t.device.name, rule.id] += type(record).__name__ == "Opened"
    return {t.device.name: _state(t) for t in tracker.tracks}, opened


def _state(t: Any) -> State:
    names = {f.name for f in FIELDS[t.device.kind]}
    alerts = frozenset(rule for rule, a in t.active.items() if a.phase is not Phase.RISING)
    return State(t.health.value, {k: v for k, v in t.values.items() if k in names}, alerts)


# --- from a hub's database ------------------------------------------------------------------------------------


def _rows(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        return db.execute(sql).fetchall()


def stored_messages(database: Path) -> list[Identity]:
    """Identities of all telemetry in the journal, the hub's own left out."""
    sql = (
        "SELECT d.name, j.body FROM journal j JOIN device d ON d.id = j.device "
        "WHERE d.name != 'hub' AND j.what & 15 = 1 AND NOT j.what & 32"  # telemetry, not garbled
    )
    found = []
    for name, body in _rows(database, sql):
        said = json.loads(body)
        found.append(Identity(name, said["boot"], said["seq"]))
    return found


def stored_transitions(database: Path) -> list[TransitionRow]:
    """All transitions, oldest first."""
    sql = (
        "SELECT d.name, t.at, t.before, t.after FROM transition t JOIN device d ON d.id = t.device "
        "WHERE d.name != 'hub' ORDER BY t.id"
    )
    return [TransitionRow(*row) for row in _rows(database, sql)]


def stored_alerts(database: Path) -> list[AlertRow]:
    """All alerts, oldest first, the hub's own too."""
    sql = (
        "SELECT d.name, a.rule, a.generation, a.opened_at, a.closed_at FROM alert a "
        "JOIN device d ON d.id = a.device ORDER BY a.id"
    )
    return [AlertRow(*row) for row in _rows(database, sql)]


def doubles(database: Path) -> Doubles:
    """Everything in a hub's database that stands twice."""
    return Doubles(
        doubled_messages(stored_messages(database)),
        doubled_transitions(stored_transitions(database)),
        doubled_alerts(stored_alerts(database)),
    )
