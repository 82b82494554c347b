"""The pages in a real browser: width, targets, live updates, the keyboard, accessibility."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from playwright.async_api import Browser, Page, async_playwright, expect

from devices.health import Health, Reason, Shown
from devices.person import By
from hub.web import serving
from tests.web.fake_core import PASSWORD
from tests.web.png import grey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from tests.web.fake_core import FakeCore

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PATHS = (
    "/",
    "/sites/thap-thuong",
    "/sites/o-dien",
    "/devices",
    "/devices/thu-que-l017",
    "/incidents",
    "/incidents/2",
    "/pending",
    "/people",
    "/people/1",
    "/who",
    "/labels?devices=thu-que-l017,thu-que-c005",
    "/links",
    "/hub",
    "/api/docs",
    "/devices/nope",
)
PHONE, DESK = 360, 1280


@pytest.fixture
async def base(app: FastAPI) -> AsyncIterator[str]:
    async with serving(app, port=0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "these tests need chromium (Debian: apt-get install chromium)"
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        await opened.close()


async def page_at(browser: Browser, width: int, *, theme: str = "light") -> Page:
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        locale="vi-VN",
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=width == PHONE,
    )
    context.set_default_timeout(10_000)
    return await context.new_page()


WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
  .filter(e => e.checkVisibility() && !e.closest('p, h1, h2, h3, .crumbs, .skip, li:not([class]), .facts'))
  .map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 120)])
  .filter(([r]) => r.width > 0 && (r.height < 44 || r.width < 44))
  .map(([r, h]) => `${Math.round(r.width)}x${Math.round(r.height)} ${h}`)"""


@pytest.mark.parametrize("width", [PHONE, DESK])
async def test_nothing_runs_over_and_targets_fit_a_thumb(browser: Browser, base: str, width: int) -> None:
    page = await page_at(browser, width)
    wrong = []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and "404" not in m.text else None)
    for path in PATHS:
        await page.goto(base + path)
        assert await page.evaluate(WIDER) == 0, f"{path} is wider than {width}"
        assert await page.evaluate(SMALL) == [], path
    assert wrong == []


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "light"), (DESK, "dark")])
async def test_axe_finds_nothing_serious(browser: Browser, base: str, width: int, theme: str) -> None:
    assert AXE.exists(), "axe-core is missing: run `make setup`"
    page = await page_at(browser, width, theme=theme)
    script = await asyncio.to_thread(AXE.read_text)
    for path in PATHS:
        await page.goto(base + path)
        await page.evaluate(script)
        found = await page.evaluate("async () => (await axe.run()).violations")
        serious = [
            (v["id"], [n["html"][:150] + " :: " + n.get("failureSummary", "")[:200] for n in v["nodes"][:3]])
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], path


async def test_a_change_arrives_without_reload(core: FakeCore, browser: Browser, base: str) -> None:
    page = await page_at(browser, DESK)
    await page.goto(base + "/")
    await page.evaluate("window.same = true")
    await page.wait_for_function("document.body['htmx-internal-data'] !== undefined")
    tile = page.locator("#tile-thuan-thuong")
    await expect(tile).not_to_contain_text("hỏng")
    core.becomes("thuan-thuong-c001", Health.FAULTY, Reason("rule", {"rule": "camera-fault"}))
    await expect(tile).to_contain_text("1 hỏng / 49")
    await expect(page.locator("h1")).to_contain_text("2 thiết bị hỏng")
    core.opens(8, Shown.FAULTY, ["thuan-thuong-c001"], title={"vi": "Camera hỏng", "en": "x"})
    card = page.locator("#incident-8")
    await expect(card).to_contain_text("Camera hỏng")
    await expect(card).to_have_class("card edge s-faulty fresh")
    await expect(page.locator("#incident-2")).not_to_have_class("card edge s-faulty fresh")
    await expect(page.locator("#nav-incidents")).to_have_text("5")
    assert await page.evaluate("window.same")


async def test_a_device_page_lives(core: FakeCore, browser: Browser, base: str) -> None:
    page = await page_at(browser, PHONE)
    await page.goto(base + "/devices/thu-que-c003")
    await expect(page.locator(".lead")).to_contain_text("Hoạt động tốt")
    core.becomes("thu-que-c003", Health.OFFLINE, Reason("silent", {"last_seen": core.at}))
    await expect(page.locator(".lead")).to_contain_text("Mất liên lạc")
    await expect(page.locator("#device-timeline")).to_contain_text("Hoạt động tốt → mất liên lạc")


async def test_accept_by_keyboard(core: FakeCore, browser: Browser, base: str) -> None:
    page = await page_at(browser, DESK)
    await page.goto(base + "/")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "go-2":
            break
    await expect(page.locator("#go-2")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#accept button")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#who button").first).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".lead")).to_contain_text("Trần Thị Hoa nhận lúc 19:42")
    assert core.found[2].accepted_by == "Trần Thị Hoa"
    await page.goto(base + "/incidents/3?accept=1")
    await expect(page.locator("#accept button")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".lead")).to_contain_text("Trần Thị Hoa nhận lúc")


async def test_what_somebody_writes_survives_an_update(core: FakeCore, browser: Browser, base: str) -> None:
    page = await page_at(browser, PHONE)
    await page.goto(base + "/incidents/2")
    await page.locator("#accept textarea").fill("tôi đang tới")
    await core.comment(2, By("Bình", ""), "đã gọi điện")
    await expect(page.locator("#incident-story")).to_contain_text("đã gọi điện")
    await expect(page.locator("#accept textarea")).to_have_value("tôi đang tới")


async def test_the_list_follows_what_is_typed(browser: Browser, base: str) -> None:
    page = await page_at(browser, DESK)
    await page.goto(base + "/devices")
    await page.locator("#q").press_sequentially("cong ket noi")
    await expect(page.locator("#list")).to_contain_text("5 thiết bị")
    await expect(page).to_have_url(re.compile(r"\?q=cong(\+|%20)ket(\+|%20)noi&"))
    await page.locator("select[name=site]").select_option("thu-que")
    await expect(page.locator("#list")).to_contain_text("1 thiết bị")


async def test_a_lost_hub_is_said(app: FastAPI, browser: Browser) -> None:
    page = await page_at(browser, DESK)
    async with serving(app, port=0) as port:
        async with page.expect_response("**/events*"):
            await page.goto(f"http://127.0.0.1:{port}/")
        await expect(page.locator("#stale")).to_be_hidden()
    await expect(page.locator("#stale")).to_contain_text("Mất kết nối tới trung tâm")


async def test_the_theme_follows_the_system_and_can_be_chosen(browser: Browser, base: str) -> None:
    page = await page_at(browser, DESK, theme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    await page.goto(base + "/")
    assert await page.evaluate(ground) == "rgb(18, 22, 26)"
    await page.get_by_role("link", name="Giao diện ngày").click()
    assert await page.evaluate(ground) == "rgb(247, 245, 240)"
    await page.goto(base + "/hub")
    assert await page.evaluate(ground) == "rgb(247, 245, 240)"
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("h1")).to_contain_text("Health of the hub")


async def test_a_phone_reads_the_documented_text_off_a_printed_label(browser: Browser, base: str) -> None:
    page = await page_at(browser, 794, theme="dark")
    await page.goto(f"{base}/labels?devices=thu-que-l017,thu-que-c005")
    await page.emulate_media(media="print")
    pixels = grey(await page.screenshot(full_page=True))
    names = ("thu-que-l017", "thu-que-c005")
    assert {code.text for code in zxingcpp.read_barcodes(pixels)} == {
        f"vh:1:thu-que:{name}:{PASSWORD}" for name in names
    }
    doc = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")
    assert "`vh:1:<realm>:<device>:<password>`" in doc
