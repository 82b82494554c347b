"""Rule files: read, checked to the last word, compiled. A problem says where it is, what is wrong, what is allowed.

This is the one place in rules/ that touches files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rules.check import Check
from rules.document import MAX_BYTES, Damaged, Document, parse
from rules.rule import CompiledRule, Ruleset
from rules.shape import Wrong, shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BUILTIN = Path(__file__).parent / "builtin"
"""The rules that come with the hub."""


class RuleProblem(NamedTuple):
    """One thing wrong in one rule file. `rule` is the id, or empty where there is none."""

    file: str
    line: int
    rule: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        rule = f"{self.rule}: " if self.rule else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{self.file}:{self.line}: {rule}{self.wrong}{allowed}"


def load(paths: Iterable[Path]) -> tuple[Ruleset, list[RuleProblem]]:
    """Every rule that is right, and everything that is wrong. A folder stands for its *.yaml in order of name."""
    rules: dict[str, CompiledRule] = {}
    problems: list[RuleProblem] = []
    for path in _files(paths):
        for found in _read(path):
            if isinstance(found, RuleProblem):
                problems.append(found)
            elif found.id in rules:
                line = found.rule.source.rpartition(":")[2]
                wrong = f"this id is taken by {rules[found.id].rule.source}"
                problems.append(RuleProblem(str(path), int(line), found.id, wrong, "an id of its own"))
            else:
                rules[found.id] = found
    return Ruleset(tuple(rules.values())), problems


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.yaml"))
        else:
            yield path


def _read(path: Path) -> Iterator[CompiledRule | RuleProblem]:
    try:
        with path.open("rb") as file:
            document = parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        yield RuleProblem(str(path), 1, "", f"the file cannot be read: {error.strerror}")
    except Damaged as damage:
        yield RuleProblem(str(path), damage.line, "", damage.wrong, damage.allowed)
    else:
        yield from _rules(path, document)


def _rules(path: Path, document: Document) -> Iterator[CompiledRule | RuleProblem]:
    if document.data is None:
        return
    if not isinstance(document.data, list):
        yield RuleProblem(str(path), 1, "", "the file is no list of rules", "- id: ... for each rule")
        return
    for index, data in enumerate(document.data):
        found = _rule(data, (index,), f"{path.name}:{document.line((index,))}")
        if isinstance(found, CompiledRule):
            yield found
        else:
            rule = str(data.get("id", "")) if isinstance(data, dict) else ""
            for at, wrong, allowed in found:
                yield RuleProblem(str(path), document.line(at), rule[:40], wrong, allowed)


def _rule(data: object, path: tuple[int], source: str) -> CompiledRule | list[Wrong]:
    if not isinstance(data, dict):
        return [Wrong(path, "this is no rule", "keys and values, beginning with `id:`")]
    entry = shape(data, path)
    if isinstance(entry, list):
        return entry
    check = Check(entry, path, source)
    return check.wrong if check.found is None else CompiledRule(check.found, check.placeholders)
