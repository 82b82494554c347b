"""Program files of the command line; what the commands do is in the journey of the lights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from devices.program import Program
from hub.cli import cli
from hub.cli_programs import read_file
from tests.brokers import free_port

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
name: Đêm
target: site:x
program:
  on: {at: 18:00}
  off: {at: 05:30}
  steps: [{at: 22:00, level_pct: 50}, {at: "00:30", level_pct: 20}]
"""


def test_times_need_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    found = Program.model_validate(read_file(tmp_path / "a.yaml")["program"])
    assert [found.on.at, found.off.at, *(s.at for s in found.steps)] == ["18:00", "05:30", "22:00", "00:30"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "name: x",
        "name: x\ntarget: y\nmore: z",
        "{",
        "\x00",
        "name: x\ntarget: site:x\nprogram: {steps: 3}\nx: 1",
    ],
)
def test_what_is_no_program_file_is_said(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        read_file(tmp_path / "a.yaml")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("village-hub: ")


def test_steps_that_are_no_list_are_left_to_the_hub_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: x\ntarget: site:x\nprogram: {steps: 3}")
    assert read_file(tmp_path / "a.yaml")["program"] == {"steps": 3}


def test_without_a_running_hub_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(f"[web]\nport = {free_port()}\n")
    done = CliRunner().invoke(cli, ["program", "list", "--settings", str(tmp_path / "hub.toml")])
    assert done.exit_code == 1
    assert "no hub answers" in done.stderr
