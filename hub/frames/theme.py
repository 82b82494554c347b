"""How the three levels look, by what a board can light: one visible table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.notice import Level
from devices.signboard import Colours

if TYPE_CHECKING:
    from devices.signboard import Profile
    from hub.frames.canvas import Colour

_DARK, _LIT = (0, 0, 0), (255, 255, 255)
_RED, _GREEN, _AMBER = (255, 0, 0), (0, 255, 0), (255, 255, 0)


class Theme(NamedTuple):
    """Colours of a frame. `head`, `on_head`: the title's ground and its letters. `mark`: bars, stripes, lines.

    `tag`: the level in words, on boards with room for it.
    """

    ground: Colour
    text: Colour
    head: Colour
    on_head: Colour
    mark: Colour
    tag: str

    @property
    def colours(self) -> tuple[Colour, ...]:
        """All of them, the ground first."""
        return tuple(dict.fromkeys(self[:5]))


TAGS = {Level.ROUTINE: "THÔNG BÁO", Level.PRIORITY: "THÔNG BÁO ƯU TIÊN", Level.EMERGENCY: "KHẨN CẤP"}
DRILL = "DIỄN TẬP"
_ONE = {
    Level.ROUTINE: (_DARK, _LIT, _DARK, _LIT, _LIT),
    Level.PRIORITY: (_DARK, _LIT, _LIT, _DARK, _LIT),
    Level.EMERGENCY: (_DARK, _LIT, _LIT, _DARK, _LIT),
}
_TWO = {
    Level.ROUTINE: (_DARK, _AMBER, _DARK, _GREEN, _GREEN),
    Level.PRIORITY: (_DARK, _AMBER, _AMBER, _DARK, _AMBER),
    Level.EMERGENCY: (_DARK, _AMBER, _RED, _DARK, _RED),
}
_PANEL = {
    Level.ROUTINE: (_DARK, _LIT, _DARK, (64, 224, 160), (64, 224, 160)),
    Level.PRIORITY: (_DARK, _LIT, (255, 176, 0), _DARK, (255, 176, 0)),
    Level.EMERGENCY: (_DARK, _LIT, (255, 24, 16), _LIT, (255, 24, 16)),
}
_SCREEN = {
    Level.ROUTINE: ((250, 249, 245), (24, 31, 40), (13, 74, 92), _LIT, (13, 74, 92)),
    Level.PRIORITY: ((250, 249, 245), (24, 31, 40), (255, 190, 20), (24, 31, 40), (255, 190, 20)),
    Level.EMERGENCY: ((168, 8, 20), _LIT, _LIT, (168, 8, 20), (255, 210, 30)),
}


def theme(profile: Profile, level: Level) -> Theme:
    """The look of a level on a board."""
    table = (
        _SCREEN if not profile.led else {Colours.ONE: _ONE, Colours.TWO: _TWO}.get(profile.colours, _PANEL)
    )
    return Theme(*table[level], TAGS[level])


def palette(profile: Profile, found: Theme) -> tuple[Colour, ...]:
    """The colours that a frame starts with: all that a board of few has, so that pictures may use them."""
    if profile.colours is Colours.ONE:
        return _DARK, _LIT
    if profile.colours is Colours.TWO:
        return _DARK, _RED, _GREEN, _AMBER
    return tuple(dict.fromkeys((*found.colours, _DARK, _LIT)))
