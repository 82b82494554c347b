"""The raw publisher, against a pretend broker that answers by the byte."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from benchmarks.mqtt_raw import Packets, Refused, Will, connect, connect_packet, publish_packet, remaining

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO = connect_packet("gw", "geheim", will=Will("vh/1/r/gw/state", b"{}"))


class PretendBroker:
    """Welcomes with `code`, acknowledges what `wanted` says, and keeps what came."""

    def __init__(self) -> None:
        self.code = 0
        self.acknowledges = True
        self.came: list[tuple[int, bytes]] = []
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        packets = Packets()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(7):  # packets come in pieces
                for first, rest in packets.feed(data):
                    self.came.append((first, rest))
                    if first == 0x10:
                        writer.write(b"\x20\x02\x00" + bytes([self.code]))
                    elif first & 0xF0 == 0x30 and self.acknowledges:
                        length = int.from_bytes(rest[:2], "big")
                        writer.write(b"\x40\x02" + rest[2 + length : 4 + length])
        writer.close()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def broker() -> AsyncIterator[PretendBroker]:
    pretend = PretendBroker()
    server = await asyncio.start_server(pretend.talk, "127.0.0.1", 0)
    pretend.port = server.sockets[0].getsockname()[1]
    yield pretend
    pretend.hang_up()
    server.close()
    await server.wait_closed()


async def until(done: object, wanted: object) -> None:
    async with asyncio.timeout(5):
        while done != wanted:  # noqa: ASYNC110 - the other side is a callback
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("length", "written"),
    [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (16383, b"\xff\x7f"), (16384, b"\x80\x80\x01")],
)
def test_lengths_are_written_as_the_standard_says(length: int, written: bytes) -> None:
    assert remaining(length) == written


def test_a_will_is_retained_at_qos_1() -> None:
    assert HELLO[2:12] == b"\x00\x04MQTT\x04\xee\x00\x3c"
    assert connect_packet("gw", "geheim")[9] == 0xC2


@pytest.mark.parametrize(
    ("retain", "dup", "first"), [(False, False, 0x32), (True, False, 0x33), (False, True, 0x3A)]
)
def test_a_publish_carries_its_flags_and_id(retain: bool, dup: bool, first: int) -> None:
    assert (
        publish_packet("a/b", b"xy", 258, retain=retain, dup=dup)
        == bytes([first]) + b"\x09\x00\x03a/b\x01\x02xy"
    )


def test_packets_come_whole_however_the_bytes_are_cut() -> None:
    stream = b"\x20\x02\x00\x00" + publish_packet("t", b"x" * 300, 1) + b"\x40\x02\x00\x01"
    for size in (1, 2, 3, 50, len(stream)):
        packets = Packets()
        found = [p for at in range(0, len(stream), size) for p in packets.feed(stream[at : at + size])]
        assert [first for first, _ in found] == [0x20, 0x32, 0x40]
        assert len(found[1][1]) == 305


async def test_what_is_acknowledged_comes_back_by_its_token(broker: PretendBroker) -> None:
    acknowledged: list[object] = []
    link = await connect(broker.port, HELLO, acknowledged.append)
    for n in range(3):
        link.publish("vh/1/r/d/telemetry", b"{}", n)
    await until(acknowledged, [0, 1, 2])
    assert not link.unacked
    link.close()


async def test_what_is_not_acknowledged_is_kept_when_the_link_breaks(broker: PretendBroker) -> None:
    broker.acknowledges = False
    lost: list[object] = []
    link = await connect(broker.port, HELLO, None, lost.append)
    link.publish("vh/1/r/d/telemetry", b"{}", "one")
    while len(broker.came) < 2:  # noqa: ASYNC110 - the other side is a server
        await asyncio.sleep(0)
    broker.hang_up()
    await until(lost, [link])
    assert [m.token for m in link.unacked.values()] == ["one"]
    assert not link.open


async def test_a_refusal_is_raised(broker: PretendBroker) -> None:
    broker.code = 5
    with pytest.raises(Refused, match="code 5"):
        await connect(broker.port, HELLO)
