"""The packed past: Parquet files `history/<kind>/<day>.<first>-<last>.parquet` below the data folder.

A file holds exactly the readings of its kind and day (Hà Nội) that stand at journal positions from `first` to
`last`, sorted by device and time. So a file whose positions lie within another's of the same day is superseded, and
one that reaches beyond the cursor was written by a packer that died before its cursor moved: both are passed over.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from devices.device import RECORDED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from devices.field import Field
    from hub.history.journal import Heap

FOLDER = "history"
DAY_MS = 86_400_000
HANOI_MS = 7 * 3_600_000
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d+)-(\d+)\.parquet")
_SQL_TYPE = {"number": "DOUBLE", "integer": "BIGINT", "flag": "BOOLEAN", "codes": "VARCHAR"}
FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 6, PARQUET_VERSION V2, ROW_GROUP_SIZE 122880"


@dataclass(frozen=True, slots=True, order=True)
class Packed:
    """One file. `day` as in its name, 2026-11-24."""

    kind: Kind
    day: str
    first: int
    last: int
    path: Path

    def supersedes(self, other: Packed) -> bool:
        """True where everything of `other` is in this file, too."""
        wider = (self.first, self.last) != (other.first, other.last)
        within = self.first <= other.first and other.last <= self.last
        return wider and within and (self.kind, self.day) == (other.kind, other.day)


def day_of(at: int) -> str:
    """The day in Hà Nội of an instant."""
    return datetime.fromtimestamp((at + HANOI_MS) // 1000, UTC).date().isoformat()


def path_of(folder: Path, kind: Kind, day: str, first: int, last: int) -> Path:
    """Where such a file stands; `folder` is the data folder."""
    return folder / FOLDER / kind.value / f"{day}.{first}-{last}.parquet"


def every(folder: Path, kind: Kind) -> list[Packed]:
    """All files of a kind, whatever they are worth. Raises OSError."""
    try:
        names = [p.name for p in (folder / FOLDER / kind.value).iterdir()]
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        m = _NAME.fullmatch(name)
        if m is not None:
            path = folder / FOLDER / kind.value / name
            found.append(Packed(kind, m[1], int(m[2]), int(m[3]), path))
    return sorted(found)


def valid(files: Sequence[Packed], cursor: int) -> list[Packed]:
    """Those that together hold every packed reading up to `cursor` once."""
    reached = [f for f in files if f.last <= cursor]
    days: dict[str, list[Packed]] = {}
    for f in reached:
        days.setdefault(f.day, []).append(f)
    return [f for f in reached if not any(other.supersedes(f) for other in days[f.day])]


def connect(threads: int = 1, memory: str = "256MB", spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own in memory, bounded, that fetches nothing."""
    return duckdb.connect(
        ":memory:",
        config={
            "threads": threads, "memory_limit": memory, "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false", "preserve_insertion_order": "true",
            "temp_directory": str(spill) if spill is not None else "",
        },
    )  # fmt: skip


Columns = dict[str, Any]
"""Readings of one kind as arrays: `device` (str), `at` (ms), `pos`, and the kind's fields; masked where not said."""


def columns(kind: Kind, heap: Heap) -> Columns:
    """A heap's readings as arrays."""
    names, at, pos, said = zip(*heap.rows, strict=True) if heap.rows else ((), (), (), ())
    found: Columns = {
        "device": np.array(names, dtype=object),
        "at": np.array(at, dtype=np.int64),
        "pos": np.array(pos, dtype=np.int64),
    }
    for field in RECORDED[kind]:
        name = field.name
        found[name] = _column(field, [s.get(name) for s in said])
    return found


def by_days(found: Columns) -> list[tuple[str, Columns]]:
    """The same, one a day in Hà Nội, with the day as in a file's name."""
    days = (found["at"] + HANOI_MS) // DAY_MS
    there = np.unique(days)
    if len(there) == 1:
        return [(day_of(int(found["at"][0])), found)]
    return [
        (day_of(int(day) * DAY_MS - HANOI_MS), {n: c[days == day] for n, c in found.items()}) for day in there
    ]


def write(db: duckdb.DuckDBPyConnection, path: Path, kind: Kind, parts: Sequence[Columns]) -> None:
    """Store readings as one file: it stands whole and durable, or not at all."""
    whole = {n: np.ma.concatenate([p[n] for p in parts]) for n in parts[0]}  # type: ignore[no-untyped-call]
    for text in ("device", *(f.name for f in RECORDED[kind] if f.type == "codes")):
        whole[text] = np.asarray(whole[text])
    db.register("columns", whole)
    try:
        write_from(db, path, kind, f'SELECT * REPLACE (make_timestamp_ms("at") AS "at") {_typed(kind)}')
    finally:
        db.unregister("columns")


def _typed(kind: Kind) -> str:
    cast = ", ".join(f'CAST("{f.name}" AS {_SQL_TYPE[f.type]}) AS "{f.name}"' for f in RECORDED[kind])
    return f'FROM (SELECT device, "at", pos, {cast} FROM columns)'  # noqa: S608 - names are ours


def _column(field: Field, said: list[Any]) -> Any:
    if field.type == "codes":
        return np.array([_codes(v) for v in said], dtype=object)
    kind: Any = {"number": np.float64, "integer": np.int64, "flag": np.bool_}[field.type]
    left = said.count(None)
    if not left:
        return np.array(said, dtype=kind)
    if left == len(said):
        return np.ma.masked_all(len(said), dtype=kind)  # type: ignore[no-untyped-call]
    numbers = np.array(said, dtype=np.float64)  # None becomes nan; whole numbers of ours are below 2**53
    missing = np.isnan(numbers)
    return np.ma.array(np.where(missing, 0, numbers).astype(kind), mask=missing)


def _codes(said: list[str] | None) -> str | None:
    if said:
        return json.dumps(said, ensure_ascii=False)
    return None if said is None else "[]"


def write_from(db: duckdb.DuckDBPyConnection, path: Path, kind: Kind, query: str) -> None:
    """Store what a query finds as a file of this kind, sorted; whole and durable, or not at all."""
    names = ", ".join(["device", '"at"', "pos", *(f'"{f.name}"' for f in RECORDED[kind])])
    durably(db, path, f'SELECT {names} FROM ({query}) ORDER BY device, "at", pos')  # noqa: S608 - names are ours


def durably(db: duckdb.DuckDBPyConnection, path: Path, query: str) -> None:
    """Store what a query finds as a Parquet file; whole and durable, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".tmp")
    quoted = str(fresh).replace("'", "''")
    db.execute(f"COPY ({query}) TO '{quoted}' ({FORMAT})")
    with fresh.open("rb") as f:
        os.fsync(f.fileno())
    fresh.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """What is in a folder is durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def merge(db: duckdb.DuckDBPyConnection, folder: Path, parts: Sequence[Packed]) -> Packed:
    """One file in place of all the valid ones of a day."""
    kind, day = parts[0].kind, parts[0].day
    first, last = min(p.first for p in parts), max(p.last for p in parts)
    path = path_of(folder, kind, day, first, last)
    write_from(db, path, kind, f"SELECT * FROM {scan(p.path for p in parts)}")  # noqa: S608 - our own paths
    for p in parts:
        if p.path != path:
            p.path.unlink(missing_ok=True)
    return Packed(kind, day, first, last, path)


def scan(paths: Iterable[Path]) -> str:
    """The expression that reads these files; a field that older ones do not know is null there."""
    listed = ", ".join("'" + str(p).replace("'", "''") + "'" for p in paths)
    return f"read_parquet([{listed}], union_by_name = true)"
