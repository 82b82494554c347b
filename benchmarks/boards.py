"""Boards: from an emergency's request to the committed receipt of every board that shows it.

200 emergencies to 23 boards, then 5 to 2,000 (FEW=, MANY= emergencies, BOARDS= boards instead), of the profiles below
in turn, each board with a connection of its own, in two processes. A board takes its `desired`, decodes every PNG,
hashes the pixels it decoded, fetches what is not inline by its hash over HTTP, keeps the contract's rules
(simulators.board) and answers with `stored`, `shown` and its telemetry. Two of the 23 are screens of 1920x1080, and one
in a hundred of the many: to decode one costs 30 ms of a core, more of them would measure that.

Each emergency has a text of its own. The draft is kept beforehand; the clock starts when the request to publish is sent
to the HTTP API, so that drawing counts, and ends for a board when the row of its receipt `shown` can be read in the
database by another connection. The next one begins when all boards have shown it and, after its end, taken it down.

Figures: `p50_s_23`, `p99_s_23`, `max_s_23` and the same of 2000, over all boards and emergencies; `missing` (boards
that did not show one within a minute); `wrong` (receipts whose frames were not those that were previewed);
`frames_per_profile` (different sets of frames that boards of one profile got for one revision, at most); `pages` of a
notice, at most; `inline_kb` (the largest frame that was inline), `fetched` (how many were fetched); `work` as the hub
counts it: boards of one profile and one fallback share a payload.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from benchmarks.stage import PASSWORD, Stage, cpu_s, finite, load, percentile, raise_open_files, wait
from devices import wire
from devices.notice import INLINE
from simulators.board import Sign
from simulators.face_http import Fetcher
from simulators.face_mqtt import Broker
from simulators.outbox import Message

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

    from simulators.face_mqtt import Link

PROFILES = ("led-64x32-1", "led-128x64-2", "led-192x64-2", "led-64x64-1", "led-320x160-full")
"""In turn."""
SCREEN, SCREENS = "screen-1920x1080", (100, 9)
"""Screens: every hundredth of the many, every ninth of the 23."""
FIELDS = 2
"""Processes that the boards live in."""
FEW, MANY = int(os.environ.get("FEW", "200")), int(os.environ.get("MANY", "5"))
BOARDS = int(os.environ.get("BOARDS", "2000"))
REALMS = 101
LIMIT_S = 60.0
HEADERS = {"Content-Type": "application/json", "X-Village-Hub": "1", "X-Village-Hub-Person": "Lan"}
WELL: frozenset[str] = frozenset()


def rows(count: int) -> list[dict[str, Any]]:
    """The boards' rows of a registry file."""
    return [
        {
            "name": f"b-{i}", "kind": "signboard", "realm": f"r{i % REALMS}", "site": f"thon-{i % REALMS}",
            "password": PASSWORD, "interval_s": 60, "lifecycle": "active", "tags": ["few"] if i < 23 else ["many"],
            "profile": SCREEN if i % SCREENS[i < 23] == 8 else PROFILES[i % 5],
        }
        for i in range(count)
    ]  # fmt: skip


# --- the field ----------------------------------------------------------------------------------------------------


class Board:
    """One board's connection and what it says."""

    def __init__(self, field: Field, row: dict[str, Any]) -> None:
        self.row, self.sign, self.field = row, Sign(), field
        self.boot, self.seq = field.boot, 0
        self.link: Link = field.broker.link(row["name"], PASSWORD, buffers=False)
        self.link.wants = self.topic("desired")
        self.link.hear = self.hear
        self.link.hello = lambda: (Message(self.topic("state"), self.head() | {"online": True}, retain=True),)

    def topic(self, channel: str) -> str:
        """Its topic."""
        return wire.topic(self.row["realm"], self.row["name"], channel)

    def head(self) -> dict[str, Any]:
        """What identifies the next message."""
        self.seq += 1
        return {"boot": self.boot, "seq": self.seq, "ts": round(time.time(), 3)}

    def open(self) -> None:
        """Connect."""
        self.link.open(Message(self.topic("state"), {"online": False, "boot": self.boot}, retain=True))

    def hear(self, _topic: str, payload: bytes) -> None:
        """It is told what to show."""
        self.field.note(self.row, payload)
        self.answer(self.sign.take(payload, time.time(), WELL))
        for name in self.sign.wants:
            self.field.fetcher.want(self.row["name"], self.field.address, name)

    def answer(self, receipts: list[dict[str, Any]]) -> None:
        """It looks, and says what changed."""
        more, _ = self.sign.look(time.time(), WELL)
        for said in (*receipts, *more):
            self.link.send(Message(self.topic("receipt"), self.head() | said))
        said = {"applied": self.sign.applied, "showing": self.sign.showing, "faults": self.sign.codes}
        self.link.send(Message(self.topic("telemetry"), self.head() | said))


class Field:
    """All boards, inside their own process."""

    def __init__(self, port: int, address: str, found: list[dict[str, Any]]) -> None:
        self.broker = Broker("127.0.0.1", port)
        self.address, self.boot = address, int(time.time())
        self.fetcher = Fetcher(self._fetched)
        self.frames: dict[tuple[str, str], set[str]] = {}
        self.fetched = 0
        self.boards = {row["name"]: Board(self, row) for row in found}

    def note(self, row: dict[str, Any], payload: bytes) -> None:
        """Which frames boards of a profile got for an emergency."""
        items = json.loads(payload)["items"] if b'"level":"emergency"' in payload else ()
        for item in items:
            said = hashlib.sha256(json.dumps(item["frames"]).encode()).hexdigest()
            self.frames.setdefault((item["id"], row["profile"]), set()).add(said)

    def _fetched(self, board: str, name: str, png: bytes | None) -> None:
        if png is not None:
            self.fetched += 1
        found = self.boards[board]
        found.answer(found.sign.fetched(name, png))

    async def run(self, pipe: Pipe) -> None:
        """Open, and answer until told to stop."""
        self.broker.start()
        for board in self.boards.values():
            board.open()
        while self.broker.connected < len(self.boards):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.05)
        pipe.send("open")
        await asyncio.to_thread(pipe.recv)
        pipe.send((self.frames, self.fetched))
        self.fetcher.stop()
        await self.broker.stop(0)


def _process(port: int, address: str, found: list[dict[str, Any]], pipe: Pipe) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_open_files()

    async def run() -> None:
        await Field(port, address, found).run(pipe)

    asyncio.run(run())


# --- what is asked and what is seen -------------------------------------------------------------------------------


class Office:
    """The HTTP API, and the database as another connection sees it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.last = 0

    def ask(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """A POST. Raises OSError."""
        body = json.dumps(said).encode()
        request = Request(self.stage.url + path, body, HEADERS)  # noqa: S310 - our own
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def seen(self, notice: int, state: str, boards: int, since: float) -> tuple[list[float], int]:
        """Until `boards` have said it: after how long each was committed, and how many named wrong frames."""
        took: list[float] = []
        wrong = 0
        with closing(
            sqlite3.connect(f"file:{self.stage.database}?mode=ro", uri=True, isolation_level=None)
        ) as db:
            while len(took) < boards and time.monotonic() - since < LIMIT_S:
                found = db.execute(
                    "SELECT id, right FROM step WHERE id > ? AND notice = ? AND state = ?",
                    (self.last, notice, state),
                ).fetchall()
                now = time.monotonic() - since
                took += [now] * len(found)
                wrong += sum(right != 1 for _, right in found)
                self.last = max((i for i, _ in found), default=self.last)
                if not found:
                    time.sleep(0.003)
        return took, wrong

    def emergency(self, number: int, tag: str, boards: int) -> tuple[list[float], int]:
        """One, from its draft to its end."""
        text = f"Nước sông Hồng lên nhanh, mức {number} cm. Bà con ven đê lên nhà văn hóa ngay."
        draft = {"level": "emergency", "title": "KHẨN CẤP", "text": text, "targets": [f"tag:{tag}"]}
        kept = self.ask("/api/notices", {"draft": draft})
        since = time.monotonic()
        told = self.ask(
            f"/api/notices/{kept['number']}/publish", {"version": kept["version"], "boards": boards}
        )
        before = self.last
        shown = self.seen(kept["number"], "shown", boards, since)
        self.last = before
        self.ask(f"/api/notices/{kept['number']}/end", {"version": told["version"]})
        self.seen(kept["number"], "ended", len(shown[0]), time.monotonic())
        return shown


def measure(stage: Stage, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures, of a stage whose hub is ready."""
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for n in range(FIELDS):
        pipe, other = spawn.Pipe()
        arguments = (stage.port, f"{stage.url}/api", found[n::FIELDS], other)
        processes.append(spawn.Process(target=_process, args=arguments, daemon=True))
        processes[-1].start()
        pipes.append(pipe)
    figures: dict[str, Any] = {}
    try:
        assert [pipe.recv() for pipe in pipes] == ["open"] * FIELDS
        office = Office(stage)
        settle(stage, len(found))
        for name, tag, boards, times in (("23", "few", 23, FEW), ("2000", "many", len(found) - 23, MANY)):
            took: list[float] = []
            missing = wrong = 0
            cpu, began = cpu_s(stage.hub), time.monotonic()
            for n in range(times):
                seen, bad = office.emergency(n, tag, boards)
                took += seen + [float("inf")] * (boards - len(seen))
                missing += boards - len(seen)
                wrong += bad
            figures |= {
                f"p50_s_{name}": finite(percentile(took, 0.5)), f"p99_s_{name}": finite(percentile(took, 0.99)),
                f"max_s_{name}": finite(max(took, default=float("inf"))), f"missing_{name}": missing,
                f"wrong_{name}": wrong, f"boards_{name}": boards, f"emergencies_{name}": times,
                f"hub_cpu_s_{name}": round((cpu_s(stage.hub) - cpu) / max(times, 1), 3),
                f"each_s_{name}": round((time.monotonic() - began) / max(times, 1), 3),
            }  # fmt: skip
            print(json.dumps(figures), flush=True)
        for pipe in pipes:
            pipe.send("stop")
        told = [pipe.recv() for pipe in pipes]
        different = {
            key: set().union(*(frames.get(key, ()) for frames, _ in told))
            for frames, _ in told
            for key in frames
        }
        figures |= {"frames_per_profile": max(map(len, different.values()), default=0)}
        figures |= {"fetched": sum(fetched for _, fetched in told)}
    finally:
        for process in processes:
            process.kill()
            process.join()
    return figures | frames(stage)


def settle(stage: Stage, boards: int) -> None:
    """Until every board follows its first playlist and shows its own frame."""

    def proved() -> bool:
        found = stage.get_json("/api/boards")["boards"]
        return sum(b["right"] is True for b in found) == boards

    wait(proved, 180, "every board to show its own frame", 1.0)


def frames(stage: Stage) -> dict[str, Any]:
    """What was kept of frames."""
    with closing(sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)) as db:
        kept = [
            json.loads(f) for (f,) in db.execute("SELECT frames FROM revision WHERE published_at IS NOT NULL")
        ]
        sizes = [size for (size,) in db.execute("SELECT length(png) FROM frame")]
    small = [s for s in sizes if s <= INLINE]
    return {
        "profiles": len({p for one in kept for p in one}),
        "pages": max((len(pages) for one in kept for pages in one.values()), default=0),
        "inline_kb": round(max(small, default=0) / 1000, 1),
        "work": stage.counters("village_hub_boards_work_total", "what"),
    }


def main() -> None:
    """Run, and print the figures."""
    before = load()
    found = rows(23 + BOARDS)
    with Stage() as stage:
        stage.register(found, REALMS)
        stage.start_broker()
        stage.start_hub()
        stage.wait_ready()
        figures = measure(stage, found)
    figures |= {"load": [before, load()]}
    if (FEW, MANY, BOARDS) != (200, 5, 2000):
        figures["quick"] = True
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
