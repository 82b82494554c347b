"""Links in a real browser at the width of a phone: made inside, its code read, opened outside, revoked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import zxingcpp
from playwright.async_api import Error, expect

from hub.views import OutsideView
from hub.web import bind, create_outside, serving_outside
from tests.web.png import grey
from tests.web.test_browser import AXE, DESK, PHONE, SMALL, WIDER, base, browser, page_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from tests.web.fake_core import FakeCore

__all__ = ["base", "browser"]  # fixtures


@pytest.fixture
async def door(core: FakeCore) -> AsyncIterator[str]:
    async with serving_outside(create_outside(core), bind("127.0.0.1", 0), None) as port:
        core.door = OutsideView(on=True, address=f"http://127.0.0.1:{port}")
        yield core.door.address


async def test_a_link_is_made_opened_by_its_code_and_revoked(
    core: FakeCore, browser: Browser, base: str, door: str
) -> None:
    page = await page_at(browser, PHONE)
    await page.context.add_cookies([{"name": "who", "value": "Lan", "url": base}])
    await page.goto(f"{base}/sites/thap-thuong")
    await page.get_by_role("link", name="Tạo đường dẫn").click()
    await page.get_by_label("Cho ai, hoặc dán ở đâu").fill("Cổng nhà văn hóa")
    await page.get_by_role("button", name="Tạo đường dẫn").click()
    await expect(page.locator("h1")).to_have_text("Đường dẫn mới")
    assert await page.evaluate(WIDER) == 0
    address = await page.locator("code.secret").inner_text()
    assert [c.text for c in zxingcpp.read_barcodes(grey(await page.screenshot(full_page=True)))] == [address]
    outside = await page_at(browser, PHONE)
    wrong: list[str] = []
    outside.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    asked: list[str] = []
    outside.on("request", lambda r: asked.append(r.url))
    await outside.goto(address)
    await expect(outside.locator("h1")).to_contain_text("Thôn Tháp Thượng")
    await outside.get_by_role("link", name="English").click()
    await expect(outside.locator("h1")).to_contain_text("Tháp Thượng village")
    assert wrong == [], "nothing the strict policy refuses"
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(door).netloc}
    assert await outside.context.cookies() == []
    await page.goto(f"{base}/links")
    await expect(page.locator("main")).to_contain_text("đã mở 2 lần")
    await page.locator("summary").click()
    await page.get_by_role("button", name="Thu hồi đường dẫn này").click()
    await expect(page.locator("main")).to_contain_text("đã thu hồi")
    with pytest.raises(Error, match="ERR_HTTP_RESPONSE_CODE_FAILURE"):  # 404, without a word
        await outside.goto(address)
    assert core.links.all()[0].note == "Cổng nhà văn hóa"


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "light"), (DESK, "dark")])
async def test_a_villagers_page_fits(
    core: FakeCore, browser: Browser, base: str, door: str, width: int, theme: str
) -> None:
    page = await page_at(browser, width, theme=theme)
    await page.context.add_cookies([{"name": "who", "value": "Lan", "url": base}])
    script = await asyncio.to_thread(AXE.read_text)
    for site in ("thap-thuong", "o-dien"):
        await page.goto(f"{base}/links?site={site}")
        await page.locator("#make button").click()
        address = await page.locator("code.secret").inner_text()
        for path in (f"{base}/links", address):
            await page.goto(path)
            for summary in await page.locator("summary").all():
                await summary.click()
            assert await page.evaluate(WIDER) == 0, path
            assert await page.evaluate(SMALL) == [], path
            if path.startswith(door):
                continue  # its policy lets no script in, not even this one
            await page.evaluate(script)
            found = await page.evaluate("async () => (await axe.run()).violations")
            assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert len(core.links.all()) == 2
