"""History: how small the past is, how fast it is packed and asked for, and what packing costs the road beside it.

4,730 devices (FLEET=) of the district's kinds at one reading a minute, 30 days (DAYS=) up to last midnight in Hà Nội.
The newest of them (MINUTES= of it, 1,440) stands in the journal as the road stores it. A real hub on a real mosquitto
is started on it, with 2,000 messages a second (RATE=) coming in: it finds the journal unpacked and packs. When it is
done the other days are made from that day's files by the packer's own writer: the same readings, each day moved by
another number of minutes, and with another second of the minute. Then the same messages go on for SECONDS= (60),
and one device's whole past is asked for by its chart's address, 100 random devices after each other.

Figures: `bytes_per_reading` (all files / all readings in them), `gb_per_day_district` (the same a day), `pack_s` (the
packing process from its start to its end, scaled to 1,440 minutes of 4,730 devices), `query_p95_ms` (while ingest
runs), `ingest_slowdown_pct` (by how much fewer messages were stored a second while it packed than afterwards; below
0 is noise), and beside it `lag_p95_ms` of both (how far the journal was behind the sender, sampled every 100 ms).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import socket
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.mqtt_raw import connect_packet, publish_packet
from benchmarks.stage import DISTRICT, PASSWORD, Stage, fleet, load, percentile, reading, wait
from devices.device import Kind
from hub.history import files
from hub.history.cursor import HISTORY
from hub.history.cursor import read as read_cursor
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = int(os.environ.get("DAYS", "30"))
COUNT = int(os.environ.get("FLEET", str(DISTRICT)))
MINUTES = int(os.environ.get("MINUTES", "1440"))
RATE = int(os.environ.get("RATE", "2000"))
SECONDS = float(os.environ.get("SECONDS", "60"))
QUERIES = 100
REALMS = min(101, COUNT)
TODAY = (int(time.time() * 1000) + files.HANOI_MS) // files.DAY_MS * files.DAY_MS - files.HANOI_MS
LAST = TODAY - files.DAY_MS
ROWS = fleet(COUNT, REALMS, gateways=True, interval_s=60, lifecycle="active")
EVERYBODY = [(d["name"], d["kind"], d["realm"]) for d in ROWS if d["kind"] != "gateway"]


def journaled(stage: Stage, rng: random.Random) -> int:
    """The last day as the road would have stored it; its readings."""
    with closing(Store(stage.folder)) as store:
        ids = dict(store.rows("SELECT name, id FROM device"))
        newest = dict.fromkeys(ids, 0)
        pos = store.next_pos - 1
        for minute in range(MINUTES):
            writes = Writes()
            for name, kind, _ in EVERYBODY:
                pos += 1
                at = LAST + minute * 60_000 + rng.randrange(1000)
                body = reading(kind, 1, minute + 1, rng)
                writes.journal += (pos, newest[name], ids[name], at, 1, body)
                newest[name] = pos
            store.set_meta(writes, "checkpoint_pos", pos)
            store.commit(writes)
            _progress("minutes of the last day", minute + 1, MINUTES)
    return MINUTES * len(EVERYBODY)


def multiplied(stage: Stage, reached: int) -> int:
    """The other days, from the last one; their readings. The hub may run: their positions are within its cursor."""
    count = 0
    with closing(files.connect(threads=2, memory="2GB", spill=stage.folder / "spill")) as db:
        for kind in sorted({Kind(k) for _, k, _ in EVERYBODY}):
            path = next(f.path for f in files.every(stage.folder, kind) if f.day == files.day_of(LAST))
            day = f"read_parquet('{path}')"
            many = db.execute(f"SELECT count(*) FROM {day}").fetchone()  # noqa: S608 - our own path
            for back in range(1, DAYS):
                moved = (
                    f'make_timestamp_ms({LAST - back * files.DAY_MS} + (epoch_ms("at") - {LAST} + {back} * 2820000) '
                    f"// 60000 * 60000 % {files.DAY_MS} + CAST(hash(pos, {back}) % 1000 AS BIGINT))"
                )
                query = f'SELECT * REPLACE ({moved} AS "at") FROM {day}'  # noqa: S608 - numbers
                name = files.day_of(LAST - back * files.DAY_MS)
                files.write_from(db, files.path_of(stage.folder, kind, name, reached, reached), kind, query)
                count += many[0] if many is not None else 0
                _progress(f"days of {kind.value}", back, DAYS - 1)
    return count


def _progress(what: str, done: int, of: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{done:,} of {of:,} {what}", end="\n" if done == of else "", flush=True)
    elif done == of or done % 240 == 0:
        print(f"{done:,} of {of:,} {what}", flush=True)


# --- the road beside it ---------------------------------------------------------------------------------------


def send(port: int, sent: Any, pipe: Any) -> None:
    """The sender's process: RATE messages a second over one connection a realm, until told to end."""
    rng = random.Random(11)
    links: dict[str, socket.socket] = {}
    for i in range(REALMS):
        s = links[f"r{i}"] = socket.create_connection(("127.0.0.1", port))
        s.sendall(connect_packet(f"gw-{i}", PASSWORD))
        if s.recv(4)[3:] != b"\x00":
            raise RuntimeError("the broker refused a sender")
        s.setblocking(False)
    boots = {name: rng.getrandbits(32) for name, _, _ in EVERYBODY}
    start, number = time.monotonic(), 0
    while not pipe.poll():
        due = int((time.monotonic() - start) * RATE)
        for _ in range(number, due):
            name, kind, realm = EVERYBODY[number % len(EVERYBODY)]
            body = reading(kind, boots[name], number // len(EVERYBODY) + 1, rng)
            packet = publish_packet(f"vh/1/{realm}/{name}/telemetry", body, number % 65535 + 1)
            links[realm].sendall(packet)
            number += 1
        sent.value = number
        for s in links.values():
            try:
                s.recv(65536)
            except BlockingIOError:
                continue
        time.sleep(0.01)
    for s in links.values():
        s.close()


@dataclass
class Watched:
    """What was stored while something happened."""

    rate: float
    lags: list[float]


def watch(database: sqlite3.Connection, sent: Any, floor: int, done: Callable[[], bool]) -> Watched:
    """Look until `done`; `floor` is the journal's end before anything was sent."""

    def stored() -> int:
        return int(database.execute("SELECT max(pos) FROM journal").fetchone()[0])

    start, first = time.monotonic(), stored()
    lags = []
    while not done():
        lags.append(max(0, int(sent.value) + floor - stored()) / RATE * 1000)
        time.sleep(0.1)
    return Watched((stored() - first) / (time.monotonic() - start), lags)


class Packing:
    """The packing process of a hub, as the system sees it."""

    def __init__(self, stage: Stage) -> None:
        assert stage.hub is not None
        self._hub = psutil.Process(stage.hub.pid)
        self.process: psutil.Process | None = None

    def begun(self) -> bool:
        """True as soon as it is there."""
        for child in self._hub.children():
            if "hub.history.pack" in child.cmdline():
                self.process = child
                return True
        return False

    def over(self) -> bool:
        """True as soon as it is not."""
        assert self.process is not None
        return not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE


def asked(stage: Stage, rng: random.Random) -> list[float]:
    """How long one device's whole past takes, in ms."""
    took = []
    since = LAST - (DAYS - 1) * files.DAY_MS
    for name, _, _ in rng.sample(EVERYBODY, min(QUERIES, len(EVERYBODY))):
        start = time.monotonic()
        said = stage.get_json(f"/api/devices/{name}/history?since={since}&until={TODAY}&points=361")
        took.append((time.monotonic() - start) * 1000)
        if len(said["points"]) < (DAYS - 1) * 12:
            raise RuntimeError(f"{name}: only {len(said['points'])} points")
        time.sleep(SECONDS / QUERIES / 2)
    return took


def main() -> None:
    """Run, and print the figures."""
    multiprocessing.set_start_method("fork")
    rng = random.Random(7)
    with Stage() as stage:
        free = shutil.disk_usage(stage.folder).free
        if free < 4 * COUNT * MINUTES * 400:
            sys.exit(f"this needs {4 * COUNT * MINUTES * 400 / 1e9:.0f} GB free, there are {free / 1e9:.0f}")
        with stage.settings.open("a") as f:
            f.write("[journal]\nkeep_h = 8000\n")
        stage.register(ROWS, REALMS)
        hot = journaled(stage, rng)
        stage.start_broker()
        with closing(sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)) as database:
            figures = run(stage, database, hot, rng)
    print(json.dumps(figures))


def run(stage: Stage, database: sqlite3.Connection, hot: int, rng: random.Random) -> dict[str, Any]:
    """From the hub's start to the figures."""
    stage.start_hub()
    stage.wait_ready()
    packing = Packing(stage)
    wait(packing.begun, 120, "the hub to pack", 0.01)
    assert packing.process is not None
    began = packing.process.create_time()
    floor = int(database.execute("SELECT max(pos) FROM journal").fetchone()[0])
    sent = multiprocessing.Value("q", 0, lock=False)
    mine, other = multiprocessing.Pipe()
    sender = multiprocessing.Process(target=send, args=(stage.port, sent, other))
    sender.start()
    try:
        wait(lambda: sent.value > 0, 30, "the sender")
        during = watch(database, sent, floor, packing.over)
        pack_s = time.time() - began
        print(f"packed in {pack_s:.1f} s, {during.rate:,.0f} msg/s stored meanwhile", flush=True)
        reached = read_cursor(stage.database, HISTORY)
        count = multiplied(stage, min(reached, hot))
        end = time.monotonic() + SECONDS
        after = watch(database, sent, floor, lambda: time.monotonic() > end)
        took = asked(stage, rng)
    finally:
        mine.send("end")
        sender.join(30)
    days = {files.day_of(LAST - back * files.DAY_MS) for back in range(DAYS)}
    size = sum(
        f.path.stat().st_size for kind in Kind for f in files.every(stage.folder, kind) if f.day in days
    )
    per = size / (count + hot)
    return {
        "bytes_per_reading": round(per, 2),
        "gb_per_day_district": round(per * DISTRICT * 1440 / 1e9, 4),
        "query_p95_ms": round(percentile(took, 0.95), 1),
        "query_p50_ms": round(percentile(took, 0.5), 1),
        "pack_s": round(pack_s * 1440 / MINUTES * DISTRICT / COUNT, 1),
        "ingest_slowdown_pct": round(100 * (1 - during.rate / after.rate), 1),
        "ingest_rate": round(after.rate),
        "ingest_rate_packing": round(during.rate),
        "lag_p95_ms": round(percentile(after.lags, 0.95)),
        "lag_p95_ms_packing": round(percentile(during.lags, 0.95)),
        "readings": count + hot,
        "devices": COUNT,
        "days": DAYS,
        "minutes_journaled": MINUTES,
        "load": load(),
    }


if __name__ == "__main__":
    main()
