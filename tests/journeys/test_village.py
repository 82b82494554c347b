"""What a village lives through, from the cable to the page."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.stage import PASSWORD
from tests.brokers import publish
from tests.journeys.village import Device, Village, row

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def village() -> Iterator[Village]:
    with Village() as made:
        yield made


@contextmanager
def reporting(*devices: Device, every_s: float = 0.4) -> Iterator[None]:
    """They report until the block ends."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every_s):
            for device in devices:
                device.says(battery_v=12.9, faults=[])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_who_writes_where_it_may_not_is_refused_and_seen(village: Village) -> None:
    """The broker acknowledges such a publish to a 3.1.1 device all the same."""
    village.settle(row("den-1", interval_s=600, timeout_s=900), row("den-2", interval_s=600, timeout_s=900))
    publish(
        village.port,
        "den-2",
        PASSWORD,
        "vh/1/thon-1/den-2/telemetry",
        '{"boot": 1, "seq": 1, "battery_v": 12.5}',
    )
    village.until_shown("den-2", "ok")
    publish(
        village.port,
        "den-1",
        PASSWORD,
        "vh/1/thon-1/den-2/telemetry",
        '{"boot": 1, "seq": 2, "faults": ["lampFailure"]}',
    )
    publish(village.port, "den-1", PASSWORD, "vh/1/thon-1/den-2/state", '{"online": false, "boot": 1}')
    village.until(lambda: village.outcomes().get("denied") == 2, "the refusals on the page")
    found = [o for o in village.get_json("/api/hub")["outcomes"] if o["name"] == "denied"]
    assert "den-1" in found[0]["last_about"]
    assert "vh/1/thon-1/den-2/state" in found[0]["last_about"]
    publish(
        village.port,
        "den-2",
        PASSWORD,
        "vh/1/thon-1/den-2/telemetry",
        '{"boot": 1, "seq": 2, "battery_v": 12.6}',
    )
    village.until(lambda: village.device("den-2")["values"].get("battery_v") == 12.6, "seq 2 of its own")
    assert village.changes("den-2") == ["ok"]


def test_a_lamp_fails_at_night_and_only_then_is_it_dark(village: Village) -> None:
    """The rule that asks for darkness judges by the hub's time: shifted so that it is midnight."""
    midnight = (24 + 17) * 3600 - time.time() % 86400
    # Told to light, but dark: three minutes, at sixty times the speed
    village.settle(
        row("den-1", interval_s=3600, timeout_s=86400), more=f"[clock]\nshift_s = {midnight:.0f}\nrate = 60\n"
    )
    den = Device(village, "den-1")
    for _ in range(3):
        den.says(lamp_commanded=True, lamp_lit=False, load_w=0, faults=[])
    village.until_shown("den-1", "faulty")
    assert village.device("den-1")["facts"]["dark"] is True
    assert village.alerts_of("den-1") == ["lamp-dark"]
    den.says(lamp_commanded=True, lamp_lit=True, load_w=25, faults=[])
    village.until_shown("den-1", "ok")
    states = {i["state"] for i in village.incidents()}
    assert states <= {"recovering", "closed"}
    den.remove()


def test_a_hub_killed_in_the_middle_of_a_power_cut_raises_nothing_false(village: Village) -> None:
    names = ("cong-1", "den-1", "den-2")
    village.settle(
        row("cong-1", "gateway"), row("den-1", uplink_by="cong-1"), row("den-2", uplink_by="cong-1")
    )
    devices = [Device(village, name) for name in names]
    with reporting(*devices):
        for name in names:
            village.until_shown(name, "ok")
    for device in devices:
        device.loses_power()
    village.until(lambda: village.device("cong-1")["health"] == "unknown", "the wills")
    village.stop_hub(kill=True)
    village.stop_broker()
    time.sleep(3)  # longer than every timeout: all are dark, the hub too
    village.start_broker()
    village.start_hub()
    village.wait_ready()
    back = [Device(village, name, boot=2) for name in names]
    with reporting(*back):
        for name in names:
            village.until_shown(name, "ok")
        time.sleep(2.5)  # every timeout passes once more
    assert village.alerts_of(*names) == []
    for name in names:
        assert "offline" not in village.changes(name)
    assert village.device("den-1")["duplicates"] == 0
    for device in (*devices, *back):
        device.remove()


def test_a_hub_killed_while_the_village_goes_on_misses_nobody(village: Village) -> None:
    village.settle(row("den-1"), row("den-2"))
    den, other = Device(village, "den-1"), Device(village, "den-2")
    with reporting(den, other):
        village.until_shown("den-1", "ok")
        village.stop_hub(kill=True)
        time.sleep(3)
        village.start_hub()
        village.wait_ready()
        time.sleep(2.5)
        assert village.changes("den-1") == ["ok"]
        other.loses_power()
        village.until_shown("den-2", "offline")
    assert village.changes("den-2") == ["ok", "unknown", "offline"]
    assert village.alerts_of("den-1") == []
    assert village.alerts_of("den-2") == ["offline"]
    for device in (den, other):
        device.remove()


def test_a_hub_killed_between_commit_and_ack_takes_each_message_once(village: Village) -> None:
    village.settle(row("den-1", interval_s=600, timeout_s=900))
    village.stop_hub()
    village.start_hub(failpoint="after_commit:12")
    village.wait_ready()
    den = Device(village, "den-1")
    for n in range(400):
        den.says(battery_v=12.0 + n % 10 / 10)
        if village.hub is not None and village.hub.poll() is not None:
            break
        time.sleep(0.005)
    assert village.hub_died(30) != 0
    sent = den.seq
    village.start_hub()
    village.wait_ready()
    den.says(battery_v=13.7)
    village.until(lambda: village.device("den-1")["values"].get("battery_v") == 13.7, "the last one")
    assert village.device("den-1")["duplicates"] > 0, "the broker sent again what it had no ack of"
    den.remove()
    village.stop_hub()
    with closing(sqlite3.connect(village.database)) as db:
        found = db.execute(
            "SELECT body FROM journal WHERE device = (SELECT id FROM device WHERE name = 'den-1') AND what & 15 = 1"
        ).fetchall()
    assert sorted(json.loads(body)["seq"] for (body,) in found) == list(range(1, sent + 2))


def test_check_finds_nothing_wrong_with_our_broker(village: Village) -> None:
    village.settle(row("den-1"))
    village.stop_hub()
    done = village.command("check")
    assert "broker" in done.stdout
