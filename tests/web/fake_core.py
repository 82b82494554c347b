"""A small hub for the web's tests: it meets `Core`, holds a district in memory, and does what it is told at once."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import math
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from devices.device import Device, Kind
from devices.health import WORST_FIRST, Health, Reason, Shown, shown
from devices.lifecycle import Lifecycle
from devices.person import Person, Role
from devices.transition import Transition
from hub.enrolment import Access, Admitted, Enrolment, Fit, Label
from hub.links import Links
from hub.people import People
from hub.store.writer import Writes
from hub.views import (
    Changed,
    Core,
    DeviceDetail,
    DevicePage,
    DeviceQuery,
    DeviceView,
    HubView,
    IncidentView,
    LogLine,
    Outcome,
    OutsideView,
    Overview,
    Pending,
    Point,
    Refused,
    RuleView,
    SiteView,
    Watch,
)
from tests.web.fake_lights import FakeLights
from tests.web.fake_visits import FakeVisits
from tests.web.readings import point_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devices.field import Value
    from devices.person import By
    from hub.agents import Agents
    from hub.audit import Trail
    from hub.cameras import Cameras
    from hub.notices.views import BoardView, Notice, Notices
    from hub.registry_desk import RegistryDesk


NOW = 1795437720000
"""19:42 on Monday 23 November 2026 in Hanoi."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

COMMUNES = ("Đan Phượng", "Ô Diên", "Thọ Lão")
VILLAGES = (
    "Tháp Thượng", "Thu Quế", "Đại Phùng", "Đồng Vân", "Thuận Thượng", "Thống Nhất", "Đoài Khê", "Đông Khê",
    "Phượng Trì", "Thụy Ứng", "Bãi Tháp", "Thọ Vực", "Hạ Mỗ", "Trúng Đích", "Trại Cảnh", "Hồng Hà",
    "Bồng Lai", "Tân Tiến", "Thượng Thôn", "Quý Thôn", "Hữu Cước", "Đông Lai", "Tiên Tân", "Vạn Xuân", "Trung Hòa",
)  # fmt: skip

PASSWORD = "Xk3-vh-7Qm2-pLw9"

RULES = (
    RuleView(
        "light-lamp-failed",
        "builtin/solar_light.yaml",
        ("solar_light",),
        {"vi": "đèn được bật mà không sáng", "en": "the lamp is commanded on but not lit"},
        1,
    ),
    RuleView(
        "camera-fault",
        "builtin/camera.yaml",
        ("camera",),
        {"vi": "camera tự báo lỗi", "en": "the camera reports a fault"},
        0,
    ),
    RuleView(
        "wifi-loss",
        "village.yaml",
        ("access_point",),
        {"vi": "mất nhiều gói tin", "en": "many packets are lost"},
        0,
        "loss_pct is compared with text",
    ),
)


def slug(name: str) -> str:
    """`Tháp Thượng` -> `thap-thuong`."""
    plain = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower().replace(" ", "-")


PEOPLE = tuple(Person(i, n, Role.SECURITY) for i, n in enumerate(("An", "Bình", "Lan", "Trần Thị Hoa"), 1))


async def _at_once(run: Callable[[Writes], Any]) -> Any:
    return run(Writes())


class FakeSigner:
    """Signs by a key of its own."""

    def sign(self, text: bytes, _writes: Writes) -> bytes:
        return self.signature(text)

    def signature(self, text: bytes) -> bytes:
        return hmac.digest(b"a fake key", text, "sha256")


class FakeWatch:
    """What changed since the last look, merged."""

    def __init__(self) -> None:
        self.change = Changed()
        self.some = asyncio.Event()
        self.failure: Exception | None = None

    async def changed(self) -> Changed:
        await self.some.wait()
        self.some.clear()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        taken, self.change = self.change, Changed()
        return taken


class NoNotices:
    """Their pages are tested on a real hub."""

    def board(self, _name: str) -> None:
        """Nothing is asked of any board."""

    def boards(self) -> list[BoardView]:
        return []

    def all(self) -> list[Notice]:
        return []


class FakeCore(Core):
    """A district of `villages`; each has 27 cameras, 18 solar lights, 2 wifi points and now and then a signboard."""

    def __init__(self, villages: int = 101, now: int = NOW) -> None:
        self.at = now
        self._lights = FakeLights()
        self._people = People(PEOPLE, _at_once, self.now)
        self._links = Links((), FakeSigner(), _at_once, self.now)
        self._visits = FakeVisits(self)
        self.door, self.key_trouble = OutsideView(), ""
        self.rate, self.shift_s, self.broker_kind, self.ready = 1.0, 0.0, "mosquitto", True
        self.by_name: dict[str, DeviceView] = {}
        self.places: dict[str, tuple[str, str, str]] = {slug(c): (c, "commune", "") for c in COMMUNES}
        self.at_site: dict[str, list[str]] = {}
        self.found: dict[int, IncidentView] = {}
        self.logs: dict[int, list[LogLine]] = {}
        self.moves: dict[str, list[Transition]] = {}
        self.knocking: dict[str, Pending] = {}
        self.planned: tuple[Fit, ...] = ()
        self.watches: list[FakeWatch] = []
        self.drawn_overviews = 0
        for number in range(villages):
            self._village(number)
        self._add(Device("hub", Kind.HUB, "hub", "", "Trung tâm", 15))

    # ------------------------------------------------------------ what is told to it

    def becomes(self, name: str, health: Health, *reasons: Reason, unstable: bool = False) -> None:
        """A device changes its health now."""
        before = self.by_name[name]
        after = replace(
            before,
            health=health,
            unstable=unstable,
            reasons=reasons,
            since=self.at,
            shown=shown(before.lifecycle, health, unstable=unstable),
        )
        self.by_name[name] = after
        self.moves.setdefault(name, []).append(
            Transition(name, self.at, before.health, health, unstable, reasons)
        )
        self.tell(Changed(devices={name}, sites={before.device.site}))

    def opens(self, number: int, severity: Shown, devices: Sequence[str], **about: object) -> IncidentView:
        """An incident opens now."""
        site = self.by_name[devices[0]].device.site
        plain: dict[str, object] = {
            "rule": "light-lamp-failed",
            "title": {
                "vi": f"Đèn {devices[0]} không sáng dù được bật",
                "en": f"Light {devices[0]} does not shine",
            },
            "detail": {"vi": "ắc quy 12,9 V, công suất đèn 0 W", "en": "battery 12.9 V, lamp power 0 W"},
            "opened_at": self.at,
        }
        plain |= {"state": "open", "site": site, "site_name": self.places[site][0]} | about
        made = IncidentView(id=number, severity=severity, devices=tuple(devices), **plain)  # type: ignore[arg-type]
        self.found[number] = made
        self.logs[number] = [LogLine(made.opened_at, "opened")]
        self.tell(Changed(incidents={number}, sites={site}))
        return made

    def knocks(self, name: str, **claim: str) -> None:
        """An unknown device says hello."""
        self.knocking[name] = Pending(name, "thap-thuong", claim, self.at - HOUR, self.at, 4)
        self.tell(Changed(pending=True))

    def tell(self, change: Changed) -> None:
        """Wake whoever watches."""
        for watch in self.watches:
            watch.change.devices |= change.devices
            watch.change.sites |= change.sites
            watch.change.incidents |= change.incidents
            watch.change.pending |= change.pending
            watch.change.hub |= change.hub
            watch.change.notices |= change.notices
            watch.change.all |= change.all
            watch.some.set()

    # ------------------------------------------------------------ Core

    @property
    def lights(self) -> FakeLights:
        return self._lights

    agents = cast("Agents", None)
    registry = cast("RegistryDesk", None)
    """Its pages are tested with a real hub (test_registry.py)."""
    cameras = cast("Cameras", None)
    """The district's speak MQTT; those that are asked are tested with a real hub (test_cameras.py)."""

    notices = cast("Notices", NoNotices())
    """Its operations are tested with a real hub (test_notices.py)."""

    def now(self) -> int:
        return self.at

    def overview(self) -> Overview:
        self.drawn_overviews += 1
        sites = [
            replace(self._site(s), sunset=None, sunrise=None)
            for s, (_, tier, _) in self.places.items()
            if tier == "village"
        ]
        sites = sorted((s for s in sites if s.total), key=lambda s: WORST_FIRST.index(s.worst))
        counts: dict[Kind, dict[Shown, int]] = {}
        for view in self.by_name.values():
            if view.device.kind is Kind.HUB:
                continue
            by_state = counts.setdefault(view.device.kind, {})
            by_state[view.shown] = by_state.get(view.shown, 0) + 1
        return Overview(self.at, self._open(), tuple(sites), counts, self.ready)

    def site(self, slug: str) -> SiteView | None:
        return self._site(slug) if slug in self.places else None

    def sites_below(self, slug: str) -> tuple[SiteView, ...]:
        below = [self._site(s) for s, (_, _, parent) in self.places.items() if parent == slug]
        return tuple(sorted(below, key=lambda s: WORST_FIRST.index(s.worst)))

    def empty_places(self) -> tuple[SiteView, ...]:
        return ()

    def site_names(self) -> tuple[tuple[str, str], ...]:
        return tuple((s, name) for s, (name, _, _) in self.places.items())

    def devices(self, query: DeviceQuery) -> DevicePage:
        wanted = slug(query.text)
        found = [
            v
            for v in self.by_name.values()
            if v.device.kind is not Kind.HUB
            and (not query.kind or v.device.kind == query.kind)
            and (not query.shown or v.shown == query.shown)
            and (not query.site or query.site in self._sites_of(v.device.site))
            and wanted in slug(f"{v.device.name} {v.device.title} {v.device.place}")
        ]
        found.sort(key=lambda v: (WORST_FIRST.index(v.shown), v.device.name))
        pages = max(1, math.ceil(len(found) / query.size))
        page = min(query.page, pages)
        return DevicePage(tuple(found[(page - 1) * query.size : page * query.size]), len(found), page, pages)

    def device(self, name: str) -> DeviceDetail | None:
        view = self.by_name.get(name)
        if view is None:
            return None
        mine = tuple(i for i in self.found.values() if name in i.devices)
        children = tuple(v for v in self.by_name.values() if v.device.uplink_by == name)
        silent = view.health is Health.OFFLINE
        return DeviceDetail(
            view=view,
            last_seen=None if view.health is Health.UNKNOWN else self.at - (4 * HOUR if silent else 38_000),
            values=values_of(view.device.kind),
            values_at=self.at - 38_000,
            facts={"silent": silent, "clock_drift_s": -0.4},
            model="SL-30",
            firmware="1.4.2",
            boot=77123,
            garbled_total=3,
            garbled_last='battery_v: 812.0 is above 100 · {"boot":77123,"seq":91,"battery_v":812.0}',
            garbled_at=self.at - 2 * HOUR,
            duplicates=12,
            children=children,
            incidents=mine,
        )

    def device_view(self, name: str) -> DeviceView | None:
        return self.by_name.get(name)

    def incident(self, number: int) -> IncidentView | None:
        found = self.found.get(number)
        return found if found and found.state != "closed" else None

    def pending(self) -> tuple[Pending, ...]:
        return tuple(self.knocking.values())

    def hub(self) -> HubView:
        detail = self.device("hub")
        assert detail is not None
        return HubView(
            detail=detail,
            version="0.1.0",
            started_at=self.at - 3 * DAY,
            broker="127.0.0.1:1883",
            broker_kind=self.broker_kind,
            caught_up=self.ready,
            deaf=(
                (self.at - 3 * DAY - 2 * HOUR, self.at - 3 * DAY, "start"),
                (self.at - 5 * HOUR, self.at - 5 * HOUR + 90_000, "broker"),
            ),
            outcomes=(
                Outcome("accepted", 20_471_208, self.at - 20, ""),
                Outcome("duplicate", 318, self.at - HOUR, "thu-que-l017"),
                Outcome("garbled", 41, self.at - 9 * MINUTE, 'thu-que-c003: not JSON · "{boot:7"'),
            ),
            rules=RULES,
            journal_rows=6_817_204,
            journal_mb=1262.4,
            checkpoint_at=self.at - 4000,
            clock_shift_s=self.shift_s,
            clock_rate=self.rate,
            secrets_trouble=self.key_trouble,
            outside=self.door,
        )

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        mine = FakeWatch()
        self.watches.append(mine)
        try:
            yield mine
        finally:
            self.watches.remove(mine)

    async def incidents(self, *, before: int | None, limit: int) -> Sequence[IncidentView]:
        newest = sorted(self.found.values(), key=lambda i: -i.id)
        return [i for i in newest if before is None or i.id < before][:limit]

    async def past_incident(self, number: int) -> IncidentView | None:
        return self.found.get(number)

    async def incident_log(self, number: int) -> Sequence[LogLine]:
        return self.logs.get(number, [])

    async def transitions(self, device: str, *, since: int, limit: int) -> Sequence[Transition]:
        return [t for t in self.moves.get(device, []) if t.at >= since][-limit:]

    async def points(self, device: str, since: int, until: int, bucket_ms: int) -> Sequence[Point]:
        kind = self.by_name[device].device.kind
        count = (until - since) // bucket_ms
        return [
            point_of(kind, since + i * bucket_ms, i * 288 // count)
            for i in range(count)
            if not 5 * count // 12 <= i < 5 * count // 12 + 12
        ]

    def readings(self, device: str, since: int, until: int) -> Iterator[tuple[int, dict[str, Value]]]:
        del device
        for at in range(since, until, 60_000):
            yield at, {"battery_v": 12.5, "faults": ["lampFailure"]}

    async def accept(self, number: int, by: By, comment: str) -> IncidentView:
        found = self.found.get(number)
        if found is None:
            raise Refused("unknown_incident")
        if found.state == "closed":
            raise Refused("incident_closed")
        if found.accepted_by:
            raise Refused("already_accepted", by=found.accepted_by)
        self.found[number] = replace(found, accepted_by=by.person, accepted_at=self.at)
        self.logs[number].append(LogLine(self.at, "accepted", by.person, comment))
        self.tell(Changed(incidents={number}))
        return self.found[number]

    async def comment(self, number: int, by: By, text: str) -> None:
        if number not in self.found:
            raise Refused("unknown_incident")
        self.logs[number].append(LogLine(self.at, "comment", by.person, text))
        self.tell(Changed(incidents={number}))

    @property
    def audit(self) -> Trail:
        raise NotImplementedError  # its pages are tested on a real hub

    @property
    def people(self) -> People:
        return self._people

    @property
    def links(self) -> Links:
        return self._links

    @property
    def visits(self) -> FakeVisits:
        return self._visits

    # ------------------------------------------------------------ enrolment

    @property
    def enrolment(self) -> Enrolment:
        return self

    def fits(self) -> dict[str, Sequence[Fit]]:
        return dict.fromkeys(self.knocking, self.planned)

    def access(self, name: str) -> Access:
        return Access(password=name in self.by_name, label=False)

    async def approve(
        self, name: str, *, site: str, title: str, interval_s: float, kind: str, by: By
    ) -> Admitted:
        del by
        if name not in self.knocking:
            raise Refused("unknown_device")
        realm = self.knocking.pop(name).realm
        self._add(Device(name, Kind(kind), realm, site, title, interval_s), Lifecycle.PLANNED)
        self.tell(Changed(pending=True, all=True))
        return Admitted(name, realm, PASSWORD)

    async def take(self, name: str, planned: str, by: By) -> Admitted:
        del by
        if name not in self.knocking:
            raise Refused("unknown_device")
        if planned not in [fit.device.name for fit in self.planned]:
            raise Refused("not_planned")
        self.tell(Changed(pending=True))
        return Admitted(planned, self.knocking.pop(name).realm, PASSWORD)

    async def refuse(self, name: str, by: By) -> None:
        del by
        if self.knocking.pop(name, None) is None:
            raise Refused("unknown_device")
        self.tell(Changed(pending=True))

    async def password(self, name: str, by: By) -> Admitted:
        del by
        return Admitted(name, self.by_name[name].device.realm, PASSWORD)

    async def revoke(self, name: str, by: By) -> None:
        pass

    async def labels(self, names: Sequence[str], site: str) -> Sequence[Label]:
        del site
        views = [self.by_name[n] for n in names if n in self.by_name]
        return [
            Label(v.device.name, v.device.realm, v.device.title, v.device.kind, v.device.site, PASSWORD)
            for v in views
        ]

    async def printed(self, names: Sequence[str], by: By) -> None:
        pass

    # ------------------------------------------------------------ inside

    def _village(self, number: int) -> None:
        name = VILLAGES[number % len(VILLAGES)] + (
            f" {number // len(VILLAGES) + 1}" if number >= len(VILLAGES) else ""
        )
        at = slug(name)
        self.places[at] = (name, "village", slug(COMMUNES[number % 3]))
        gateway = f"{at}-gw"
        self._add(Device(gateway, Kind.GATEWAY, at, at, f"Cổng kết nối {name}", 60, place="nhà văn hóa"))
        kinds = [
            (Kind.CAMERA, "c", "Camera", 27),
            (Kind.SOLAR_LIGHT, "l", "Đèn", 18),
            (Kind.ACCESS_POINT, "w", "Wifi", 2),
        ]
        kinds += [(Kind.SIGNBOARD, "b", "Bảng tin", 1)] if number % 4 == 0 else []
        for kind, letter, title, count in kinds:
            for i in range(1, count + 1):
                device = Device(
                    f"{at}-{letter}{i:03}",
                    kind,
                    at,
                    at,
                    f"{title} {i:02}",
                    60,
                    place=f"ngõ {i}",
                    uplink_by=gateway,
                )
                self._add(device)

    def _add(self, device: Device, lifecycle: Lifecycle = Lifecycle.ACTIVE) -> None:
        health = Health.UNKNOWN if lifecycle is Lifecycle.PLANNED else Health.OK
        reasons = (Reason("never_seen"),) if health is Health.UNKNOWN else ()
        state = shown(lifecycle, health, unstable=False)
        self.at_site.setdefault(device.site, []).append(device.name)
        self.by_name[device.name] = DeviceView(
            device, lifecycle, state, health, False, self.at - 2 * DAY, reasons
        )

    def _sites_of(self, site: str) -> set[str]:
        return {site, self.places[site][2]} - {""} if site in self.places else set()

    def _site(self, at: str) -> SiteView:
        name, tier, parent = self.places[at]
        counts: dict[Kind, dict[Shown, int]] = {}
        states = set()
        total = 0
        inside = [at, *(s for s, (_, _, up) in self.places.items() if up == at)]
        for device in (name for s in inside for name in self.at_site.get(s, ())):
            view = self.by_name[device]
            by_state = counts.setdefault(view.device.kind, {})
            by_state[view.shown] = by_state.get(view.shown, 0) + 1
            states.add(view.shown)
            total += 1
        worst = next((s for s in WORST_FIRST if s in states), Shown.UNKNOWN)
        path = ((parent, self.places[parent][0]),) if parent else ()
        here = sum(at in self._sites_of(i.site) for i in self._open())
        midnight = self.at - (self.at + 7 * HOUR) % DAY
        sun = (midnight + 41 * HOUR + 14 * MINUTE, midnight + 30 * HOUR + 11 * MINUTE)
        return SiteView(at, name, tier, path, 21.09, 105.67, total, counts, worst, here, *sun)

    def _open(self) -> tuple[IncidentView, ...]:
        still = [i for i in self.found.values() if i.state != "closed"]
        return tuple(sorted(still, key=lambda i: (bool(i.accepted_by), WORST_FIRST.index(i.severity), i.id)))
