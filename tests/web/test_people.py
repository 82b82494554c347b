"""People, and "who are you?": nothing changes without a name, and nothing that was typed is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from devices.person import By, Person, Role

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

HEADER = "x-village-hub-person"


def test_who_is_unknown_is_asked_and_what_was_typed_goes_along(core: FakeCore, client: TestClient) -> None:
    for cookie in (None, "Nobody", quote("\u202e"), "%ff"):
        client.cookies.clear()
        if cookie:
            client.cookies.set("who", cookie)
        page = client.post("/incidents/2/accept", data={"comment": 'thang "dài" <b>'})
        assert page.status_code == 403
        assert "Bạn là ai?" in page.text
        assert 'name="comment" value="thang &#34;dài&#34; &lt;b&gt;"' in page.text
        assert 'name="_again" value="/incidents/2/accept"' in page.text
        assert core.found[2].accepted_by == ""
    client.cookies.clear()
    said = {
        "comment": 'thang "dài" <b>',
        "_again": "/incidents/2/accept",
        "_back": "/",
        "_who": "tran thi hoa",
    }
    page = client.post("/who", data=said)
    assert str(page.url).endswith("/incidents/2")
    assert core.found[2].accepted_by == "Trần Thị Hoa"
    assert core.logs[2][-1].text == 'thang "dài" <b>'
    assert "Bạn là Trần Thị Hoa (đổi)" in page.text


def test_one_goes_back_to_where_one_was_and_nowhere_else(client: TestClient) -> None:
    for back, to in (
        ("/incidents/2", "/incidents/2"), ("//e.vn/", "/"), ("http://e.vn", "/"), ("/\\e.vn", "/"), ("/who", "/"),
    ):  # fmt: skip
        page = client.post("/who", data={"_who": "An", "_back": back}, follow_redirects=False)
        assert (page.status_code, page.headers["location"]) == (303, to)
        again = client.post("/who", data={"_who": "An", "_again": back}, follow_redirects=False)
        assert again.headers["location"] == to


def test_a_stranger_is_not_taken_and_keeps_the_words(client: TestClient) -> None:
    page = client.post("/who", data={"_who": "Eve", "_again": "/pending/x/refuse", "title": "Đèn"})
    assert page.status_code == 409
    assert "Không có ai đang làm việc mang tên này" in page.text
    assert 'name="title" value="Đèn"' in page.text


def test_the_first_person_adds_themself(core: FakeCore, client: TestClient) -> None:
    core.people._by_id.clear()
    core.people._by_name.clear()
    client.cookies.clear()
    assert "bạn là người đầu tiên" in client.get("/who").text
    page = client.post("/who", data={"_who": " Nguyễn  Văn Bộ ", "_role": "official", "_back": "/people"})
    assert "Bạn là Nguyễn Văn Bộ (đổi)" in page.text
    assert [p.role for p in core.people.all()] == [Role.OFFICIAL]


def test_the_api_asks_too(core: FakeCore, client: TestClient) -> None:
    client.cookies.clear()
    path, said = "/api/incidents/2/comment", {"text": "xong"}
    for more in ({}, {"who": "Eve"}, {"who": 7}):
        answer = client.post(path, json=said | more)
        assert (answer.status_code, answer.json()["code"]) == (403, "who_are_you")
    assert client.post("/api/pending/cam-cho-02/refuse").json()["code"] == "who_are_you"
    assert client.post(path, json=said, headers={HEADER: quote("Bình")}).status_code == 204
    assert core.logs[2][-1].who == "Bình"
    assert client.post(path, json=said | {"who": "lan"}).status_code == 204
    assert core.logs[2][-1].who == "Lan"
    assert client.get("/api/incidents/2").status_code == 200


def test_people_are_added_changed_and_leave(core: FakeCore, client: TestClient) -> None:
    form = {"name": "Đỗ Văn Kỳ", "role": "maintenance", "phone": "0912 345 678", "site": "thu-que"}
    assert "Đỗ Văn Kỳ" in client.post("/people", data=form).text
    assert "Đã có người tên này: Đỗ Văn Kỳ" in client.post("/people", data=form | {"name": "do van KY"}).text
    page = client.post("/people", data=form | {"name": "Người Khác", "role": "king"})
    assert page.status_code == 409
    assert 'value="Người Khác"' in page.text
    assert client.post("/people", data=form | {"name": "X", "site": "moon"}).status_code == 409
    assert (
        client.post("/people/5", data=form | {"phone": "1", "version": "1", "active": "true"}).status_code
        == 200
    )
    late = client.post("/people/5", data=form | {"phone": "2", "version": "1", "active": "true"})
    assert late.status_code == 409
    assert "người khác" in late.text.lower()
    client.post("/people/5", data=form | {"version": "2", "active": "false"})
    assert core.people.known("Đỗ Văn Kỳ") is None
    assert "Đỗ Văn Kỳ" in client.get("/people").text
    assert "Đỗ Văn Kỳ" not in client.get("/who").text
    assert client.get("/people/99").status_code == 404
    assert len(client.get("/api/people").json()["people"]) == 5
    assert client.post("/api/people", json={"name": "Y", "role": "official"}).json()["id"] == 6
    assert (
        client.post("/api/people/6", json={"name": "Y", "role": "official", "version": 9}).status_code == 409
    )


async def test_the_last_one_stays(core: FakeCore) -> None:
    people, by = core.people, By("An", "")
    for p in people.active()[1:]:
        await people.change(Person(p.id, p.name, p.role, active=False, version=1), by)
    (last,) = people.active()
    try:
        await people.change(Person(last.id, last.name, last.role, active=False, version=1), by)
    except Exception as e:  # noqa: BLE001 - its code is looked at
        assert getattr(e, "code", "") == "last_person"  # noqa: PT017
    assert people.active() == (last,)
