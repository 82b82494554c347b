"""Notices with their revisions, the frames that were published, pictures, templates, what boards do by themselves."""

from hub.store.migrations.statements import run

revision = "0005"
down_revision = "0004"

SQL = """
-- `published`: the revision that boards have; `version` counts every change.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, published INTEGER, ends_at INTEGER
);
-- `body`: the draft as JSON; `frames`: profile -> [[hash, seconds], ...]; `hash`: of body and frames as canonical JSON.
CREATE TABLE revision (
    notice INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, written_by TEXT NOT NULL,
    written_at INTEGER NOT NULL, approved_by TEXT NOT NULL DEFAULT '', approved_at INTEGER,
    published_by TEXT NOT NULL DEFAULT '', published_at INTEGER, ended_by TEXT NOT NULL DEFAULT '', ended_at INTEGER,
    why TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '', placed_at INTEGER NOT NULL DEFAULT 0,
    frames TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (notice, number)
) WITHOUT ROWID;
CREATE TRIGGER revision_is_so BEFORE UPDATE ON revision
WHEN old.published_at IS NOT NULL AND (
    new.body IS NOT old.body OR new.frames IS NOT old.frames OR new.hash IS NOT old.hash
    OR new.written_by IS NOT old.written_by OR new.written_at IS NOT old.written_at
    OR new.approved_by IS NOT old.approved_by OR new.approved_at IS NOT old.approved_at
    OR new.published_by IS NOT old.published_by OR new.published_at IS NOT old.published_at
    OR new.placed_at IS NOT old.placed_at OR new.notice IS NOT old.notice OR new.number IS NOT old.number
    OR (old.ended_at IS NOT NULL AND new.ended_at IS NOT old.ended_at)
) BEGIN SELECT raise(ABORT, 'what was published stays as it was'); END;
CREATE TRIGGER revision_stays BEFORE DELETE ON revision WHEN old.published_at IS NOT NULL
BEGIN SELECT raise(ABORT, 'what was published stays'); END;
-- Frames of what was published, by the hash of their pixels; never changed.
CREATE TABLE frame (hash TEXT PRIMARY KEY, profile TEXT NOT NULL, png BLOB NOT NULL);
-- Pictures that people gave, by the hash of the file.
CREATE TABLE upload (hash TEXT PRIMARY KEY, data BLOB NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL);
CREATE TABLE template (
    name TEXT PRIMARY KEY, level TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
-- What a board does by itself (devices.notice.Policy), as JSON, where it differs from all others.
CREATE TABLE board (device TEXT PRIMARY KEY, policy TEXT NOT NULL) WITHOUT ROWID;
"""


def upgrade() -> None:
    """Make the tables."""
    run(SQL)
