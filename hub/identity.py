"""Identity windows: whether (boot, seq) of a device was seen.

Per boot the seen sequence numbers are kept as ranges, lowest first. Publishers send fresh messages before
their own queue and a gateway sends hours of backlog after them, so numbers come far out of order; ranges stay
exact over any distance while a device has at most GAPS gaps a boot. Beyond that the oldest gap is closed:
what is missing in it would be taken for seen. The last BOOTS boots are kept.
"""

from __future__ import annotations

from bisect import bisect_right

BOOTS = 8
GAPS = 64

Boots = dict[int, list[int]]
"""boot -> [low, high, low, high, ...], inclusive; boots in order of their first message."""


def admit(boots: Boots, boot: int, seq: int) -> bool:
    """Note (boot, seq); False where it was seen before."""
    ranges = boots.get(boot)
    if ranges is None:
        boots[boot] = [seq, seq]
        if len(boots) > BOOTS:
            del boots[next(iter(boots))]
        return True
    if seq == ranges[-1] + 1:
        ranges[-1] = seq
        return True
    return _insert(ranges, seq)


def _insert(ranges: list[int], seq: int) -> bool:
    i = bisect_right(ranges, seq)
    if i % 2:  # inside a range: at or above its low, below its high
        return False
    if i and ranges[i - 1] == seq:  # equal to a high
        return False
    joins_low = i > 0 and ranges[i - 1] == seq - 1
    joins_high = i < len(ranges) and ranges[i] == seq + 1
    if joins_low and joins_high:
        del ranges[i - 1 : i + 1]
    elif joins_low:
        ranges[i - 1] = seq
    elif joins_high:
        ranges[i] = seq
    else:
        ranges[i:i] = [seq, seq]
        if len(ranges) > 2 * (GAPS + 1):
            del ranges[1:3]
    return True
