"""The whole hub in this process: start, stop, two at once, and starts that fail; nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hub.app import CannotStart, run
from hub.settings import BrokerSettings, InfluxSettings, RulesSettings, Settings, WebSettings
from hub.store.writer import lock
from tests.brokers import Mosquitto, free_port
from tests.timeseries import InfluxDB1, proxied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [t.name for t in set(threading.enumerate()) - before if t.name in ("net", "ingest")]
    assert not left


def settings(folder: Path, port: int, **more: object) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "password").write_text("h")
    broker = BrokerSettings(port=port, password_file=folder / "password", access_dir=folder / "broker")
    return Settings(**{"data_dir": folder / "var", "web": WebSettings(port=0), "broker": broker} | more)  # type: ignore[arg-type]


@asynccontextmanager
async def running(wanted: Settings) -> AsyncIterator[int]:
    """A hub; gives its port."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    hub = asyncio.create_task(run(wanted, port.set_result, stop))
    await asyncio.wait({hub, port}, return_when=asyncio.FIRST_COMPLETED)
    if hub.done():
        await hub
    try:
        yield await port
    finally:
        stop.set()
        await hub


async def healthz(port: int) -> int:
    """The status of /healthz."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return status


async def test_it_starts_without_a_broker_says_so_and_stops(tmp_path: Path) -> None:
    async with running(settings(tmp_path, free_port())) as port:
        assert await healthz(port) == 503


async def test_it_starts_again_where_it_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(settings(tmp_path, free_port())):
            pass


async def test_two_hubs_live_in_one_process(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "a" / "broker")
    broker.admit({"hub": "h"})
    broker.start()
    try:
        one, two = settings(tmp_path / "a", broker.port), settings(tmp_path / "b", broker.port)
        async with running(one) as first, running(two) as second:
            assert first != second
            for _ in range(400):
                if (await healthz(first), await healthz(second)) == (200, 200):
                    break
                await asyncio.sleep(0.05)
            assert (await healthz(first), await healthz(second)) == (200, 200)
    finally:
        broker.stop()


async def fails(wanted: Settings, sentence: str) -> None:
    with pytest.raises(CannotStart, match=sentence) as e:
        async with running(wanted):
            pass
    del e


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = WebSettings(port=s.getsockname()[1])
        await fails(settings(tmp_path, 1, web=taken), "cannot serve pages on 127.0.0.1:.*in use")


async def test_a_data_folder_in_use(tmp_path: Path) -> None:
    wanted = settings(tmp_path, 1)
    async with running(wanted):
        await fails(wanted, "another village-hub is running with the data folder")
    handle = lock(wanted.data_dir)
    await fails(wanted, "another village-hub is running")
    os.close(handle)


async def test_broken_rules(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("- id: x\n")
    rules = RulesSettings(files=(tmp_path / "bad.yaml",))
    await fails(settings(tmp_path, 1, rules=rules), "the rules cannot be used:\n.*bad.yaml:1: x:")


async def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    broker = BrokerSettings(password_file=tmp_path / "none")
    await fails(settings(tmp_path, 1, broker=broker), "cannot read .*none")


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    wanted = settings(tmp_path, 1)
    wanted.data_dir.mkdir()
    (wanted.data_dir / "hub.db").write_bytes(b"no database at all " * 99)
    await fails(wanted, "cannot open .*hub.db")


async def test_users_that_cannot_be_written(tmp_path: Path) -> None:
    wanted = settings(tmp_path, 1)
    (tmp_path / "broker").write_text("a file where the folder should be")
    await fails(wanted, "cannot write the broker's users")


async def influx_says(port: int, right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the hub says of InfluxDB, once it is right."""
    said: dict[str, Any] = {}
    for _ in range(400):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /api/hub HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        said = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])["influx"]
        writer.close()
        await writer.wait_closed()
        if right(said):
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(said)


async def test_readings_come_to_influxdb_and_a_restart_goes_on(tmp_path: Path) -> None:
    influxd = InfluxDB1(tmp_path / "influx")
    try:
        with proxied(influxd.port) as proxy:
            wanted = settings(tmp_path, free_port(), influxdb=InfluxSettings(url=proxy.url, read=True))
            for _ in range(2):
                before = len(influxd.query('SELECT store_ok FROM "hub"'))
                async with running(wanted) as port:
                    said = await influx_says(port, lambda i: bool(i["written"]))
                    assert said["up"]
                assert len(influxd.query('SELECT store_ok FROM "hub"')) > before
    finally:
        influxd.stop()


async def test_an_influxdb_that_is_not_there_is_shown_and_holds_up_nothing(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with running(settings(tmp_path, free_port(), influxdb=InfluxSettings(url=url))) as port:
        said = await influx_says(port, lambda i: not i["up"])
        assert "refused" in said["why"]


async def test_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    wanted = InfluxSettings(url="http://127.0.0.1:1", token_file=tmp_path / "none")
    await fails(settings(tmp_path, 1, influxdb=wanted), "influxdb.token_file: cannot read .*none")
