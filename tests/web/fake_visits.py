"""Boards that come by HTTP, with what they are asked set by a test, and what they say kept for it."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from PIL import Image

from devices import notice
from devices.notice import Frame, Item, Level, Playlist, Policy
from hub.notices.visits import Visits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.web.fake_core import FakeCore


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (64, 32)) -> tuple[str, bytes]:
    """(hash, PNG) of a frame; a corner differs so that it is no plain colour."""
    image = Image.new("RGB", size, colour)
    image.putpixel((1, 2), (7, 130, 251))
    found = hashlib.sha256(f"{size[0]}x{size[1]}\n".encode() + image.tobytes()).hexdigest()
    file = io.BytesIO()
    image.save(file, "PNG")
    return found, file.getvalue()


class FakeVisits(Visits):
    """`asked` by board; `heard` is [(board, channel, body)]; while `away` nothing is taken."""

    def __init__(self, core: FakeCore) -> None:
        self.asked: dict[str, Playlist] = {}
        self.pngs: dict[str, bytes] = {}
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        super().__init__(None, None, core.now)  # type: ignore[arg-type]

    def playlist(self, board: str) -> Playlist | None:
        return self.asked.get(board)

    def payload(self, made: Playlist) -> bytes:
        return notice.payload(made, self.pngs, self.now() // 1000)

    def frame(self, found: str) -> bytes | None:
        return self.pngs.get(found)

    async def said(self, board: str, messages: Sequence[tuple[str, bytes]]) -> None:
        self.heard += [(board, channel, json.loads(body)) for channel, body in messages]

    # --- what a test does -------------------------------------------------------------------------------------

    def frame_of(self, colour: tuple[int, int, int], size: tuple[int, int] = (64, 32)) -> Frame:
        """A frame that can be fetched."""
        found, png = picture(colour, size)
        self.pngs[found] = png
        return Frame(hash=found, seconds=1)

    def ask(
        self, board: str, *items: Item, fallback: tuple[Frame, ...] = (), policy: Policy | None = None
    ) -> Playlist:
        """From now on the board should show this."""
        made = self.asked[board] = notice.playlist("led-64x32-full", items, fallback, policy)
        for event in self._waiting.get(board, ()):
            event.set()
        return made

    def item(self, number: int, *frames: Frame, level: Level = Level.ROUTINE, seconds: int = 3600) -> Item:
        """An item that is due now."""
        now = self.now() // 1000
        return Item(id=f"{number}.1", level=level, windows=((now - 60, now + seconds),), frames=frames)

    def reported(self, board: str) -> tuple[str, str]:
        """(showing, applied) as told last."""
        told = [b for n, c, b in self.heard if (n, c) == (board, "telemetry")]
        return (told[-1]["showing"], told[-1]["applied"]) if told else ("", "")

    def receipts(self, board: str) -> list[tuple[str, str, bool]]:
        """(item, result, late) in the order in which they came."""
        return [
            (b["id"], b["result"], b.get("late", False))
            for n, c, b in self.heard
            if (n, c) == (board, "receipt")
        ]
