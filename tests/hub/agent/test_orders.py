"""Orders: each is carried out once and ends in one receipt, also over a kill."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from hub.agent.orders import Orders
from hub.agent.outbox import NOW, Kept, Outbox
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = 1_795_000_000_000


class Keeper:
    """Takes notes."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.why = ""
        self.hold = asyncio.Event()
        self.hold.set()

    def hurry(self, name: str) -> None:
        if name == "nobody":
            raise Refused("not_asked", name=name)
        self.done.append(("visit", name))

    def reference(self, name: str, by: str) -> None:
        self.done.append(("reference", name, by))

    async def set_clock(self, name: str, *, manually: bool = False) -> str:
        await self.hold.wait()
        self.done.append(("clock by hand" if manually else "clock", name))
        return self.why

    async def try_default(self, name: str, model: str) -> str:
        self.done.append(("default", name, model))
        return "refused"


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keeper = Keeper()
        self.again: list[bytes] = []
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(self.folder, 10**6)
        keeper: Any = self.keeper
        self.orders = Orders(self.outbox, keeper, self.end, self.again.append, lambda: AT)

    def end(self, number: str, result: str, detail: str) -> None:
        body = json.dumps({"id": number, "result": result, "detail": detail}).encode()
        self.outbox.end(number, Kept("gw", "receipt", body, NOW))

    async def order(self, **said: Any) -> None:
        said = {"id": "1", "expires_at": AT / 1000 + 30, "do": "visit", "device": "cam-1"} | said
        self.orders.take(json.dumps(said).encode())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def receipts(self) -> list[tuple[str, str, str]]:
        said = [json.loads(m.body) for m in self.outbox.next(NOW, [], 99)]
        return [(s["id"], s["result"], s["detail"]) for s in said]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.outbox.close()


async def test_each_order_is_carried_out_and_ends(scene: Scene) -> None:
    await scene.order()
    await scene.order(id="2", do="set_reference", by="An")
    await scene.order(id="3", do="set_clock")
    scene.keeper.why = "login_refused"
    await scene.order(id="4", do="set_clock")
    await scene.order(id="5", device="nobody")
    assert scene.keeper.done == [
        ("visit", "cam-1"),
        ("reference", "cam-1", "An"),
        ("clock", "cam-1"),
        ("clock", "cam-1"),
    ]
    assert scene.receipts() == [
        ("1", "done", ""), ("2", "done", ""), ("3", "done", ""), ("4", "failed", "login_refused"),
        ("5", "failed", "not_asked"),
    ]  # fmt: skip


async def test_one_that_comes_again_is_carried_out_once_and_its_receipt_is_sent_again(scene: Scene) -> None:
    await scene.order()
    await scene.order()
    assert scene.keeper.done == [("visit", "cam-1")]
    assert [json.loads(a)["result"] for a in scene.again] == ["done"]
    scene.keeper.hold.clear()
    await scene.order(id="2", do="set_clock")
    await scene.order(id="2", do="set_clock")
    scene.keeper.hold.set()
    await asyncio.sleep(0.01)
    assert [r[0] for r in scene.receipts()] == ["1", "2"]


async def test_one_that_is_too_late_is_not_carried_out(scene: Scene) -> None:
    await scene.order(expires_at=AT / 1000)
    assert (scene.keeper.done, scene.receipts()) == ([], [("1", "expired", "")])


async def test_one_that_a_kill_broke_off_ends_as_failed(scene: Scene) -> None:
    scene.keeper.hold.clear()
    await scene.order(do="set_clock")
    scene.orders.stop()
    await asyncio.sleep(0)
    scene.outbox.close()
    scene.open()
    scene.orders.interrupted()
    assert scene.receipts() == [("1", "failed", "interrupted")]
    scene.orders.interrupted()
    assert len(scene.receipts()) == 1


async def test_what_is_no_order_is_passed_over(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    for junk in (b"", b"nonsense", b'{"id": "1"}', b'{"id": "1", "expires_at": 1, "do": "explode"}'):
        scene.orders.take(junk)
    assert scene.receipts() == []
    assert "cannot be read" in caplog.text
