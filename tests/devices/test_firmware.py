"""When a firmware was made, by its name."""

from __future__ import annotations

import datetime as dt

import pytest

from devices.firmware import built_on

TODAY = dt.date(2026, 11, 25)


@pytest.mark.parametrize(
    ("firmware", "day"),
    [
        ("V5.5.82 build 190318", dt.date(2019, 3, 18)),
        ("V5.7.3 BUILD220112", dt.date(2022, 1, 12)),
        ("2.800.0000000.16.R, Build Date: 2020-07-13", dt.date(2020, 7, 13)),
        ("IPC_Q1203-B0006P10D1806 20180926", dt.date(2018, 9, 26)),
        ("fw_2024.02.29", dt.date(2024, 2, 29)),
        ("V2.3.1", None),
        ("9.80.1.2", None),
        ("v190318", None),  # six digits without the word are a number
        ("build 20190318123", None),
        ("2023-02-30", None),  # no day
        ("2027-01-01", None),  # not yet
        ("20040101", None),
        ("2019-03.18", None),
        ("", None),
    ],
)
def test_built_on(firmware: str, day: dt.date | None) -> None:
    assert built_on(firmware, TODAY) == day


def test_the_day_itself_counts_and_the_next_does_not() -> None:
    assert built_on("2026-11-25", TODAY) == TODAY
    assert built_on("2026-11-26", TODAY) is None
