"""People: who there is, in memory for every request; changes go through ingest, each with its entry in the audit.

Nobody is ever deleted: who left is not active, and stays what the audit names.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from devices.person import By, Person, Role
from hub import audit, typed
from hub.present import folded
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from hub.store.writer import Writes

PHONE = 20
"""Most characters of a telephone number."""
_ROW = "INSERT INTO person (id, name, folded, role, phone, site, active, version) VALUES (?,?,?,?,?,?,?,?)"


class Roll:
    """The list of people; `now` is hub time in ms. Changes go with the batch `writes`, in ingest."""

    def __init__(self, found: Iterable[Person], now: Callable[[], int]) -> None:
        self._by_id = {p.id: p for p in found}
        self._now = now
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

    def named(self, name: str) -> Person | None:
        """The person of this name, also one who has left; None where there is none."""
        return self._by_id.get(self._by_name.get(folded(name), 0))

    def by(self, name: str, address: str) -> By:
        """Who asks for a change; while the list is empty, whoever they say they are. Raises Refused: who_are_you."""
        person = self.known(name)
        if person is None and self.active():
            raise Refused("who_are_you")
        return By(person.name if person else typed.line(name), address)

    def put(self, wanted: Person, by: By, writes: Writes) -> Person:
        """One more; the id is given here. Raises Refused: person_taken."""
        self._free(wanted)
        person = replace(wanted, id=max(self._by_id, default=0) + 1, version=1)
        writes.add(_ROW, *row(person))
        self._note(writes, by, "person.added", None, person)
        return person

    def edit(self, wanted: Person, by: By, writes: Writes) -> Person:
        """As `wanted`, where its version is the one that was edited.

        Raises Refused: unknown_person, changed_meanwhile, person_taken, last_person.
        """
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
        self._note(writes, by, "person.left" if left(before, person) else "person.changed", before, person)
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


class People(Roll):
    """The same for pages, on the event loop; `do` runs a change in ingest."""

    def __init__(
        self,
        found: Iterable[Person],
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        super().__init__(found, now)
        self._do = do

    async def add(self, wanted: Person, by: By) -> Person:
        """See Roll.put."""
        person: Person = await self._do(lambda w: self.put(wanted, by, w))
        return person

    async def change(self, wanted: Person, by: By) -> Person:
        """See Roll.edit."""
        person: Person = await self._do(lambda w: self.edit(wanted, by, w))
        return person


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


def put_new(roll: Roll, wanted: Iterable[Person], by: By, writes: Writes) -> None:
    """Put those into the list whose names it does not have yet."""
    for person in wanted:
        if roll.named(person.name) is None:
            roll.put(person, by, writes)


def said(number: int, fields: Mapping[str, Any], is_site: Callable[[str], bool]) -> Person:
    """A person as written, made sure of. Raises Refused: name_missing, text_too_long, unknown_role, unknown_site."""
    name, role, site = typed.name(fields["name"]), fields["role"], fields.get("site", "")
    if role not in list(Role):
        raise Refused("unknown_role")
    if site and not is_site(site):
        raise Refused("unknown_site")
    phone = typed.line(fields.get("phone", ""), limit=PHONE)
    active, version = fields.get("active", True), fields.get("version", 1)
    return Person(number, name, Role(role), phone, site, active, version)


def _told(p: Person) -> dict[str, Any]:
    """A person as the audit tells them."""
    return {k: v for k, v in asdict(p).items() if k not in ("id", "version")}
