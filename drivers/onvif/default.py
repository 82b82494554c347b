"""Makers' default logins: one visible table, and one of them shown to one camera, once.

Nothing here is done by itself: a named person switches a try on, for one camera. It shows one password one time, by
the one way that the camera is known to take, and is never repeated here, whatever comes back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from drivers.onvif import digest, soap
from drivers.onvif.caller import Call, Caller
from drivers.onvif.errors import CameraError, Code
from drivers.onvif.login import Way, in_words
from drivers.onvif.wsdl import Service

if TYPE_CHECKING:
    from drivers.onvif.client import Camera


class DefaultLogin(NamedTuple):
    """What a maker's cameras came with. `make` is found at the beginning of a camera's maker; `source` says so."""

    make: str
    user: str
    password: str
    source: str


DEFAULT_LOGINS = (
    DefaultLogin("Hikvision", "admin", "12345", "User Manual of Network Camera DS-2CD4324FWD-IZHS8, 12.1"),
    DefaultLogin("Dahua", "admin", "admin", "dahuawiki.com, IPCamera/Change Username or Password, 2016"),
    DefaultLogin("Uniview", "admin", "123456", "support.camerasecuritynow.com, Creating a New User (Uniview)"),
    DefaultLogin("Planet", "admin", "admin", "PLANET ICA-A3280 User's Manual, change of the first password"),
    DefaultLogin("CTC Union", "admin", "admin", "CTC Union IPCam-8309F User Manual, 4.3.4.1"),
    DefaultLogin("Messoa", "admin", "1234", "Messoa SPD982 User Manual, 4.2.5"),
    DefaultLogin("Zmodo", "admin", "111111", "Zmodo IP Camera User Manual, 4.2.5"),
)  # fmt: skip
"""Only what a maker's manual or a support page says; newer cameras of the same makers want a password at first use."""
_CALL = Call(Service.DEVICE, "GetDeviceInformation", {})


def default_of(make: str) -> DefaultLogin | None:
    """The default login of a maker (or of "maker model"); None where the table has none."""
    said = re.sub(r"[^a-z0-9]+", " ", make.lower()).strip()
    return next((d for d in DEFAULT_LOGINS if f"{said} ".startswith(f"{d.make.lower()} ")), None)


def is_default(make: str, user: str, password: str) -> bool:
    """Whether this login is the one that this maker's cameras came with."""
    found = default_of(make)
    return found is not None and (found.user, found.password) == (user, password)


async def show_once(camera: Camera, login: DefaultLogin) -> bool:
    """Whether the camera, which has just told its clock, accepts this login: asked without one, then with it, once.

    Raises CameraError where that cannot be told: LOGIN_FULL, LOGIN_LOCKED by its words, FAILED where it wants no login
    or no way that is known here, and all that a call raises.
    """
    stranger = Caller(
        replace(camera.target, username=login.user, password=login.password),
        now=camera.now,
        call_s=camera.call_s,
    )
    stranger.http, stranger.cost, stranger.last_clock = camera.http, camera.cost, camera.last_clock
    try:
        soap.body_of(await stranger.once(_CALL, Way.BARE), _CALL.name, login.password)
    except soap.Refused as refused:
        told, offered = in_words(refused.words), digest.read(refused.challenges)[0]
        if told:
            raise told from None
    except soap.UnexplainedError:
        offered = None
    else:
        raise CameraError(Code.FAILED, "it tells everything to anybody, without a login")
    way = camera.login.way if camera.login.way in (Way.TOKEN, Way.HTTP) else None
    way = way or (Way.HTTP if offered else Way.TOKEN)
    if way is Way.HTTP and offered is None:
        raise CameraError(Code.FAILED, "it does not say how a login is shown to it")
    stranger.login.challenge = offered
    try:
        soap.body_of(await stranger.once(_CALL, way), _CALL.name, login.password)
    except soap.Refused as refused:
        told, again = in_words(refused.words), digest.read(refused.challenges)[0]
        if told:
            raise told from None
        if way is Way.HTTP and again is not None and again.stale:
            raise CameraError(Code.FAILED, "it wants another answer, and none is shown twice") from None
        return False
    return True
