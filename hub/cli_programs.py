"""`village-hub program ...`: light programs from a command line, asked of the running hub over its API.

A file says what the API takes, in YAML:

    name: Đêm thường
    target: site:thap-thuong        # or tag:chợ, device:den-1
    program:
      on: {offset_min: -10}
      steps:
        - {at: "22:00", level_pct: 50}
"""

from __future__ import annotations

import getpass
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer
import yaml

from hub.app import settings_path
from hub.settings import BadSettings
from hub.settings import load as load_settings

program = typer.Typer(no_args_is_help=True, help="Light programs: list, show, set from a file, remove.")

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="settings file (TOML); default ./hub.toml")
]
Name = Annotated[str, typer.Argument(help="the program's name")]
ASK_S = 30


def _fail(text: object) -> NoReturn:
    print(f"village-hub: {text}", file=sys.stderr)  # noqa: T201 - a command speaks
    raise SystemExit(1)


def _say(text: object) -> None:
    print(text)  # noqa: T201 - a command speaks


def ask(settings: Path | None, method: str, path: str, said: object = None) -> Any:
    """What the running hub answers. Ends the command with its sentence where it refuses."""
    try:
        web = load_settings(settings_path(settings)).web
    except BadSettings as e:
        _fail(e)
    address = f"http://{f'[{web.host}]' if ':' in web.host else web.host}:{web.port}"
    headers = {
        "X-Village-Hub": "1",
        "X-Village-Hub-Person": quote(os.environ.get("VILLAGE_HUB_WHO") or getpass.getuser()),
    }
    headers |= {"Content-Type": "application/json", "Accept-Language": "en"}
    body = None if said is None else json.dumps(said).encode()
    asked = urllib.request.Request(f"{address}{path}", body, headers, method=method)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(asked, timeout=ASK_S) as answer:  # noqa: S310
            text = answer.read()
    except urllib.error.HTTPError as e:
        _fail(_told(e.read()))
    except OSError as e:
        _fail(f"no hub answers on {address} ({e}); this is done while it runs")
    return json.loads(text) if text else None


def _told(body: bytes) -> str:
    """The sentence of a refusal, with where it is wrong."""
    try:
        said = json.loads(body)
    except ValueError:
        return "the hub did not understand"
    wrong = "; ".join(f"{d['where'].removeprefix('body.')}: {d['what']}" for d in said.get("detail", []))
    return f"{said.get('message', 'refused')}" + (f" {wrong}" if wrong else "")


def read_file(path: Path) -> dict[str, Any]:
    """What a program's file says; ends the command where it is none. `at: 22:00` without quotes is a time, too."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except OSError as e:
        _fail(f"cannot read {path}: {e.strerror or e}")
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        _fail(f"{path} is not YAML: {' '.join(str(e).split())}")
    if not isinstance(found, dict) or not {"name", "target", "program"} >= found.keys() >= {"name", "target"}:
        _fail(f"{path}: it has `name`, `target` and `program`, and nothing else")
    times = found.get("program") or {}
    if isinstance(times, dict):  # to YAML 1.1 the words on and off are true and false
        times = {{True: "on", False: "off"}.get(k, k): v for k, v in times.items()}
        steps = times.get("steps")
        for part in (times.get("on"), times.get("off"), *(steps if isinstance(steps, list) else ())):
            if isinstance(part, dict) and isinstance(part.get("at"), int):  # YAML 1.1 reads 22:00 as 22 * 60
                part["at"] = f"{part['at'] // 60:02}:{part['at'] % 60:02}"
    return {**found, "program": times}


@program.command("list")
def list_(settings: SettingsFile = None) -> None:
    """Every program, for whom it is, and who follows it."""
    for one in ask(settings, "GET", "/api/programs")["programs"]:
        counts = ", ".join(f"{n} {one[n]}" for n in ("asked", "applied", "late", "cannot_tell"))
        _say(f"{one['name']}\t{one['target']}\tversion {one['version']}\t{counts}")


@program.command()
def show(name: Name, settings: SettingsFile = None) -> None:
    """One program, as a file says it."""
    one = ask(settings, "GET", f"/api/programs/{quote(name, safe='')}")
    body = {k: _without_none(one[k]) for k in ("name", "target", "program")}
    _say(yaml.safe_dump(body, allow_unicode=True, sort_keys=False).rstrip())


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value


@program.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="YAML: name, target, program")], settings: SettingsFile = None
) -> None:
    """Make or change the program that a file says."""
    said = read_file(file)
    name = str(said.pop("name"))
    known = {p["name"]: p["version"] for p in ask(settings, "GET", "/api/programs")["programs"]}
    answer = ask(
        settings, "PUT", f"/api/programs/{quote(name, safe='')}", {**said, "version": known.get(name, 0)}
    )
    _say(f"{name}: version {answer['version']}")


@program.command()
def remove(name: Name, settings: SettingsFile = None) -> None:
    """Forget a program."""
    path = f"/api/programs/{quote(name, safe='')}"
    version = ask(settings, "GET", path)["version"]
    ask(settings, "DELETE", f"{path}?version={version}")
    _say(f"{name} is removed")
