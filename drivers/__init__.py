"""How hardware talks. DRIVERS, ASKING and VISITING are the tables of drivers: adding one is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import AGENT, POLLED
from drivers.contract import Capabilities
from drivers.native import Native

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.contract import Dialect

NATIVE = Native()
DRIVERS: Mapping[str, Dialect] = {"native": NATIVE}
"""Dialects: the device speaks MQTT itself."""

ASKING: frozenset[str] = POLLED
"""Drivers of devices that must be asked. A poller does, and says what it learns in the native dialect."""

VISITING: frozenset[str] = frozenset({"player", "led"})
"""Drivers of boards that come by HTTP, through the outside door; what they say is in the native dialect."""

KNOWN: frozenset[str] = frozenset({*DRIVERS, *ASKING, *VISITING, AGENT})
"""What a device's `driver` may be. An agent speaks the native dialect, for its realm's cameras, too."""

CAPABILITIES: Mapping[str, Capabilities] = {
    "native": Capabilities(reports=True, accepts=True, receipts="applied"),
    "onvif": Capabilities(reports=True, accepts=False, receipts="none"),
    "player": Capabilities(reports=True, accepts=True, receipts="applied"),
    "led": Capabilities(reports=True, accepts=True, receipts="stored"),
    AGENT: Capabilities(reports=True, accepts=True, receipts="applied"),
}
"""What each can: a controller that fetches a frame has it, and never says that it shows it."""


def dialect_of(driver: str) -> Dialect:
    """How a device's messages are read."""
    return DRIVERS.get(driver, NATIVE)
