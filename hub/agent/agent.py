"""The agent: the poller of one realm, beside its cameras, between their network and the broker.

Targets come as `desired` of its gateway, orders as `command`; what the poller says is stored first and then sent under
the cameras' own topics. A link that is away, a kill or a power cut lose and double nothing: what was stored is sent
later as `late`, under the identity that it was stored with.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices import wire
from drivers.mqtt_device import Acknowledged, Connected, DeviceLink, DeviceSettings, Heard, Lost
from hub.agent import targets
from hub.agent.orders import Orders
from hub.agent.outbox import NOW, PICTURE, READING, Kept, Outbox
from hub.agent.sealing import own_key
from hub.agent.sender import Sender
from hub.agent.targets import BadTargets, Targets
from hub.poll.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drivers.mqtt_device import Told
    from hub.agent.sealing import OwnKey
    from hub.poll.keeper import Said
    from hub.poll.rows import Row

log = logging.getLogger(__name__)

KEY, PICTURES = "agent.key", "pictures"
TARGETS = "targets"
"""Under which the outbox keeps the last `desired`, so that a start without a link goes on asking."""
PICTURE_BYTES = 120_000
"""Of one picture that leaves the village; four seconds of its uplink."""
PATIENCE_S = 30.0
"""Without targets for so long after connecting, it says what may be wrong."""
INTERVAL_S = 60.0
LOOK_S = 1.0
STEP_S = 2.0
"""A clock that moves by so much within LOOK_S was set."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Which gateway it is, where the broker is, where it keeps what it knows; `shift_s`: of a simulated field."""

    realm: str
    name: str
    host: str
    port: int
    password: str = field(repr=False)
    data_dir: Path
    cafile: str = ""
    kbit_s: float = 256.0
    buffer_mb: float = 256.0
    plain_passwords: bool = False
    networks: tuple[str, ...] = ()
    shift_s: float = 0.0
    version: str = "0"


class Agent:
    """Lives on the event loop. Raises OSError, sqlite3.Error, BadKey where its data folder cannot be used."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = s = settings
        self.key: OwnKey = own_key(s.data_dir / KEY)
        self.outbox = Outbox(s.data_dir, round(s.buffer_mb * 1e6))
        self.boot, self._seq = secrets.randbits(32), 0
        self._targets: Targets | None = None
        self._keeper = Keeper(
            {
                "pictures": str((s.data_dir / PICTURES).absolute()), "picture_bytes": PICTURE_BYTES,
                "village_kbit_s": s.kbit_s, "plain_passwords": s.plain_passwords, "networks": list(s.networks),
            },
            self._rows, self._take, self.now,
        )  # fmt: skip
        self._orders = Orders(self.outbox, self._keeper, self._receipt, self._again, self.now)
        will = json.dumps({"online": False, "boot": self.boot}).encode()
        self._link = DeviceLink(
            DeviceSettings(
                s.host, s.port, s.name, s.password,
                (self._topic(s.name, "desired"), self._topic(s.name, "command")),
                (self._topic(s.name, "state"), will), s.cafile,
            ),
            self._told,
        )  # fmt: skip
        self.sender = Sender(self.outbox, self._link.publish, self._topic, s.kbit_s, self.now)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interval_s = INTERVAL_S
        self._before, self._ahead = self.outbox.newest(), self._ahead_now()
        self._said_why = ""
        self._broken = False
        self._hear_targets(self.outbox.note(TARGETS), fresh=False)

    def now(self) -> int:
        """Ms since 1970."""
        return round((time.time() + self._settings.shift_s) * 1000)

    def _ahead_now(self) -> float:
        return time.time() - time.monotonic()

    def look_at_clock(self) -> None:
        """Where the clock was set (a small machine has none, until the link is back), what waits is put right."""
        step, self._ahead = self._ahead_now() - self._ahead, self._ahead_now()
        if abs(step) >= STEP_S:
            log.warning("the clock was set by %+.0f s", step)
            self._keeper.tell_time()
            try:
                self.outbox.shift(self._before, step)
            except sqlite3.Error:
                log.exception("what waits keeps its wrong time")

    def _topic(self, device: str, channel: str) -> str:
        return wire.topic(self._settings.realm, device, channel)

    # --- its life ---------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises OSError where the CA's file cannot be used."""
        self._loop = asyncio.get_running_loop()
        self._orders.interrupted()
        for left in (self._settings.data_dir / PICTURES).glob("*/*.jpg"):  # of a poller that was killed
            left.unlink(missing_ok=True)
        self._link.start()
        stopped = asyncio.create_task(stop.wait())
        running = [
            asyncio.create_task(one) for one in (self._keeper.run(), self.sender.run(), self._report())
        ]
        try:
            done, _ = await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._orders.stop()
            for task in (*running, stopped):
                task.cancel()
            await asyncio.gather(*running, stopped, return_exceptions=True)
            await asyncio.to_thread(self._link.stop)
            self.outbox.close()

    def _told(self, what: Told) -> None:
        """From the link's thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take_in, what)

    def _take_in(self, what: Told) -> None:
        match what:
            case Acknowledged():
                self.sender.acknowledged(what.mid)
            case Connected():
                self._said_why = ""
                log.warning("connected to %s:%d", self._settings.host, self._settings.port)
                self._say_birth()
                self.sender.connected()
                if self._loop is not None:
                    self._loop.call_later(PATIENCE_S, self._wonder)
            case Lost():
                self.sender.lost()
                if what.why != self._said_why:
                    self._said_why = what.why
                    log.error(
                        "%s:%d: %s; it goes on trying", self._settings.host, self._settings.port, what.why
                    )
            case Heard():
                self._hear(what)

    def _hear(self, m: Heard) -> None:
        try:
            if m.topic.endswith("/desired"):
                self._hear_targets(m.payload, fresh=True)
            else:
                self._orders.take(m.payload)
        except sqlite3.Error:
            log.exception("what the hub said could not be stored; it comes again with the next connection")
            return
        m.taken()

    def _wonder(self) -> None:
        if self._targets is None and self.sender.up:
            s = self._settings
            log.error(
                "the hub tells %s no targets: is it registered as a gateway of the realm %s with the driver "
                "agent, and does the hub run?", s.name, s.realm,
            )  # fmt: skip

    # --- what it is to ask ------------------------------------------------------------------------------------

    def _rows(self) -> dict[str, Row]:
        if self._targets is None:
            return {}
        heard = self.outbox.heard()
        return {name: row.with_boot(heard.get(name, row.boot)) for name, row in self._targets.rows.items()}

    def _hear_targets(self, payload: bytes | None, *, fresh: bool) -> None:
        if not payload:
            if fresh:
                self.outbox.keep(TARGETS, b"")
                self._targets = None
                self._keeper.changed()
            return
        try:
            found = targets.read(payload, self._settings.realm, self.key)
        except BadTargets as e:
            log.error("the targets cannot be read: %s", e)  # noqa: TRY400 - the reason is enough
            return
        before, self._targets = self._targets, found
        self._interval_s = found.interval_s
        if fresh:
            self.outbox.keep(TARGETS, payload)
            self._receipt(found.id, "done", "keyWaits" if found.locked else "")
            if before is None or before.id != found.id:
                log.warning("%d cameras to ask", len(found.rows))
            if found.locked:
                log.warning(
                    "without logins: the key %s waits to be accepted on the page of %s",
                    self.key.fingerprint, self._settings.name,
                )  # fmt: skip
            self._say_birth()
        self._keeper.changed()

    # --- what it says -----------------------------------------------------------------------------------------

    async def _take(self, messages: Sequence[Said], pictures: Sequence[dict[str, Any]]) -> None:
        """Into the outbox, on disk. What cannot be stored is said anew at the next visit."""
        kept = [_kept(m) for m in messages]
        try:
            kept += [self._pictured(told) for told in pictures]
            self._broken = False
        except OSError:
            log.exception("a picture cannot be read")
            self._broken = True
        try:
            self.sender.stored(self.outbox.add(kept))
        except sqlite3.Error:
            log.exception("the outbox cannot be written")
            self._broken = True
            return
        for told in pictures:
            (self._settings.data_dir / PICTURES / str(told["file"])).unlink(missing_ok=True)

    def _pictured(self, told: dict[str, Any]) -> Kept:
        jpeg = (self._settings.data_dir / PICTURES / str(told["file"])).read_bytes()
        what = str(told["what"])
        head = {"what": what, "at": told["at"], "codes": told.get("codes", []), "by": told.get("by", "")}
        body = json.dumps(head, ensure_ascii=False).encode() + b"\n" + jpeg
        return Kept(str(told["device"]), "picture", body, PICTURE, "" if what == "fault" else what)

    def _head(self) -> dict[str, Any]:
        self._seq += 1
        return {"boot": self.boot, "seq": self._seq, "ts": round(self.now() / 1000, 3)}

    def _receipt(self, number: str, result: str, detail: str = "") -> None:
        """The end of an order, or that targets are followed."""
        body = json.dumps({**self._head(), "id": number, "result": result, "detail": detail[:200]}).encode()
        kept = Kept(self._settings.name, "receipt", body, NOW)
        self.sender.stored(self.outbox.end(number, kept))

    def _say_birth(self) -> None:
        applied = self._targets.id if self._targets is not None else ""
        said = {
            "online": True, **self._head(), "model": "village-hub agent", "firmware": self._settings.version,
            "key": self.key.public, "applied": applied,
        }  # fmt: skip
        self._link.publish(self._topic(self._settings.name, "state"), json.dumps(said).encode(), retain=True)

    def _again(self, receipt: bytes) -> None:
        """A receipt that the hub seems not to have."""
        self.sender.stored(self.outbox.add([Kept(self._settings.name, "receipt", receipt, NOW)]))

    async def _report(self) -> None:
        """For ever: its own telemetry, while connected; what it says of itself is worth nothing later."""
        said: tuple[bool, tuple[str, ...]] = (False, ())
        due = 0.0
        while True:
            self.look_at_clock()
            state, now = (self.sender.up, self._trouble()), time.monotonic()
            if self.sender.up and (now >= due or state != said):
                self._link.publish(self._topic(self._settings.name, "telemetry"), self._own())
                due = now + self._interval_s
            said = state
            await asyncio.sleep(LOOK_S)

    def _own(self) -> bytes:
        told = self._targets
        said = {
            **self._head(), "buffered": self.outbox.count, "dropped": self.outbox.dropped,
            "children": 0 if told is None else len(told.rows), "faults": list(self._trouble()),
        }  # fmt: skip
        return json.dumps(said).encode()

    def _trouble(self) -> tuple[str, ...]:
        found = {
            "keyWaits": self._targets is not None and self._targets.locked,
            "pollerFailed": bool(self._keeper.troubles()),
            "bufferFailed": self._broken,
        }
        return tuple(code for code, there in found.items() if there)


def _kept(said: Said) -> Kept:
    boot = said.body.get("boot")
    slot, rank = ("state", NOW) if said.channel == "state" else ("", READING)
    body = json.dumps(said.body, separators=(",", ":")).encode()
    return Kept(said.device, said.channel, body, rank, slot, boot if isinstance(boot, int) else None)
