"""`village-hub notice ...`: notices from a command line, asked of the running hub over its API.

A routine or priority notice that is sent waits for a second person (`notice approve`, then `notice publish`). An
emergency is sent in two steps: the first tells how many boards it goes to, the second confirms that count.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any

import typer

from devices.notice import Level
from hub.cli_ask import SettingsFile, Who, ask, settings_of
from hub.cli_ask import fail as _fail
from hub.cli_ask import say as _say
from hub.registry import LOCAL

notice = typer.Typer(
    no_args_is_help=True, help="Notices on boards: list, show, send, approve, publish, end, extend."
)

Number = Annotated[int, typer.Argument(help="the notice's number", min=1)]
When = "2026-11-25T18:30 in Vietnam's time, or from now on: 30m, 2h, 3d"

_STEPS = {"m": 60, "h": 3600, "d": 86_400}


def moment(said: str, now: int) -> int:
    """An instant (ms) as people write it; ends the command where it is none."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", said.strip())
    if found is not None:
        return now + round(timedelta(seconds=int(found[1]) * _STEPS[found[2]]) / timedelta(milliseconds=1))
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError:
        _fail(f"{said}: a time looks like {When}")
    return round(at.replace(tzinfo=at.tzinfo or LOCAL).timestamp() * 1000)


def _time(at: int | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at / 1000, LOCAL).strftime("%Y-%m-%d %H:%M")


def _line(n: dict[str, Any]) -> str:
    newest = n["revisions"][-1]
    draft = newest["draft"]
    drill = " drill" if draft["drill"] else ""
    said = f"{n['number']}\t{n['state']}\t{draft['level']}{drill}\t{draft['title'] or draft['text'][:60]}"
    shows = (
        f"\ton boards: {n['item']}" + (f", until {_time(n['ends_at'])}" if n["ends_at"] else "")
        if n["item"]
        else ""
    )
    return said + shows


@notice.command("list")
def list_(
    state: Annotated[str, typer.Option(help="draft, approved, published or ended; default: all")] = "",
    settings: SettingsFile = None,
) -> None:
    """Notices: those that boards have first, then drafts, then ended ones."""
    for n in ask(settings_of(settings), "/api/notices?limit=500" + (f"&state={state}" if state else ""))[
        "notices"
    ]:
        _say(_line(n))


@notice.command()
def show(number: Number, settings: SettingsFile = None) -> None:
    """One notice: its revisions, who answers for each, and what boards said of it."""
    found = settings_of(settings)
    n = ask(found, f"/api/notices/{number}")
    _say(_line(n))
    for r in n["revisions"]:
        _say(f"revision {r['number']}\t{r['hash'] or 'not published'}")
        for what in ("written", "approved", "published", "ended"):
            if r[f"{what}_at"]:
                _say(f"  {what}\t{_time(r[f'{what}_at'])}\t{r[f'{what}_by'] or 'by its time'}")
        _say(f"  {r['draft']['title']}\n  " + r["draft"]["text"].replace("\n", "\n  "))
        for profile, frames in r["frames"].items():
            _say(f"  {profile}\t" + " ".join(f["hash"][:16] for f in frames))
    for step in ask(found, f"/api/notices/{number}/steps"):
        right = {True: "right", False: "WRONG FRAME", None: ""}[step["right"]]
        _say(
            f"{_time(step['at'])}\t{step['board']}\t{step['item']}\t{step['state']}\t{right}\t{step['detail']}"
        )


@notice.command()
def send(  # noqa: PLR0913, PLR0917 - one option a field
    to: Annotated[
        list[str], typer.Option(help="site:<slug>, tag:<tag> or device:<name>; may be given several times")
    ],
    title: str = "",
    text: str = "",
    level: Annotated[Level, typer.Option(help="how much it matters")] = Level.ROUTINE,
    priority: Annotated[int, typer.Option(min=0, max=9)] = 5,
    link: Annotated[str, typer.Option(help="becomes a QR code")] = "",
    picture: Annotated[Path | None, typer.Option(help="a JPEG, PNG or WebP file")] = None,
    template: Annotated[str, typer.Option(help="a template's name, instead of title and text")] = "",
    fill: Annotated[list[str] | None, typer.Option(help="a template's field: name=what stands there")] = None,
    start: Annotated[str, typer.Option(help=When)] = "",
    until: Annotated[str, typer.Option(help=When)] = "",
    recurrence: Annotated[str, typer.Option(help="FREQ=WEEKLY;BYDAY=MO,FR (RFC 5545)")] = "",
    minutes: Annotated[int | None, typer.Option(help="so long each time, with --recurrence")] = None,
    drill: Annotated[bool, typer.Option(help="every frame says DIỄN TẬP")] = False,
    boards: Annotated[int | None, typer.Option(help="an emergency: how many boards it goes to")] = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Write a notice. An emergency goes to the boards at once, where --boards confirms their count."""
    found = settings_of(settings)
    now = ask(found, "/api/notices?limit=1")["now"]
    draft: dict[str, Any] = {
        "level": level.value, "priority": priority, "title": title, "text": text, "link": link, "template": template,
        "fields": dict(_pair(one) for one in fill or ()), "targets": to, "drill": drill, "recurrence": recurrence,
        "minutes": minutes, "start": moment(start, now) if start else None,
        "end": moment(until, now) if until else None,
    }  # fmt: skip
    if picture is not None:
        draft["picture"] = _uploaded(found, picture, who)
    composed = ask(found, "/api/notices/preview", draft, who=who)
    _problems(composed)
    emergency = level.value == "emergency"
    if emergency and boards != composed["boards"]:
        _fail(
            f"this emergency goes to {_boards(composed['boards'])}: send it with --boards {composed['boards']}"
        )
    n = ask(found, "/api/notices", {"draft": draft}, who=who)
    if not emergency:
        _say(
            f"notice {n['number']} is written, for {_boards(composed['boards'])}; a second person approves it"
        )
        return
    said = {"version": n["version"], "boards": boards}
    n = ask(found, f"/api/notices/{n['number']}/publish", said, who=who)
    _say(f"notice {n['number']} goes to {_boards(boards or 0)}, until {_time(n['ends_at'])}")


def _pair(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals:
        _fail(f"--fill {said}: a field looks like name=what stands there")
    return name, value


def _uploaded(settings: Any, path: Path, who: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as e:
        _fail(f"cannot read {path}: {e.strerror or e}")
    said = {"data": base64.b64encode(data).decode()}
    return str(ask(settings, "/api/notices/pictures", said, who=who)["picture"])


def _problems(composed: dict[str, Any]) -> None:
    """Ends the command where something is wrong with a draft, with all of it."""
    wrong = [(p["where"], p["what"]) for p in composed["problems"]]
    wrong += [
        (preview["profile"], p["what"]) for preview in composed["previews"] for p in preview["problems"]
    ]
    if wrong:
        _fail("nothing was sent:\n" + "\n".join(f"  {where}: {what}" for where, what in wrong))
    for name in composed["left_out"]:
        _say(f"left out, it has no profile in the registry: {name}")


def _moved(number: int, act: str, settings: Path | None, who: str, **said: object) -> dict[str, Any]:
    """A step in the life of a notice, as it stands now."""
    found = settings_of(settings)
    version = ask(found, f"/api/notices/{number}")["version"]
    n: dict[str, Any] = ask(found, f"/api/notices/{number}/{act}", {"version": version, **said}, who=who)
    return n


@notice.command()
def approve(number: Number, who: Who = "", settings: SettingsFile = None) -> None:
    """Agree to a notice that somebody else wrote."""
    _say(_line(_moved(number, "approve", settings, who)))


@notice.command()
def publish(
    number: Number,
    boards: Annotated[int | None, typer.Option(help="an emergency: how many boards it goes to")] = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Give an approved notice, or an emergency, to the boards."""
    _say(_line(_moved(number, "publish", settings, who, boards=boards)))


@notice.command()
def end(
    number: Number, why: Annotated[str, typer.Option(help="kept with it")] = "", who: Who = "",
    settings: SettingsFile = None,
) -> None:  # fmt: skip
    """Take a notice from the boards."""
    _say(_line(_moved(number, "end", settings, who, why=why)))


@notice.command()
def extend(
    number: Number,
    until: Annotated[str, typer.Argument(help=When)],
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Let an emergency go on, 12 hours from now at most."""
    now = ask(settings_of(settings), "/api/notices?limit=1")["now"]
    _say(_line(_moved(number, "extend", settings, who, until=moment(until, now))))


@notice.command()
def discard(number: Number, who: Who = "", settings: SettingsFile = None) -> None:
    """Forget a draft that was never published."""
    found = settings_of(settings)
    version = ask(found, f"/api/notices/{number}")["version"]
    ask(found, f"/api/notices/{number}?version={version}", method="DELETE", who=who)
    _say(f"the draft of notice {number} is gone")


def _boards(count: int) -> str:
    return "1 board" if count == 1 else f"{count} boards"
