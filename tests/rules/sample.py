"""Rules for the tests, short to write."""

from __future__ import annotations

from devices.device import Kind
from rules.condition import Condition, Leaf
from rules.rule import CompiledRule, Rule, Severity, Step

TEXT = {"vi": "Đèn {device}", "en": "Lamp {device}"}

LOW = Leaf("battery_v", "below", 12.0)
VERY_LOW = Leaf("battery_v", "below", 11.0)
FINE = Leaf("battery_v", "at_least", 12.5)


def rule(
    *steps: Step, clear_when: Condition | None = None, clear_after: int = 0, rule_id: str = "battery"
) -> CompiledRule:
    kinds = frozenset({Kind.SOLAR_LIGHT})
    return CompiledRule(Rule(rule_id, kinds, TEXT, TEXT, steps, clear_when, clear_after))


def simple(after: int = 0, clear_after: int = 0, clear_when: Condition | None = None) -> CompiledRule:
    return rule(Step(Severity.DEGRADED, LOW, after), clear_after=clear_after, clear_when=clear_when)


def stepped(
    mild: int = 0, bad: int = 0, clear_after: int = 0, clear_when: Condition | None = None
) -> CompiledRule:
    return rule(
        Step(Severity.DEGRADED, LOW, mild),
        Step(Severity.FAULTY, VERY_LOW, bad),
        clear_after=clear_after,
        clear_when=clear_when,
    )
