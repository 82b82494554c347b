"""docs/drivers.md tells every code, and each quirk names the test that holds us to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.onvif import Code

HERE = Path(__file__).parent
TEXT = (HERE.parents[2] / "docs" / "drivers.md").read_text(encoding="utf-8")
TEXT = TEXT[TEXT.index("<!-- onvif: begin -->") : TEXT.index("<!-- onvif: end -->")]
QUIRKS = re.findall(r"^\| (.+?) \|.*\| `(test_\w+\.py)::(test_\w+)` \|$", TEXT, re.MULTILINE)


def test_every_code_is_told() -> None:
    assert [code for code in Code if f"`{code}`" not in TEXT] == []


def test_the_table_is_read() -> None:
    assert len(QUIRKS) == sum(line.startswith("| ") and "::test_" in line for line in TEXT.splitlines())


@pytest.mark.parametrize(("quirk", "file", "test"), QUIRKS)
def test_each_quirk_names_its_test(quirk: str, file: str, test: str) -> None:
    assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), quirk
