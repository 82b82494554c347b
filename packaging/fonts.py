"""Copies the boards' fonts out of node_modules: `python packaging/fonts.py NODE_MODULES TO`.

Of Galmuri's bitmaps only the letters that boards draw are taken: 100 of 10,000 (the rest is Hangul), 47 kB of 9 MB.
Both fonts are under the SIL Open Font License 1.1, whose text goes with them.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

BITMAPS = ("Galmuri7", "Galmuri9", "Galmuri11", "Galmuri11-Bold")
OUTLINES = ("500Medium/BeVietnamPro_500Medium.ttf", "700Bold/BeVietnamPro_700Bold.ttf")
KEPT = frozenset((*range(0x20, 0x7F), *map(ord, "đĐ₫“”‘’…–—°×•²³")))
_GLYPH = re.compile(r"STARTCHAR .*?\nENCODING (-?\d+)\n.*?ENDCHAR\n", re.DOTALL)


def subset(bdf: str) -> str:
    """The same font with the kept letters only."""
    head = bdf[: bdf.index("STARTCHAR")]
    kept = [m[0] for m in _GLYPH.finditer(bdf) if int(m[1]) in KEPT]
    return re.sub(r"^CHARS \d+", f"CHARS {len(kept)}", head, flags=re.MULTILINE) + "".join(kept) + "ENDFONT\n"


def main(modules: Path, to: Path) -> None:
    """Fills the folder anew."""
    to.mkdir(parents=True, exist_ok=True)
    galmuri, vietnam = modules / "galmuri/dist", modules / "@expo-google-fonts/be-vietnam-pro"
    for name in BITMAPS:
        bdf = (galmuri / f"{name}.bdf").read_text(encoding="utf-8")
        (to / f"{name}.bdf").write_text(subset(bdf), encoding="utf-8")
    for name in OUTLINES:
        shutil.copyfile(vietnam / name, to / Path(name).name)
    shutil.copyfile(galmuri / "LICENSE.txt", to / "LICENSE-Galmuri.txt")
    shutil.copyfile(vietnam / "LICENSE_FONT", to / "LICENSE-BeVietnamPro.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
