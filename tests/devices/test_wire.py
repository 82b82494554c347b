"""The contract as data: every payload good, wrong-typed, out of range; topics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from devices import wire
from devices.device import FIELDS, Kind

if TYPE_CHECKING:
    from devices.field import Field

NUMBERS = [(k, f) for k in Kind for f in FIELDS[k] if f.type in ("number", "integer")]
EVERY = [(k, f) for k in Kind for f in FIELDS[k]]


def read(kind: Kind, **said: Any) -> dict[str, Any]:
    found: dict[str, Any] = wire.telemetry(kind).validate_json(
        json.dumps({"boot": 1, "seq": 1, **said}).encode()
    )
    return found


def good(f: Field) -> Any:
    match f.type:
        case "number" | "integer":
            return f.low
        case "flag":
            return True
        case "codes":
            return ["lampFailure"]
        case "hash":
            return "0" * 64


# --- topics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", wire.FROM_DEVICE)
def test_a_topic_is_what_was_put_together(channel: str) -> None:
    assert wire.parse_topic(wire.topic("thon-1", "den-7", channel)) == ("thon-1", "den-7", channel)


@pytest.mark.parametrize(
    "text",
    [
        "", "vh", "vh/1", "vh/1/a/b", "vh/1/a/b/telemetry/x", "vh/2/a/b/telemetry", "xx/1/a/b/telemetry",
        "vh/1/a/b/desired", "vh/1/a/b/command", "vh/1/a/b/marker", "vh/1/a/b/", "vh/1//b/telemetry",
        "vh/1/a//telemetry", "vh/1/A/b/telemetry", "vh/1/a/B/telemetry", "vh/1/a/đèn/telemetry",
        "vh/1/-a/b/telemetry", "/vh/1/a/b/telemetry",
        "vh/1/" + "a" * 41 + "/b/telemetry", "vh/1/a/b c/telemetry", "vh/1/a/b/telemetry\n", "vh/1/a/b\n/telemetry",
        "\ufffd",
    ],
)  # fmt: skip
def test_what_is_no_topic_of_a_device(text: str) -> None:
    assert wire.parse_topic(text) is None


# --- telemetry ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_all_fields_at_once(kind: Kind) -> None:
    said = {f.name: good(f) for f in FIELDS[kind]}
    assert read(kind, **said, ts=1.7e9, late=True) == {"boot": 1, "seq": 1, "ts": 1.7e9, "late": True, **said}


@pytest.mark.parametrize("kind", list(Kind))
def test_identity_alone_is_enough_and_newer_firmware_may_say_more(kind: Kind) -> None:
    assert read(kind, moon_phase="full") == {"boot": 1, "seq": 1}


@pytest.mark.parametrize(("kind", "f"), NUMBERS, ids=lambda v: getattr(v, "name", v))
def test_limits_are_inclusive(kind: Kind, f: Field) -> None:
    assert f.low is not None
    assert f.high is not None
    assert read(kind, **{f.name: f.low})[f.name] == f.low
    assert read(kind, **{f.name: f.high})[f.name] == f.high
    beyond = 1 if f.type == "integer" else max(1e-9, abs(f.high) * 1e-9)
    for value in (f.low - beyond, f.high + beyond):
        with pytest.raises(ValidationError):
            read(kind, **{f.name: value})


@pytest.mark.parametrize(
    "text", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b'"12.5"', b"true", b"null", b"[12.5]"]
)
def test_what_is_no_number(text: bytes) -> None:
    with pytest.raises(ValidationError):
        wire.telemetry(Kind.SOLAR_LIGHT).validate_json(b'{"boot": 1, "seq": 1, "battery_v": ' + text + b"}")


@pytest.mark.parametrize(("kind", "f"), EVERY, ids=lambda v: getattr(v, "name", v))
def test_every_field_refuses_a_wrong_type(kind: Kind, f: Field) -> None:
    wrong: list[Any] = [None, "x", {}, [1], [["x"]]]
    wrong += [1.5] if f.type == "integer" else []
    wrong += [1, 0] if f.type in ("flag", "codes") else [True]
    for value in wrong:
        with pytest.raises(ValidationError):
            read(kind, **{f.name: value})


def test_codes_are_bounded() -> None:
    assert len(read(Kind.CAMERA, faults=["x" * 40] * 32)["faults"]) == 32
    for faults in (["x"] * 33, ["x" * 41]):
        with pytest.raises(ValidationError):
            read(Kind.CAMERA, faults=faults)


IDENTITY: list[dict[str, Any]] = [
    {"boot": -1}, {"boot": 2**53 + 1}, {"boot": 1.5}, {"boot": "1"}, {"boot": None}, {"boot": True},
    {"seq": 0}, {"seq": -1}, {"seq": 2**53 + 1}, {"seq": "1"}, {"seq": 1.0e99}, {"seq": None}, {"seq": False},
]  # fmt: skip


@pytest.mark.parametrize("wrong", IDENTITY, ids=str)
def test_identity_is_whole_numbers_within_limits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(Kind.CAMERA, **wrong)


@pytest.mark.parametrize("missing", ["boot", "seq"])
def test_identity_is_required(missing: str) -> None:
    said = {"boot": 1, "seq": 1}
    del said[missing]
    with pytest.raises(ValidationError):
        wire.telemetry(Kind.CAMERA).validate_json(json.dumps(said))


@pytest.mark.parametrize(("boot", "seq"), [(0, 1), (2**32, 2**32), (2**53, 2**53)])
def test_identity_at_its_limits(boot: int, seq: int) -> None:
    assert read(Kind.CAMERA, boot=boot, seq=seq) == {"boot": boot, "seq": seq}


@pytest.mark.parametrize("ts", [0, 0.001, 12, 1.7e9, 1e11])
def test_any_year_is_a_time(ts: float) -> None:
    assert read(Kind.CAMERA, ts=ts)["ts"] == ts


@pytest.mark.parametrize("ts", [-1, 1.1e11, "2025-01-01", None, True])
def test_what_is_no_time(ts: Any) -> None:
    with pytest.raises(ValidationError):
        read(Kind.CAMERA, ts=ts)


# --- the other channels ---------------------------------------------------------------------------------------

LEAST: dict[type[BaseModel], dict[str, Any]] = {
    wire.HelloPayload: {"kind": "solar_light"},
    wire.StatePayload: {"online": True, "boot": 1},
    wire.OccurrencePayload: {"boot": 1, "seq": 1, "kind": "door_open"},
    wire.ReceiptPayload: {"boot": 1, "seq": 1, "id": "o-1", "result": "done"},
}
MORE: dict[type[BaseModel], dict[str, Any]] = {
    wire.HelloPayload: {"model": "m", "serial": "s", "firmware": "f"},
    wire.StatePayload: {"seq": 1, "ts": 1.5, "model": "m", "firmware": "f"},
    wire.OccurrencePayload: {"ts": 1.5, "late": True},
    wire.ReceiptPayload: {"ts": 1.5, "late": True, "detail": "d"},
}
WRONG: list[Any] = [None, {}, [], 1.5, -1, "x" * 201]
WRONG_BOOL: list[Any] = ["true", 1, None]


@pytest.mark.parametrize("model", LEAST, ids=lambda m: m.__name__)
def test_the_least_and_the_most_that_a_payload_says(model: type[BaseModel]) -> None:
    for said in (LEAST[model], LEAST[model] | MORE[model], LEAST[model] | {"more": [1]}):
        found = model.model_validate_json(json.dumps(said)).model_dump()
        assert {k: found[k] for k in said if k != "more"} == {k: v for k, v in said.items() if k != "more"}


@pytest.mark.parametrize("model", LEAST, ids=lambda m: m.__name__)
def test_each_required_key_is_required(model: type[BaseModel]) -> None:
    for missing in LEAST[model]:
        with pytest.raises(ValidationError):
            model.model_validate_json(json.dumps({k: v for k, v in LEAST[model].items() if k != missing}))


@pytest.mark.parametrize("model", LEAST, ids=lambda m: m.__name__)
def test_each_key_refuses_a_wrong_type(model: type[BaseModel]) -> None:
    for name, f in model.model_fields.items():
        is_bool = f.annotation is bool
        is_time, is_list = name == "ts", name == "frames"
        for value in WRONG_BOOL if is_bool else WRONG:
            if (is_time and value in (1.5, None)) or (
                name == "seq" and value is None and not f.is_required()
            ):
                continue
            if is_list and value == []:
                continue
            with pytest.raises(ValidationError):
                model.model_validate_json(json.dumps(LEAST[model] | {name: value}))


@pytest.mark.parametrize("model", LEAST, ids=lambda m: m.__name__)
@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"null", b"[]", b"1", b'"x"', b"{", b"{'a': 1}", b"\x00", b"[" * 5000]
)
def test_what_is_no_json_object(model: type[BaseModel], payload: bytes) -> None:
    with pytest.raises(ValidationError):
        model.model_validate_json(payload)
