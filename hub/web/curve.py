"""Curve: a night's levels as a small drawing, from two hours before dusk to two hours after dawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hub.web.chart import HEIGHT, WIDTH

if TYPE_CHECKING:
    from hub.web.language import Language
    from hub.web.programs import NightAnswer

from hub.web.language import mark

BESIDE_MS = 2 * 3_600_000


class Drawn(NamedTuple):
    """In WIDTH x HEIGHT units: the dark part as (x, width), the curve's points, the closed area; times below it."""

    night: tuple[float, float]
    line: str
    area: str
    ticks: tuple[int, ...]


def drawn(night: NightAnswer) -> Drawn:
    """The drawing of one night."""
    start, end = night.dusk - BESIDE_MS, night.dawn + BESIDE_MS
    for change in night.changes:
        start, end = min(start, change.at), max(end, change.at)

    def x(at: int) -> float:
        return round((at - start) / (end - start) * WIDTH, 1)

    def y(level: int) -> float:
        return round(HEIGHT - 1 - level / 100 * (HEIGHT - 3), 1)

    points, level = [(0.0, y(0))], 0
    for change in night.changes:
        points += [(x(change.at), y(level)), (x(change.at), y(change.level_pct))]
        level = change.level_pct
    points.append((float(WIDTH), y(level)))
    line = " ".join(f"{a},{b}" for a, b in points)
    ticks = tuple(start + (end - start) * i // 4 for i in range(5))
    return Drawn((x(night.dusk), round(x(night.dawn) - x(night.dusk), 1)), line, line, ticks)


def sentence(lang: Language, night: NightAnswer) -> str:
    """A night in words: on at 17:25 at 100 %, from 22:00 at 50 %, off at 06:05."""
    if not night.changes:
        return lang.text(mark("Stays dark tonight: it would go off before it goes on."))
    first, *rest = night.changes
    said = [_on(lang, first.at, first.level_pct)]
    level = first.level_pct
    for change in rest:
        time = lang.clock(change.at)
        if not change.level_pct:
            said.append(lang.text(mark("off at %(time)s"), time=time))
        elif level:
            about = {"time": time, "level": change.level_pct}
            said.append(lang.text(mark("from %(time)s at %(level)s %%"), **about))
        else:
            said.append(_on(lang, change.at, change.level_pct))
        level = change.level_pct
    text = ", ".join(said)
    return text[:1].upper() + text[1:] + "."


def _on(lang: Language, at: int, level: int) -> str:
    return lang.text(mark("on at %(time)s at %(level)s %%"), time=lang.clock(at), level=level)
