"""Searches for cameras are answered as WS-Discovery has it, and as our driver reads it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from drivers.onvif.discovery import find
from simulators.errors import UserError
from simulators.onvif.discovery import LOOPBACK, Discovery, answer
from simulators.onvif.face import Faces
from tests.simulators.cameras import WILL, camera, free_port, name_made_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAMES = tuple(name_made_by(maker) for maker in ("Thanh Long", "Sao Bac", "Hong Ha"))
PROBE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="urn:a" xmlns:d="urn:d"><s:Header>'
    "<a:MessageID>uuid:1</a:MessageID></s:Header><s:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></s:Body>"
    "</s:Envelope>"
)


@contextlib.asynccontextmanager
async def street() -> AsyncIterator[tuple[Faces, int]]:
    """Three cameras in a street, and the port of searches."""
    faces, port = Faces(), free_port()
    for n, name in enumerate(NAMES):
        faces.add(camera(name, f"127.20.8.{10 + n}", free_port(), free_port())).open(WILL)
    discovery = Discovery(faces.there, port)
    discovery.start()
    try:
        yield faces, port
    finally:
        discovery.stop()
        faces.stop()
        await asyncio.sleep(0)


async def test_a_search_finds_each_with_its_address_and_model() -> None:
    async with street() as (faces, port):
        found = await find(0.4, LOOPBACK, port=port)
        first = faces.faces[0].camera
        assert [f.host for f in found] == ["127.20.8.10", "127.20.8.11", "127.20.8.12"]
        assert found[0].addresses == (f"http://127.20.8.10:{first.port}/onvif/device_service",)
        assert (found[0].name, found[0].hardware, found[0].location) == (
            "Thanh Long",
            first.model,
            first.name,
        )
        assert found[2].addresses == (), "this maker tells an inner address"
        assert len({f.identity for f in found}) == len(NAMES)


async def test_one_address_can_be_asked_alone_and_who_is_off_says_nothing() -> None:
    async with street() as (faces, port):
        assert [f.host for f in await find(0.3, host="127.20.8.11", port=port)] == ["127.20.8.11"]
        assert await find(0.3, host="127.20.8.99", port=port) == []
        faces.faces[1].drop(power_lost=True)
        assert [f.host for f in await find(0.3, LOOPBACK, port=port)] == ["127.20.8.10", "127.20.8.12"]


async def test_junk_is_not_answered_and_two_programs_cannot_answer() -> None:
    async with street() as (faces, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"\xff" * 100, ("127.20.8.10", port))
        assert len(await find(0.3, LOOPBACK, port=port)) == len(NAMES)
        with pytest.raises(UserError, match="not answered"):
            Discovery(faces.there, port).start()


@pytest.mark.parametrize(
    ("types", "said"),
    [("", True), ("dn:NetworkVideoTransmitter", True), ("tds:Device", True), ("wprt:PrintDeviceType", False)],
)
def test_only_who_looks_for_cameras_is_answered(types: str, *, said: bool) -> None:
    one = camera(NAMES[0])
    assert (answer(one, PROBE.format(types=types).encode()) is not None) is said
    assert answer(one, b"<a><Body><Hello/></Body></a>") is None
