"""Security cameras: six lights, each with its reason in words.

Over MQTT a camera itself only keeps up state. What a poller learns of it by asking comes as readings of the same kind:
`lights_ok` and `lights_bad` name the lights that are green and red; one that is in neither cannot be told.
"""

from __future__ import annotations

from devices.field import codes, flag, integer, number

LIGHTS = ("reachable", "logged_in", "picture_fresh", "picture_good", "clock_right", "recording")
"""In the order in which one hangs on the other; `reachable` is the device's health and stands in no reading."""

FIELDS = (
    integer("uptime_s", "Running for", "s", 0, 2**40),
    codes("lights_ok", "What is as it should be"),
    codes("lights_bad", "What is not as it should be"),
    codes("faults", "Fault codes"),
    codes("suspected", "Looks like, to be looked at again"),
    codes("evidence", "What was seen of it"),
    codes("said", "In its own words"),
    integer("connections_most", "Connections it has, as it says", "", 1, 10_000),
    codes("safe", "Security points that are as they should be"),
    flag("clock_ntp", "Its clock follows a time server"),
    number("answer_ms", "Time to answer", "ms", 0, 600_000, chart=True),
    number("clock_off_s", "Clock ahead by", "s", -1e10, 1e10, chart=True),
    number("luminance_pct", "Brightness of the picture", "%", 0, 100, chart=True),
    number("turned_deg", "Turned away by", "°", 0, 180),
    number("picture_age_s", "Age of the last good picture", "s", 0, 1e10),
    number("picture_every_s", "Time between its last two pictures", "s", 0, 1e10),
    number("picture_next_s", "Next picture in", "s", 0, 1e10),
    integer("requests_h", "Requests to it in the last hour", "", 0, 10**6),
    integer("traffic_kb", "Asking it cost in the last hour", "kB", 0, 10**9),
)

FAULT_CODES: dict[str, dict[str, str]] = {
    "loginRefused": {"vi": "từ chối đăng nhập", "en": "login refused"},
    "loginLocked": {
        "vi": "khóa đăng nhập vì sai quá nhiều lần",
        "en": "login locked after too many wrong tries",
    },
    "loginFull": {
        "vi": "từ chối đăng nhập: camera đã đủ kết nối, không phải sai mật khẩu",
        "en": "login refused: the camera is full, not a wrong password",
    },
    "notOnvif": {"vi": "không trả lời theo ONVIF", "en": "does not answer in ONVIF"},
    "answersGarbled": {"vi": "trả lời không đọc được", "en": "its answers cannot be read"},
    "answersTooLarge": {"vi": "trả lời quá lớn", "en": "its answers are too large"},
    "answersBusy": {
        "vi": "có trả lời nhưng đang bận hoặc đã đủ kết nối (HTTP 503)",
        "en": "answers that it is busy or full (HTTP 503)",
    },
    "answersSlow": {"vi": "trả lời quá chậm", "en": "answers too slowly"},
    "sendsElsewhere": {"vi": "chuyển tiếp sang địa chỉ lạ", "en": "sends one to a foreign address"},
    "noPicture": {"vi": "không lấy được hình", "en": "gives no picture"},
    "picturePlain": {
        "vi": "chỉ cho hình khi gửi mật khẩu không mã hóa",
        "en": "gives its picture only for an unencrypted password",
    },
    "pictureGarbled": {"vi": "hình hỏng, không xem được", "en": "its picture cannot be read"},
    "pictureFrozen": {"vi": "hình đứng yên", "en": "the picture is frozen"},
    "pictureBlack": {"vi": "hình đen", "en": "the picture is black"},
    "lensCovered": {"vi": "ống kính bị che", "en": "the lens is covered"},
    "pictureBlurred": {"vi": "hình mờ", "en": "the picture is blurred"},
    "pictureOverexposed": {"vi": "hình cháy sáng", "en": "the picture is overexposed"},
    "viewTurned": {
        "vi": "ống kính bị xoay lệch khỏi khung hình gốc",
        "en": "turned away from its reference view",
    },
    "streamRefused": {"vi": "luồng hình không mở được", "en": "its stream cannot be opened"},
    "clockWrong": {"vi": "sai giờ", "en": "its clock is wrong"},
    "notRecording": {"vi": "không ghi hình", "en": "does not record"},
    "sceneChanged": {"vi": "báo khung hình bị thay đổi", "en": "reports that its scene changed"},
    "tooDark": {"vi": "báo hình quá tối", "en": "reports that the picture is too dark"},
    "tooBlurry": {"vi": "báo hình quá mờ", "en": "reports that the picture is too blurry"},
    "tooBright": {"vi": "báo hình quá sáng", "en": "reports that the picture is too bright"},
    "signalLost": {"vi": "báo mất tín hiệu hình", "en": "reports that the signal is lost"},
    "defaultPassword": {"vi": "vẫn dùng mật khẩu mặc định", "en": "still has its default password"},
    "streamOpen": {
        "vi": "ai cũng xem được luồng hình, không cần mật khẩu",
        "en": "its stream is open without a password",
    },
    "pictureOpen": {
        "vi": "ai cũng lấy được hình chụp, không cần mật khẩu",
        "en": "its snapshot is open without a password",
    },
    "plainHttp": {"vi": "chỉ nhận HTTP không mã hóa", "en": "takes plain HTTP only"},
}
"""What a poller says in `faults` -> what people read."""

EVIDENCE: dict[str, dict[str, str]] = {
    "saysFull": {"vi": "máy tự báo như vậy", "en": "it says so itself"},
    "clockRefused": {
        "vi": "nay từ chối cả câu hỏi giờ, trước đây vẫn trả lời không cần mật khẩu",
        "en": "it now refuses even the question for its time, which it answered without a password before",
    },
    "cameAndWent": {
        "vi": "cùng mật khẩu này lúc được nhận, lúc bị từ chối",
        "en": "the same password was refused and accepted in turns",
    },
    "workedBefore": {
        "vi": "mật khẩu này trước đây dùng được: đã bị đổi, hoặc camera đã đủ kết nối mà không nói",
        "en": "this password worked before: it was changed, or the camera is full and does not say so",
    },
    "neverWorked": {
        "vi": "mật khẩu này chưa từng được nhận: có thể sai, hoặc camera đã đủ kết nối ngay từ đầu",
        "en": "this password was never accepted: it is wrong, or the camera was full from the start",
    },
    "wantsPlain": {
        "vi": "máy đòi mật khẩu không mã hóa, chưa gửi",
        "en": "it wants the password unencrypted, which was not sent",
    },
    "saysLocked": {"vi": "máy tự báo đã khóa", "en": "it says that it locked the login"},
    "busyUnsaid": {
        "vi": "không nói vì sao: bận hay đủ kết nối thì không phân biệt được; không nói gì về mật khẩu",
        "en": "without a word why: busy or full cannot be told apart; nothing is said about the password",
    },
}
"""What a poller saw, by which it came to the code in `faults` -> what people read after that."""

SECURITY = ("defaultPassword", "streamOpen", "pictureOpen", "plainHttp")
"""Codes of the security column: they make no light red."""
