"""The page of links: made and shown once, listed, filtered, revoked; Vietnamese and English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hub.links import DAY_MS
from hub.views import OutsideView

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

FORM = {"purpose": "site", "subject": "thap-thuong", "note": "Bảng tin nhà văn hóa", "days": "30"}
ADDRESS = re.compile(r"https://hub\.xa\.vn/l/([A-Za-z0-9_-]{40})<")


def test_a_link_is_shown_once_with_its_code(core: FakeCore, client: TestClient) -> None:
    core.door = OutsideView(on=True, address="https://hub.xa.vn", tls=True, days_left=60)
    page = client.post("/links", data=FORM)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    found = ADDRESS.search(page.text)
    assert found
    assert page.text.count('class="segno"') == 1
    link = core.links.opened(found[1])
    assert link is not None
    assert (link.subject, link.note, link.made_by) == ("thap-thuong", "Bảng tin nhà văn hóa", "Lan")
    assert link.expires_at == core.at + 30 * DAY_MS
    for path in ("/links", "/api/links"):
        assert found[1] not in client.get(path).text


def test_the_list_tells_state_uses_and_who(core: FakeCore, client: TestClient) -> None:
    for slug in ("thap-thuong", "thu-que"):
        client.post("/links", data=FORM | {"subject": slug})
    core.links.used(2)
    text = " ".join(client.get("/links").text.split())
    assert "Lan tạo lúc 19:42" in text
    assert "đã mở 1 lần, lần cuối chưa đầy 1 phút trước" in text
    assert "chưa ai mở" in text
    assert "dùng được" in text
    english = client.get("/links?lang=en").text
    assert "Revoke this link" in english
    client.cookies.set("lang", "vi")
    client.post("/links/1/revoke")
    core.at += 31 * DAY_MS
    for query, ids in (
        ("", [2, 1]), ("state=revoked", [1]), ("state=expired", [2]), ("state=works", []), ("site=thu-que", [2]),
        ("purpose=site", [2, 1]), ("purpose=board", []),
    ):  # fmt: skip
        assert [one["id"] for one in client.get(f"/api/links?{query}").json()["links"]] == ids, query
    assert client.get("/api/links?state=blue").status_code == 422
    assert "Không có đường dẫn nào như vậy." in client.get("/links?state=works&lang=vi").text


def test_a_shut_door_and_a_lost_key_are_said(core: FakeCore, client: TestClient) -> None:
    assert "Cổng ngoài đang đóng" in client.get("/links").text
    assert "Cổng ngoài đang đóng" in client.post("/links", data=FORM).text
    core.key_trouble = "lost"
    assert "Tệp khóa bị mất" in client.get("/links").text
    core.door = OutsideView(on=True, address="https://hub.xa.vn", tls=True, days_left=9)
    assert "Cổng ngoài đang mở: đường dẫn bắt đầu bằng https://hub.xa.vn." in client.get("/links").text
    hub = client.get("/hub").text
    assert "https://hub.xa.vn" in hub
    assert "chứng chỉ còn hạn 9 ngày" in hub


def test_what_does_not_fit_is_a_sentence_and_keeps_the_words(client: TestClient) -> None:
    for wrong, sentence in (
        ({"purpose": "board"}, "Chọn trong danh sách xem đường dẫn dùng làm gì."),
        ({"subject": "moon"}, "Hãy chọn địa bàn trong danh sách."),
        ({"days": "1826"}, "từ 1 đến 1825 ngày"),
        ({"days": "-1"}, "từ 1 đến 1825 ngày"),
        ({"note": "x" * 81}, "80"),
    ):
        page = client.post("/links", data=FORM | wrong)
        assert page.status_code == 409, wrong
        assert sentence in page.text
        assert f'value="{wrong.get("note", FORM["note"])}"' in page.text
    assert client.post("/links/9/revoke").status_code == 404


def test_the_api_makes_and_revokes(core: FakeCore, client: TestClient) -> None:
    made = client.post("/api/links", json={"subject": "thu-que"}).json()
    assert made["link"]["expires_at"] == core.at + 365 * DAY_MS
    token = made["address"].rsplit("/", 1)[1]
    assert core.links.opened(token) is not None
    assert client.post("/api/links/1/revoke", json={}).json()["state"] == "revoked"
    assert core.links.opened(token) is None
    assert client.post("/api/links/7/revoke", json={}).json()["code"] == "unknown_link"
    assert client.post("/api/links", json={"subject": "moon"}).json()["code"] == "unknown_site"


def test_fifty_a_page(client: TestClient) -> None:
    for _ in range(51):
        client.post("/api/links", json={"subject": "thu-que"})
    answer = client.get("/api/links?site=thu-que&page=2").json()
    assert (answer["total"], answer["pages"], [one["id"] for one in answer["links"]]) == (51, 2, [1])
    assert "/links?site=thu-que&amp;page=2" in client.get("/links?site=thu-que").text


def test_a_site_leads_to_its_links(client: TestClient) -> None:
    assert "/links?site=thap-thuong#make" in client.get("/sites/thap-thuong").text
    assert (
        '<option value="thap-thuong" selected>'
        in client.get("/links?site=thap-thuong").text.split('id="make"')[1]
    )
