"""Electronic notice boards. Over MQTT they only keep up state; notices and their proof have their own driver."""

from __future__ import annotations

from devices.field import codes, integer

FIELDS = (
    integer("uptime_s", "Running for", "s", 0, 2**40),
    codes("faults", "Fault codes"),
)
