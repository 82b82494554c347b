"""The map's page and its JSON twin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from hub.web.app import create_app
from tests.web.fake_core import FakeCore

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(FakeCore(12)), base_url="http://127.0.0.1:8000") as made:
        yield made


def test_page_and_json_say_the_same(client: TestClient) -> None:
    answer = client.get("/api/map").json()
    assert answer["marks"]
    page = client.get("/map").text
    assert len(re.findall(r'class="reach"', page)) == len(answer["marks"])
    assert "<image" not in page


def test_what_is_not_there(client: TestClient) -> None:
    assert client.get("/map?site=nowhere").status_code == 404
    assert client.get("/map?box=here").status_code == 404
    assert client.get("/api/map?box=80,0,81,1").json()["marks"] == []


def test_tiles_come_from_the_one_place_that_was_set() -> None:
    address = "https://tiles.example:8080/{z}/{x}/{y}.png"
    with TestClient(create_app(FakeCore(12), tiles=address), base_url="http://127.0.0.1:8000") as client:
        answer = client.get("/map")
    assert re.search(r'<image href="https://tiles.example:8080/\d+/\d+/\d+.png"', answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("; img-src 'self' https://tiles.example:8080")


def test_without_tiles_no_foreign_picture_is_allowed(client: TestClient) -> None:
    assert "img-src" not in client.get("/map").headers["content-security-policy"]
