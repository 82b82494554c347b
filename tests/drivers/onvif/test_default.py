"""A maker's default login, shown to a camera once: never twice, whatever comes back, and never by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.onvif import CameraError, Code, DefaultLogin, default_of, is_default, show_once
from drivers.onvif.default import DEFAULT_LOGINS
from hub.poll.points import try_default
from tests.drivers.onvif.fake import PASSWORD, USER, Answer, FakeCamera, Raw, fault

if TYPE_CHECKING:
    from tests.drivers.onvif.conftest import Client
    from tests.drivers.onvif.fake import Request, Writer

RIGHT = DefaultLogin("Acme", USER, PASSWORD, "a test")
WRONG = DefaultLogin("Acme", USER, "12345", "a test")


def shown(fake: FakeCamera) -> list[Request]:
    """Requests that showed a login."""
    return [r for r in fake.requests if r.signed]


def test_the_table_names_its_sources() -> None:
    assert all(d.source and d.user and d.password for d in DEFAULT_LOGINS)
    assert len({d.make for d in DEFAULT_LOGINS}) == len(DEFAULT_LOGINS), "one try is one login"


@pytest.mark.parametrize(
    ("make", "found"),
    [
        ("HIKVISION DS-2CD2143", "Hikvision"),
        ("dahua", "Dahua"),
        ("Dahua-Technology IPC", "Dahua"),
        ("CTC_Union IPCam", "CTC Union"),
        ("Dahuax", None),
        ("", None),
    ],
)
def test_whose_default_it_is(make: str, found: str | None) -> None:
    login = default_of(make)
    assert (login.make if login else None) == found


def test_a_login_that_is_a_default() -> None:
    assert is_default("Hikvision", "admin", "12345")
    assert not is_default("Hikvision", "admin", "Làng-2026!")
    assert not is_default("Dahua", "admin", "12345")


@pytest.mark.parametrize("way", ["token", "digest"])
@pytest.mark.parametrize("login", [RIGHT, WRONG])
async def test_one_login_is_shown_once(way: str, login: DefaultLogin, client: Client) -> None:
    async with FakeCamera(way) as fake:
        camera = client(port=fake.port, password="another")
        await camera.clock()
        assert await show_once(camera, login) is (login is RIGHT)
        assert len(shown(fake)) == 1
        camera.rest()


async def test_by_the_way_that_our_own_login_goes(client: Client) -> None:
    async with FakeCamera("token", "digest") as fake:
        camera = client(port=fake.port)
        await camera.information()
        before = len(shown(fake))
        assert await show_once(camera, WRONG) is False
        assert len(shown(fake)) == before + 1
        assert await camera.information(), "and ours is as it was"
        camera.rest()


async def test_a_camera_that_wants_no_login_is_shown_none(client: Client) -> None:
    async with FakeCamera("nothing") as fake:
        camera = client(port=fake.port)
        await camera.clock()
        with pytest.raises(CameraError) as caught:
            await show_once(camera, RIGHT)
        assert caught.value.code is Code.FAILED
        assert not shown(fake)
        camera.rest()


async def cut(writer: Writer) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (fault("NotAuthorized", "The account is locked, try again later"), Code.LOGIN_LOCKED),
        (fault("NotAuthorized", "Maximum number of connections (20) reached"), Code.LOGIN_FULL),
        (Answer(b"", 503), Code.BUSY),
        (Raw(cut), Code.RESET),
        (Answer(b"", 302, {"Location": "/elsewhere"}), Code.RESET),
    ],
    ids=["locked", "full", "busy", "cut", "redirect"],
)
async def test_whatever_comes_back_it_is_shown_once(
    fake: FakeCamera, client: Client, answer: Answer | Raw, code: Code
) -> None:
    bare = fault("NotAuthorized", "Sender not Authorized")
    fake.public.add("GetDeviceInformation")  # the handler decides
    fake.handlers["GetDeviceInformation"] = lambda r: answer if r.signed else bare
    camera = client()
    await camera.clock()
    with pytest.raises(CameraError) as caught:
        await show_once(camera, WRONG)
    assert caught.value.code is code
    assert len(shown(fake)) == 1


@pytest.mark.parametrize("words", ["The account is locked", "Too many users are logged in"])
async def test_a_camera_that_is_locked_or_full_before_is_shown_none(
    fake: FakeCamera, client: Client, words: str
) -> None:
    fake.public.add("GetDeviceInformation")
    fake.handlers["GetDeviceInformation"] = lambda _: fault("NotAuthorized", words)
    camera = client()
    await camera.clock()
    with pytest.raises(CameraError):
        await show_once(camera, WRONG)
    assert not shown(fake)


async def test_what_a_poller_tells_of_it(fake: FakeCamera, client: Client) -> None:
    camera = client(password="another")
    assert await try_default(camera, "Mắt Làng ML-4") == "unknown_make"
    assert not fake.requests
    assert await try_default(camera, "Hikvision DS-2CD") == "refused"
    assert [r.text("Username") for r in shown(fake)] == ["admin"]
    gone = client(port=1)
    assert await try_default(gone, "Hikvision DS-2CD") == "away"


async def test_a_locked_answer_is_told_as_such(fake: FakeCamera, client: Client) -> None:
    fake.refusal = lambda r: fault(
        "NotAuthorized", "Illegal login, account locked" if r.signed else "Sender not Authorized"
    )
    assert await try_default(client(), "Hikvision DS-2CD") == "locked"
    assert len(shown(fake)) == 1
