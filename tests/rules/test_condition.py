"""Conditions: every operator, what is not known, and why something held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.condition import (
    Because,
    Condition,
    Group,
    Leaf,
    any_of,
    closure,
    explain,
    fields_of,
    none_of,
    opposite,
)

if TYPE_CHECKING:
    from devices.field import Value
    from rules.condition import Limit, Operator

A_B = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("operator", "limit", "true_for", "false_for"),
    [
        ("is", True, [True], [False]),
        ("is", False, [False], [True]),
        ("below", 5.0, [4.9, -1], [5.0, 5.1]),
        ("above", 5.0, [5.1, 6], [5.0, 4.9]),
        ("at_most", 5.0, [5.0, 5, 4.9], [5.1]),
        ("at_least", 5.0, [5.0, 5, 5.1], [4.9]),
        ("equals", 5.0, [5, 5.0], [4, 5.1]),
        ("differs", 5.0, [4, 5.1], [5, 5.0]),
        ("has_any", A_B, [["a"], ["x", "b"]], [[], ["x"]]),
        ("has_none", A_B, [[], ["x"]], [["a"], ["x", "b"]]),
        ("has_other", A_B, [["x"], ["a", "x"]], [[], ["a", "b"]]),
        ("has_only", A_B, [[], ["a", "b"]], [["x"], ["a", "x"]]),
        ("has_other", frozenset(), [["x"]], [[]]),
        ("has_only", frozenset(), [[]], [["x"]]),
    ],
)
def test_an_operator_and_its_counterpart(
    operator: Operator, limit: Limit, true_for: list[Value], false_for: list[Value]
) -> None:
    leaf = Leaf("f", operator, limit)
    test, counter = closure(leaf), closure(opposite(leaf))
    for value in true_for:
        assert (test({"f": value}), counter({"f": value})) == (True, False), value
    for value in false_for:
        assert (test({"f": value}), counter({"f": value})) == (False, True), value
    assert (test({}), counter({})) == (False, False), "what is not known neither raises nor clears"


def test_known_alone_says_something_of_a_missing_field() -> None:
    known = Leaf("f", "known", limit=True)
    assert closure(known)({"f": False})
    assert not closure(known)({})
    assert closure(opposite(known))({})


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_all_and_any(size: int) -> None:
    leaves = tuple(Leaf(f"f{i}", "is", limit=True) for i in range(size))
    every, some = closure(Group("all", leaves)), closure(Group("any", leaves))
    yes: dict[str, Value] = {leaf.field: True for leaf in leaves}
    assert every(yes)
    assert some(yes)
    for i in range(size):
        one_off = yes | {f"f{i}": False}
        assert not every(one_off)
        assert some(one_off) == (size > 1)
    assert not some({})


def test_between_is_one_comparison_with_open_ends() -> None:
    test = closure(Group("all", (Leaf("v", "above", 8.0), Leaf("v", "below", 11.0))))
    assert [test({"v": v}) for v in (8.0, 8.1, 10.9, 11.0)] == [False, True, True, False]
    assert not test({})
    other = closure(Group("all", (Leaf("v", "above", 8.0), Leaf("w", "below", 11.0))))
    assert other({"v": 9.0, "w": 9.0})
    assert not other({"v": 9.0, "w": 12.0})


def test_none_wants_every_part_known_to_be_false() -> None:
    none = closure(none_of((Leaf("a", "is", limit=True), Leaf("b", "above", 3))))
    assert none({"a": False, "b": 3})
    assert not none({"a": False})
    assert not none({"a": True, "b": 3})


def test_an_explanation_names_the_leaves_that_held() -> None:
    condition = Group(
        "all",
        (
            Leaf("dark", "is", limit=True),
            Leaf("soc_pct", "known", limit=False),
            Group("any", (Leaf("lamp_lit", "is", limit=False), Leaf("load_w", "below", 0.5))),
        ),
    )
    assert explain(condition, {"dark": True, "load_w": 0.2, "lamp_lit": True}) == (
        Because("dark", "is", True, True),
        Because("load_w", "below", 0.5, 0.2),
    )
    assert explain(condition, {"dark": False, "load_w": 0.2}) == ()
    assert explain(Leaf("faults", "has_any", A_B), {"faults": ["b", "x"]}) == (
        Because("faults", "has_any", ["a", "b"], ["b", "x"]),
    )


def test_a_leaf_that_stands_twice_is_named_once() -> None:
    leaf = Leaf("a", "is", limit=True)
    assert explain(Group("all", (leaf, leaf)), {"a": True}) == (Because("a", "is", True, True),)
    assert fields_of(Group("all", (leaf, Group("any", (Leaf("b", "above", 1),))))) == {"a", "b"}
    assert any_of((leaf,)) is leaf


_LEAVES = st.one_of(
    st.builds(Leaf, st.sampled_from("abc"), st.sampled_from(["below", "above", "equals"]), st.integers(0, 3)),
    st.builds(Leaf, st.sampled_from("abc"), st.just("known"), st.booleans()),
)
_CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Group, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=4).map(tuple)
    ),
    max_leaves=12,
)
_VALUES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)


@given(_CONDITIONS, _VALUES)
def test_a_condition_and_its_opposite_never_both_hold(condition: Condition, values: dict[str, Value]) -> None:
    holds, fails = closure(condition)(values), closure(opposite(condition))(values)
    assert not (holds and fails)
    if len(values) == 3:
        assert holds != fails, "everything is known"
    assert closure(opposite(opposite(condition)))(values) == holds


@given(_CONDITIONS, _VALUES)
def test_explanations_agree_with_the_condition(condition: Condition, values: dict[str, Value]) -> None:
    because = explain(condition, values)
    assert closure(condition)(values) or because == ()
    for leaf in because:
        assert values[leaf.field] == leaf.value


@given(_CONDITIONS, _VALUES, st.sampled_from("abc"), st.integers(0, 3))
def test_learning_more_never_unsays(
    condition: Condition, values: dict[str, Value], field: str, value: int
) -> None:
    if field in values or any(leaf.operator == "known" for leaf in _leaves(condition)):
        return
    more = values | {field: value}
    for test in (closure(condition), closure(opposite(condition))):
        assert not test(values) or test(more)


def _leaves(condition: Condition) -> list[Leaf]:
    if isinstance(condition, Leaf):
        return [condition]
    return [leaf for part in condition.parts for leaf in _leaves(part)]
