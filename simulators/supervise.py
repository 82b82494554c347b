"""Child processes that stand and fall together: started in order, stopped in reverse, nothing left running."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from simulators.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LOOK_S = 0.1
STOP_S = 10.0
"""What a child gets to stop in order before it is killed."""


class ChildDiedError(UserError):
    """A child ended by itself; the text is its last line."""


@dataclass(slots=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    again: Callable[[], subprocess.Popen[bytes]] | None = None


class Supervisor:
    """Starts children, each in a session of its own: Ctrl-C reaches this process only, which stops them in order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[_Child] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        shown: bool,
        env: Mapping[str, str] | None = None,
        before_again: Callable[[], object] | None = None,
    ) -> None:
        """Starts a child; what it complains of goes to `<name>.log`, what it says too unless it is `shown`.

        With `before_again` it is started again, after that call, where somebody kills it.
        """
        log = self._logs / f"{name}.log"

        def launch(mode: Literal["wb", "ab"] = "wb") -> subprocess.Popen[bytes]:
            with log.open(mode) as file:
                return _popen(command, file, shown=shown, env=env)

        def relaunch() -> subprocess.Popen[bytes]:
            if before_again is not None:
                before_again()
            return launch("ab")

        self._children.append(_Child(name, launch(), log, relaunch if before_again else None))

    def run(self, name: str, command: Sequence[str], seconds: float) -> None:
        """Runs a command to its end; raises ChildDiedError where it fails or takes too long."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as file:
            process = _popen(command, file, shown=False)
        child = _Child(name, process, log)
        self._children.append(child)
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise ChildDiedError(f"{name} is not done after {seconds:.0f} s; see {log}.")
            self.look(but=child)
            time.sleep(LOOK_S)
        self._children.remove(child)
        if process.returncode:
            raise ChildDiedError(_last_words(child))

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until `ready`; raises ChildDiedError where a child ends first, or nothing comes of it."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.look()
            if time.monotonic() > deadline:
                raise ChildDiedError(
                    f"{name} does not answer after {seconds:.0f} s; see {self._logs / name}.log."
                )
            time.sleep(LOOK_S)

    def look(self, but: _Child | None = None) -> None:
        """Raises ChildDiedError where a child has ended."""
        for child in self._children:
            if child is but or child.process.poll() is None:
                continue
            if child.again is None or child.process.returncode >= 0:
                raise ChildDiedError(_last_words(child))
            print(f"{_last_words(child)} Starting it again.", flush=True)
            child.process = child.again()

    def stop(self) -> None:
        """Stops all, the last first; kills what does not stop in time, and everything at a second Ctrl-C."""
        while self._children:
            child = self._children.pop()
            try:
                _stop(child.process)
            except KeyboardInterrupt:
                for left in (child, *self._children):
                    left.process.kill()
                    left.process.wait()
                self._children.clear()


def _popen(
    command: Sequence[str], log: IO[bytes], *, shown: bool, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=None if shown else log,
            stderr=log,
            start_new_session=True,
            env=env,
        )
    except OSError as error:
        raise UserError(f"Cannot run {command[0]}: {error.strerror}.") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(child: _Child) -> str:
    code = child.process.returncode
    if code < 0:
        return f"Somebody ended {child.name} ({signal.Signals(-code).name})."
    lines = child.log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"{child.name} ended with code {code}."
