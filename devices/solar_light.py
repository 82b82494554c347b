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

FAULT_CODES: dict[str, str] = {
    "lampFailure": "Lamp gives no light",
    "lampUnexpectedOn": "Lamp burns when it should be off",
    "lampPowerTooHigh": "Lamp draws more power than expected",
    "lampPowerTooLow": "Lamp draws less power than expected",
    "lampVoltageTooHigh": "Lamp voltage too high",
    "lampVoltageTooLow": "Lamp voltage too low",
    "currentTooHigh": "Supply current too high",
    "currentTooLow": "Supply current too low",
    "cyclingFailure": "Lamp goes on and off again and again",
    "dimmingFailure": "Lamp cannot be dimmed",
    "relayFailure": "Relay stuck",
    "lightSourceOpenCircuit": "LED circuit open",
    "lightSourceShortCircuit": "LED circuit shorted",
    "lightSourceThermalDerating": "LEDs dimmed because of heat",
    "lightSourceThermalShutdown": "LEDs off because of heat",
    "controlGearFailure": "Driver broken",
    "controlGearCommFailure": "Driver does not answer its controller",
    "controlGearThermalDerating": "Driver dimmed because of heat",
    "controlGearThermalShutdown": "Driver off because of heat",
    "batteryLevelTooLow": "Battery low",
    "batteryEmpty": "Battery empty",
    "batteryShutdown": "Shut down to save the battery",
    "overCurrentCharge": "Charging current too high",
    "overCurrentDischarge": "Discharging current too high",
    "highPower": "Charging power too high",
    "highTemperature": "Too hot",
    "lowTemperature": "Too cold",
    "supplyLoss": "Power supply lost",
    "communicationFailure": "Communication failed",
    "lastSyncError": "Clock could not be set",
    "deviceMalfunction": "Device does not work as it should",
    "functionError": "A part of the device failed",
    "invalidConfig": "Settings not valid",
    "invalidProgram": "Light program not valid",
    "impactDetected": "Pole or device was hit",
    "orientationChanged": "Device tilted or turned",
    "locationChanged": "Device was moved",
}
"""TALQ event names that a light's controller may put into `faults` -> English text. Unknown codes are kept as said."""
