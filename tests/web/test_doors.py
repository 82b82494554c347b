from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from hub.web import create_app
from tests.web.conftest import BASE

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.web.fake_core import FakeCore


@pytest.fixture
def bare(app: FastAPI) -> TestClient:
    """A client that sends no Origin."""
    return TestClient(app, base_url=BASE)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "", "[::1]:8080"]
)
def test_a_foreign_host_is_refused_even_for_reading(bare: TestClient, host: str) -> None:
    answer = bare.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "Hãy mở bằng địa chỉ đã cài đặt." in answer.text
    assert bare.get("/api/overview", headers={"host": host}).json()["code"] == "wrong_host"
    assert bare.get("/events", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8080", "LOCALHOST", "127.0.0.1"])
def test_own_names_come_in(bare: TestClient, host: str) -> None:
    assert bare.get("/healthz", headers={"host": host}).status_code == 200


def test_hosts_can_be_named(core: FakeCore) -> None:
    client = TestClient(create_app(core, hosts=["hub.thon.vn:443"]), base_url="https://hub.thon.vn:443")
    assert client.get("/healthz", headers={"host": "hub.thon.vn:443"}).status_code == 200
    assert client.get("/healthz", headers={"host": "hub.thon.vn:80"}).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1", "http://localhost:8080", ""],
)
def test_a_change_from_another_page_is_refused(core: FakeCore, bare: TestClient, origin: str) -> None:
    answer = bare.post("/incidents/2/accept", data={"who": "An"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert core.found[2].accepted_by == ""


def test_a_referer_will_do(bare: TestClient) -> None:
    bare.cookies.set("who", "An")
    good = bare.post(
        "/incidents/2/comment", data={"who": "An", "text": "a"}, headers={"referer": f"{BASE}/incidents/2"}
    )
    assert good.status_code == 200
    bad = bare.post(
        "/incidents/2/comment", data={"who": "An", "text": "a"}, headers={"referer": "http://e.vn/"}
    )
    assert bad.status_code == 403


def test_a_command_line_needs_json_and_the_header(bare: TestClient) -> None:
    path, said = "/api/incidents/2/comment", {"who": "An", "text": "a"}
    assert bare.post(path, json=said).status_code == 403
    assert bare.post(path, json=said, headers={"x-village-hub": "1"}).status_code == 204
    assert bare.post(path, data=said, headers={"x-village-hub": "1"}).status_code == 403
    form = bare.post("/incidents/2/comment", data=said, headers={"x-village-hub": "1"})
    assert form.status_code == 403
    both = {"x-village-hub": "1", "origin": "http://evil.example"}
    assert bare.post(path, json=said, headers=both).status_code == 403


def test_large_bodies_stay_outside(client: TestClient) -> None:
    answer = client.post("/incidents/2/comment", data={"who": "An", "text": "x" * 70_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/static/app.css", "/api/overview", "/nope", "/healthz"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_pages_hold_no_inline_script_or_style(client: TestClient) -> None:
    for path in ("/", "/devices/thu-que-l017", "/hub", "/incidents/2"):
        page = client.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick=" not in page
        assert "//" not in page.split("<body")[0].replace("http://www.w3.org", ""), (
            "nothing comes from elsewhere"
        )
