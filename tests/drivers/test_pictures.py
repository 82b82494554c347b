"""Fresh and good: every code raised and taken back, and what must never raise one."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from drivers.pictures import (
    CODES,
    Code,
    Memory,
    PictureError,
    Reference,
    Verdict,
    decode,
    judge,
    reference_of,
)
from drivers.pictures.measure import look_at
from drivers.pictures.reference import Kind, kinds_of
from simulators.scene import CLEAR, Scene, Weather, render, scene, snapshot
from simulators.scene_faults import Fault
from simulators.scene_life import Thing

DAY = 20_000 * 86_400 + 3 * 3600  # ten in the morning in Hà Nội
NIGHT = DAY + 11 * 3600
EVERY = 600
FOG = Weather(fog=0.9)


def place(kind: str = "street", *, infrared: bool = True) -> Scene:
    return replace(scene(11, kind), infrared=infrared, busy=1.0, noise=2.0, shake=1.0)


def look(
    memory: Memory, seen: Scene, at: float, faults: tuple[Fault, ...] = (), weather: Weather = CLEAR
) -> tuple[Memory, Verdict]:
    try:
        picture = decode(snapshot(seen, at, weather, faults))
    except PictureError as e:
        return judge(memory, e, int(at * 1000))
    return judge(memory, picture, int(at * 1000))


@lru_cache
def learnt(kind: str = "street") -> Memory:
    """A camera's memory after a few good pictures by day and by night."""
    memory = Memory()
    for start in (DAY - 86_400, NIGHT - 86_400):
        for n in range(6):
            memory, verdict = look(memory, place(kind), start + n * EVERY)
            assert not verdict.faults
    return memory


@lru_cache
def learnt_of(seen: Scene) -> Memory:
    """After half a day and half a night of good pictures."""
    memory = Memory()
    for start in (DAY - 86_400, NIGHT - 86_400):
        for n in range(45):
            memory, _ = shown(memory, render(seen, start + n * EVERY / 6), start + n * EVERY)
    return memory


def run(
    memory: Memory,
    at: float,
    faults: tuple[Fault, ...],
    n: int = 3,
    kind: str = "street",
    weather: Weather = CLEAR,
) -> tuple[Memory, Verdict]:
    assert n
    for i in range(n):
        memory, verdict = look(memory, place(kind), at + i * EVERY, faults, weather)
    return memory, verdict  # type: ignore[possibly-undefined]


def codes(verdict: Verdict) -> list[Code]:
    return [f.code for f in verdict.faults]


FAULTS = [
    (Fault("black"), "pictureBlack"),
    (Fault("cloth"), "lensCovered"),
    (Fault("paint"), "lensCovered"),
    (Fault("leaf", 0.6), "lensCovered"),
    (Fault("defocus", 0.006), "pictureBlurred"),
    (Fault("overexposed", 4), "pictureOverexposed"),
    (Fault("turned", pan=12), "viewTurned"),
    (Fault("turned", pan=40), "viewTurned"),
    (Fault("turned", tilt=12), "viewTurned"),
    (Fault("cut", 0.5), "pictureGarbled"),
    (Fault("filled", 0.5), "pictureGarbled"),
    (Fault("gap", 0.9), "pictureGarbled"),
    (Fault("page"), "pictureGarbled"),
]


@pytest.mark.parametrize("at", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{f.kind}-{f.pan or f.tilt}" for f, _ in FAULTS])
def test_a_fault_is_said_with_the_third_picture_and_taken_back_with_the_third(
    fault: Fault, code: str, at: float
) -> None:
    memory, verdict = run(learnt(), at, (fault,), n=2)
    assert code in verdict.suspected
    assert not verdict.faults
    assert verdict.good is None
    memory, verdict = look(memory, place(), at + 2 * EVERY, (fault,))
    assert codes(verdict) == [code]
    assert verdict.good is False
    assert verdict.faults[0].since == at * 1000
    memory, verdict = run(memory, at + 3 * EVERY, (), n=2)
    assert codes(verdict) == [code]
    memory, verdict = look(memory, place(), at + 5 * EVERY)
    assert not verdict.faults
    assert verdict.good is True
    assert verdict.fresh is True


def test_a_camera_that_always_leaves_out_a_few_codes_is_not_garbled() -> None:
    memory = Memory()
    for n in range(7):
        memory, verdict = look(memory, place(), DAY + n * EVERY, (Fault("filled", 0.99),))
        assert not verdict.faults
    memory, verdict = look(memory, place(), DAY + 7 * EVERY, (Fault("filled", 0.99),))
    assert verdict.good is True
    _, verdict = run(memory, DAY + 8 * EVERY, (Fault("filled", 0.4),))
    assert codes(verdict) == ["pictureGarbled"]


@pytest.mark.parametrize("clock_runs", [False, True])
def test_frozen(clock_runs: bool) -> None:
    fault = Fault("frozen", since=DAY, clock_runs=clock_runs)
    memory, verdict = run(learnt(), DAY, (fault,), n=2)
    assert verdict.fresh is None
    assert verdict.suspected == ("pictureFrozen",)
    memory, verdict = look(memory, place(), DAY + 2 * EVERY, (fault,))
    assert codes(verdict) == ["pictureFrozen"]
    assert (verdict.fresh, verdict.good) == (False, True)
    memory, verdict = run(memory, DAY + 3 * EVERY, ())
    assert not verdict.faults
    assert verdict.fresh is True


def test_three_pictures_within_seconds_are_not_enough() -> None:
    memory = learnt()
    for second in (0, 50, 100, 119):
        memory, early = look(memory, place(), DAY + second, (Fault("cloth"),))
        assert not early.faults
    memory, verdict = look(memory, place(), DAY + 120, (Fault("cloth"),))
    assert codes(verdict) == ["lensCovered"]


def test_one_bad_picture_is_forgotten() -> None:
    memory = learnt()
    for n in range(8):
        memory, verdict = look(memory, place(), DAY + n * EVERY, () if n % 3 == 2 else (Fault("cloth"),))
        assert not verdict.faults


@pytest.mark.parametrize("at", [DAY, NIGHT], ids=["day", "night"])
def test_fog_is_no_fault(at: float) -> None:
    _, verdict = run(learnt(), at, (), n=6, weather=FOG)
    assert not verdict.faults
    assert not verdict.suspected


def shown(memory: Memory, picture: Image.Image, at: float) -> tuple[Memory, Verdict]:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return judge(memory, decode(out.getvalue()), int(at * 1000))


def test_fog_by_the_light_of_lamps_is_no_cover() -> None:
    """It makes the night as bright as a day, and leaves little of what the day shows."""
    seen, memory = scene(126, "yard"), Memory()
    assert not seen.infrared
    for n in range(60):
        memory, _ = shown(memory, render(seen, DAY + n * EVERY), DAY + n * EVERY)
    for n in range(6):
        at = NIGHT + 4 * 3600 + n * EVERY
        memory, verdict = shown(memory, render(seen, at, Weather(fog=0.7)), at)
        assert not verdict.suspected
        assert not verdict.faults


def test_fog_that_comes_within_an_hour_is_no_smear() -> None:
    memory = learnt_of(scene(126, "yard"))
    for n in range(12):
        at = NIGHT + n * EVERY
        weather = Weather(fog=min(0.7, n / 7))
        memory, verdict = shown(memory, render(scene(126, "yard"), at, weather), at)
        assert not verdict.faults


def test_dirt_that_comes_in_clear_weather_is_told() -> None:
    """So much of it looks like fog; fog does not come between two pictures."""
    memory, verdict = run(learnt(), NIGHT, ())
    assert verdict.good is True
    memory, verdict = run(memory, NIGHT + 3 * EVERY, (Fault("dirt", 0.8),))
    assert codes(verdict) in (["pictureBlurred"], ["lensCovered"])


def test_what_came_in_fog_is_told_when_it_lifts() -> None:
    memory, _ = run(learnt(), DAY, (), n=4, weather=Weather(fog=0.8))
    memory, verdict = run(memory, DAY + 4 * EVERY, (Fault("leaf", 0.6),), n=3, weather=Weather(fog=0.8))
    memory, verdict = run(memory, DAY + 7 * EVERY, (Fault("leaf", 0.6),))
    assert codes(verdict) == ["lensCovered"]


@pytest.mark.parametrize(
    ("hour", "grey", "bright", "kinds"),
    [
        (12, False, True, ("day",)),
        (12, False, False, ("day",)),  # a cloth over the lens is no night
        (23, False, True, ("dark",)),  # a wall before a lamp is no day
        (12, True, False, ("day", "infrared")),
        (23, True, True, ("infrared", "dark")),
        (18, False, True, ("day",)),
        (18, False, False, ("dark",)),
        (18, True, False, ("infrared",)),
    ],
)
def test_the_hour_says_by_which_light_a_camera_sees(
    hour: int, grey: bool, bright: bool, kinds: tuple[Kind, ...]
) -> None:
    picture = Image.new("RGB", (640, 360), (160, 160, 160) if bright else (30, 30, 30))
    if not grey:
        picture.paste((200, 90, 90) if bright else (60, 10, 10), (0, 0, 320, 360))
    out = io.BytesIO()
    picture.save(out, "JPEG")
    at = (20_000 * 86_400 + (hour - 7) * 3600) * 1000
    assert kinds_of(look_at(decode(out.getvalue())).measures, at) == kinds


def test_a_wall_before_a_lamp_has_no_fault_by_day() -> None:
    """The lamp shows what daylight does not: what was learnt by night says nothing of the day."""
    seen, memory = replace(scene(20_501, "wall"), infrared=False), Memory()
    midnight = DAY - 10 * 3600
    for n in range(48):
        at = midnight + n * 2 * EVERY
        memory, verdict = shown(memory, render(seen, at), at)
        assert not verdict.faults
        assert n < 24 or verdict.good is None  # from eight on
    assert memory.reference.views[0].look("dark") is not None


def test_memory_without_the_picture_before_is_read() -> None:
    data = learnt().to_json()
    assert data.pop("before")
    assert Memory.from_json(data).before == ()


@pytest.mark.parametrize(
    ("what", "start"),
    [(Thing("tent", 0.46, 3053), NIGHT), (Thing("lorry", 0.46, 9), NIGHT), (Thing("lorry", 0.52, 9), DAY)],
    ids=["tent", "lorry at night", "lorry"],
)
def test_what_stands_there_for_hours_is_no_cover(what: Thing, start: float) -> None:
    seen = scene(172, "street")
    memory = learnt_of(seen)
    for n in range(4):
        at = start + n * EVERY
        memory, verdict = shown(memory, render(seen, at, things=(what,)), at)
        assert not verdict.faults
    for n in range(4):
        at = start + (n + 4) * EVERY
        memory, verdict = shown(memory, render(seen, at, CLEAR, (Fault("leaf", 0.6),), things=(what,)), at)
    assert "lensCovered" in codes(verdict)  # type: ignore[possibly-undefined]


def test_a_white_wall_in_the_sun_is_not_overexposed() -> None:
    seen, memory = place("wall"), learnt("wall")
    for n in range(4):
        at = DAY + n * EVERY
        memory, verdict = shown(memory, ImageEnhance.Brightness(render(seen, at)).enhance(1.15), at)
        assert verdict.measures
        assert verdict.measures.white > 0.8
        assert not verdict.faults
        assert verdict.untold == ("noStructure",)


def test_an_empty_wall_cannot_be_told() -> None:
    memory = learnt("wall")
    for fault in (Fault("turned", pan=30), Fault("defocus", 0.006)):
        _, verdict = run(memory, DAY, (fault,), n=4, kind="wall")
        assert not verdict.faults
        assert verdict.good is None
        assert verdict.untold == ("noStructure",)


def test_the_first_night_is_no_fault() -> None:
    memory = Memory()
    for n in range(80):
        memory, verdict = look(memory, place(), DAY + n * EVERY)
        assert not verdict.faults
    memory, verdict = look(memory, place(), DAY + 80 * EVERY)
    assert verdict.kind == "infrared"
    assert verdict.good is True


def test_without_a_reference_what_needs_none_is_said() -> None:
    _, verdict = run(Memory(), DAY, (Fault("black"),))
    assert codes(verdict) == ["pictureBlack"]
    _, verdict = look(Memory(), place(), DAY)
    assert verdict.untold == ("noReference",)
    assert verdict.good is None


def test_a_black_night_is_not_frozen() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), (3, 3, 3)).save(picture, "JPEG")
    same = decode(picture.getvalue())
    memory, verdict = judge(Memory(), same, 0)
    for n in range(5):
        memory, verdict = judge(memory, same, n * 600_000)
    assert codes(verdict) == ["pictureBlack"]
    assert verdict.fresh is None


def test_a_turn_is_told_in_degrees_where_the_lens_is_known() -> None:
    turned = (Fault("turned", pan=20),)
    _, verdict = run(learnt(), DAY, turned)
    about = verdict.faults[0].about
    assert about["rightPct"] == pytest.approx(22, abs=2)
    assert about["downPct"] == pytest.approx(0, abs=2)
    assert "turnedDeg" not in about
    _, verdict = run(replace(learnt(), view_deg=90), DAY, turned)
    assert verdict.faults[0].about["turnedDeg"] == pytest.approx(23, abs=3)


def test_a_ptz_camera_may_look_at_each_of_its_presets() -> None:
    seen = replace(place(), presets=((0.0, 0.0), (-30.0, 0.0), (25.0, 5.0)))
    memory = Memory(ptz=True)

    def at_preset(memory: Memory, n: int, turn: tuple[Fault, ...] = ()) -> tuple[Memory, Verdict]:
        picture = io.BytesIO()
        render(seen, DAY + n * EVERY, CLEAR, turn, preset=n % 3).save(picture, "JPEG", quality=75)
        return judge(memory, decode(picture.getvalue()), int((DAY + n * EVERY) * 1000))

    for n in range(15):
        memory, verdict = at_preset(memory, n)
        assert not verdict.faults
    memory, verdict = at_preset(memory, 15)
    assert len(memory.reference.views) == 3
    assert verdict.good is True
    fixed = replace(memory, reference=replace(memory.reference, by_person=True))
    for n in range(18, 27, 3):
        fixed, verdict = at_preset(fixed, n, (Fault("turned", pan=12, tilt=-14),))
    assert codes(verdict) == ["viewTurned"]


def test_a_person_sets_the_reference() -> None:
    shown = [(decode(snapshot(place(), at)), at * 1000) for at in (DAY, DAY + 60, NIGHT)]
    reference = reference_of(shown)
    assert reference.by_person
    assert len(reference.views) == 1
    assert {k.kind for k in reference.views[0].looks} == {"day", "infrared"}
    memory, verdict = run(Memory(reference), DAY + 120, (), n=1)
    assert verdict.good is True
    memory, verdict = run(memory, DAY + 720, (Fault("turned", pan=30),))
    assert codes(verdict) == ["viewTurned"]
    assert len(memory.reference.views) == 1


def test_faulty_pictures_are_not_learnt() -> None:
    before = learnt().reference
    for fault in (Fault("cloth"), Fault("turned", pan=30), Fault("defocus", 0.012)):
        memory, _ = run(learnt(), DAY, (fault,), n=5)
        assert memory.reference == before


def test_memory_and_reference_go_round() -> None:
    memory, _ = run(replace(learnt(), view_deg=84.5), DAY, (Fault("turned", pan=20),))
    text = json.dumps(memory.to_json())
    assert Memory.from_json(json.loads(text)) == memory
    assert len(json.dumps(memory.reference.to_json())) < 20_000
    assert len(text) - len(json.dumps(memory.reference.to_json())) < 3_000
    again, _ = look(Memory.from_json(json.loads(text)), place(), DAY + 3 * EVERY)
    assert again == look(memory, place(), DAY + 3 * EVERY)[0]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"version": 2},
        {"version": 1, "views": [[{"kind": "day"}]], "byPerson": False},
        {"version": 1, "views": 3, "byPerson": False},
        {"version": 1, "byPerson": False, "views": [[{
            "kind": "day", "pictures": 1, "rows": 28, "columns": 64, "coded": "AAAA", "white": 0}]]},
    ],
)  # fmt: skip
def test_what_is_no_reference(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"reference|look|version"):
        Reference.from_json(data)
    with pytest.raises(ValueError, match=r"reference|look|version|memory"):
        Memory.from_json(data | {"reference": data})


def test_a_camera_with_another_aspect_is_not_turned() -> None:
    square = io.BytesIO()
    render(place(), DAY).resize((640, 480)).save(square, "JPEG")
    memory, verdict = learnt(), None
    for n in range(4):
        memory, verdict = judge(memory, decode(square.getvalue()), (DAY + n * EVERY) * 1000)
    assert verdict is not None
    assert codes(verdict) == ["pictureFrozen"]
    assert verdict.untold == ("noReference",)


@settings(max_examples=20, deadline=None)
@given(
    gain=st.floats(0.35, 1.5),
    lift=st.integers(-30, 60),
    gamma=st.floats(0.6, 1.7),
    at=st.sampled_from([DAY, NIGHT]),
)
def test_light_alone_never_says_turned(gain: float, lift: int, gamma: float, at: float) -> None:
    table = [max(0, min(255, round(255 * (v / 255) ** gamma * gain + lift))) for v in range(256)] * 3
    picture = io.BytesIO()
    render(place(), at).point(table).save(picture, "JPEG", quality=75)
    _, verdict = judge(learnt(), decode(picture.getvalue()), int(at * 1000))
    assert "viewTurned" not in verdict.suspected


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["good", "cloth", "black", "turned", "page"]), min_size=1, max_size=12))
def test_nothing_is_said_of_what_did_not_last(kinds: list[str]) -> None:
    """A fault stands only after three pictures that show it, with none between that shows the contrary."""
    memory, row = learnt(), dict.fromkeys(CODES, 0)
    for n, kind in enumerate(kinds):
        faults = () if kind == "good" else (Fault(kind, pan=30.0),)
        before = {t.code for t in memory.tracks if t.standing}
        memory, verdict = look(memory, place(), DAY + n * EVERY, faults)
        for code in CODES:
            row[code] = row[code] + 1 if code in verdict.suspected or code in codes(verdict) else row[code]
        if kind == "good":
            row = {c: r if c in before else 0 for c, r in row.items()}
        assert all(row[c] >= 3 for c in codes(verdict))
