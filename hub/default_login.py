"""Makers' default logins, tried on one camera by the word of a named person: once, written down before it is shown.

Nothing is kept beside the audit: who switched a try on stands there before the camera is asked, and what came of it
afterwards. So a try that a crash cut off is not made again; its result is unknown.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from hub import audit
from hub.audit import Wanted
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devices.person import By
    from hub.audit import Entry
    from hub.store.reader import Reader
    from hub.store.writer import Writes

ON, TRIED = "camera.default_login_on", "camera.default_login_tried"
REST_MS = 3_600_000
"""A camera is shown a default login once an hour at most, whoever asks: cameras lock after a few wrong ones."""
UNSHOWN = ("away", "unknown_make")
"""With these results no password was shown."""
MOST = 20_000
"""Entries of the audit that are read at the start."""


class Try(NamedTuple):
    """One: when (ms), by whom, whose login; `result`: one of hub.poll.points.RESULTS, `timeout`, or not known."""

    at: int
    by: str
    maker: str
    login: str
    result: str


class DefaultLogins:
    """On the event loop; `ask` shows the login of a model to a camera and gives the result."""

    def __init__(
        self,
        reader: Reader,
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        self._reader, self._do, self._now = reader, do, now
        self._tries: dict[str, Try] = {}
        for entry in reversed(audit.entries(reader, Wanted(action="camera.default_login_"), None, MOST)):
            self._heard(entry)

    def of(self, name: str) -> Try | None:
        """The last try on a camera; None where nobody ever switched one on."""
        return self._tries.get(name)

    async def switch_on(
        self, name: str, model: str, by: By, ask: Callable[[str, str], Awaitable[str]]
    ) -> Try:
        """One try. Raises Refused: who_are_you, no_default_login, default_login_rests, default_login_locked.

        And what `ask` raises: then nothing was shown.
        """
        from drivers.onvif import default_of  # noqa: PLC0415 - 0.3 s at import, needed only here

        if not by.person:
            raise Refused("who_are_you")
        login = default_of(model)
        if login is None:
            raise Refused("no_default_login", model=model or "?")
        before, now = self.of(name), self._now()
        if before is not None and before.result == "locked" and not await self._dealt_with(name, before.at):
            raise Refused("default_login_locked")
        if before is not None and before.result not in UNSHOWN and now - before.at < REST_MS:
            raise Refused("default_login_rests")
        made = self._tries[name] = Try(now, by.person, login.make, login.user, "")
        await self._note(name, ON, by, maker=login.make, login=login.user)
        try:
            result = await ask(name, model)
        except Refused:
            await self._end(name, by, made, "away")
            raise
        return await self._end(name, by, made, result)

    async def _end(self, name: str, by: By, made: Try, result: str) -> Try:
        ended = self._tries[name] = made._replace(result=result)
        await self._note(name, TRIED, by, result=result)
        return ended

    async def _dealt_with(self, name: str, since: int) -> bool:
        """Somebody stored a password for it since."""
        wanted = Wanted(subject=f"device:{name}", exact=True, action="camera.password_set", since=since)
        return bool(await asyncio.to_thread(audit.entries, self._reader, wanted, None, 1))

    async def _note(self, name: str, action: str, by: By, **after: object) -> None:
        await self._do(lambda w: audit.note(w, self._now(), by, action, f"device:{name}", {}, after))

    def _heard(self, e: Entry) -> None:
        name = e.subject.removeprefix("device:")
        if e.action == ON:
            said = e.after
            self._tries[name] = Try(
                e.at, e.person, str(said.get("maker", "")), str(said.get("login", "")), ""
            )
        elif e.action == TRIED and name in self._tries:
            self._tries[name] = self._tries[name]._replace(result=str(e.after.get("result", "")))
