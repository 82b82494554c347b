"""The version of var/hub.db that this hub reads and writes, and the way there from an older one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

VERSION = 7
"""The newest in migrations/versions; kept in the file as `PRAGMA user_version`."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: Path, found: int) -> Path | None:
    """Bring the database from version `found` (0: an empty file) to VERSION, whole or not at all.

    A copy of one that held something is kept beside it; returns its path. Raises sqlite3.Error, OSError.
    """
    # SQLAlchemy costs 0.4 s at import and is needed only here
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import NullPool, create_engine, event  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    kept = _keep(path, found) if found else None
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _by_hand(db: Any, _record: object) -> None:
        db.isolation_level = None  # else sqlite3 begins a transaction only before the first INSERT

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if found == 1:  # from before Alembic
                command.stamp(config, "0001")
            command.upgrade(config, f"{VERSION:04d}")
            connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
    except DBAPIError as e:
        raise e.orig if isinstance(e.orig, sqlite3.Error) else sqlite3.OperationalError(str(e)) from e
    finally:
        engine.dispose()
    return kept


def _keep(path: Path, found: int) -> Path:
    """A consistent copy of the database as it was."""
    kept = path.with_name(f"{path.name}.version-{found}")
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(kept)) as new:
        old.backup(new)
    kept.chmod(0o600)
    return kept
