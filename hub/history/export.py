"""A device's readings as one Parquet file for people to take away."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from hub.history import files
from hub.history.journal import Heap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.device import Device
    from devices.field import Value


def parquet(device: Device, readings: Iterable[tuple[int, dict[str, Value]]]) -> bytes:
    """The file's content; its `pos` only counts."""
    heap = Heap([(device.name, at, i, said) for i, (at, said) in enumerate(readings)])
    with tempfile.TemporaryDirectory() as folder, closing(files.connect()) as db:
        path = Path(folder) / "export.parquet"
        files.write(db, path, device.kind, [files.columns(device.kind, heap)])
        return path.read_bytes()
