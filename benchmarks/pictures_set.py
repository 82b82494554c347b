"""What pictures are judged on: two sets of cameras that share no scene, no photograph and no seed. Not a benchmark.

Set A is what the thresholds in `drivers/pictures/limits.py` were chosen on; set B gives the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from simulators.chance import between, dice, drift
from simulators.scene import LOCAL_S, Scene, Weather, camera_at, scene
from simulators.scene_faults import Fault
from simulators.scene_paint import place_of

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400
START = 20_000 * DAY_S - LOCAL_S  # a local midnight, in seconds since 1970
PHOTOS = {
    "a": ("skimage/data/coffee.png", "skimage/data/astronaut.png", "skimage/data/chelsea.png"),
    "b": (
        "ultralytics/assets/bus.jpg",
        "ultralytics/assets/zidane.jpg",
        "sklearn/datasets/images/china.jpg",
        "skimage/data/motorcycle_left.png",
        "skimage/data/camera.png",
    ),
}
SEEDS = {"a": 100, "b": 50_000}
KINDS = ("street", "lane", "yard", "junction")
PRESETS = ((0.0, 0.0), (-32.0, 0.0), (28.0, 6.0))


@dataclass(frozen=True, slots=True)
class Camera:
    """`quality`: of its JPEGs. `wall`: it looks at an empty wall, where most cannot be told."""

    name: str
    scene: Scene
    quality: int
    wall: bool = False
    ptz: bool = False


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
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        found.append(Camera(f"{kind} {i}", scene(base + i, kind), _quality(base + i)))
    for i in range(max(1, count // 10)):
        found.append(Camera(f"wall {i}", scene(base + 500 + i, "wall"), _quality(base + 500 + i), wall=True))
        seed = base + 600 + i
        ptz = replace(scene(seed, KINDS[i % len(KINDS)]), presets=PRESETS)
        found.append(Camera(f"ptz {i}", ptz, _quality(seed), ptz=True))
    for i, name in enumerate(PHOTOS[which] if photos else ()):
        assert photos is not None
        with Image.open(photos / name) as photo:
            place = place_of(photo, base + 700 + i)
        found.append(
            Camera(name.rpartition("/")[2], camera_at(place, base + 700 + i), _quality(base + 700 + i))
        )
    return found


def _quality(seed: int) -> int:
    return int(between(seed, 910, 40, 92))


def weather(seed: int, at: float) -> Weather:
    """Clouds over days, a shower now and then, fog on some mornings, insects on some nights."""
    day, hour = divmod((at + LOCAL_S) / 3600, 24)
    rain = max(0.0, drift(seed + 1, at, 5 * 3600) - 0.75) * 4
    fog = 0.0
    if dice(seed + 2, int(day)) < 0.12 and hour < 10:
        fog = between(seed + 3, int(day), 0.3, 0.8) * min(1.0, 10 - hour)
    insects = dice(seed + 4, int(day)) if dice(seed + 5, int(day)) < 0.3 else 0.0
    return Weather(
        cloud=drift(seed, at, 3 * 3600),
        rain=min(1.0, rain),
        fog=fog,
        wind=drift(seed + 6, at, 7200),
        insects=insects,
    )
