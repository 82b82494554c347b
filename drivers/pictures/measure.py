"""What can be measured on one small grey picture, without knowing what it should show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.pictures.limits import BAND, BLOCK, CELL, CLIPPED, DAZZLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.pictures.frame import Frame

TILE = CELL * BLOCK  # pixels a side: tiles and blocks of cells are the same squares
QUARTER, EIGHTH = np.float32(0.25), np.float32(0.125)
FLAT = 1.5  # levels: a tile whose deviation is below holds nothing
EDGE_FLOOR = 12.0  # levels squared: what JPEG alone leaves of a gradient


@dataclass(frozen=True, slots=True)
class Measures:
    """Luminances in levels (0 to 255), shares from 0 to 1; the bands of overlays at top and bottom left out.

    `mean`, `low`, `high`: mean luminance, its 1st and 99th percentile. `white`, `black`: share of pixels at or above
    250, at or below 5. `contrast`: standard deviation. `entropy`: of the histogram, in bits. `structure`: share of
    cells that hold an edge. `sharpness`: energy of the finest detail to that at half the resolution, where there is
    detail: independent of light and contrast; None where there is too little of it. `noise`: deviation of the sensor's
    noise in levels (Immerkaer 1996, over the calmest fifth of the picture). `chroma`: as in Frame.
    """

    mean: float
    low: int
    high: int
    white: float
    black: float
    contrast: float
    entropy: float
    structure: float
    sharpness: float | None
    noise: float
    chroma: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame, measured.

    `field`: complex64, rows x columns of cells (28 x 64 where the picture is 16:9), the direction of each cell's edges,
    see `direction`. `bands`: float32, 4 x rows x columns of blocks (7 x 16): mean squared Laplacian at full, half,
    quarter and eighth resolution, less what the noise adds. `dazzled`: blocks in and beside a glare. `flat`: share of
    the picture's height, from below, that is one even surface row by row, and `flat_level` its luminance. `damaged`: as
    in Frame.
    """

    measures: Measures
    field: NDArray[np.complex64]
    bands: NDArray[np.float32]
    dazzled: NDArray[np.bool_]
    flat: float
    flat_level: float
    damaged: bool


def look_at(frame: Frame) -> Seen:
    """Measure a frame."""
    grey = frame.grey[BAND:-BAND]
    g = grey.astype(np.float32)
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    share = counts / grey.size
    cumulated = np.cumsum(share)
    levels = np.arange(256)
    mean = float(share @ levels)
    deviation = math.sqrt(max(0.0, float(share @ (levels - mean) ** 2)))
    some = share[share > 0]
    bands, noise = _details(g)
    field = direction(g, noise)
    flat, flat_level = _flat_rows(frame.grey)
    return Seen(
        Measures(
            mean=round(mean, 1),
            low=int(np.searchsorted(cumulated, 0.01)),
            high=int(np.searchsorted(cumulated, 0.99)),
            white=round(float(share[250:].sum()), 4),
            black=round(float(share[:6].sum()), 4),
            contrast=round(deviation, 2),
            entropy=round(float(-(some * np.log2(some)).sum()), 3),
            structure=round(float((np.abs(field) > 0.3).mean()), 4),  # noqa: PLR2004 - most of it one edge
            sharpness=_sharpness(bands, noise),
            noise=round(noise, 3),
            chroma=frame.chroma,
        ),
        field,
        bands,
        _dazzled(grey),
        flat,
        flat_level,
        frame.damaged,
    )


def _details(g: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Mean squared Laplacian by block at four resolutions, and the noise.

    The Laplacian is 4g - (left + right + above + below); its square, averaged, is a usual measure of focus
    (Pech-Pacheco 2000). Of noise of variance v it makes 20 v, and a quarter of that at each halved resolution.
    """
    laplacian, cross = _laplacian(g)
    # Immerkaer's mask is the Laplacian less a second one, turned by 45 degrees
    mask = laplacian - cross
    inner = mask[1:-1, 1:-1]
    inner += g[:-2, :-2]
    inner += g[:-2, 2:]
    inner += g[2:, :-2]
    inner += g[2:, 2:]
    shape = g.shape[0] // TILE, g.shape[1] // TILE
    calm = np.sort(_tiles(np.abs(mask), TILE, shape).ravel())
    noise = math.sqrt(math.pi / 2) / 6 * float(calm[: max(1, calm.size // 5)].mean())
    bands = [_tiles(laplacian * laplacian, TILE, shape)]
    for step in (1, 2, 3):
        g = g[: g.shape[0] // 2 * 2, : g.shape[1] // 2 * 2]
        g = (g[::2, ::2] + g[1::2, ::2] + g[::2, 1::2] + g[1::2, 1::2]) * QUARTER
        laplacian, _ = _laplacian(g)
        squares = laplacian * laplacian
        if step < 3:  # noqa: PLR2004 - a block is 10, then 5 pixels wide
            bands.append(_tiles(squares, TILE >> step, shape))
        else:  # 2.5 pixels: two blocks share 5
            pairs = _tiles(squares, TILE // 4, ((shape[0] + 1) // 2, (shape[1] + 1) // 2))
            bands.append(pairs.repeat(2, axis=0).repeat(2, axis=1)[: shape[0], : shape[1]])
    each = np.stack(bands)
    each -= np.array([20, 5, 1.25, 0.3125], np.float32)[:, None, None] * np.float32(noise * noise)
    return np.maximum(each, 0), noise


def _laplacian(g: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """With it the sum of the four neighbours; the border continues as it is."""
    p = np.pad(g, 1, mode="edge")
    cross = p[:-2, 1:-1] + p[2:, 1:-1]
    cross += p[1:-1, :-2]
    cross += p[1:-1, 2:]
    laplacian = 4 * g
    laplacian -= cross
    return laplacian, cross


def _tiles(a: NDArray[np.float32], side: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Means over squares of so many pixels, so many rows and columns of them; the last may be cut."""
    ys, xs = np.arange(shape[0]) * side, np.arange(shape[1]) * side
    cut = a[: shape[0] * side, : shape[1] * side]
    sums = np.add.reduceat(np.add.reduceat(cut, ys, axis=0), xs, axis=1)
    sizes = np.outer(np.diff(np.append(ys, cut.shape[0])), np.diff(np.append(xs, cut.shape[1])))
    means: NDArray[np.float32] = (sums / sizes).astype(np.float32)
    return means


def _sharpness(bands: NDArray[np.float32], noise: float) -> float | None:
    """The finest detail to that at half the resolution; the upper quartile of blocks with detail."""
    there = bands[1] > 20.0 + 20 * noise * noise  # an edge of 10 levels through the block
    if int(there.sum()) < 6:  # noqa: PLR2004 - blocks: fewer say nothing of a whole picture
        return None
    return round(float(np.percentile(bands[0][there] / bands[1][there], 75)), 4)


def direction(g: NDArray[np.float32], noise: float) -> NDArray[np.complex64]:
    """The structure tensor of each cell as one complex number.

    With gradient gx + i gy, the cell's number is sum((gx + i gy)^2) / (sum(|gx + i gy|^2) + floor): its angle is twice
    the edge's, so a bright-to-dark edge and a dark-to-bright one count alike (day and infra-red look); its length goes
    from 0 (no edge, or all directions) to 1 (one clear edge), whatever the light (Bigun and Granlund 1987).
    """
    p = np.pad(g, 1, mode="edge")
    down = p[:-2] + 2 * p[1:-1] + p[2:]
    gx = (down[:, 2:] - down[:, :-2]) * EIGHTH
    across = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    gy = (across[2:] - across[:-2]) * EIGHTH
    xx, yy = _cells(gx * gx), _cells(gy * gy)
    total = xx + yy
    field = np.empty(total.shape, np.complex64)
    field.real = xx - yy
    field.imag = 2 * _cells(gx * gy)
    field /= total + np.float32(EDGE_FLOOR / 8 + 3 * noise * noise)
    return field


def _cells(a: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = a.shape
    down = np.add.reduceat(a, np.arange(0, rows, CELL), axis=0)
    means: NDArray[np.float32] = np.add.reduceat(down, np.arange(0, columns, CELL), axis=1)
    return means * np.float32(1 / (CELL * CELL))


def _dazzled(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Blocks that are clipped to a good part, and their neighbours, which its halo washes out."""
    shape = grey.shape[0] // TILE, grey.shape[1] // TILE
    clipped = _tiles((grey >= CLIPPED).astype(np.float32), TILE, shape) > DAZZLED
    wide = clipped.copy()
    if clipped.any():
        p = np.pad(clipped, 1)
        for y in range(3):
            for x in range(3):
                wide |= p[y : y + shape[0], x : x + shape[1]]
    return wide


def _flat_rows(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """What a decoder fills in for lost data: rows from below that are each one even colour."""
    inner = grey[:, 4:-4]
    even = (inner.max(axis=1).astype(np.int16) - inner.min(axis=1)) <= 2  # noqa: PLR2004 - levels
    uneven = np.flatnonzero(~even)
    last = int(uneven[-1]) + 1 if uneven.size else 0
    if last == grey.shape[0]:
        return 0.0, 0.0
    return round((grey.shape[0] - last) / grey.shape[0], 3), round(float(inner[last:].mean()), 1)


def tiles_of(frame: Frame) -> tuple[int, ...]:
    """A 32-bit hash of the exact pixels of each tile that holds something; 0 where it is flat. Bands left out."""
    grey = frame.grey[BAND:-BAND]
    rows, columns = grey.shape[0] // TILE, grey.shape[1] // TILE
    tiles = (
        grey[: rows * TILE, : columns * TILE]
        .reshape(rows, TILE, columns, TILE)
        .swapaxes(1, 2)
        .reshape(rows * columns, TILE * TILE)
    )
    held = tiles.std(axis=1) > FLAT
    # one hash for all: a random weight for each place in a tile, modulo 2^32
    sums = (tiles.astype(np.uint64) * _WEIGHTS).sum(axis=1) & np.uint64(0xFFFFFFFF)
    return tuple(int(x) or 1 if h else 0 for x, h in zip(sums, held, strict=True))


_WEIGHTS = np.random.default_rng(20).integers(1, 2**32, TILE * TILE, dtype=np.uint64)
