"""Whole notices: the same pixels everywhere, each level known from afar, and what is refused."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from devices import signboard
from devices.notice import MOST_FRAMES, Level, pixel_hash
from devices.signboard import USUAL, Profile
from hub.frames import Content, Frame, Unfit, render
from hub.frames.letters import ACCENTED, ASCII
from hub.frames.plan import plan, room

FLOOD = Content(
    Level.EMERGENCY,
    "CẢNH BÁO LŨ KHẨN CẤP",
    "Nước sông Hồng lên 11,5 m. Bà con xóm Bãi đến ngay nhà văn hóa thôn.",
)
CUT = Content(Level.PRIORITY, "Cắt điện", "Từ 07:30 đến 11:00 tại xóm Đình.")
MEETING = Content(Level.ROUTINE, "Họp thôn", "19 giờ tối nay, nhà văn hóa.")
LINK = "https://dvc.vn/khai-sinh"


def board(name: str) -> Profile:
    found = signboard.profile(name)
    assert found is not None
    return found


def opened(frame: Frame) -> Image.Image:
    return Image.open(io.BytesIO(frame.png)).convert("RGB")


def refused(content: Content, name: str = "led-192x64-2") -> list[tuple[str, str, dict[str, Any]]]:
    with pytest.raises(Unfit) as e:
        render(content, board(name))
    return [(t.code, t.at, dict(t.about)) for t in e.value.troubles]


@pytest.mark.parametrize("one", USUAL, ids=lambda p: p.name)
@pytest.mark.parametrize("content", [FLOOD, CUT, MEETING], ids=["emergency", "priority", "routine"])
def test_a_frame_is_named_by_the_pixels_that_a_board_decodes(content: Content, one: Profile) -> None:
    frames = render(content, one)
    assert frames == render(content, one)
    assert 1 <= len(frames) <= MOST_FRAMES
    for frame in frames:
        image = opened(frame)
        assert image.size == (one.width, one.height)
        assert frame.hash == pixel_hash(*image.size, image.tobytes())
        assert 4 <= frame.seconds <= 30
        lights = {c for _, c in image.getcolors(1 << 20) or ()}
        if one.colours is signboard.Colours.ONE:
            assert lights == {(0, 0, 0), (255, 255, 255)}
        if one.colours is signboard.Colours.TWO:
            assert lights <= {(0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 0)}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("led-64x32-1", "dc0eadf9933afdde"),
        ("led-192x64-2", "0223f6e4050007ad"),
        ("led-320x160-full", "050fb510cb6062c4"),
    ],
)
def test_panels_show_the_same_on_every_machine(name: str, first: str) -> None:
    """Pinned: letters of lights come from no font engine. Whoever changes how frames look changes these."""
    assert render(FLOOD, board(name))[0].hash[:16] == first


def test_the_way_letters_are_written_makes_no_difference() -> None:
    apart = replace(FLOOD, text=unicodedata.normalize("NFD", FLOOD.text))
    assert apart.text != FLOOD.text
    assert render(apart, board("led-64x32-1")) == render(FLOOD, board("led-64x32-1"))


@pytest.mark.parametrize("one", USUAL, ids=lambda p: p.name)
def test_levels_are_told_apart_by_every_frame(one: Profile) -> None:
    """The left edge alone tells it: dark, a bar, stripes (a screen: the top)."""
    edges = []
    for level in Level:
        frames = [opened(f) for f in render(replace(MEETING, level=level), one)]
        edge = (0, 0, 1, one.height) if one.led else (0, 0, one.width, 12)
        edges.append({f.crop(edge).tobytes() for f in frames})
    routine, priority, emergency = edges
    assert not routine & priority
    assert not priority & emergency
    assert not routine & emergency


@pytest.mark.parametrize("one", [p for p in USUAL if p.height > 16], ids=lambda p: p.name)
@pytest.mark.parametrize("more", [{}, {"picture": True}], ids=["words", "picture"])
def test_a_drill_says_so_on_every_frame(one: Profile, more: dict[str, bool]) -> None:
    content = replace(FLOOD, picture=photo() if more else b"")
    parts = room(one, Level.EMERGENCY, drill=True)
    assert parts is not None
    assert parts.drill is not None
    x, y, width, height = parts.drill
    bands = {
        opened(f).crop((x, y, x + width, y + height)).tobytes()
        for f in render(replace(content, drill=True), one)
    }
    assert len(bands) == 1
    band = Image.frombytes("RGB", (width, height), bands.pop()).convert("L")
    assert len(band.getcolors() or ()) >= 2
    for f in render(content, one):
        plain = opened(f).crop((x, y, x + width, y + height)).convert("L")
        assert ImageChops.difference(plain, band).getbbox() is not None


def test_a_drill_on_a_board_too_small_for_the_words_is_refused() -> None:
    assert refused(replace(FLOOD, drill=True), "led-64x16-1") == [("drill_no_room", "drill", {})]
    assert render(replace(MEETING, drill=True), board("led-192x16-1"))


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("led-64x64-1", "https://" + "a" * 24),
        ("led-192x64-2", LINK),
        ("led-128x64-2", LINK),
        ("led-320x160-full", "https://dichvucong.gov.vn/p/home/dvc-trang-chu.html"),
        ("screen-1920x1080", "https://dichvucong.gov.vn/" + "a" * 120),
        ("screen-1080x1920", LINK),
        ("screen-640x480", "https://dichvucong.gov.vn/" + "a" * 50),
        ("led-192x96-1", "https://dichvucong.gov.vn/" + "a" * 50),
    ],
)
@pytest.mark.parametrize("level", Level)
def test_a_link_is_read_from_the_frame_as_it_stands(name: str, link: str, level: Level) -> None:
    frames = render(replace(MEETING, level=level, link=link), board(name))
    read = [zxingcpp.read_barcodes(opened(f).convert("L")) for f in frames]
    assert [code.text for found in read for code in found][-1:] == [link]


@pytest.mark.parametrize(
    ("name", "link", "room"),
    [
        ("led-64x64-1", "https://" + "a" * 25, 32),
        ("led-192x64-2", "https://" + "a" * 30, 32),
        ("screen-1920x1080", "https://" + "ế" * 150, 321),
    ],
)
def test_a_link_that_would_be_too_fine_is_refused_with_what_fits(name: str, link: str, room: int) -> None:
    found = [("link_no_room", "link", {"bytes": len(link.encode()), "room": room})]
    assert refused(replace(MEETING, link=link), name) == found


def test_a_board_on_which_no_link_fits_says_so() -> None:
    assert refused(replace(MEETING, link=LINK), "led-64x32-1") == [("link_nowhere", "link", {})]


def test_a_link_that_finds_no_room_beside_text_and_picture_has_a_frame_of_its_own() -> None:
    link = "https://dichvucong.gov.vn/" + "a" * 50
    *beside, alone = render(replace(MEETING, picture=photo(), link=link), board("screen-1280x720"))
    assert [zxingcpp.read_barcodes(opened(f).convert("L")) for f in beside] == [[]]
    assert [c.text for c in zxingcpp.read_barcodes(opened(alone).convert("L"))] == [link]


def photo(mode: str = "RGB", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert(mode).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("one", USUAL, ids=lambda p: p.name)
def test_a_picture_stands_in_the_boards_colours(one: Profile) -> None:
    frames = render(replace(MEETING, picture=photo()), one)
    lights = {c for f in frames for _, c in opened(f).getcolors(1 << 20) or ()}
    assert len(lights) <= {"1": 2, "2": 4, "full": 1000}[one.colours]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (Content(), [("text_missing", "text", {})]),
        (Content(text="x" * 100_000), [("text_too_long", "text", {"limit": 2000})]),
        (Content(text="e\u0302\u0301" * 2001), [("text_too_long", "text", {"limit": 2000})]),
        (Content(title="x" * 121), [("text_too_long", "title", {"limit": 120})]),
        (Content(title="a", picture=b"\x89PNG\r\n\x1a\nno"), [("picture_bad", "picture", {})]),
        (Content(title="a", picture=photo()[:-400]), [("picture_bad", "picture", {})]),
        (
            Content(title="😀", text="ü"),
            [
                ("letter_emoji", "title", {"letter": "😀", "name": "grinning face"}),
                (
                    "letter_instead", "text",
                    {"letter": "ü", "name": "latin small letter u with diaeresis", "instead": "u"},
                ),
            ],
        ),
    ],
    ids=["nothing", "100,000", "marks apart", "title", "no picture", "half a picture", "letters"],
)  # fmt: skip
def test_what_is_refused(content: Content, found: list[tuple[str, str, dict[str, Any]]]) -> None:
    assert refused(content) == found


def test_a_text_at_its_limit_is_drawn_in_its_marks_apart() -> None:
    assert render(Content(text="e\u0302\u0301" * 2000), board("screen-1920x1080"))


def test_more_pages_than_a_board_takes_are_refused_with_what_fits() -> None:
    ((code, at, about),) = refused(Content(text="Bà con chú ý. " * 100), "led-64x32-1")
    assert (code, at, about["limit"]) == ("too_many_pages", "text", MOST_FRAMES)
    assert about["pages"] > MOST_FRAMES
    fits = ("Bà con chú ý. " * 100)[: about["room"]]
    assert len(render(Content(text=fits), board("led-64x32-1"))) <= MOST_FRAMES


@settings(max_examples=60)
@given(
    st.text(st.sampled_from(ACCENTED + ASCII + "   \n"), max_size=300), st.sampled_from(USUAL),
    st.sampled_from(Level), st.booleans(),
)  # fmt: skip
def test_every_letter_of_a_text_stands_on_some_page_inside_the_board(
    text: str, one: Profile, level: Level, drill: bool
) -> None:
    parts = room(one, level, drill=drill)
    if parts is None:
        return
    made = plan(Content(level, "Họp thôn", text, drill=drill), one, parts)
    said = "".join("".join(p.lines) for p in made.pages if not p.title)
    assert said.replace(" ", "") == text.replace(" ", "").replace("\n", "")
    for page in made.pages:
        face = page.size.title if page.title else page.size.text
        assert all(face.width(line) <= page.box.width for line in page.lines)
        assert face.rows * len(page.lines) <= page.box.height
        box = page.box
        assert 0 <= box.x <= box.x + box.width <= one.width
        assert 0 <= box.y <= box.y + box.height <= one.height
