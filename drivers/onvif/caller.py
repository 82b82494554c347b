"""Calls to one camera: its one connection, our login, and its clock, without which no login is signed right."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from drivers.onvif import clock as clocks
from drivers.onvif import digest, soap, wsdl
from drivers.onvif.errors import CameraError, Code
from drivers.onvif.http import Http, uri_of
from drivers.onvif.login import Attempt, ClockNow, Login, Way
from drivers.onvif.soap import Refused
from drivers.onvif.target import Allowed, Cost, Target
from drivers.onvif.wsdl import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml import etree

    from drivers.onvif.clock import Clock
    from drivers.onvif.http import Reply
    from drivers.onvif.wsdl import UsernameToken

CALL_S = 8.0
"""Seconds a call may take, connection included."""
UNREACHABLE = {Code.REFUSED, Code.NO_ROUTE, Code.NO_SUCH_HOST, Code.TIMEOUT, Code.RESET, Code.TLS}
_PRE_AUTH = {
    "GetSystemDateAndTime",
    "GetServices",
    "GetCapabilities",
    "GetServiceCapabilities",
    "GetHostname",
}
_MOVED_S = 2.0


class Call(NamedTuple):
    """One operation. `addressing` (maybe empty) adds WS-Addressing and a subscription's own headers."""

    service: Service
    name: str
    arguments: dict[str, Any]
    addressing: list[etree._Element] | None = None


_CLOCK = Call(Service.DEVICE, "GetSystemDateAndTime", {})


class Caller:
    """What a Camera calls with. `now` is our clock, in seconds since 1970."""

    def __init__(
        self, target: Target, *, now: Callable[[], float] = time.time, call_s: float = CALL_S
    ) -> None:
        self.target = target
        self.cost = Cost()
        self.login = Login(target)
        self.allowed = Allowed(target)
        self.last_clock: Clock | None = None
        self._clock_was_open = False
        self.now = now
        self.call_s = call_s
        self.http = Http(target, self.allowed, self.cost)

    async def clock(self) -> Clock:
        """GetSystemDateAndTime, without a login where the camera allows that, as the standard demands."""
        try:
            said, at = await self._plain_clock()
        except Refused as refused:
            if not self.login.given:
                raise self.login.explain(refused) from None
            sent = self.now()
            body = await self.signed(_CLOCK, self.target.url)
            said, at = wsdl.read(Service.DEVICE, _CLOCK.name, body), (sent + self.now()) / 2
        self.last_clock = clocks.read(said, at)
        return self.last_clock

    async def signed(
        self,
        call: Call,
        address: str,
        *,
        http: Http | None = None,
        seconds: float | None = None,
    ) -> etree._Element:
        """The Body of an answer to a call with our login, by the way that the camera accepts."""
        attempt = self.login.begin()
        while True:
            try:
                reply = await self._post(call, address, attempt.way, http, seconds)
                body = soap.body_of(reply, call.name, self.target.password)
            except Refused as refused:
                await self._try_another(attempt, refused)
            except soap.UnexplainedError as e:
                if not attempt.bare(e):
                    raise
            else:
                if call.name not in _PRE_AUTH and self.login.given:
                    self.login.accepted(attempt.way)
                return body

    async def once(self, call: Call, way: Way) -> Reply:
        """One call to the device service with our login shown by that way: sent once, whatever comes back."""
        return await self._post(call, self.target.url, way, once=True)

    async def _try_another(self, attempt: Attempt, refused: Refused) -> None:
        """Raises CameraError where nothing is left to try."""
        if attempt.way is Way.TOKEN and self.login.way is Way.TOKEN and attempt.clock is None:
            attempt.clock = await self._ask_again()
            if attempt.clock is ClockNow.MOVED:
                return
        if attempt.another(refused):
            return
        if attempt.unexplained and attempt.way is Way.BARE:
            raise attempt.unexplained
        if self.login.way is not None and attempt.clock is None:
            attempt.clock = await self._ask_again()
        raise self.login.explain(refused, everything=attempt.clock is ClockNow.REFUSED) from None

    async def _post(
        self,
        call: Call,
        address: str,
        way: Way | None,
        http: Http | None = None,
        seconds: float | None = None,
        *,
        once: bool = False,
    ) -> Reply:
        service, name, arguments, addressing = call
        kind = f'application/soap+xml; charset=utf-8; action="{wsdl.action(service, name)}"'

        made: list[str] = []

        def make(url: str) -> tuple[dict[str, str], bytes]:
            if once and made:
                raise CameraError(Code.RESET, "the camera wants it sent again, and it is sent once only")
            made.append(url)
            token, shown = self._show(way, url)
            to = address if addressing is not None else ""
            body = wsdl.request(service, name, arguments, token=token, address=to, headers=addressing)
            return {"Content-Type": kind, **shown}, body

        return await (http or self.http).ask("POST", address, make, seconds=seconds or self.call_s)

    def _show(self, way: Way | None, url: str) -> tuple[UsernameToken | None, dict[str, str]]:
        """Our login for one request: a token for its envelope, or a line for its header."""
        user, password = self.target.username, self.target.password
        if way is None or way is Way.BARE or not user:
            return None, {}
        if way is Way.TOKEN or (way is Way.PLAIN and not self.login.basic):
            drift = self.last_clock.sign_s if self.last_clock else 0.0
            created = dt.datetime.fromtimestamp(self.now() + drift, dt.UTC)
            return wsdl.token(user, password, created, text=way is Way.PLAIN), {}
        if way is Way.PLAIN:
            return None, {"Authorization": digest.basic(user, password)}
        if self.login.challenge is None:
            return None, {}
        return None, {"Authorization": self.login.challenge.answer("POST", uri_of(url), user, password)}

    async def _plain_clock(self) -> tuple[Any, float]:
        sent = self.now()
        reply = await self._post(_CLOCK, self.target.url, None)
        at = (sent + self.now()) / 2
        body = soap.body_of(reply, _CLOCK.name, self.target.password)
        said = wsdl.read(Service.DEVICE, _CLOCK.name, body)
        if not self._clock_was_open:
            self._clock_was_open = True
            self.login.opened()
        return said, at

    async def know_clock(self) -> None:
        """Before the first signature: what time the camera believes it is."""
        if self.last_clock is None and self.login.given:
            try:
                await self.clock()
            except CameraError as e:
                if e.code in UNREACHABLE or e.code.startswith("login") or e.code is Code.NOT_ONVIF:
                    raise
                self.last_clock = clocks.UNKNOWN  # it cannot tell; not asked again before each call

    async def _ask_again(self) -> ClockNow:
        """After a refusal, ask for the clock without a login.

        It may have jumped (a reboot to 1970): then our signature was wrong. Or even that is refused, which was not.
        """
        before = self.last_clock.sign_s if self.last_clock else 0.0
        try:
            said, at = await self._plain_clock()
        except Refused:
            return ClockNow.REFUSED if self._clock_was_open else ClockNow.SAME
        except CameraError:
            return ClockNow.SAME
        self.last_clock = clocks.read(said, at)
        return ClockNow.MOVED if abs(self.last_clock.sign_s - before) > _MOVED_S else ClockNow.SAME
