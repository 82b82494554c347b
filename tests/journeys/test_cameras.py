"""What happens to cameras, from the lens to the page: covered, turned, stopped, a clock set back, and mended again.

Simulated cameras at addresses of their own, asked by a real hub whose time, and theirs, runs a hundred times as fast.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.stage import PASSWORD, wait
from simulators import control
from tests.journeys.village import SITES, Village
from tests.simulators.cameras import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RATE = 100
MORNING = datetime(2026, 11, 24, 2, tzinfo=UTC).timestamp()
PICTURE_S = 300
USED = {"cam-che": "covered", "cam-xoay": "turned", "cam-tat": "silent", "cam-gio": "clock_behind"}
"""Cameras, and what is done to each."""
CLOCK = """
[clock]
shift_s = {shift}
rate = {rate}
since = {since}
[poll]
picture_s = {picture_s}
village_kbit_s = 100000
plain_passwords = true
"""


def cameras(port: int, realm: str, third: int, *names: str) -> list[dict[str, Any]]:
    """Rows of a registry file: cameras that are asked."""
    return [
        {
            "name": name, "kind": "camera", "realm": realm, "site": "thon-1", "title": name, "interval_s": 60,
            "driver": "onvif", "address": f"http://127.21.{third}.{n}:{port}/onvif/device_service", "login": "admin",
            "login_password": PASSWORD, "lat": 21.09, "lon": 105.67,
        }
        for n, name in enumerate(names, 1)
    ]  # fmt: skip


@contextmanager
def field(village: Village, clock: Mapping[str, float]) -> Iterator[None]:
    """The cameras, until the block ends."""
    command = [sys.executable, "-m", "simulators", "run", str(village.folder / "fleet.json")]
    command += [
        "--port",
        str(village.port),
        "--rtsp-port",
        str(free_port()),
        "--socket",
        str(socket_of(village)),
    ]
    command += [f"--shift={clock['shift']}", "--rate", str(clock["rate"]), "--since", str(clock["since"])]
    with (village.folder / "field.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - ourselves
    try:
        soon(socket_of(village).exists, "the cameras")
        yield
    finally:
        process.terminate()
        process.wait(30)


def good(village: Village, name: str) -> bool:
    """Its last picture is good."""
    return "picture_good" in village.device(name)["values"].get("lights_ok", ())


def known(village: Village, name: str) -> bool:
    """Its view is learnt: there is a reference picture."""
    found = village.get_json(f"/api/cameras/{name}")["pictures"]
    return any(p["what"] == "reference" for p in found)


def socket_of(village: Village) -> Any:
    return village.folder / "field.sock"


def soon(done: Callable[[], Any], what: str) -> None:
    """Pictures are drawn, fetched and looked at: a busy machine takes its time."""
    wait(lambda: bool(done()), 90, what)


def act(village: Village, verb: str, target: str, fault: str | None = None) -> None:
    control.ask(socket_of(village), {"verb": verb, "target": target, "fault": fault})


def page(village: Village, name: str, lang: str) -> str:
    return " ".join(village.get(f"/devices/{name}?lang={lang}").decode().split())


def open_rules(village: Village) -> dict[str, str]:
    """By device: the rule of its open incident."""
    found = village.get_json("/api/incidents")["open"]
    return {d: i["rule"] for i in found if i["state"] != "closed" for d in i["devices"]}


@contextmanager
def village_with(*rows: dict[str, Any]) -> Iterator[tuple[Village, Callable[[], float]]]:
    """A hub that asks these cameras, and its time in ms."""
    with Village() as village:
        since = time.time()
        clock = {"shift": MORNING - since, "rate": RATE, "since": since}
        (village.folder / "fleet.json").write_text(json.dumps(SITES | {"devices": list(rows)}))
        with field(village, clock):
            village.settle(*rows, more=CLOCK.format(picture_s=PICTURE_S, **clock))
            yield village, lambda: (MORNING + RATE * (time.time() - since)) * 1000


WORDS = {
    "cam-che": ("camera-covered", "ống kính bị che", "the lens is covered"),
    "cam-xoay": ("camera-turned", "bị xoay lệch", "is turned away"),
    "cam-tat": ("offline", "mất liên lạc", "offline"),
    "cam-gio": ("camera-clock", "sai giờ", "is wrong"),
}


def test_covered_turned_stopped_and_its_clock_set_back_and_all_mended() -> None:
    with village_with(*cameras(free_port(), "thon-1", 1, *USED, "cam-lanh")) as (village, now):
        soon(lambda: all(good(village, n) for n in (*USED, "cam-lanh")), "all to be seen")
        soon(lambda: all(known(village, n) for n in USED), "the views to be learnt")
        assert open_rules(village) == {}
        broke = now()
        for name, fault in USED.items():
            act(village, "break", name, fault)
        soon(lambda: open_rules(village).keys() == USED.keys(), "an incident for each")
        assert {n: r for n, r in open_rules(village).items() if r != "offline"} == {
            n: w[0] for n, w in WORDS.items() if w[0] != "offline"
        }
        covered = next(i for i in village.incidents() if "cam-che" in i["devices"])
        assert covered["opened_at"] - broke <= 2 * PICTURE_S * 1000, "two picture intervals"
        for name, (_, vi, en) in WORDS.items():
            assert vi in page(village, name, "vi"), name
            assert en in page(village, name, "en"), name
        for name, fault in USED.items():
            act(village, "mend", name, fault)
        soon(lambda: not open_rules(village), "all to close by themselves")
        for name in USED:
            village.until_shown(name, "ok")
