"""The registrar: every change of what is registered, in ingest, each with its entry in the audit.

A change is checked first (Refused: nothing happened), then stored with the batch, then followed: tracker, routes
and pages know it from the same commit on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.device import HUB
from devices.lifecycle import Lifecycle
from hub import audit, registry
from hub.fit import Fit
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from devices.device import Device
    from devices.person import By
    from hub.ingest import Delta
    from hub.intake import Intake
    from hub.registry import Registry
    from hub.store.writer import Store, Writes
    from hub.track import Track
    from hub.tracker import Tracker
    from hub.waiting import Waiting


class Hardware(NamedTuple):
    """What is hung up in a device's place, and why."""

    serial: str
    model: str
    why: str


@dataclass(slots=True)
class Registrar:
    """Owned by ingest. `delta` gives the batch's delta, `now` hub time in ms, `has_hardware` asks the store."""

    registry: Registry
    tracker: Tracker
    intake: Intake
    waiting: Waiting
    now: Callable[[], int]
    delta: Callable[[], Delta]
    has_hardware: Callable[[int], bool]
    generation: int = 0
    """Counts changes, so that what was checked against an older registry is not applied."""
    _next_id: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self._next_id = max(self.registry.ids.values(), default=0) + 1

    # --- devices ----------------------------------------------------------------------------------------------

    def add(self, device: Device, hashed: str, by: By, writes: Writes) -> None:
        """Register a device and follow it; `hashed` is its broker password's hash, or empty.

        Raises Refused: name_taken, or what is wrong with it (hub.fit).
        """
        if device.name in self.registry.devices:
            raise Refused("name_taken")
        self._check(device)
        self._add(device, hashed, by, writes)
        self._follow([device])
        self.delta().pending = True

    def _add(self, device: Device, hashed: str, by: By, writes: Writes) -> None:
        name = device.name
        number, self._next_id = self._next_id, self._next_id + 1
        registry.put_device(writes, device, hashed)
        writes.add("UPDATE device SET id=? WHERE name=?", number, name)
        self.registry.ids[name], self.registry.versions[name] = number, 1
        self.waiting.remove(name, writes)
        audit.note(writes, self.now(), by, "device.added", f"device:{name}", {}, told(device))

    def change(self, device: Device, version: int, by: By, writes: Writes) -> int:
        """Register `device` anew under its name, where `version` is the one that was edited; its new version.

        Name, realm and lifecycle stay as they are. Raises Refused: unknown_device, changed_meanwhile, realm_stays,
        retired_stays, or what is wrong with it (hub.fit).
        """
        before = self._registered(device.name)
        if self.registry.versions[device.name] != version:
            raise Refused("changed_meanwhile")
        if before.realm != device.realm:
            raise Refused("realm_stays")
        device = replace(device, lifecycle=before.lifecycle)
        if before == device:
            return version
        self._check(device)
        self._change(before, device, by, writes)
        self._follow([device])
        return version + 1

    def _change(self, before: Device, device: Device, by: By, writes: Writes) -> None:
        registry.put_device(writes, device, None)
        self.registry.versions[device.name] += 1
        audit.note(
            writes, self.now(), by, "device.changed", f"device:{device.name}", told(before), told(device)
        )

    def import_all(
        self, devices: Sequence[Device], generation: int, by: By, writes: Writes
    ) -> tuple[int, int]:
        """Register devices that were checked against `generation` of the registry; how many are new, and changed.

        Raises Refused: changed_meanwhile, where the registry is another by now.
        """
        if generation != self.generation:
            raise Refused("changed_meanwhile")
        followed: list[Device] = []
        added = 0
        for device in devices:
            before = self.registry.devices.get(device.name)
            if before is None:
                self._add(device, "", by, writes)
                added += 1
            elif (kept := replace(device, lifecycle=before.lifecycle)) != before:
                self._change(before, kept, by, writes)
                device = kept  # noqa: PLW2901 - what is followed
            else:
                continue
            followed.append(device)
        self._follow(followed)
        return added, len(followed) - added

    def live(self, name: str, lifecycle: Lifecycle, by: By, writes: Writes) -> None:
        """Take a device out of service for maintenance, back into it, or away for good.

        Who is retired loses its password and its retained topics; its name and its past stay. Raises Refused:
        unknown_device, retired_stays.
        """
        track = self.tracker.by_name[self._registered(name).name]
        if track.lifecycle is lifecycle:
            return
        if track.last_seen is None and lifecycle is Lifecycle.ACTIVE:
            lifecycle = Lifecycle.PLANNED
        action = {Lifecycle.RETIRED: "retired", Lifecycle.MAINTENANCE: "maintenance"}.get(
            lifecycle, "in_service"
        )
        before, after = {"lifecycle": str(track.lifecycle)}, {"lifecycle": str(lifecycle)}
        audit.note(writes, self.now(), by, f"device.{action}", f"device:{name}", before, after)
        self.tracker.live(track, lifecycle, self.now())
        self.registry.versions[name] += 1
        writes.add("UPDATE device SET version=version+1 WHERE name=?", name)
        if lifecycle is Lifecycle.RETIRED:
            writes.add("UPDATE device SET password='' WHERE name=?", name)
            self.intake.to_clear.append(track)
        self._follow([replace(track.device, lifecycle=lifecycle)])

    def replace_hardware(self, name: str, new: Hardware, by: By, writes: Writes) -> None:
        """Other hardware hangs at the device's place from now on; its identity and its past go on.

        Raises Refused: unknown_device, retired_stays, same_hardware.
        """
        before = self._registered(name)
        track, now = self.tracker.by_name[name], self.now()
        if new.serial and new.serial == before.serial:
            raise Refused("same_hardware", serial=new.serial)
        number = self.registry.ids[name]
        if not self.has_hardware(number):  # what hung there until now was never written down
            writes.add(
                "INSERT INTO hardware (device, serial, model, firmware, why) VALUES (?,?,?,?,'')",
                number, before.serial, track.model, track.firmware,
            )  # fmt: skip
        self._hang(track, new, "", writes)
        was = {"serial": before.serial, "model": track.model, "firmware": track.firmware}
        now_is = {"serial": new.serial, "model": new.model, "firmware": "", "why": new.why}
        audit.note(writes, now, by, "device.replaced", f"device:{name}", was, now_is)
        track.model, track.firmware, track.firmware_since = new.model, "", None
        after = replace(before, serial=new.serial)
        registry.put_device(writes, after, None)
        self.registry.versions[name] += 1
        self._follow([after])

    def hang_first(self, name: str, claim: Mapping[str, str], writes: Writes) -> None:
        """Hardware that knocked hangs at the place that was planned for it."""
        track = self.tracker.by_name[name]
        serial = claim.get("serial", "") or track.device.serial
        self._hang(track, Hardware(serial, claim.get("model", ""), ""), claim.get("firmware", ""), writes)

    def _hang(self, track: Track, new: Hardware, firmware: str, writes: Writes) -> None:
        """What hung there until now ends, and this begins."""
        writes.add(
            "UPDATE hardware SET until=?, firmware=?, model=? WHERE device=? AND until IS NULL",
            self.now(), track.firmware, track.model, track.id,
        )  # fmt: skip
        writes.add(
            "INSERT INTO hardware (device, serial, model, firmware, since, why) VALUES (?,?,?,?,?,?)",
            track.id, new.serial, new.model, firmware, self.now(), new.why,
        )  # fmt: skip

    def _registered(self, name: str) -> Device:
        found = self.registry.devices.get(name)
        if found is None or name == HUB:
            raise Refused("unknown_device")
        if self.tracker.by_name[name].lifecycle is Lifecycle.RETIRED:
            raise Refused("retired_stays", name=name)
        return found

    def standing(self) -> frozenset[str]:
        """Slugs of the sites where a device may stand today."""
        return self.registry.standing(registry.today(self.now()))

    def _check(self, device: Device) -> None:
        every = self.registry.devices | {device.name: device}
        for problem in Fit(every, self.standing()).problems(device):
            raise problem

    def _follow(self, devices: Sequence[Device]) -> None:
        """Tracker and pages know them from now on."""
        reg, now = self.registry, self.now()
        for device in devices:
            reg.devices[device.name] = device
            scope = reg.scope(device.site, now)
            self.tracker.put(device, reg.ids[device.name], reg.sun(device), scope)
        self.changed()

    def changed(self) -> None:
        """Whatever hangs on the registry is made anew."""
        self.generation += 1
        self.tracker.connect()
        self.intake.forget_routes()
        self.delta().registry = True

    def sites_changed(self, moved_by: Collection[str] = ()) -> None:
        """The tree is another: so are the sites that each device belongs to, and the rules that hold for it.

        Sites of `moved_by` are elsewhere on the map: another sun stands over their devices.
        """
        now = self.now()
        scopes: dict[str, frozenset[str]] = {}
        moved = []
        for t in self.tracker.tracks:
            site = t.device.site
            if site not in scopes:
                scopes[site] = self.registry.scope(site, now)
            if scopes[site] != t.sites or site in moved_by:
                moved.append(t.device)
        self._follow(moved)

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


def has_hardware(store: Store) -> Callable[[int], bool]:
    """Asks whether anything is written down of what hung at a device's place (in ingest)."""
    return lambda number: bool(store.rows("SELECT 1 FROM hardware WHERE device=? LIMIT 1", number))
