"""Words of notices: what is wrong with a draft, as a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.notice import Level
from hub.notices.views import State
from hub.views import Refused
from hub.web import words
from hub.web.language import local, mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.notices.views import Problem
    from hub.web.language import Language

LEVEL: Mapping[Level, str] = {
    Level.ROUTINE: mark("routine"),
    Level.PRIORITY: mark("priority"),
    Level.EMERGENCY: mark("emergency"),
}

STATE: Mapping[State, str] = {
    State.DRAFT: mark("draft"),
    State.APPROVED: mark("approved"),
    State.PUBLISHED: mark("published"),
    State.ENDED: mark("has ended"),
}

STEP: Mapping[str, str] = {
    "sent": mark("sent"),
    "stored": mark("received"),
    "shown": mark("on display"),
    "ended": mark("has ended"),
    "failed": mark("failed"),
}

REPEATS: Mapping[str, str] = {
    "": mark("never"),
    "DAILY": mark("every day"),
    "WEEKLY": mark("every week"),
    "MONTHLY": mark("every month"),
}

FAILED: Mapping[str, str] = {
    "frame_missing": mark("it could not fetch the frame"),
    "fetch_failed": mark("it could not fetch the frame"),
    "frame_bad": mark("the frame came damaged"),
    "storage_full": mark("its storage is full"),
}

PROBLEM: Mapping[str, str] = {
    "text_missing": mark("Write a title or a text."),
    "field_missing": mark("Fill in: %(name)s."),
    "unknown_template": mark("There is no template %(name)s."),
    "letters_unseen": mark(
        "There are letters here that nobody sees (%(letters)s). Delete them and write them anew."
    ),
    "link_bad": mark("A link begins with http:// or https:// and has neither spaces nor a login in it."),
    "targets_missing": mark("Choose where it is to be shown."),
    "target_reaches_none": mark("There is no board at %(target)s any more, or there never was: take it out."),
    "too_many_pages": mark(
        "This takes %(pages)s pages there, and boards take %(limit)s: about %(room)s letters of text fit."
    ),
    "letter_right_to_left": mark("Boards cannot draw %(letter)s: writing from right to left. Delete it."),
    "letter_emoji": mark("Boards cannot draw the picture %(letter)s. Say it in words."),
    "letter_unknown": mark("Boards cannot draw the letter %(letter)s. Write it otherwise."),
    "letter_instead": mark("Boards cannot draw the letter %(letter)s. Write %(instead)s instead."),
    "picture_bad": mark("The picture cannot be read. Choose another one."),
    "drill_no_room": mark(
        "The board is too small to say DIỄN TẬP on every frame: leave it out of the drill."
    ),
    "link_no_room": mark(
        "A QR code of this link (%(bytes)s bytes) would be too fine to be read there: links of up to %(room)s bytes "
        "fit. Shorten the link, or leave the board out."
    ),
    "link_nowhere": mark(
        "The board is too small for any QR code: take the link away, or leave the board out."
    ),
    "link_unread": mark("The QR code of this link could not be read from the frame. Shorten the link."),
    "picture_unknown": mark("The picture is not there any more: choose it again."),
    "profile_unknown": mark(
        "Nobody knows how to draw for boards of the profile %(profile)s. Correct it in the registry."
    ),
    "end_before_start": mark("It ends before it begins."),
    "over_already": mark("Its end is past already."),
    "start_long_past": mark("It would have begun more than a year ago: look at the year."),
    "too_far": mark("That is more than five years away: look at the year."),
    "start_missing": mark("Say when the first time begins."),
    "minutes_missing": mark("Say how many minutes it stays each time."),
    "recurrence_bad": mark("Its recurrence cannot be read: %(part)s."),
    "recurrence_too_often": mark("It recurs too often: boards take %(limit)s times in two weeks."),
    "recurrence_never": mark("By its recurrence no day ever comes."),
    "recurrence_endless": mark("It recurs for ever: say when it ends."),
    "never_shows": mark("It would never show between its beginning and its end."),
    "emergency_recurs": mark("An emergency does not recur."),
    "emergency_later": mark("An emergency shows at once: leave its beginning empty."),
    "emergency_long": mark("An emergency ends within %(hours)s hours. It can be extended then."),
    "profile_missing": mark("Nobody said what this board can draw: give it a profile in the registry."),
    "playlist_full": mark("A board takes %(limit)s notices: weaker ones wait until some have ended."),
    "board_refuses": mark("The board says that it cannot follow: %(why)s."),
    "not_drawn": mark(
        "“%(title)s” was published before this board belonged to it: publish its next revision."
    ),
}


def problem(lang: Language, found: Problem) -> str:
    """What is wrong, in words."""
    message = PROBLEM.get(found.code)
    if message is None:
        return words.refused(lang, Refused(found.code, **found.about))
    try:
        return lang.text(message) % found.about
    except KeyError:
        return lang.text(message)


def instant(lang: Language, at: int, now: int) -> str:
    """14:02:31, with the day where that is not today: seconds matter in a proof."""
    then = local(at)
    day = "" if then.date() == local(now).date() else f" {lang.day(at, now)}"
    return f"{then:%H:%M:%S}{day}"


def detail(lang: Language, said: str) -> str:
    """Why a board failed, in words where they are known."""
    return lang.text(FAILED[said]) if said in FAILED else said


def profile(lang: Language, name: str) -> str:
    """LED 192 × 64, two colours."""
    kind, _, rest = name.partition("-")
    sides, _, colours = rest.partition("-")
    told = sides.replace("x", " × ")
    if kind == "screen":
        return lang.text(mark("screen %(sides)s")) % {"sides": told}
    found = {"1": mark("one colour"), "2": mark("two colours"), "full": mark("full colour")}.get(colours)
    return f"LED {told}, {lang.text(found)}" if kind == "led" and found else name
