"""Night sense: known sunsets of Hà Nội, edges to the ms, every day of a year, and places without a sunset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sun import HANOI, MARGIN_MS, Sun, sun_at

ICT = timezone(timedelta(hours=7))
YEAR = [datetime(2025, 1, 1, 12, tzinfo=ICT) + timedelta(days=d) for d in range(366)]


def ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def local(year: int, month: int, day: int, hour: int, minute: int) -> int:
    return ms(datetime(year, month, day, hour, minute, tzinfo=ICT))


# timeanddate.com, Hà Nội: sunrise and sunset of the solstices and an equinox
@pytest.mark.parametrize(
    ("day", "rise", "down"),
    [
        ((2025, 6, 21), (5, 16), (18, 42)),
        ((2025, 12, 22), (6, 31), (17, 20)),
        ((2025, 3, 20), (6, 0), (18, 6)),
    ],
)
def test_the_sun_of_hanoi(day: tuple[int, int, int], rise: tuple[int, int], down: tuple[int, int]) -> None:
    sun = Sun(*HANOI)
    found_rise, _ = sun.next_times(local(*day, 0, 0))
    _, found_down = sun.next_times(local(*day, 12, 0))
    assert found_rise is not None
    assert found_down is not None
    assert abs(found_rise - local(*day, *rise)) < 3 * 60_000
    assert abs(found_down - local(*day, *down)) < 3 * 60_000


def test_dark_begins_and_ends_at_the_very_ms() -> None:
    noon = local(2025, 11, 5, 12, 0)
    rise, down = Sun(*HANOI).next_times(noon)
    assert rise is not None
    assert down is not None
    begin, end = down + MARGIN_MS, rise - MARGIN_MS
    expected = [
        (begin - 1, False),
        (begin, True),
        (begin + 1, True),
        (end - 1, True),
        (end, False),
        (end + 1, False),
    ]
    for at, dark in expected:
        assert Sun(*HANOI).dark(at) is dark, "asked anew"
    one = Sun(*HANOI)
    assert [one.dark(at) for at, _ in expected] == [dark for _, dark in expected], "asked in turn"
    assert [one.dark(at) for at, _ in reversed(expected)] == [dark for _, dark in reversed(expected)], (
        "and back"
    )


def test_each_day_of_a_year_has_one_night_of_a_likely_length() -> None:
    sun = Sun(*HANOI)
    for noon, next_noon in pairwise(YEAR):
        states = [sun.dark(at) for at in range(ms(noon), ms(next_noon), 60_000)]
        assert sum(a != b for a, b in pairwise(states)) == 2
        assert 9.5 * 60 < sum(states) < 13 * 60


def test_the_next_times_lie_ahead_and_within_a_day() -> None:
    sun = Sun(*HANOI)
    for day in YEAR:
        for hour in range(0, 24, 5):
            at = ms(day + timedelta(hours=hour))
            for found in sun.next_times(at):
                assert found is not None
                assert at < found < at + 86_400_000 + 5 * 60_000


@given(st.integers(ms(datetime(1971, 1, 1, tzinfo=UTC)), ms(datetime(2090, 1, 1, tzinfo=UTC))))
def test_what_was_asked_before_changes_no_answer(at: int) -> None:
    assert sun_at(*HANOI).dark(at) is Sun(*HANOI).dark(at)


def test_where_the_sun_does_not_set_nothing_is_judged() -> None:
    north = Sun(78.2, 15.6)
    assert not north.dark(ms(datetime(2025, 6, 21, 0, tzinfo=UTC)))
    assert not north.dark(ms(datetime(2025, 12, 21, 12, tzinfo=UTC)))


def test_places_close_together_share_one_sun() -> None:
    assert sun_at(21.03, 105.84) is sun_at(21.01, 105.79)
    assert sun_at(21.0, 105.8) is not sun_at(21.2, 105.8)
