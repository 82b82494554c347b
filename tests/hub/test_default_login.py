"""Makers' default logins: one try for one switching on, by a named person, written down before it is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devices.person import By
from hub import audit
from hub.default_login import REST_MS, DefaultLogins
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

AN, NOBODY = By("An", "10.0.0.9"), By("", "10.0.0.9")
NOW = 1_795_000_000_000
MODEL = "HIKVISION DS-2CD2143"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.store, self.at = Store(folder), NOW
        self.shown: list[tuple[str, str]] = []
        self.result: str | Refused | KeyboardInterrupt = "refused"
        self.written_first = True
        self.restart()

    def restart(self) -> None:
        self.logins = DefaultLogins(Reader(self.store.path), self.do, lambda: self.at)

    async def do(self, run: Callable[[Writes], Any]) -> Any:
        writes = Writes()
        found = run(writes)
        self.store.commit(writes)
        return found

    async def ask(self, name: str, model: str) -> str:
        self.written_first = self.written_first and self.audit()[-1][1] == "camera.default_login_on"
        self.shown.append((name, model))
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    async def stores_password(self, name: str) -> None:
        def run(w: Writes) -> None:
            audit.note(w, self.at, AN, "camera.password_set", f"device:{name}", {}, {"set": True})

        await self.do(run)

    async def on(self, by: By = AN, model: str = MODEL) -> str:
        return (await self.logins.switch_on("cam-1", model, by, self.ask)).result

    async def refused(self, by: By = AN, model: str = MODEL) -> str:
        with pytest.raises(Refused) as caught:
            await self.on(by, model)
        return caught.value.code

    def audit(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        rows = self.store.rows("SELECT person, action, subject, after FROM audit ORDER BY id")
        return [(p, a, s, json.loads(after)) for p, a, s, after in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


async def test_one_switching_on_is_one_try(desk: Desk) -> None:
    assert desk.logins.of("cam-1") is None
    assert await desk.on() == "refused"
    assert desk.shown == [("cam-1", MODEL)]
    assert desk.written_first
    assert desk.audit() == [
        ("An", "camera.default_login_on", "device:cam-1", {"maker": "Hikvision", "login": "admin"}),
        ("An", "camera.default_login_tried", "device:cam-1", {"result": "refused"}),
    ]
    desk.restart()
    tried = desk.logins.of("cam-1")
    assert tried is not None
    assert (tried.at, tried.by, tried.maker, tried.result) == (NOW, "An", "Hikvision", "refused")
    assert len(desk.shown) == 1, "a restart shows none"


async def test_nobody_and_no_known_maker(desk: Desk) -> None:
    assert await desk.refused(NOBODY) == "who_are_you"
    assert await desk.refused(model="Mắt Làng ML-4") == "no_default_login"
    assert (desk.shown, desk.audit()) == ([], [])


async def test_it_rests_for_an_hour(desk: Desk) -> None:
    await desk.on()
    desk.at = NOW + REST_MS - 1
    assert await desk.refused() == "default_login_rests"
    desk.restart()
    assert await desk.refused() == "default_login_rests"
    desk.at = NOW + REST_MS
    assert await desk.on() == "refused"
    assert len(desk.shown) == 2


@pytest.mark.parametrize("result", ["away", Refused("poller_away")])
async def test_one_that_was_not_shown_may_be_switched_on_again(desk: Desk, result: str | Refused) -> None:
    desk.result = result
    if isinstance(result, str):
        assert await desk.on() == "away"
    else:
        assert await desk.refused() == "poller_away"
    assert desk.audit()[-1][3] == {"result": "away"}
    desk.result = "accepted"
    assert await desk.on() == "accepted"


async def test_after_a_lockout_none_is_tried_before_a_password_is_stored(desk: Desk) -> None:
    desk.result = "locked"
    assert await desk.on() == "locked"
    desk.at = NOW + 100 * REST_MS
    assert await desk.refused() == "default_login_locked"
    desk.restart()
    assert await desk.refused() == "default_login_locked"
    assert len(desk.shown) == 1
    for name in ("cam-2", "cam-1"):
        assert await desk.refused() == "default_login_locked"
        await desk.stores_password(name)
    assert await desk.on() == "locked"


async def test_a_crash_in_the_middle_is_no_second_try(desk: Desk) -> None:
    desk.result = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await desk.on()
    desk.restart()
    tried = desk.logins.of("cam-1")
    assert tried is not None
    assert (tried.by, tried.result) == ("An", "")
    assert await desk.refused() == "default_login_rests"
    assert len(desk.shown) == 1
