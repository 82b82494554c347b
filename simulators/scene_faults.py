"""What can happen to a camera's picture: hardly a thing to do with the scene."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from simulators.chance import between

KINDS = ("black", "cloth", "paint", "leaf", "defocus", "dirt", "overexposed", "turned", "wall", "frozen",
         "cut", "filled", "gap", "page")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happened, and how much of it.

    `grade` by kind: leaf and dirt, the share of the picture; defocus, the blur's deviation as a share of the
    picture's width; overexposed, steps of doubled light; cut and filled, the share of bytes that are left;
    gap, the share of bytes before it. turned:
    `pan` degrees to the right and `tilt` degrees down. frozen: `since` (seconds since 1970), `clock_runs` where the
    clock is written into the picture after it froze.
    """

    kind: str
    grade: float = 1.0
    pan: float = 0.0
    tilt: float = 0.0
    since: float = 0.0
    clock_runs: bool = False


def turned_by(faults: tuple[Fault, ...]) -> tuple[float, float] | None:
    """Degrees right and down; None where it looks at the wall."""
    if any(f.kind == "wall" for f in faults):
        return None
    turns = [f for f in faults if f.kind == "turned"]
    return sum(f.pan for f in turns), sum(f.tilt for f in turns)


def spoilt(picture: Image.Image, faults: tuple[Fault, ...], seed: int, *, night: bool) -> Image.Image:
    """What faults before and in the lens do to a picture."""
    for fault in faults:
        if fault.kind == "black":
            picture = picture.point([int(v * 0.02 + 2) for v in range(256)] * 3)
        elif fault.kind in ("cloth", "paint"):
            picture = _veiled(picture, fault.kind, seed, night=night)
        elif fault.kind == "leaf":
            picture = _leaf(picture, fault.grade, seed, night=night)
        elif fault.kind == "defocus":
            picture = picture.filter(ImageFilter.GaussianBlur(fault.grade * picture.width))
        elif fault.kind == "dirt":
            picture = _dirty(picture, fault.grade, seed)
        elif fault.kind == "overexposed":
            picture = ImageEnhance.Brightness(picture).enhance(2**fault.grade)
    return picture


def _veiled(picture: Image.Image, kind: str, seed: int, *, night: bool) -> Image.Image:
    """Cloth lets a little light through, unevenly; paint has one colour with brush marks far out of focus."""
    colour = [int(between(seed, 40 + i, 30, 200)) for i in range(3)]
    if night:
        colour = [sum(colour) // 3] * 3
    cover = Image.new("RGB", (16, 9), (colour[0], colour[1], colour[2]))
    draw = ImageDraw.Draw(cover)
    for i in range(6):
        x, shade = int(between(seed, 50 + i, 0, 15)), between(seed, 60 + i, 0.75, 1.2)
        draw.line((x, 0, x + 2, 9), tuple(min(255, int(c * shade)) for c in colour), 2)
    cover = cover.resize(picture.size, Image.Resampling.BICUBIC)
    if kind == "paint":
        return cover
    through = picture.filter(ImageFilter.BoxBlur(60))
    return Image.blend(cover, ImageChops.multiply(cover, through), 0.5)


def _leaf(picture: Image.Image, share: float, seed: int, *, night: bool) -> Image.Image:
    """A leaf, a hand, a sheet of paper right before the lens: one part of the picture, from one side, out of focus."""
    width, height = picture.size
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    side = int(between(seed, 70, 0, 3.999))
    lean = between(seed, 71, -0.08, 0.08)
    a, b = share + lean, share - lean
    if side == 0:
        draw.polygon([(0, 0), (width * a, 0), (width * b, height), (0, height)], 255)
    elif side == 1:
        draw.polygon([(width, 0), (width * (1 - a), 0), (width * (1 - b), height), (width, height)], 255)
    elif side == 2:
        draw.polygon([(0, 0), (0, height * a), (width, height * b), (width, 0)], 255)
    else:
        draw.polygon([(0, height), (0, height * (1 - a)), (width, height * (1 - b)), (width, height)], 255)
    mask = mask.filter(ImageFilter.GaussianBlur(14))
    shade = int(between(seed, 72, 20, 90))
    colour = (
        (220, 220, 220) if night else (shade // 2, shade, shade // 3)
    )  # near the lamp everything is white
    return Image.composite(Image.new("RGB", picture.size, colour), picture, mask)


def _dirty(picture: Image.Image, share: float, seed: int) -> Image.Image:
    """Smears: within them the picture is far out of focus and veiled."""
    mask = Image.new("L", picture.size, int(255 * max(0.0, share - 0.5)))
    draw = ImageDraw.Draw(mask)
    for i in range(round(40 * share)):
        x, y = between(seed, 80 + 3 * i, 0, picture.width), between(seed, 81 + 3 * i, 0, picture.height)
        r = between(seed, 82 + 3 * i, 30, 80)
        draw.ellipse((x - r, y - r, x + r, y + r), 255)
    mask = mask.filter(ImageFilter.GaussianBlur(10))
    soft = picture.filter(ImageFilter.GaussianBlur(12)).point([int(v * 0.6 + 60) for v in range(256)] * 3)
    return Image.composite(soft, picture, mask)


def damaged(jpeg: bytes, faults: tuple[Fault, ...]) -> bytes:
    """What a failing camera or line makes of a JPEG."""
    for fault in faults:
        if fault.kind == "cut":
            jpeg = jpeg[: max(4, int(len(jpeg) * fault.grade))]
        elif fault.kind == "filled":  # cut off, and ended properly all the same
            jpeg = jpeg[: max(1000, int(len(jpeg) * fault.grade))] + b"\xff\xd9"
        elif fault.kind == "gap":
            jpeg = _gap(jpeg, fault.grade)
        elif fault.kind == "page":
            jpeg = b"<html><body>401 Unauthorized</body></html>"
    return jpeg


def _gap(jpeg: bytes, place: float) -> bytes:
    """Bytes lost on the way, from `place` (a share of the file) on: one packet."""
    at = max(700, int(len(jpeg) * place))
    return jpeg[:at] + jpeg[at + 1400 :]
