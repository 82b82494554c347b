"""Where the log goes: lines for people, or for journald, which knows the time itself and takes a level in front."""

from __future__ import annotations

import logging
import os

_LEVELS = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class ForJournald(logging.Formatter):
    """`<level>name: text`, each line of a traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        level = next(number for least, number in _LEVELS if record.levelno >= least)
        return "\n".join(f"<{level}>{line}" for line in super().format(record).splitlines())


def set_up(level: str) -> None:
    """Log to standard error from `level` on."""
    handler = logging.StreamHandler()
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(ForJournald("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
