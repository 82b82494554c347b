"""Gateways: a village's bridge to the hub; speaks for its children and buffers for them when the uplink is cut."""

from __future__ import annotations

from devices.field import codes, flag, integer, number

FIELDS = (
    flag("mains", "Mains power"),
    number("ups_pct", "Battery backup", "%", 0, 100, chart=True),
    integer("buffered", "Messages buffered", "", 0, 100_000_000, chart=True),
    integer("dropped", "Messages lost, as its buffer was full", "", 0, 2**53),
    integer("children", "Devices behind it", "", 0, 100_000),
    number("uplink_ms", "Uplink latency", "ms", 0, 60000, chart=True),
    codes("faults", "Fault codes"),
)

FAULT_CODES: dict[str, dict[str, str]] = {
    "keyWaits": {
        "vi": "khóa chưa được chấp nhận nên không có mật khẩu camera",
        "en": "its key is not accepted, so it has no passwords of cameras",
    },
    "pollerFailed": {"vi": "không hỏi được camera", "en": "cannot ask cameras"},
    "bufferFailed": {"vi": "không lưu được vào đĩa", "en": "cannot store what it learns"},
}
"""What a gateway that asks cameras puts into `faults` -> what people read."""
