"""The player in a real browser, over the outside door: shows, proves, goes on without the hub, and tells it later."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect
from starlette.testclient import TestClient

from devices.device import Kind
from devices.notice import Level
from devices.person import By
from hub.web import bind, create_outside, serving_outside
from tests.web.test_browser import browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.web.fake_core import FakeCore

__all__ = ["browser"]  # a fixture
BY = By("Lan", "")
CASES = json.loads(Path("tests/samples/playlists.json").read_text(encoding="utf-8"))["cases"]
RED, GREEN, BLUE, GREY = (200, 10, 20), (1, 180, 40), (3, 5, 250), (90, 91, 92)


@pytest.fixture
def board(core: FakeCore) -> str:
    name, view = next((n, v) for n, v in core.by_name.items() if v.device.kind is Kind.SIGNBOARD)
    core.by_name[name] = replace(view, device=replace(view.device, driver="player"))
    return name


@pytest.fixture
async def token(core: FakeCore, board: str) -> str:
    _, token = await core.links.make("player", board, "", 30, BY)
    return token


@asynccontextmanager
async def door(core: FakeCore, port: int = 0) -> AsyncIterator[int]:
    async with serving_outside(
        create_outside(core), bind("127.0.0.1", port), None, core.visits.shut
    ) as found:
        yield found


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for what comes by itself."""
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def opened(context: BrowserContext, address: str) -> Page:
    page = await context.new_page()
    await page.goto(address)
    return page


async def shows(page: Page, found: str) -> None:
    await expect(page.locator("body")).to_have_attribute("data-showing", found, timeout=15_000)


async def test_the_rules_are_those_of_the_contract(core: FakeCore, browser: Browser, token: str) -> None:
    assert len(CASES) >= 10
    policy = {
        "link_lost": "keep",
        "power_return": "resume",
        "nothing_due": "fallback",
        "no_clock": "fallback",
    }
    async with door(core) as port:
        page = await (await browser.new_context(service_workers="block")).new_page()
        await page.goto(f"http://127.0.0.1:{port}/l/{token}/")
        for case in CASES:
            playlist = {"items": case["items"], "policy": policy | case.get("policy", {})}
            moments = [
                {
                    "clock": m.get("clock"),
                    "silent": m.get("silent_s", 0),
                    "returned": m.get("returned", False),
                }
                | {"left": m.get("left", {})}
                for m in case["moments"]
            ]
            found = await page.evaluate(
                """async ([playlist, moments]) => {
                  const { turns } = await import("./rules.js");
                  return moments.map((m) => turns(playlist, m).map((i) => i.id));
                }""",
                [playlist, moments],
            )
            assert found == [m["turns"] for m in case["moments"]], case["name"]


async def test_what_is_asked_stands_and_is_proved(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    red, green, idle = visits.frame_of(RED), visits.frame_of(GREEN), visits.frame_of(GREY)
    visits.ask(board, visits.item(1, red, green), fallback=(idle,))
    async with door(core) as port:
        context = await browser.new_context()
        page = await opened(context, f"http://127.0.0.1:{port}/l/{token}")
        await shows(page, red.hash)
        await shows(page, green.hash)
        await until(lambda: visits.receipts(board).count(("1.1", "shown", False)) == 2, "two frames shown")
        stored, first, second = [b for n, c, b in visits.heard if c == "receipt"][:3]
        assert (stored["result"], set(stored["frames"])) == ("stored", {red.hash, green.hash})
        assert (first["frames"], second["frames"]) == ([red.hash], [green.hash])
        flood = visits.frame_of(BLUE)
        visits.ask(
            board, visits.item(2, flood, level=Level.EMERGENCY), visits.item(1, red, green), fallback=(idle,)
        )
        await shows(page, flood.hash)
        await until(lambda: ("2.1", "shown", False) in visits.receipts(board), "the emergency is proved")
        assert ("1.1", "ended", False) in visits.receipts(board), "it stands there no more"
        said = (flood.hash, visits.asked[board].id)
        await until(lambda: said == visits.reported(board), "what stands there is reported at once")
        visits.ask(board, fallback=(idle,))
        await shows(page, idle.hash)
        await until(
            lambda: {("1.1", "ended", False), ("2.1", "ended", False)} <= set(visits.receipts(board)),
            "both ended",
        )
        identities = [(b["boot"], b["seq"]) for _, _, b in visits.heard]
        assert len(set(identities)) == len(identities)
        await context.close()


async def test_it_goes_on_without_the_hub_and_proves_it_later(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    core.at = round(time.time() * 1000)  # without the hub the browser has its own clock
    red, flood, idle = visits.frame_of(RED), visits.frame_of(BLUE), visits.frame_of(GREY)
    visits.ask(
        board, visits.item(2, flood, level=Level.EMERGENCY, seconds=9), visits.item(1, red), fallback=(idle,)
    )
    context = await browser.new_context()
    async with door(core) as port:
        page = await opened(context, f"http://127.0.0.1:{port}/l/{token}/")
        await shows(page, flood.hash)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await until(lambda: ("2.1", "shown", False) in visits.receipts(board), "shown")
        await page.wait_for_function("caches.open('player').then((c) => c.keys()).then((k) => k.length >= 5)")
    visits.heard.clear()  # the hub is gone
    await page.reload(wait_until="domcontentloaded")
    await shows(page, red.hash)  # the emergency ends by itself, nobody prolongs it
    await page.reload(
        wait_until="domcontentloaded"
    )  # a second power cut: what was said before it is late then
    await shows(page, red.hash)
    assert visits.heard == []
    async with door(core, port):
        await until(lambda: ("1.1", "shown", True) in visits.receipts(board), "proved later")
        assert ("2.1", "ended", True) in visits.receipts(board)
        assert all("ts" in body for _, channel, body in visits.heard if channel == "receipt")
        assert len({body["boot"] for _, _, body in visits.heard}) == 2
    await context.close()


async def test_a_screen_starts_without_the_hub_by_the_address_that_was_printed(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    core.at = round(time.time() * 1000)
    red = visits.frame_of(RED)
    visits.ask(board, visits.item(1, red))
    context = await browser.new_context()
    async with door(core) as port:
        page = await opened(context, f"http://127.0.0.1:{port}/l/{token}/")
        await shows(page, red.hash)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await page.wait_for_function("caches.open('player').then((c) => c.keys()).then((k) => k.length >= 5)")
        await page.close()
    for query in ("", "?lang=en"):
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{port}/l/{token}/{query}", wait_until="domcontentloaded")
        await shows(page, red.hash)
        await page.close()
    await context.close()


async def test_what_stood_goes_on_until_the_next_frames_are_there(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    red, large = visits.frame_of(RED), visits.frame_of(BLUE, (640, 480))
    before = visits.ask(board, visits.item(1, red))
    async with door(core) as port:
        context = await browser.new_context()
        page = await opened(context, f"http://127.0.0.1:{port}/l/{token}/")
        await shows(page, red.hash)
        png = visits.pngs.pop(large.hash)
        visits.ask(board, visits.item(2, large, level=Level.EMERGENCY), visits.item(1, red))
        await until(lambda: ("2.1", "failed", False) in visits.receipts(board), "told that it lacks a frame")
        await shows(page, red.hash)
        assert visits.reported(board)[1] == before.id
        visits.pngs[large.hash] = png
        await shows(page, large.hash)
        await until(lambda: visits.reported(board) == (large.hash, visits.asked[board].id), "told at once")
        await context.close()


async def test_a_second_screen_on_a_link_shows_and_does_not_speak(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    red = visits.frame_of(RED)
    visits.ask(board, visits.item(1, red))
    async with door(core) as port:
        first, second = [await browser.new_context() for _ in range(2)]
        await shows(await opened(first, f"http://127.0.0.1:{port}/l/{token}/"), red.hash)
        await until(lambda: ("1.1", "shown", False) in visits.receipts(board), "the first one speaks")
        boots = {body["boot"] for _, _, body in visits.heard}
        looking = await opened(second, f"http://127.0.0.1:{port}/l/{token}/")
        await shows(looking, red.hash)
        await expect(looking.locator("body")).to_have_class("second")
        assert {body["boot"] for _, _, body in visits.heard} == boots
        await first.close()
        await second.close()


async def test_pixels_that_are_not_the_previewed_ones_are_not_shown(
    core: FakeCore, browser: Browser, board: str, token: str
) -> None:
    visits = core.visits
    red, idle = visits.frame_of(RED), visits.frame_of(GREY)
    visits.pngs[red.hash] = visits.pngs[idle.hash]
    visits.ask(board, visits.item(1, red), fallback=(idle,))
    async with door(core) as port:
        context = await browser.new_context()
        page = await opened(context, f"http://127.0.0.1:{port}/l/{token}/")
        await until(lambda: ("1.1", "failed", False) in visits.receipts(board), "told that it failed")
        assert await page.locator("body").get_attribute("data-showing") in (None, "")
        await context.close()


def outside(core: FakeCore) -> TestClient:
    return TestClient(create_outside(core), base_url="https://hub.xa.vn", client=("203.0.113.7", 5))


async def test_a_link_serves_the_board_of_its_own_kind_only(core: FakeCore, board: str) -> None:
    red = core.visits.frame_of(RED)
    core.visits.ask(board, core.visits.item(1, red))
    _, token = await core.links.make("led", board, "", 30, BY)
    assert outside(core).get(f"/l/{token}/frame.png").status_code == 404, "nobody fetches in a player's name"
    assert outside(core).get(f"/l/{token}/frames/{red.hash}.png").status_code == 200


def test_bad_words_of_a_player_are_refused(core: FakeCore, token: str) -> None:
    client = outside(core)
    at = f"/l/{token}/said"
    for bad in (
        b"",
        b"[]",
        b"{",
        b'{"messages": [{"channel": "desired", "body": {}}]}',
        b'{"messages": [1]}',
    ):
        assert client.post(at, content=bad).status_code == 422
    assert (
        client.post(at, content=json.dumps({"messages": [{"channel": "state", "body": {}}] * 51})).status_code
        == 422
    )
    assert client.post(at, content=b"x" * 70_000).status_code == 413
    assert client.post(at, json={"messages": []}).status_code == 204
    assert core.visits.heard == []


async def test_frames_of_other_boards_are_not_given(core: FakeCore, board: str, token: str) -> None:
    visits = core.visits
    red, other = visits.frame_of(RED), visits.frame_of(BLUE)
    visits.ask(board, visits.item(1, red))
    client = outside(core)
    assert client.get(f"/l/{token}/frames/{red.hash}.png").content == visits.pngs[red.hash]
    assert client.get(f"/l/{token}/frames/{other.hash}.png").status_code == 404
    same = client.get(f"/l/{token}/playlist?have={visits.asked[board].id}").json()
    assert set(same) == {"id", "now", "left"}
    assert client.get(f"/l/{token}/playlist").json()["items"][0]["id"] == "1.1"


def test_a_screen_gets_its_player_by_a_link(client: TestClient, board: str) -> None:
    found = client.get(f"/player/{board}", follow_redirects=False)
    assert found.status_code == 303
    form = client.get(found.headers["location"]).text
    assert f'<option value="{board}" selected>' in form
    assert '<option value="player" selected>' in form
    assert client.get("/player/thap-thuong-c001", follow_redirects=False).status_code == 404
