"""Seeded chance as pure functions of (seed, time): the same question always gets the same answer."""

from __future__ import annotations

import math
import zlib

_MASK = (1 << 64) - 1


def seed_of(name: str) -> int:
    """A stable seed for a name."""
    return zlib.crc32(name.encode())


def dice(seed: int, n: int) -> float:
    """The nth throw of `seed`'s dice, 0 <= x < 1 (splitmix64)."""
    x = (seed * 0x9E3779B97F4A7C15 + n * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


def between(seed: int, n: int, low: float, high: float) -> float:
    """The nth throw, between `low` and `high`."""
    return low + (high - low) * dice(seed, n)


def drift(seed: int, now: float, period_s: float) -> float:
    """A smooth wander between 0 and 1 that has a new goal every `period_s`."""
    n = math.floor(now / period_s)
    x = now / period_s - n
    ease = x * x * (3 - 2 * x)
    return dice(seed, n) * (1 - ease) + dice(seed, n + 1) * ease
