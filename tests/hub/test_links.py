"""Links: what a token opens and what it does not; nothing of it is kept; the key lost, found again."""

from __future__ import annotations

import asyncio
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.person import By
from hub.links import DAY_MS, OPEN, Links, revoke_all
from hub.secrets import OWN, Secrets
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path
    from typing import Any

BY = By("Lan", "127.0.0.1")
T0 = 1_795_000_000_000


class Desk:
    """Links over a real store; a stop and a start is `again`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at, self.commits = folder, T0, 0
        self.store = Store(folder)
        self.again()

    def again(self) -> None:
        found = self.store.rows("SELECT box FROM secret WHERE owner=? AND what=?", *OWN)
        self.secrets = Secrets(self.folder / "secret.key", found[0][0] if found else None)
        self.links = Links(Reader(self.store.path).links(), self.secrets, self._do, lambda: self.at)

    async def _do(self, run: Callable[[Writes], Any]) -> Any:
        writes = Writes()
        found = run(writes)
        self.store.commit(writes)
        self.commits += 1
        return found

    def make(self, days: int = 1) -> Awaitable[tuple[Any, str]]:
        return self.links.make("site", "tt", "bảng ở nhà văn hóa", days, BY)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


async def test_a_token_opens_its_link_until_its_last_moment(desk: Desk) -> None:
    link, token = await desk.make()
    for ms, works in ((0, True), (DAY_MS - 1, True), (DAY_MS, False)):
        desk.at = T0 + ms
        assert (desk.links.opened(token) is not None) is works
        assert link.state(desk.at) == ("works" if works else "expired")


async def test_a_restart_keeps_links_and_their_end(desk: Desk) -> None:
    (_, one), (second, two) = await desk.make(), await desk.make()
    await desk.links.revoke(second.id, BY)
    assert desk.links.opened(two) is None
    desk.again()
    found = desk.links.opened(one)
    assert found is not None
    assert (found.id, found.subject, found.note, found.made_by) == (1, "tt", "bảng ở nhà văn hóa", "Lan")
    assert desk.links.opened(two) is None
    assert [link.state(T0) for link in desk.links.all()] == ["revoked", "works"]


async def test_every_other_token_is_none(desk: Desk) -> None:
    _, token = await desk.make()
    for place, had in enumerate(token):
        for other in ("A" if had != "A" else "B", "=", "/", "á"):
            assert desk.links.opened(token[:place] + other + token[place + 1 :]) is None
    for wrong in ("", token[:-1], token + "A", token + "\n", token + "=", token.swapcase()):
        assert desk.links.opened(wrong) is None


LINKS = Links((), Secrets.__new__(Secrets), None, lambda: T0)  # type: ignore[arg-type]
LINKS._signer._signing = b"a key"  # type: ignore[attr-defined]
LETTERS = string.ascii_letters + string.digits + "-_"


@given(st.text(max_size=60) | st.text(LETTERS, min_size=40, max_size=40))
def test_any_text_is_an_answer(text: str) -> None:
    assert LINKS.opened(text) is None


async def test_a_guess_never_reaches_the_table(desk: Desk) -> None:
    _, token = await desk.make()
    asked: list[str] = []

    class Table(dict[str, int]):
        def get(self, key: str, default: int = 0) -> int:  # type: ignore[override]
            asked.append(key)
            return default

    desk.links._by_hash = Table()
    desk.links.opened("A" * 40)
    assert not asked
    desk.links.opened(token)
    assert len(asked) == 1


async def test_uses_are_counted_at_once_and_stored_together(desk: Desk) -> None:
    (one, _), (two, _) = await desk.make(), await desk.make()
    before = desk.commits
    for _ in range(50):
        desk.links.used(one.id)
    desk.at += 5
    desk.links.used(two.id)
    assert [link.uses for link in desk.links.all()] == [1, 50]
    await desk.links.store_uses()
    await desk.links.store_uses()
    assert desk.commits == before + 1
    desk.again()
    assert [(link.uses, link.used_at) for link in desk.links.all()] == [(1, T0 + 5), (50, T0)]


async def test_a_full_disk_loses_no_use_and_stops_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    link, _ = await desk.make()
    desk.links.used(link.id)

    async def full(_run: object) -> None:
        raise Refused("disk_full")

    with monkeypatch.context() as m:
        m.setattr(desk.links, "_do", full)
        await desk.links.store_uses()
        m.setattr(desk.links, "_do", lambda _: asyncio.sleep(9))
        m.setattr("hub.links.STORE_S", 0.01)
        await desk.links.store_uses()
    await desk.links.store_uses()
    desk.again()
    assert desk.links.all()[0].uses == 1


async def test_each_change_stands_in_the_audit_without_the_token(desk: Desk) -> None:
    link, token = await desk.make()
    for _ in range(2):  # a second time changes nothing
        await desk.links.revoke(link.id, BY)
    rows = desk.store.rows("SELECT person, action, subject, after FROM audit ORDER BY id")
    assert [row[:3] for row in rows] == [("Lan", "link.made", "link:1"), ("Lan", "link.revoked", "link:1")]
    desk.store.close()
    kept = b"".join(p.read_bytes() for p in desk.folder.rglob("*") if p.is_file())
    assert token.encode() not in kept
    assert token[:27].encode() not in kept
    with pytest.raises(Refused, match="unknown_link"):
        await desk.links.revoke(99, BY)


async def test_a_key_that_is_lost_opens_nothing_and_is_not_made_anew(desk: Desk) -> None:
    _, token = await desk.make()
    key = desk.folder / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600
    kept = key.read_bytes()
    key.unlink()
    desk.again()
    assert desk.secrets.trouble == "lost"
    assert desk.links.opened(token) is None
    with pytest.raises(Refused, match="no_secret_key"):
        await desk.make()
    assert not key.exists()
    key.write_bytes(kept[:-3] + b"AA\n")
    desk.again()
    assert desk.secrets.trouble in ("wrong", "unreadable")
    assert desk.links.opened(token) is None
    key.write_bytes(kept)
    desk.again()
    assert desk.links.opened(token) is not None


async def test_so_many_links_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OPEN == 2000
    monkeypatch.setattr("hub.links.OPEN", 2)
    link, _ = await desk.make()
    await desk.make()
    with pytest.raises(Refused, match="too_many_links"):
        await desk.make()
    await desk.links.revoke(link.id, BY)
    await desk.make()


async def test_a_key_that_is_given_up_ends_its_links(desk: Desk) -> None:
    _, token = await desk.make()
    writes = Writes()
    revoke_all(writes, T0 + 1)
    desk.store.commit(writes)
    desk.again()
    assert desk.links.opened(token) is None
    assert [link.revoked_at for link in desk.links.all()] == [T0 + 1]
