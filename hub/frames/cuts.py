"""The four fonts of lights: what each lacks or draws too alike is drawn here."""

from __future__ import annotations

from hub.frames.bitmap import Cut
from hub.frames.marks import HEAVY, LARGE, SMALL, Hand, drawn

_DOTS = {
    ".": drawn("##"), ",": drawn("##/.#/#.", -2), ":": drawn("##/../../../##"), ";": drawn("##/../../../##/.#/#.", -2),
}  # fmt: skip
_LARGE_DOTS = {
    ".": drawn("##/##"), ",": drawn("##/##/.#/#.", -2),
    ":": drawn("##/##/../../##/##", 1), ";": drawn("##/##/../../##/##/.#/#.", -1),
}  # fmt: skip
_CALL = drawn(".#./.#./.#./.#./.#./.#./.#./.../.../.#./.#.")
_BAR = drawn(".#./.#./.#./.#./.#./.#./.#./.#./.#./.#./.#./.#./.#./.#./.#.", -3)
_DASHES = {"-": drawn("###", 3), "–": drawn("######", 3), "—": drawn("#########", 3)}
_QUOTES = (("‘", ".#/#./##"), ("’", "##/.#/#."), ("“", ".#..#/#..#./##.##"), ("”", "##.##/.#..#/#..#."))

GALMURI7 = Cut(
    "Galmuri7", above=14, below=2, hand=Hand(SMALL, "##", small_top=4, tail=4), wider="O",
    own={
        **_DOTS, **_DASHES, **{c: drawn(art, 4) for c, art in _QUOTES},
        "I": drawn("###/.#./.#./.#./.#./.#./###"), "1": drawn(".#./##./.#./.#./.#./.#./###"),
        "|": drawn("#/#/#/#/#/#/#/#/#/#", -1), "^": drawn("..#../.#.#./#...#", 4), "°": drawn(".##./#..#/.##.", 4),
        "×": drawn("#...#/.#.#./..#../.#.#./#...#", 0), "x": drawn("#..#/#..#/.##./#..#/#..#", 0),
    },
)  # fmt: skip
GALMURI9 = Cut(
    "Galmuri9", above=17, below=3, hand=Hand(LARGE, "##", small_top=5, tail=3), wider="O",
    own={
        **_DOTS, **_DASHES, **{c: drawn(art, 6) for c, art in _QUOTES},
        "I": drawn("###/.#./.#./.#./.#./.#./.#./.#./###"), "1": drawn(".#./##./.#./.#./.#./.#./.#./.#./###"),
        "|": drawn("#/#/#/#/#/#/#/#/#/#/#/#", -2), "^": drawn("..#../.#.#./#...#", 6), "°": drawn(".##./#..#/.##.", 6),
    },
)  # fmt: skip
GALMURI11 = Cut(
    "Galmuri11", above=20, below=4, hand=Hand(LARGE, "##/##", small_top=7, tail=5),
    own={**_LARGE_DOTS, **{c: drawn(art, 8) for c, art in _QUOTES}, "!": _CALL, "|": _BAR},
)  # fmt: skip
GALMURI11_BOLD = Cut(
    "Galmuri11-Bold", above=20, below=4, hand=Hand(HEAVY, "##/##", small_top=7, tail=5),
    own={**_LARGE_DOTS, "|": drawn("##/##/##/##/##/##/##/##/##/##/##/##/##/##/##", -3)},
    wider="O", bars={"d": (9, 3, 8), "D": (5, -2, 3)},
)  # fmt: skip
