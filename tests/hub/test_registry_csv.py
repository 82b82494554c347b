"""Devices as CSV: out and in again is the same; every bad line is told by its number, and then nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry_csv
from hub.views import Refused
from hub.visible import visible

if TYPE_CHECKING:
    from hub.registry_csv import Sheet

SITES = frozenset({"thon"})
HEAD = "name,kind,realm,site"
Known = dict[str, tuple[Device, Lifecycle]]


def read(text: str | bytes, known: Known | None = None) -> Sheet:
    return registry_csv.read(text if isinstance(text, bytes) else text.encode(), known or {}, SITES)


def known(*devices: Device) -> Known:
    return {d.name: (d, d.lifecycle) for d in devices}


def told(sheet: Sheet) -> list[tuple[int, str]]:
    return [(line, problem.code) for line, problem in sheet.wrong]


def test_a_plain_file() -> None:
    sheet = read(f"{HEAD},title,lat,lon,tags\nden-1,solar_light,r,thon,Đèn số 1,21.09,105.65,ngõ;chợ\n")
    assert (sheet.lines, sheet.added, sheet.changed, sheet.bad_lines) == (1, 1, 0, 0)
    d = sheet.devices[0]
    assert (d.title, d.lat, d.tags, d.interval_s) == ("Đèn số 1", 21.09, ("ngõ", "chợ"), 60)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_as_spreadsheets_write_it(mark: str, end: str) -> None:
    text = f"{mark}{HEAD.replace(',', ';')};lat;lon{end}den-1;solar_light;r;thon;21,09;105,65{end}{end}"
    assert read(text).devices[0].lon == 105.65


def test_every_bad_line_is_told_by_its_number_and_the_good_ones_are_not() -> None:
    lines = (
        f"{HEAD},interval_s,uplink_by",
        "den-1,solar_light,r,thon,,",
        "Đèn 2,solar_light,r,thon,,",
        "den-3,toaster,r,thon,,",
        "den-1,solar_light,r,thon,,",
        "den-5,solar_light,r,nowhere,,",
        "den-6,solar_light,r,thon,0,",
        "den-7,solar_light,r,thon,,nobody",
        "den-8,solar_light,r",
        "den-9,solar_light,r,thon,,den-1",
    )
    sheet = read("\n".join(lines))
    assert told(sheet) == [
        (3, "cell_name"), (4, "cell_one_of"), (5, "named_twice"), (6, "no_such_site"), (7, "cell_at_least"),
        (8, "no_such_device"), (9, "cells_missing"),
    ]  # fmt: skip
    assert (sheet.lines, sheet.bad_lines) == (9, 7)


def test_a_board_has_a_profile_that_can_be_drawn_for() -> None:
    lines = (
        f"{HEAD},profile",
        "bang-1,signboard,r,thon,led-96x48-2",
        "bang-2,signboard,r,thon,led-64x32",
        "bang-3,signboard,r,thon,screen-99x99",
        "cam-1,camera,r,thon,main",
    )
    sheet = read("\n".join(lines))
    assert told(sheet) == [(3, "bad_profile"), (4, "bad_profile")]
    assert "led-64x32-1" in str(sheet.wrong[0][1].about["known"])


def test_devices_of_one_file_may_hang_on_each_other_but_not_in_a_ring() -> None:
    text = f"{HEAD},uplink_by\na,gateway,r,thon,b\nb,gateway,r,thon,\n"
    assert not read(text).bad_lines
    assert told(read(text.replace("b,gateway,r,thon,", "b,gateway,r,thon,a"))) == [
        (2, "hangs_on_itself"),
        (3, "hangs_on_itself"),
    ]


def test_a_channel_is_taken_once() -> None:
    text = f"{HEAD},nvr,channel\nn,nvr,r,thon,,\nc1,camera,r,thon,n,1\nc2,camera,r,thon,n,1\n"
    assert told(read(text)) == [(4, "channel_taken")]


def test_what_is_left_out_keeps_its_value() -> None:
    before = Device(
        "den-1", Kind.SOLAR_LIGHT, "r", "thon", "Đèn", 30.0, tags=("a",), lifecycle=Lifecycle.ACTIVE
    )
    sheet = read(f"{HEAD},title\nden-1,solar_light,r,thon,Đèn mới\n", known(before))
    assert (sheet.added, sheet.changed) == (0, 1)
    assert (sheet.devices[0].interval_s, sheet.devices[0].tags) == (30.0, ("a",))


def test_what_a_file_does_not_change() -> None:
    gone = Device("den-1", Kind.SOLAR_LIGHT, "r", "thon", lifecycle=Lifecycle.RETIRED)
    lives = Device("den-2", Kind.SOLAR_LIGHT, "r", "thon", lifecycle=Lifecycle.ACTIVE)
    text = f"{HEAD},lifecycle\nden-1,solar_light,r,thon,active\nden-2,solar_light,r,thon,retired\n"
    assert told(read(text, known(gone, lives))) == [(2, "retired_stays"), (3, "lifecycle_by_command")]
    assert told(read(f"{HEAD}\nden-2,solar_light,other,thon\n", known(lives))) == [(2, "realm_stays")]
    assert told(read(f"{HEAD}\nhub,solar_light,r,thon\n")) == [(2, "name_reserved")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "columns_missing"),
        (b"name,kind\n", "columns_missing"),
        (f"{HEAD},colour\n".encode(), "columns_unknown"),
        (f"{HEAD},name\n".encode(), "columns_unknown"),
        (f"{HEAD},title\nd,solar_light,r,thon,Đèn\n".encode("utf-16"), "not_utf8"),
        (f"{HEAD},title\nd,solar_light,r,thon,\xe9t\xe9\n".encode("latin-1"), "not_utf8"),
        (b"x" * (registry_csv.MAX_BYTES + 1), "file_too_large"),
        (HEAD.encode() + b"\na,b,c,d" * (registry_csv.MAX_LINES + 1), "too_many_lines"),
    ],
)
def test_files_that_are_none(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as e:
        read(data)
    assert e.value.code == code


def test_the_line_that_is_not_utf8_is_named() -> None:
    with pytest.raises(Refused) as e:
        read(
            f"{HEAD},title\na,camera,r,thon,ok\n".encode() + "b,camera,r,thon,Đèn".encode("cp1258", "replace")
        )
    assert e.value.about == {"line": 3}


def test_a_quote_that_never_ends() -> None:
    assert told(read(f'{HEAD},title\na,camera,r,thon,"x\n')) == [(2, "bad_csv")]


def test_of_a_thousand_bad_lines_some_are_told_and_all_are_counted() -> None:
    sheet = read(HEAD + "\nX,camera,r,thon" * 1000)
    assert sheet.bad_lines == 1000
    assert len(sheet.wrong) <= registry_csv.TOLD + 4


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(visible)
FORMULAS = st.sampled_from(["=1+1", "+84", "-x", "@SUM(A1)", "'quoted", "''=", "'=1"])


@given(st.lists(st.tuples(TEXT | FORMULAS, TEXT | FORMULAS, st.floats(1, 9000)), max_size=8))
def test_out_and_in_again_is_the_same(rows: list[tuple[str, str, float]]) -> None:
    devices = [
        Device(
            f"d-{i}",
            Kind.SOLAR_LIGHT,
            "r",
            "thon",
            title,
            interval,
            place=place,
            lat=21.0 + i / 7,
            lon=105.65,
        )
        for i, (title, place, interval) in enumerate(rows)
    ]
    text = "".join(registry_csv.write((d, d.lifecycle) for d in devices))
    sheet = read(text)
    assert not sheet.wrong
    assert sheet.devices == devices
    again = read(text, known(*devices))
    assert (again.added, again.changed) == (0, 0)


def test_what_nobody_sees_is_not_registered() -> None:
    sheet = read(
        f'{HEAD},title,tags\na,camera,r,thon,"x\x1b[31m\u202e  y",b;a;b\nc,camera,r,thon,,{"x" * 41}\n'
    )
    assert [(d.title, d.tags) for d in sheet.devices] == [("x[31m y", ("b", "a"))]
    assert told(sheet) == [(3, "cell_long")]
    assert told(read(f"{HEAD},tags\na,camera,r,thon,{';'.join(map(str, range(21)))}")) == [(2, "cell_many")]


def test_no_cell_is_a_formula() -> None:
    d = Device("d", Kind.CAMERA, "r", "thon", "=HYPERLINK(1)", place="@x", serial="+1", tags=("-2",))
    cells = "".join(registry_csv.write([(d, d.lifecycle)])).splitlines()[1].split(",")
    assert [c for c in cells if c[:1] in "=+-@"] == [""] * sum(c == "" for c in cells)


def test_no_password_goes_out() -> None:
    assert not any("pass" in c for c in registry_csv.COLUMNS)
