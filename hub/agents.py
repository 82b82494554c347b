"""Agents as the hub has them: gateways that ask the cameras of their realm, at the village.

What each is told to ask, to which key the cameras' passwords are sealed, and what people ask of a camera through it.
A key is never trusted by itself, not the first one either: a person accepts the fingerprint that the agent shows, and
until then, and after a change, its cameras are asked without logins.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets as chance
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from devices import wire
from hub import audit
from hub.agent.sealing import fingerprint, is_key
from hub.agent.targets import order_of
from hub.tracker import asks
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from devices.device import Device
    from devices.event import Receipt
    from devices.person import By
    from drivers.mqtt_link import MqttLink
    from hub.poll.rows import Row
    from hub.secrets import Secrets
    from hub.store.writer import Writes
    from hub.track import Track

log = logging.getLogger(__name__)

KEY = "agent_key"
"""What the stored key of an agent is called among the secrets: whoever could change it would be sent the passwords."""
LOOK_S = 2.0
ORDER_S = 30.0
"""An order that no agent took by then has expired."""


class AgentView(NamedTuple):
    """One agent. `offered`, `accepted`: fingerprints of its keys; `follows`: it said that it asks what it is told."""

    name: str
    offered: str
    accepted: str
    cameras: int
    left_out: tuple[str, ...]
    follows: bool

    @property
    def waits(self) -> bool:
        """Its key is to be accepted."""
        return bool(self.offered) and self.offered != self.accepted


class _Told(NamedTuple):
    """What an agent was told, over which connection."""

    generation: int
    id: str
    realm: str
    cameras: int
    left_out: tuple[str, ...]


@dataclass(slots=True)
class Agents:
    """Lives on the event loop. `rows` gives what is to be asked in some realms, `keys` the sealed keys by agent."""

    devices: Mapping[str, Device]
    tracks: Mapping[str, Track]
    rows: Callable[[Callable[[str], bool]], Mapping[str, Row]]
    keys: Callable[[], Mapping[str, bytes]]
    secrets: Secrets
    link: Callable[[], MqttLink | None]
    do: Callable[[Callable[[Writes], Any]], Awaitable[Any]]
    now: Callable[[], int]
    realms: dict[str, str] = field(default_factory=dict)
    """Realm -> its agent."""
    _told: dict[str, _Told] = field(default_factory=dict)
    _applied: dict[str, str] = field(default_factory=dict)
    _orders: dict[str, asyncio.Future[str]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _troubles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._find()

    def _find(self) -> None:
        found = {n: t for n, t in self.tracks.items() if asks(t)}
        self.realms = {t.device.realm: n for n, t in sorted(found.items(), reverse=True)}

    def of(self, name: str) -> str | None:
        """The agent that asks a camera; None where the hub itself does."""
        device = self.devices.get(name)
        return self.realms.get(device.realm) if device is not None and device.is_asked else None

    def troubles(self) -> tuple[str, ...]:
        """Fault codes for the hub's own device."""
        return self._troubles

    def changed(self) -> None:
        """The registry, a password, a key changed."""
        self._find()
        self._changed.set()

    # --- telling them -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever: each agent is told what to ask, when that changes and over each new connection."""
        self._loop = asyncio.get_running_loop()
        seen: object = None
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            link = self.link()
            offered = {n: self.tracks[n].key for n in self.realms.values()}
            state = (0 if link is None else link.generation, offered)
            if not self._changed.is_set() and state == seen:
                continue
            self._changed.clear()
            try:
                self._tell_all(link)
                seen = state
            except Exception:
                log.exception("the agents cannot be told what to ask; tried again")

    def _tell_all(self, link: MqttLink | None) -> None:
        rows = self.rows(self.realms.__contains__) if self.realms else {}
        trusted = self._trusted()
        names = set(self.realms.values())
        for name in self._told.keys() - names:
            gone = self._told.pop(name)
            if link is not None:
                link.publish(wire.topic(gone.realm, name, "desired"), b"", retain=True)
        waits = False
        for realm, name in self.realms.items():
            track = self.tracks[name]
            key = trusted.get(name, "")
            known = key if key and key == track.key else ""
            waits = waits or bool(track.key and not known)
            mine = {n: r for n, r in rows.items() if r.realm == realm}
            order = order_of(mine, track.device.interval_s, known, self._sign)
            told = _Told(
                0 if link is None else link.generation,
                order.id,
                realm,
                len(mine) - len(order.left_out),
                order.left_out,
            )
            if link is not None and told != self._told.get(name):
                link.publish(wire.topic(realm, name, "desired"), order.payload, retain=True)
            self._told[name] = told
        overfull = any(t.left_out for t in self._told.values())
        found = {"agent_key_waits": waits, "agent_overfull": overfull}
        self._troubles = tuple(code for code, there in found.items() if there)

    def _sign(self, text: bytes) -> bytes:
        return self.secrets.signature(text) or text  # without the key there are no passwords in it

    def _trusted(self) -> dict[str, str]:
        found = {}
        for name, box in self.keys().items():
            try:
                found[name] = self.secrets.open(box, name, KEY)
            except Refused:  # the key of the secrets is gone: told on the hub's page; nothing is trusted
                continue
        return found

    # --- their keys -------------------------------------------------------------------------------------------

    def view(self, name: str) -> AgentView | None:
        """One agent; None for what is none."""
        track = self.tracks.get(name)
        if track is None or not asks(track):
            return None
        told = self._told.get(name)
        trusted = self._trusted().get(name, "")
        return AgentView(
            name, fingerprint(track.key) if track.key else "", fingerprint(trusted) if trusted else "",
            0 if told is None else told.cameras, () if told is None else told.left_out,
            told is not None and self._applied.get(name) == told.id,
        )  # fmt: skip

    async def accept(self, name: str, shown: str, by: By) -> None:
        """The key whose fingerprint a person saw `shown` is this agent's.

        Raises Refused: no_agent; key_changed, where it offers another by now.
        """
        track = self.tracks.get(name)
        if track is None or not asks(track):
            raise Refused("no_agent", name=name)
        key = track.key
        if not is_key(key) or fingerprint(key) != shown.strip().lower():
            raise Refused("key_changed", name=name)

        def run(writes: Writes) -> None:
            before = self._trusted().get(name, "")
            self.secrets.put(writes, name, KEY, key)
            audit.note(
                writes, self.now(), by, "agent.key_accepted", f"device:{name}",
                {"fingerprint": fingerprint(before)} if before else {}, {"fingerprint": fingerprint(key)},
            )  # fmt: skip

        await self.do(run)
        self.changed()

    # --- what people ask for ----------------------------------------------------------------------------------

    def hurry(self, name: str) -> None:
        """Visit a camera now. Raises Refused: poller_away."""
        self._order("visit", name)

    def reference(self, name: str, by: str) -> None:
        """Its next picture shows how it should be, says `by`. Raises Refused."""
        self._order("set_reference", name, by=by)

    def witness(self, name: str, of: str) -> None:
        """Take a picture now, as proof of this. Raises Refused."""
        self._order("witness", name, by=of)

    async def set_clock(self, name: str, *, manually: bool = False, patience_s: float = ORDER_S) -> str:
        """Set a camera's clock, as Keeper.set_clock. Raises Refused."""
        return await self._ordered(name, patience_s, "set_clock", manually=manually)

    async def try_default(self, name: str, model: str, patience_s: float = ORDER_S + 10) -> str:
        """Show a camera its maker's default login, once, as Keeper.try_default. Raises Refused."""
        return await self._ordered(name, patience_s, "try_default", model=model)

    async def _ordered(self, name: str, patience_s: float, do: str, **more: str | bool) -> str:
        number = self._order(do, name, **more)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._orders[number] = done
        try:
            async with asyncio.timeout(patience_s):
                return await done
        except TimeoutError:
            return "timeout"
        finally:
            self._orders.pop(number, None)

    def _order(self, do: str, name: str, **more: str | bool) -> str:
        agent = self.of(name)
        track = self.tracks.get(agent or "")
        link = self.link()
        if agent is None or track is None or link is None or track.gone_at is not None or track.silent:
            raise Refused("poller_away")
        number = chance.token_hex(8)
        said = {"id": number, "expires_at": self.now() / 1000 + ORDER_S, "do": do, "device": name, **more}
        link.publish(
            wire.topic(track.device.realm, agent, "command"), json.dumps(said, ensure_ascii=False).encode()
        )
        return number

    def received(self, e: Receipt) -> None:
        """A receipt came; in ingest."""
        if self._loop is not None and not self._loop.is_closed() and e.device in self._names():
            self._loop.call_soon_threadsafe(self._end, e)

    def _names(self) -> Collection[str]:
        return self.realms.values()

    def _end(self, e: Receipt) -> None:
        done = self._orders.get(e.id)
        if done is not None and not done.done():
            done.set_result(e.detail or ("" if e.result == "done" else e.result))
        elif e.result == "done" and (told := self._told.get(e.device)) is not None and e.id == told.id:
            self._applied[e.device] = e.id
