from __future__ import annotations

import pytest

from simulators import mqtt


def test_a_connect_packet_byte_by_byte() -> None:
    packet = mqtt.connect("d", "pw", "w", b"x", 60)
    head = bytes([0x10, 10 + 3 + 3 + 3 + 3 + 4]) + b"\x00\x04MQTT\x04\xee\x00\x3c"
    assert packet == head + b"\x00\x01d" + b"\x00\x01w" + b"\x00\x01x" + b"\x00\x01d" + b"\x00\x02pw"


@pytest.mark.parametrize(
    ("size", "length"), [(0, b"\x07"), (120, b"\x7f"), (121, b"\x80\x01"), (20_000, b"\xa7\x9c\x01")]
)
def test_lengths(size: int, length: bytes) -> None:
    packet = mqtt.publish("abc", b"y" * size, 7, retain=False)
    assert packet.startswith(b"\x32" + length + b"\x00\x03abc\x00\x07")
    assert len(packet) == 1 + len(length) + 7 + size


def test_retained() -> None:
    assert mqtt.publish("a", b"", 1, retain=True)[0] == 0x33


def test_packets_come_out_whole_however_they_arrive() -> None:
    stream = b"\x20\x02\x00\x00" + b"\x40\x02\x00\x07" + b"\xd0\x00" + b"\x30\x83\x01" + b"z" * 131
    buffer, found = bytearray(), []
    for byte in stream:
        buffer.append(byte)
        while packet := mqtt.read(buffer):
            found.append(packet)
    assert [p.type for p in found] == [mqtt.CONNACK, mqtt.PUBACK, mqtt.PINGRESP, 3]
    assert (found[1].body, len(found[3].body), len(buffer)) == (b"\x00\x07", 131, 0)


def test_what_is_no_mqtt_is_refused() -> None:
    with pytest.raises(mqtt.BadPacketError):
        mqtt.read(bytearray(b"\x20\xff\xff\xff\xff\xff"))


def test_a_subscription_and_its_acknowledgement() -> None:
    assert mqtt.subscribe("a/b", 7) == b"\x82\x08\x00\x07\x00\x03a/b\x01"
    assert mqtt.puback(7) == b"\x40\x02\x00\x07"


@pytest.mark.parametrize("payload", [b"", b"{}", b"y" * 300])
def test_what_is_published_is_what_is_delivered(payload: bytes) -> None:
    packet = mqtt.read(bytearray(mqtt.publish("a/b", payload, 9, retain=True)))
    assert packet is not None
    assert mqtt.delivered(packet) == ("a/b", payload, 9)
    assert mqtt.delivered(mqtt.Packet(mqtt.PUBLISH, b"\x00\x01a" + payload, 1)) == ("a", payload, None)


@pytest.mark.parametrize(
    ("flags", "body"), [(2, b""), (2, b"\x00\x09a"), (2, b"\x00\x01a"), (4, b"\x00\x01a\x00\x01")]
)
def test_a_publish_that_is_none_is_refused(flags: int, body: bytes) -> None:
    with pytest.raises(mqtt.BadPacketError):
        mqtt.delivered(mqtt.Packet(mqtt.PUBLISH, body, flags))
