"""Registry with its past, people, audit, credentials and links, light programs, cursors of the journal's followers."""

from hub.store.migrations.statements import run

revision = "0002"
down_revision = "0001"

SQL = """
-- A device's `version` counts its changes: who edits an older one is told. `nvr` and `channel`: a camera is
-- (endpoint, channel), one recorder has many.
ALTER TABLE device ADD COLUMN driver TEXT NOT NULL DEFAULT 'native';
ALTER TABLE device ADD COLUMN nvr TEXT;
ALTER TABLE device ADD COLUMN channel INTEGER;
ALTER TABLE device ADD COLUMN serial TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE site ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- Names that a site had, until when (exclusive); the present one stands in `site`.
CREATE TABLE site_name (site TEXT NOT NULL, name TEXT NOT NULL, since TEXT, until TEXT NOT NULL);
-- What has hung at a device's place, one row a piece of hardware; the present one has no `until`.
CREATE TABLE hardware (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL, serial TEXT NOT NULL, model TEXT NOT NULL, firmware TEXT NOT NULL,
    since INTEGER, until INTEGER, why TEXT NOT NULL
);
CREATE INDEX hardware_device ON hardware (device);
-- `folded`: the name without diacritics and case, by which it is unique.
CREATE TABLE person (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, role TEXT NOT NULL, phone TEXT NOT NULL,
    site TEXT NOT NULL, active INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1
);
-- Who did what, from where: only ever added to. `before` and `after` are JSON objects of what changed.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, person TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_is_so BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is only added to'); END;
-- What is secret, encrypted with the key file that lies outside this database (hub.secrets), for a time or for good.
CREATE TABLE secret (
    owner TEXT NOT NULL, what TEXT NOT NULL, box BLOB NOT NULL, expires_at INTEGER, PRIMARY KEY (owner, what)
) WITHOUT ROWID;
-- Signed addresses that open the outside door; `hash` is of the token, which is told once.
CREATE TABLE link (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, subject TEXT NOT NULL, note TEXT NOT NULL,
    made_by TEXT NOT NULL, made_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER, used_at INTEGER,
    uses INTEGER NOT NULL DEFAULT 0
);
-- Light programs, one a target (`site:x`, `tag:x`, `device:x`); `body` is canonical JSON.
CREATE TABLE program (
    name TEXT PRIMARY KEY, target TEXT NOT NULL UNIQUE, body TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
-- On until dawn, for a target, until an instant.
CREATE TABLE override (target TEXT PRIMARY KEY, until INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
-- What `desired` payloads say, by their id, each once: thousands of devices share one.
CREATE TABLE plan (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
-- What each device should be, and since when it is asked; `program`: by which one; `id` empty: nothing is asked.
CREATE TABLE desired (
    device INTEGER PRIMARY KEY, id TEXT NOT NULL, program TEXT NOT NULL, at INTEGER NOT NULL
);
-- How far each follower of the journal has come (history, influxdb): rows up to `pos` are not needed for it.
CREATE TABLE cursor (name TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
"""


def upgrade() -> None:
    """Make the tables."""
    run(SQL)
