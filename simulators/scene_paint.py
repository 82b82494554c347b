"""Painting what a camera looks at: a wide picture of a place in even light, made once from a seed.

Five kinds of place: street, lane, yard, junction, and an empty white wall. The picture is twice as wide and high as
what the camera sees, so that it can be turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from simulators.chance import between, dice

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("street", "lane", "yard", "junction", "wall")
WIDTH, HEIGHT = 640, 360  # what the camera sees, in pixels
WIDE, HIGH = 2 * WIDTH, 2 * HEIGHT  # what there is to see
HORIZON = HIGH // 2 - 60
Colour = tuple[int, int, int]

FACADES: tuple[Colour, ...] = (
    (214, 196, 150), (196, 204, 206), (220, 176, 140), (170, 190, 170), (228, 220, 204), (186, 150, 130),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = ((140, 62, 48), (96, 96, 104), (122, 84, 60), (60, 92, 120))
PAINTS: tuple[Colour, ...] = ((160, 40, 40), (40, 70, 140), (230, 230, 230), (40, 40, 44), (190, 170, 60))
GROUND: tuple[Colour, ...] = ((112, 110, 108), (136, 120, 98), (124, 124, 120))


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A tree of its own, so that it can sway: its picture (RGBA) and the left upper corner of it."""

    picture: Image.Image
    x: int
    y: int


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What can be seen from one spot.

    `albedo`: RGB in even light. `far`: L, 0 near to 255 at the horizon. `lamps`: L, what street lamps light at night.
    `blocks`: what throws shadows, as (left, right, foot, height) in pixels.
    """

    albedo: Image.Image
    far: Image.Image
    lamps: Image.Image
    trees: tuple[Tree, ...]
    blocks: tuple[tuple[int, int, int, int], ...]


class _Dice:
    """Throws of one seed, one after another."""

    def __init__(self, seed: int) -> None:
        self.seed, self.n = seed, 0

    def between(self, low: float, high: float) -> float:
        self.n += 1
        return between(self.seed, self.n, low, high)

    def whole(self, low: int, high: int) -> int:
        return int(self.between(low, high + 0.999))

    def one_of(self, colours: tuple[Colour, ...]) -> Colour:
        self.n += 1
        return colours[int(dice(self.seed, self.n) * len(colours))]


def grain(seed: int, size: tuple[int, int], rough: float) -> Image.Image:
    """A texture around 128: fine and coarse noise of deviation `rough`, as an L picture."""
    rng = np.random.default_rng(seed)
    width, height = size
    total: NDArray[np.float32] = rng.normal(0, rough, (height, width)).astype(np.float32)
    for step in (4, 16, 64):
        small = rng.normal(0, rough, (height // step + 2, width // step + 2)).astype(np.float32)
        total += np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def paint(seed: int, kind: str) -> Place:
    """The place of a seed. Takes about a fifth of a second."""
    d = _Dice(seed)
    if kind == "wall":
        return _wall(seed, d)
    picture = Image.new("RGB", (WIDE, HIGH), d.one_of(GROUND))
    draw = ImageDraw.Draw(picture)
    _sky(draw, d)
    _road(draw, kind, d)
    blocks = _houses(draw, kind, d)
    blocks += _things(draw, d)
    texture = grain(seed, (WIDE, HIGH), 5)
    sky = Image.new("L", (WIDE, HIGH), 128)
    texture.paste(sky.crop((0, 0, WIDE, HORIZON - 90)), (0, 0))
    picture = ImageChops.add(picture, Image.merge("RGB", [texture] * 3), 1, -128)
    trees = tuple(_tree(d) for _ in range(d.whole(2, 5)))
    return Place(picture, _far(), _lamps(d), trees, tuple(blocks))


def place_of(photo: Image.Image, seed: int) -> Place:
    """A photograph as a place: it stands for what is there in even light."""
    scale = max(WIDE / photo.width, HIGH / photo.height)
    large = photo.convert("RGB").resize(
        (max(WIDE, round(photo.width * scale)), max(HIGH, round(photo.height * scale))),
        Image.Resampling.BICUBIC,
    )
    x, y = (large.width - WIDE) // 2, (large.height - HIGH) // 2
    albedo = large.crop((x, y, x + WIDE, y + HIGH))
    return Place(albedo, _far(), _lamps(_Dice(seed)), (), ())


def _wall(seed: int, d: _Dice) -> Place:
    light = d.whole(205, 232)
    picture = Image.new("RGB", (WIDE, HIGH), (light, light, light - d.whole(2, 10)))
    texture = grain(seed, (WIDE, HIGH), 0.8)
    picture = ImageChops.add(picture, Image.merge("RGB", [texture] * 3), 1, -128)
    near = Image.new("L", (WIDE, HIGH), 10)
    return Place(picture, near, _lamps(d), (), ())


def _sky(draw: ImageDraw.ImageDraw, d: _Dice) -> None:
    blue = d.whole(0, 25)
    for y in range(HORIZON + 40):
        s = y / HORIZON
        draw.line((0, y, WIDE, y), (int(170 + 50 * s) - blue, int(196 + 34 * s) - blue // 2, 232))
    # hills or far roofs
    x = 0
    while x < WIDE:
        w, h = d.whole(40, 160), d.whole(8, 46)
        shade = d.whole(110, 150)
        draw.rectangle((x, HORIZON - h, x + w, HORIZON + 40), (shade, shade + 6, shade))
        x += w


def _road(draw: ImageDraw.ImageDraw, kind: str, d: _Dice) -> None:
    middle, shade = WIDE // 2 + d.whole(-160, 160), d.whole(70, 104)
    if kind == "yard":
        step = d.whole(26, 44)
        for x in range(-WIDE, 2 * WIDE, 2 * step):  # tiles, towards one point
            draw.line((middle, HORIZON, x, HIGH), (150, 140, 128), 2)
        y, gap = HORIZON + 8.0, 3.0
        while y < HIGH:
            draw.line((0, int(y), WIDE, int(y)), (150, 140, 128), 1 + int(gap) // 12)
            y, gap = y + gap, gap * 1.25
        return
    wide = {"street": 330, "junction": 420, "lane": 170}[kind] + d.whole(-40, 40)
    draw.polygon(
        [(middle - 14, HORIZON), (middle + 14, HORIZON), (middle + wide, HIGH), (middle - wide, HIGH)],
        (shade, shade, shade + 3),
    )
    if kind == "junction":
        y = HORIZON + d.whole(110, 150)
        draw.polygon([(0, y), (WIDE, y - 20), (WIDE, y + 70), (0, y + 90)], (shade, shade, shade + 3))
        for i in range(8):
            x = middle - 130 + i * 34
            draw.polygon(
                [(x, y + 100), (x + 16, y + 100), (x + 12, y + 140), (x - 10, y + 140)], (214, 214, 208)
            )
    if kind != "lane":
        for i in range(9):
            a, b = (i / 9) ** 2, ((i + 0.5) / 9) ** 2
            draw.line(
                (middle, HORIZON + a * (HIGH - HORIZON), middle, HORIZON + b * (HIGH - HORIZON)),
                (220, 216, 190),
                2 + i,
            )
    for side in (-1, 1):
        draw.line((middle + side * 14, HORIZON, middle + side * wide, HIGH), (168, 164, 156), 6)


def _houses(draw: ImageDraw.ImageDraw, kind: str, d: _Dice) -> list[tuple[int, int, int, int]]:
    found, x = [], -d.whole(0, 60)
    while x < WIDE:
        width = d.whole(90, 210)
        away = min(1.0, abs(x + width / 2 - WIDE / 2) / (WIDE / 2))  # houses stand nearer at the sides
        foot = HORIZON + int(26 + 120 * away * (1.3 if kind == "lane" else 0.9)) + d.whole(-8, 8)
        height = d.whole(90, 150) + int(130 * away)
        if d.between(0, 1) < (0.8 if kind != "junction" else 0.62):
            _house(draw, d, (x, foot, width, height))
            found.append((x, x + width, foot, height))
        x += width + d.whole(0, 34)
    return found


def _house(draw: ImageDraw.ImageDraw, d: _Dice, box: tuple[int, int, int, int]) -> None:
    x, foot, width, height = box
    wall, roof = d.one_of(FACADES), d.one_of(ROOFS)
    top = foot - height
    draw.rectangle((x, top, x + width, foot), wall)
    if d.between(0, 1) < 0.6:
        rise = d.whole(16, 46)
        draw.polygon(
            [(x - 8, top), (x + width + 8, top), (x + width - 14, top - rise), (x + 14, top - rise)], roof
        )
    else:
        draw.rectangle((x - 4, top - 8, x + width + 4, top), roof)
    dark = tuple(c // 3 for c in wall)
    columns, rows = max(1, width // d.whole(38, 60)), max(1, height // d.whole(56, 80))
    for row in range(rows):
        for column in range(columns):
            wx, wy = x + 8 + column * width // columns, top + 12 + row * height // rows
            w, h = width // columns - 20, height // rows - 28
            draw.rectangle((wx, wy, wx + w, wy + h), (dark[0], dark[1], dark[2]), (236, 236, 230))
            draw.line((wx + w // 2, wy, wx + w // 2, wy + h), (200, 200, 200))
    if d.between(0, 1) < 0.5:
        sign = d.one_of(PAINTS)
        draw.rectangle((x + 6, foot - 58, x + width - 6, foot - 40), sign)
        for i in range(x + 14, x + width - 18, 9):
            draw.line((i, foot - 54, i + 4, foot - 45), (250, 250, 240), 2)
    draw.line((x, top, x, foot), (90, 86, 80))


def _things(draw: ImageDraw.ImageDraw, d: _Dice) -> list[tuple[int, int, int, int]]:
    found = []
    poles = sorted(d.whole(60, WIDE - 60) for _ in range(d.whole(3, 6)))
    for x in poles:  # poles with wires
        foot, height = HORIZON + d.whole(60, 200), d.whole(220, 320)
        draw.line((x, foot, x, foot - height), (84, 80, 78), 7)
        draw.line((x - 16, foot - height + 14, x + 16, foot - height + 14), (70, 66, 64), 4)
        found.append((x - 4, x + 4, foot, height))
    for k in range(3):
        y = HORIZON - 120 - 14 * k
        draw.line([(x, y + (x % 40) // 4) for x in range(0, WIDE + 1, 160)], (50, 50, 54), 2)
    for _ in range(d.whole(1, 4)):  # what stands around: parked cars, barrels, benches
        x, foot, w, h = d.whole(0, WIDE - 150), HORIZON + d.whole(130, 300), d.whole(50, 140), d.whole(34, 64)
        draw.rectangle((x, foot - h, x + w, foot), d.one_of(PAINTS), (30, 30, 30))
        draw.rectangle((x + w // 6, foot - h + 5, x + w - w // 6, foot - h // 2), (60, 70, 80))
        found.append((x, x + w, foot, h))
    fence, y = d.whole(0, WIDE // 2), HORIZON + d.whole(60, 110)
    for x in range(fence, fence + d.whole(160, 420), 13):
        draw.line((x, y, x, y + 42), (120, 126, 122), 3)
    draw.line((fence, y + 8, x, y + 8), (120, 126, 122), 3)
    return found


def _tree(d: _Dice) -> Tree:
    w, h = d.whole(90, 210), d.whole(130, 260)
    picture = Image.new("RGBA", (w, h), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((w // 2 - 5, h // 2, w // 2 + 5, h), (84, 62, 44, 255))
    for _ in range(90):
        r = d.between(7, 22)
        cx, cy = w / 2 + d.between(-0.42, 0.42) * w, h * 0.36 + d.between(-0.3, 0.3) * h
        green = d.whole(50, 130)
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), (green // 2 + 10, green, green // 3, 255))
    return Tree(picture, d.whole(0, WIDE - w), HORIZON + d.whole(10, 130) - h)


def _far() -> Image.Image:
    y = np.arange(HIGH, dtype=np.float32)[:, None]
    depth = np.where(y < HORIZON, 255, 255 / (1 + np.maximum(0, y - HORIZON) / 14))
    return Image.fromarray(np.broadcast_to(depth, (HIGH, WIDE)).astype(np.uint8))


def _lamps(d: _Dice) -> Image.Image:
    mask = Image.new("L", (WIDE // 8, HIGH // 8), 6)
    draw = ImageDraw.Draw(mask)
    for _ in range(d.whole(2, 4)):
        x, y, r = d.whole(20, WIDE // 8 - 20), d.whole(40, 70), d.whole(14, 26)
        draw.ellipse((x - r, y - r // 2, x + r, y + r), d.whole(150, 255))
    return mask.filter(ImageFilter.GaussianBlur(6)).resize((WIDE, HIGH), Image.Resampling.BICUBIC)
