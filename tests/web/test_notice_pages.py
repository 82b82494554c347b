"""Pages of notices and boards on a real hub: composed, previewed, refused in the form, approved, published, ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2
import pytest

from tests.web.test_notices import port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["port"]  # a fixture
FORM: dict[str, str] = {
    "level": "routine",
    "title": "Họp thôn",
    "text": "19 giờ tối nay",
    "targets": "site:thon",
    "do": "save",
}


class Somebody:
    """A browser of one person."""

    def __init__(self, web: httpx2.AsyncClient, who: str) -> None:
        self._web, self._who = web, {"cookie": f"who={quote(who)}", "accept-language": "vi"}

    async def get(self, path: str) -> str:
        found = await self._web.get(path, headers=self._who)
        assert found.status_code == 200, found.text
        return " ".join(found.text.split())

    async def post(self, path: str, status: int = 303, /, **form: str) -> str:
        """The page that comes then; of a redirect its address."""
        origin = {"origin": str(self._web.base_url).rstrip("/")}
        found = await self._web.post(path, data=form, headers=self._who | origin)
        assert found.status_code == status, found.text
        return found.headers.get("location", "") or " ".join(found.text.split())


@pytest.fixture
async def web(port: int) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as made:
        yield made


@pytest.fixture
def lan(web: httpx2.AsyncClient) -> Somebody:
    return Somebody(web, "Lan")


@pytest.fixture
def minh(web: httpx2.AsyncClient) -> Somebody:
    return Somebody(web, "Minh")


async def test_the_preview_is_the_frames_that_are_sent(lan: Somebody, minh: Somebody) -> None:
    shown = await lan.post("/notices/preview", 200, **FORM)
    assert "Đủ dấu trên 2 bảng." in shown
    previewed = re.findall(r"/api/frames/([0-9a-f]{64})\.png", shown)
    assert len(previewed) >= 2
    assert "LED 64 × 32, một màu" in shown
    assert await lan.post("/notices", 303, **FORM) == "/notices/1"
    draft = await lan.get("/notices/1")
    assert "Duyệt" in draft
    same = await lan.post("/notices/1/approve", 409, version="1")
    assert "Họp thôn" in same
    assert 'role="alert"' in same, "who wrote it may not approve it, and is told so"
    await minh.post("/notices/1/approve", version="1")
    await lan.post("/notices/1/publish", version="2")
    told = await lan.get("/notices/1")
    assert (
        re.findall(r"/api/frames/([0-9a-f]{64})\.png", told.split("Trên bảng (nội dung 1)")[1]) == previewed
    )
    assert "Lan viết" in told
    assert "Minh duyệt" in told
    listed = await lan.get("/notices")
    assert "Đang trên bảng (1)" in listed
    assert "2 bảng" in listed
    await lan.post("/notices/1/end", version="3", why="hoãn")
    assert "(hoãn)" in await lan.get("/notices/1")
    like = await lan.get("/notices/new?like=1")
    assert "19 giờ tối nay" in like


async def test_an_emergency_asks_for_the_count_and_then_goes_out(lan: Somebody) -> None:
    form = FORM | {"level": "emergency", "do": "publish", "end": ""}
    asked = await lan.post("/notices", 409, **form)
    assert "Bản tin này phát ngay tới 2 bảng" in asked
    assert 'name="boards" value="2"' in asked
    await lan.post("/notices/1/publish", 409, version="1", boards="1")
    assert await lan.post("/notices/1/publish", version="1", boards="2") == "/notices/1"
    assert "Đã phát" in await lan.get("/notices/1")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"title": "Mời 🎉"}, "🎉"),
        ({"text": "một\u200bhai"}, "không nhìn thấy được"),
        ({"end": "2020-01-01T10:00"}, "Giờ kết thúc đã qua"),
        ({"end": "hôm qua"}, "không phải là thời gian"),
        ({"priority": "77"}, "không phải là số"),
        ({"level": "loud"}, "Hãy chọn một mức"),
        ({"repeat": "", "rule": "FREQ=SECONDLY", "minutes": "5", "start": "2027-01-01T10:00"}, ""),
        ({"targets": "device:nowhere"}, ""),
        ({"link": "javascript:alert(1)"}, "http"),
        ({"version": "9" * 30, "number": "-1"}, ""),
        ({"text": "a" * 100_000}, ""),
    ],
)
async def test_bad_input_is_told_in_the_form(lan: Somebody, wrong: dict[str, str], told: str) -> None:
    shown = await lan.post("/notices", 200, **FORM | wrong | {"do": "preview"})
    assert told in shown
    if set(wrong) - {"version", "number"}:
        assert 'class="failed"' in shown
    assert "Đang trên bảng (0)" in await lan.get("/notices"), "nothing is published by halves"


async def test_a_template_has_a_form_of_its_own(lan: Somebody) -> None:
    form = await lan.get("/notices/new?template=" + quote("Cảnh báo lũ"))
    names = re.findall(r'name="field:([^"]+)"', form)
    assert len(names) >= 3
    assert 'value="emergency" checked' in form
    form_of = {"level": "emergency", "template": "Cảnh báo lũ", "targets": "device:bang-2"}
    shown = await lan.post("/notices/preview", 200, **form_of | {f"field:{name}": "Hồng" for name in names})
    assert "Đủ dấu" in shown


async def test_a_picture_that_is_none_or_too_large_is_refused_in_words(web: httpx2.AsyncClient) -> None:
    origin = {"origin": str(web.base_url).rstrip("/"), "cookie": "who=Lan", "accept-language": "vi"}
    found = await web.post(
        "/notices", data=FORM, files={"file": ("a.png", b"no picture", "image/png")}, headers=origin
    )
    assert found.status_code == 409
    assert 'role="alert"' in found.text
    assert "Họp thôn" in found.text, "what was written stays"
    huge = {"file": ("a.png", bytes(30_000_000), "image/png")}
    assert (await web.post("/notices", data=FORM, files=huge, headers=origin)).status_code == 413


async def test_the_page_of_a_board(lan: Somebody) -> None:
    page = await lan.get("/devices/bang-1")
    assert "Bảng chưa bao giờ báo đang hiện gì." in page
    assert 'href="/notices/new?to=device:bang-1"' in page
    assert "/devices/bang-1" in await lan.get("/boards")


async def test_a_board_names_the_camera_that_sees_it(lan: Somebody) -> None:
    assert await lan.post("/boards/bang-1/witness", 303, camera="") == "/devices/bang-1"
    refused = await lan.post("/boards/bang-1/witness", 409, camera="bang-2")
    assert "không phải là camera" in refused


async def test_what_the_form_hides_of_an_emergency_does_not_count(lan: Somebody) -> None:
    form = FORM | {
        "level": "emergency",
        "start": "2027-01-01T10:00",
        "end": "2027-02-01T10:00",
        "repeat": "DAILY",
    }
    shown = await lan.post("/notices", 200, **form | {"do": "preview"})
    assert "Đủ dấu" in shown
    assert 'class="failed"' not in shown


async def test_a_notice_that_is_edited_stays_on_the_list_of_what_boards_have(lan: Somebody) -> None:
    await lan.post("/notices", 409, **FORM | {"level": "emergency", "do": "publish", "end": ""})
    await lan.post("/notices/1/publish", 303, version="1", boards="2")
    await lan.post("/notices", 303, **FORM | {"title": "Khác", "number": "1", "version": "2"})
    listed = await lan.get("/notices")
    assert "Đang trên bảng (1)" in listed
    assert "đang soạn nội dung mới" in listed
    page = await lan.get("/notices/1")
    assert "Kéo dài" in page, "what stands on the boards is an emergency"
    old = await lan.post("/notices", 409, **FORM | {"title": "Khác nữa", "number": "1", "version": "2"})
    assert 'name="version" value="3"' in old, "the next save is about what stands there now"
    await lan.post("/notices/1/discard", 303, version="3")
