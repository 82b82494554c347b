"""Breaking and mending in a running field, over a unix socket in its data folder: one JSON line each way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any

from simulators.act import ACTS, Act, perform
from simulators.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.runner import Runner
    from simulators.world import World

SOCKET = "simulators.sock"
PATIENCE_S = 5.0
LONGEST_PATH = 100
"""Characters that a unix socket's path may have, a little less than the system's 107."""


def ask(path: Path, request: dict[str, Any]) -> list[str]:
    """Sends a request to the running field; its lines. Raises UserError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(PATIENCE_S)
            link.connect(_checked(path))
            link.sendall(json.dumps(request).encode() + b"\n")
            with link.makefile(encoding="utf-8") as lines:
                answer = json.loads(lines.readline())
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise UserError(
            f"No simulated fleet is running in {path.parent} (start one with `make demo`; another fleet: --data DIR)."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"The simulated fleet in {path.parent} does not answer: {error}.") from error
    if "error" in answer:
        raise UserError(answer["error"])
    return list(answer["lines"])


def status(world: World) -> list[str]:
    """What is broken at the moment."""
    lines = [f"village {v} has no mains power" for v in sorted(world.dark)]
    lines += [f"village {v} has no uplink" for v in sorted(world.cut_off)]
    broken = {name: unit.faults for name, unit in world.units.items() if unit.faults}
    lines += [f"{name} {', '.join(sorted(faults))}" for name, faults in sorted(broken.items())]
    return lines or ["nothing is broken"]


class Control:
    """The listening side."""

    def __init__(self, path: Path, runner: Runner) -> None:
        self._path = path
        self._runner = runner
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens; raises UserError where another fleet does already."""
        if await asyncio.to_thread(answers, self._path):
            raise UserError(f"Another simulated fleet is running in {self._path.parent}.")
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(_checked(self._path))
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening)

    async def stop(self) -> None:
        """Stops listening."""
        if self._server:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.timeout(PATIENCE_S):
                answer = self._answer(await reader.readline())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        world = self._runner.world
        try:
            request = json.loads(line)
            if request["verb"] == "list":
                return {"lines": status(world)}
            if request["verb"] == "carried":  # for measuring: bytes to and from each village's cameras
                return {"lines": [f"{v} {n}" for v, n in self._runner.faces.carried().items()]}
            if request["verb"] not in ACTS:
                return {"error": f"There is no command {request['verb']!r}."}
            act = Act(request["verb"], str(request["target"]), request.get("fault"))
            world.run_until(self._runner.clock.now())
            perform(world, act)
            self._runner.wake()
        except UserError as error:
            return {"error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            return {"error": f"Not understood: {error}."}
        return {"lines": [f"done: {act}"]}


def answers(path: Path) -> bool:
    """True where a running field listens at `path`."""
    try:
        ask(path, {"verb": "list"})
    except UserError:
        return False
    return True


def _checked(path: Path) -> str:
    """A path that a unix socket may have: relative where that is shorter."""
    short = min(str(path), os.path.relpath(path), key=len)
    if len(short) > LONGEST_PATH:
        raise UserError(f"{path} is too long for a socket; choose a data folder with a shorter path.")
    return short
