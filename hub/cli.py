"""The command `village-hub`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from devices.person import By
from hub import (
    cli_agent,
    cli_cameras,
    cli_credentials,
    cli_links,
    cli_notices,
    cli_people,
    cli_programs,
    cli_registry,
    cli_secrets,
    keeps,
    logs,
    people,
    registry,
    registry_import,
)
from hub.app import CannotStart, hub_version, load_secrets, tell_broker, write_access
from hub.app import run as run_hub
from hub.broker import NoBroker, Tls
from hub.broker import run as run_broker
from hub.cameras import LOGIN, seal_logins
from hub.check import check as run_checks
from hub.cli_ask import SettingsFile, Who, me
from hub.cli_ask import fail as _fail
from hub.cli_ask import settings_of as _settings
from hub.cli_hub import sentence
from hub.office import now_of
from hub.settings import BadSettings
from hub.store.reader import Reader
from hub.store.schema import VERSION
from hub.store.writer import Store, StoreBroken, Writes, lock
from hub.views import Refused

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="The hub for a village's cameras, solar lights, wifi points and notice boards.",
)  # fmt: skip

cli.add_typer(cli_programs.program, name="program")
cli.add_typer(cli_notices.notice, name="notice")
cli.add_typer(cli_links.link, name="link")
cli_credentials.join(cli_registry.device)
cli.add_typer(cli_registry.device, name="device")
cli.add_typer(cli_registry.site, name="site")
cli.add_typer(cli_people.person, name="person")
cli.add_typer(cli_secrets.secrets, name="secrets")
cli.add_typer(cli_cameras.camera, name="camera")
cli.command()(cli_agent.agent)
cli.command()(cli_cameras.purge)
cli.command()(cli_cameras.discover)


@cli.command()
def run(settings: SettingsFile = None) -> None:
    """Run the hub."""
    found = _settings(settings)
    logs.set_up(found.log_level)

    def ready(port: int) -> None:
        print(f"village-hub {hub_version()}: pages on http://{found.web.host}:{port}", flush=True)

    try:
        asyncio.run(run_hub(found, ready))
    except (CannotStart, BadSettings, StoreBroken) as e:
        _fail(e)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@cli.command()
def broker(
    data: Annotated[Path, typer.Option(help="folder of its data and user files")] = Path("var/broker"),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="amqtt even where mosquitto is installed")
    ] = False,
    tls_port: Annotated[int, typer.Option(min=0, max=65535, help="a second listener, with TLS; 0: none")] = 0,
    tls_host: Annotated[str, typer.Option(help="address of the listener with TLS")] = "127.0.0.1",
    cert: Annotated[Path | None, typer.Option(help="its certificate chain (PEM)")] = None,
    key: Annotated[Path | None, typer.Option(help="its key (PEM)")] = None,
) -> None:
    """Run a broker for one machine: mosquitto with our settings, else the embedded one."""
    tls = None
    if tls_port:
        if cert is None or key is None:
            _fail("--tls-port needs --cert and --key")
        tls = Tls(tls_host, tls_port, cert, key)
    try:
        run_broker(data, port, embedded=embedded, tls=tls)
    except NoBroker as e:
        _fail(e)


@cli.command("import")
def import_registry(
    file: Annotated[Path, typer.Argument(help="registry file (JSON): sites, placings, devices, people")],
    who: Who = "",
    settings: SettingsFile = None,
) -> None:
    """Register sites and devices from a file, and give them their broker passwords. The hub must not run."""
    found = _settings(settings)
    try:
        handle = lock(found.data_dir)
        wanted = registry.read_file(file)
        store = Store(found.data_dir)
        known, at = registry.load(store), now_of(found)
        read = registry_import.of(wanted, known)
        wrong = registry.check_file(wanted, set(known.sites), set(known.devices)) or [
            f"{about}: {sentence(e)}"
            for about, e in registry_import.problems(read, known, registry.today(at))
        ]
        if wrong:
            more = [f"and {len(wrong) - 50} more"] if len(wrong) > 50 else []  # noqa: PLR2004
            _fail("nothing was imported:\n  " + "\n  ".join(wrong[:50] + more))
        writes = Writes()
        by = By(who or me(), "command line")
        hashes = dict(Reader(store.path).passwords())
        registry_import.store(read, wanted, known, hashes, at, by, writes)
        logins = {row.name: row.login_password for row in wanted.devices if row.login_password}
        if logins:
            keys, boxes = load_secrets(found, store.rows), Reader(store.path).boxes(LOGIN)
            seal_logins(logins, keys, dict(boxes), at, by, writes)
        roll = people.Roll(map(people.person_of, Reader(store.path).people()), lambda: at)
        people.put_new(roll, (p.to_person() for p in wanted.people), by, writes)
        store.commit(writes)
        everybody = registry.load(store)
        connected_before = store.meta("connected_before") == "1"
        store.close()
        write_access(found, list(everybody.devices.values()), Reader(store.path).passwords())
        if not connected_before:  # else the hub tells the broker once it is connected
            tell_broker(found)
    except (registry.BadRegistry, StoreBroken, BadSettings) as e:
        _fail(e)
    except Refused:
        _fail("the key of stored secrets is missing or does not fit: see `village-hub check`")
    except OSError as e:
        _fail(f"cannot write the broker's users: {e}")
    os.close(handle)
    print(f"{len(wanted.sites)} sites and {len(wanted.devices)} devices registered")
    if connected_before:
        print("The broker learns of new passwords when the hub has started.")


@cli.command()
def check(settings: SettingsFile = None) -> None:
    """Say what is wrong with settings, rules, database and broker. Exit code 1 where something is."""
    found = _settings(settings)
    logging.basicConfig(level=logging.CRITICAL)
    bad = False
    for finding in run_checks(found):
        bad = bad or finding.ok is False
        sign = {True: "ok     ", False: "WRONG  ", None: "unknown"}[finding.ok]
        print(f"{sign} {finding.what}: {finding.text}", flush=True)
    raise SystemExit(1 if bad else 0)


@cli.command()
def backup(
    settings: SettingsFile = None,
    to: Annotated[Path | None, typer.Option(help="default: village-hub-DATE-TIME.tar.gz here")] = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="also the key of stored secrets; whoever has it can open them")
    ] = False,
) -> None:
    """Write everything the hub knows into one file. The hub may run. Settings are not in it."""
    found, now = _settings(settings), round(time.time() * 1000)
    path = to or Path(time.strftime("village-hub-%Y%m%d-%H%M%S.tar.gz"))
    places = [(keeps.KEY, found.key_file)]
    if found.broker.access_dir is not None:
        places.append((keeps.ENROL, found.broker.access_dir / keeps.ENROL))
    secrets = tuple(p for p in places if p[1].exists()) if with_key else ()
    try:
        kept = keeps.backup(
            found.data_dir, path, version=hub_version(), now=now, secrets=secrets, progress=_progress
        )
    except keeps.NoBackup as e:
        _fail(e)
    print(f"{path}: {kept.files} files, {kept.size / 1e6:.1f} MB, journal up to {kept.position}")
    if found.key_file.exists() and not with_key:
        print(f"The key of stored secrets is not in it: keep a copy of {found.key_file} elsewhere.")


def _progress(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{what}: {100 * done // max(total, 1)} %", end=end, file=sys.stderr, flush=True)


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="a file that `village-hub backup` made")],
    settings: SettingsFile = None,
    data: Annotated[Path | None, typer.Option(help="data folder; default: that of the settings")] = None,
    force: Annotated[bool, typer.Option("--force", help="move aside what the folder holds")] = False,
) -> None:
    """Put a backup into the data folder. The hub must not run."""
    found, now = _settings(settings), round(time.time() * 1000)
    folder = data or found.data_dir
    key = found.secrets.key_file if data is None else None
    try:
        handle = lock(folder)
        kept, aside = keeps.restore(
            file, folder, now=now, force=force, key_file=key,
            access_dir=found.broker.access_dir if data is None else None,
        )  # fmt: skip
    except (keeps.NoBackup, StoreBroken) as e:
        _fail(e)
    os.close(handle)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.made_at / 1000))
    print(f"{folder}: as it was on {made} (version {kept.version}, journal up to {kept.position})")
    if kept.store < VERSION:
        print("It is of an older version: the next start migrates it and keeps a copy.")
    if aside is not None:
        print(f"What was there before is in {aside}.")


@cli.command()
def version() -> None:
    """Tell the version."""
    print(hub_version())


def main() -> None:
    """The entry point."""
    cli()
