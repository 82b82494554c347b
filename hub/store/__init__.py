"""The embedded store: one SQLite file, one writer (ingest), readers with connections of their own."""
