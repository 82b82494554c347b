"""The broker that we ship: its settings, its doors, and the embedded one of the demonstration."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from devices import wire
from drivers.mqtt_link import CaughtUp, LinkSettings, MqttLink, Up
from hub import access, broker
from hub.ingest import UNACKED
from tests.brokers import PATIENCE_S, free_port, publish

if TYPE_CHECKING:
    from pathlib import Path


def conf() -> dict[str, list[str]]:
    """mosquitto.conf by key."""
    found: dict[str, list[str]] = {}
    for line in broker.our_conf().splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
    return found


def test_what_the_product_needs_of_its_broker() -> None:
    found = conf()
    assert found["max_inflight_messages"] == [str(UNACKED)]
    assert int(found["max_queued_messages"][0]) == 2_000_000, "0 would drop everything in some versions"
    assert int(found["max_queued_bytes"][0]) == 1_500_000_000
    assert found["persistence"] == ["true"]
    assert found["allow_anonymous"] == ["false"]
    assert found["persistent_client_expiration"] == ["7d"]
    assert int(found["autosave_interval"][0]) <= 30
    assert int(found["max_packet_size"][0]) > wire.MAX_PAYLOAD


def test_it_listens_on_this_machine_only() -> None:
    found = conf()
    assert found["listener"] == ["1883 127.0.0.1"]
    assert "protocol" not in found, "no websockets: mosquitto's would bind every address"


def test_every_line_says_why() -> None:
    lines = broker.our_conf().splitlines()
    for before, line in pairwise(lines):
        if line and not line.startswith(
            ("#", "log_", "acl_file", "max_queued_bytes", "persistence_location")
        ):
            assert before.startswith("#"), line


def test_another_folder_and_port(tmp_path: Path) -> None:
    text = broker.render(tmp_path, 2883)
    assert "listener 2883 127.0.0.1" in text
    assert "./var" not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    assert f"pid_file {tmp_path}/mosquitto.pid" in text


def test_a_port_in_use_and_a_folder_that_is_none(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        with pytest.raises(broker.NoBroker, match=r"cannot listen on 127\.0\.0\.1"):
            broker.check_port(s.getsockname()[1])
    (tmp_path / "file").write_text("")
    with pytest.raises(broker.NoBroker, match="cannot use the broker's folder"):
        broker.prepare(tmp_path / "file")


def test_the_embedded_broker_serves_the_link(tmp_path: Path) -> None:
    broker.prepare(tmp_path)
    access.write(tmp_path, (), [("hub", access.hash_password("h")), ("den-1", access.hash_password("a"))])
    port = free_port()
    command = [sys.executable, "-c", "from hub.cli import main; main()", "broker", "--embedded"]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [*command, "--data", str(tmp_path), "--port", str(port)], stdout=subprocess.DEVNULL
    )
    settings = LinkSettings("127.0.0.1", port, "hub-1", ("vh/1/+/+/telemetry",), username="hub", password="h")
    link = MqttLink(settings, lambda: time.time_ns() // 1_000_000, lambda: None)
    link.start()
    try:
        wait_for(link, CaughtUp)
        with pytest.raises(subprocess.CalledProcessError):
            publish(port, "den-1", "wrong", "vh/1/thon-1/den-1/telemetry", "{}")
        publish(port, "den-1", "a", "vh/1/thon-1/den-1/telemetry", "{}")
        until = time.monotonic() + PATIENCE_S
        while not link.inbox and time.monotonic() < until:
            time.sleep(0.02)
        assert link.inbox.popleft().payload == b"{}"  # type: ignore[union-attr]
    finally:
        link.stop()
        process.terminate()
        process.wait(PATIENCE_S)


def wait_for(link: MqttLink, kind: type[Up | CaughtUp]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        while link.inbox:
            if isinstance(link.inbox.popleft(), kind):
                return
        time.sleep(0.02)
    raise AssertionError(f"no {kind.__name__}")
