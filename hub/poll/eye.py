"""The eye: one camera's pictures judged one after another, with what was learnt of its view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from drivers.pictures import Memory, PictureError, decode, judge, reference_of
from drivers.pictures.limits import LEARNT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Sight:
    """Meets hub.poll.looks.Sight."""

    fresh: bool | None
    good: bool | None
    codes: tuple[str, ...]
    luminance_pct: float | None
    turned_deg: float | None
    suspect: bool
    suspected: tuple[str, ...] = ()


class Eye:
    """Meets hub.poll.looks.Eye. What was learnt by another version is learnt anew."""

    def __init__(self, remembered: Mapping[str, Any] | None) -> None:
        try:
            self._memory = Memory() if remembered is None else Memory.from_json(remembered)
        except ValueError:
            self._memory = Memory()
        self._known = self.knows

    def see(self, jpeg: bytes, at: int) -> Sight:
        """A picture taken at `at` (ms)."""
        try:
            picture: Any = decode(jpeg)
        except PictureError as e:
            picture = e
        self._memory, verdict = judge(self._memory, picture, at)
        turned = next((f.about.get("turnedDeg") for f in verdict.faults if f.code == "viewTurned"), None)
        return Sight(
            fresh=verdict.fresh,
            good=verdict.good,
            codes=tuple(f.code for f in verdict.faults),
            luminance_pct=None if verdict.measures is None else verdict.measures.mean / 2.55,
            turned_deg=turned if isinstance(turned, float) else None,
            suspect=any(track.count for track in self._memory.tracks),
            suspected=tuple(verdict.suspected),
        )

    @property
    def before(self) -> Sight | None:
        """What stood wrong when it was remembered; None where nothing did."""
        codes = tuple(t.code for t in self._memory.tracks if t.standing)
        if not codes:
            return None
        frozen = "pictureFrozen" in codes
        good = False if set(codes) - {"pictureFrozen"} else None
        return Sight(False if frozen else None, good, codes, None, None, suspect=False)

    def set_reference(self, jpeg: bytes, at: int) -> bool:
        """This, taken at `at` (ms), is how it should look; False where the picture cannot be read."""
        try:
            frame = decode(jpeg)
        except PictureError:
            return False
        self._memory = replace(self._memory, reference=reference_of([(frame, at)]), tracks=())
        self._known = True
        return True

    def learnt(self) -> bool:
        """True once, when it has learnt by itself how the view looks."""
        if self._known or not self.knows:
            return False
        self._known = True
        return True

    def to_json(self) -> dict[str, Any]:
        """What it knows."""
        return self._memory.to_json()

    @property
    def knows(self) -> bool:
        """It knows how the view looks."""
        return any(k.pictures >= LEARNT for v in self._memory.reference.views for k in v.looks)
