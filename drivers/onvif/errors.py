"""What can go wrong between the hub and one camera, told by a code that never changes its meaning."""

from __future__ import annotations

import re
from enum import StrEnum

from drivers.errors import DriverError


class Code(StrEnum):
    """Why a camera did not do what it was asked. Stored and shown: a code keeps its meaning."""

    TIMEOUT = "timeout"
    """No whole answer within the deadline."""
    REFUSED = "refused"
    """Nothing listens at that address and port."""
    NO_ROUTE = "no_route"
    """The network knows no way there."""
    NO_SUCH_HOST = "no_such_host"
    """The host's name is unknown."""
    RESET = "reset"
    """The camera cut the connection."""
    TLS = "tls"
    """No encrypted connection came about."""
    GARBLED = "garbled"
    """The answer cannot be read, or ends in the middle."""
    TOO_LARGE = "too_large"
    """The answer is larger than any honest one."""
    LOGIN_REFUSED = "login_refused"
    """User name or password are not accepted."""
    LOGIN_FULL = "login_full"
    """The login is refused because the camera has no room, not for its password (see Login for the evidence)."""
    LOGIN_LOCKED = "login_locked"
    """The camera says that it locked the account for a while."""
    LOGIN_PLAIN = "login_plain"
    """The camera wants the password in plain words over a connection that is not encrypted; it was not sent."""
    NOT_ONVIF = "not_onvif"
    """Something answers there, but it speaks no ONVIF (or no RTSP)."""
    NO_SUCH_SERVICE = "no_such_service"
    """The camera does not offer this."""
    REDIRECTED = "redirected"
    """The camera sends us round in circles, or to an unencrypted address."""
    FORBIDDEN_ADDRESS = "forbidden_address"
    """The camera names an address that is neither its own nor in a network that settings allow; not contacted."""
    NOT_A_PICTURE = "not_a_picture"
    """What came instead of a picture is none."""
    BUSY = "busy"
    """The camera has no time (HTTP 503)."""
    FAILED = "failed"
    """The camera says that it could not do it."""


class CameraError(DriverError):
    """The only exception that a camera's methods raise. `reason` is English, short, without passwords.

    `evidence`: by what it was told, a code of devices.camera.EVIDENCE, or nothing; `words`: the camera's own, or none.
    """

    def __init__(
        self, code: Code, reason: str, *, permanent: bool = False, evidence: str = "", words: str = ""
    ) -> None:
        super().__init__(reason, permanent=permanent)
        self.code, self.evidence, self.words = code, evidence, words

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class NoConnection(CameraError):  # noqa: N818 - what happened
    """Not even a connection came about in time: there is no use in knocking."""

    def __init__(self, where: str) -> None:
        super().__init__(Code.TIMEOUT, f"{where} does not answer")


_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\u1eff]+")
_WORDS = 100
_SECRET = 4


def quoted(words: str, *secrets: str) -> str:
    """What a camera said, short enough and clean enough to store and show."""
    words = _UNPRINTABLE.sub(" ", words[:2000])
    for secret in secrets:
        if len(secret) >= _SECRET:  # masking shorter ones would spoil words, and so tell them
            words = words.replace(secret, "***")
    words = " ".join(words.split())
    return words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"
