"""Sealing: only one key opens a box, and only beside what it was made for; the key is a file that nobody else reads."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from hub.agent.sealing import BadKey, fingerprint, is_key, own_key, seal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_box_opens_for_its_key_and_beside_its_own_words(tmp_path: Path) -> None:
    mine, other = own_key(tmp_path / "a"), own_key(tmp_path / "b")
    box = seal(b"secret", mine.public, b"cameras")
    assert mine.open(box, b"cameras") == b"secret"
    assert mine.open(box, b"other cameras") is None
    assert other.open(box, b"cameras") is None
    raw = bytearray(base64.b64decode(box))
    raw[-1] ^= 1
    assert mine.open(base64.b64encode(raw).decode(), b"cameras") is None
    for junk in ("", "AAAA", "không", "A" * 500):
        assert mine.open(junk, b"cameras") is None
    assert b"secret" not in base64.b64decode(box)
    assert seal(b"secret", mine.public, b"cameras") != box


def test_a_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "agent.key"
    first = own_key(path)
    assert own_key(path).public == first.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["agent.key"]
    path.write_text("nonsense")
    with pytest.raises(BadKey, match="holds no key"):
        own_key(path)


def test_what_is_no_public_key(tmp_path: Path) -> None:
    key = own_key(tmp_path / "a").public
    assert is_key(key)
    assert not is_key(key[:-4])
    assert not is_key("chìa khóa")
    with pytest.raises(BadKey):
        seal(b"x", "AAAA", b"")


def test_a_fingerprint_is_five_groups_of_four(tmp_path: Path) -> None:
    one, other = own_key(tmp_path / "a"), own_key(tmp_path / "b")
    assert fingerprint("") == "e3b0-c442-98fc-1c14-9afb", "of sha256('')"
    assert one.fingerprint == fingerprint(one.public) != other.fingerprint
