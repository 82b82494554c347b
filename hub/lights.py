"""Light control: programs and "on until dawn", what each light should do by them, and telling it so.

Which program counts for a light is one total order: its own, then that of a tag (by the tag's name), then that of
the nearest site. What it means is worked out in pieces, a few thousand lights a second, stands in the journal where
it differs from what is asked already, and is published once that is committed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from devices import program as programs
from devices.device import Kind
from devices.lifecycle import Lifecycle
from devices.program import Override, Program
from drivers import dialect_of
from drivers.contract import Desired
from hub import audit
from hub.plan import Plan
from hub.programs import Kept, UntilDawn
from hub.registry import today
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from devices.device import Device
    from devices.person import By
    from hub.intake import Intake
    from hub.registry import Registry
    from hub.store.writer import Store, Writes
    from hub.track import Track
    from hub.tracker import Tracker

LOOKS, ASKS = 5000, 1000
"""Lights looked at, and told something new, in one tick (a second)."""
AGAIN_MS = 300_000
"""A light that did not apply what is asked is told again so often."""
DAY_MS = 86_400_000
LONGEST_MS = 60 * DAY_MS


class _Key(NamedTuple):
    """What an order depends on."""

    program: str
    until: int
    nights: int
    lat: float
    lon: float


@dataclass(slots=True)
class Lights:
    """Owned by ingest; `programs` and `until_dawn` are replaced and never changed, so others may read them."""

    store: Store
    registry: Registry
    tracker: Tracker
    intake: Intake
    programs: dict[str, Kept] = field(init=False)
    until_dawn: dict[str, UntilDawn] = field(init=False)
    _by_target: dict[str, Kept] = field(init=False, default_factory=dict)
    _orders: dict[_Key, str] = field(init=False, default_factory=dict)
    _above: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)
    _look: dict[Track, None] = field(init=False, default_factory=dict)
    _tell: dict[Track, None] = field(init=False, default_factory=dict)
    _fresh: list[Track] = field(init=False, default_factory=list)
    _again_at: int = field(init=False, default=0)
    _day: date | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Read what is kept; to be called before the journal is folded, which needs the plans."""
        rows = self.store.each("SELECT name, target, body, version FROM program ORDER BY name")
        self.programs = {n: Kept(n, t, Program.model_validate_json(b), v) for n, t, b, v in rows}
        self._by_target = {k.target: k for k in self.programs.values()}
        burning = self.store.each("SELECT target, until, at FROM override")
        self.until_dawn = {target: UntilDawn(target, until, at) for target, until, at in burning}
        for number, body in self.store.each("SELECT id, body FROM plan"):
            self.tracker.plans[number] = Plan(programs.read(body), body.encode())
        self.look_again()

    # --- which program counts ---------------------------------------------------------------------------------

    def targets(self, device: Device, at: int) -> Iterator[str]:
        """What a device is aimed at by, the strongest first."""
        yield f"device:{device.name}"
        for tag in sorted(device.tags):
            yield f"tag:{tag}"
        yield from self.site_targets(device.site, at)

    def site_targets(self, site: str, at: int) -> tuple[str, ...]:
        """A site and all above it, nearest first."""
        known = self._above  # pages ask, too: what they found of an older tree goes away with its dict
        found = known.get(site)
        if found is None:
            above = [s.slug for s in reversed(self.registry.path(site, at))]
            found = known[site] = tuple(f"site:{slug}" for slug in (site, *above))
        return found

    def counting(self, device: Device, at: int) -> Kept | None:
        """The program that counts for a device."""
        return next((k for t in self.targets(device, at) if (k := self._by_target.get(t))), None)

    def burning(self, device: Device, at: int) -> UntilDawn | None:
        """The longest "on until dawn" in force for a device."""
        found = [b for t in self.targets(device, at) if (b := self.until_dawn.get(t)) and b.until > at]
        return max(found, key=lambda b: b.until, default=None)

    # --- what it means ----------------------------------------------------------------------------------------

    def order(self, device: Device, at: int, writes: Writes) -> str:
        """The id of what a device should be, empty for nothing; a new one is kept."""
        kept, burn = self.counting(device, at), self.burning(device, at) if self.until_dawn else None
        if kept is None and burn is None:
            return ""
        sun = self.registry.sun(device)
        nights = 0 if burn is None else dawns(burn.at, burn.until, sun.lat, sun.lon)
        key = _Key(kept.name if kept else "", burn.until if burn else 0, nights, sun.lat, sun.lon)
        found = self._orders.get(key)
        if found is None:
            override = (
                Override(until=math.ceil(burn.until / 1000), nights=nights) if burn is not None else None
            )
            found, body = programs.order(
                kept.program if kept else None, override, sun.lat, sun.lon, kept.name if kept else ""
            )
            if found not in self.tracker.plans:
                self.tracker.plans[found] = Plan(programs.read(body), body.encode())
                writes.add("INSERT OR REPLACE INTO plan VALUES (?,?)", found, body)
            self._orders[key] = found
        return found

    def tick(self, at: int, writes: Writes, publish: Callable[..., None]) -> None:
        """A second's work. `at`: nothing before it is unknown, the hub hears."""
        self._end_burning(at, writes)
        if today(at) != self._day:  # the tree may be another one from today on
            self._day = today(at)
            self.registry_changed()
        asks = 0
        for _ in range(min(len(self._look), LOOKS)):
            t, _ = self._look.popitem()
            wanted = "" if t.lifecycle is Lifecycle.RETIRED else self.order(t.device, at, writes)
            if wanted == (t.follows.id if t.follows is not None else ""):
                continue
            self.intake.ask(t, wanted, at)
            self._fresh.append(t)
            self._tell.pop(t, None)
            asks += 1
            if asks >= ASKS:
                break
        self._tell_again(at, ASKS - asks, publish)

    def _end_burning(self, at: int, writes: Writes) -> None:
        over = [t for t, b in self.until_dawn.items() if b.until <= at]
        if over:
            for target in over:
                writes.add("DELETE FROM override WHERE target=?", target)
            self.until_dawn = {t: b for t, b in self.until_dawn.items() if t not in over}
            self.look_again()

    # --- telling ----------------------------------------------------------------------------------------------

    def connected(self, at: int, *, kept: bool) -> None:
        """The link stands. Where the broker `kept` its memory, only those are told again of whom nothing is proved.

        That nothing is asked any more nobody proves: it is told again for a day.
        """
        for t in self._lights():
            f = t.follows
            if f is not None and (not (kept and f.applied == f.id) if f.id else at - f.at < DAY_MS):
                self._tell[t] = None

    def tell(self, publish: Callable[..., None]) -> None:
        """Publish what was committed."""
        fresh, self._fresh = self._fresh, []
        for t in fresh:
            self._publish(t, publish)

    def _tell_again(self, at: int, room: int, publish: Callable[..., None]) -> None:
        """So many of those of whom nothing is proved."""
        if at - self._again_at >= AGAIN_MS:
            self._again_at = at
            self._tell |= {
                t: None for t in self._lights() if t.values.get("program_late") is True and t.follows
            }
        for _ in range(min(len(self._tell), room)):
            self._publish(self._tell.popitem()[0], publish)

    def registry_changed(self) -> None:
        """Sites, tags and places may have changed."""
        self._above, self._orders = {}, {}
        self.look_again()

    def _publish(self, t: Track, publish: Callable[..., None]) -> None:
        asked = t.follows.id if t.follows is not None else ""
        plan = self.tracker.plans.get(asked)
        if asked and plan is None:
            return
        for m in dialect_of(t.device.driver).write(Desired(t.device, plan.payload if plan else b"")):
            publish(m.topic, m.payload, qos=m.qos, retain=m.retain)

    def look_again(self) -> None:
        """Every light may have to do something else."""
        self._look |= dict.fromkeys(self._lights())

    def _lights(self) -> Iterator[Track]:
        return (t for t in self.tracker.tracks if t.device.kind is Kind.SOLAR_LIGHT)

    # --- what people do ---------------------------------------------------------------------------------------

    def save(self, new: Kept, at: int, by: By, writes: Writes) -> int:
        """Keep a program; its version then. Raises Refused as `Programs.save` says."""
        before = self.programs.get(new.name)
        if before is None and new.version:
            raise Refused("unknown_program")
        if before is not None and not new.version:
            raise Refused("program_exists")
        if before is not None and before.version != new.version:
            raise Refused("changed_meanwhile")
        self._aims(new.target, at)
        other = self._by_target.get(new.target)
        if other is not None and other.name != new.name:
            raise Refused("target_taken", name=other.name)
        self._ties(new)
        kept = Kept(new.name, new.target, new.program, new.version + 1)
        body = programs.canonical(new.program)
        writes.add(
            "INSERT OR REPLACE INTO program VALUES (?,?,?,?)", kept.name, kept.target, body, kept.version
        )
        self._set({**self.programs, kept.name: kept})
        action = "program.made" if before is None else "program.changed"
        audit.note(writes, at, by, action, f"program:{kept.name}", _told(before), _told(kept))
        return kept.version

    def remove(self, name: str, version: int, at: int, by: By, writes: Writes) -> None:
        """Forget a program. Raises Refused: unknown_program, changed_meanwhile."""
        before = self.programs.get(name)
        if before is None:
            raise Refused("unknown_program")
        if before.version != version:
            raise Refused("changed_meanwhile")
        writes.add("DELETE FROM program WHERE name=?", name)
        self._set({n: k for n, k in self.programs.items() if n != name})
        audit.note(writes, at, by, "program.removed", f"program:{name}", _told(before), {})

    def burn(self, target: str, until: int, at: int, by: By, writes: Writes) -> None:
        """On until dawn. Raises Refused: unknown_target, bad_until."""
        self._aims(target, at)
        if not at < until <= at + LONGEST_MS:
            raise Refused("bad_until")
        before = self.until_dawn.get(target)
        writes.add("INSERT OR REPLACE INTO override VALUES (?,?,?)", target, until, at)
        self.until_dawn = {**self.until_dawn, target: UntilDawn(target, until, at)}
        told = {} if before is None else {"until": before.until}
        audit.note(writes, at, by, "until_dawn.set", target, told, {"until": until})
        self.look_again()

    def burn_no_more(self, target: str, at: int, by: By, writes: Writes) -> None:
        """The programs count again. Raises Refused: unknown_target."""
        before = self.until_dawn.get(target)
        if before is None:
            raise Refused("unknown_target")
        writes.add("DELETE FROM override WHERE target=?", target)
        self.until_dawn = {t: b for t, b in self.until_dawn.items() if t != target}
        audit.note(writes, at, by, "until_dawn.ended", target, {"until": before.until}, {})
        self.look_again()

    def _set(self, kept: dict[str, Kept]) -> None:
        self.programs = dict(sorted(kept.items()))
        self._by_target = {k.target: k for k in kept.values()}
        self._orders = {}
        self.look_again()

    def _aims(self, target: str, at: int) -> None:
        """Raises Refused where a target aims at nothing; a site that is no more has nothing below it."""
        sort, _, name = target.partition(":")
        devices, day = self.registry.devices, today(at)
        there = {
            "site": lambda: (
                (s := self.registry.sites.get(name)) is not None and (s.until is None or day < s.until)
            ),
            "device": lambda: name in devices and devices[name].kind is Kind.SOLAR_LIGHT,
            "tag": lambda: any(name in d.tags for d in devices.values() if d.kind is Kind.SOLAR_LIGHT),
        }.get(sort)
        if there is None or not there():
            raise Refused("unknown_target")

    def _ties(self, new: Kept) -> None:
        """Two tags of one light with a program each: nobody could say which counts. Raises Refused (tags_tie)."""
        sort, _, tag = new.target.partition(":")
        if sort != "tag":
            return
        others = {
            k.target.removeprefix("tag:") for k in self.programs.values() if k.target.startswith("tag:")
        }
        for device in self.registry.devices.values():
            if tag in device.tags and device.kind is Kind.SOLAR_LIGHT:
                both = sorted(others & set(device.tags) - {tag})
                if both:
                    raise Refused("tags_tie", device=device.title or device.name, tag=both[0])


def dawns(since: int, until: int, lat: float, lon: float) -> int:
    """How many dawns lie between two instants (ms), from 1 to 60."""
    count, night = 0, programs.night_of(since / 1000) - 1
    while count < 60:  # noqa: PLR2004 - as Override.nights
        sun = programs.dusk_and_dawn(night, lat, lon)
        if sun is None or sun[1] * 1000 > until + 3_600_000:
            break
        count += sun[1] * 1000 > since
        night += 1
    return max(count, 1)


def _told(kept: Kept | None) -> dict[str, object]:
    """A program as the audit tells it."""
    if kept is None:
        return {}
    return {"target": kept.target, **kept.program.model_dump(mode="json", exclude_none=True)}
