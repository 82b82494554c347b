"""What systemd hears: ready when caught up, a beat only while ingest turns; and the units that are shipped."""

from __future__ import annotations

import asyncio
import configparser
import logging
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli import cli
from hub.logs import ForJournald
from hub.watchdog import ALONE_TURNS, Systemd, Watchdog
from tests.brokers import Mosquitto
from tests.hub.test_app import running, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGING = Path(__file__).parents[2] / "packaging"


class Ear:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Every line since the last look."""
        lines: list[str] = []
        while True:
            try:
                lines += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return lines

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["{folder}/notify", "@village-hub-test-{name}"])
def ear(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ear]:
    made = Ear(str(request.param).format(folder=tmp_path, name=tmp_path.name))
    yield made
    made.close()


class Pretend:
    """An ingest that turns when it is told."""

    def __init__(self) -> None:
        self.turns = 0
        self.caught_up = False
        self.broker = True


@pytest.fixture
def watched(ear: Ear) -> Iterator[tuple[Watchdog, Pretend]]:
    systemd, ingest = Systemd(ear.address), Pretend()
    yield Watchdog(systemd, ingest, lambda: ingest.broker, lambda: "3 devices"), ingest
    systemd.close()


def test_it_is_ready_once_it_has_caught_up(ear: Ear, watched: tuple[Watchdog, Pretend]) -> None:
    dog, ingest = watched
    said = []
    for _ in range(3 * ALONE_TURNS):
        ingest.turns += 1
        dog.look()
        said += ear.heard()
    assert "READY=1" not in said
    assert said.count("EXTEND_TIMEOUT_USEC=60000000") == 3 * ALONE_TURNS, "catching up may take its time"
    assert said.count("STATUS=3 devices") == 1
    ingest.turns += 1
    ingest.caught_up = True
    dog.look()
    dog.look()
    assert ear.heard() == ["WATCHDOG=1", "READY=1"]


def test_without_a_broker_it_is_ready_after_a_while(ear: Ear, watched: tuple[Watchdog, Pretend]) -> None:
    dog, ingest = watched
    ingest.broker = False
    for _ in range(ALONE_TURNS):
        ingest.turns += 1
        dog.look()
        assert "READY=1" not in ear.heard()
    ingest.turns += 1
    dog.look()
    assert "READY=1" in ear.heard()


def test_no_beat_while_ingest_stands_still(ear: Ear, watched: tuple[Watchdog, Pretend]) -> None:
    dog, ingest = watched
    ingest.caught_up = True
    dog.look()
    ear.heard()
    for _ in range(100):
        dog.look()
    assert ear.heard() == []
    ingest.turns += 1
    dog.look()
    assert ear.heard() == ["WATCHDOG=1"]


def test_what_systemd_did_not_take_is_told_again(ear: Ear, watched: tuple[Watchdog, Pretend]) -> None:
    dog, ingest = watched
    ingest.caught_up = True
    while dog._systemd.tell("X=1"):  # until its socket is full
        pass
    dog.look()
    assert "READY=1" not in ear.heard()
    dog.look()
    assert ear.heard() == ["WATCHDOG=1", "READY=1", "STATUS=3 devices"]


def test_nobody_listens(tmp_path: Path) -> None:
    assert not Systemd("")
    gone = Systemd(str(tmp_path / "none"))
    gone.tell("READY=1")
    gone.close()


async def test_a_whole_hub(ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
    wanted = settings(tmp_path, 1)
    broker = Mosquitto(tmp_path / "broker")
    broker.admit({"hub": "h"})
    broker.start()
    try:
        wanted = settings(tmp_path, broker.port)
        async with running(wanted):
            said: list[str] = []
            for _ in range(400):
                said += ear.heard()
                if (
                    "READY=1" in said
                    and said.count("WATCHDOG=1") > 1
                    and "STATUS=1 devices, 0 incidents open" in said
                ):
                    break
                await asyncio.sleep(0.05)
            assert "READY=1" in said
            assert said.count("WATCHDOG=1") > 1
            assert "STATUS=1 devices, 0 incidents open" in said
        assert ear.heard()[-1] == "STOPPING=1"
    finally:
        broker.stop()


def test_journald_gets_a_level_on_each_line_and_no_time() -> None:
    record = logging.LogRecord("hub.x", logging.ERROR, "f", 1, "two\nlines", (), None)
    assert ForJournald("%(name)s: %(message)s").format(record) == "<3>hub.x: two\n<3>lines"
    for level, number in ((logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.CRITICAL, 3)):
        record = logging.LogRecord("x", level, "f", 1, "a", (), None)
        assert ForJournald("%(message)s").format(record) == f"<{number}>a"


# --- units ----------------------------------------------------------------------------------------------------


def unit(name: str) -> configparser.ConfigParser:
    """A unit file; a key that stands twice, a line that is none: an error."""
    found = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string((PACKAGING / name).read_text())
    return found


UNITS = ("village-hub.service", "village-hub-broker.service", "village-hub-agent.service")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_a_command_that_there_is(name: str) -> None:
    words = unit(name)["Service"]["ExecStart"].split()
    assert words[0] == "/opt/village-hub/.venv/bin/village-hub"
    told = CliRunner().invoke(cli, [words[1], "--help"])
    assert told.exit_code == 0
    for option in (w for w in words[2:] if w.startswith("--")):
        assert option in told.output


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_again_for_ever_at_boot_and_as_its_own_user(name: str) -> None:
    found = unit(name)
    assert found["Service"]["Restart"] == "always"
    assert found["Unit"]["StartLimitIntervalSec"] == "0"
    assert found["Install"]["WantedBy"] == "multi-user.target"
    assert found["Service"]["User"] == found["Service"]["StateDirectory"]
    assert found["Service"]["User"] in ("village-hub", "village-hub-agent")
    assert found["Service"]["ProtectSystem"] == "strict"
    assert found["Service"]["NoNewPrivileges"] == "yes"
    assert found["Service"]["CapabilityBoundingSet"] == ""
    assert set(found) == {"DEFAULT", "Unit", "Service", "Install"}


def test_the_hub_is_watched() -> None:
    service = unit("village-hub.service")["Service"]
    assert (service["Type"], service["WatchdogSec"], service["NotifyAccess"]) == ("notify", "60", "main")
    assert "Requires" not in unit("village-hub.service")["Unit"], (
        "a broker that fails must not take the hub along"
    )


def test_every_command_that_operate_md_names_is_there() -> None:
    text = (PACKAGING.parent / "docs" / "operate.md").read_text()
    named = {tuple(m) for m in re.findall(r"(?m)^    (?:30 2 .*bin/)?hub ((?:device |site )?)([a-z]+)", text)}
    assert {("", "backup"), ("", "restore"), ("", "check"), ("device ", "import")} <= named
    for group, command in sorted(named):
        assert CliRunner().invoke(cli, [*group.split(), command, "--help"]).exit_code == 0, command
    for name in UNITS:
        assert (PACKAGING / name).is_file()
        assert "packaging/*.service" in text
