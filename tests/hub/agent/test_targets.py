"""Targets: what an agent reads is what the hub meant, without a password outside the box."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devices import wire
from hub.agent import targets
from hub.agent.sealing import OwnKey, own_key
from hub.agent.targets import BadTargets, order_of
from hub.poll.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

MASKS = (((0.0, 0.0), (0.5, 0.25)),)
ROWS = {
    "cam-1": Row(
        "cam-1",
        "thon",
        30.0,
        "http://10.0.0.5",
        "viewer",
        "mật khẩu 1",
        71,
        3,
        300.0,
        masks=MASKS,
        events=True,
    ),
    "cam-2": Row("cam-2", "thon", 60.0, "http://10.0.0.6"),
}


@pytest.fixture
def key(tmp_path: Path) -> OwnKey:
    return own_key(tmp_path / "key")


def sign(text: bytes) -> bytes:
    return b"salt" + text


def test_an_agent_reads_what_the_hub_means(key: OwnKey) -> None:
    order = order_of(ROWS, 45.0, key.public, sign)
    found = targets.read(order.payload, "thon", key)
    assert (found.id, found.interval_s, found.locked) == (order.id, 45.0, False)
    assert found.rows == ROWS


def test_a_password_stands_nowhere_in_plain_words(key: OwnKey) -> None:
    payload = order_of(ROWS, 60.0, key.public, sign).payload
    assert "mật khẩu 1".encode() not in payload
    assert b"password" not in payload
    assert json.dumps("mật khẩu 1").encode() not in payload


def test_without_an_accepted_key_there_is_no_box_and_cameras_are_asked_without_logins(key: OwnKey) -> None:
    order = order_of(ROWS, 60.0, "", sign)
    assert "box" not in json.loads(order.payload)
    found = targets.read(order.payload, "thon", key)
    assert found.locked
    assert (found.rows["cam-1"].username, found.rows["cam-1"].password) == ("", "")
    assert found.rows["cam-1"].url == "http://10.0.0.5"


def test_another_key_opens_nothing(key: OwnKey, tmp_path: Path) -> None:
    other = own_key(tmp_path / "other")
    found = targets.read(order_of(ROWS, 60.0, key.public, sign).payload, "thon", other)
    assert found.locked
    assert {r.password for r in found.rows.values()} == {""}


def test_a_box_beside_another_address_gives_no_password(key: OwnKey) -> None:
    """Who can write `desired` has no camera's password sent to themselves."""
    said = json.loads(order_of(ROWS, 60.0, key.public, sign).payload)
    said["cameras"][0]["url"] = "http://10.6.6.6"
    found = targets.read(json.dumps(said).encode(), "thon", key)
    assert found.locked
    assert {r.password for r in found.rows.values()} == {""}


def test_the_id_changes_with_what_is_meant_and_with_nothing_else(key: OwnKey, tmp_path: Path) -> None:
    def number(rows: dict[str, Row], interval_s: float = 60.0, public: str = key.public) -> str:
        return order_of(rows, interval_s, public, sign).id

    first = number(ROWS)
    assert number(ROWS) == first, "though each box is another one"
    assert number(ROWS | {"cam-1": ROWS["cam-1"].with_boot(99)}) == first
    assert len(first) == 16
    others = {
        number(ROWS | {"cam-1": Row(**{**ROWS["cam-1"].to_json(), "password": "other"})}),
        number({"cam-1": ROWS["cam-1"]}),
        number(ROWS, 61.0),
        number(ROWS, public=own_key(tmp_path / "other").public),
        order_of(ROWS, 60.0, key.public, lambda text: b"other salt" + text).id,
    }
    assert len(others | {first}) == 6


def test_what_does_not_fit_into_one_message_is_left_out_and_named(key: OwnKey) -> None:
    many = {
        f"cam-{i:04}": Row(f"cam-{i:04}", "thon", 60.0, "http://192.168.100.100", "viewer", f"mật khẩu {i}")
        for i in range(3000)
    }
    order = order_of(many, 60.0, key.public, sign)
    assert 250_000 < len(order.payload) <= wire.MAX_PAYLOAD
    assert 1000 < 3000 - len(order.left_out) < 3000
    found = targets.read(order.payload, "thon", key)
    assert sorted(found.rows) + list(order.left_out) == sorted(many)
    assert found.rows["cam-0007"].password == "mật khẩu 7"


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"nonsense", b"[]", b"{}", b'{"id": "x", "cameras": [{}]}', b'{"id": "x", "cameras": [7]}',
        b'{"id": "x", "cameras": [{"name": "c", "interval_s": 60, "url": "u", "masks": [1]}]}',
    ],
)  # fmt: skip
def test_what_cannot_be_read(payload: bytes, key: OwnKey) -> None:
    with pytest.raises(BadTargets):
        targets.read(payload, "thon", key)


def test_what_a_newer_hub_says_more_is_passed_over(key: OwnKey) -> None:
    said = json.loads(order_of(ROWS, 60.0, "", sign).payload)
    said["cameras"][0]["colour"] = said["more"] = "blue"
    assert list(targets.read(json.dumps(said).encode(), "thon", key).rows) == ["cam-1", "cam-2"]
