"""LED controllers that fetch: which frame stands when, and a frame as bits."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from devices.notice import Frame, Item, Level, Policy, playlist
from drivers import led

A, B, C = "a" * 64, "b" * 64, "c" * 64


def item(number: int, level: Level, window: tuple[int, int], *frames: Frame) -> Item:
    return Item(id=f"{number}.1", level=level, windows=(window,), frames=frames)


MADE = playlist(
    "led-64x32-one",
    (
        item(2, Level.EMERGENCY, (100, 200), Frame(hash=C, seconds=4)),
        item(1, Level.ROUTINE, (0, 1000), Frame(hash=A, seconds=3), Frame(hash=B, seconds=5)),
    ),
    (Frame(hash=B, seconds=9),),
)


@pytest.mark.parametrize(
    ("at", "found", "of", "seconds"),
    [
        (0, A, "1.1", 3),
        (2.5, A, "1.1", 0.5),
        (3, B, "1.1", 5),
        (8, A, "1.1", 3),
        (100, C, "2.1", 4),
        (1001, B, "", 7),
    ],
)
def test_frames_take_turns_by_the_clock(at: float, found: str, of: str, seconds: float) -> None:
    stands = led.standing(MADE, at)
    assert stands is not None
    assert (stands.frame.hash, stands.item) == (found, of)
    assert stands.seconds == pytest.approx(seconds)


def test_nothing_stands_where_it_is_to_be_dark() -> None:
    assert led.standing(playlist("p", (), (Frame(hash=B, seconds=9),), Policy(nothing_due="dark")), 5) is None
    assert led.standing(playlist("p", ()), 5) is None


def png(*rows: str) -> bytes:
    colours = {".": (0, 0, 0), "r": (255, 0, 0), "g": (0, 255, 0), "y": (255, 255, 0), "b": (0, 0, 255)}
    image = Image.new("RGB", (len(rows[0]), len(rows)))
    image.putdata([colours[c] for row in rows for c in row])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_bits_of_panels() -> None:
    frame = png("r.g.y.b..", "........r")
    assert led.bits(frame, "1") == bytes([0b10101010, 0, 0, 0b10000000])
    assert led.bits(frame, "2") == bytes([0b10001000, 0, 0, 0b10000000]) + bytes([0b00101000, 0, 0, 0])
    full = led.bits(frame, "full")
    assert len(full) == 9 * 2 * 3
    assert full[:6] == bytes([255, 0, 0, 0, 0, 0])


@given(st.floats(0, 5000, allow_nan=False))
def test_there_is_always_a_next_time(at: float) -> None:
    stands = led.standing(MADE, at)
    assert stands is not None
    assert 0 <= stands.seconds <= 9
