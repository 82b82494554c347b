"""The life of a notice, through the real ingest and store."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devices.lifecycle import Lifecycle
from devices.notice import Level
from devices.person import By
from hub.notices.book import troubles
from hub.notices.views import Draft, NotRight, State, Template
from hub.people import Roll
from hub.views import Refused
from tests.hub.notices.office import FLOOD, HOA, HOUR_MS, LAN, MINH, TUAN, Office, said

if TYPE_CHECKING:
    from collections.abc import Awaitable


async def refused(asked: Awaitable[object]) -> str:
    with pytest.raises(Refused) as why:
        await asked
    return why.value.code


def audited(office: Office) -> list[tuple[str, str]]:
    return office.store.rows("SELECT action, person FROM audit ORDER BY id")


async def test_from_draft_to_ended(office: Office) -> None:
    desk = office.notices
    n = await desk.save(None, said("  Họp   thôn "), 0, LAN)
    assert (n.number, n.version, n.state, n.newest.draft.title) == (1, 1, State.DRAFT, "Họp thôn")
    assert office.book.published() == []
    n = await desk.approve(1, 1, MINH)
    assert (n.state, n.newest.approved_by, n.newest.written_by) == (State.APPROVED, "Minh", "Lan")
    n = await desk.publish(1, 2, LAN)
    assert (n.state, n.item, n.newest.published_by) == (State.PUBLISHED, "1.1", "Lan")
    assert set(n.newest.frames) == {"led-64x32-1", "screen-1920x1080"}
    assert all(desk.frame(p.hash) for pages in n.newest.frames.values() for p in pages)
    assert [b.due for b in desk.boards()] == [("1.1",)] * 3
    n = await desk.end(1, 3, MINH, "đã họp")
    assert (n.state, n.published, n.newest.ended_by, n.newest.why) == (State.ENDED, None, "Minh", "đã họp")
    assert [b.due for b in desk.boards()] == [()] * 3
    assert audited(office) == [
        ("notice.written", "Lan"), ("notice.approved", "Minh"), ("notice.published", "Lan"), ("notice.ended", "Minh"),
    ]  # fmt: skip
    assert await refused(desk.save(1, said(), 4, LAN)) == "notice_ended"
    assert await refused(desk.end(1, 4, LAN)) == "not_published"


async def test_the_next_revision_is_written_while_the_present_one_stays(office: Office) -> None:
    desk, first = office.notices, await office.on_boards(said("Một"))
    hashed = first.newest.hash
    n = await desk.save(1, said("Hai"), first.version, MINH)
    assert (n.state, n.item, n.newest.number) == (State.DRAFT, "1.1", 2)
    n = await desk.save(1, said("Hai!"), n.version, MINH)
    assert (n.newest.number, len(n.revisions)) == (2, 2), "a draft that nobody has seen is written over"
    assert await refused(desk.publish(1, n.version, LAN)) == "not_approved"
    assert await refused(desk.approve(1, n.version, MINH)) == "same_person"
    n = await desk.approve(1, n.version, LAN)
    n = await desk.publish(1, n.version, MINH)
    assert (n.item, n.state, n.revisions[0].ended_by) == ("1.2", State.PUBLISHED, "Minh")
    assert n.revisions[0].hash == hashed != n.revisions[1].hash
    assert [r.draft.title for _, r in office.book.published()] == ["Hai!"]


async def test_ending_leaves_what_is_being_written(office: Office) -> None:
    desk, n = office.notices, await office.on_boards(said("Một"))
    n = await desk.save(1, said("Hai"), n.version, MINH)
    n = await desk.end(1, n.version, LAN)
    assert (n.state, n.published) == (State.DRAFT, None)
    n = await desk.approve(1, n.version, LAN)
    assert (await desk.publish(1, n.version, LAN)).item == "1.2"


async def test_an_approval_is_of_exactly_this_text(office: Office) -> None:
    desk = office.notices
    await desk.save(None, said(), 0, LAN)
    n = await desk.approve(1, 1, MINH)
    n = await desk.save(1, said("Khác"), n.version, LAN)
    assert (n.state, n.newest.approved_by) == (State.DRAFT, "")
    assert await refused(desk.publish(1, 2, LAN)) == "changed_meanwhile"
    assert await refused(desk.publish(1, n.version, LAN)) == "not_approved"


@pytest.mark.parametrize(
    ("act", "who", "allowed"),
    [
        ("approve", MINH, True), ("approve", TUAN, False), ("approve", HOA, False),
        ("publish", MINH, True), ("publish", TUAN, False), ("publish", HOA, False),
        ("end", MINH, True), ("end", TUAN, False), ("end", HOA, False),
        ("declare", MINH, True), ("declare", TUAN, True), ("declare", HOA, False),
        ("end_emergency", TUAN, True), ("end_emergency", HOA, False),
        ("extend", TUAN, True), ("extend", HOA, False),
    ],
)  # fmt: skip
async def test_who_may_what(office: Office, act: str, who: By, *, allowed: bool) -> None:
    desk, asked = office.notices, None
    if act in {"approve", "publish", "declare"}:
        n = await desk.save(None, FLOOD if act == "declare" else said(), 0, LAN)
        if act == "approve":
            asked = desk.approve(1, n.version, who)
        elif act == "publish":
            asked = desk.publish(1, (await desk.approve(1, n.version, MINH)).version, who)
        else:
            asked = desk.publish(1, n.version, who, boards=3)
    else:
        n = await office.on_boards(said() if act == "end" else FLOOD)
        if act == "extend":
            office.later(3600)
            asked = desk.extend(1, n.version, office.clock.at + 12 * HOUR_MS, who)
        else:
            asked = desk.end(1, n.version, who)
    if allowed:
        await asked
    else:
        assert await refused(asked) == "not_allowed"


# --- emergencies --------------------------------------------------------------------------------------------------


async def test_an_emergency_needs_its_count_and_no_second_person(office: Office) -> None:
    desk = office.notices
    n = await desk.save(None, FLOOD, 0, TUAN)
    for wrong in (None, 0, 2, 4):
        with pytest.raises(Refused) as why:
            await desk.publish(1, n.version, TUAN, boards=wrong)
        assert (why.value.code, why.value.about) == ("confirm_boards", {"count": 3})
    n = await desk.publish(1, n.version, TUAN, boards=3)
    assert (n.state, n.newest.approved_by) == (State.PUBLISHED, "")
    assert audited(office)[-1] == ("notice.declared", "Tuấn")


async def test_an_emergency_ends_by_itself_and_reminds_before(office: Office) -> None:
    await office.on_boards(said("Thường"))
    n = await office.on_boards(FLOOD)
    assert n.ends_at == office.clock.at + 12 * HOUR_MS
    assert [b.due for b in office.notices.boards()] == [("2.1",)] * 3
    office.later(11.4 * 3600)
    assert not office.book.ending(office.clock.at)
    office.later(0.2 * 3600)
    assert [e.number for e in office.book.ending(office.clock.at)] == [2]
    office.later(0.4 * 3600 - 1)
    assert office.book.notices[2].state is State.PUBLISHED
    office.later(1)
    assert (office.book.notices[2].state, office.book.notices[2].newest.ended_by) == (State.ENDED, "")
    assert [b.due for b in office.notices.boards()] == [("1.1",)] * 3


async def test_extending_is_a_further_revision_in_the_same_place(office: Office) -> None:
    desk, n = office.notices, await office.on_boards(FLOOD)
    pages = n.newest.frames
    office.later(11 * 3600)
    await office.on_boards(said("Cháy", level=Level.EMERGENCY))
    for wrong in (office.clock.at, office.clock.at + 12 * HOUR_MS + 1):
        assert await refused(desk.extend(1, n.version, wrong, TUAN)) == "bad_emergency_until"
    assert n.ends_at
    for earlier in (n.ends_at, n.ends_at - 60_000):
        assert await refused(desk.extend(1, n.version, earlier, TUAN)) == "not_later"
    n = await desk.save(1, said("Nước lũ rút", level=Level.EMERGENCY), n.version, LAN)
    n = await desk.extend(1, n.version, office.clock.at + 12 * HOUR_MS, TUAN)
    assert (n.item, n.ends_at, n.state) == ("1.2", office.clock.at + 12 * HOUR_MS, State.DRAFT)
    assert [r.draft.title for r in n.revisions] == ["Nước lũ", "Nước lũ", "Nước lũ rút"]
    assert n.revisions[1].frames == pages
    assert [m.number for m, _ in office.book.published()] == [2, 1], (
        "it does not push itself before a newer one"
    )
    office.crash()
    office.start()
    assert office.book.notices[1] == n


# --- what is refused ----------------------------------------------------------------------------------------------


async def test_everything_wrong_is_told_at_once_and_nothing_is_published(office: Office) -> None:
    desk, now = office.notices, office.clock.at
    bad = said(
        "Họp\u200bthôn", link="javascript:alert(1)", template="Không có", start=now + 10, end=now + 5,
        picture="0" * 64, recurrence="FREQ=SECONDLY",
    )  # fmt: skip
    n = await desk.save(None, bad, 0, LAN)
    with pytest.raises(NotRight) as why:
        await desk.approve(1, n.version, MINH)
    assert {p.code for p in why.value.problems} == {
        "letters_unseen", "link_bad", "unknown_template", "end_before_start", "picture_unknown", "recurrence_too_often",
    }  # fmt: skip
    flood = await desk.save(1, bad.model_copy(update={"level": Level.EMERGENCY}), n.version, LAN)
    assert await refused(desk.publish(1, flood.version, LAN, boards=3)) == "notice_problems"
    assert office.book.published() == []


@pytest.mark.parametrize("target", ["site:khong-co", "tag:khác", "device:den-1", "device:bang-9", "chợ"])
async def test_aimed_at_nothing(office: Office, target: str) -> None:
    for targets in ((target,), ("site:xa", target)):
        found = await office.notices.compose(said(targets=targets))
        assert [(p.code, p.about) for p in found.problems] == [("target_reaches_none", {"target": target})]
        assert not found.right


async def test_a_board_that_left_is_told_when_its_draft_is_published(office: Office) -> None:
    desk = office.notices
    await desk.save(None, said(targets=("device:bang-1", "device:bang-2")), 0, LAN)
    n = await desk.approve(1, 1, MINH)
    gone = office.registry.devices["bang-2"]
    office.registry.devices["bang-2"] = replace(gone, lifecycle=Lifecycle.RETIRED)
    with pytest.raises(NotRight) as why:
        await desk.publish(1, n.version, LAN)
    assert [p.about for p in why.value.problems] == [{"target": "device:bang-2"}]


async def test_limits(office: Office) -> None:
    desk = office.notices
    assert await refused(desk.save(None, said("x" * 121), 0, LAN)) == "text_too_long"
    assert await refused(desk.compose(Draft(text="a" * 100_000))) == "text_too_long"
    assert await refused(desk.save(None, said(targets=[f"tag:{i}" for i in range(51)]), 0, LAN)) == "too_many"
    assert office.book.notices == {}


async def test_a_board_without_a_profile_is_left_out_and_told(office: Office) -> None:
    before = office.registry.devices["bang-1"]
    office.registry.devices["bang-1"] = replace(before, profile="")
    found = await office.notices.compose(FLOOD)
    assert (found.left_out, found.boards, found.right) == (("bang-1",), 2, True)
    alone = await office.notices.compose(said(targets=("device:bang-1",)))
    assert ([p.code for p in alone.problems], alone.right) == (["no_boards"], False)


async def test_a_board_that_left_meanwhile_is_no_silent_difference(office: Office) -> None:
    desk = office.notices
    n = await desk.save(None, FLOOD, 0, TUAN)
    compose = desk.composed

    async def and_then_it_leaves(draft: Draft) -> Any:
        found = await compose(draft)
        office.registry.devices.pop("bang-2")
        return found

    desk.composed = and_then_it_leaves  # type: ignore[method-assign]
    assert await refused(desk.publish(1, n.version, TUAN, boards=3)) == "changed_meanwhile"


# --- what stays ---------------------------------------------------------------------------------------------------


async def test_a_restart_keeps_everything(office: Office) -> None:
    desk = office.notices
    await office.on_boards(said("Một"))
    await office.on_boards(FLOOD)
    await desk.end(2, office.book.notices[2].version, TUAN, "nước rút")
    await desk.save(None, said("Nháp", fields={"a": "b"}, recurrence="FREQ=DAILY", minutes=5), 0, LAN)
    await desk.keep_template(Template("Chợ phiên", Level.ROUTINE, "Chợ", "Ngày {ngày}", ()), 0, LAN)
    await desk.set_policy("bang-1", {"nothing_due": "dark"}, HOA)
    before = (office.book.notices, office.book.templates, office.book.policies, office.book.pngs)
    office.crash()
    office.start()
    assert (office.book.notices, office.book.templates, office.book.policies, office.book.pngs) == before
    frames = office.book.notices[2].newest.frames
    assert all(office.notices.frame(p.hash) for pages in frames.values() for p in pages), "of what ended, too"


async def test_what_ends_while_nobody_runs_has_ended_at_the_first_tick(office: Office) -> None:
    await office.on_boards(FLOOD)
    office.crash()
    office.clock.at += 13 * HOUR_MS
    office.start()
    office.turn()
    assert office.book.notices[1].state is State.ENDED


async def test_killed_before_the_commit_nothing_is_half_published(office: Office) -> None:
    n = await office.notices.save(None, FLOOD, 0, LAN)
    composed = await office.notices.compose(FLOOD)
    office.ingest.submit(lambda w: office.book.publish(1, n.version, composed, 3, office.clock.at, LAN, w))
    office.ingest._command(office.ingest._commands.popleft())
    office.crash()
    office.start()
    assert (office.book.notices[1].state, office.book.published()) == (State.DRAFT, [])
    assert office.store.rows("SELECT count(*) FROM frame") == [(0,)]


async def test_a_published_revision_cannot_be_changed_in_the_database(office: Office) -> None:
    await office.on_boards(said())
    for change in ("body='{}'", "hash='x'", "approved_by='Tuấn'", "published_at=1", "frames='{}'"):
        with pytest.raises(sqlite3.IntegrityError, match="stays as it was"):
            office.store._db.execute(f"UPDATE revision SET {change}")  # noqa: S608
    with pytest.raises(sqlite3.IntegrityError, match="stays"):
        office.store._db.execute("DELETE FROM revision")


async def test_a_draft_is_discarded_and_its_number_never_comes_again(office: Office) -> None:
    desk = office.notices
    await desk.save(None, said("Một"), 0, LAN)
    await desk.discard(1, 1, LAN)
    assert office.store.rows("SELECT count(*) FROM revision") == [(0,)]
    office.crash()
    office.start()
    desk = office.notices
    n = await office.on_boards(said("Hai"))
    assert n.number == 2
    n = await desk.save(2, said("Ba"), n.version, LAN)
    await desk.discard(2, n.version, LAN)
    assert office.book.notices[2].state is State.PUBLISHED
    assert await refused(desk.discard(2, office.book.notices[2].version, LAN)) == "not_a_draft"
    assert audited(office)[-1] == ("notice.discarded", "Lan")


async def test_a_template_is_filled_in_and_what_is_missing_is_named(office: Office) -> None:
    desk = office.notices
    fields = {"giờ": "19 giờ", "ngày": "mai", "địa điểm": "{giờ} nhà văn hóa", "lạ": "x"}
    found = await desk.compose(said("khác", template="Họp thôn", fields=fields))
    assert found.draft.text == (
        "Kính mời bà con họp thôn lúc 19 giờ ngày mai tại {giờ} nhà văn hóa. Nội dung: {nội dung}."
    )
    assert "lạ" not in found.draft.fields
    assert [(p.code, p.where) for p in found.problems] == [("field_missing", "fields.nội dung")]


async def test_what_was_approved_is_what_is_published_whatever_its_template_says_by_now(
    office: Office,
) -> None:
    desk, made = office.notices, Template("Chợ", Level.ROUTINE, "Chợ {nơi}", "Ngày mai", ())
    made = await desk.keep_template(made, 0, LAN)
    n = await desk.save(None, said(template="Chợ", fields={"nơi": "Đình"}), 0, LAN)
    n = await desk.approve(n.number, n.version, MINH)
    await desk.keep_template(replace(made, text="Ngày {ngày}, {giờ}"), made.version, LAN)
    n = await desk.publish(n.number, n.version, MINH)
    assert (n.newest.draft.title, n.newest.draft.text) == ("Chợ Đình", "Ngày mai")


async def test_a_board_is_taken_out_of_a_site(office: Office) -> None:
    desk = office.notices
    n = await office.on_boards(said(targets=("site:thon-1", "without:tivi-1")))
    found = await desk.compose(n.newest.draft)
    assert sorted(b for p in found.previews for b in p.boards) == ["bang-1", "bang-2"]
    assert [b.due for b in desk.boards()] == [("1.1",), ("1.1",), ()]
    now = office.clock.at
    assert [s.boards for s in desk.calendar(now, now + HOUR_MS)] == [("bang-1", "bang-2")]
    alone = await desk.compose(said(targets=("device:tivi-1", "without:tivi-1")))
    assert [p.code for p in alone.problems] == ["no_boards"]
    gone = await desk.compose(said(targets=("site:thon-1", "without:khong-co")))
    assert [(p.code, p.about["target"]) for p in gone.problems] == [
        ("target_reaches_none", "without:khong-co")
    ]


async def test_templates_of_people(office: Office) -> None:
    desk, made = office.notices, Template("Chợ", Level.ROUTINE, "Chợ {nơi}", "Ngày {ngày} {nơi}", ())
    kept = await desk.keep_template(made, 0, LAN)
    assert (kept.version, kept.fields) == (1, ("nơi", "ngày"))
    assert await refused(desk.keep_template(made, 0, LAN)) == "changed_meanwhile"
    assert await refused(desk.keep_template(made, 1, TUAN)) == "not_allowed"
    for bad in ("{", "a } b", "{}", " ".join(f"{{{i}}}" for i in range(21))):
        assert (
            await refused(desk.keep_template(Template("x", Level.ROUTINE, "", bad, ()), 0, LAN))
            == "template_fields"
        )


async def test_policies(office: Office) -> None:
    desk = office.notices
    await desk.set_policy("bang-1", {"link_lost": "fallback"}, HOA)
    await desk.set_policy("bang-1", {"link_lost_s": 600}, HOA)
    assert (office.book.policy("bang-1").link_lost, office.book.policy("bang-1").link_lost_s) == (
        "fallback",
        600,
    )
    for bad in ({"link_lost": "x"}, {"link_lost_s": 1}, {"fallback": "keep"}):
        assert await refused(desk.set_policy("bang-1", bad, LAN)) == "bad_policy"
    assert await refused(desk.set_policy("den-1", {}, LAN)) == "unknown_device"
    assert await refused(desk.set_policy("bang-1", {}, TUAN)) == "not_allowed"


async def test_all_in_their_order(office: Office) -> None:
    desk = office.notices
    await desk.save(None, said("nháp"), 0, LAN)
    shown = await office.on_boards(said("phát"))
    ended = await office.on_boards(said("xong"))
    await desk.end(3, ended.version, LAN)
    await desk.save(None, said("nháp mới"), 0, LAN)
    assert [n.number for n in desk.all()] == [2, 4, 1, 3]
    assert desk.get(2) == shown
    assert desk.get(9) is None


async def test_the_calendar_says_what_stands_behind(office: Office) -> None:
    now = office.clock.at
    await office.on_boards(said("Thường", start=now, end=now + 4 * HOUR_MS))
    await office.on_boards(
        said("Chợ", level=Level.PRIORITY, targets=("tag:chợ",), start=now + HOUR_MS, end=now + 2 * HOUR_MS)
    )
    waits = await office.notices.save(
        None, said("Đợi", start=now + 3 * HOUR_MS, end=now + 5 * HOUR_MS), 0, LAN
    )
    await office.notices.approve(3, waits.version, MINH)
    found = office.notices.calendar(now, now + 10 * HOUR_MS, "bang-2")
    assert [(s.item, (s.start - now) // HOUR_MS, (s.end - now) // HOUR_MS, s.hidden) for s in found] == [
        ("1.1", 0, 1, False), ("2.1", 1, 2, False), ("1.1", 1, 2, True), ("1.1", 2, 4, False), ("3.1", 3, 5, False),
    ]  # fmt: skip
    assert max(s.end for s in office.notices.calendar(now, 10**14)) == now + 5 * HOUR_MS
    assert office.notices.calendar(now - 10**10, now + HOUR_MS) == [], "62 days from its start"
    assert [s.waits for s in found] == [False] * 4 + [True]
    alike = {s.boards for s in office.notices.calendar(now, now + HOUR_MS)}
    assert alike == {("bang-1", "tivi-1"), ("bang-2",)}, "those that are alike are told once"


async def test_the_hub_says_so_before_an_emergency_is_over(office: Office) -> None:
    await office.on_boards(FLOOD)
    now = office.clock.now
    assert list(troubles(office.book, now)) == []
    office.clock.at += 12 * HOUR_MS - 30 * 60_000
    assert list(troubles(office.book, now)) == ["emergency_ending"]
    n = office.book.notices[1]
    await office.notices.extend(1, n.version, office.clock.at + 2 * HOUR_MS, TUAN)
    assert list(troubles(office.book, now)) == []


async def test_who_is_in_no_list_may_nothing_and_while_it_is_empty_everything(office: Office) -> None:
    desk, eve = office.notices, By("Eve", "127.0.0.1")
    n = await office.on_boards(FLOOD)
    assert await refused(desk.end(1, n.version, eve)) == "who_are_you"
    desk._people = Roll((), office.clock.now)
    assert (await desk.end(1, n.version, eve)).newest.ended_by == "Eve"


async def test_pages_hear_of_every_change(office: Office) -> None:
    def told() -> bool:
        found = any(d.notices for d in office.deltas)
        office.deltas.clear()
        return found

    n = await office.notices.save(None, FLOOD, 0, LAN)
    assert told()
    await office.notices.publish(1, n.version, LAN, boards=3)
    assert told()
    office.later(60)
    assert not told()
    office.later(12 * 3600)
    assert told(), "it ended by itself"
