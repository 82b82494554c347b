from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulators import demo, fleet, fleet_file
from simulators.__main__ import main
from simulators.errors import UserError
from simulators.faults import FAULTS
from simulators.runner import room_for

if TYPE_CHECKING:
    from pathlib import Path


def test_make_writes_a_fleet_file_and_keeps_its_passwords(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    assert main(["make", "demo", str(path)]) == 0
    first = fleet_file.read(path)
    assert main(["make", "demo", str(path)]) == 0
    assert fleet_file.read(path) == first
    assert first.devices == fleet.build("demo").devices


def test_faults_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(FAULTS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["explode"],
        ["break", "tt-l001"],
        ["make", "hanoi", "x"],
        ["run", "x", "--rate", "0"],
        ["run", "x", "--speed", "nan"],
        ["run", "x", "--port", "y"],
    ],
)
def test_wrong_words_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_a_broken_or_missing_fleet_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fleet.json"
    assert main(["run", str(path)]) == 1
    path.write_text("{")
    assert main(["run", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert "Traceback" not in said


def test_an_unknown_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fleet.json"
    main(["make", "demo", str(path)])
    assert main(["run", str(path), "--scenario", "nosuch"]) == 2
    assert "No scenario 'nosuch'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fleet", "hanoi"], "There is no fleet 'hanoi'"),
        (["--scenario", "nosuch"], "No scenario 'nosuch'"),
        (["--port", "0"], "0 is no port (--port)"),
        (["--http-port", "70000"], "70000 is no port (--http-port)"),
        (["--camera-port", "0"], "0 is no port (--camera-port)"),
        (["--rtsp-port", "70000"], "70000 is no port (--rtsp-port)"),
    ],
)
def test_wrong_arguments_of_the_demo(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("demo: " + sentence)
    assert said.count("\n") == 1


def test_more_files_than_the_machine_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    with pytest.raises(UserError, match="5000 devices need 5100 open files; this machine allows 4096"):
        room_for(5000)
