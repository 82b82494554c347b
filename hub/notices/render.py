"""The one way to frames: what a draft looks like on boards of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import signboard
from hub.frames import Content, Unfit
from hub.frames import render as drawn
from hub.notices.views import Page, Problem

if TYPE_CHECKING:
    from hub.notices.views import Draft


def render(draft: Draft, picture: bytes, profile: str) -> tuple[tuple[Page, ...], tuple[Problem, ...]]:
    """The frames of a clean draft, always the same for the same; or why there are none. A worker thread's work."""
    board = signboard.profile(profile)
    if board is None:
        return (), (Problem("profile_unknown", "targets", {"profile": profile}),)
    content = Content(draft.level, draft.title, draft.text, picture, draft.link, draft.drill)
    try:
        return tuple(Page(f.hash, f.seconds, f.png) for f in drawn(content, board)), ()
    except Unfit as e:
        # Letters are the same for all boards: hub.notices.text has told them
        return (), tuple(Problem(t.code, t.at, t.about) for t in e.troubles if "letter" not in t.about)
