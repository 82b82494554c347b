"""Where marks lie: nothing outside, nothing hidden, nothing lost; the worst is seen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.health import WORST_FIRST, Shown
from hub.web import atlas
from hub.web.atlas import Box, Place


def place(name: str, lat: float, lon: float, shown: Shown = Shown.OK) -> Place:
    return Place(name, name, lat, lon, shown, f"/devices/{name}")


PLACES = st.lists(
    st.builds(
        place,
        st.text("abc", min_size=1, max_size=6),
        st.floats(8.5, 23.3),
        st.floats(102.2, 109.4),
        st.sampled_from(list(Shown)),
    ),
    max_size=60,
)


@given(PLACES)
def test_every_place_is_in_one_mark_inside_the_square(places: list[Place]) -> None:
    marks = atlas.draw(places).marks
    assert sorted(p for m in marks for p in m.places) == sorted(places)
    assert all(0 <= v <= atlas.SIZE for m in marks for v in (m.x, m.y))
    assert all(
        math.dist((a.x, a.y), (b.x, b.y)) > atlas.NEAR - 0.2 for i, a in enumerate(marks) for b in marks[:i]
    )


@given(PLACES)
def test_a_mark_shows_its_worst(places: list[Place]) -> None:
    for mark in atlas.draw(places).marks:
        assert mark.shown == min((p.shown for p in mark.places), key=WORST_FIRST.index)


def test_north_is_up_and_east_is_right() -> None:
    south, north = (
        next(m for m in atlas.draw(TWO).marks if m.places[0].name == n) for n in ("south", "north")
    )
    assert south.y > north.y
    assert south.x < north.x


TWO = [place("south", 21.0, 105.6), place("north", 21.1, 105.7)]


def test_one_place_lies_in_the_middle() -> None:
    (mark,) = atlas.draw([place("a", 21.0, 105.6)]).marks
    assert (mark.x, mark.y) == (atlas.SIZE / 2, atlas.SIZE / 2)


def test_nothing_gives_nothing() -> None:
    assert atlas.draw([], tiles=True) == atlas.Drawing(())


def test_coming_nearer_takes_a_mark_apart() -> None:
    close = [place(f"d-{i}", 21.0 + i / 10_000, 105.6) for i in range(10)]
    far = [*close, place("far", 21.5, 106.0)]
    together = next(m for m in atlas.draw(far).marks if len(m.places) == 10)
    assert len(atlas.draw(far, together.box).marks) > 3


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "a,b,c,d", "2,1,1,2", "nan,1,2,3", "0,0,91,0", "0,0,1,181", "1,2,3,4,5", "inf,0,inf,1"],
)
def test_what_is_no_box(text: str) -> None:
    assert Box.parse(text) is None


def test_a_box_reads_what_it_wrote() -> None:
    box = Box(21.0, 105.6, 21.1, 105.7)
    assert Box.parse(str(box)) == box


def test_tiles_cover_the_square_and_fit_together() -> None:
    tiles = atlas.draw(TWO, tiles=True).tiles
    assert 4 <= len(tiles) <= 25
    assert min(t.left for t in tiles) <= 0
    assert max(t.left + t.size for t in tiles) >= atlas.SIZE
    assert len({(t.z, t.size) for t in tiles}) == 1
    assert tiles[0].size <= atlas.TILE


def test_where_a_tile_of_hanoi_is() -> None:
    """Zoom 10 at 21.03 N, 105.85 E is tile 813/450 by the usual formula."""
    x, y = atlas._project(21.03, 105.85)
    assert (int(x * 1024), int(y * 1024)) == (813, 450)
