"""From RTP packets to one JPEG (RFC 2435): the payload says what its headers were, they are written anew.

Huffman tables are left out: they are always JPEG's own, which FFmpeg knows.
"""

from __future__ import annotations

from drivers.onvif.errors import CameraError, Code
from drivers.onvif.rtp import FRAME_CAP, Track, payload_of

_HEADER = 8
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32,
)  # fmt: skip
_ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
_HAS_RESTARTS, _TABLES_FOLLOW = 64, 128


class JpegAssembler:
    """Collects the fragments of one picture. Packets come in order (TCP)."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._head = b""
        self._data = bytearray()

    def add(self, packet: bytes) -> bytes | None:
        """The JPEG, once its last packet came. Raises CameraError."""
        found = payload_of(packet, self._track.payload)
        if found is None or len(found[0]) < _HEADER:
            return None
        payload, marker, _ = found
        offset, at = int.from_bytes(payload[1:4], "big"), _HEADER
        kind, quality = payload[4], payload[5]
        restarts = b""
        if kind & _HAS_RESTARTS:
            restarts, at = payload[at : at + 2], at + 4
        if offset == 0:
            tables = _tables(quality)
            if quality >= _TABLES_FOLLOW:
                size = int.from_bytes(payload[at + 2 : at + 4], "big")
                tables, at = payload[at + 4 : at + 4 + size], at + 4 + size
            self._head = _head(kind, payload[6] * 8, payload[7] * 8, tables, restarts)
            self._data.clear()
        if not self._head or offset != len(self._data):
            self._head = b""  # its beginning was before us, or a part is missing
            return None
        self._data += payload[at:]
        if len(self._data) > FRAME_CAP:
            raise CameraError(Code.TOO_LARGE, f"its picture is larger than {FRAME_CAP:,} bytes")
        if not marker:
            return None
        whole, self._head = self._head + bytes(self._data) + b"\xff\xd9", b""
        return whole


def _tables(quality: int) -> bytes:
    """Both tables for a quality of 1 to 99, as libjpeg scales them, in zigzag order."""
    quality = min(max(quality, 1), 99)
    scale = 5000 // quality if quality < 50 else 200 - quality * 2  # noqa: PLR2004 - the RFC's formula
    both = (table[i] for table in (_LUMINANCE, _CHROMINANCE) for i in _ZIGZAG)
    return bytes(min(max((value * scale + 50) // 100, 1), 255) for value in both)


def _head(kind: int, width: int, height: int, tables: bytes, restarts: bytes) -> bytes:
    if len(tables) not in (64, 128) or not width or not height:
        return b""  # 16 bit tables, or larger than the format can say: nobody sends them
    parts = [b"\xff\xd8"]
    pieces = (tables[i : i + 64] for i in range(0, len(tables), 64))
    parts += [b"\xff\xdb\x00\x43" + bytes([i]) + piece for i, piece in enumerate(pieces)]
    if restarts:
        parts.append(b"\xff\xdd\x00\x04" + restarts)
    second = 1 if len(tables) == 128 else 0  # noqa: PLR2004 - two tables
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    sampling = 0x22 if kind & 1 else 0x21
    parts.append(
        b"\xff\xc0\x00\x11\x08" + size + bytes([3, 1, sampling, 0, 2, 0x11, second, 3, 0x11, second])
    )
    parts.append(b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00")
    return b"".join(parts)
