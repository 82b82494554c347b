"""Readings as InfluxDB's line protocol: one line a reading, a measurement a kind.

Lines are built by hand: the client's Point costs 9 us each. The same reading always makes the same line, with the
same series and time, so writing it twice changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import RECORDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.device import Device
    from devices.field import Field, Value

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ ", "\t": "\\ "})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": " ", "\r": " "})


def tag(text: str) -> str:
    """A tag's key or value, escaped. A backslash at the end would swallow what follows: it goes."""
    return text.translate(_TAG).rstrip("\\")


def series(device: Device) -> str:
    """Measurement and tags of a device's points. An empty tag is left out: InfluxDB refuses it."""
    tags = {"device": device.name, "kind": device.kind.value, "realm": device.realm, "site": device.site}
    return ",".join([device.kind.value, *(f"{k}={e}" for k, v in tags.items() if (e := tag(v)))])


def line(head: str, fields: Mapping[str, Field], values: Mapping[str, Value], at: int) -> str:
    """One reading's line with its time in ms; empty where it holds no known field.

    A field's type in InfluxDB is that of our table, never of what came: 3 of a `number` is written as 3.0.
    """
    said = []
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            continue
        match field.type:
            case "number":
                said.append(f"{name}={float(value)!r}")  # type: ignore[arg-type]
            case "integer":
                said.append(f"{name}={value}i")
            case "flag":
                said.append(f"{name}={'true' if value else 'false'}")
            case "codes":
                text = ",".join(value) if isinstance(value, list) else ""
                said.append(f'{name}="{text.translate(_TEXT)}"')
    return f"{head} {','.join(said)} {at}" if said else ""


class Lines:
    """Makes lines, and remembers what is the same for all of a device."""

    def __init__(self) -> None:
        self._fields = {kind: {f.name: f for f in fields} for kind, fields in RECORDED.items()}
        self._heads: dict[Device, str] = {}

    def of(self, device: Device, values: Mapping[str, Value], at: int) -> str:
        """One reading's line; empty where there is nothing to write."""
        head = self._heads.get(device)
        if head is None:
            head = self._heads[device] = series(device)
        return line(head, self._fields[device.kind], values, at)
