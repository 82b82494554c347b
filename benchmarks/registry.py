"""The registry at 110,000 devices: import of a CSV, search, credentials at a broker that goes on publishing.

A hub with 500 villages and no device runs beside a real mosquitto. `import_s`: from sending a CSV of 110,000 devices
(the district's proportion, 500 gateways, Vietnamese titles) to `/api/registry/import` until its answer: all of it
checked, stored with an audit entry a device, and followed by the tracker. `search_p95_ms`: 200 seeded words without
diacritics, one after the other, at `/api/devices?q=`, from request to the whole answer. `acl_reload_s`: from the
first byte of the broker's new files, with a password for each of 110,000 devices, written as the hub writes them,
over SIGHUP, until the last of these devices can log in; meanwhile a publisher sends 100 messages a second at QoS 1:
`publish_gap_ms` is the longest time without an acknowledgement, `publish_lost` what was never acknowledged.
`hash_s` is what hashing 110,000 new passwords takes. DEVICES= takes fewer.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from benchmarks.mqtt_raw import Connection, Refused, connect, connect_packet
from benchmarks.stage import PASSWORD, Stage, finite, load, percentile, proportioned, rss_mb, wait
from devices.device import Device, Kind
from hub import access, registry_csv

if TYPE_CHECKING:
    from pathlib import Path

REALMS = 500
SEARCHES = 200
STREETS = (
    "ngõ Đình",
    "đường Đê",
    "cổng Làng",
    "ngã ba Chợ",
    "Giếng Tiên",
    "trường Mầm non",
    "nhà Văn hóa",
    "ao Cá",
)
WORDS = (
    "ngo dinh",
    "duong de",
    "cong lang",
    "nga ba cho",
    "gieng tien",
    "truong mam non",
    "nha van hoa",
    "ao ca",
)
EVERY_S = 0.01


def devices(count: int) -> list[Device]:
    """Gateways first."""
    found = [
        Device(f"gw-{r}", Kind.GATEWAY, f"r{r}", f"thon-{r}", f"Cổng kết nối thôn {r}") for r in range(REALMS)
    ]
    for i, kind in enumerate(proportioned(count)):
        r = i % REALMS
        street = STREETS[i % len(STREETS)]
        title = f"Thiết bị {i}, {street}"
        lat, lon = 21.0 + (r % 50) / 500, 105.6 + (r // 50) / 100
        name = f"{kind[:2]}-{i}"
        found.append(
            Device(
                name,
                Kind(kind),
                f"r{r}",
                f"thon-{r}",
                title,
                place=street,
                uplink_by=f"gw-{r}",
                lat=lat,
                lon=lon,
            )
        )
    return found


def send(stage: Stage, text: str) -> dict[str, Any]:
    """Import it; the answer."""
    body = json.dumps({"csv": text}).encode()
    headers = {"X-Village-Hub": "1", "X-Village-Hub-Person": "bench", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{stage.url}/api/registry/import", body, headers)  # noqa: S310 - our own
    with urllib.request.urlopen(asked, timeout=600) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
        return found


def search(stage: Stage, rng: random.Random, count: int) -> list[float]:
    """Milliseconds of each search."""
    found = []
    for _ in range(SEARCHES):
        word = rng.choice((rng.choice(WORDS), f"thiet bi {rng.randrange(count)}"))
        start = time.perf_counter()
        answer = stage.get_json("/api/devices?q=" + word.replace(" ", "+"))
        found.append((time.perf_counter() - start) * 1000)
        assert answer["total"], word
    return found


class Publisher:
    """Sends on, and knows the longest time without an acknowledgement."""

    def __init__(self) -> None:
        self.gap, self.sent, self.acked, self._last = 0.0, 0, 0, time.perf_counter()

    def _on_ack(self, _token: object) -> None:
        now = time.perf_counter()
        self.gap, self._last, self.acked = max(self.gap, now - self._last), now, self.acked + 1

    async def run(self, link: Connection, ended: asyncio.Event) -> None:
        """Until told to end."""
        while not ended.is_set():
            self.sent += 1
            link.publish("vh/1/hub/bench/probe", b"x", self.sent)
            await asyncio.sleep(EVERY_S)

    async def begin(self, port: int) -> Connection:
        """Connect as the hub's user."""
        self._last = time.perf_counter()
        return await connect(
            port, connect_packet("hub", PASSWORD, client_id="bench-probe"), self._on_ack, lambda _: None
        )


async def _comes_in(port: int, name: str) -> bool:
    try:
        link = await connect(port, connect_packet(name, PASSWORD), lambda _: None, lambda _: None)
    except (Refused, OSError):
        return False
    link.close()
    return True


async def reload(
    stage: Stage, folder: Path, every: list[Device], hashes: list[tuple[str, str]]
) -> dict[str, Any]:
    """Write, tell, and try until the last one can come in."""
    publisher, ended = Publisher(), asyncio.Event()
    link = await publisher.begin(stage.port)
    running = asyncio.create_task(publisher.run(link, ended))
    await asyncio.sleep(1)
    publisher.gap = 0.0
    start = time.perf_counter()
    await asyncio.to_thread(access.write, folder, every, hashes)
    wrote_s = time.perf_counter() - start
    assert access.reload(folder / "mosquitto.pid")
    last = every[-1].name
    while not await _comes_in(stage.port, last):  # noqa: ASYNC110 - the broker tells nobody
        await asyncio.sleep(0.02)
    took = time.perf_counter() - start
    await asyncio.sleep(1)
    ended.set()
    await running
    await asyncio.sleep(0.5)
    link.close()
    return {
        "acl_reload_s": round(took, 2), "files_write_s": round(wrote_s, 2),
        "publish_gap_ms": round(publisher.gap * 1000),
        "publish_lost": publisher.sent - publisher.acked, "published": publisher.sent,
    }  # fmt: skip


def main() -> None:
    """Run, and print the figures."""
    count = int(os.environ.get("DEVICES", "110000"))
    every, rng = devices(count), random.Random(1)
    text = "".join(registry_csv.write((d, d.lifecycle) for d in every))
    with Stage() as stage:
        stage.register([], REALMS)
        stage.start_broker()
        stage.start_hub()
        stage.wait_ready()
        print(f"a CSV of {len(text) / 1e6:.1f} MB", flush=True)
        start = time.perf_counter()
        answer = send(stage, text)
        figures: dict[str, Any] = {
            "import_s": round(time.perf_counter() - start, 1),
            "imported": answer["added"],
        }
        print(figures, flush=True)
        assert answer["registered"], answer["wrong"][:3]
        times = search(stage, rng, count)
        figures |= {
            "search_p95_ms": finite(percentile(times, 0.95)),
            "search_p50_ms": finite(percentile(times, 0.5)),
        }
        figures["rss_mb"] = round(rss_mb(stage.hub))
        folder = stage.folder / "broker"
        wait(lambda: (folder / "passwords").stat().st_size > 0, 30, "the hub to write its own user")
        own = [
            (n, h) for n, _, h in (x.partition(":") for x in (folder / "passwords").read_text().splitlines())
        ]
        start = time.perf_counter()
        hashes = own + [(d.name, access.hash_password(PASSWORD)) for d in every]
        figures["hash_s"] = round(time.perf_counter() - start, 1)
        figures |= asyncio.run(reload(stage, folder, every, hashes))
        figures |= {"devices": len(every), "load": load()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
