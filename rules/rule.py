"""Rules as data, and the set of them that runs. Files become rules in `load`; an alert's life is in `alert`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from devices.device import Kind
from rules.condition import any_of, closure, fields_of, none_of, opposite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.device import Device
    from devices.field import Value
    from rules.condition import Condition

    Test = Callable[[Mapping[str, Value]], bool]

Text = dict[str, str]
"""One text in every language: {"vi": ..., "en": ...}."""


class Severity(IntEnum):
    """How bad an alert is, mildest first. The names are those of devices.health.Shown."""

    UNSTABLE = 1
    DEGRADED = 2
    FAULTY = 3
    OFFLINE = 4

    @property
    def word(self) -> str:
        """Its name as files, records and pages write it."""
        return self.name.lower()


SEVERITIES: Mapping[str, Severity] = MappingProxyType({s.word: s for s in Severity})


@dataclass(frozen=True, slots=True)
class Step:
    """One severity of a rule: `when` has to hold for `after` ms."""

    severity: Severity
    when: Condition
    after: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as written, times in ms.

    `steps` go from mild to bad; `clear_when` None = when every step's condition is known not to hold.

    `kinds` are those it is for. `sites` (slugs, each with everything below it) and `tags` narrow it: any of
    them will do, empty means all. `title` and `detail` are templates (see `text.fill`). `source` is file:line.
    """

    id: str
    kinds: frozenset[Kind]
    title: Text
    detail: Text
    steps: tuple[Step, ...]
    clear_when: Condition | None = None
    clear_after: int = 0
    sites: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    source: str = ""


@dataclass(frozen=True, slots=True)
class StepTest:
    """A step's condition compiled: known to hold, known not to hold; neither where something is not known."""

    holds: Test
    fails: Test


class CompiledRule:
    """A rule ready to run. Immutable by convention; a plain class because its closures are called for every message."""

    __slots__ = ("afters", "clears", "fields", "id", "raises", "rule", "stays", "tests")

    raises: Test
    """The fast path: False means that the rule has nothing to do with these values while no alert is going on."""

    clears: Test
    stays: Test

    def __init__(self, rule: Rule, placeholders: Iterable[str] = ()) -> None:
        whens = tuple(step.when for step in rule.steps)
        clear = rule.clear_when or none_of(whens)
        self.rule = rule
        self.id = rule.id
        self.raises = closure(any_of(whens))
        self.tests = tuple(StepTest(closure(when), closure(opposite(when))) for when in whens)
        self.clears = closure(clear)
        self.stays = closure(opposite(clear))
        self.afters = tuple(step.after for step in rule.steps)
        self.fields = frozenset(placeholders).union(fields_of(clear), *map(fields_of, whens))

    def __repr__(self) -> str:
        return f"CompiledRule({self.id!r})"


Scope = tuple[Kind, frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules that run, and those that were stopped: `quarantined` is rule id -> error."""

    rules: tuple[CompiledRule, ...] = ()
    quarantined: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    _sites: frozenset[str] = field(init=False, repr=False, compare=False)
    _tags: frozenset[str] = field(init=False, repr=False, compare=False)
    _cache: dict[Scope, tuple[CompiledRule, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sites", frozenset().union(*(r.rule.sites for r in self.rules)))
        object.__setattr__(self, "_tags", frozenset().union(*(r.rule.tags for r in self.rules)))

    def get(self, rule_id: str) -> CompiledRule | None:
        """A rule by its id, quarantined or not."""
        return next((r for r in self.rules if r.id == rule_id), None)

    def for_device(self, device: Device, sites: frozenset[str]) -> tuple[CompiledRule, ...]:
        """The rules that watch `device`; `sites` are the slugs of its site and of all above it.

        Devices that differ in nothing a rule asks for get the same tuple.
        """
        scope = (device.kind, sites & self._sites, self._tags.intersection(device.tags))
        found = self._cache.get(scope)
        if found is None:
            found = tuple(r for r in self.rules if r.id not in self.quarantined and _covers(r.rule, scope))
            self._cache[scope] = found
        return found

    def quarantine(self, rule_id: str, error: BaseException) -> Ruleset:
        """This set without a rule that raised; the others go on. Ask `for_device` anew."""
        text = f"{type(error).__name__}: {error}"[:300]
        return Ruleset(self.rules, MappingProxyType({**self.quarantined, rule_id: text}))


def _covers(rule: Rule, scope: Scope) -> bool:
    kind, sites, tags = scope
    return (
        kind in rule.kinds
        and (not rule.sites or not rule.sites.isdisjoint(sites))
        and (not rule.tags or not rule.tags.isdisjoint(tags))
    )
