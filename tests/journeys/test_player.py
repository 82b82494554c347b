"""A flood warning, from the composer to a television in the village, over the hub's death and back.

A real hub, a real broker, and Chromium twice: an official at the composer, and the screen.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.brokers import free_port
from tests.journeys.village import Village
from tests.web.test_browser import browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.async_api import Browser, Page

__all__ = ["browser"]  # a fixture
SCREEN: dict[str, Any] = {
    "name": "tivi", "kind": "signboard", "realm": "thon-1", "site": "thon-1", "title": "Tivi nhà văn hóa",
    "driver": "player", "profile": "screen-640x480", "interval_s": 60,
}  # fmt: skip
PANEL = SCREEN | {"name": "bang", "title": "Bảng cổng thôn", "driver": "native", "profile": "led-192x64-2"}
ROUTINE = {"title": "Họp thôn", "text": "19 giờ tối thứ Bảy", "targets": ["site:thon-1"]}


@pytest.fixture
def village() -> Iterator[Village]:
    with Village() as made:
        outside = f'\n[outside]\nhost = "127.0.0.1"\nport = {free_port()}\nbehind_proxy = "127.0.0.1"\n'
        made.settle(SCREEN, PANEL, more=outside)
        yield made


async def soon(true: Callable[[], bool], what: str) -> None:
    """Wait for what comes by itself."""
    for _ in range(600):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


def states(village: Village, number: int) -> list[tuple[str, bool | None]]:
    """What the screen said of a notice: (state, as previewed)."""
    found = village.get_json(f"/api/notices/{number}/steps")
    return [(s["state"], s["right"]) for s in found if s["board"] == "tivi"]


async def showing(screen: Page) -> str:
    return await screen.locator("body").get_attribute("data-showing") or ""


async def shows(screen: Page, wanted: set[str]) -> None:
    one_of = re.compile("|".join(sorted(wanted)))
    await expect(screen.locator("body")).to_have_attribute("data-showing", one_of, timeout=30_000)


def frames(village: Village, number: int) -> set[str]:
    """The hashes that were previewed for the screen."""
    revisions = village.get_json(f"/api/notices/{number}")["revisions"]
    return {f["hash"] for r in revisions for f in r["frames"]["screen-640x480"]}


async def test_a_flood_warning_reaches_the_screen_and_outlives_the_hub(
    village: Village, browser: Browser
) -> None:
    for name in ("Lan", "Minh"):
        village.post_json("/api/people", {"name": name, "role": "administrator"})
    made = village.post_json("/api/links", {"purpose": "player", "subject": "tivi"})
    context = await browser.new_context(viewport={"width": 640, "height": 480})
    screen = await context.new_page()
    await screen.goto(made["address"])
    await shows(screen, {"[0-9a-f]{64}"})
    own = await showing(screen)

    kept = village.post_json("/api/notices", {"draft": ROUTINE}, who="Lan")
    kept = village.post_json(
        f"/api/notices/{kept['number']}/approve", {"version": kept["version"]}, who="Minh"
    )
    village.post_json("/api/notices/1/publish", {"version": kept["version"]}, who="Lan")
    await shows(screen, frames(village, 1))
    await soon(
        lambda: village.device("tivi")["shown"] == "ok", "the screen to be green: it shows what was previewed"
    )

    page = await (await browser.new_context(locale="vi-VN")).new_page()
    await page.context.add_cookies([{"name": "who", "value": "Lan", "url": village.url}])
    await page.goto(f"{village.url}/notices/new?level=emergency", wait_until="domcontentloaded")
    await page.get_by_label("Tiêu đề").fill("Nước lũ")
    await page.get_by_label("Nội dung").fill("Bà con ngoài đê lên đê ngay")
    await page.locator("[name=targets][value='site:thon-1']").check()
    preview = page.locator("#preview img")
    await expect(preview.first).to_be_visible(timeout=30_000)
    previewed = [str(await img.get_attribute("src")).split("/")[-1][:64] for img in await preview.all()]
    await page.get_by_role("button", name="Phát khẩn cấp…").click()
    await page.get_by_role("button", name="Phát ngay tới 2 bảng").click()
    await shows(screen, set(previewed))
    assert frames(village, 2) <= set(previewed), "what was previewed is what is sent"
    await soon(lambda: ("shown", True) in states(village, 2), "the proof")
    await soon(lambda: ("ended", True) in states(village, 1), "the routine stands there no more")

    await screen.evaluate("navigator.serviceWorker.ready.then(() => true)")
    village.stop_hub(kill=True)
    await screen.reload(wait_until="domcontentloaded")
    await shows(screen, set(previewed))
    village.start_hub()
    village.wait_ready()
    notice = village.get_json("/api/notices/2")
    village.post_json("/api/notices/2/end", {"version": notice["version"], "why": "nước rút"}, who="Minh")
    await shows(screen, frames(village, 1))
    await soon(lambda: ("ended", True) in states(village, 2), "the end to be proved")
    await soon(lambda: states(village, 1).count(("shown", True)) == 2, "the routine's return to be proved")
    village.post_json(
        "/api/notices/1/end", {"version": village.get_json("/api/notices/1")["version"]}, who="Lan"
    )
    await shows(screen, {own})
    revoked = village.post_json(f"/api/links/{made['link']['id']}/revoke", {})
    assert revoked["state"] == "revoked"
    assert (await context.request.get(made["address"])).status == 404
    await context.close()
