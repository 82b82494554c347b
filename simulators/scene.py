"""A moving scene, as a camera sees it at any moment: day and night, weather, people, and what can happen to a camera.

Everything is a function of (seed, time): the same question gets the same picture. `scene` is kept for the last 32
seeds, each about 8 MB; `render` takes a few milliseconds.
"""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from simulators.chance import between, dice, drift
from simulators.scene_faults import Fault, damaged, spoilt, turned_by
from simulators.scene_life import Thing, hung, light_taken_in, stood
from simulators.scene_paint import HEIGHT, HIGH, KINDS, WIDE, WIDTH, Place, grain, paint

LOCAL_S = 7 * 3600  # Hà Nội
DEGREES = 90  # horizontal field of view
OVERLAY = (240, 240, 240)
NOISE_ROOM = 64
IR_BELOW = 0.16  # of full daylight: where a camera switches to its infra-red lamp


@dataclass(frozen=True, slots=True)
class Weather:
    """What is in the air, each from 0 (none) to 1: clouds, rain, fog, wind, insects before the lens at night."""

    cloud: float = 0.3
    rain: float = 0.0
    fog: float = 0.0
    wind: float = 0.3
    insects: float = 0.0


CLEAR = Weather()


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A place, and the camera that looks at it.

    `noise`: deviation of the sensor's noise by day, in levels; `infrared`: whether it switches to infra-red at night,
    else it sees what lamps light; `busy`: people and vehicles at a time by day; `shake`: pixels; `overlay`: whether
    clock and name are written into the picture; `presets`: (degrees right, degrees down) that it may look at.
    """

    seed: int
    place: Place
    name: str
    noise: float
    infrared: bool
    busy: float
    shake: float
    overlay: bool = True
    presets: tuple[tuple[float, float], ...] = field(default=((0.0, 0.0),))


@lru_cache(maxsize=32)
def scene(seed: int, kind: str | None = None) -> Scene:
    """The scene of a seed; its kind too follows from the seed where none is named."""
    what = kind or KINDS[int(dice(seed, 900) * (len(KINDS) - 1))]
    return camera_at(paint(seed, what), seed)


def camera_at(place: Place, seed: int) -> Scene:
    """A camera of that seed, looking at a place."""
    return Scene(
        seed,
        place,
        f"CAM {seed % 1000:03d}",
        noise=between(seed, 901, 0.8, 3.5),
        infrared=dice(seed, 902) < 0.8,
        busy=between(seed, 903, 0.2, 4),
        shake=between(seed, 904, 0, 2.5),
    )


def snapshot(
    seen: Scene, at: float, weather: Weather = CLEAR, faults: tuple[Fault, ...] = (), *, quality: int = 75
) -> bytes:
    """The JPEG that a camera gives at a time, in seconds since 1970; damaged where a fault says so."""
    out = io.BytesIO()
    render(seen, at, weather, faults).save(out, "JPEG", quality=quality)
    return damaged(out.getvalue(), faults)


def render(
    seen: Scene,
    at: float,
    weather: Weather = CLEAR,
    faults: tuple[Fault, ...] = (),
    *,
    preset: int = 0,
    things: tuple[Thing, ...] = (),
) -> Image.Image:
    """The picture, 640 x 360, before it becomes a JPEG."""
    frozen = next((f for f in faults if f.kind == "frozen"), None)
    shown_at, at = at, at if frozen is None else frozen.since
    picture = _view(seen, at, weather, turned_by(faults), seen.presets[preset], things)
    infrared = seen.infrared and light_at(at) < IR_BELOW
    picture = hung(picture, things, at, infrared=infrared)
    picture = spoilt(picture, faults, seen.seed, night=light_at(at) < IR_BELOW)
    picture = _noisy(picture, seen, at, weather)
    if seen.overlay:
        clock = at if frozen is not None and not frozen.clock_runs else shown_at
        _write(picture, seen.name, clock)
    return picture


def light_at(at: float) -> float:
    """Daylight from 0 to 1 by local time: night until 5:30 and from 18:30, full around noon."""
    hour = (at + LOCAL_S) / 3600 % 24
    return max(0.0, min(1.0, 1.25 * math.sin(math.pi * (hour - 5.5) / 13))) if 5.5 < hour < 18.5 else 0.0


def _view(
    seen: Scene,
    at: float,
    weather: Weather,
    turn: tuple[float, float] | None,
    preset: tuple[float, float],
    things: tuple[Thing, ...],
) -> Image.Image:
    """What comes through the lens, without the sensor's noise."""
    if turn is None:  # to the wall
        picture = Image.new("RGB", (WIDTH, HEIGHT), (176, 168, 158))
        texture = grain(seen.seed & 0xFFFF, (WIDTH, HEIGHT), 2)
        picture = ImageChops.add(picture, Image.merge("RGB", [texture] * 3), 1, -128)
        return _lit(picture, None, seen, at, weather, (0, 0), things)
    tick = math.floor(at * 2)
    x = (WIDE - WIDTH) / 2 + (turn[0] + preset[0]) * WIDTH / DEGREES
    y = (HIGH - HEIGHT) / 2 + (turn[1] + preset[1]) * WIDTH / DEGREES
    x += between(seen.seed, tick, -seen.shake, seen.shake)
    y += between(seen.seed, tick + 7, -seen.shake, seen.shake)
    left, top = max(0, min(WIDE - WIDTH, round(x))), max(0, min(HIGH - HEIGHT, round(y)))
    picture = seen.place.albedo.crop((left, top, left + WIDTH, top + HEIGHT))
    for i, tree in enumerate(seen.place.trees):
        sway = 5 * weather.wind * (drift(seen.seed + i, at, 1.7) - 0.5)
        picture.paste(tree.picture, (tree.x - left + round(sway), tree.y - top), tree.picture)
    _passers_by(picture, seen, at, top)
    stood(picture, things, at, (left, top))
    return _lit(picture, seen.place, seen, at, weather, (left, top), things)


def _passers_by(picture: Image.Image, seen: Scene, at: float, top: int) -> None:
    """People and motorbikes; each crosses the view within half a minute."""
    hour = (at + LOCAL_S) / 3600 % 24
    busy = seen.busy * (0.08 if hour < 5 or hour > 22.5 else 1.0 if 6 < hour < 20 else 0.4)
    draw = ImageDraw.Draw(picture)
    horizon = HIGH // 2 - 60 - top
    for k in range(math.ceil(2 * busy)):
        epoch, along = divmod(at / 30 + k * 0.37, 1)
        n = int(epoch) * 16 + k
        if dice(seen.seed, n) > busy / math.ceil(2 * busy):
            continue
        foot = horizon + between(seen.seed, n + 1, 60, 300)
        size = 30 + (foot - horizon) * 0.5
        x = along * (WIDTH + 2 * size) - size
        if dice(seen.seed, n + 2) < 0.5:
            x = WIDTH - x
        c = tuple(int(between(seen.seed, n + j, 20, 220)) for j in (3, 4, 5))
        colour = (c[0], c[1], c[2])
        if dice(seen.seed, n + 6) < 0.5:  # a motorbike
            draw.ellipse((x - size * 0.5, foot - size * 0.35, x - size * 0.15, foot), (25, 25, 25))
            draw.ellipse((x + size * 0.15, foot - size * 0.35, x + size * 0.5, foot), (25, 25, 25))
            draw.rectangle((x - size * 0.35, foot - size * 0.5, x + size * 0.4, foot - size * 0.25), colour)
        draw.rectangle((x - size * 0.12, foot - size * 0.8, x + size * 0.12, foot - size * 0.3), colour)
        draw.rectangle((x - size * 0.1, foot - size * 0.3, x + size * 0.1, foot - size * 0.05), (40, 40, 60))
        draw.ellipse((x - size * 0.08, foot - size, x + size * 0.08, foot - size * 0.8), (196, 156, 126))


def _lit(
    picture: Image.Image,
    place: Place | None,
    seen: Scene,
    at: float,
    weather: Weather,
    corner: tuple[int, int],
    things: tuple[Thing, ...],
) -> Image.Image:
    light, taken_in = light_at(at), light_taken_in(things)
    if light < IR_BELOW:
        picture = _at_night(picture, place, seen, at, weather, corner, taken_in)
    else:
        cloud = min(1.0, weather.cloud + weather.rain * 0.6 + weather.fog * 0.6)
        sun = (1 - cloud) * light
        exposure = between(seen.seed, 905, 0.9, 1.15) * (0.55 + 0.45 * light) * taken_in
        warm = max(0.0, 0.5 - light)
        shade = _gained(picture, exposure * (0.72 + 0.2 * cloud), (1, 1, 1 - 0.1 * warm))
        if sun > 0.15 and place is not None:
            bright = _gained(picture, exposure * (0.72 + 0.45 * sun), (1 + 0.2 * warm, 1, 1 - 0.4 * warm))
            picture = Image.composite(shade, bright, _shadows(place, at, corner))
        else:
            picture = _gained(picture, exposure * (0.72 + 0.45 * sun), (1, 1, 1))
    if weather.fog > 0 and place is not None:
        far = place.far.crop((corner[0], corner[1], corner[0] + WIDTH, corner[1] + HEIGHT))
        thick = 7 * weather.fog**2
        veil = far.point([int(255 * (1 - math.exp(-thick * (0.25 + 0.75 * v / 255)))) for v in range(256)])
        grey = 205 if light > IR_BELOW else 120
        picture = Image.composite(Image.new("RGB", picture.size, (grey, grey, grey)), picture, veil)
    for thing in things:
        if thing.kind == "glare":  # the sun, low before the camera
            x, y = between(thing.seed, 1, 0, WIDTH), between(thing.seed, 2, 40, 140)
            picture = _glow(picture, x, y, thing.size * WIDTH)
    if weather.rain > 0:
        streaks = _streaks(math.floor(at) % 4).point([int(v * weather.rain) for v in range(256)])
        picture = Image.composite(Image.new("RGB", picture.size, (190, 190, 194)), picture, streaks)
    return picture


def _gained(picture: Image.Image, gain: float, tint: tuple[float, float, float]) -> Image.Image:
    """Brighter or darker, with a soft shoulder as cameras have."""
    return picture.point([v for t in tint for v in _shoulder(round(100 * gain * t))])


@lru_cache(maxsize=400)
def _shoulder(percent: int) -> tuple[int, ...]:
    gain = 0.0155 * percent / 255
    return tuple(min(250, int(255 * (1 - math.exp(-gain * v)) / 0.83)) for v in range(256))


def _shadows(place: Place, at: float, corner: tuple[int, int]) -> Image.Image:
    hour = (at + LOCAL_S) / 3600 % 24
    slant = (hour - 12) / 6
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(mask)
    for left, right, foot, height in place.blocks:
        x, y = left - corner[0], foot - corner[1]
        w, dx, dy = right - left, slant * height * 1.2, height * (0.15 + 0.3 * abs(slant))
        draw.polygon([(x, y), (x + w, y), (x + w + dx, y + dy), (x + dx, y + dy)], 255)
    return mask


def _at_night(
    picture: Image.Image,
    place: Place | None,
    seen: Scene,
    at: float,
    weather: Weather,
    corner: tuple[int, int],
    taken_in: float,
) -> Image.Image:
    if seen.infrared:
        grey = picture.convert("L").point([min(255, int(taken_in * (v * 0.8 + 10))) for v in range(256)])
        picture = ImageChops.multiply(grey, _falloff()).convert("RGB")
    else:
        lamps = (
            _falloff()
            if place is None
            else place.lamps.crop((*corner, corner[0] + WIDTH, corner[1] + HEIGHT))
        )
        lit = ImageChops.multiply(picture, Image.merge("RGB", [lamps] * 3))
        picture = _gained(lit, 0.9 * taken_in, (1.0, 0.85, 0.6))
    n = math.floor(at / 5)
    if dice(seen.seed, n) < 0.04 * seen.busy:  # headlights of someone who comes
        x, y = between(seen.seed, n + 1, 60, 580), between(seen.seed, n + 2, 150, 300)
        r = between(seen.seed, n + 3, 20, 90)
        for dx in (-r * 0.3, r * 0.3):
            picture = _glow(picture, x + dx, y, r)
    for k in range(int(6 * weather.insects)):
        m = math.floor(at * 3) * 8 + k
        x, y = between(seen.seed, m, 0, WIDTH), between(seen.seed, m + 1, 0, HEIGHT)
        picture = _glow(picture, x, y, between(seen.seed, m + 2, 5, 34))
    return picture


def _glow(picture: Image.Image, x: float, y: float, radius: float) -> Image.Image:
    size = round(6 * radius)
    spot = _spot().resize((size, size))
    light = Image.new("L", picture.size, 0)
    light.paste(spot, (round(x - size / 2), round(y - size / 2)))
    return ImageChops.add(picture, Image.merge("RGB", [light] * 3))


@lru_cache(maxsize=1)
def _spot() -> Image.Image:
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    return Image.fromarray((255 * np.clip(1.6 * np.exp(-9 * (x * x + y * y)) - 0.05, 0, 1)).astype(np.uint8))


@lru_cache(maxsize=1)
def _falloff() -> Image.Image:
    """The infra-red lamp: bright in the middle and near, dark at the edges."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return Image.fromarray((235 * np.exp(-0.9 * (x * x + (y - 0.3) ** 2))).astype(np.uint8))


@lru_cache(maxsize=4)
def _streaks(n: int) -> Image.Image:
    rng = np.random.default_rng(n)
    mask = Image.new("L", (WIDTH, HEIGHT), 40)
    draw = ImageDraw.Draw(mask)
    for x, y, length in rng.uniform((0, -20, 10), (WIDTH, HEIGHT, 36), (260, 3)):
        draw.line((x, y, x + length / 6, y + length), 130)
    return mask.filter(ImageFilter.GaussianBlur(0.6))


def _noisy(picture: Image.Image, seen: Scene, at: float, weather: Weather) -> Image.Image:
    light = light_at(at)
    strength = seen.noise * (1 if light > 0.4 else 1.6 if light > IR_BELOW else 2.2) * (1 - 0.3 * weather.fog)
    n = zlib.crc32(f"{seen.seed} {at:.2f}".encode())
    grey = light < IR_BELOW and seen.infrared
    bank = _noise_bank(max(1, round(strength * 2)), bool(n & 1 << 20), bool(n & 1 << 21), grey=grey)
    x = NOISE_ROOM - n % NOISE_ROOM if n & 1 << 20 else n % NOISE_ROOM
    y = NOISE_ROOM - n // NOISE_ROOM % NOISE_ROOM if n & 1 << 21 else n // NOISE_ROOM % NOISE_ROOM
    return ImageChops.add(picture, bank.crop((x, y, x + WIDTH, y + HEIGHT)), 1, -128)


@lru_cache(maxsize=48)
def _noise_bank(half_levels: int, mirrored: bool, upside_down: bool, *, grey: bool) -> Image.Image:
    """Noise to cut from at random, 64 pixels wider and higher than a picture; turned over here, once."""
    rng = np.random.default_rng(half_levels)
    noise = rng.normal(128, half_levels / 2, (HEIGHT + NOISE_ROOM, WIDTH + NOISE_ROOM, 3))
    bank = Image.fromarray(np.clip(np.rint(noise), 0, 255).astype(np.uint8))
    if mirrored:
        bank = bank.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if upside_down:
        bank = bank.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return Image.merge("RGB", [bank.getchannel(0)] * 3) if grey else bank


def _write(picture: Image.Image, name: str, at: float) -> None:
    when = datetime.fromtimestamp(at, UTC) + timedelta(seconds=LOCAL_S)
    draw = ImageDraw.Draw(picture)
    draw.text((12, 10), f"{when:%Y-%m-%d %H:%M:%S}", OVERLAY, _font())
    draw.text((WIDTH - 90, HEIGHT - 28), name, OVERLAY, _font())


@lru_cache(maxsize=1)
def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(16)
