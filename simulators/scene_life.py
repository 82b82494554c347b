"""What stands or hangs before a camera for hours and is no fault of it: a lorry, a wedding's tent, flags, a spider."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from simulators.chance import between, dice, drift
from simulators.scene_paint import HEIGHT, HORIZON, PAINTS, WIDE, WIDTH

KINDS = ("lorry", "tent", "flags", "spider", "drops", "glare", "exposure")
FESTIVE = ((206, 32, 40), (240, 200, 40), (236, 232, 226), (40, 90, 170))
LETTERS = (244, 240, 230)


@dataclass(frozen=True, slots=True)
class Thing:
    """One of them. `seed`: where it is and how it looks.

    `size` by kind: lorry and tent, the share of the picture's width; spider and drops, how many and how large, 0 to 1;
    glare, the sun's radius as a share of the width; exposure, the light that the camera takes in, 1 as usual.
    """

    kind: str
    size: float
    seed: int


def stood(picture: Image.Image, things: tuple[Thing, ...], at: float, corner: tuple[int, int]) -> None:
    """Draw those that stand in the scene, which light falls on like on the rest."""
    draw = ImageDraw.Draw(picture)
    for thing in things:
        if thing.kind == "lorry":
            _lorry(draw, thing, corner)
        elif thing.kind == "tent":
            _tent(draw, thing, corner)
        elif thing.kind == "flags":
            _flags(draw, thing, at, corner)


def light_taken_in(things: tuple[Thing, ...]) -> float:
    """How much light the camera takes in, against usual."""
    return math.prod(t.size for t in things if t.kind == "exposure")


def hung(picture: Image.Image, things: tuple[Thing, ...], at: float, *, infrared: bool) -> Image.Image:
    """With what hangs on the glass, lit by the camera's own lamp at night."""
    for thing in things:
        if thing.kind == "spider" and infrared:
            picture = _spider(picture, thing, at)
        elif thing.kind == "drops":
            picture = _drops(picture, thing)
    return picture


def _lorry(draw: ImageDraw.ImageDraw, thing: Thing, corner: tuple[int, int]) -> None:
    """Box, cab and wheels: parked near, sharp, and smooth over most of it."""
    seed, w = thing.seed, int(thing.size * WIDTH)
    h = int(w * between(seed, 1, 0.45, 0.75))
    x = int(between(seed, 2, WIDE / 2 - 300, WIDE / 2 + 300 - w)) - corner[0]
    foot = HORIZON + int(between(seed, 3, 120, 200) + 0.4 * h) - corner[1]
    colour = PAINTS[int(dice(seed, 4) * len(PAINTS))]
    dark = (colour[0] // 2, colour[1] // 2, colour[2] // 2)
    cab, wheel = w // 4, max(4, w // 12)
    draw.rectangle((x, foot - h, x + w - cab, foot - wheel), colour, dark)
    draw.rectangle((x + w - cab + 3, foot - h * 3 // 4, x + w, foot - wheel), dark, (30, 30, 30))
    draw.rectangle((x + w - cab // 2, foot - h * 2 // 3, x + w - 4, foot - h * 2 // 5), (90, 104, 116))
    if dice(seed, 5) < 0.5:
        for i in range(1, 8):
            draw.line((x + i * (w - cab) // 8, foot - h, x + i * (w - cab) // 8, foot - wheel), dark)
    for i in range(x + w // 8, x + w - cab - w // 8, 13):  # a name on its side
        draw.line((i, foot - h // 2, i + 5, foot - h // 2 + 12), LETTERS, 3)
    for i in (x + w // 6, x + w // 3, x + w - cab // 2):
        draw.ellipse((i - wheel, foot - 2 * wheel, i + wheel, foot), (24, 24, 26), (90, 90, 90))


def _tent(draw: ImageDraw.ImageDraw, thing: Thing, corner: tuple[int, int]) -> None:
    """A roof of cloth on poles over a part of the street, for a wedding or a funeral."""
    seed, w = thing.seed, int(thing.size * WIDTH)
    x = int(between(seed, 1, WIDE / 2 - 300, WIDE / 2 + 300 - w)) - corner[0]
    top = HORIZON - int(between(seed, 2, 0, 60)) - corner[1]
    h = int(between(seed, 3, 60, 110))
    one, two = (FESTIVE[int(dice(seed, n) * len(FESTIVE))] for n in (4, 5))
    for i in range(6):
        left, right = x + i * w // 6, x + (i + 1) * w // 6
        lean = h // 4
        corners = [(left + lean, top), (right + lean, top), (right, top + h), (left, top + h)]
        draw.polygon(corners, one if i % 2 else two)
    for i in (x, x + w // 2, x + w):
        draw.line((i, top + h, i, top + h + 130), (150, 150, 156), 4)


def _flags(draw: ImageDraw.ImageDraw, thing: Thing, at: float, corner: tuple[int, int]) -> None:
    """Strings of little flags over the street, as before Tết; the wind moves them."""
    for row in range(3):
        y = HORIZON - 30 + 45 * row + int(between(thing.seed, row, -10, 10)) - corner[1]
        sway = 8 * (drift(thing.seed + row, at, 2.3) - 0.5)
        for i in range(WIDE // 22):
            x = i * 22 - corner[0] + sway
            sag = 18 * math.sin(math.pi * (i % 16) / 16)
            colour = FESTIVE[int(dice(thing.seed, 50 * row + i) * 2)]
            draw.polygon([(x, y + sag), (x + 14, y + sag), (x + 7, y + sag + 18)], colour)


def _spider(picture: Image.Image, thing: Thing, at: float) -> Image.Image:
    """So near that it is out of focus, and white in the lamp; it sits, and moves now and then. Its threads too."""
    seed = thing.seed
    x = drift(seed, at, 3000) * WIDTH
    y = drift(seed + 1, at, 4000) * HEIGHT
    r = 6 + 26 * thing.size
    light = Image.new("L", (WIDTH // 2, HEIGHT // 2), 0)
    draw = ImageDraw.Draw(light)
    for i in range(int(3 + 6 * thing.size)):
        a, b = between(seed, 10 + i, 0, WIDTH / 2), between(seed, 20 + i, 0, WIDTH / 2)
        draw.line((a, 0, b, HEIGHT / 2), 70, 2)
    for i in range(8):
        angle = i * math.pi / 4 + between(seed, 30 + i, -0.2, 0.2)
        ends = (x + 2.6 * r * math.cos(angle)) / 2, (y + 2.6 * r * math.sin(angle)) / 2
        draw.line((x / 2, y / 2, *ends), 160, 3)
    draw.ellipse(((x - r) / 2, (y - r) / 2, (x + r) / 2, (y + r) / 2), 250)
    light = light.filter(ImageFilter.BoxBlur(2)).resize(picture.size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", picture.size, (248, 248, 248)), picture, light)


def _drops(picture: Image.Image, thing: Thing) -> Image.Image:
    """Drops on the glass: within them little can be made out."""
    seed = thing.seed
    for i in range(int(2 + 8 * thing.size)):
        r = int(between(seed, 3 * i, 6, 8 + 16 * thing.size))
        x, y = int(between(seed, 3 * i + 1, r, WIDTH - r)), int(between(seed, 3 * i + 2, r, HEIGHT - r))
        box = (x - r, y - r, x + r, y + r)
        mask = Image.new("L", (2 * r, 2 * r), 0)
        ImageDraw.Draw(mask).ellipse((2, 2, 2 * r - 3, 2 * r - 3), 230)
        soft = picture.crop(box).filter(ImageFilter.BoxBlur(r / 2))
        picture.paste(soft, box, mask.filter(ImageFilter.BoxBlur(1)))
    return picture
