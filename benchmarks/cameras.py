"""Cameras: what asking 2,700 of them costs, a tenth of them broken in every way.

The first district's cameras (CAMERAS= for fewer), simulated in a process of their own at an address each, speak ONVIF
and RTSP. Every tenth is broken, by the faults of the simulators' table in turn. A real hub asks them at INTERVAL_S=
(30 s, twice the product's pace), five requests or more a visit (clock, identity, recording, stream), pictures at the
product's default pace and cap. It knows all views already, from a picture of each camera that is fetched beforehand:
learning takes a village's uplink for ten minutes, once. SWEEPS= (20) sweeps are watched, after two that warm up.

Figures: `sweep_s` (the longest that any sound camera waited from one visit to the next), `cpu_share` (CPU seconds of
the hub's process tree / wall), `rss_mb` (of the tree, at the end), `rss_growth_mb` (from the first watched sweep to the
last), `village_kbit_s_p95` (what the kernel at the cameras' end carried to and from a village's cameras in a minute,
over all villages and minutes), `times_less_memory` (RSS of 50 onvif-zeep `ONVIFCamera(...)` over that of 50 of our
Camera, each after one call, to the same sound simulated camera), `wrong` (sound cameras that were called offline).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.stage import Stage, cpu_s, load, percentile, rss_mb, rss_mb_each, wait
from devices.device import Kind
from drivers.onvif import Camera, CameraError, Target
from drivers.pictures import Memory, PictureError, decode, reference_of
from drivers.pictures.limits import LEARNT
from hub.cameras import FOLDER
from hub.poll.shelf import Shelf
from simulators import control, fleet, fleet_file
from simulators.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

CAMERAS = int(os.environ.get("CAMERAS", "2700"))
INTERVAL_S = float(os.environ.get("INTERVAL_S", "30"))
SWEEPS = int(os.environ.get("SWEEPS", "20"))
WARM = 2
MINUTE_S = 60.0
PORT, RTSP = 28_080, 28_554
OF_CAMERAS = [name for name, f in FAULTS.items() if Kind.CAMERA in f.kinds and name != "garbled"]

_MEMORY = """
import asyncio, json, resource, sys
import psutil
kind, host, port, user, password, count = sys.argv[1:7]
me = psutil.Process()
kept = []
if kind == "theirs":
    import os
    import onvif
    wsdl = os.path.join(os.path.dirname(os.path.dirname(onvif.__file__)), "wsdl")
    def one():
        camera = onvif.ONVIFCamera(host, int(port), user, password, wsdl)
        camera.devicemgmt.GetSystemDateAndTime()
        kept.append(camera)
    one()
    before = me.memory_info().rss
    for _ in range(int(count)):
        one()
else:
    from drivers.onvif import Camera, Target
    async def run():
        global before
        async def one():
            camera = Camera(Target("c", host, int(port), username=user, password=password))
            await camera.clock()
            camera.rest()
            kept.append(camera)
        await one()
        before = me.memory_info().rss
        for _ in range(int(count)):
            await one()
    asyncio.run(run())
print((me.memory_info().rss - before) / int(count))
"""


def made() -> fleet.Fleet:
    """The cameras of the district, with passwords."""
    whole = fleet.build("district", asked=True, camera_port=PORT)
    cameras = tuple(d for d in whole.devices if d.kind is Kind.CAMERA)[:CAMERAS]
    cameras = tuple(replace(d, interval_s=INTERVAL_S, uplink_by=None, power_from=None) for d in cameras)
    return fleet_file.with_passwords(replace(whole, devices=cameras), None)


async def picture(camera: Camera) -> bytes:
    """A snapshot, or a key frame where it has none, or none without a password in plain words."""
    try:
        return await camera.snapshot()
    except CameraError:
        return await camera.key_frame()


async def learn(file: dict[str, Any], folder: Path) -> int:
    """Have the hub know every view: how many it does then."""
    at_once, known, shelf = asyncio.Semaphore(16), 0, Shelf(folder, lambda _: None)

    async def one(row: dict[str, Any]) -> None:
        nonlocal known
        url = urlsplit(row["address"])
        target = Target(
            row["name"], url.hostname or "", url.port or 80, url.path or "/onvif/device_service", row["login"],
            row["login_password"],
        )  # fmt: skip
        camera = Camera(target)
        async with at_once:
            try:
                await camera.clock()
                seen = decode(await picture(camera))
            except (CameraError, PictureError):
                return
            finally:
                camera.rest()
            reference = reference_of([(seen, int(time.time() * 1000))] * LEARNT)
            shelf.remember(row["name"], Memory(reference=reference).to_json())
        known += 1

    await asyncio.gather(*(one(row) for row in file["devices"]))
    return known


def memory(kind: str, file: dict[str, Any], name: str, count: int) -> float:
    """Bytes of RSS an object more, in a process of its own; infinite where it cannot be made."""
    row = next(d for d in file["devices"] if d["name"] == name)
    host = row["address"].split("/")[2].split(":")[0]
    arguments = [kind, host, str(PORT), row["login"], row["login_password"], str(count)]
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", _MEMORY, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        return float("inf")
    return float(done.stdout.strip().splitlines()[-1])


def compared(file: dict[str, Any], sound: list[str]) -> tuple[float, float]:
    """Bytes an ONVIFCamera and a Camera of ours, to the first sound camera that lets the former in at all."""
    for name in sound[:20]:
        theirs = memory("theirs", file, name, 50)
        if theirs != float("inf"):
            return theirs, memory("ours", file, name, 50)
    raise RuntimeError("no camera lets an ONVIFCamera in")


def broken(names: list[str], socket: Path) -> dict[str, str]:
    """Every tenth camera with a fault, in turn."""
    rng = random.Random(5)
    chosen = sorted(rng.sample(names, len(names) // 10))
    faults = {name: OF_CAMERAS[i % len(OF_CAMERAS)] for i, name in enumerate(chosen)}
    for name, fault in faults.items():
        control.ask(socket, {"verb": "break", "target": name, "fault": fault})
    return faults


def main() -> None:
    """Run, and print the figures."""
    wanted = made()
    with Stage() as stage:
        path = stage.folder / "fleet.json"
        fleet_file.write(wanted, path)
        file = json.loads(path.read_text())
        command = [sys.executable, "-c", "from hub.cli import main; main()", "import", str(path)]
        done = subprocess.run(  # noqa: S603 - ourselves
            [*command, "--settings", str(stage.settings)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        stage.start_broker()
        socket = stage.folder / "field.sock"
        field = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "simulators", "run", str(path), "--port", str(stage.port), "--rtsp-port", str(RTSP),
             "--socket", str(socket)],
            stdout=subprocess.DEVNULL, stderr=(stage.folder / "field.log").open("wb"),
        )  # fmt: skip
        try:
            wait(lambda: socket.exists() or field.poll() is not None, 120, "the simulated field")
            if field.poll() is not None:
                sys.exit((stage.folder / "field.log").read_text())
            time.sleep(5)
            print(f"{asyncio.run(learn(file, stage.folder / FOLDER))} views are known", flush=True)
            figures = watched(stage, file, broken([d["name"] for d in file["devices"]], socket), socket)
        finally:
            field.terminate()
            field.wait(30)
    print(json.dumps(figures))


def carried(socket: Path) -> dict[str, int]:
    """Bytes that the field's kernel carried so far, by village."""
    lines = (line.split() for line in control.ask(socket, {"verb": "carried"}))
    return {village: int(count) for village, count in lines}


def watched(stage: Stage, file: dict[str, Any], faults: dict[str, str], socket: Path) -> dict[str, Any]:
    """From the hub's start to the figures."""
    names = [d["name"] for d in file["devices"]]
    stage.start_hub()
    stage.wait_ready()
    time.sleep(WARM * INTERVAL_S)
    began, cpu, rss = time.time(), cpu_s(stage.hub), 0.0
    kbits: list[float] = []
    before, since = carried(socket), time.monotonic()
    for sweep in range(SWEEPS):
        time.sleep(INTERVAL_S)
        if time.monotonic() - since >= MINUTE_S - 1:
            after, now = carried(socket), time.monotonic()
            kbits += [(after[v] - before[v]) * 8 / 1000 / (now - since) for v in after]
            before, since = after, now
        each = " + ".join(f"{mb:.0f}" for mb in rss_mb_each(stage.hub))
        print(f"sweep {sweep + 1} of {SWEEPS}: {rss_mb(stage.hub):.0f} MB ({each})", flush=True)
        rss = rss if sweep else rss_mb(stage.hub)
    wall = time.time() - began
    used, end = cpu_s(stage.hub) - cpu, rss_mb(stage.hub)
    theirs, ours = compared(file, [n for n in names if n not in faults])
    gaps, offline = journal(stage, began * 1000, set(names) - faults.keys())
    return {
        "sweep_s": round(max(gaps, default=float("inf")), 1),
        "cpu_share": round(used / wall, 3),
        "rss_mb": round(end),
        "rss_growth_mb": round(end - rss, 1),
        "village_kbit_s_p50": round(percentile(kbits, 0.5), 1),
        "village_kbit_s_p95": round(percentile(kbits, 0.95), 1),
        "village_kbit_s_max": round(max(kbits, default=0), 1),
        "times_less_memory": round(theirs / max(ours, 1), 1),
        "kb_a_camera": round(ours / 1000, 1),
        "kb_an_onvifcamera": round(theirs / 1000),
        "wrong": offline,
        "cameras": len(names),
        "broken": len(faults),
        "interval_s": INTERVAL_S,
        "sweeps": SWEEPS,
        "load": load(),
    }


def journal(stage: Stage, since: float, sound: set[str]) -> tuple[list[float], int]:
    """Longest waits of sound cameras (s), and how many of them were called offline."""
    uri = f"file:{stage.database}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        rows = database.execute(
            "SELECT d.name, j.at, j.what, j.body FROM journal j JOIN device d ON d.id = j.device "
            "WHERE d.driver = 'onvif' AND j.at >= ? ORDER BY j.pos",
            (since,),
        ).fetchall()
    last: dict[str, int] = {}
    longest: dict[str, float] = {}
    offline: set[str] = set()
    for name, at, what, body in rows:
        if name not in sound:
            continue
        if what & 15 != 1:
            if not json.loads(body).get("online", True):
                offline.add(name)
            continue
        if name in last:
            longest[name] = max(longest.get(name, 0.0), (at - last[name]) / 1000)
        last[name] = at
    never = sound - last.keys()
    return [*longest.values(), *(float("inf") for _ in never)], len(offline)


if __name__ == "__main__":
    main()
