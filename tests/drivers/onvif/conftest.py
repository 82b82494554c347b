"""Cameras to talk to, and clients that talk to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import Camera, Target
from tests.drivers.onvif.fake import PASSWORD, USER, FakeCamera

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Client = Callable[..., Camera]


@pytest.fixture
async def fake() -> AsyncIterator[FakeCamera]:
    async with FakeCamera() as camera:
        yield camera


@pytest.fixture
async def client(fake: FakeCamera) -> AsyncIterator[Client]:
    """Makes a client of the fake camera; what a target says otherwise is named."""
    made: list[Camera] = []

    def make(call_s: float = 5.0, **other: Any) -> Camera:
        said: dict[str, Any] = {"name": "c1", "host": "127.0.0.1", "port": fake.port}
        said |= {"username": USER, "password": PASSWORD}
        camera = Camera(Target(**(said | other)), call_s=call_s)
        made.append(camera)
        return camera

    yield make
    for camera in made:
        camera.rest()
