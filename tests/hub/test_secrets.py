"""Secrets at rest: sealed to their row, with a key that lies elsewhere; a key that is gone is said, no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hub.audit import Wanted
from hub.check import check
from hub.credentials import LABEL
from hub.secrets import OWN, Secrets, forget
from hub.settings import Settings
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.views import Refused
from tests.brokers import free_port
from tests.hub.test_app import running, settings
from tests.hub.test_cli_registry import Teller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = "mật khẩu camera"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "var")
    yield made
    made.close()


def secrets(store: Store, key: Path) -> Secrets:
    """As at a start of the hub."""
    found = store.rows("SELECT box FROM secret WHERE owner=? AND what=?", *OWN)
    return Secrets(key, found[0][0] if found else None)


def put(store: Store, into: Secrets, owner: str = "cam-1", text: str = TEXT) -> None:
    writes = Writes()
    into.put(writes, owner, "camera", text)
    store.commit(writes)


def box(store: Store, owner: str = "cam-1") -> bytes:
    found: bytes = store.rows("SELECT box FROM secret WHERE owner=?", owner)[0][0]
    return found


def test_what_was_put_is_opened_after_a_restart(store: Store, tmp_path: Path) -> None:
    key = tmp_path / "apart" / "key"
    assert secrets(store, key).trouble == "", "nothing was ever sealed: no key is missing"
    assert not key.exists(), "it is made at the first need"
    put(store, secrets(store, key))
    assert key.stat().st_mode & 0o777 == 0o600
    again = secrets(store, key)
    assert again.trouble == ""
    assert again.open(box(store), "cam-1", "camera") == TEXT


def test_nothing_is_stored_in_clear_nor_twice_the_same(store: Store, tmp_path: Path) -> None:
    mine = secrets(store, tmp_path / "key")
    put(store, mine)
    first = box(store)
    put(store, mine)
    assert box(store) != first
    store.close()
    for file in (tmp_path / "var").iterdir():
        assert TEXT.encode() not in file.read_bytes(), file


def test_a_box_opens_in_its_own_row_only(store: Store, tmp_path: Path) -> None:
    mine = secrets(store, tmp_path / "key")
    put(store, mine)
    for owner, what, sealed in [
        ("cam-2", "camera", box(store)),
        ("cam-1", "mail", box(store)),
        ("cam-1", "camera", box(store)[:-1]),
        ("cam-1", "camera", b"\x02" + box(store)[1:]),
        ("cam-1", "camera", b""),
    ]:
        with pytest.raises(Refused, match="secret_damaged"):
            mine.open(sealed, owner, what)


@pytest.mark.parametrize(
    ("becomes", "trouble"),
    [
        (None, "lost"),
        ("A" * 43 + "=", "wrong"),
        ("short", "unreadable"),
        ("", "unreadable"),
        ("\x00\xff", "unreadable"),
    ],
)
def test_a_key_that_does_not_fit_is_said_and_never_replaced(
    store: Store, tmp_path: Path, becomes: str | None, trouble: str
) -> None:
    key = tmp_path / "key"
    put(store, secrets(store, key))
    right = key.read_text()
    if becomes is None:
        key.unlink()
    else:
        key.write_text(becomes, encoding="latin-1")
    mine = secrets(store, key)
    assert mine.trouble == trouble
    writes = Writes()
    with pytest.raises(Refused, match="no_secret_key"):
        mine.put(writes, "cam-2", "camera", TEXT)
    assert not writes
    with pytest.raises(Refused, match="no_secret_key"):
        mine.open(box(store), "cam-1", "camera")
    assert key.exists() == (becomes is not None)
    key.write_text(right)
    assert secrets(store, key).open(box(store), "cam-1", "camera") == TEXT


def finding(wanted: Settings) -> tuple[bool | None, str]:
    """What `village-hub check` says of the secrets."""
    found = next(f for f in check(wanted) if f.what == "secrets")
    return found.ok, found.text


@pytest.mark.parametrize(
    ("becomes", "told"), [(None, "is gone"), ("A" * 43 + "=", "is another one"), ("short", "cannot be read")]
)
async def test_a_key_that_is_lost_for_good(tmp_path: Path, becomes: str | None, told: str) -> None:
    say, wanted = Teller(tmp_path, 0), Settings(data_dir=tmp_path / "var")
    key = wanted.key_file
    assert (await say("person", "add", "Lan", "--role", "security"))[0] == 0
    assert finding(wanted) == (True, "nothing is stored yet that needs a key")
    store = Store(wanted.data_dir)
    for owner in ("den-2", "den-1"):
        writes = Writes()
        secrets(store, key).put(writes, owner, LABEL, TEXT, expires_at=2**50)
        store.commit(writes)
    store.close()
    assert finding(wanted) == (True, f"the key in {key} fits")
    reset = ("secrets", "reset", "--who", "lan")
    code, _, err = await say(*reset, "--yes")
    assert (code, "nothing is lost" in err) == (1, True)

    if becomes is None:
        key.unlink()
    else:
        key.write_text(becomes)
    ok, text = finding(wanted)
    assert (ok, told in text, "village-hub secrets reset" in text) == (False, True, True)
    code, out, err = await say(*reset)
    assert (code, out.splitlines()[0]) == (1, "2 stored secrets would be gone, of den-1, den-2")
    assert err == "village-hub: nothing was changed; say --yes if the key is lost for good\n"
    assert finding(wanted)[0] is False
    assert (await say("secrets", "reset", "--yes", "--who", "Eve"))[0] == 1
    assert finding(wanted)[0] is False
    code, out, _ = await say(*reset, "--yes")
    assert (code, out.splitlines()) == (
        0,
        [
            "2 stored secrets are gone, of den-1, den-2",
            "no label of den-1 with its password can be printed: village-hub device password den-1",
            "no label of den-2 with its password can be printed: village-hub device password den-2",
        ],
    )
    assert finding(wanted)[0]
    (entry,) = Reader(wanted.data_dir / "hub.db").audit(Wanted(action="secrets."), None, 9)
    assert (entry[2], json.loads(entry[6])) == ("Lan", {"secrets": 2, "devices": ["den-1", "den-2"]})
    store = Store(wanted.data_dir)
    put(store, secrets(store, key))
    assert secrets(store, key).open(box(store), "cam-1", "camera") == TEXT
    store.close()


async def test_a_running_hub_keeps_its_secrets(tmp_path: Path) -> None:
    async with running(settings(tmp_path, free_port())) as port:
        assert await Teller(tmp_path, port)("secrets", "reset", "--yes") == (
            1,
            "",
            "village-hub: stop the hub first: it holds the key\n",
        )


def test_a_folder_that_takes_no_key_is_said(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="no_secret_key"):
        put(store, secrets(store, tmp_path / "file" / "key"))


def test_forgotten(store: Store, tmp_path: Path) -> None:
    put(store, secrets(store, tmp_path / "key"))
    writes = Writes()
    forget(writes, "cam-1", "camera")
    store.commit(writes)
    assert not store.rows("SELECT * FROM secret WHERE owner='cam-1'")
