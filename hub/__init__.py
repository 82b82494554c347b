"""The running hub: ingest, store, pages, callouts, jobs."""
