"""The native dialect: what a message says, what is kept of a bad one, and what an excerpt must not show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import wire
from devices.device import Device, Kind
from devices.event import Fault, Gone, Hello, Occurrence, Reading, Receipt, Seen
from drivers.contract import Key
from drivers.errors import BadPayload
from drivers.native import Native, excerpt

if TYPE_CHECKING:
    from devices.field import Value

LIGHT = Device("den-1", Kind.SOLAR_LIGHT, "thon-1", "thon-1")
AT = 1_700_000_000_000
native = Native()


def read(channel: str, said: Any, device: Device | None = LIGHT) -> tuple[Any, ...]:
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    return tuple(native.read(Key("thon-1", "den-1", channel), payload, AT, device))


# --- good -----------------------------------------------------------------------------------------------------


def test_telemetry() -> None:
    said = {"boot": 3, "seq": 9, "ts": 1700000000.25, "battery_v": 12, "lamp_lit": True, "faults": []}
    values: dict[str, Value] = {"battery_v": 12.0, "lamp_lit": True, "faults": []}
    assert read("telemetry", said) == (
        Reading("den-1", "thon-1", AT, 3, 9, 1_700_000_000_250, late=False, values=values),
    )


def test_a_number_is_a_float_even_where_it_was_sent_whole() -> None:
    (reading,) = read("telemetry", {"boot": 3, "seq": 9, "battery_v": 12})
    assert type(reading.values["battery_v"]) is float


def test_buffered_telemetry_of_a_device_without_a_clock() -> None:
    assert read("telemetry", {"boot": 3, "seq": 9, "late": True}) == (
        Reading("den-1", "thon-1", AT, 3, 9, None, late=True, values={}),
    )


def test_state() -> None:
    assert read(
        "state", {"online": True, "boot": 3, "seq": 1, "ts": 2.0, "model": "SL-40", "firmware": "1.2"}
    ) == (Seen("den-1", "thon-1", AT, 3, 1, 2000, late=False, claim={"model": "SL-40", "firmware": "1.2"}),)
    assert read("state", {"online": False, "boot": 3}) == (Gone("den-1", "thon-1", AT, 3, by_will=True),)


def test_occurrence_receipt_hello() -> None:
    assert read("occurrence", {"boot": 3, "seq": 2, "kind": "power_lost"}) == (
        Occurrence("den-1", "thon-1", AT, 3, 2, None, late=False, kind="power_lost"),
    )
    assert read("receipt", {"boot": 3, "seq": 2, "id": "o-1", "result": "done", "late": True}) == (
        Receipt("den-1", "thon-1", AT, 3, 2, None, late=True, id="o-1", result="done", detail=""),
    )
    assert read("hello", {"kind": "solar_light", "serial": "77"}, None) == (
        Hello("den-1", "thon-1", AT, {"kind": "solar_light", "model": "", "serial": "77", "firmware": ""}),
    )


def test_telemetry_of_an_unknown_device_says_nothing() -> None:
    assert read("telemetry", {"boot": 1, "seq": 1, "battery_v": 12}, None) == ()


# --- bad ------------------------------------------------------------------------------------------------------

GARBLED: dict[str, bytes] = {
    "empty": b"",
    "not UTF-8": b'{"boot": 1, "seq": 1, "faults": ["\xff\xfe"]}',
    "not JSON": b"battery=12.1",
    "cut off": b'{"boot": 1, "seq": 1, "battery_v": 12',
    "an array": b"[1, 2]",
    "null": b"null",
    "zero bytes": b"\x00\x00\x00\x00",
    "deeply nested": b"[" * 100_000,
    "no boot": b'{"seq": 1}',
    "no seq": b'{"boot": 1}',
    "boot of a wrong type": b'{"boot": "1", "seq": 1}',
    "seq too large": b'{"boot": 1, "seq": 9007199254740993}',
    "seq beyond any machine": b'{"boot": 1, "seq": ' + b"9" * 5000 + b"}",
    "late of a wrong type": b'{"boot": 1, "seq": 1, "late": "yes"}',
    "half a surrogate": b'{"boot": 1, "seq": 1, "faults": ["\\ud800"]}',
}


@pytest.mark.parametrize("payload", GARBLED.values(), ids=GARBLED.keys())
def test_garbled_telemetry_raises_bad_payload(payload: bytes) -> None:
    with pytest.raises(BadPayload) as e:
        read("telemetry", payload)
    assert e.value.permanent
    assert 0 < len(e.value.reason) <= 200
    assert len(e.value.excerpt) <= 80


@pytest.mark.parametrize("channel", [c for c in wire.FROM_DEVICE if c != "telemetry"])
@pytest.mark.parametrize("payload", GARBLED.values(), ids=GARBLED.keys())
def test_garbled_on_the_other_channels_too(channel: str, payload: bytes) -> None:
    with pytest.raises(BadPayload):
        read(channel, payload)


def test_the_largest_payload_and_one_byte_more() -> None:
    head, tail = b'{"boot": 1, "seq": 1, "more": "', b'"}'
    full = head + b"x" * (wire.MAX_PAYLOAD - len(head) - len(tail)) + tail
    assert len(full) == wire.MAX_PAYLOAD
    assert isinstance(read("telemetry", full)[0], Reading)
    with pytest.raises(BadPayload, match="262145 bytes, allowed are 262144"):
        read("telemetry", full + b" ")


# --- one bad field --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"soc_pct": 101}, {"soc_pct": "87"}, {"soc_pct": None}, {"soc_pct": {"value": 3}}, {"soc_pct": True},
        {"faults": "lampFailure"}, {"faults": ["x" * 41]}, {"faults": [3]}, {"faults": ["a"] * 33},
        {"lamp_lit": 1}, {"ts": -5}, {"ts": "now"}, {"soc_pct": -1, "lamp_lit": "on", "faults": 3},
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_field_is_told_and_the_others_are_kept(wrong: dict[str, Any]) -> None:
    reading, fault = read("telemetry", {"boot": 1, "seq": 1, "battery_v": 12.5, **wrong})
    assert reading == Reading("den-1", "thon-1", AT, 1, 1, None, late=False, values={"battery_v": 12.5})
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.active) == ("garbled_field", True)
    assert all(name in fault.about for name in wrong)


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_not_a_number_is_one_bad_field(text: bytes) -> None:
    reading, fault = read("telemetry", b'{"boot": 1, "seq": 1, "battery_v": 12.5, "soc_pct": ' + text + b"}")
    assert reading.values == {"battery_v": 12.5}
    assert "soc_pct" in fault.about


@pytest.mark.parametrize("text", [b"NaN", b"9" * 5000])
def test_a_bad_value_in_a_key_of_newer_firmware_never_raises_anything_else(text: bytes) -> None:
    payload = b'{"boot": 1, "seq": 1, "battery_v": 12.5, "soc_pct": 101, "new": ' + text + b"}"
    try:
        events = read("telemetry", payload)
    except BadPayload:
        return
    assert events[0].values == {"battery_v": 12.5}


@given(st.binary(max_size=300), st.sampled_from(wire.FROM_DEVICE))
def test_no_bytes_raise_anything_but_bad_payload(payload: bytes, channel: str) -> None:
    shown = ""
    try:
        read(channel, payload)
    except BadPayload as e:
        shown = e.excerpt
    assert not shown or shown.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = ["boot", "seq", "ts", "late", "battery_v", "faults", "lamp_lit", "online", "kind", "id", "result"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.sampled_from(wire.FROM_DEVICE))
def test_no_json_raises_anything_but_bad_payload(said: dict[str, Any], channel: str) -> None:
    events: tuple[Any, ...] = ()
    shown = ""
    try:
        events = read(channel, said)
    except BadPayload as e:
        shown = e.excerpt
    assert not shown or shown.isprintable()
    assert all(e.device == "den-1" for e in events)


# --- excerpts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        '{"password": "hunter2"}', '{"password":"hunter2", "a": 1}', "password=hunter2", "pwd: hunter2",
        "{'psk': 'hunter2'}",
        '{"wifi_password": "hunter2"}', '{"token": hunter2}', '{"api_key": "hunter2"}', '{"SECRET": "hunter2"}',
        '{"passphrase": "my hunter2, yes"}', '{"password": "a\\"hunter2"}', '{"password": "xx hunter2',
        '{"auth": "Bearer hunter2"}', "rtsp://admin:hunter2@camera/1", '{"password": ["hunter2"]}',
    ],
)  # fmt: skip
def test_an_excerpt_shows_no_secret(payload: str) -> None:
    assert "hunter2" not in excerpt(payload.encode())


@pytest.mark.parametrize(
    "address",
    [
        "b8:27:eb:12:34:56",
        "B8-27-EB-12-34-56",
        "192.168.1.17",
        "fe80::ba27:ebff:fe12:3456",
        "2001:db8:0:0:0:0:0:17",
    ],
)
def test_an_excerpt_shows_no_address(address: str) -> None:
    shown = excerpt(f'{{"client": "{address}", "rssi": -70}}'.encode())
    assert address not in shown
    assert "rssi" in shown


def test_an_excerpt_is_short_and_printable() -> None:
    assert excerpt(b"\x00\x01\nabc") == "···abc"
    assert len(excerpt(b"x" * 10_000)) == 80
    assert excerpt(b"") == ""
    assert excerpt(b'{"battery_v": 12.5, "ts": 17:45:01}') == '{"battery_v": 12.5, "ts": 17:45:01}'
