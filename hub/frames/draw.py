"""Pages into frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.notice import Level
from devices.signboard import Colours
from hub.frames import code, picture
from hub.frames.canvas import Box, Canvas
from hub.frames.faces import sizes
from hub.frames.plan import drill_size
from hub.frames.theme import DRILL, palette, theme

if TYPE_CHECKING:
    from devices.signboard import Profile
    from hub.frames.canvas import Colour
    from hub.frames.content import Content
    from hub.frames.faces import Face
    from hub.frames.plan import Head, Page, Plan
    from hub.frames.theme import Theme


class Painter:
    """Draws the pages of one plan."""

    def __init__(self, content: Content, profile: Profile, plan: Plan) -> None:
        self._content, self._profile, self._plan = content, profile, plan
        self._theme: Theme = theme(profile, content.level)

    def page(self, page: Page, number: int) -> Canvas:
        """One frame, drawn."""
        profile, look = self._profile, self._theme
        full = profile.colours is Colours.FULL
        canvas = Canvas(profile.width, profile.height, palette(profile, look), full=full)
        canvas.fill(Box(0, 0, profile.width, profile.height), look.ground)
        lit = page.title and self._content.level is not Level.ROUTINE
        if lit:
            canvas.fill(self._plan.room.body, look.head)
        self._ornaments(canvas)
        self._drill(canvas)
        if self._plan.head is not None and page.headed:
            self._head(canvas, self._plan.head)
        ground, ink = (look.head, look.on_head) if lit else (look.ground, look.text)
        if page.title and not lit:
            ink = look.on_head if profile.led else look.mark
        face = page.size.title if page.title else page.size.text
        centred = self._plan.centred or (page.title and profile.led)
        self._lines(canvas, page.lines, face, page.box, (ink, ground), centred=centred)
        self._aside(canvas, page)
        self._number(canvas, number)
        return canvas

    @staticmethod
    def _lines(
        canvas: Canvas,
        lines: tuple[str, ...],
        face: Face,
        box: Box,
        colours: tuple[Colour, Colour],
        *,
        centred: bool,
    ) -> None:
        """Lines in the middle of a box, a little apart where there is room. `colours`: ink and ground."""
        count = len(lines)
        spare = box.height - face.rows * count
        apart = min(max(0, spare) // (count + 1), face.rows // 8)
        y = box.y + (spare - apart * (count - 1)) // 2
        for line in lines:
            x = box.x + ((box.width - face.width(line)) // 2 if centred else 0)
            canvas.ink(x, y, face.mask(line), *colours)
            y += face.rows + apart

    def _ornaments(self, canvas: Canvas) -> None:
        """What tells the levels apart from afar: a bar for priority, hazard stripes for emergencies."""
        profile, look, unit = self._profile, self._theme, self._plan.room.unit
        level, height, width = self._content.level, profile.height, profile.width
        if profile.led:
            if level is Level.PRIORITY:
                canvas.fill(Box(0, 0, 2 * unit, height), look.mark)
            elif level is Level.EMERGENCY:
                for x in (0, width - 3 * unit):
                    canvas.stripes(Box(x, 0, 3 * unit, height), look.mark, 2 * unit)
        elif level is Level.EMERGENCY:
            for y in (0, height - 4 * unit):
                band = Box(0, y, width, 4 * unit)
                canvas.fill(band, (0, 0, 0))
                canvas.stripes(band, look.mark, 6 * unit)

    def _drill(self, canvas: Canvas) -> None:
        """DIỄN TẬP: on every frame of a drill."""
        box = self._plan.room.drill
        if box is None:
            return
        look, size = self._theme, drill_size(self._profile)
        if not self._profile.led:
            canvas.fill(box, (0, 0, 0))
            self._middle(canvas, DRILL, size.title, box, (255, 255, 255), (0, 0, 0))
            return
        on_top = box.height < self._profile.height
        canvas.fill(box.less(top=self._plan.room.unit) if on_top else box, look.text)
        self._middle(canvas, DRILL, size.title, box, look.ground, look.text)

    def _middle(self, canvas: Canvas, text: str, face: Face, box: Box, ink: Colour, ground: Colour) -> None:
        x = box.x + (box.width - face.width(text)) // 2
        canvas.ink(x, box.y + (box.height - face.rows) // 2, face.mask(text), ink, ground)

    def _head(self, canvas: Canvas, head: Head) -> None:
        """The title's band; a line under it where its ground is the frame's own."""
        look, room, box = self._theme, self._plan.room, head.box
        canvas.fill(box, look.head)
        if self._profile.led:
            canvas.fill(Box(box.x, box.y + box.height, box.width, room.unit), look.mark)
        y = box.y
        if head.tag is not None:
            y += room.pad // 2
            canvas.ink(box.x + room.pad, y, head.tag.title.mask(look.tag), look.on_head, look.head)
            y += head.tag.rows
        for line in head.lines:
            x = room.pad if head.tag is not None else (box.width - head.size.title.width(line)) // 2
            canvas.ink(box.x + x, y, head.size.title.mask(line), look.on_head, look.head)
            y += head.size.rows

    def _aside(self, canvas: Canvas, page: Page) -> None:
        if page.picture is not None:
            box = page.picture
            image = picture.fitted(self._content.picture, box.width, box.height)
            canvas.picture(
                image, box.x + (box.width - image.width) // 2, box.y + (box.height - image.height) // 2
            )
        if page.code is not None:
            box = page.code
            made = code.code(self._content.link, self._profile, box.width)
            if made is not None:
                x, y = box.x + (box.width - made.side) // 2, box.y + (box.height - made.side) // 2
                lit = self._theme.text if self._profile.led else (255, 255, 255)
                canvas.fill(Box(x, y, made.side, made.side), (0, 0, 0))
                canvas.ink(x, y, made.image, lit, (0, 0, 0))

    def _number(self, canvas: Canvas, number: int) -> None:
        """Which page of how many, on screens."""
        count = len(self._plan.pages)
        if self._profile.led or count == 1:
            return
        room, face = self._plan.room, sizes(self._profile)[0].text
        said = f"{number + 1}/{count}"
        x = room.body.width - room.pad - face.width(said)
        canvas.ink(
            x,
            room.body.y + room.body.height - face.rows,
            face.mask(said),
            self._theme.text,
            self._theme.ground,
        )
