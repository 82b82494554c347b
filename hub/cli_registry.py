"""`village-hub device ...` and `village-hub site ...`: the registry from a command line.

While a hub runs with the data folder it is asked over its API; else the folder is opened here, and the same is done.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from devices.device import HUB, Kind
from devices.lifecycle import Lifecycle
from hub import registry, registry_csv, sites_csv
from hub.cli_ask import SettingsFile, Who
from hub.cli_ask import fail as _fail
from hub.cli_ask import say as _say
from hub.cli_hub import hub as _hub
from hub.cli_hub import made as _made
from hub.cli_hub import sentence
from hub.registry_desk import standing
from hub.registry_desk import tree as tree_of
from hub.registry_ops import (
    AddDevice,
    AddSite,
    CorrectSite,
    EndSite,
    LiveDevice,
    MergeSites,
    PlaceSite,
    RenameSite,
    ReplaceDevice,
)
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cli_hub import Hub
    from hub.registry_csv import Told

device = typer.Typer(no_args_is_help=True, help="Devices: register, list, import, replace, retire.")
site = typer.Typer(no_args_is_help=True, help="Sites: the tree of villages and communes, with its dates.")

Day = Annotated[str, typer.Option("--since", help="the day from which it holds, YYYY-MM-DD; default: today")]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        _fail(f"{text} is no day; write it as 2025-07-01")


# --- devices --------------------------------------------------------------------------------------------------


@device.command("add")
def device_add(  # noqa: PLR0913, PLR0917 - one option a field
    name: str,
    kind: Annotated[Kind, typer.Option(help="what it is")],
    realm: Annotated[str, typer.Option(help="credential domain, usually its village's gateway")],
    site: Annotated[str, typer.Option(help="slug of its site")],
    title: str = "",
    place: str = "",
    lat: float | None = None,
    lon: float | None = None,
    interval_s: float = 60,
    timeout_s: float | None = None,
    power_from: str | None = None,
    uplink_by: str | None = None,
    nvr: str | None = None,
    channel: int | None = None,
    serial: str = "",
    driver: Annotated[str, typer.Option(help="native, or onvif for a camera that is asked")] = "native",
    address: Annotated[str, typer.Option(help="of a camera that is asked: http://192.168.1.64")] = "",
    login: Annotated[str, typer.Option(help="its user there")] = "",
    profile: Annotated[str, typer.Option(help="of a notice board: led-192x64-2")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="may be given several times")] = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Register a device. It is planned until it is heard."""
    said = _made(
        AddDevice, name=name, kind=kind, realm=realm, site=site, title=title, place=place, lat=lat, lon=lon,
        interval_s=interval_s, timeout_s=timeout_s, power_from=power_from, uplink_by=uplink_by, nvr=nvr,
        channel=channel, serial=serial, driver=driver, address=address, login=login, profile=profile,
        tags=tuple(tag or ()),
    )  # fmt: skip
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{name} is registered")


@device.command("list")
def device_list(
    site: Annotated[str, typer.Option(help="only of this site, not of those below it")] = "",
    kind: Annotated[Kind | None, typer.Option(help="only of this kind")] = None,
    settings: SettingsFile = None,
) -> None:
    """One line a device: name, kind, site, stage, title."""
    with _hub(settings) as hub:
        for row in _rows(hub):
            if (not site or row["site"] == site) and (kind is None or row["kind"] == kind.value):
                _say("\t".join(row[c] for c in ("name", "kind", "site", "lifecycle", "title")))


def _rows(hub: Hub) -> Iterator[dict[str, str]]:
    import csv  # noqa: PLC0415 - only here
    import io  # noqa: PLC0415

    yield from csv.DictReader(io.StringIO(_csv(hub), newline=""))


def _csv(hub: Hub) -> str:
    if hub.office is None:
        return str(hub.ask("/api/registry/devices.csv"))
    known = standing(hub.office.places)
    return "".join(registry_csv.write(known[name] for name in sorted(known) if name != HUB))


@device.command("show")
def device_show(name: str, settings: SettingsFile = None) -> None:
    """How a device is registered, its changes, and what hardware has hung there."""
    with _hub(settings) as hub:
        row = next((r for r in _rows(hub) if r["name"] == name), None)
        if row is None:
            _fail(f"there is no device {name}")
        for column, value in row.items():
            if value:
                _say(f"{column:12} {value}")
        changes, hardware = hub.past(name)
        for at, person, address, action in changes:
            _say(f"{_when(at)}  {action} by {person or '?'} ({address})")
        for serial, model, since, until in hardware:
            _say(f"hardware     {model or '-'} {serial or '-'} {_when(since)} - {_when(until)}")


def _when(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, registry.LOCAL).strftime("%Y-%m-%d %H:%M")


@device.command("export")
def device_export(
    file: Annotated[Path | None, typer.Argument(help="where to; default: standard output")] = None,
    settings: SettingsFile = None,
) -> None:
    """All devices as CSV (UTF-8). Passwords are not in it."""
    with _hub(settings) as hub:
        text = _csv(hub)
    _export(text, file, "devices")


def _export(text: str, file: Path | None, what: str) -> None:
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text("\ufeff" + text, encoding="utf-8", newline="")
    except OSError as e:
        _fail(f"cannot write {file}: {e.strerror or e}")
    _say(f"{text.count(chr(10)) - 1} {what} written to {file}")


@device.command("import")
def device_import(
    file: Annotated[Path, typer.Argument(help="CSV, UTF-8, the columns of `device export`")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="tell every bad line, change nothing")] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Register devices from CSV: all lines, or none and every bad line by its number."""
    _import(file, "devices", who, settings, dry_run=dry_run)


def _import(file: Path, what: str, who: str, settings: Path | None, *, dry_run: bool) -> None:
    try:
        data = file.read_bytes()
    except OSError as e:
        _fail(f"cannot read {file}: {e.strerror or e}")
    with _hub(settings, who) as hub:
        try:
            if hub.office is None:
                said = {"csv": registry_csv.decode(data), "dry_run": dry_run}
                found = hub.ask("/api/registry/import" + ("-sites" if what == "sites" else ""), said)
                lines, added, changed, bad = (found[k] for k in ("lines", "added", "changed", "bad_lines"))
                wrong = [(line, text) for line, text in found["wrong"]]
            else:
                take = hub.office.import_sites if what == "sites" else hub.office.import_csv
                sheet: Told = take(data, hub.by, dry_run=dry_run)
                lines, added, changed, bad = sheet.lines, sheet.added, sheet.changed, sheet.bad_lines
                wrong = [(line, sentence(problem)) for line, problem in sheet.wrong]
        except Refused as e:
            _fail(sentence(e))
    for line, text in wrong:
        print(f"{file}:{line}: {text}", file=sys.stderr)  # noqa: T201
    if bad:
        more = f" ({bad} bad lines in all)" if bad > len(wrong) else ""
        _fail(f"nothing was registered: {bad} of {lines} lines are wrong{more}")
    _say(f"{added} new {what}, {changed} changed" + (" (dry run: nothing was registered)" if dry_run else ""))


@device.command("replace")
def device_replace(
    name: str, serial: str = "", model: str = "", why: str = "", who: Who = "", settings: SettingsFile = None
) -> None:
    """Other hardware hangs there now; name, password and history go on."""
    said = _made(ReplaceDevice, name=name, serial=serial, model=model, why=why)
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"the hardware of {name} was replaced")


@device.command("retire")
def device_retire(name: str, who: Who = "", settings: SettingsFile = None) -> None:
    """Take a device away for good: it loses its password, its past stays."""
    with _hub(settings, who) as hub:
        hub.carry_out(LiveDevice(name=name, lifecycle=Lifecycle.RETIRED))
        _say(f"{name} is retired")


@device.command("maintenance")
def device_maintenance(
    name: str,
    off: Annotated[bool, typer.Option("--off", help="back into service")] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Put a device into maintenance, or back into service."""
    wanted = Lifecycle.ACTIVE if off else Lifecycle.MAINTENANCE
    with _hub(settings, who) as hub:
        hub.carry_out(LiveDevice(name=name, lifecycle=wanted))
        _say(f"{name} is back in service" if off else f"{name} is in maintenance")


# --- sites ----------------------------------------------------------------------------------------------------


@site.command("add")
def site_add(  # noqa: PLR0913, PLR0917 - one option a field
    slug: str,
    name: Annotated[str, typer.Option(help="what people call it")],
    tier: Annotated[str, typer.Option(help="province, district, commune, village or hamlet")] = "village",
    parent: Annotated[str | None, typer.Option(help="slug of the site it is below")] = None,
    lat: float | None = None,
    lon: float | None = None,
    since: Day = "",
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """A new site."""
    about = {"slug": slug, "name": name, "tier": tier, "parent": parent, "lat": lat, "lon": lon}
    said = _made(AddSite, since=_day(since), **about)
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"site {slug} is there")


@site.command("list")
def site_list(
    at: Annotated[str, typer.Option(help="the tree of this day, YYYY-MM-DD; default: today")] = "",
    settings: SettingsFile = None,
) -> None:
    """The tree of a day, under the names of that day."""
    day = _day(at)
    with _hub(settings) as hub:
        if hub.office is None:
            found = hub.ask("/api/registry/tree" + (f"?at={day.isoformat()}" if day else ""))
            rows = [(s["depth"], s["slug"], s["name"], s["tier"], s["devices"]) for s in found["sites"]]
        else:
            wanted = day or registry.today(hub.office.now())
            branches = tree_of(hub.office.places, wanted)
            rows = [(b.depth, b.site.slug, b.site.name, b.site.tier, b.devices) for b in branches]
    for depth, slug, name, tier, devices in rows:
        _say(f"{'  ' * depth}{slug}  {name} ({tier}" + (f", {devices} devices)" if devices else ")"))


@site.command("export")
def site_export(
    file: Annotated[Path | None, typer.Argument(help="where to; default: standard output")] = None,
    settings: SettingsFile = None,
) -> None:
    """All sites that have not ended as CSV (UTF-8)."""
    with _hub(settings) as hub:
        if hub.office is None:
            text = str(hub.ask("/api/registry/sites.csv"))
        else:
            reg, day = hub.office.places.registrar.registry, registry.today(hub.office.now())
            text = sites_csv.write(sites_csv.standing(reg, day))
    _export(text, file, "sites")


@site.command("import")
def site_import(
    file: Annotated[Path, typer.Argument(help="CSV, UTF-8, the columns of `site export`")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="tell every bad line, change nothing")] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Sites from CSV, new or put right: all lines, or none and every bad line by its number."""
    _import(file, "sites", who, settings, dry_run=dry_run)


@site.command("correct")
def site_correct(
    slug: str,
    tier: Annotated[str | None, typer.Option(help="province, district, commune, village or hamlet")] = None,
    lat: float | None = None,
    lon: float | None = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Put right a site's tier or where it is; what is left out stays."""
    said = _made(CorrectSite, slug=slug, tier=tier, lat=lat, lon=lon)
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{slug} is put right")


@site.command("rename")
def site_rename(slug: str, name: str, since: Day = "", who: Who = "", settings: SettingsFile = None) -> None:
    """Call a site otherwise from a day on; before it, it keeps its name."""
    said = _made(RenameSite, slug=slug, name=name, since=_day(since))
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{slug} is called {name}")


@site.command("place")
def site_place(slug: str, parent: str, since: Day = "", who: Who = "", settings: SettingsFile = None) -> None:
    """Put a site below another from a day on."""
    said = _made(PlaceSite, slug=slug, parent=parent, since=_day(since))
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{slug} is below {parent}")


@site.command("end")
def site_end(slug: str, since: Day = "", who: Who = "", settings: SettingsFile = None) -> None:
    """A site is no more from a day on; nothing may stand below it."""
    said = _made(EndSite, slug=slug, since=_day(since))
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{slug} has ended")


@site.command("merge")
def site_merge(
    slugs: Annotated[list[str], typer.Argument(help="sites that end")],
    into: Annotated[str, typer.Option(help="slug of what they become: new, or one that stands")],
    name: Annotated[str, typer.Option(help="its name, where it is new")] = "",
    tier: Annotated[str, typer.Option(help="its tier, where it is new")] = "commune",
    since: Day = "",
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Several sites become one on a day; what was below them belongs to it from then on."""
    said = _made(MergeSites, slugs=slugs, into=into, name=name, tier=tier, since=_day(since))
    with _hub(settings, who) as hub:
        hub.carry_out(said)
        _say(f"{', '.join(slugs)} became {into}")
