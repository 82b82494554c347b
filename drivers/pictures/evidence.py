"""What one picture shows, for each fault: yes, no, or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from drivers.pictures.limits import (
    AWAY_ABOVE,
    BLACK_HIGH,
    BLANK,
    BLANK_QUIET,
    BLURRED_BELOW,
    CHANCE,
    CLEAR,
    CLEAR_BEFORE,
    COMES,
    COMES_IN_FOG,
    COVERED,
    COVERED_QUIET,
    FAINT,
    FLAT_ABOVE,
    FLAT_BELOW,
    FLAT_ROWS,
    FOGGY_AT_NIGHT,
    FOGGY_BEFORE,
    FULL,
    HELD_ELSEWHERE,
    IN_PLACE,
    LATELY_MS,
    LEAP,
    LEAP_PATCHY,
    LEAP_SHARP,
    LEARNT,
    LIVELY_MUCH,
    LIVELY_SHARE,
    LIVELY_SOME,
    LOST_SHARE,
    OPAQUE_BELOW,
    OTHER_LIGHT,
    OTHER_LITTLE,
    OTHER_MUCH,
    OTHER_SHARE,
    PATCHY,
    PATCHY_IN_FOG,
    SOFT_ALL,
    SOFT_SHARE,
    SOFT_SOME,
    SOLID,
    SOLID_BELOW,
    SOME,
    TAKES,
    USUAL,
    WHITE,
    WHITE_HELD,
    WHITE_MORE,
    WHITE_UNKNOWN,
)
from drivers.pictures.reference import Kind, Look, Match, Reference, View, compare, daylight, kinds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drivers.pictures.measure import Seen

Code = Literal[
    "pictureFrozen",
    "pictureBlack",
    "lensCovered",
    "pictureBlurred",
    "pictureOverexposed",
    "viewTurned",
    "pictureGarbled",
]
CODES: tuple[Code, ...] = get_args(Code)
ESSENTIAL: tuple[Code, ...] = ("lensCovered", "viewTurned", "pictureBlurred")
"""Without an answer to these a picture is not called good."""


@dataclass(frozen=True, slots=True)
class Before:
    """How the last picture of a kind that showed nothing wrong, at `at` (ms), compared: shares as in Match."""

    kind: Kind
    at: int
    gone: float
    soft: float
    lost: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """`shows`: for each code, None is "cannot tell". `about`: the numbers behind a yes. `match`: with `view`'s look."""

    shows: Mapping[Code, bool | None]
    about: Mapping[Code, Mapping[str, float | str]] = field(default_factory=dict)
    untold: tuple[str, ...] = ()
    match: Match | None = None
    kind: Kind | None = None
    view: int | None = None

    def with_frozen(self, frozen: bool | None) -> Evidence:
        """The same with an answer about freshness."""
        return replace(self, shows={**self.shows, "pictureFrozen": frozen})

    def without_white(self) -> Evidence:
        """The same where it is known to look at something else: whether that is too white nobody can say."""
        return replace(self, shows={**self.shows, "pictureOverexposed": None})

    def fresh(self) -> bool | None:
        """Whether this picture alone is new; a first equal one is not yet called frozen."""
        return None if self.shows["pictureFrozen"] is None else not self.shows["pictureFrozen"] or None

    def good(self) -> bool | None:
        """Whether this picture alone is good: nothing seen, and nothing essential untold."""
        if any(self.shows[c] for c in CODES if c != "pictureFrozen"):
            return None  # seen once; not said yet
        return None if any(self.shows[c] is None for c in ESSENTIAL) else True


def evidence_of(
    reference: Reference, seen: Seen, at: int, before: Sequence[Before] = (), *, learning: bool = False
) -> Evidence:
    """What a picture of `at` (ms) shows, all but freshness, which needs the one before.

    `learning`: other views may be right.
    """
    m, kinds = seen.measures, kinds_of(seen.measures, at)
    kind = kinds[0]
    shows: dict[Code, bool | None] = dict.fromkeys(CODES)
    if m.high <= BLACK_HIGH:
        shows["pictureBlack"] = True
        return Evidence(shows, {"pictureBlack": {"brightest": float(m.high)}}, ("dark",), None, kind)
    shows["pictureBlack"] = False
    view, look, match = best_match(reference, seen, kinds)
    missing = seen.flat >= FLAT_ROWS and FLAT_ABOVE < seen.flat_level < FLAT_BELOW
    lost = seen.damaged and look is not None and look.damaged < USUAL
    if missing or lost:
        shows["pictureGarbled"] = True
        return Evidence(shows, {"pictureGarbled": _broken(seen)}, (), match, kind)
    shows["pictureGarbled"] = False
    if view is not None and look is not None:
        untold = _untold(reference.views[view], look, at)
        if untold:
            return Evidence(shows, {}, untold, match, kind)
    least = WHITE_UNKNOWN if look is None else WHITE
    held = match is not None and match.agreement >= WHITE_HELD
    if not held and m.white >= least and m.white >= WHITE_MORE + (look.white if look else 0):
        shows["pictureOverexposed"] = True
        about = {"whitePct": round(100 * m.white)}
        return Evidence(shows, {"pictureOverexposed": about}, (), match, kind)
    shows["pictureOverexposed"] = False
    if match is None or (learning and match.agreement < IN_PLACE):
        return Evidence(shows, {}, ("noReference",), None, kind)
    earlier = next((b for b in before if b.kind == match.kind), None)
    return replace(_compared(shows, match, kinds, earlier, at), view=view)


def best_match(
    reference: Reference, seen: Seen, kinds: tuple[Kind, ...]
) -> tuple[int | None, Look | None, Match | None]:
    """The view and look that a picture agrees with best: of other kinds only where none of its own fits."""
    best: tuple[int | None, Look | None, Match | None] = None, None, None
    looks = [(i, k) for i, v in enumerate(reference.views) for k in v.looks if k.pictures >= LEARNT]
    looks.sort(key=lambda x: x[1].kind not in kinds)
    for i, look in looks:
        if look.kind not in kinds and best[2] is not None and best[2].agreement >= IN_PLACE:
            break
        match = compare(look, seen)
        if match is not None and _fits(match, kinds) > _fits(best[2], kinds):
            best = i, look, match
    return best


def _untold(view: View, look: Look, at: int) -> tuple[str, ...]:
    """Why nothing can be said by what is known of the view, if so.

    Where it holds nothing by day, as of a wall, it does not at night either, whatever a lamp shows; and until that is
    known, nothing is said from dawn to dusk.
    """
    day = view.look("day")
    known = day is not None and day.pictures >= LEARNT
    if not look.tells() or (known and day is not None and not day.tells()):
        return ("noStructure",)
    return () if known or daylight(at)[1] else ("noReference",)


def _fits(match: Match | None, kinds: tuple[Kind, ...]) -> float:
    """A look of another kind must agree clearly better; of two that agree, the one whose contrast is still there."""
    if match is None:
        return -2.0
    if match.kind not in kinds:
        return match.agreement - CHANCE
    full = 0.0 if match.contrast is None or match.agreement < CHANCE else CHANCE * min(1.0, match.contrast)
    return match.agreement + full


def _broken(seen: Seen) -> Mapping[str, float | str]:
    if seen.flat >= FLAT_ROWS:
        return {"why": "missingRows", "missingPct": float(round(100 * seen.flat))}
    return {"why": "lostBytes"}


def _compared(
    shows: dict[Code, bool | None], match: Match, kinds: tuple[Kind, ...], before: Before | None, at: int
) -> Evidence:
    """Covered, turned, blurred: what needs the reference."""
    kind = kinds[0]
    if match.kind not in kinds and not _fully_held(match):
        return _of_another_kind(shows, match, kind)
    code, about = _wrong(match)
    came = code is not None and _came(code, match, before, at)
    if not came and before is not None and _leapt(match, before, at):
        code, came = "pictureBlurred", True
        about = {"softPct": _pct(match.lost)}
        if match.gone >= COVERED and match.residue < OPAQUE_BELOW:
            code, about = "lensCovered", {"coveredPct": _pct(match.gone)}
    if code is not None and came:
        shows[code] = True
        return Evidence(shows, {code: about}, (), match, kind)
    if match.gone >= COVERED or match.agreement < IN_PLACE:
        return Evidence(shows, {}, ("fog" if match.gone >= COVERED else "unclear",), match, kind)
    blurred = match.sharp is not None and match.sharp < BLURRED_BELOW
    if code is not None and not blurred:
        return Evidence(shows, {}, ("unclear",), match, kind)
    shows["viewTurned"] = shows["lensCovered"] = False
    if match.sharp is not None:
        shows["pictureBlurred"] = blurred
        about = {"detailPct": _pct(match.sharp)}
    return Evidence(shows, {"pictureBlurred": about}, (), match, kind)


def _of_another_kind(shows: dict[Code, bool | None], match: Match, kind: Kind) -> Evidence:
    """No look of its own yet: what is clear all the same. A wall shows at night what it does not by day."""
    if _away(match):
        shows["viewTurned"] = True
        return Evidence(shows, {"viewTurned": _shift(match)}, (), match, kind)
    if match.agreement >= IN_PLACE:
        shows["viewTurned"] = False
    return Evidence(shows, {}, ("noReference",), match, kind)


def _wrong(match: Match) -> tuple[Code | None, Mapping[str, float | str]]:
    """The first that holds of what takes structure away, with its numbers."""
    if _away(match):
        return "viewTurned", _shift(match)
    if _blank(match):
        return "lensCovered", {"coveredPct": _pct(match.gone)}
    if _elsewhere(match):
        return "viewTurned", {}
    if _partly_covered(match):
        return "lensCovered", {"coveredPct": _pct(match.gone)}
    if _smeared(match):
        return "pictureBlurred", {"softPct": _pct(max(match.soft, match.lost))}
    return None, {}


def _came(code: Code, match: Match, before: Before | None, at: int) -> bool:
    """Whether it is more than the picture before had: a cover is there at once, fog comes slowly."""
    if before is None or _away(match):
        return True
    lately, (day, night) = 0 <= at - before.at <= LATELY_MS, daylight(at)
    foggy = lately and before.lost >= (FOGGY_BEFORE if day or code == "lensCovered" else FOGGY_AT_NIGHT)
    if code == "lensCovered" and foggy:
        return match.gone - before.gone >= COMES_IN_FOG
    if code == "viewTurned" or _blank(match):
        return not foggy
    if foggy or not (lately or day or night):
        return False  # in twilight, and the picture before had another light
    if code == "lensCovered":
        return match.gone - before.gone >= COMES
    return match.soft - before.soft >= COMES or match.lost - before.lost >= COMES


def _leapt(match: Match, before: Before, at: int) -> bool:
    """Whether contrast is lost at once that was there some minutes ago, in the same light: no fog does that."""
    lately = any(daylight(at)) and 0 <= at - before.at <= LATELY_MS
    if not lately or before.lost >= CLEAR_BEFORE or match.lost < LEAP:
        return False
    return match.patchy >= LEAP_PATCHY or (match.sharp is not None and match.sharp < LEAP_SHARP)


def _blank(match: Match) -> bool:
    """Most of the structure is gone without a trace, and little else is there."""
    if match.residue >= OPAQUE_BELOW or (match.lively >= LIVELY_MUCH and match.other >= OTHER_MUCH):
        return False
    if _foggy(match):
        return False
    quiet = match.lively < LIVELY_SOME and match.soft < SOFT_ALL
    return match.gone >= (BLANK_QUIET if quiet else BLANK)


def _foggy(match: Match) -> bool:
    """All that is held is thin, and still there: the view, or at least edges of what is near."""
    if match.contrast is None or match.contrast >= CLEAR:
        return False
    return match.agreement >= CHANCE or (match.lively >= LIVELY_SHARE and match.contrast < FAINT)


def _smeared(match: Match) -> bool:
    """Detail is lost while shape is not, or contrast is lost here and not there: fog does neither."""
    enough = SOFT_SHARE if _clear(match) else 2 * SOFT_SHARE
    if match.soft >= enough and match.soft * match.structured >= max(
        SOME, TAKES * match.lively * match.other
    ):
        return True
    patchy = PATCHY if _clear(match) or match.soft >= SOFT_SOME else PATCHY_IN_FOG
    return match.lost >= LOST_SHARE and match.patchy >= patchy


def _clear(match: Match) -> bool:
    return match.contrast is None or match.contrast >= CLEAR


def _fully_held(match: Match) -> bool:
    """In place, and with all of its contrast: neither fog nor another light, whatever the brightness says."""
    return match.agreement >= IN_PLACE and match.contrast is not None and FULL <= match.contrast < OTHER_LIGHT


def _partly_covered(match: Match) -> bool:
    """Without a trace while the rest is clear, or with little of one while the rest has all of its contrast."""
    least = COVERED_QUIET if match.other < OTHER_LITTLE and _fully_held(match) else COVERED
    if match.gone < least or match.gone * match.structured < SOME or match.soft >= SOFT_ALL:
        return False
    if match.gone * match.structured < TAKES * match.lively * match.other:
        return False  # something stands there with edges of its own
    solid = match.gone >= SOLID and _fully_held(match)
    return (match.residue < OPAQUE_BELOW and _clear(match)) or (solid and match.residue < SOLID_BELOW)


def _away(match: Match) -> bool:
    """The old view is found again within the new one."""
    return match.elsewhere >= AWAY_ABOVE and match.elsewhere >= match.agreement + CHANCE


def _elsewhere(match: Match) -> bool:
    """It is not, and there is something else to be seen."""
    other = match.lively >= LIVELY_SHARE and match.other >= OTHER_SHARE
    return match.agreement < CHANCE and match.held < HELD_ELSEWHERE and other and _clear(match)


def _shift(match: Match) -> Mapping[str, float | str]:
    return {"rightPct": _pct(match.right), "downPct": _pct(match.down)}


def _pct(share: float) -> float:
    return float(round(100 * share))
