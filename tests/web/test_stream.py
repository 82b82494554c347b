from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from typing import TYPE_CHECKING

import pytest

from devices.device import Kind
from devices.health import Health, Reason, Shown
from devices.person import By
from hub.views import Changed
from hub.web import bind, live, serve, serving
from tests.web.sse import Stream, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    async with serving(app, port=0) as at:
        yield at


async def snapshot(stream: Stream) -> dict[str, object]:
    event = await stream.next()
    assert event.name == "snapshot"
    said: dict[str, object] = json.loads(event.data)
    return said


async def test_machines_get_one_snapshot_then_changes(core: FakeCore, port: int) -> None:
    async with opened(port, "/api/events") as stream:
        said = await snapshot(stream)
        assert len(said["devices"]) == 34  # type: ignore[arg-type]
        assert [i["id"] for i in said["incidents"]] == [2, 3, 4, 1]  # type: ignore[attr-defined]
        core.becomes("thu-que-c003", Health.OFFLINE, Reason("silent", {"last_seen": 5}))
        event = await stream.next()
        assert event.name == "changes"
        changes = json.loads(event.data)
        assert changes["at"] == core.now()
        assert changes["incidents"] == []
        assert changes["devices"] == [
            {
                "name": "thu-que-c003",
                "site": "thu-que",
                "shown": "offline",
                "health": "offline",
                "since": core.now(),
                "reasons": [{"code": "silent", "about": {"last_seen": 5}}],
            }
        ]
        assert changes["sites"][0]["slug"] == "thu-que"
        assert changes["sites"][0]["counts"]["camera"] == {"ok": 26, "offline": 1}


async def test_the_first_change_goes_at_once_and_later_ones_coalesce(core: FakeCore, port: int) -> None:
    cameras = sorted(n for n, v in core.by_name.items() if v.device.kind is Kind.CAMERA)[:40]
    async with opened(port, "/api/events") as stream:
        await snapshot(stream)
        start = time.monotonic()
        core.becomes(cameras[0], Health.FAULTY)
        first = json.loads((await stream.next()).data)
        assert time.monotonic() - start < live.STEP_S
        assert [d["name"] for d in first["devices"]] == cameras[:1]
        for name in cameras[1:]:
            core.becomes(name, Health.FAULTY)
            await asyncio.sleep(0)
        second = json.loads((await stream.next()).data)
        assert [d["name"] for d in second["devices"]] == cameras[1:]
        assert time.monotonic() - start >= live.STEP_S


async def test_all_changed_means_a_new_snapshot(core: FakeCore, port: int) -> None:
    async with opened(port, "/api/events") as stream:
        await snapshot(stream)
        core.tell(Changed(all=True))
        await snapshot(stream)


def seen(page: str) -> str:
    found = re.search(r'sse-connect="([^"]+)"', page)
    assert found
    return found[1].replace("&amp;", "&")


async def test_a_page_is_not_sent_what_it_has(core: FakeCore, client: TestClient, port: int) -> None:
    async with opened(port, seen(client.get("/").text)) as stream:
        assert (await stream.next()).name == ":"
        core.becomes("thu-que-c003", Health.OFFLINE)
        event = await stream.next()
        assert event.name == "changes"
        parts = set(re.findall(r'id="(now-\w+|tile-[\w-]+|nav-\w+)"[^>]*hx-swap-oob', event.data))
        assert parts == {"now-head", "now-kinds", "tile-thu-que"}
        assert "32 thiết bị mất liên lạc" in event.data


async def test_a_page_that_missed_something_gets_all_parts(port: int) -> None:
    async with opened(port, "/events?page=now&seen=old&lang=en") as stream:
        event = await stream.next()
        assert event.name == "changes"
        assert "31 devices offline" in event.data
        assert event.data.count('id="tile-') == 5


@pytest.mark.parametrize(
    ("page", "name", "part"),
    [
        ("site:thu-que", "thu-que-c003", 'id="device-thu-que-c003"'),
        ("site:o-dien", "thu-que-c003", 'id="tile-thu-que"'),
        ("device:thu-que-c003", "thu-que-c003", 'id="device-head"'),
        ("incident:3", "thap-thuong-c001", 'id="incident-devices"'),
    ],
)
async def test_each_page_hears_of_its_own(core: FakeCore, port: int, page: str, name: str, part: str) -> None:
    async with opened(port, f"/events?page={page}") as stream:
        assert part in (await stream.next()).data
        core.becomes("dong-van-c009", Health.FAULTY)
        core.becomes(name, Health.DEGRADED)
        told = await stream.next()
        assert part in told.data
        assert "dong-van-c009" not in told.data


async def test_the_count_in_the_navigation_lives_everywhere(core: FakeCore, port: int) -> None:
    async with opened(port, "/events?page=nav") as stream:
        await stream.next()
        core.opens(7, Shown.FAULTY, ["thu-que-c003"])
        assert (
            await stream.next()
        ).data == '<span id="nav-incidents" class="count" hx-swap-oob="true">5</span>'


async def test_an_accepted_incident_reaches_the_list(core: FakeCore, port: int) -> None:
    async with opened(port, "/events?page=incidents") as stream:
        await stream.next()
        await core.accept(2, By("An", ""), "")
        assert "An nhận lúc 19:42" in (await stream.next()).data


async def test_a_new_device_asks_for_the_page_anew(core: FakeCore, port: int) -> None:
    async with opened(port, "/events?page=site:thu-que") as stream:
        await stream.next()
        await core.approve(
            "den-moi-01", site="thu-que", title="", interval_s=60, kind="solar_light", by=By("Lan", "test")
        )
        assert (await stream.next()).name == "reload"


def test_an_unknown_page_has_no_stream(client: TestClient) -> None:
    for page in ("moon", "site:nope", "device:nope", "incident:99", "incident:x"):
        assert client.get(f"/events?page={page}").status_code == 404


async def test_twenty_clients_cost_one_drawing(core: FakeCore, port: int) -> None:
    streams = [opened(port, "/events?page=now&lang=vi") for _ in range(20)]
    entered = [await stream.__aenter__() for stream in streams]
    for stream in entered:
        await stream.next()
    before = core.drawn_overviews
    core.becomes("thu-que-c003", Health.OFFLINE)
    told = {(await stream.next()).data for stream in entered}
    assert len(told) == 1
    assert core.drawn_overviews - before == 2, "once for the page, once for the navigation"
    for one in streams:
        await one.__aexit__(None, None, None)


async def test_a_slow_client_gets_fewer_and_newer_events(
    core: FakeCore, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STEP_S", 0)
    names = [n for n, v in core.by_name.items() if v.device.kind is not Kind.HUB]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readexactly(100)
    steps = 400
    for step in range(steps):
        core.at += 1000
        for name in names:
            core.becomes(name, Health.FAULTY, Reason("step", {"number": step, "why": "x" * 300}))
        await asyncio.sleep(0.002)
    core.becomes("thu-que-c003", Health.DEGRADED, Reason("the-end"))
    text = b""
    async with asyncio.timeout(20):
        while b"the-end" not in text[-200_000:]:
            text += await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    assert text.count(b"event: ") < steps / 2
    assert text.rindex(b'"number":399') > text.rindex(b"event: ") - 400_000


async def test_streams_end_with_the_server(app: FastAPI) -> None:
    async with serving(app, port=0) as port:
        streams = [opened(port, path) for path in ("/events", "/api/events", "/events?page=nav")]
        entered = [await stream.__aenter__() for stream in streams]
        for stream in entered:
            await stream.next()
        start = time.monotonic()
    assert time.monotonic() - start < 1
    for stream in entered:
        with pytest.raises(StopAsyncIteration):
            await stream.next()
    for one in streams:
        await one.__aexit__(None, None, None)


async def test_nobody_watches_when_nobody_looks(core: FakeCore) -> None:
    beat = live.Live(core)
    with beat.listening():
        with beat.listening():
            assert len(core.watches) == 1
        assert len(core.watches) == 1
    assert core.watches == []


async def test_serve_runs_on_a_given_socket_until_cancelled(app: FastAPI) -> None:
    sock = bind(port=0)
    port = sock.getsockname()[1]
    task = asyncio.create_task(serve(app, sock=sock))
    async with asyncio.timeout(5):
        while sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    async with opened(port, "/events?page=nav") as stream:
        await stream.next()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    bind(port=port).close()


async def test_a_port_in_use_is_an_oserror(app: FastAPI, port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", port)
    with pytest.raises(OSError, match="in use"):
        async with serving(app, port=port):
            pass


async def test_a_client_too_far_behind_reads_everything_anew(core: FakeCore) -> None:
    beat = live.Live(core)
    with beat.listening():
        start = beat.version
        for number in range(live.KEPT):
            beat._bump(Changed(incidents={number}))
        assert beat.since(start).incidents == set(range(live.KEPT))
        assert beat.since(beat.version - 2).incidents == {live.KEPT - 2, live.KEPT - 1}
        beat._bump(Changed())
        assert beat.since(start).all
        assert await beat.wait(beat.version, 0.001) is None


async def test_a_failing_watch_does_not_end_the_streams(
    core: FakeCore, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0)
    async with opened(port, "/api/events") as stream:
        await snapshot(stream)
        core.watches[0].failure = RuntimeError("boom")
        core.watches[0].some.set()
        await snapshot(stream)
        core.becomes("thu-que-c003", Health.OFFLINE)
        assert (await stream.next()).name == "changes"
    assert "watch failed" in caplog.text
