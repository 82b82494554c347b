"""Boards on a real hub and broker: a stranger's, built from the printed lines, and a simulated village's."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.stage import Stage
from tests.journeys.test_stranger import DOC, Shell, ask, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION = DOC.split("## `desired`: what a board should show")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
FLOOD = {"level": "emergency", "title": "Nước lũ", "text": "Lên đê ngay", "targets": ["device:my-board"]}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        row = {"name": "my-board", "kind": "signboard", "realm": "my-village", "site": "thon-0"}
        row |= {"profile": "led-192x64-1", "password": "bench", "lifecycle": "active"}
        made.register([row], 1)
        made.start_broker()
        made.start_hub()
        made.wait_ready()
        yield made


def test_a_board_of_printed_lines_shows_a_warning_and_proves_it(stage: Stage) -> None:
    def board() -> Any:
        return ask(stage, "/api/boards/my-board")

    kept = ask(stage, "/api/notices", {"draft": FLOOD})
    ask(stage, f"/api/notices/{kept['number']}/publish", {"version": kept["version"], "boards": 1})
    until(lambda: board()["due"] == ["1.1"], "the emergency to be asked")
    assert (board()["applied"], board()["right"]) == (None, None)
    shell = Shell(
        HOST="127.0.0.1",
        PORT=str(stage.port),
        PASSWORD="bench",
        PYTHON=sys.executable,
        HOME=str(stage.folder),
    )
    try:
        shell.type("cd")
        for block in BLOCKS:
            shell.type(block)
    finally:
        shell.close()
    until(lambda: board()["right"] is True, "the board to be green")
    assert board()["applied"] == board()["asked"] != ""
    assert ask(stage, "/api/devices/my-board")["shown"] == "ok"
    steps = ask(stage, "/api/notices/1/steps")
    assert [(s["state"], s["right"]) for s in steps] == [("sent", None), ("stored", True), ("shown", True)]
    assert [s["frames"] for s in steps[1:]] == [[board()["showing"]]] * 2
    assert stage.outcomes().get("garbled", 0) == 0
