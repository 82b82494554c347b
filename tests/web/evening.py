"""The evening of the sketches, told to a FakeCore."""

from __future__ import annotations

from devices.device import Kind
from devices.health import Health, Reason, Shown
from hub.views import LogLine
from tests.web.fake_core import DAY, HOUR, MINUTE, FakeCore


def troubled(core: FakeCore) -> FakeCore:
    """The evening of the sketches: a power cut, a lamp that stays dark, a camera, a wavering wifi point."""
    start = core.at
    core.at = start - 6 * MINUTE
    dark = [
        n
        for n, v in core.by_name.items()
        if v.device.site == "thap-thuong" and v.device.kind is not Kind.SOLAR_LIGHT
    ]
    for name in dark:
        core.becomes(name, Health.OFFLINE, Reason("silent", {"last_seen": core.at}))
    core.opens(
        3,
        Shown.OFFLINE,
        dark,
        title={
            "vi": "Thôn Tháp Thượng: nhiều thiết bị mất liên lạc",
            "en": "Tháp Thượng: many devices are offline",
        },
        detail={
            "vi": f"{len(dark)} thiết bị im lặng từ 19:36",
            "en": f"{len(dark)} devices silent since 19:36",
        },
    )
    core.at = start - 2 * HOUR
    core.becomes(
        "thu-que-l017", Health.FAULTY, Reason("rule", {"rule": "light-lamp-failed", "severity": "faulty"})
    )
    core.opens(2, Shown.FAULTY, ["thu-que-l017"])
    core.at = start - 5 * HOUR - 40 * MINUTE
    core.becomes("dai-phung-c002", Health.DEGRADED, Reason("camera-fault"))
    core.opens(
        1,
        Shown.DEGRADED,
        ["dai-phung-c002"],
        rule="camera-fault",
        title={"vi": "Camera 02 tự báo lỗi", "en": "Camera 02 reports a fault"},
        detail={"vi": "mã lỗi: lens", "en": "fault code: lens"},
        accepted_by="Nguyễn Văn An",
        accepted_at=start - 5 * HOUR,
    )
    core.logs[1].append(LogLine(start - 5 * HOUR, "accepted", "Nguyễn Văn An", "mai mang thang ra"))
    core.at = start - 30 * MINUTE
    core.becomes("dong-van-w001", Health.OK, unstable=True)
    core.opens(
        4,
        Shown.UNSTABLE,
        ["dong-van-w001"],
        title={
            "vi": "Điểm wifi nhà văn hóa Đồng Vân chập chờn",
            "en": "The wifi point of Đồng Vân is unstable",
        },
        detail={"vi": "9 lần đổi trạng thái trong 30 phút", "en": "9 changes of state in 30 minutes"},
    )
    core.opens(
        5,
        Shown.OFFLINE,
        ["thu-que-c001"],
        state="closed",
        opened_at=start - 2 * DAY,
        closed_at=start - 2 * DAY + HOUR,
    )
    core.at = start
    core.knocks("den-moi-01", kind="solar_light", model="SL-30", serial="A-1029")
    core.knocks("cam-cho-02", kind="camera", model="DS-2CD")
    return core
