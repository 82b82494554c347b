"""The hub as a device of its own: what it says of itself goes the same road as what a lamp says."""

from __future__ import annotations

from devices.field import codes, flag, integer, number

FIELDS = (
    flag("broker_up", "Connected to the broker"),
    flag("store_ok", "Database writes succeed"),
    integer("disk_free_mb", "Disk free", "MB", 0, 2**40, chart=True),
    integer("queue", "Messages waiting", "", 0, 2**40, chart=True),
    number("messages_s", "Messages a second", "/s", 0, 1e7, chart=True),
    integer("garbled_messages", "Garbled messages since start", "", 0, 2**53),
    integer("broker_dropped", "Messages the broker dropped in the last hour", "", 0, 2**53),
    integer("sessions_lost", "Times the broker forgot the hub in the last hour", "", 0, 2**53),
    number("clock_step_s", "Last step of the wall clock", "s", -1e10, 1e10),
    number("rss_mb", "Memory in use", "MB", 0, 1e7, chart=True),
    codes("faults", "Fault codes"),
)

FAULT_CODES: dict[str, dict[str, str]] = {
    "taken_over": {
        "vi": "một trung tâm khác đang dùng tên của trung tâm này",
        "en": "another hub uses this hub's name",
    },
    "clock_behind": {
        "vi": "đồng hồ máy chậm hơn dữ liệu đã lưu; chưa đánh giá gì",
        "en": "the machine's clock is behind the stored data; nothing is judged",
    },
    "history_failed": {
        "vi": "không gói được nhật ký vào lịch sử",
        "en": "the journal cannot be packed into the history",
    },
    "history_missed": {
        "vi": "nhật ký bị xóa vì quá lớn trước khi vào lịch sử",
        "en": "the journal grew too large: rows went before they were packed into the history",
    },
    "certificate_ending": {
        "vi": "chứng chỉ của cổng ngoài sắp hết hạn hoặc đã hết hạn; hãy gia hạn",
        "en": "the certificate of the outside door ends soon or has ended; renew it",
    },
    "poller_failed": {"vi": "không hỏi được camera", "en": "cameras cannot be asked"},
    "agent_key_waits": {
        "vi": "khóa mới của một cổng hỏi camera chờ quản trị viên chấp nhận; xem trang của cổng",
        "en": "the new key of an agent waits to be accepted on its page",
    },
    "agent_overfull": {
        "vi": "một thôn có nhiều camera hơn mức một cổng hỏi được; phần còn lại không được hỏi",
        "en": "a realm has more cameras than fit its agent; the rest are asked by nobody",
    },
    "influxdb_away": {"vi": "InfluxDB không nhận dữ liệu", "en": "InfluxDB does not take points"},
    "influxdb_behind": {"vi": "InfluxDB nhận dữ liệu không kịp", "en": "InfluxDB cannot keep up"},
    "influxdb_refused": {"vi": "InfluxDB từ chối một số dữ liệu", "en": "InfluxDB refused some points"},
    "emergency_ending": {
        "vi": "một bản tin khẩn cấp sắp hết giờ: gia hạn hoặc kết thúc",
        "en": "an emergency notice is over soon: extend it or end it",
    },
    "disk_full": {"vi": "ổ đĩa đầy", "en": "the disk is full"},
}
"""What the hub may put into its own `faults` -> what they say."""
