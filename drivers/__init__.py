"""How hardware talks. DRIVERS is the one table of them: adding a driver is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.native import Native

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.contract import Dialect

DRIVERS: Mapping[str, Dialect] = {"native": Native()}
