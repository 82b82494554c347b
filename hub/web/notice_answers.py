"""Notices and boards as the API tells them."""

from collections.abc import Iterable
from typing import Any

from devices.notice import Level
from hub.notices.views import (
    BoardView,
    Composed,
    Draft,
    Notice,
    NotRight,
    Page,
    Problem,
    Revision,
    State,
    Step,
    Template,
)
from hub.views import Refused
from hub.web import notice_words, words
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.language import Language


class WrongAnswer(Answer):
    """One thing that is wrong with a draft."""

    code: str
    where: str
    """Which field of the draft."""
    what: str
    """A sentence in the reader's language."""

    @classmethod
    def of(cls, found: Problem, lang: Language) -> "WrongAnswer":
        return cls(code=found.code, where=found.where, what=notice_words.problem(lang, found))


class NotRightAnswer(ProblemAnswer):
    """Why a notice was not approved or published; `detail` where the code is `notice_problems`."""

    detail: tuple[WrongAnswer, ...] = ()
    count: int | None = None
    """With `confirm_boards`: how many boards the emergency goes to."""


class FrameAnswer(Answer):
    """One frame. Its PNG is /api/frames/{hash}.png."""

    hash: str
    seconds: float
    """So long it stands."""

    @classmethod
    def of(cls, page: Page) -> "FrameAnswer":
        return cls(hash=page.hash, seconds=page.seconds)


class RevisionAnswer(Answer):
    """One text of a notice, and who answers for it."""

    number: int
    draft: Draft
    written_by: str
    written_at: Ms
    approved_by: str
    approved_at: Ms | None
    published_by: str
    published_at: Ms | None
    ended_by: str
    """Empty with `ended_at`: over by its time."""
    ended_at: Ms | None
    why: str
    hash: str
    """sha256 of the draft and the frames as canonical JSON: what exactly was published."""
    frames: dict[str, list[FrameAnswer]]
    """By profile."""

    @classmethod
    def of(cls, r: Revision) -> "RevisionAnswer":
        fields = {name: getattr(r, name) for name in cls.model_fields}
        frames = {profile: [FrameAnswer.of(p) for p in pages] for profile, pages in r.frames.items()}
        return cls.model_construct(**fields | {"frames": frames})


class NoticeAnswer(Answer):
    """A notice. Its state is that of its newest revision."""

    number: int
    version: int
    """Every change takes the version that was looked at."""
    state: State
    item: str
    """What boards have now, `<notice>.<revision>`; empty: nothing."""
    ends_at: Ms | None
    """When what boards have is over by itself."""
    revisions: list[RevisionAnswer]
    """The newest last; in a list only the newest, and the one that boards have."""

    @classmethod
    def of(cls, n: Notice, revisions: Iterable[Revision] | None = None) -> "NoticeAnswer":
        told = n.revisions if revisions is None else revisions
        return cls(
            number=n.number, version=n.version, state=n.state, item=n.item, ends_at=n.ends_at,
            revisions=[RevisionAnswer.of(r) for r in told],
        )  # fmt: skip


class NoticesAnswer(Answer):
    """Notices: those that boards have first, then drafts, then ended ones."""

    now: Ms
    total: int
    notices: list[NoticeAnswer]


class StepAnswer(Answer):
    """One word of a board about a revision."""

    board: str
    item: str
    state: str
    """sent, stored, shown, ended or failed."""
    at: Ms
    board_at: Ms | None
    """By the board's own clock."""
    late: bool
    frames: list[str]
    """Hashes of the frames that it reports, in turn."""
    right: bool | None
    """Each was previewed for that revision and the board's profile; null: not known."""
    detail: str


class PreviewAnswer(Answer):
    """A draft as boards of one profile would show it."""

    profile: str
    boards: list[str]
    pages: list[FrameAnswer]
    problems: list[WrongAnswer]


class ComposedAnswer(Answer):
    """What a draft comes to. Nothing was stored."""

    draft: Draft
    """As it would be kept: cleaned, its template filled in."""
    right: bool
    """It may be published."""
    boards: int
    previews: list[PreviewAnswer]
    problems: list[WrongAnswer]
    windows: list[tuple[Ms, Ms]]
    """When it shows, from and until: the first 20."""
    left_out: list[str]
    """Boards that it is aimed at and that have no profile in the registry."""


class TemplateAnswer(Answer):
    """A text with fields in braces."""

    name: str
    level: Level
    title: str
    text: str
    fields: list[str]
    version: int


class TemplatesAnswer(Answer):
    """All templates, by name."""

    templates: list[TemplateAnswer]


class BoardAnswer(Answer):
    """A board: what it should show, and what it says that it shows."""

    name: str
    title: str
    site: str
    profile: str
    proves: str
    """What it can prove: applied, stored, sent or none."""
    due: list[str]
    """Items that take turns on it now."""
    showing: str | None
    """Hash of the frame that it reported last, empty: dark, null: it never said."""
    showing_at: Ms | None
    right: bool | None
    asked: str
    applied: str | None
    late: bool
    """It did not acknowledge its playlist in time."""
    witness: str
    """The camera that sees it; empty: none."""
    problems: list[WrongAnswer]

    @classmethod
    def of(cls, b: BoardView, lang: Language) -> "BoardAnswer":
        fields = {name: getattr(b, name) for name in cls.model_fields}
        told = {"due": list(b.due), "problems": [WrongAnswer.of(p, lang) for p in b.problems]}
        return cls.model_construct(**fields | told)


class BoardsAnswer(Answer):
    """All boards that are not retired."""

    now: Ms
    boards: list[BoardAnswer]


class SlotAnswer(Answer):
    """A notice on some boards for a while; `hidden`: something stronger stands there; `waits`: not published yet."""

    item: str
    title: str
    level: Level
    boards: tuple[str, ...]
    start: Ms
    end: Ms
    hidden: bool
    waits: bool


class CalendarAnswer(Answer):
    """What shows where, by start."""

    slots: list[SlotAnswer]


class UploadedAnswer(Answer):
    """A picture that was kept."""

    picture: str
    """Its hash, for `picture` of a draft."""


def refusal(error: Refused, lang: Language) -> NotRightAnswer:
    """A refusal, with everything that is wrong with a draft."""
    more: dict[str, Any] = {}
    if isinstance(error, NotRight):
        more["detail"] = tuple(WrongAnswer.of(p, lang) for p in error.problems)
    elif error.code == "confirm_boards":
        more["count"] = error.about["count"]
    return NotRightAnswer(code=error.code, message=words.refused(lang, error), **more)


def composed_answer(found: Composed, lang: Language) -> ComposedAnswer:
    """As people read it."""
    return ComposedAnswer(
        draft=found.draft, right=found.right, boards=found.boards, windows=list(found.windows),
        left_out=list(found.left_out), problems=[WrongAnswer.of(p, lang) for p in found.problems],
        previews=[
            PreviewAnswer(
                profile=p.profile, boards=list(p.boards), pages=[FrameAnswer.of(page) for page in p.pages],
                problems=[WrongAnswer.of(w, lang) for w in p.problems],
            )
            for p in found.previews
        ],
    )  # fmt: skip


def short(n: Notice) -> NoticeAnswer:
    """A notice as lists tell it."""
    shown = {r.number: r for r in (n.on_boards, n.newest) if r is not None}
    return NoticeAnswer.of(n, sorted(shown.values(), key=lambda r: r.number))


def template_answer(t: Template) -> TemplateAnswer:
    """A template."""
    return TemplateAnswer(
        **{name: getattr(t, name) for name in TemplateAnswer.model_fields} | {"fields": list(t.fields)}
    )


def steps_answer(found: Iterable[Step]) -> list[StepAnswer]:
    """What boards said."""
    fields = StepAnswer.model_fields
    return [
        StepAnswer.model_construct(**{f: getattr(s, f) for f in fields} | {"frames": list(s.frames)})
        for s in found
    ]
