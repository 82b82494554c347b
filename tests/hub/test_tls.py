"""TLS on the way to the broker: with a CA of our own, against a real mosquitto; what is wrong is said in a sentence."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import trustme

from drivers.mqtt_device import Connected, DeviceLink, DeviceSettings, Lost
from drivers.mqtt_link import Down, LinkSettings, MqttLink, Up
from hub.broker import NoBroker, Tls, check_tls
from hub.check import Finding, check
from hub.settings import BrokerSettings, Settings
from tests.brokers import PATIENCE_S, Mosquitto, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drivers.mqtt_device import Told


class Certified:
    """A mosquitto with TLS at 127.0.0.1, its CA, and one that it does not have."""

    def __init__(self, folder: Path) -> None:
        ca, stranger = trustme.CA(), trustme.CA()
        self.ca, self.other = folder / "ca.pem", folder / "other.pem"
        ca.cert_pem.write_to_path(self.ca)
        stranger.cert_pem.write_to_path(self.other)
        issued = ca.issue_cert("127.0.0.1")
        cert, key = folder / "broker.pem", folder / "broker.key"
        issued.private_key_and_cert_chain_pem.write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        self.tls = Tls("127.0.0.1", free_port(), cert, key)
        self.mosquitto = Mosquitto(folder / "broker")
        self.mosquitto.tls = self.tls
        self.mosquitto.admit({"hub": "h"})
        self.mosquitto.start()

    def first(self, cafile: Path, *, host: str = "127.0.0.1", port: int = 0) -> Up | Down:
        """What the link says first."""
        settings = LinkSettings(
            host=host, port=port or self.tls.port, client_id="tls", filters=(), username="hub", password="h",
            cafile=str(cafile),
        )  # fmt: skip
        link = MqttLink(settings, lambda: time.time_ns() // 1_000_000, lambda: None)
        link.start()
        try:
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                if link.inbox:
                    said = link.inbox.popleft()
                    assert isinstance(said, Up | Down)
                    return said
                time.sleep(0.01)
            raise AssertionError("the link says nothing")
        finally:
            link.stop()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    made = Certified(tmp_path_factory.mktemp("tls"))
    yield made
    made.mosquitto.stop()


def test_a_device_comes_in_and_is_told_of_another_ca(certified: Certified) -> None:
    for ca in (certified.ca, certified.other):
        told: queue.Queue[Told] = queue.Queue()
        settings = DeviceSettings(
            "127.0.0.1",
            certified.tls.port,
            "hub",
            "h",
            ("vh/1/a/b/command",),
            ("vh/1/a/b/state", b""),
            str(ca),
        )
        link = DeviceLink(settings, told.put)
        link.start()
        said = told.get(timeout=PATIENCE_S)
        link.stop()
        if ca is certified.ca:
            assert isinstance(said, Connected)
        else:
            assert isinstance(said, Lost)
            assert "not one that --tls-ca vouches for" in said.why


def test_the_hub_comes_in(certified: Certified) -> None:
    assert isinstance(certified.first(certified.ca), Up)


@pytest.mark.parametrize(("ca", "host"), [("other", "127.0.0.1"), ("ca", "localhost")])
def test_a_certificate_of_somebody_else_is_said(certified: Certified, ca: str, host: str) -> None:
    said = certified.first(getattr(certified, ca), host=host)
    assert isinstance(said, Down)
    assert said.reason.startswith("the broker's certificate is not one that broker.cafile vouches for (")


def test_a_port_without_tls_is_said(certified: Certified) -> None:
    said = certified.first(certified.ca, port=certified.mosquitto.port)
    assert isinstance(said, Down)
    assert said.reason


def test_devices_come_in_too_by_the_certificate_of_the_ca(certified: Certified) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(certified.tls.port), "-u", "hub", "-P", "h"]
    command += ["-t", "vh/1/a/b/desired", "-m", "x", "-q", "1", "--cafile"]
    subprocess.run([*command, str(certified.ca)], check=True, timeout=PATIENCE_S, capture_output=True)  # noqa: S603
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([*command, str(certified.other)], check=True, timeout=PATIENCE_S, capture_output=True)  # noqa: S603


def findings(folder: Path, port: int, cafile: Path) -> list[Finding]:
    where = BrokerSettings.model_validate({"port": port, "password": "h", "cafile": cafile})
    return [f for f in check(Settings(data_dir=folder, broker=where)) if f.what.startswith("broker")]


def test_check_measures_over_tls(certified: Certified, tmp_path: Path) -> None:
    found = findings(tmp_path, certified.tls.port, certified.ca)
    assert all(f.ok for f in found), found
    assert any("over TLS" in f.text for f in found)
    wrong = findings(tmp_path, certified.tls.port, certified.other)
    assert "vouches for" in wrong[-1].text
    assert wrong[-1].ok is False
    missing = findings(tmp_path, certified.tls.port, tmp_path / "none.pem")
    assert [f.ok for f in missing] == [False]


def test_a_broker_that_cannot_have_its_certificate_does_not_start(
    certified: Certified, tmp_path: Path
) -> None:
    (tmp_path / "not.pem").write_text("no certificate")
    for cert, key in [(tmp_path / "none.pem", certified.tls.key), (tmp_path / "not.pem", certified.tls.key)]:
        with pytest.raises(NoBroker, match="cannot use the certificate"):
            check_tls(Tls("127.0.0.1", free_port(), cert, key))
    with pytest.raises(NoBroker, match="cannot listen"):
        check_tls(certified.tls)


def test_the_command_wants_certificate_and_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from hub.cli import main; main()", "broker", "--data", str(tmp_path)]
    done = subprocess.run([*command, "--tls-port", "1"], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert "--tls-port needs --cert and --key" in done.stderr
