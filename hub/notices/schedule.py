"""When a notice shows: the windows of a draft, in Vietnam's time, bounded however hostile its rule is. Pure.

Times are ms since 1970. `since` is when the draft was published (or now, while it is composed).
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from dateutil.rrule import rrulestr

from devices.notice import MOST_WINDOWS, Level
from hub.notices.views import Problem
from hub.registry import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.notices.views import Draft

MINUTE_MS, DAY_MS = 60_000, 86_400_000
HORIZON_MS = 14 * DAY_MS
"""So far ahead a playlist carries windows; it is carried on daily."""
EMERGENCY_MS = 12 * 60 * MINUTE_MS
"""An emergency is over by itself so long after it was published or extended."""
LIFE_MS = 5 * 365 * DAY_MS
"""A notice begins and ends within so long from now."""
PAST_MS = 366 * DAY_MS
"""A beginning longer ago is a mistake."""
MOST_COUNT = 5000
"""Occurrences of a rule that ends only by its COUNT."""
SHOWN = 20

Window = tuple[int, int]

_NUMBERS = r"[+-]?\d{1,3}(,[+-]?\d{1,3})*"
_DAY = r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,9}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "BYDAY": rf"{_DAY}(,{_DAY})*",
    "BYMONTHDAY": _NUMBERS,
    "BYMONTH": _NUMBERS,
    "BYSETPOS": _NUMBERS,
    "BYHOUR": _NUMBERS,
    "BYMINUTE": _NUMBERS,
    "WKST": "MO|SU",
}
"""What a rule may say, a subset of RFC 5545. Several times a day: BYHOUR."""
_TOO_OFTEN = {"SECONDLY", "MINUTELY", "HOURLY"}


class _BadRule(ValueError):  # noqa: N818 - what the rule is
    def __init__(self, code: str, **about: object) -> None:
        super().__init__(code)
        self.problem = Problem(code, "recurrence", about)


def _parts(rule: str) -> dict[str, str]:
    """What a rule says, by part. Raises _BadRule."""
    found: dict[str, str] = {}
    for part in rule.upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "FREQ" and value in _TOO_OFTEN:
            raise _BadRule("recurrence_too_often", limit=MOST_WINDOWS)
        if name not in _PARTS or name in found or re.fullmatch(_PARTS[name], value) is None:
            raise _BadRule("recurrence_bad", part=part.strip()[:40])
        found[name] = value
    if "FREQ" not in found:
        raise _BadRule("recurrence_bad", part="FREQ")
    return found


def _until(parts: dict[str, str]) -> int | None:
    """The instant of UNTIL, itself the last that may be. A day without a time is meant whole. Raises _BadRule."""
    said = parts.get("UNTIL")
    if said is None:
        return None
    try:
        day = datetime.strptime(said[:15], "%Y%m%dT%H%M%S" if "T" in said else "%Y%m%d")  # noqa: DTZ007 - below
        if said.endswith("Z"):
            return _ms(day + timedelta(hours=7))
        return _ms(day if "T" in said else day + timedelta(days=1, seconds=-1))
    except (ValueError, OverflowError):
        raise _BadRule("recurrence_bad", part=f"UNTIL={said}") from None


def _late(year: int) -> int:
    """A late year whose calendar, and that of the years after it, is that of `year`.

    dateutil looks for a rule's next day until the year 9999; begun in such a year, it has looked within milliseconds.
    """
    return next(
        late
        for late in range(9988, 9960, -1)
        if datetime(late, 1, 1).weekday() == datetime(year, 1, 1).weekday()  # noqa: DTZ001 - only its weekday
        and all(calendar.isleap(late + i) == calendar.isleap(year + i) for i in range(8))
    )


def _local(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1000, LOCAL).replace(tzinfo=None)


def _ms(local: datetime) -> int:
    return round(local.replace(tzinfo=LOCAL).timestamp()) * 1000


def _occurrences(parts: dict[str, str], start: int) -> Iterator[int]:
    """When a rule's occurrences begin, in order, for eleven years at least. Raises _BadRule."""
    begin = _local(start)
    shift = _late(begin.year) - begin.year
    last = _until(parts)
    said = ";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL")
    try:
        rule = rrulestr(said, dtstart=begin.replace(year=begin.year + shift))
    except (ValueError, TypeError, IndexError) as e:
        raise _BadRule("recurrence_bad", part=str(e)[:80]) from None
    for found in rule:
        at = _ms(found.replace(year=found.year - shift))
        if last is not None and at > last:
            return
        yield at


def windows(draft: Draft, since: int, first: int, last: int) -> tuple[Window, ...]:
    """Windows [from, until) that touch [first, last), whole, in order and apart, at most MOST_WINDOWS.

    Of those that touch each other, which are one, none counts that begins at `last` or later. What has no end goes on
    until `last`. A rule that is none has no windows.
    """
    end = over(draft, since)
    found: list[Window] = []
    for begins, ends in _spans(draft, since, last):
        a, b = max(begins, since), min(ends, last if end is None else end)
        if a >= last:
            break
        if a >= b or b <= first:
            continue
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        elif len(found) == MOST_WINDOWS:
            break
        else:
            found.append((a, b))
    return tuple(found)


def _spans(draft: Draft, since: int, last: int) -> Iterator[Window]:
    if draft.level is Level.EMERGENCY:
        yield since, 2**62
    elif not draft.recurrence:
        yield draft.start if draft.start is not None else since, 2**62
    else:
        lasts = (draft.minutes or 0) * MINUTE_MS
        try:
            start = since if draft.start is None else draft.start
            for at in _occurrences(_parts(draft.recurrence), start):
                if at >= last:
                    return
                yield at, at + lasts
        except _BadRule:
            return


def over(draft: Draft, since: int) -> int | None:
    """When a draft published at `since` is over by itself; None: never (or its rule is none)."""
    ends = [] if draft.end is None else [draft.end]
    if draft.level is Level.EMERGENCY:
        ends.append(since + EMERGENCY_MS)
    elif draft.recurrence and draft.end is None:
        try:
            found = _ends(_parts(draft.recurrence), since if draft.start is None else draft.start)
        except _BadRule:
            return None
        if found is not None:
            ends.append(found + (draft.minutes or 0) * MINUTE_MS)
    return min(ends, default=None)


def _ends(parts: dict[str, str], start: int) -> int | None:
    """When the last occurrence of a rule begins at the latest; None: it goes on for ever. Raises _BadRule."""
    last = _until(parts)
    if last is not None or "COUNT" not in parts:
        return last
    if int(parts["COUNT"]) > MOST_COUNT:
        return None
    return max(_occurrences(parts, start), default=start)


# --- what is wrong with it ----------------------------------------------------------------------------------------


def problems(draft: Draft, now: int) -> tuple[Problem, ...]:
    """Everything wrong with when a draft would show, were it published now."""
    found = list(_of_dates(draft, now))
    if draft.level is Level.EMERGENCY:
        found += _of_emergency(draft, now)
    elif draft.recurrence:
        found += _of_rule(draft, now)
    end = over(draft, now)
    if not found and end is not None and not windows(draft, now, now, end):
        found.append(Problem("never_shows", "start"))
    return tuple(found)


def _of_dates(draft: Draft, now: int) -> Iterator[Problem]:
    start, end = draft.start, draft.end
    if start is not None and end is not None and end <= start:
        yield Problem("end_before_start", "end")
    elif end is not None and end <= now:
        yield Problem("over_already", "end")
    if start is not None and start < now - PAST_MS:
        yield Problem("start_long_past", "start")
    if start is not None and start > now + LIFE_MS:
        yield Problem("too_far", "start")
    if end is not None and end > now + LIFE_MS:
        yield Problem("too_far", "end")


def _of_emergency(draft: Draft, now: int) -> Iterator[Problem]:
    if draft.recurrence:
        yield Problem("emergency_recurs", "recurrence")
    if draft.start is not None and draft.start > now + MINUTE_MS:
        yield Problem("emergency_later", "start")
    if draft.end is not None and draft.end > now + EMERGENCY_MS:
        yield Problem("emergency_long", "end", {"hours": EMERGENCY_MS // 3_600_000})


def _of_rule(draft: Draft, now: int) -> Iterator[Problem]:
    try:
        parts = _parts(draft.recurrence)
        if draft.minutes is None:
            yield Problem("minutes_missing", "minutes")
        if draft.start is None:
            yield Problem("start_missing", "start")
        start = now if draft.start is None else draft.start
        if not now - PAST_MS <= start <= now + LIFE_MS:
            return  # told already
        first = next(_occurrences(parts, start), None)
        if first is None:
            yield Problem("recurrence_never", "recurrence")
        elif draft.end is None and _ends(parts, start) is None:
            yield Problem("recurrence_endless", "end")
        elif _crowded(parts, start):
            yield Problem("recurrence_too_often", "recurrence", {"limit": MOST_WINDOWS})
    except _BadRule as e:
        yield e.problem


def _crowded(parts: dict[str, str], start: int) -> bool:
    """Some playlist could hold more windows than boards take."""
    found = list(islice(_occurrences(parts, start), 4 * MOST_WINDOWS))
    return any(b - a < HORIZON_MS for a, b in zip(found, found[MOST_WINDOWS:], strict=False))
