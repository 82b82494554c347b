from __future__ import annotations

import asyncio
import json
import socket
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from simulators import control
from simulators.__main__ import main
from simulators.clock import Clock
from simulators.errors import UserError
from simulators.runner import Options, Runner
from tests.simulators.brokers import free_port
from tests.simulators.village import DEMO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def field(folder: Path) -> AsyncIterator[Runner]:
    """A running field without a broker: its links try again and again."""
    runner = Runner(DEMO, Clock(), Options(port=free_port(), socket=folder / control.SOCKET))
    task = asyncio.create_task(runner.run())
    try:
        while not task.done() and not await asyncio.to_thread(control.answers, folder / control.SOCKET):
            pass
        yield runner
    finally:
        runner.stop()
        await task


async def say(*words: str, folder: Path) -> int:
    return await asyncio.to_thread(main, [*words, "--data", str(folder)])


async def test_a_command_breaks_and_mends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with field(tmp_path) as runner:
        unit = runner.world.units["tt-l001"]
        assert await say("break", "tt-l001", "lamp_dead", folder=tmp_path) == 0
        assert unit.faults == {"lamp_dead"}
        assert await say("cut-power", "thu-que", folder=tmp_path) == 0
        assert await say("cut-uplink", "dai-phung", folder=tmp_path) == 0
        assert (runner.world.dark, runner.world.cut_off) == ({"thu-que"}, {"dai-phung"})
        capsys.readouterr()
        assert await say("list", folder=tmp_path) == 0
        assert capsys.readouterr().out.splitlines() == [
            "village thu-que has no mains power",
            "village dai-phung has no uplink",
            "tt-l001 lamp_dead",
        ]
        for words in (("mend", "tt-l001"), ("restore-power", "thu-que"), ("restore-uplink", "dai-phung")):
            assert await say(*words, folder=tmp_path) == 0
        capsys.readouterr()
        await say("list", folder=tmp_path)
        assert capsys.readouterr().out == "nothing is broken\n"


async def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with field(tmp_path):
        for words in (("break", "tt-c001", "lamp_dead"), ("mend", "nobody"), ("cut-power", "hue")):
            assert await say(*words, folder=tmp_path) == 2
            said = capsys.readouterr().err
            assert said.startswith("simulators: ")
            assert said.count("\n") == 1


async def test_the_socket_is_private_and_goes_with_the_field(tmp_path: Path) -> None:
    path = tmp_path / control.SOCKET
    async with field(tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_nonsense_is_answered_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / control.SOCKET
    async with field(tmp_path):
        for line in (b"nonsense\n", b"{}\n", b"[]\n", b'{"verb": "explode"}\n', b"\n"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(line)
            assert "error" in json.loads(await reader.readline())
            writer.close()
            await writer.wait_closed()


async def test_a_second_field_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with field(tmp_path):
        with pytest.raises(UserError, match="Another simulated fleet is running"):
            async with field(tmp_path):
                pass
        assert await say("list", folder=tmp_path) == 0


async def test_a_socket_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / control.SOCKET))
    async with field(tmp_path):
        assert await say("list", folder=tmp_path) == 0


def test_without_a_running_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--data", str(tmp_path)]) == 2
    assert "No simulated fleet is running" in capsys.readouterr().err


def test_a_folder_too_deep_for_a_socket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--data", str(tmp_path / ("x" * 120))]) == 2
    assert "too long for a socket" in capsys.readouterr().err
