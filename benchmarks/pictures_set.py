"""What pictures are judged on: sets of cameras that share no scene, B no photograph either. Not a benchmark.

Sets A, A2 and A3 are what the thresholds in `drivers/pictures/limits.py` were chosen on; set B gives the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from simulators.chance import between, dice, drift
from simulators.scene import CLEAR, LOCAL_S, Scene, Weather, camera_at, render, scene
from simulators.scene_faults import Fault
from simulators.scene_life import Thing
from simulators.scene_paint import place_of

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400
START = 20_000 * DAY_S - LOCAL_S  # a local midnight, in seconds since 1970
PHOTOS = {
    "a": (
        "skimage/data/coffee.png",
        "skimage/data/astronaut.png",
        "skimage/data/chelsea.png",
        "skimage/data/rocket.jpg",
        "sklearn/datasets/images/flower.jpg",
    ),
    "b": (
        "ultralytics/assets/bus.jpg",
        "ultralytics/assets/zidane.jpg",
        "sklearn/datasets/images/china.jpg",
        "skimage/data/motorcycle_left.png",
        "skimage/data/camera.png",
    ),
}
SEEDS = {"a": 100, "a2": 20_000, "a3": 50_000, "b": 80_000}
HIDES = 0.4
"""Share of the width that what stands there hides, from which on a cover is a fault as well (a leaf over 40 %)."""
KINDS = ("street", "lane", "yard", "junction")
FAULTY, FAULTY_PTZ = 22, 2  # cameras that have every fault, beside the photographs
PRESETS = ((0.0, 0.0), (-32.0, 0.0), (28.0, 6.0))


@dataclass(frozen=True, slots=True)
class Camera:
    """`quality`: of its JPEGs. `faulty`: it has every fault once by day and once by night; never one of a wall."""

    name: str
    scene: Scene
    quality: int
    ptz: bool = False
    faulty: bool = False


@dataclass(frozen=True, slots=True)
class Graded:
    """One grade of a fault, its class, and the codes that name it rightly."""

    kind: str
    grade: str
    fault: Fault
    codes: tuple[str, ...]


def graded() -> tuple[Graded, ...]:
    """Every fault in every grade. Frozen ones get their time when they are used."""
    covered, blurred, turned = ("lensCovered",), ("pictureBlurred",), ("viewTurned",)
    either = ("lensCovered", "pictureBlurred")  # a smear takes away and blurs
    blind = ("lensCovered", "pictureBlack")  # thick cloth at night
    blank = ("viewTurned", "lensCovered")  # a bare wall close by
    made = [Graded("black", "", Fault("black"), ("pictureBlack",))]
    made += [Graded("covered", kind, Fault(kind), blind) for kind in ("cloth", "paint")]
    made += [Graded("covered", f"leaf {g:.0%}", Fault("leaf", g), covered) for g in (0.4, 0.6, 0.8)]
    made += [
        Graded("blurred", f"defocus {g:.1%}", Fault("defocus", g), blurred) for g in (0.003, 0.006, 0.012)
    ]
    made += [Graded("blurred", f"dirt {g:.0%}", Fault("dirt", g), either) for g in (0.5, 0.8)]
    over = ("pictureOverexposed",)
    made += [Graded("overexposed", f"+{g:.0f} stops", Fault("overexposed", g), over) for g in (3.0, 4.0)]
    for degrees in (10, -10, 20, -20, 40, -40):
        made.append(Graded("turned", f"pan {abs(degrees)}", Fault("turned", pan=degrees), turned))
    for degrees in (10, 20):
        made.append(Graded("turned", f"tilt {degrees}", Fault("turned", tilt=degrees), turned))
    made.append(Graded("turned", "to the wall", Fault("wall"), blank))
    for runs in (False, True):
        grade = "clock runs" if runs else "all of it"
        made.append(Graded("frozen", grade, Fault("frozen", clock_runs=runs), ("pictureFrozen",)))
    for what, left in (("cut", 0.5), ("filled", 0.6), ("page", 1.0), ("gap", 0.4)):
        made.append(Graded("garbled", what, Fault(what, left), ("pictureGarbled",)))
    return tuple(made)


def cameras(which: str, photos: Path | None, count: int) -> list[Camera]:
    """So many rendered ones, a wall and a PTZ camera for each ten, and one for each photograph there is."""
    base, found = SEEDS[which], []
    for i, name in enumerate(PHOTOS[which[0]] if photos else ()):
        assert photos is not None
        with Image.open(photos / name) as photo:
            seen = camera_at(place_of(photo, base + 700 + i), base + 700 + i)
        found.append(Camera(name.rpartition("/")[2], seen, _quality(base + 700 + i), faulty=True))
    for i in range(count):
        seen = scene(base + i, KINDS[i % len(KINDS)])
        found.append(Camera(f"{KINDS[i % len(KINDS)]} {i}", seen, _quality(base + i), faulty=i < FAULTY))
    for i in range(max(1, count // 10)):
        seen = scene(base + 500 + i, "wall")
        found.append(Camera(f"wall {i}", seen, _quality(base + 500 + i)))
        seed = base + 600 + i
        seen = replace(scene(seed, KINDS[i % len(KINDS)]), presets=PRESETS)
        found.append(Camera(f"ptz {i}", seen, _quality(seed), ptz=True, faulty=i < FAULTY_PTZ))
    return found


def shows(camera: Camera, at: float) -> bool:
    """Whether anything can be made out then: in a tenth of 20 x 20 pixels of the noiseless picture, a deviation over 6.

    A camera without a lamp before a dark place shows nothing at night, and nobody can tell what befell it.
    """
    bare = replace(camera.scene, noise=0.0, busy=0.0, overlay=False)
    grey = np.asarray(render(bare, at, CLEAR).convert("L").resize((320, 180)), np.float32)
    return bool((grey.reshape(9, 20, 16, 20).std((1, 3)) > 6).mean() >= 0.1)


def _quality(seed: int) -> int:
    return int(between(seed, 910, 40, 92))


def quality_at(camera: Camera, at: float) -> int:
    """It varies a little with every picture; a fifth of the cameras are set lower after some days."""
    seed, day = camera.scene.seed, (at - START) / DAY_S
    lower = 20 if dice(seed, 911) < 0.2 and day > between(seed, 912, 3, 10) else 0
    return max(30, camera.quality - lower + int(between(seed, int(at), -5, 5)))


def weather(seed: int, at: float) -> Weather:
    """Clouds over days, a shower now and then, fog on some mornings, within an hour, insects on some nights."""
    day, hour = divmod((at + LOCAL_S) / 3600, 24)
    rain = max(0.0, drift(seed + 1, at, 5 * 3600) - 0.75) * 4
    fog = 0.0
    if dice(seed + 2, int(day)) < 0.12 and hour < 10:
        fog = between(seed + 3, int(day), 0.3, 0.8) * min(1.0, hour, 10 - hour)
    insects = dice(seed + 4, int(day)) if dice(seed + 5, int(day)) < 0.3 else 0.0
    return Weather(
        cloud=drift(seed, at, 3 * 3600),
        rain=min(1.0, rain),
        fog=fog,
        wind=drift(seed + 6, at, 7200),
        insects=insects,
    )


def things(camera: Camera, at: float) -> tuple[Thing, ...]:
    """What stands, hangs or shines before a camera then, and is no fault.

    On a third of the days a lorry parks for half an hour to six hours, over 15 to 45 % of the width; a fifth of the
    weeks have two days of a tent over 30 to 60 %; a third of the cameras see flags from some day on; on a fifth of the
    nights a spider sits on the glass; drops stay on it while it rains; a sixth look into the low sun. The camera takes
    in 0.8 to 1.2 of the usual light, and street lamps are dimmed to 0.6 after eleven.
    """
    seed, found = camera.scene.seed, []
    day, hour = divmod((at + LOCAL_S) / 3600, 24)
    day = int(day)
    taken_in = 0.8 + 0.4 * drift(seed + 10, at, 1800)
    dimmed = not camera.scene.infrared and (hour > 23 or hour < 5)
    found.append(Thing("exposure", taken_in * (0.6 if dimmed else 1), seed))
    if dice(seed + 11, day) < 0.33:
        begins = between(seed + 12, day, 5, 20)
        if begins < hour < begins + between(seed + 13, day, 0.5, 6):
            found.append(Thing("lorry", between(seed + 14, day, 0.15, 0.45), seed + day))
    week, of_week = divmod(day, 7)
    if dice(seed + 15, week) < 0.2 and 0 <= of_week - int(between(seed + 16, week, 0, 6)) < 2:
        found.append(Thing("tent", between(seed + 17, week, 0.3, 0.6), seed + week))
    if dice(seed, 918) < 0.33 and day - START // DAY_S > between(seed, 919, 2, 12):
        found.append(Thing("flags", 1.0, seed))
    night = int(day + (hour > 12))
    if dice(seed + 20, night) < 0.2:
        found.append(Thing("spider", dice(seed + 21, night), seed + night))
    rain = weather(seed, at).rain
    if rain > 0.2:
        found.append(Thing("drops", rain, seed + int(at / 1200)))
    low = min(abs(hour - 6.7), abs(hour - 17.3))
    if dice(seed, 922) < 0.17 and low < 0.3:
        found.append(Thing("glare", 0.16 * (1 - low), seed))
    return tuple(found)


def hidden(camera: Camera, at: float) -> bool:
    """Whether a lorry or a tent hides so much of the view that saying so is right, and not saying so too."""
    return any(t.kind in {"lorry", "tent"} and t.size >= HIDES for t in things(camera, at))
