"""The life of a notice as one table: everything that can be done, in every state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.notice import Level
from hub.views import Refused
from tests.hub.notices.office import HOUR_MS, LAN, MINH, Office, said

if TYPE_CHECKING:
    from hub.notices.views import Draft, Notice

STATES = ("draft", "approved", "published", "published, next draft", "published, next approved", "ended")
TABLE = {
    "save": ("draft", "draft", "draft", "draft", "draft", "notice_ended"),
    "approve": ("approved", "not_a_draft", "not_a_draft", "approved", "not_a_draft", "not_a_draft"),
    "publish": ("not_approved", "published", "not_approved", "not_approved", "published", "notice_ended"),
    "end": ("not_published", "not_published", "ended", "draft", "approved", "not_published"),
    "extend": ("not_published",) * 6,
    "discard": ("gone", "gone", "not_a_draft", "published", "published", "not_a_draft"),
}
"""What is done -> what comes of it in each state: a state, or the code of a refusal."""
EMERGENCY = {
    "publish": ("published", "published", "not_approved", "published", "published", "notice_ended"),
    "extend": ("not_published", "not_published", "published", "draft", "approved", "not_published"),
}
"""What differs."""


async def in_state(office: Office, state: str, draft: Draft) -> Notice:
    desk = office.notices
    if state in {"draft", "approved"}:
        n = await desk.save(None, draft, 0, LAN)
    else:
        n = await office.on_boards(draft)
    if "next" in state:
        n = await desk.save(n.number, draft, n.version, LAN)
    if "approved" in state:
        n = await desk.approve(n.number, n.version, MINH)
    return await desk.end(n.number, n.version, LAN) if state == "ended" else n


async def do(office: Office, act: str, n: Notice) -> str:
    """The state that comes of it, or the code of the refusal."""
    desk, number, version = office.notices, n.number, n.version
    try:
        match act:
            case "save":
                await desk.save(number, n.newest.draft, version, LAN)
            case "approve":
                await desk.approve(number, version, MINH)
            case "publish":
                await desk.publish(number, version, MINH, boards=3)
            case "end":
                await desk.end(number, version, MINH)
            case "extend":
                office.later(1)
                await desk.extend(number, version, office.clock.at + 12 * HOUR_MS, MINH)
            case "discard":
                await desk.discard(number, version, MINH)
    except Refused as why:
        return why.code
    kept = desk.get(number)
    return "gone" if kept is None else kept.state.value


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("level", [Level.ROUTINE, Level.EMERGENCY])
async def test_everything_in_every_state(office: Office, state: str, level: Level) -> None:
    table = TABLE | (EMERGENCY if level is Level.EMERGENCY else {})
    for act, outcomes in table.items():
        n = await in_state(office, state, said(level=level))
        assert (act, await do(office, act, n)) == (act, outcomes[STATES.index(state)])
        after = office.notices.get(n.number)
        if after is not None:
            published = {r.number: (r.draft, r.hash, r.frames) for r in n.revisions if r.published_at}
            kept = {r.number: (r.draft, r.hash, r.frames) for r in after.revisions}
            assert published.items() <= kept.items(), "what was published stays as it was"
            assert [r.number for r in after.revisions] == sorted(kept)
        kept_book = office.book.notices
        assert all(n.published is None or n.on_boards is not None for n in kept_book.values())
    held = dict(office.book.notices)
    office.crash()
    office.start()
    assert office.book.notices == held, "and all of it is on disk"
