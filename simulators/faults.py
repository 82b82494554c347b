"""What can be broken: one visible table, and the codes by which devices complain."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from devices.device import Kind
from simulators.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

LAMP_FAILURE = "lampFailure"
BATTERY_SHUTDOWN = "batteryShutdown"
LAMP_UNEXPECTED_ON = "lampUnexpectedOn"
"""What a light's controller puts into its field `faults`: names of devices.solar_light.FAULT_CODES."""

_ALL = frozenset(Kind) - {Kind.HUB}
_CAMERA = frozenset({Kind.CAMERA})
_BOARD = frozenset({Kind.SIGNBOARD})
_SMALL = frozenset({Kind.SOLAR_LIGHT, Kind.ACCESS_POINT, Kind.GATEWAY})


@dataclass(frozen=True, slots=True)
class FaultKind:
    """`kinds` that can have it, and what people see of it."""

    kinds: frozenset[Kind]
    text: str


FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        # Felt by the device's physics
        "lamp_dead": FaultKind(frozenset({Kind.SOLAR_LIGHT}), "the lamp draws no power and stays dark"),
        "stuck_on_by_day": FaultKind(frozenset({Kind.SOLAR_LIGHT}), "the relay sticks: lit day and night"),
        "dying_battery": FaultKind(
            frozenset({Kind.SOLAR_LIGHT}), "an eighth of the capacity: dark before dawn"
        ),
        "dirty_panel": FaultKind(frozenset({Kind.SOLAR_LIGHT}), "dust on the panel: half the yield"),
        "ignores_program": FaultKind(
            frozenset({Kind.SOLAR_LIGHT}), "keeps the light program that it has, whatever is asked"
        ),
        "slow_program": FaultKind(
            frozenset({Kind.SOLAR_LIGHT}), "takes ten minutes to apply a light program that is asked of it"
        ),
        "radio_off": FaultKind(frozenset({Kind.ACCESS_POINT}), "the radio is off, nobody can connect"),
        "slow_uplink": FaultKind(frozenset({Kind.ACCESS_POINT, Kind.GATEWAY}), "latency of a second, loss"),
        "uplink_down": FaultKind(
            frozenset({Kind.ACCESS_POINT, Kind.GATEWAY}),
            "no internet (an access point says so over its management link; a gateway is cut off with all behind it)",
        ),
        "out_of_range": FaultKind(_SMALL, "a sensor says what cannot be (-127 °C, 255 %)"),
        # Felt by what a board shows
        "slow_board": FaultKind(_BOARD, "takes what it should show two and a half minutes late"),
        "stuck_frame": FaultKind(_BOARD, "acknowledges, and goes on showing the frame that stands on it"),
        "lying_board": FaultKind(_BOARD, "reports frames that nobody previewed"),
        "power_flickers": FaultKind(_BOARD, "loses its power, once, in the middle of storing a frame"),
        "storage_full": FaultKind(_BOARD, "has no room for further frames"),
        "dead_pixels": FaultKind(_BOARD, "forty pixels are dead"),
        "clock_ahead": FaultKind(_BOARD, "its clock is three hours ahead"),
        # Felt by a camera's lens and picture
        "frozen": FaultKind(_CAMERA, "the same picture again and again"),
        "covered": FaultKind(_CAMERA, "something hangs before the lens"),
        "blurred": FaultKind(_CAMERA, "out of focus"),
        "turned": FaultKind(_CAMERA, "turned away from its view"),
        "black": FaultKind(_CAMERA, "the picture is black"),
        "no_signal": FaultKind(_CAMERA, "its sensor gives no signal: the picture is black, and it says so"),
        "overexposed": FaultKind(_CAMERA, "the picture is burnt out"),
        "no_snapshot": FaultKind(_CAMERA, "gives no single pictures, only its stream"),
        "no_stream": FaultKind(_CAMERA, "its stream answers OPTIONS and nothing after it"),
        "not_recording": FaultKind(
            _CAMERA, "records no more; some lose what they had, too (seen only where a camera has a recorder)"
        ),
        # Felt by who asks it (cameras that are asked by ONVIF)
        "clock_behind": FaultKind(_CAMERA, "its clock is more than two hours behind"),
        "wrong_password": FaultKind(_CAMERA, "somebody changed its password"),
        "connections_full": FaultKind(
            _CAMERA, "others hold all its connections; each maker says so differently"
        ),
        "slow_answers": FaultKind(_CAMERA, "answers after twelve seconds, or a few bytes at a time"),
        "xml_garbled": FaultKind(_CAMERA, "answers that are no XML"),
        "xml_bomb": FaultKind(_CAMERA, "answers whose XML unfolds to gigabytes"),
        "reply_truncated": FaultKind(_CAMERA, "answers end in the middle"),
        "reply_huge": FaultKind(_CAMERA, "answers without end, or packed small and very large"),
        "reset": FaultKind(_CAMERA, "resets the connection in the middle of an answer"),
        "redirect_loop": FaultKind(_CAMERA, "sends one from address to address without end"),
        "inner_xaddr": FaultKind(_CAMERA, "announces addresses of a network that nobody can reach"),
        # Felt by its firmware and its connection
        "silent": FaultKind(_ALL, "dead: connection lost, nothing more is heard"),
        "flapping": FaultKind(_ALL, "the connection breaks and returns again and again"),
        "reboot_loop": FaultKind(_ALL, "restarts again and again"),
        "clock_1970": FaultKind(_ALL, "rebooted without a clock: its time begins in 1970"),
        "garbled": FaultKind(_ALL, "firmware that sends broken payloads"),
    }
)


def check(fault: str, kind: Kind) -> None:
    """Raises UserError where a device of `kind` cannot have `fault`."""
    if fault not in FAULTS:
        raise UserError(f"There is no fault {fault!r}; known are: {', '.join(FAULTS)}.")
    if kind not in FAULTS[fault].kinds:
        able = ", ".join(name for name, f in FAULTS.items() if kind in f.kinds)
        raise UserError(f"A device of kind {kind} cannot have {fault!r}; it can have: {able}.")
