"""Security of cameras in words, the chain of reasons in one sentence, and the list with its filters."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from devices.device import Device, Kind
from devices.health import Health, Shown
from devices.lifecycle import Lifecycle
from hub.default_login import Try
from hub.views import DeviceDetail, DevicePage, DeviceView
from hub.web.camera_lights import lights, summary
from hub.web.language import language
from hub.web.security import PAGE, Filters, points, read

if TYPE_CHECKING:
    from hub.views import Core, DeviceQuery

ICT = dt.timezone(dt.timedelta(hours=7))
NOW = round(dt.datetime(2026, 11, 25, 15, tzinfo=ICT).timestamp() * 1000)
DAY = 86_400_000


def detail(name: str = "cam-1", address: str = "http://10.0.0.5", **values: Any) -> DeviceDetail:
    firmware, since = values.pop("firmware", ""), values.pop("since", None)
    health = values.pop("health", Health.OK)
    device = Device(name, Kind.CAMERA, "thon", "thon", driver="onvif", address=address)
    view = DeviceView(device, Lifecycle.ACTIVE, Shown.OK, health, unstable=False, since=None, reasons=())
    return DeviceDetail(
        view, None, values, NOW, {}, "Acme C1", firmware, None, 0, "", None, 0, (), (), firmware_since=since
    )


def point(found: DeviceDetail, which: str, tried: Try | None = None, lang: str = "en") -> tuple[str, str]:
    return next((p.state, p.text) for p in points(found, tried, NOW, language(lang)) if p.point == which)


@pytest.mark.parametrize(
    ("which", "values", "state", "en", "vi"),
    [
        ("streamOpen", {"faults": ["streamOpen"]}, "bad", "anybody can watch its stream", "ai cũng xem được"),
        ("streamOpen", {"safe": ["streamOpen"]}, "ok", "wants a password", "đòi mật khẩu"),
        ("streamOpen", {"safe": ["streamOpen"], "faults": ["pictureOpen"]}, "bad", "fetch its pictures", "lấy được"),
        ("streamOpen", {"safe": ["pictureOpen"]}, "unknown", "cannot tell", "không rõ"),
        ("streamOpen", {}, "unknown", "cannot tell", "không rõ"),
        ("plainHttp", {"faults": ["plainHttp"]}, "bad", "HTTPS is not offered", "không có HTTPS"),
        ("plainHttp", {"safe": ["plainHttp"]}, "ok", "register its address with https", "đăng ký địa chỉ https"),
        ("plainHttp", {"safe": ["plainHttp"], "address": "https://10.0.0.5"}, "ok", "asks it by HTTPS", "qua HTTPS"),
        ("plainHttp", {}, "unknown", "cannot tell", "không rõ"),
        ("defaultPassword", {}, "unknown", "not tried", "chưa thử"),
        ("defaultPassword", {"faults": ["defaultPassword"]}, "bad", "the hub itself", "chính hệ thống"),
        ("firmwareOld", {"firmware": "V5 build 190318"}, "bad", "firmware of 18/3/2019, more than two", "18/3/2019"),
        ("firmwareOld", {"firmware": "V5 build 260101"}, "ok", "firmware of 1/1/2026", "ngày 1/1/2026"),
        ("firmwareOld", {"firmware": "V2.3.1", "since": NOW - 731 * DAY}, "bad", "the same firmware since", "vẫn một"),
        ("firmwareOld", {"firmware": "V2.3.1", "since": NOW - 729 * DAY}, "unknown", "has no date; the hub", "từ"),
        ("firmwareOld", {}, "unknown", "did not say which", "không báo phiên bản"),
    ],
)  # fmt: skip
def test_a_point_says_why(which: str, values: dict[str, Any], state: str, en: str, vi: str) -> None:
    for lang, words in (("en", en), ("vi", vi)):
        said, text = point(detail(**values), which, lang=lang)
        assert said == state
        assert words in text


@pytest.mark.parametrize(
    ("days", "state"), [(730, "ok"), (731, "bad")], ids=["two years to the day", "a day more"]
)
def test_two_years(days: int, state: str) -> None:
    made = dt.datetime.fromtimestamp(NOW / 1000, ICT).date() - dt.timedelta(days)
    midnight = round(dt.datetime.combine(made, dt.time(), ICT).timestamp() * 1000)
    found = points(detail(firmware=f"{made}"), None, midnight + days * DAY, language("en"))
    assert found[-1].state == state


@pytest.mark.parametrize(
    ("result", "state"),
    [("accepted", "bad"), ("refused", "ok"), ("locked", "unknown"), ("full", "unknown"), ("away", "unknown"),
     ("untold", "unknown"), ("timeout", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_a_try_is_shown_with_who_switched_it_on(result: str, state: str) -> None:
    for lang in ("vi", "en"):
        said, text = point(detail(), "defaultPassword", Try(NOW, "An", "Hikvision", "admin", result), lang)
        assert said == state
        assert "An" in text


# --- the chain of reasons -------------------------------------------------------------------------------------


def chain(found: DeviceDetail, lang: str, good_at: int | None = None) -> str:
    tongue = language(lang)
    return summary(lights(found, tongue, NOW), good_at, NOW, tongue)


GOOD_AT = round(dt.datetime(2026, 11, 25, 14, 2, tzinfo=ICT).timestamp() * 1000)


def test_a_full_camera_in_one_sentence() -> None:
    full = detail(
        lights_bad=["logged_in"], faults=["loginFull"], evidence=["saysFull"], connections_most=20,
        said=["Maximum number of connections (20)"],
    )  # fmt: skip
    assert chain(full, "en", GOOD_AT) == (
        "answers; login refused: the camera is full (20 connections), not a wrong password; last good picture 14:02"
    )
    assert chain(full, "vi", GOOD_AT) == (
        "có trả lời; từ chối đăng nhập: camera đã đủ 20 kết nối, không phải sai mật khẩu; hình tốt cuối cùng lúc 14:02"
    )
    seen = next(light.seen for light in lights(full, language("en"), NOW) if light.name == "logged_in")
    assert seen == "it says so itself; “Maximum number of connections (20)”"


@pytest.mark.parametrize(
    ("values", "en"),
    [
        ({"faults": ["loginFull"], "evidence": ["clockRefused"], "lights_bad": ["logged_in"]},
         "answers; login refused: the camera is full, not a wrong password"),
        ({"faults": ["loginRefused"], "evidence": ["workedBefore"], "lights_bad": ["logged_in"]},
         "answers; login refused"),
        ({"faults": ["answersBusy"], "evidence": ["busyUnsaid"]}, "answers that it is busy or full (HTTP 503)"),
        ({"health": Health.OFFLINE, "faults": ["loginFull"], "evidence": ["saysFull"]}, "does not answer"),
        ({"lights_ok": ["logged_in", "picture_good"]}, "answers; logged in; picture good"),
    ],
)  # fmt: skip
def test_the_chain(values: dict[str, Any], en: str) -> None:
    assert chain(detail(**values), "en") == en


def test_evidence_is_shown_only_beside_what_it_is_evidence_of() -> None:
    found = detail(evidence=["saysFull"], said=["full"], lights_ok=["logged_in"], faults=[])
    assert not [light.seen for light in lights(found, language("en"), NOW) if light.seen]


# --- the list -------------------------------------------------------------------------------------------------


class FakeCore:
    """Cameras by name; one that is not asked is among them."""

    def __init__(self, *found: DeviceDetail) -> None:
        self.found = {d.view.device.name: d for d in found}
        self.cameras = SimpleNamespace(default_logins=SimpleNamespace(of=lambda _name: None))

    def now(self) -> int:
        return NOW

    def devices(self, query: DeviceQuery) -> DevicePage:
        assert query.kind == Kind.CAMERA
        return DevicePage(tuple(d.view for d in self.found.values()), len(self.found), 1, 1)

    def device(self, name: str) -> DeviceDetail | None:
        return self.found.get(name)


def listed(core: FakeCore, **filters: Any) -> Any:
    return read(cast("Core", core), Filters(**filters), language("en"))


def test_the_list_counts_and_filters() -> None:
    core = FakeCore(
        detail("cam-a", safe=["streamOpen"], faults=["plainHttp"]),
        detail("cam-b", faults=["streamOpen", "plainHttp"], firmware="V5 build 190318"),
        detail("cam-c", address=""),
    )
    core.found["cam-c"] = detail("cam-c")
    whole = listed(core)
    assert [c.device for c in whole.cameras] == ["cam-b", "cam-a", "cam-c"], "most to mend first"
    assert whole.counts["streamOpen"] == {"bad": 1, "unknown": 1, "ok": 1}
    assert whole.counts["firmwareOld"] == {"bad": 1, "unknown": 2, "ok": 0}
    assert [c.device for c in listed(core, point="streamOpen", state="bad").cameras] == ["cam-b"]
    assert [c.device for c in listed(core, state="bad").cameras] == ["cam-b", "cam-a"]
    assert listed(core, point="streamOpen", state="bad").counts == whole.counts


def test_pages() -> None:
    core = FakeCore(*(detail(f"cam-{n:03}") for n in range(2 * PAGE + 1)))
    last = listed(core, page=9)
    assert (last.page, last.pages, last.total, len(last.cameras)) == (3, 3, 2 * PAGE + 1, 1)
    assert Filters(point="plainHttp", page=2).address(2) == "/security?point=plainHttp&page=2"
