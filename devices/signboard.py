"""Electronic notice boards: what they report. What each should show: devices.notice."""

from __future__ import annotations

from devices.field import codes, hash_, integer, number

FIELDS = (
    hash_("showing", "Shows the frame"),
    number("brightness_pct", "Brightness", "%", 0, 100, chart=True),
    integer("dead_px", "Dead pixels", "", 0, 10**8),
    integer("storage_free_kb", "Free storage", "kB", 0, 10**12),
    integer("uptime_s", "Running for", "s", 0, 2**40),
    codes("faults", "Fault codes"),
)
"""`showing`: the hash of the frame that stands on it, empty where it is dark."""

FAULT_CODES = {
    "storage_full": {"vi": "đầy bộ nhớ", "en": "storage is full"},
    "clock_wrong": {"vi": "đồng hồ sai", "en": "its clock is wrong"},
    "frame_bad": {"vi": "khung hình nhận được bị hỏng", "en": "a frame came damaged"},
    "fetch_failed": {"vi": "không tải được khung hình", "en": "a frame could not be fetched"},
    "panel_fault": {"vi": "hỏng tấm LED", "en": "a panel is broken"},
    "power_low": {"vi": "điện áp cấp thấp", "en": "supply voltage is low"},
}
"""What a board may put into `faults` -> what it says. `frame_bad`: the pixels of a frame are not those of its hash."""
