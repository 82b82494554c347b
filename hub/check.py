"""`village-hub check`: settings, rules, database, broker. The broker is measured, not believed."""

from __future__ import annotations

import secrets
import sqlite3
import ssl
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices import wire
from drivers.contract import Inbound
from drivers.mqtt_link import CaughtUp, Down, LinkSettings, MqttLink
from hub.app import CannotStart, load_ruleset
from hub.outside import Outside
from hub.secrets import OWN, Secrets
from hub.settings import BadSettings
from hub.store.schema import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.settings import Settings

PROBES = 2100
"""More than mosquitto's default queue (1000) and than our window (2000)."""
WINDOW = 1000
"""With fewer messages under way than this the road is slowed down."""
_WAIT_S = 20.0
_QUIET_S = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `ok` None: it could not be looked at."""

    what: str
    ok: bool | None
    text: str


def check(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one finding at a time, as it is found."""
    yield Finding("settings", ok=True, text=f"data in {settings.data_dir}")
    yield from _rules(settings)
    yield from _store(settings)
    yield _secrets(settings)
    yield _outside(settings)
    yield from _broker(settings)


def _rules(settings: Settings) -> Iterator[Finding]:
    try:
        rules = load_ruleset(settings)
    except CannotStart as e:
        yield Finding("rules", ok=False, text=str(e))
        return
    yield Finding("rules", ok=True, text=f"{len(rules.rules)} rules")


def _store(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir / "hub.db"
    if not path.exists():
        yield Finding("database", ok=None, text=f"{path} does not exist yet; the first start makes it")
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found != VERSION:
                text = f"{path} is of version {found}, this hub reads {VERSION}"
                older = "; the next start migrates it and keeps a copy" if found < VERSION else ""
                yield Finding("database", ok=False if found > VERSION else None, text=text + older)
                return
            whole = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            devices = db.execute("SELECT count(*) FROM device").fetchone()[0]
            sites = {row[0] for row in db.execute("SELECT slug FROM site")}
            nowhere = db.execute("SELECT name, site FROM device WHERE site != ''").fetchall()
    except sqlite3.Error as e:
        yield Finding("database", ok=False, text=f"{path}: {e}")
        return
    lost = [name for name, site in nowhere if site not in sites]
    if lost:
        yield Finding(
            "database", ok=False, text=f"{len(lost)} devices are at sites that do not exist, {lost[0]} first"
        )
    yield Finding(
        "database", ok=whole == "ok", text=f"{devices} devices" if whole == "ok" else f"damaged: {whole}"
    )
    yield from _rule_sites(settings, sites)


def _rule_sites(settings: Settings, sites: set[str]) -> Iterator[Finding]:
    try:
        rules = load_ruleset(settings).rules
    except CannotStart:
        return
    for r in rules:
        for slug in sorted(r.rule.sites - sites):
            yield Finding("rules", ok=False, text=f"{r.rule.source}: {r.id}: there is no site {slug}")


def _secrets(settings: Settings) -> Finding:
    """Whether the key opens what is sealed in the database."""
    path = settings.data_dir / "hub.db"
    sealed: list[tuple[bytes]] = []
    if path.exists():
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
                sealed = db.execute("SELECT box FROM secret WHERE owner=? AND what=?", OWN).fetchall()
        except sqlite3.Error:
            return Finding("secrets", ok=None, text="the database does not tell")
    if not sealed and not settings.key_file.exists():
        return Finding("secrets", ok=True, text="nothing is stored yet that needs a key")
    trouble = Secrets(settings.key_file, sealed[0][0] if sealed else None).trouble
    if not trouble:
        return Finding("secrets", ok=True, text=f"the key in {settings.key_file} fits")
    told = {"lost": "is gone", "wrong": "is another one", "unreadable": "cannot be read"}[trouble]
    text = (
        f"the key file {settings.key_file} {told}: stored passwords and links cannot be opened; "
        "put it back from its copy (lost for good: village-hub secrets reset)"
    )
    return Finding("secrets", ok=False, text=text)


def _outside(settings: Settings) -> Finding:
    """Whether the outside door can open, and for how long its certificate is good."""
    try:
        door = Outside(settings.outside)
    except BadSettings as e:
        return Finding("outside door", ok=False, text=str(e))
    if not door.on:
        return Finding("outside door", ok=True, text="shut; outside.host opens it")
    days = door.days_left()
    how = "behind a proxy" if days is None else f"the certificate is good for {days} days"
    if days is not None and days < 0:
        how = "the certificate is over; renew it"
    return Finding("outside door", ok=not door.troubles(), text=f"{settings.outside.address}, {how}")


# --- the broker -----------------------------------------------------------------------------------------------


class _Trouble(Exception):  # noqa: N818 - internal
    pass


def _broker(settings: Settings) -> Iterator[Finding]:
    where = f"{settings.broker.host}:{settings.broker.port}"
    try:
        password = settings.broker.secret()
    except BadSettings as e:
        yield Finding("broker", ok=False, text=str(e))
        return
    tls = _cafile(settings)
    yield tls
    if settings.broker.cafile is not None and not tls.ok:
        return
    name = f"check-{secrets.token_hex(4)}"
    ours = LinkSettings(
        host=settings.broker.host,
        port=settings.broker.port,
        client_id=name,
        filters=(),
        username=settings.broker.username if password else "",
        password=password,
        cafile=str(settings.broker.cafile or ""),
    )
    try:
        with _connected(ours):
            how = " over TLS" if ours.cafile else ""
            yield Finding("broker", ok=True, text=f"logged in at {where}{how} as {ours.username or 'nobody'}")
        yield _anonymous(ours)
        yield from _queue(replace(ours, filters=(f"{wire.ROOT}/hub/{name}/probe",)))
        yield from _sizes(replace(ours, filters=(f"{wire.ROOT}/hub/{name}/probe",), clean=True))
    except _Trouble as e:
        yield Finding("broker", ok=False, text=f"{where}: {e}")


def _cafile(settings: Settings) -> Finding:
    """Whether passwords and messages are safe on their way to the broker."""
    broker = settings.broker
    if broker.cafile is not None:
        try:
            ssl.create_default_context(cafile=broker.cafile)
        except OSError as e:
            text = f"broker.cafile: cannot use {broker.cafile}: {e.strerror or e}"
            return Finding("broker TLS", ok=False, text=text)
        return Finding("broker TLS", ok=True, text=f"the broker must show a certificate by {broker.cafile}")
    here = broker.host in ("localhost", "::1") or broker.host.startswith("127.")
    text = (
        "none; the broker is on this machine"
        if here
        else "none: passwords are read on the way; set broker.cafile"
    )
    return Finding("broker TLS", ok=here, text=text)


@contextmanager
def _connected(settings: LinkSettings) -> Iterator[MqttLink]:
    link = MqttLink(settings, lambda: time.time_ns() // 1_000_000, lambda: None)
    link.start()
    try:
        _until(link, lambda item: isinstance(item, CaughtUp), "it did not give our own message back")
        yield link
    finally:
        link.stop()


def _until(link: MqttLink, done: Callable[[object], bool], otherwise: str) -> list[Inbound]:
    """Take items until one is it; returns the messages before it. Raises _Trouble."""
    found: list[Inbound] = []
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        while link.inbox:
            item = link.inbox.popleft()
            if isinstance(item, Down):
                raise _Trouble(item.reason)
            if done(item):
                return found
            if isinstance(item, Inbound):
                found.append(item)
        time.sleep(0.02)
    raise _Trouble(otherwise)


def _anonymous(ours: LinkSettings) -> Finding:
    if not ours.username:
        return Finding(
            "broker access", ok=False, text="we log in without a password, so may everybody (allow_anonymous)"
        )
    nobody = replace(ours, client_id=f"{ours.client_id}-nobody", username="", password="", clean=True)
    try:
        with _connected(nobody):
            return Finding(
                "broker access", ok=False, text="lets in who has no password: set allow_anonymous false"
            )
    except _Trouble as e:
        if "refused us" in str(e):
            return Finding("broker access", ok=True, text="refuses who has no password")
        return Finding(
            "broker access", ok=False, text="lets in who has no password: set allow_anonymous false"
        )


def _queue(ours: LinkSettings) -> Iterator[Finding]:
    """What the broker keeps for a hub that is away, and how many messages it sends before an acknowledgement."""
    with _connected(ours):
        pass
    with _connected(replace(ours, client_id=f"{ours.client_id}-sender", filters=(), clean=True)) as sender:
        for i in range(PROBES):
            sender.publish(ours.filters[0], b"%d" % i)
        sender.mark()
        _until(sender, lambda item: isinstance(item, CaughtUp), "it took too long to take our messages")
    link = MqttLink(ours, lambda: time.time_ns() // 1_000_000, lambda: None)
    link.start()
    try:
        window = _unacked(link)
        kept = _rest(link, window)
    finally:
        link.stop()
    with _connected(replace(ours, clean=True)):
        pass  # so the broker forgets the session
    ok = len(kept) == PROBES
    text = f"kept {len(kept)} of {PROBES} messages for a hub that was away"
    yield Finding(
        "broker queue", ok=ok, text=text + ("" if ok else ": raise max_queued_messages, see mosquitto.conf")
    )
    ok = len(window) >= WINDOW
    text = f"sends {len(window)} messages before an acknowledgement"
    yield Finding(
        "broker window",
        ok=ok,
        text=text + ("" if ok else ": raise max_inflight_messages, see mosquitto.conf"),
    )


def _unacked(link: MqttLink) -> list[Inbound]:
    found: list[Inbound] = []
    end = time.monotonic() + _WAIT_S
    quiet = time.monotonic()
    while time.monotonic() < end and (time.monotonic() - quiet < _QUIET_S or not found):
        while link.inbox:
            item = link.inbox.popleft()
            if isinstance(item, Inbound):
                found.append(item)
                quiet = time.monotonic()
        time.sleep(0.02)
    return found


def _rest(link: MqttLink, first: list[Inbound]) -> set[bytes]:
    seen = {m.payload for m in first}
    fresh = first
    while fresh:
        link.ack(fresh[-1].generation, [m.mid for m in fresh])
        fresh = []
        quiet = time.monotonic()
        while time.monotonic() - quiet < _QUIET_S and len(seen) < PROBES:
            while link.inbox:
                item = link.inbox.popleft()
                if isinstance(item, Inbound):
                    fresh.append(item)
                    seen.add(item.payload)
            if fresh:
                break
            time.sleep(0.02)
    time.sleep(0.2)
    return seen


def _sizes(ours: LinkSettings) -> Iterator[Finding]:
    """Whether the largest message of the contract gets through."""
    with _connected(ours) as link:
        link.publish(ours.filters[0], bytes(wire.MAX_PAYLOAD))
        try:
            _until(
                link,
                lambda i: isinstance(i, Inbound) and len(i.payload) == wire.MAX_PAYLOAD,
                "it did not come back",
            )
        except _Trouble as e:
            text = f"a message of {wire.MAX_PAYLOAD} bytes: {e}; set max_packet_size 300000"
            yield Finding("broker size", ok=False, text=text)
            return
    yield Finding("broker size", ok=True, text=f"carries messages of {wire.MAX_PAYLOAD} bytes")
