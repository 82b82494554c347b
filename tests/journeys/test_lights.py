"""A program from the command line to the lamps: simulated lights over a real broker apply it; one does not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks.stage import PASSWORD
from devices.device import Device, Kind
from devices.site import Site
from simulators.clock import Clock
from simulators.fleet import Fleet
from simulators.runner import Options, Runner
from tests.journeys.village import Village, row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROWS = (
    row("cong-1", "gateway", timeout_s=60),
    row("den-1", timeout_s=60),
    row("den-2", timeout_s=60, uplink_by="cong-1"),
    row("den-3", timeout_s=60),
)
OBEY, IGNORES = ("den-1", "den-2"), "den-3"


def fleet() -> Fleet:
    """The same devices as the pretend field plays them; den-2 speaks through its gateway."""
    devices = tuple(
        Device(
            r["name"], Kind(r["kind"]), "thon-1", "thon-1", interval_s=1.0, uplink_by=r.get("uplink_by"), lat=21.09,
            lon=105.67,
        )
        for r in ROWS
    )  # fmt: skip
    passwords = {r["name"]: PASSWORD for r in ROWS if "uplink_by" not in r}
    return Fleet((Site("thon-1", "Thôn 1", "village"),), (), devices, passwords)


@asynccontextmanager
async def field(port: int) -> AsyncIterator[None]:
    """The field runs until the block ends."""
    runner = Runner(fleet(), Clock(), Options(port=port))
    runner.world.units[IGNORES].faults.add("ignores_program")
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await task


def state(village: Village, name: str) -> str:
    found: str = village.get_json(f"/api/devices/{name}/program")["state"]
    return found


async def test_a_program_reaches_the_lamps_and_who_ignores_it_is_an_incident() -> None:
    with Village() as village:
        await asyncio.to_thread(village.settle, *ROWS)
        async with field(village.port):
            await asyncio.to_thread(lives, village)


def lives(village: Village) -> None:
    """The evening."""
    for name in (*OBEY, IGNORES):
        village.until_shown(name, "ok")
    path = "/api/programs/" + quote("Đêm")
    file = village.folder / "dark.yaml"
    file.write_text(
        "name: Đêm\ntarget: site:thon-1\nprogram: {level_pct: 0, steps: [{at: 22:00, level_pct: 0}]}\n"
    )
    assert "version 1" in village.command("program", "set", str(file)).stdout
    file.write_text("name: Đêm\ntarget: site:thon-1\nprogram: {level_pct: 101}\n")
    refused = village.tries("program", "set", str(file))
    assert refused.returncode == 1
    assert "program.level_pct" in refused.stderr
    shown = village.command("program", "show", "Đêm").stdout
    assert "at: '22:00'" in shown
    village.until(lambda: {state(village, name) for name in OBEY} == {"applied"}, "them to apply it")
    village.until(
        lambda: [village.device(name)["values"]["load_w"] for name in OBEY] == [0, 0], "them to go out"
    )
    village.until(lambda: village.alerts_of(IGNORES) == ["program-not-applied"], "the incident")
    assert state(village, IGNORES) == "late"
    found = village.get_json("/api/programs")["programs"][0]
    assert (found["asked"], found["applied"], found["late"]) == (3, 2, 1)
    assert village.get_json(path)["lagging"] == [IGNORES]
    village.stop_hub(kill=True)
    village.start_hub()
    village.wait_ready()
    assert [state(village, name) for name in (*OBEY, IGNORES)] == ["applied", "applied", "late"]
    assert village.alerts_of(*OBEY, IGNORES) == ["program-not-applied"], "a restart tells nobody twice"
    assert "asked 3, applied 2, late 1" in village.command("program", "list").stdout
    village.command("program", "remove", "Đêm")
    village.until(lambda: {state(village, n) for n in (*OBEY, IGNORES)} == {"nothing"}, "nothing to be asked")
