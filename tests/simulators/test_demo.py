"""`make demo` as a person meets it: what it says, what it leaves, how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from simulators import demo, demo_clock
from tests.simulators.brokers import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def ports() -> list[str]:
    flags = ("--port", "--http-port", "--camera-port", "--rtsp-port")
    return [word for flag in flags for word in (flag, str(free_port()))]


def start(folder: Path, ports: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulators.demo", "--data", str(folder), *ports]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own command


def stopped_when_up(process: subprocess.Popen[str], number: signal.Signals) -> Ran:
    """Waits for the address, plays a moment, sends the signal, waits for the end."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Pages on "):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, said + out, err)


def processes_about(folder: Path) -> list[str]:
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(folder) in line]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as s:
        s.bind((HOST, 0))
        s.listen()
        yield s.getsockname()[1]


def test_it_starts_prints_the_address_stops_cleanly_and_goes_on(tmp_path: Path, ports: list[str]) -> None:
    first = stopped_when_up(start(tmp_path, ports), signal.SIGINT)
    assert (first.code, first.err) == (0, "")
    lines = first.out.splitlines()
    assert lines[0].startswith("broker: ")
    assert lines[1].startswith("152 devices in 3 villages.")
    assert lines[2].startswith(f"Pages on http://127.0.0.1:{ports[3]} ")
    assert processes_about(tmp_path) == []
    fleet, secret = (tmp_path / "fleet.json").read_bytes(), (tmp_path / "broker/hub.password").read_bytes()
    kept = json.loads((tmp_path / "demo.json").read_text())

    taken = (tmp_path / "import.log").stat().st_mtime_ns

    second = stopped_when_up(start(tmp_path, ports), signal.SIGTERM)
    assert (tmp_path / "import.log").stat().st_mtime_ns == taken, "what people changed would be undone"
    assert (second.code, second.err) == (0, "")
    assert processes_about(tmp_path) == []
    assert ((tmp_path / "fleet.json").read_bytes(), (tmp_path / "broker/hub.password").read_bytes()) == (
        fleet,
        secret,
    )
    assert json.loads((tmp_path / "demo.json").read_text())["last"] > kept["last"]


def refused(folder: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a demo says that cannot run: one sentence."""
    assert demo.main(["--data", str(folder), *words]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("demo: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("flag", ["--port", "--http-port"])
def test_a_port_in_use(
    tmp_path: Path, ports: list[str], taken: int, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(tmp_path, *ports, flag, str(taken), capsys=capsys)
    assert (
        f"Port {taken} is in use by another program; choose another: python -m simulators.demo {flag} NUMBER."
        in said
    )


def test_a_full_disk(
    tmp_path: Path, ports: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    assert "is full (1 MB left, 50 needed)" in refused(tmp_path, *ports, capsys=capsys)


def test_a_folder_that_is_none(tmp_path: Path, ports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refused(tmp_path / "file" / "var", *ports, capsys=capsys)


def test_no_rights(
    tmp_path: Path, ports: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "No right to write" in refused(tmp_path, *ports, capsys=capsys)


@pytest.mark.parametrize(
    ("name", "sentence"), [("fleet.json", "is not a fleet file"), ("demo.json", "is broken")]
)
def test_a_broken_file_of_its_own(
    tmp_path: Path, ports: list[str], name: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("{]")
    assert sentence in refused(tmp_path, *ports, capsys=capsys)


def test_a_hub_that_cannot_start_is_one_sentence_and_leaves_nothing_running(
    tmp_path: Path, ports: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("simulators.demo.hub_settings", lambda *_: "nonsense = 1\n")
    assert demo.main(["--data", str(tmp_path), *ports]) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "nonsense" in said
    assert processes_about(tmp_path) == []


def test_the_settings_keep_strange_folders_whole(tmp_path: Path) -> None:
    options = demo._parser().parse_args(["--data", str(tmp_path / 'a "b" \\c')])
    text = demo.hub_settings(options, demo_clock.choose(time.time(), 0, 0, 1))
    assert tomllib.loads(text)["data_dir"] == str(options.data)
