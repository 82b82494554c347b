"""Devices, journal, transitions, alerts, incidents: what the road needs."""

from hub.store.migrations.statements import run

revision = "0001"
down_revision = None

SQL = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE site (
    slug TEXT PRIMARY KEY, name TEXT NOT NULL, tier TEXT NOT NULL, lat REAL, lon REAL, since TEXT, until TEXT
) WITHOUT ROWID;
CREATE TABLE placing (site TEXT NOT NULL, parent TEXT NOT NULL, since TEXT, until TEXT);
CREATE TABLE device (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, realm TEXT NOT NULL, site TEXT NOT NULL,
    title TEXT NOT NULL, interval_s REAL NOT NULL, timeout_s REAL, lifecycle TEXT NOT NULL, power_from TEXT,
    uplink_by TEXT, lat REAL, lon REAL, place TEXT NOT NULL, tags TEXT NOT NULL, password TEXT NOT NULL DEFAULT ''
);
CREATE TABLE pending (
    name TEXT PRIMARY KEY, realm TEXT NOT NULL, claim TEXT NOT NULL, first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL, times INTEGER NOT NULL
) WITHOUT ROWID;
-- Every accepted message, as it came. `prev` is the position of the device's message before it: a device's past
-- is read by walking back, without an index on the road. `what`: channel + 16 late + 32 garbled
-- + 64 placed in a gap by its own time + 128 placed at its end.
CREATE TABLE journal (
    pos INTEGER PRIMARY KEY, prev INTEGER NOT NULL, device INTEGER NOT NULL, at INTEGER NOT NULL,
    what INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE transition (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL, at INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    unstable INTEGER NOT NULL, reasons TEXT NOT NULL
);
CREATE INDEX transition_device ON transition (device, at);
CREATE TABLE alert (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL, rule TEXT NOT NULL, generation INTEGER NOT NULL,
    severity TEXT NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER, why TEXT NOT NULL, incident INTEGER NOT NULL,
    UNIQUE (device, rule, generation)
);
CREATE INDEX alert_open ON alert (device) WHERE closed_at IS NULL;
CREATE TABLE incident (
    id INTEGER PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL, device INTEGER NOT NULL, rule TEXT NOT NULL,
    opened_at INTEGER NOT NULL, recovering_at INTEGER, closed_at INTEGER, accepted_by TEXT NOT NULL DEFAULT '',
    accepted_at INTEGER, body TEXT NOT NULL
);
CREATE INDEX incident_open ON incident (id) WHERE closed_at IS NULL;
CREATE TABLE incident_log (
    id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL,
    who TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX incident_log_incident ON incident_log (incident);
CREATE TABLE deaf (
    id INTEGER PRIMARY KEY, start INTEGER NOT NULL, "end" INTEGER, reason TEXT NOT NULL, cut INTEGER NOT NULL
);
CREATE TABLE checkpoint (device INTEGER PRIMARY KEY, state TEXT NOT NULL);
"""


def upgrade() -> None:
    """Make the tables."""
    run(SQL)
