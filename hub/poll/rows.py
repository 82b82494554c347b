"""What a poller is told of each camera, and the lines by which it is told and answers: one JSON object a line.

To the poller: {"put": row}, {"drop": name}, {"hurry": name}, {"set_clock": name, "id": text, "manually": bool},
{"try_default": name, "id": text, "model": text}, {"reference": name, "by": person}, {"witness": name, "of": text},
{"nudge": [name, ...]}, {"clock": ms, "mono": s, "rate": r} (hub time, at an instant of the machine's monotonic clock,
and its pace).
From it: {"say": [device, channel, body]}, {"tried": {...}}, {"picture": {...}}, {"did": {...}}.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One camera. `boot`: the one that the hub knows last; `picture_s`: seconds between pictures.

    `masks`: polygons in shares of width and height, made black before a picture is kept.
    """

    name: str
    realm: str
    interval_s: float
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    boot: int | None = None
    channel: int = 1
    picture_s: float = 600.0
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()
    events: bool = False

    def with_boot(self, boot: int | None) -> Row:
        """The same under a boot."""
        return replace(self, boot=boot)

    def to_json(self) -> dict[str, Any]:
        """As it goes over the line."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """As it came."""
        masks = tuple(tuple((float(x), float(y)) for x, y in one) for one in data.pop("masks", ()))
        return cls(**data, masks=masks)


def line(**said: Any) -> bytes:
    """One message."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
