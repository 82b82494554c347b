"""Credentials: devices are let in, get new passwords, and are shut out. Implements hub.enrolment.Enrolment.

A password exists in clear only in the answer to who asked for it, and encrypted for its label until that is printed,
or for a day (hub.secrets).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devices.device import HUB, Device, Kind
from devices.lifecycle import Lifecycle
from hub import access, audit
from hub import secrets as sealed
from hub.enrolment import Access, Admitted, Fit, Label
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.person import By
    from hub.app import Parts
    from hub.store.writer import Writes
    from hub.track import Track
    from hub.views import Pending

log = logging.getLogger(__name__)

LABEL = "label"
"""Name of a password that is kept for its label."""
LABEL_MS = 24 * 3_600_000
LABELS = 500
FITS = 50


class Credentials:
    """Lives on the event loop."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._fresh: dict[str, int] = dict(parts.reader.fresh(LABEL))
        """Who has a password that can be printed -> until when."""

    # --- who knocks -------------------------------------------------------------------------------------------

    def fits(self) -> Mapping[str, Sequence[Fit]]:
        entries = list(self._p.waiting.entries.values())
        kinds = {e.claim.get("kind", "") for e in entries}
        planned = [t.device for t in self._p.tracker.tracks if t.device.kind in kinds and _is_planned(t)]
        by_kind: dict[str, list[Device]] = {}
        for device in planned:
            by_kind.setdefault(device.kind, []).append(device)
        return {e.name: self._likeliest(e, by_kind.get(e.claim.get("kind", ""), ())) for e in entries}

    def _likeliest(self, entry: Pending, planned: Sequence[Device]) -> tuple[Fit, ...]:
        serial = entry.claim.get("serial", "")

        def unlike(d: Device) -> tuple[bool, bool, bool, str]:
            return d.name != entry.name, not serial or d.serial != serial, d.realm != entry.realm, d.name

        sites = self._p.registry.sites
        return tuple(
            Fit(d, sites[d.site].name if d.site in sites else d.site, sure=not all(unlike(d)[:2]))
            for d in sorted(planned, key=unlike)[:FITS]
        )

    async def approve(
        self, name: str, *, site: str, title: str, interval_s: float, kind: str, by: By
    ) -> Admitted:
        entry = self._entry(name)
        if site not in self._p.registry.sites:
            raise Refused("unknown_site")
        if kind not in [k.value for k in Kind] or Kind(kind) is Kind.HUB:
            raise Refused("unknown_kind")
        device = Device(
            name=name, kind=Kind(kind), realm=entry.realm, site=site, title=title or name, interval_s=interval_s,
            lifecycle=Lifecycle.PLANNED, serial=entry.claim.get("serial", ""),
        )  # fmt: skip

        def run(hashed: str, writes: Writes) -> Device:
            self._p.registrar.add(device, hashed, by, writes)
            return device

        return await self._admit(run)

    async def take(self, name: str, planned: str, by: By) -> Admitted:
        def run(hashed: str, writes: Writes) -> Device:
            entry = self._entry(name)
            track = self._p.tracker.by_name.get(planned)
            if track is None or not _is_planned(track):
                raise Refused("not_planned")
            device = track.device
            if entry.claim.get("kind", "") != device.kind:
                raise Refused("other_kind")
            serial = entry.claim.get("serial", "") or device.serial
            self._p.registrar.change(
                replace(device, serial=serial), self._p.registry.versions[planned], by, writes
            )
            self._p.registrar.hang_first(planned, entry.claim, writes)
            self._set_password(planned, hashed, writes)
            self._p.waiting.remove(name, writes)
            self._p.ingest.delta.pending = True
            said = {"hello": name, "realm": entry.realm, **entry.claim}
            audit.note(writes, self._p.clock.now(), by, "device.enrolled", f"device:{planned}", {}, said)
            return device

        return await self._admit(run)

    async def refuse(self, name: str, by: By) -> None:
        await self._do(lambda w: self._p.registrar.dismiss(name, by, w))

    def _entry(self, name: str) -> Pending:
        entry = self._p.waiting.entries.get(name)
        if entry is None:
            raise Refused("unknown_device")
        return entry

    # --- who is registered ------------------------------------------------------------------------------------

    def access(self, name: str) -> Access:
        now = self._p.clock.now()
        return Access(name in self._p.admission.admitted, self._fresh.get(name, 0) > now)

    async def password(self, name: str, by: By) -> Admitted:
        def run(hashed: str, writes: Writes) -> Device:
            track = self._registered(name)
            if track.lifecycle is Lifecycle.RETIRED:
                raise Refused("retired")
            self._set_password(name, hashed, writes)
            audit.note(writes, self._p.clock.now(), by, "device.password_made", f"device:{name}", {}, {})
            return track.device

        return await self._admit(run)

    async def revoke(self, name: str, by: By) -> None:
        def run(writes: Writes) -> None:
            self._registered(name)
            self._set_password(name, "", writes)
            sealed.forget(writes, name, LABEL)
            audit.note(writes, self._p.clock.now(), by, "device.password_revoked", f"device:{name}", {}, {})

        await self._do(run)
        self._fresh.pop(name, None)
        await self._written()

    def _registered(self, name: str) -> Track:
        track = self._p.tracker.by_name.get(name)
        if track is None or name == HUB:
            raise Refused("unknown_device")
        return track

    def _set_password(self, name: str, hashed: str, writes: Writes) -> None:
        writes.add("UPDATE device SET password=? WHERE name=?", hashed, name)
        self._p.ingest.delta.access = True

    # --- labels -----------------------------------------------------------------------------------------------

    async def labels(self, names: Sequence[str], site: str) -> Sequence[Label]:
        await self._forget_old()
        by_name = self._p.tracker.by_name
        found = [by_name[n] for n in names if n in by_name]
        if site:
            found += sorted(
                (t for t in self._p.tracker.tracks if site in t.sites), key=lambda t: t.device.name
            )
        there = [t for t in dict.fromkeys(found) if t.device.name != HUB]
        wanted = [t for t in there if t.lifecycle is not Lifecycle.RETIRED][:LABELS]
        boxes = dict(await asyncio.to_thread(self._p.reader.boxes, LABEL))
        return [self._label(t.device, boxes.get(t.device.name)) for t in wanted]

    def _label(self, d: Device, box: bytes | None) -> Label:
        password = ""
        if box is not None and d.name in self._fresh:
            try:
                password = self._p.secrets.open(box, d.name, LABEL)
            except Refused:  # the key is gone: a label without
                password = ""
        site = self._p.registry.sites.get(d.site)
        return Label(d.name, d.realm, d.title, d.kind, site.name if site is not None else d.site, password)

    async def printed(self, names: Sequence[str], by: By) -> None:
        mine = [n for n in dict.fromkeys(names) if n in self._fresh][:LABELS]

        def run(writes: Writes) -> None:
            for name in mine:
                sealed.forget(writes, name, LABEL)
                audit.note(writes, self._p.clock.now(), by, "device.label_printed", f"device:{name}", {}, {})

        await self._do(run)
        for name in mine:
            self._fresh.pop(name, None)

    async def _forget_old(self) -> None:
        now = self._p.clock.now()
        old = [name for name, until in self._fresh.items() if until <= now]
        if old:
            await self._do(lambda w: w.add("DELETE FROM secret WHERE what=? AND expires_at<=?", LABEL, now))
            for name in old:
                self._fresh.pop(name, None)

    async def keep_forgetting(self, every_s: float = 600.0) -> None:
        """Until cancelled: a password that nobody printed is gone after its day."""
        while True:
            try:
                await self._forget_old()
            except Refused:
                log.warning("passwords kept for labels could not be forgotten yet")
            await asyncio.sleep(every_s)

    # --- one road for all -------------------------------------------------------------------------------------

    async def _admit(self, run: Callable[[str, Writes], Device]) -> Admitted:
        """Make a password, carry `run` out with its hash, keep it for the label, have the broker know it."""
        password = access.new_password()
        hashed = await asyncio.to_thread(access.hash_password, password)
        until = self._p.clock.now() + LABEL_MS
        kept: list[Device] = []

        def whole(writes: Writes) -> None:
            device = run(hashed, writes)
            kept.append(device)
            try:
                self._p.secrets.put(writes, device.name, LABEL, password, expires_at=until)
            except Refused:  # said on the page of the hub; the password is shown all the same
                sealed.forget(writes, device.name, LABEL)

        try:
            await self._do(whole)
        except Refused as e:
            if e.code != "not_stored_yet" or not kept:  # else it is so from now on, and is told only now
                raise
        device = kept[0]
        if self._p.secrets.trouble:
            self._fresh.pop(device.name, None)
        else:
            self._fresh[device.name] = until
        await self._written()
        return Admitted(device.name, device.realm, password)

    async def _written(self) -> None:
        self._p.admission.changed()
        await self._p.admission.written()

    async def _do(self, run: Callable[[Writes], Any]) -> Any:
        return await asyncio.wrap_future(self._p.ingest.submit(run))


def _is_planned(t: Track) -> bool:
    """Registered, and not heard once."""
    return t.lifecycle is Lifecycle.PLANNED and t.last_seen is None
