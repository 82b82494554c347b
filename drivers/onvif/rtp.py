"""From RTP packets to one key frame: H.264 (RFC 6184) and H.265 (RFC 7798), as cameras send them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from drivers.onvif.errors import CameraError, Code

FRAME_CAP = 4_000_000
"""Bytes of a key frame."""
_START = b"\x00\x00\x00\x01"
_HEADER = 12


class Track(NamedTuple):
    """The video of a session description.

    Encoding (`H264`, `H265`, `JPEG` ...), payload type, control address, and what decoding needs beforehand.
    """

    encoding: str
    payload: int
    control: str
    parameters: bytes


def video(sdp: str) -> Track | None:
    """The first video track of a session description, None where there is none."""
    inside, payload, encoding, control, parameters = False, -1, "", "", b""
    for line in sdp.splitlines()[:1000]:
        key, _, value = line.strip().partition("=")
        if key == "m":
            if inside:
                break
            parts = value.split()
            inside = len(parts) > 3 and parts[0] == "video" and parts[3].isdecimal()  # noqa: PLR2004 - m=video 0 RTP/AVP 96
            payload = int(parts[3][:3]) if inside else -1
            encoding = {26: "JPEG", 32: "MPV"}.get(payload, "")
        elif key == "a" and inside:
            name, _, rest = value.partition(":")
            if name == "control":
                control = rest.strip()
            elif name == "rtpmap" and rest.startswith(f"{payload} "):
                encoding = rest.split()[1].partition("/")[0].upper()
            elif name == "fmtp" and rest.startswith(f"{payload} "):
                parameters = _sprops(rest)
    return Track(encoding, payload, control, parameters) if payload >= 0 else None


def control_url(base: str, control: str) -> str:
    """Where SETUP goes. Absolute ones are kept as the camera's own names: they are only said, on our connection."""
    if not control or control == "*":
        return base
    if control.startswith(("rtsp://", "rtsps://")):
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"


def _sprops(fmtp: str) -> bytes:
    found = b""
    for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"):
        value = re.search(rf"\b{name}=([A-Za-z0-9+/=,]{{1,4000}})", fmtp)
        for part in value[1].split(",") if value else ():
            try:
                unit = base64.b64decode(part + "=" * (-len(part) % 4))
            except binascii.Error:
                continue
            found += _START + unit if unit else b""
    return found


def payload_of(packet: bytes, kind: int) -> tuple[bytes, bool, int] | None:
    """A packet's payload, whether it ends a picture, and its time stamp; None where it is of another kind."""
    if len(packet) < _HEADER or packet[0] >> 6 != 2 or packet[1] & 0x7F != kind:  # noqa: PLR2004 - version 2
        return None
    start = _HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[start:end], bool(packet[1] & 0x80), int.from_bytes(packet[4:8], "big")


class Assembler:
    """Collects packets until one whole key frame is there. Packets come in order (TCP)."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._hevc = track.encoding == "H265"
        self._units: list[bytes] = []
        self._part = bytearray()
        self._size = 0
        self._stamp = -1

    def add(self, packet: bytes) -> bytes | None:
        """The key frame with its parameters, ready to decode, once its last packet came. Raises CameraError."""
        found = payload_of(packet, self._track.payload)
        if found is None:
            return None
        payload, marker, stamp = found
        whole = None
        if stamp != self._stamp:
            whole = self._finish()  # its sender sets no marker
            self._stamp = stamp
        if len(payload) > (2 if self._hevc else 1):
            (self._add_hevc if self._hevc else self._add_avc)(payload)
        if marker and whole is None:
            whole = self._finish()
        return whole

    def _finish(self) -> bytes | None:
        units, self._units, self._size = self._units, [], 0
        self._part.clear()
        if not any(self._key(u) for u in units):
            return None
        return self._track.parameters + b"".join(_START + u for u in units)

    def _key(self, unit: bytes) -> bool:
        if self._hevc:
            return 16 <= (unit[0] >> 1) & 0x3F <= 21  # noqa: PLR2004 - BLA, IDR, CRA
        return unit[0] & 0x1F == 5  # noqa: PLR2004 - IDR

    def _keep(self, unit: bytes) -> None:
        if unit:
            self._size += len(unit)
            if self._size > FRAME_CAP:
                raise CameraError(Code.TOO_LARGE, f"its key frame is larger than {FRAME_CAP:,} bytes")
            self._units.append(unit)

    def _aggregate(self, data: bytes) -> None:
        at = 0
        while at + 2 <= len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            self._keep(data[at + 2 : at + 2 + size])
            at += 2 + size

    def _fragment(self, header: bytes, flags: int, data: bytes) -> None:
        if flags & 0x80:
            self._part = bytearray(header)
        elif not self._part:
            return  # its beginning was before us
        self._part += data
        if len(self._part) > FRAME_CAP:
            raise CameraError(Code.TOO_LARGE, f"its key frame is larger than {FRAME_CAP:,} bytes")
        if flags & 0x40:
            self._keep(bytes(self._part))
            self._part.clear()

    def _add_avc(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        if kind == 24:  # noqa: PLR2004 - STAP-A
            self._aggregate(payload[1:])
        elif kind == 28:  # noqa: PLR2004 - FU-A
            self._fragment(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]), payload[1], payload[2:])
        elif 1 <= kind <= 23:  # noqa: PLR2004 - one unit
            self._keep(payload)

    def _add_hevc(self, payload: bytes) -> None:
        kind = (payload[0] >> 1) & 0x3F
        if kind == 48:  # noqa: PLR2004 - AP
            self._aggregate(payload[2:])
        elif kind == 49:  # noqa: PLR2004 - FU
            header = bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])
            self._fragment(header, payload[2], payload[3:])
        elif kind < 48:  # noqa: PLR2004 - one unit
            self._keep(payload)
