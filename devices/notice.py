"""Notices as boards take them: what the `desired` of a board carries, and what a board shows by it at an instant.

A playlist is for days: a board that hears nothing more goes on by it. Clock times are whole seconds since 1970;
a board's own monotonic time is seconds since whenever. simulators/ and the player follow the same rules, held to
the same cases (tests/samples/playlists.json).
"""

from __future__ import annotations

import base64
import hashlib
import json
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

if TYPE_CHECKING:
    from collections.abc import Mapping

INLINE = 16_384
"""A frame's PNG of at most so many bytes is written into the playlist; a larger one is fetched by its hash."""
ROOM = 200_000
"""Bytes of frames in one playlist; what comes after that is fetched, too."""
MOST_ITEMS, MOST_FRAMES, MOST_WINDOWS = 40, 20, 400
SLACK_S = 90.0
"""So long before and after a change either side of it is right: clocks differ, frames take turns."""

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The hash of a frame's pixels (`pixel_hash`)."""
ItemId = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,8}\.[1-9]\d{0,5}$")]
"""A published revision: `<notice>.<revision>`."""
Instant = Annotated[int, Field(ge=0, le=10**11)]
_CONFIG = ConfigDict(extra="ignore", frozen=True)


def pixel_hash(width: int, height: int, rgb: bytes) -> str:
    """The hash of a frame: sha256 of `<width>x<height>` and a line feed, then of every pixel its red, green and blue.

    One byte each, row by row from the top left: of what is decoded, so whatever file it came in.
    """
    return hashlib.sha256(f"{width}x{height}\n".encode() + rgb).hexdigest()


class Level(StrEnum):
    """How much a notice matters: thông thường, ưu tiên, khẩn cấp."""

    ROUTINE = "routine"
    PRIORITY = "priority"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        """Higher goes first."""
        return _RANK[self]


_RANK = {Level.ROUTINE: 0, Level.PRIORITY: 1, Level.EMERGENCY: 2}


class Place(NamedTuple):
    """Where a notice stands among others: `sorted(..., key=place)` puts the strongest first.

    One total order: level (a drill behind all that is meant, of its level), then priority (9 is the highest), then the
    newest, then the higher number.
    """

    level: int
    drill: bool
    priority: int
    published: int
    notice: int


def place(level: Level, priority: int, published: int, notice: int, *, drill: bool = False) -> Place:
    """The sort key of a notice published at `published` (ms)."""
    return Place(-level.rank, drill, -priority, -published, -notice)


class Frame(BaseModel):
    """One picture of a notice. `png`: base64; without it the board fetches `frames/<hash>.png` from its own address."""

    model_config = _CONFIG
    hash: Hash
    seconds: Annotated[float, Field(ge=1, le=600)]
    png: Annotated[str, Field(max_length=4 * ((INLINE + 2) // 3))] | None = None


class Item(BaseModel):
    """A revision as a board shows it: within its windows [from, until), its frames in turn.

    `ttl_s` (emergencies): by the board's own monotonic time it ends so long after it was received, whatever the
    clock says. A further copy of it never makes that later.
    """

    model_config = _CONFIG
    id: ItemId
    level: Level
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    windows: Annotated[tuple[tuple[Instant, Instant], ...], Field(min_length=1, max_length=MOST_WINDOWS)]
    frames: Annotated[tuple[Frame, ...], Field(min_length=1, max_length=MOST_FRAMES)]
    ttl_s: Annotated[int, Field(ge=0, le=10**6)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(a >= b for a, b in self.windows) or any(a[1] > b[0] for a, b in pairwise(self.windows)):
            raise ValueError("windows stand in order, apart, each ending after it begins")
        return self

    def due(self, at: float) -> bool:
        """By the clock it is time for it."""
        return any(a <= at < b for a, b in self.windows)


class Policy(BaseModel):
    """What a board does by itself. No part of it cuts an emergency short or makes one longer.

    `link_lost`: after `link_lost_s` without a word from the hub it goes on by its playlist (`keep`) or shows its
    fallback. `power_return`: until the hub is heard again after a restart it goes on from what it stored (`resume`)
    or shows its fallback. `nothing_due`: what stands where no notice is due, also when the last one ended.
    `no_clock`: while the time is unknown notices cannot be timed: fallback, or `show` them all in turn.
    """

    model_config = _CONFIG
    link_lost: Literal["keep", "fallback"] = "keep"
    link_lost_s: Annotated[int, Field(ge=60, le=30 * 86_400)] = 7 * 86_400
    power_return: Literal["resume", "fallback"] = "resume"
    nothing_due: Literal["fallback", "dark"] = "fallback"
    no_clock: Literal["fallback", "show"] = "fallback"


class Playlist(BaseModel):
    """The `desired` of a board.

    `id`: the first 16 hex digits of the sha256 of the rest as canonical JSON, without `now`, `ttl_s` and `png`.
    `now`: the hub's clock when it sent this; who has no clock may set it by a copy that was not retained.
    `items` stand strongest first. `fallback`: the board's own frames.
    """

    model_config = _CONFIG
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    profile: Annotated[str, Field(max_length=40)]
    now: Instant = 0
    items: Annotated[tuple[Item, ...], Field(max_length=MOST_ITEMS)] = ()
    fallback: Annotated[tuple[Frame, ...], Field(max_length=MOST_FRAMES)] = ()
    policy: Policy = Policy()

    @property
    def frames(self) -> dict[str, Frame]:
        """Every frame, by its hash."""
        return {f.hash: f for f in (*(f for i in self.items for f in i.frames), *self.fallback)}


class BadPlaylist(ValueError):  # noqa: N818 - what the payload is
    """A `desired` that a board cannot take."""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_NOT_NAMED: Any = {
    "id": True,
    "now": True,
    "items": {"__all__": {"ttl_s": True, "frames": {"__all__": {"png"}}}},
    "fallback": {"__all__": {"png"}},
}


def playlist(
    profile: str, items: tuple[Item, ...], fallback: tuple[Frame, ...] = (), policy: Policy | None = None
) -> Playlist:
    """A playlist under its id."""
    made = Playlist(id="0" * 16, profile=profile, items=items, fallback=fallback, policy=policy or Policy())
    body = made.model_dump(mode="json", exclude=_NOT_NAMED)
    return made.model_copy(update={"id": hashlib.sha256(_json(body).encode()).hexdigest()[:16]})


def payload(made: Playlist, pngs: Mapping[str, bytes], now: int) -> bytes:
    """What is published at `now` (s): small frames written in, emergencies with the time that they have left."""
    body = made.model_dump(mode="json", exclude_none=True) | {"now": now}
    room = ROOM
    for item in body["items"]:
        if item["level"] == Level.EMERGENCY:
            item["ttl_s"] = max(0, item["windows"][-1][1] - now)
    for frame in (*(f for i in body["items"] for f in i["frames"]), *body["fallback"]):
        png = pngs.get(frame["hash"])
        if png is not None and len(png) <= min(INLINE, room):
            room -= len(png)
            frame["png"] = base64.b64encode(png).decode()
    return _json(body).encode()


def read(data: bytes | str) -> Playlist:
    """A `desired` as a board takes it. Raises BadPlaylist."""
    try:
        return Playlist.model_validate_json(data)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        raise BadPlaylist(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]) from e


# --- what a board shows ---------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What a board knows at an instant.

    `clock`: the time, None where it is unknown; `silent_s`: since the hub was heard; `returned`: it was restarted
    and has not heard the hub since; `left`: by item, the seconds left by its own monotonic time (of emergencies).
    """

    clock: float | None
    silent_s: float = 0.0
    returned: bool = False
    left: Mapping[str, float] = {}


class Ends:
    """When emergencies end by a board's own monotonic time: the earliest that was ever told."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def take(self, made: Playlist, mono: float) -> None:
        """A copy of the playlist was received."""
        told = {i.id: mono + i.ttl_s for i in made.items if i.ttl_s is not None}
        self._at = {i: min(at, self._at.get(i, at)) for i, at in told.items()}

    def left(self, mono: float) -> dict[str, float]:
        """Seconds left, by item."""
        return {i: at - mono for i, at in self._at.items()}


def turns(made: Playlist, known: Known) -> tuple[Item, ...]:
    """The items that take turns now, strongest first; none: the board shows its fallback, or nothing (`nothing_due`).

    An emergency has the board alone. Below that, those of the strongest's level and priority take turns.
    """
    policy = made.policy
    alone = next((i for i in made.items if i.level is Level.EMERGENCY and _in_force(i, known)), None)
    if alone is not None:
        return (alone,)
    if policy.link_lost == "fallback" and known.silent_s >= policy.link_lost_s:
        return ()
    if policy.power_return == "fallback" and known.returned:
        return ()
    if known.clock is None and policy.no_clock == "fallback":
        return ()
    due = [
        i
        for i in made.items
        if i.level is not Level.EMERGENCY and (known.clock is None or i.due(known.clock))
    ]
    return tuple(i for i in due if (i.level, i.priority) == (due[0].level, due[0].priority))


def _in_force(item: Item, known: Known) -> bool:
    """An emergency is: by the clock, and by the board's own time; by one of them where the other is unknown."""
    left = known.left.get(item.id)
    if left is not None and left <= 0:
        return False
    return left is not None if known.clock is None else item.due(known.clock)


def right(made: Playlist, at: float, slack_s: float = SLACK_S) -> frozenset[str]:
    """Hashes of the frames that may stand on a board that follows this at `at`; "" among them: it may be dark.

    What the board's own policies make of a lost link or an unknown clock is not looked at: such a board is told by
    other faults.
    """
    moments = {at, at - slack_s, at + slack_s}
    moments |= {float(edge) for edge in edges(made) if at - slack_s <= edge <= at + slack_s}
    found: set[str] = set()
    for moment in moments:
        items = turns(made, Known(moment))
        found |= {f.hash for i in items for f in i.frames}
        if not items:
            dark = made.policy.nothing_due == "dark" or not made.fallback
            found |= {""} if dark else {f.hash for f in made.fallback}
    return frozenset(found)


def edges(made: Playlist) -> frozenset[int]:
    """Every instant at which an item begins or ends."""
    return frozenset(edge for i in made.items for w in i.windows for edge in w)


def next_change(made: Playlist, at: float) -> float | None:
    """The next instant after `at` at which what is due changes by itself; None: never."""
    return min((edge for edge in edges(made) if edge > at), default=None)
