"""The link against a real mosquitto: marker, sessions, generations, restarts, rivals, bounds."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from drivers.contract import Inbound
from drivers.mqtt_link import Broker, CaughtUp, Down, Foreign, LinkSettings, MqttLink, Stalled, Up
from tests.brokers import PATIENCE_S, Mosquitto, free_port, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USERS = {"hub": "h", "den-1": "a"}
TOPIC = "vh/1/thon-1/den-1/telemetry"
FILTERS = ("vh/1/+/+/telemetry", "vh/1/+/+/state")
T = TypeVar("T")


class Ear:
    """A link, and everything it said."""

    def __init__(
        self, port: int, *, password: str = "h", filters: tuple[str, ...] = FILTERS, **more: Any
    ) -> None:
        settings = LinkSettings(
            "127.0.0.1", port, "hub-test", filters, username="hub", password=password, **more
        )
        self.something = threading.Event()
        self.link = MqttLink(settings, lambda: time.time_ns() // 1_000_000, self.something.set)
        self.said: list[Any] = []
        self.read = 0
        self.link.start()

    def wait(
        self, kind: type[T], wanted: Callable[[T], bool] = lambda _: True, within_s: float = PATIENCE_S
    ) -> T:
        """The next thing of this kind; what came before it is passed over (and kept in `said`)."""
        until = time.monotonic() + within_s
        while True:
            while self.read < len(self.said) or self.link.inbox:
                if self.read == len(self.said):
                    self.said.append(self.link.inbox.popleft())
                item = self.said[self.read]
                self.read += 1
                if isinstance(item, kind) and wanted(item):
                    return item
            left = until - time.monotonic()
            assert left > 0, f"no {kind.__name__} came; there were {[type(i).__name__ for i in self.said]}"
            self.something.wait(min(left, 0.2))
            self.something.clear()

    def message(self, payload: bytes) -> Inbound:
        """The next message with this payload."""
        return self.wait(Inbound, lambda m: m.payload == payload)

    def messages(self) -> list[bytes]:
        """Every message so far."""
        return [i.payload for i in self.said if isinstance(i, Inbound)]

    def ack(self, *messages: Inbound) -> None:
        """Acknowledge."""
        for m in messages:
            self.link.ack(m.generation, [m.mid])

    def settled(self) -> None:
        """What was acknowledged has reached the broker: a marker went after it and came back."""
        self.link.mark()
        self.wait(CaughtUp)

    def stop(self) -> None:
        """End it."""
        self.link.stop()
        assert not self.link._thread.is_alive()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker")
    made.admit(USERS)
    made.start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture
def ear(broker: Mosquitto) -> Iterator[Ear]:
    made = Ear(broker.port)
    yield made
    made.stop()


def say(broker: Mosquitto, payload: str, *more: str, topic: str = TOPIC) -> None:
    publish(broker.port, "den-1", "a", topic, payload, *more)


# --- connecting -----------------------------------------------------------------------------------------------


def test_up_then_everything_retained_then_the_marker(broker: Mosquitto) -> None:
    say(broker, "kept", "-r", topic="vh/1/thon-1/den-1/state")
    ear = Ear(broker.port)
    up = ear.wait(Up)
    assert (up.generation, up.session, up.expected) == (1, False, False)
    kept = ear.wait(Inbound)
    assert (kept.topic, kept.payload, kept.retain, kept.generation) == (
        "vh/1/thon-1/den-1/state",
        b"kept",
        True,
        1,
    )
    assert ear.wait(CaughtUp).generation == 1
    ear.stop()


def test_a_message_as_it_came(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    before = time.time_ns() // 1_000_000
    publish(broker.port, "den-1", "a", TOPIC, b"\xff\x00\xfe")
    m = ear.wait(Inbound)
    assert (m.topic, m.payload, m.qos, m.retain) == (TOPIC, b"\xff\x00\xfe", 1, False)
    assert m.mid > 0
    assert before <= m.at <= time.time_ns() // 1_000_000


def test_what_the_broker_says_of_itself(broker: Mosquitto) -> None:
    ear = Ear(broker.port, filters=(*FILTERS, "$SYS/broker/version"))
    said = ear.wait(Broker)
    assert said.topic == "$SYS/broker/version"
    assert said.text.startswith("mosquitto version 2")
    ear.stop()


def test_wrong_password_is_told_and_tried_again(broker: Mosquitto) -> None:
    ear = Ear(broker.port, password="wrong")
    first = ear.wait(Down)
    assert "refused us" in first.reason
    broker.admit(USERS | {"hub": "wrong"})
    ear.wait(Up)
    ear.stop()


def test_no_broker_is_told_and_tried_again(broker: Mosquitto) -> None:
    port = free_port()
    ear = Ear(port)
    assert "refused" in ear.wait(Down).reason.lower()
    other = Mosquitto(broker.folder.parent / "other", port=port)
    other.admit(USERS)
    other.start()
    ear.wait(Up)
    ear.wait(CaughtUp)
    ear.stop()
    other.stop()


def test_a_link_that_never_came_up_ends_at_once() -> None:
    ear = Ear(free_port())
    ear.wait(Down)
    started = time.monotonic()
    ear.stop()
    assert time.monotonic() - started < 5


# --- sessions and acks ----------------------------------------------------------------------------------------


def test_what_was_not_acknowledged_comes_again_and_the_rest_does_not(broker: Mosquitto) -> None:
    first = Ear(broker.port)
    first.wait(CaughtUp)
    for n in range(4):
        say(broker, f"m{n}")
    got = [first.message(b"m%d" % n) for n in range(4)]
    first.ack(got[0], got[1])
    first.settled()
    first.stop()
    say(broker, "while away")
    second = Ear(broker.port, session_expected=True)
    up = second.wait(Up)
    assert (up.session, up.expected) == (True, True)
    second.wait(CaughtUp)
    assert second.messages() == [b"m2", b"m3", b"while away"]
    second.stop()


def test_acks_handed_over_just_before_the_end_are_written(broker: Mosquitto) -> None:
    for attempt in range(5):
        ear = Ear(broker.port)
        ear.wait(CaughtUp)
        say(broker, f"a{attempt}")
        ear.ack(ear.message(b"a%d" % attempt))
        ear.stop()
        again = Ear(broker.port)
        again.wait(CaughtUp)
        assert again.messages() == []
        again.stop()


def test_acks_of_an_older_connection_are_dropped_after_a_broker_restart(broker: Mosquitto, ear: Ear) -> None:
    """Message ids start anew with the broker: such an ack would acknowledge something else."""
    ear.wait(CaughtUp)
    say(broker, "old")
    old = ear.message(b"old")
    broker.stop()
    ear.wait(Down)
    broker.start()
    up = ear.wait(Up)
    assert (up.generation, up.session) == (2, True)
    again = ear.message(b"old")
    ear.wait(CaughtUp)
    say(broker, "new")
    new = ear.message(b"new")
    assert (again.generation, new.generation) == (2, 2)
    ear.link.ack(old.generation, [old.mid, again.mid, new.mid])
    ear.settled()
    ear.stop()
    after = Ear(broker.port)
    after.wait(CaughtUp)
    assert after.messages() == [b"old", b"new"]
    after.stop()


def test_an_orderly_restart_of_the_broker_loses_nothing(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    for n in range(50):
        say(broker, f"m{n}")
    ear.message(b"m49")
    broker.stop()
    ear.wait(Down)
    broker.start()
    ear.wait(Up)
    ear.wait(CaughtUp)
    assert ear.messages()[50:] == [b"m%d" % n for n in range(50)]


def test_a_broker_that_forgot_us_is_told_and_we_subscribe_anew(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    broker.stop()
    broker.forget_sessions()
    broker.start()
    up = ear.wait(Up)
    assert (up.session, up.expected) == (False, True)
    ear.wait(CaughtUp)
    say(broker, "heard again")
    ear.message(b"heard again")


def test_retained_states_come_at_the_start_and_not_at_each_reconnection(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    say(broker, "state", "-r", topic="vh/1/thon-1/den-1/state")
    ear.ack(ear.message(b"state"))
    ear.settled()
    broker.stop()
    broker.start()
    ear.wait(Up)
    ear.wait(CaughtUp)
    assert ear.messages() == [b"state"]


def test_a_broker_that_stands_still_is_noticed(broker: Mosquitto) -> None:
    ear = Ear(broker.port, keepalive_s=1)
    ear.wait(CaughtUp)
    broker.freeze()
    down = ear.wait(Down)
    assert down.heard <= down.at
    broker.thaw()
    ear.wait(Up)
    ear.wait(CaughtUp)
    ear.stop()


def test_a_marker_of_before_the_reconnection_is_no_answer(broker: Mosquitto, ear: Ear) -> None:
    """It is retained, and comes back at once, before what is queued."""
    ear.wait(CaughtUp)
    for _ in range(3):
        broker.stop()
        broker.start()
        ear.wait(Up)
        ear.wait(CaughtUp)
    kinds = [type(i).__name__ for i in ear.said if isinstance(i, Up | CaughtUp | Down)]
    assert kinds == ["Up", "CaughtUp"] + ["Down", "Up", "CaughtUp"] * 3
    assert not any(isinstance(i, Foreign) for i in ear.said)


# --- rivals ---------------------------------------------------------------------------------------------------


def test_another_hub_with_our_client_id_is_told(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    rival = Ear(broker.port)
    found = ear.wait(Foreign)
    assert found.instance == rival.link.settings.instance
    rival.stop()


def test_an_earlier_start_of_ours_is_no_rival(broker: Mosquitto) -> None:
    first = Ear(broker.port)
    first.wait(CaughtUp)
    marker = first.link.settings.marker
    first.stop()
    publish(broker.port, "hub", "h", marker, f"{first.link.settings.instance} left-over")
    second = Ear(broker.port, instances=frozenset({first.link.settings.instance}))
    second.wait(CaughtUp)
    assert not any(isinstance(i, Foreign) for i in second.said)
    second.stop()


@pytest.mark.parametrize("payload", [b"", b"\xff\xff", b" ", b"x y z"])
def test_a_marker_that_is_none_stops_nothing(broker: Mosquitto, ear: Ear, payload: bytes) -> None:
    ear.wait(CaughtUp)
    publish(broker.port, "hub", "h", ear.link.settings.marker, payload)
    ear.settled()


# --- bounds and failures --------------------------------------------------------------------------------------


def test_a_full_inbox_stops_reading_and_loses_nothing(broker: Mosquitto) -> None:
    ear = Ear(broker.port, inbox=20)
    ear.wait(CaughtUp)
    lines = "\n".join(f"m{n}" for n in range(500))
    _flood(broker, lines)
    until = time.monotonic() + PATIENCE_S
    while len(ear.link.inbox) < 20 and time.monotonic() < until:
        time.sleep(0.01)
    for _ in range(20):  # it does not grow while nobody takes
        assert len(ear.link.inbox) <= 20
        time.sleep(0.01)
    got = []
    for n in range(500):
        m = ear.message(b"m%d" % n)
        ear.ack(m)
        got.append(m.payload)
    assert got == [b"m%d" % n for n in range(500)]
    ear.stop()


def _flood(broker: Mosquitto, lines: str) -> None:
    """One message a line, over one connection."""
    publish(broker.port, "den-1", "a", TOPIC, lines, "-l")


def test_a_long_pause_in_reading_is_told_as_deaf(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.mqtt_link._STALL_S", 0.2)
    ear = Ear(broker.port, inbox=5)
    ear.wait(CaughtUp)
    _flood(broker, "\n".join(f"m{n}" for n in range(100)))
    until = time.monotonic() + PATIENCE_S
    while len(ear.link.inbox) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    since = time.time_ns() // 1_000_000
    ear.link.settings  # noqa: B018 - nobody takes anything for a while
    threading.Event().wait(0.4)
    stall = ear.wait(Stalled)
    assert stall.reason == "inbox_full"
    assert stall.at - stall.since >= 200
    assert stall.since <= since + 200
    ear.stop()


def test_an_exception_in_a_callback_does_not_end_the_thread(
    broker: Mosquitto, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear.wait(CaughtUp)
    real, left = ear.link._on_message, [1]

    def explode(m: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise ZeroDivisionError
        real(m)

    monkeypatch.setattr(ear.link._client, "deliver", explode)
    say(broker, "bomb")
    assert "division" in ear.wait(Down).reason or "Zero" in ear.said[-1].reason
    ear.wait(Up)
    ear.message(b"bomb")
    ear.wait(CaughtUp)


def test_an_oversized_message_cuts_off_its_sender_and_nobody_else(broker: Mosquitto, ear: Ear) -> None:
    ear.wait(CaughtUp)
    with pytest.raises(Exception):  # noqa: B017, PT011 - mosquitto_pub says it in many ways
        publish(broker.port, "den-1", "a", TOPIC, b"x" * 300_001)
    publish(broker.port, "den-1", "a", TOPIC, b"y" * 262_145)
    assert len(ear.wait(Inbound).payload) == 262_145
    say(broker, "others go on")
    ear.message(b"others go on")
