"""`village-hub link ...`: links of the outside door from a command line, asked of the running hub over its API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from hub.cli_ask import SettingsFile, Who, ask, say, settings_of

link = typer.Typer(no_args_is_help=True, help="Links of the outside door: make, list, revoke.")


@link.command()
def make(
    subject: Annotated[str, typer.Argument(help="what it is about: the slug of a site")],
    purpose: Annotated[str, typer.Option(help="what it is for")] = "site",
    note: Annotated[str, typer.Option(help="for whom, at most 80 characters")] = "",
    days: Annotated[int, typer.Option(help="how long it works; 0: as is usual for what it is for")] = 0,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Make a link; its address is told only here."""
    said = {"purpose": purpose, "subject": subject, "note": note, "days": days}
    say(ask(settings_of(settings), "/api/links", said, who=who)["address"])


@link.command("list")
def list_(settings: SettingsFile = None) -> None:
    """Every link, newest first: number, state, what for, last day, uses, note."""
    page, pages = 1, 1
    while page <= pages:
        answer = ask(settings_of(settings), f"/api/links?page={page}")
        for one in answer["links"]:
            until = datetime.fromtimestamp(one["expires_at"] / 1000, UTC).astimezone().date()
            cells = one["id"], one["state"], one["purpose"], one["subject"], until, one["uses"], one["note"]
            say("\t".join(map(str, cells)))
        page, pages = page + 1, answer["pages"]


@link.command()
def revoke(
    number: Annotated[int, typer.Argument(help="as `list` tells it")],
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """A link opens nothing from now on."""
    ask(settings_of(settings), f"/api/links/{number}/revoke", {}, who=who)
    say(f"link {number} is revoked")
