"""What is drawn, what comes of it, and why nothing does. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.notice import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Content:
    """A notice's words and what else stands on a board. `picture`: a file that hub.notices.picture gave, or none."""

    level: Level = Level.ROUTINE
    title: str = ""
    text: str = ""
    picture: bytes = b""
    link: str = ""
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a board: `hash` of its pixels (docs/notices.md), the PNG, and the seconds that it stands."""

    hash: str
    png: bytes
    seconds: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a content cannot stand on a board: a code and what fills its sentence.

    `at`: title, text, picture, link or drill.
    """

    code: str
    at: str
    about: Mapping[str, Any] = field(default_factory=dict)


class Unfit(Exception):  # noqa: N818 - what the content is
    """A content that a board cannot show as it is, with every trouble found."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__(", ".join(f"{t.at}: {t.code}" for t in troubles))
        self.troubles = tuple(troubles)
