"""History: how small the past is, how fast it is packed and asked for.

4,730 devices (FLEET=) of the district's kinds at one reading a minute. DAYS= (29) days are written through the packer's
own writer, MINUTES= (1,440) more through a journal that the packing process's own code then packs. Nothing else runs:
what packing costs an ingest beside it is not measured here.

Figures: `bytes_per_reading` (all files / all readings), `gb_per_day_district` (the same a day), `pack_s` (the last
day from the journal into files, scaled to 1,440 minutes of 4,730 devices), `query_p95_ms` (one device's whole past
for a chart, 30 random devices).
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.stage import DISTRICT, load, percentile, proportioned, reading
from devices.device import Device, Kind
from drivers.contract import Key
from drivers.native import Native
from hub import registry
from hub.history import cursor, files, pack
from hub.history.journal import Row
from hub.history.query import History
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from devices.field import Value

DAYS = int(os.environ.get("DAYS", "29"))
FLEET = int(os.environ.get("FLEET", str(DISTRICT)))
MINUTES = int(os.environ.get("MINUTES", "1440"))
START = 1_790_010_000_000 // files.DAY_MS * files.DAY_MS - files.HANOI_MS
DEVICES = [Device(f"{k[:2]}-{i}", Kind(k), "r", "") for i, k in enumerate(proportioned(FLEET))]


def written(folder: Path, rng: random.Random) -> int:
    """Days written directly; how many readings."""
    count = 0
    kinds = {d.kind for d in DEVICES}
    with closing(files.connect(threads=2, memory="1GB", spill=folder / "spill")) as db:
        for kind in kinds:
            mine = [d for d in DEVICES if d.kind is kind]
            said = {d.name: [_values(d, rng) for _ in range(60)] for d in mine}
            for day in range(DAYS):
                start = START + day * files.DAY_MS
                rows = [
                    (
                        d.name,
                        Row(
                            1,
                            0,
                            start + m * 60_000 + rng.randrange(900),
                            1,
                            m,
                            late=False,
                            values=rng.choice(said[d.name]),
                        ),
                    )
                    for d in mine
                    for m in range(1440)
                ]
                files.write(
                    db, files.path_of(folder, kind, files.day_of(start), day + 1, day + 1), kind, rows
                )
                count += len(rows)
    return count


def _values(device: Device, rng: random.Random) -> dict[str, Value]:
    body = reading(device.kind.value, 1, 1, rng)
    event = Native().read(Key("r", device.name, "telemetry"), body, 0, device)[0]
    return dict(event.values)  # type: ignore[union-attr]


def journaled(store: Store, rng: random.Random, newest: dict[str, int]) -> int:
    """The last day as the road would store it; its readings."""
    ids = dict(store.rows("SELECT name, id FROM device"))
    pos = DAYS
    for minute in range(MINUTES):
        writes = Writes()
        for d in DEVICES:
            pos += 1
            at = START + DAYS * files.DAY_MS + minute * 60_000 + rng.randrange(900)
            writes.journal += (
                pos,
                newest[d.name],
                ids[d.name],
                at,
                1,
                reading(d.kind.value, 1, minute + 1, rng),
            )
            newest[d.name] = pos
        store.commit(writes)
    return MINUTES * len(DEVICES)


def main() -> None:
    """Run, and print the figures."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="village-hub-bench-") as name:
        folder = Path(name)
        store = Store(folder)
        writes = Writes()
        for d in DEVICES:
            registry.put_device(writes, d, "")
        cursor.move(writes, cursor.HISTORY, DAYS)
        store.commit(writes)
        count = written(folder, rng)
        print(f"{count:,} readings written", flush=True)
        newest = dict.fromkeys((d.name for d in DEVICES), 0)
        hot = journaled(store, rng, newest)

        def told(reached: int) -> bool:
            moved = Writes()
            cursor.move(moved, cursor.HISTORY, reached)
            store.commit(moved)
            return True

        start = time.monotonic()
        pack.pack(folder, DAYS, told)
        packed_s = time.monotonic() - start
        history = History(folder, newest.__getitem__)
        took = []
        for d in rng.sample(DEVICES, 30):
            start = time.monotonic()
            history.points(d, START, START + (DAYS + 1) * files.DAY_MS, 7_200_000)
            took.append((time.monotonic() - start) * 1000)
        size = sum(f.stat().st_size for f in folder.glob("history/*/*.parquet"))
        store.close()
    per = size / (count + hot)
    figures = {
        "bytes_per_reading": round(per, 2),
        "gb_per_day_district": round(per * DISTRICT * 1440 / 1e9, 4),
        "query_p95_ms": round(percentile(took, 0.95), 1),
        "pack_s": round(packed_s * 1440 / MINUTES * DISTRICT / FLEET, 1),
        "readings": count + hot,
        "devices": FLEET,
        "days": DAYS,
        "minutes_journaled": MINUTES,
        "load": load(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
