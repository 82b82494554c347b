from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from drivers.onvif import CameraError, Code
from drivers.onvif.digest import Challenge, basic, read
from tests.drivers.onvif.fake import PASSWORD, Answer, FakeCamera, fault

if TYPE_CHECKING:
    from tests.drivers.onvif.conftest import Client


async def refusal(client: Client, **target: object) -> CameraError:
    with pytest.raises(CameraError) as caught:
        await client(**target).information()
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_a_digest_is_signed_with_the_cameras_clock(fake: FakeCamera, client: Client) -> None:
    fake.skew_s = -20 * 365 * 86_400.0  # rebooted into 2006
    camera = client()
    assert (await camera.information()).model == "ML-4"
    assert fake.operations == ["GetSystemDateAndTime", "GetDeviceInformation"]
    assert not fake.requests[0].signed
    assert PASSWORD.encode() not in fake.requests[1].body
    await camera.information()
    assert fake.operations[2:] == ["GetDeviceInformation"]  # the clock is known, the way too


async def test_a_clock_that_jumped_since_is_asked_again_once(fake: FakeCamera, client: Client) -> None:
    camera = client()
    await camera.information()
    fake.skew_s = -(time.time() - 86_400)  # reboot to 1970
    await camera.information()
    assert fake.operations[2:] == ["GetDeviceInformation", "GetSystemDateAndTime", "GetDeviceInformation"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_http_digest_where_the_token_is_refused(
    fake: FakeCamera, client: Client, algorithm: str
) -> None:
    fake.accepts, fake.algorithm = {"digest"}, algorithm
    camera = client()
    await camera.information()
    await camera.information()
    assert fake.operations[1:] == ["GetDeviceInformation"] * 3  # one challenge for both
    assert not any(b"UsernameToken" in r.body for r in fake.requests[2:])


@pytest.mark.parametrize(
    "answer", [fault("NotAuthorized", "no"), Answer(b"", 400)], ids=["fault", "bare-400"]
)
async def test_http_digest_that_is_asked_for_only_without_a_token(
    fake: FakeCamera, client: Client, answer: Answer
) -> None:
    fake.accepts, fake.asks, fake.refusal = {"digest"}, False, lambda _: answer
    camera = client()
    await camera.information()
    shown = [r.signed for r in fake.requests[1:]]
    assert shown == [True, False, True]  # the token, nothing, HTTP Digest
    await camera.information()
    assert len(fake.requests) == 5


async def test_a_token_refused_by_a_camera_that_needs_no_login(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetDeviceInformation"] = lambda r: (
        fault("NotAuthorized", "unknown user") if r.signed else fake._information(r)
    )
    fake.accepts = {"nothing"}
    camera = client()
    await camera.information()
    assert camera.login.open
    fake.accepts = {"token"}  # somebody switched it on
    del fake.handlers["GetDeviceInformation"]
    await camera.information()
    assert not camera.login.open


async def test_a_nonce_that_grew_old_is_renewed_once(fake: FakeCamera, client: Client) -> None:
    fake.accepts = {"digest"}
    camera = client()
    await camera.information()
    fake.nonce = "another"
    await camera.information()
    fake.password = "changed"
    before = len(fake.requests)
    with pytest.raises(CameraError) as caught:
        await camera.information()
    assert caught.value.code is Code.LOGIN_REFUSED
    assert fake.operations[before:].count("GetDeviceInformation") == 2


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_refusal_comes_with_any_status(fake: FakeCamera, client: Client, status: int) -> None:
    fake.password = "another"
    fake.refusal = lambda _: fault("NotAuthorized", "Sender not Authorized", status)
    error = await refusal(client)
    assert (error.code, error.permanent) == (Code.LOGIN_REFUSED, True)
    assert "Sender not Authorized" in error.reason


async def test_a_refusal_of_soap_1_1_without_namespaces(fake: FakeCamera, client: Client) -> None:
    old = (
        b'<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault>'
        b"<faultcode>SOAP-ENV:Client</faultcode><faultstring>Unauthorized</faultstring></SOAP-ENV:Fault>"
        b"</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
    fake.accepts, fake.refusal = {"never"}, lambda _: Answer(old)
    assert (await refusal(client)).code is Code.LOGIN_REFUSED


async def test_a_refused_password_is_shown_once_and_not_again(fake: FakeCamera, client: Client) -> None:
    fake.accepts, fake.password = {"digest", "token"}, "another"
    camera = client()
    for ask in (camera.information, camera.profiles, camera.snapshot, camera.information):
        with pytest.raises(CameraError) as caught:
            await ask()
        assert caught.value.code is Code.LOGIN_REFUSED
    assert sum(r.signed for r in fake.requests) == 2  # one token, one HTTP digest
    fake.password = PASSWORD
    camera.login.forgive()
    await camera.information()


async def test_no_login_is_registered(fake: FakeCamera, client: Client) -> None:
    error = await refusal(client, username="", password="")
    assert (error.code, error.permanent) == (Code.LOGIN_REFUSED, True)
    assert "none is registered" in error.reason
    fake.accepts = {"nothing"}
    await client(username="", password="").information()


async def test_the_password_is_sent_as_it_is_only_where_that_is_allowed(
    fake: FakeCamera, client: Client
) -> None:
    fake.accepts = {"text"}
    await refusal(client)
    assert not any(PASSWORD.encode() in r.body for r in fake.requests)
    await client(plain_password=True).information()


async def test_http_basic_only_where_that_is_allowed(fake: FakeCamera, client: Client) -> None:
    fake.accepts = {"basic"}
    error = await refusal(client)
    assert (error.code, error.permanent) == (Code.LOGIN_PLAIN, True)
    assert not any(r.headers.get("authorization") for r in fake.requests)
    await client(plain_password=True).information()


async def test_a_camera_that_refuses_text_is_not_given_it_before_the_digest(
    fake: FakeCamera, client: Client
) -> None:
    await client(plain_password=True).information()
    assert not any(PASSWORD.encode() in r.body for r in fake.requests)


async def test_full_in_its_own_words(fake: FakeCamera, client: Client) -> None:
    fake.accepts = {"never"}
    fake.refusal = lambda _: Answer(b"<html>Maximum number of connections (20) reached</html>", 401)
    error = await refusal(client)
    assert (error.code, error.permanent) == (Code.LOGIN_FULL, False)
    assert "Maximum number of connections (20) reached" in error.reason


async def test_locked_in_its_own_words(fake: FakeCamera, client: Client) -> None:
    fake.accepts = {"never"}
    fake.refusal = lambda _: fault("NotAuthorized", "The device is locked, try again in 5 minutes")
    error = await refusal(client)
    assert (error.code, error.permanent) == (Code.LOGIN_LOCKED, False)
    assert sum(r.signed for r in fake.requests) == 1


async def test_a_503_is_full_only_in_words(fake: FakeCamera, client: Client) -> None:
    camera = client()
    await camera.information()
    for body, code in ((b"", Code.BUSY), (b"<p>Too many users connected</p>", Code.LOGIN_FULL)):
        busy = Answer(body, 503)
        fake.handlers["GetDeviceInformation"] = lambda _, busy=busy: busy  # type: ignore[misc]
        with pytest.raises(CameraError) as caught:
            await camera.information()
        assert (caught.value.code, caught.value.permanent) == (code, False)


async def test_a_clock_that_always_wanted_a_login_is_no_evidence(fake: FakeCamera, client: Client) -> None:
    fake.public = set()
    camera = client()
    await camera.information()
    fake.password = "changed"
    with pytest.raises(CameraError) as caught:
        await camera.information()
    assert caught.value.code is Code.LOGIN_REFUSED


@pytest.mark.parametrize("accepts", ["token", "digest"])
@pytest.mark.parametrize("answer", [Answer(b"", 401), fault("NotAuthorized", "Sender not Authorized", 400)])
async def test_full_when_even_the_clock_is_refused_now(
    fake: FakeCamera, client: Client, accepts: str, answer: Answer
) -> None:
    fake.accepts = {accepts}
    camera = client()
    await camera.information()
    fake.accepts, fake.public, fake.refusal = {"never"}, set(), lambda _: answer
    with pytest.raises(CameraError) as caught:
        await camera.information()
    assert (caught.value.code, caught.value.permanent) == (Code.LOGIN_FULL, False)
    assert "even what it answered without a login" in caught.value.reason


async def test_a_camera_that_was_full_at_first_sight_is_tried_again(fake: FakeCamera, client: Client) -> None:
    fake.accepts, fake.public, fake.refusal = {"never"}, set(), lambda _: Answer(b"", 401)
    camera = client()
    for _ in range(3):
        with pytest.raises(CameraError) as caught:
            await camera.clock()
        assert caught.value.code is Code.LOGIN_REFUSED
    assert sum(r.signed for r in fake.requests) == 1
    fake.accepts, fake.public = {"token"}, {"GetSystemDateAndTime"}
    await camera.clock()
    await camera.information()
    fake.accepts, fake.public = {"never"}, set()
    with pytest.raises(CameraError) as caught:
        await camera.information()
    assert caught.value.code is Code.LOGIN_FULL


async def test_full_in_a_fault_that_speaks_of_no_login(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetDeviceInformation"] = lambda _: fault(
        "Action", "Maximum number of connections reached", 500, "Receiver"
    )
    assert (await refusal(client)).code is Code.LOGIN_FULL


async def test_full_when_the_same_password_comes_and_goes(fake: FakeCamera, client: Client) -> None:
    camera = client()
    await camera.information()
    # The first time it could be a changed password; the second time it was not
    for code in (Code.LOGIN_REFUSED, Code.LOGIN_FULL):
        fake.accepts = {"never"}
        with pytest.raises(CameraError) as caught:
            await camera.information()
        assert (caught.value.code, caught.value.permanent) == (code, False)
        fake.accepts = {"token"}
        await camera.information()


async def test_an_answer_that_needs_no_login_proves_none(fake: FakeCamera, client: Client) -> None:
    fake.public |= {"GetServices"}
    fake.password = "another"
    camera = client()
    await camera.services()
    with pytest.raises(CameraError) as caught:
        await camera.profiles()
    assert (caught.value.code, caught.value.permanent) == (Code.LOGIN_REFUSED, True)


async def test_a_camera_that_repeats_the_password_does_not_reach_a_log(
    fake: FakeCamera, client: Client
) -> None:
    fake.accepts = {"never"}
    fake.refusal = lambda _: fault("NotAuthorized", f"operator {PASSWORD} is not authorized")
    error = await refusal(client)
    assert "operator ***" in error.reason


async def test_a_password_is_in_no_repr(client: Client) -> None:
    camera = client()
    assert PASSWORD not in repr(camera) + repr(camera.target) + str(vars(camera))


def test_the_examples_of_rfc_7616_and_2069() -> None:
    wish = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/'
        'xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    weak = wish.replace("SHA-256", "MD5")
    challenge, plain = read([weak, wish, "Basic realm=x"])
    assert challenge
    assert challenge.strong
    assert plain
    assert 'opaque="FQhe' in challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life")
    old, _ = read(['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    assert old
    said = old.answer("GET", "/dir/index.html", "Mufasa", "CircleOfLife")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said  # RFC 2069, as corrected by its errata
    assert "qop" not in said
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(
    "wish",
    ['Digest realm="x"', 'Digest nonce="n", algorithm=MD9', 'Digest nonce="n", qop="auth-int"', "Negotiate"],
)
def test_challenges_that_nobody_can_answer(wish: str) -> None:
    assert read([wish]) == (None, False)


def test_each_answer_counts() -> None:
    challenge = Challenge({"nonce": "n", "realm": "r", "qop": "auth"})
    assert "nc=00000001" in challenge.answer("GET", "/", "u", "p")
    assert "nc=00000002" in challenge.answer("GET", "/", "u", "p")
