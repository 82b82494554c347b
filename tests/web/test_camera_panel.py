"""A camera's panel: its lights with their reasons, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from devices.device import Device, Kind
from devices.health import Health, Shown
from devices.lifecycle import Lifecycle
from hub.views import DeviceDetail, DeviceView
from hub.web.camera_lights import lights
from hub.web.language import language

NOW = 180_000
"""Three minutes after what it said last."""


def detail(health: Health = Health.OK, **values: Any) -> DeviceDetail:
    device = Device("cam-1", Kind.CAMERA, "thon", "thon", driver="onvif")
    view = DeviceView(device, Lifecycle.ACTIVE, Shown.OK, health, unstable=False, since=None, reasons=())
    return DeviceDetail(view, None, values, 0, {}, "", "", None, 0, "", None, 0, (), ())


def told(found: DeviceDetail, light: str, lang: str) -> tuple[str, str]:
    one = next(x for x in lights(found, language(lang), NOW) if x.name == light)
    return one.state, one.text


CASES: tuple[tuple[str, dict[str, Any], str, str, str], ...] = (
    ("picture_good", {"lights_bad": ["picture_good"], "faults": ["lensCovered"]}, "bad",
     "ống kính bị che", "the lens is covered"),
    ("picture_good", {"suspected": ["lensCovered"], "faults": []}, "unknown",
     "có thể ống kính bị che; sẽ xem lại ngay", "perhaps: the lens is covered; looked at again soon"),
    ("picture_good", {"lights_bad": ["picture_good"], "faults": ["viewTurned"], "suspected": ["lensCovered"]}, "bad",
     "ống kính bị xoay lệch khỏi khung hình gốc", "turned away from its reference view"),
    ("picture_fresh", {"lights_ok": ["picture_fresh"], "picture_age_s": 240.0, "picture_every_s": 60.0}, "ok",
     "7 phút trước; hình trước đó chụp sớm hơn 1 phút", "7 minutes old; the one before it came 1 minute earlier"),
    ("clock_right", {"lights_ok": ["clock_right"], "clock_off_s": -0.04}, "ok", "có", "yes"),
    ("clock_right", {"lights_ok": ["clock_right"], "clock_off_s": -1.2}, "ok", "chậm 1,2 giây", "1.2 s behind"),
    ("clock_right", {"lights_bad": ["clock_right"], "faults": ["clockWrong"], "clock_off_s": -7620.7}, "bad",
     "sai giờ; chậm 2 giờ 7 phút", "its clock is wrong; 2 hours 7 minutes behind"),
    ("reachable", {"faults": ["answersGarbled"], "answer_ms": 3.0}, "bad",
     "trả lời không đọc được", "its answers cannot be read"),
    ("reachable", {"faults": ["answersSlow"], "answer_ms": 3.0}, "ok", "trả lời quá chậm", "answers too slowly"),
    ("recording", {"faults": ["loginRefused"]}, "unknown",
     "không rõ: máy từ chối đăng nhập", "cannot tell: it lets nobody in"),
    ("recording", {"faults": ["answersTooLarge"]}, "unknown",
     "không rõ: trả lời của máy không dùng được", "cannot tell: its answers are of no use"),
    ("recording", {}, "unknown", "không rõ: máy không báo", "cannot tell: the camera does not say"),
)  # fmt: skip


@pytest.mark.parametrize(("light", "values", "state", "vi", "en"), CASES)
def test_a_light_says_why(light: str, values: dict[str, Any], state: str, vi: str, en: str) -> None:
    found = detail(**values)
    assert told(found, light, "vi") == (state, vi)
    assert told(found, light, "en") == (state, en)


def test_until_its_view_is_learnt_nobody_can_tell() -> None:
    found = {x.name: x.text for x in lights(detail(faults=[]), language("vi"), NOW, learnt=False)}
    assert found["picture_good"] == "chưa rõ: đang học khung hình của camera"
    bad = detail(faults=["pictureBlack"], lights_bad=["picture_good"])
    assert {x.name: x.text for x in lights(bad, language("vi"), NOW, learnt=False)}[
        "picture_good"
    ] == "hình đen"


def test_of_one_that_does_not_answer_nothing_else_can_be_told() -> None:
    found = detail(
        Health.OFFLINE, lights_ok=["clock_right"], suspected=["lensCovered"], faults=["lensCovered"]
    )
    states = {x.name: (x.state, x.text) for x in lights(found, language("en"), NOW)}
    assert states.pop("reachable") == ("bad", "does not answer")
    assert {state for state, _ in states.values()} == {"unknown"}
    assert states["picture_good"][1] == "cannot tell"
    assert states["recording"][1] == "cannot tell: it does not answer"
