"""Scale: 110,000 devices over 500 gateway connections, 60 s intervals, 15 minutes: memory, start, and who fell silent.

The first district's proportion of kinds; a gateway's user publishes for the 220 children of its realm, and for
itself. Every device reports once in 60 s at a phase of its own, 1,842 messages a second in all; its timeout is what
the hub takes by itself, 2.5 x 60 + 15 = 165 s. `SECONDS=` (900) is the time from the benchmark's start to its end,
set-up included; below 420 there are fewer devices at a shorter interval, at the same messages a second.

1. The registry is imported, the broker started, the gateways connect and publish everybody's birth (retained).
2. The hub starts. `start_s`: from exec to /healthz saying ready (registry loaded, all retained states delivered, its
   own marker back). Then every device reports; two thirds of the time that is left go by like this.
3. 5,000 devices at random (fewer below 420 s: 1 in 22) fall silent at one instant, their last messages lying in the
   interval before. When their timeouts begin to pass, 20,000 further messages of the others are sent as fast as the
   broker takes them.
4. Each silenced device's offline is stopped in another process, at the line of /api/events that first tells it,
   counted from when its last message was sent + timeout: `late_s` is the latest. `missed`: not told 30 s after the
   last timeout. `false_offline`: told offline at any time, and was never silent.
5. The hub is killed and started again, with its checkpoint, its journal, all retained states and what was queued:
   `restart_s`, to ready.

Memory is looked at every 2 s from ready to the end of step 4: `rss_mb` is the largest sum of RSS over the hub's
process tree, `uss_mb` its USS at the end, `broker_rss_mb` the broker's largest RSS. `deaf` counts the spans, after
the start, in which the hub said it could not hear; their time is no silence and so would be in `late_s`.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import pickle
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.mqtt_raw import Connection, Will, connect, connect_packet
from benchmarks.stage import (
    PASSWORD,
    Stage,
    cpu_s,
    finite,
    fleet,
    load,
    percentile,
    raise_open_files,
    reading,
    rss_mb,
    uss_mb,
)
from benchmarks.watcher import StreamReader, Told

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

DEVICES = 110_000
GATEWAYS = 500
INTERVAL_S = 60.0
SILENCED = 5000
BURST = 20_000
FULL_S = 900.0
SHORTEST_S = 420.0
"""Below this the interval shrinks."""
WAIT_S = 30.0
END_S = 45.0
"""Kept for the restart and the end."""
SEED = 11


class Plan(NamedTuple):
    """How much of it."""

    seconds: float
    devices: int
    gateways: int
    interval_s: float
    silenced: int
    burst: int

    @property
    def timeout_s(self) -> float:
        """What the hub takes for silence."""
        return 2.5 * self.interval_s + 15


def planned(seconds: float) -> Plan:
    """110,000 at 60 s, or fewer at a shorter interval where the time is short."""
    share = min(1.0, seconds / SHORTEST_S)
    devices = max(220, int(DEVICES * share) // 220 * 220)
    return Plan(seconds, devices, devices // 220, INTERVAL_S * share, devices // 22, int(BURST * share))


class Silence(NamedTuple):
    """What the field reports: monotonic s of the last message of each silenced device; how far behind it was."""

    last: dict[str, float]
    lag_p99_ms: float
    sent: int


class Field:
    """All devices and their gateways, inside their own process."""

    def __init__(self, port: int, rows: list[dict[str, Any]], plan: Plan) -> None:
        self.port, self.rows, self.plan = port, rows, plan
        self.rng = random.Random(SEED)
        self.order = list(range(len(rows)))
        self.rng.shuffle(self.order)
        self.boots = [self.rng.getrandbits(32) for _ in rows]
        self.seqs = [0] * len(rows)
        self.last = [0.0] * len(rows)
        self.links: dict[str, Connection] = {}
        self.silent: set[int] = set()
        self.lags: list[float] = []
        self.extra = 0

    async def open(self) -> None:
        """Connect the gateways, and publish everybody's birth."""
        gateways = [(i, r) for i, r in enumerate(self.rows) if r["kind"] == "gateway"]
        for i, row in gateways:
            will = Will(f"vh/1/{row['realm']}/{row['name']}/state", _state(self.boots[i], online=False))
            self.links[row["realm"]] = await connect(
                self.port, connect_packet(row["name"], PASSWORD, will=will)
            )
        for i, row in enumerate(self.rows):
            topic = f"vh/1/{row['realm']}/{row['name']}/state"
            self.links[row["realm"]].publish(topic, _state(self.boots[i], online=True), retain=True)
            if not i % 500:
                await self._settled(5000)
        await self._settled(0)

    async def _settled(self, most: int) -> None:
        while sum(len(link.unacked) for link in self.links.values()) > most:  # noqa: ASYNC110 - many events
            await asyncio.sleep(0.01)

    def speak(self, i: int) -> None:
        """One reading of one device."""
        row = self.rows[i]
        self.seqs[i] += 1
        self.last[i] = time.monotonic()
        body = reading(row["kind"], self.boots[i], self.seqs[i], self.rng)
        self.links[row["realm"]].publish(f"vh/1/{row['realm']}/{row['name']}/telemetry", body)

    async def run(self) -> None:
        """Everybody once an interval, evenly, as an open loop; and what is asked for besides."""
        step = self.plan.interval_s / len(self.order)
        start = pinged = time.monotonic()
        n = 0
        while True:
            now = time.monotonic()
            while (due := start + n * step) <= now:
                i = self.order[n % len(self.order)]
                n += 1
                if i not in self.silent:
                    self.speak(i)
                    if not n % 10:
                        self.lags.append((time.monotonic() - due) * 1000)
            await self._more()
            if now - pinged > 20:
                pinged = now
                for link in self.links.values():
                    link.ping()
            await asyncio.sleep(0.005)

    async def _more(self) -> None:
        """The burst."""
        alive = [i for i in self.rng.sample(self.order, 1000) if i not in self.silent] if self.extra else []
        for i in alive[: min(500, self.extra)]:
            self.speak(i)
            self.extra -= 1

    def silence(self) -> None:
        """So many devices, but no gateway, never speak again."""
        children = [i for i in self.order if self.rows[i]["kind"] != "gateway"]
        self.silent = set(self.rng.sample(children, self.plan.silenced))

    def report(self) -> Silence:
        """What is wanted at the end."""
        return Silence(
            {self.rows[i]["name"]: self.last[i] for i in self.silent},
            percentile(self.lags, 0.99),
            sum(self.seqs),
        )


def _state(boot: int, *, online: bool) -> bytes:
    return json.dumps({"online": online, "boot": boot, "model": "VL-60", "firmware": "4.2.11"}).encode()


async def _serve(field: Field, pipe: Pipe, file: str) -> None:
    await field.open()
    pipe.send("open")
    runner: asyncio.Task[None] | None = None
    while (word := await asyncio.to_thread(pipe.recv)) != "end":
        if word == "run":
            runner = asyncio.get_running_loop().create_task(field.run())
        elif word == "silence":
            field.silence()
        elif word == "burst":
            field.extra = field.plan.burst
        elif word == "report":
            await asyncio.to_thread(Path(file).write_bytes, pickle.dumps(field.report()))
        pipe.send("alive" if runner is None or not runner.done() else f"dead: {runner.exception()}")


def _process(port: int, rows: list[dict[str, Any]], plan: Plan, pipe: Pipe, file: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_open_files()
    asyncio.run(_serve(Field(port, rows, plan), pipe, file))


class Remote:
    """The field's process, from outside."""

    def __init__(self, stage: Stage, rows: list[dict[str, Any]], plan: Plan) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._file = stage.folder / "silence"
        self.process = spawn.Process(
            target=_process, args=(stage.port, rows, plan, other, str(self._file)), daemon=True
        )
        self.process.start()
        other.close()

    def tell(self, word: str) -> None:
        """One of its words. Raises RuntimeError where the field is broken."""
        self._pipe.send(word)
        answer = self._pipe.recv()
        if answer != "alive":
            raise RuntimeError(f"the field: {answer}")

    def opened(self) -> None:
        """Wait until everybody is born."""
        assert self._pipe.recv() == "open"

    def report(self) -> Silence:
        """What it noted."""
        self.tell("report")
        found = pickle.loads(self._file.read_bytes())  # noqa: S301 - our own process wrote it
        assert isinstance(found, Silence)
        return found

    def end(self) -> None:
        """Away with it."""
        self.process.kill()
        self.process.join()


class Memory:
    """The largest that was seen."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.hub = self.broker = 0.0

    def watch(self, seconds: float) -> None:
        """Sleep, and look every two seconds."""
        end = time.monotonic() + seconds
        while True:
            self.hub = max(self.hub, rss_mb(self._stage.hub))
            self.broker = max(self.broker, rss_mb(self._stage.broker))
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(2.0, left))


def run(stage: Stage, plan: Plan, began: float) -> dict[str, Any]:
    """The steps of the docstring."""
    every = {"interval_s": plan.interval_s, "lifecycle": "active"}
    rows = fleet(plan.devices, plan.gateways, gateways=True, **every)

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    stage.register(rows, plan.gateways)
    say(f"{len(rows)} devices registered")
    stage.start_broker()
    field = Remote(stage, rows, plan)
    try:
        field.opened()
        say("born, retained")
        at = stage.start_hub()
        start_s = stage.wait_ready(180) - at
        say(f"the hub was ready after {start_s:.1f} s")
        silent_at = began + plan.seconds - END_S - WAIT_S - plan.timeout_s
        steady_s = max(plan.interval_s * 1.2, silent_at - time.monotonic())
        with StreamReader(stage.web, stage.folder) as stream:
            field.tell("run")
            memory, cpu = Memory(stage), cpu_s(stage.hub)
            memory.watch(steady_s)
            cpu = cpu_s(stage.hub) - cpu
            field.tell("silence")
            say(f"{plan.silenced} silenced; {memory.hub:.0f} MB")
            memory.watch(plan.timeout_s - plan.interval_s / 2)
            field.tell("burst")
            memory.watch(plan.interval_s / 2 + WAIT_S)
            told, silence = stream.end(), field.report()
        figures = _judged(told, silence, plan)
        figures |= {"rss_mb": round(memory.hub), "uss_mb": round(uss_mb(stage.hub))}
        figures |= {"broker_rss_mb": round(memory.broker), "start_s": round(start_s, 1)}
        stage.stop_hub(kill=True)
        at = stage.start_hub()
        figures["restart_s"] = round(stage.wait_ready(180) - at, 1)
        figures |= {"hub_cpu_share": round(cpu / steady_s, 2), "deaf": _deaf(stage.database)}
    finally:
        field.end()
    return figures


def _judged(told: Told, silence: Silence, plan: Plan) -> dict[str, Any]:
    offline = {name: at for (name, health), at in told.health.items() if health == "offline"}
    late = [offline[name] - last - plan.timeout_s for name, last in silence.last.items() if name in offline]
    return {
        "late_s": finite(max(late, default=float("inf"))),
        "late_p50_s": finite(percentile(late, 0.5)),
        "earliest_s": finite(min(late, default=float("inf"))),
        "missed": len(silence.last) - len(late),
        "false_offline": len(offline.keys() - silence.last.keys()),
        "silenced": len(silence.last),
        "messages": silence.sent,
        "send_lag_p99_ms": finite(silence.lag_p99_ms),
        "resynchronised": told.snapshots - 1,
    }


def _deaf(database: Path) -> list[tuple[str, float]]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        found = db.execute(
            'SELECT reason, ("end" - start) / 1000.0 FROM deaf WHERE reason != ? ORDER BY id', ("start",)
        )
        return [(str(reason), float(s)) for reason, s in found]


def main() -> None:
    """Run, and print the figures."""
    plan, began, before = planned(float(os.environ.get("SECONDS", FULL_S))), time.monotonic(), load()
    with Stage() as stage:
        figures = run(stage, plan, began)
    figures |= {
        "devices": plan.devices,
        "gateways": plan.gateways,
        "interval_s": plan.interval_s,
        "seconds": round(time.monotonic() - began),
        "load": [before, load()],
    }
    if plan.seconds < FULL_S:
        figures["quick"] = True
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
