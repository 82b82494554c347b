"""The words of a notice: cleaned, filled in, and what is wrong with them."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from devices.notice import Level
from hub.notices.text import BUILTIN, TEXT, clean, problems, template
from hub.notices.views import Draft
from hub.views import Refused

KNOWN = {t.name: t for t in BUILTIN} | {"x": template("x", Level.ROUTINE, "{a}", "{a} {b}\n{c}")}


def told(**said: Any) -> list[tuple[str, str]]:
    draft = clean(Draft(**({"title": "Họp", "targets": ("site:x",)} | said)), KNOWN)
    return [(p.code, p.where) for p in problems(draft, KNOWN)]


def test_letters_are_composed_and_spaces_single() -> None:
    apart = unicodedata.normalize("NFD", "Thông  báo\u00a0họp\r\n\r\n\r\n\r\nthôn \t ")
    assert clean(Draft(title=apart, text=apart), {}).text == "Thông báo họp\n\nthôn"
    assert clean(Draft(title=apart, text=apart), {}).title == "Thông báo họp thôn"


def test_cleaning_twice_is_cleaning_once() -> None:
    draft = Draft(title=" a  b ", text="c\r\nd", template="x", fields={"a": " 1 ", "b": "{c}", "z": "9"})
    once = clean(draft, KNOWN)
    assert clean(once, KNOWN) == once


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u202e", "\u2066", "\u200f", "\ufeff", "\u00ad", "\x00", "\x1b", "\ue000", "\U000e0041"],
)
def test_letters_that_nobody_sees_are_named_and_not_dropped(hidden: str) -> None:
    draft = clean(Draft(title="Họp", text=f"a{hidden}b", targets=("site:x",)), KNOWN)
    (found,) = problems(draft, KNOWN)
    assert (found.code, found.where) == ("letters_unseen", "text")
    assert found.about == {"letters": f"U+{ord(hidden):04X}"}


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "ftp://a.vn/", "//a.vn", "a.vn", "https://", "https://lan:x@a.vn/",
     "https://a.vn/a b", "https://a.vn:99999/", "https://[::1", "https://a.vn/\u202e"],
)  # fmt: skip
def test_links_that_are_none(link: str) -> None:
    assert told(link=link) == [("link_bad", "link")]


@pytest.mark.parametrize(
    "link", ["https://dichvucong.gov.vn", "http://a.vn:8080/x?y=1#z", "https://đan-phượng.vn/"]
)
def test_links_that_are_some(link: str) -> None:
    assert told(link=link) == []


def test_fields_fill_a_template_once_and_never_each_other() -> None:
    found = clean(
        Draft(title="của người khác", template="x", fields={"a": "{b}", "b": "1\n2", "c": "3"}), KNOWN
    )
    assert (found.title, found.text) == ("{b}", "{b} 1\n2\n3")
    assert told(template="x", fields={"a": "1", "c": " "}) == [
        ("field_missing", "fields.b"), ("field_missing", "fields.c"),
    ]  # fmt: skip
    assert told(template="?") == [("unknown_template", "template")]


def test_what_a_template_fills_up_is_measured_filled() -> None:
    with pytest.raises(Refused, match="text_too_long"):
        clean(Draft(template="x", fields=dict.fromkeys("abc", "m" * 201)), KNOWN)
    long = template("long", Level.ROUTINE, "", "{a}" * 20, 1)
    with pytest.raises(Refused, match="text_too_long"):
        clean(Draft(template="long", fields={"a": "m" * 200}), {"long": long})
    assert len(clean(Draft(template="long", fields={"a": "m" * 100}), {"long": long}).text) == TEXT


@pytest.mark.parametrize("ours", BUILTIN, ids=lambda t: t.name)
def test_our_templates_are_whole(ours: Any) -> None:
    fields = dict.fromkeys(ours.fields, "1")
    assert fields
    assert told(template=ours.name, fields=fields) == []
    assert told(template=ours.name) == [("field_missing", f"fields.{name}") for name in ours.fields]
