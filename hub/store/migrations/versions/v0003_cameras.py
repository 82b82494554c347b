"""Cameras that are asked: where and as whom, how each is treated, and the pictures that are kept of it."""

from hub.store.migrations.statements import run

revision = "0003"
down_revision = "0002"

SQL = """
ALTER TABLE device ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN login TEXT NOT NULL DEFAULT '';
-- How a camera is treated, as JSON: events, masks, the check of its default password and who switched that on.
CREATE TABLE camera (device TEXT PRIMARY KEY, body TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
-- Pictures that are kept: `what` is last, reference or fault; the file of each lies in the data folder.
CREATE TABLE picture (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, file TEXT NOT NULL UNIQUE,
    codes TEXT NOT NULL, bytes INTEGER NOT NULL, by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX picture_device ON picture (device, what, at);
"""


def upgrade() -> None:
    """Make the tables."""
    run(SQL)
