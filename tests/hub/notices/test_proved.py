"""What each board did with a notice, from all that was said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.notices.proof import previewed, proved
from hub.notices.views import BoardView, Draft, Page, Revision, Step

BOARD = BoardView(
    name="a", title="", site="x", profile="led-64x32-1", proves="applied", due=("7.2",), showing="h",
    showing_at=9, right=True, asked="p", applied="p", late=False,
)  # fmt: skip


def said(board: str, state: str, at: int, **more: object) -> Step:
    return replace(Step(board, "7.2", state, at), **more)  # type: ignore[arg-type]


def test_the_first_of_each_state_counts_and_other_revisions_do_not() -> None:
    steps = [
        said("a", "sent", 1),
        Step("a", "7.1", "shown", 2, right=False),
        said("a", "shown", 3, right=True),
        said("a", "shown", 5, right=True),
        said("b", "sent", 1),
    ]
    a, b = proved("7.2", steps, [BOARD])
    assert (a.board, dict(a.times), a.right) == ("a", {"sent": 1, "shown": 3}, True)
    assert (b.board, dict(b.times), b.right) == ("b", {"sent": 1}, None)


def test_one_wrong_frame_is_never_made_good() -> None:
    found = proved("7.2", [said("a", "shown", 3, right=False), said("a", "shown", 4, right=True)], [])
    assert found[0].right is False


def test_what_stands_there_now_counts_more_than_what_it_said() -> None:
    steps = [said("a", "shown", 3, right=True)]
    assert proved("7.2", steps, [replace(BOARD, right=False)])[0].right is False
    assert proved("7.2", steps, [replace(BOARD, right=False, due=("9.1",))])[0].right is True


def test_told_afterwards_has_the_boards_own_time_and_a_failure_is_its_last_word() -> None:
    late = proved("7.2", [said("a", "shown", 90, board_at=30, late=True)], [])[0]
    assert (dict(late.times), late.late) == ({"shown": 30}, True)
    failed = said("a", "failed", 4, detail="storage_full")
    assert proved("7.2", [failed], [])[0].failed == "storage_full"
    assert proved("7.2", [failed, said("a", "stored", 5)], [])[0].failed == ""


@pytest.mark.parametrize(
    ("frames", "right"), [((), None), (("h",), True), (("h", "k"), False)], ids=["none", "own", "foreign"]
)
def test_previewed(frames: tuple[str, ...], right: bool | None) -> None:
    revision = Revision(2, Draft(), "x", 1, frames={"led-64x32-1": (Page("h", 3),)})
    assert previewed(revision, "led-64x32-1", frames) is right
    assert previewed(revision, "screen-1920x1080", frames) is (None if right is None else False)


@pytest.mark.parametrize(
    ("right", "late", "shape"),
    [(True, True, "ok"), (False, False, "faulty"), (None, True, "degraded"), (None, False, "unknown")],
)
def test_a_board_is_drawn_well_only_where_it_is_proved(right: bool | None, late: bool, shape: str) -> None:
    assert replace(BOARD, right=right, late=late).shape == shape
