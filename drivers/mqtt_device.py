"""A device's own connection to the broker, as an agent has it: its will, its orders, and word of each acknowledgement.

Nothing waits in here. What was sent and not acknowledged when the connection broke is the caller's to send again.
"""

from __future__ import annotations

import contextlib
import random
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from drivers.mqtt_link import Closing, in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

CONNECT_S = 15.0
BACKOFF_S = (0.5, 60.0)
GOODBYE_S = 3.0


class Connected(NamedTuple):
    """The connection stands and its subscriptions are in force."""


class Lost(NamedTuple):
    """There is none: it broke, or could not be made; `why` in words."""

    why: str


class Heard(NamedTuple):
    """A message of the hub's; the broker gives it again after a lost connection, until `taken` is called."""

    topic: str
    payload: bytes
    taken: Callable[[], object]


class Acknowledged(NamedTuple):
    """The broker has what `publish` gave this number."""

    mid: int


Told = Connected | Lost | Heard | Acknowledged


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """Where the broker is, who we are (`user` is the client id, too), what we listen to, and our will."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    filters: tuple[str, ...]
    will: tuple[str, bytes]
    cafile: str = ""
    keepalive_s: int = 30


class DeviceLink:
    """Keeps itself up. `told` is called in its own thread; `publish` may be called from any."""

    def __init__(self, settings: DeviceSettings, told: Callable[[Told], None]) -> None:
        self._settings, self._told = settings, told
        self._client: Client | None = None
        self._stopping = threading.Event()
        self._up = False
        self._why = ""
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)

    def start(self) -> None:
        """Begin to connect. Raises OSError where the CA's file cannot be used."""
        self._make()
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send at QoS 1; the number by which it is acknowledged, None while there is no connection."""
        client = self._client
        if client is None or not self._up:
            return None
        sent = client.publish(topic, payload, 1, retain)
        return sent.mid if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def stop(self) -> None:
        """Say goodbye (the will's words), and end."""
        topic, payload = self._settings.will
        client = self._client
        if self._up and client is not None:
            with contextlib.suppress(ValueError, RuntimeError):
                sent = client.publish(topic, payload, 1, retain=True)
                until = time.monotonic() + GOODBYE_S
                while not sent.is_published() and time.monotonic() < until and self._up:
                    time.sleep(0.02)
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(CONNECT_S + 2)

    # --- the thread -------------------------------------------------------------------------------------------

    def _make(self) -> Client:
        s = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=s.user, clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False, manual_ack=True,
        )  # fmt: skip
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(0)  # the caller counts
        client.username_pw_set(s.user, s.password)
        client.will_set(*s.will, qos=1, retain=True)
        if s.cafile:
            context = ssl.create_default_context(cafile=s.cafile)
            context.sslsocket_class = Closing
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = lambda _c, _d, mid, _r, _p: self._told(Acknowledged(mid))
        client.on_socket_register_write = lambda *_: None  # so that only this thread writes
        return client

    def _run(self) -> None:
        wait = BACKOFF_S[0]
        while not self._stopping.is_set():
            self._why, was_up = "", False
            client = self._client = self._make()
            try:
                client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
                while client.loop(0.5) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                    was_up = was_up or self._up
                    if self._stopping.is_set():
                        client.disconnect()
                        client.loop_write()
                        break
            except Exception as e:  # noqa: BLE001 - told in words, and tried again
                self._why = self._why or in_words(e, "--tls-ca")
            self._up, self._client = False, None
            with contextlib.suppress(OSError):
                if (sock := client.socket()) is not None:
                    sock.close()
            if self._stopping.is_set():
                return
            self._told(Lost(self._why or "the connection was closed"))
            wait = BACKOFF_S[0] if was_up else min(wait * 2, BACKOFF_S[1])
            self._stopping.wait(wait * random.uniform(0.7, 1.3))  # noqa: S311 - jitter

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if code.is_failure:
            self._why = refusal(str(code), self._settings.user)
            client.disconnect()
            return
        client.subscribe([(f, 1) for f in self._settings.filters])

    def _on_subscribe(self, client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _p: Any) -> None:
        if any(c.is_failure for c in codes):
            self._why = f"the broker does not let {self._settings.user} listen to its orders"
            client.disconnect()
            return
        self._up = True
        self._told(Connected())

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if not self._why and code.is_failure:
            self._why = str(code)

    def _on_message(self, client: Client, _data: Any, m: MQTTMessage) -> None:
        with contextlib.suppress(
            UnicodeDecodeError
        ):  # each connection has a client: a number is never another's
            self._told(Heard(m.topic, bytes(m.payload), lambda: client.ack(m.mid, m.qos)))


def refusal(code: str, user: str) -> str:
    """Why a broker refused a connection, so that somebody can act on it."""
    if code in ("Not authorized", "Bad user name or password"):
        return f"the broker refused the user {user}: its password is wrong, or no device of that name has one"
    return f"the broker refused us: {code}"
