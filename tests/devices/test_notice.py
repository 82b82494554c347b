"""Playlists: one order, what a board shows at an instant, and what goes over the wire."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from devices import notice
from devices.notice import Ends, Frame, Item, Known, Level, Policy, place, playlist

CASES = json.loads(Path("tests/samples/playlists.json").read_text(encoding="utf-8"))["cases"]
A, B = "a" * 64, "b" * 64


def item(number: int, level: Level, *windows: tuple[int, int], priority: int = 0) -> Item:
    return Item(
        id=f"{number}.1", level=level, priority=priority, windows=windows, frames=(Frame(hash=A, seconds=5),)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_the_cases_that_players_are_held_to(case: dict[str, Any]) -> None:
    made = playlist(
        "led-64x32-1",
        tuple(Item.model_validate(i) for i in case["items"]),
        (Frame(hash=B, seconds=10),),
        Policy.model_validate(case.get("policy", {})),
    )
    for moment in case["moments"]:
        known = Known(
            moment.get("clock"),
            moment.get("silent_s", 0.0),
            moment.get("returned", False),
            moment.get("left", {}),
        )
        assert [i.id for i in notice.turns(made, known)] == moment["turns"], moment


@given(
    st.lists(st.tuples(st.sampled_from(Level), st.integers(0, 9), st.integers(0, 5)), unique=True, min_size=2)
)
def test_the_order_is_total_and_an_emergency_is_never_behind(found: list[tuple[Level, int, int]]) -> None:
    keys = [place(level, priority, at, n) for n, (level, priority, at) in enumerate(found)]
    assert len(set(keys)) == len(keys)
    ordered = [found[-k.notice][0].rank for k in sorted(keys)]
    assert ordered == sorted(ordered, reverse=True)


def test_a_drill_hides_no_flood() -> None:
    drill = place(Level.EMERGENCY, 9, 5, 2, drill=True)
    assert place(Level.EMERGENCY, 0, 1, 1) < drill < place(Level.PRIORITY, 9, 9, 9)


@given(
    st.lists(
        st.tuples(st.sampled_from(Level), st.integers(0, 3), st.integers(0, 50), st.integers(1, 50)),
        max_size=8,
    ),
    st.integers(0, 110),
)
def test_only_the_strongest_class_shows_and_emergencies_alone(
    found: list[tuple[Level, int, int, int]], at: int
) -> None:
    ordered = sorted(enumerate(found, 1), key=lambda f: place(f[1][0], f[1][1], 0, f[0]))
    items = tuple(item(n, lv, (a, a + d), priority=p) for n, (lv, p, a, d) in ordered)
    shown = notice.turns(playlist("p", items), Known(at, left={i.id: 1e9 for i in items}))
    due = [i for i in items if i.due(at)]
    assert bool(shown) == bool(due)
    assert all(i.due(at) for i in shown)
    if shown:
        assert shown[0] is due[0]
        assert len(shown) == 1 or shown[0].level is not Level.EMERGENCY
        assert len({(i.level, i.priority) for i in shown}) == 1


def test_a_copy_never_prolongs_an_emergency() -> None:
    made = playlist("p", (item(1, Level.EMERGENCY, (0, 100)),))
    ends = Ends()
    ends.take(notice.read(notice.payload(made, {}, 10)), mono=1000.0)
    assert ends.left(1000.0) == {"1.1": 90.0}
    ends.take(notice.read(notice.payload(made, {}, 10)), mono=1060.0)  # the retained copy, an old one
    assert ends.left(1060.0) == {"1.1": 30.0}
    ends.take(notice.read(notice.payload(made, {}, 95)), mono=1061.0)
    assert ends.left(1061.0) == {"1.1": 5.0}


def test_the_id_names_the_content_and_not_the_sending() -> None:
    made = playlist("p", (item(1, Level.ROUTINE, (0, 100)),), (Frame(hash=B, seconds=9),))
    early, later = notice.payload(made, {A: b"png"}, 5), notice.payload(made, {}, 6)
    assert notice.read(early).id == notice.read(later).id == made.id
    assert playlist("q", made.items, made.fallback).id != made.id
    assert base64.b64decode(notice.read(early).frames[A].png or "") == b"png"


def test_frames_are_written_in_while_they_are_small_and_there_is_room() -> None:
    hashes = [f"{n:064x}" for n in range(20)]
    frames = tuple(Frame(hash=h, seconds=1) for h in hashes)
    made = playlist("p", (Item(id="1.1", level=Level.ROUTINE, windows=((0, 9),), frames=frames),))
    sent = notice.payload(
        made, {h: bytes(notice.INLINE) for h in hashes[1:]} | {hashes[0]: bytes(notice.INLINE + 1)}, 0
    )
    told = notice.read(sent).frames
    assert told[hashes[0]].png is None
    assert sum(f.png is not None for f in told.values()) == notice.ROOM // notice.INLINE
    assert len(sent) < 290_000


def test_around_a_change_both_sides_are_right() -> None:
    made = playlist("p", (item(1, Level.ROUTINE, (1000, 2000)),), (Frame(hash=B, seconds=9),))
    assert notice.right(made, 500) == {B}
    assert notice.right(made, 950) == notice.right(made, 1050) == notice.right(made, 2050) == {A, B}
    assert notice.right(made, 1500) == {A}
    assert notice.next_change(made, 500) == 1000
    assert notice.next_change(made, 2000) is None
    dark = playlist("p", (), (Frame(hash=B, seconds=9),), Policy(nothing_due="dark"))
    assert notice.right(dark, 0) == {""}


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"{}", b"[1]", b"\xff",
        b'{"id":"0000000000000000","profile":"p","items":[{"id":"1.1","level":"loud","windows":[[0,1]],"frames":[]}]}',
        b'{"id":"0000000000000000","profile":"p","items":[{"id":"1.1","level":"routine","windows":[[1,1]],'
        b'"frames":[{"hash":"' + b"a" * 64 + b'","seconds":1}]}]}',
    ],
)  # fmt: skip
def test_what_is_no_playlist_is_refused(bad: bytes) -> None:
    with pytest.raises(notice.BadPlaylist):
        notice.read(bad)


DOC = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")


def test_the_example_in_the_contract_is_one() -> None:
    printed = DOC.split("## `desired`: what a board should show")[1].split("```json\n")[1].split("```")[0]
    made = notice.read(printed)
    assert made == playlist(made.profile, made.items, made.fallback, made.policy).model_copy(
        update={"now": made.now, "items": made.items}
    )
    emergency, routine = made.items
    assert (emergency.level, emergency.ttl_s) == (Level.EMERGENCY, emergency.windows[0][1] - made.now)
    assert notice.turns(made, Known(float(routine.windows[0][0]))) == (emergency,)
    assert notice.turns(made, Known(float(routine.windows[1][0]))) == (routine,)
    png = emergency.frames[0].png
    assert png is not None
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        rgb = image.convert("RGB")
    assert notice.pixel_hash(*rgb.size, rgb.tobytes()) == emergency.frames[0].hash
