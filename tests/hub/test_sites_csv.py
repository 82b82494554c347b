"""Sites as CSV: a tree to begin with, and what was written down wrongly put right; all lines, or none."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices.person import By
from devices.site import Site
from hub import sites_csv
from hub.audit import Wanted, entries
from hub.registry_desk import tree
from hub.views import Refused
from tests.hub.town import Town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.sites_csv import SiteSheet

BY = By("Lan", "127.0.0.1")
DAY = date(2026, 11, 23)
HEAD = "slug,name,tier,parent,lat,lon,since\n"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def read(town: Town, text: str | bytes) -> SiteSheet:
    return sites_csv.read(text if isinstance(text, bytes) else text.encode(), town.registry, DAY)


def take(town: Town, text: str) -> SiteSheet:
    sheet = read(town, text)
    assert sheet.wrong == []
    town.do(lambda w: town.places.import_all(sheet, town.registrar.generation, BY, w))
    return sheet


def told(sheet: SiteSheet) -> list[tuple[int, str]]:
    return [(line, problem.code) for line, problem in sheet.wrong]


def test_thirty_villages_in_any_order(town: Town) -> None:
    villages = "".join(f'v{i},Thôn {i},village,xa-moi,"21,1",105.65,\n' for i in range(30))
    sheet = take(town, HEAD + villages + "xa-moi,Xã Mới,commune,ha-noi,,,2025-07-01\n")
    assert (sheet.added, sheet.changed) == (31, 0)
    reg = town.loaded()
    assert reg.sites["v7"] == Site("v7", "Thôn 7", "village", 21.1, 105.65)
    assert reg.parent("v7", DAY) == "xa-moi"
    assert reg.parent("v7", date(2025, 6, 30)) is None, "the commune was not there yet"
    assert (reg.sites, reg.placings) == (town.registry.sites, town.registry.placings)
    assert [b.depth for b in tree(town.places, DAY) if b.site.slug in {"ha-noi", "xa-moi", "v7"}] == [0, 1, 2]
    assert len(entries(town.reader, Wanted(action="site.added"), limit=100)) == 31


def test_out_and_in_again_is_the_same(town: Town) -> None:
    text = sites_csv.write(sites_csv.standing(town.registry, DAY))
    assert "thap-thuong,Tháp Thượng,village,xa-dan-phuong-moi," in text
    assert "xa-song-phuong" not in text, "it has ended"
    sheet, before = read(town, text), town.dump()
    assert (sheet.wrong, sheet.added, sheet.changed) == ([], 0, 0)
    town.do(lambda w: town.places.import_all(sheet, town.registrar.generation, BY, w))
    assert town.dump() == before


def test_what_was_written_down_wrongly_is_put_right(town: Town) -> None:
    before = town.tracker.by_name["den-1"].sun
    sheet = take(town, "slug,name,tier,lat,lon\nthap-thuong,Tháp Thượng,hamlet,10.0,105.9\n")
    assert (sheet.added, sheet.changed) == (0, 1)
    found = town.loaded().sites["thap-thuong"]
    assert (found.tier, found.lat, found.lon, found.name) == ("hamlet", 10.0, 105.9, "Tháp Thượng")
    assert town.tracker.by_name["den-1"].sun != before
    assert [e.action for e in entries(town.reader, Wanted(subject="site:thap-thuong"))] == ["site.changed"]


def test_every_bad_line_is_told(town: Town) -> None:
    sheet = read(
        town,
        HEAD + "Thôn,x,village,,,,\n"
        "t1,,village,,,,\n"
        "t2,x,kingdom,,,,\n"
        "t3,x,village,nowhere,,,\n"
        "t4,x,village,dan-phuong,,,\n"
        "t5,x,village,,20,109,\n"
        "t6,x,village,,21,,\n"
        "t7,x,village,,,,2030-01-01\n"
        "t8,x,village,t9,,,\n"
        "t9,x,village,t8,,,\n"
        "ta,x,village,,,,\n"
        "ta,x,village,,,,\n"
        "thap-thuong,Khác,village,xa-dan-phuong-moi,,,\n"
        "thap-thuong,Tháp Thượng,village,xa-o-dien,,,\n"
        "xa-song-phuong,x,commune,,,,\n"
        "tb,x,village\n"
        "tc,x,village,,,,yesterday\n",
    )
    assert told(sheet) == [
        (2, "cell_name"), (3, "cell_missing"), (4, "unknown_tier"), (5, "no_such_site"), (6, "ended_then"),
        (7, "in_the_sea"), (8, "half_a_place"), (9, "date_ahead"), (10, "own_ancestor"), (11, "own_ancestor"),
        (13, "named_twice"), (14, "site_by_command"), (15, "site_by_command"), (16, "site_taken"),
        (17, "cells_missing"), (18, "bad_cell"),
    ]  # fmt: skip
    assert (sheet.lines, sheet.bad_lines) == (17, 16)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (HEAD.encode("utf-16"), "not_utf8"),
        (HEAD.encode() + "a,Tháp,village,,,,\n".encode("utf-16-le"), "not_utf8"),
        (b"", "columns_missing"),
        (b"slug,name,tier,colour\n", "columns_unknown"),
        (HEAD.encode() + b"x,x,village,,,,\n" * 300_001, "too_many_lines"),
    ],
)
def test_files_that_are_none(town: Town, data: bytes, code: str) -> None:
    with pytest.raises(Refused, match=code):
        read(town, data)


def test_a_file_that_was_read_against_another_tree_changes_nothing(town: Town) -> None:
    sheet = read(town, HEAD + "t1,x,village,,,,\n")
    town.do(lambda w: town.places.add(Site("t1", "y", "village"), None, BY, w))
    before = town.dump()
    with pytest.raises(Refused, match="changed_meanwhile"):
        town.do(lambda w: town.places.import_all(sheet, town.registrar.generation - 1, BY, w))
    assert town.dump() == before
