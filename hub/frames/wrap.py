"""Lines and pages: where a text breaks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.frames.faces import Face


_UNITS = frozenset(
    {"m", "km", "cm", "mm", "m²", "m³", "ha", "kg", "g", "lít", "₫", "đồng", "%", "h", "giờ", "phút", "kV"}
)


def lines(text: str, face: Face, width: int) -> list[str]:
    """A text in lines no wider than `width`; its own line ends stay, empty lines too.

    A word wider than a line breaks where the line is full. Groups of digits (0912 345 678) stay together where they
    fit, and so does a number with its unit (11,5 m).
    """
    found: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in _words(paragraph, face, width):
            longer = f"{line} {word}" if line else word
            if face.width(longer) <= width:
                line = longer
                continue
            if line:
                found.append(line)
            *whole, line = _cut(word, face, width)
            found += whole
        found.append(line)
    return found


def _words(paragraph: str, face: Face, width: int) -> list[str]:
    found: list[str] = []
    for word in paragraph.split(" "):
        grouped = f"{found[-1]} {word}" if found else ""
        number = grouped and found[-1][-1:].isdigit()
        if number and (word[:1].isdigit() or word.rstrip(".,;") in _UNITS) and face.width(grouped) <= width:
            found[-1] = grouped
        else:
            found.append(word)
    return found


def even(text: str, face: Face, width: int) -> list[str]:
    """As `lines`, no more of them, but the widest as narrow as may be: no single word on the last one."""
    best = lines(text, face, width)
    low, high = width // 2, width
    while high - low > 1:
        middle = (low + high) // 2
        tried = lines(text, face, middle)
        if len(tried) == len(best):
            best, high = tried, middle
        else:
            low = middle
    return best


def _cut(word: str, face: Face, width: int) -> list[str]:
    """A word in pieces that fit."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and face.width(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def pages(found: list[str], most: int) -> list[list[str]]:
    """Lines in pages of at most `most`, no page beginning or ending with an empty line, and as even as may be."""
    made: list[list[str]] = []
    while found:
        if not found[0]:
            found = found[1:]
            continue
        left = -(-len(found) // most)  # pages that are needed
        take = min(most, -(-len(found) // left))
        page, found = found[:take], found[take:]
        while not page[-1]:
            page.pop()
        made.append(page)
    return made


def reading_s(page: list[str]) -> int:
    """Seconds that a page stands: two to notice it, one for ten letters; 4 to 30."""
    return max(4, min(30, 2 + -(-sum(map(len, page)) // 10)))
