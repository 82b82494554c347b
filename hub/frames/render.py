"""From a content to frames, or to everything that is in the way."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.notice import MOST_FRAMES, pixel_hash
from hub.frames import code, letters, picture
from hub.frames.content import Content, Frame, Trouble, Unfit
from hub.frames.draw import Painter
from hub.frames.plan import Plan, plan, room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.signboard import Profile
    from hub.frames.plan import Room


def render(content: Content, profile: Profile) -> tuple[Frame, ...]:
    """The frames in turn. Raises Unfit with every trouble found.

    Codes of trouble: text_missing, text_too_long (limit), letter_unseen, letter_right_to_left, letter_emoji,
    letter_unknown (letter, name), letter_instead (instead too), picture_bad, drill_no_room, link_no_room (bytes, room),
    link_nowhere, link_unread, too_many_pages (pages, limit, room).
    """
    said = replace(
        content, title=_composed(content.title, letters.TITLE), text=_composed(content.text, letters.TEXT)
    )
    parts = room(profile, said.level, drill=said.drill)
    troubles = [*_words(said), *_picture(said)]
    if parts is None:
        troubles.append(Trouble("drill_no_room", "drill"))
    if parts is None or any(t.at != "link" for t in troubles):
        raise Unfit(troubles)
    return _drawn(said, profile, parts)


def _composed(text: str, most: int) -> str:
    """In NFC; what is far too long as it is (no three characters become less than one)."""
    return unicodedata.normalize("NFC", text) if len(text) <= 3 * most else text


def _words(content: Content) -> Iterator[Trouble]:
    if not any((content.title.strip(), content.text.strip(), content.picture, content.link)):
        yield Trouble("text_missing", "text")
    for at, text, most in (
        ("title", content.title, letters.TITLE),
        ("text", content.text, letters.TEXT),
    ):
        if len(text) > most:
            yield Trouble("text_too_long", at, {"limit": most})
            continue
        for stray in letters.strays(text):
            yield Trouble(*stray.told(at))


def _picture(content: Content) -> Iterator[Trouble]:
    if content.picture:
        try:
            picture.size(content.picture)
        except picture.BadPicture:
            yield Trouble("picture_bad", "picture")


def _drawn(content: Content, profile: Profile, parts: Room) -> tuple[Frame, ...]:
    made = plan(content, profile, parts)
    troubles = [*_link(content, profile, made), *_pages(content, made)]
    if troubles:
        raise Unfit(troubles)
    painter, frames = Painter(content, profile, made), []
    for number, page in enumerate(made.pages):
        try:
            pixels, png = painter.page(page, number).done()
        except picture.BadPicture as e:
            raise Unfit([Trouble("picture_bad", "picture")]) from e
        if page.code is not None and not code.reads(pixels, content.link):
            raise Unfit([Trouble("link_unread", "link")])
        frames.append(Frame(pixel_hash(*pixels.size, pixels.tobytes()), png, page.seconds))
    return tuple(frames)


def _link(content: Content, profile: Profile, made: Plan) -> Iterator[Trouble]:
    boxes = [p.code for p in made.pages if p.code is not None]
    if content.link and boxes:
        fits = code.room(profile, min(box.width for box in boxes))
        long = len(content.link.encode())
        if not fits:
            yield Trouble("link_nowhere", "link")
        elif long > fits:
            yield Trouble("link_no_room", "link", {"bytes": long, "room": fits})


def _pages(content: Content, made: Plan) -> Iterator[Trouble]:
    count = len(made.pages)
    if count > MOST_FRAMES:
        fits = len(content.text) * MOST_FRAMES // count
        yield Trouble(
            "too_many_pages", "text", {"pages": count, "limit": MOST_FRAMES, "room": fits // 10 * 10}
        )
