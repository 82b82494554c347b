"""The one link to the broker, and the only importer of paho.

One thread owns the socket: it reads into a bounded inbox (full = it stops reading), writes acks that ingest
hands over after its commit, reconnects with back-off, and tells what happens to the connection in the same
inbox, in order with the messages.
"""

from __future__ import annotations

import contextlib
import logging
import random
import secrets
import select
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from drivers.contract import Inbound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

_RECV = 262_144
_STALL_S = 2.0
_UNHEARD_S = 5.0
"""Nothing from the broker for longer than this is a time in which we could not hear: it answers our echo in less."""
_ECHO_MS = 2000
_MARK_AGAIN_S = 3.0
_ECHO = "echo"
_BACKOFF_S = (0.2, 15.0)


class Up(NamedTuple):
    """Connected. `session` False: the broker holds none for us; `expected` says that it should have."""

    at: int
    generation: int
    session: bool
    expected: bool


class CaughtUp(NamedTuple):
    """Our marker came back: everything retained and queued has been delivered."""

    at: int
    generation: int


class Down(NamedTuple):
    """The connection is gone; we last heard the broker at `heard`."""

    at: int
    heard: int
    reason: str


class Stalled(NamedTuple):
    """Nothing was read from `since` to `at`, though the connection stood (inbox full, machine asleep)."""

    at: int
    since: int
    reason: str


class Foreign(NamedTuple):
    """A marker of another hub that uses our client id."""

    at: int
    instance: str


class Broker(NamedTuple):
    """A `$SYS` value of the broker."""

    at: int
    topic: str
    text: str


Item = Inbound | Up | CaughtUp | Down | Stalled | Foreign | Broker


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the broker is and who we are. `instances` are earlier starts of this same hub."""

    host: str
    port: int
    client_id: str
    filters: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    cafile: str = ""
    keepalive_s: int = 30
    inbox: int = 20_000
    session_expected: bool = False
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    instances: frozenset[str] = frozenset()
    clean: bool = False

    @property
    def marker(self) -> str:
        """The topic of our own marker."""
        return f"vh/1/hub/{self.client_id}/marker"


class _Buffered(Client):
    """paho's client with a read and a write buffer.

    paho asks the socket for one byte, one byte and the rest of each packet, and writes each ack by itself:
    five system calls a message, each of which gives the interpreter lock away. Buffering makes it one in a
    few hundred and takes 5 us of 15 off a message.
    """

    _in = b""
    _in_at = 0
    _out = b""
    _chunks: list[bytes]
    deliver: Callable[[MQTTMessage], None]

    def forget_buffers(self) -> None:
        """A new connection starts with empty buffers."""
        self._in, self._in_at, self._out, self._chunks = b"", 0, b"", []

    @property
    def has_input(self) -> bool:
        """Bytes that were read from the socket and not yet taken apart."""
        return self._in_at < len(self._in)

    @property
    def has_output(self) -> bool:
        """Bytes that wait for the socket."""
        return bool(self._out or self._chunks) or self.want_write()

    def _handle_on_message(self, message: MQTTMessage) -> None:
        """Straight to the one callback: paho would ask its filters for every message, which costs as much again."""
        self.deliver(message)

    def _sock_recv(self, bufsize: int) -> bytes:
        start = self._in_at
        if start >= len(self._in):
            self._in, self._in_at, start = super()._sock_recv(_RECV), 0, 0
        self._in_at = end = start + bufsize
        return self._in[start:end]

    def _sock_send(self, buf: bytes | bytearray) -> int:
        self._chunks.append(bytes(buf))
        return len(buf)

    def flush(self) -> None:
        """Write what waits; what the socket does not take stays. Raises OSError where the connection is gone."""
        self.loop_write()
        self._out += b"".join(self._chunks)  # also what paho wrote by itself since the last time
        self._chunks.clear()
        if self._out:
            with contextlib.suppress(BlockingIOError):
                self._out = self._out[super()._sock_send(self._out) :]


class Closing(ssl.SSLSocket):
    """Closed where the broker is not the one it should be: paho would leave it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class MqttLink:
    """A connection to the broker that keeps itself up. All methods may be called from any thread."""

    def __init__(self, settings: LinkSettings, now: Callable[[], int], wake: Callable[[], None]) -> None:
        self.settings = settings
        self.inbox: deque[Item] = deque()
        self.generation = 0
        self.looked = now()
        """Until when everything that was sent to us is in the inbox: the last time that the broker said something."""
        self._now = now
        self._wake_reader = wake
        self._outgoing: deque[tuple[int, Sequence[int]] | tuple[str, bytes, int, bool]] = deque()
        self._stopping = threading.Event()
        self._session_expected = settings.session_expected
        self._subscribed = False
        self._heard = now()
        self._heard_s = time.monotonic()
        self._echoed = 0
        self._up = False
        self._nonces: set[str] = set()
        self._marked_s: float | None = None
        self._wanted: tuple[str, ...] = ()
        self._why = ""
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._client = self._make_client()
        self._thread = threading.Thread(target=self._run, name="net", daemon=True)

    def start(self) -> None:
        """Begin to connect; the outcome comes through the inbox."""
        self._thread.start()

    def stop(self) -> None:
        """Write what was acked, disconnect, end the thread."""
        self._stopping.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(5)
        self._wake_r.close()
        self._wake_w.close()

    def ack(self, generation: int, mids: Sequence[int]) -> None:
        """Acknowledge messages, in order. Those of an older connection are dropped: the broker numbers anew."""
        self._outgoing.append((generation, mids))
        self._wake()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message when connected; while not connected it is dropped (retained truth is sent anew)."""
        self._outgoing.append((topic, payload, qos, retain))
        self._wake()

    def mark(self) -> None:
        """Publish a marker; `CaughtUp` comes when everything before it has been delivered.

        It is retained: who connects under this client id next sees whose it was (not where it only looks around).
        """
        self._nonces.clear()
        self._mark()

    def _mark(self) -> None:
        nonce = secrets.token_hex(8)
        self._nonces.add(nonce)
        self._marked_s = time.monotonic()
        said = f"{self.settings.instance} {nonce}".encode()
        self.publish(self.settings.marker, said, retain=not self.settings.clean)

    # --- the thread -------------------------------------------------------------------------------------------

    def _make_client(self) -> _Buffered:
        s = self.settings
        client = _Buffered(
            CallbackAPIVersion.VERSION2,
            client_id=s.client_id,
            clean_session=s.clean,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        if s.username:
            client.username_pw_set(s.username, s.password)
        if s.cafile:
            context = ssl.create_default_context(cafile=s.cafile)
            context.sslsocket_class = Closing
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.deliver = self._on_message
        client.on_socket_register_write = lambda *_: None  # so that acks wait for flush()
        client.connect_async(s.host, s.port, s.keepalive_s)
        return client

    def _run(self) -> None:
        delay = _BACKOFF_S[0]
        while not self._stopping.is_set():
            self._why = ""
            before = self.generation
            try:
                self._client.forget_buffers()
                self._client.reconnect()
                self._serve()
            except Exception as e:
                self._why = self._why or in_words(e)
                if not isinstance(e, OSError):
                    log.exception("the broker link failed")
            self._drop(connected=self.generation != before)
            delay = _BACKOFF_S[0] if self.generation != before else min(delay * 2, _BACKOFF_S[1])
            self._stopping.wait(delay * random.uniform(0.7, 1.3))  # noqa: S311 - jitter

    def _drop(self, *, connected: bool) -> None:
        with contextlib.suppress(OSError):
            self._client.disconnect()
            self._client.flush()
        self._outgoing.clear()
        self._up, self._marked_s = False, None
        self._put(Down(self._now(), self._heard, self._why or ("closed" if connected else "refused")))

    def _serve(self) -> None:
        """Move bytes until the connection ends."""
        client = self._client
        last, last_s = self._now(), time.monotonic()
        paused_since: int | None = None
        while not self._stopping.is_set():
            sock = client.socket()
            if sock is None:
                return
            full = len(self.inbox) >= self.settings.inbox
            reads = [self._wake_r] if full else [self._wake_r, sock]
            wait = 0.0 if client.has_input and not full else (0.05 if full else 0.5)
            readable, _, _ = select.select(reads, [sock] if client.has_output else [], [], wait)
            now, now_s = self._now(), time.monotonic()
            if now_s - last_s > _STALL_S and self.generation:
                self._put(Stalled(now, max(last, self._heard), "stalled"))
                self._heard_s = now_s
            last, last_s = now, now_s
            paused_since = self._note_pause(paused_since, full=full, now=now)
            if not full and (sock in readable or client.has_input):
                self._read()
            if self._wake_r in readable:
                with contextlib.suppress(BlockingIOError):
                    self._wake_r.recv(4096)
            self._ask_again(now, now_s)
            self._send()
            if client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        self._send()  # the last acks

    def _note_pause(self, since: int | None, *, full: bool, now: int) -> int | None:
        """A long pause in reading is a time in which the hub could not hear."""
        if full:
            return now if since is None else since
        if since is not None and now - since > _STALL_S * 1000:
            self._put(Stalled(now, since, "inbox_full"))
        return None

    def _ask_again(self, now: int, now_s: float) -> None:
        """A marker that a full queue swallowed is sent anew; a broker that says nothing is made to answer."""
        if self._marked_s is not None and now_s - self._marked_s > _MARK_AGAIN_S:
            self._mark()
        elif self._up and now - max(self._heard, self._echoed) > _ECHO_MS:
            self._echoed = now
            self.publish(self.settings.marker, f"{self.settings.instance} {_ECHO}".encode())

    def _read(self) -> None:
        client = self._client
        now, now_s = self._now(), time.monotonic()
        if now_s - self._heard_s > _UNHEARD_S and self.generation:
            self._put(Stalled(now, self._heard, "unheard"))
        self._heard = self.looked = now
        self._heard_s = now_s
        room = self.settings.inbox - len(self.inbox)
        for _ in range(min(room, 2000)):
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or not client.has_input:
                break
        if self.inbox:
            self._wake_reader()

    def _send(self) -> None:
        client, outgoing = self._client, self._outgoing
        while outgoing:
            item = outgoing.popleft()
            if len(item) == 2:  # noqa: PLR2004 - (generation, mids)
                if item[0] == self.generation:
                    for mid in item[1]:
                        client.ack(mid, 1)
            else:
                topic, payload, qos, retain = item
                client.publish(topic, payload, qos, retain)
        if client.has_output:
            client.flush()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_w.send(b"x")

    def _put(self, item: Item) -> None:
        self.inbox.append(item)
        self._wake_reader()

    # --- paho's callbacks, in the thread ----------------------------------------------------------------------

    def _on_connect(
        self, client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if code.is_failure:
            self._why = f"the broker refused us: {code}"
            client.disconnect()
            return
        self.generation += 1
        present = bool(flags.session_present)
        self._put(Up(self._now(), self.generation, present, self._session_expected))
        self._session_expected = True
        # The marker anew each time, to see whose is there; the rest only where the broker does not know it
        self._nonces.clear()  # the one retained there is no answer to the next
        self._marked_s = None
        filters = () if self._subscribed and present else self.settings.filters
        self._wanted = (self.settings.marker, *filters)
        client.subscribe([(f, 0 if f.startswith("$SYS") else 1) for f in self._wanted])

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _p: Any) -> None:
        refused = [f for f, c in zip(self._wanted, codes, strict=False) if c.is_failure]
        if refused:
            self._why = f"the broker refused the subscription {refused[0]}"
            self._client.disconnect()
            return
        self._subscribed = self._up = True
        self.mark()

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if not self._why and code.is_failure:
            self._why = str(code)

    def _on_message(self, m: MQTTMessage) -> None:
        at = self._heard
        try:
            topic = m.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        if topic.startswith("$SYS"):
            self._put(Broker(at, topic, m.payload.decode("utf-8", "replace")))
            return
        if topic == self.settings.marker:
            self._on_marker(m, at)
            return
        self.inbox.append(Inbound(topic, bytes(m.payload), at, m.mid, m.qos, m.retain, self.generation))

    def _on_marker(self, m: MQTTMessage, at: int) -> None:
        instance, _, nonce = m.payload.decode("utf-8", "replace").partition(" ")
        if nonce in self._nonces:
            self._nonces.clear()
            self._marked_s = None
            self._put(CaughtUp(at, self.generation))
        elif instance != self.settings.instance and instance not in self.settings.instances:
            self._put(Foreign(at, instance))
        if m.qos:
            self._client.ack(m.mid, m.qos)


def in_words(error: Exception, ca: str = "broker.cafile") -> str:
    """Why there is no connection, as a person can act on it; `ca` is how they named the CA's file."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not one that {ca} vouches for ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with the broker at this port ({error.reason or error})"
    return str(error) or type(error).__name__
