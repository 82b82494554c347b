"""Track: everything the hub keeps in memory about one device, and how it is stored in a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from devices.health import Health, Reason, Shown, shown
from hub.plan import NEVER
from rules import alert as alerts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.device import Device
    from devices.field import Value
    from devices.lifecycle import Lifecycle
    from hub.identity import Boots
    from hub.sun import Sun
    from rules.alert import Alert
    from rules.rule import CompiledRule

_PLAIN = (
    "last_seen",
    "boot",
    "values_at",
    "values_boot",
    "values_seq",
    "drift",
    "drift_boot",
    "gone_at",
    "gone_why",
    "garbled_total",
    "garbled_last",
    "garbled_at",
    "duplicates",
    "since",
    "shown_since",
    "unstable",
    "last_pos",
    "model",
    "firmware",
    "firmware_since",
    "key",
    "was_cut",
    "lost_at",
    "excused",
    "turns",
    "copied",
    "follows",
    "again",
    "lied",
)


class Follows(NamedTuple):
    """What is asked of a device, and what it follows.

    `id` of its `desired` (empty: nothing is asked) since `at`; to be applied by `due`, in heard time; the id that it
    says it applied, since when; and its own word on why it cannot.
    """

    id: str = ""
    at: int = 0
    due: int = NEVER
    applied: str | None = None
    since: int | None = None
    why: str = ""


class Track:
    """One device's state. Owned by ingest; others may read single attributes, whose values are never mutated.

    Times are ms of hub time. `active` are the alerts that rise, are open or closing, by rule id; `ended` keeps
    the last generation of the others. `last_pos` is the journal position of its newest row. `was_cut` is heard
    time added to its timeout because a deaf span cut it off. `lost_at` is when it was heard no more, the last time;
    `excused` says that this was none of its own fault. `turns` are the latest live readings of an older boot that took
    turns with those of the present one; `copied` says that they did for long enough.
    `due` is its next deadline besides silence. `again`: when a board must be judged anew though it says nothing;
    `lied`: the item of which it named a frame that nobody previewed. `firmware_since`: when it was first heard to run
    this firmware.
    """

    __slots__ = (
        "active", "again", "boot", "boots", "changes", "children", "copied", "device", "dirty", "drift", "drift_boot",
        "due", "duplicates", "ended", "excused", "firmware", "firmware_since",
        "follows", "garbled_at", "garbled_last",
        "garbled_total", "gone_at", "gone_why",
        "health", "id", "index", "key", "last_pos", "last_seen", "lied", "lifecycle", "lost_at", "model", "reasons",
        "rules", "shown_since", "since", "sites", "sun", "turns", "unstable", "uplink", "values", "values_at",
        "values_boot", "values_seq", "was_cut",
    )  # fmt: skip

    def __init__(self, device: Device, number: int, index: int, sun: Sun, sites: frozenset[str]) -> None:
        self.device = device
        self.id = number
        self.index = index
        self.sun = sun
        self.sites = sites
        self.lifecycle: Lifecycle = device.lifecycle
        self.uplink: Track | None = None
        self.children: list[Track] = []
        self.rules: tuple[CompiledRule, ...] = ()
        self.last_seen: int | None = None
        self.boot: int | None = None
        self.boots: Boots = {}
        self.values: dict[str, Value] = {}
        self.values_at: int | None = None
        self.values_boot: int | None = None
        self.values_seq: int | None = None
        self.drift: int | None = None
        self.drift_boot: int | None = None
        self.gone_at: int | None = None
        self.gone_why = ""
        self.garbled_total = 0
        self.garbled_last = ""
        self.garbled_at: int | None = None
        self.duplicates = 0
        self.health = Health.UNKNOWN
        self.reasons: tuple[Reason, ...] = (Reason("never_seen"),)
        self.since: int | None = None
        self.shown_since: int | None = None
        self.active: dict[str, Alert] = {}
        self.ended: dict[str, Alert] = {}
        self.changes: list[int] = []
        self.unstable = False
        self.was_cut = 0
        self.lost_at: int | None = None
        self.excused = False
        self.turns: list[int] = []
        self.copied = False
        self.follows: Follows | None = None
        self.again = NEVER
        self.lied = ""
        self.last_pos = 0
        self.model = ""
        self.firmware = ""
        self.firmware_since: int | None = None
        self.key = ""
        self.due = NEVER
        self.dirty = False

    @property
    def shown(self) -> Shown:
        """What a page shows."""
        return shown(self.lifecycle, self.health, unstable=self.unstable)

    @property
    def silent(self) -> bool:
        """Silent for longer than its timeout."""
        return self.values.get("silent") is True

    def claims(self, claim: Mapping[str, str], at: int) -> None:
        """What it says it is, heard at `at`."""
        self.model = claim.get("model", self.model)
        firmware = claim.get("firmware", self.firmware)
        if firmware != self.firmware or (firmware and self.firmware_since is None):
            self.firmware, self.firmware_since = firmware, at if firmware else None
        self.key = claim.get("key", self.key)

    def pack(self, deadline: int) -> list[Any]:
        """The state as JSON values. `deadline` is its silence deadline in heard time."""
        return [
            {name: getattr(self, name) for name in _PLAIN},
            [[boot, ranges] for boot, ranges in self.boots.items()],
            self.values,
            self.health.value,
            [[r.code, dict(r.about)] for r in self.reasons],
            {rule: alerts.pack(state) for rule, state in (*self.ended.items(), *self.active.items())},
            self.changes,
            deadline,
        ]

    def unpack(self, data: list[Any]) -> int:
        """Take the state from a checkpoint; returns the silence deadline. Alerts of vanished rules are left out."""
        plain, boots, values, health, reasons, packed, changes, deadline = data
        for name in _PLAIN:
            if name in plain:  # a checkpoint of an older version lacks what is new
                setattr(self, name, plain[name])
        if self.follows is not None:
            self.follows = Follows(*self.follows)
        self.boots = dict(boots)
        self.values = values
        self.health = Health(health)
        self.reasons = tuple(Reason(code, about) for code, about in reasons)
        self.changes = changes
        rules = {r.id: r for r in self.rules}
        for rule_id, state in packed.items():
            rule = rules.get(rule_id)
            restored = None if rule is None else alerts.unpack(state, rule)
            if restored is not None:
                keep = self.ended if restored.phase is alerts.Phase.CLOSED else self.active
                keep[rule_id] = restored
        return int(deadline)
