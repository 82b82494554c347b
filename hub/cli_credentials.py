"""`village-hub device password|revoke`: a device's door to the broker, asked of the running hub over its API."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from hub.cli_ask import SettingsFile, ask, settings_of

Name = Annotated[str, typer.Argument(help="the device's name")]


def password(name: Name, settings: SettingsFile = None) -> None:
    """Make a new password for the broker and print it, once; the old one is over at once."""
    told = ask(settings_of(settings), f"/api/devices/{quote(name, safe='')}/password", {})
    print(told["password"])  # noqa: T201 - the answer


def revoke(name: Name, settings: SettingsFile = None) -> None:
    """Take its password away: the broker refuses it until a new one is made."""
    ask(settings_of(settings), f"/api/devices/{quote(name, safe='')}/revoke", {})
    print(f"{name} has no password any more")  # noqa: T201 - the answer


def join(device: typer.Typer) -> None:
    """These stand among the commands of `village-hub device`."""
    for command in (password, revoke):
        device.command()(command)
