"""A device from its knock to its last password, with the broker's own refusals; and nothing secret left lying about."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.stage import _VILLAGE_HUB, PASSWORD, Stage, wait
from tests.brokers import publish
from tests.journeys.test_stranger import ask, until

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANNED = {
    "name": "den-7", "kind": "solar_light", "realm": "r0", "site": "thon-0", "serial": "A-7", "interval_s": 3600,
}  # fmt: skip
TOPIC = "vh/1/r0/den-7/telemetry"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        made.settings.write_text(
            made.settings.read_text().replace('log_level = "WARNING"', 'log_level = "DEBUG"')
        )
        made.register([PLANNED], 1)
        folder = ["--data", str(made.folder / "broker"), "--port", str(made.port)]
        made.broker = made._start("broker", [*_VILLAGE_HUB, "broker", *folder])
        wait(made._broker_answers, 60, "the broker to listen")
        made.start_hub()
        made.wait_ready()
        yield made


def says(stage: Stage, user: str, password: str, topic: str, said: str) -> bool:
    """True where the broker let it in."""
    try:
        publish(stage.port, user, password, topic, said)
    except subprocess.CalledProcessError:
        return False
    return True


def reading(seq: int) -> str:
    return f'{{"boot": 5, "seq": {seq}, "battery_v": 12.9, "faults": []}}'


def device(stage: Stage) -> Any:
    return ask(stage, "/api/devices/den-7")


def test_let_in_given_another_password_and_shut_out(stage: Stage) -> None:
    enrol = (stage.folder / "broker" / "enrol.password").read_text()
    hello = '{"kind": "solar_light", "model": "SL-30", "serial": "A-7"}'
    assert not says(stage, "den-7", "guess", TOPIC, reading(1))
    assert says(stage, "enrol", enrol, "vh/1/factory/sl-30-0007/hello", hello)
    knock = until(lambda: ask(stage, "/api/pending")["pending"], "the knock")[0]
    assert [(p["name"], p["sure"]) for p in knock["planned"]] == [("den-7", True)]

    told = ask(stage, "/api/pending/sl-30-0007/take", {"planned": "den-7"})
    assert (told["name"], told["realm"]) == ("den-7", "r0")
    first = told["password"]
    until(lambda: says(stage, "den-7", first, TOPIC, reading(2)), "its password to be known")
    until(lambda: device(stage)["values"].get("battery_v") == 12.9, "its report")
    assert device(stage)["lifecycle"] == "active"
    assert not ask(stage, "/api/pending")["pending"]

    assert says(stage, "den-7", first, "vh/1/r0/den-8/telemetry", reading(3)), "acknowledged all the same"
    until(lambda: stage.outcomes().get("denied"), "the refusal to be seen")

    second = ask(stage, "/api/devices/den-7/password", {})["password"]
    until(lambda: says(stage, "den-7", second, TOPIC, reading(4)), "the new password to be known")
    assert not says(stage, "den-7", first, TOPIC, reading(5))

    assert second in stage.get("/labels?devices=den-7").decode()
    ask_nothing(stage, "/api/devices/den-7/revoke")
    until(lambda: not says(stage, "den-7", second, TOPIC, reading(6)), "no password to be any good")
    assert second not in stage.get("/labels?devices=den-7").decode()

    nothing_lies_about(stage, first, second, enrol.strip())


def test_a_stored_password_is_nowhere_in_clear(stage: Stage) -> None:
    told = ask(stage, "/api/devices/den-7/password", {})["password"]
    assert (stage.folder / "secret.key").stat().st_mode & 0o777 == 0o600
    nothing_lies_about(stage, told)
    stage.stop_hub(kill=True)
    stage.start_hub()
    stage.wait_ready()
    assert told in stage.get("/labels?devices=den-7").decode(), "it is kept for its label over a restart"
    nothing_lies_about(stage, told)


def test_a_lost_key_is_said_and_nothing_else_breaks(stage: Stage) -> None:
    ask(stage, "/api/devices/den-7/password", {})
    stage.stop_hub()
    (stage.folder / "secret.key").unlink()
    stage.start_hub()
    stage.wait_ready()
    assert "Tệp khóa giải mã đã mất" in stage.get("/hub").decode()
    assert ask(stage, "/api/hub")["secrets_trouble"] == "lost"
    password = ask(stage, "/api/devices/den-7/password", {})["password"]
    until(lambda: says(stage, "den-7", password, TOPIC, reading(1)), "the new password to be known")
    assert password not in stage.get("/labels?devices=den-7").decode()
    assert not (stage.folder / "secret.key").exists()


def test_retired_it_is_refused_and_its_retained_topics_are_gone(stage: Stage) -> None:
    password = command(stage, "password", "den-7").strip()
    until(lambda: says(stage, "den-7", password, TOPIC, reading(1)), "its password to be known")
    born = '{"online": true, "boot": 5, "model": "SL-30"}'
    publish(stage.port, "den-7", password, "vh/1/r0/den-7/state", born, "-r")
    publish(stage.port, "hub", PASSWORD, "vh/1/r0/den-7/desired", "{}", "-r")
    assert sorted(retained(stage)) == ["vh/1/r0/den-7/desired", "vh/1/r0/den-7/state"]
    ask(stage, "/api/registry/device-live", {"name": "den-7", "lifecycle": "retired"})
    until(lambda: not says(stage, "den-7", password, TOPIC, reading(2)), "the broker to refuse it")
    until(lambda: not retained(stage), "its retained topics to be gone")
    with pytest.raises(AssertionError, match="retired"):
        command(stage, "password", "den-7")


def command(stage: Stage, *words: str) -> str:
    """What `village-hub device ...` prints."""
    asked = [*_VILLAGE_HUB, "device", *words, "--settings", str(stage.settings)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    assert done.returncode == 0, done.stderr
    return done.stdout


def retained(stage: Stage) -> list[str]:
    """Topics of the device that the broker keeps."""
    asked = ["mosquitto_sub", "-p", str(stage.port), "-u", "hub", "-P", PASSWORD, "-t", "vh/1/r0/den-7/#"]
    asked += ["--retained-only", "-W", "1", "-F", "%t"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - by the tests
    return done.stdout.split()


def ask_nothing(stage: Stage, path: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):  # 204, no JSON
        ask(stage, path, {})


def nothing_lies_about(stage: Stage, *passwords: str) -> None:
    """None of these is in the database, the logs, the broker's files, the pages or the API's answers."""
    allowed = {"enrol.password", "hub.password", "hub.toml", "fleet.json"}
    for file in stage.folder.rglob("*"):
        if file.is_file() and file.name not in allowed:
            content = file.read_bytes()
            for password in (*passwords, PASSWORD + "\n"):
                assert password.encode() not in content, file
    docs = stage.get("/api/docs").decode()
    gets = {"/", "/devices", "/devices/den-7", "/pending", "/incidents", "/hub", "/metrics", "/sites/thon-0"}
    gets |= {
        "/api/devices",
        "/api/devices/den-7",
        "/api/pending",
        "/api/hub",
        "/api/overview",
        "/api/openapi.json",
    }
    gets |= {path for path in re.findall(r'"(/api/[a-z]+)"', docs) if "{" not in path}
    for path in gets:
        try:
            said = stage.get(path).decode()
        except OSError:  # there is no such page
            continue
        for password in passwords:
            assert password not in said, path
