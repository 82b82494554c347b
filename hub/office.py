"""The office: registry and people of a hub that does not run, for commands. One holds the data folder at a time."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers import DRIVERS
from hub import audit, links, people, registry, registry_csv, sites_csv
from hub.app import follow, load_secrets, write_access
from hub.clock import Clock
from hub.deaf import Deafness
from hub.ingest import Delta
from hub.intake import Intake
from hub.people import Roll
from hub.places import Places
from hub.registrar import Registrar, has_hardware
from hub.registry_desk import standing
from hub.secrets import OWN
from hub.store.reader import Reader
from hub.store.writer import Held, Store, Writes, lock
from hub.tracker import Tracker
from hub.views import Refused
from hub.waiting import Waiting
from rules.rule import Ruleset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from devices.person import By, Person
    from hub.registry_csv import Sheet
    from hub.registry_ops import Operation
    from hub.settings import Settings
    from hub.sites_csv import SiteSheet


@dataclass(slots=True)
class Office:
    """Registry and people of a stopped hub. Changes are on disk when a method returns."""

    settings: Settings
    store: Store
    places: Places
    people: Roll

    def now(self) -> int:
        """Ms since 1970, shifted as the hub's clock is."""
        return now_of(self.settings)

    def carry_out(self, operation: Operation, by: By) -> dict[str, Any]:
        """What came of a change. Raises Refused, StoreBroken, OSError."""
        found: dict[str, Any] = self._do(by, lambda who, w: operation.apply(self.places, who, w))
        return found

    def person(self, number: int, said: Mapping[str, Any], by: By) -> Person:
        """A person put into the list (`number` 0), or changed. Raises Refused, StoreBroken, OSError."""
        wanted = people.said(number, said, self.places.registrar.registry.sites.__contains__)
        act = self.people.edit if number else self.people.put
        found: Person = self._do(by, lambda who, w: act(wanted, who, w))
        return found

    def import_csv(self, data: bytes, by: By, *, dry_run: bool) -> Sheet:
        """As RegistryDesk.import_csv. Raises Refused, StoreBroken, OSError."""
        registrar = self.places.registrar
        self.people.by(by.person, by.address)
        sheet = registry_csv.read(data, standing(self.places), registrar.standing())
        if not dry_run and not sheet.bad_lines:
            self._do(by, lambda who, w: registrar.import_all(sheet.devices, registrar.generation, who, w))
        return sheet

    def import_sites(self, data: bytes, by: By, *, dry_run: bool) -> SiteSheet:
        """As RegistryDesk.import_sites. Raises Refused, StoreBroken, OSError."""
        registrar = self.places.registrar
        self.people.by(by.person, by.address)
        sheet = sites_csv.read(data, registrar.registry, registry.today(self.now()))
        if not dry_run and not sheet.bad_lines:
            self._do(by, lambda who, w: self.places.import_all(sheet, registrar.generation, who, w))
        return sheet

    def past(self, name: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """A device's changes (ms, person, address, action) and hardware (serial, model, since, until)."""
        reader = Reader(self.store.path)
        found = audit.entries(reader, audit.Wanted(subject=f"device:{name}", exact=True))
        changes = [(e.at, e.person, e.address, e.action) for e in found]
        rows = reader.hardware(self.places.registrar.registry.ids[name])
        return changes, [(serial, model, since, until) for serial, model, _, since, until, _ in rows]

    def lost_secrets(self) -> list[tuple[str, str]]:
        """Stored secrets that the key does not open: (owner, what). Raises Refused: secrets_fit."""
        if not load_secrets(self.settings, self.store.rows).trouble:
            raise Refused("secrets_fit")
        return [
            (o, w)
            for o, w in self.store.rows("SELECT owner, what FROM secret ORDER BY owner")
            if (o, w) != OWN
        ]

    def reset_secrets(self, by: By) -> list[tuple[str, str]]:
        """Forget them, so that new ones can be stored; a key file that is none is put aside. No link works any more.

        Raises Refused, StoreBroken, OSError.
        """
        lost = self.lost_secrets()
        told = {"secrets": len(lost), "devices": sorted({owner for owner, _ in lost})}

        def run(who: By, writes: Writes) -> None:
            writes.add("DELETE FROM secret")
            links.revoke_all(writes, self.now())
            audit.note(writes, self.now(), who, "secrets.reset", "hub:secrets", told, {})

        self._do(by, run)
        key = self.settings.key_file
        if load_secrets(self.settings, self.store.rows).trouble:
            key.replace(key.with_name(f"{key.name}.unreadable"))
        return lost

    def _do(self, by: By, run: Callable[[By, Writes], Any]) -> Any:
        """A change, by somebody whom the list knows: the API asks the same."""
        writes = Writes()
        found = run(self.people.by(by.person, by.address), writes)
        for t in self.places.registrar.tracker.take().lifecycles:
            writes.add("UPDATE device SET lifecycle=? WHERE id=?", t.lifecycle.value, t.id)
        self.store.commit(writes)
        devices = list(self.places.registrar.registry.devices.values())
        write_access(self.settings, devices, Reader(self.store.path).passwords())
        return found


@contextmanager
def office(settings: Settings) -> Iterator[Office | None]:
    """The office, or None where a hub runs with this data folder. Raises StoreBroken, OSError."""
    try:
        handle = lock(settings.data_dir)
    except Held:
        yield None
        return
    try:
        store = Store(settings.data_dir)
        try:
            yield _open(settings, store)
        finally:
            store.close()
    finally:
        os.close(handle)


def _open(settings: Settings, store: Store) -> Office:
    found = registry.load(store)
    tracker = Tracker(Ruleset(()), Deafness())
    intake = Intake(tracker, DRIVERS, store.next_pos, hello=lambda _: "hello")
    waiting, delta = Waiting(store), Delta()
    registrar = Registrar(
        found, tracker, intake, waiting, lambda: now_of(settings), lambda: delta, has_hardware(store)
    )
    everybody = Roll(map(people.person_of, Reader(store.path).people()), lambda: now_of(settings))
    made = Office(settings, store, Places(registrar), everybody)
    follow(found, tracker, made.now())
    by_id = {t.id: t for t in tracker.tracks}
    rows = store.each("SELECT device, state FROM checkpoint")
    tracker.restore((by_id[n], json.loads(state)) for n, state in rows if n in by_id)
    return made


def now_of(settings: Settings) -> int:
    """Ms since 1970, shifted as the hub's clock is."""
    c = settings.clock
    return Clock(shift_s=c.shift_s, rate=c.rate, since=c.since).now()
