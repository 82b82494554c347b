"""A broker for one machine: mosquitto with our mosquitto.conf where it is installed, else amqtt, embedded."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin

from hub import access, denied

_HERE = Path(__file__).resolve().parent


class NoBroker(Exception):  # noqa: N818 - what there is
    """A broker that cannot start; one sentence."""


def find_mosquitto() -> str | None:
    """The mosquitto on this machine (Debian puts it where only root's PATH looks)."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def our_conf() -> str:
    """The text of our mosquitto.conf: beside the packages in a checkout, inside hub/ in a wheel."""
    for path in (_HERE.parent / "mosquitto.conf", _HERE / "mosquitto.conf"):
        if path.is_file():
            return path.read_text()
    raise NoBroker("mosquitto.conf is missing from this installation")


@dataclass(frozen=True, slots=True)
class Tls:
    """A second listener, with TLS: where, and the server's certificate chain and key (PEM)."""

    host: str
    port: int
    cert: Path
    key: Path


def render(data: Path, port: int, tls: Tls | None = None) -> str:
    """Our mosquitto.conf for another folder and port; as root, mosquitto keeps its rights to read the files."""
    data = data.absolute()
    text = re.sub(r"(?m)^listener .*$", f"listener {port} 127.0.0.1", our_conf())
    text = re.sub(r"\./var/broker/?", f"{data}/", text)
    text += f"\n# Set by `village-hub broker`\npid_file {data}/mosquitto.pid\n"
    if tls is not None:
        text += (
            f"listener {tls.port} {tls.host}\ncertfile {tls.cert.absolute()}\nkeyfile {tls.key.absolute()}\n"
            "tls_version tlsv1.2\n"
        )
    return text + ("user root\n" if os.geteuid() == 0 else "")


def prepare(data: Path) -> None:
    """The folder with the files that mosquitto wants to find. Raises NoBroker."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        for name in ("passwords", "acl"):
            path = data / name
            if not path.exists():
                path.touch(mode=0o600)
    except OSError as e:
        raise NoBroker(f"cannot use the broker's folder {data}: {e.strerror or e}") from e


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """Raises NoBroker where the port is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError as e:
            raise NoBroker(f"cannot listen on {host}:{port}: {e.strerror or e}") from e


def check_tls(tls: Tls) -> None:
    """Raises NoBroker where certificate and key cannot be used, or the port is taken."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert, tls.key)
    except OSError as e:
        raise NoBroker(
            f"cannot use the certificate {tls.cert} with the key {tls.key}: {e.strerror or e}"
        ) from e
    check_port(tls.port, tls.host)


def run(data: Path, port: int, *, embedded: bool = False, tls: Tls | None = None) -> None:
    """Run a broker until it is told to stop; says in one line which. Raises NoBroker."""
    prepare(data)
    check_port(port)
    if tls is not None:
        check_tls(tls)
    mosquitto = None if embedded else find_mosquitto()
    if mosquitto is not None:
        conf = data / "mosquitto.conf"
        conf.write_text(render(data, port, tls) + "log_type debug\n")
        also = "" if tls is None else f", with TLS on {tls.host}:{tls.port}"
        print(f"broker: mosquitto on 127.0.0.1:{port}{also}", flush=True)  # noqa: T201 - the one line
        _supervise([mosquitto, "-c", str(conf)], data)
        return
    if tls is not None:
        raise NoBroker("the embedded broker has no TLS: install mosquitto")
    print(  # noqa: T201 - the one line
        f"broker: amqtt (embedded, for demonstration: no access control) on 127.0.0.1:{port}", flush=True
    )
    asyncio.run(_embedded(data, port))


def _supervise(command: list[str], data: Path) -> None:
    """Run mosquitto as a child that ends with us, and watch its log for refused publishes."""
    child = subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=_end_with_parent)  # noqa: S603, PLW1509
    for s in (signal.SIGINT, signal.SIGTERM):
        signal.signal(s, lambda *_: child.terminate())
    if child.stderr is not None:
        for line in denied.keep(child.stderr, data):
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
    code = child.wait()
    if code == -signal.SIGKILL:  # so that whoever started us sees the same
        os.kill(os.getpid(), signal.SIGKILL)
    if code not in (0, -signal.SIGTERM):
        raise NoBroker(f"mosquitto ended with code {code}")


def _end_with_parent() -> None:
    """Linux ends mosquitto with us, even where we are killed; elsewhere it is only told to."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Passwords(BaseAuthPlugin):  # type: ignore[misc]
    """Lets in who is in the broker's password file. Sessions that have a name keep their queue."""

    @dataclass
    class Config:
        """Where the file is."""

        file: str = ""

    async def authenticate(self, *, session: Any) -> bool | None:
        """True for a right name and password."""
        users = await asyncio.to_thread(_users, Path(self.config.file))
        hashed = users.get(session.username or "")
        return hashed is not None and access.verify(session.password or "", hashed)


_cache: dict[Path, tuple[float, dict[str, str]]] = {}


def _users(path: Path) -> dict[str, str]:
    changed = path.stat().st_mtime
    if path not in _cache or _cache[path][0] != changed:
        lines = (line.partition(":") for line in path.read_text().splitlines())
        _cache[path] = (changed, {name: hashed for name, _, hashed in lines})
    return _cache[path][1]


async def _embedded(data: Path, port: int) -> None:
    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": 20000}},
        "plugins": {
            "hub.broker.Passwords": {"file": str(data / "passwords")},
            "amqtt.plugins.sys.broker.BrokerSysPlugin": {"sys_interval": 10},
        },
    }
    broker = Broker(config)
    stop = asyncio.Event()
    for s in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(s, stop.set)
    await broker.start()
    await stop.wait()
    await broker.shutdown()
    sys.stdout.flush()
