"""docs/mqtt.md is enough to build a device: its examples, exactly as printed, are a device from knock to silence."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.stage import Stage
from devices.device import FIELDS, Kind
from hub.intake import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOC = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOC.split("\n## ")[1], re.MULTILINE | re.DOTALL)


class Shell:
    """A stranger's shell: types one printed block after the other."""

    def __init__(self, **environment: str) -> None:
        self._bash = subprocess.Popen(
            ["/bin/bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment},
        )

    def type(self, text: str) -> None:
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{text}\necho done $?\n")
        self._bash.stdin.flush()
        for line in self._bash.stdout:
            if line.startswith("done "):
                assert line == "done 0\n", text
                return
        raise AssertionError(text)

    def close(self) -> None:
        self._bash.communicate("kill $(jobs -p) 2>/dev/null; exit\n", timeout=10)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        made.settings.write_text(made.settings.read_text() + "[clock]\nrate = 60\n")
        made.register([], 1)
        made.start_broker()
        made.start_hub()
        made.wait_ready()
        yield made


def ask(stage: Stage, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Village-Hub": "1", "X-Village-Hub-Person": "Lan"}
    request = urllib.request.Request(stage.url + path, data=data, headers=headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())


def until(done: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {what}")


def test_a_device_of_printed_lines_is_registered_reports_fails_recovers_and_goes(stage: Stage) -> None:
    where, knock, birth, report, fail, recover, go = BLOCKS
    enrol = (stage.folder / "broker" / "enrol.password").read_text()
    shell = Shell(HOST="127.0.0.1", PORT=str(stage.port), ENROL=enrol)
    try:
        shell.type(where)
        shell.type(knock)
        entry = until(lambda: ask(stage, "/api/pending")["pending"], "the claim on the page")[0]
        assert (entry["name"], entry["realm"], entry["claim"]["model"]) == ("my-lamp", "my-village", "SL-30")
        how = {"site": "thon-0", "kind": "solar_light", "title": "Đèn của tôi", "interval_s": 3600}
        password = ask(stage, "/api/pending/my-lamp/approve", how)["password"]
        shell.type(f"PASSWORD={password}")

        def device() -> Any:
            return ask(stage, "/api/devices/my-lamp")

        def shown(state: str) -> Callable[[], bool]:
            return lambda: device()["shown"] == state

        assert device()["shown"] == "planned"
        until(lambda: _logs_in(stage, password), "the broker to know the device")
        shell.type(birth)
        until(shown("ok"), "birth")
        shell.type(report)
        until(lambda: device()["values"].get("battery_v") == 12.9, "the reading")
        shell.type(fail)
        until(shown("faulty"), "the fault")
        incident = until(lambda: ask(stage, "/api/overview")["incidents"], "the incident")[0]
        assert incident["rule"] == "lamp-failed"
        assert incident["title"]["vi"] == "Đèn của tôi: đèn hỏng"
        shell.type(recover)
        until(shown("ok"), "the recovery")
        until(lambda: not ask(stage, "/api/overview")["incidents"], "the incident's end")
        shell.type(go)
        until(shown("unknown"), "the will")
        assert device()["reasons"][0]["code"] == "link_lost"
        assert stage.outcomes().get("garbled", 0) == 0
    finally:
        shell.close()


def _logs_in(stage: Stage, password: str) -> bool:
    command = ["mosquitto_pub", "-p", str(stage.port), "-u", "my-lamp", "-P", password, "-t", "x", "-m", "x"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own


def test_every_field_is_documented_with_its_unit_and_range() -> None:
    for kind in Kind:
        if kind is Kind.HUB:
            continue
        section = next(s for s in DOC.split("\n### ") if f"`{kind.value}`" in s.partition("\n")[0])
        for f in FIELDS[kind]:
            scope = "" if f.low is None or f.high is None else f"{f.low:.0f} to {f.high:.0f}"
            cells = [f"`{f.name}`", f.type, f.unit, scope]
            row = "| " + " | ".join(c for c in cells) + " |"
            assert re.sub(" +", " ", row) in re.sub(" +", " ", section), f"{kind}: {row}"


def test_every_outcome_is_documented() -> None:
    table = DOC[DOC.index("## What becomes of a message") : DOC.index("## Who may write what")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(OUTCOMES)


def test_every_channel_is_documented() -> None:
    for channel in ("hello", "state", "telemetry", "occurrence", "receipt", "desired", "command"):
        assert f"| `{channel}` |" in DOC
