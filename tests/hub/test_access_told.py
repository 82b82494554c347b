"""The broker is told to read its users' files only where they changed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from devices.device import Device, Kind
from hub import access
from hub.app import tell_broker, write_access
from hub.settings import BrokerSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATEWAY = Device("gw", Kind.GATEWAY, "r", "s")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the broker's name that dies of SIGHUP, which so can be told once."""
    (tmp_path / "mosquitto").symlink_to(shutil.which("cat") or "")
    process = subprocess.Popen(  # noqa: S603 - our own link
        [tmp_path / "mosquitto"],
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 - under nohup it is ignored
    )
    (tmp_path / "pid").write_text(str(process.pid))
    yield process
    process.kill()
    process.communicate()


def settings(folder: Path) -> Settings:
    where = BrokerSettings.model_validate(
        {"password": "geheim", "access_dir": folder, "pid_file": folder / "pid"}
    )
    return Settings(broker=where)


def files(folder: Path) -> list[tuple[str, int]]:
    return [((folder / n).read_text(), (folder / n).stat().st_ino) for n in ("passwords", "acl")]


def test_files_that_say_the_same_are_left_alone(tmp_path: Path) -> None:
    write_access(settings(tmp_path), [GATEWAY], [("gw", "$7$x")])
    before = files(tmp_path)
    (tmp_path / access.UNREAD).unlink()
    write_access(settings(tmp_path), [GATEWAY], [("gw", "$7$x")])
    assert files(tmp_path) == before
    assert not (tmp_path / access.UNREAD).exists()


def test_a_change_is_told_once(tmp_path: Path, broker: subprocess.Popen[bytes]) -> None:
    write_access(settings(tmp_path), [GATEWAY], [("gw", "$7$x")])
    tell_broker(settings(tmp_path))
    assert broker.wait(10) == -signal.SIGHUP
    assert not (tmp_path / access.UNREAD).exists()


def test_without_a_change_it_is_not_told(tmp_path: Path, broker: subprocess.Popen[bytes]) -> None:
    write_access(settings(tmp_path), [GATEWAY], [("gw", "$7$x")])
    (tmp_path / access.UNREAD).unlink()
    tell_broker(settings(tmp_path))
    assert broker.poll() is None


def test_a_broker_that_was_not_there_is_told_later(tmp_path: Path) -> None:
    write_access(settings(tmp_path), [GATEWAY], [("gw", "$7$x")])
    tell_broker(settings(tmp_path))
    assert (tmp_path / access.UNREAD).exists()


def test_another_password_of_the_hub_changes_its_hash(tmp_path: Path) -> None:
    write_access(settings(tmp_path), [], [])
    own = access.hash_of(tmp_path, "hub", "geheim")
    assert access.hash_of(tmp_path, "hub", "geheim") == own
    assert access.hash_of(tmp_path, "hub", "anders") != own


def test_who_got_the_pid_of_a_dead_broker_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(os.getpid()))
    assert access.reload(tmp_path / "pid") is False
