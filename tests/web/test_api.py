from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hub.web.app import ROUTERS

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

READS = (
    "/api/overview",
    "/api/sites/thap-thuong",
    "/api/devices",
    "/api/devices/thu-que-l017",
    "/api/devices/thu-que-l017/history",
    "/api/devices/thu-que-l017/transitions",
    "/api/incidents",
    "/api/incidents/2",
    "/api/pending",
    "/api/hub",
)


@pytest.mark.parametrize("path", READS)
def test_every_noun_has_json(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()


@pytest.mark.parametrize(
    "path",
    ["/api/audit?before=", "/audit?before=", "/api/incidents?before=", "/incidents?before=", "/incidents/"],
)
def test_a_number_beyond_every_number_is_refused(client: TestClient, path: str) -> None:
    assert client.get(f"{path}{2**63}").status_code == 422


def test_every_route_of_the_api_is_described(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    page = client.get("/api/docs").text
    known = set(schema["paths"])
    for router in ROUTERS:
        for route in router.routes:
            path = getattr(route, "path", "")
            if path.startswith("/api/") and path not in {"/api/docs", "/api/openapi.json"}:
                assert path in known, path
    assert {"/events", "/healthz", "/metrics"} <= known
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} says nothing of itself"
            assert f"{method.upper()} {path}" in page


def test_every_answer_has_a_model(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    for path, methods in schema["paths"].items():
        if path in {"/events", "/api/events", "/metrics"} or path.endswith((".csv", ".parquet", ".png")):
            continue
        for operation in methods.values():
            if "204" not in operation["responses"]:
                content = operation["responses"]["200"]["content"]["application/json"]["schema"]
                assert "$ref" in content or content.get("items", {}).get("$ref"), path


def test_page_and_json_say_the_same(client: TestClient) -> None:
    overview = client.get("/api/overview").json()
    page = client.get("/").text
    assert [i["id"] for i in overview["incidents"]] == [
        int(n) for n in re.findall(r'id="incident-(\d+)"', page)
    ]
    assert [s["slug"] for s in overview["sites"]] == re.findall(r'id="tile-([\w-]+)"', page)
    listed = client.get("/api/devices?shown=offline").json()
    rows = re.findall(r'class="row"><a href="/devices/([\w-]+)"', client.get("/devices?shown=offline").text)
    assert [d["name"] for d in listed["devices"]] == rows
    assert listed["total"] == 31


def test_bad_values_are_named(client: TestClient) -> None:
    answer = client.get("/api/devices?shown=blue&page=0", headers={"accept-language": "en"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "bad_value"
    assert {d["where"] for d in answer.json()["detail"]} == {"query.shown", "query.page"}


def test_what_is_missing_has_a_code(client: TestClient) -> None:
    for path, code in (
        ("/api/devices/nope", "unknown_device"),
        ("/api/devices/nope/history", "unknown_device"),
        ("/api/devices/nope/transitions", "unknown_device"),
        ("/api/sites/nope", "unknown_site"),
        ("/api/incidents/99", "unknown_incident"),
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == code


def test_healthz(core: FakeCore, client: TestClient) -> None:
    assert client.get("/healthz").json() == {"ready": True, "version": "0.1.0", "problems": []}
    core.ready = False
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["not caught up: the hub reads what it missed"]


def test_metrics(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert 'village_hub_messages_total{outcome="garbled"} 41.0' in text
    assert 'village_hub_devices{kind="camera",state="offline"} 27.0' in text
    assert "village_hub_incidents_open 4.0" in text
    assert "village_hub_queue 0.0" in text
    assert "process_resident_memory_bytes" in text
