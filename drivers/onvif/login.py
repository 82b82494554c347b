"""How we log in to one camera, and what a refusal means.

Ways, in this order, each tried once and only where the one before was refused:

1. `TOKEN`: WS-UsernameToken with a digest, signed with the camera's own clock;
2. `BARE`: without a login, where the refusal did not say what is wanted: some then ask for HTTP Digest, some answer;
3. `HTTP`: HTTP Digest, where the camera asks for it;
4. `PLAIN`: HTTP Basic or PasswordText, only over TLS or where `Target.plain_password` allows it.

The way that was accepted stays. A password that was refused by all of them is not tried again until `forgive`.

"The camera is full" (`login_full`) is said only with evidence, one of:

- it says so in words (maximum of connections, users or sessions; too many), with 401, 403, 503 or a fault;
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
    BARE = "bare"
    HTTP = "http"
    PLAIN = "plain"


class ClockNow(Enum):
    """What asking for the clock again brought, after a refusal."""

    SAME = "same"
    MOVED = "moved"
    REFUSED = "refused"


class Login:
    """What is known about logging in to one camera. Pure: it is told what happened, and says what to do."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.way: Way | None = None
        self.final: CameraError | None = None
        self.challenge: digest.Challenge | None = None
        self.basic = False
        self.picture = Door(self, "snapshot")
        self.stream = Door(self, "stream")
        self._came_and_went = False
        self._refused_since = False

    @property
    def open(self) -> bool:
        """Whether the camera answers calls without a login that should need one."""
        return self.way is Way.BARE

    @property
    def given(self) -> bool:
        """Whether there is a user name to log in with."""
        return bool(self.target.username)

    @property
    def plain_allowed(self) -> bool:
        """Whether the password may be sent as it is."""
        return self.target.use_tls or self.target.plain_password

    def begin(self) -> Attempt:
        """For one signed call. Raises what a refusal left behind."""
        if self.final:
            raise self.final
        return Attempt(self)

    def forgive(self) -> None:
        """Try anew: somebody changed a password."""
        self.final, self.way, self.challenge = None, None, None
        self._came_and_went = self._refused_since = False
        self.picture, self.stream = Door(self, "snapshot"), Door(self, "stream")

    def opened(self) -> None:
        """The clock was told without a login, for the first time.

        Where everything was refused before, it was not for the password: that is shown again.
        """
        if self.final:
            self.forgive()
            self._refused_since = True

    def accepted(self, way: Way) -> None:
        """A call that needs a login was answered."""
        self._came_and_went |= self._refused_since
        self._refused_since = False
        self.way = way

    def explain(self, refused: Refused, *, everything: bool = False) -> CameraError:
        """What to tell about a refusal after which no way is left. The only place that says `login_full`."""
        self._refused_since = True
        said = f": {refused.words}" if refused.words else f" (HTTP {refused.status})"
        told = in_words(refused.words, refused.said)
        return told or self._after_success(said, everything) or self._never_worked(said)

    def _after_success(self, said: str, everything: bool) -> CameraError | None:
        if everything:
            return CameraError(
                Code.LOGIN_FULL,
                "the camera is full: it refuses even what it answered without a login before",
                evidence="clockRefused",
            )
        if self._came_and_went:
            return CameraError(
                Code.LOGIN_FULL,
                "the camera is full: it refused this password before and accepted it later",
                evidence="cameAndWent",
            )
        if self.way is None:
            return None
        return CameraError(
            Code.LOGIN_REFUSED,
            f"login refused{said}; this password worked before: it was changed, or the camera is full",
            evidence="workedBefore",
        )

    def _never_worked(self, said: str) -> CameraError:
        if not self.given:
            return self._finally(Code.LOGIN_REFUSED, "the camera wants a login, and none is registered")
        if self.basic and self.challenge is None and not self.plain_allowed:
            return self._finally(
                Code.LOGIN_PLAIN,
                "the camera wants the password unencrypted, which is not allowed for it",
                "wantsPlain",
            )
        return self._finally(Code.LOGIN_REFUSED, f"user name or password refused{said}", "neverWorked")

    def _finally(self, code: Code, reason: str, evidence: str = "") -> CameraError:
        self.final = CameraError(code, reason, permanent=True, evidence=evidence)
        return self.final


class Attempt:
    """The ways that one call may go; calls may overlap (events have a connection of their own)."""

    def __init__(self, login: Login) -> None:
        self.way = login.way or Way.TOKEN
        self._login = login
        self._tried: set[Way] = {self.way}
        self._renewed = False
        self.clock: ClockNow | None = None
        self.unexplained: CameraError | None = None

    def another(self, refused: Refused) -> bool:
        """After a refusal: whether there is a way worth trying once more; then `way` is that."""
        login = self._login
        if not login.given:
            return False
        known = login.challenge
        offered, basic = digest.read(refused.challenges)
        login.challenge = offered or known
        login.basic = basic or login.basic
        if self.way is Way.HTTP and login.way is Way.HTTP and offered and known and not self._renewed:
            self._renewed = (
                True  # a nonce that grew old is refused like a password; a fresh one tells them apart
            )
            return True
        if login.way is Way.BARE:
            login.way = None  # it wants a login now
        if login.way is not None or in_words(refused.words):
            return False
        unsaid = not refused.challenges
        wanted = (
            (Way.TOKEN, True),
            (Way.HTTP, offered is not None),
            (Way.BARE, unsaid and Way.HTTP not in self._tried),
            (Way.PLAIN, login.plain_allowed and (basic or unsaid)),
        )
        return self._take(*(way for way, sensible in wanted if sensible))

    def bare(self, unexplained: CameraError) -> bool:
        """After a failure without a reason: whether asking without a login may bring out what is wanted."""
        self.unexplained = unexplained
        login = self._login
        return login.given and login.way is None and self.way is Way.TOKEN and self._take(Way.BARE)

    def _take(self, *ways: Way) -> bool:
        following = next((w for w in ways if w not in self._tried), None)
        if following is not None:
            self.way = following
            self._tried.add(following)
        return following is not None


class Door:
    """HTTP's or RTSP's own login for pictures. It says nothing about ONVIF's: many cameras keep two lists."""

    def __init__(self, login: Login, what: str) -> None:
        self.final: CameraError | None = None
        self._login = login
        self._target = login.target
        self._what = what
        self._challenge: digest.Challenge | None = None
        self._basic = False
        self._worked = False

    @property
    def shown(self) -> bool:
        """Whether `answer` shows a login."""
        return self._challenge is not None or self._basic

    def closed(self) -> None:
        """Raises the refusal that stands, if one does."""
        if self.final:
            raise self.final

    def answer(self, method: str, uri: str) -> dict[str, str]:
        """The header for one request; empty as long as nothing was asked for."""
        user, password = self._target.username, self._target.password
        if self._challenge:
            return {"Authorization": self._challenge.answer(method, uri, user, password)}
        return {"Authorization": digest.basic(user, password)} if self._basic else {}

    def learn(self, challenges: list[str]) -> bool:
        """After a 401: whether a second try with a login is worth it. Raises CameraError where it is not allowed."""
        if not self._login.given:
            return False
        if self._login.final:
            raise self._login.final
        known, shown_basic = self._challenge, self._basic
        offered, basic = digest.read(challenges)
        self._challenge, self._basic = offered, False
        if offered:
            return known is None or offered.nonce != known.nonce
        if not basic or shown_basic:
            return False
        if not self._login.plain_allowed:
            raise CameraError(
                Code.LOGIN_PLAIN,
                f"the {self._what} wants the password unencrypted, which is not allowed for this camera",
                permanent=True,
            )
        self._basic = True
        return True

    def accepted(self) -> None:
        """It came with our login."""
        self._worked = True

    def forgive(self) -> None:
        """Try anew: the password may be another one now."""
        self.final = None
        self.forget()

    def forget(self) -> None:
        """Begin without a login again: challenges of RTSP last as long as their connection."""
        self._challenge, self._basic = None, False

    def explain(self, words: str, status: int) -> CameraError:
        """What to tell about a refusal. A password that never worked here is not shown here again."""
        self.forget()
        told = in_words(words)
        if told:
            return told
        said = f": {words}" if words else f" ({status})"
        if self._worked:
            return CameraError(
                Code.LOGIN_REFUSED, f"{self._what} refused{said}; this password worked for it before"
            )
        if not self._login.given:
            said = " without a login, and none is registered"
        other = ", though ONVIF accepts the login" if self._login.way else ""
        self.final = CameraError(Code.LOGIN_REFUSED, f"{self._what} refused{other}{said}", permanent=True)
        return self.final


def in_words(words: str, said: str = "") -> CameraError | None:
    """What the camera's own words say: a limit of connections or users, a locked account, or neither.

    `said`: the part of them that is kept.
    """
    said = said or words
    if _FULL.search(words):
        return CameraError(
            Code.LOGIN_FULL, f"the camera is full, it says: {words}", evidence="saysFull", words=said
        )
    if _LOCKED.search(words):
        return CameraError(
            Code.LOGIN_LOCKED, f"the camera locked the account: {words}", evidence="saysLocked", words=said
        )
    return None


def most_in(words: str) -> int | None:
    """How many connections a camera says it has, in words about being full; None where no number is told."""
    found = [
        int(n)
        for n in re.findall(r"(?<![\w.])\d{1,3}(?![\w.]|\s*(?:s|sec\w*|min\w*|hours?)\b)", words)
        if int(n)
    ]
    return found[0] if len(found) == 1 else None
