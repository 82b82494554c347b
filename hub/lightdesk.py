"""The light desk: what pages ask of light control, on the event loop; changes go through ingest."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from devices.device import Kind
from hub.programs import Count, Following, Kept
from hub.registry import sun_of
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from devices.person import By
    from devices.program import Program
    from hub.lights import Lights
    from hub.programs import UntilDawn
    from hub.store.writer import Writes
    from hub.track import Track


class LightDesk:
    """Implements hub.programs.Programs."""

    def __init__(
        self, lights: Lights, now: Callable[[], int], do: Callable[[Callable[[Writes], Any]], Awaitable[Any]]
    ) -> None:
        self._lights, self._now, self._do = lights, now, do

    def all(self) -> Sequence[Kept]:
        return list(self._lights.programs.values())

    def until_dawn(self) -> Sequence[UntilDawn]:
        now = self._now()
        return sorted((b for b in self._lights.until_dawn.values() if b.until > now), key=lambda b: b.target)

    def following(self, device: str) -> Following | None:
        t = self._lights.tracker.by_name.get(device)
        if t is None or t.device.kind is not Kind.SOLAR_LIGHT:
            return None
        now, f = self._now(), t.follows
        kept = self._lights.counting(t.device, now)
        plan = None if f is None else self._lights.tracker.plans.get(f.id)
        return Following(
            program=kept.name if kept is not None else "",
            asked=plan.order if plan is not None else None,
            asked_at=f.at if f is not None and f.id else None,
            state=state_of(t),
            applied=f.applied if f is not None else None,
            applied_at=f.since if f is not None else None,
            why=f.why if f is not None else "",
            until_dawn=self._lights.burning(t.device, now),
        )

    def place(self, site: str) -> tuple[float, float] | None:
        found = self._lights.registry.sites.get(site)
        if found is None:
            return None
        sun = sun_of(found.lat, found.lon)
        return sun.lat, sun.lon

    def tags(self) -> Sequence[str]:
        devices = list(self._lights.registry.devices.values())
        return sorted({tag for d in devices if d.kind is Kind.SOLAR_LIGHT for tag in d.tags})

    def counting_at(self, site: str) -> Kept | None:
        by_target = {k.target: k for k in self._lights.programs.values()}
        found = (by_target.get(t) for t in self._lights.site_targets(site, self._now()))
        return next((k for k in found if k is not None), None)

    async def counts(self) -> Mapping[str, Count]:
        return await asyncio.to_thread(self._count)

    def _count(self) -> dict[str, Count]:
        plans, found = self._lights.tracker.plans, Counter[tuple[str, str]]()
        for t in list(self._lights.tracker.tracks):
            f = t.follows
            if f is not None and (plan := plans.get(f.id)) is not None:
                found[plan.order.name, state_of(t)] += 1
        counts: dict[str, Count] = {}
        for name in {name for name, _ in found}:
            states = {s: found[name, s] for s in ("applied", "late", "cannot_tell", "waiting")}
            counts[name] = Count(
                sum(states.values()), states["applied"], states["late"], states["cannot_tell"]
            )
        return counts

    async def lagging(self, name: str, limit: int) -> Sequence[str]:
        return await asyncio.to_thread(self._lagging, name, limit)

    def _lagging(self, name: str, limit: int) -> list[str]:
        plans = self._lights.tracker.plans
        found = (
            t.device.name
            for t in list(self._lights.tracker.tracks)
            if (f := t.follows) is not None
            and t.values.get("program_late") is True
            and (plan := plans.get(f.id)) is not None
            and plan.order.name == name
        )
        return sorted(islice(found, limit))

    async def save(self, name: str, target: str, program: Program, version: int, by: By) -> int:
        if not name:
            raise Refused("program_name")
        new = Kept(name, target, program, version)
        saved: int = await self._do(lambda w: self._lights.save(new, self._now(), by, w))
        return saved

    async def remove(self, name: str, version: int, by: By) -> None:
        await self._do(lambda w: self._lights.remove(name, version, self._now(), by, w))

    async def burn(self, target: str, until: int, by: By) -> None:
        await self._do(lambda w: self._lights.burn(target, until, self._now(), by, w))

    async def burn_no_more(self, target: str, by: By) -> None:
        await self._do(lambda w: self._lights.burn_no_more(target, self._now(), by, w))


def state_of(t: Track) -> str:
    """What a light does of what is asked: nothing (is asked), applied, late, cannot_tell or waiting."""
    f = t.follows
    if f is None or not f.id:
        return "nothing"
    if f.applied == f.id:
        return "applied"
    if t.values.get("program_late") is True:
        return "late"
    if f.applied is None and t.last_seen is not None:
        return "cannot_tell"
    return "waiting"
