"""`village-hub person ...`: the list of people from a command line, beside a running hub or without one."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from devices.person import Role  # noqa: TC001 - typer reads it
from hub.cli_ask import SettingsFile, Who, fail, say
from hub.cli_hub import Hub
from hub.cli_hub import hub as _hub
from hub.present import folded

person = typer.Typer(
    no_args_is_help=True, help="People: who there is, who comes, who leaves. Nobody is ever deleted."
)

Name = Annotated[str, typer.Argument(help="as in the list; accents and capitals do not matter")]
Phone = Annotated[str | None, typer.Option(help="telephone number")]
Site = Annotated[
    str | None, typer.Option(help="slug of the part of the tree they care for; empty: all of it")
]


@person.command("add")
def add(
    name: Annotated[str, typer.Argument(help="unique without accents and capitals")],
    role: Annotated[Role, typer.Option(help="what they do here")],
    phone: Phone = None,
    site: Site = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Put somebody into the list. The first one needs nobody who asks."""
    said = {"name": name, "role": role.value, "phone": phone or "", "site": site or ""}
    with _hub(settings, who) as hub:
        say(f"{hub.person(0, said)['name']} is in the list")


@person.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="JSON, as the API gives it")] = False,
    settings: SettingsFile = None,
) -> None:
    """One line a person: name, role, telephone, site, and `left` where they have."""
    with _hub(settings) as hub:
        found = hub.people()
    if as_json:
        say(json.dumps({"people": found}, ensure_ascii=False, indent=2))
        return
    for one in found:
        left = [] if one["active"] else ["left"]
        say("\t".join([*(one[k] or "-" for k in ("name", "role", "phone", "site")), *left]))


@person.command("change")
def change(
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="what they are called from now on")] = None,
    role: Annotated[Role | None, typer.Option(help="what they do here")] = None,
    phone: Phone = None,
    site: Site = None,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Change what is said here; the rest stays."""
    said = {"name": new_name, "role": role and role.value, "phone": phone, "site": site}
    with _hub(settings, who) as hub:
        say(f"{_changed(hub, name, {k: v for k, v in said.items() if v is not None})} is changed")


@person.command("leave")
def leave(
    name: Name,
    back: Annotated[bool, typer.Option("--back", help="they are back")] = False,
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Somebody leaves: they change nothing any more, and stay what the audit names."""
    with _hub(settings, who) as hub:
        say(f"{_changed(hub, name, {'active': back})} " + ("is back" if back else "has left"))


def _changed(hub: Hub, name: str, said: dict[str, Any]) -> str:
    """Have a person changed; what they are called now."""
    wanted = folded(" ".join(name.split()))
    known = next((p for p in hub.people() if folded(p["name"]) == wanted), None)
    if known is None:
        fail(f"there is no person {name}")
    number = known["id"]
    written: str = hub.person(number, {k: v for k, v in known.items() if k != "id"} | said)["name"]
    return written
