"""What stands where: a content laid out for a profile, before anything is drawn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.notice import Level
from hub.frames import code, wrap
from hub.frames.canvas import Box
from hub.frames.faces import Size, sizes
from hub.frames.theme import DRILL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.signboard import Profile
    from hub.frames.content import Content

_SIDE_SCREEN = 0.30
"""The part of a screen's width that pictures and codes take beside a text."""
_LOW = 128
"""On panels of fewer rows a code stands beside the title, not under it."""
_LARGER = 1.5
"""A title takes two lines rather than one if its letters become so many times larger."""
_FEW = 4
"""Lines of a page that stand in the middle of a panel; more begin at its left side."""


class Room(NamedTuple):
    """A board's parts. `body`: between the level's ornaments; `unit`: the thickness of lines; `pad`: around texts.

    `gap`: dark columns between the ornaments and the body, at its left and its right, which a code may use.
    """

    body: Box
    drill: Box | None
    unit: int
    pad: int
    gap: tuple[int, int] = (0, 0)


class Head(NamedTuple):
    """A title over every page. `tag`: the size of the level's words above it, where there is room."""

    box: Box
    lines: tuple[str, ...]
    size: Size
    tag: Size | None


class Page(NamedTuple):
    """One frame. `lit`: the whole page in the title's colours. Boxes where a picture and a code stand."""

    lines: tuple[str, ...]
    size: Size
    box: Box
    seconds: int
    title: bool = False
    picture: Box | None = None
    code: Box | None = None
    headed: bool = True


class Plan(NamedTuple):
    """A notice on boards of one profile."""

    room: Room
    head: Head | None
    pages: tuple[Page, ...]
    centred: bool


def room(profile: Profile, level: Level, *, drill: bool) -> Room | None:
    """A board's parts; None: it has none for the words of a drill."""
    whole = Box(0, 0, profile.width, profile.height)
    if not profile.led:
        return _screen_room(profile, whole, level, drill=drill)
    unit = max(1, min(profile.width // 2, profile.height) // 80)
    sides = {Level.ROUTINE: (0, 0), Level.PRIORITY: (4, 0), Level.EMERGENCY: (5, 5)}[level]
    body = whole.less(left=sides[0] * unit, right=sides[1] * unit)
    gap = (2 * unit * (sides[0] > 0), 2 * unit * (sides[1] > 0))
    if not drill:
        return Room(body, None, unit, unit, gap)
    size = drill_size(profile)
    words = size.title.width(DRILL) + 2 * unit
    if profile.height >= 2 * size.rows and words <= profile.width:
        rows = size.rows
        return Room(
            body.less(bottom=rows), Box(0, profile.height - rows, profile.width, rows), unit, unit, gap
        )
    if body.width >= words + 3 * size.rows:
        return Room(body.less(left=words + 2 * unit), Box(body.x, 0, words, profile.height), unit, unit)
    return None


def _screen_room(profile: Profile, whole: Box, level: Level, *, drill: bool) -> Room:
    short = min(profile.width, profile.height)
    unit, pad = max(3, short // 150), short // 18
    stripe = 4 * unit if level is Level.EMERGENCY else 0
    body = whole.less(top=stripe, bottom=stripe)
    if not drill:
        return Room(body, None, unit, pad)
    rows = drill_size(profile).rows
    return Room(body.less(bottom=rows), Box(0, body.y + body.height - rows, profile.width, rows), unit, pad)


def drill_size(profile: Profile) -> Size:
    """How large DIỄN TẬP stands: a sixth of a board's height, its smallest letters at least."""
    fit = [s for s in sizes(profile) if s.rows <= profile.height // 6]
    return (fit or sizes(profile)[:1])[-1]


def plan(content: Content, profile: Profile, found: Room) -> Plan:
    """The whole layout. A code's box may be too small for it: `code.room` says so."""
    low = profile.led and profile.height < _LOW
    whole, aside = _beside(content, profile, found.body, found) if low else (found.body, None)
    head, body = _head(content, profile, found, whole)
    if not low:
        body, aside = _beside(content, profile, body, found)
    foot = 0 if profile.led else max(found.pad, sizes(profile)[0].rows)
    inner = body.less(found.pad, found.pad * (not profile.led), found.pad, foot)
    pages: list[Page] = []
    if content.title and not (head and head.lines):
        box = found.body.less(found.pad, 0, found.pad, 0) if profile.led else inner
        size, parts = _set(content.title, profile, box, title=True)
        pages += [Page(tuple(p), size, box, wrap.reading_s(p), title=True) for p in parts]
    picture, square = _aside(content, profile, aside, found)
    size, parts = _set(content.text, profile, inner, title=False)
    pages += [Page(tuple(p), size, inner, wrap.reading_s(p), picture=picture, code=square) for p in parts]
    pages += _alone(content, profile, found, head, picture=picture is None, code_too=square is None)
    few = len(parts) <= 1 or inner.height // size.rows <= _FEW
    return Plan(found, head, tuple(pages), profile.led and few)


def _alone(
    content: Content, profile: Profile, found: Room, head: Head | None, *, picture: bool, code_too: bool
) -> Iterator[Page]:
    """A picture and a code that have frames of their own; the title goes where it leaves a code no room."""
    size = sizes(profile)[0]
    body = found.body.less(top=head.box.height + found.unit) if head else found.body
    if content.picture and picture:
        yield Page((), size, body, 10, picture=body.less(found.pad, found.pad, found.pad, found.pad))
    if content.link and code_too:
        under, bare = _middle(body), found.body.less(left=-found.gap[0], right=-found.gap[1])
        fits = _holds(under, content, profile)
        yield Page((), size, body, 15, code=under if fits else _middle(bare), headed=fits)


def _head(content: Content, profile: Profile, found: Room, body: Box) -> tuple[Head | None, Box]:
    """The title over the pages, where that leaves room for two lines of text, and the body under it.

    A screen has the level's words there in any case.
    """
    choice = sizes(profile)
    tag = None if profile.led else choice[0]
    line, pad = (found.unit, 0) if profile.led else (0, found.pad // 2)
    rest = content.text or content.picture or content.link
    if not content.title or not rest:
        return _tagged(body, tag, pad, choice[0])
    fixed = line + 2 * pad + (tag.rows if tag else 0)
    heads: dict[int, tuple[Head, Box]] = {}
    for size in choice:  # the last one that fits is the largest
        parts = wrap.even(content.title, size.title, body.width - 2 * found.pad)
        height = fixed + len(parts) * size.rows
        if height <= min(body.height * 2 // 5, body.height - 2 * choice[0].rows):
            head = Head(Box(body.x, body.y, body.width, height - line), tuple(parts), size, tag)
            heads[len(parts)] = head, body.less(top=height)
    one, two = heads.get(1), heads.get(2)
    if one is not None and two is not None:
        return two if two[0].size.rows >= _LARGER * one[0].size.rows else one
    return one or two or _tagged(body, tag, pad, choice[0])


def _tagged(body: Box, tag: Size | None, pad: int, size: Size) -> tuple[Head | None, Box]:
    """Only the level's words."""
    if tag is None:
        return None, body
    height = tag.rows + 2 * pad
    return Head(Box(body.x, body.y, body.width, height), (), size, tag), body.less(top=height)


def _beside(content: Content, profile: Profile, body: Box, found: Room) -> tuple[Box, Box | None]:
    """The body without, and as, a column at its right for what stands beside the text."""
    if not content.text or not (content.link or (content.picture and not profile.led)):
        return body, None
    if profile.led:
        width = min(body.height, max(body.width * 2 // 5, _LOW // 2))
        column = Box(body.x + body.width - width, body.y, width, body.height)
        if body.width < 2 * body.height or not _holds(_square(column), content, profile):
            return body, None
        return body.less(right=width), column
    if profile.width < profile.height:
        high = body.height * 2 // 5
        column = Box(body.x, body.y + body.height - high, body.width, high)
        return body.less(bottom=high), column.less(found.pad, 0, found.pad, found.pad)
    width = int(profile.width * _SIDE_SCREEN) + found.pad
    column = Box(body.x + body.width - width, body.y, width, body.height)
    return body.less(right=width), column.less(0, found.pad, found.pad, found.pad)


def _aside(
    content: Content, profile: Profile, column: Box | None, found: Room
) -> tuple[Box | None, Box | None]:
    """Where in the column picture and code stand; a code for which that is too little stands alone."""
    if column is None:
        return None, None
    if profile.led:
        return None, _square(column)
    half = (column.height - found.pad) // 2
    first = Box(column.x, column.y, column.width, half)
    last = _middle(Box(column.x, column.y + column.height - half, column.width, half))
    if not content.picture:
        first, last = column, _square(column)
    if not content.link or not _holds(last, content, profile):
        return (column if content.picture else None), None
    return (first if content.picture else None), last


def _holds(square: Box, content: Content, profile: Profile) -> bool:
    """The link's code fits into it."""
    return len(content.link.encode()) <= code.room(profile, square.width)


def _square(box: Box) -> Box:
    side = min(box.width, box.height)
    return Box(box.x + box.width - side, box.y + (box.height - side) // 2, side, side)


def _middle(box: Box) -> Box:
    square = _square(box)
    return square._replace(x=box.x + (box.width - square.width) // 2)


def _set(text: str, profile: Profile, box: Box, *, title: bool) -> tuple[Size, list[list[str]]]:
    """A text in pages: in the largest letters with which one page is enough, else in the smallest."""
    choice, words = sizes(profile), set(text.split())
    for size in reversed(choice):
        face, most = size.title if title else size.text, box.height // size.rows
        if most and all(face.width(word) <= box.width for word in words):
            broken = wrap.lines(text, face, box.width)
            if len(broken) <= most:
                return size, [wrap.even(text, face, box.width)] if text else []
    face = choice[0].title if title else choice[0].text
    broken = wrap.even(text, face, box.width)
    return choice[0], wrap.pages(broken, max(1, box.height // choice[0].rows))
