"""`village-hub camera ...` and `purge`: cameras that are asked, from a command line, over the running hub's API."""

from __future__ import annotations

import getpass
import sys
from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import typer

from hub.cli_ask import SettingsFile, Who, ask, fail, say, settings_of

camera = typer.Typer(
    no_args_is_help=True, help="Cameras that are asked: password, visit, clock, reference, show."
)
Name = Annotated[str, typer.Argument(help="the camera's name")]


@camera.command()
def password(
    name: Name,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="read it from standard input instead of asking")
    ] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Store the password of its login, sealed; an empty one takes it away."""
    secret = sys.stdin.readline().rstrip("\n") if stdin else getpass.getpass(f"password of {name}: ")
    ask(settings_of(settings), f"/api/cameras/{name}/password", {"password": secret}, who=who)
    say(f"the password of {name} is {'stored' if secret else 'forgotten'}")


@camera.command()
def visit(name: Name, who: Who = "", settings: SettingsFile = None) -> None:
    """Ask it now."""
    ask(settings_of(settings), f"/api/cameras/{name}/visit", {}, who=who)
    say(f"{name} is asked")


@camera.command()
def clock(
    name: Name,
    manually: Annotated[
        bool, typer.Option("--manually", help="also where it follows a time server, which then ends")
    ] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Set its clock; where it follows a time server nothing is set, and that is said."""
    ask(settings_of(settings), f"/api/cameras/{name}/clock", {"manually": manually}, who=who)
    say(f"the clock of {name} is right")


@camera.command()
def reference(name: Name, who: Who = "", settings: SettingsFile = None) -> None:
    """Its next picture, fetched now, shows how it should look."""
    ask(settings_of(settings), f"/api/cameras/{name}/reference", {}, who=who)
    say(f"the next picture of {name} is its reference")


@camera.command()
def show(name: Name, settings: SettingsFile = None) -> None:
    """Its six lights with their reasons, its security, and what it costs."""
    said = ask(settings_of(settings), f"/api/cameras/{name}")
    say(said["summary"])
    for light in said["lights"]:
        seen = f" ({light['seen']})" if light["seen"] else ""
        say(f"{light['name']:14} {light['state']:8} {light['text']}{seen}")
    for point in said["security"]:
        say(f"{point['point']:14} {point['state']:8} {point['text']}")
    if said["clock_ntp"]:
        say(f"{'clock':14} {'':8} follows a time server")
    say(f"{'cost':14} {said['requests_h']} requests, {said['traffic_kb']} kB in the last hour")


@camera.command("try-default-login")
def try_default_login(name: Name, who: Who = "", settings: SettingsFile = None) -> None:
    """Show it its maker's default login, once, in the name of --who; told to the audit."""
    said = ask(settings_of(settings), f"/api/security/{name}/default-login", {}, who=who)
    say(f"{said['login']} of {said['maker']} on {name}: {said['result']}")


@camera.command("accept-key")
def accept_key(
    agent: Annotated[str, typer.Argument(help="the gateway that asks cameras")],
    fingerprint: Annotated[str, typer.Argument(help="as it shows it when it starts")],
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """The passwords of cameras go to the agent with this key from now on, sealed."""
    ask(settings_of(settings), f"/api/agents/{agent}/accept", {"fingerprint": fingerprint}, who=who)
    say(f"the key of {agent} is accepted")


def discover(  # noqa: PLR0913, PLR0917 - one option a thing
    host: Annotated[str, typer.Option(help="ask only this address")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=10)] = 4.0,
    add: Annotated[str, typer.Option(help="register the one at this address (as listed) under --name")] = "",
    name: Annotated[str, typer.Option(help="its name here")] = "",
    realm: Annotated[str, typer.Option(help="its realm")] = "",
    site: Annotated[str, typer.Option(help="slug of its site")] = "",
    login: Annotated[str, typer.Option(help="the user to log in with")] = "",
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """List cameras on the running hub's network (WS-Discovery): address, model, and what they are registered as."""
    if add and not (name and realm and site):
        fail("--add needs --name, --realm and --site")
    wanted = settings_of(settings)
    host = host or (urlsplit(add).hostname or add if add else "")
    query = urlencode({"seconds": seconds, "host": host})
    found = ask(wanted, f"/api/neighbours?{query}", who=who)
    if not add:
        _list(found, host, seconds)
        return
    chosen = next((one for one in found if add in (one["address"], one["host"])), None)
    if chosen is None:
        fail(f"nobody answered at {add}")
    if chosen["registered"]:
        fail(f"{add} is registered already, as {chosen['registered']}")
    if not chosen["address"]:
        fail(
            f"{add} answered, but with an address of another network; `village-hub device add` takes it with yours"
        )
    said = {
        "name": name, "kind": "camera", "realm": realm, "site": site, "driver": "onvif", "login": login,
        "address": chosen["address"], "title": " ".join(w for w in (chosen["name"], chosen["hardware"]) if w),
    }  # fmt: skip
    ask(wanted, "/api/registry/device-add", said, who=who)
    say(f"{name} is registered; store its password with `village-hub camera password {name}`")


def _list(found: list[dict[str, str]], host: str, seconds: float) -> None:
    """New ones first."""
    if not found:
        where = f"at {host}" if host else "on the hub's network; of another one ask by --host ADDRESS"
        say(f"nobody answered within {seconds:g} s {where}")
        return
    rows = sorted(found, key=lambda one: bool(one["registered"]))
    widths = [max(len(one[k]) for one in rows) for k in ("address", "name", "hardware", "location")]
    for one in rows:
        cells = (one["address"] or one["host"], one["name"], one["hardware"], one["location"])
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        say(f"{line}  {one['registered'] or '(new)'}")
    new = sum(not one["registered"] for one in rows)
    say(f"{len(rows)} answered, {new} of them new" + ("; --add ADDRESS registers one" if new else ""))


def purge(
    name: Annotated[str, typer.Option("--camera", help="the camera's name")],
    before: Annotated[str, typer.Option(help="a day, 2026-11-24: pictures taken before it go")],
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Take away the pictures of a camera taken before a day (in Vietnam)."""
    try:
        day = date.fromisoformat(before)
    except ValueError:
        fail(f"{before} is no day; write it as 2026-11-24")
    at = datetime.combine(day, time(), timezone(timedelta(hours=7)))
    said = {"before": round(at.timestamp() * 1000)}
    gone = ask(settings_of(settings), f"/api/cameras/{name}/purge", said, who=who)["pictures"]
    say(f"{gone} pictures of {name} are gone")
