"""Switches, feeders and recorders: what others hang on."""

from __future__ import annotations

from devices.field import codes, flag, integer

FIELDS = (
    flag("mains", "Mains power"),
    integer("uptime_s", "Running for", "s", 0, 2**40),
    codes("faults", "Fault codes"),
)
