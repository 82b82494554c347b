"""What a device still has to say: fresh messages first, then what waited while the link was down."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PLAIN_ROOM = 16
"""Messages that a device of its own keeps while its link is down; the oldest go first."""
GATEWAY_ROOM = 100_000
"""What a gateway keeps for itself and its children."""


@dataclass(frozen=True, slots=True)
class Message:
    """One QoS 1 publish; `body` is JSON to be, or bytes as they are (garbled firmware)."""

    topic: str
    body: dict[str, Any] | bytes
    retain: bool = False

    def payload(self) -> bytes:
        """The bytes on the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()

    def late(self) -> Message:
        """The same, as sent after a time in a gateway's buffer."""
        return (
            self
            if isinstance(self.body, bytes)
            else Message(self.topic, {**self.body, "late": True}, self.retain)
        )


class Outbox:
    """Two queues of one connection. What is sent but unacknowledged comes back by `put_back` when the link is lost."""

    def __init__(self, *, buffers: bool) -> None:
        self._buffers = buffers  # a gateway: keeps much, and says that it is late
        self._fresh: deque[Message] = deque()
        self._waiting: deque[Message] = deque(maxlen=GATEWAY_ROOM if buffers else PLAIN_ROOM)

    @property
    def waiting(self) -> int:
        """Messages that wait from a time without link."""
        return len(self._waiting)

    def put(self, message: Message, *, up: bool) -> None:
        """A new message; `up` says whether the link is."""
        if up:
            self._fresh.append(message)
        else:
            self._wait(message)

    def put_back(self, unsure: Sequence[Message]) -> None:
        """The link is lost: what was not acknowledged, and what was not yet sent, waits (birth messages do not)."""
        for message in (*unsure, *self._fresh):
            if not message.retain:
                self._wait(message)
        self._fresh.clear()

    def take(self) -> Message | None:
        """What to send next."""
        if self._fresh:
            return self._fresh.popleft()
        return self._waiting.popleft() if self._waiting else None

    def forget(self) -> None:
        """Power is lost, and with it the memory."""
        self._fresh.clear()
        self._waiting.clear()

    def _wait(self, message: Message) -> None:
        self._waiting.append(message.late() if self._buffers else message)


class Port(Protocol):
    """A device's way to the broker, as the simulated world sees it."""

    hello: Callable[[], Sequence[Message]]
    """Asked after each connect for what must be said first: the birth."""
    wants: str
    """The topic filter to subscribe to after each connect; empty: none."""
    hear: Callable[[str, bytes], None]
    """Told of each message that comes for it: topic and payload."""

    @property
    def waiting(self) -> int:
        """Messages that wait for the link."""
        ...

    def open(self, will: Message) -> None:
        """Connects and stays connected, trying again by itself, until one of the next two."""
        ...

    def drop(self, *, power_lost: bool) -> None:
        """The connection breaks without goodbye, so that the will is published."""
        ...

    def close(self, goodbye: Message | None) -> None:
        """Says `goodbye`, if any, and disconnects in order, so that the will is not published."""
        ...

    def send(self, message: Message) -> None:
        """Publishes, or keeps for later."""
        ...
