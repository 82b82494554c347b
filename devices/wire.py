"""Our MQTT contract as data: topics, channels, payload shapes, limits. docs/mqtt.md tells it to people.

Topics are `vh/1/<realm>/<device>/<channel>`. Payloads are validated by pydantic: `telemetry(kind)` from the
kind's field table, the others by the models here. Unknown keys are ignored, so newer firmware may say more.
"""

from __future__ import annotations

from functools import cache
from typing import (  # pydantic wants these below Python 3.12
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
)

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from devices.device import ASKED, FIELDS, NAME, Kind
from devices.notice import MOST_FRAMES, Hash

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

    from devices import field

ROOT = "vh/1"
FROM_DEVICE = ("hello", "state", "telemetry", "occurrence", "receipt", "picture")
FROM_HUB = ("desired", "command")
MARKER_REALM = "hub"
"""Realm under which the hub publishes its own markers and probes; no device may be in it."""

MAX_PAYLOAD = 256 * 1024
"""Bytes of one MQTT payload; a larger one is garbled (the broker cuts off at 300,000 bytes)."""

Boot = Annotated[int, Field(ge=0, le=2**53)]
Seq = Annotated[int, Field(ge=1, le=2**53)]
Ts = Annotated[float, Field(ge=0, le=1e11)]
Text = Annotated[str, StringConstraints(max_length=200)]
Code = Annotated[str, StringConstraints(max_length=40)]

_CONFIG = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class Topic(NamedTuple):
    """A topic taken apart."""

    realm: str
    device: str
    channel: str


def topic(realm: str, device: str, channel: str) -> str:
    """The topic of a channel, without checking the names."""
    return f"{ROOT}/{realm}/{device}/{channel}"


def parse_topic(text: str) -> Topic | None:
    """The parts of a device-side topic of ours, or None where it is none."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != "vh" or parts[1] != "1":  # noqa: PLR2004 - vh/1/realm/device/channel
        return None
    realm, device, channel = parts[2:]
    if channel not in FROM_DEVICE or not NAME.fullmatch(realm) or not NAME.fullmatch(device):
        return None
    return Topic(realm, device, channel)


class HelloPayload(BaseModel):
    """`hello`: what an unknown device claims to be."""

    model_config = _CONFIG
    kind: Text
    model: Text = ""
    serial: Text = ""
    firmware: Text = ""


class StatePayload(BaseModel):
    """`state`: birth, goodbye and will. A will carries the boot of the connection it belongs to."""

    model_config = _CONFIG
    online: bool
    boot: Boot
    seq: Seq | None = None
    ts: Ts | None = None
    model: Text = ""
    firmware: Text = ""
    applied: Code = ""
    key: Text = ""
    """An agent's public key (X25519), base64."""
    why: Code = ""
    """Why it is not online, where a poller says so: a code of the driver that asks."""


class OccurrencePayload(BaseModel):
    """`occurrence`: something that happened once."""

    model_config = _CONFIG
    boot: Boot
    seq: Seq
    kind: Code
    ts: Ts | None = None
    late: bool = False


class ReceiptPayload(BaseModel):
    """`receipt`: the end of an order or a notice; `frames`: the hashes of what a board stored, drew or let go."""

    model_config = _CONFIG
    boot: Boot
    seq: Seq
    id: Text
    result: Code
    detail: Text = ""
    frames: Annotated[tuple[Hash, ...], Field(max_length=MOST_FRAMES)] = ()
    ts: Ts | None = None
    late: bool = False


class PicturePayload(BaseModel):
    """`picture`: one line of JSON, then the JPEG; `at` in ms since 1970."""

    model_config = _CONFIG
    what: Literal["last", "fault", "reference", "proof"]
    at: Annotated[int, Field(ge=0, le=2**53)]
    codes: Annotated[tuple[Code, ...], Field(max_length=32)] = ()
    by: Text = ""


def _annotation(f: field.Field) -> Any:
    match f.type:
        case "number":
            return Annotated[float, Field(ge=f.low, le=f.high)]
        case "integer":
            return Annotated[int, Field(ge=f.low, le=f.high)]
        case "flag":
            return bool
        case "codes":
            return Annotated[list[Code], Field(max_length=32)]
        case "hash":
            return Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]


@cache
def telemetry(kind: Kind) -> SchemaValidator:
    """The validator of a kind's telemetry: `.validate_json(bytes)` gives a dict of what was sent.

    The dict has `boot` and `seq`, and where they were sent `ts` (seconds since 1970), `late`, `applied` (of kinds
    that take a `desired`) and the kind's fields. Raises pydantic's ValidationError. A plain dict, because this runs
    for every message (1.5 us).
    """
    shape: dict[str, Any] = {
        "boot": Required[Boot],
        "seq": Required[Seq],
        "ts": NotRequired[Ts],
        "late": NotRequired[bool],
    }
    if kind in ASKED:
        shape["applied"] = NotRequired[Code]
    shape |= {f.name: NotRequired[_annotation(f)] for f in FIELDS[kind]}
    payload = TypedDict("Telemetry", shape, total=False)  # type: ignore[misc]
    payload.__pydantic_config__ = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)  # type: ignore[attr-defined]
    return TypeAdapter(payload).validator  # type: ignore[return-value]
