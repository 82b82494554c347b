"""A tracker on virtual time, fed through the real intake; no I/O. Seconds count from T0, Hà Nội at noon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from drivers import DRIVERS
from drivers.contract import Inbound
from hub.deaf import Deafness
from hub.intake import Gap, Intake
from hub.sun import HANOI, sun_at
from hub.tracker import Tracker
from rules.load import BUILTIN, load

if TYPE_CHECKING:
    from devices.event import Hello
    from devices.health import Health, Shown
    from hub.track import Track
    from rules.rule import Ruleset

T0 = 1_762_318_800_000
"""2025-11-05, 12:00 in Hà Nội."""

RULES, _problems = load([BUILTIN])
REALM = "thon-1"


def light(name: str = "den-1", **more: Any) -> Device:
    """An active light that reports each minute: silent after 165 s."""
    return Device(
        name, Kind.SOLAR_LIGHT, REALM, REALM, lifecycle=more.pop("lifecycle", Lifecycle.ACTIVE), **more
    )


def gateway(name: str = "cong-1", **more: Any) -> Device:
    """An active gateway."""
    return Device(name, Kind.GATEWAY, REALM, REALM, lifecycle=Lifecycle.ACTIVE, **more)


class Scene:
    """Devices, and what they say."""

    def __init__(self, *devices: Device, rules: Ruleset = RULES) -> None:
        self.deaf = Deafness()
        self.tracker = Tracker(rules, self.deaf)
        for number, device in enumerate(devices or (light(),), start=1):
            self.tracker.add(device, number, sun_at(*HANOI), frozenset({device.site}))
        self.tracker.connect()
        self.knocks: list[Hello] = []
        self.intake = Intake(self.tracker, DRIVERS, 1, hello=self._knock)
        self.now = T0
        self.transitions: list[tuple[str, float, str]] = []
        self.alerts: list[tuple[str, str, str, float]] = []
        self.seqs: dict[tuple[str, int], int] = {}

    def _knock(self, event: Hello) -> str:
        self.knocks.append(event)
        return "hello"

    # --- time -------------------------------------------------------------------------------------------------

    def at(self, seconds: float, *, tick: bool = True) -> Scene:
        """Go to this instant; deadlines up to it fire where the hub is not deaf."""
        self.now = T0 + round(seconds * 1000)
        if tick and self.deaf.open is None:
            self.tracker.tick(self.now)
        self._note()
        return self

    def deafen(self, reason: str = "broker", *, cut: bool = False) -> None:
        """The hub is deaf from now on."""
        self.deaf.start(self.now, reason, cut=cut)

    def connects(self) -> None:
        """The broker is back: what was queued comes now."""
        span = self.deaf.open
        assert span is not None
        self.intake.gap = Gap(span.start, self.now)

    def hears(self) -> None:
        """Everything queued has come."""
        self.intake.gap = None
        span = self.deaf.end(self.now)
        assert span is not None
        self.tracker.heard_again(span)

    # --- what comes -------------------------------------------------------------------------------------------

    def raw(self, topic: str, payload: bytes, *, retain: bool = False) -> str:
        """A message as it comes; its outcome."""
        before = {n: t.count for n, t in self.intake.tallies.items()}
        self.intake.take(Inbound(topic, payload, self.now, 1, 1, retain, 1))
        self._note()
        changed = [n for n, t in self.intake.tallies.items() if t.count != before.get(n, 0)]
        return "+".join(changed)

    def says(
        self, name: str = "den-1", channel: str = "telemetry", *, retain: bool = False, **said: Any
    ) -> str:
        """A device says something; boot 1 and the next seq unless given."""
        if channel != "hello":
            said.setdefault("boot", 1)
        if "seq" not in said and channel in ("telemetry", "occurrence", "receipt"):
            key = (name, said["boot"])
            self.seqs[key] = said["seq"] = self.seqs.get(key, 0) + 1
        track = self.tracker.by_name.get(name)
        realm = track.device.realm if track is not None else REALM
        said = {k: v for k, v in said.items() if v is not None}
        return self.raw(f"vh/1/{realm}/{name}/{channel}", json.dumps(said).encode(), retain=retain)

    def will(self, name: str = "den-1", boot: int = 1) -> str:
        """The broker publishes a device's will."""
        return self.says(name, "state", online=False, boot=boot)

    # --- what is seen -----------------------------------------------------------------------------------------

    def track(self, name: str = "den-1") -> Track:
        """A device's state."""
        return self.tracker.by_name[name]

    def health(self, name: str = "den-1") -> Health:
        """A device's health."""
        return self.track(name).health

    def shown(self, name: str = "den-1") -> Shown:
        """What a page shows for it."""
        return self.track(name).shown

    def reasons(self, name: str = "den-1") -> list[str]:
        """Codes of why."""
        return [r.code for r in self.track(name).reasons]

    def _note(self) -> None:
        decided = self.tracker.take()
        for t, made in decided.transitions:
            self.transitions.append((t.device.name, (made.at - T0) / 1000, made.after.value))
        for t, rule, record in decided.alerts:
            what = type(record).__name__.lower()
            self.alerts.append((t.device.name, rule.id, what, (record.at - T0) / 1000))

    def changes(self, name: str = "den-1") -> list[tuple[float, str]]:
        """A device's changes of health: (second, health)."""
        return [(at, after) for who, at, after in self.transitions if who == name]

    def told(self, rule: str, name: str = "den-1") -> list[tuple[str, float]]:
        """The records of one rule: (what, second)."""
        return [(what, at) for who, which, what, at in self.alerts if (who, which) == (name, rule)]
