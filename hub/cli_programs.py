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

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any
from urllib.parse import quote

import typer
import yaml

from hub.cli_ask import SettingsFile, ask, settings_of
from hub.cli_ask import fail as _fail
from hub.cli_ask import say as _say

program = typer.Typer(no_args_is_help=True, help="Light programs: list, show, set from a file, remove.")

Name = Annotated[str, typer.Argument(help="the program's name")]


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
    for one in ask(settings_of(settings), "/api/programs")["programs"]:
        counts = ", ".join(f"{n} {one[n]}" for n in ("asked", "applied", "late", "cannot_tell"))
        _say(f"{one['name']}\t{one['target']}\tversion {one['version']}\t{counts}")


@program.command()
def show(name: Name, settings: SettingsFile = None) -> None:
    """One program, as a file says it."""
    one = ask(settings_of(settings), f"/api/programs/{quote(name, safe='')}")
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
    known = {p["name"]: p["version"] for p in ask(settings_of(settings), "/api/programs")["programs"]}
    path, version = f"/api/programs/{quote(name, safe='')}", known.get(name, 0)
    answer = ask(settings_of(settings), path, {**said, "version": version}, method="PUT")
    _say(f"{name}: version {answer['version']}")


@program.command()
def remove(name: Name, settings: SettingsFile = None) -> None:
    """Forget a program."""
    path = f"/api/programs/{quote(name, safe='')}"
    version = ask(settings_of(settings), path)["version"]
    ask(settings_of(settings), f"{path}?version={version}", method="DELETE")
    _say(f"{name} is removed")
