"""What was found out about a camera, as one reading of our contract. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.field import Value

CLOCK_OFF_S = 30.0
"""A clock that is further off is wrong. ONVIF tells whole seconds, and evidence needs the minute."""

WORDS = 40
"""Letters of a camera's own words that are kept: the contract's longest code."""


@dataclass(slots=True)
class Found:
    """One visit. What could not be told is None; `faults` are codes of devices.camera beside those that follow here.

    `login`: True where it was accepted. `fresh`, `good`: what the last judged picture showed, with its `seen` codes
    and numbers; `suspected`: codes that only the last one shows. `recording`: None is an honest "cannot tell".
    `evidence`, `said`, `connections_most`: by what a refusal was told, the camera's own words, the number in them.
    `safe`: codes of devices.camera.SECURITY that were looked at and are not so.
    """

    answer_ms: float
    login: bool | None = None
    clock_off_s: float | None = None
    fresh: bool | None = None
    good: bool | None = None
    luminance_pct: float | None = None
    turned_deg: float | None = None
    picture_age_s: float | None = None
    recording: bool | None = None
    picture_every_s: float | None = None
    picture_next_s: float | None = None
    suspected: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    said: str = ""
    connections_most: int | None = None
    safe: list[str] = field(default_factory=list)
    clock_ntp: bool | None = None
    requests_h: int = 0
    traffic_kb: int = 0


def reading(found: Found) -> dict[str, Value]:
    """The fields of a camera's telemetry."""
    clock = None if found.clock_off_s is None else abs(found.clock_off_s) <= CLOCK_OFF_S
    lights = {
        "logged_in": found.login,
        "picture_fresh": found.fresh,
        "picture_good": found.good,
        "clock_right": clock,
        "recording": found.recording,
    }
    faults = list(dict.fromkeys(found.faults))
    if clock is False:
        faults.append("clockWrong")
    if found.recording is False:
        faults.append("notRecording")
    said: dict[str, Value] = {
        "lights_ok": [name for name, state in lights.items() if state],
        "lights_bad": [name for name, state in lights.items() if state is False],
        "faults": faults[:32],
        "suspected": found.suspected[:32],
        "evidence": found.evidence[:32],
        "said": [found.said[:WORDS]] if found.said else [],
        "safe": found.safe,
        "answer_ms": round(found.answer_ms, 1),
        "requests_h": found.requests_h,
        "traffic_kb": found.traffic_kb,
    }
    for name, digits in (
        ("clock_off_s", 1),
        ("luminance_pct", 1),
        ("turned_deg", 0),
        ("picture_age_s", 0),
        ("picture_every_s", 0),
        ("picture_next_s", 0),
    ):
        value = getattr(found, name)
        if value is not None:
            said[name] = round(value, digits) if digits else float(round(value))
    if found.connections_most is not None:
        said["connections_most"] = found.connections_most
    if found.clock_ntp is not None:
        said["clock_ntp"] = found.clock_ntp
    return said


LOGIN_CODES = {
    "login_refused": "loginRefused",
    "login_plain": "loginRefused",
    "login_locked": "loginLocked",
    "login_full": "loginFull",
}
"""What a refused login is called in a reading."""

ANSWER_CODES = {
    "garbled": "answersGarbled",
    "too_large": "answersTooLarge",
    "timeout": "answersSlow",
    "not_onvif": "notOnvif",
    "redirected": "sendsElsewhere",
    "forbidden_address": "sendsElsewhere",
    "busy": "answersBusy",
    "reset": "answersGarbled",
    "tls": "answersGarbled",
    "not_a_picture": "noPicture",
    "failed": "answersGarbled",
}
"""What a camera that can be reached does wrong -> what that is called in a reading."""

GONE = ("refused", "no_route", "no_such_host", "timeout", "reset")
"""With these a camera cannot be reached."""
