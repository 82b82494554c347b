"""Proof: what a board reports, held against the playlist that it applied and what was previewed. Pure functions.

A board is well only while the frame that it reports is one that was previewed and may stand there now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devices.device import Kind
from devices.health import Reason
from devices.notice import Level
from drivers import CAPABILITIES
from hub.notices.views import Proved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.device import Device
    from devices.event import Receipt
    from devices.field import Value
    from hub.notices.views import BoardView, Revision, Step
    from hub.plan import Show
    from hub.track import Track

DUE_MS = 120_000
"""A board acknowledges its playlist within so much heard time."""
UNPROVED = frozenset({"cannot_prove", "not_shown_yet", "shows_other"})
"""Reasons why the health of a board that is heard is unknown."""
_JUDGED = ("board_late", "board_wrong", "board_lied")


def proves(device: Device) -> str:
    """The furthest that a device can say of what it was asked: none, sent, stored, applied."""
    found = CAPABILITIES.get(device.driver)
    return found.receipts if found is not None else "none"


def judge(t: Track, values: dict[str, Value], show: Show | None, at: int, *, overdue: bool) -> bool:
    """Judge a board whose playlist is `show` (what it applied) into `values`; True where that changed something.

    `overdue`: what is asked of it was to be acknowledged by now, or cannot be.
    """
    before = tuple(values.get(name) for name in _JUDGED)
    values["board_lied"] = bool(t.lied)
    values["board_late"] = overdue and proves(t.device) == "applied"
    showing = values.get("showing")
    if show is None or showing is None:
        values.pop("board_wrong", None)
    else:
        values["board_wrong"] = showing not in show.right(at)
    return before != tuple(values.get(name) for name in _JUDGED)


def urgent(asked: Show | None, applied: Show | None, at: int) -> bool:
    """Whether what is asked of a board has an emergency that is due at `at` (ms) and that it has not applied."""
    if asked is None:
        return False
    known = applied.previewed if applied is not None else {}
    return any(
        i.level is Level.EMERGENCY and i.id not in known and i.due(at / 1000) for i in asked.made.items
    )


def lied(e: Receipt, shows: Iterable[Show]) -> bool | None:
    """A receipt names a frame that was not previewed for this board; None where that cannot be told."""
    if not e.frames or e.result not in ("stored", "shown"):
        return None
    known = next((s.previewed[e.id] for s in shows if e.id in s.previewed), None)
    return None if known is None else not known.issuperset(e.frames)


def right_now(t: Track | None) -> bool | None:
    """Whether a board shows what it should; only of who is heard and follows what is asked now can it be said."""
    wrong = t.values.get("board_wrong") if t is not None else None
    if t is None or wrong is None or t.silent or t.gone_at is not None or t.follows is None:
        return None
    if t.follows.applied != t.follows.id:
        return False if wrong else None
    return not wrong


def previewed(revision: Revision | None, profile: str, frames: Iterable[str]) -> bool | None:
    """Whether every hash that a board reports was previewed for this revision and its profile; None: it named none."""
    said = set(frames)
    pages = revision.frames.get(profile, ()) if revision is not None else ()
    return {p.hash for p in pages} >= said if said else None


def proved(item: str, steps: Iterable[Step], boards: Iterable[BoardView]) -> list[Proved]:
    """What each board did with an item ("12.1"), by name, from all that was said of its notice, the oldest first."""
    found: dict[str, Proved] = {}
    for step in steps:
        if step.item != item:
            continue
        p = found.get(step.board) or Proved(step.board, {})
        times = p.times
        if step.state not in times:
            times = {**times, step.state: step.board_at if step.late and step.board_at else step.at}
        right = p.right
        if step.state == "shown" and step.right is not None:
            right = step.right and right is not False
        failed = (step.detail or "failed") if step.state == "failed" else ""
        found[step.board] = Proved(step.board, times, right, failed, p.late or step.late)
    for board in boards:
        if board.name in found and item in board.due and board.right is False:
            # whatever it said: something else stands there now
            found[board.name] = replace(found[board.name], right=False)
    return sorted(found.values(), key=lambda p: p.board)


def unproved(t: Track) -> Reason | None:
    """Why a board of which nothing bad is known is not well for all that."""
    if t.device.kind is not Kind.SIGNBOARD:
        return None
    if proves(t.device) != "applied":
        return Reason("cannot_prove")
    if t.values.get("board_wrong") is None:
        return Reason("not_shown_yet")
    if t.values["board_wrong"] or t.values.get("board_lied"):
        return Reason("shows_other")
    return None
