"""What a rule's entry means: its conditions and texts held against what its kinds of device can say."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from devices.device import FIELDS
from devices.fact import FACTS
from rules.condition import OPERATORS, Condition, Group, Leaf, none_of
from rules.near import did_you_mean
from rules.rule import SEVERITIES, Rule, Step
from rules.shape import RuleEntry, TextEntry, Wrong
from rules.text import NAMES, placeholders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.device import Kind
    from devices.field import Field
    from rules.document import Path

MAX_LEAVES = 50

_WRITTEN = {
    **OPERATORS,
    "codes": ("known", "has", "has_any", "has_none", "has_other", "has_only", "empty"),
}
"""Operators as files write them: `has: x` is has_any of one, `empty: true` is has_only of none."""


class Check:
    """Collects what is wrong with one rule while building it. `found` is None where something was."""

    def __init__(self, entry: RuleEntry, path: Path, source: str) -> None:
        self.wrong: list[Wrong] = []
        self.placeholders: frozenset[str] = frozenset()
        self._entry = entry
        self._path = path
        self._fields = {kind: _fields(kind) for kind in entry.kinds}
        self._common = [n for n in _fields(entry.kinds[0]) if all(n in f for f in self._fields.values())]
        self._leaves = 0
        rule = self._rule(source)
        self.found: Rule | None = None if self.wrong else rule

    def _say(self, path: Path, wrong: str, allowed: str = "") -> None:
        self.wrong.append(Wrong(path, wrong, allowed))

    def _rule(self, source: str) -> Rule:
        entry = self._entry
        steps = self._steps()
        clear = (
            self._when(entry.clear_when, (*self._path, "clear_when"))
            if entry.clear_when is not None
            else None
        )
        for name in ("title", "detail"):
            self._template(getattr(entry, name), (*self._path, name))
        return Rule(
            id=entry.id,
            kinds=frozenset(entry.kinds),
            title=entry.title.model_dump(),
            detail=entry.detail.model_dump(),
            steps=steps,
            clear_when=clear,
            clear_after=entry.clear_after,
            sites=frozenset(entry.sites),
            tags=frozenset(entry.tags),
            source=source,
        )

    # ------------------------------------------------------------------ steps

    def _steps(self) -> tuple[Step, ...]:
        entry, path = self._entry, self._path
        if entry.steps:
            for key in ("severity", "when"):
                if getattr(entry, key) is not None:
                    self._say(
                        (*path, key),
                        f"`{key}` and `steps` cannot stand side by side",
                        f"`{key}` in each step",
                    )
            found = [
                self._step(
                    s.severity, s.when, entry.raise_after if s.after is None else s.after, (*path, "steps", i)
                )
                for i, s in enumerate(entry.steps)
            ]
        elif entry.severity is None or entry.when is None:
            self._say(path, "nothing says when to raise it", "`severity` and `when`, or `steps`")
            return ()
        else:
            found = [self._step(entry.severity, entry.when, entry.raise_after, path)]
        for i, (mild, bad) in enumerate(pairwise(found), 1):
            if mild and bad and mild.severity >= bad.severity:
                allowed = "steps from mild to bad: " + ", ".join(SEVERITIES)
                self._say(
                    (*path, "steps", i), f"`{bad.severity.word}` is no worse than the step before", allowed
                )
        return tuple(step for step in found if step is not None)

    def _step(self, severity: str, when: dict[str, Any], after: int, path: Path) -> Step | None:
        condition = self._when(when, (*path, "when"))
        return Step(SEVERITIES[severity], condition, after) if condition is not None else None

    # ------------------------------------------------------------------ conditions

    def _when(self, data: Any, path: Path) -> Condition | None:
        if not isinstance(data, dict) or len(data) != 1:
            self._say(path, "a condition is one key with its value", "all, any, none, or one field")
            return None
        ((key, value),) = data.items()
        path = (*path, key)
        return (
            self._group(key, value, path) if key in {"all", "any", "none"} else self._field(key, value, path)
        )

    def _group(self, key: str, value: Any, path: Path) -> Condition | None:
        if not isinstance(value, list) or not value:
            self._say(path, f"`{key}` wants a list of conditions", "- field: {operator: value}")
            return None
        parts = tuple(self._when(part, (*path, i)) for i, part in enumerate(value))
        good = tuple(part for part in parts if part is not None)
        if len(good) < len(parts):
            return None
        return none_of(good) if key == "none" else Group("all" if key == "all" else "any", good)

    def _field(self, name: str, value: Any, path: Path) -> Condition | None:
        lacking = [kind for kind, fields in self._fields.items() if name not in fields]
        if lacking:
            near = did_you_mean(name, [*self._common, "all", "any", "none"])
            self._say(path, f"{', '.join(lacking)} has no field `{name}`{near}", ", ".join(self._common))
            return None
        if not isinstance(value, dict) or not value:
            self._say(path, f"`{name}` wants an operator and a value", ", ".join(self._operators(name)))
            return None
        parts = [self._leaf(name, operator, limit, (*path, operator)) for operator, limit in value.items()]
        good = tuple(part for part in parts if part is not None)
        if len(good) < len(parts):
            return None
        return good[0] if len(good) == 1 else Group("all", good)

    def _operators(self, name: str) -> tuple[str, ...]:
        types = {fields[name].type for fields in self._fields.values()}
        first, *others = (_WRITTEN[t] for t in sorted(types))
        return tuple(op for op in first if all(op in o for o in others))

    def _leaf(self, name: str, operator: str, limit: Any, path: Path) -> Leaf | None:
        self._leaves += 1
        if self._leaves == MAX_LEAVES + 1:
            self._say(path, "this rule compares too much", f"at most {MAX_LEAVES} comparisons")
        operators = self._operators(name)
        if operator not in operators:
            field = next(iter(self._fields.values()))[name]
            wrong = f"a {field.type} field has no operator `{operator}`{did_you_mean(operator, operators)}"
            self._say(path, wrong, ", ".join(operators))
            return None
        if operator in ("known", "is"):
            return self._flag(name, operator, limit, path)
        if operator in _WRITTEN["codes"]:
            return self._codes(name, operator, limit, path)
        return self._number(name, operator, limit, path)

    def _flag(self, name: str, operator: str, limit: Any, path: Path) -> Leaf | None:
        if isinstance(limit, bool):
            return Leaf(name, "is" if operator == "is" else "known", limit)
        self._say(path, f"`{operator}` wants a flag", "true, false")
        return None

    def _codes(self, name: str, operator: str, limit: Any, path: Path) -> Leaf | None:
        if operator == "empty":
            if isinstance(limit, bool):
                return Leaf(name, "has_only" if limit else "has_other", frozenset())
            self._say(path, "`empty` wants a flag", "true, false")
            return None
        codes = [limit] if operator == "has" else limit
        if isinstance(codes, list) and codes and all(isinstance(c, str) and c for c in codes):
            made = "has_any" if operator == "has" else operator
            return Leaf(name, made, frozenset(codes))  # type: ignore[arg-type]
        self._say(path, f"`{operator}` wants codes", "one code" if operator == "has" else "a list of codes")
        return None

    def _number(self, name: str, operator: str, limit: Any, path: Path) -> Leaf | None:
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
            self._say(path, f"`{operator}` wants a number", self._range(name))
            return None
        for fields in self._fields.values():
            low, high = fields[name].low or 0, fields[name].high or 0
            if not low <= limit <= high:
                self._say(path, f"{limit} is outside what `{name}` can be", self._range(name))
                return None
            if (operator, limit) in {("below", low), ("above", high)}:
                self._say(path, f"`{name}` is never {operator} {limit}", self._range(name))
                return None
        return Leaf(name, operator, limit)  # type: ignore[arg-type]

    def _range(self, name: str) -> str:
        field = next(iter(self._fields.values()))[name]
        return f"{field.low:.15g} to {field.high:.15g} {field.unit}".rstrip()

    # ------------------------------------------------------------------ texts

    def _template(self, text: TextEntry, path: Path) -> None:
        allowed = [*NAMES, *(n for n in self._common if self._sayable(n))]
        for language, template in text.model_dump().items():
            try:
                names = placeholders(template)
            except ValueError as error:
                self._say((*path, language), f"the braces are not right: {error}", _braces(allowed))
                continue
            for name in sorted(names.difference(allowed)):
                wrong = f"unknown placeholder {{{name}}}{did_you_mean(name, allowed)}"
                self._say((*path, language), wrong, _braces(allowed))
            self.placeholders |= names.difference(NAMES)

    def _sayable(self, name: str) -> bool:
        return all(fields[name].type != "flag" for fields in self._fields.values())


def _braces(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _fields(kind: Kind) -> Mapping[str, Field]:
    """A kind's own fields, then the facts, which hide a field of the same name."""
    return {f.name: f for f in (*FIELDS[kind], *FACTS)}
