"""Devices as CSV: what a spreadsheet can edit. Export and import give back the same; passwords are never in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from devices.device import HUB, Device
from devices.lifecycle import Lifecycle
from hub.fit import Fit
from hub.registry import DeviceRow, refusal
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

COLUMNS = (
    "name", "kind", "realm", "site", "title", "place", "lat", "lon", "interval_s", "timeout_s", "lifecycle", "driver",
    "power_from", "uplink_by", "nvr", "channel", "serial", "address", "login", "profile", "tags",
)  # fmt: skip
REQUIRED = ("name", "kind", "realm", "site")
MAX_BYTES = 20_000_000
MAX_LINES = 300_000
TOLD = 200
"""So many bad lines are told one by one; the rest are counted."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_TEXTS = ("title", "place", "serial", "address", "login", "profile", "tags")


@dataclass(slots=True)
class Told:
    """What is told of a file: how many lines there are, and what is wrong, as (line number, refusal)."""

    wrong: list[tuple[int, Refused]] = field(default_factory=list)
    bad_lines: int = 0
    lines: int = 0
    added: int = 0
    changed: int = 0

    def bad(self, line: int, *problems: Refused) -> None:
        """One more bad line."""
        self.bad_lines += 1
        if len(self.wrong) < TOLD:
            self.wrong += [(line, p) for p in problems]


@dataclass(slots=True)
class Sheet(Told):
    """What came of a file: devices to register."""

    devices: list[Device] = field(default_factory=list)


def write(devices: Iterable[tuple[Device, Lifecycle]]) -> Iterator[str]:
    """CSV text in pieces: a header and a line a device. A cell that a spreadsheet would run is led by `'`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for i, (device, lifecycle) in enumerate(devices):
        writer.writerow([_cell(name, device, lifecycle) for name in COLUMNS])
        if not i % 500:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(column: str, device: Device, lifecycle: Lifecycle) -> object:
    if column == "lifecycle":
        return lifecycle.value
    if column == "tags":
        return safe(";".join(device.tags))
    value = getattr(device, column)
    if column in _TEXTS:
        return safe(value)
    if isinstance(value, float):
        return f"{value:g}" if value == float(f"{value:g}") else repr(value)
    return "" if value is None else value


def safe(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def decode(data: bytes) -> str:
    """The file's text. Raises Refused: file_too_large, not_utf8."""
    if len(data) > MAX_BYTES:
        raise Refused("file_too_large", limit=MAX_BYTES // 1_000_000)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("not_utf8", line=1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise Refused("not_utf8", line=data.count(b"\n", 0, e.start) + 1) from e


def read(data: bytes, known: Mapping[str, tuple[Device, Lifecycle]], sites: Container[str]) -> Sheet:
    """Read a file against what is registered; every bad line is told, and none is left out for another's sake.

    Columns may stand in any order and all but the required may be missing: what is left out keeps its value.
    Raises Refused: file_too_large, not_utf8, columns_missing, columns_unknown, too_many_lines.
    """
    found = Sheet()
    places: dict[str, int] = {}
    for line, said in table(data, COLUMNS, REQUIRED):
        found.lines += 1
        if isinstance(said, Refused):
            found.bad(line, said)
        else:
            _take(found, line, said, known, places)
    _fit_all(found, places, known, sites)
    found.wrong.sort(key=lambda w: w[0])
    return found


def table(
    data: bytes, columns: Sequence[str], required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str] | Refused]]:
    """Line number and cells by column, or why the line is none; empty lines are left out.

    Raises Refused: file_too_large, not_utf8, columns_missing, columns_unknown, too_many_lines.
    """
    text = decode(data)
    delimiter = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [h.strip().lower() for h in next(rows, [])]
        _check_header(header, columns, required)
        for cells in rows:
            if rows.line_num > MAX_LINES:
                raise Refused("too_many_lines", limit=MAX_LINES)
            if not any(c.strip() for c in cells):
                continue
            if len(cells) != len(header):
                yield rows.line_num, Refused("cells_missing", found=len(cells), wanted=len(header))
            else:
                yield rows.line_num, {k: v.strip() for k, v in zip(header, cells, strict=True)}
    except csv.Error as e:
        yield rows.line_num, Refused("bad_csv", why=str(e))


def _check_header(header: list[str], columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [c for c in required if c not in header]
    if missing:
        raise Refused("columns_missing", columns=", ".join(missing))
    unknown = [c or "(empty)" for c in header if c not in columns]
    if unknown or len(set(header)) != len(header):
        raise Refused("columns_unknown", columns=", ".join(unknown or header), known=", ".join(columns))


def _take(
    found: Sheet,
    line: int,
    cells: dict[str, str],
    known: Mapping[str, tuple[Device, Lifecycle]],
    places: dict[str, int],
) -> None:
    said = {k: unsafe(v) if k in _TEXTS else v for k, v in cells.items()}
    name = said["name"]
    if name in places:
        found.bad(line, Refused("named_twice", name=name, line=places[name]))
        return
    places[name] = line
    before = known.get(name)
    try:
        row = DeviceRow.model_validate(_values(said, None if before is None else before[0]))
    except ValidationError as e:
        found.bad(line, *(refusal(x) for x in e.errors(include_url=False, include_input=False)[:5]))
        return
    device = row.to_device()
    if before is not None and (
        problem := _against(device, *before, given="lifecycle" in said and said["lifecycle"])
    ):
        found.bad(line, problem)
        return
    found.devices.append(device)


def unsafe(text: str) -> str:
    """A text as it was before `safe`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _values(said: dict[str, str], before: Device | None) -> dict[str, object]:
    found: dict[str, object] = {}
    for column in COLUMNS:
        if column not in said:
            if before is not None:
                found[column] = getattr(before, column)
        elif column == "tags":
            found[column] = tuple(t.strip() for t in said[column].split(";") if t.strip())
        elif said[column] or column in _TEXTS:
            number = column in ("lat", "lon", "interval_s", "timeout_s")
            found[column] = said[column].replace(",", ".") if number else said[column]
    return found


def _against(device: Device, before: Device, stands: Lifecycle, *, given: str | bool) -> Refused | None:
    if before.name == HUB:
        return Refused("name_reserved", name=HUB)
    if device.realm != before.realm:
        return Refused("realm_stays")
    if stands is Lifecycle.RETIRED and given != Lifecycle.RETIRED.value:
        return Refused("retired_stays", name=device.name)
    served = (Lifecycle.PLANNED, Lifecycle.ACTIVE)
    if given and device.lifecycle is not stands and not (device.lifecycle in served and stands in served):
        return Refused("lifecycle_by_command", name=device.name)
    return None


def _fit_all(
    found: Sheet, places: dict[str, int], known: Mapping[str, tuple[Device, Lifecycle]], sites: Container[str]
) -> None:
    """Hold all of them against each other, as they will stand together."""
    every = {name: device for name, (device, _) in known.items()} | {d.name: d for d in found.devices}
    fit, good = Fit(every, sites), []
    for device in found.devices:
        before = known.get(device.name)
        if before is not None and before[1] is Lifecycle.RETIRED:
            continue  # it stands as it stood
        problems = list(fit.problems(device))
        if problems:
            found.bad(places[device.name], *problems)
        else:
            good.append(device)
            found.added += before is None
            found.changed += before is not None and _differs(before[0], device)
    found.devices = good


def _differs(before: Device, device: Device) -> bool:
    return any(getattr(before, c) != getattr(device, c) for c in COLUMNS if c != "lifecycle")
