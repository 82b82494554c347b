"""Letting in, new passwords, shutting out: the real service around a real store and ingest, without a network."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from devices.lifecycle import Lifecycle
from devices.person import By
from devices.site import Site
from hub import access
from hub.admission import Admission
from hub.credentials import LABEL_MS, Credentials
from hub.registrar import Hardware, Registrar, has_hardware
from hub.secrets import Secrets
from hub.store.reader import Reader
from hub.views import Refused
from tests.hub.house import House
from tests.hub.scene import REALM, light

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LAN = By("Lan", "127.0.0.1")
PLANNED = replace(light("den-7"), lifecycle=Lifecycle.PLANNED, serial="A-7")


class Desk:
    """A house with the service on it; ingest's turns are taken by a task."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder / "var", light(), PLANNED).listening()
        house = self.house
        house.registry.sites[REALM] = Site(REALM, "Thôn Một", "village")
        self.reader = Reader(house.store.path)
        self.key = folder / "key"
        self.admission = Admission(
            lambda: frozenset(n for n, _ in self.reader.passwords()), lambda: None, lambda: True
        )
        parts: Any = SimpleNamespace(
            reader=self.reader, waiting=house.waiting, tracker=house.tracker, registry=house.registry,
            ingest=house.ingest, clock=house.clock, admission=self.admission, secrets=Secrets(self.key, None),
            registrar=Registrar(
                house.registry, house.tracker, house.intake, house.waiting, house.clock.now,
                lambda: house.ingest.delta, has_hardware(self.house.store),
            ),
        )  # fmt: skip
        self.parts: Any = parts
        self.service = Credentials(self.parts)

    def knocks(self, name: str, **claim: str) -> None:
        said: dict[str, Any] = {"kind": "solar_light"} | claim
        self.house.says(name, "hello", **said)
        self.house.commit()

    def hash(self, name: str) -> str:
        return dict(self.reader.passwords()).get(name, "")

    def audited(self) -> list[str]:
        return [row[0] for row in self.house.rows("SELECT action FROM audit ORDER BY id")]

    async def turns(self) -> None:
        while True:
            self.house.turn()
            await asyncio.sleep(0)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with _desk(tmp_path) as made:
        yield made


@asynccontextmanager
async def _desk(folder: Path) -> AsyncIterator[Desk]:
    made = Desk(folder)
    tasks = [asyncio.create_task(made.turns()), asyncio.create_task(made.admission.run())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        made.house.close()


async def test_approved_as_a_new_device(desk: Desk) -> None:
    desk.knocks("den-x", serial="A\u200b-9", model="SL" * 90)
    assert desk.house.waiting.entries["den-x"].claim["serial"] == "A-9", "what nobody sees is left out"
    assert len(desk.house.waiting.entries["den-x"].claim["model"]) == 80
    told = await desk.service.approve(
        "den-x", site=REALM, title="", interval_s=60, kind="solar_light", by=LAN
    )
    assert (told.name, told.realm) == ("den-x", REALM)
    assert access.verify(told.password, desk.hash("den-x"))
    assert desk.house.registry.devices["den-x"].serial == "A-9"
    assert not desk.house.waiting.entries
    assert desk.service.access("den-x").password
    assert desk.audited() == ["device.added"]
    assert told.password not in repr(told)


async def test_it_is_the_planned_one_which_keeps_its_name(desk: Desk) -> None:
    desk.knocks("factory-1", serial="B-1")
    fits = desk.service.fits()["factory-1"]
    assert [(f.device.name, f.sure) for f in fits] == [("den-7", False)]
    told = await desk.service.take("factory-1", "den-7", LAN)
    assert told.name == "den-7"
    assert access.verify(told.password, desk.hash("den-7"))
    assert desk.house.registry.devices["den-7"].serial == "B-1"
    assert desk.house.track("den-7").lifecycle is Lifecycle.PLANNED, "until it reports"
    assert not desk.house.waiting.entries
    assert "device.enrolled" in desk.audited()


async def test_the_hardware_that_was_planned_is_written_down(desk: Desk) -> None:
    desk.knocks("factory-1", serial="B-1", model="SL-30", firmware="2.1")
    await desk.service.take("factory-1", "den-7", LAN)
    (row,) = desk.house.rows("SELECT serial, model, firmware, until, why FROM hardware")
    assert row == ("B-1", "SL-30", "2.1", None, "")
    desk.house.says("den-7", boot=1, seq=1, battery_v=12.9)
    desk.house.track("den-7").model, desk.house.track("den-7").firmware = "SL-30", "2.2"
    other = Hardware("C-1", "SL-40", "storm")
    await desk.service._do(lambda w: desk.service._p.registrar.replace_hardware("den-7", other, LAN, w))
    rows = desk.house.rows("SELECT serial, model, firmware, until IS NULL, why FROM hardware ORDER BY id")
    assert rows == [("B-1", "SL-30", "2.2", 0, ""), ("C-1", "SL-40", "", 1, "storm")]


async def test_a_planned_device_that_says_hello_itself_waits_too_until_it_reports(desk: Desk) -> None:
    desk.knocks("den-7", serial="A-7")
    assert [f.sure for f in desk.service.fits()["den-7"]] == [True]
    with pytest.raises(Refused, match="name_taken"):
        await desk.service.approve("den-7", site=REALM, title="", interval_s=60, kind="solar_light", by=LAN)
    desk.house.says("den-7", boot=1, seq=1, battery_v=12.9)
    desk.house.commit()
    assert not desk.house.waiting.entries
    desk.knocks("den-7")
    desk.knocks("den-1")
    assert not desk.house.waiting.entries, "who reports is known"


@pytest.mark.parametrize(
    ("planned", "kind", "code"),
    [("none", "solar_light", "not_planned"), ("den-1", "solar_light", "not_planned"), ("hub", "hub", "not_planned"),
     ("den-7", "camera", "other_kind")],
)  # fmt: skip
async def test_who_is_not_the_planned_one(desk: Desk, planned: str, kind: str, code: str) -> None:
    desk.knocks("factory-1", kind=kind)
    with pytest.raises(Refused, match=code):
        await desk.service.take("factory-1", planned, LAN)
    assert "factory-1" in desk.house.waiting.entries
    assert not desk.audited()
    with pytest.raises(Refused, match="unknown_device"):
        await desk.service.take("nobody", "den-7", LAN)


async def test_a_new_password_and_none(desk: Desk) -> None:
    first = await desk.service.password("den-1", LAN)
    second = await desk.service.password("den-1", LAN)
    assert not access.verify(first.password, desk.hash("den-1"))
    assert access.verify(second.password, desk.hash("den-1"))
    await desk.service.revoke("den-1", LAN)
    assert desk.hash("den-1") == ""
    assert not desk.service.access("den-1").password
    assert not desk.reader.boxes("label")
    assert desk.audited() == ["device.password_made"] * 2 + ["device.password_revoked"]
    for name in ("hub", "nobody"):
        with pytest.raises(Refused, match="unknown_device"):
            await desk.service.password(name, LAN)


async def test_a_label_shows_a_password_until_it_is_printed_or_a_day_is_over(desk: Desk) -> None:
    one = await desk.service.password("den-1", LAN)
    two = await desk.service.password("den-7", LAN)
    labels = await desk.service.labels(["den-7", "none"], REALM)
    assert [label.name for label in labels] == ["den-7", "den-1"]
    assert labels[0].code == f"vh:1:{REALM}:den-7:{two.password}"
    await desk.service.printed(["den-7"], LAN)
    found = {label.name: label.password for label in await desk.service.labels([], REALM)}
    assert found == {"den-1": one.password, "den-7": ""}
    desk.house.clock.at += LABEL_MS
    assert [label.password for label in await desk.service.labels(["den-1"], "")] == [""]
    assert not desk.reader.boxes("label")


async def test_a_lost_key_costs_the_label_only(desk: Desk) -> None:
    await desk.service.password("den-1", LAN)
    box = desk.house.rows("SELECT box FROM secret WHERE owner=''")[0][0]
    desk.key.unlink()
    desk.parts.secrets = Secrets(desk.key, box)
    assert desk.parts.secrets.trouble == "lost"
    assert [label.password for label in await desk.service.labels(["den-1"], "")] == [""]
    told = await desk.service.password("den-1", LAN)
    assert access.verify(told.password, desk.hash("den-1"))
    assert not desk.service.access("den-1").label
