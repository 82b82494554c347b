"""Notices as pages see them: plain values, and one protocol. Times are ms since 1970."""

from __future__ import annotations

from collections.abc import Mapping  # pydantic wants it
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from devices.notice import Level
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.person import By


Instant = Annotated[int, Field(ge=0, le=10**14)]
WITHOUT = "without:"
"""A target that takes one board out of the others."""


class State(StrEnum):
    """A notice is a draft, approved by a second person, published, and in the end ended (or over by its end).

    It is the state of its newest revision: while a next one is written, the present one may stay on the boards.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    ENDED = "ended"


class Draft(BaseModel):
    """What a person writes. Instants are ms; `start` None: at once.

    `template` and `fields`: what it is made from, kept with it; title and text are what they come to, whatever stood
    there. `picture` is the hash that `Notices.upload` gave. `recurrence`: RFC 5545 RRULE without DTSTART
    (`FREQ=WEEKLY;BYDAY=MO,FR`), each occurrence lasting `minutes`, the first beginning at `start`, none after `end`;
    empty: one window from start to end. An emergency begins when it is published and never recurs; it ends by itself
    12 hours after that at the latest. `targets`: `site:<slug>`, `tag:<tag>`, `device:<name>`, less each
    `without:<name>`. `drill`: every frame says DIỄN TẬP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    level: Level = Level.ROUTINE
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    title: str = ""
    text: str = ""
    picture: str = ""
    link: str = ""
    template: str = ""
    fields: Mapping[str, str] = {}
    start: Instant | None = None
    end: Instant | None = None
    recurrence: str = ""
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None
    targets: tuple[str, ...] = ()
    drill: bool = False


def reaches(targets: AbstractSet[str], aims: AbstractSet[str]) -> bool:
    """Whether what is said to these targets goes to a board that is aimed at by `aims`."""
    common = targets & aims
    return bool(common) and not any(t.startswith(WITHOUT) for t in common)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be published: `code` (a sentence of hub.web.words), what fills it, `where`: which field."""

    code: str
    where: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


class NotRight(Refused):
    """A draft that cannot be published, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("notice_problems", count=len(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Page:
    """One frame of a rendered notice: its hash names it; `seconds` it stands; `png` only in a preview."""

    hash: str
    seconds: float
    png: bytes = b""


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft as one profile's boards would show it: the frames that are sent, or why there are none."""

    profile: str
    boards: tuple[str, ...]
    pages: tuple[Page, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """What a draft comes to: by profile, and what is wrong with the draft itself. `windows` (ms): the first 20.

    `draft`: as it would be kept, its template filled in. `left_out`: boards that it is aimed at and that nothing can be
    drawn for, since nobody said what they are (no profile in the registry).
    """

    draft: Draft
    previews: tuple[Preview, ...]
    problems: tuple[Problem, ...]
    windows: tuple[tuple[int, int], ...]
    left_out: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[Problem, ...]:
        """Everything that is."""
        return (*self.problems, *(p for preview in self.previews for p in preview.problems))

    @property
    def boards(self) -> int:
        """How many boards it reaches."""
        return sum(len(p.boards) for p in self.previews)

    @property
    def right(self) -> bool:
        """It may be published."""
        return not self.wrong and self.boards > 0


@dataclass(frozen=True, slots=True)
class Revision:
    """One text of a notice; from its publishing on it never changes. `frames`: by profile, the hashes in turn.

    `hash`: sha256 of the draft and the frames as canonical JSON: what exactly was published. `placed_at`: what counts
    as its age among others, when it was published; a revision that only extends another keeps that one's place.
    `ended_by` empty: over by its time, or not ended.
    """

    number: int
    draft: Draft
    written_by: str
    written_at: int
    approved_by: str = ""
    approved_at: int | None = None
    published_by: str = ""
    published_at: int | None = None
    ended_by: str = ""
    ended_at: int | None = None
    why: str = ""
    hash: str = ""
    placed_at: int = 0
    frames: Mapping[str, tuple[Page, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice with its revisions, the newest last. `published` is the revision that boards have, if any.

    `version` counts every change (compare-and-set). `ends_at`: when the published revision is over by itself.
    """

    number: int
    version: int
    state: State
    revisions: tuple[Revision, ...]
    published: int | None = None
    ends_at: int | None = None

    @property
    def newest(self) -> Revision:
        """What is being written, or what is published."""
        return self.revisions[-1]

    @property
    def on_boards(self) -> Revision | None:
        """The published revision."""
        return next((r for r in reversed(self.revisions) if r.number == self.published), None)

    @property
    def item(self) -> str:
        """What boards call the published revision."""
        return f"{self.number}.{self.published}" if self.published is not None else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One word about a revision on a board: sent (the hub's own), stored, shown, ended or failed.

    `at`: when the hub knew it; `board_at`: by the board's clock. `frames`: the hashes that it reports, in turn;
    `right`: each was previewed for that revision and the board's profile.
    """

    board: str
    item: str
    state: str
    at: int
    board_at: int | None = None
    late: bool = False
    frames: tuple[str, ...] = ()
    right: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proved:
    """What one board did with a revision: by state (as in Step), when it first said so (by its clock where late).

    `right`: each frame that it reported as shown was previewed, and nothing else stands there now; None: not said.
    `failed`: its last word, where that is why it cannot. `late`: some of it was told afterwards.
    """

    board: str
    times: Mapping[str, int]
    right: bool | None = None
    failed: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class BoardView:
    """A board on the wall.

    `proves`: what its driver can say: `applied`, `stored`, `sent`. `due`: items that take turns on it now;
    `showing`: the hash reported last (empty: dark), at `showing_at`; `right`: it was previewed, None: not known.
    `asked`/`applied`: ids of its playlist; `late`: not acknowledged in time. `witness`: the camera that sees it.
    """

    name: str
    title: str
    site: str
    profile: str
    proves: str
    due: tuple[str, ...]
    showing: str | None
    showing_at: int | None
    right: bool | None
    asked: str
    applied: str | None
    late: bool
    problems: tuple[Problem, ...] = ()
    witness: str = ""

    @property
    def shape(self) -> str:
        """The state that it is drawn in: ok only where what it shows was previewed."""
        if self.right is not None:
            return "ok" if self.right else "faulty"
        return "degraded" if self.late else "unknown"


@dataclass(frozen=True, slots=True)
class Slot:
    """In the calendar: a notice on some `boards`, which are alike in this.

    `hidden`: a stronger one stands there. `waits`: it is approved, and nobody has published it yet.
    """

    item: str
    title: str
    level: Level
    boards: tuple[str, ...]
    start: int
    end: int
    hidden: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A text with fields in braces: `Cắt điện {ngay} từ {tu} đến {den}`."""

    name: str
    level: Level
    title: str
    text: str
    fields: tuple[str, ...]
    version: int = 1


class Notices(Protocol):
    """What pages, API and commands may do. Changes raise Refused and have happened when they return.

    Every change takes the `version` that was looked at: changed_meanwhile otherwise.
    """

    def all(self) -> Sequence[Notice]:
        """Every notice: those that boards have first, then drafts, then ended ones; the newest first in each."""

    def get(self, number: int) -> Notice | None:
        """None where there is none."""

    async def compose(self, draft: Draft) -> Composed:
        """What a draft comes to, rendered for every profile it reaches; nothing is stored. Under 300 ms."""

    async def composed(self, draft: Draft) -> Composed:
        """The same of a draft that is kept: its words stand, whatever its template says by now."""

    async def upload(self, data: bytes, by: By) -> str:
        """Keep a picture; its hash. Raises Refused: picture_too_large, picture_bad."""

    def frame(self, found: str) -> bytes | None:
        """The PNG of a frame by its hash, of what is published, previewed or proved."""

    async def save(self, number: int | None, draft: Draft, version: int, by: By) -> Notice:
        """Keep a draft (None, 0: a new one); of a published notice this begins its next revision.

        It may be unfinished. Raises Refused: unknown_notice, notice_ended, text_too_long.
        """

    async def approve(self, number: int, version: int, by: By) -> Notice:
        """A second person agrees. Raises Refused: same_person, not_allowed, not_a_draft, notice_problems (problems)."""

    async def publish(self, number: int, version: int, by: By, boards: int | None = None) -> Notice:
        """Boards get it. An emergency needs no approval but `boards`, the count that was confirmed.

        Raises Refused: not_approved, not_allowed, confirm_boards (count), notice_problems (problems), no_boards.
        """

    async def end(self, number: int, version: int, by: By, why: str = "") -> Notice:
        """Boards show it no more; a next revision that is being written stays. Raises Refused: not_published."""

    async def extend(self, number: int, version: int, until: int, by: By) -> Notice:
        """An emergency goes on until then, 12 hours from now at most, as its next revision with the same frames.

        Raises Refused: not_published, bad_until, not_allowed.
        """

    async def discard(self, number: int, version: int, by: By) -> None:
        """A revision that was never published is forgotten, the notice with it where it has no other.

        The audit keeps it. Raises Refused: not_a_draft.
        """

    def templates(self) -> Sequence[Template]:
        """By name."""

    async def keep_template(self, template: Template, version: int, by: By) -> Template:
        """Keep a template (version 0: a new one). Raises Refused: changed_meanwhile, template_fields, not_allowed."""

    def boards(self) -> Sequence[BoardView]:
        """Every board that is not retired."""

    def board(self, name: str) -> BoardView | None:
        """None where it is no board."""

    async def steps(self, number: int) -> Sequence[Step]:
        """What boards said of a notice, oldest first: the proof."""

    async def proved(self, number: int, revision: int) -> Sequence[Proved]:
        """What each board did with a revision, by name."""

    async def said_by(self, board: str, limit: int = 100) -> Sequence[Step]:
        """What one board said, newest first."""

    def calendar(self, start: int, end: int, board: str = "") -> Sequence[Slot]:
        """What shows where, by start."""

    async def set_policy(self, board: str, policy: Mapping[str, Any], by: By) -> None:
        """What a board does by itself (devices.notice.Policy). Raises Refused: unknown_device, bad_policy."""

    async def set_witness(self, board: str, camera: str, by: By) -> None:
        """The camera that sees a board takes a picture whenever a notice begins there; empty: none does.

        Raises Refused: unknown_device, not_a_camera.
        """
