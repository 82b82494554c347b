"""Fresh and good: one picture after another is judged; a fault is said when it lasts, and taken back when it is over.

Pure: `judge` takes what is remembered of a camera, a picture and its time, and gives what is to be remembered and said.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from drivers.pictures.errors import PictureError
from drivers.pictures.evidence import CODES, Before, Code, Evidence, evidence_of
from drivers.pictures.learning import learnt, young
from drivers.pictures.limits import FROZEN_SHARE, FROZEN_TILES, PICTURES, SPAN_MS
from drivers.pictures.measure import Measures, look_at, tiles_of
from drivers.pictures.reference import Kind, Match, Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.pictures.frame import Frame

VERSION = 1
FRESH: tuple[Code, ...] = ("pictureFrozen",)
ELSEWHERE: tuple[Code, ...] = ("lensCovered", "viewTurned")


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of one fault: pictures in a row that show it, or that do not once it stands, and since when."""

    code: Code
    standing: bool = False
    count: int = 0
    since: int = 0
    about: Mapping[str, float | str] = field(default_factory=dict)
    began: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one camera between two pictures.

    `ptz`: it looks at several presets, and learns a view for each. `view_deg`: its horizontal field of view in degrees,
    where it is known: then a turn is told in degrees. `tiles`: hashes of the last picture, `seen` its time.
    """

    reference: Reference = field(default_factory=Reference)
    ptz: bool = False
    view_deg: float | None = None
    tracks: tuple[Track, ...] = ()
    tiles: tuple[int, ...] = ()
    seen: int = 0
    before: tuple[Before, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-able: the reference, and about 2 kB."""
        return {
            "version": VERSION, "reference": self.reference.to_json(), "ptz": self.ptz, "viewDeg": self.view_deg,
            "tracks": [[t.code, t.standing, t.count, t.since, dict(t.about), t.began] for t in self.tracks],
            "tiles": list(self.tiles), "seen": self.seen, "before": [astuple(b) for b in self.before],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Memory:
        """Raises ValueError where this is none, or of a version that is not known."""
        try:
            if data["version"] != VERSION:
                raise ValueError(f"a memory of version {data['version']}; {VERSION} is known")
            tracks = tuple(Track(*t) for t in data["tracks"])
            if any(t.code not in CODES for t in tracks):
                raise ValueError("a code that nobody knows")
            deg = data["viewDeg"]
            return cls(
                Reference.from_json(data["reference"]),
                bool(data["ptz"]),
                None if deg is None else float(deg),
                tracks,
                tuple(int(t) for t in data["tiles"]),
                int(data["seen"]),
                tuple(Before(*b) for b in data.get("before", ())),
            )
        except (KeyError, TypeError, AttributeError) as e:
            raise ValueError(f"no memory: {type(e).__name__}") from e


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that stands: since when (ms since 1970), and the numbers that its sentence needs."""

    code: Code
    since: int
    about: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a camera after a picture.

    `fresh` and `good`: None is "cannot tell". `faults`: those that stand. `suspected`: those that this picture shows
    and that may go with the next. `untold`: why something cannot be told (`noReference`, `noStructure`, `fog`, `dark`).
    `measures`, `match`: None for what is no picture. `kind`: day, dark, infrared.
    """

    fresh: bool | None
    good: bool | None
    faults: tuple[Finding, ...]
    suspected: tuple[Code, ...]
    untold: tuple[str, ...]
    measures: Measures | None
    match: Match | None
    kind: Kind | None


def judge(memory: Memory, picture: Frame | PictureError, at: int) -> tuple[Memory, Verdict]:
    """One picture, taken at `at` (ms since 1970). A picture that could not be had at all is not judged: do not call."""
    if isinstance(picture, PictureError):
        found = Evidence(
            dict.fromkeys(CODES) | {"pictureGarbled": True}, {"pictureGarbled": {"why": picture.code}}
        )
        tiles, seen = memory.tiles, None
    else:
        seen = look_at(picture)
        learning = memory.ptz and not memory.reference.by_person and young(memory.reference)
        found = evidence_of(memory.reference, seen, at, memory.before, learning=learning)
        tiles = tiles_of(picture)
        found = found.with_frozen(frozen(memory.tiles, tiles))
    if any(t.standing and t.code in ELSEWHERE for t in memory.tracks):
        found = found.without_white()
    tracks = tuple(_followed(_track(memory.tracks, code), found, at, memory) for code in CODES)
    standing = tuple(Finding(t.code, t.began, t.about) for t in tracks if t.standing)
    reference, before = memory.reference, memory.before
    if seen is not None and not any(found.shows[c] for c in CODES) and not standing:
        before = _noted(before, found, at)
        reference = learnt(reference, seen, found.view, found.match, at, ptz=memory.ptz)
    memory = replace(
        memory,
        tracks=tuple(t for t in tracks if t.count or t.standing),
        tiles=tiles,
        seen=at,
        reference=reference,
        before=before,
    )
    codes = [f.code for f in standing]
    verdict = Verdict(
        fresh=False if "pictureFrozen" in codes else found.fresh(),
        good=False if any(c not in FRESH for c in codes) else found.good(),
        faults=standing,
        suspected=tuple(c for c in CODES if found.shows[c] and c not in codes),
        untold=found.untold,
        measures=None if seen is None else seen.measures,
        match=found.match,
        kind=found.kind,
    )
    return memory, verdict


def frozen(before: Sequence[int], now: Sequence[int]) -> bool | None:
    """Whether two pictures are the same to the pixel, wherever they hold something; None where they hold too little."""
    if len(before) != len(now):
        return False if before else None
    pairs = [(a, b) for a, b in zip(before, now, strict=True) if a or b]
    if len(pairs) < FROZEN_TILES:
        return None
    return sum(a == b for a, b in pairs) >= FROZEN_SHARE * len(pairs)


def _noted(before: tuple[Before, ...], found: Evidence, at: int) -> tuple[Before, ...]:
    """What is gone or soft is noted of clear pictures only: what came in fog is told when it lifts."""
    match = found.match
    if match is None:
        return before
    old = next((b for b in before if b.kind == match.kind), None)
    new = Before(match.kind, at, match.gone, match.soft, match.lost)
    if old is not None and found.untold:
        new = replace(new, gone=min(old.gone, new.gone), soft=min(old.soft, new.soft))
    return (*(b for b in before if b.kind != match.kind), new)


def _track(tracks: Sequence[Track], code: Code) -> Track:
    return next((t for t in tracks if t.code == code), Track(code))


def _followed(track: Track, found: Evidence, at: int, memory: Memory) -> Track:
    """A fault stands after 3 pictures in a row over 2 minutes and ends likewise; "cannot tell" breaks a row.

    It does not where the picture shows another fault: what hides a view partly may look like one or the other.
    """
    shows = found.shows[track.code]
    if shows is None:
        wrong = any(found.shows[c] for c in CODES if c not in FRESH)
        return track if track.standing or wrong else Track(track.code)
    about = _in_numbers(found.about.get(track.code, {}), memory) if shows else track.about
    if shows is track.standing:  # as it was said
        return replace(track, count=0, about=about)
    count = track.count + 1
    since = at if track.count == 0 else track.since
    if track.code == "pictureFrozen" and shows and track.count == 0:
        count, since = 2, memory.seen  # the picture before showed the same
    if count < PICTURES or at - since < SPAN_MS:
        return replace(track, count=count, since=since, about=about)
    return Track(track.code, shows, 0, at, about if shows else {}, since if shows else 0)


def _in_numbers(about: Mapping[str, float | str], memory: Memory) -> Mapping[str, float | str]:
    """A turn in degrees where the lens is known: a shift of s widths is atan(2 s tan(half the field of view))."""
    right, down = about.get("rightPct"), about.get("downPct")
    if memory.view_deg is None or not isinstance(right, float) or not isinstance(down, float):
        return about
    half = math.tan(math.radians(min(memory.view_deg, 170) / 2))
    shift = math.hypot(right, down * 9 / 16) / 100  # degrees are told of 16:9 pictures
    return {**about, "turnedDeg": float(round(math.degrees(math.atan(2 * shift * half))))}
