"""How old a firmware is: by the date that makers write into its name."""

from __future__ import annotations

import datetime as dt
import re

_WHOLE = re.compile(r"(?<!\d)(20[012]\d)([-._/]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_SHORT = re.compile(r"(?i)build[\s:_-]*(\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_FIRST = dt.date(2005, 1, 1)


def built_on(firmware: str, today: dt.date) -> dt.date | None:
    """The day on which a firmware was made, as its name says; None where it says none that can be.

    `V5.5.82 build 190318`, `2.800.0000000.16.R, Build Date: 2020-07-13`, `IPC_Q1203-B0006P10D1806 20180926`. Six
    digits count after the word build only: elsewhere they are numbers.
    """
    for pattern, century in ((_WHOLE, 0), (_SHORT, 2000)):
        for found in pattern.finditer(firmware):
            year, month, day = int(found[1]) + century, int(found.groups()[-2]), int(found.groups()[-1])
            try:
                made = dt.date(year, month, day)
            except ValueError:
                continue
            if _FIRST <= made <= today:
                return made
    return None
