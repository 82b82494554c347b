"""The outside door: what a link serves, and that everything else is one and the same nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from devices.health import Shown
from devices.person import By
from hub.links import DAY_MS
from hub.web import create_outside
from hub.web.doors import MAX_BODY
from hub.web.misses import ALL, EACH, WINDOW_S, Misses
from hub.web.purposes import PURPOSES

if TYPE_CHECKING:
    from tests.web.fake_core import FakeCore

BY = By("Lan", "")
BASE = "https://hub.xa.vn"


def outside(
    core: FakeCore,
    peer: str = "203.0.113.7",
    base: str = BASE,
    *,
    proxies: tuple[str, ...] = (),
    direct: bool = True,
) -> TestClient:
    app = create_outside(core, proxies=proxies, direct=direct)
    return TestClient(app, base_url=base, client=(peer, 5), raise_server_exceptions=False)


@pytest.fixture
async def at(core: FakeCore) -> str:
    _, token = await core.links.make("site", "thap-thuong", "", 1, BY)
    return f"/l/{token}"


async def test_a_villager_reads_what_works(core: FakeCore, at: str) -> None:
    page = outside(core).get(at, headers={"accept-language": "vi"})
    assert page.status_code == 200
    text = " ".join(page.text.split())
    assert "Thôn Tháp Thượng" in text
    assert "Lúc 19:42, thứ Hai 23/11" in text
    assert "<b>Camera</b>" in text
    assert '27 <span class="word s-offline">mất liên lạc</span>' in text
    assert "từ 19:36 (6 phút)" in text
    english = outside(core).get(f"{at}?lang=en").text
    assert "Tháp Thượng village" in english
    assert "many" not in english  # the title of an incident may hold what people typed
    for client_text in (text, english):
        assert "None" not in client_text
        assert "%(" not in client_text


async def test_what_is_wrong_alike_is_told_once(core: FakeCore, at: str) -> None:
    core.found.clear()
    start = core.at
    for number, name in enumerate(("thap-thuong-c001", "thap-thuong-c002", "thap-thuong-c003"), 20):
        core.opens(number, Shown.FAULTY, [name], rule="camera-fault", opened_at=start - number * 60_000)
    core.opens(30, Shown.FAULTY, ["thap-thuong-l001"], state="recovering")
    text = " ".join(outside(core).get(at, headers={"accept-language": "vi"}).text.split())
    assert text.count('class="card edge') == 2
    assert "Camera (3 thiết bị): camera tự báo lỗi</h3> <p>từ 19:20 (22 phút)</p>" in text
    assert "Đèn năng lượng mặt trời: đèn được bật mà không sáng</h3>" in text
    assert "đang phục hồi" in text or "hồi phục" in text


async def test_a_simulated_clock_is_said(core: FakeCore, at: str) -> None:
    assert "mô phỏng" not in outside(core).get(at).text
    core.shift_s = 3600
    assert "mô phỏng" in outside(core).get(at).text


async def test_nothing_private_is_in_it(core: FakeCore) -> None:
    for slug in ("thap-thuong", "thu-que", "dai-phung", "dan-phuong"):
        _, token = await core.links.make("site", slug, "", 1, BY)
        text = outside(core).get(f"/l/{token}").text
        for name, view in core.by_name.items():
            assert name not in text or name == "hub"
            assert view.device.title not in text or view.device.title == "Trung tâm"
        for secret in (
            "Nguyễn Văn An",
            "127.0.0.1",
            "/devices",
            "/incidents",
            "lat",
            "phone",
            "<script",
            "lens",
        ):
            assert secret not in text


async def test_headers_are_strict_and_no_cookie_is_set(core: FakeCore, at: str) -> None:
    for path in (at, f"{at}/app.css", f"{at}?lang=en&theme=day", "/", "/l/x"):
        answer = outside(core).get(path, headers={"cookie": "who=Lan"})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "set-cookie" not in answer.headers
    plain = outside(core, base="http://hub.xa.vn").get(at)
    assert "strict-transport-security" not in plain.headers


async def test_what_the_page_needs_comes_under_the_links_own_address(core: FakeCore, at: str) -> None:
    web = outside(core)
    text = web.get(at).text
    for part in text.split('href="')[1:]:
        address = part.split('"')[0]
        assert address.startswith(at)
        assert web.get(address).status_code == 200
    assert web.get(f"{at}/app.css").headers["content-type"].startswith("text/css")


INSIDE = (
    "/", "/devices", "/people", "/links", "/hub", "/api/overview", "/api/docs", "/docs", "/openapi.json",
    "/static/app.css", "/healthz", "/metrics", "/events", "/who", "/l", "/l/", "/l//", "/L/x",
    "/favicon.ico", "/%2e%2e/devices",
)  # fmt: skip


async def test_everything_else_is_the_same_nothing(core: FakeCore, at: str) -> None:
    revoked, gone = await core.links.make("site", "thu-que", "", 1, BY)
    await core.links.revoke(revoked.id, BY)
    _, other = await core.links.make("board", "thu-que", "", 1, BY)  # a purpose that is not known any more
    tampered = at[:-1] + ("A" if at[-1] != "A" else "B")
    answers = [
        outside(core).get(path) for path in (*INSIDE, f"/l/{gone}", f"/l/{other}", tampered, f"/x{at}")
    ]
    core.at += DAY_MS
    answers += [outside(core).get(at), outside(core).post(at), outside(core).post("/l/x", content=b"x")]
    assert {(a.status_code, a.content, tuple(sorted(a.headers.items()))) for a in answers} == {
        (404, b"", tuple(sorted(answers[0].headers.items())))
    }


async def test_a_link_serves_only_what_its_purpose_declares(core: FakeCore, at: str) -> None:
    web = outside(core)
    for path in ("/devices", "/app.js", "/app.css/x", "/../devices", "//", "/api"):
        assert web.get(at + path).status_code == 404
    for method in ("post", "put", "delete", "patch", "options"):
        assert web.request(method, at).status_code == 404
    assert web.head(at).status_code == 200
    assert all(p.days <= p.most_days for p in PURPOSES.values())


async def test_revoked_is_over_at_once(core: FakeCore, at: str) -> None:
    web = outside(core)
    assert web.get(at).status_code == 200
    await core.links.revoke(1, BY)
    assert web.get(at).status_code == 404
    assert web.get(f"{at}/app.css").status_code == 404


async def test_only_pages_count_as_uses(core: FakeCore, at: str) -> None:
    web = outside(core)
    for path in (at, f"{at}/app.css", f"{at}/", "/l/x"):
        web.get(path)
    assert core.links.all()[0].uses == 2


async def test_a_site_that_is_no_more(core: FakeCore, at: str) -> None:
    del core.places["thap-thuong"]
    assert (outside(core).get(at).status_code, outside(core).get(at).content) == (404, b"")


async def test_large_bodies_stay_outside(core: FakeCore, at: str) -> None:
    web = outside(core)
    assert web.post(at, content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert web.post(at, content=iter([b"x"])).status_code == 413
    assert web.post(at, headers={"content-length": "-1"}).status_code == 413


async def test_a_failure_says_nothing_and_logs_no_token(
    core: FakeCore, at: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("of the house")

    monkeypatch.setattr(core, "overview", broken)
    answer = outside(core).get(at)
    assert (answer.status_code, answer.content) == (500, b"")
    assert "failed on link 1" in caplog.text
    assert at.removeprefix("/l/") not in caplog.text


# --- who asks -------------------------------------------------------------------------------------------------


async def test_without_tls_only_the_proxy_comes_in(core: FakeCore, at: str) -> None:
    for peer, status in (
        ("127.0.0.1", 200),
        ("10.1.2.3", 200),
        ("203.0.113.7", 404),
        ("::1", 404),
        ("x", 404),
    ):
        told = {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https"}
        web = outside(core, peer, proxies=("127.0.0.1", "10.0.0.0/8"), direct=False)
        assert web.get(at, headers=told).status_code == status


@pytest.mark.parametrize(
    ("proxies", "believed"), [(("127.0.0.1",), True), ((), False), (("10.0.0.1",), False)]
)
async def test_who_came_is_believed_from_the_proxy_only(
    core: FakeCore, at: str, proxies: tuple[str, ...], believed: bool
) -> None:
    web = outside(core, "127.0.0.1", proxies=proxies)
    for n in range(EACH):
        web.get(f"/l/{n}", headers={"x-forwarded-for": "198.51.100.1"})
    assert web.get(at, headers={"x-forwarded-for": "198.51.100.1"}).status_code == 429
    other = web.get(at, headers={"x-forwarded-for": "198.51.100.2"})
    assert other.status_code == (200 if believed else 429)


async def test_who_guesses_is_not_answered_for_a_minute(
    core: FakeCore, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("hub.web.outside.Misses", lambda: Misses(lambda: clock[0]))
    web = outside(core)
    assert [web.get(f"/l/{n}").status_code for n in range(EACH + 1)] == [404] * EACH + [429]
    answer = web.get(at)
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"", "60")
    clock[0] = WINDOW_S
    assert web.get(at).status_code == 200


def test_a_screen_with_an_old_link_shuts_nobody_out() -> None:
    misses = Misses(lambda: 0.0)
    for _ in range(10 * EACH):
        misses.note("203.0.113.7", "/l/old")
    assert not misses.too_many("203.0.113.7")


def test_many_who_guess_together() -> None:
    misses = Misses(lambda: 0.0)
    for n in range(ALL):
        misses.note(f"10.0.{n // 250}.{n % 250}", f"/l/{n}")
    assert misses.too_many("10.0.0.1")
    assert not misses.too_many("10.9.9.9")
    misses.note("10.9.9.9", "/l/x")
    assert misses.too_many("10.9.9.9")


def test_one_customer_has_many_ipv6_addresses() -> None:
    misses = Misses(lambda: 0.0)
    for n in range(EACH):
        misses.note(f"2001:db8::{n:x}", f"/l/{n}")
    assert misses.too_many("2001:db8::ffff")
    assert not misses.too_many("2001:db8:0:1::1")
