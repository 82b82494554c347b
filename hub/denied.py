"""Refused publishes, seen: mosquitto acknowledges them to a 3.1.1 device and tells only its debug log.

`village-hub broker` reads that log through a pipe and keeps the lines that matter in `denied.log`; the hub reads them
from there. Nothing else of the debug log is kept.
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

_LINE = re.compile(rb"Denied PUBLISH from (\S+) \(d\d, q\d, r\d, m\d+, '([^']{0,200})'")


class Denied(NamedTuple):
    """A publish that the broker refused: who tried, and where."""

    client: str
    topic: str


def keep(lines: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """Write the refusals of a broker's log into the folder; gives what people should read of the rest."""
    path = folder / FILE
    for line in lines:
        if b"Denied PUBLISH" in line:
            mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if _size(path) > MAX_BYTES else os.O_APPEND)
            handle = os.open(path, mode, 0o600)
            os.write(handle, line)
            os.close(handle)
        elif (b"Error" in line or b"Warning" in line) and b"run as root" not in line:
            yield line


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Tail:
    """Reads refusals as they are written. What was there before is not news."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._at = 0 if self._path is None else _size(self._path)

    def fresh(self) -> list[Denied]:
        """Refusals since the last call, at most a few thousand."""
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
        whole = text.rfind(b"\n") + 1
        self._at += whole
        return [
            Denied(m[1].decode("utf-8", "replace"), m[2].decode("utf-8", "replace"))
            for m in _LINE.finditer(text[:whole])
        ]
