from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from drivers.onvif.discovery import GROUP, REPLY_CAP, Found, find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Answer = Callable[[str], list[bytes]]

MATCH = (
    '<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<SOAP-ENV:Header><wsa:RelatesTo>{id}</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>"
    "<wsa:EndpointReference><wsa:Address>urn:uuid:{name}</wsa:Address></wsa:EndpointReference>"
    "<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs>"
    "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
SCOPES = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/ML-4 "
    "onvif://www.onvif.org/name/C%E1%BB%95ng%20l%C3%A0ng onvif://www.onvif.org/location/thap-thuong"
)
HERE = "http://127.0.0.1:8000/onvif/device_service"


def match(asked: str, name: str = "a1", scopes: str = SCOPES, addresses: str = HERE) -> bytes:
    return MATCH.format(id=asked, name=name, scopes=scopes, addresses=addresses).encode()


class Responder(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport
        self.port = 0
        self.probes: list[bytes] = []
        self.answer: Answer = lambda asked: [match(asked)]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.probes.append(data)
        asked = re.search(rb"MessageID>([^<]+)<", data)
        assert asked
        for reply in self.answer(asked[1].decode()):
            self.transport.sendto(reply, addr)


@pytest.fixture
async def responder() -> AsyncIterator[Responder]:
    made = Responder()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: made, local_addr=("127.0.0.1", 0)
    )
    made.transport, made.port = transport, transport.get_extra_info("sockname")[1]
    yield made
    transport.close()


async def search(responder: Responder) -> list[Found]:
    return await find(0.3, host="127.0.0.1", port=responder.port)


async def test_one_camera_that_answers_every_probe(responder: Responder) -> None:
    assert await search(responder) == [Found("a1", "127.0.0.1", (HERE,), "Cổng làng", "ML-4", "thap-thuong")]
    assert len(responder.probes) == 3  # cameras, devices, anything
    assert b"NetworkVideoTransmitter" in responder.probes[0]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"junk",
        b"<a>" * 3000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        match("uuid:somebody-else"),
        b"<x/>" + bytes(REPLY_CAP),
    ],
)
async def test_junk_is_dropped_and_others_are_found(responder: Responder, bad: bytes) -> None:
    responder.answer = lambda asked: [bad, match(asked), bad]
    assert [f.identity for f in await search(responder)] == ["a1"]


async def test_addresses_elsewhere_are_left_out(responder: Responder) -> None:
    many = (
        f"http://198.51.100.3/onvif http://169.254.1.1/onvif file:///etc/passwd {HERE} "
        + "http://[::1]/x " * 50
    )
    responder.answer = lambda asked: [match(asked, addresses=many)]
    assert (await search(responder))[0].addresses == (HERE,)
    responder.answer = lambda asked: [match(asked, addresses="http://198.51.100.3/onvif", scopes="")]
    assert await search(responder) == [Found("a1", "127.0.0.1", (), "", "", "")]


async def test_one_host_cannot_fill_the_list(responder: Responder) -> None:
    responder.answer = lambda asked: [match(asked, name=f"n{i}") for i in range(50)]
    assert len(await search(responder)) == 4


async def test_by_multicast(responder: Responder) -> None:
    """On the loopback interface, at a port of its own."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((GROUP, 0))
    sock.setsockopt(
        socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
    )
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: responder, sock=sock)
    try:
        found = await find(0.3, "127.0.0.1", port=sock.getsockname()[1])
    finally:
        transport.close()
    assert [f.identity for f in found] == ["a1"]


async def test_nobody_answers() -> None:
    assert await find(0.1, "127.0.0.1") == []
