"""Which rules watch a device, quarantine, and what rules say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.device import Device, Kind
from rules.alert import observe
from rules.rule import CompiledRule, Ruleset, Severity
from rules.text import fill, placeholders, say
from tests.rules.sample import simple


def narrowed(rule_id: str, kinds: set[Kind], sites: set[str], tags: set[str]) -> CompiledRule:
    rule = replace(
        simple().rule, id=rule_id, kinds=frozenset(kinds), sites=frozenset(sites), tags=frozenset(tags)
    )
    return CompiledRule(rule)


RULES = Ruleset(
    (
        narrowed("lights", {Kind.SOLAR_LIGHT}, set(), set()),
        narrowed("all", set(Kind), set(), set()),
        narrowed("commune", {Kind.SOLAR_LIGHT}, {"song-phuong", "o-dien"}, set()),
        narrowed("junctions", {Kind.SOLAR_LIGHT}, set(), {"junction", "school"}),
    )
)
LIGHT = Device("lamp-1", Kind.SOLAR_LIGHT, "village", "thap-thuong")
ABOVE = frozenset({"thap-thuong", "song-phuong", "dan-phuong"})


def ids(rules: tuple[CompiledRule, ...]) -> list[str]:
    return [rule.id for rule in rules]


def test_rules_by_kind_site_and_tag() -> None:
    assert ids(RULES.for_device(LIGHT, frozenset({"thap-thuong"}))) == ["lights", "all"]
    assert ids(RULES.for_device(LIGHT, ABOVE)) == ["lights", "all", "commune"]
    assert ids(RULES.for_device(replace(LIGHT, tags=("new", "school")), frozenset())) == [
        "lights",
        "all",
        "junctions",
    ]
    assert ids(RULES.for_device(replace(LIGHT, kind=Kind.HUB), ABOVE)) == ["all"]


def test_devices_share_one_tuple() -> None:
    first = RULES.for_device(replace(LIGHT, tags=("a",)), frozenset({"one-village"}))
    assert RULES.for_device(replace(LIGHT, name="lamp-2", tags=("b",)), frozenset({"another"})) is first


def test_a_rule_that_raises_is_quarantined_and_the_others_go_on() -> None:
    rules = RULES.for_device(LIGHT, frozenset())
    with pytest.raises(TypeError) as caught:
        observe(None, rules[0], {"battery_v": ["?"]}, 0)
    after = RULES.quarantine("lights", caught.value)
    assert ids(after.for_device(LIGHT, frozenset())) == ["all"]
    assert after.quarantined["lights"].startswith("TypeError: '<' not supported")
    assert RULES.quarantined == {}, "the set itself does not change"
    assert after.get("lights") is rules[0], "it can still be shown"
    assert after.get("no-such-rule") is None
    assert ids(after.quarantine("all", ValueError("x" * 999)).for_device(LIGHT, frozenset())) == []


def test_severities_rank_and_speak() -> None:
    assert sorted(Severity) == [Severity.UNSTABLE, Severity.DEGRADED, Severity.FAULTY, Severity.OFFLINE]
    assert Severity.OFFLINE.word == "offline"


def test_texts_are_filled_in_both_languages() -> None:
    text = {
        "vi": "{device} ở {site}: {battery_v} V, {faults}, {soc_pct} %",
        "en": "{device} at {site}: {battery_v} V",
    }
    assert fill(text, "Đèn 5", "thôn Tháp", {"battery_v": 11.4, "faults": ["a", "b"]}) == {
        "vi": "Đèn 5 ở thôn Tháp: 11,4 V, a, b, chưa rõ %",
        "en": "Đèn 5 at thôn Tháp: 11.4 V",
    }
    assert fill({"en": "{device}"}, "{site}", "x", {}) == {"en": "{site}"}, "a title is text, not a template"


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (11.0, "11", "11"),
        (11.456, "11,46", "11.46"),
        (0.001, "0", "0"),
        (-0.5, "-0,5", "-0.5"),
        (100, "100", "100"),
    ],
)
def test_numbers_are_said_short(value: float, vi: str, en: str) -> None:
    assert (say(value, "vi"), say(value, "en")) == (vi, en)


def test_placeholders() -> None:
    assert placeholders("{a} {b} {{c}} {a}") == {"a", "b"}
    for bad in ("{", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>3}", "}"):
        with pytest.raises(ValueError, match=r"."):
            placeholders(bad)
