"""What the first look at the whole district costs a thin uplink."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import hub.web
from hub.web import create_app
from tests.web.conftest import BASE
from tests.web.evening import troubled
from tests.web.fake_core import FakeCore

STATIC = Path(hub.web.__file__).parent / "static"


@pytest.fixture(scope="module")
def district() -> TestClient:
    return TestClient(create_app(troubled(FakeCore(villages=101))), base_url=BASE)


def transferred(client: TestClient, path: str) -> int:
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        return sum(len(chunk) for chunk in answer.iter_raw())


def test_the_first_look_stays_under_100_kb(district: TestClient) -> None:
    page = transferred(district, "/")
    around = [
        transferred(district, f"/static/{f.relative_to(STATIC).as_posix()}") for f in STATIC.rglob("*.*")
    ]
    assert {"htmx.min.js", "sse.min.js"} <= {f.name for f in STATIC.rglob("*.*")}, "run `make setup` first"
    assert page + sum(around) < 60_000


@pytest.mark.parametrize(
    "path", ["/devices", "/devices/thu-que-l017", "/sites/thap-thuong", "/hub", "/pending"]
)
def test_other_pages_are_small_too(district: TestClient, path: str) -> None:
    assert transferred(district, path) < 25_000


def test_the_stylesheet_stays_small() -> None:
    assert (STATIC / "app.css").stat().st_size < 15_000
    assert (STATIC / "app.js").stat().st_size < 2_000


def test_static_files_may_be_kept_for_ever(district: TestClient) -> None:
    page = district.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in district.get(address).headers["cache-control"]
    assert district.get("/static/app.css").headers["cache-control"] == "no-cache"
