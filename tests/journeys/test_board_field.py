"""A warning from the command line to simulated boards over a real broker: proved by two, by one that lies not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.stage import PASSWORD
from devices.device import Device, Kind
from devices.site import Site
from simulators.clock import Clock
from simulators.fleet import Fleet
from simulators.runner import Options, Runner
from tests.journeys.test_stranger import ask
from tests.journeys.village import Village, row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROFILES = {"bang-1": "led-64x32-1", "tivi-1": "screen-1920x1080", "bang-2": "led-192x64-2"}
LIES, FETCHES = "bang-2", "tivi-1"
ROWS = tuple(row(name, "signboard", timeout_s=60, profile=profile) for name, profile in PROFILES.items())


@asynccontextmanager
async def field(village: Village) -> AsyncIterator[Runner]:
    """The field runs until the block ends. The screen fetches what is too large from the hub's own address."""
    address = f"{village.url}/api"
    devices = tuple(
        Device(n, Kind.SIGNBOARD, "thon-1", "thon-1", interval_s=1.0, lat=21.09, lon=105.67, profile=p, address=address)
        for n, p in PROFILES.items()
    )  # fmt: skip
    fleet = Fleet((Site("thon-1", "Thôn 1", "village"),), (), devices, dict.fromkeys(PROFILES, PASSWORD))
    runner = Runner(fleet, Clock(), Options(port=village.port))
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await task


def proof(village: Village, notice: int) -> dict[str, list[tuple[str, bool | None]]]:
    """What each board said of a notice."""
    found: dict[str, list[tuple[str, bool | None]]] = {}
    for s in village.get_json(f"/api/notices/{notice}/steps"):
        found.setdefault(s["board"], []).append((s["state"], s["right"]))
    return found


async def test_a_warning_is_shown_and_proved_and_a_lie_is_an_incident() -> None:
    with Village() as village:
        await asyncio.to_thread(village.settle, *ROWS)
        async with field(village) as runner:
            await asyncio.to_thread(warned, village, runner)


def warned(village: Village, runner: Runner) -> None:
    """The evening."""
    for name in PROFILES:
        village.until_shown(name, "ok")
    runner.world.units[LIES].faults.add("lying_board")
    words = ["--level", "emergency", "--to", "site:thon-1", "--title", "Nước lũ", "--who", "Lan"]
    village.command("notice", "send", *words, "--text", "Bà con lên đê ngay", "--boards", "3")
    told: list[tuple[str, bool | None]] = [("sent", None), ("stored", True), ("shown", True)]
    village.until(lambda: proof(village, 1).get(FETCHES) == told, "the screen to show what it fetched")
    assert proof(village, 1)["bang-1"] == told
    village.until(lambda: village.alerts_of(LIES) == ["board-wrong"], "the lie to be told")
    assert village.device(LIES)["shown"] == "faulty"
    assert ("shown", False) in proof(village, 1)[LIES]
    runner.world.units[LIES].faults.clear()
    ask(village, "/api/notices/1/end", {"version": village.get_json("/api/notices/1")["version"]})
    village.until(
        lambda: {said[-1][0] for said in proof(village, 1).values()} == {"ended"}, "it to end everywhere"
    )
    for name in PROFILES:
        village.until_shown(name, "ok")
    assert village.alerts_of("bang-1") == village.alerts_of(FETCHES) == []
