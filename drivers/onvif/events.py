"""A camera's own alarms about its picture, by pull-point: tampering, darkness, blur, glare, loss of signal.

Where they are switched on they take a second connection. A subscription lives for a minute, is renewed as long as
somebody pulls, and is given back at the end, also after an error or when cancelled; one whose creation was cut off
half way ends by itself.
"""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
from typing import TYPE_CHECKING, NamedTuple, Self

from drivers.onvif.caller import UNREACHABLE, Call
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.http import Http
from drivers.onvif.wsdl import Service, child, local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

    from drivers.onvif.client import Camera

LIFE_S = 60
"""Seconds that a subscription lives without being renewed."""
WAIT_S = 20
"""Seconds that the camera may hold a question for events."""
GRACE_S = 5
"""... and that it may be late with the answer."""
BYE_S = 3.0
MESSAGES = 100
_IS_REFERENCE = "{http://www.w3.org/2005/08/addressing}IsReferenceParameter"
_NOT_THERE = {*UNREACHABLE, Code.GARBLED, Code.NOT_ONVIF, Code.FORBIDDEN_ADDRESS, Code.REDIRECTED}

TOPICS = {
    "GlobalSceneChange": "sceneChanged",
    "TamperDetector": "sceneChanged",
    "Tamper": "sceneChanged",
    "Tampering": "sceneChanged",
    "CameraTampering": "sceneChanged",
    "ImageTooDark": "tooDark",
    "ImageTooBlurry": "tooBlurry",
    "ImageTooBright": "tooBright",
    "SignalLoss": "signalLost",
    "SignalLost": "signalLost",
    "VideoLoss": "signalLost",
    "VideoLost": "signalLost",
}
"""A part of a topic's path -> fault code of cameras. Everything else (motion above all) is ignored."""
_YES, _NO = {"true", "1", "on", "active", "yes"}, {"false", "0", "off", "inactive", "no"}


class Alarm(NamedTuple):
    """One alarm begins or ends. `at`: seconds since 1970 by our clock, None where the camera's date is none."""

    code: str
    active: bool
    at: float | None
    source: str


class Events:
    """A subscription, for the time of one `async with`. Raises CameraError only.

    NO_SUCH_SERVICE (permanent): the camera offers no events, or announces an address that does not exist.
    """

    def __init__(self, camera: Camera, *, wait_s: float = WAIT_S, life_s: float = LIFE_S) -> None:
        self._camera = camera
        self._http = Http(camera.target, camera.allowed, camera.cost)
        self._wait_s = wait_s
        self._life_s = life_s
        self._address = ""
        self._headers: list[etree._Element] = []
        self._renew_at = 0.0
        self._renews = True

    async def __aenter__(self) -> Self:
        try:
            await self._subscribe()
        except BaseException:
            self._http.close()
            raise
        return self

    async def _subscribe(self) -> None:
        address = await self._camera.address(Service.EVENTS)
        await self._camera.know_clock()
        name = "CreatePullPointSubscription"
        try:
            body = await self._call(Service.EVENTS, name, address, InitialTerminationTime=self._life)
        except CameraError as e:
            if e.code not in _NOT_THERE:
                raise
            await self._camera.clock()  # raises where it is the camera that is away
            why = f"the camera announces events and does not answer there ({e.code})"
            raise CameraError(Code.NO_SUCH_SERVICE, why, permanent=True) from None
        reference = child(body, f"{name}Response", "SubscriptionReference")
        found = child(reference, "Address")
        given = (found.text or "").strip() if found is not None else ""
        parameters = child(reference, "ReferenceParameters")
        self._headers = [copy.deepcopy(e) for e in parameters] if parameters is not None else []
        for element in self._headers:
            element.set(_IS_REFERENCE, "true")
        self._address = self._camera.allowed.settle(given) if given else address
        self._renew_at = self._time() + self._life_s / 2

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._address:
                await self._call(Service.SUBSCRIPTION, "Unsubscribe", self._address, seconds=BYE_S)
        except CameraError:
            pass  # it ends by itself
        finally:
            self._address = ""
            self._http.close()

    async def pull(self) -> list[Alarm]:
        """Alarms since the last time, in order; waits up to `wait_s` for the first. Others' events are dropped.

        An error that is not about the network means that the subscription is lost: leave, and make a new one.
        """
        if self._renews and self._time() > self._renew_at:
            await self._renew()
        wait = dt.timedelta(seconds=self._wait_s)
        body = await self._call(
            Service.PULLPOINT,
            "PullMessages",
            self._address,
            seconds=self._wait_s + GRACE_S,
            Timeout=wait,
            MessageLimit=MESSAGES,
        )
        return list(alarms(body, self._camera.last_clock.sign_s if self._camera.last_clock else 0.0))

    async def _renew(self) -> None:
        try:
            await self._call(Service.SUBSCRIPTION, "Renew", self._address, TerminationTime=self._life)
        except CameraError as e:
            if e.code not in (Code.NO_SUCH_SERVICE, Code.FAILED):
                raise
            self._renews = False  # some keep it alive by pulling, some let it end: then pulling fails
        self._renew_at = self._time() + self._life_s / 2

    @property
    def _life(self) -> str:
        return f"PT{int(self._life_s)}S"

    async def _call(
        self, service: Service, name: str, address: str, *, seconds: float | None = None, **arguments: object
    ) -> etree._Element:
        call = Call(service, name, arguments, self._headers)
        return await self._camera.signed(call, address, http=self._http, seconds=seconds)

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()


def alarms(body: etree._Element, ahead_s: float) -> Iterator[Alarm]:
    """The alarms in a PullMessages answer, from a camera whose clock is ahead of ours by `ahead_s`."""
    for message in body.iter():
        if local(message) != "NotificationMessage":
            continue
        topic = child(message, "Topic")
        code = _code(topic.text or "") if topic is not None else None
        inner = child(message, "Message", "Message")
        if code is None or inner is None:
            continue
        state = _state(inner)
        if state is not None:
            yield Alarm(code, state, _moment(inner.get("UtcTime"), ahead_s), _source(inner))


def _code(topic: str) -> str | None:
    parts = (part.rpartition(":")[2].strip() for part in topic[:500].split("/"))
    return next((TOPICS[p] for p in parts if p in TOPICS), None)


def _items(message: etree._Element, part: str) -> Iterator[tuple[str, str]]:
    place = child(message, part)
    for item in place if place is not None else ():
        if local(item) == "SimpleItem":
            yield str(item.get("Name", "")), str(item.get("Value", ""))


def _state(message: etree._Element) -> bool | None:
    """What its data say; makers call it State, IsTamper, Value and more, so the first yes or no counts."""
    if message.get("PropertyOperation") == "Deleted":
        return False
    for _, value in _items(message, "Data"):
        said = value.strip().lower()
        if said in _YES or said in _NO:
            return said in _YES
    return None


def _source(message: etree._Element) -> str:
    named = dict(_items(message, "Source"))
    return quoted(
        named.get("Source") or named.get("VideoSource") or named.get("VideoSourceConfigurationToken") or ""
    )


def _moment(said: str | None, ahead_s: float) -> float | None:
    try:
        at = dt.datetime.fromisoformat((said or "").strip())
        return at.replace(tzinfo=at.tzinfo or dt.UTC).timestamp() - ahead_s
    except (ValueError, OverflowError):
        return None
