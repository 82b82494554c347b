"""How each maker's cameras let people in."""

from __future__ import annotations

import contextlib

import pytest

from simulators.onvif.login import NONCE_S
from simulators.onvif.maker import MAKERS
from tests.simulators.cameras import (
    NOW,
    PASSWORD,
    USER,
    FakeClock,
    asking,
    authorization,
    name_made_by,
    nonce,
    shown,
    soap,
    token,
)

ACTION = "GetDeviceInformation"
PATH = "/onvif/device_service"
REFUSAL = {"Thanh Long": 401, "Lam Son": 400, "Hong Ha": 200, "Sao Bac": 401, "Nam Viet": 401}

makers = pytest.mark.parametrize("maker", list(MAKERS))
token_makers = pytest.mark.parametrize("maker", [n for n, m in MAKERS.items() if "token" in m.ways])
digest_makers = pytest.mark.parametrize("maker", [n for n, m in MAKERS.items() if "digest" in m.ways])


@makers
async def test_the_clock_is_told_to_everybody_and_nothing_else(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        assert (await asker.ask("POST", PATH, soap("GetSystemDateAndTime"))).status == 200
        refused = await asker.ask("POST", PATH, soap(ACTION))
        assert refused.status == REFUSAL[maker]
        assert "ter:NotAuthorized" in refused.text
        assert camera.serial not in refused.text


@makers
async def test_the_right_login_by_the_makers_way(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        answer = await asker.call(camera, ACTION)
        assert answer.status == 200
        assert f"<tds:SerialNumber>{camera.serial}<" in answer.text


@token_makers
async def test_a_token_is_refused_where_anything_of_it_is_wrong(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        good = soap(ACTION, header=token(PASSWORD, camera.now(), nonce()))
        wrong = [
            soap(ACTION, header=token("other", camera.now(), nonce())),
            soap(ACTION, header=token(PASSWORD, camera.now(), nonce(), user="admin")),
            good.replace(b"#PasswordDigest", b"#PasswordText"),
            good.replace(b"<w:Nonce", b"<w:Nonsense"),
        ]
        if camera.maker.window_s:
            wrong.append(
                soap(ACTION, header=token(PASSWORD, camera.now() - camera.maker.window_s - 2, nonce()))
            )
            wrong.append(
                soap(ACTION, header=token(PASSWORD, camera.now() + camera.maker.window_s + 2, nonce()))
            )
        for body in wrong:
            assert "NotAuthorized" in (await asker.ask("POST", PATH, body)).text
        assert camera.serial in (await asker.ask("POST", PATH, good)).text
        assert "NotAuthorized" in (await asker.ask("POST", PATH, good)).text, "replayed"


async def test_a_token_is_judged_by_the_cameras_own_clock() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        camera.faults.add("clock_1970")
        assert camera.now() == 1000
        by_ours = soap(ACTION, header=token(PASSWORD, NOW, nonce()))
        assert "NotAuthorized" in (await asker.ask("POST", PATH, by_ours)).text
        by_its = soap(ACTION, header=token(PASSWORD, camera.now(), nonce()))
        assert camera.serial in (await asker.ask("POST", PATH, by_its)).text


@digest_makers
async def test_http_digest(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        challenge = (await asker.ask("POST", PATH, soap(ACTION))).headers["www-authenticate"]

        async def status(header: str) -> int:
            return (await asker.ask("POST", PATH, soap(ACTION), {"Authorization": header})).status

        good = authorization(challenge, "POST", PATH)
        assert await status(authorization(challenge, "POST", PATH, password="other")) == 401
        assert await status(authorization(challenge, "GET", PATH)) == 401, "of another method"
        assert await status(good) == 200
        assert await status(good) == 401, "replayed"
        assert await status(authorization(challenge, "POST", PATH, count=2)) == 200
        assert isinstance(camera.clock, FakeClock)
        camera.clock.at += NONCE_S + 1
        old = authorization(challenge, "POST", PATH, count=3)
        answer = await asker.ask("POST", PATH, soap(ACTION), {"Authorization": old})
        assert (answer.status, 'stale="TRUE"' in answer.headers["www-authenticate"]) == (401, True)
        assert await status(authorization(answer.headers["www-authenticate"], "POST", PATH)) == 200


@makers
async def test_a_changed_password_is_refused_everywhere(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        assert (await asker.picture(camera)).status == 200
        camera.faults.add("wrong_password")
        assert "NotAuthorized" in (await asker.call(camera, ACTION)).text
        assert (await asker.picture(camera)).status == 401
        camera.faults.clear()
        assert camera.serial in (await asker.call(camera, ACTION)).text


@makers
async def test_a_full_camera_refuses_in_its_makers_way(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        camera.faults.add("connections_full")
        clock = await asker.ask("POST", PATH, soap("GetSystemDateAndTime"))
        signed = await asker.call(camera, ACTION)
        assert camera.serial not in signed.text
        assert (clock.status, signed.status) == {
            "Thanh Long": (401, 401),
            "Lam Son": (200, 400),
            "Hong Ha": (503, 503),
            "Sao Bac": (200, 401),
            "Nam Viet": (200, 401),
        }[maker]
        if maker in ("Lam Son", "Sao Bac", "Nam Viet"):
            assert "Maximum number of connections" in signed.text or "Too many users" in signed.text


async def test_connections_beyond_its_limit_are_refused() -> None:
    async with shown(name_made_by("Lam Son")) as camera, contextlib.AsyncExitStack() as stack:
        askers = [await stack.enter_async_context(asking(camera)) for _ in range(camera.maker.limit + 1)]
        answers = [(await a.call(camera, ACTION)).text for a in askers]
        assert all(camera.serial in text for text in answers[:-1])
        assert "Maximum number of connections" in answers[-1]


async def test_what_a_gate_remembers_is_bounded() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        for _ in range(200):
            await asker.call(camera, ACTION)
            await asker.ask("POST", PATH, soap(ACTION))
        assert len(camera.gate._seen) <= 64
        assert len(camera.gate._given) <= 64
    assert USER not in repr(camera.gate)
