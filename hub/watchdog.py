"""What systemd is told: that the hub is ready, that it lives, how it is. Without systemd nothing is told."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 1.0
ALONE_TURNS = 10
"""So many looks without a broker, and the hub is ready without one: it serves pages, and says what is wrong."""


class Watched(Protocol):
    """What is looked at. `turns` counts what ingest has gone through without failing."""

    @property
    def turns(self) -> int: ...

    @property
    def caught_up(self) -> bool: ...


class Systemd:
    """The socket that systemd names in `NOTIFY_SOCKET`; `tell` does nothing where there is none."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def __bool__(self) -> bool:
        """True where somebody listens."""
        return self._socket is not None

    def tell(self, *lines: str) -> bool:
        """Send assignments such as `READY=1`; False where nobody took them, which is no reason to stop."""
        if self._socket is None:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            self._socket.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """The hub ends."""
        self.tell("STOPPING=1")
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Watchdog:
    """Looks once a second: a beat only where ingest turned since the last one."""

    def __init__(
        self, systemd: Systemd, ingest: Watched, broker_up: Callable[[], bool], status: Callable[[], str]
    ) -> None:
        self._systemd, self._ingest, self._broker_up, self._status = systemd, ingest, broker_up, status
        self._turns, self._looks, self._said = -1, 0, ""
        self.ready = False

    async def run(self) -> None:
        """Look until cancelled; it runs in the event loop, so a loop that hangs gives no beat either."""
        while self._systemd:
            self.look()
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """One look. What was not taken is told again at the next one."""
        self._looks += 1
        lines, turns, status = [], self._ingest.turns, self._status()
        if turns != self._turns:
            lines.append("WATCHDOG=1")
            if not self.ready:
                # it reads what it missed, which may take
                lines.append("READY=1" if self._may_be_ready() else "EXTEND_TIMEOUT_USEC=60000000")
        if status != self._said:
            lines.append(f"STATUS={status}")
        if lines and self._systemd.tell(*lines):
            self._turns, self._said = turns, status
            self.ready = self.ready or "READY=1" in lines

    def _may_be_ready(self) -> bool:
        return self._ingest.caught_up or (not self._broker_up() and self._looks > ALONE_TURNS)
