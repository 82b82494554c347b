"""Labels: a sheet to print; that a phone reads its codes is in test_browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web.fake_core import PASSWORD

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


def test_a_sheet_names_each_device_and_is_not_kept(client: TestClient) -> None:
    page = client.get("/labels?devices=thu-que-l017, thu-que-c005,nobody")
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count("<svg") - client.get("/labels?devices=thu-que-l017").text.count("<svg") == 1
    assert "thu-que-l017" in page.text
    assert PASSWORD in page.text
    assert "labels.css" in page.text


def test_no_label_of_nothing(client: TestClient) -> None:
    for wrong in ("", "?devices=", "?devices=nobody", "?site=moon"):
        assert client.get(f"/labels{wrong}").status_code == 404
    assert client.get(f"/labels?devices={'x' * 25_001}").status_code == 422


def test_printed(client: TestClient) -> None:
    page = client.post("/labels/printed", data={"devices": "thu-que-l017"})
    assert str(page.url).endswith("/labels?devices=thu-que-l017")
