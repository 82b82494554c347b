"""The store's versions, for Alembic: one file a version in versions/, in plain SQL."""
