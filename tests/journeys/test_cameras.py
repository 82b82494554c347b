"""What happens to cameras, from the lens to the page: covered, turned, frozen, dark, stopped, out of time, and mended.

Simulated cameras at addresses of their own, asked by a real hub whose time, and theirs, runs a hundred times as fast.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from benchmarks.stage import PASSWORD, wait
from simulators import control
from tests.journeys.village import SITES, Village
from tests.simulators.cameras import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RATE = 100
MORNING = datetime(2026, 11, 24, 2, tzinfo=UTC).timestamp()
PICTURE_S = 600
USED = {
    "cam-che": "covered",
    "cam-xoay": "turned",
    "cam-dung": "frozen",
    "cam-toi": "black",
    "cam-tat": "silent",
    "cam-gio": "clock_behind",
}
"""Cameras, and what is done to each."""
TELLS = "cam-toi"
"""Its own alarms are listened to."""
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


def pictures(village: Village, name: str) -> dict[str, float]:
    """What is kept of it, and when the newest of each kind was taken (ms)."""
    found = village.get_json(f"/api/cameras/{name}")["pictures"]
    return {p["what"]: p["at"] for p in reversed(found)}


def red(village: Village, name: str, light: str) -> bool:
    """One of its lights is red."""
    lights = village.get_json(f"/api/cameras/{name}")["lights"]
    return any(one["name"] == light and one["state"] == "bad" for one in lights)


def say(village: Village, path: str, said: Any) -> None:
    """A POST, as An."""
    head = {"Content-Type": "application/json", "X-Village-Hub": "1", "X-Village-Hub-Person": "An"}
    with urlopen(Request(village.url + path, json.dumps(said).encode(), head), timeout=60):  # noqa: S310 - our own
        pass


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
    "cam-che": ("camera-covered", "picture_good", "ống kính bị che", "the lens is covered"),
    "cam-xoay": ("camera-turned", "picture_good", "bị xoay lệch", "turned away"),
    "cam-dung": ("camera-frozen", "picture_fresh", "hình đứng yên", "the picture is frozen"),
    "cam-toi": ("camera-tamper", "picture_good", "báo hình quá tối", "reports that the picture is too dark"),
    "cam-tat": ("offline", "reachable", "mất liên lạc", "offline"),
    "cam-gio": ("camera-clock", "clock_right", "sai giờ", "is wrong"),
}
"""The rule that tells it, the light that is red, and the words on its page."""
ALSO = {"cam-toi": {"camera-black"}}
"""What its picture shows is told, too."""

SLOW = {"camera-answers", "unstable"}
"""An answer that takes ten seconds takes a quarter of an hour of this time, where the machine is busy."""


def newest(village: Village, name: str, rule: str) -> Any:
    """The newest incident of a camera by a rule; None where there is none."""
    found = [i for i in village.incidents() if name in i["devices"] and i["rule"] == rule]
    return max(found, key=lambda i: i["id"], default=None)


def begin(village: Village) -> None:
    """All is well and learnt."""
    say(village, "/api/people", {"name": "An", "role": "administrator"})
    say(village, f"/api/cameras/{TELLS}/options", {"events": True})
    soon(lambda: all(good(village, n) for n in (*USED, "cam-lanh")), "all to be seen")
    soon(lambda: all("reference" in pictures(village, n) for n in USED), "the views to be learnt")
    assert open_rules(village) == {}


def test_what_happens_to_cameras_is_told_in_words_and_ends_when_it_is_mended() -> None:
    with village_with(*cameras(free_port(), "thon-1", 1, *USED, "cam-lanh")) as (village, now):
        begin(village)
        broke = now()
        for name, fault in USED.items():
            act(village, "break", name, fault)
        for name, (rule, light, vi, en) in WORDS.items():
            soon(partial(newest, village, name, rule), f"an incident {rule}")
            soon(partial(red, village, name, light), f"the light {light} of {name}")
            assert vi in page(village, name, "vi"), name
            assert en in page(village, name, "en"), name
        asked = re.search(r"(\d+) requests in the last hour · ([\d,]+)\s+kB", page(village, "cam-lanh", "en"))
        assert asked, "what it costs is said"
        assert int(asked[1]) > 10
        assert "the one before it" in page(village, "cam-lanh", "en"), "and how rare its pictures are"
        opened = {name: newest(village, name, WORDS[name][0])["opened_at"] - broke for name in USED}
        for name in ("cam-che", "cam-xoay"):
            assert opened[name] <= 2 * PICTURE_S * 1000, "two picture intervals"
            kept = pictures(village, name)
            assert kept["fault"] > broke > kept["last"] > 0 < kept["reference"], "side by side"
        assert opened[TELLS] <= 60_000, "its own alarm waits for no picture"
        for name in USED:
            act(village, "mend", name)
        soon(lambda: not open_rules(village), "all to close by themselves")
        for name in USED:
            village.until_shown(name, "ok")
            told = set(village.alerts_of(name)) - SLOW
            assert told == {WORDS[name][0], *ALSO.get(name, ())}, "and nothing else"
        assert village.alerts_of("cam-lanh") == []
