"""Taking pictures in: whatever the bytes are, a small grey picture or one error; what is kept is masked."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.pictures import PictureError, decode, fitted, look_at, masked, thumbnail
from drivers.pictures.limits import LONG_SIDE, MAX_BYTES, MAX_PIXELS, MAX_SCANS
from simulators.scene import scene, snapshot
from simulators.scene_faults import Fault, damaged

NOON = 20_000 * 86_400 + 5 * 3600
JPEG = snapshot(scene(3, "street"), NOON)


def jpeg_of(image: Image.Image, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **how)
    return out.getvalue()


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """The same, but its header tells another size."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


def code_of(jpeg: bytes) -> str:
    with pytest.raises(PictureError) as raised:
        decode(jpeg)
    assert raised.value.reason
    return raised.value.code


def test_a_picture_becomes_small_and_grey() -> None:
    frame = decode(JPEG)
    assert frame.grey.shape == (180, LONG_SIDE)
    assert frame.grey.dtype == np.uint8
    assert (frame.width, frame.height, frame.size) == (640, 360, len(JPEG))
    assert frame.chroma > 2


@pytest.mark.parametrize(
    ("size", "small"),
    [((1920, 1080), (180, 320)), ((640, 480), (240, 320)), ((360, 640), (320, 180)), ((4000, 3000), (240, 320)),
     ((100, 80), (255, 320)), ((2000, 50), (60, 320))],
)  # fmt: skip
def test_sizes(size: tuple[int, int], small: tuple[int, int]) -> None:
    frame = decode(jpeg_of(Image.effect_noise(size, 40), quality=50))
    assert frame.grey.shape == small
    assert frame.read <= 640 * 480
    assert look_at(frame).measures.chroma == 0


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_modes(mode: str) -> None:
    assert decode(jpeg_of(Image.new(mode, (640, 360)))).grey.shape == (180, 320)


def test_what_is_no_picture() -> None:
    assert code_of(b"") == "notJpeg"
    assert code_of(b"<html>401 Unauthorized</html>") == "notJpeg"
    assert code_of(b"\xff\xd8\xff") == "broken"
    assert code_of(jpeg_of(Image.new("RGB", (16, 16)))) == "tooSmall"
    png = io.BytesIO()
    Image.new("RGB", (64, 64)).save(png, "PNG")
    assert code_of(png.getvalue()) == "notJpeg"


def test_a_picture_that_ends_in_the_middle() -> None:
    assert code_of(JPEG[: len(JPEG) // 2]) == "truncated"


@pytest.mark.parametrize("place", [0.1, 0.5, 0.95])
def test_lost_bytes_are_told(place: float) -> None:
    assert not decode(JPEG).damaged
    assert decode(damaged(JPEG, (Fault("gap", place),))).damaged
    assert decode(damaged(JPEG, (Fault("filled", place),))).damaged


def test_bytes_that_fill_up_the_end_are_no_damage() -> None:
    assert not decode(JPEG[:-2] + bytes(100) + JPEG[-2:]).damaged
    assert not decode(JPEG + bytes(100)).damaged


def test_bytes_are_bounded() -> None:
    decode(JPEG + bytes(MAX_BYTES - len(JPEG)))
    assert code_of(JPEG + bytes(MAX_BYTES + 1 - len(JPEG))) == "tooManyBytes"
    assert code_of(b"\xff\xd8\xff" + bytes(50_000_000)) == "tooManyBytes"


def test_a_picture_is_made_to_fit() -> None:
    assert fitted(JPEG, len(JPEG)) is JPEG
    small = fitted(JPEG, 20_000)
    assert 2000 < len(small) <= 20_000
    decode(small)
    with pytest.raises(PictureError):
        fitted(JPEG, 10)
    with pytest.raises(PictureError):
        fitted(b"no picture", 5)


def test_pixels_are_bounded() -> None:
    """Told from the header, before anything is decoded."""
    assert code_of(with_size(JPEG, 30_000, 30_000)) == "tooManyPixels"
    assert code_of(with_size(JPEG, 16_001, 1_000)) == "tooManyPixels"
    assert decode(with_size(JPEG, 4_000, MAX_PIXELS // 4_000)).width == 4_000


def test_passes_are_bounded() -> None:
    progressive = jpeg_of(Image.effect_noise((640, 360), 30), progressive=True)
    assert 2 < progressive.count(b"\xff\xda") < MAX_SCANS
    decode(progressive)
    first = progressive.index(b"\xff\xda")
    second = progressive.index(b"\xff\xda", first + 2)
    assert code_of(progressive[:second] + progressive[first:second] * MAX_SCANS) == "tooManyScans"


def test_what_a_maker_wrote_into_a_picture_is_no_pass() -> None:
    own = b"\xff\xed" + (1 + 2 * 2 * MAX_SCANS + 1).to_bytes(2, "big") + b"\xff\xda" * 2 * MAX_SCANS
    decode(JPEG[:2] + own + JPEG[2:])
    decode(JPEG[:2] + b"\xff\xff" + own + JPEG[2:])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(junk: bytes) -> None:
    for jpeg in (junk, b"\xff\xd8\xff" + junk, JPEG[:620] + junk, JPEG[:200] + junk + JPEG[200:]):
        try:
            decode(jpeg)
        except PictureError:
            continue


@settings(max_examples=60, deadline=None)
@given(st.integers(2, len(JPEG) - 1), st.integers(0, 255))
def test_any_byte_changed(at: int, value: int) -> None:
    changed = JPEG[:at] + bytes([value]) + JPEG[at + 1 :]
    for use in (decode, lambda j: masked(j, ()), lambda j: thumbnail(j, 160)):
        try:
            use(changed)
        except PictureError:
            continue


def test_masks_are_painted_over() -> None:
    white = jpeg_of(Image.new("RGB", (640, 360), (255, 255, 255)), quality=95, comment=b"secret")
    kept = masked(white, [((0.0, 0.0), (0.25, 0.5)), ((0.5, 1.0), (1.0, 1.0), (1.0, 0.5))])
    assert b"secret" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (640, 360)
        for inside in ((80, 90), (2, 2), (600, 330)):
            assert max(image.getpixel(inside)) < 110  # type: ignore[arg-type]
        for outside in ((300, 90), (500, 210)):
            assert min(image.getpixel(outside)) > 240  # type: ignore[arg-type]


@pytest.mark.parametrize("mask", [(), ((0.5, 0.5),), ((0.0, 0.0), (1.2, 1.0)), ((-0.1, 0.0), (1.0, 1.0))])
def test_masks_that_are_none(mask: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="mask"):
        masked(JPEG, [mask])


def test_a_thumbnail_is_small() -> None:
    small = thumbnail(JPEG, 160)
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (160, 90)
    assert len(small) < 12_000
    with Image.open(io.BytesIO(thumbnail(JPEG, 2_000))) as image:
        assert image.size == (640, 360)
