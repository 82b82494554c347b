"""A town: a registry with a few devices, its registrar, tracker and store, on virtual time; no threads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from drivers import DRIVERS
from drivers.contract import Inbound
from hub import registry
from hub.app import follow
from hub.deaf import Deafness
from hub.ingest import Delta
from hub.intake import Intake
from hub.places import Places
from hub.registrar import Registrar, has_hardware
from hub.registry import RegistryFile
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.tracker import Tracker
from hub.waiting import Waiting
from rules.load import BUILTIN, load
from simulators.district import load as load_district

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T0 = 1_795_437_720_000
"""2026-11-23, 19:42 in Hanoi."""
RULES, _ = load([BUILTIN])


class Town:
    """The real district's sites, and a lamp, a recorder and a camera in Tháp Thượng."""

    def __init__(self, folder: Path) -> None:
        self.at = T0
        self.store = Store(folder)
        writes = Writes()
        district = load_district()
        registry.put_sites(
            writes,
            RegistryFile.model_validate(
                {
                    "sites": [_plain(s) for s in district.sites],
                    "placings": [_plain(p) for p in district.placings],
                }
            ),
        )
        for device in (
            Device("den-1", Kind.SOLAR_LIGHT, "r", "thap-thuong", lifecycle=Lifecycle.ACTIVE),
            Device("nvr-1", Kind.NVR, "r", "thap-thuong"),
            Device("cam-1", Kind.CAMERA, "r", "thap-thuong", nvr="nvr-1", channel=1),
        ):
            registry.put_device(writes, device, f"$7${device.name}")
        self.store.commit(writes)
        self.reader = Reader(self.store.path)
        self.registry = registry.load(self.store)
        self.tracker = Tracker(RULES, Deafness())
        self.intake = Intake(self.tracker, DRIVERS, 1, hello=lambda _: "hello")
        self.delta = Delta()
        self.registrar = Registrar(
            self.registry, self.tracker, self.intake, Waiting(self.store), lambda: self.at, lambda: self.delta,
            has_hardware(self.store),
        )  # fmt: skip
        self.places = Places(self.registrar)
        follow(self.registry, self.tracker, self.at)
        self._seq = 0

    def do(self, run: Callable[[Writes], Any]) -> Any:
        """As ingest carries a command out."""
        writes = Writes()
        found = run(writes)
        for t in self.tracker.take().lifecycles:
            writes.add("UPDATE device SET lifecycle=? WHERE id=?", t.lifecycle.value, t.id)
        self.store.commit(writes)
        return found

    def heard(self, name: str, **said: Any) -> str:
        """A live reading; its outcome."""
        self._seq += 1
        self.at += 1000
        before = {n: t.count for n, t in self.intake.tallies.items()}
        body = json.dumps({"boot": 1, "seq": self._seq, **said}).encode()
        self.intake.take(Inbound(f"vh/1/r/{name}/telemetry", body, self.at, 1, 1, retain=False, generation=1))
        return "+".join(n for n, t in self.intake.tallies.items() if t.count != before.get(n, 0))

    def loaded(self) -> registry.Registry:
        """The registry as a restart would find it."""
        return registry.load(self.store)

    def dump(self) -> list[Any]:
        """Everything that is stored of it, and what is in memory."""
        tables = ("device", "site", "placing", "site_name", "hardware", "audit")
        stored = [self.store.rows(f"SELECT * FROM {t}") for t in tables]  # noqa: S608 - our own words
        return [stored, dict(self.registry.devices), dict(self.registry.sites), dict(self.registry.versions)]

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def _plain(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}
