"""Roll-ups: what each device said on each day, in one small Parquet file a month and kind, kept when the readings go.

`history/<kind>/<month>.<day>.<last>.<gone>.rollup.parquet` holds every reading that was packed up to journal position
`last` and belongs to a day of the month up to `day`: a row a device and day, with the lowest, the sum, the highest and
the number of each measured field. The newest file of a month counts. `gone` names the days whose readings are gone, as
bits in hexadecimal (bit 0 the 1st): such a day is told by its row alone, and what comes later for it is added there.
Each other day is told anew from its readings when more of them come. A day is marked gone before its readings go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices.device import RECORDED, Kind
from hub.history import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

_NAME = re.compile(r"(\d{4}-\d\d)\.(\d\d)\.(\d+)\.([0-9a-f]{8})\.rollup\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One file. `month` as in its name, 2026-11; `through` a day of it, 2026-11-24."""

    kind: Kind
    month: str
    last: int
    through: str
    gone: int
    path: Path

    def covers(self, f: files.Packed) -> bool:
        """True where everything of a packed file is in it."""
        return f.day[:7] == self.month and f.day <= self.through and f.last <= self.last

    def alone(self, day: str) -> bool:
        """True for a day whose readings are gone."""
        return bool(self.gone & _bit(day))


def _bit(day: str) -> int:
    return 1 << int(day[-2:]) - 1


def _path(folder: Path, kind: Kind, through: str, last: int, gone: int) -> Path:
    name = f"{through[:7]}.{through[-2:]}.{last}.{gone:08x}.rollup.parquet"
    return folder / files.FOLDER / kind.value / name


def every(folder: Path, kind: Kind) -> list[Month]:
    """All files of a kind, oldest first. Raises OSError."""
    try:
        paths = list((folder / files.FOLDER / kind.value).iterdir())
    except FileNotFoundError:
        return []
    found = []
    for path in paths:
        m = _NAME.fullmatch(path.name)
        if m is not None:
            found.append(Month(kind, m[1], int(m[3]), f"{m[1]}-{m[2]}", int(m[4], 16), path))
    return sorted(found)


def valid(found: Iterable[Month]) -> dict[str, Month]:
    """The newest of each month."""
    return {m.month: m for m in sorted(found)}


def numbers(kind: Kind) -> list[str]:
    """The fields of a kind that are rolled up."""
    return [f.name for f in RECORDED[kind] if f.type in ("number", "integer")]


def roll(db: duckdb.DuckDBPyConnection, folder: Path, kind: Kind, cursor: int, today: str) -> None:
    """Roll up what is packed of the days before `today` and not rolled up yet. Raises OSError, duckdb.Error.

    So are the days that a file covers already: it covers all of a day, also where the clock was ahead and went back.
    """
    if not numbers(kind):
        return
    known = every(folder, kind)
    newest = valid(known)
    heaps: dict[str, list[files.Packed]] = {}
    for f in files.valid(files.every(folder, kind), cursor):
        of_month = newest.get(f.day[:7])
        if f.day < today or (of_month is not None and f.day <= of_month.through):
            heaps.setdefault(f.day[:7], []).append(f)
    for month, packed in heaps.items():
        before = newest.get(month)
        if before is None or not all(before.covers(f) for f in packed):
            _write(db, folder, kind, before, packed, cursor)
    for old in set(every(folder, kind)).difference(valid(every(folder, kind)).values()):
        old.path.unlink(missing_ok=True)


def _write(
    db: duckdb.DuckDBPyConnection, folder: Path, kind: Kind, before: Month | None,
    packed: Sequence[files.Packed], cursor: int,
) -> None:  # fmt: skip
    days: dict[str, list[files.Packed]] = {}
    for f in packed:
        days.setdefault(f.day, []).append(f)
    anew = [
        day
        for day, of_day in days.items()
        if before is None or not (before.alone(day) or all(before.covers(f) for f in of_day))
    ]
    more = [f for f in packed if f.day in anew or (before is not None and not before.covers(f))]
    names = numbers(kind)
    sources = [_of_readings(names, [f.path for f in more])]
    if before is not None:
        listed = ", ".join(f"DATE '{day}'" for day in anew) or "NULL"
        kept = f"WHERE day NOT IN ({listed})" if anew else ""
        sources.append(f"SELECT * FROM {files.scan([before.path])} {kept}")  # noqa: S608 - our own words
    summed = ", ".join(
        f'min("{n}.low") AS "{n}.low", sum("{n}.sum") AS "{n}.sum", max("{n}.high") AS "{n}.high", '
        f'CAST(sum("{n}.n") AS BIGINT) AS "{n}.n"'
        for n in names
    )
    through = max([*days, *([before.through] if before is not None else [])])
    path = _path(folder, kind, through, cursor, before.gone if before is not None else 0)
    files.durably(
        db,
        path,
        f"SELECT device, day, {summed} FROM ({' UNION ALL BY NAME '.join(sources)}) "  # noqa: S608 - our own words
        "GROUP BY device, day ORDER BY device, day",
    )


def _of_readings(names: Iterable[str], paths: Iterable[Path]) -> str:
    sums = ", ".join(
        f'min("{n}") AS "{n}.low", sum(CAST("{n}" AS DOUBLE)) AS "{n}.sum", max("{n}") AS "{n}.high", '
        f'count("{n}") AS "{n}.n"'
        for n in names
    )
    day = f'CAST(make_timestamp_ms(epoch_ms("at") + {files.HANOI_MS}) AS DATE)'
    return f"SELECT device, {day} AS day, {sums} FROM {files.scan(paths)} GROUP BY device, day"  # noqa: S608 - our own words


def retire(folder: Path, kind: Kind, cursor: int, before: str, months_before: str) -> None:
    """Away with readings of days before `before` that are rolled up, and with roll-ups of earlier months.

    A kind without numbers has no roll-ups: its days go as they are. Raises OSError.
    """
    newest = valid(every(folder, kind))
    packed = files.valid(files.every(folder, kind), cursor)
    for month in list(newest.values()):
        rolled = [f.day for f in packed if f.day < before and month.covers(f)]
        gone = month.gone
        for day in rolled:
            gone |= _bit(day)
        if month.month < months_before[:7]:
            month.path.unlink(missing_ok=True)
        elif gone != month.gone:
            path = _path(folder, kind, month.through, month.last, gone)
            month.path.rename(path)
            files.sync(path.parent)
            newest[month.month] = replace(month, gone=gone, path=path)
    for f in packed:
        of_month = newest.get(f.day[:7])
        if of_month is None:
            useless = f.day < before and not numbers(kind)
        else:
            useless = of_month.covers(f) and of_month.alone(f.day)
        if useless:
            f.path.unlink(missing_ok=True)


def sums(kind: Kind, months: Iterable[Month], skipped: Iterable[str], bucket_ms: int) -> str:
    """The query for one device's sums by buckets, field by field; its parameters: device, first day, last day."""
    parts = ", ".join(
        f'min("{n}.low"), sum("{n}.sum"), max("{n}.high"), CAST(sum("{n}.n") AS BIGINT)'
        for n in numbers(kind)
    )
    listed = ", ".join(f"DATE '{day}'" for day in skipped)
    kept = f"AND day NOT IN ({listed}) " if listed else ""
    return (
        f"SELECT epoch_ms(CAST(day AS TIMESTAMP)) // {bucket_ms} * {bucket_ms} - {files.HANOI_MS} AS bucket, {parts} "  # noqa: S608 - our own words
        f"FROM {files.scan(m.path for m in months)} "
        f"WHERE device = ? AND day >= CAST(? AS DATE) AND day <= CAST(? AS DATE) {kept}GROUP BY bucket"
    )
