"""The network face: one real connection, with its own user and will, for each device that speaks itself."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

from simulators import mqtt
from simulators.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.outbox import Message

KEEPALIVE_S = 60
WINDOW = 10
"""Messages on their way to the broker at once, per connection."""
CONNECTS_S = 500
"""Connects a second over all devices, so that no broker starves."""
BACK_OFF_S = (1.0, 30.0)
PATIENCE_S = 20.0
"""A broker that answers nothing for so long is given up."""
TICK_S = 5.0


class Broker:
    """Where the links go, and what they share: the pace of connects and one timer for all keepalives."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.links: list[Link] = []
        self.connected = 0
        self.refused: str | None = None  # the first refusal, until somebody has said it ("")
        self._next_slot = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def link(self, name: str, password: str, *, buffers: bool) -> Link:
        """A new link, not yet open."""
        link = Link(self, name, password, Outbox(buffers=buffers))
        self.links.append(link)
        return link

    def slot(self) -> float:
        """Seconds to wait until one may connect."""
        now = asyncio.get_running_loop().time()
        self._next_slot = max(now, self._next_slot + 1 / CONNECTS_S)
        return self._next_slot - now

    def start(self) -> None:
        """Starts the one timer."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for link in self.links:
            link.tick(now)
        self._timer = loop.call_later(TICK_S, self.start)

    async def stop(self, patience_s: float = 5.0) -> None:
        """Waits until closing links are closed, then ends the rest."""
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        while loop.time() < deadline and any(link.busy for link in self.links):  # noqa: ASYNC110 - at the end, once
            await asyncio.sleep(0.05)
        for link in self.links:
            link.end()
        await asyncio.sleep(0)


class Link:
    """A device's way to the broker; meets outbox.Port. All of it runs in the event loop's thread."""

    def __init__(self, broker: Broker, name: str, password: str, outbox: Outbox) -> None:
        self.hello: Callable[[], Sequence[Message]] = tuple
        self.wants = ""
        self.hear: Callable[[str, bytes], None] = _pass_over
        self._broker = broker
        self._name, self._password = name, password
        self._outbox = outbox
        self._will: Message | None = None  # None: no connection is wanted
        self._socket: _Socket | None = None
        self._up = False
        self._closing = False
        self._sent: dict[int, Message] = {}
        self._mid = 0
        self._back_off = BACK_OFF_S[0]
        self._retry: asyncio.TimerHandle | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._heard = self._spoke = 0.0

    # ------------------------------------------------------------ what the world asks

    @property
    def waiting(self) -> int:
        return self._outbox.waiting

    @property
    def busy(self) -> bool:
        """True while a goodbye is on its way."""
        return self._closing and self._socket is not None

    def open(self, will: Message) -> None:
        self._will = will
        self._closing = False
        self._back_off = BACK_OFF_S[0]
        self._try_in(self._broker.slot())

    def drop(self, *, power_lost: bool) -> None:
        self._will = None
        self.end()
        if power_lost:
            self._outbox.forget()

    def close(self, goodbye: Message | None) -> None:
        self._will = None
        self._closing = True
        if not self._up:
            self.end()
            return
        if goodbye:
            self._publish(goodbye)
        self._finish()

    def send(self, message: Message) -> None:
        self._outbox.put(message, up=self._up)
        self._flush()

    def end(self) -> None:
        """Breaks off whatever there is."""
        for running in (self._retry, self._attempt):
            if running:
                running.cancel()
        self._retry = self._attempt = None
        if self._socket:
            self._socket.abort()
            self._lost()

    def tick(self, now: float) -> None:
        """Every few seconds: keepalive, and giving up a broker that answers nothing."""
        if not self._socket:
            return
        if now - self._heard > PATIENCE_S + (KEEPALIVE_S if self._up else 0):
            self._socket.abort()
        elif self._up and now - self._spoke > KEEPALIVE_S - 2 * TICK_S:
            self._write(mqtt.PINGREQ)

    # ------------------------------------------------------------ connecting

    def _try_in(self, seconds: float) -> None:
        if self._retry:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(seconds, self._try)

    def _try(self) -> None:
        self._retry = None
        if self._will is not None and self._socket is None and self._attempt is None:
            self._attempt = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await loop.create_connection(lambda: _Socket(self), self._broker.host, self._broker.port)
        except OSError:
            self._again()
        finally:
            self._attempt = None

    def _again(self) -> None:
        """Tries later: twice as late each time, with jitter."""
        if self._will is not None:
            wait = random.uniform(self._back_off / 2, self._back_off)
            self._back_off = min(self._back_off * 2, BACK_OFF_S[1])
            self._try_in(wait + self._broker.slot())

    # ------------------------------------------------------------ what the socket tells

    def made(self, socket: _Socket) -> None:
        """TCP stands: asks to come in."""
        if self._will is None:
            socket.abort()
            return
        self._socket = socket
        self._heard = asyncio.get_running_loop().time()
        will = self._will
        self._write(mqtt.connect(self._name, self._password, will.topic, will.payload(), KEEPALIVE_S))

    def took(self, packet: mqtt.Packet) -> None:
        """A packet from the broker."""
        self._heard = asyncio.get_running_loop().time()
        if packet.type == mqtt.CONNACK:
            self._let_in(packet.body[1])
        elif packet.type == mqtt.PUBLISH:
            message = mqtt.delivered(packet)
            if message.mid is not None:
                self._write(mqtt.puback(message.mid))
            self.hear(message.topic, message.payload)
        elif packet.type == mqtt.PUBACK:
            self._sent.pop(int.from_bytes(packet.body[:2], "big"), None)
            self._flush()
            self._finish()

    def broken(self, socket: _Socket) -> None:
        """The connection is lost; of one that was given up before, nothing follows."""
        if socket is self._socket:
            self._lost()
            self._again()

    # ------------------------------------------------------------ talking

    def _let_in(self, code: int) -> None:
        if code:
            if self._broker.refused is None:
                self._broker.refused = f"The broker refuses {self._name} (code {code})."
            return  # it breaks the connection now
        self._up = True
        self._broker.connected += 1
        self._back_off = BACK_OFF_S[0]
        if self.wants:
            self._mid = self._mid % 65535 + 1
            self._write(mqtt.subscribe(self.wants, self._mid))
        for message in self.hello():
            self._publish(message)
        self._flush()

    def _flush(self) -> None:
        while (
            self._up and not self._closing and len(self._sent) < WINDOW and (message := self._outbox.take())
        ):
            self._publish(message)

    def _publish(self, message: Message) -> None:
        self._mid = self._mid % 65535 + 1
        self._sent[self._mid] = message
        self._write(mqtt.publish(message.topic, message.payload(), self._mid, retain=message.retain))

    def _finish(self) -> None:
        """Leaves in order once everything said is acknowledged."""
        if self._closing and self._up and not self._sent and self._socket:
            self._socket.leave()

    def _write(self, data: bytes) -> None:
        if self._socket:
            self._spoke = asyncio.get_running_loop().time()
            self._socket.write(data)

    def _lost(self) -> None:
        self._socket = None
        self._broker.connected -= self._up
        self._up = False
        self._outbox.put_back(list(self._sent.values()))
        self._sent.clear()


class _Socket(asyncio.Protocol):
    """One TCP connection of a link, which may have many after each other."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while packet := mqtt.read(self._buffer):
                self._link.took(packet)
        except (mqtt.BadPacketError, IndexError):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a loss is a loss
        self._link.broken(self)

    def write(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)

    def leave(self) -> None:
        """DISCONNECT: the broker drops the will."""
        if self._transport:
            self._transport.write(mqtt.DISCONNECT)
            self._transport.close()

    def abort(self) -> None:
        """No goodbye: the broker publishes the will."""
        if self._transport:
            self._transport.abort()


def _pass_over(topic: str, payload: bytes) -> None:
    """Nobody asked for it."""
