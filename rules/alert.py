"""The life of one alert: rising -> open -> closing -> closed, as pure functions of readings and time.

Every deadline fires with its own exact ms, whoever notices it and whenever: `observe` first fires what was due at
or before the reading's time, then looks at the values. So the records depend on the readings alone, not on how
often somebody ticks. For one device, `at` must not step back; where it does, it counts as the last change.

A reading that says nothing about a condition (a field was never sent) leaves it as it was.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.condition import Because, explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Value
    from rules.rule import CompiledRule, Severity


class Phase(StrEnum):
    """Where an alert stands. `closed` only keeps the generation; nothing is going on."""

    RISING = "rising"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Alert(NamedTuple):
    """The state of one (device, rule). Times in ms.

    `since` is the last change of phase or severity. `held` is, for each step, since when its condition has held
    (None: it does not). `level` is the index of the step that gives the severity, -1 while rising. `lull` is since
    when no step as bad as `level` has held, `clearing` since when the alert has been closing. `values` are the
    rule's fields as of the last reading that changed something.
    """

    phase: Phase
    generation: int
    since: int
    held: tuple[int | None, ...]
    level: int = -1
    lull: int | None = None
    clearing: int | None = None
    values: Mapping[str, Value] = {}


class Opened(NamedTuple):
    """An alert opened at `at`; `because` are the leaves that held."""

    at: int
    generation: int
    severity: Severity
    values: Mapping[str, Value]
    because: tuple[Because, ...]


class Changed(NamedTuple):
    """An open alert's severity changed at `at`, up or down."""

    at: int
    generation: int
    severity: Severity
    values: Mapping[str, Value]
    because: tuple[Because, ...]


class Closed(NamedTuple):
    """An alert ended at `at`, from `severity`. `withdrawn`: not because it cleared, but its rule or device went."""

    at: int
    generation: int
    severity: Severity
    values: Mapping[str, Value]
    withdrawn: bool = False


Record = Opened | Changed | Closed
Result = tuple[Alert | None, tuple[Record, ...]]

_NOTHING: tuple[Record, ...] = ()


def observe(state: Alert | None, rule: CompiledRule, values: Mapping[str, Value], at: int) -> Result:
    """A reading at event time `at`. The same object comes back where nothing changed.

    Where `state` is None and `rule.raises(values)` is False there is nothing to do: ask that first, it costs one
    call. Raises what a condition raises (a value of a wrong type): quarantine the rule.
    """
    state, records = fire(state, rule, at)
    if state is None or state.phase is Phase.CLOSED:
        if not rule.raises(values):
            return state, records
        generation, at = (1, at) if state is None else (state.generation + 1, max(at, state.since))
        state = Alert(Phase.RISING, generation, at, (None,) * len(rule.tests))
    at = max(at, state.since)
    state, more = fire(_look(state, rule, values, at), rule, at)
    return state, records + more


def due(state: Alert | None, rule: CompiledRule) -> int | None:
    """The ms of the next deadline, None where there is none."""
    if state is None or state.phase is Phase.CLOSED:
        return None
    if state.phase is Phase.CLOSING:
        return None if state.clearing is None else state.clearing + rule.rule.clear_after
    times = [
        h + a
        for h, a in zip(state.held[state.level + 1 :], rule.afters[state.level + 1 :], strict=True)
        if h is not None
    ]
    down = _down(state, rule)
    if down is not None:
        times.append(down)
    return max(min(times), state.since) if times else None


def fire(state: Alert | None, rule: CompiledRule, at: int) -> Result:
    """Every deadline at or before `at`, in order, each at its own time."""
    records = _NOTHING
    while (when := due(state, rule)) is not None and when <= at and state is not None:
        state, record = _pass(state, rule, when)
        records += (record,)
    return state, records


def withdraw(state: Alert | None, rule: CompiledRule, at: int) -> Result:
    """End an alert without its having cleared, at `at`: the device was retired, say."""
    state, records = fire(state, rule, at)
    if state is None or state.phase is Phase.CLOSED:
        return state, records
    if state.phase is Phase.RISING:
        return _rest(state, at), records
    at = max(at, state.since)
    closed = Closed(at, state.generation, rule.rule.steps[state.level].severity, state.values, withdrawn=True)
    return _rest(state, at), (*records, closed)


def severity(state: Alert | None, rule: CompiledRule) -> Severity | None:
    """How bad it is now; None where no alert is open (rising and closed count as not open)."""
    if state is None or state.phase not in (Phase.OPEN, Phase.CLOSING):
        return None
    return rule.rule.steps[state.level].severity


def pack(state: Alert) -> list[Any]:
    """The state as plain JSON values, for a checkpoint."""
    return [state.phase.value, *state[1:3], list(state.held), *state[4:7], dict(state.values)]


def unpack(data: list[Any], rule: CompiledRule) -> Alert | None:
    """A state from a checkpoint. Where the rule has another number of steps by now, what fits best."""
    phase, generation, since, held, level, lull, clearing, values = data
    steps = len(rule.tests)
    state = Alert(Phase(phase), generation, since, tuple(held), level, lull, clearing, values)
    if state.phase is Phase.CLOSED or len(held) == steps:
        return state
    held, level = tuple((held + [None] * steps)[:steps]), min(level, steps - 1)
    if state.phase is Phase.RISING and not _any_held(held):
        return _rest(state, since)
    if lull is None and not _any_held(held[level:]):
        lull = since
    return state._replace(held=held, level=level, lull=lull)


def _any_held(held: tuple[int | None, ...]) -> bool:
    return any(h is not None for h in held)


def _rest(state: Alert, at: int) -> Alert | None:
    """Nothing going on any more. What never opened does not count as a generation."""
    generation = state.generation - 1 if state.phase is Phase.RISING else state.generation
    return Alert(Phase.CLOSED, generation, at, ()) if generation else None


def _down(state: Alert, rule: CompiledRule) -> int | None:
    """When the severity goes down: its step has not held for clear_after while a milder one does."""
    if state.lull is None:
        return None
    milder = [h for h in state.held[: state.level] if h is not None]
    return max(state.lull + rule.rule.clear_after, milder[-1]) if milder else None


def _pass(state: Alert, rule: CompiledRule, at: int) -> tuple[Alert | None, Record]:
    """One deadline, which is at `at`."""
    steps = rule.rule.steps
    if state.phase is Phase.CLOSING:
        closed = Closed(at, state.generation, steps[state.level].severity, state.values)
        return _rest(state, at), closed
    ripe = [
        i for i, h in enumerate(state.held) if i > state.level and h is not None and h + rule.afters[i] <= at
    ]
    level = ripe[-1] if ripe else max(i for i, h in enumerate(state.held[: state.level]) if h is not None)
    made = Opened if state.phase is Phase.RISING else Changed
    record = made(
        at, state.generation, steps[level].severity, state.values, explain(steps[level].when, state.values)
    )
    lull = None if _any_held(state.held[level:]) else state.lull
    return state._replace(phase=Phase.OPEN, since=at, level=level, lull=lull), record


def _look(state: Alert, rule: CompiledRule, values: Mapping[str, Value], at: int) -> Alert | None:
    """The values of a reading, no deadline being due."""
    held = tuple(
        (at if was is None else was) if test.holds(values) else None if test.fails(values) else was
        for was, test in zip(state.held, rule.tests, strict=True)
    )
    if state.phase is not Phase.RISING:
        return _look_open(state, rule, values, at, held)
    if held == state.held:
        return state
    return (
        state._replace(held=held, values=_known(state, rule, values)) if _any_held(held) else _rest(state, at)
    )


def _look_open(
    state: Alert, rule: CompiledRule, values: Mapping[str, Value], at: int, held: tuple[int | None, ...]
) -> Alert:
    raised = rule.raises(values)
    lull: int | None = at if state.lull is None else state.lull
    if state.phase is Phase.CLOSING:
        if not raised and not rule.stays(values):
            return state
        state = state._replace(phase=Phase.OPEN, since=at, clearing=None)
    elif not raised and rule.clears(values):
        known = _known(state, rule, values)
        nothing = (None,) * len(held)
        return state._replace(
            phase=Phase.CLOSING, since=at, held=nothing, lull=lull, clearing=at, values=known
        )
    if held == state.held:
        return state
    if _any_held(held[state.level :]):
        lull = None
    return state._replace(held=held, lull=lull, values=_known(state, rule, values))


def _known(state: Alert, rule: CompiledRule, values: Mapping[str, Value]) -> Mapping[str, Value]:
    return {**state.values, **{name: values[name] for name in rule.fields if name in values}}
