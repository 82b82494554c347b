"""History: followers of the journal, each with its own pace and a cursor, and what can be asked of the past."""
