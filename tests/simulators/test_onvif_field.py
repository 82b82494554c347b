"""Cameras in the field: power, uplink, commands, and all 2,700 in one process."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from devices.device import Kind
from simulators import faults, fleet, fleet_file, scenario
from simulators.__main__ import main
from simulators.chance import dice, seed_of
from simulators.clock import Clock
from simulators.errors import UserError
from simulators.fleet import is_asked
from simulators.runner import Options, Runner, files_of, room_for
from tests.simulators.brokers import free_port
from tests.simulators.cameras import asking, soap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from simulators.fleet import Fleet
    from simulators.onvif.camera import Camera

PATH, CLOCK = "/onvif/device_service", soap("GetSystemDateAndTime")


def asked_fleet(name: str) -> Fleet:
    """A fleet's cameras, and the gateways they hang on."""
    built = fleet.build(name, asked=True, camera_port=free_port())
    kept = tuple(d for d in built.devices if d.kind in (Kind.CAMERA, Kind.GATEWAY))
    return fleet_file.with_passwords(replace(built, devices=kept), None)


@asynccontextmanager
async def field(played: Fleet) -> AsyncIterator[Runner]:
    """A running field; nobody is there to hear its gateways."""
    room_for(files_of(played))
    runner = Runner(played, Clock(), Options(port=free_port(), rtsp_port=free_port()))
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(0)
    try:
        yield runner
    finally:
        runner.stop()
        await task


def cameras(runner: Runner) -> dict[str, Camera]:
    return {face.camera.name: face.camera for face in runner.faces.faces}


def refused(camera: Camera, port: int = 0) -> bool:
    """Whether it refuses a connection at once; raises TimeoutError where nothing at all comes back."""
    try:
        socket.create_connection((camera.host, port or camera.port), timeout=0.2).close()
    except ConnectionRefusedError:
        return True
    return False


async def answers(camera: Camera) -> bool:
    async with asking(camera) as asker:
        return (await asker.ask("POST", PATH, CLOCK)).status == 200


async def test_a_village_without_power_answers_nothing_and_comes_back() -> None:
    async with field(asked_fleet("demo")) as runner:
        at = cameras(runner)["tt-c001"]
        async with asking(at) as before:
            assert (await before.ask("POST", PATH, CLOCK)).status == 200
            runner.world.cut_power("thap-thuong")
            for port in (at.port, at.rtsp_port):
                with pytest.raises(TimeoutError):
                    refused(at, port)
            before.writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await before.reader.read(1)
            assert await answers(cameras(runner)["tq-c001"]), "another village"
            runner.world.restore_power("thap-thuong")
            runner.world.run_until(runner.world.now + 60)
            with pytest.raises(ConnectionResetError):
                await before.reader.read(1)
        assert await answers(at)


async def test_a_village_without_uplink_answers_nothing_and_comes_back() -> None:
    async with field(asked_fleet("demo")) as runner:
        at = cameras(runner)["tt-c002"]
        runner.world.cut_uplink("thap-thuong")
        with pytest.raises(TimeoutError):
            refused(at)
        runner.world.restore_uplink("thap-thuong")
        runner.world.run_until(runner.world.now + 60)
        assert await answers(at)


async def test_a_dead_camera_refuses_or_is_never_heard_of_again() -> None:
    async with field(asked_fleet("demo")) as runner:
        for at in list(cameras(runner).values())[:8]:
            runner.world.break_(at.name, "silent")
            if dice(seed_of(at.name), 809) < 0.5:
                assert refused(at)
            else:
                with pytest.raises(TimeoutError):
                    refused(at)
            runner.world.mend(at.name)
            runner.world.run_until(runner.world.now + 60)
            assert await answers(at)


async def test_every_fault_of_a_camera_can_be_broken_and_mended() -> None:
    async with field(asked_fleet("demo")) as runner:
        at = cameras(runner)["tt-c001"]
        for name, fault in faults.FAULTS.items():
            if Kind.CAMERA in fault.kinds:
                runner.world.break_(at.name, name)
                assert name in at.faults
        runner.world.mend(at.name)
        runner.world.run_until(runner.world.now + 120)
        assert not at.faults
        assert await answers(at)


async def test_a_camera_restarts_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.runner.REBOOT_AFTER_S", 0.01)
    async with field(asked_fleet("demo")) as runner:
        at = next(c for c in cameras(runner).values() if c.maker.name == "Thanh Long")
        assert at.reboot
        booted = runner.world.unit(at.name).boot
        at.reboot()
        await asyncio.sleep(0.05)
        assert not runner.world.unit(at.name).up
        runner.world.run_until(runner.world.now + 60)
        assert runner.world.unit(at.name).boot != booted
        assert await answers(at)


async def test_2700_cameras_in_one_process() -> None:
    played = asked_fleet("district")
    process = psutil.Process()
    files, memory = process.num_fds(), process.memory_info().rss
    async with field(played) as runner:
        assert len({face.camera.host for face in runner.faces.faces}) == 2700
        listening = process.num_fds() - files
        assert 2 * 2700 <= listening < 2 * 2700 + 300, "two that listen for each; the rest are the gateways'"
        assert len(asyncio.all_tasks()) < 300, "none for each camera"
        sample = list(cameras(runner).values())[::150]
        for at in sample:
            assert await answers(at)
        assert process.memory_info().rss - memory < 150_000_000
    assert process.num_fds() - files < 50


def test_a_fleet_file_brings_what_the_hub_asks_cameras_with() -> None:
    played = asked_fleet("demo")
    asked = [d for d in played.devices if is_asked(d)]
    assert asked
    assert all(d.address.startswith("http://127.20.") and d.login for d in asked)
    assert played.logins.keys() == {d.name for d in asked}
    assert not played.logins.keys() & played.passwords.keys()
    again = fleet_file.with_passwords(fleet.build("demo", asked=True), played)
    assert again.logins == played.logins, "a password stays"


def test_the_command_makes_such_a_file_and_the_scenario_fits_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    assert main(["make", "--asked", "--camera-port", "18081", "demo", str(path)]) == 0
    found = fleet_file.read(path)
    assert {d.address.split("/")[2].split(":")[1] for d in found.devices if is_asked(d)} == {"18081"}
    assert len(found.logins) == sum(d.kind is Kind.CAMERA for d in found.devices)
    assert scenario.timetable(scenario.load("cameras"), found)


async def test_a_port_that_is_taken_is_said() -> None:
    played = asked_fleet("demo")
    first = next(d for d in played.devices if is_asked(d))
    where = urlsplit(first.address)
    with socket.create_server((where.hostname or "", where.port or 0)):
        runner = Runner(played, Clock(), Options(port=free_port(), rtsp_port=free_port()))
        with pytest.raises(UserError, match=r"Camera address 127\.20\..* cannot be used"):
            await runner.run()
