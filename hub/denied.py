"""What the broker refused, seen: mosquitto tells it in its debug log only, and a 3.1.1 device is none the wiser.

A publish that its sender may not make is acknowledged all the same; a packet over `max_packet_size` ends the
connection. A user that comes from two addresses in turn has a copied password.
`village-hub broker` reads the log through a pipe and keeps these cases in `denied.log`, a line each
(outcome, user, what); the hub reads them from there. Nothing else of the debug log is kept.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE = "denied.log"
MAX_BYTES = 1_000_000
"""Beyond this the file begins anew."""
MAX_CLIENTS = 50_000

PLACES = 4
"""Connections from A, B, A, B: so many addresses in a row, each another than the one before ..."""
PLACES_S = 600
"""... within so many seconds."""

_CONNECTED = re.compile(rb"^(\d+): New client connected from (\S+?)(?::\d+)? as (.+?) \(p\d.*u'([^']*)'\)")
_DENIED = re.compile(rb"Denied PUBLISH from (.+?) \(d\d, q\d, r\d, m\d+, '([^']{0,200})'")
_OVERSIZE = re.compile(rb"Client (.+?) disconnected due to oversize packet")


class Denied(NamedTuple):
    """One case: the outcome it counts as, the broker's user, and what it tried."""

    outcome: str
    user: str
    what: str


def keep(lines: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """Write the cases of a broker's log into the folder; gives what people should read of the rest."""
    users: dict[bytes, bytes] = {}
    places: dict[bytes, list[tuple[int, bytes]]] = {}
    for line in lines:
        if (found := _CONNECTED.search(line)) is not None:
            if len(users) >= MAX_CLIENTS:
                del users[next(iter(users))]
            users[found[3]] = found[4]
            two = _two_places(places, found[4], int(found[1]), found[2])
            if two:
                _append(folder / FILE, b"copied\t" + found[4] + b"\t" + two + b"\n")
        elif (found := _DENIED.search(line)) is not None:
            _append(folder / FILE, b"denied\t" + users.get(found[1], found[1]) + b"\t" + found[2] + b"\n")
        elif (found := _OVERSIZE.search(line)) is not None:
            _append(
                folder / FILE, b"garbled\t" + users.get(found[1], found[1]) + b"\ttoo large for the broker\n"
            )
        elif (b"Error" in line or b"Warning" in line) and b"run as root" not in line:
            yield line


def _two_places(places: dict[bytes, list[tuple[int, bytes]]], user: bytes, at: int, address: bytes) -> bytes:
    """Both addresses, where this user comes from one and the other in turn; then it is counted anew.

    A device that moves, or gets another address at each connection, comes back to none of them in turn.
    """
    came = [place for place in places.get(user, ()) if at - place[0] <= PLACES_S]
    if not came or came[-1][1] != address:
        came = [*came, (at, address)][-PLACES:]
    if len(places) >= MAX_CLIENTS and user not in places:
        del places[next(iter(places))]
    places[user] = came
    where = [a for _, a in came]
    if len(where) < PLACES or where[0] != where[2] or where[1] != where[3]:
        return b""
    del places[user]
    return where[2] + b", " + where[3]


def _append(path: Path, line: bytes) -> None:
    mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if _size(path) > MAX_BYTES else os.O_APPEND)
    try:
        handle = os.open(path, mode, 0o600)
    except OSError:  # a full disk; the broker goes on
        return
    try:
        os.write(handle, line)
    except OSError:
        return
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Tail:
    """Reads cases as they are written. What was there before is not news."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._at = 0 if self._path is None else _size(self._path)

    def fresh(self) -> list[Denied]:
        """Cases since the last call, at most a few thousand."""
        if self._path is None:
            return []
        size = _size(self._path)
        if size < self._at:
            self._at = 0
        if size == self._at:
            return []
        try:
            with self._path.open("rb") as f:
                f.seek(self._at)
                text = f.read(500_000)
        except OSError:
            return []
        self._at += text.rfind(b"\n") + 1
        cases = (
            line.decode("utf-8", "replace").split("\t") for line in text[: text.rfind(b"\n") + 1].splitlines()
        )
        return [Denied(*case) for case in cases if len(case) == len(Denied._fields)]
