"""docs/limits.md: every limit names the test that proves it, and its number is the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices import wire
from drivers.mqtt_link import LinkSettings
from drivers.pictures import limits as pictures
from hub import denied, identity, links, replay, waiting
from hub.ingest import UNACKED
from hub.settings import Settings
from hub.web import misses, outside_server
from hub.web.doors import MAX_BODY
from rules.document import MAX_BYTES
from rules.load import load

TESTS = Path(__file__).parents[1]
LIMITS = (TESTS.parent / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LIMITS.splitlines()
    if line.startswith("| ") and not line.startswith("| limit")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r[0])
def test_each_limit_names_its_proof(row: list[str]) -> None:
    assert len(row) == 4
    found = re.fullmatch(r"`(\S+\.py)::(test_\w+)`", row[3])
    assert found, row
    assert re.search(rf"def {found[2]}\(", (TESTS / found[1]).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("limit", "number"),
    [
        ("one MQTT payload", wire.MAX_PAYLOAD),
        ("messages on their way", UNACKED),
        ("messages read", LinkSettings("", 0, "", ()).inbox),
        ("gaps remembered", identity.GAPS),
        ("boots remembered", identity.BOOTS),
        ("devices waiting", waiting.ROOM),
        ("deaf spans", replay.SPANS_KEPT),
        ("body of a request", MAX_BODY // 1024),
        ("links that work", links.OPEN),
        ("misses at the outside", misses.EACH),
        ("connections of the outside", outside_server.AT_ONCE),
        ("a request at the outside", int(outside_server.PATIENCE_S)),
        ("journal", int(Settings().journal.keep_h)),
        ("refused publishes", denied.MAX_BYTES // 1_000_000),
        ("one rule file", MAX_BYTES // 1_000_000),
        ("a camera's picture", pictures.MAX_BYTES),
        ("its pixels", pictures.MAX_PIXELS),
        ("passes of a progressive", pictures.MAX_SCANS),
        ("pictures before a fault", pictures.PICTURES),
    ],
)
def test_the_number_is_the_codes(limit: str, number: int) -> None:
    row = next(r for r in ROWS if r[0].startswith(limit))
    assert re.match(rf"{number:,}\b", row[1]), row[1]


def test_a_rule_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("# " + "x" * MAX_BYTES)
    rules, problems = load([path])
    assert not rules.rules
    assert "more than 1000000 bytes" in str(problems[0])


def test_refusals_begin_anew(tmp_path: Path) -> None:
    line = b"1: Denied PUBLISH from den-1 (d0, q1, r0, m1, 'vh/1/thon-1/den-2/state', ... (2 bytes))\n"
    assert not list(denied.keep([line] * 3, tmp_path))
    file = tmp_path / denied.FILE
    one = file.stat().st_size // 3
    file.write_bytes(file.read_bytes() * (denied.MAX_BYTES // (3 * one) + 1))
    list(denied.keep([line] * 2, tmp_path))
    assert file.stat().st_size == 2 * one
