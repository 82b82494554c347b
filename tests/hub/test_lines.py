"""Line protocol: one line a reading, types by our table, everything escaped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.device import FIELDS, Kind
from devices.field import codes, flag, integer, number
from hub.history.lines import Lines, line, series, tag
from tests.hub.history_scene import light

FIELDS_ = {
    f.name: f
    for f in (
        number("v", "", "V", 0, 9),
        integer("n", "", "", 0, 9),
        flag("on", ""),
        codes("faults", ""),
    )
}


def test_a_reading_is_one_line() -> None:
    made = Lines().of(light("den-1", "xom-1"), {"battery_v": 12.5}, 1700)
    assert made == "solar_light,device=den-1,kind=solar_light,realm=thap,site=xom-1 battery_v=12.5 1700"


def test_a_type_is_that_of_our_table_never_of_what_came() -> None:
    assert line("m", FIELDS_, {"v": 3, "n": 3, "on": True}, 1) == "m v=3.0,n=3i,on=true 1"
    assert line("m", FIELDS_, {"v": 1e-7, "on": False}, 1) == "m v=1e-07,on=false 1"


def test_codes_are_one_text_and_none_is_an_empty_one() -> None:
    assert line("m", FIELDS_, {"faults": ["a", "b"]}, 1) == 'm faults="a,b" 1'
    assert line("m", FIELDS_, {"faults": []}, 1) == 'm faults="" 1'
    assert line("m", FIELDS_, {"faults": ['a"b\\', "c\nd"]}, 1) == 'm faults="a\\"b\\\\,c d" 1'


def test_what_holds_no_known_field_makes_no_line() -> None:
    assert line("m", FIELDS_, {"unknown": 1}, 1) == ""
    assert line("m", FIELDS_, {}, 1) == ""


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a b", "a\\ b"), ("a,b=c", "a\\,b\\=c"), ("a\nb", "a\\ b"), ("a\\", "a"), ("Tháp", "Tháp"), ("", "")],
)
def test_tags_are_escaped(text: str, escaped: str) -> None:
    assert tag(text) == escaped


def test_an_empty_tag_is_left_out() -> None:
    assert series(light("den-1")) == "solar_light,device=den-1,kind=solar_light,realm=thap"


def test_a_device_that_moved_has_another_series() -> None:
    lines, here = Lines(), light("den-1", "a")
    assert ",site=a " in lines.of(here, {"battery_v": 1.0}, 1)
    assert ",site=b " in lines.of(replace(here, site="b"), {"battery_v": 1.0}, 1)


def test_every_kind_has_a_line() -> None:
    for kind in Kind:
        field = next(f for f in FIELDS[kind] if f.type not in ("codes", "hash"))
        assert Lines().of(replace(light("x"), kind=kind), {field.name: 1}, 1)
