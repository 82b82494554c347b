from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devices.health import Health

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.web.fake_core import FakeCore

PAGES = (
    "/",
    "/sites/thap-thuong",
    "/sites/o-dien",
    "/devices",
    "/devices/thu-que-l017",
    "/devices/thap-thuong-gw",
    "/devices/hub",
    "/incidents",
    "/incidents/1",
    "/incidents/2",
    "/incidents/5",
    "/pending",
    "/programs",
    "/programs/new",
    "/programs/Đêm thường",
    "/hub",
    "/api/docs",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_page_is_drawn_in_both_languages(client: TestClient, path: str, lang: str) -> None:
    page = client.get(path, headers={"accept-language": lang})
    assert page.status_code == 200
    assert f'<html lang="{lang}"' in page.text
    assert ("Tình hình" in page.text) == (lang == "vi")
    for gap in ("%(", "{{", "{device}", "None"):
        assert gap not in page.text.split("<main")[1], gap


def test_the_first_page_says_one_sentence_first(client: TestClient) -> None:
    page = client.get("/").text
    assert "<h1>4 sự cố · 1 thiết bị hỏng · 31 thiết bị mất liên lạc</h1>" in page
    assert "19:42, thứ Hai 23/11 · 242 thiết bị ở 5 thôn · mặt trời mọc lúc 06:11" in page
    assert "<h1>4 incidents · 1 device faulty · 31 devices offline</h1>" in client.get("/?lang=en").text


def test_all_is_well_is_said_too(core: FakeCore, client: TestClient) -> None:
    core.found.clear()
    for name in core.by_name:
        core.becomes(name, Health.OK)
    assert "<h1>Mọi thiết bị hoạt động tốt</h1>" in client.get("/").text


def test_a_device_says_why_in_words(client: TestClient) -> None:
    page = " ".join(client.get("/devices/thu-que-l017").text.split())
    assert "Hỏng</b> từ 17:42 (2 giờ): <b>đèn được bật mà không sáng.</b>" in page
    silent = " ".join(client.get("/devices/thap-thuong-c001").text.split())
    assert "Mất liên lạc</b> từ 19:36 (6 phút): <b>không báo về từ 19:36.</b>" in silent


def test_a_device_shows_values_with_label_and_unit(client: TestClient) -> None:
    page = client.get("/devices/thu-que-l017").text
    assert "<dt>Điện áp ắc quy</dt><dd>12,9\u00a0V</dd>" in page
    assert "12.9\u00a0V" in client.get("/devices/thu-que-l017?lang=en").text


def test_a_day_is_drawn_with_its_gap(client: TestClient) -> None:
    page = client.get("/devices/thu-que-l017").text
    assert page.count('class="chart"') == 5
    assert page.count('class="mean"') == 10, "each line is cut where nothing was heard"
    assert page.count('class="night"') == 10


def test_a_gateway_names_what_hangs_on_it(client: TestClient) -> None:
    page = client.get("/devices/thap-thuong-gw").text
    assert "Thiết bị phụ thuộc vào nó" in page
    assert 'href="/devices/thap-thuong-l001"' in page


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/devices/nope", "Không có thiết bị nào mang tên này."),
        ("/sites/nope", "Không có địa bàn nào mang tên này."),
        ("/incidents/99", "Không có sự cố nào mang số này."),
        ("/nope", "Không có trang này."),
    ],
)
def test_what_is_not_there_is_said_kindly(client: TestClient, path: str, sentence: str) -> None:
    page = client.get(path)
    assert page.status_code == 404
    assert sentence in page.text


@pytest.mark.parametrize(
    "path", ["/devices?shown=blue", "/devices?page=0", "/incidents/abc", "/incidents?before=x"]
)
def test_a_bad_value_is_a_sentence(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 422
    assert "Địa chỉ này có một giá trị mà trung tâm không hiểu." in page.text


def test_a_failure_shows_no_stack(
    core: FakeCore, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(core, "overview", broken)
    for path in ("/", "/api/overview"):
        page = client.get(path)
        assert page.status_code == 500
        assert "Trung tâm gặp lỗi" in page.text
        assert "secret" not in page.text
        assert "Traceback" not in page.text


def test_the_list_is_found_with_and_without_diacritics(client: TestClient) -> None:
    for text in ("cổng kết nối tháp", "cong ket noi thap"):
        page = client.get("/devices", params={"q": text})
        assert "Cổng kết nối Tháp Thượng" in page.text
        assert "thu-que-l017" not in page.text


def test_filters_live_in_the_address(client: TestClient) -> None:
    page = client.get("/devices?kind=camera&shown=offline&site=thap-thuong&q=").text
    assert "27 thiết bị" in page
    assert '<option value="camera" selected>' in page
    assert (
        'href="/devices?kind=camera&amp;site=dan-phuong&amp;page=2"'
        in client.get("/devices?kind=camera&site=dan-phuong").text
    )


def test_fifty_a_page(client: TestClient) -> None:
    first = client.get("/devices").text
    assert first.count('class="row"') == 50
    assert "trang 1/5" in first
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first


def test_an_empty_choice_of_the_form_means_any(client: TestClient) -> None:
    assert client.get("/devices?q=&kind=&shown=&site=").status_code == 200


def test_a_commune_shows_its_villages(client: TestClient) -> None:
    page = client.get("/sites/dan-phuong").text
    assert "Xã Đan Phượng" in page
    assert 'id="tile-thap-thuong"' in page
    assert 'id="tile-thu-que"' not in page


def test_what_devices_say_is_never_markup(core: FakeCore, client: TestClient) -> None:
    evil = "<script>alert(1)</script>"
    view = core.by_name["thu-que-l017"]
    core.by_name["thu-que-l017"] = replace(view, device=replace(view.device, title=evil, place=evil))
    core.opens(
        9, view.shown, ["thu-que-l017"], title={"vi": evil, "en": evil}, detail={"vi": evil, "en": evil}
    )
    core.knocks("evil", kind=evil, model=evil)
    for path in (
        "/",
        "/devices",
        "/devices/thu-que-l017",
        "/incidents",
        "/incidents/9",
        "/pending",
        "/sites/thu-que",
    ):
        assert evil not in client.get(path).text, path


def test_banners_say_what_is_not_real(core: FakeCore, client: TestClient) -> None:
    assert "Đồng hồ mô phỏng" not in client.get("/").text
    core.rate, core.broker_kind = 60.0, "amqtt"
    for path in ("/", "/devices", "/hub"):
        page = client.get(path).text
        assert "thời gian trôi nhanh gấp 60 lần" in page
        assert "không kiểm soát quyền truy cập" in page


def test_catching_up_is_said(core: FakeCore, client: TestClient) -> None:
    core.ready = False
    assert "Trung tâm đang đọc những tin đã lỡ" in client.get("/").text


def test_language_and_theme_are_remembered(client: TestClient) -> None:
    assert '<html lang="en" data-theme="night">' in client.get("/?lang=en&theme=night").text
    assert '<html lang="en" data-theme="night">' in client.get("/hub").text
    assert '<html lang="vi" data-theme="auto">' in client.get("/?lang=vi&theme=auto").text
    assert '<html lang="vi" data-theme="auto">' in client.get("/?lang=xx&theme=pink").text


def test_the_hub_shows_a_quarantined_rule_first(client: TestClient) -> None:
    page = client.get("/hub").text
    assert page.index("wifi-loss") < page.index("light-lamp-failed")
    assert "đã dừng vì lỗi" in page
    assert "20.471.208" in page


def test_an_accepted_incident_has_no_accept_button(client: TestClient) -> None:
    assert 'action="/incidents/2/accept"' in client.get("/incidents/2").text
    page = client.get("/incidents/1").text
    assert 'action="/incidents/1/accept"' not in page
    assert "Nguyễn Văn An nhận lúc 14:42" in page
    assert "mai mang thang ra" in page
