"""`village-hub secrets reset`: go on without secrets whose key is lost for good. The hub must not run."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli_ask import SettingsFile, Who, fail, say
from hub.cli_hub import hub as _hub
from hub.cli_hub import sentence
from hub.credentials import LABEL
from hub.views import Refused

secrets = typer.Typer(no_args_is_help=True, help="Stored secrets, where their key is lost for good.")


@secrets.callback()
def _group() -> None:
    """One command so far; it stays a word of its own."""


@secrets.command()
def reset(
    yes: Annotated[
        bool, typer.Option("--yes", help="do it; without, it only says what would be gone")
    ] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Forget every stored secret that the key does not open. The hub must not run."""
    with _hub(settings, who) as hub:
        if hub.office is None:
            fail("stop the hub first: it holds the key")
        try:
            lost = hub.office.lost_secrets() if not yes else hub.office.reset_secrets(hub.by)
        except Refused as e:
            fail(sentence(e))
    devices = sorted({owner for owner, _ in lost})
    say(
        f"{len(lost)} stored secrets {'are' if yes else 'would be'} gone"
        + (f", of {', '.join(devices)}" if lost else "")
    )
    for name in sorted(owner for owner, what in lost if what == LABEL):
        say(f"no label of {name} with its password can be printed: village-hub device password {name}")
    if not yes:
        fail("nothing was changed; say --yes if the key is lost for good")
