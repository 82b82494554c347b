"""When notices show: recurrences in Vietnam's time, hostile ones among them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.notice import MOST_WINDOWS, Level
from hub.notices import schedule
from hub.notices.schedule import DAY_MS, HORIZON_MS, MINUTE_MS, over, problems, windows
from hub.notices.views import Draft
from hub.registry import LOCAL

HOUR = 60 * MINUTE_MS


def at(said: str) -> int:
    return round(datetime.fromisoformat(said).replace(tzinfo=LOCAL).timestamp() * 1000)


NOW = at("2026-11-25 10:00")


def draft(rule: str = "", **more: Any) -> Draft:
    return Draft(recurrence=rule, **({"start": NOW, "minutes": 60} | more if rule else more))


def told(d: Draft, now: int = NOW) -> list[str]:
    return [p.code for p in problems(d, now)]


def when(d: Draft, days: int = 14) -> list[str]:
    return [
        f"{datetime.fromtimestamp(a / 1000, LOCAL):%d.%m %H:%M}"
        for a, _ in windows(d, NOW, NOW, NOW + days * DAY_MS)
    ]


def test_one_window() -> None:
    assert windows(draft(), NOW, NOW, NOW + DAY_MS) == ((NOW, NOW + DAY_MS),), "what has no end goes on"
    d = draft(start=NOW + HOUR, end=NOW + 3 * HOUR)
    assert windows(d, NOW, NOW, NOW + DAY_MS) == ((NOW + HOUR, NOW + 3 * HOUR),)
    assert windows(d, NOW + 2 * HOUR, NOW, NOW + DAY_MS) == ((NOW + 2 * HOUR, NOW + 3 * HOUR),), (
        "published late"
    )
    assert windows(d, NOW, NOW + 3 * HOUR, NOW + DAY_MS) == ()
    assert windows(d, NOW, NOW, NOW + HOUR) == ()
    assert over(d, NOW) == NOW + 3 * HOUR
    assert over(draft(), NOW) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", ["25.11 10:00", "26.11 10:00", "27.11 10:00"]),
        ("FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20261204", ["27.11 10:00", "30.11 10:00", "04.12 10:00"]),
        ("RRULE:freq=daily;interval=2;count=2", ["25.11 10:00", "27.11 10:00"]),
        ("FREQ=DAILY;BYHOUR=7,17;COUNT=3", ["25.11 17:00", "26.11 07:00", "26.11 17:00"]),
        ("FREQ=DAILY;UNTIL=20261127T030000Z", ["25.11 10:00", "26.11 10:00", "27.11 10:00"]),
        ("FREQ=DAILY;UNTIL=20261127T095959", ["25.11 10:00", "26.11 10:00"]),
        ("FREQ=MONTHLY;BYDAY=-1SU;COUNT=1", ["29.11 10:00"]),
    ],
)
def test_rules_as_calendars_mean_them(rule: str, expected: list[str]) -> None:
    assert told(draft(rule)) == []
    assert when(draft(rule)) == expected


def test_leap_days_and_far_years_are_those_of_the_calendar() -> None:
    d = draft("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2", start=at("2026-11-25 08:00"))
    assert told(d) == []
    found = [a for a, _ in windows(d, NOW, NOW, NOW + 10 * 366 * DAY_MS)]
    assert found == [at("2028-02-29 08:00"), at("2032-02-29 08:00")]
    for year in range(2000, 2090):
        late = schedule._late(year)
        for later in range(5):
            a, b = datetime(year + later, 3, 1), datetime(late + later, 3, 1)  # noqa: DTZ001 - only their weekday
            assert a.weekday() == b.weekday()


@pytest.mark.parametrize(
    ("d", "codes"),
    [
        (draft("FREQ=DAILY"), ["recurrence_endless"]),
        (draft("FREQ=DAILY;COUNT=1000000000"), ["recurrence_endless"]),
        (draft("FREQ=DAILY;COUNT=1000000000", end=NOW + 5 * DAY_MS), []),
        (draft("FREQ=SECONDLY;INTERVAL=1"), ["recurrence_too_often"]),
        (draft("FREQ=MINUTELY;COUNT=3"), ["recurrence_too_often"]),
        (draft("FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2"), ["recurrence_never"]),
        (draft("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31;COUNT=1"), ["recurrence_never"]),
        (draft("FREQ=DAILY;INTERVAL=7;BYDAY=MO", end=NOW + DAY_MS), ["recurrence_never"]),
        (draft("FREQ=WEEKLY;BYDAY=MO", end=NOW + DAY_MS), ["never_shows"]),
        (draft("FREQ=DAILY;UNTIL=20200101"), ["recurrence_never"]),
        (draft(f"FREQ=DAILY;BYMINUTE={','.join(map(str, range(60)))};COUNT=5000"), ["recurrence_too_often"]),
        (draft("FREQ=DAILY;BYHOUR=99;COUNT=1"), ["recurrence_bad"]),
        (draft("FREQ=DAILY;UNTIL=20261399"), ["recurrence_bad"]),
        (draft("DAILY"), ["recurrence_bad"]),
        (draft("COUNT=3"), ["recurrence_bad"]),
        (draft("FREQ=DAILY;FREQ=WEEKLY"), ["recurrence_bad"]),
        (draft("FREQ=DAILY;BYEASTER=1"), ["recurrence_bad"]),
        (draft("FREQ=DAILY\nDTSTART:20000101"), ["recurrence_bad"]),
        (draft("FREQ=DAILY;COUNT=2", start=None, minutes=None), ["minutes_missing", "start_missing"]),
        (draft("FREQ=DAILY", minutes=None), ["minutes_missing", "recurrence_endless"]),
        (draft(start=NOW, end=NOW), ["end_before_start"]),
        (draft(end=NOW), ["over_already"]),
        (draft(start=NOW - 400 * DAY_MS), ["start_long_past"]),
        (draft(start=10**14), ["too_far"]),
        (draft("FREQ=DAILY;COUNT=3", start=10**14), ["too_far"]),
        (draft("FREQ=DAILY;COUNT=3", start=0), ["start_long_past"]),
        (draft(end=NOW + 2000 * DAY_MS), ["too_far"]),
        (draft("FREQ=DAILY;COUNT=2", level=Level.EMERGENCY), ["emergency_recurs"]),
        (draft(level=Level.EMERGENCY, start=NOW + HOUR), ["emergency_later"]),
        (draft(level=Level.EMERGENCY, end=NOW + 12 * HOUR + 1), ["emergency_long"]),
        (draft(level=Level.EMERGENCY, end=NOW + 12 * HOUR), []),
    ],
)
def test_what_is_wrong(d: Draft, codes: list[str]) -> None:
    begun = time.process_time()
    assert told(d) == codes
    windows(d, NOW, NOW, NOW + HORIZON_MS)
    over(d, NOW)
    assert time.process_time() - begun < 1, "however hostile it is"


def test_an_emergency_is_over_within_twelve_hours() -> None:
    assert over(draft(level=Level.EMERGENCY), NOW) == NOW + 12 * HOUR
    assert over(draft(level=Level.EMERGENCY, end=NOW + HOUR), NOW) == NOW + HOUR
    assert windows(draft(level=Level.EMERGENCY), NOW, NOW, NOW + DAY_MS) == ((NOW, NOW + 12 * HOUR),)


def test_windows_that_touch_are_one() -> None:
    d = draft("FREQ=DAILY;BYHOUR=8,9,10,20;COUNT=8", start=at("2026-11-25 08:00"), minutes=60)
    found = windows(d, at("2026-11-25 08:00"), NOW - DAY_MS, NOW + DAY_MS)
    assert [(b - a) // HOUR for a, b in found] == [3, 1, 2]


def test_at_most_so_many_windows() -> None:
    d = draft("FREQ=DAILY;BYHOUR=8,12,16,20;COUNT=2000", minutes=1)
    assert len(windows(d, NOW, NOW, NOW + 400 * DAY_MS)) == MOST_WINDOWS


RULES = st.builds(
    lambda freq, every, days, hours, count: (
        f"FREQ={freq};INTERVAL={every}" + (f";BYDAY={','.join(days)}" if days else "")
        + (f";BYHOUR={','.join(map(str, hours))}" if hours else "") + f";COUNT={count}"
    ),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]), st.integers(1, 5),
    st.lists(st.sampled_from(["MO", "TU", "SA", "SU"]), max_size=3, unique=True),
    st.lists(st.integers(0, 23), max_size=3, unique=True), st.integers(1, 40),
)  # fmt: skip


@given(RULES, st.integers(1, 3000), st.integers(0, 30 * 24), st.integers(1, 20 * 24))
def test_windows_stand_in_order_apart_and_where_they_were_asked(
    rule: str, minutes: int, first: int, length: int
) -> None:
    a, b = NOW + first * HOUR, NOW + (first + length) * HOUR
    d = draft(rule, minutes=minutes)
    found = windows(d, NOW, a, b)
    assert all(x < y for x, y in found)
    assert all(found[i][1] < found[i + 1][0] for i in range(len(found) - 1))
    assert all(x < b and y > a for x, y in found)
    end = over(d, NOW)
    assert end is not None
    assert all(x >= NOW and y <= end for x, y in found)
    everything = windows(d, NOW, NOW, end)
    if len(everything) < MOST_WINDOWS and not any(x < a < y or x < b < y for x, y in everything):
        assert found == tuple(w for w in everything if w[0] < b and w[1] > a), "a look is a part of the whole"
