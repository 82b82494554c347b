"""Latency: from a device's faulty reading to the line of the stream that tells of its incident.

4,730 devices in the district's proportion, 101 realms, a connection each with will and birth, send 2,000 telemetry
messages a second for 120 s (SECONDS= for another time) from a process of their own, one after the other in a seeded
order that never changes. It is an open loop: message n is due n/2,000 s after the start whatever the broker does,
and latency counts from when it was due, not from when it could be sent.

1,200 lights (of 1,800; fewer where the time is too short for 10 a second), all different, chosen and spread over the
first 95 % of the time by the seed, report `lampFailure` once: the shipped rule lamp-failed, which raises at once.
Each one's latency is stopped in another process when that has read the line of /api/events in which the incident of
this rule and device first stands (CLOCK_MONOTONIC in both). A light of which nothing was told 5 s after the end
counts as infinite. A third process loads the page `/` once a second meanwhile.

Before the clock starts every device has sent one reading, the stream is open, and two seconds have passed.

Figures in ms: `p50_ms`, `p99_ms` (nearest rank), `max_ms` (null: infinite), `missing`, of `faults`; `page_p50_ms`,
`page_max_ms`; `send_lag_p99_ms`, by how much the sender was behind its schedule, contained in the latencies.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import pickle
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.mqtt_raw import Connection, Will, connect, connect_packet
from benchmarks.stage import (
    DISTRICT,
    PASSWORD,
    Stage,
    cpu_s,
    finite,
    fleet,
    load,
    percentile,
    raise_open_files,
    reading,
)
from benchmarks.watcher import PageLoader, StreamReader

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

RATE = 2000
REALMS = 101
FAULTS = 1200
FAULTS_S = 10
GRACE_S = 5
RULE = "lamp-failed"
SEED = 7


class Sent(NamedTuple):
    """What the field reports: when each faulty reading was due (monotonic s), and how late each message was sent."""

    due: dict[str, float]
    lags_ms: list[float]


class Field:
    """The devices, inside their own process."""

    def __init__(self, port: int, rows: list[dict[str, Any]], seconds: float) -> None:
        self.port, self.rows, self.seconds = port, rows, seconds
        self.rng = random.Random(SEED)
        self.order = list(range(len(rows)))
        self.rng.shuffle(self.order)
        self.boots = [self.rng.getrandbits(32) for _ in rows]
        self.seqs = [0] * len(rows)
        self.links: list[Connection] = []
        self.ill: set[int] = set()

    async def open(self) -> None:
        """Connect everybody, each with its birth and a first reading."""
        for start in range(0, len(self.rows), 100):
            some = range(start, min(start + 100, len(self.rows)))
            self.links += await asyncio.gather(*(self._join(i) for i in some))
        for i in range(len(self.rows)):
            self.speak(i)
            if not i % 50:
                await asyncio.sleep(0.02)

    async def _join(self, i: int) -> Connection:
        row = self.rows[i]
        topic = f"vh/1/{row['realm']}/{row['name']}/state"
        will = Will(topic, json.dumps({"online": False, "boot": self.boots[i]}).encode())
        link = await connect(self.port, connect_packet(row["name"], PASSWORD, will=will))
        link.publish(topic, json.dumps({"online": True, "boot": self.boots[i]}).encode(), retain=True)
        return link

    def speak(self, i: int) -> None:
        """One reading of one device."""
        row = self.rows[i]
        self.seqs[i] += 1
        body = reading(row["kind"], self.boots[i], self.seqs[i], self.rng, fault=i in self.ill)
        self.links[i].publish(f"vh/1/{row['realm']}/{row['name']}/telemetry", body)

    def faulty(self) -> set[int]:
        """Numbers of the messages that are the first faulty ones of their light: message n is of device n mod all."""
        total, size = int(self.seconds * RATE), len(self.order)
        lights = [at for at, i in enumerate(self.order) if self.rows[i]["kind"] == "solar_light"]
        chosen = self.rng.sample(lights, min(FAULTS, int(self.seconds * FAULTS_S)))
        last = int(total * 0.95)
        found = set()
        for at in chosen:
            turns = max(1, (last - at + size - 1) // size)
            found.add(at + size * self.rng.randrange(turns))
        return {n for n in found if n < last}

    async def send(self, start: float) -> Sent:
        """The open loop."""
        faults, due_of, lags = self.faulty(), dict[str, float](), []
        total, size = int(self.seconds * RATE), len(self.order)
        pinged = start
        for n in range(total):
            due = start + n / RATE
            while (early := due - time.monotonic()) > 0:  # noqa: ASYNC110 - a clock
                await asyncio.sleep(min(early, 0.005))
            i = self.order[n % size]
            if n in faults:
                self.ill.add(i)
                due_of[self.rows[i]["name"]] = due
            self.speak(i)
            lags.append((time.monotonic() - due) * 1000)
            if not n % 20:
                await asyncio.sleep(0)
            if time.monotonic() - pinged > 20:
                pinged = time.monotonic()
                for link in self.links:
                    link.ping()
        return Sent(due_of, lags)


async def _run(port: int, rows: list[dict[str, Any]], seconds: float, pipe: Pipe, file: str) -> None:
    field = Field(port, rows, seconds)
    await field.open()
    pipe.send("open")
    start = await asyncio.to_thread(pipe.recv)
    sent = await field.send(start)
    await asyncio.to_thread(Path(file).write_bytes, pickle.dumps(sent))
    pipe.send("done")
    await asyncio.to_thread(pipe.recv)


def _process(port: int, rows: list[dict[str, Any]], seconds: float, pipe: Pipe, file: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_open_files()
    asyncio.run(_run(port, rows, seconds, pipe, file))


def measure(stage: Stage, seconds: float) -> dict[str, Any]:
    """The figures, of a stage whose hub is ready."""
    rows = fleet(DISTRICT, REALMS, gateways=False, interval_s=60, lifecycle="active")
    spawn = multiprocessing.get_context("spawn")
    pipe, other = spawn.Pipe()
    file = stage.folder / "sent"
    process = spawn.Process(target=_process, args=(stage.port, rows, seconds, other, str(file)), daemon=True)
    process.start()
    try:
        assert pipe.recv() == "open"
        print(f"{len(rows)} devices connected", flush=True)
        with StreamReader(stage.web, stage.folder) as stream, PageLoader(stage.web, stage.folder) as pages:
            time.sleep(2)
            cpu = cpu_s(stage.hub)
            pipe.send(time.monotonic() + 0.1)
            assert pipe.recv() == "done"
            cpu = cpu_s(stage.hub) - cpu
            print("sent", flush=True)
            time.sleep(GRACE_S)
            told, loads = stream.end(), pages.end()
        sent = pickle.loads(file.read_bytes())  # noqa: S301 - our own process wrote it
        pipe.send("end")
    finally:
        process.kill()
        process.join()
    ms = [(told.incidents.get((name, RULE), float("inf")) - due) * 1000 for name, due in sent.due.items()]
    return {
        "p50_ms": finite(percentile(ms, 0.5)),
        "p99_ms": finite(percentile(ms, 0.99)),
        "max_ms": finite(max(ms)),
        "missing": sum(v == float("inf") for v in ms),
        "faults": len(ms),
        "page_p50_ms": finite(percentile(loads, 0.5)),
        "page_max_ms": finite(max(loads, default=float("inf"))),
        "pages": len(loads),
        "send_lag_p99_ms": finite(percentile(sent.lags_ms, 0.99)),
        "resynchronised": told.snapshots - 1,
        "hub_cpu_share": round(cpu / seconds, 2),
    }


def main() -> None:
    """Run, and print the figures."""
    seconds = float(os.environ.get("SECONDS", "120"))
    before = load()
    with Stage() as stage:
        stage.register(fleet(DISTRICT, REALMS, gateways=False, interval_s=60, lifecycle="active"), REALMS)
        stage.start_broker()
        stage.start_hub()
        stage.wait_ready()
        figures = measure(stage, seconds)
    figures |= {"rate": RATE, "seconds": seconds, "load": [before, load()]}
    if seconds < 120:
        figures["quick"] = True
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
