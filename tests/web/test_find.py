"""The search for cameras: page and command."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import pytest

from hub import cli_cameras
from hub.cameras import Neighbour
from hub.views import Refused

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

FOUND = [
    Neighbour("http://10.0.0.5/onvif/device_service", "10.0.0.5", "Acme", "C1", "Cổng làng", "cam-1"),
    Neighbour("http://10.0.0.7/onvif/device_service", "10.0.0.7", "Acme", "C2", "", ""),
    Neighbour("", "10.0.0.8", "Odd", "", "", ""),
]


class Cameras:
    """Finds what it is told."""

    def __init__(self, found: list[Neighbour] | Refused) -> None:
        self._found = found
        self.asked: list[tuple[float, str]] = []

    async def find(self, seconds: float, host: str = "") -> list[Neighbour]:
        self.asked.append((seconds, host))
        if isinstance(self._found, Refused):
            raise self._found
        return self._found


def page(core: FakeCore, client: TestClient, found: list[Neighbour] | Refused, query: str = "?go=1") -> str:
    cameras: Any = Cameras(found)
    core.cameras = cameras
    answer = client.get(f"/registry/find{query}", headers={"accept-language": "vi"})
    assert answer.status_code == 200
    return html.unescape(" ".join(answer.text.split()))


def test_new_ones_can_be_registered_and_known_ones_are_linked(core: FakeCore, client: TestClient) -> None:
    text = page(core, client, FOUND)
    assert "Chưa đăng ký · 2" in text
    assert "Đã đăng ký · 1" in text
    assert (
        "/registry/new?kind=camera&driver=onvif&address=http%3A%2F%2F10.0.0.7%2Fonvif%2Fdevice_service"
        in text
    )
    assert 'href="/devices/cam-1"' in text
    assert "hãy đăng ký bằng địa chỉ của nó ở đây" in text, "one names only an address of another network"


def test_nobody_all_known_or_no_search_at_all(core: FakeCore, client: TestClient) -> None:
    assert "Không có camera nào trả lời." in page(core, client, [])
    assert "Mọi camera trả lời đều đã đăng ký." in page(core, client, FOUND[:1])
    assert "Chưa đăng ký" not in page(core, client, FOUND, query=""), "before the button is pressed"
    assert "sai đường" in page(core, client, Refused("cannot_search", why="sai đường"))


def test_a_search_changes_nothing_so_nobody_is_asked_who_searches(core: FakeCore, client: TestClient) -> None:
    cameras: Any = Cameras(FOUND)
    core.cameras = cameras
    client.cookies.clear()
    found = client.get("/api/neighbours?seconds=2&host=10.0.0.7").json()
    assert [n["registered"] for n in found] == ["cam-1", "", ""]
    assert cameras.asked == [(2.0, "10.0.0.7")]
    assert client.get("/api/neighbours?seconds=99").status_code == 422


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the command asks of the hub."""
    made: list[tuple[str, Any]] = []

    def ask(_settings: Any, path: str, said: Any = None, *, who: str = "") -> Any:
        del who
        made.append((path, said))
        return [n._asdict() for n in FOUND] if path.startswith("/api/neighbours") else None

    monkeypatch.setattr(cli_cameras, "ask", ask)
    monkeypatch.setattr(cli_cameras, "settings_of", lambda _: None)
    return made


def test_the_command_lists_new_ones_first(
    asked: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    cli_cameras.discover(seconds=4.0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["(new)", "(new)", "cam-1"]
    assert lines[3] == "3 answered, 2 of them new; --add ADDRESS registers one"
    assert asked == [("/api/neighbours?seconds=4.0&host=", None)]


def test_the_command_registers_one(asked: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    cli_cameras.discover(seconds=4.0, add="10.0.0.7", name="cam-2", realm="thon", site="thon", login="admin")
    assert asked[0][0] == "/api/neighbours?seconds=4.0&host=10.0.0.7", "only that one is asked"
    assert asked[1] == ("/api/registry/device-add", {
        "name": "cam-2", "kind": "camera", "realm": "thon", "site": "thon", "driver": "onvif", "login": "admin",
        "address": "http://10.0.0.7/onvif/device_service", "title": "Acme C2",
    })  # fmt: skip
    assert "village-hub camera password cam-2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("add", "told"),
    [
        ("10.0.0.5", "is registered already, as cam-1"),
        ("10.0.0.8", "with an address of another network"),
        ("10.0.0.9", "nobody answered at 10.0.0.9"),
    ],
)
def test_the_command_says_why_it_registers_nothing(
    asked: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str], add: str, told: str
) -> None:
    with pytest.raises(SystemExit):
        cli_cameras.discover(seconds=4.0, add=add, name="cam-2", realm="thon", site="thon")
    assert told in capsys.readouterr().err
    assert len(asked) == 1
