"""The tree of sites over time: renamed, moved, merged and ended, as the first district was."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from devices.device import Device, Kind
from devices.person import By
from devices.site import Site
from hub.audit import Wanted, entries
from hub.registry_desk import tree
from hub.registry_ops import MergeSites
from hub.views import Refused
from tests.hub.town import Town

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BY = By("Lan", "127.0.0.1")
DAY = date(2026, 11, 1)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def on(*day: int) -> int:
    return round(datetime(*day, 12, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


def path(town: Town, at: int, slug: str = "thap-thuong") -> list[str]:
    return [s.name for s in town.loaded().path(slug, at)]


def test_the_first_district_before_and_after_its_merger(town: Town) -> None:
    assert path(town, on(2024, 6, 1)) == ["Hà Nội", "Huyện Đan Phượng", "Xã Song Phượng"]
    assert path(town, on(2025, 6, 30)) == ["Hà Nội", "Huyện Đan Phượng", "Xã Song Phượng"]
    assert path(town, on(2025, 7, 1)) == ["Hà Nội", "Xã Đan Phượng"]
    tiers = [b.site.tier for b in tree(town.places, date(2025, 7, 1))]
    assert (tiers.count("district"), tiers.count("commune")) == (0, 3)
    before = [b.site.tier for b in tree(town.places, date(2025, 6, 30))]
    assert (before.count("district"), before.count("commune")) == (1, 16)


def test_the_same_merger_by_hand(town: Town) -> None:
    """Two villages' communes, told as operations: places move, the old names stay with their days."""
    p, reg = town.places, town.registry
    town.do(lambda w: p.add(Site("x1", "Xã Một", "commune", since=date(2020, 1, 1)), "ha-noi", BY, w))
    town.do(lambda w: p.add(Site("x2", "Xã Hai", "commune", since=date(2020, 1, 1)), "ha-noi", BY, w))
    for slug, above in (("t1", "x1"), ("t2", "x2")):
        change("add", Site(slug, slug, "village"), above)(town)
    town.do(lambda w: town.registrar.add(Device("tram", Kind.SWITCH, "r", "x1"), "", BY, w))
    town.do(lambda w: p.merge(["x1", "x2"], Site("x3", "Xã Ba", "commune"), DAY, BY, w))
    assert path(town, on(2026, 10, 31), "t1") == ["Hà Nội", "Xã Một"]
    assert path(town, on(2026, 11, 1), "t1") == path(town, on(2026, 11, 1), "t2") == ["Hà Nội", "Xã Ba"]
    assert reg.sites["x1"].until == DAY
    assert town.loaded().devices["tram"].site == "x3"
    assert "x3" in town.tracker.by_name["tram"].sites
    assert [e.action for e in entries(town.reader, Wanted(subject="site:x1", exact=True))] == [
        "site.merged",
        "site.added",
    ]


def test_a_name_holds_until_its_day(town: Town) -> None:
    town.do(lambda w: town.places.rename("xa-dan-phuong-moi", "Xã Đan Phượng Mới", DAY, BY, w))
    assert path(town, on(2026, 10, 31))[-1] == "Xã Đan Phượng"
    assert path(town, on(2026, 11, 1))[-1] == "Xã Đan Phượng Mới"
    later = date(2026, 11, 20)
    town.do(lambda w: town.places.rename("xa-dan-phuong-moi", "Đan Phượng", later, BY, w))
    assert [path(town, on(*d))[-1] for d in ((2026, 10, 31), (2026, 11, 19), (2026, 11, 20))] == [
        "Xã Đan Phượng",
        "Xã Đan Phượng Mới",
        "Đan Phượng",
    ]


def test_rules_of_a_site_follow_its_villages(town: Town) -> None:
    town.do(lambda w: town.places.place("thap-thuong", "xa-o-dien", DAY, BY, w))
    assert "xa-o-dien" in town.tracker.by_name["den-1"].sites
    assert "xa-dan-phuong-moi" not in town.tracker.by_name["den-1"].sites


def test_what_is_written_down_late_holds_as_long_as_both_stood(town: Town) -> None:
    """Nobody belongs to what is no more, nor to what is not yet."""
    p = town.places
    change("add", Site("moi", "Mới", "village"), "xa-dan-phuong-moi")(town)
    assert path(town, on(2025, 6, 30), "moi") == []
    assert path(town, on(2025, 7, 1), "moi") == ["Hà Nội", "Xã Đan Phượng"]
    change("add", Site("cu", "Cũ", "village", since=date(2019, 1, 1)), None)(town)
    with pytest.raises(Refused, match="not_yet"):
        town.do(lambda w: p.place("cu", "xa-dan-phuong-moi", date(2020, 1, 1), BY, w))
    with pytest.raises(Refused, match="not_yet"):
        town.do(lambda w: p.place("cu", "ha-noi", date(2018, 1, 1), BY, w))
    change("place", "cu", "xa-song-phuong", date(2020, 1, 1))(town)
    assert path(town, on(2025, 6, 30), "cu") == ["Hà Nội", "Huyện Đan Phượng", "Xã Song Phượng"]
    assert path(town, on(2025, 7, 1), "cu") == []
    change("place", "cu", "xa-dan-phuong-moi", date(2025, 7, 1))(town)
    assert path(town, on(2025, 7, 1), "cu") == ["Hà Nội", "Xã Đan Phượng"]


def test_no_device_stands_where_nothing_is_any_more(town: Town) -> None:
    with pytest.raises(Refused, match="no_such_site"):
        town.do(lambda w: town.registrar.add(Device("tram", Kind.SWITCH, "r", "dan-phuong"), "", BY, w))


def test_a_merger_into_what_stands_does_not_drop_a_name(town: Town) -> None:
    op = MergeSites(slugs=["xa-o-dien"], into="xa-dan-phuong-moi", name="Xã Khác", since=DAY)
    with pytest.raises(Refused, match="site_keeps_name"):
        town.do(lambda w: op.apply(town.places, BY, w))


def change(name: str, *args: object) -> Callable[[Town], object]:
    return lambda town: town.do(lambda w: getattr(town.places, name)(*args, BY, w))


@pytest.mark.parametrize(
    ("move", "code"),
    [
        (change("add", Site("ha-noi", "x", "village"), None), "site_taken"),
        (change("add", Site("x", "x", "kingdom"), None), "unknown_tier"),
        (change("add", Site("x", "x", "village"), "nowhere"), "no_such_site"),
        (change("add", Site("x", "x", "village", lat=20.0, lon=109.0), None), "in_the_sea"),
        (change("add", Site("x", "x", "village", lat=20.0), None), "half_a_place"),
        (change("rename", "nowhere", "x", DAY), "no_such_site"),
        (change("rename", "thap-thuong", "Tháp Thượng", DAY), "same_name"),
        (change("rename", "thap-thuong", "x", date(2026, 11, 24)), "date_ahead"),
        (change("rename", "xa-dan-phuong-moi", "x", date(2025, 7, 1)), "date_past"),
        (change("place", "thap-thuong", "thap-thuong", DAY), "own_ancestor"),
        (change("place", "ha-noi", "thap-thuong", DAY), "own_ancestor"),
        (change("place", "xa-dan-phuong-moi", "thap-thuong", DAY), "own_ancestor"),
        (change("place", "thap-thuong", "xa-o-dien", date(2025, 7, 1)), "date_past"),
        (change("place", "thap-thuong", "xa-o-dien", date(2025, 1, 1)), "date_past"),
        (change("place", "thap-thuong", "dan-phuong", DAY), "ended_then"),
        (change("place", "thap-thuong", "xa-dan-phuong-moi", DAY), "same_parent"),
        (change("merge", [], Site("x", "x", "commune"), DAY), "merge_of_none"),
        (change("merge", ["xa-o-dien"], Site("x", "x", "commune"), date(2026, 12, 1)), "date_ahead"),
        (change("merge", ["xa-o-dien"], Site("x", "x", "commune"), date(2025, 1, 1)), "date_past"),
        (change("merge", ["xa-song-phuong"], Site("x", "x", "commune"), DAY), "ended_then"),
        (change("merge", ["xa-dan-phuong-moi"], Site("thap-thuong", "x", "village"), DAY), "own_ancestor"),
        (change("add", Site("x", "x", "village"), "dan-phuong"), "ended_then"),
        (change("add", Site("x", "x", "village", since=date(2026, 11, 24)), None), "date_ahead"),
        (change("place", "thap-thuong", "xa-o-dien", date(2026, 11, 24)), "date_ahead"),
        (change("place", "xa-song-phuong", "xa-o-dien", DAY), "ended_then"),
        (change("merge", ["xa-o-dien"], Site("dan-phuong", "x", "commune"), DAY), "ended_then"),
        (change("end", "xa-o-dien", DAY), "site_not_empty"),
        (change("end", "thap-thuong", DAY), "site_not_empty"),
        (change("end", "dan-phuong", DAY), "ended_then"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    town: Town, move: Callable[[Town], object], code: str
) -> None:
    before, placings = town.dump(), {s: list(p) for s, p in town.registry.placings.items()}
    with pytest.raises(Refused) as e:
        move(town)
    assert e.value.code == code
    assert town.dump() == before
    assert {s: list(p) for s, p in town.registry.placings.items()} == placings
