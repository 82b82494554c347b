"""Ingest: how fast the whole road is, beside a bare paho-mqtt subscriber on the same broker.

200,000 seeded native messages (MESSAGES= for another number) of 4,730 devices in 101 realms, kinds in the
district's proportion, median >= 200 bytes; 1 % of them cross a shipped rule (a lamp reports lampFailure) and the
same lamp's next message crosses back; 0.2 % are garbled. A process of its own sends them at QoS 1 over raw
sockets, one connection a realm, as fast as the broker takes them. Two receivers take turns on the same
mosquitto.conf, ROUNDS= times each (3):

- bare: paho-mqtt as it comes, loop_start, persistent session, QoS 1, a callback that counts;
- hub: `village-hub run`, every message decoded, judged, committed with synchronous=FULL and acknowledged, while 20
  clients read its streams (10 JSON, 10 the page "now").

The clock runs from the sender's first byte to the last message counted (bare) or committed (hub; the journal's
newest position as a reader sees it, looked at every 50 ms). CPU is user + system of the receiver's process tree.

Figures: `ratio_to_bare_paho` (median rate of the hub / of bare paho), `cpu_ratio` (median CPU a message, hub /
bare), `messages_per_s` (hub, median), `broker_cpu_us` (mosquitto, a message, in the hub's rounds), `lost` and
`duplicated` (journal rows against what was sent, by device, boot and seq, summed over the rounds).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import selectors
import socket
import sqlite3
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.mqtt_raw import connect_packet, publish_packet
from benchmarks.stage import DISTRICT, PASSWORD, Stage, cpu_s, fleet, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = int(os.environ.get("MESSAGES", "200000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
REALMS = 101
STREAMS = 20
FLEET = fleet(DISTRICT, REALMS, gateways=True, interval_s=60, lifecycle="active")


def messages(seed: int) -> Iterator[tuple[str, str, bytes, tuple[str, int, int] | None]]:
    """(realm, topic, body, identity or None where garbled), in the order of sending."""
    rng = random.Random(seed)
    everybody = [(d["name"], d["kind"], d["realm"]) for d in FLEET if d["kind"] != "gateway"]
    boots = {name: rng.getrandbits(32) for name, _, _ in everybody}
    seqs = dict.fromkeys(boots, 0)
    ill: set[str] = set()
    for _ in range(MESSAGES):
        name, kind, realm = rng.choice(everybody)
        seqs[name] += 1
        topic = f"vh/1/{realm}/{name}/telemetry"
        if name in ill:
            ill.discard(name)
        elif kind == "solar_light" and rng.random() < 0.01 * DISTRICT / 1800:
            ill.add(name)
        body = reading(kind, boots[name], seqs[name], rng, fault=name in ill)
        if rng.random() < 0.002 and name not in ill:
            yield realm, topic, body[: len(body) // 2], None
        else:
            yield realm, topic, body, (name, boots[name], seqs[name])


def send(port: int, seed: int, pipe: Any) -> None:
    """The sender's process: connect, report ready, wait for the word, send everything, report the first byte's time."""
    buffers: dict[str, list[bytes]] = {f"r{i}": [] for i in range(REALMS)}
    mids = dict.fromkeys(buffers, 0)
    sizes: list[int] = []
    for realm, topic, body, _ in messages(seed):
        mids[realm] = mids[realm] % 65535 + 1
        buffers[realm].append(publish_packet(topic, body, mids[realm]))
        sizes.append(len(body))
    links = []
    for i in range(REALMS):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(connect_packet(f"gw-{i}", PASSWORD))
        if s.recv(4)[3:] != b"\x00":
            raise RuntimeError("the broker refused a sender")
        s.setblocking(False)
        links.append((s, memoryview(b"".join(buffers[f"r{i}"]))))
    pipe.send(statistics.median(sizes))
    pipe.recv()
    pipe.send(time.monotonic())
    _pump(links)
    pipe.send("done")
    pipe.recv()


def _pump(links: list[tuple[socket.socket, memoryview]]) -> None:
    watch = selectors.DefaultSelector()
    left = dict(links)
    for s in left:
        watch.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while left:
        for key, mask in watch.select(1):
            link: Any = key.fileobj
            if mask & selectors.EVENT_READ:
                link.recv(65536)
            if mask & selectors.EVENT_WRITE and link in left:
                left[link] = left[link][link.send(left[link][:8192]) :]
                if not left[link]:
                    del left[link]
                    watch.modify(link, selectors.EVENT_READ)


def bare(port: int, pipe: Any, result: Any) -> None:
    """The bare subscriber's process."""
    count, last = 0, 0.0
    arrived = threading.Event()

    def on_message(_c: Any, _d: Any, _m: Any) -> None:
        nonlocal count, last
        count += 1
        if count == MESSAGES:
            last = time.monotonic()
            arrived.set()

    client = Client(CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
    client.username_pw_set("hub", PASSWORD)
    client.on_message = on_message
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda c, *_: c.subscribe("vh/1/+/+/telemetry", 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    subscribed.wait(10)
    me = psutil.Process()
    before = sum(me.cpu_times()[:2])
    pipe.send("ready")
    arrived.wait(600)
    result.send((last, sum(me.cpu_times()[:2]) - before, count))
    client.unsubscribe("vh/1/+/+/telemetry")
    time.sleep(0.2)
    client.disconnect()
    client.loop_stop()


def streams(url: str, pipe: Any) -> None:
    """The stream clients' process: reads and throws away."""
    watch = selectors.DefaultSelector()
    for i in range(STREAMS):
        s = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        path = "/api/events" if i % 2 else "/events?page=now&lang=vi"
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\n\r\n".encode())
        s.setblocking(False)
        watch.register(s, selectors.EVENT_READ)
    pipe.send("ready")
    while not pipe.poll():
        for key, _ in watch.select(0.2):
            key.fileobj.recv(262144)  # type: ignore[union-attr]


def round_bare(stage: Stage, seed: int) -> tuple[float, float]:
    """(messages a second, CPU us a message) of bare paho."""
    sender, to_sender = _spawn(send, stage.port, seed)
    ready, ready_child = multiprocessing.Pipe()
    result, result_child = multiprocessing.Pipe()
    process = multiprocessing.Process(target=bare, args=(stage.port, ready_child, result_child))
    to_sender.recv()
    process.start()
    ready.recv()
    to_sender.send("go")
    start = to_sender.recv()
    last, cpu, count = result.recv()
    to_sender.recv()
    to_sender.send("end")
    sender.join()
    process.join()
    if count != MESSAGES:
        raise RuntimeError(f"bare paho got {count} of {MESSAGES}")
    return MESSAGES / (last - start), cpu / MESSAGES * 1e6


def _spawn(target: Any, *arguments: Any) -> tuple[Any, Any]:
    mine, other = multiprocessing.Pipe()
    process = multiprocessing.Process(target=target, args=(*arguments, other))
    process.start()
    return process, mine


def round_hub(stage: Stage, seed: int) -> dict[str, float]:
    """One round of the hub on a fresh journal: rate, CPU, broker's CPU, lost, duplicated."""
    for old in stage.folder.glob("hub.db*"):
        old.unlink()
    stage.register(FLEET, REALMS)
    stage.start_hub()
    stage.wait_ready()
    readers, to_readers = _spawn(streams, stage.url)
    to_readers.recv()
    sender, to_sender = _spawn(send, stage.port, seed)
    median = to_sender.recv()
    time.sleep(1)
    before, broker_before = cpu_s(stage.hub), cpu_s(stage.broker)
    database = sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)
    floor = database.execute("SELECT max(pos) FROM journal").fetchone()[0]
    to_sender.send("go")
    start = to_sender.recv()
    end = _last_commit(database, floor)
    made = {
        "rate": MESSAGES / (end - start),
        "cpu": (cpu_s(stage.hub) - before) / MESSAGES * 1e6,
        "broker_cpu": (cpu_s(stage.broker) - broker_before) / MESSAGES * 1e6,
        "median": median,
    }
    for process, pipe in ((sender, to_sender), (readers, to_readers)):
        pipe.send("end")
        process.join()
    lost, duplicated = _compare(database, seed)
    database.close()
    stage.stop_hub()
    return made | {"lost": lost, "duplicated": duplicated}


def _last_commit(database: sqlite3.Connection, floor: int) -> float:
    """When everything was committed: the hub's own reports are in the journal too, so it is counted at the end."""
    quiet_since, seen = time.monotonic(), floor
    while True:
        now = database.execute("SELECT max(pos) FROM journal").fetchone()[0]
        if now - floor >= MESSAGES:
            done = database.execute(
                "SELECT count(*) FROM journal j JOIN device d ON d.id = j.device WHERE j.pos > ? AND d.name != 'hub'",
                (floor,),
            ).fetchone()[0]
            if done >= MESSAGES:
                return time.monotonic()
        if now != seen:
            quiet_since, seen = time.monotonic(), now
        elif time.monotonic() - quiet_since > 60:
            raise TimeoutError(f"the hub committed {now - floor} of {MESSAGES}")
        time.sleep(0.05)


def _compare(database: sqlite3.Connection, seed: int) -> tuple[int, int]:
    sent: set[tuple[str, int, int]] = {i for *_, i in messages(seed) if i is not None}
    found: dict[tuple[str, int, int], int] = {}
    for name, body in database.execute(
        "SELECT d.name, j.body FROM journal j JOIN device d ON d.id = j.device WHERE d.name != 'hub' AND j.what = 1"
    ):
        said = json.loads(body)
        key = (name, said["boot"], said["seq"])
        found[key] = found.get(key, 0) + 1
    return len(sent - set(found)), sum(n - 1 for n in found.values())


def main() -> None:
    """Run, and print the figures."""
    multiprocessing.set_start_method("fork")
    rounds: list[dict[str, float]] = []
    bares: list[tuple[float, float]] = []
    with Stage() as stage:
        stage.register(FLEET, REALMS)
        stage.start_broker()
        for i in range(ROUNDS):
            bares.append(round_bare(stage, i))
            print(f"bare {i + 1}: {bares[-1][0]:,.0f} msg/s, {bares[-1][1]:.1f} us CPU a message", flush=True)
            rounds.append(r := round_hub(stage, i))
            print(f"hub  {i + 1}: {r['rate']:,.0f} msg/s, {r['cpu']:.1f} us CPU a message", flush=True)
    rate = statistics.median(r["rate"] for r in rounds)
    cpu = statistics.median(r["cpu"] for r in rounds)
    figures = {
        "ratio_to_bare_paho": round(rate / statistics.median(b[0] for b in bares), 3),
        "cpu_ratio": round(cpu / statistics.median(b[1] for b in bares), 2),
        "messages_per_s": round(rate),
        "bare_messages_per_s": round(statistics.median(b[0] for b in bares)),
        "cpu_us": round(cpu, 1),
        "broker_cpu_us": round(statistics.median(r["broker_cpu"] for r in rounds), 1),
        "median_bytes": rounds[0]["median"],
        "lost": int(sum(r["lost"] for r in rounds)),
        "duplicated": int(sum(r["duplicated"] for r in rounds)),
        "messages": MESSAGES,
        "rounds": ROUNDS,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
