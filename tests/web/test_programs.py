"""Light programs on pages and in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devices.program import Edge, Program, Saving, Step
from hub.programs import UntilDawn
from hub.web import curve
from hub.web.language import language
from hub.web.programs import ChangeAnswer, NightAnswer, Written
from tests.web.fake_core import NOW

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

FORM: dict[str, Any] = {
    "name": "Tối thứ Bảy", "target": "site:thap-thuong", "version": 0, "on_offset": "15", "off_at": "5:00",
    "level": "90",
    "step_from": ["22:00", "", "4:30"], "step_level": ["50 %", "", "70"],
    "below": ["40"], "until": ["55"], "most": ["30"],
}  # fmt: skip


def test_a_program_is_made_by_the_form(core: FakeCore, client: TestClient) -> None:
    page = client.post("/programs", data=FORM)
    assert page.status_code == 200
    assert str(page.url).endswith("/programs")
    assert core.lights.kept["Tối thứ Bảy"].program == Program(
        on=Edge(offset_min=15),
        off=Edge(at="05:00"),
        level_pct=90,
        steps=(Step(at="22:00", level_pct=50), Step(at="04:30", level_pct=70)),
        saving=(Saving(below_pct=40, until_pct=55, level_pct=30),),
    )
    assert "Tối thứ Bảy" in page.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step_from": ["22:00", "40%"], "step_level": ["50", "50"]}, "cùng theo giờ"),
        ({"step_from": ["23:00", "22:00"], "step_level": ["50", "50"]}, "theo thứ tự của đêm"),
        ({"step_from": ["25:00"], "step_level": ["50"]}, "Giờ ghi như 22:00"),
        ({"level": "nhiều"}, "độ sáng từ 0 đến 100 %"),
        ({"level": "101"}, "độ sáng từ 0 đến 100 %"),
        ({"on_offset": "181"}, "Giờ ghi như 22:00"),
        ({"until": ["40"]}, "mức nạp kết thúc phải cao hơn"),
        ({"on_at": "06:00"}, "Đèn phải bật trước khi tắt"),
        ({"name": "new"}, "Hãy đặt tên cho lịch"),
        ({"name": "a/b"}, "Hãy đặt tên cho lịch"),
        ({"name": "x" * 81}, "80"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_written_stays(
    core: FakeCore, client: TestClient, change: dict[str, Any], sentence: str
) -> None:
    before = dict(core.lights.kept)
    page = client.post("/programs", data=FORM | change)
    assert page.status_code == 409
    assert sentence in page.text
    assert 'value="55"' in page.text or "until" in change
    assert core.lights.kept == before


def test_the_form_holds_what_is_kept(core: FakeCore, client: TestClient) -> None:
    for kept in core.lights.all():
        assert Written.of(kept).program() == kept.program
    page = client.get("/programs/Đêm thường")
    assert 'name="version" value="1"' in page.text
    assert "Bật lúc 17:" in page.text
    assert '<a href="/devices/thap-thuong-l005">thap-thuong-l005</a>' in page.text
    assert "từ 22:00 sáng 50 %" in page.text


def test_the_api_keeps_reads_and_forgets(client: TestClient) -> None:
    body = {"target": "site:thap-thuong", "program": {"steps": [{"at": "22:00", "level_pct": 50}]}}
    assert client.put("/api/programs/Mới", json=body).json() == {"version": 1}
    found = client.get("/api/programs/Mới?site=thap-thuong").json()
    assert found["program"]["steps"] == [{"at": "22:00", "share_pct": None, "level_pct": 50}]
    assert [c["level_pct"] for c in found["tonight"]["changes"]] == [100, 50, 0]
    assert client.put("/api/programs/Mới", json=body).status_code == 409
    wrong = client.put("/api/programs/Mới", json=body | {"program": {"level_pct": 101}})
    assert (wrong.status_code, wrong.json()["detail"][0]["where"]) == (422, "body.program.level_pct")
    assert client.delete("/api/programs/Mới?version=1").status_code == 204
    assert client.get("/api/programs/Mới").status_code == 404


def test_on_until_dawn_on_the_page_of_a_site(core: FakeCore, client: TestClient) -> None:
    page = client.get("/sites/thap-thuong")
    assert 'value="2026-11-24T12:00"' in page.text
    page = client.post("/until-dawn", data={"target": "site:thap-thuong", "until": "2026-11-24T12:00"})
    assert str(page.url).endswith("/sites/thap-thuong")
    assert "Sáng suốt đêm đến 12:00" in page.text
    assert core.lights.burning["site:thap-thuong"].until == 1795496400000
    client.post("/until-dawn/end", data={"target": "site:thap-thuong"})
    assert core.lights.burning == {}
    assert client.post("/until-dawn", data={"target": "site:thap-thuong", "until": "mai"}).status_code == 409


def test_a_light_says_what_it_follows_and_another_why_not(client: TestClient) -> None:
    assert "đang theo lịch" in client.get("/devices/thap-thuong-l001").text
    page = client.get("/devices/thap-thuong-l005").text
    assert "không theo lịch" in page
    assert "đèn báo: chỉ nhận 4 bước" in page
    assert "Lịch chiếu sáng</h2>" not in client.get("/devices/thap-thuong-gw").text
    assert client.get("/api/devices/thap-thuong-l005/program").json()["state"] == "late"
    assert client.get("/api/devices/thap-thuong-gw/program").status_code == 404


def test_a_dark_night_is_said_in_words() -> None:
    night = NightAnswer(site="x", dusk=NOW, dawn=NOW + 36_000_000, changes=[])
    assert curve.sentence(language("en"), night) == "Stays dark tonight: it would go off before it goes on."
    assert curve.drawn(night).line.startswith("0.0,")
    changes = [
        ChangeAnswer(at=NOW + i * 3_600_000, level_pct=level) for i, level in enumerate((80, 0, 20, 0))
    ]
    said = curve.sentence(language("en"), night.model_copy(update={"changes": changes}))
    assert said == "On at 19:42 at 80 %, off at 20:42, on at 21:42 at 20 %, off at 22:42."


def test_on_until_dawn_for_a_tag_on_the_page_of_programs(core: FakeCore, client: TestClient) -> None:
    page = client.get("/programs")
    assert '<option value="tag:chợ">chợ</option>' in page.text
    assert 'value="2026-11-24T12:00"' in page.text
    page = client.post("/until-dawn", data={"target": "tag:chợ", "until": "2026-11-24T12:00"})
    assert str(page.url).endswith("/programs")
    assert "Sáng suốt đêm: nhãn chợ" in page.text
    client.post("/until-dawn/end", data={"target": "tag:chợ"})
    assert core.lights.burning == {}


def test_a_site_tells_that_it_burns_by_the_word_of_one_above_it(core: FakeCore, client: TestClient) -> None:
    core.lights.burning["site:dan-phuong"] = UntilDawn("site:dan-phuong", NOW + 60_000, NOW)
    core.lights.burning["site:thu-que"] = UntilDawn("site:thu-que", NOW + 90_000, NOW)
    page = client.get("/sites/thap-thuong").text
    assert "Sáng suốt đêm đến 19:43" in page
    assert 'name="target" value="site:dan-phuong"' in page
    assert 'name="target" value="site:thu-que"' not in page
