"""Simulated lights obey: what is asked over their own connection or their gateway's, and two ways not to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from devices import program, wire
from devices.device import Kind
from devices.program import Edge, Override, Program, Saving, Step
from simulators import light
from simulators.inputs import Inputs
from simulators.sky import VILLAGE_TIME, Weather
from tests.simulators.brokers import BROKERS, HOST, free_port
from tests.simulators.test_face_mqtt import running, watching
from tests.simulators.village import EVENING, Village

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.unit import Unit

PLACE = (21.1, 105.7)
DARK = Program(off=Edge(at="19:00"))
DIM, BODY = program.order(Program(level_pct=40), None, *PLACE)


def lights(village: Village, *, own: bool) -> list[Unit]:
    """Lights that say what they follow, with a connection of their own or behind a gateway."""
    units = [village.world.units[d.name] for d in village.devices(Kind.SOLAR_LIGHT)]
    return [u for u in units if (u.port is not None) is own and u._tells]


def ask(village: Village, unit: Unit, body: str) -> None:
    """As the broker would deliver it."""
    port = village.broker.ports[unit.device.name if unit.port else unit.device.uplink_by or ""]
    topic = unit.topic_of_orders()
    wanted = port.wants.replace("+", unit.device.name)
    assert wanted == topic, "it subscribed to it"
    port.hear(topic, body.encode())


@pytest.mark.parametrize("own", [True, False])
def test_it_follows_says_so_and_gives_a_receipt(own: bool) -> None:
    village = Village()
    unit = lights(village, own=own)[0]
    name = unit.device.name
    village.run(70)
    assert village.broker.of(name)[-1].body["applied"] == ""
    ask(village, unit, BODY)
    village.run(70)
    (receipt,) = village.broker.of(name, "receipt")
    wire.ReceiptPayload.model_validate_json(receipt.payload)
    assert (receipt.body["id"], receipt.body["result"]) == (DIM, "done")
    said = village.broker.of(name)[-1].body
    assert (said["applied"], said["level_pct"]) == (DIM, 40.0)
    ask(village, unit, BODY)
    village.run(1)
    assert len(village.broker.of(name, "receipt")) == 1, "the same order again is no news"


def test_it_remembers_over_a_restart_and_forgets_nothing_for_an_empty_payload_but_the_order() -> None:
    village = Village()
    unit = lights(village, own=True)[0]
    ask(village, unit, BODY)
    village.world.break_(unit.device.name, "silent")
    village.world.mend(unit.device.name)
    village.forget()
    village.run(60)
    assert village.broker.of(unit.device.name, "state")[-1].body["applied"] == DIM
    ask(village, unit, "")
    village.run(70)
    assert village.broker.of(unit.device.name)[-1].body["applied"] == ""


@pytest.mark.parametrize("body", ["[]", "\x00", '{"id":"x"}', BODY.replace("40", "400")])
def test_what_it_cannot_read_changes_nothing(body: str) -> None:
    village = Village()
    unit = lights(village, own=True)[0]
    ask(village, unit, BODY)
    ask(village, unit, body)
    village.run(70)
    assert village.broker.of(unit.device.name)[-1].body["applied"] == DIM


def test_one_that_ignores_it_and_one_that_is_slow() -> None:
    village = Village()
    deaf, slow = lights(village, own=True)[:2]
    village.world.break_(deaf.device.name, "ignores_program")
    village.world.break_(slow.device.name, "slow_program")
    for unit in (deaf, slow):
        ask(village, unit, BODY)
    village.run(599)
    assert [u.order for u in (deaf, slow)] == [None, None]
    village.run(2)
    assert deaf.order is None
    assert slow.order is not None


def level(
    wanted: Program, clock: str, *, soc: float = 0.9, override: Override | None = None, saving: int = 0
) -> tuple[float, int]:
    """(level, savings in force) at a time of a dark evening."""
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 11, 24, hour, minute, tzinfo=VILLAGE_TIME).timestamp()
    order = program.read(program.order(wanted, override, *PLACE)[1])
    inputs = Inputs(now, Weather(-30, 1.0, hour, 20), order=order)
    state = replace(light.born(7, inputs), soc=soc, saving=saving)
    after, values = light.step(state, inputs)
    level = values["level_pct"]
    assert values["lamp_commanded"] is (level != 0)
    assert isinstance(level, float)
    return level, after.saving


def test_the_lamp_does_what_its_program_says() -> None:
    steps = Program(off=Edge(at="23:30"), steps=(Step(at="22:00", level_pct=30),))
    assert [level(steps, c)[0] for c in ("21:59", "22:00", "23:29", "23:30")] == [100, 30, 30, 0]
    assert level(DARK, "19:30") == (0, 0)
    burn = Override(until=int(EVENING) + 86_400, nights=1)
    assert level(DARK, "19:30", override=burn) == (100, 0)


def test_rainy_weeks_dim_it_until_the_charge_is_back() -> None:
    rain = Program(saving=(Saving(below_pct=40, until_pct=55, level_pct=50),))
    assert level(rain, "20:00", soc=0.41) == (100, 0)
    assert level(rain, "20:00", soc=0.39) == (50, 1)
    assert level(rain, "20:00", soc=0.5, saving=1) == (50, 1)
    assert level(rain, "20:00", soc=0.56, saving=1) == (100, 0)
    assert level(rain, "20:00", soc=0.3, override=Override(until=2**33, nights=1)) == (100, 0)


async def test_over_a_real_broker_retained_before_it_came(tmp_path: Path) -> None:
    port = free_port()
    async with BROKERS["mosquitto"](port, tmp_path), watching(port) as watcher:
        async with aiomqtt.Client(HOST, port) as hub:
            for name in ("tt-l001", "tt-l002"):  # behind a gateway, and with a modem of its own
                await hub.publish(wire.topic("tt", name, "desired"), BODY, qos=1, retain=True)
        async with running(port):
            for name in ("tt-l001", "tt-l002"):
                await watcher.until(name, "telemetry", lambda b: b.get("applied") == DIM)
