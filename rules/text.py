"""What an alert says to people: the rule's templates, filled for one device."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from devices.fault_code import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Value
    from rules.rule import Text

LANGUAGES = ("vi", "en")
NAMES = ("device", "site")
"""Placeholders beside the fields: the device's title and its site's name."""

_UNKNOWN = {"vi": "chưa rõ", "en": "unknown"}


def placeholders(template: str) -> frozenset[str]:
    """The names in braces. Raises ValueError where a brace is not closed or holds more than a name."""
    names: set[str] = set()
    for _, name, form, conversion in Formatter().parse(template):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(f"{{{name}}} may hold a name only")
        names.add(name)
    return frozenset(names)


def fill(text: Text, device: str, site: str, values: Mapping[str, Value]) -> Text:
    """`text` in every language with its placeholders filled; what is not known is called so."""
    return {language: _fill(template, language, device, site, values) for language, template in text.items()}


def _fill(template: str, language: str, device: str, site: str, values: Mapping[str, Value]) -> str:
    words = {"device": device, "site": site}
    parts: list[str] = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(literal)
        if name in words:
            parts.append(words[name])
        elif name is not None:
            parts.append(say(values[name], language) if name in values else _UNKNOWN[language])
    return "".join(parts)


def say(value: Value, language: str) -> str:
    """A value in words: numbers with at most two digits after the (Vietnamese: comma, English: point) sign."""
    if isinstance(value, list):
        return ", ".join(in_words(code, language) for code in value)
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text.replace(".", ",") if language == "vi" else text


def cause(title: Text) -> Text:
    """A title as a reason beside the device's name: without the device."""
    return {language: template.replace("{device}", "").strip(" :,") for language, template in title.items()}
