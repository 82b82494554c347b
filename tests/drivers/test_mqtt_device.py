"""A device's own connection against a real mosquitto: its will, its orders, acknowledgements, and why it is refused."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from devices.device import Device, Kind
from drivers.mqtt_device import Acknowledged, Connected, DeviceLink, DeviceSettings, Heard, Lost
from tests.brokers import Listener, Mosquitto, free_port, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drivers.mqtt_device import Told

GATEWAY = Device("gw", Kind.GATEWAY, "thon", "")
ORDERS = "vh/1/thon/gw/command"
STATE = "vh/1/thon/gw/state"
PATIENCE_S = 20


class Device1(DeviceLink):
    """One that notes what it is told."""

    def __init__(self, port: int, password: str = "g") -> None:
        self.told: queue.Queue[Told] = queue.Queue()
        self.before: list[Told] = []
        super().__init__(
            DeviceSettings("127.0.0.1", port, "gw", password, (ORDERS,), (STATE, b"gone")), self.told.put
        )

    def until(self, kind: type) -> Told:
        """The first thing of a kind that it is told; what comes before it stays for later."""
        for i, found in enumerate(self.before):
            if isinstance(found, kind):
                return self.before.pop(i)
        while not isinstance(found := self.told.get(timeout=PATIENCE_S), kind):
            self.before.append(found)
        return found


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder: Path = tmp_path_factory.mktemp("broker")
    made = Mosquitto(folder)
    made.admit({"hub": "h", "gw": "g"}, [GATEWAY])
    made.start()
    yield made
    made.stop()


@contextmanager
def connected(port: int) -> Iterator[Device1]:
    link = Device1(port)
    link.start()
    try:
        link.until(Connected)
        yield link
    finally:
        link.stop()


def test_what_it_publishes_is_acknowledged_by_its_number(broker: Mosquitto) -> None:
    with connected(broker.port) as link:
        seen = Listener(broker.port, "hub", "h", STATE)
        mid = link.publish(STATE, b"here", retain=True)
        assert link.until(Acknowledged) == Acknowledged(mid or -1)
        assert seen.line() == f"{STATE} 0 here"
        seen.stop()
    after = Listener(broker.port, "hub", "h", STATE)
    assert after.line() == f"{STATE} 1 gone", "its goodbye says what its will does"
    after.stop()
    assert link.publish(STATE, b"x") is None


def test_an_order_comes_again_until_it_is_taken(broker: Mosquitto) -> None:
    with connected(broker.port) as link:
        publish(broker.port, "hub", "h", ORDERS, "one")
        heard = link.until(Heard)
        assert isinstance(heard, Heard)
        assert (heard.topic, heard.payload) == (ORDERS, b"one")
    heard.taken()  # of a connection that is over: nothing
    with connected(broker.port) as link:
        heard = link.until(Heard)
        assert isinstance(heard, Heard)
        assert heard.payload == b"one"
        heard.taken()
        link.publish(STATE, b"here")
        link.until(Acknowledged)
    with connected(broker.port) as link:
        publish(broker.port, "hub", "h", ORDERS, "two")
        heard = link.until(Heard)
        assert isinstance(heard, Heard)
        assert heard.payload == b"two"
        heard.taken()
        link.publish(STATE, b"here")
        link.until(Acknowledged)


def test_a_wrong_password_is_told_in_a_sentence(broker: Mosquitto) -> None:
    link = Device1(broker.port, "wrong")
    link.start()
    lost = link.until(Lost)
    link.stop()
    assert isinstance(lost, Lost)
    assert (
        lost.why == "the broker refused the user gw: its password is wrong, or no device of that name has one"
    )


def test_nobody_listens_there() -> None:
    link = Device1(free_port())
    link.start()
    lost = link.until(Lost)
    link.stop()
    assert isinstance(lost, Lost)
    assert "refused" in lost.why.lower()
