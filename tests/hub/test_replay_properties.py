"""A restart equals never having stopped: killed anywhere, the same transitions, alerts, incidents and states.

One hub never stops, never ticks, never stores a checkpoint; the other ticks, stores and is killed at random, and then
gets again what it had not acknowledged. Both hear the same.
"""

from __future__ import annotations

import json
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from devices.notice import Frame, Item, Level, playlist
from devices.program import Edge, Order, Program
from drivers.mqtt_link import CaughtUp, Down, Stalled, Up
from hub.ingest import _reaches
from hub.plan import Plan, Show
from tests.hub.house import House
from tests.hub.scene import REALM, T0, gateway, light

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.intake import Gap

DEVICES = (
    gateway(),
    light("den-1", uplink_by="cong-1"),
    light("den-2", uplink_by="cong-1", interval_s=10.0),
    light("den-3"),
    Device(
        "bang-1", Kind.SIGNBOARD, REALM, REALM, interval_s=60.0, lifecycle=Lifecycle.ACTIVE, profile="led"
    ),
)
NAMES = [d.name for d in DEVICES]
LIGHTS = NAMES[1:4]
PLANS = ("0" * 16, "1" * 16)
"""Ids of two orders: the lamp is to burn until dawn, and only until 20:00."""


class Ask(NamedTuple):
    """What ingest asks of a device at this instant, in its place among the messages."""

    at: int
    name: str
    id: str


def plans() -> dict[str, Plan]:
    """What the two orders mean."""
    wanted = (Program(), Program(off=Edge(at="20:00")))
    return {i: Plan(Order(id=i, program=p, lat=21.0, lon=105.8)) for i, p in zip(PLANS, wanted, strict=True)}


OWN, MARKET, FLOOD, OTHER = (letter * 64 for letter in "abcd")
"""Frames: a board's own, that of a notice, that of another, and one that nobody previewed."""


def shows() -> dict[str, Show]:
    """Two playlists: one whose notice begins soon and is soon over, one with an emergency on top."""
    own = (Frame(hash=OWN, seconds=10),)

    def item(number: int, level: Level, frame: str, first: int, last: int) -> Item:
        windows = ((T0 // 1000 + first, T0 // 1000 + last),)
        return Item(id=f"{number}.1", level=level, windows=windows, frames=(Frame(hash=frame, seconds=10),))

    market = item(1, Level.ROUTINE, MARKET, 200, 500)
    flood = item(2, Level.EMERGENCY, FLOOD, 0, 400)
    lists = (playlist("led", (market,), own), playlist("led", (flood, market), own))
    return {made.id: Show(made) for made in lists}


class Step(NamedTuple):
    """Time goes on by `gap` ms; then `what` happens. `between`: what only the hub that stops does before it."""

    gap: int
    what: tuple[str, ...] | tuple[str, str, str, str]
    between: list[str]


GAPS = st.sampled_from(
    [0, 0, 1, 900, 5000, 20_000, 39_999, 40_001, 60_000, 60_000, 164_999, 165_000, 165_001, 400_000, 900_000]
)


def payload(draw: Callable[[Any], Any]) -> tuple[str, str]:
    """(channel, payload) with much that is odd."""
    channel = draw(st.sampled_from(["telemetry"] * 6 + ["state", "state", "occurrence", "receipt"]))
    said: dict[str, Any] = {"boot": draw(st.sampled_from([1, 1, 1, 2, 3])), "seq": draw(st.integers(1, 15))}
    clock = draw(st.sampled_from(["none", "right", "1970"]))
    if clock != "none":
        said["ts"] = clock  # filled in when it is sent
    if channel == "telemetry":
        said["battery_v"] = draw(st.sampled_from([9.0, 12.9, "x"]))
        said["applied"] = draw(st.sampled_from([None, *PLANS]))
        if said["applied"] is None:
            del said["applied"]
        said["faults"] = draw(st.sampled_from([[], ["lampFailure"], ["lampFailure"], ["highTemperature"]]))
        said["mains"] = draw(st.booleans())
        said["late"] = draw(st.sampled_from([False, False, False, True]))
    elif channel == "state":
        said["online"] = draw(st.sampled_from([True, False, False]))
        said["applied"] = draw(st.sampled_from(["", "", *PLANS]))
        if draw(st.booleans()):
            del said["seq"]
    elif channel == "occurrence":
        said["kind"] = "button"
    else:
        said |= {"id": draw(st.sampled_from(PLANS)), "result": draw(st.sampled_from(["done", "failed"]))}
    return channel, json.dumps(said)


@st.composite
def happenings(draw: Callable[[Any], Any]) -> tuple[str, ...]:
    kind = draw(
        st.sampled_from(
            ["says"] * 12 + ["retained", "garbled", "cut", "cut", "stalled", "nothing", "asks", "asks"]
        )
    )
    if kind == "asks":
        return (kind, draw(st.sampled_from(LIGHTS)), draw(st.sampled_from([*PLANS, *PLANS, ""])))
    if kind in ("says", "retained"):
        return (kind, draw(st.sampled_from(NAMES)), *payload(draw))
    if kind == "garbled":
        return (kind, draw(st.sampled_from(NAMES)))
    if kind == "cut":
        return (draw(st.sampled_from(["down", "up", "up", "caught_up", "caught_up"])),)
    return (kind,)


STEPS = st.lists(
    st.builds(
        Step,
        GAPS,
        happenings(),
        st.lists(st.sampled_from(["tick", "tick", "commit", "checkpoint", "crash", "lag"]), max_size=3),
    ),
    min_size=1,
    max_size=40,
)


class Run:
    """A hub that follows the steps. Where it stops, it gets again what it had not committed.

    `busy`: it lags behind, what comes only queues. `open` are the items taken in and not committed.
    """

    def __init__(self, folder: Path, *, stops: bool) -> None:
        self.stops = stops
        self.house = House(folder, *DEVICES, plans=plans(), shows=shows()).listening()
        self.at = T0
        self.busy = False
        self.link = "hears"
        self.queue: deque[Any] = deque()
        self.open: list[Any] = []
        self.committed = self.heard()

    def heard(self) -> tuple[Gap | None, bool]:
        return self.house.intake.gap, self.house.ingest.caught_up

    def step(self, gap: int, what: tuple[str, ...], between: list[str]) -> None:
        goal = self.at + gap
        for one in between:
            self.house.clock.at = self.at = (self.at + goal) // 2
            if self.stops:
                self.between(one)
        since = self.at  # ingest looks at no deadline beyond what the link has read
        self.house.clock.at = self.at = goal
        self.queue.extend(self.items(what, since))
        self.drain()

    def drain(self) -> None:
        while self.queue and not self.busy:
            item = self.queue.popleft()
            self.open.append(item)
            if isinstance(item, Ask):
                self.house.intake.ask(self.house.track(item.name), item.id, item.at)
            else:
                self.house.take(item)

    def between(self, what: str) -> None:
        """Something that must not matter."""
        house = self.house
        if what == "tick":
            house.ingest.checkpoint_at = self.at  # no checkpoint unless asked for
            house.ingest._tick(_reaches(self.queue[0]) if self.queue else self.at)
        elif what == "commit":
            self.commit()
        elif what == "checkpoint":
            self.commit()
            house.ingest._checkpoint(self.at)
        elif what == "lag":
            self.busy = not self.busy
            self.drain()
        else:
            self.crash()

    def commit(self) -> None:
        self.house.commit()
        self.open.clear()
        self.committed = self.heard()

    def crash(self) -> None:
        """Killed and started within the same ms, so that the hub was not deaf because of it."""
        house = self.house
        again = [*self.open, *self.queue]
        self.open = []
        self.queue.clear()
        house.crash()
        house.start()
        assert not house.reconciled.other, "memory and store agree about alerts"
        house.intake.gap, house.ingest.caught_up = self.committed
        self.queue.extend(again)
        self.drain()

    def items(self, what: tuple[str, ...], since: int) -> list[Any]:
        """What the link hands over."""
        match what:
            case ("says" | "retained" as kind, name, channel, text):
                said = json.loads(text)
                if "ts" in said:
                    said["ts"] = self.at / 1000 if said["ts"] == "right" else (self.at - T0) / 1000 + 5
                topic = f"vh/1/{REALM}/{name}/{channel}"
                return [self.house.message(topic, json.dumps(said).encode(), retain=kind == "retained")]
            case ("garbled", name):
                return [self.house.message(f"vh/1/{REALM}/{name}/telemetry", b"\xff")]
            case ("asks", name, asked) if self.link == "hears":
                return [Ask(self.at, name, asked)]
            case ("stalled",) if self.link == "hears":
                return [Stalled(self.at, since, "stalled")]
            case (("down" | "up" | "caught_up") as kind,):
                return self.connection(kind)
        return []

    def connection(self, kind: str) -> list[Any]:
        """What happens to it, where that may follow what happened before."""
        before = {"down": self.link, "up": "down", "caught_up": "up"}[kind]
        if self.link != before:
            return []
        self.link = {"down": "down", "up": "up", "caught_up": "hears"}[kind]
        if kind == "down":
            return [Down(self.at, self.at, "gone")]
        return [Up(self.at, 1, session=True, expected=True)] if kind == "up" else [CaughtUp(self.at, 1)]

    def end(self) -> dict[str, Any]:
        """Hear again, let every deadline pass, and tell the story."""
        house = self.house
        self.busy = False
        for what in ("up", "caught_up"):
            self.step(0, (what,), [])
        house.clock.at = self.at + 12 * 3_600_000
        for _ in range(2):
            house.ingest.checkpoint_at = house.clock.at
            house.tick()
            house.commit()
        told: dict[str, Any] = house.story() | {name: house.state(name) for name in NAMES}
        house.close()
        return told


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(STEPS)
def test_a_restart_equals_never_having_stopped(steps: list[Step]) -> None:
    same_either_way(steps)


def same_either_way(steps: list[Step]) -> None:
    """The hub that stops and the one that does not tell the same story."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        never, stopping = Run(Path(a), stops=False), Run(Path(b), stops=True)
        for step in steps:
            never.step(*step)
            stopping.step(*step)
        expected, found = never.end(), stopping.end()
    assert found == expected


@st.composite
def evenings(draw: Callable[[Any], Any]) -> list[Step]:
    """One light that is asked, reports what it follows, gives receipts and restarts."""
    between = st.lists(
        st.sampled_from(["tick", "commit", "checkpoint", "checkpoint", "crash", "crash"]), max_size=3
    )
    steps = []
    for seq in range(1, draw(st.integers(2, 14))):
        what = draw(st.sampled_from(["asks", "telemetry", "telemetry", "receipt", "state"]))
        named = draw(st.sampled_from(PLANS))
        if what == "asks":
            happens: tuple[str, ...] = ("asks", "den-3", draw(st.sampled_from([named, named, ""])))
        else:
            said: dict[str, Any] = {"boot": 1, "seq": seq}
            if what == "receipt":
                said |= {"id": named, "result": draw(st.sampled_from(["done", "failed"]))}
            elif draw(st.booleans()):
                said["applied"] = named
            happens = (
                "says",
                "den-3",
                what,
                json.dumps(said | ({"online": True} if what == "state" else {})),
            )
        steps.append(
            Step(draw(st.sampled_from([1000, 60_000, 100_000, 179_999, 180_000])), happens, draw(between))
        )
    return steps


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(evenings())
def test_what_is_asked_of_a_light_and_what_it_follows_survive_a_restart(steps: list[Step]) -> None:
    same_either_way(steps)


@st.composite
def nights_of_a_board(draw: Callable[[Any], Any]) -> list[Step]:
    """A board that is asked, reports what it shows, gives receipts, restarts, and falls silent; the hub is cut off."""
    between = st.lists(
        st.sampled_from(["tick", "tick", "commit", "checkpoint", "crash", "crash"]), max_size=3
    )
    lists = [*shows(), "0" * 16]
    steps = []
    for seq in range(1, draw(st.integers(2, 16))):
        what = draw(
            st.sampled_from(["asks", "asks", *["telemetry"] * 4, "receipt", "state", "cut", "stalled"])
        )
        said: dict[str, Any] = {"boot": draw(st.sampled_from([1, 1, 1, 2])), "seq": seq}
        happens: tuple[str, ...] = ()
        match what:
            case "asks":
                happens = ("asks", "bang-1", draw(st.sampled_from([*lists, ""])))
            case "cut":
                happens = (draw(st.sampled_from(["down", "up", "caught_up"])),)
            case "stalled":
                happens = ("stalled",)
            case "telemetry":
                said |= {"showing": draw(st.sampled_from([OWN, MARKET, FLOOD, OTHER, ""]))}
                said |= {"applied": draw(st.sampled_from([*lists, ""]))} if draw(st.booleans()) else {}
            case "receipt":
                said |= {"id": draw(st.sampled_from(["1.1", "2.1", *lists]))}
                said |= {"result": draw(st.sampled_from(["shown", "stored", "failed", "done"]))}
                said |= {"frames": [draw(st.sampled_from([MARKET, FLOOD, OTHER]))]}
            case _:
                said |= {"online": True}
        if what in ("telemetry", "receipt", "state"):
            happens = ("says", "bang-1", what, json.dumps(said))
        gaps = st.sampled_from([1, 1000, 10_000, 60_000, 89_999, 90_000, 110_000, 119_999, 120_000])
        steps.append(Step(draw(gaps), happens, draw(between)))
    return steps


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights_of_a_board())
def test_what_a_board_is_asked_and_what_it_proves_survive_a_restart(steps: list[Step]) -> None:
    same_either_way(steps)


BETWEEN = st.lists(st.sampled_from(["tick", "commit", "checkpoint", "crash", "lag"]), max_size=3)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(BETWEEN, min_size=12, max_size=12))
def test_a_copied_password_is_known_over_restarts(between: list[list[str]]) -> None:
    steps = []
    for n, what in enumerate(between):
        said = {"boot": 1 + n % 2, "seq": 1 + n // 2, "battery_v": 12.9}
        steps.append(Step(30_000, ("says", "den-3", "telemetry", json.dumps(said)), what))
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        never, stopping = Run(Path(a), stops=False), Run(Path(b), stops=True)
        for step in steps:
            never.step(*step)
            stopping.step(*step)
        expected, found = never.end(), stopping.end()
    assert found == expected
    assert "credential-copied" in [rule for _, rule, *_ in found["alerts"]]
