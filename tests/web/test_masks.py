"""The page of a camera's masks: drawn, listed, taken away; what covers nothing is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from devices.device import Kind
from hub.cameras import MASKS, Options, Picture

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from devices.person import By
    from tests.web.fake_core import FakeCore


class Kept:
    """One camera's options and pictures, in memory."""

    def __init__(self) -> None:
        self.said = Options(events=True)
        self.kept = [Picture(7, "cam", "last", 1000, "cam/7.jpg", (), 9, "")]
        self.by: list[str] = []

    def options(self, _name: str) -> Options:
        return self.said

    async def set_options(self, _name: str, wanted: Options, by: By) -> None:
        self.said = wanted
        self.by.append(by.person)

    async def pictures(self, _name: str) -> list[Picture]:
        return self.kept

    async def purge(self, _name: str, before: int, _by: By) -> int:
        self.kept = [p for p in self.kept if p.at >= before]
        return 0


@pytest.fixture
def kept(core: FakeCore) -> Kept:
    made = Kept()
    core.cameras = cast("Any", made)
    return made


@pytest.fixture
def camera(core: FakeCore) -> str:
    """The name of one that is asked over the network."""
    name, view = next((n, v) for n, v in core.by_name.items() if v.device.kind is Kind.CAMERA)
    core.by_name[name] = replace(view, device=replace(view.device, driver="onvif"))
    return name


def test_a_mask_is_drawn_and_taken_away(client: TestClient, kept: Kept, camera: str) -> None:
    address = f"/devices/{camera}/masks"
    page = client.get(address).text
    assert f'src="/devices/{camera}/pictures/7"' in page
    assert "Chưa có vùng nào bị che." in page
    edges = {"left": "60", "top": "50", "right": "10.5", "bottom": "20"}  # drawn from the lower right corner
    assert client.post(address, data=edges, follow_redirects=False).status_code == 303
    assert kept.said == Options(events=True, masks=(((0.105, 0.2), (0.6, 0.5)),))
    assert kept.by == ["Lan"]
    assert kept.kept
    page = client.get(address).text
    assert 'points="10.5,20.0 60.0,20.0 60.0,50.0 10.5,50.0"' in page
    assert "từ 10 đến 60 % chiều rộng, từ 20 đến 50 % chiều cao" in page
    client.post(address, data=edges | {"purge": "true"})
    assert len(kept.said.masks) == 2
    assert not kept.kept
    client.post(f"{address}/0/remove")
    assert len(kept.said.masks) == 1


def test_what_covers_nothing_and_one_too_many_are_refused(
    client: TestClient, kept: Kept, camera: str
) -> None:
    address = f"/devices/{camera}/masks"
    thin = client.post(
        address, data={"left": "10", "top": "20", "right": "10.2", "bottom": "90", "purge": "true"}
    )
    assert thin.status_code == 409
    assert "hai góc cách xa nhau" in thin.text
    assert kept.kept
    assert (
        client.post(address, data={"left": "10", "top": "20", "right": "101", "bottom": "90"}).status_code
        == 422
    )
    full = {"left": "0", "top": "0", "right": "50", "bottom": "50"}
    for _ in range(MASKS):
        assert client.post(address, data=full).status_code == 200
    assert f"nhiều nhất {MASKS} vùng che" in client.post(address, data=full).text
    assert len(kept.said.masks) == MASKS


@pytest.mark.usefixtures("kept")
def test_who_is_nobody_is_asked_first(client: TestClient, core: FakeCore, camera: str) -> None:
    client.cookies.clear()
    gone = client.get(f"/devices/{camera}/masks", follow_redirects=False)
    assert gone.headers["location"] == f"/who?back=/devices/{camera}/masks"
    silent = next(n for n, v in core.by_name.items() if v.device.kind is Kind.SOLAR_LIGHT)
    assert client.get(f"/devices/{silent}/masks").status_code == 404
