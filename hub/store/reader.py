"""Reading var/hub.db beside the writer: short-lived connections for pages, in worker threads."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from devices.health import Health, Reason
from devices.transition import Transition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hub.audit import Wanted

CHANNELS = ("state", "telemetry", "occurrence", "receipt", "desired")
"""A journal row's low four bits name its channel. `desired` rows are the hub's own: what it asks from then on."""
LATE = 16
GARBLED = 32

_PAST = """
WITH RECURSIVE past(prev, at, what, body) AS (
    SELECT prev, at, what, body FROM journal WHERE pos = ?1
    UNION ALL
    SELECT j.prev, j.at, j.what, j.body FROM past JOIN journal j ON j.pos = past.prev
    WHERE past.at >= ?2 OR past.what & 16
)
SELECT at, what, body FROM past
"""

_STEPS = (
    "SELECT device.name, notice, revision, state, step.at, board_at, late, frames, right, detail "
    "FROM step JOIN device ON device.id = step.device"
)


def reasons_to_json(reasons: Sequence[Reason]) -> str:
    """Reasons as stored."""
    return json.dumps([[r.code, dict(r.about)] for r in reasons], ensure_ascii=False, separators=(",", ":"))


def reasons_from_json(text: str) -> tuple[Reason, ...]:
    """Reasons as they were."""
    return tuple(Reason(code, about) for code, about in json.loads(text))


class Reader:
    """Answers questions about the past. Every call opens and closes its own read-only connection."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.absolute().as_uri()}?mode=ro"

    def _rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._uri, uri=True, timeout=5)) as db:
            return db.execute(sql, params).fetchall()

    def past(self, pos: int, since: int) -> Iterator[tuple[int, int, bytes]]:
        """A device's journal rows (at, what, body) back from its newest position `pos` to `since` ms."""
        with closing(sqlite3.connect(self._uri, uri=True, timeout=5)) as db:
            yield from db.execute(_PAST, (pos, since))

    def transitions(self, device: int, name: str, since: int, limit: int) -> list[Transition]:
        """A device's changes of health, newest first."""
        found = self._rows(
            "SELECT at, before, after, unstable, reasons FROM transition WHERE device=? AND at>=? "
            "ORDER BY at DESC, id DESC LIMIT ?",
            device,
            since,
            limit,
        )
        return [
            Transition(name, at, Health(before), Health(after), bool(unstable), reasons_from_json(reasons))
            for at, before, after, unstable, reasons in found
        ]

    def people(self) -> list[tuple[Any, ...]]:
        """Everybody: (id, name, role, phone, site, active, version)."""
        return self._rows("SELECT id, name, role, phone, site, active, version FROM person")

    def links(self) -> list[tuple[Any, ...]]:
        """Every link, in the order of hub.links.Link, then its hash."""
        return self._rows(
            "SELECT id, purpose, subject, note, made_by, made_at, expires_at, revoked_at, used_at, uses, hash FROM link"
        )

    def passwords(self) -> list[tuple[str, str]]:
        """Devices' broker passwords as hashes: (name, hash), those that have one."""
        return self._rows("SELECT name, password FROM device WHERE password != ''")

    def boxes(self, what: str) -> list[tuple[str, bytes]]:
        """Secrets of one name, still sealed: (owner, box)."""
        return self._rows("SELECT owner, box FROM secret WHERE what=?", what)

    def pictures(self, device: str) -> list[tuple[Any, ...]]:
        """Pictures kept of a camera, in the order of hub.cameras.Picture."""
        return self._rows(
            "SELECT id, device, what, at, file, codes, bytes, by FROM picture WHERE device=?", device
        )

    def frame(self, found: str) -> bytes | None:
        """The PNG of a frame that was published."""
        rows = self._rows("SELECT png FROM frame WHERE hash=?", found)
        return rows[0][0] if rows else None

    def steps(self, notice: int) -> list[tuple[Any, ...]]:
        """What became of a notice on every board (hub.notices.views.Step), oldest first."""
        return self._rows(f"{_STEPS} WHERE notice=? ORDER BY step.at, step.id", notice)

    def said_by(self, board: str, limit: int) -> list[tuple[Any, ...]]:
        """What became of notices on a board, newest first."""
        return self._rows(f"{_STEPS} WHERE device.name=? ORDER BY step.id DESC LIMIT ?", board, limit)

    def upload(self, found: str) -> bytes | None:
        """A picture that somebody gave."""
        rows = self._rows("SELECT data FROM upload WHERE hash=?", found)
        return rows[0][0] if rows else None

    def camera_options(self) -> list[tuple[str, str]]:
        """How cameras are treated: (name, JSON), those that differ from all others."""
        return self._rows("SELECT device, body FROM camera")

    def picture_files(self) -> list[str]:
        """The files of all pictures that are kept."""
        return [name for (name,) in self._rows("SELECT file FROM picture")]

    def fresh(self, what: str) -> list[tuple[str, int]]:
        """Until when secrets of one name are kept: (owner, ms)."""
        return self._rows("SELECT owner, expires_at FROM secret WHERE what=? AND expires_at NOT NULL", what)

    def audit(self, wanted: Wanted, before: int | None, limit: int) -> list[tuple[Any, ...]]:
        """Entries of the audit of an id below `before`, newest first."""
        asked: dict[str, object] = {
            "person = ?": wanted.person,
            "subject = ?" if wanted.exact else "substr(subject, 1, length(?)) = ?": wanted.subject,
            "substr(action, 1, length(?)) = ?": wanted.action,
            "at >= ?": wanted.since,
            "at < ?": wanted.until,
            "id < ?": before,
        }
        asked = {where: value for where, value in asked.items() if value not in ("", None)}
        return self._rows(
            "SELECT id, at, person, address, action, subject, before, after FROM audit "  # noqa: S608 - written here
            f"WHERE {' AND '.join(asked) or 'true'} ORDER BY id DESC LIMIT ?",
            *(value for where, value in asked.items() for _ in range(where.count("?"))),
            limit,
        )

    def hardware(self, device: int) -> list[tuple[Any, ...]]:
        """What has hung at a device's place, newest first: (serial, model, firmware, since, until, why)."""
        return self._rows(
            "SELECT serial, model, firmware, since, until, why FROM hardware WHERE device=? ORDER BY id DESC",
            device,
        )

    def incidents(self, before: int | None, limit: int) -> list[tuple[Any, ...]]:
        """Incidents as stored, newest first, of an id below `before`."""
        return self._rows(
            "SELECT id, device, body FROM incident WHERE id < ? ORDER BY id DESC LIMIT ?",
            before if before is not None else 2**62,
            limit,
        )

    def incident(self, number: int) -> tuple[Any, ...] | None:
        """One incident as stored."""
        found = self._rows("SELECT id, device, body FROM incident WHERE id=?", number)
        return found[0] if found else None

    def incident_log(self, number: int) -> list[tuple[int, str, str, str]]:
        """An incident's story, oldest first: (at, what, who, text)."""
        return self._rows("SELECT at, what, who, text FROM incident_log WHERE incident=? ORDER BY id", number)
