"""Devices and their field tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.device import FIELDS, NAME, Device, Kind
from devices.fact import FACTS

if TYPE_CHECKING:
    from devices.field import Field

ALL = [(kind, f) for kind in Kind for f in FIELDS[kind]]
UNITS = {
    "": "", "_v": "V", "_pct": "%", "_w": "W", "_c": "°C", "_s": "s", "_ms": "ms", "_mb": "MB", "_dbm": "dBm",
    "_deg": "°", "_kb": "kB",
    "_kbit_s": "kbit/s",
}  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "timeout", "ms"),
    [(60.0, None, 165_000), (10.0, None, 40_000), (0.5, None, 16_250), (60.0, 5.0, 5_000), (60.0, 0.0, 0)],
)
def test_silence_is_two_and_a_half_intervals_and_15_s_unless_set(
    interval: float, timeout: float | None, ms: int
) -> None:
    assert Device("a", Kind.CAMERA, "r", "s", interval_s=interval, timeout_s=timeout).timeout_ms == ms


@pytest.mark.parametrize("name", ["a", "7", "den-01", "a" * 40])
def test_good_names(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "-a", "A", "đèn", "a b", "a_b", "a/b", "a+", "#", "a" * 41, "a\n"])
def test_bad_names(name: str) -> None:
    assert not NAME.fullmatch(name)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_can_say_something_and_each_thing_once(kind: Kind) -> None:
    names = [f.name for f in FIELDS[kind]]
    assert names
    assert len(set(names)) == len(names)
    assert not set(names) & {"boot", "seq", "ts", "late", "applied"}


def test_no_field_hides_a_fact_of_the_hub() -> None:
    assert not {f.name for f in FACTS} & {f.name for _, f in ALL}


@pytest.mark.parametrize(
    ("kind", "f"), [(k, f) for k, f in ALL if f.unit], ids=lambda v: getattr(v, "name", v)
)
def test_the_unit_is_in_the_name(kind: Kind, f: Field) -> None:
    del kind
    suffix = max((s for s in UNITS if s and f.name.endswith(s)), key=len, default=None)
    assert suffix is not None or f.unit == "/s"
    assert suffix is None or f.unit in (UNITS[suffix], "/s")


@pytest.mark.parametrize(("kind", "f"), ALL, ids=lambda v: getattr(v, "name", v))
def test_numbers_have_limits_and_the_rest_has_none(kind: Kind, f: Field) -> None:
    del kind
    assert f.label
    if f.type in ("number", "integer"):
        assert f.low is not None
        assert f.high is not None
        assert f.low < f.high
    else:
        assert f.low is f.high is None
