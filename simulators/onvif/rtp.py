"""A JPEG as RTP packets over the connection that asked for it (RFC 2435, RFC 2326 10.12). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD_TYPE = 26
"""JPEG's own."""
PIECE = 1400
"""Bytes of a picture in one packet."""
HZ = 90_000
_TABLES_FOLLOW = 255
_SAMPLING = {0x21: 0, 0x22: 1}
"""Blocks of luminance across and down -> the type of RFC 2435."""
_DQT, _SOF0, _SOS, _EOI = 0xDB, 0xC0, 0xDA, b"\xff\xd9"


class Scan(NamedTuple):
    """What RTP carries of a baseline JPEG: sizes in blocks of 8 pixels, both tables in zigzag order, the coded data."""

    type: int
    width: int
    height: int
    tables: bytes
    data: bytes


def scan(jpeg: bytes) -> Scan:
    """Takes a JPEG apart. Raises ValueError for one that RTP cannot carry (its Huffman tables must be JPEG's own)."""
    tables, size, kind, at = dict[int, bytes](), (0, 0), -1, 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004 - begins a marker
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        inside, at = jpeg[at + 4 : at + 2 + length], at + 2 + length
        if marker == _DQT:
            tables |= {inside[i] & 15: inside[i + 1 : i + 65] for i in range(0, len(inside), 65)}
        elif marker == _SOF0:
            size = int.from_bytes(inside[3:5], "big") // 8, int.from_bytes(inside[1:3], "big") // 8
            kind = _SAMPLING.get(inside[7], -1)
        elif marker == _SOS:
            if kind < 0 or len(tables) != 2:  # noqa: PLR2004 - luminance, chrominance
                break
            return Scan(kind, size[0], size[1], tables[0] + tables[1], jpeg[at:].removesuffix(_EOI))
    raise ValueError("RTP cannot carry this JPEG")


def packets(jpeg: bytes, number: int, at: float) -> Iterator[bytes]:
    """One picture, taken at `at` (s), as RTP packets from `number` on; the last one carries the marker."""
    found = scan(jpeg)
    stamp = int(at * HZ) & 0xFFFFFFFF
    tables = b"\0\0" + len(found.tables).to_bytes(2, "big") + found.tables
    for offset in range(0, len(found.data), PIECE):
        last = offset + PIECE >= len(found.data)
        yield b"".join((
            bytes([0x80, PAYLOAD_TYPE | (0x80 if last else 0)]),
            (number & 0xFFFF).to_bytes(2, "big"),
            stamp.to_bytes(4, "big"),
            b"\0\0\0\1",  # its source
            b"\0" + offset.to_bytes(3, "big"),
            bytes([found.type, _TABLES_FOLLOW, found.width, found.height]),
            tables if offset == 0 else b"",
            found.data[offset : offset + PIECE],
        ))  # fmt: skip
        number += 1


def interleaved(packet: bytes, channel: int) -> bytes:
    """As it goes between RTSP's own words."""
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet
