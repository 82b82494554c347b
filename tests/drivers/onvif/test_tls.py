from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from drivers.onvif import Camera, CameraError, Code, Target
from tests.drivers.onvif.fake import PASSWORD, USER, Answer, FakeCamera

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def encrypted() -> AsyncIterator[FakeCamera]:
    camera = FakeCamera()
    camera.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(camera.tls)
    async with camera:
        yield camera


def target(fake: FakeCamera, *, verify: bool = False) -> Target:
    return Target("c1", "127.0.0.1", fake.port, username=USER, password=PASSWORD, use_tls=True, verify=verify)


async def test_a_certificate_of_its_own_is_taken_unless_it_shall_be_checked(encrypted: FakeCamera) -> None:
    async with Camera(target(encrypted)) as camera:
        assert (await camera.information()).model == "ML-4"
        await camera.snapshot()
    async with Camera(target(encrypted, verify=True)) as camera:
        with pytest.raises(CameraError) as caught:
            await camera.information()
    assert caught.value.code is Code.TLS
    assert "certificate is not valid" in caught.value.reason


async def test_over_tls_the_password_may_go_as_it_is(encrypted: FakeCamera) -> None:
    encrypted.accepts = {"text"}
    async with Camera(target(encrypted)) as camera:
        await camera.information()


async def test_nobody_is_led_from_an_encrypted_address_to_an_open_one(encrypted: FakeCamera) -> None:
    home = {"Location": f"http://127.0.0.1:{encrypted.port}/"}
    encrypted.handlers["GetDeviceInformation"] = lambda _: Answer(b"", 302, home)
    async with Camera(target(encrypted)) as camera:
        with pytest.raises(CameraError) as caught:
            await camera.information()
    assert caught.value.code is Code.REDIRECTED
