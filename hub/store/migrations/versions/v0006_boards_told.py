"""What boards were told and what they answered."""

from hub.store.migrations.statements import run

revision = "0006"
down_revision = "0005"

SQL = """
-- Playlists that boards follow or lately followed (devices.notice.Playlist as JSON, without pictures), since when.
CREATE TABLE playlist (id TEXT PRIMARY KEY, body TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
-- The proof: what became of a published revision on a board. `sent` is the hub's own word (boot -1, seq: of its row in
-- the journal); the others are receipts, known by (boot, seq). `frames`: hashes in turn, as JSON.
CREATE TABLE step (
    id INTEGER PRIMARY KEY, notice INTEGER NOT NULL, revision INTEGER NOT NULL, device INTEGER NOT NULL,
    state TEXT NOT NULL, at INTEGER NOT NULL, board_at INTEGER, late INTEGER NOT NULL DEFAULT 0,
    frames TEXT NOT NULL DEFAULT '[]', right INTEGER, detail TEXT NOT NULL DEFAULT '', boot INTEGER, seq INTEGER
);
CREATE UNIQUE INDEX step_once ON step (device, boot, seq, notice, revision);
CREATE INDEX step_notice ON step (notice, at);
"""


def upgrade() -> None:
    """Make the tables."""
    run(SQL)
