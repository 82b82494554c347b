"""Sites as CSV: villages to begin with, and what was written down wrongly put right. Out and in again is the same."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, ValidationError

from devices.site import Site
from hub.places import sound
from hub.registry import Shown, SiteRow, refusal
from hub.registry_csv import Told, safe, table, unsafe
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from hub.registry import Registry

COLUMNS = ("slug", "name", "tier", "parent", "lat", "lon", "since")
REQUIRED = ("slug", "name", "tier")
_NUMBERS = ("lat", "lon")
_STAYS = ("name", "parent", "since")
"""What a file says once: later it changes on a day, by its page or the command."""


class Line(NamedTuple):
    """A site, and what it is below."""

    site: Site
    parent: str | None


class _Row(SiteRow):
    name: Shown = Field(min_length=1, max_length=120)
    parent: str | None = None

    def line(self) -> Line:
        return Line(Site(**self.model_dump(exclude={"parent", "until"})), self.parent)


@dataclass(slots=True)
class SiteSheet(Told):
    """What came of a file: sites to add, each after what it is below, and sites to put right."""

    fresh: list[Line] = field(default_factory=list)
    righted: list[Site] = field(default_factory=list)


def write(branches: Iterable[tuple[Site, str]]) -> str:
    """CSV text: a header and a line a site, with what it is below."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for s, parent in branches:
        writer.writerow([s.slug, safe(s.name), s.tier, parent, *(_cell(v) for v in (s.lat, s.lon, s.since))])
    return out.getvalue()


def _cell(value: object) -> object:
    return "" if value is None else value


def standing(reg: Registry, day: date) -> list[tuple[Site, str]]:
    """The sites of a day that have not ended, by slug, each with what it is below then."""
    return [(reg.sites[slug], reg.parent(slug, day) or "") for slug in sorted(reg.standing(day))]


def is_one(data: bytes) -> bool:
    """True where the first line is that of a file of sites."""
    return b"slug" in data.split(b"\n", 1)[0].lower()


def read(data: bytes, reg: Registry, day: date) -> SiteSheet:
    """Read a file against what is registered on `day`; every bad line is told, and none is left out for another's sake.

    Columns may stand in any order; what is left out keeps its value. Raises what registry_csv.table raises.
    """
    found = SiteSheet()
    lines: dict[str, tuple[int, Line]] = {}
    stand = reg.standing(day)
    for number, said in table(data, COLUMNS, REQUIRED):
        found.lines += 1
        if isinstance(said, Refused):
            found.bad(number, said)
        elif said["slug"] in lines:
            found.bad(number, Refused("named_twice", name=said["slug"], line=lines[said["slug"]][0]))
        elif said["slug"] in reg.sites and said["slug"] not in stand:
            found.bad(number, Refused("site_taken", site=said["slug"]))
        else:
            known = reg.sites.get(said["slug"])
            before = None if known is None else Line(known, reg.parent(known.slug, day))
            _take(found, number, said, before, lines)
    fresh = {slug: line for slug, (_, line) in lines.items() if slug not in reg.sites}
    for slug, (number, line) in lines.items():
        known = reg.sites.get(slug)
        try:
            sound(line.site)
            if known is None:
                _belongs(line, fresh, reg, day)
            elif any(getattr(known, c) != getattr(line.site, c) for c in ("tier", *_NUMBERS)):
                found.righted.append(line.site)
        except Refused as e:
            found.bad(number, e)
    found.fresh = _topmost_first(fresh)
    found.added, found.changed = len(found.fresh), len(found.righted)
    found.wrong.sort(key=lambda w: w[0])
    return found


def _take(
    found: SiteSheet,
    number: int,
    said: dict[str, str],
    known: Line | None,
    lines: dict[str, tuple[int, Line]],
) -> None:
    values: dict[str, Any] = {} if known is None else {c: _said(known, c) for c in COLUMNS}
    for column, text in said.items():
        cell = text.replace(",", ".") if column in _NUMBERS else unsafe(text)
        values[column] = cell if cell or column in REQUIRED else None
    try:
        line = _Row.model_validate(values).line()
    except ValidationError as e:
        found.bad(number, *(refusal(x) for x in e.errors(include_url=False, include_input=False)[:5]))
        return
    other = [] if known is None else [c for c in _STAYS if _said(line, c) != _said(known, c)]
    if other:
        found.bad(number, Refused("site_by_command", site=line.site.slug, what=", ".join(other)))
        return
    lines[line.site.slug] = number, line


def _said(line: Line, column: str) -> object:
    return line.parent if column == "parent" else getattr(line.site, column)


def _belongs(line: Line, fresh: Mapping[str, Line], reg: Registry, day: date) -> None:
    """A new site's day and what it is below. Raises Refused."""
    since = line.site.since
    if since is not None and since > day:
        raise Refused("date_ahead", day=day.isoformat())
    above, way = line.parent, {line.site.slug}
    while above is not None and above in fresh:
        if above in way:
            raise Refused("own_ancestor", site=line.site.slug)
        way.add(above)
        above = fresh[above].parent
    parent = None if line.parent in fresh else line.parent
    if parent is None:
        return
    known = reg.sites.get(parent)
    if known is None:
        raise Refused("no_such_site", site=parent)
    if known.until is not None and known.until <= (since or day):
        raise Refused("ended_then", site=parent, day=known.until.isoformat())


def _topmost_first(fresh: Mapping[str, Line]) -> list[Line]:
    depth: dict[str, int] = {}
    for slug in fresh:
        above, steps = fresh[slug].parent, 0
        while above is not None and above in fresh and steps <= len(fresh):
            above, steps = fresh[above].parent, steps + 1
        depth[slug] = steps
    return sorted(fresh.values(), key=lambda line: depth[line.site.slug])
