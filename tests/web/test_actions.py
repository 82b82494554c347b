from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from hub.enrolment import Fit
from tests.web.fake_core import PASSWORD

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore


def test_accept_is_noted_and_the_name_remembered(core: FakeCore, client: TestClient) -> None:
    client.cookies.set("who", quote("Trần Thị Hoa"))
    page = client.post("/incidents/2/accept", data={"comment": "mang thang\r\nvà bóng"})
    assert page.status_code == 200
    assert str(page.url).endswith("/incidents/2")
    assert core.found[2].accepted_by == "Trần Thị Hoa"
    assert "Trần Thị Hoa nhận xử lý" in page.text
    assert core.logs[2][-1].text == "mang thang\nvà bóng"
    assert "Bạn là Trần Thị Hoa (đổi)" in client.get("/incidents/3").text


def test_the_second_is_told_who_was_first_and_keeps_the_words(client: TestClient) -> None:
    client.post("/incidents/2/accept", data={"comment": ""})
    page = client.post("/incidents/2/accept", data={"comment": "tôi ở gần"})
    assert page.status_code == 409
    assert "Lan đã nhận xử lý sự cố này rồi." in page.text
    assert "tôi ở gần" in page.text


def test_a_closed_incident_is_not_accepted(client: TestClient) -> None:
    page = client.post("/incidents/5/accept", data={"who": "An", "comment": "x"})
    assert page.status_code == 409
    assert "Sự cố này đã kết thúc" in page.text


def test_a_comment_is_added(core: FakeCore, client: TestClient) -> None:
    page = client.post("/incidents/1/comment", data={"who": "An", "text": "đã thay <b>bóng</b>"})
    assert page.status_code == 200
    assert "Lan ghi chú" in page.text
    assert "đã thay &lt;b&gt;bóng&lt;/b&gt;" in page.text
    assert core.logs[1][-1].who == "Lan"


def test_limits_are_sentences(client: TestClient) -> None:
    page = client.post("/incidents/1/comment", data={"text": "x" * 1001})
    assert page.status_code == 409
    assert "tối đa 1000 ký tự" in page.text
    assert client.post("/incidents/1/comment", data={"text": "x" * 1000}).status_code == 200


def test_unseen_characters_are_taken_out(core: FakeCore, client: TestClient) -> None:
    client.post("/incidents/1/comment", data={"text": "ba\u0301o\u200b\x00 xong\n\nhết"})
    assert core.logs[1][-1].text == "báo xong\n\nhết"


def test_unknown_incidents_are_404_for_forms_too(client: TestClient) -> None:
    assert client.post("/incidents/99/accept", data={"who": "An"}).status_code == 404


def test_approve_shows_the_password_once(core: FakeCore, client: TestClient) -> None:
    form = {"site": "thu-que", "kind": "solar_light", "title": "Đèn cổng chùa", "interval_s": "30"}
    page = client.post("/pending/den-moi-01/approve", data=form)
    assert page.status_code == 200
    assert "Xk3-vh-7Qm2-pLw9" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert core.by_name["den-moi-01"].device.title == "Đèn cổng chùa"
    assert "Xk3-vh-7Qm2-pLw9" not in client.get("/pending").text
    again = client.post("/pending/den-moi-01/approve", data=form)
    assert again.status_code == 409
    assert "Thiết bị này không còn nữa." in again.text


def test_a_refused_approval_keeps_the_form(client: TestClient) -> None:
    form = {"site": "thu-que", "kind": "camera", "title": "Cổng <làng>", "interval_s": "soon"}
    page = client.post("/pending/den-moi-01/approve", data=form)
    assert page.status_code == 409
    assert "Khoảng báo về là số giây" in page.text
    assert 'value="Cổng &lt;làng&gt;"' in page.text
    assert 'value="soon"' in page.text
    assert '<option value="thu-que" selected>' in page.text
    for wrong in (
        {"site": "moon"},
        {"kind": "hub"},
        {"kind": "rocket"},
        {"interval_s": "nan"},
        {"interval_s": "4"},
    ):
        good = {"site": "thu-que", "kind": "camera", "title": "", "interval_s": "60"}
        assert client.post("/pending/den-moi-01/approve", data=good | wrong).status_code == 409


def test_it_is_the_planned_one(core: FakeCore, client: TestClient) -> None:
    core.planned = (Fit(core.by_name["thu-que-l017"].device, "Thu Quế", sure=True),)
    page = client.get("/pending")
    assert 'value="thu-que-l017"' in page.text
    assert "trùng tên hoặc số sê-ri" in page.text
    wrong = client.post("/pending/den-moi-01/take", data={"planned": "no-such"})
    assert wrong.status_code == 409
    assert 'value="no-such"' in wrong.text
    told = client.post("/pending/den-moi-01/take", data={"planned": " thu-que-l017 "})
    assert told.headers["cache-control"] == "no-store"
    assert PASSWORD in told.text
    assert "thu-que-l017 đã được đăng ký" in told.text or "thu-que-l017" in told.text
    api = client.post("/api/pending/cam-cho-02/take", json={"planned": "thu-que-l017"}).json()
    assert (api["name"], api["password"]) == ("thu-que-l017", PASSWORD)


def test_a_new_password_is_shown_once(client: TestClient) -> None:
    assert "Tạo mật khẩu mới" in client.get("/devices/thu-que-l017").text
    page = client.post("/devices/thu-que-l017/password")
    assert PASSWORD in page.text
    assert page.headers["cache-control"] == "no-store"
    assert PASSWORD not in client.get("/devices/thu-que-l017").text
    assert str(client.post("/devices/thu-que-l017/revoke").url).endswith("/devices/thu-que-l017")
    assert client.post("/devices/none/password").status_code == 404
    assert client.post("/api/devices/none/revoke", json={}).status_code == 404
    assert client.post("/api/devices/thu-que-l017/password", json={}).json()["password"] == PASSWORD


def test_the_hub_itself_has_no_password_to_change(client: TestClient) -> None:
    assert "device-access" not in client.get("/devices/hub").text


def test_refuse_forgets(core: FakeCore, client: TestClient) -> None:
    page = client.post("/pending/cam-cho-02/refuse")
    assert page.status_code == 200
    assert "cam-cho-02" not in page.text
    assert "cam-cho-02" not in core.knocking


def test_the_api_does_the_same(core: FakeCore, client: TestClient) -> None:
    assert client.post("/api/incidents/2/accept", json={"who": "An"}).json()["accepted_by"] == "An"
    second = client.post("/api/incidents/2/accept", json={"who": "Bình"})
    assert second.status_code == 409
    assert second.json() == {"code": "already_accepted", "message": "An đã nhận xử lý sự cố này rồi."}
    assert client.post("/api/incidents/2/comment", json={"who": "An", "text": "xong"}).status_code == 204
    assert client.post("/api/incidents/2/comment", json={"who": "An"}).status_code == 422
    assert client.post("/api/incidents/99/accept", json={"who": "An"}).status_code == 404
    approved = client.post("/api/pending/den-moi-01/approve", json={"site": "thu-que", "kind": "solar_light"})
    assert approved.json()["name"] == "den-moi-01"
    assert approved.json()["password"] == PASSWORD
    assert client.post("/api/pending/cam-cho-02/refuse", json={}).status_code == 204
    assert client.post("/api/pending/cam-cho-02/refuse", json={}).status_code == 409
    assert not core.knocking
