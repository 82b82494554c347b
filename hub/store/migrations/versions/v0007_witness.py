"""A board may name the camera that sees it."""

from hub.store.migrations.statements import run

revision = "0007"
down_revision = "0006"

SQL = """
CREATE TABLE witness (board TEXT PRIMARY KEY, camera TEXT NOT NULL) WITHOUT ROWID;
"""


def upgrade() -> None:
    """Make the table."""
    run(SQL)
