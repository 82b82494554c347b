"""Notices over the API and by command, on a real hub."""

from __future__ import annotations

import asyncio
import base64
import io
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from PIL import Image

from hub import registry
from hub.people import row
from hub.registry import PersonRow, RegistryFile
from hub.store.writer import Store, Writes
from hub.web.doors import LARGE_BODY
from tests.brokers import free_port
from tests.hub.test_app import running, settings
from tests.hub.test_cli_registry import Teller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FILE = RegistryFile.model_validate(
    {
        "sites": [{"slug": "thon", "name": "Thôn B", "tier": "village"}],
        "devices": [
            {
                "name": "bang-1",
                "kind": "signboard",
                "realm": "thon",
                "site": "thon",
                "profile": "led-64x32-1",
            },
            {
                "name": "bang-2",
                "kind": "signboard",
                "realm": "thon",
                "site": "thon",
                "profile": "led-192x64-2",
            },
        ],
    }
)
PEOPLE = (
    PersonRow(name="Lan", role="administrator"),
    PersonRow(name="Minh", role="official"),
    PersonRow(name="Hoa", role="maintenance"),
)
FLOOD = {"level": "emergency", "title": "Nước lũ", "text": "Lên đê ngay", "targets": ["site:thon"]}
MEETING = {"title": "Họp thôn", "text": "19 giờ", "targets": ["device:bang-1"]}


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    wanted = settings(tmp_path, free_port())
    store, writes = Store(wanted.data_dir), Writes()
    registry.put_sites(writes, FILE)
    for device in FILE.devices:
        registry.put_device(writes, device.to_device(), None)
    for number, person in enumerate(PEOPLE, start=1):
        columns = "id, name, folded, role, phone, site, active, version"
        told = (number, *row(person.to_person())[1:])
        writes.add(f"INSERT INTO person ({columns}) VALUES (?,?,?,?,?,?,?,?)", *told)  # noqa: S608
    store.commit(writes)
    store.close()
    async with running(wanted) as found:
        yield found


class Client:
    """Somebody's requests."""

    def __init__(self, web: httpx2.AsyncClient) -> None:
        self.web = web

    async def __call__(self, who: str, method: str, path: str, said: object = None) -> tuple[int, Any]:
        headers = {"X-Village-Hub": "1", "X-Village-Hub-Person": who, "Accept-Language": "en"}
        found = await self.web.request(method, f"/api/{path}", json=said, headers=headers)
        return found.status_code, found.json() if found.content else None


@pytest.fixture
async def ask(port: int) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        yield Client(web)


async def test_the_life_of_a_notice(ask: Client) -> None:
    status, n = await ask("Lan", "POST", "notices", {"draft": MEETING})
    assert (status, n["number"], n["state"]) == (200, 1, "draft")
    status, found = await ask("Lan", "POST", "notices/1/approve", {"version": 1})
    assert (status, found["code"]) == (409, "same_person")
    status, n = await ask("Minh", "POST", "notices/1/approve", {"version": 1})
    assert (status, n["state"]) == (200, "approved")
    status, n = await ask("Lan", "POST", "notices/1/publish", {"version": 2})
    assert (status, n["item"]) == (200, "1.1")
    boards = (await ask("Lan", "GET", "boards"))[1]["boards"]
    assert [b["name"] for b in boards] == ["bang-1", "bang-2"]
    now = (await ask("Lan", "GET", "notices"))[1]["now"]
    slots = (await ask("Lan", "GET", f"notices/calendar?start={now}&end={now + 1}"))[1]["slots"]
    assert [(s["boards"], s["item"], s["hidden"]) for s in slots] == [(["bang-1"], "1.1", False)]
    frame = n["revisions"][0]["frames"]["led-64x32-1"][0]["hash"]
    png = await ask.web.get(f"/api/frames/{frame}.png")
    assert png.headers["content-type"] == "image/png"
    assert "immutable" in png.headers["cache-control"]
    assert Image.open(io.BytesIO(png.content)).size == (64, 32)
    status, n = await ask("Lan", "PUT", "notices/1", {"draft": MEETING | {"text": "20 giờ"}, "version": 3})
    assert (n["state"], n["item"], len(n["revisions"])) == ("draft", "1.1", 2)
    assert (await ask("Lan", "DELETE", "notices/1?version=4"))[0] == 204
    status, n = await ask("Lan", "POST", "notices/1/end", {"version": 5, "why": "xong"})
    assert (n["state"], n["revisions"][0]["ended_by"], n["revisions"][0]["why"]) == ("ended", "Lan", "xong")
    listed = (await ask("Lan", "GET", "notices?state=ended"))[1]
    assert (listed["total"], [m["number"] for m in listed["notices"]]) == (1, [1])
    assert (await ask("Lan", "GET", "notices/1/steps")) == (200, [])
    assert (await ask("Lan", "GET", "notices/2"))[1]["code"] == "unknown_notice"


async def test_an_emergency_in_two_steps_and_longer(ask: Client) -> None:
    await ask("Lan", "POST", "notices", {"draft": FLOOD})
    status, found = await ask("Lan", "POST", "notices/1/publish", {"version": 1})
    assert (status, found["code"], found["count"]) == (409, "confirm_boards", 2)
    assert "2 boards" in found["message"]
    assert (await ask("Hoa", "POST", "notices/1/publish", {"version": 1, "boards": 2}))[1][
        "code"
    ] == "not_allowed"
    status, n = await ask("Lan", "POST", "notices/1/publish", {"version": 1, "boards": 2})
    assert status == 200
    earlier = {"version": n["version"], "until": n["ends_at"] - 3_600_000}
    assert (await ask("Minh", "POST", "notices/1/extend", earlier))[1]["code"] == "not_later"
    until = n["ends_at"] + 1
    status, n = await ask("Minh", "POST", "notices/1/extend", {"version": n["version"], "until": until})
    assert (status, n["item"], n["ends_at"]) == (200, "1.2", until)


async def test_a_preview_tells_everything_and_stores_nothing(ask: Client) -> None:
    status, found = await ask("Lan", "POST", "notices/preview", FLOOD)
    assert (status, found["right"], found["boards"]) == (200, True, 2)
    assert [(p["profile"], p["boards"]) for p in found["previews"]] == [
        ("led-192x64-2", ["bang-2"]), ("led-64x32-1", ["bang-1"]),
    ]  # fmt: skip
    hashed = found["previews"][0]["pages"][0]["hash"]
    assert (await ask.web.get(f"/api/frames/{hashed}.png")).status_code == 200
    bad = FLOOD | {"recurrence": "FREQ=DAILY", "link": "ftp://x", "targets": ["tag:không"]}
    status, found = await ask("Lan", "POST", "notices/preview", bad)
    assert [p["code"] for p in found["problems"]] == ["link_bad", "emergency_recurs", "target_reaches_none"]
    assert found["problems"][0]["what"].startswith("A link begins with")
    assert (await ask("Lan", "GET", "notices"))[1]["total"] == 0


async def test_what_is_wrong_is_told_where_it_is_wrong(ask: Client) -> None:
    await ask("Lan", "POST", "notices", {"draft": MEETING | {"title": "", "text": "", "targets": []}})
    status, found = await ask("Minh", "POST", "notices/1/approve", {"version": 1})
    assert (status, found["code"]) == (409, "notice_problems")
    assert [d["where"] for d in found["detail"]] == ["text", "targets"]
    assert (await ask("Lan", "POST", "notices", {"draft": MEETING | {"text": "a" * 2001}}))[1][
        "code"
    ] == "text_too_long"
    for wrong in (
        {"level": "loud"},
        {"priority": 10},
        {"start": -1},
        {"end": 10**15},
        {"minutes": 0},
        {"extra": 1},
    ):
        assert (await ask("Lan", "POST", "notices/preview", MEETING | wrong))[0] == 422
    assert (await ask("Eve", "POST", "notices", {"draft": MEETING}))[1]["code"] == "who_are_you"


async def test_templates_calendar_and_policies(ask: Client) -> None:
    names = {t["name"] for t in (await ask("Lan", "GET", "notices/templates"))[1]["templates"]}
    assert {"Cắt điện", "Họp thôn", "Tiêm chủng", "Cảnh báo lũ", "Dịch vụ công trực tuyến"} <= names
    made = {"title": "Chợ", "text": "Ngày {ngày}"}
    status, kept = await ask("Lan", "PUT", "notices/templates/Chợ phiên", made)
    assert (status, kept["fields"], kept["version"]) == (200, ["ngày"], 1)
    await ask("Lan", "POST", "notices", {"draft": MEETING})
    await ask("Minh", "POST", "notices/1/approve", {"version": 1})
    now = (await ask("Lan", "GET", "notices"))[1]["now"]
    slots = (await ask("Lan", "GET", f"notices/calendar?start={now}&end={now + 1000}"))[1]["slots"]
    assert [(s["boards"], s["item"], s["waits"]) for s in slots] == [(["bang-1"], "1.1", True)]
    assert (await ask("Lan", "PUT", "boards/bang-1/policy", {"nothing_due": "dark"}))[0] == 204
    assert (await ask("Lan", "PUT", "boards/bang-1/policy", {"nothing_due": "x"}))[1]["code"] == "bad_policy"
    assert (await ask("Lan", "GET", "boards/bang-9"))[0] == 404


# --- pictures -----------------------------------------------------------------------------------------------------


def picture(size: tuple[int, int] = (40, 30), form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, form)
    return out.getvalue()


def picture_of(width: int, height: int) -> bytes:
    """A PNG whose header says so, and that holds nothing."""
    whole = picture()
    return whole[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:]


async def upload(ask: Client, data: bytes) -> tuple[int, Any]:
    return await ask("Lan", "POST", "notices/pictures", {"data": base64.b64encode(data).decode()})


async def test_a_picture_is_kept_and_shown(ask: Client) -> None:
    for form in ("PNG", "JPEG", "WEBP"):
        status, found = await upload(ask, picture(form=form))
        assert status == 200
        draft = MEETING | {"picture": found["picture"]}
        assert (await ask("Lan", "POST", "notices/preview", draft))[1]["right"]


async def test_pictures_that_nobody_uses_go(ask: Client, tmp_path: Path) -> None:
    path = tmp_path / "var" / "hub.db"
    names = [(await upload(ask, picture((width, 30))))[1]["picture"] for width in (10, 20, 30)]
    await ask("Lan", "POST", "notices", {"draft": MEETING | {"picture": names[0]}})
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE upload SET at=at-86400001 WHERE hash IN (?,?)", names[:2])
        db.commit()
    names.append((await upload(ask, picture((40, 30))))[1]["picture"])
    with closing(sqlite3.connect(path)) as db:
        kept = {name for (name,) in db.execute("SELECT hash FROM upload")}
    assert kept == {names[0], names[2], names[3]}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "picture_bad"),
        (b"", "picture_bad"),
        (picture()[:40], "picture_bad"),
        (picture(form="GIF"), "picture_bad"),
        (picture_of(30_000, 30_000), "picture_bad"),
        (picture_of(5000, 4001), "picture_bad"),
        (picture() + b"\0" * 8_000_000, "picture_too_large"),
    ],
    ids=["none", "empty", "cut", "gif", "30000x30000", "20 Mpx", "8 MB"],
)
async def test_pictures_that_are_refused(ask: Client, data: bytes, code: str) -> None:
    assert (await upload(ask, data))[1]["code"] == code


async def test_a_body_of_50_mb_is_refused_before_it_is_read(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /api/notices/pictures HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 50000000\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"413"
    writer.close()
    assert LARGE_BODY < 50_000_000


# --- commands -----------------------------------------------------------------------------------------------------


async def test_by_command(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    say = Teller(tmp_path, port)
    flood = ["notice", "send", "--level", "emergency", "--to", "site:thon", "--who", "Lan"]
    flood += ["--template", "Cảnh báo lũ"]
    code, _, err = await say(*flood)
    assert (code, err.splitlines()[0]) == (1, "village-hub: nothing was sent:")
    assert "  fields.tên sông: Fill in: tên sông." in err
    fill = {
        "tên sông": "Hồng",
        "mức nước": "11 m",
        "khu vực": "bãi",
        "nơi tránh lũ": "đê",
        "số điện thoại": "0912",
    }
    flood += [word for k, v in fill.items() for word in ("--fill", f"{k}={v}")]
    flood += ["--until", "2h"]
    assert await say(*flood) == (
        1, "", "village-hub: this emergency goes to 2 boards: send it with --boards 2\n",
    )  # fmt: skip
    code, out, _ = await say(*flood, "--boards", "2")
    assert (code, out.startswith("notice 1 goes to 2 boards, until ")) == (0, True)
    meeting = ("notice", "send", "--to", "device:bang-1", "--title", "Họp", "--text", "19 giờ")
    code, out, _ = await say(*meeting, "--who", "Minh")
    assert (code, out) == (0, "notice 2 is written, for 1 board; a second person approves it\n")
    assert (await say("notice", "approve", "2", "--who", "Lan"))[0] == 0
    assert "on boards: 2.1" in (await say("notice", "publish", "2", "--who", "Lan"))[1]
    assert "on boards: 1.2" in (await say("notice", "extend", "1", "150m", "--who", "Lan"))[1]
    assert (await say("notice", "extend", "1", "13h", "--who", "Lan"))[0] == 1
    assert "ended" in (await say("notice", "end", "1", "--why", "nước rút", "--who", "Lan"))[1]
    lines = (await say("notice", "list"))[1].splitlines()
    assert [line.split("\t")[:3] for line in lines] == [
        ["2", "published", "routine"],
        ["1", "ended", "emergency"],
    ]
    out = (await say("notice", "show", "1"))[1]
    assert "  published\t" in out
    assert "Nước sông Hồng lên 11 m." in out
    assert (await say("notice", "show", "9"))[2] == "village-hub: There is no notice of this number.\n"
    assert (await say("notice", "extend", "2", "soon", "--who", "Lan"))[0] == 1
    assert (await say("notice", "send", "--to", "x", "--fill", "y"))[0] == 1
