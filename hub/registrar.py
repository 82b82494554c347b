"""The registrar: every change of what is registered, in ingest, each with its entry in the audit.

A change is checked first (Refused: nothing happened), then stored with the batch, then followed: tracker, routes
and pages know it from the same commit on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from hub import audit, registry
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.device import Device
    from devices.person import By
    from hub.ingest import Delta
    from hub.intake import Intake
    from hub.registry import Registry
    from hub.store.writer import Writes
    from hub.tracker import Tracker
    from hub.waiting import Waiting


@dataclass(slots=True)
class Registrar:
    """Owned by ingest. `delta` gives the batch's delta, `now` hub time in ms."""

    registry: Registry
    tracker: Tracker
    intake: Intake
    waiting: Waiting
    now: Callable[[], int]
    delta: Callable[[], Delta]
    _next_id: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self._next_id = max(self.registry.ids.values(), default=0) + 1

    # --- devices ----------------------------------------------------------------------------------------------

    def add(self, device: Device, hashed: str, by: By, writes: Writes) -> None:
        """Register a device and follow it; `hashed` is its broker password's hash, or empty.

        Raises Refused: name_taken.
        """
        name = device.name
        if name in self.registry.devices:
            raise Refused("name_taken")
        number, self._next_id = self._next_id, self._next_id + 1
        registry.put_device(writes, device, hashed)
        writes.add("UPDATE device SET id=? WHERE name=?", number, name)
        self.registry.ids[name], self.registry.versions[name] = number, 1
        self.waiting.remove(name, writes)
        audit.note(writes, self.now(), by, "device.added", f"device:{name}", {}, told(device))
        self._follow(device)
        self.delta().pending = True

    def change(self, device: Device, version: int, by: By, writes: Writes) -> int:
        """Register `device` anew under its name, where `version` is the one that was edited; its new version.

        Name, realm and lifecycle stay as they are. Raises Refused: unknown_device, changed_meanwhile, realm_stays.
        """
        name = device.name
        before = self.registry.devices.get(name)
        if before is None:
            raise Refused("unknown_device")
        if self.registry.versions[name] != version:
            raise Refused("changed_meanwhile")
        if before.realm != device.realm:
            raise Refused("realm_stays")
        if before == device:
            return version
        registry.put_device(writes, device, None)
        self.registry.versions[name] = version + 1
        audit.note(writes, self.now(), by, "device.changed", f"device:{name}", told(before), told(device))
        self._follow(device)
        return version + 1

    def _follow(self, device: Device) -> None:
        """Tracker and pages know it from now on."""
        reg = self.registry
        reg.devices[device.name] = device
        scope = reg.scope(device.site, self.now())
        self.tracker.put(device, reg.ids[device.name], reg.sun(device), scope)
        self.tracker.connect()
        self.intake.forget_routes()
        self.delta().registry = True

    def dismiss(self, name: str, by: By, writes: Writes) -> None:
        """Forget a pending device. Raises Refused: unknown_device."""
        entry = self.waiting.entries.get(name)
        if entry is None:
            raise Refused("unknown_device")
        self.waiting.remove(name, writes)
        audit.note(writes, self.now(), by, "pending.refused", f"device:{name}", {**entry.claim}, {})
        self.delta().pending = True


def told(device: Device) -> dict[str, Any]:
    """A device as the audit tells it: what is not as by default."""
    return {k: v for k, v in asdict(device).items() if k != "name" and v not in (None, "", ())}
