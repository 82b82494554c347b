from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.fake_core import HOUR, NOW

if TYPE_CHECKING:
    from starlette.testclient import TestClient

BASE = "/api/devices/thu-que-l017"


@pytest.mark.parametrize("span", ["hour", "day", "week", "month", "year"])
def test_a_device_is_drawn_from_an_hour_to_a_year(client: TestClient, span: str) -> None:
    page = client.get(f"/devices/thu-que-l017?range={span}")
    assert page.status_code == 200
    assert page.text.count('class="chart"') == 5
    assert f'range={span}#charts" aria-current="true"' in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/devices/thu-que-l017?range=fortnight",
        f"{BASE}/history?since=soon",
        f"{BASE}/history?since=5&until=5",
        f"{BASE}/history?since={NOW}&until={NOW - HOUR}",
        f"{BASE}/history?since=0",
        f"{BASE}/history?points=0",
        f"{BASE}/history?points=100000",
        f"{BASE}/history?until=99999999999999999999",
        f"{BASE}/export.csv?since=-1",
        f"{BASE}/export.parquet?since=0",
    ],
)
def test_a_range_that_is_none_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


def test_no_more_points_than_asked_for(client: TestClient) -> None:
    found = client.get(f"{BASE}/history?since={NOW - 48 * HOUR}&until={NOW}&points=20").json()
    assert 0 < len(found["points"]) <= 20
    assert found["bucket_ms"] % HOUR == 0


def test_every_reading_as_lines_and_as_parquet(client: TestClient) -> None:
    asked = f"since={NOW - HOUR}&until={NOW}"
    answer = client.get(f"{BASE}/export.csv?{asked}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0].startswith("time,device,battery_v,")
    assert len(lines) == 61
    assert '"[""lampFailure""]"' in lines[1]
    whole = client.get(f"{BASE}/export.parquet?{asked}").content
    assert whole[:4] == whole[-4:] == b"PAR1"


def test_a_device_that_is_none_has_no_past(client: TestClient) -> None:
    for path in ("history", "export.csv", "export.parquet"):
        assert client.get(f"/api/devices/nope/{path}").status_code == 404
