"""`village-hub agent`: what is wrong with how it is called is one sentence and exit code 1."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli import cli
from hub.store.writer import lock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"--realm": "Tháp Thượng"}, "is no realm: small letters"),
        ({"--name": "Gw"}, "is no name: small letters"),
        ({"--no-tls": None}, "--tls-ca names the certificate"),
        ({"--password-file": "none"}, "cannot read the password: none: No such file"),
        ({"--password-file": "empty"}, "empty is empty"),
        ({"--no-tls": None, "--tls-ca": "empty"}, "empty holds no certificate"),
        ({"--no-tls": None, "--tls-ca": "none"}, "none: No such file"),
        ({"--data": "broken"}, "agent.key holds no key"),
        ({"--data": "damaged"}, "agent.db: file is not a database"),
        ({"--data": "used"}, "another agent is running with the data folder used"),
    ],
)
def test_what_is_wrong_is_said(
    options: dict[str, str | None], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pw").write_text("secret-word\n")
    (tmp_path / "empty").write_text("\n")
    for folder in ("broken", "damaged"):
        (tmp_path / folder).mkdir()
    (tmp_path / "broken" / "agent.key").write_text("nonsense")
    (tmp_path / "damaged" / "agent.db").write_text("nonsense" * 1000)
    held = lock(tmp_path / "used")
    said: dict[str, str | None] = {
        "--realm": "thon", "--port": "1", "--password-file": "pw", "--data": "d", "--no-tls": "",
    }  # fmt: skip
    said |= options
    words = [w for k, v in said.items() if v is not None for w in ((k, v) if v else (k,))]
    umask = os.umask(0o022)
    try:
        done = CliRunner().invoke(cli, ["agent", *words])
    finally:
        os.umask(umask)
        os.close(held)
    assert done.exit_code == 1
    assert sentence in done.output
    assert "secret-word" not in done.output
