"""Cameras that are asked: what people say of them and see of them. Passwords are sealed, pictures are files.

Pictures lie in the data folder, outside of what the web serves, readable by the hub alone; each look at one is told to
the audit. `last` is the last good one (kept a day), `fault` the one by which a fault was known (30 days), `reference`
how it should look (until another one takes its place), `proof` of a notice on a board that it sees (92 days).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from devices.lifecycle import Lifecycle
from hub import audit
from hub import secrets as sealed
from hub.default_login import DefaultLogins
from hub.poll.keeper import Tried
from hub.poll.shelf import Shelf
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from devices.device import Device
    from devices.event import Pictured
    from devices.person import By
    from hub.agents import Agents
    from hub.default_login import Try
    from hub.poll.keeper import Keeper
    from hub.secrets import Secrets
    from hub.store.reader import Reader
    from hub.store.writer import Writes

log = logging.getLogger(__name__)

LOGIN = "login"
"""What the secret of a camera's password is called."""
FOLDER = "pictures"
WHATS = ("reference", "fault", "last", "proof")
MANY = ("fault", "proof")
KEPT_MS = {"last": 86_400_000, "fault": 30 * 86_400_000, "proof": 92 * 86_400_000}
EVERY_S = 600.0
LOOKS_MS = 300_000
"""One person's looks at one picture within so long are one entry of the audit."""
MASKS = 10

Share = Annotated[float, Field(ge=0, le=1)]
Mask = Annotated[tuple[tuple[Share, Share], ...], Field(min_length=2, max_length=20)]


class Options(BaseModel):
    """How a camera is treated.

    `events`: its own alarms (scene changed, too dark, signal lost) are subscribed to. `masks`: what nobody may see, as
    polygons of corners (x, y) in shares of width and height, two corners a rectangle; painted over before a picture is
    kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    events: bool = False
    masks: Annotated[tuple[Mask, ...], Field(max_length=MASKS)] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that is kept. `codes`: what was wrong on it; `by`: who set it as the reference."""

    id: int
    device: str
    what: str
    at: int
    file: str
    codes: tuple[str, ...]
    bytes: int
    by: str


class Neighbour(NamedTuple):
    """A camera that answered a search. `address`: its device service; `registered`: the device that is asked there."""

    address: str
    host: str
    name: str
    hardware: str
    location: str
    registered: str


class Cameras:
    """On the event loop; changes go through ingest."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        folder: Path,
        reader: Reader,
        secrets: Secrets,
        keeper: Keeper,
        agents: Agents,
        search_from: str,
        devices: Mapping[str, Device],
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        self._folder, self._reader, self._secrets = folder / FOLDER, reader, secrets
        self._keeper, self._agents, self._search_from = keeper, agents, search_from
        self._devices, self._do, self._now = devices, do, now
        self._looked: dict[tuple[str, int], int] = {}
        self.default_logins = DefaultLogins(reader, do, now)

    # --- who we are to it -------------------------------------------------------------------------------------

    async def set_password(self, name: str, password: str, by: By) -> None:
        """The password of its login. Raises Refused: unknown_device, not_asked, no_secret_key."""
        self._asked(name)

        def run(writes: Writes) -> None:
            if password:
                self._secrets.put(writes, name, LOGIN, password)
            else:
                sealed.forget(writes, name, LOGIN)
            audit.note(
                writes, self._now(), by, "camera.password_set", f"device:{name}", {}, {"set": bool(password)}
            )

        await self._do(run)
        self._tell()

    def has_password(self, name: str) -> bool:
        """True where one is stored."""
        return name in dict(self._reader.boxes(LOGIN))

    # --- how it is treated ------------------------------------------------------------------------------------

    def options(self, name: str) -> Options:
        """How a camera is treated."""
        body = dict(self._reader.camera_options()).get(name)
        return Options() if body is None else Options.model_validate_json(body)

    async def set_options(self, name: str, wanted: Options, by: By) -> None:
        """Treat a camera so. Raises Refused: unknown_device, not_asked."""
        self._asked(name)
        before = self.options(name)

        def run(writes: Writes) -> None:
            writes.add(
                "INSERT OR REPLACE INTO camera (device, body) VALUES (?, ?)", name, wanted.model_dump_json()
            )
            audit.note(
                writes, self._now(), by, "camera.options_set", f"device:{name}",
                before.model_dump(mode="json"), wanted.model_dump(mode="json"),
            )  # fmt: skip

        await self._do(run)
        self._tell()

    # --- who else is there ------------------------------------------------------------------------------------

    async def find(self, seconds: float, host: str = "") -> list[Neighbour]:
        """Cameras that answer within `seconds` on our network, or that `host`. Raises Refused: cannot_search."""
        from drivers.onvif import CameraError  # noqa: PLC0415 - 0.3 s at import, needed only here
        from drivers.onvif.discovery import find  # noqa: PLC0415

        try:
            answers = await find(seconds, "" if host else self._search_from, host=host)
        except CameraError as e:
            raise Refused("cannot_search", why=e.reason) from e
        known = {
            urlsplit(d.address).hostname: d.name
            for d in self._devices.values()
            if d.address and not self._retired(d.name)
        }
        return [
            Neighbour(a, f.host, f.name, f.hardware, f.location, known.get(f.host, ""))
            for f in answers
            for a in (f.addresses or ("",))
        ]

    def _retired(self, name: str) -> bool:
        track = self._agents.tracks.get(name)
        return track is not None and track.lifecycle is Lifecycle.RETIRED

    # --- what is asked of it ----------------------------------------------------------------------------------

    def tried(self, name: str) -> Tried | None:
        """How the last visit went; None before the first. Of one that an agent asks: what that said last."""
        agent = self._agents.of(name)
        if agent is None:
            return self._keeper.tried.get(name)
        track = self._agents.tracks[name]
        if track.gone_at is not None:
            return Tried(track.gone_at, track.gone_why, 3)
        return None if track.last_seen is None else Tried(track.last_seen, "", 0)

    async def visit(self, name: str, by: By) -> None:
        """Ask it now. Raises Refused."""
        self._asked(name)
        self._who_asks(name).hurry(name)
        await self._note(name, "camera.asked", by)

    async def set_clock(self, name: str, by: By, *, manually: bool = False) -> None:
        """Set its clock. Raises Refused: clock_not_set (why) and others.

        follows_ntp (servers): a time server sets it, and once set by hand it follows none; nothing was set. With
        `manually` it is set knowingly.
        """
        self._asked(name)
        why = await self._who_asks(name).set_clock(name, manually=manually)
        said: dict[str, object] = {"manually": True} if manually else {}
        await self._note(name, "camera.clock_set", by, **said, **({"why": why} if why else {}))
        what, _, servers = why.partition(" ")
        if what == "follows_ntp":
            raise Refused("follows_ntp", name=name, servers=servers or "?")
        if why:
            raise Refused("clock_not_set", why=why)

    async def try_default_login(self, name: str, by: By) -> Try:
        """Show it its maker's default login, once. Raises Refused, as DefaultLogins.switch_on."""
        self._asked(name)
        track = self._agents.tracks.get(name)
        asks = self._who_asks(name)
        return await self.default_logins.switch_on(name, track.model if track else "", by, asks.try_default)

    async def set_reference(self, name: str, by: By) -> None:
        """The next picture, which is fetched now, shows how it should look. Raises Refused."""
        self._asked(name)
        self._who_asks(name).reference(name, by.person)
        await self._note(name, "camera.reference_set", by)

    def witness(self, name: str, of: str) -> None:
        """A picture is taken now and kept as proof of this; nothing where the camera cannot be asked."""
        try:
            self._asked(name)
            self._who_asks(name).witness(name, of)
        except Refused as e:
            log.warning("no picture of %s as proof of %s: %s", name, of, e.code)

    def _who_asks(self, name: str) -> Keeper | Agents:
        return self._keeper if self._agents.of(name) is None else self._agents

    def _tell(self) -> None:
        self._agents.changed()
        self._keeper.changed()

    async def _note(self, name: str, action: str, by: By, **after: object) -> None:
        await self._do(lambda w: audit.note(w, self._now(), by, action, f"device:{name}", {}, after))

    def _asked(self, name: str) -> Device:
        device = self._devices.get(name)
        if device is None:
            raise Refused("unknown_device")
        if not device.is_asked:
            raise Refused("not_asked", name=name)
        return device

    # --- pictures ---------------------------------------------------------------------------------------------

    async def pictures(self, name: str) -> Sequence[Picture]:
        """Those kept of a camera, in the order of WHATS, newest first."""
        rows = await asyncio.to_thread(self._reader.pictures, name)
        found = [_picture(row) for row in rows]
        return sorted(found, key=lambda p: (WHATS.index(p.what) if p.what in WHATS else 9, -p.at))

    async def look(self, name: str, number: int, by: By) -> bytes:
        """A picture's JPEG; that this person looked at it is told to the audit first. Raises Refused: no_picture."""
        found = next((p for p in await self.pictures(name) if p.id == number), None)
        if found is None:
            raise Refused("no_picture")
        key, now = (by.person, number), self._now()
        if now - self._looked.get(key, -LOOKS_MS) >= LOOKS_MS:
            await self._note(name, "camera.picture_seen", by, picture=found.what, taken=found.at)
            self._looked = {k: at for k, at in self._looked.items() if now - at < LOOKS_MS} | {key: now}
        try:
            return await asyncio.to_thread((self._folder / found.file).read_bytes)
        except OSError as e:
            raise Refused("no_picture") from e

    def store(self, writes: Writes, told: Mapping[str, Any]) -> None:
        """A picture that the poller has put into the folder. In ingest."""
        name, what = str(told["device"]), str(told["what"])
        if name not in self._devices or what not in WHATS:
            return
        at = int(told["at"])
        if what not in MANY:  # it takes the place of the one before; its file goes with the next upkeep
            writes.add("DELETE FROM picture WHERE device=? AND what=? AND at<?", name, what, at)
        writes.add(  # once, however often it is told; nothing where a newer one stands
            "INSERT INTO picture (device, what, at, file, codes, bytes, by) SELECT ?1,?2,?3,?4,?5,?6,?7 "
            "WHERE NOT EXISTS (SELECT 1 FROM picture WHERE device=?1 AND what=?2 "
            "AND (at=?3 OR at>?3 AND ?2 NOT IN ('fault','proof')))",
            name, what, at, str(told["file"]), json.dumps(list(told.get("codes", ()))),
            int(told.get("bytes", 0)), str(told.get("by", "")),
        )  # fmt: skip

    def take(self, writes: Writes, e: Pictured) -> bool:
        """A picture that an agent sent, perhaps once more; False where it is of none that is asked by one. In ingest.

        Raises OSError.
        """
        if self._agents.of(e.device) is None:
            return False
        shelf = Shelf(self._folder, lambda told: self.store(writes, told))
        shelf.put(e.device, e.what, e.taken, e.jpeg, codes=e.codes, by=e.by)
        return True

    async def purge(self, name: str, before: int, by: By) -> int:
        """Away with a camera's pictures taken before an instant (ms); how many they were. Raises Refused."""
        if name not in self._devices:
            raise Refused("unknown_device")
        gone = [p for p in await self.pictures(name) if p.at < before]

        def run(writes: Writes) -> None:
            for p in gone:
                writes.add("DELETE FROM picture WHERE id=?", p.id)
            audit.note(
                writes, self._now(), by, "camera.pictures_purged", f"device:{name}",
                {}, {"before": before, "pictures": len(gone)},
            )  # fmt: skip

        await self._do(run)
        await asyncio.to_thread(self._wipe, name, before)
        return len(gone)

    async def keep_house(self) -> None:
        """For ever: pictures whose time is over go, and files that no row names."""
        while True:
            try:
                await self.upkeep()
            except (Refused, OSError):
                log.exception("pictures whose time is over could not be taken away")
            await asyncio.sleep(EVERY_S)

    async def upkeep(self) -> None:
        """Once. Raises Refused, OSError."""
        now = self._now()

        def run(writes: Writes) -> None:
            for what, kept in KEPT_MS.items():
                writes.add("DELETE FROM picture WHERE what=? AND at<?", what, now - kept)

        await self._do(run)
        known = set(await asyncio.to_thread(self._reader.picture_files))
        await asyncio.to_thread(self._sweep, known)

    def _sweep(self, known: set[str]) -> None:
        young = time.time() - 2 * EVERY_S  # by the machine's clock, as files are: its row may be on its way
        for path in self._folder.glob("*/*.jpg"):
            name = str(path.relative_to(self._folder))
            if name not in known and path.stat().st_mtime < young:
                path.unlink(missing_ok=True)

    def _wipe(self, name: str, before: int) -> None:
        """Files of a camera's pictures taken before an instant, those too that no row names any more."""
        for path in (self._folder / name).glob("*.jpg"):
            at = path.name.partition("-")[0]
            if at.isdecimal() and int(at) < before:
                path.unlink(missing_ok=True)


def seal_logins(
    passwords: Mapping[str, str],
    secrets: Secrets,
    boxes: Mapping[str, bytes],
    at: int,
    by: By,
    writes: Writes,
) -> None:
    """Store passwords of cameras by name, those that are new or another than in `boxes`. Raises Refused."""
    for name, password in passwords.items():
        if name not in boxes or secrets.open(boxes[name], name, LOGIN) != password:
            secrets.put(writes, name, LOGIN, password)
            audit.note(writes, at, by, "camera.password_set", f"device:{name}", {}, {"set": True})


def _picture(row: tuple[Any, ...]) -> Picture:
    number, device, what, at, file, codes, size, by = row
    return Picture(number, device, what, at, file, tuple(json.loads(codes)), size, by)
