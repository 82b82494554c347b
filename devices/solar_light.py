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

FAULT_CODES: dict[str, dict[str, str]] = {
    "lampFailure": {"vi": "đèn không sáng", "en": "lamp gives no light"},
    "lampUnexpectedOn": {"vi": "đèn sáng khi phải tắt", "en": "lamp burns when it should be off"},
    "lampPowerTooHigh": {"vi": "công suất đèn quá cao", "en": "lamp draws more power than expected"},
    "lampPowerTooLow": {"vi": "công suất đèn quá thấp", "en": "lamp draws less power than expected"},
    "lampVoltageTooHigh": {"vi": "điện áp đèn quá cao", "en": "lamp voltage too high"},
    "lampVoltageTooLow": {"vi": "điện áp đèn quá thấp", "en": "lamp voltage too low"},
    "currentTooHigh": {"vi": "dòng điện quá lớn", "en": "supply current too high"},
    "currentTooLow": {"vi": "dòng điện quá nhỏ", "en": "supply current too low"},
    "cyclingFailure": {"vi": "đèn sáng tắt liên tục", "en": "lamp goes on and off again and again"},
    "dimmingFailure": {"vi": "không chỉnh được độ sáng", "en": "lamp cannot be dimmed"},
    "relayFailure": {"vi": "kẹt rơ-le", "en": "relay stuck"},
    "lightSourceOpenCircuit": {"vi": "hở mạch LED", "en": "LED circuit open"},
    "lightSourceShortCircuit": {"vi": "chập mạch LED", "en": "LED circuit shorted"},
    "lightSourceThermalDerating": {"vi": "LED giảm sáng vì nóng", "en": "LEDs dimmed because of heat"},
    "lightSourceThermalShutdown": {"vi": "LED tắt vì nóng", "en": "LEDs off because of heat"},
    "controlGearFailure": {"vi": "hỏng bộ nguồn LED", "en": "driver broken"},
    "controlGearCommFailure": {
        "vi": "bộ nguồn LED không trả lời",
        "en": "driver does not answer its controller",
    },
    "controlGearThermalDerating": {
        "vi": "bộ nguồn LED giảm công suất vì nóng",
        "en": "driver dimmed because of heat",
    },
    "controlGearThermalShutdown": {"vi": "bộ nguồn LED tắt vì nóng", "en": "driver off because of heat"},
    "batteryLevelTooLow": {"vi": "ắc quy yếu", "en": "battery low"},
    "batteryEmpty": {"vi": "hết ắc quy", "en": "battery empty"},
    "batteryShutdown": {"vi": "tắt để giữ ắc quy", "en": "shut down to save the battery"},
    "overCurrentCharge": {"vi": "dòng nạp quá lớn", "en": "charging current too high"},
    "overCurrentDischarge": {"vi": "dòng xả quá lớn", "en": "discharging current too high"},
    "highPower": {"vi": "công suất nạp quá cao", "en": "charging power too high"},
    "highTemperature": {"vi": "quá nóng", "en": "too hot"},
    "lowTemperature": {"vi": "quá lạnh", "en": "too cold"},
    "supplyLoss": {"vi": "mất nguồn điện", "en": "power supply lost"},
    "communicationFailure": {"vi": "lỗi truyền tin", "en": "communication failed"},
    "lastSyncError": {"vi": "không chỉnh được giờ", "en": "clock could not be set"},
    "deviceMalfunction": {"vi": "thiết bị hoạt động sai", "en": "device does not work as it should"},
    "functionError": {"vi": "một bộ phận bị lỗi", "en": "a part of the device failed"},
    "invalidConfig": {"vi": "cài đặt không hợp lệ", "en": "settings not valid"},
    "invalidProgram": {"vi": "lịch chiếu sáng không hợp lệ", "en": "light program not valid"},
    "impactDetected": {"vi": "cột hoặc đèn bị va đập", "en": "pole or device was hit"},
    "orientationChanged": {"vi": "thiết bị bị nghiêng hoặc xoay", "en": "device tilted or turned"},
    "locationChanged": {"vi": "thiết bị bị dời chỗ", "en": "device was moved"},
}
"""TALQ event names that a light's controller may put into `faults` -> what they say. Unknown codes are kept as said."""
