"""Real brokers on a free port of this machine, for as long as a test runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as s:
        s.bind((HOST, 0))
        return int(s.getsockname()[1])


async def listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


@asynccontextmanager
async def _process(port: int, *command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await listening(port)
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def mosquitto(port: int, folder: Path, *, anonymous: bool = True) -> AsyncIterator[None]:
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "the tests need mosquitto"
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} {HOST}\nallow_anonymous {str(anonymous).lower()}\nlog_type none\n")
    async with _process(port, program, "-c", str(conf)):
        yield


@asynccontextmanager
async def amqtt(port: int, folder: Path) -> AsyncIterator[None]:
    del folder
    async with _process(port, sys.executable, "-m", "tests.simulators.amqtt_broker", str(port)):
        yield


BROKERS = {"mosquitto": mosquitto, "amqtt": amqtt}
