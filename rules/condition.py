"""Conditions over what is known of a device: leaves on fields, combined by all, any and none.

What is not known (a field that the device never sent) makes a leaf false, but for `known`, which asks just that.
`none` is therefore not "not": it is pushed down to the leaves, each of which turns into its counterpart
(below <-> at_least), so that a missing field neither raises nor clears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from devices.field import FieldType, Value

    Test = Callable[[Mapping[str, Value]], bool]

Operator = Literal[
    "known",
    "is",
    "below",
    "above",
    "at_most",
    "at_least",
    "equals",
    "differs",
    "has_any",
    "has_none",
    "has_other",
    "has_only",
]
"""`known`: sent at least once; `has_other`: a code beside those listed; `has_only`: none beside them."""

Limit = bool | float | int | frozenset[str]

OPERATORS: Mapping[FieldType, tuple[Operator, ...]] = {
    "flag": ("known", "is"),
    "number": ("known", "below", "above", "at_most", "at_least", "equals", "differs"),
    "integer": ("known", "below", "above", "at_most", "at_least", "equals", "differs"),
    "codes": ("known", "has_any", "has_none", "has_other", "has_only"),
    "hash": ("known",),
}

_PAIRS: tuple[tuple[Operator, Operator], ...] = (
    ("below", "at_least"),
    ("above", "at_most"),
    ("equals", "differs"),
    ("has_any", "has_none"),
    ("has_other", "has_only"),
)
_COUNTERPART: Mapping[Operator, Operator] = {a: b for x, y in _PAIRS for a, b in ((x, y), (y, x))}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison of one field. `limit` is a bool for `known` and `is`, a number, or the codes asked for."""

    field: str
    operator: Operator
    limit: Limit


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions: `all` of them, or `any` of them."""

    kind: Literal["all", "any"]
    parts: tuple[Condition, ...]


Condition = Leaf | Group


class Because(NamedTuple):
    """One leaf that held, for the page: `battery_v` `below` 11.5, and it was 11.2. JSON values only."""

    field: str
    operator: str
    limit: bool | float | list[str]
    value: Value


def opposite(condition: Condition) -> Condition:
    """True exactly where `condition` is known to be false."""
    if isinstance(condition, Group):
        return Group("any" if condition.kind == "all" else "all", tuple(opposite(p) for p in condition.parts))
    if condition.operator in ("known", "is"):
        return Leaf(condition.field, condition.operator, not condition.limit)
    return Leaf(condition.field, _COUNTERPART[condition.operator], condition.limit)


def none_of(parts: tuple[Condition, ...]) -> Condition:
    """True where every part is known to be false."""
    return opposite(any_of(parts))


def any_of(parts: tuple[Condition, ...]) -> Condition:
    """True where one part is."""
    return parts[0] if len(parts) == 1 else Group("any", parts)


def fields_of(condition: Condition) -> frozenset[str]:
    """The fields that a condition asks for."""
    return frozenset(leaf.field for leaf in _leaves(condition))


def _leaves(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, Leaf):
        yield condition
    else:
        for part in condition.parts:
            yield from _leaves(part)


def explain(condition: Condition, values: Mapping[str, Value]) -> tuple[Because, ...]:
    """The leaves that make `condition` true; empty where it is not. `known` goes without saying."""
    seen: list[Because] = []
    for because in _why(condition, values) or ():
        if because not in seen:
            seen.append(because)
    return tuple(seen)


def _why(condition: Condition, values: Mapping[str, Value]) -> list[Because] | None:
    """None where the condition does not hold."""
    if isinstance(condition, Leaf):
        if not closure(condition)(values):
            return None
        limit = sorted(condition.limit) if isinstance(condition.limit, frozenset) else condition.limit
        asks = condition.operator == "known"
        return [] if asks else [Because(condition.field, condition.operator, limit, values[condition.field])]
    found = [_why(part, values) for part in condition.parts]
    holds = [part for part in found if part is not None]
    if not holds or (condition.kind == "all" and len(holds) < len(found)):
        return None
    return [because for part in holds for because in part]


def closure(condition: Condition) -> Test:
    """Compile: one dict lookup and one comparison a leaf (about 0.1 us), since it runs for every message.

    Raises what a value of a wrong type raises; the caller quarantines the rule.
    """
    if isinstance(condition, Group):
        between = _between(condition)
        if between is not None:
            return between
        parts = tuple(closure(part) for part in _flat(condition))
        return _all(parts) if condition.kind == "all" else _any(parts)
    field, limit = condition.field, condition.limit
    if isinstance(limit, frozenset):
        return _codes(field, condition.operator, limit)
    if condition.operator == "is":
        return lambda values: values.get(field) is limit
    if condition.operator == "known":
        return lambda values: (field in values) is limit
    return _number(field, condition.operator, float(limit))


def _flat(group: Group) -> Iterator[Condition]:
    """Its parts, those of inner groups of the same kind drawn up: a call less for each."""
    for part in group.parts:
        if isinstance(part, Group) and part.kind == group.kind:
            yield from _flat(part)
        else:
            yield part


def _between(condition: Group) -> Test | None:
    """`{above: low, below: high}` of one field, as one comparison."""
    limits = {p.operator: p.limit for p in condition.parts if isinstance(p, Leaf)}
    if condition.kind != "all" or len(condition.parts) != len(limits) or limits.keys() != {"above", "below"}:
        return None
    (field, *others), low, high = fields_of(condition), limits["above"], limits["below"]
    if others:
        return None
    return lambda values: (value := values.get(field)) is not None and low < value < high  # type: ignore[operator]


def _number(field: str, operator: Operator, limit: float) -> Test:
    # A closure each: choosing the comparison at run time would cost as much as the comparison
    def below(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value < limit  # type: ignore[operator]

    def above(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value > limit  # type: ignore[operator]

    def at_most(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value <= limit  # type: ignore[operator]

    def at_least(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value >= limit  # type: ignore[operator]

    def equals(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value == limit

    def differs(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and value != limit

    made = {f.__name__: f for f in (below, above, at_most, at_least, equals, differs)}
    return made[operator]


def _codes(field: str, operator: Operator, codes: frozenset[str]) -> Test:
    apart, holds = codes.isdisjoint, codes.issuperset

    def has_any(values: Mapping[str, Value]) -> bool:
        # The empty list is what a healthy device sends
        value = values.get(field)
        return bool(value) and not apart(cast("list[str]", value))

    def has_none(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and apart(cast("list[str]", value))

    def has_other(values: Mapping[str, Value]) -> bool:
        value = values.get(field)
        return bool(value) and not holds(cast("list[str]", value))

    def has_only(values: Mapping[str, Value]) -> bool:
        return (value := values.get(field)) is not None and holds(cast("list[str]", value))

    made = {f.__name__: f for f in (has_any, has_none, has_other, has_only)}
    return made[operator]


def _all(parts: tuple[Test, ...]) -> Test:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:  # noqa: PLR2004 - the common case, half as dear as the loop
        first, second = parts
        return lambda values: first(values) and second(values)

    def every(values: Mapping[str, Value]) -> bool:
        for part in parts:  # noqa: SIM110 - all() over a generator costs three times as much
            if not part(values):
                return False
        return True

    return every


def _any(parts: tuple[Test, ...]) -> Test:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:  # noqa: PLR2004 - the common case, half as dear as the loop
        first, second = parts
        return lambda values: first(values) or second(values)

    def some(values: Mapping[str, Value]) -> bool:
        for part in parts:  # noqa: SIM110 - any() over a generator costs three times as much
            if part(values):
                return True
        return False

    return some
