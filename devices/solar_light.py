"""Solar street lights: panel, battery, lamp, controller."""

from __future__ import annotations

from devices.field import codes, flag, number

FIELDS = (
    number("battery_v", "Battery voltage", "V", 0, 100, chart=True),
    number("soc_pct", "Battery charge", "%", 0, 100, chart=True),
    number("panel_w", "Panel power", "W", 0, 2000, chart=True),
    number("load_w", "Lamp power", "W", 0, 1000, chart=True),
    flag("lamp_commanded", "Lamp commanded on"),
    flag("lamp_lit", "Lamp lit"),
    number("level_pct", "Lamp level", "%", 0, 100),
    number("controller_c", "Controller temperature", "°C", -40, 125, chart=True),
    codes("faults", "Fault codes"),
)

FAULT_CODES: dict[str, str] = {}
"""TALQ event names that a light's controller may put into `faults` -> English text. Unknown codes are kept as said."""
