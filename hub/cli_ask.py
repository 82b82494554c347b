"""Commands ask a running hub over its API; here is the one way, with the words in which a command speaks."""

from __future__ import annotations

import getpass
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from hub.app import settings_path
from hub.settings import BadSettings
from hub.settings import load as load_settings

if TYPE_CHECKING:
    from hub.settings import Settings

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="settings file (TOML); default ./hub.toml")
]
Who = Annotated[
    str, typer.Option("--who", help="who, as in the list; default: VILLAGE_HUB_WHO, else your login")
]
ASK_S = 120


def fail(text: object) -> NoReturn:
    """End the command with a sentence."""
    print(f"village-hub: {text}", file=sys.stderr)  # noqa: T201 - a command speaks
    raise SystemExit(1)


def say(text: object) -> None:
    """One line of the answer."""
    print(text)  # noqa: T201 - a command speaks


def me() -> str:
    """Who one is where nothing else is said."""
    return os.environ.get("VILLAGE_HUB_WHO") or getpass.getuser()


def spoken() -> str:
    """The language in which refusals are told: that of the terminal where it is Vietnamese, else English."""
    return "vi" if os.environ.get("LANG", "").startswith("vi") else "en"


def settings_of(path: Path | None) -> Settings:
    """The settings; ends the command where they cannot be used."""
    try:
        return load_settings(settings_path(path))
    except BadSettings as e:
        fail(e)


def ask(settings: Settings, path: str, said: object = None, *, method: str = "", who: str = "") -> Any:
    """What the running hub answers: JSON, or text. Ends the command with its sentence where it refuses.

    `method` is GET, or POST where something is said, unless given.
    """
    host, port = settings.web.host, settings.web.port
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"X-Village-Hub": "1", "X-Village-Hub-Person": quote(who or me())}
    headers |= {"Content-Type": "application/json", "Accept-Language": spoken()}
    body = None if said is None else json.dumps(said).encode()
    asked = urllib.request.Request(  # noqa: S310 - our own address
        f"{address}{path}", body, headers, method=method or ("GET" if body is None else "POST")
    )
    try:
        with urllib.request.urlopen(asked, timeout=ASK_S) as answer:  # noqa: S310
            text: bytes = answer.read()
    except urllib.error.HTTPError as e:
        fail(_told(e.read()))
    except OSError as e:
        fail(f"no hub answers on {address} ({e})")
    if not text:
        return None
    return json.loads(text) if text[:1] in b'{["' else text.decode("utf-8-sig")


def _told(body: bytes) -> str:
    """The sentence of a refusal, with where it is wrong."""
    try:
        said = json.loads(body)
        wrong = "; ".join(f"{d['where'].removeprefix('body.')}: {d['what']}" for d in said.get("detail", []))
        return f"{said['message']}" + (f" {wrong}" if wrong else "")
    except (ValueError, KeyError, TypeError):
        return "the hub did not understand"
