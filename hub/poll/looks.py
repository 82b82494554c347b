"""What one camera's pictures showed: which of them are kept, what is said of them, and when the next one is wanted.

A picture that looks wrong is looked at twice more within three minutes, so that a covered lens is known soon; one that
was found to be wrong, sooner for a while, since somebody may be mending it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from drivers.pictures import PictureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.poll.pace import Pace
    from hub.poll.reading import Found
    from hub.poll.rows import Row
    from hub.poll.shelf import Shelf

SUSPECT_S = 75.0
"""A picture that looks wrong is looked at again after so long, and so is one that did not come."""
SOONER = 8
"""... so many times in a row, to learn a view as well; then as often as was asked for."""
LOOK_REST_S = 10.0
"""A picture that a person asks for comes at once, unless one came within so long."""


class Sight(Protocol):
    """What was seen on a picture, and on those before.

    `suspect`: it looks wrong, or right again, but not for long enough yet; `suspected`: what it shows alone.
    """

    @property
    def fresh(self) -> bool | None: ...
    @property
    def good(self) -> bool | None: ...
    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def luminance_pct(self) -> float | None: ...
    @property
    def turned_deg(self) -> float | None: ...
    @property
    def suspect(self) -> bool: ...
    @property
    def suspected(self) -> tuple[str, ...]: ...


class Eye(Protocol):
    """Judges one camera's pictures."""

    def see(self, jpeg: bytes, at: int) -> Sight:
        """A picture taken at `at` (ms)."""

    def set_reference(self, jpeg: bytes, at: int) -> bool:
        """This is how it should look; False where the picture cannot be read."""

    @property
    def before(self) -> Sight | None:
        """What stood wrong before this start; None where nothing did."""

    @property
    def knows(self) -> bool:
        """It knows how the view looks; until then it learns from one picture a minute."""

    def learnt(self) -> bool:
        """True once, when it has learnt by itself how the view looks."""

    def to_json(self) -> dict[str, Any]:
        """What it knows."""


class Looks:
    """Of one camera. `due`: when the next picture is wanted (s, monotonic); `why_none`: why the last did not come."""

    def __init__(
        self, row: Row, eye: Eye, shelf: Shelf, masked: Callable[[bytes], bytes], pace: Pace
    ) -> None:
        self.due, self.why_none = 0.0, ""
        self._row, self._eye, self._shelf, self._masked, self._pace = row, eye, shelf, masked, pace
        self._sight: Sight | None = eye.before
        self._good_at: float | None = None
        self._came_at = self._every_s = float("nan")
        self._reference_by: str | None = None
        self._proofs: list[str] = []
        self._sooner = 0

    # --- what is wanted ---------------------------------------------------------------------------------------

    def want(self) -> None:
        """The next one is due now."""
        self.due = 0.0

    def want_another(self) -> None:
        """The same, unless one has just come."""
        if not self._pace.mono() - self._came_at < LOOK_REST_S:
            self.want()

    def set_reference(self, by: str) -> None:
        """The next one shows how it should be, says this person."""
        self._reference_by = by
        self.want()

    def witness(self, of: str) -> None:
        """The next one is kept as proof of this."""
        self._proofs.append(of)
        self.want()

    @property
    def suspect(self) -> bool:
        """The next one will be worth a visit."""
        return self._sight is not None and self._sight.suspect

    @property
    def news(self) -> object:
        """Changes where something is to be told."""
        return self.why_none, frozenset(() if self._sight is None else self._sight.codes)

    # --- what came --------------------------------------------------------------------------------------------

    def failed(self, code: str, *, again: bool) -> None:
        """None came. `again`: it may come soon."""
        self.why_none = code
        if again:
            self._again()

    def take(self, jpeg: bytes) -> None:
        """One came."""
        self.why_none = ""
        mono = self._pace.mono()
        self._every_s, self._came_at = mono - self._came_at, mono
        at = round(self._pace.now() * 1000)
        if self._reference_by is not None and self._eye.set_reference(jpeg, at):
            self._keep("reference", at, jpeg, by=self._reference_by)
            self._reference_by = None
        proofs, self._proofs = self._proofs, []
        for n, of in enumerate(proofs):
            if not self._keep("proof", at + n, jpeg, by=of):  # each has an instant of its own
                self._proofs.append(of)
        before, sight = self._sight, self._eye.see(jpeg, at)
        self._sight = sight
        self._plan(before, sight)
        if self._eye.learnt():
            self._keep("reference", at, jpeg)
        if set(sight.codes) - set(() if before is None else before.codes):
            self._keep("fault", at, jpeg, codes=sight.codes)
        if not sight.codes and not sight.suspect:
            self._good_at = at / 1000
            self._keep("last", at, jpeg)
        self._shelf.remember(self._row.name, self._eye.to_json())

    def _plan(self, before: Sight | None, sight: Sight) -> None:
        known = before is not None and (sight.suspect, set(sight.codes)) == (
            before.suspect,
            set(before.codes),
        )
        unsure = sight.suspect or sight.codes or not self._eye.knows
        if not known or not unsure:
            self._sooner = 0
        if unsure:
            self._again()

    def _again(self) -> None:
        """The next picture comes sooner, unless that did not help."""
        self._sooner += 1
        if self._sooner <= SOONER:
            self.due = self._pace.mono() + min(SUSPECT_S, self._row.picture_s)

    def _keep(self, what: str, at: int, jpeg: bytes, **more: Any) -> bool:
        """False where it cannot be drawn: then it cannot be masked, and nobody could look at it."""
        try:
            shown = self._masked(jpeg)
        except PictureError:
            return False
        self._shelf.put(self._row.name, what, at, shown, **more)
        return True

    # --- what is said -----------------------------------------------------------------------------------------

    def tell(self, found: Found, alarms: set[str]) -> None:
        """What the last pictures showed, and which `alarms` of its own are on."""
        found.faults += sorted(alarms)
        if alarms:
            found.good = False
        found.picture_next_s = max(0.0, self.due - self._pace.mono())
        if self.why_none:
            found.faults.append(self.why_none)
            found.fresh = False
            return
        sight = self._sight
        if sight is not None:
            found.fresh = sight.fresh
            found.good = False if alarms else sight.good
            found.luminance_pct = sight.luminance_pct
            found.turned_deg = sight.turned_deg or (0.0 if sight.good else None)
            found.faults += sight.codes
            found.suspected += sight.suspected
        if self._every_s > 0:
            found.picture_every_s = self._every_s
        if self._good_at is not None:
            found.picture_age_s = self._pace.now() - self._good_at
