"""The shelf: pictures as files that only the hub reads, and what was learnt of each camera's picture."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MEMORY = "memory.json"


class Shelf:
    """A folder a camera. `told` is given what stands in a new file, as {"device", "what", "at", "file", ...}."""

    def __init__(self, folder: Path, told: Callable[[dict[str, Any]], None]) -> None:
        self._folder, self._told = folder, told

    def put(
        self, device: str, what: str, at: int, jpeg: bytes, *, codes: Sequence[str] = (), by: str = ""
    ) -> None:
        """Keep a picture taken at `at` (ms). Raises OSError."""
        name = f"{at}-{what}.jpg"
        self._write(self._of(device) / name, jpeg)
        self._told({
            "device": device, "what": what, "at": at, "file": f"{device}/{name}", "codes": list(codes),
            "bytes": len(jpeg), "by": by,
        })  # fmt: skip

    def remembered(self, device: str) -> dict[str, Any] | None:
        """What was learnt; None where that is nothing, or cannot be read."""
        try:
            found = json.loads((self._folder / device / MEMORY).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def remember(self, device: str, learnt: dict[str, Any]) -> None:
        """Keep what was learnt. Raises OSError."""
        self._write(self._of(device) / MEMORY, json.dumps(learnt, separators=(",", ":")).encode())

    def _of(self, device: str) -> Path:
        folder = self._folder / device
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        fresh = path.with_suffix(".tmp")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as f:
            f.write(content)
        fresh.replace(path)
