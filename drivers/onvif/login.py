"""How we log in to one camera, and what a refusal means.

Ways, in this order, each tried once and only where the one before was refused:

1. `TOKEN`: WS-UsernameToken with a digest, signed with the camera's own clock;
2. `HTTP`: HTTP Digest, where the camera asks for it;
3. `PLAIN`: HTTP Basic or PasswordText, only over TLS or where `Target.plain_password` allows it.

The way that was accepted stays. A password that was refused by all of them is not tried again until `forgive`.

"The camera is full" (`login_full`) is said only with evidence, one of:

- it says so in words (maximum of connections, users or sessions; too many);
- it answers HTTP 503 to a login that it accepted before;
- it now refuses even the question for its clock, which it answered without login before;
- the same password was refused and then accepted before: it comes and goes.

Any other refusal of a password that worked before is `login_refused`, not permanent, and says that it worked.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from drivers.onvif import digest
from drivers.onvif.errors import CameraError, Code

if TYPE_CHECKING:
    from drivers.onvif.soap import Refused
    from drivers.onvif.target import Target

_FULL = re.compile(
    r"(max(imum)?|too many|limit|exceed\w*|reached|full)\W{0,3}(\w+\W+){0,3}?(connection|user|session|client|login)"
    r"|(connection|user|session|client|login)s?\W{0,3}(\w+\W+){0,3}?(limit|max|exceed|full|reached|too many)",
    re.IGNORECASE,
)
_LOCKED = re.compile(r"\block(ed)?\b|illegal login|try again (later|after|in)|banned|blocked", re.IGNORECASE)


class Way(Enum):
    """How the password is shown."""

    TOKEN = "token"  # noqa: S105 - a name
    HTTP = "http"
    PLAIN = "plain"


class Login:
    """What is known about logging in to one camera. Pure: it is told what happened, and says what to do."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.way: Way | None = None
        self.final: CameraError | None = None
        self.challenge: digest.Challenge | None = None
        self.basic = False
        self.picture_challenge: digest.Challenge | None = None
        self.picture_basic = False
        self.picture_final: CameraError | None = None
        self._picture_worked = False
        self._tried: set[Way] = set()
        self._came_and_went = False
        self._fresh = False
        self._refused_since = False

    @property
    def given(self) -> bool:
        """Whether there is a user name to log in with."""
        return bool(self._target.username)

    @property
    def plain_allowed(self) -> bool:
        """Whether the password may be sent as it is."""
        return self._target.use_tls or self._target.plain_password

    def begin(self) -> Way:
        """The way for the next signed call. Raises what a refusal left behind."""
        if self.final:
            raise self.final
        self._tried.clear()
        self._fresh = False
        return self.way or Way.TOKEN

    def forgive(self) -> None:
        """Try anew: somebody changed a password."""
        self.final, self.way, self.challenge = None, None, None
        self.picture_final, self.picture_challenge, self.picture_basic = None, None, False

    def accepted(self, way: Way) -> None:
        """A call that needs a login was answered."""
        self._came_and_went |= self._refused_since
        self._refused_since = False
        self.way = way

    def next(self, way: Way, refused: Refused) -> Way | None:
        """After a refusal: another way worth trying once, or None."""
        self._tried.add(way)
        before = self.challenge
        offered, basic = digest.read(refused.challenges)
        if offered:
            self.challenge = offered
        self.basic = basic or self.basic
        if self.way is Way.HTTP and way is Way.HTTP and offered and before and not self._fresh:
            # A nonce that grew old is refused like a password; one fresh one tells them apart
            self._fresh = True
            return Way.HTTP
        if self.way is not None or in_words(refused.words):
            return None
        if offered and Way.HTTP not in self._tried:
            return Way.HTTP
        if self.plain_allowed and Way.PLAIN not in self._tried and (basic or not refused.challenges):
            return Way.PLAIN
        return None

    def explain(self, refused: Refused, *, clock_refused: bool = False) -> CameraError:
        """What to tell about a refusal after which no way is left. The only place that says `login_full`."""
        self._refused_since = True
        said = f": {refused.words}" if refused.words else f" (HTTP {refused.status})"
        return in_words(refused.words) or self._after_success(said, clock_refused) or self._never_worked(said)

    def _after_success(self, said: str, clock_refused: bool) -> CameraError | None:
        if clock_refused:
            return CameraError(
                Code.LOGIN_FULL,
                "the camera is full: it refuses even what it answered without a login before",
            )
        if self._came_and_went:
            return CameraError(
                Code.LOGIN_FULL, "the camera is full: it refused this password before and accepted it later"
            )
        if self.way is None:
            return None
        return CameraError(
            Code.LOGIN_REFUSED,
            f"login refused{said}; this password worked before: it was changed, or the camera is full",
        )

    def _never_worked(self, said: str) -> CameraError:
        if not self.given:
            return self._finally(Code.LOGIN_REFUSED, "the camera wants a login, and none is registered")
        if self.basic and self.challenge is None and not self.plain_allowed:
            return self._finally(
                Code.LOGIN_PLAIN, "the camera wants the password unencrypted, which is not allowed for it"
            )
        return self._finally(Code.LOGIN_REFUSED, f"user name or password refused{said}")

    def picture_accepted(self) -> None:
        """A snapshot came with our login."""
        self._picture_worked = True

    def explain_picture(self, words: str, status: int) -> CameraError:
        """What to tell about a refused snapshot. It says nothing about ONVIF's login: many cameras keep two lists."""
        self.picture_challenge, self.picture_basic = None, False
        said = f": {words}" if words else f" (HTTP {status})"
        told = in_words(words)
        if told:
            return told
        if self._picture_worked:
            return CameraError(
                Code.LOGIN_REFUSED, f"snapshot refused{said}; this password worked for it before"
            )
        other = ", though ONVIF accepts the login" if self.way else ""
        self.picture_final = CameraError(Code.LOGIN_REFUSED, f"snapshot refused{other}{said}", permanent=True)
        return self.picture_final

    def busy(self) -> CameraError | None:
        """After HTTP 503 to a signed call: that the camera is full, where the login worked before."""
        if self.way is None:
            return None
        self._refused_since = True
        return CameraError(Code.LOGIN_FULL, "the camera is full: HTTP 503 to a login that it accepted before")

    def _finally(self, code: Code, reason: str) -> CameraError:
        self.final = CameraError(code, reason, permanent=True)
        return self.final


def in_words(words: str) -> CameraError | None:
    """What the camera's own words say: a limit of connections or users, a locked account, or neither."""
    if _FULL.search(words):
        return CameraError(Code.LOGIN_FULL, f"the camera is full, it says: {words}")
    if _LOCKED.search(words):
        return CameraError(Code.LOGIN_LOCKED, f"the camera locked the account: {words}")
    return None
