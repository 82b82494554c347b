"""People: who there is, in memory for every request; changes go through ingest, each with its entry in the audit.

Nobody is ever deleted: who left is not active, and stays what the audit names.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from devices.person import Person, Role
from hub import audit
from hub.present import folded
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from devices.person import By
    from hub.store.writer import Writes

_ROW = "INSERT INTO person (id, name, folded, role, phone, site, active, version) VALUES (?,?,?,?,?,?,?,?)"


class People:
    """The list of people. `do` runs a change in ingest, `now` is hub time in ms."""

    def __init__(
        self,
        found: Iterable[Person],
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        self._by_id = {p.id: p for p in found}
        self._do, self._now = do, now
        self._by_name = {folded(p.name): p.id for p in self._by_id.values()}

    def all(self) -> tuple[Person, ...]:
        """Everybody: the active ones first, each by name."""
        found = list(self._by_id.values())
        return tuple(sorted(found, key=lambda p: (not p.active, folded(p.name))))

    def active(self) -> tuple[Person, ...]:
        """Who may do something now, by name."""
        return tuple(p for p in self.all() if p.active)

    def get(self, number: int) -> Person | None:
        """The person of this number."""
        return self._by_id.get(number)

    def known(self, name: str) -> Person | None:
        """The active person of this name, however it is accented; None where there is none."""
        person = self._by_id.get(self._by_name.get(folded(name), 0))
        return person if person is not None and person.active else None

    async def add(self, wanted: Person, by: By) -> Person:
        """One more; the id is given here. Raises Refused: person_taken."""

        def run(writes: Writes) -> Person:
            self._free(wanted)
            person = replace(wanted, id=max(self._by_id, default=0) + 1, version=1)
            writes.add(_ROW, *row(person))
            self._note(writes, by, "person.added", None, person)
            return person

        person: Person = await self._do(run)
        return person

    async def change(self, wanted: Person, by: By) -> Person:
        """As `wanted`, where its version is the one that was edited.

        Raises Refused: unknown_person, changed_meanwhile, person_taken, last_person.
        """

        def run(writes: Writes) -> Person:
            before = self._by_id.get(wanted.id)
            if before is None:
                raise Refused("unknown_person")
            if before.version != wanted.version:
                raise Refused("changed_meanwhile")
            if before == wanted:
                return before
            self._free(wanted)
            if before.active and not wanted.active and len(self.active()) == 1:
                raise Refused("last_person")
            person = replace(wanted, version=before.version + 1)
            writes.add(
                "UPDATE person SET name=?, folded=?, role=?, phone=?, site=?, active=?, version=? WHERE id=?",
                *row(person)[1:], person.id,
            )  # fmt: skip
            self._note(
                writes, by, "person.left" if left(before, person) else "person.changed", before, person
            )
            return person

        person: Person = await self._do(run)
        return person

    def _free(self, wanted: Person) -> None:
        holder = self._by_name.get(folded(wanted.name))
        if holder is not None and holder != wanted.id:
            raise Refused("person_taken", name=self._by_id[holder].name)

    def _note(self, writes: Writes, by: By, action: str, before: Person | None, after: Person) -> None:
        if before is not None:
            self._by_name.pop(folded(before.name), None)
        self._by_id[after.id] = after
        self._by_name[folded(after.name)] = after.id
        told = {} if before is None else _told(before)
        audit.note(writes, self._now(), by, action, f"person:{after.name}", told, _told(after))


def left(before: Person, after: Person) -> bool:
    """True where this change is that somebody leaves."""
    return before.active and not after.active


def row(p: Person) -> tuple[Any, ...]:
    """A person as stored, in the order of the table."""
    return p.id, p.name, folded(p.name), p.role.value, p.phone, p.site, int(p.active), p.version


def person_of(stored: tuple[Any, ...]) -> Person:
    """A stored person."""
    number, name, role, phone, site, active, version = stored
    return Person(number, name, Role(role), phone, site, bool(active), version)


def put_new(writes: Writes, wanted: Iterable[Person], known: Iterable[Person]) -> int:
    """Store those whose names are not known yet, before the hub runs; how many they were."""
    known = list(known)
    names, number = {folded(p.name) for p in known}, max((p.id for p in known), default=0)
    first = number
    for person in wanted:
        if folded(person.name) not in names:
            names.add(folded(person.name))
            number += 1
            writes.add(_ROW, *row(replace(person, id=number)))
    return number - first


def _told(p: Person) -> dict[str, Any]:
    """A person as the audit tells them."""
    return {k: v for k, v in asdict(p).items() if k not in ("id", "version")}
