"""The poller as a process of its own: told by lines on its input what to ask, it says by lines what it learnt.

`python -m hub.poll.process SETTINGS` (JSON: `pictures`, the folder for pictures, each of at most `picture_bytes`;
`village_kbit_s`; `networks`). The end of its input ends it. A camera that sends a bomb hurts this process at worst:
its keeper starts another one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drivers.onvif import Camera, Target
from drivers.pictures import fitted, masked
from hub.logs import set_up
from hub.poll.eye import Eye
from hub.poll.pace import Pace
from hub.poll.poller import Poller
from hub.poll.rows import Row, line
from hub.poll.shelf import Shelf
from hub.poll.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hub.poll.wheel import Bucket

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

log = logging.getLogger(__name__)

NICE = 5
LIMIT = 2**20
"""Longest line, bytes."""
PICTURE_BYTES = 4_000_000


class Talk:
    """Takes lines and does what they say."""

    def __init__(self, poller: Poller, pace: Pace) -> None:
        self._poller, self._pace = poller, pace
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, said: dict[str, Any]) -> None:
        """One line."""
        p = self._poller
        match said:
            case {"put": row}:
                self._follow(row)
            case {"drop": name}:
                p.drop(name)
            case {"hurry": name}:
                p.look(name)
            case {"witness": name, "of": of}:
                p.witness(name, of)
            case {"nudge": [*names]}:
                p.nudge(names)
            case {"reference": name, "by": by}:
                p.reference(name, by)
            case {"set_clock": name, "id": number}:
                self._start(p.set_clock(name, number, manually=bool(said.get("manually"))))
            case {"try_default": name, "id": number, "model": model}:
                self._start(p.try_default(name, number, model))
            case {"clock": ms, "mono": mono, "rate": rate}:
                self._pace.told(ms, mono, rate)
            case _:
                log.error("not understood: %s", sorted(said))

    def _follow(self, row: dict[str, Any]) -> None:
        try:
            self._poller.put(Row.from_json(row))
        except ValueError as e:  # its address leads nowhere; all others are asked for all that
            log.error("%s cannot be asked: %s", row.get("name"), e)  # noqa: TRY400
            self._poller.drop(str(row.get("name")))

    def _start(self, order: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(order)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def target_of(row: Row, networks: tuple[Network, ...], *, plain: bool = False) -> Target:
    """Where a camera is, and as whom we come."""
    parts = urlsplit(row.url)
    tls = parts.scheme == "https"
    return Target(
        row.name, parts.hostname or "", parts.port or (443 if tls else 80), parts.path or "/onvif/device_service",
        row.username, row.password, use_tls=tls, channel=row.channel, allowed=networks,
        plain_password=plain,
    )  # fmt: skip


async def serve(settings: dict[str, Any]) -> None:
    """Until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    out = sys.stdout.buffer

    def say(**said: Any) -> None:
        out.write(line(**said))
        out.flush()

    pace = Pace()
    shelf = Shelf(Path(settings["pictures"]), lambda told: say(picture=told))
    most = settings.get("picture_bytes", PICTURE_BYTES)
    networks = tuple(ipaddress.ip_network(n) for n in settings.get("networks", ()))

    def make(row: Row, bucket: Bucket) -> Watch:
        camera = Camera(target_of(row, networks, plain=settings["plain_passwords"]), now=pace.now)
        eye = Eye(shelf.remembered(row.name))
        return Watch(
            row, bucket, shelf, camera, eye, lambda jpeg: fitted(masked(jpeg, row.masks), most), pace
        )

    poller = Poller(make, say, village_kbit_s=settings["village_kbit_s"], pace=pace)
    talk = Talk(poller, pace)
    running = asyncio.create_task(poller.run())
    try:
        while text := await reader.readline():
            talk.take(json.loads(text))
    finally:
        running.cancel()


def main() -> None:
    """The process."""
    os.nice(NICE)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a connection a camera
    set_up("WARNING")
    asyncio.run(serve(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
