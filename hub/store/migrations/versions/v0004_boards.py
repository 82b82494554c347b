"""Notice boards: what each can draw."""

from hub.store.migrations.statements import run

revision = "0004"
down_revision = "0003"

SQL = """
ALTER TABLE device ADD COLUMN profile TEXT NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Make the columns."""
    run(SQL)
