"""Invented readings of every kind, the same each time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devices.device import FIELDS, Kind
from hub.views import Point

if TYPE_CHECKING:
    from devices.field import Value


def values_of(kind: Kind) -> dict[str, Value]:
    said: dict[str, Value] = {
        "battery_v": 12.9, "soc_pct": 71.0, "panel_w": 0.0, "load_w": 28.4, "lamp_commanded": True, "lamp_lit": True,
        "level_pct": 100.0, "controller_c": 24.5, "uptime_s": 1_204_332, "uplink_up": True, "clients": 14,
        "rx_kbit_s": 2210.5, "tx_kbit_s": 380.0, "latency_ms": 31.0, "loss_pct": 0.3, "mains": True, "ups_pct": 100.0,
        "buffered": 0, "children": 47, "uplink_ms": 38.0, "broker_up": True, "store_ok": True, "disk_free_mb": 81_204,
        "queue": 0, "messages_s": 79.2, "garbled": 41, "rss_mb": 214.6, "faults": [],
    }  # fmt: skip
    return {f.name: said[f.name] for f in FIELDS[kind] if f.name in said}


def point_of(kind: Kind, at: int, i: int) -> Point:
    sun = max(0.0, math.sin((i - 125) / 130 * math.pi)) if i >= 125 else 0.0
    curve = {
        "battery_v": 12.4 + sun,
        "soc_pct": 60 + 35 * sun,
        "panel_w": 60 * sun,
        "load_w": 28.0 if i > 250 or i < 110 else 0.0,
    }
    values = {}
    for f in FIELDS[kind]:
        if f.chart:
            mean = curve.get(f.name, 30 + 8 * math.sin(i / 9) + (i * 7919 % 13) / 3)
            spread = abs(mean) * 0.03 + 0.05
            values[f.name] = (mean - spread, mean, mean + spread)
    return Point(at, values)
