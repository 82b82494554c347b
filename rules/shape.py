"""What a rule file may look like: its keys and the shape of their values. What they mean is `check`'s business."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from devices.device import Kind
from rules.near import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from rules.document import Path

_DURATION = re.compile(r"(\d{1,6})(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MAX_MS = 30 * _UNIT_MS["d"]


def duration(value: Any) -> int:
    """`0`, `30s`, `5m`, `2h`, `1d` as ms."""
    if type(value) is int and value == 0:
        return 0
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or (ms := int(found[1]) * _UNIT_MS[found[2]]) > _MAX_MS:
        raise PydanticCustomError("duration", "{wrong}", {"wrong": f"`{value}` is no duration of a rule"})
    return ms


def _every_kind(value: Any) -> Any:
    return list(Kind) if value == "all" else value


Duration = Annotated[int, BeforeValidator(duration)]
Kinds = Annotated[
    list[Annotated[Kind, Field(strict=False)]], BeforeValidator(_every_kind), Field(min_length=1)
]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(lambda text: unicodedata.normalize("NFC", text)),
]
Severe = Literal["unstable", "degraded", "faulty", "offline"]

_CONFIG = ConfigDict(strict=True, frozen=True, extra="forbid")


class TextEntry(BaseModel):
    """One text in every language."""

    model_config = _CONFIG
    vi: Word
    en: Word


class StepEntry(BaseModel):
    """One severity of a rule."""

    model_config = _CONFIG
    severity: Severe
    when: dict[str, Any]
    after: Duration | None = None


class RuleEntry(BaseModel):
    """One rule: either `severity` and `when`, or `steps`."""

    model_config = _CONFIG
    id: Id
    kinds: Kinds
    sites: list[Slug] = []
    tags: list[Tag] = []
    title: TextEntry
    detail: TextEntry
    severity: Severe | None = None
    when: dict[str, Any] | None = None
    raise_after: Duration = 0
    steps: Annotated[list[StepEntry], Field(max_length=4)] = []
    clear_when: dict[str, Any] | None = None
    clear_after: Duration = 0


class Wrong(NamedTuple):
    """What is wrong at a place of the file, and what is allowed there."""

    path: Path
    wrong: str
    allowed: str = ""


_ALLOWED = {
    "duration": "0, or a number with ms, s, m, h or d, as in 30s; at most 30d",
    "id": "lower-case words joined by hyphens, at most 40 letters",
    "sites": "slugs of sites: lower-case letters, digits, hyphens",
    "kinds": "all, or a list of " + ", ".join(Kind),
}


def shape(data: dict[str, Any], path: Path) -> RuleEntry | list[Wrong]:
    """One rule's entry, or everything wrong with its shape."""
    try:
        return RuleEntry.model_validate(data)
    except ValidationError as error:
        return [_wrong(e, path) for e in error.errors(include_url=False)]


def _wrong(error: ErrorDetails, top: Path) -> Wrong:
    loc = tuple(error["loc"])
    path, key, kind = (*top, *loc), str(loc[-1]), error["type"]
    if kind == "missing":
        return Wrong(path[:-1], f"`{key}` is missing")
    if kind == "extra_forbidden":
        keys = list(_model_at(loc).model_fields)
        return Wrong(path, f"unknown key `{key}`{did_you_mean(key, keys)}", ", ".join(keys))
    if kind in {"enum", "literal_error"}:
        options = list(Kind) if kind == "enum" else list(Severe.__args__)  # type: ignore[attr-defined]
        value = str(error["input"])
        return Wrong(path, f"`{value}` is not known here{did_you_mean(value, options)}", ", ".join(options))
    if kind == "duration":
        return Wrong(path, error["msg"], _ALLOWED["duration"])
    return Wrong(path, f"`{'.'.join(map(str, loc))}`: {error['msg']}", _ALLOWED.get(str(loc[0]), ""))


def _model_at(loc: tuple[str | int, ...]) -> type[BaseModel]:
    if loc[0] == "steps" and len(loc) > 1:
        return StepEntry
    return TextEntry if len(loc) > 1 else RuleEntry
