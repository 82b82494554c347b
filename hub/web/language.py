"""Languages: which one a reader wants; its sentences, numbers, dates and durations. Times are ms since 1970."""

from __future__ import annotations

import gettext
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import HTTPConnection

CODES = ("vi", "en")
DEFAULT = "vi"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LOCALE = Path(__file__).parent / "locale"

_DAY = {"vi": "dd/MM", "en": "d MMM"}
_DAY_OF_YEAR = {"vi": "dd/MM/yyyy", "en": "d MMM yyyy"}
_MINUTE, _HOUR, _WHOLE_DAY = 60_000, 3_600_000, 86_400_000
_SEPARATORS = str.maketrans(",.", ".,")


def mark(text: str) -> str:
    """Name a sentence for the catalogue; it is translated where it is shown."""
    return text


_WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)


class Catalogue(gettext.NullTranslations):
    """Sentences of one language, read from its .po; English is its own msgid."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self.texts = texts

    def gettext(self, message: str) -> str:
        return self.texts.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        other = msgid1 if n == 1 else msgid2
        return self.texts.get(msgid1, other)


def read_catalogue(code: str) -> dict[str, str]:
    """Msgid -> text of a language; a plural has one form, as Vietnamese has."""
    path = LOCALE / code / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    texts = {}
    for message in catalogue:
        msgid = message.id[0] if isinstance(message.id, list | tuple) else message.id
        text = message.string[0] if isinstance(message.string, list | tuple) else message.string
        if msgid and text:
            texts[msgid] = text
    return texts


class Language:
    """One language: its words, and how it writes numbers and times."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.catalogue = Catalogue(read_catalogue(code))

    def text(self, message: str, **about: object) -> str:
        """The sentence for an English msgid, with its gaps filled."""
        said = self.catalogue.gettext(message)
        return said % about if about else said

    def count(self, one: str, many: str, n: int) -> str:
        """A counted thing; the msgids hold `%(num)s`."""
        return self.catalogue.ngettext(one, many, n) % {"num": self.number(n)}

    def number(self, value: float, digits: int | None = None) -> str:
        """2.641 and 12,9 in Vietnamese; without `digits` about three figures, no trailing zeros."""
        if isinstance(value, int) and digits is None:
            written = f"{value:,}"
        elif digits is None:
            digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
            written = f"{value:,.{digits}f}"
            if digits:
                written = written.rstrip("0").rstrip(".")
        else:
            written = f"{value:,.{digits}f}"
        if not written.strip("-0.,"):
            written = written.removeprefix("-")
        return written.translate(_SEPARATORS) if self.code == "vi" else written

    def clock(self, at: int) -> str:
        """19:42."""
        return local(at).strftime("%H:%M")

    def day(self, at: int, now: int) -> str:
        """23/11, with its year where that is not this year."""
        then = local(at)
        patterns = _DAY if then.year == local(now).year else _DAY_OF_YEAR
        return format_date(then, patterns[self.code], locale=self.code)

    def date(self, iso: str) -> str:
        """23/11/2026, of 2026-11-23."""
        return format_date(date.fromisoformat(iso), _DAY_OF_YEAR[self.code], locale=self.code)

    def time(self, at: int, now: int) -> str:
        """14:02, with the day where that is not today."""
        if local(at).date() == local(now).date():
            return self.clock(at)
        return f"{self.clock(at)} {self.day(at, now)}"

    def weekday(self, number: int) -> str:
        """Thứ Hai for 0."""
        return self.text(_WEEKDAYS[number])

    def weekday_of(self, at: int) -> str:
        """Thứ Hai 23/11."""
        return f"{self.weekday(local(at).weekday())} {self.day(at, at)}"

    def moment(self, at: int) -> str:
        """19:42, thứ Hai 23/11."""
        return f"{self.clock(at)}, {self.text(_WEEKDAYS[local(at).weekday()])} {self.day(at, at)}"

    def duration(self, ms: int) -> str:
        """6 phút; 5 giờ 40 phút; 2 ngày 5 giờ."""
        if ms < _MINUTE:
            return self.text("less than a minute")
        days, hours = divmod(ms // _HOUR, 24)
        minutes = ms % _HOUR // _MINUTE
        parts = []
        if days:
            parts.append(self.count("%(num)s day", "%(num)s days", days))
        if hours:
            parts.append(self.count("%(num)s hour", "%(num)s hours", hours))
        if minutes and not days:
            parts.append(self.count("%(num)s minute", "%(num)s minutes", minutes))
        return " ".join(parts)

    def since(self, at: int, now: int) -> str:
        """Từ 14:02 (5 giờ 40 phút)."""
        return self.text(
            "since %(time)s (%(duration)s)",
            time=self.time(at, now),
            duration=self.duration(max(0, now - at)),
        )

    def ago(self, at: int, now: int) -> str:
        """2 phút trước."""
        return self.text("%(duration)s ago", duration=self.duration(max(0, now - at)))


def local(at: int) -> datetime:
    """A time as the village's wall clock shows it."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZONE)


@cache
def language(code: str) -> Language:
    """The language of a code, read once."""
    return Language(code)


def wanted(request: HTTPConnection) -> Language:
    """The reader's language: `?lang=`, else the cookie, else Accept-Language, else Vietnamese."""
    asked = (request.query_params.get("lang"), request.cookies.get("lang"))
    for code in asked:
        if code in CODES:
            return language(code)
    ranked = []
    for position, part in enumerate(request.headers.get("accept-language", "")[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        code = tag.split("-")[0].lower()
        if code in CODES:
            ranked.append((-_weight(weight), position, code))
    return language(min(ranked)[2] if ranked else DEFAULT)


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
