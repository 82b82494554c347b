"""Rule files: what is read, and every way to be wrong with its line."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from devices.device import Kind
from rules.condition import Group, Leaf
from rules.load import RuleProblem, load
from rules.rule import Severity, Step
from tests.rules.bad_rules import BAD, HEAD, REST

if TYPE_CHECKING:
    from pathlib import Path

    from rules.rule import Ruleset


def read(tmp_path: Path, text: str) -> tuple[Ruleset, list[RuleProblem]]:
    file = tmp_path / "my.yaml"
    file.write_text(text, encoding="utf-8")
    return load([file])


def test_a_flat_rule(tmp_path: Path) -> None:
    ruleset, problems = read(
        tmp_path, HEAD + REST + "  raise_after: 5m\n  sites: [dan-phuong]\n  tags: [junction]\n"
    )
    assert problems == []
    rule = ruleset.rules[0].rule
    assert rule.id == "low"
    assert rule.kinds == {Kind.SOLAR_LIGHT}
    assert rule.steps == (Step(Severity.DEGRADED, Leaf("battery_v", "below", 11.5), 300_000),)
    assert sorted(rule.sites | rule.tags) == ["dan-phuong", "junction"]
    assert (rule.clear_when, rule.clear_after) == (None, 0)
    assert rule.title == {"vi": "Ắc quy", "en": "Battery"}
    assert rule.source == "my.yaml:1"


def test_steps_take_raise_after_where_they_have_none(tmp_path: Path) -> None:
    text = """\
      raise_after: 30s
      steps:
        - {severity: degraded, when: {battery_v: {below: 12}}}
        - {severity: faulty, when: {battery_v: {below: 11}}, after: 0}
      clear_when: {battery_v: {at_least: 12.5}}
      clear_after: 2h
    """
    ruleset, problems = read(tmp_path, HEAD + indented(text))
    assert problems == []
    rule = ruleset.rules[0].rule
    assert [(s.severity, s.after) for s in rule.steps] == [(Severity.DEGRADED, 30_000), (Severity.FAULTY, 0)]
    assert rule.clear_when == Leaf("battery_v", "at_least", 12.5)
    assert rule.clear_after == 7_200_000


def test_conditions_as_they_are_written(tmp_path: Path) -> None:
    text = """\
      severity: faulty
      when:
        all:
          - dark: {is: true}
          - none:
              - lamp_lit: {is: true}
              - faults: {has: lampFailure}
          - any:
              - faults: {empty: false}
              - battery_v: {above: 9, below: 11.8}
              - soc_pct: {known: false}
    """
    ruleset, problems = read(tmp_path, HEAD + indented(text))
    assert problems == []
    assert ruleset.rules[0].rule.steps[0].when == Group(
        "all",
        (
            Leaf("dark", "is", limit=True),
            Group(
                "all",
                (Leaf("lamp_lit", "is", limit=False), Leaf("faults", "has_none", frozenset({"lampFailure"}))),
            ),
            Group(
                "any",
                (
                    Leaf("faults", "has_other", frozenset()),
                    Group("all", (Leaf("battery_v", "above", 9), Leaf("battery_v", "below", 11.8))),
                    Leaf("soc_pct", "known", limit=False),
                ),
            ),
        ),
    )
    assert ruleset.rules[0].fields == {"dark", "lamp_lit", "faults", "battery_v", "soc_pct"}


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in dedent(text).splitlines())


@pytest.mark.parametrize(("text", "line", "wrong", "allowed"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_problem_says_where_what_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, wrong: str, allowed: str
) -> None:
    _, problems = read(tmp_path, text)
    assert len(problems) == 1, [str(p) for p in problems]
    (problem,) = problems
    assert problem.file == str(tmp_path / "my.yaml")
    assert problem.line == line, str(problem)
    assert wrong in problem.wrong
    assert allowed in problem.allowed
    assert str(problem).startswith(f"{problem.file}:{line}: ")
    assert len(str(problem)) < 900


def test_every_problem_is_told_at_once_and_the_good_rules_stay(tmp_path: Path) -> None:
    bad = (
        HEAD.replace("id: low", "id: bad")
        + "  severity: faulty\n  when:\n    any:\n    - dark: {is: 1}\n    - sark: {is: 1}\n"
    )
    ruleset, problems = read(tmp_path, HEAD + REST + bad)
    assert [rule.id for rule in ruleset.rules] == ["low"]
    assert [(p.line, p.rule) for p in problems] == [(14, "bad"), (15, "bad")]


def test_a_field_must_be_of_every_kind(tmp_path: Path) -> None:
    text = HEAD.replace("[solar_light]", "[gateway, solar_light, camera]").replace("{battery_v} V", "")
    _, (problem,) = read(tmp_path, text + "  severity: faulty\n  when: {mains: {is: false}}\n")
    assert "solar_light, camera has no field `mains`" in problem.wrong
    assert problem.allowed.split(", ")[0] == "faults"
    ruleset, problems = read(tmp_path, text + "  severity: faulty\n  when: {faults: {empty: false}}\n")
    assert not problems
    assert ruleset.rules[0].rule.kinds == {Kind.GATEWAY, Kind.SOLAR_LIGHT, Kind.CAMERA}


def test_a_rule_cannot_compare_without_end(tmp_path: Path) -> None:
    leaves = "".join(f"    - soc_pct: {{below: {i + 1}}}\n" for i in range(80))
    _, (problem,) = read(tmp_path, HEAD + "  severity: faulty\n  when:\n    any:\n" + leaves)
    assert problem.line == 8 + 50
    assert "compares too much" in problem.wrong


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    (tmp_path / "latin.yaml").write_bytes("- id: x\n# \xe1\n".encode("latin-1"))
    (tmp_path / "nul.yaml").write_bytes(b"- id: \x00\n")
    (tmp_path / "empty.yaml").write_bytes(b"# nothing yet\n")
    ruleset, problems = load([tmp_path, tmp_path / "none.yaml"])
    assert ruleset.rules == ()
    told = {(p.file.rpartition("/")[2], p.line): p.wrong for p in problems}
    assert told.pop(("nul.yaml", 1)).startswith("this is not YAML")
    assert told == {
        ("big.yaml", 1): "the file has more than 1000000 bytes",
        ("latin.yaml", 2): "this is not UTF-8 text",
        ("none.yaml", 1): "the file cannot be read: No such file or directory",
    }


def test_ids_are_one_over_all_files_in_order_of_name(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("\n" + HEAD + REST, encoding="utf-8")
    (tmp_path / "a.yaml").write_text(HEAD + REST, encoding="utf-8")
    ruleset, (problem,) = load([tmp_path])
    assert ruleset.rules[0].rule.source == "a.yaml:1"
    assert (problem.file, problem.line) == (str(tmp_path / "b.yaml"), 2)
    assert "taken by a.yaml:1" in problem.wrong


def test_texts_are_composed(tmp_path: Path) -> None:
    ruleset, problems = read(tmp_path, HEAD.replace("Ắc", "A\u0306\u0301c") + REST)
    assert not problems
    assert ruleset.rules[0].rule.title["vi"] == "Ắc quy"
