"""The simulated field: villages with mains and uplink, devices that step by a heap of due times. No network, no clock.

`run_until(now)` plays what is due; everything else happens at the time of the last thing played.
"""

from __future__ import annotations

import heapq
import itertools
import random
from typing import TYPE_CHECKING, Any

from devices.device import ASKED, Kind
from simulators import faults
from simulators.errors import UserError
from simulators.fleet import is_asked, is_browser, speaks_itself
from simulators.inputs import Inputs
from simulators.sky import Sky
from simulators.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devices.device import Device
    from simulators.fleet import Fleet
    from simulators.outbox import Message, Port
    from simulators.sky import Weather

SETTLE_S, SETTLE_STEP_S = 24 * 3600, 900
"""How far back, and how finely, the lights' charge is played before the field starts."""
RETRY_S = 20.0
"""A device that lost its uplink tries again within so many seconds: that is all the jitter of a mass return."""
BOARD_SLOW_S = 150.0
"""The same of a board and its notices."""
SLOW_S = 600.0
"""How long a slow light takes to apply what is asked of it."""
FLAP_UP_S, FLAP_DOWN_S = (15.0, 45.0), (3.0, 12.0)
REBOOT_EVERY_S = (25.0, 60.0)


class World:
    """All units of a fleet. `port` gives a device its way to the broker; the same seed plays the same field."""

    def __init__(
        self,
        fleet: Fleet,
        start: float,
        port: Callable[[Device], Port],
        *,
        seed: int = 0,
        rng: random.Random | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.now = start
        self.fetch: Callable[[Unit, str], None] = lambda unit, name: self.fetched(unit, name, None)
        """Gets a frame that a board wants; its answer is `fetched`. By default nobody does."""
        self._clock = clock or (lambda: self.now)  # for what happens between two steps: connects
        self.units = {
            d.name: Unit(d, port(d) if speaks_itself(d) or is_asked(d) else None, rng or random.Random())
            for d in fleet.devices
            if not is_browser(d)
        }
        self.villages = {d.site: None for d in fleet.devices}
        self.dark: set[str] = set()  # villages without mains
        self.cut_off: set[str] = set()  # villages without uplink
        self._sky = Sky(seed)
        self._chance = random.Random(seed)
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._behind: dict[str, list[Unit]] = {}
        self._linked: set[str] = set()
        for unit in self.units.values():
            if unit.device.uplink_by:
                self._behind.setdefault(unit.device.uplink_by, []).append(unit)

    # ------------------------------------------------------------ time

    def start(self) -> None:
        """Everything is found running, each light with the charge of the hour."""
        past = range(int(self.now) - SETTLE_S, int(self.now), SETTLE_STEP_S)
        for unit in self.units.values():
            if unit.device.kind is Kind.SOLAR_LIGHT:
                unit.settle([(t, self._weather(unit, t)) for t in past])
            unit.start(self.now)
            unit.due = unit.first_report(self.now)
            self.at(unit.due, self._report_loop(unit))
        for unit in self.units.values():
            self._greet(unit)
            self._wire(unit)

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Plays `do` at `when`."""
        heapq.heappush(self._heap, (when, next(self._order), do))

    def run_until(self, now: float) -> float:
        """Plays all that is due by `now`; when the next thing is due."""
        while self._heap and self._heap[0][0] <= now:
            when, _, do = heapq.heappop(self._heap)
            self.now = max(self.now, when)
            do()
        self.now = max(self.now, now)
        return self._heap[0][0] if self._heap else now + 3600

    # ------------------------------------------------------------ what people and scenarios do

    def break_(self, name: str, fault: str) -> None:
        """Breaks a device; raises UserError."""
        unit = self.unit(name)
        faults.check(fault, unit.device.kind)
        if fault in unit.faults:
            return
        unit.faults.add(fault)
        match fault:
            case "silent":
                self._stop(unit)
            case "clock_1970":
                self._reboot(unit)
            case "flapping":
                self._flap(unit)
            case "reboot_loop":
                self._crash(unit)
            case _:
                self._rewire(unit)
        self._report(unit)

    def mend(self, name: str, fault: str | None = None) -> None:
        """Mends one fault of a device, or all; raises UserError."""
        unit = self.unit(name)
        if fault is not None:
            faults.check(fault, unit.device.kind)
        mended = unit.faults & ({fault} if fault else unit.faults)
        unit.faults -= mended
        if "silent" in mended:
            self._boot_soon(unit)
        if "flapping" in mended:
            unit.off_air = False
        self._rewire(unit)
        self._report(unit)

    def cut_power(self, village: str) -> None:
        """Mains devices die at once; the gateway says so and lives on its battery."""
        self._check(village)
        if village in self.dark:
            return
        self.dark.add(village)
        for unit in self._of(village):
            if unit.mains_fed:
                self._stop(unit)
            elif unit.device.kind is Kind.GATEWAY and unit.up:
                self._say(unit, unit.occurrence(self.now, "power_lost"))
                self._report(unit)

    def restore_power(self, village: str) -> None:
        """Everything boots, each kind in its own time."""
        self._check(village)
        if village not in self.dark:
            return
        self.dark.discard(village)
        for unit in self._of(village):
            if not unit.up:
                self._boot_soon(unit)
            elif unit.device.kind is Kind.GATEWAY:
                self._report(unit)

    def cut_uplink(self, village: str) -> None:
        """What goes over the village's uplink is cut off; lights with a modem of their own are not."""
        self._check(village)
        self.cut_off.add(village)
        self._rewire_all(village)

    def restore_uplink(self, village: str) -> None:
        """Everything tries again within seconds."""
        self._check(village)
        self.cut_off.discard(village)
        self._rewire_all(village)

    def reboot(self, name: str) -> None:
        """Somebody told a device to restart; raises UserError."""
        self._reboot(self.unit(name))

    def stop(self, *, goodbye: bool) -> None:
        """Every device disconnects in order, with the contract's goodbye or as if time stood still."""
        for unit in self.units.values():
            if unit.port and unit.device.name in self._linked:
                unit.port.close(unit.will() if goodbye else None)
        self._linked.clear()

    def unit(self, name: str) -> Unit:
        """The unit of a device; raises UserError."""
        if name not in self.units:
            raise UserError(f"There is no device {name!r} in this fleet.")
        return self.units[name]

    # ------------------------------------------------------------ links

    def _reachable(self, unit: Unit) -> bool:
        if unit.device.kind is Kind.GATEWAY:
            return unit.device.site not in self.cut_off and "uplink_down" not in unit.faults
        if unit.device.uplink_by is None or unit.device.uplink_by not in self.units:
            return True
        gateway = self.units[unit.device.uplink_by]
        return gateway.up and not gateway.off_air and self._reachable(gateway)

    def _wire(self, unit: Unit) -> None:
        """Opens or breaks the connection as the world now is."""
        name, port = unit.device.name, unit.port
        if port is None:
            return
        wanted = unit.up and not unit.off_air and self._reachable(unit)
        if wanted and name not in self._linked:
            self._linked.add(name)
            port.open(unit.will())
        elif not wanted and name in self._linked:
            self._linked.discard(name)
            port.drop(power_lost=not unit.up)

    def _rewire(self, unit: Unit) -> None:
        """After a change at `unit`: itself at once, those behind it each at their next try."""
        self._wire(unit)
        for child in self._behind.get(unit.device.name, ()):
            if child.port is None:
                continue
            if child.device.name in self._linked:
                self._wire(child)
            else:
                self.at(self.now + self._chance.uniform(0.5, RETRY_S), lambda c=child: self._wire(c))  # type: ignore[misc]

    def _rewire_all(self, village: str) -> None:
        for unit in self._of(village):
            if unit.device.kind is Kind.GATEWAY:
                if unit.device.name in self._linked:
                    self._rewire(unit)
                else:
                    self.at(self.now + self._chance.uniform(0.5, 3.0), lambda u=unit: self._rewire(u))  # type: ignore[misc]

    def _greet(self, unit: Unit) -> None:
        """After each connect: its birth, and a gateway's children's."""
        if unit.port is None:
            return
        spoken_for = [c for c in self._behind.get(unit.device.name, ()) if c.port is None]
        unit.port.hello = lambda: [u.birth(self._clock()) for u in (unit, *spoken_for) if u.up]
        if unit.device.kind in ASKED:
            unit.port.wants = unit.topic_of_orders()
        elif any(u.device.kind in ASKED for u in spoken_for):
            unit.port.wants = unit.topic_of_orders("+")
        unit.port.hear = lambda topic, payload: self._heard(unit, topic, payload)

    def _heard(self, link: Unit, topic: str, payload: bytes) -> None:
        """Something came over a unit's connection, for it or for one that it speaks for."""
        name = topic.split("/")[-2]
        unit = self.units.get(name)
        if unit is None or not unit.up or (unit is not link and unit.device.uplink_by != link.device.name):
            return
        if (
            topic != unit.topic_of_orders()
            or unit.device.kind not in ASKED
            or "ignores_program" in unit.faults
        ):
            return
        if unit.sign is not None:
            late = BOARD_SLOW_S if "slow_board" in unit.faults else 0.0
            boot = unit.boot
            if late:
                self.at(self.now + late, lambda: self._notices(unit, payload, boot))
            else:
                self._notices(unit, payload, boot)
        elif "slow_program" in unit.faults:
            self.at(self.now + SLOW_S, lambda: self._obey(unit, payload))
        else:
            self._obey(unit, payload)

    def _obey(self, unit: Unit, payload: bytes) -> None:
        receipt = unit.obey(payload, self._clock())
        if receipt is not None and unit.up:
            self._say(unit, receipt)

    # ------------------------------------------------------------ what a board shows

    def _notices(self, unit: Unit, payload: bytes, boot: int) -> None:
        """A board was told what to show."""
        if unit.sign is None or not unit.up or unit.boot != boot:
            return
        if "power_flickers" in unit.faults and payload:
            unit.faults.discard("power_flickers")
            self._reboot(unit)
            return
        receipts = unit.sign.take(payload, self._clock(), frozenset(unit.faults))
        self._shows(unit, receipts, told=True)
        for name in sorted(unit.sign.wants):
            self.fetch(unit, name)

    def fetched(self, unit: Unit, name: str, png: bytes | None) -> None:
        """What came of a frame that a board wanted."""
        if unit.sign is not None and unit.up:
            self._shows(unit, unit.sign.fetched(name, png), told=True)

    def _shows(self, unit: Unit, receipts: Sequence[Mapping[str, Any]] = (), *, told: bool = False) -> None:
        """A board looks at what is due, and says at once what changed."""
        sign, now = unit.sign, self._clock()
        if sign is None or not unit.up:
            return
        more, changed = sign.look(now, frozenset(unit.faults))
        for said in (*receipts, *more):
            self._say(unit, unit.receipt(now, dict(said)))
        if changed or told:
            self._report(unit)
        due = sign.due(now, frozenset(unit.faults))
        if due is not None and (unit.looks is None or due < unit.looks or unit.looks <= self.now):
            unit.looks = due
            self.at(due, lambda: self._shows(unit))

    def _say(self, unit: Unit, message: Message) -> None:
        if unit.port:
            unit.port.send(message)
            return
        gateway = self.units.get(unit.device.uplink_by or "")
        if gateway and gateway.up and gateway.port and not unit.off_air:
            gateway.port.send(message)

    # ------------------------------------------------------------ life of a device

    def _stop(self, unit: Unit) -> None:
        unit.up = False
        self._rewire(unit)

    def _boot_soon(self, unit: Unit) -> None:
        boot_before = unit.boot

        def boot() -> None:
            powered = not unit.mains_fed or unit.device.site not in self.dark
            if unit.boot == boot_before and not unit.up and powered and "silent" not in unit.faults:
                unit.start(self.now)
                if unit.port is None:
                    self._say(unit, unit.birth(self.now))
                self._rewire(unit)

        self.at(self.now + unit.boot_s, boot)

    def _reboot(self, unit: Unit) -> None:
        if unit.up:
            self._stop(unit)
            self._boot_soon(unit)

    def _flap(self, unit: Unit) -> None:
        if "flapping" not in unit.faults:
            return
        unit.off_air = not unit.off_air
        self._rewire(unit)
        self.at(
            self.now + self._chance.uniform(*(FLAP_DOWN_S if unit.off_air else FLAP_UP_S)),
            lambda: self._flap(unit),
        )

    def _crash(self, unit: Unit) -> None:
        if "reboot_loop" not in unit.faults:
            return
        self._reboot(unit)
        self.at(self.now + unit.boot_s + self._chance.uniform(*REBOOT_EVERY_S), lambda: self._crash(unit))

    # ------------------------------------------------------------ reports

    def _report_loop(self, unit: Unit) -> Callable[[], None]:
        def report() -> None:
            self._report(unit)
            interval = unit.device.interval_s
            unit.due = max(unit.due + interval, self.now)
            self.at(unit.due, report)

        return report

    def _report(self, unit: Unit) -> None:
        """One step of physics, and what the device says of it if it runs."""
        if unit.sign is not None and unit.up:
            for said in unit.sign.look(self._clock(), frozenset(unit.faults))[0]:
                self._say(unit, unit.receipt(self._clock(), said))
        values = unit.step(self._inputs(unit))
        if unit.battery_empty and unit.up and unit.device.site in self.dark:
            self._stop(unit)
        if unit.up:
            self._say(unit, unit.telemetry(self.now, values))

    def _inputs(self, unit: Unit) -> Inputs:
        device = unit.device
        return Inputs(
            now=self.now,
            weather=self._weather(unit, self.now),
            mains=device.site not in self.dark,
            uplink=self._reachable(unit),
            faults=frozenset(unit.faults),
            booted=unit.booted,
            buffered=unit.port.waiting if unit.port else 0,
            children=len(self._behind.get(device.name, ())),
            order=None if "clock_1970" in unit.faults else unit.order,  # without a time, by its panel
        )

    def _weather(self, unit: Unit, now: float) -> Weather:
        return self._sky.at(unit.device.lat or 0.0, unit.device.lon or 0.0, now)

    def _of(self, village: str) -> Iterator[Unit]:
        return (u for u in self.units.values() if u.device.site == village)

    def _check(self, village: str) -> None:
        if village not in self.villages:
            raise UserError(
                f"There is no village {village!r} in this fleet; known are: {', '.join(self.villages)}."
            )
