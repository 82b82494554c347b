"""`village-hub agent`: asks the cameras of one realm, at the village."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import ssl
from pathlib import Path
from typing import Annotated

import typer

from devices.device import NAME
from hub import logs
from hub.cli_ask import fail, say
from hub.store.writer import StoreBroken, lock


def agent(  # noqa: PLR0913, PLR0917 - one option a thing
    realm: Annotated[str, typer.Option(help="the realm whose cameras it asks")],
    password_file: Annotated[Path, typer.Option(help="file with the gateway's broker password")],
    host: Annotated[str, typer.Option(help="the broker")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8883,
    name: Annotated[
        str, typer.Option(help="the gateway that it is, driver `agent`; default: REALM-agent")
    ] = "",
    tls_ca: Annotated[
        Path | None, typer.Option(help="certificate of the CA that vouches for the broker (PEM)")
    ] = None,
    no_tls: Annotated[
        bool, typer.Option("--no-tls", help="a broker on this machine, or behind a VPN")
    ] = False,
    data: Annotated[Path, typer.Option(help="folder of its key, its buffer and what it learns")] = Path(
        "agent"
    ),
    kbit_s: Annotated[float, typer.Option(min=8, help="of the cameras' network, and of the uplink")] = 256.0,
    buffer_mb: Annotated[
        float, typer.Option(min=1, help="kept while the link is away; then the oldest goes")
    ] = 256.0,
    plain_passwords: Annotated[
        bool, typer.Option("--plain-passwords", help="also tell a camera its password without encryption")
    ] = False,
    network: Annotated[
        list[str] | None, typer.Option(help="10.0.0.0/8: cameras may send one there, too; several times")
    ] = None,
    clock_shift_s: Annotated[float, typer.Option(hidden=True)] = 0.0,
) -> None:
    """Ask the cameras of one realm from the village, and tell the hub over MQTT. Ctrl-C ends it.

    Register a gateway with the driver `agent` first, make its password, and put that into the file. At its first start
    it makes a key; accept that on the gateway's page, and the hub seals the cameras' passwords to it.
    """
    from hub.agent.agent import Agent, AgentSettings  # noqa: PLC0415 - with what it needs, only here
    from hub.agent.outbox import FILE  # noqa: PLC0415
    from hub.agent.sealing import BadKey  # noqa: PLC0415
    from hub.app import hub_version  # noqa: PLC0415

    logs.set_up("WARNING")
    name = name or f"{realm}-agent"
    for what, text in (("realm", realm), ("name", name)):
        if not re.fullmatch(NAME.pattern, text):
            fail(f"{text} is no {what}: small letters, digits and hyphens, at most 40")
    if tls_ca is None and not no_tls:
        fail("--tls-ca names the certificate that vouches for the broker; --no-tls where there is no TLS")
    password = _password(password_file)
    os.umask(0o077)
    settings = AgentSettings(
        realm, name, host, port, password, data, "" if no_tls else str(tls_ca), kbit_s, buffer_mb,
        plain_passwords, tuple(network or ()), clock_shift_s, hub_version(),
    )  # fmt: skip
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = lock(data)
        asyncio.run(_run(Agent(settings), name))
    except StoreBroken as e:
        fail(str(e).replace("another village-hub is", "another agent is"))
    except BadKey as e:
        fail(e)
    except sqlite3.Error as e:
        fail(f"{data / FILE}: {e}; move it away, and what waits in it is lost")
    except ssl.SSLError:
        fail(f"{tls_ca} holds no certificate (PEM)")
    except OSError as e:
        fail(f"{e.filename or tls_ca or data}: {e.strerror or e}")
    os.close(handle)


def _password(file: Path) -> str:
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as e:
        fail(f"cannot read the password: {file}: {getattr(e, 'strerror', e)}")
    return found or fail(f"{file} is empty")


async def _run(made: object, name: str) -> None:
    from hub.agent.agent import Agent  # noqa: PLC0415

    assert isinstance(made, Agent)  # noqa: S101
    stop = asyncio.Event()
    for s in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(s, stop.set)
    say(f"village-hub agent {name}: its key is {made.key.fingerprint}")
    await made.run(stop)
