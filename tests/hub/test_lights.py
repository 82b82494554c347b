"""Light control: whose program counts, what is published when, and what is judged as not applied."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from devices.person import By
from devices.program import Edge, Program, Step
from devices.site import Placing, Site
from hub import lights
from hub.lightdesk import state_of
from hub.lights import dawns
from hub.programs import Kept
from hub.views import Refused
from tests.hub.house import House
from tests.hub.scene import REALM, T0, gateway, light

if TYPE_CHECKING:
    from pathlib import Path

BY = By("Lan", "127.0.0.1")
HALF = Program(steps=(Step(at="22:00", level_pct=50),))
EARLY = Program(off=Edge(at="23:00"))


class Village(House):
    """A house whose site lies in a commune."""

    def start(self) -> None:
        super().start()
        self.registry.sites |= {s: Site(s, s, t) for s, t in ((REALM, "village"), ("xa", "commune"))}
        self.registry.placings = {REALM: [Placing(REALM, "xa")]}
        self.lights._above = {}

    def save(self, name: str, target: str, program: Program = HALF, version: int = 0) -> int:
        found: int = self.do(
            lambda w: self.lights.save(Kept(name, target, program, version), self.clock.at, BY, w)
        )
        return found

    def do(self, run: Any) -> Any:
        done = self.ingest.submit(run)
        self.turn()
        return done.result(0)

    def told(self) -> list[tuple[str, dict[str, Any] | None]]:
        """What was published since the last look: (device, payload)."""
        found = [
            (t.split("/")[3], json.loads(p) if p else None) for t, p, retain in self.link.published if retain
        ]
        assert all(t.endswith("/desired") for t, _, _ in self.link.published)
        self.link.published.clear()
        return found

    def later(self, seconds: float) -> Village:
        self.clock.at += round(seconds * 1000)
        self.turn()
        return self

    def asked(self, name: str = "den-1") -> str:
        follows = self.track(name).follows
        return follows.id if follows is not None else ""


@pytest.fixture
def village(tmp_path: Path) -> Any:
    house = Village(
        tmp_path,
        light("den-1"),
        light("den-2", tags=("chợ",)),
        light("den-3", tags=("chợ", "đình")),
        gateway(),
    )
    house.listening()
    yield house
    house.close()


def test_a_program_of_a_site_is_told_to_every_light_below_it_once_committed(village: Village) -> None:
    village.save("Đêm", "site:xa")
    village.later(1)
    told = village.told()
    assert sorted(name for name, _ in told) == ["den-1", "den-2", "den-3"]
    assert {p["id"] for _, p in told if p} == {village.asked()}
    assert told[0][1] is not None
    assert told[0][1]["program"]["steps"] == [{"at": "22:00", "level_pct": 50}]
    village.later(60)
    assert village.told() == [], "told once"


def test_nothing_is_published_that_is_not_on_disk(village: Village) -> None:
    village.ingest.submit(lambda w: village.lights.save(Kept("Đêm", "site:xa", HALF, 0), T0, BY, w))
    village.store.limit_pages(village.store.pages())
    village.ingest.writes.add("INSERT INTO plan VALUES ('x', ?)", "x" * 2_000_000)
    village.later(1)
    assert not village.report.store_ok
    assert village.told() == []
    village.store.limit_pages(0)
    village.ingest._retry_at = 0
    village.later(1)
    assert len(village.told()) == 3


def test_its_own_counts_over_a_tag_over_the_nearest_site(village: Village) -> None:
    for name, target in (
        ("xã", "site:xa"),
        ("thôn", f"site:{REALM}"),
        ("chợ", "tag:chợ"),
        ("mình", "device:den-3"),
    ):
        village.save(name, target)
    counting = {n: village.lights.counting(village.track(n).device, T0) for n in ("den-1", "den-2", "den-3")}
    assert {n: k.name for n, k in counting.items() if k} == {"den-1": "thôn", "den-2": "chợ", "den-3": "mình"}
    village.do(lambda w: village.lights.remove("thôn", 1, T0, BY, w))
    kept = village.lights.counting(village.track("den-1").device, T0)
    assert kept is not None
    assert kept.name == "xã"


@pytest.mark.parametrize(
    ("target", "version", "code"),
    [
        ("site:nowhere", 0, "unknown_target"), ("device:cong-1", 0, "unknown_target"),
        ("device:x", 0, "unknown_target"), ("tag:không", 0, "unknown_target"), ("realm:x", 0, "unknown_target"),
        ("", 0, "unknown_target"), ("tag:đình", 0, "tags_tie"), ("tag:chợ", 0, "target_taken"),
        ("site:xa", 3, "unknown_program"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(village: Village, target: str, version: int, code: str) -> None:
    village.save("chợ", "tag:chợ")
    village.later(1).told()
    before = village.rows("SELECT * FROM program"), village.rows("SELECT count(*) FROM audit")
    with pytest.raises(Refused) as refused:
        village.save("mới", target, version=version)
    assert refused.value.code == code
    village.later(1)
    assert village.told() == []
    assert (village.rows("SELECT * FROM program"), village.rows("SELECT count(*) FROM audit")) == before


def test_the_later_of_two_editors_is_told(village: Village) -> None:
    assert village.save("Đêm", "site:xa") == 1
    assert village.save("Đêm", "site:xa", EARLY, version=1) == 2
    for version, code in ((1, "changed_meanwhile"), (0, "program_exists")):
        with pytest.raises(Refused) as refused:
            village.save("Đêm", "site:xa", HALF, version=version)
        assert refused.value.code == code
    assert village.lights.programs["Đêm"].program == EARLY
    actions = [a for (a,) in village.rows("SELECT action FROM audit ORDER BY id")]
    assert actions == ["program.made", "program.changed"]


def test_removing_the_last_program_takes_the_retained_word_back(village: Village) -> None:
    village.save("Đêm", "device:den-1")
    village.later(1).told()
    village.do(lambda w: village.lights.remove("Đêm", 1, T0, BY, w))
    village.later(1)
    assert village.told() == [("den-1", None)]
    assert state_of(village.track("den-1")) == "nothing"
    for after, again in ((1, [("den-1", None)]), (86_400, [])):  # killed before it was published, perhaps
        village.later(after)
        village.down()
        village.up()
        village.caught_up()
        assert village.later(1).told() == again


def speak(village: Village, applied: str | None, seq: int, name: str = "den-1") -> None:
    village.says(name, boot=1, seq=seq, battery_v=12.9, applied=applied)
    village.turn()


def test_not_applied_after_three_intervals_is_an_incident_until_it_is_applied(village: Village) -> None:
    speak(village, "", 1)
    village.save("Đêm", "device:den-1")
    published = village.clock.at
    for seq, after in ((2, 60_000), (3, 120_000), (4, 179_999)):
        village.clock.at = published + after
        speak(village, "", seq)
        assert state_of(village.track("den-1")) == "waiting"
    village.clock.at = published + 180_000
    speak(village, "", 5)
    assert state_of(village.track("den-1")) == "late"
    assert village.rows("SELECT rule, closed_at FROM alert") == [("program-not-applied", None)]
    village.later(60)
    speak(village, village.asked(), 6)
    assert state_of(village.track("den-1")) == "applied"
    assert village.rows("SELECT rule FROM alert WHERE closed_at IS NULL") == []


def test_who_never_reports_it_cannot_be_told_and_is_never_judged(village: Village) -> None:
    speak(village, None, 1)
    village.save("Đêm", "device:den-1")
    for seq in range(2, 9):
        village.later(60)
        speak(village, None, seq)
    assert state_of(village.track("den-1")) == "cannot_tell"
    assert village.rows("SELECT rule FROM alert") == []


def test_a_failed_receipt_is_its_word_and_a_done_one_is_proof(village: Village) -> None:
    speak(village, None, 1)
    village.save("Đêm", "device:den-1")
    village.later(1)
    asked = village.asked()
    village.says(channel="receipt", boot=1, seq=2, id="another", result="failed", detail="x")
    village.says(channel="receipt", boot=1, seq=3, id=asked, result="failed", detail="chỉ nhận 4 bước")
    village.turn()
    follows = village.track("den-1").follows
    assert follows is not None
    assert follows.why == "chỉ nhận 4 bước"
    assert state_of(village.track("den-1")) == "late"
    village.says(channel="receipt", boot=1, seq=4, id=asked, result="done")
    village.turn()
    assert state_of(village.track("den-1")) == "applied"


def test_a_light_that_was_away_has_its_three_intervals_from_its_return(village: Village) -> None:
    speak(village, "", 1)
    village.save("Đêm", "device:den-1")
    village.later(1)
    village.later(4 * 3600)
    speak(village, "", 2)
    assert state_of(village.track("den-1")) == "waiting"


def test_what_is_not_proved_is_told_again_on_connecting_and_everything_where_the_broker_forgot(
    village: Village,
) -> None:
    village.save("Đêm", "site:xa")
    village.later(1).told()
    speak(village, village.asked(), 1)
    for session, expected in ((True, {"den-2", "den-3"}), (False, {"den-1", "den-2", "den-3"})):
        village.down()
        village.up(session=session)
        village.caught_up()
        village.later(1)
        assert {name for name, _ in village.told()} == expected


def test_who_does_not_obey_is_told_again_but_not_all_the_time(village: Village) -> None:
    speak(village, "", 1)
    village.save("Đêm", "device:den-1")
    for seq in range(2, 22):
        village.later(60)
        speak(village, "", seq)
    assert len(village.told()) == 1 + 4  # in 20 minutes, the first three of which it had to apply it


def test_nothing_is_asked_while_the_hub_cannot_hear(village: Village) -> None:
    village.down()
    village.save("Đêm", "site:xa")
    village.later(10)
    assert village.told() == []
    assert village.asked() == ""
    village.up()
    village.caught_up()
    village.later(1)
    assert len(village.told()) == 3


def test_a_restart_asks_nothing_anew_and_still_knows_who_is_late(village: Village) -> None:
    speak(village, "", 1)
    village.save("Đêm", "device:den-1")
    village.later(1)
    asked, told = village.asked(), village.told()
    village.crash()
    village.start()
    village.listening()
    assert village.asked() == asked
    village.later(181)
    speak(village, "", 2)
    assert village.rows("SELECT count(*) FROM journal WHERE what & 15 = 4") == [(1,)]
    assert [p for _, p in village.told()] == [p for _, p in told], (
        "the same word again, since it is not proved"
    )


def test_a_program_stored_but_not_yet_asked_is_asked_after_a_restart(village: Village) -> None:
    village.ingest.submit(lambda w: village.lights.save(Kept("Đêm", "site:xa", HALF, 0), T0, BY, w))
    village.ingest._command(village.ingest._commands.popleft())
    village.commit()
    village.crash()
    village.start()
    village.listening()
    village.later(1)
    assert len(village.told()) == 3


def test_on_until_dawn_begins_and_ends_by_itself(village: Village) -> None:
    village.save("Đêm", "site:xa")
    village.later(1)
    before = village.asked()
    until = village.clock.at + 20 * 3_600_000
    village.do(lambda w: village.lights.burn("device:den-1", until, village.clock.at, BY, w))
    village.later(1)
    order = village.tracker.plans[village.asked()].order
    assert order.override is not None
    assert order.override.nights == 1
    assert village.asked("den-2") == before
    village.clock.at = until
    village.turn()
    village.later(1)
    assert village.asked() == before
    assert village.rows("SELECT * FROM override") == []


@pytest.mark.parametrize("after", [0, -1, 61 * 86_400_000])
def test_on_until_dawn_has_an_end_within_sixty_days(village: Village, after: int) -> None:
    with pytest.raises(Refused) as refused:
        village.do(
            lambda w: village.lights.burn("site:xa", village.clock.at + after, village.clock.at, BY, w)
        )
    assert refused.value.code == "bad_until"


def test_dawns_are_counted() -> None:
    noon, hour = T0, 3_600_000
    assert dawns(noon, noon + hour, 21.0, 105.8) == 1
    assert dawns(noon, noon + 24 * hour, 21.0, 105.8) == 1
    assert dawns(noon, noon + 72 * hour, 21.0, 105.8) == 3
    assert dawns(noon + 14 * hour, noon + 24 * hour, 21.0, 105.8) == 1
    assert dawns(noon, noon + 100 * 24 * hour, 21.0, 105.8) == 60


def test_a_lamp_that_its_program_has_off_at_night_is_not_judged(village: Village) -> None:
    village.save("Đêm", "device:den-1", EARLY)
    village.later(1)
    asked, seq = village.asked(), 0
    for clock in range(T0, T0 + 14 * 3_600_000, 600_000):  # noon to two in the morning
        village.clock.at, seq = clock, seq + 1
        on = 5.5 * 3_600_000 <= clock - T0 < 11 * 3_600_000
        village.says(boot=1, seq=seq, applied=asked, lamp_commanded=on, lamp_lit=on, load_w=20 * on)
        village.says("den-2", boot=1, seq=seq, lamp_commanded=on, lamp_lit=on, load_w=20 * on)
        village.turn()
    assert village.rows("SELECT device, rule FROM alert WHERE rule LIKE 'lamp%'") == [
        (2, "lamp-not-commanded")
    ]


def test_many_lights_are_told_piece_by_piece(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lights, "ASKS", 2)
    village.save("Đêm", "site:xa")
    assert len(village.told()) == 2
    assert len(village.later(1).told()) == 1
    village.down()
    village.up(session=False)
    village.caught_up()
    assert len(village.later(1).told()) == 2
    assert len(village.later(1).told()) == 1
    assert village.later(1).told() == []


def test_a_site_that_is_no_more_has_nothing_below_it(village: Village) -> None:
    village.registry.sites["xa"] = Site("xa", "xa", "commune", until=date(2025, 7, 1))
    with pytest.raises(Refused):
        village.save("Đêm", "site:xa")


def test_when_the_tree_changes_at_midnight_lights_follow_the_new_one(village: Village) -> None:
    village.registry.sites["xa-mới"] = Site("xa-mới", "xa-mới", "commune")
    village.registry.placings = {
        REALM: [
            Placing(REALM, "xa", until=date(2025, 11, 6)),
            Placing(REALM, "xa-mới", since=date(2025, 11, 6)),
        ]
    }
    village.lights.registry_changed()
    village.save("cũ", "site:xa")
    village.save("mới", "site:xa-mới", EARLY)
    village.later(1)
    assert village.tracker.plans[village.asked()].order.name == "cũ"
    village.later(12 * 3600 + 1).later(1)
    assert village.tracker.plans[village.asked()].order.name == "mới"
