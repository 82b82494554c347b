"""Readers of a hub's web side in a process of their own: the JSON stream with a time for each line, and page loads.

Not a benchmark. CLOCK_MONOTONIC is one clock for all processes of a machine, so that times may be compared.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import pickle
import signal
import socket
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe


class Told(NamedTuple):
    """When (monotonic s) the stream first told of a (device, health), and of an incident of (device, rule)."""

    health: dict[tuple[str, str], float]
    incidents: dict[tuple[str, str], float]
    snapshots: int
    events: int


class Lines:
    """An HTTP stream's lines, each with the time at which its last byte was read."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
        self._socket.sendall(head.encode())
        self._socket.settimeout(0.1)
        self._rest = b""

    def read(self) -> list[tuple[float, bytes]]:
        """Lines that came within a tenth of a second."""
        try:
            data = self._socket.recv(1 << 20)
        except TimeoutError:
            return []
        at = time.monotonic()
        if not data:
            raise ConnectionError("the hub closed the stream")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [(at, line) for line in lines]

    def close(self) -> None:
        """End it."""
        self._socket.close()


def read_events(told: Told, at: float, said: dict[str, Any]) -> None:
    """Note what one event tells, where it was not told before."""
    for device in said["devices"]:
        told.health.setdefault((device["name"], device["health"]), at)
    for incident in said["incidents"]:
        if incident["state"] != "closed":
            for name in incident["devices"]:
                told.incidents.setdefault((name, incident["rule"]), at)


def _stream(port: int, pipe: Pipe, file: str) -> None:
    """Reads until it is told to end. HTTP's chunk sizes stand on lines of their own and are passed over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = Lines(port, "/api/events")
    told = Told({}, {}, 0, 0)
    snapshots = events = 0
    event = ""
    while not pipe.poll():
        for at, raw in lines.read():
            line = raw.strip()
            if line.startswith(b"event:"):
                event = line[6:].strip().decode()
            elif line.startswith(b"data:"):
                read_events(told, at, json.loads(line[5:]))
                events += 1
                if event == "snapshot":
                    snapshots += 1
                    if snapshots == 1:
                        pipe.send("listening")
    lines.close()
    Path(file).write_bytes(pickle.dumps(told._replace(snapshots=snapshots, events=events)))
    pipe.send("done")


def _pages(port: int, pipe: Pipe, file: str) -> None:
    """One load of `/` a second, begun on the second; how long each took."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    took: list[float] = []
    due = time.monotonic()
    pipe.send("listening")
    while not pipe.poll(max(0.0, due - time.monotonic())):
        start = time.monotonic()
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page,
        ):
            page.read()
            took.append((time.monotonic() - start) * 1000)
        due = max(due + 1, time.monotonic())
    Path(file).write_bytes(pickle.dumps(took))
    pipe.send("done")


class _Reader:
    def __init__(self, target: Any, port: int, file: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._file = file
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=target, args=(port, other, str(file)), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> Self:
        if self._pipe.recv() != "listening":
            raise RuntimeError("the reader did not begin")
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def end(self) -> Any:
        """What was read."""
        self._pipe.send("end")
        if self._pipe.recv() != "done":
            raise RuntimeError("the reader did not end")
        return pickle.loads(self._file.read_bytes())  # noqa: S301 - our own process wrote it


class StreamReader(_Reader):
    """Reads /api/events from entering to `end`."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(_stream, port, folder / "stream")

    def end(self) -> Told:
        """What the stream told."""
        found = super().end()
        assert isinstance(found, Told)
        return found


class PageLoader(_Reader):
    """Loads `/` once a second from entering to `end`."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(_pages, port, folder / "pages")

    def end(self) -> list[float]:
        """Milliseconds of each load that succeeded."""
        found = super().end()
        assert isinstance(found, list)
        return found
