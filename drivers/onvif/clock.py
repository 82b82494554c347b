"""A camera's clock, as GetSystemDateAndTime tells it, and how far it is from ours."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple

_QUARTER = 900
_CLOSE_S = 5
_ZONE = re.compile(
    r"^(?:<[^>]{1,12}>|[A-Za-z/_ ]{1,30}?)?\s*([+-]?)(\d{1,2})(?::?(\d{2}))?(?::\d{2})?(?=$|[A-Za-z<,])"
)
_EPOCH_YEAR = 1970
_LAST_YEAR = 2105


class Clock(NamedTuple):
    """What was learnt. Seconds; positive drift: the camera is ahead.

    `drift_s` None: it told no date at all. `source`: `utc`, `local` (its UTC is missing, its zone was used),
    `guessed` (local time, zone unknown: right to a quarter of an hour), `local_as_utc` (it calls its local time
    UTC; the drift is that of the wall clock) or `none`. `sign_s` is what to add to our clock when signing: the
    camera checks signatures with what it believes to be UTC. `sync`: NTP, Manual or nothing.
    """

    drift_s: float | None
    sign_s: float
    source: str
    sync: str
    zone: str


UNKNOWN = Clock(None, 0.0, "none", "", "")


def moment(value: Any) -> float | None:
    """Seconds since 1970 of a tt:DateTime read as UTC; None where it is missing, zero or impossible."""
    try:
        date, time = value.Date, value.Time
        if not _EPOCH_YEAR <= date.Year <= _LAST_YEAR:
            return None
        day = dt.datetime(date.Year, date.Month, date.Day, tzinfo=dt.UTC)
        at = day.replace(hour=time.Hour, minute=time.Minute, second=min(time.Second, 59))
        return at.timestamp()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def offset_s(zone: str, *, saving: bool = False) -> int | None:
    """Seconds east of Greenwich of a POSIX TZ (`ICT-7`, `<+07>-7`, `CST-8:00:00`); None where it is none.

    POSIX counts westwards. `GMT+07:00` and `UTC+7` are written by cameras in either sense: None.
    """
    found = _ZONE.match(zone.strip())
    if not found or (re.match(r"(?i)\s*(gmt|utc|z)", zone) and int(found[2])):
        return None
    seconds = int(found[2]) * 3600 + int(found[3] or 0) * 60
    if seconds > 15 * 3600:
        return None
    return (seconds if found[1] == "-" else -seconds) + (3600 if saving else 0)


def read(said: Any, now: float) -> Clock:
    """What GetSystemDateAndTime's answer means, heard at `now` (seconds since 1970)."""
    sync = str(getattr(said, "DateTimeType", None) or "")
    zone_node = getattr(said, "TimeZone", None)
    zone = str(getattr(zone_node, "TZ", None) or "")[:60].strip()
    utc, local = moment(getattr(said, "UTCDateTime", None)), moment(getattr(said, "LocalDateTime", None))
    offset = offset_s(zone, saving=bool(getattr(said, "DaylightSavings", None)))
    half = 0.5  # a camera tells whole seconds
    if utc is not None:
        drift = utc + half - now
        if offset and local is not None and abs(local - utc) < _CLOSE_S and abs(drift - offset) < abs(drift):
            return Clock(drift - offset, drift, "local_as_utc", sync, zone)
        return Clock(drift, drift, "utc", sync, zone)
    if local is None:
        return Clock(None, 0.0, "none", sync, zone)
    if offset is not None:
        drift = local + half - offset - now
        return Clock(drift, drift, "local", sync, zone)
    raw = local + half - now
    if abs(raw) > 14 * 3600:  # no zone is that far away
        return Clock(raw, raw, "guessed", sync, zone)
    drift = raw - round(raw / _QUARTER) * _QUARTER
    return Clock(drift, drift, "guessed", sync, zone)
