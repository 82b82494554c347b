from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

import hub.web
from devices.device import FIELDS
from devices.fact import FACTS
from hub import typed
from hub.views import Refused
from hub.web import words
from hub.web.answers import ReasonAnswer
from hub.web.language import language, read_catalogue
from tests.web.fake_core import DAY, HOUR, MINUTE, NOW

WEB = Path(hub.web.__file__).parent
VI, EN = language("vi"), language("en")


def msgids() -> set[str]:
    found: set[str] = set()
    for file in WEB.rglob("*.html"):
        keys = {"_": None, "gettext": None, "ngettext": (1, 2), "counted": (1, 2)}
        for _, message, _, _ in extract_from_file("jinja2.ext:babel_extract", str(file), keywords=keys):
            found.add(message if isinstance(message, str) else message[0])
    for file in WEB.rglob("*.py"):
        for _, message, _, _ in extract_from_file(
            "python", str(file), keywords={"mark": None, "count": (1, 2)}
        ):
            found.add(message if isinstance(message, str) else message[0])
        found |= set(re.findall(r'\.text\(\s*"([^"]+)"', file.read_text()))
    for table in (FACTS, *FIELDS.values()):
        found |= {field.label for field in table}
    return found - {"", "one"}


def test_every_sentence_has_its_vietnamese() -> None:
    known = read_catalogue("vi")
    missing = sorted(msgids() - known.keys())
    assert not missing, f"no Vietnamese for: {missing}"


def test_a_translation_keeps_its_gaps() -> None:
    gap = re.compile(r"%\(\w+\)s")
    for message, text in read_catalogue("vi").items():
        assert set(gap.findall(message)) == set(gap.findall(text)), message


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (2641, "2.641", "2,641"),
        (12.94, "12,9", "12.9"),
        (0.4, "0,4", "0.4"),
        (81204.6, "81.205", "81,205"),
        (-3.25, "-3,25", "-3.25"),
        (0, "0", "0"),
        (-0.001, "0", "0"),
        (100.0, "100", "100"),
        (10.0, "10", "10"),
    ],
)
def test_numbers(value: float, vi: str, en: str) -> None:
    assert VI.number(value) == vi
    assert EN.number(value) == en


@pytest.mark.parametrize(
    ("ms", "vi", "en"),
    [
        (59_999, "chưa đầy 1 phút", "less than a minute"),
        (MINUTE, "1 phút", "1 minute"),
        (6 * MINUTE, "6 phút", "6 minutes"),
        (5 * HOUR + 40 * MINUTE, "5 giờ 40 phút", "5 hours 40 minutes"),
        (HOUR, "1 giờ", "1 hour"),
        (2 * DAY + 5 * HOUR + MINUTE, "2 ngày 5 giờ", "2 days 5 hours"),
    ],
)
def test_durations(ms: int, vi: str, en: str) -> None:
    assert VI.duration(ms) == vi
    assert EN.duration(ms) == en


def test_times() -> None:
    assert VI.moment(NOW) == "19:42, thứ Hai 23/11"
    assert EN.moment(NOW) == "19:42, Monday 23 Nov"
    assert VI.since(NOW - 5 * HOUR - 40 * MINUTE, NOW) == "từ 14:02 (5 giờ 40 phút)"
    assert VI.time(NOW - DAY, NOW) == "19:42 22/11"
    assert VI.time(NOW - 365 * DAY, NOW) == "19:42 23/11/2025"
    assert EN.time(NOW - 365 * DAY, NOW) == "19:42 23 Nov 2025"


def test_a_village_says_its_tier_once() -> None:
    assert words.tier_name(VI, "village", "Tháp Thượng") == "thôn Tháp Thượng"
    assert words.tier_name(VI, "village", "Tổ 1 Hồng Hà") == "Tổ 1 Hồng Hà"
    assert words.tier_name(EN, "commune", "Ô Diên") == "Ô Diên commune"


def test_reasons_are_sentences_whatever_they_hold() -> None:
    titles = {"lamp-failed": {"vi": "{device}: đèn hỏng", "en": "{device} is broken: {faults}"}}

    def said(code: str, **about: object) -> str:
        return words.reason(VI, ReasonAnswer(code=code, about=about), NOW, titles)

    assert said("never_seen") == "chưa báo về lần nào"
    assert said("silent", last_seen=NOW - HOUR) == "không báo về từ 18:42"
    assert said("silent", last_seen=None) == "không báo về"
    assert said("link_lost") == "không báo về"
    assert said("gateway_silent", gateway="gw") == "cổng kết nối gw đang im lặng"
    assert said("rule", rule="lamp-failed", severity="faulty") == "đèn hỏng"
    assert said("lamp-failed") == "đèn hỏng"
    assert said("brand-new-rule") == "brand-new-rule"
    assert words.rule_title(EN, titles["lamp-failed"]) == "the device is broken: …"


def test_a_refusal_without_its_sentence_is_still_one() -> None:
    assert words.refused(VI, Refused("moon_phase")) == "Trung tâm từ chối yêu cầu này (moon_phase)."
    assert "%(by)s" in words.refused(VI, Refused("already_accepted"))


def test_typed_text() -> None:
    assert typed.line("  a\tb \n c ") == "a b c"
    assert typed.line("Nguye\u0302\u0303n") == "Nguyễn"
    assert typed.lines("a\r\n b\x00\u2066\rc") == "a\nb\nc"
    with pytest.raises(Refused, match="text_too_long"):
        typed.line("x" * 81)
