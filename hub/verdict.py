"""Verdicts: what a device's health is by what its track holds, and what its changes and its boots tell about it.

Functions of one track; when they are asked, and what follows, is the tracker's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.health import Health, Reason
from hub.notices.proof import UNPROVED, unproved
from rules import alert as alerts

if TYPE_CHECKING:
    from hub.track import Track

UNSTABLE_CHANGES = 4
UNSTABLE_MS = 30 * 60_000
TURNS = 3
TURNS_MS = 10 * 60_000
TURNS_OF_INTERVALS = 6
FRESH_MS = 120_000
LOST = (Health.UNKNOWN, Health.OFFLINE)
"""Nothing is heard of the device, unless it is `in_doubt`."""


def in_doubt(t: Track) -> bool:
    """A board that is heard and proves nothing."""
    return t.health is Health.UNKNOWN and bool(t.reasons) and t.reasons[0].code in UNPROVED


def heard(t: Track) -> Health:
    """A device's health as far as it is about being heard: what cannot be proved is well."""
    return Health.OK if in_doubt(t) else t.health


def health_of(t: Track) -> tuple[Health, tuple[Reason, ...]]:
    """What is known of a device, and why it is not more."""
    if t.last_seen is None:
        return Health.UNKNOWN, (Reason("never_seen"),)
    uplink = t.uplink
    lost_at = None if uplink is None else uplink.since if uplink.silent else uplink.gone_at
    cut = lost_at is not None and lost_at >= t.last_seen
    behind = (Reason("gateway_silent", {"gateway": uplink.device.name}),) if cut and uplink else ()
    if t.silent:
        unreachable = Reason("unreachable", {"at": t.gone_at, "how": t.gone_why})
        why = unreachable if t.gone_why else Reason("silent", {"last_seen": t.last_seen})
        return Health.OFFLINE, (why, *behind)
    worst, reasons = _from_alerts(t)
    if worst is Health.FAULTY:
        return worst, reasons
    if t.gone_at is not None:
        return Health.UNKNOWN, (Reason("link_lost", {"at": t.gone_at}), *behind)
    if behind:
        return Health.UNKNOWN, behind
    doubt = unproved(t) if worst is Health.OK else None
    return (worst, reasons) if doubt is None else (Health.UNKNOWN, (doubt,))


def _from_alerts(t: Track) -> tuple[Health, tuple[Reason, ...]]:
    if not t.active:
        return Health.OK, ()
    found: list[tuple[int, str, str]] = []
    for rule in t.rules:
        state = t.active.get(rule.id)
        severity = None if state is None else alerts.severity(state, rule)
        if severity is not None and severity.word in (Health.DEGRADED, Health.FAULTY):
            found.append((int(severity), severity.word, rule.id))
    if not found:
        return Health.OK, ()
    found.sort(reverse=True)
    reasons = tuple(Reason("rule", {"rule": rule, "severity": word}) for _, word, rule in found)
    return Health(found[0][1]), reasons


# --- unstable -------------------------------------------------------------------------------------------------


def counts(t: Track, before: Health, at: int) -> bool:
    """Count a change towards `unstable`; True where it is one that counts.

    Time in which nothing is heard of a device counts as its two ends, and when it is over: by then it is known
    whose fault it was. The broker's end, or that of the gateway above it, is none of the device's; and a will
    that was queued while the hub was away may be one that it had before. `before`: as `heard` had it.
    """
    now = heard(t)
    if now is before:
        return False
    if now in LOST:
        if before not in LOST:
            t.lost_at = at
            t.excused = t.excused and t.gone_at is not None
        return False
    made = [at]
    if before in LOST:
        if t.lost_at is None or t.excused or t.gone_at is not None:
            return (
                False  # the first sign of life; somebody else's fault; a timer's word, the link is still lost
            )
        made = [t.lost_at, at]
    t.changes = [*t.changes, *made][-UNSTABLE_CHANGES:]
    return True


def too_many(t: Track, at: int) -> bool:
    """True where it changed so often in so short a time that it is unstable."""
    return len(t.changes) >= UNSTABLE_CHANGES and at - t.changes[0] <= UNSTABLE_MS


def excuse(t: Track) -> None:
    """What is lost behind a silent gateway is none of the device's fault."""
    if not t.excused and t.health in LOST and any(r.code == "gateway_silent" for r in t.reasons):
        t.excused = True


# --- a copied password ----------------------------------------------------------------------------------------


def took_turn(t: Track, sent: int | None, at: int) -> bool:
    """A live reading of a boot that was over; True where a second device must be speaking with a copied password.

    Two devices go on taking turns, each at its own interval. What a rebooted device had queued comes in a burst, or
    says when it was measured; a turn counts only where the present boot spoke since the one before it.
    """
    if sent is not None and abs(sent - at) > FRESH_MS:
        return False
    last = t.turns[-1] if t.turns else None
    burst = last is not None and at - last < t.device.interval_s * 500
    if last is None or burst or t.last_seen is None or t.last_seen <= last:
        t.turns = [at]
    else:
        t.turns = [*(x for x in t.turns[1 - TURNS :] if at - x <= turns_ms(t)), at]
    return t.copied or len(t.turns) >= TURNS


def turns_ms(t: Track) -> int:
    """Within so long two devices of one name take their turns, and after so long without one they do no more."""
    return max(TURNS_MS, TURNS_OF_INTERVALS * round(t.device.interval_s * 1000))
