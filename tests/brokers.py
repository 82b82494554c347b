"""A real mosquitto with our mosquitto.conf, and the devices that are nothing but its own command-line clients."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from hub import access, broker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devices.device import Device

PATIENCE_S = 20
"""So long a test waits for something that should happen at once."""


def free_port() -> int:
    """A port on this machine that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Mosquitto:
    """mosquitto in a folder. `users` are name -> password."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.tls: broker.Tls | None = None
        broker.prepare(folder)

    def admit(self, users: dict[str, str], devices: Iterable[Device] = ()) -> None:
        """Write its files; where it runs, it reads them anew."""
        access.write(self.folder, devices, [(n, access.hash_password(p)) for n, p in users.items()])
        if self.process is not None:
            access.reload(self.folder / "mosquitto.pid")

    def start(self) -> Mosquitto:
        """Run until it listens."""
        binary = broker.find_mosquitto()
        assert binary is not None, "the tests need mosquitto"
        conf = self.folder / "mosquitto.conf"
        conf.write_text(broker.render(self.folder, self.port, self.tls) + "log_type debug\n")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([binary, "-c", str(conf)], stderr=log)  # noqa: S603
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            assert self.process.poll() is None, self.log()
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it: in order, or by SIGKILL."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
            self.process = None

    def freeze(self) -> None:
        """It stands still, its connections with it."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def forget_sessions(self) -> None:
        """Remove what it keeps over a restart."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)

    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text(errors="replace")


def publish(port: int, user: str, password: str, topic: str, payload: str | bytes, *more: str) -> None:
    """One message at QoS 1 by mosquitto_pub; returns once it was acknowledged. Raises where it was not."""
    said = payload.encode() if isinstance(payload, str) else payload
    how = [] if "-l" in more else ["-s" if said else "-n"]
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", user, "-P", password]
    subprocess.run(  # noqa: S603
        [*command, "-q", "1", "-t", topic, *how, *more],
        input=said,
        check=True,
        timeout=PATIENCE_S,
        capture_output=True,
    )


class Listener:
    """mosquitto_sub on a topic, subscribed once it is made; `line` waits for the next message."""

    def __init__(self, port: int, user: str, password: str, topic: str, *more: str) -> None:
        command = [
            "stdbuf",
            "-oL",
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-u",
            user,
            "-P",
            password,
        ]
        command += ["-q", "1", "-t", topic, "-d", "-F", "%t %r %p", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        while not (self._read(PATIENCE_S) or "Subscribed").startswith("Subscribed"):
            pass

    def _read(self, within_s: float) -> str | None:
        out = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], within_s)
        return out.readline().decode().rstrip("\n") if ready else None

    def line(self, within_s: float = PATIENCE_S) -> str | None:
        """The next message as `topic retained payload`, None where none came."""
        found = self._read(within_s)
        while found is not None and found.startswith("Client "):
            found = self._read(within_s)
        return found

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
