"""The native dialect: our own MQTT contract (docs/mqtt.md)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from devices import wire
from devices.event import Event, Fault, Gone, Hello, Occurrence, Pictured, Reading, Receipt, Seen
from drivers.contract import Key, Outbound
from drivers.errors import BadPayload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.device import Device, Kind
    from devices.field import Value
    from drivers.contract import Desired

_SECRET = re.compile(
    r"""(["']?(?:pass\w*|pwd|token|secret|key|psk|auth\w*)["']?\s*[:=]\s*)"""
    r"""(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\[[^\]]*\]?|[^,}]*)""",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(//)[^/@\s]*@")
_ADDRESS = re.compile(
    r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|(?<![\w:])(?=(?:[0-9a-f]*:){3})[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:])",
    re.IGNORECASE,
)
_EXCERPT = 80
_Model = TypeVar("_Model", bound=BaseModel)


def excerpt(payload: bytes) -> str:
    """At most 80 printable characters of a payload, without secrets and addresses."""
    text = payload[: 4 * _EXCERPT].decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else "·" for c in text)
    text = _ADDRESS.sub("…", _LOGIN.sub(r"\1…@", _SECRET.sub(r"\1…", text)))
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


def why(error: ValidationError) -> str:
    """The first things wrong with a payload, in one short line."""
    parts = []
    for e in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(p) for p in e["loc"])
        parts.append(f"{where}: {e['msg']}" if where else e["msg"])
    return "; ".join(parts)[:200]


def _ms(ts: float | None) -> int | None:
    return None if ts is None else round(ts * 1000)


class Native:
    """Reads what devices that follow docs/mqtt.md say."""

    filters = tuple(f"{wire.ROOT}/+/+/{channel}" for channel in wire.FROM_DEVICE)

    def route(self, topic: str) -> Key | None:
        """The key of a device-side topic of the contract."""
        parts = wire.parse_topic(topic)
        return None if parts is None else Key(*parts)

    def read(self, key: Key, payload: bytes, at: int, device: Device | None) -> Sequence[Event]:
        """Events of one message. A reading with a wrong field keeps its good ones beside a garbled fault.

        Raises BadPayload: too large, not UTF-8, not JSON, no object, identity or required keys missing or wrong.
        """
        if len(payload) > wire.MAX_PAYLOAD:
            reason = f"{len(payload)} bytes, allowed are {wire.MAX_PAYLOAD}"
            raise BadPayload(reason, excerpt(payload))
        try:
            if key.channel == "telemetry" and device is not None:
                return (_reading(key, device, wire.telemetry(device.kind).validate_json(payload), at),)
            return _other(key, payload, at)
        except ValidationError as e:
            if key.channel == "telemetry" and device is not None:
                return _salvage(key, device, payload, at, e)
            raise BadPayload(why(e), excerpt(payload)) from e

    def quick(self, kind: Kind) -> Callable[[bytes], Mapping[str, Value]]:
        """The kind's validator itself."""
        return wire.telemetry(kind).validate_json

    def write(self, order: Desired) -> Sequence[Outbound]:
        """Retained, so that a device which comes back later has it, too."""
        topic = wire.topic(order.device.realm, order.device.name, "desired")
        return (Outbound(topic, order.payload, 1, retain=True),)


def _reading(key: Key, device: Device, said: dict[str, Any], at: int) -> Reading:
    ts = said.pop("ts", None)
    return Reading(
        device.name,
        key.realm,
        at,
        said.pop("boot"),
        said.pop("seq"),
        None if ts is None else round(ts * 1000),
        said.pop("late", False),
        said,
        said.pop("applied", None),
    )


def _salvage(key: Key, device: Device, payload: bytes, at: int, error: ValidationError) -> Sequence[Event]:
    """Keep what is good of a telemetry message whose identity can be read; raise BadPayload where it cannot."""
    bad = {str(e["loc"][0]) for e in error.errors(include_url=False, include_input=False) if e["loc"]}
    if not bad or bad & {"boot", "seq", "late"}:
        raise BadPayload(why(error), excerpt(payload)) from error
    try:
        whole = json.loads(payload)
        kept = json.dumps({k: v for k, v in whole.items() if k not in bad}).encode()
        said = wire.telemetry(device.kind).validate_json(kept)
    except (ValueError, RecursionError, ValidationError) as e:
        raise BadPayload(why(error), excerpt(payload)) from e
    fault = Fault(
        device.name, key.realm, at, "garbled_field", active=True, about=f"{why(error)} · {excerpt(payload)}"
    )
    return (_reading(key, device, said, at), fault)


def _parse(model: type[_Model], payload: bytes) -> _Model:
    return model.model_validate_json(payload)


def _other(key: Key, payload: bytes, at: int) -> Sequence[Event]:
    match key.channel:
        case "state":
            return (_state(key, _parse(wire.StatePayload, payload), at),)
        case "occurrence":
            o = _parse(wire.OccurrencePayload, payload)
            return (Occurrence(key.device, key.realm, at, o.boot, o.seq, _ms(o.ts), o.late, o.kind),)
        case "receipt":
            r = _parse(wire.ReceiptPayload, payload)
            sent = _ms(r.ts)
            return (
                Receipt(
                    key.device, key.realm, at, r.boot, r.seq, sent, r.late, r.id, r.result, r.detail, r.frames
                ),
            )
        case "picture":
            return (_picture(key, payload, at),)
        case "hello":
            h = _parse(wire.HelloPayload, payload)
            return (Hello(key.device, key.realm, at, h.model_dump()),)
        case _:  # telemetry of a device that is not registered: its kind, and so its fields, are unknown
            return ()


def _picture(key: Key, payload: bytes, at: int) -> Pictured:
    head, _, jpeg = payload.partition(b"\n")
    p = wire.PicturePayload.model_validate_json(head)
    if not jpeg.startswith(b"\xff\xd8"):
        raise BadPayload("no JPEG after the first line", excerpt(head))
    return Pictured(key.device, key.realm, at, p.at, p.what, p.codes, p.by, jpeg)


def _state(key: Key, s: wire.StatePayload, at: int) -> Event:
    if not s.online:
        return Gone(key.device, key.realm, at, s.boot, by_will=True, why=s.why)
    said = (("model", s.model), ("firmware", s.firmware), ("applied", s.applied), ("key", s.key))
    claim = {k: v for k, v in said if v}
    return Seen(key.device, key.realm, at, s.boot, s.seq, _ms(s.ts), late=False, claim=claim)
