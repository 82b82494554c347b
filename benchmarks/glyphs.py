"""Letters on boards: missing, clipped, mistakable for another; what Tesseract reads of frames; what a frame costs.

For every size of every usual profile, texts and titles, over the repertoire (134 accented letters, ASCII, signs):

- `missing`: letters without a lit light.
- `clipped`: letters whose ink, drawn without the line's limits, reaches beyond the line or is not all in it.
- `confused`: pairs that differ in fewer than 2 lit lights after the best shift of up to one light in each direction
  (a light is lit from half on). `closest`: the smallest difference that was found.
- `cer_led`, `cer_screen`: character errors of Tesseract (vie, `--psm 6`) over real notices, per letter, in lines of 24
  rows and more, black on white, enlarged to about 72 rows; each face once (panels: 24 to 48 rows). A line break is a
  space. `cer_led_afar`: each light blurred to about its own size (standard deviation: half of it), as from afar.
  `worst`: the face that is read worst, afar.
- `frame_ms_1080p`: median of a whole frame for 1920 x 1080 in full colour, drawn, encoded and hashed; the slower of one
  with a QR code (read again) and one with a picture; `cpu_ms_1080p`: in CPU time. `preview_ms`: a whole notice, the
  slowest profile.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from itertools import combinations
from statistics import mean, median
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from devices.notice import Level
from devices.signboard import USUAL, profile
from hub.frames import Content, render
from hub.frames.bitmap import BitmapFace
from hub.frames.faces import LED, screen, sizes
from hub.frames.letters import ACCENTED, REPERTOIRE
from hub.frames.wrap import lines

if TYPE_CHECKING:
    from hub.frames.faces import Face

APART = 2
TEXTS = (
    "CẢNH BÁO LŨ KHẨN CẤP. Nước sông Hồng lên 11,5 m. Bà con xóm Bãi đến ngay nhà văn hóa thôn. Gọi 0912 345 678.",
    "Ngày 24.11, từ 07:30 đến 11:00, cắt điện tại xóm Đình, xóm Chùa. Lý do: thay dây và máy biến áp.",
    "Trạm y tế tiêm sởi cho trẻ 9 tháng đến 5 tuổi, từ 7h30 đến 11h00, tại trạm y tế xã. Nhớ mang theo sổ tiêm.",
    "Kính mời bà con họp thôn lúc 19 giờ tối nay tại đình làng. Nội dung: nước sạch, phòng cháy, quỹ khuyến học.",
    "Phường Ô Diên mở lớp dạy nghề miễn phí: đăng ký ở ủy ban, gặp ông Nguyễn Văn Bộ hoặc bà Đỗ Thị Thủy.",
)


def lit(face: Face, letter: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A letter's lit lights, with a dark light around."""
    return np.pad(np.asarray(face.mask(letter)) > 127, 1)


def apart(
    a: np.ndarray[tuple[int, int], np.dtype[np.bool_]], b: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
) -> int:
    """Lights in which two letters differ, after the best shift."""
    width = max(a.shape[1], b.shape[1])
    a, b = (np.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (a, b))
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(int((a != np.roll(b, shift, (0, 1))).sum()) for shift in shifts)


def confused(face: Face) -> tuple[list[str], int]:
    """Pairs that are too alike, and how far the closest pair is apart."""
    letters = {c: lit(face, c) for c in sorted(REPERTOIRE)}
    found, closest = [], 10**9
    for a, b in combinations(letters, 2):
        if abs(int(letters[a].sum()) - int(letters[b].sum())) < min(APART + 2, closest):
            between = apart(letters[a], letters[b])
            closest = min(closest, between)
            if between < APART:
                found.append(a + b)
    return found, closest


def missing(face: Face) -> list[str]:
    """Letters of which nothing is drawn."""
    return [c for c in sorted(REPERTOIRE) if face.reach(c) is None or not lit(face, c).any()]


def clipped(face: Face) -> list[str]:
    """Letters whose lights a line cuts off."""
    found = []
    for letter in sorted(REPERTOIRE):
        reach, drawn = face.reach(letter), face.mask(letter).getbbox()
        inside = (
            reach is not None and min(reach) >= 0 and reach[2] <= face.width(letter) and reach[3] <= face.rows
        )
        if not inside or drawn != reach:
            found.append(letter)
    return found


def distance(said: str, read: str) -> int:
    """Insertions, deletions and changes (Levenshtein)."""
    row = list(range(len(read) + 1))
    for i, a in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(read, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def seen(face: Face, text: str, *, afar: bool) -> bytes:
    """A text as Tesseract likes it, black on white, as a PNG."""
    parts = lines(text, face, face.width("n" * 32))
    page = Image.new("L", (face.width("n" * 34), face.rows * len(parts)), 0)
    for i, part in enumerate(parts):
        page.paste(face.mask(part), (face.width("n"), i * face.rows))
    times = max(1, round(72 / face.rows))
    how = Image.Resampling.NEAREST if afar else Image.Resampling.BICUBIC
    page = page.resize((page.width * times, page.height * times), how)
    if afar and isinstance(face, BitmapFace):
        page = page.filter(ImageFilter.GaussianBlur(0.5 * times * face.times))
    out = io.BytesIO()
    ImageOps.expand(ImageOps.invert(page), 24, 255).save(out, "PNG")
    return out.getvalue()


def error_rate(face: Face, *, afar: bool) -> float:
    """Tesseract's errors per letter."""
    errors = 0
    for text in TEXTS:
        said = subprocess.run(
            ["tesseract", "stdin", "stdout", "-l", "vie", "--psm", "6"],  # noqa: S607 - Debian's, where the machine has it
            input=seen(face, text, afar=afar), capture_output=True, check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
        errors += distance(text, " ".join(said.stdout.decode().split()))
    return errors / sum(map(len, TEXTS))


def reading() -> dict[str, float | str | None]:
    """What Tesseract reads."""
    if not can_read():
        print("cer needs Debian's tesseract-ocr and tesseract-ocr-vie", file=sys.stderr)
        return {"cer_led": None, "cer_led_afar": None, "cer_screen": None, "worst": None}
    led = {
        f"{cut.font} {rows}": BitmapFace(cut, times)
        for rows, *cuts, times in LED
        for cut in cuts
        if 24 <= rows <= 48
    }
    smooth = {f"{px} {i}": face for px in (30, 44, 64) for i, face in enumerate(screen(px)[1:])}
    near = [error_rate(face, afar=False) for face in led.values()]
    far = {name: error_rate(face, afar=True) for name, face in led.items()}
    plain = [error_rate(face, afar=False) for face in smooth.values()]
    for name, rate in far.items():
        print(f"afar {name}: {rate:.4f}", file=sys.stderr)
    return {
        "cer_led": round(mean(near), 4), "cer_led_afar": round(mean(far.values()), 4),
        "cer_screen": round(mean(plain), 4), "worst": max(far, key=lambda name: far[name]),
    }  # fmt: skip


def can_read() -> bool:
    """Tesseract and its Vietnamese are there."""
    if shutil.which("tesseract") is None:
        return False
    known = subprocess.run(["tesseract", "--list-langs"], capture_output=True, check=True)  # noqa: S607
    return b"vie" in known.stdout.split()


def photo() -> bytes:
    """A picture with much in it."""
    noise = [Image.effect_noise((1280, 720), 40 + 20 * i).resize((1920, 1080)) for i in range(3)]
    out = io.BytesIO()
    Image.merge("RGB", noise).save(out, "JPEG")
    return out.getvalue()


def costs() -> dict[str, float]:
    board = profile("screen-1920x1080")
    assert board is not None
    plain = Content(Level.PRIORITY, "Thông báo cắt điện", TEXTS[1], link="https://dichvucong.gov.vn/cat-dien")
    rich = Content(Level.PRIORITY, "Thông báo cắt điện", TEXTS[1], picture=photo())
    by_clock, by_cpu = [], []
    for content in (plain, rich):
        render(content, board)
        clock, cpu = [], []
        for _ in range(9):
            began, spent = time.perf_counter(), time.process_time()
            frames = len(render(content, board))
            clock.append((time.perf_counter() - began) * 1000 / frames)
            cpu.append((time.process_time() - spent) * 1000 / frames)
        by_clock.append(median(clock))
        by_cpu.append(median(cpu))
    previews = []
    for one in USUAL:
        began = time.perf_counter()
        render(Content(Level.EMERGENCY, "Khẩn cấp: nước lũ", TEXTS[0]), one)
        previews.append((time.perf_counter() - began) * 1000)
    return {
        "frame_ms_1080p": round(max(by_clock), 1), "cpu_ms_1080p": round(max(by_cpu), 1),
        "preview_ms": round(max(previews), 1),
    }  # fmt: skip


def main() -> None:
    faces = {(p.led, s.rows, i): f for p in USUAL for s in sizes(p) for i, f in enumerate((s.text, s.title))}
    print(f"{len(faces)} faces, {len(REPERTOIRE)} letters, {len(ACCENTED)} of them accented", file=sys.stderr)
    bad: dict[str, list[str]] = {"missing": [], "clipped": [], "confused": []}
    closest = 10**9
    for (led, rows, title), face in faces.items():
        pairs, between = confused(face)
        closest = min(closest, between)
        for kind, found in (("missing", missing(face)), ("clipped", clipped(face)), ("confused", pairs)):
            bad[kind] += [
                f"{'led' if led else 'screen'} {rows} {('text', 'title')[title]}: {x}" for x in found
            ]
    for what in (line for found in bad.values() for line in found):
        print(what, file=sys.stderr)
    told = {kind: len(found) for kind, found in bad.items()} | {"closest": closest}
    print(json.dumps({**told, **reading(), **costs()}))


if __name__ == "__main__":
    main()
