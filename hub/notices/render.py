"""The one way to frames: what a draft looks like on boards of a profile."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from typing import TYPE_CHECKING

from devices.notice import pixel_hash
from hub.notices.views import Page, Problem

if TYPE_CHECKING:
    from hub.notices.views import Draft

_PROFILE = re.compile(r"\w+-(\d{2,4})x(\d{2,4})(-\w+)?")


def known(profile: str) -> bool:
    """Something can be drawn for boards of this profile."""
    return _PROFILE.fullmatch(profile) is not None


def render(draft: Draft, picture: bytes, profile: str) -> tuple[tuple[Page, ...], tuple[Problem, ...]]:
    """The frames of a clean draft, always the same for the same; or why there are none. A worker thread's work."""
    found = _PROFILE.fullmatch(profile)
    if found is None:
        return (), (Problem("profile_unknown", "targets", {"profile": profile}),)
    width, height = int(found[1]), int(found[2])
    said = f"{profile}\0{draft.level}\0{draft.drill}\0{draft.title}\0{draft.text}\0{draft.link}".encode()
    shade = hashlib.sha256(said + picture).digest()
    pixels = b"".join(b"\0" + shade[y % 32 : y % 32 + 1] * width for y in range(height))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(pixels)),
            (b"IEND", b""),
        )
    )
    rgb = b"".join(shade[y % 32 : y % 32 + 1] * (3 * width) for y in range(height))
    return (Page(pixel_hash(width, height, rgb), 8.0, png),), ()
