"""What a camera should show: learnt from good pictures or set by a person, and how a picture compares with it."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from drivers.pictures.limits import (
    BLOCK,
    BRIGHT_ABOVE,
    DARK_BELOW,
    DAY,
    EDGE,
    FEW,
    GONE_BELOW,
    GREY_BELOW,
    HELD_ABOVE,
    LEARNT,
    LIVELY,
    LOST_BELOW,
    MEMORY_LENGTH,
    NEAR,
    NIGHT,
    SETTLED,
    SHAKE,
    SOFT_BELOW,
    STRUCTURED,
    STRUCTURED_SHARE,
    STRUCTURED_YOUNG,
    WEAK_BELOW,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.pictures.measure import Measures, Seen

Kind = Literal["day", "dark", "infrared"]
VERSION = 1
ZONE_HOURS = 7  # Vietnam's
LONGEST = 40_000  # characters of one look in JSON; a look that we wrote has about 6,000


@dataclass(frozen=True, slots=True)
class Look:
    """How a view looks by day, in the dark in colour, or under infra-red.

    `pictures`: how many it was learnt from. `rows`, `columns`: cells. `coded`: bytes of two planes of cells, the real
    and imaginary part of the mean direction (signed, 1/127), and of four planes of blocks, the geometric means of the
    bands, 16 log2(1 + e). `white`: share of clipped pixels. `damaged`: share of pictures
    whose codes were broken, as a camera's may always be.
    `at`: when it was renewed (ms), 0 while it is young.
    """

    kind: Kind
    pictures: int
    rows: int
    columns: int
    coded: bytes
    white: float
    damaged: float
    at: int = 0

    def field(self) -> NDArray[np.complex64]:
        n = self.rows * self.columns
        planes = np.frombuffer(self.coded, np.int8, 2 * n).astype(np.float32) / 127
        field: NDArray[np.complex64] = (planes[:n] + 1j * planes[n:]).astype(np.complex64)
        return field.reshape(self.rows, self.columns)

    def bands(self) -> NDArray[np.float32]:
        shape = 4, self.rows // BLOCK, self.columns // BLOCK
        coded = np.frombuffer(self.coded, np.uint8, -1, 2 * self.rows * self.columns).astype(np.float32)
        bands: NDArray[np.float32] = np.exp2(coded / 16) - 1
        return bands.reshape(shape)

    def holding(self) -> NDArray[np.bool_]:
        """The blocks that hold structure which stays."""
        holding: NDArray[np.bool_] = (_blocks(np.abs(self.field())) > STRUCTURED) & (self.bands()[1] > EDGE)
        return holding

    def empty(self) -> bool:
        """Whether it holds too little to say what is wrong, as of an empty wall.

        The first pictures of a wall agree by chance, and by a shadow that goes: by day, and while it is young, more is
        needed; lamps light less than the sun.
        """
        sure = self.kind != "day" and self.pictures >= SETTLED
        least = STRUCTURED_SHARE if sure else STRUCTURED_YOUNG
        return float(self.holding().mean()) < least

    def tells(self) -> bool:
        """Whether it is known well enough to say what is wrong."""
        return self.pictures >= LEARNT and not self.empty()


@dataclass(frozen=True, slots=True)
class View:
    """One direction in which the camera looks; a PTZ camera has one for each preset."""

    looks: tuple[Look, ...] = ()

    def look(self, kind: Kind) -> Look | None:
        return next((k for k in self.looks if k.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Reference:
    """Every view that is right. `by_person`: set by a person, so that no other view is ever added by itself."""

    views: tuple[View, ...] = ()
    by_person: bool = False

    def to_json(self) -> dict[str, Any]:
        """JSON-able, under 20 kB a view."""
        return {
            "version": VERSION,
            "byPerson": self.by_person,
            "views": [[_look_to_json(k) for k in v.looks] for v in self.views],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reference:
        """Raises ValueError where this is none, or of a version that is not known."""
        try:
            if data["version"] != VERSION:
                raise ValueError(f"a reference of version {data['version']}; {VERSION} is known")
            views = tuple(View(tuple(_look_from_json(k) for k in looks)) for looks in data["views"])
            return cls(views, bool(data["byPerson"]))
        except (KeyError, TypeError, AttributeError, binascii.Error, zlib.error) as e:
            raise ValueError(f"no reference: {type(e).__name__}") from e


@dataclass(frozen=True, slots=True)
class Match:
    """How a picture compares with a look; all but the first are shares or ratios.

    `kind`: the look's. `agreement`: correlation of directions in place, -1 to 1 (under 0.2 by chance, 1 for the same
    picture), the best within small shake. `elsewhere`: the best at any larger shift, which is (`right`, `down`), in
    shares of width and height: where the camera has turned to. `structured`: blocks that hold structure in the look. Of
    these: `held`, those that show it still; `gone`, those that show nothing, and `residue` the agreement within them
    (fog leaves a trace of what is behind it, cloth and dirt none); `soft`, those that lost their detail and kept
    their shape; `lost`, those with less than half of their contrast; `patchy`, by how many octaves contrast differs
    from one block to the next. `lively`: blocks with clear edges now; `other`: those of them that are not held.
    `contrast` of the held blocks to the look's, and `sharp`, their ratio of fine to coarse detail, the lower of two
    scales: medians; None where too few are held.
    """

    kind: Kind
    agreement: float
    elsewhere: float
    right: float
    down: float
    structured: float
    held: float
    gone: float
    residue: float
    soft: float
    lost: float
    patchy: float
    lively: float
    other: float
    contrast: float | None
    sharp: float | None


def kinds_of(measures: Measures, at: int) -> tuple[Kind, ...]:
    """Which looks a picture of `at` (ms since 1970) may belong to, the likeliest first.

    What covers a lens, and what lights a wall, changes the brightness: the hour says more, and that in twilight only.
    """
    day, night = daylight(at)
    if measures.chroma < GREY_BELOW:
        bright = day or measures.mean >= BRIGHT_ABOVE
        if night:  # what covers a lens that sees by lamps is grey as well
            return "infrared", "dark"
        return ("day", "infrared") if bright else ("infrared",)
    if day or night:
        return ("day",) if day else ("dark",)
    if measures.mean < DARK_BELOW:
        return ("dark",) if measures.mean < DARK_BELOW / NEAR else ("dark", "day")
    return ("day",) if measures.mean > DARK_BELOW * NEAR else ("day", "dark")


def daylight(at: int) -> tuple[bool, bool]:
    """Whether the sun is certainly up at `at` (ms since 1970), and certainly down."""
    hour = (at / 3_600_000 + ZONE_HOURS) % 24
    return DAY[0] <= hour < DAY[1], hour >= NIGHT[0] or hour < NIGHT[1]


def compare(look: Look, seen: Seen) -> Match | None:
    """None where they have not the same form: the camera's picture has another aspect now."""
    if seen.field.shape != (look.rows, look.columns):
        return None
    expected = look.field()
    agreement, (dy, dx), elsewhere, right, down = _registered(expected, seen.field)
    found = np.roll(seen.field, (-dy, -dx), (0, 1))
    agree = _blocks((np.conj(expected) * found).real) / np.maximum(_blocks(np.abs(expected) ** 2), 1e-3)
    was, now = look.bands(), seen.bands
    holding = look.holding()
    structured = int(holding.sum())
    there = holding & ~seen.dazzled
    held = there & (agree > HELD_ABOVE)
    weak = np.sqrt((now[1] + now[2]) / (was[1] + was[2] + 1e-3)) < GONE_BELOW
    gone = there & ~held & weak
    strength = np.sqrt((now[1] + now[2] + 0.5) / (was[1] + was[2] + 0.5))
    lively = now[1] > LIVELY + 20 * seen.measures.noise**2
    ratio = np.sqrt((now + 0.5) / (was + 0.5))
    # a glare adds coarse shape and takes no detail away: a block is as sharp as its detail is
    fine = np.maximum(np.minimum(ratio[0] / ratio[2], ratio[1] / ratio[3]), np.minimum(ratio[0], ratio[1]))
    soft = there & (ratio[1] < WEAK_BELOW) & (ratio[1] / ratio[3] < SOFT_BELOW)
    n, m = max(1, int(there.sum())), max(1, int(lively.sum()))
    return Match(
        kind=look.kind,
        agreement=agreement,
        elsewhere=elsewhere,
        right=right,
        down=down,
        structured=round(structured / there.size, 3),
        held=round(int(held.sum()) / n, 3),
        gone=round(int(gone.sum()) / n, 3),
        residue=_residue(expected, found, gone),
        soft=round(int(soft.sum()) / n, 3),
        lost=round(int((there & (strength < LOST_BELOW)).sum()) / n, 3),
        patchy=_patchy(strength, there),
        lively=round(int(lively.sum()) / there.size, 3),
        other=round(int((lively & ~held).sum()) / m, 3),
        contrast=round(float(np.median(ratio[2][held])), 3) if int(held.sum()) >= FEW else None,
        sharp=round(float(np.median(fine[held])), 3) if int(held.sum()) >= FEW else None,
    )


def _patchy(strength: NDArray[np.float32], there: NDArray[np.bool_]) -> float:
    log = np.log2(np.clip(strength, 0.1, 2))
    across, below = there[:, 1:] & there[:, :-1], there[1:] & there[:-1]
    steps = np.concatenate([np.abs(np.diff(log, axis=1))[across], np.abs(np.diff(log, axis=0))[below]])
    return round(float(steps.mean()), 3) if steps.size >= FEW else 0.0


def _residue(expected: NDArray[np.complex64], found: NDArray[np.complex64], gone: NDArray[np.bool_]) -> float:
    where = gone.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    a, b = (
        expected[: where.shape[0], : where.shape[1]][where],
        found[: where.shape[0], : where.shape[1]][where],
    )
    if a.size == 0:
        return 0.0
    scale = math.sqrt(float((np.abs(a) ** 2).sum() * (np.abs(b) ** 2).sum())) + 1e-6
    return round(float((np.conj(a) * b).real.sum()) / scale, 3)


def _registered(
    expected: NDArray[np.complex64], found: NDArray[np.complex64]
) -> tuple[float, tuple[int, int], float, float, float]:
    """How the two fields correlate at every shift: the best in place, with its cells; the best elsewhere, in shares.

    At once, by Fourier transform ("orientation correlation", Fitch 2002, here on cells).
    """
    a, b = expected - expected.mean(), found - found.mean()
    scale = math.sqrt(float((np.abs(a) ** 2).sum()) * float((np.abs(b) ** 2).sum()))
    if scale < 1:
        return 0.0, (0, 0), 0.0, 0.0, 0.0
    surface = np.fft.ifft2(np.conj(np.fft.fft2(a)) * np.fft.fft2(b)).real / scale
    rows, columns = surface.shape
    side = 2 * SHAKE + 1
    near = np.roll(surface, (SHAKE, SHAKE), (0, 1))[:side, :side]
    dy, dx = divmod(int(near.argmax()), side)
    far = np.roll(surface, (SHAKE + 1, SHAKE + 1), (0, 1))
    far[: side + 2, : side + 2] = -1
    row, column = divmod(int(far.argmax()), columns)
    row = (row - SHAKE - 1 + rows // 2) % rows - rows // 2
    column = (column - SHAKE - 1 + columns // 2) % columns - columns // 2
    # what moved left in the picture is seen by a camera that turned right
    return (
        round(float(near.max()), 3), (dy - SHAKE, dx - SHAKE),
        round(float(far.max()), 3), round(-column / columns, 3), round(-row / rows, 3),
    )  # fmt: skip


def _blocks(a: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = a.shape[0] // BLOCK, a.shape[1] // BLOCK
    cut = a[: rows * BLOCK, : columns * BLOCK]
    means: NDArray[np.float32] = cut.reshape(rows, BLOCK, columns, BLOCK).mean((1, 3))
    return means


# ---- learning


def first(seen: Seen, kind: Kind, *, certain: bool = False) -> Look:
    """A look of one picture; `certain` where a person vouches for it."""
    pictures = LEARNT if certain else 1
    return _coded(kind, pictures, seen.field, seen.bands, (seen.measures.white, float(seen.damaged)))


def learn(look: Look, seen: Seen) -> Look:
    """The look with one more picture in it: what people, shadows and headlights did averages out."""
    w = np.float32(1 / min(look.pictures + 1, MEMORY_LENGTH))
    field = look.field() * (1 - w) + seen.field * w
    bands = np.exp2((1 - w) * np.log2(1 + look.bands()) + w * np.log2(1 + seen.bands)) - 1
    white = float((1 - w) * look.white + w * seen.measures.white)
    damaged = float((1 - w) * look.damaged + w * seen.damaged)
    return replace(_coded(look.kind, look.pictures + 1, field, bands, (white, damaged)), at=look.at)


def _coded(
    kind: Kind,
    pictures: int,
    field: NDArray[np.complex64],
    bands: NDArray[np.float32],
    numbers: tuple[float, float],
) -> Look:
    parts = np.clip(np.rint(np.stack([field.real, field.imag]) * 127), -127, 127).astype(np.int8)
    power = np.clip(np.rint(16 * np.log2(1 + bands)), 0, 255).astype(np.uint8)
    rows, columns = field.shape
    return Look(
        kind,
        pictures,
        rows,
        columns,
        parts.tobytes() + power.tobytes(),
        round(numbers[0], 4),
        round(numbers[1], 3),
    )


def _room(rows: int, columns: int) -> int:
    return 2 * rows * columns + 4 * (rows // BLOCK) * (columns // BLOCK)


def _look_to_json(look: Look) -> dict[str, Any]:
    return {
        "kind": look.kind, "pictures": look.pictures, "rows": look.rows, "columns": look.columns,
        "coded": base64.b64encode(zlib.compress(look.coded, 9)).decode(),
        "white": look.white, "damaged": look.damaged, "at": look.at,
    }  # fmt: skip


def _look_from_json(data: dict[str, Any]) -> Look:
    rows, columns, text = int(data["rows"]), int(data["columns"]), data["coded"]
    if data["kind"] not in ("day", "dark", "infrared") or len(text) > LONGEST:
        raise ValueError("no look")
    room = _room(rows, columns) if rows > 0 and columns > 0 else 0
    unpacked = zlib.decompressobj().decompress(base64.b64decode(text), room + 1)
    if not 0 < room <= LONGEST or len(unpacked) != room:
        raise ValueError("a look of another size than it says")
    return Look(
        data["kind"],
        int(data["pictures"]),
        rows,
        columns,
        unpacked,
        float(data["white"]),
        float(data.get("damaged", 0)),
        int(data.get("at", 0)),
    )
