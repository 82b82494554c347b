"""Fault codes in words, for all kinds: one visible table."""

from __future__ import annotations

from devices.camera import FAULT_CODES as CAMERA_CODES
from devices.gateway import FAULT_CODES as GATEWAY_CODES
from devices.hub import FAULT_CODES as HUB_CODES
from devices.signboard import FAULT_CODES as BOARD_CODES
from devices.solar_light import FAULT_CODES as LIGHT_CODES

_BY_KIND = (LIGHT_CODES, CAMERA_CODES, BOARD_CODES, GATEWAY_CODES, HUB_CODES)
FAULT_CODES: dict[str, dict[str, str]] = {code: text for codes in _BY_KIND for code, text in codes.items()}


def in_words(code: str, language: str) -> str:
    """What a code says, with the code itself; a code that nobody knows is told as it came."""
    text = FAULT_CODES.get(code)
    return code if text is None else f"{text[language]} ({code})"
