"""Who may write what: hashes and rights, as files and as a real mosquitto understands them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from devices.device import AGENT, Device, Kind
from hub import access
from hub.access import ENROL, acl, hash_password, new_password, verify
from tests.brokers import Listener, Mosquitto, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICES = (
    Device("cong-1", Kind.GATEWAY, "thon-1", "thon-1"),
    Device("den-1", Kind.SOLAR_LIGHT, "thon-1", "thon-1"),
    Device("den-2", Kind.SOLAR_LIGHT, "thon-1", "thon-1"),
    Device("den-9", Kind.SOLAR_LIGHT, "thon-9", "thon-9"),
)
USERS = {"hub": "h", ENROL: "e", "cong-1": "g", "den-1": "a", "den-2": "b", "den-9": "c"}


# --- hashes ---------------------------------------------------------------------------------------------------


def test_a_hash_verifies_its_password_only() -> None:
    hashed = hash_password("mật khẩu: 1")
    assert hashed.startswith("$7$101$")
    assert verify("mật khẩu: 1", hashed)
    assert not verify("mật khẩu: 2", hashed)
    assert hashed != hash_password("mật khẩu: 1"), "salted"


@pytest.mark.parametrize(
    "broken", ["", "$", "$7$101$x", "$6$101$YQ==$YQ==", "$7$101$?$?", "$7$x$YQ==$YQ==", "plain"]
)
def test_a_broken_hash_lets_nobody_in(broken: str) -> None:
    assert not verify("", broken)


def test_mosquittos_own_tool_makes_hashes_that_we_verify(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(file), "den-1", "abc"], check=True)  # noqa: S603, S607
    hashed = file.read_text().strip().partition(":")[2]
    assert verify("abc", hashed)
    assert not verify("abd", hashed)


def test_new_passwords_are_long_and_new() -> None:
    found = {new_password() for _ in range(100)}
    assert len(found) == 100
    assert all(len(p) == 20 and p.isalnum() and p == p.lower() for p in found)


# --- agents ---------------------------------------------------------------------------------------------------


def test_only_an_agent_may_send_pictures_and_of_its_realm_only() -> None:
    agent = Device("tram", Kind.GATEWAY, "thon-1", "thon-1", driver=AGENT)
    lines = [line for line in acl((*DEVICES, agent)).splitlines() if "picture" in line]
    assert lines == ["topic write vh/1/thon-1/+/picture"]


# --- files ----------------------------------------------------------------------------------------------------


def test_the_acl_as_text() -> None:
    text = acl(DEVICES)
    assert text.count("user ") == 3, "the hub, enrolment and one gateway; everybody else by pattern"
    assert "user cong-1\ntopic write vh/1/thon-1/+/state\n" in text
    assert text.endswith("pattern read vh/1/+/%u/desired\npattern read vh/1/+/%u/command\n")
    assert "desired" not in "".join(line for line in text.splitlines() if "pattern write" in line)
    assert "#" not in "".join(text.splitlines()[1:]).replace("vh/1/#", "").replace("hub/#", "").replace(
        "$SYS/#", ""
    )


def test_files_are_replaced_whole_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    access.write(tmp_path, DEVICES, [("den-1", "x"), ("den-2", "")])
    assert (tmp_path / "passwords").read_text() == "den-1:x\n"
    access.write(tmp_path, (), [])
    assert (tmp_path / "passwords").read_text() == ""
    assert {p.name for p in tmp_path.iterdir()} - {access.UNREAD} == {"acl", "passwords"}
    assert all(p.stat().st_mode & 0o077 == 0 for p in tmp_path.iterdir())


def test_a_broker_that_does_not_run_is_no_error(tmp_path: Path) -> None:
    assert not access.reload(tmp_path / "none.pid")
    (tmp_path / "odd.pid").write_text("x")
    assert not access.reload(tmp_path / "odd.pid")


# --- a real broker --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path_factory.mktemp("broker"))
    made.admit(USERS, DEVICES)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize(("user", "password"), [("den-1", "b"), ("den-1", ""), ("nobody", "a"), ("", "")])
def test_nobody_comes_in_with_a_wrong_password(mosquitto: Mosquitto, user: str, password: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        publish(mosquitto.port, user, password, "vh/1/thon-1/den-1/telemetry", "{}")


@pytest.fixture(scope="module")
def ear(mosquitto: Mosquitto) -> Iterator[Listener]:
    """The hub listens to everything."""
    made = Listener(mosquitto.port, "hub", USERS["hub"], "vh/1/#")
    yield made
    made.stop()


def heard(mosquitto: Mosquitto, ear: Listener, user: str, topic: str) -> bool:
    """True where the hub hears what `user` publishes on `topic`: what comes before a marker of its own."""
    publish(mosquitto.port, user, USERS[user], topic, "payload")
    publish(mosquitto.port, "hub", USERS["hub"], "vh/1/hub/hub/end", "end")
    found = ear.line()
    if found == f"{topic} 0 payload":
        assert ear.line() == "vh/1/hub/hub/end 0 end"
        return True
    assert found == "vh/1/hub/hub/end 0 end"
    return False


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        *[
            ("den-1", f"vh/1/thon-1/den-1/{c}")
            for c in ("hello", "state", "telemetry", "occurrence", "receipt")
        ],
        *[("cong-1", f"vh/1/thon-1/den-2/{c}") for c in ("state", "telemetry", "occurrence", "receipt")],
        ("cong-1", "vh/1/thon-1/cong-1/telemetry"),
        (ENROL, "vh/1/thon-1/den-77/hello"),
        ("hub", "vh/1/thon-1/den-1/desired"),
        ("hub", "vh/1/thon-1/den-1/command"),
    ],
)
def test_what_may_be_written(mosquitto: Mosquitto, ear: Listener, user: str, topic: str) -> None:
    assert heard(mosquitto, ear, user, topic)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("den-1", "vh/1/thon-1/den-2/telemetry"),
        ("den-1", "vh/1/thon-1/den-1/desired"),
        ("den-1", "vh/1/thon-1/den-1/command"),
        ("den-1", "vh/1/thon-1/den-1/photo"),
        ("den-1", "vh/1/thon-1/den-1/telemetry/x"),
        ("den-1", "elsewhere"),
        ("cong-1", "vh/1/thon-9/den-9/telemetry"),
        ("cong-1", "vh/1/thon-1/den-1/desired"),
        (ENROL, "vh/1/thon-1/den-77/telemetry"),
        (ENROL, "vh/1/thon-1/den-77/state"),
    ],
)
def test_what_may_not_be_written_is_acknowledged_and_goes_nowhere(
    mosquitto: Mosquitto, ear: Listener, user: str, topic: str
) -> None:
    assert not heard(mosquitto, ear, user, topic)
    assert "Denied PUBLISH from " in mosquitto.log()


@pytest.mark.parametrize(
    ("user", "mine"), [("den-1", True), ("den-2", False), ("cong-1", True), ("den-9", False)]
)
def test_who_reads_what_a_device_should_be(
    mosquitto: Mosquitto, ear: Listener, user: str, mine: bool
) -> None:
    topic = "vh/1/thon-1/den-1/desired"
    publish(mosquitto.port, "hub", "h", topic, "program", "-r")
    reader = Listener(mosquitto.port, user, USERS[user], topic)
    assert reader.line(5.0 if mine else 0.3) == (f"{topic} 1 program" if mine else None)
    reader.stop()
    publish(mosquitto.port, "hub", "h", topic, "", "-r")
    assert ear.line() == f"{topic} 0 program"
    assert ear.line() == f"{topic} 0 "


def test_a_new_device_comes_in_without_a_restart(mosquitto: Mosquitto) -> None:
    reader = Listener(mosquitto.port, "hub", "h", "vh/1/+/den-3/telemetry")
    mosquitto.admit(USERS | {"den-3": "new"}, DEVICES)
    for _ in range(200):
        try:
            publish(mosquitto.port, "den-3", "new", "vh/1/thon-1/den-3/telemetry", "{}")
        except subprocess.CalledProcessError:
            continue
        break
    assert reader.line() == "vh/1/thon-1/den-3/telemetry 0 {}"
    reader.stop()
