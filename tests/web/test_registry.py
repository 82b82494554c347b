"""The registry's pages on a real hub: what is typed is kept, what is wrong is said, what was done is written down."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from hub import registry
from hub.registry import RegistryFile
from hub.store.writer import Store, Writes
from tests.brokers import free_port
from tests.hub.test_app import running, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SITES = {
    "sites": [
        {"slug": "xa", "name": "Xã A", "tier": "commune", "since": "2025-07-01"},
        {"slug": "thon", "name": "Thôn B", "tier": "village"},
    ],
    "placings": [{"site": "thon", "parent": "xa", "since": "2025-07-01"}],
}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    wanted = settings(tmp_path, free_port())
    store, writes = Store(wanted.data_dir), Writes()
    registry.put_sites(writes, RegistryFile.model_validate(SITES))
    store.commit(writes)
    store.close()
    async with running(wanted) as port:
        base = f"http://127.0.0.1:{port}"
        headers = {"Origin": base, "Cookie": "lang=en"}
        async with httpx2.AsyncClient(base_url=base, headers=headers) as client:
            first = {"_who": "Lan", "_role": "official"}
            assert (await client.post("/who", data=first)).cookies["who"] == "Lan"
            client.headers["Cookie"] = "lang=en; who=Lan"
            yield client


async def submit(web: httpx2.AsyncClient, path: str, **form: str) -> httpx2.Response:
    return await web.post(path, data=form)


DEN = {"name": "den-1", "kind": "solar_light", "realm": "thon", "site": "thon", "title": "Đèn 1"}


async def version(web: httpx2.AsyncClient) -> str:
    return str((await web.get("/api/registry/devices/den-1")).json()["version"])


async def test_a_device_is_registered_edited_replaced_and_taken_away(web: httpx2.AsyncClient) -> None:
    done = await submit(web, "/registry/new", **DEN)
    assert (done.status_code, done.headers["location"]) == (303, "/registry/devices/den-1")
    changed = DEN | {"title": "Đèn ngõ 4", "interval_s": "30,5", "tags": "ngõ; chợ", "version": "1"}
    del changed["name"]
    assert (await submit(web, "/registry/devices/den-1/change", **changed)).status_code == 303
    found = (await web.get("/api/registry/devices/den-1")).json()
    assert (found["fields"]["interval_s"], found["fields"]["tags"]) == (30.5, ["ngõ", "chợ"])
    late = await submit(web, "/registry/devices/den-1/change", **changed | {"title": "của người khác"})
    assert late.status_code == 409
    assert "Somebody else changed this meanwhile" in late.text
    assert "của người khác" in late.text
    assert (await submit(web, "/registry/devices/den-1/replace", serial="S-2", model="SL")).status_code == 303
    assert (await submit(web, "/registry/devices/den-1/live", lifecycle="retired")).status_code == 303
    page = (await web.get("/registry/devices/den-1")).text
    assert "taken away for good" in page
    assert "S-2" in page
    assert "Store</button>" not in page
    actions = [c["action"] for c in (await web.get("/api/registry/devices/den-1")).json()["changes"]]
    assert actions == ["device.retired", "device.replaced", "device.changed", "device.added"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "Đèn"}, "name has only the letters a-z"),
        ({"kind": "toaster"}, "kind is one of: camera"),
        ({"interval_s": "soon"}, "interval_s is a number"),
        ({"interval_s": "0"}, "interval_s is at least 1"),
        ({"site": "nowhere"}, "There is no site nowhere"),
        ({"lat": "20,0", "lon": "109,0"}, "not on land in Vietnam"),
        ({"site": ""}, "site must not be empty"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    web: httpx2.AsyncClient, wrong: dict[str, str], says: str
) -> None:
    answer = await submit(web, "/registry/new", **DEN | wrong)
    assert answer.status_code == 409
    assert says in answer.text
    assert 'value="Đèn 1"' in answer.text
    assert (await web.get("/api/registry/devices/den-1")).status_code == 404


async def test_the_tree_of_a_day(web: httpx2.AsyncClient) -> None:
    assert (
        await submit(web, "/registry/sites/xa/rename", name="Xã Mới", since="2026-01-01")
    ).status_code == 303
    names = {
        day: [s["name"] for s in (await web.get(f"/api/registry/tree?at={day}")).json()["sites"]]
        for day in ("2025-06-30", "2025-12-31", "2026-01-01")
    }
    assert names == {
        "2025-06-30": ["Thôn B"],
        "2025-12-31": ["Xã A", "Thôn B"],
        "2026-01-01": ["Xã Mới", "Thôn B"],
    }
    assert "Xã A" in (await web.get("/registry?at=2025-12-31")).text
    page = await submit(web, "/registry/sites/xa/place", parent="thon", since="2026-02-01")
    assert (page.status_code, "xa would be above itself" in page.text) == (409, True)
    assert (await web.get("/registry?at=yesterday")).status_code == 422
    merged = await submit(
        web, "/registry/tree/merge", into="xa-moi", name="Xã Ba", slugs="xa", since="2026-03-01"
    )
    assert merged.headers["location"] == "/registry/sites/xa-moi"


async def test_a_csv_is_checked_then_registered_then_the_same_again(web: httpx2.AsyncClient) -> None:
    bad = "name,kind,realm,site\nden-1,solar_light,thon,thon\nden-2,toaster,thon,thon\n"

    async def send(text: str, what: str) -> httpx2.Response:
        file = {"file": ("d.csv", text.encode(), "text/csv")}
        return await web.post("/registry/csv", files=file, data={"what": what})

    answer = await send(bad, "register")
    assert (answer.status_code, "line 3" in answer.text) == (409, True)
    good = bad.replace("toaster", "camera")
    assert "Nothing was registered yet" in (await send(good, "check")).text
    assert (await web.get("/api/devices")).json()["total"] == 0
    assert "Registered: 2 new devices" in (await send(good, "register")).text
    exported = (await web.get("/api/registry/devices.csv")).text
    assert "0 new devices, 0 changed" in (await send(exported, "register")).text
    assert (await send("x" * 26_000_000, "check")).status_code == 413


async def test_firmware_and_missing_pages(web: httpx2.AsyncClient) -> None:
    await submit(web, "/registry/new", **DEN)
    assert (await web.get("/api/registry/firmware")).json() == [
        {"kind": "solar_light", "model": "", "firmware": "", "devices": 1}
    ]
    assert "firmware not told" in (await web.get("/registry/firmware")).text
    for path in ("/registry/devices/nobody", "/registry/sites/nowhere", "/registry/devices/hub"):
        assert (await web.get(path)).status_code == 404
    assert (await submit(web, "/registry/devices/den-1/explode")).status_code == 404


async def test_pages_fit_their_languages(web: httpx2.AsyncClient) -> None:
    await submit(web, "/registry/new", **DEN)
    for path in (
        "/registry",
        "/registry/new",
        "/registry/devices/den-1",
        "/registry/sites/xa",
        "/registry/csv",
    ):
        for code in ("vi", "en"):
            page = await web.get(path, headers={"Cookie": f"lang={code}"})
            assert page.status_code == 200
            assert re.search(rf'<html lang="{code}"', page.text)


async def test_the_person_of_a_command_line_is_written_down(web: httpx2.AsyncClient) -> None:
    said: dict[str, Any] = DEN | {"name": "den-2"}
    await submit(web, "/people", name="Nguyễn Lan", role="official")
    headers = {
        "X-Village-Hub": "1",
        "X-Village-Hub-Person": "Nguy%E1%BB%85n Lan",
        "Content-Type": "application/json",
    }
    await web.post("/api/registry/device-add", content=json.dumps(said), headers=headers)
    changes = (await web.get("/api/registry/devices/den-2")).json()["changes"]
    assert changes[0]["person"] == "Nguyễn Lan"


async def test_sites_from_the_same_form_and_one_put_right(web: httpx2.AsyncClient) -> None:
    async def sent(text: str, what: str) -> httpx2.Response:
        file = {"file": ("s.csv", text.encode(), "text/csv")}
        return await web.post("/registry/csv", files=file, data={"what": what})

    text = "slug,name,tier,parent\nngo,Ngõ 4,hamlet,thon\n"
    assert "1 new sites, 0 changed. Nothing was registered yet" in (await sent(text, "check")).text
    assert "Registered: 1 new sites" in (await sent(text, "register")).text
    assert "does not change these of a site: name" in (await sent(text.replace("Ngõ 4", "x"), "check")).text
    put = {"tier": "village", "lat": "21,1", "lon": "105.7"}
    assert (await submit(web, "/registry/sites/ngo/correct", **put)).status_code == 303
    assert "ngo,Ngõ 4,village,thon,21.1,105.7," in (await web.get("/api/registry/sites.csv")).text
    marks = (await web.get("/api/map")).json()["marks"]
    assert [m["names"] for m in marks] == [["ngo"]], "a village is on the map before its devices are"
    sea = await submit(web, "/registry/sites/ngo/correct", tier="village", lat="20", lon="109")
    assert (sea.status_code, "is not on land" in sea.text) == (409, True)
