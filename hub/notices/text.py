"""The words of a notice: how long, which letters nobody sees, and templates with fields. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devices.notice import Level
from hub.frames import letters
from hub.frames.letters import strays
from hub.notices.views import Problem, Template
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from hub.notices.views import Draft

TITLE, TEXT = letters.TITLE, letters.TEXT
LINK, RULE, FIELD, TARGETS = 300, 300, 200, 50
"""Most characters of each, and most targets."""
FIELDS = 20

_FIELD = re.compile(r"\{([^{}]{1,40})\}")


def template(name: str, level: Level, title: str, text: str, version: int = 1) -> Template:
    """A template with its fields, in the order in which they stand."""
    fields = tuple(dict.fromkeys(_FIELD.findall(f"{title}\n{text}")))
    return Template(name, level, title, text, fields, version)


BUILTIN: tuple[Template, ...] = (
    template(
        "Cắt điện",
        Level.PRIORITY,
        "Thông báo cắt điện",
        "Ngày {ngày}, từ {từ giờ} đến {đến giờ}, cắt điện tại {khu vực}. Lý do: {lý do}.",
    ),
    template(
        "Họp thôn",
        Level.ROUTINE,
        "Họp thôn",
        "Kính mời bà con họp thôn lúc {giờ} ngày {ngày} tại {địa điểm}. Nội dung: {nội dung}.",
    ),
    template(
        "Tiêm chủng",
        Level.PRIORITY,
        "Lịch tiêm chủng",
        "Trạm y tế tiêm {loại vắc xin} cho {đối tượng} ngày {ngày}, từ {từ giờ} đến {đến giờ}, tại {địa điểm}. "
        "Nhớ mang theo sổ tiêm.",
    ),
    template(
        "Cảnh báo lũ",
        Level.EMERGENCY,
        "KHẨN CẤP: NƯỚC LŨ",
        "Nước sông {tên sông} lên {mức nước}. Bà con {khu vực} đến ngay {nơi tránh lũ}. "
        "Gọi {số điện thoại} nếu cần giúp.",
    ),
    template(
        "Dịch vụ công trực tuyến",
        Level.ROUTINE,
        "Dịch vụ công trực tuyến",
        "Quét mã để làm {thủ tục} tại nhà. Cần giúp: {người giúp}, {số điện thoại}.",
    ),
)


def template_of(said: Template) -> Template:
    """A template as it is kept. Raises Refused (text_too_long, template_fields)."""
    made = template(_line(said.name), said.level, _line(said.title), _lines(said.text), said.version)
    for written, limit in ((made.name, TITLE), (made.title, TITLE), (made.text, TEXT)):
        if len(written) > limit:
            raise Refused("text_too_long", limit=limit)
    stray = _FIELD.sub("", made.title + made.text)
    if (
        not made.name
        or not made.title + made.text
        or "{" in stray
        or "}" in stray
        or len(made.fields) > FIELDS
    ):
        raise Refused("template_fields", limit=FIELDS)
    return made


def clean(draft: Draft, known: Mapping[str, Template]) -> Draft:
    """A draft as it is kept: NFC, lines trimmed, its template filled in. Raises Refused (text_too_long)."""
    title, text = _line(draft.title), _lines(draft.text)
    fields = {_line(k): _lines(v) for k, v in draft.fields.items()}
    made_from = known.get(draft.template)
    if made_from is not None:
        fields = {k: v for k, v in fields.items() if k in made_from.fields}
        title, text = _line(_filled(made_from.title, fields)), _filled(made_from.text, fields)
    found = draft.model_copy(
        update={
            "title": title, "text": text, "fields": fields, "link": draft.link.strip(),
            "recurrence": draft.recurrence.strip(), "targets": tuple(dict.fromkeys(draft.targets)),
        }
    )  # fmt: skip
    _within(found)
    return found


def _within(draft: Draft) -> None:
    sizes = (
        (draft.title, TITLE), (draft.text, TEXT), (draft.link, LINK), (draft.recurrence, RULE),
        (draft.template, TITLE), (draft.picture, 64), *((v, FIELD) for v in draft.fields.values()),
        *((t, 140) for t in draft.targets),
    )  # fmt: skip
    for said, limit in sizes:
        if len(said) > limit:
            raise Refused("text_too_long", limit=limit)
    if len(draft.targets) > TARGETS or len(draft.fields) > FIELDS:
        raise Refused("too_many", limit=TARGETS if len(draft.targets) > TARGETS else FIELDS)


def _line(said: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", said)).strip()


def _lines(said: str) -> str:
    lines = (re.sub(r"[^\S\n]+", " ", one).strip() for one in re.split(r"\r\n|\r|\n", said))
    return unicodedata.normalize("NFC", re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).strip()


def _filled(said: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: fields.get(found[1]) or found[0], said)


def problems(draft: Draft, known: Container[str]) -> Iterator[Problem]:
    """Everything wrong with the words of a clean draft, whatever its template (of those `known`) says by now."""
    if not draft.title and not draft.text and not draft.picture:
        yield Problem("text_missing", "text")
    if draft.template and draft.template not in known:
        yield Problem("unknown_template", "template", {"name": draft.template})
    elif draft.template:
        for name in dict.fromkeys(_FIELD.findall(f"{draft.title} {draft.text}")):
            if not draft.fields.get(name):
                yield Problem("field_missing", f"fields.{name}", {"name": name})
    for where in ("title", "text"):
        yield from _strays(where, getattr(draft, where))
    if draft.link and not _is_link(draft.link):
        yield Problem("link_bad", "link")
    if not draft.targets:
        yield Problem("targets_missing", "targets")


def _strays(where: str, said: str) -> Iterator[Problem]:
    """Letters that no board can draw."""
    found = strays(said)
    hidden = [s.letter for s in found if s.code == "unseen"]
    if hidden:
        yield Problem("letters_unseen", where, {"letters": ", ".join(hidden[:5])})
    for one in found:
        if one.code != "unseen":
            yield Problem(*one.told(where))


def _is_link(said: str) -> bool:
    """An address of the web, as a phone opens it, without a login in it."""
    try:
        found = urlsplit(said)
        _ = found.port
    except ValueError:
        return False
    plain = said.isprintable() and " " not in said
    return plain and found.scheme in ("http", "https") and bool(found.hostname) and "@" not in found.netloc
