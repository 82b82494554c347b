"""The field of the torture: a process of devices that publish, break, die and reboot on command, and keep the ledger.

Not a benchmark. One connection a device, with will and birth. A telemetry message carries two of the kind's fields,
so that a lost one leaves a wrong value behind; `faults` is sent only when it changes. A device whose connection is
gone says nothing until it is back, then it is born anew (same boot), sends again what was not acknowledged (the DUP
flag set, same identity), and goes on. Only what the broker acknowledged stands in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from benchmarks.ledger import Identity, Sent
from benchmarks.mqtt_raw import Connection, Refused, Will, connect, connect_packet
from benchmarks.stage import PASSWORD, raise_open_files
from devices.device import RECORDED, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from multiprocessing.connection import Connection as Pipe

BROKEN = {"solar_light": ("lampFailure", "impactDetected")}
"""Codes by kind: the first raises at once and clears after a minute, the second raises after a minute and stays."""
OTHER_BROKEN = ("storageFailure",)
MENDABLE_AFTER_S = 15.0
BURST_WINDOW = 20_000
PING_S = 20.0


class Ledger(NamedTuple):
    """What the field gives away at the end."""

    sent: list[Sent]
    acknowledged: set[Identity]
    dead: set[str]
    resent: int
    rebooted: dict[str, float]


class Unit:
    """One device."""

    def __init__(self, row: dict[str, Any], rng: random.Random) -> None:
        self.name: str = row["name"]
        self.kind: str = row["kind"]
        self.topic = f"vh/1/{row['realm']}/{self.name}"
        self.fields = [f for f in RECORDED[Kind(self.kind)] if f.type != "codes"]
        self.boot = rng.getrandbits(32)
        self.seq = 0
        self.born = time.time()
        self.clock_wrong = self.dead = self.leaving = False
        self.broken_at: float | None = None
        self.mended = False
        self.say_faults: list[str] | None = []
        self.link: Connection | None = None
        self.owed: list[tuple[str, bytes, object]] = []

    @property
    def open(self) -> bool:
        """It can send."""
        return self.link is not None and self.link.open and not self.leaving

    @property
    def will(self) -> Will:
        """What the broker says for it when its link breaks."""
        return Will(f"{self.topic}/state", json.dumps({"online": False, "boot": self.boot}).encode())

    def clock(self, now: float) -> float:
        """What it takes for the time."""
        return round(now - self.born if self.clock_wrong else now, 3)

    def reboot(self, rng: random.Random) -> None:
        """A new boot; without a battery the clock begins in 1970."""
        self.boot, self.seq, self.born, self.clock_wrong = rng.getrandbits(32), 0, time.time(), True

    def measure(self, rng: random.Random) -> dict[str, Any]:
        """Two of its fields, at values that no rule minds."""
        found: dict[str, Any] = {}
        for f in rng.sample(self.fields, min(2, len(self.fields))):
            if f.type == "flag":
                found[f.name] = True
            elif f.name in _CALM:
                low, high = _CALM[f.name]
                found[f.name] = round(rng.uniform(low, high), 2)
            else:
                found[f.name] = rng.randrange(100000 if f.name == "uptime_s" else 50)
        return found


_CALM: dict[str, tuple[float, float]] = {
    "battery_v": (12.6, 13.4), "soc_pct": (60, 95), "panel_w": (5, 90), "load_w": (20, 30), "level_pct": (50, 100),
    "controller_c": (20, 45), "rx_kbit_s": (0, 9000), "tx_kbit_s": (0, 2000), "channel_busy_pct": (5, 40),
    "noise_dbm": (-95, -85), "latency_ms": (5, 90), "loss_pct": (0, 1),
}  # fmt: skip


class _Field:
    def __init__(self, port: int, rows: Sequence[dict[str, Any]], seed: int) -> None:
        self.port = port
        self.rng = random.Random(seed)
        self.units = [Unit(row, self.rng) for row in rows]
        self.order = list(range(len(self.units)))
        self.rng.shuffle(self.order)
        self.sent: list[Sent] = []
        self.acknowledged: set[Identity] = set()
        self.rate = 0.0
        self.resent = 0
        self.waiting = 0
        self.rebooted: dict[str, float] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self._next = 0
        self._owed = 0.0

    # --- connections ------------------------------------------------------------------------------------------

    async def open(self) -> int:
        """Connect everybody."""
        for i in range(0, len(self.units), 100):
            await asyncio.gather(*(self._join(u) for u in self.units[i : i + 100]))
        return len(self.units)

    async def _join(self, u: Unit) -> None:
        hello = connect_packet(u.name, PASSWORD, will=u.will)
        link: Connection | None = None
        while link is None and not u.dead:
            try:
                link = await connect(self.port, hello, self._acked, lambda _: self._lost(u))
            except (OSError, Refused):
                await asyncio.sleep(self.rng.uniform(0.1, 0.5))
        if link is None:
            return
        u.link = link
        now = time.time()
        birth = json.dumps({"online": True, "boot": u.boot, "ts": u.clock(now), "firmware": "2.1"}).encode()
        self._note(Sent(round(now * 1000), f"{u.topic}/state", birth, None))
        link.publish(f"{u.topic}/state", birth, None, retain=True)
        owed, u.owed = u.owed, []
        for topic, body, token in owed:
            link.publish(topic, body, token, dup=True)
            self.resent += 1

    def _note(self, message: Sent) -> None:
        self.sent.append(message)

    def _acked(self, token: object) -> None:
        if isinstance(token, Identity):
            self.acknowledged.add(token)
            self.waiting -= 1

    def _lost(self, u: Unit) -> None:
        if u.link is not None:
            u.owed += [(m.topic, m.body, m.token) for m in u.link.unacked.values() if m.token is not None]
            u.link = None
        if not u.dead:
            self._spawn(self._join(u))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # --- messages ---------------------------------------------------------------------------------------------

    def _speak(self, u: Unit) -> None:
        if u.link is None:
            return
        u.seq += 1
        now = time.time()
        said: dict[str, Any] = {"boot": u.boot, "seq": u.seq, "ts": u.clock(now)} | u.measure(self.rng)
        if u.say_faults is not None:
            said["faults"], u.say_faults = u.say_faults, None
        body = json.dumps(said).encode()
        who = Identity(u.name, u.boot, u.seq)
        self._note(Sent(round(now * 1000), f"{u.topic}/telemetry", body, who))
        self.waiting += 1
        u.link.publish(f"{u.topic}/telemetry", body, who)

    def _one(self) -> bool:
        for _ in range(len(self.order)):
            u = self.units[self.order[self._next]]
            self._next = (self._next + 1) % len(self.order)
            if u.open and not u.dead:
                self._speak(u)
                return True
        return False

    async def run(self) -> None:
        """Send at the rate that was asked for."""
        last = pinged = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            self._owed = min(self._owed + self.rate * (now - last), self.rate)
            last = now
            while self._owed >= 1:
                self._owed -= 1
                if not self._one():
                    break
            if now - pinged > PING_S:
                pinged = now
                for u in self.units:
                    if u.link is not None:
                        u.link.ping()

    # --- commands ---------------------------------------------------------------------------------------------

    async def pace(self, rate: float) -> None:
        """So many messages a second from now on."""
        self.rate, self._owed = rate, 0.0

    async def drained(self, limit_s: float = 60) -> int:
        """Wait until the broker acknowledged everything; how many messages that makes so far."""
        async with asyncio.timeout(limit_s):
            while self.waiting or any(not u.open and not u.dead for u in self.units):  # noqa: ASYNC110 - many events
                await asyncio.sleep(0.02)
        return len(self.acknowledged)

    async def burst(self, count: int) -> float:
        """As many messages as fast as the broker takes them; how many a second that was."""
        start, done = time.monotonic(), 0
        while done < count:
            while done < count and self.waiting < BURST_WINDOW and self._one():
                done += 1
                if not done % 200:
                    await asyncio.sleep(0)
            await asyncio.sleep(0.005)
        await self.drained(120)
        return count / (time.monotonic() - start)

    async def stir(self, breaking: int, mending: int) -> None:
        """Break some devices that never were broken, mend some that have been broken for a while."""
        now = time.monotonic()
        fresh = [u for u in self.units if u.broken_at is None and not u.dead]
        for u in self.rng.sample(fresh, min(breaking, len(fresh))):
            u.broken_at = now
            u.say_faults = [self.rng.choice(BROKEN.get(u.kind, OTHER_BROKEN))]
            u.mended = u.say_faults == ["impactDetected"]  # stays as it is
        ripe = [u for u in self.units if u.broken_at is not None and not u.mended and not u.dead]
        ripe = [u for u in ripe if not u.clock_wrong and now - (u.broken_at or now) > MENDABLE_AFTER_S]
        for u in self.rng.sample(ripe, min(mending, len(ripe))):
            u.mended = True
            u.say_faults = []

    async def kill(self, count: int) -> None:
        """So many devices fall silent for good; their connection stays open."""
        alive = [u for u in self.units if not u.dead and not u.clock_wrong and u.say_faults is None]
        for u in self.rng.sample(alive, min(count, len(alive))):
            u.dead = True

    async def reboot(self, count: int) -> int:
        """So many devices lose power and come back in 1970, each when nothing of it is in flight.

        Only whole ones, which may break later but are not mended: with four changes of health a device would be
        `unstable`, and how many changes a broken link makes depends on whether the hub was there to see it.
        """
        whole = [u for u in self.units if u.open and not u.dead and not u.clock_wrong and u.broken_at is None]
        chosen = self.rng.sample(whole, min(count, len(whole)))
        await asyncio.gather(*(self._reboot(u) for u in chosen))
        return len(chosen)

    async def _reboot(self, u: Unit) -> None:
        u.leaving = True
        while u.link is None or u.link.unacked:  # noqa: ASYNC110 - of two kinds
            await asyncio.sleep(0.01)
        self._note(Sent(round(time.time() * 1000), u.will.topic, u.will.body, None))
        u.link.close(politely=False)
        u.link = None
        await asyncio.sleep(self.rng.uniform(0.2, 1.0))
        u.reboot(self.rng)
        self.rebooted[u.name] = time.time()
        await self._join(u)
        u.leaving = False

    async def dump(self, path: str) -> int:
        """Write the ledger; how many identities stand in it."""
        dead = {u.name for u in self.units if u.dead}
        ledger = Ledger(self.sent, self.acknowledged, dead, self.resent, self.rebooted)
        await asyncio.to_thread(Path(path).write_bytes, pickle.dumps(ledger))
        return len(self.acknowledged)


def _process(port: int, rows: list[dict[str, Any]], seed: int, pipe: Pipe) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_open_files()
    asyncio.run(_serve(_Field(port, rows, seed), pipe))


async def _serve(field: _Field, pipe: Pipe) -> None:
    loop = asyncio.get_running_loop()
    runner = loop.create_task(field.run())
    try:
        while True:
            name, arguments = await loop.run_in_executor(None, pipe.recv)
            try:
                method: Callable[..., Any] = getattr(field, name)
                pipe.send((True, await method(*arguments)))
            except Exception as e:  # noqa: BLE001 - the other end raises it
                pipe.send((False, f"{type(e).__name__}: {e}"))
    except EOFError:
        for task in (runner, *field.tasks):
            task.cancel()


class Field:
    """The field's process, from outside."""

    def __init__(self, port: int, rows: list[dict[str, Any]], seed: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_process, args=(port, rows, seed, other), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def ask(self, command: str, *arguments: Any) -> Any:
        """Have a command carried out; its result. Raises RuntimeError with what went wrong there."""
        self._pipe.send((command, arguments))
        done, result = self._pipe.recv()
        if not done:
            raise RuntimeError(f"{command}: {result}")
        return result

    def ledger(self, path: Path) -> Ledger:
        """Everything so far."""
        self.ask("dump", str(path))
        found = pickle.loads(path.read_bytes())  # noqa: S301 - our own process wrote it
        assert isinstance(found, Ledger)
        return found
