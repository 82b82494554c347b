"""Wifi points. People are a count, never an address."""

from __future__ import annotations

from devices.field import codes, flag, integer, number

FIELDS = (
    flag("uplink_up", "Uplink up"),
    integer("clients", "People connected", "", 0, 10000, chart=True),
    number("rx_kbit_s", "Traffic in", "kbit/s", 0, 1e8, chart=True),
    number("tx_kbit_s", "Traffic out", "kbit/s", 0, 1e8, chart=True),
    flag("radio_on", "Radio on"),
    number("channel_busy_pct", "Channel busy", "%", 0, 100),
    number("noise_dbm", "Radio noise", "dBm", -130, 0),
    number("latency_ms", "Latency", "ms", 0, 60000, chart=True),
    number("loss_pct", "Packet loss", "%", 0, 100, chart=True),
    codes("faults", "Fault codes"),
)
