"""A screenshot as grey pixels: what of PNG a browser writes (8 bits, RGB or RGBA, not interlaced)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

Line = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def grey(data: bytes) -> Line:
    """The picture's green channel."""
    at, packed, width, height, step = 8, b"", 0, 0, 3
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, interlaced) == (8, 0)
            step = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * step)
    rows: list[Line] = []
    above: Line = np.zeros(width * step, np.uint8)
    for line in raw:
        above = _unfiltered(int(line[0]), line[1:], above, step)
        rows.append(above)
    return np.ascontiguousarray(np.stack(rows).reshape(height, width, step)[:, :, 1])


def _unfiltered(how: int, line: Line, above: Line, step: int) -> Line:
    if how == 0:
        return line
    if how == 2:
        return np.asarray(line + above, np.uint8)
    out = [0] * len(line)
    for i, x in enumerate(line.tolist()):
        a = out[i - step] if i >= step else 0
        b, c = int(above[i]), int(above[i - step]) if i >= step else 0
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        out[i] = (x + {1: a, 3: (a + b) // 2, 4: nearest}[how]) & 255
    return np.array(out, np.uint8)
