"""The composition root: everything is built here, in order, and torn down in reverse."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

from devices.device import HUB, Device, Kind
from devices.lifecycle import Lifecycle
from drivers import DRIVERS
from drivers.mqtt_link import LinkSettings, MqttLink
from hub import access, registry
from hub.admission import Admission
from hub.asking import asking
from hub.clock import Clock
from hub.core import HubCore
from hub.denied import Tail
from hub.history import cursor
from hub.history.influx import NAME as INFLUX
from hub.history.influx import Influx
from hub.history.packer import Packer
from hub.history.query import History
from hub.incidents import Desk
from hub.ingest import Delta, Ingest
from hub.intake import Intake
from hub.lights import Lights
from hub.notices.boards import Boards
from hub.notices.book import Book, troubles
from hub.notices.fallback import Fallbacks
from hub.notices.schedule import DAY_MS
from hub.notices.trim import Trim
from hub.nudges import Nudges
from hub.outside import Outside
from hub.present import Present
from hub.registrar import Registrar, has_hardware
from hub.replay import load_spans, reconcile, replay
from hub.secrets import OWN, Secrets
from hub.selfreport import SelfReport
from hub.settings import BadSettings, Settings
from hub.store.reader import Reader
from hub.store.writer import Store, StoreBroken, Writes, lock
from hub.tracker import Tracker
from hub.waiting import Waiting
from hub.watchdog import Systemd, Watchdog
from hub.web import bind, create_app, create_outside, serving, serving_outside
from hub.web.app import HOSTS
from rules.load import BUILTIN
from rules.load import load as load_rules

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from hub.agents import Agents
    from hub.cameras import Cameras
    from hub.deaf import Deafness
    from hub.notices.visits import Visits
    from hub.poll.keeper import Keeper
    from hub.registry import Registry
    from rules.rule import Ruleset

log = logging.getLogger(__name__)

SYS_TOPICS = ("$SYS/broker/version", "$SYS/broker/uptime", "$SYS/broker/publish/messages/dropped")


class CannotStart(Exception):  # noqa: N818 - what happened
    """The hub cannot start; one sentence that says what to do."""


@dataclass(slots=True)
class Parts:
    """Everything a running hub is made of."""

    settings: Settings
    version: str
    started_at: int
    clock: Clock
    store: Store
    reader: Reader
    registry: Registry
    deafness: Deafness
    tracker: Tracker
    desk: Desk
    waiting: Waiting
    intake: Intake
    report: SelfReport
    ingest: Ingest
    link: MqttLink
    present: Present
    registrar: Registrar
    lights: Lights
    book: Book
    boards: Boards
    secrets: Secrets
    admission: Admission
    influx: Influx | None
    history: History
    packer: Packer
    outside: Outside
    keeper: Keeper
    agents: Agents
    cameras: Cameras


def write_access(settings: Settings, devices: list[Device], hashes: list[tuple[str, str]]) -> None:
    """Write the broker's files with everybody's hash, the hub's own made from its password, where they differ."""
    folder = settings.broker.access_dir
    if folder is None:
        return
    own = [
        (settings.broker.username, access.hash_of(folder, settings.broker.username, settings.broker.secret()))
    ]
    enrol = folder / "enrol.password"
    if not enrol.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(enrol, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as f:
            f.write(access.new_password())
    own.append((access.ENROL, access.hash_of(folder, access.ENROL, enrol.read_text().strip())))
    access.write(folder, devices, [*own, *hashes], settings.broker.username)


def tell_broker(settings: Settings) -> None:
    """Have the broker read its files, where they changed since it was told.

    Not while the hub is away: a mosquitto that was restarted has the hub's session from disk, but not its password.
    Told to read its files, it refuses that session whatever is published, acknowledged, until the hub connects.
    """
    folder, pid_file = settings.broker.access_dir, settings.broker.pid_file
    if folder is None or pid_file is None or not (folder / access.UNREAD).exists():
        return
    if access.reload(pid_file):
        (folder / access.UNREAD).unlink(missing_ok=True)


def _admission(settings: Settings, found: Registry, reader: Reader, report: SelfReport) -> Admission:
    """What keeps the broker's files as the registry says, where the settings say where they are."""

    def write() -> frozenset[str]:
        hashes = reader.passwords()
        write_access(settings, list(found.devices.values()), hashes)
        return frozenset(name for name, _ in hashes)

    return Admission(write, lambda: tell_broker(settings), lambda: report.broker_up)


def _influx(settings: Settings, store: Store, found: Registry, ingest: Ingest) -> Influx | None:
    """The follower that writes to InfluxDB, where the settings name one."""
    if not settings.influxdb.url:
        return None

    def by_id() -> dict[int, Device]:
        return {found.ids[name]: device for name, device in list(found.devices.items()) if name in found.ids}

    made = Influx(
        settings=settings.influxdb, path=store.path, devices=by_id, submit=ingest.submit,
        now=ingest.clock.now,
    )  # fmt: skip
    ingest.report.others.append(made.troubles)
    return made


def _history(settings: Settings, store: Store, tracker: Tracker) -> History:
    """The past; its cursors are those of the followers that there are."""
    writes = Writes()
    cursor.only(store, writes, [cursor.HISTORY, *([INFLUX] if settings.influxdb.url else [])])
    store.commit(writes)

    def newest(name: str) -> int:
        track = tracker.by_name.get(name)
        return 0 if track is None else int(track.last_pos)

    return History(settings.data_dir, newest)


def _packer(settings: Settings, ingest: Ingest) -> Packer:
    """What packs the journal."""

    async def do(run: Callable[[Writes], object]) -> None:
        await asyncio.wrap_future(ingest.submit(run))

    made = Packer(settings.data_dir, ingest.clock.now, do, settings.history)
    ingest.report.others.append(made.troubles)
    return made


def load_secrets(settings: Settings, rows: Callable[..., list[tuple[object, ...]]]) -> Secrets:
    """What opens the stored secrets; `rows` asks the database."""
    found = rows("SELECT box FROM secret WHERE owner=? AND what=?", *OWN)
    box = found[0][0] if found else None
    return Secrets(settings.key_file, box if isinstance(box, bytes) else None)


def load_ruleset(settings: Settings) -> Ruleset:
    """The rules, all of them right. Raises CannotStart with every problem."""
    paths = ([BUILTIN] if settings.rules.builtin else []) + list(settings.rules.files)
    try:
        rules, problems = load_rules(paths)
    except OSError as e:
        raise CannotStart(f"cannot read the rules: {e}") from e
    if problems:
        raise CannotStart("the rules cannot be used:\n  " + "\n  ".join(str(p) for p in problems))
    return rules


def hub_version() -> str:
    """The installed version."""
    try:
        return installed_version("village-hub")
    except PackageNotFoundError:
        return "0"


def _hub_device(store: Store, found: Registry) -> None:
    """The hub is a device of its own."""
    if HUB in found.devices:
        return
    device = Device(
        HUB, Kind.HUB, HUB, "", "Trung tâm", interval_s=10, timeout_s=1e9, lifecycle=Lifecycle.ACTIVE
    )
    writes = Writes()
    registry.put_device(writes, device, "")
    store.commit(writes)
    found.devices[HUB] = device
    found.versions[HUB] = 1
    found.ids[HUB] = int(store.rows("SELECT id FROM device WHERE name=?", HUB)[0][0])


def follow(found: Registry, tracker: Tracker, now: int) -> None:
    """Let the tracker follow everything that is registered."""
    scopes: dict[str, frozenset[str]] = {}
    for name, device in found.devices.items():
        if device.site not in scopes:
            scopes[device.site] = found.scope(device.site, now)
        tracker.add(device, found.ids[name], found.sun(device), scopes[device.site])
    tracker.connect()


def _instances(store: Store, mine: str) -> frozenset[str]:
    """Earlier starts of this hub (their markers are no other hub's), with this one added."""
    before = [i for i in (store.meta("instances") or "").split(",") if i]
    writes = Writes()
    store.set_meta(writes, "instances", ",".join([*before[-50:], mine]))
    store.commit(writes)
    return frozenset(before)


def build(settings: Settings, publish: Callable[[Delta], None]) -> Parts:
    """Everything up to the point where threads start. Raises CannotStart, StoreBroken, BadSettings."""
    rules = load_ruleset(settings)
    password = settings.broker.secret()
    settings.influxdb.secret()  # a file that is not there is told now
    outside = Outside(settings.outside)
    clock = Clock(shift_s=settings.clock.shift_s, rate=settings.clock.rate, since=settings.clock.since)
    store = Store(settings.data_dir)
    alive = max(int(store.meta("alive_at") or 0), int(store.meta("decided_at") or 0))
    if clock.keep_after(alive):
        log.error("the wall clock is earlier than what is stored: nothing is judged until it is right")
    now = clock.now()
    deafness, spans_before = load_spans(store)
    tracker = Tracker(rules, deafness)
    found = registry.load(store)
    _hub_device(store, found)
    follow(found, tracker, now)
    report = SelfReport(clock, broker_kind="")
    report.spans_before = spans_before
    report.others.append(outside.troubles)
    waiting = Waiting(store)
    intake = Intake(tracker, DRIVERS, store.next_pos, hello=waiting.hello)
    lights = Lights(store, found, tracker, intake)
    book = Book(store, found, lights.targets)
    boards = Boards(store, tracker, intake, book, Fallbacks())
    started = time.monotonic()
    rows = replay(store, tracker, intake, spans_before)
    log.info(
        "%d devices, %d journal rows folded in %.1f s", len(tracker.tracks), rows, time.monotonic() - started
    )
    for t in tracker.tracks:
        if t.lifecycle is Lifecycle.RETIRED and t.active:  # by a command while no hub ran
            tracker.live(t, Lifecycle.RETIRED, now)
    desk = Desk(store, lambda slug: found.sites[slug].name if slug in found.sites else "")
    ingest = Ingest(
        store=store, tracker=tracker, desk=desk, intake=intake, clock=clock, report=report,
        waiting=waiting, denied=Tail(settings.broker.access_dir), publish=publish, lights=lights,
        book=book, boards=boards, trim=Trim(store, book, settings.notices.keep_days * DAY_MS),
        journal_keep_ms=round(settings.journal.keep_h * 3_600_000),
        journal_max_bytes=round(settings.journal.max_gb * 1e9),
    )  # fmt: skip
    waiting.writes = lambda: ingest.writes
    report.others.append(lambda: troubles(book, clock.now))
    ingest.writes = reconcile(store, tracker, desk, now)
    link_settings = LinkSettings(
        host=settings.broker.host,
        port=settings.broker.port,
        client_id=f"hub-{store.hub_id}",
        filters=tuple(f for d in DRIVERS.values() for f in d.filters) + SYS_TOPICS,
        username=settings.broker.username if password else "",
        password=password,
        cafile=str(settings.broker.cafile or ""),
        keepalive_s=settings.broker.keepalive_s,
        session_expected=store.meta("connected_before") == "1",
    )
    link_settings = replace(link_settings, instances=_instances(store, link_settings.instance))
    try:
        link = MqttLink(link_settings, clock.now, ingest.wake.set)
    except OSError as e:
        raise CannotStart(f"broker.cafile: cannot use {settings.broker.cafile}: {e.strerror or e}") from e
    ingest.link, boards.fallbacks.ready = link, ingest.wake.set
    secrets, reader = load_secrets(settings, store.rows), Reader(store.path)
    ingest.deafen(min(alive, now) if alive else now, "start", cut=True)
    ingest.begin(now)
    return Parts(
        settings, hub_version(), now, clock, store, reader, found, deafness, tracker, desk, waiting, intake,
        report, ingest, link, Present(tracker, found, desk.open.values()),
        Registrar(found, tracker, intake, waiting, clock.now, lambda: ingest.delta, has_hardware(store)),
        lights, book, boards,
        secrets, _admission(settings, found, reader, report),
        _influx(settings, store, found, ingest), _history(settings, store, tracker),
        _packer(settings, ingest),
        outside,
        *asking(settings, found, tracker, ingest, secrets, reader),
    )  # fmt: skip


async def run(
    settings: Settings, ready: Callable[[int], None] | None = None, stop: asyncio.Event | None = None
) -> None:
    """Run a hub until `stop` (default: SIGINT or SIGTERM). `ready` gets the pages' port. Raises CannotStart."""
    async with AsyncExitStack() as teardown:
        sock = _listen(settings.web.host, settings.web.port, "serve pages")
        teardown.callback(sock.close)
        try:
            handle = lock(settings.data_dir)
            teardown.callback(os.close, handle)
            feed = Feed(asyncio.get_running_loop())
            parts = build(settings, feed)
        except (StoreBroken, BadSettings) as e:
            raise CannotStart(str(e)) from e
        except sqlite3.DatabaseError as e:
            raise CannotStart(f"the database {settings.data_dir / 'hub.db'} is damaged: {e}") from e
        teardown.callback(parts.store.close)
        teardown.callback(parts.link.stop)
        teardown.callback(parts.boards.fallbacks.stop)
        feed.present, feed.admission = parts.present, parts.admission
        feed.keeper, feed.agents = parts.keeper, parts.agents
        feed.nudges = Nudges(parts.registry.devices, parts.tracker.tracks, parts.keeper.nudge)
        try:
            parts.admission.admitted = await asyncio.to_thread(parts.admission.write)
            if parts.store.meta("connected_before") != "1":
                tell_broker(settings)
        except OSError as e:
            raise CannotStart(f"cannot write the broker's users: {e}") from e
        parts.ingest.thread.start()
        teardown.push_async_callback(asyncio.to_thread, parts.ingest.stop)
        parts.link.start()
        if parts.influx is not None:
            parts.influx.start()
            teardown.push_async_callback(asyncio.to_thread, parts.influx.stop)
        core = HubCore(parts)
        feed.visits, feed.cameras = core.visits, core.cameras
        parts.admission.changed()  # so that the broker is told, if it was not
        teardown.push_async_callback(core.links.store_uses)
        for task in (
            parts.admission.run(), core.enrolment.keep_forgetting(), parts.packer.run(), core.links.keep_counting(),
            parts.outside.keep_looking(), parts.keeper.run(), parts.agents.run(), parts.cameras.keep_house(),
        ):  # fmt: skip
            teardown.callback(asyncio.create_task(task).cancel)
        app = create_app(core, hosts=(*HOSTS, *settings.web.hosts), tiles=settings.web.tiles)
        port = await teardown.enter_async_context(serving(app, sock=sock))
        await _open_outside(parts, core, teardown)
        if ready is not None:
            ready(port)
        teardown.callback(asyncio.create_task(_watchdog(parts, teardown).run()).cancel)
        await (stop or _signals()).wait()


async def _open_outside(parts: Parts, core: HubCore, teardown: AsyncExitStack) -> None:
    """Serve the outside door, where the settings say so."""
    door, settings = parts.outside, parts.settings.outside
    if door.on:
        sock = _listen(settings.host, settings.port, "open the outside door")
        context = None if door.certificate is None else door.certificate.context
        app = create_outside(core, proxies=door.proxies, direct=context is not None)
        await teardown.enter_async_context(serving_outside(app, sock, context, core.visits.shut))


def _watchdog(parts: Parts, teardown: AsyncExitStack) -> Watchdog:
    """What tells systemd how the hub is."""
    systemd = Systemd()
    teardown.callback(systemd.close)

    def status() -> str:
        hears = "no broker" if not parts.report.broker_up else "" if parts.ingest.caught_up else "catching up"
        cases = sum(1 for c in list(parts.present.cases.values()) if c.view().state != "closed")
        told = f"{len(parts.registry.devices)} devices, {cases} incidents open"
        return f"{hears}; {told}" if hears else told

    return Watchdog(systemd, parts.ingest, lambda: parts.report.broker_up, status)


class Feed:
    """Carries ingest's deltas to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.present: Present | None = None
        self.admission: Admission | None = None
        self.keeper: Keeper | None = None
        self.agents: Agents | None = None
        self.nudges: Nudges | None = None
        self.visits: Visits | None = None
        self.cameras: Cameras | None = None

    def __call__(self, delta: Delta) -> None:
        if self.present is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, self.present, delta)

    def _take(self, present: Present, delta: Delta) -> None:
        present.apply(delta)
        if self.admission is not None and (delta.registry or delta.access):
            self.admission.changed()
        if self.agents is not None and delta.registry:
            self.agents.changed()
        if self.keeper is not None and delta.registry:
            self.keeper.changed()
        if self.cameras is not None:
            for camera, of in delta.looks:
                self.cameras.witness(camera, of)
        if self.nudges is not None:
            self.nudges.changed(delta.tracks)
        if self.visits is not None:
            self.visits.changed(delta.tracks)


def _listen(host: str, port: int, what: str) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as e:
        raise CannotStart(f"cannot {what} on {host}:{port}: {e.strerror or e}") from e


def _signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for s in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(s, stop.set)
    return stop


def settings_path(given: Path | None) -> Path | None:
    """The settings file: the one named, else VILLAGE_HUB_SETTINGS, else ./hub.toml where it stands."""
    if given is not None:
        return given
    named = os.environ.get("VILLAGE_HUB_SETTINGS")
    if named:
        return Path(named)
    return Path("hub.toml") if Path("hub.toml").is_file() else None
