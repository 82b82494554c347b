from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from simulators.errors import UserError
from simulators.supervise import ChildDiedError, Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
ORDERLY = """
import pathlib, signal, sys, time
def leave(*_):
    with open("order", "a") as file: print(sys.argv[1], file=file)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(60)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def says(path: Path, word: str = "up") -> bool:
    return path.exists() and word in path.read_text()


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.chdir(tmp_path)
    found = Supervisor(tmp_path)
    yield found
    found.stop()


def test_children_stop_in_reverse(supervisor: Supervisor, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        supervisor.start(name, python(ORDERLY, name), shown=False)
        supervisor.wait_for(name, lambda name=name: says(tmp_path / f"{name}.log"), 10)  # type: ignore[misc]
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["three", "two", "one"]


def test_who_does_not_stop_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.supervise.STOP_S", 0.2)
    supervisor.start("stubborn", python(STUBBORN), shown=False)
    supervisor.wait_for("stubborn", lambda: says(tmp_path / "stubborn.log"), 10)
    process = supervisor._children[0].process
    supervisor.stop()
    assert process.returncode == -signal.SIGKILL


def test_the_last_words_of_one_that_dies(supervisor: Supervisor) -> None:
    supervisor.start("good", python(SLEEPER), shown=False)
    supervisor.start(
        "bad", python("import sys; print('noise'); sys.exit('hub: no rights here')"), shown=False
    )
    with pytest.raises(ChildDiedError, match=r"^hub: no rights here$"):
        supervisor.wait_for("bad", lambda: False, 10)


def test_one_that_dies_without_a_word(supervisor: Supervisor) -> None:
    with pytest.raises(ChildDiedError, match="import ended with code 3"):
        supervisor.run("import", python("raise SystemExit(3)"), 10)


def test_one_that_is_ended_from_outside(supervisor: Supervisor) -> None:
    supervisor.start("broker", python(SLEEPER), shown=False)
    supervisor._children[0].process.kill()
    with pytest.raises(ChildDiedError, match=r"Somebody ended broker \(SIGKILL\)"):
        supervisor.wait_for("broker", lambda: False, 10)


def test_one_that_never_answers(supervisor: Supervisor) -> None:
    supervisor.start("mute", python(SLEEPER), shown=False)
    with pytest.raises(ChildDiedError, match="mute does not answer after 0 s"):
        supervisor.wait_for("mute", lambda: False, 0.2)


def test_a_command_that_ends_well_is_no_child_any_more(supervisor: Supervisor) -> None:
    supervisor.run("import", python("print(1)"), 10)
    supervisor.look()
    assert supervisor._children == []


def test_a_command_that_takes_too_long(supervisor: Supervisor) -> None:
    with pytest.raises(ChildDiedError, match="slow is not done after 0 s"):
        supervisor.run("slow", python(SLEEPER), 0.2)


def test_a_program_that_is_not_there(supervisor: Supervisor) -> None:
    with pytest.raises(UserError, match="Cannot run /no/such: No such file"):
        supervisor.start("ghost", ["/no/such"], shown=False)


def test_children_do_not_hear_ctrl_c_of_the_terminal(supervisor: Supervisor) -> None:
    supervisor.start("child", python(SLEEPER), shown=False)
    assert os.getpgid(supervisor._children[0].process.pid) != os.getpgid(0)
