"""Statements of a migration, one by one in the migration's transaction."""

from __future__ import annotations

import sqlite3

from alembic import op


def run(sql: str) -> None:
    """Run a script. `executescript` would commit what came before it, so statements are told apart here."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            op.get_bind().exec_driver_sql(statement)
            statement = ""
    if statement.strip():
        raise ValueError(f"not a whole statement: {statement[:80]}")
