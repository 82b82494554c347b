"""Gateways: a village's bridge to the hub; speaks for its children and buffers for them when the uplink is cut."""

from __future__ import annotations

from devices.field import codes, flag, integer, number

FIELDS = (
    flag("mains", "Mains power"),
    number("ups_pct", "Battery backup", "%", 0, 100, chart=True),
    integer("buffered", "Messages buffered", "", 0, 100_000_000, chart=True),
    integer("children", "Devices behind it", "", 0, 100_000),
    number("uplink_ms", "Uplink latency", "ms", 0, 60000, chart=True),
    codes("faults", "Fault codes"),
)
