"""A small, fast MQTT 3.1.1 publisher: thousands of connections in one process, and what of it was acknowledged.

Not a benchmark. It knows CONNECT (user, password, will), PUBLISH at QoS 1 and its PUBACK, PINGREQ and DISCONNECT,
and nothing else: whatever else the broker sends is passed over. Built on asyncio's protocols; a message costs
some 15 us. Every message carries a token of the caller's, which comes back when the broker acknowledged it.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

CONNACK, PUBACK = 0x20, 0x40
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
KEEPALIVE_S = 60


class Refused(Exception):  # noqa: N818 - what the broker did
    """The broker did not let us in."""


class Will(NamedTuple):
    """What the broker publishes (retained, QoS 1) when the connection breaks."""

    topic: str
    body: bytes


class Unacked(NamedTuple):
    """A message that the broker has not acknowledged yet."""

    topic: str
    body: bytes
    retain: bool
    token: object


def remaining(n: int) -> bytes:
    """A packet's length as MQTT writes it."""
    out = bytearray()
    while True:
        n, low = divmod(n, 128)
        out.append(low | 0x80 if n else low)
        if not n:
            return bytes(out)


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(raw)) + raw


def connect_packet(user: str, password: str, *, client_id: str = "", will: Will | None = None) -> bytes:
    """CONNECT with a clean session."""
    flags = 0xC2 | (0x2C if will is not None else 0)  # user, password, clean; will: retained, QoS 1
    rest = b"\x00\x04MQTT\x04" + bytes([flags]) + struct.pack(">H", KEEPALIVE_S) + _text(client_id or user)
    if will is not None:
        rest += _text(will.topic) + _text(will.body)
    rest += _text(user) + _text(password)
    return b"\x10" + remaining(len(rest)) + rest


def publish_packet(topic: str, body: bytes, mid: int, *, retain: bool = False, dup: bool = False) -> bytes:
    """PUBLISH at QoS 1."""
    rest = _text(topic) + struct.pack(">H", mid) + body
    return bytes([0x32 | retain | dup << 3]) + remaining(len(rest)) + rest


class Packets:
    """Takes a stream of bytes apart: feed it, and it gives (first byte, rest) of each whole packet."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The packets that are whole by now."""
        data = self._data + data
        found: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while end - at >= 2:
            length, shift, body = 0, 0, at + 1
            while body < end:
                byte = data[body]
                body += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            else:
                break
            if body + length > end:
                break
            found.append((data[at], data[body : body + length]))
            at = body + length
        self._data = data[at:]
        return found


class Connection(asyncio.Protocol):
    """One connection. `on_ack` gets the token of each acknowledged message, `on_lost` a broken connection."""

    def __init__(
        self,
        hello: bytes,
        on_ack: Callable[[object], None] | None = None,
        on_lost: Callable[[Connection], None] | None = None,
    ) -> None:
        self.unacked: dict[int, Unacked] = {}
        self.open = False
        self._hello = hello
        self._on_ack = on_ack
        self._on_lost = on_lost
        self._mid = 0
        self._packets = Packets()
        self._transport: asyncio.Transport | None = None
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def welcomed(self, limit_s: float = 30) -> None:
        """Wait for CONNACK. Raises Refused."""
        try:
            async with asyncio.timeout(limit_s):
                await self._welcome
        except TimeoutError as e:
            raise Refused("the broker did not answer") from e

    def publish(
        self, topic: str, body: bytes, token: object = None, *, retain: bool = False, dup: bool = False
    ) -> None:
        """Send at QoS 1; it stays in `unacked` until the broker acknowledged it."""
        mid = self._mid = self._mid % 65535 + 1
        if mid in self.unacked:
            raise RuntimeError("65,535 messages wait for their acknowledgement")
        self.unacked[mid] = Unacked(topic, body, retain, token)
        if self._transport is not None:
            self._transport.write(publish_packet(topic, body, mid, retain=retain, dup=dup))

    def ping(self) -> None:
        """Keep the connection alive."""
        if self._transport is not None and self.open:
            self._transport.write(PING)

    def close(self, *, politely: bool = True) -> None:
        """End the connection; impolitely, so that the broker publishes the will."""
        self._on_lost = None
        if self._transport is None:
            return
        if politely:
            self._transport.write(DISCONNECT)
            self._transport.close()
        else:
            self._transport.abort()

    # --- asyncio's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        for first, rest in self._packets.feed(data):
            kind = first & 0xF0
            if kind == PUBACK:
                done = self.unacked.pop(int.from_bytes(rest[:2], "big"), None)
                if done is not None and self._on_ack is not None:
                    self._on_ack(done.token)
            elif kind == CONNACK and not self._welcome.done():
                if rest[1] == 0:
                    self.open = True
                    self._welcome.set_result(None)
                else:
                    self._welcome.set_exception(
                        Refused(f"the broker refused the connection with code {rest[1]}")
                    )

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        was_open, self.open = self.open, False
        self._transport = None
        if not self._welcome.done():
            self._welcome.set_exception(Refused("the broker closed the connection"))
            self._welcome.exception()  # noted: nobody may be waiting
        if was_open and self._on_lost is not None:
            self._on_lost(self)


async def connect(
    port: int,
    hello: bytes,
    on_ack: Callable[[object], None] | None = None,
    on_lost: Callable[[Connection], None] | None = None,
) -> Connection:
    """A connection to 127.0.0.1 that the broker has welcomed. Raises Refused, OSError."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(lambda: Connection(hello, on_ack, on_lost), "127.0.0.1", port)
    await made.welcomed()
    return made
