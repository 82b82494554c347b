"""A demo in which all that has to do with secrets is done; then every byte that it wrote or said is searched for them.

That the search finds what there is to find is proved with the same demo: a password written into a title is found in
the database, on pages, in the audit, in the API and in a backup.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil
import pytest

from benchmarks.stage import wait
from simulators import fleet, fleet_file
from tests.brokers import free_port, publish
from tests.journeys.hunt import Crawl, Hunt, forms
from tests.journeys.village import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("tt-g001", "tt-c001", "tt-l001", "tt-l002", "tt-w001", "tt-b001")
WHO = fleet_file.PEOPLE[0]["name"]


class Demo:
    """`make demo` with six devices; its files in `data`, what people take out of it in `taken`."""

    def __init__(self, folder: Path) -> None:
        self.data, self.taken, self.folder = folder / "data", folder / "taken", folder
        self.taken.mkdir()
        whole = fleet.build("demo", camera_port=free_port())
        small = replace(whole, devices=tuple(d for d in whole.devices if d.name in NAMES))
        fleet_file.write(small, folder / "fleet.json")
        self.port, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        command = [sys.executable, "-m", "simulators.demo", "--fleet", str(folder / "fleet.json")]
        command += ["--data", str(self.data), "--scenario", "calm", "--rate", "30"]
        command += ["--port", str(self.port), "--http-port", str(self.http)]
        command += ["--rtsp-port", str(free_port())]
        with (self.taken / "demo.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=_talkative())  # noqa: S603 - ourselves

    def settle(self) -> None:
        """Wait until all of them have reported."""
        wait(lambda: self._heard() == len(NAMES), 60, "six devices to report")

    def _heard(self) -> int:
        try:
            # At this rate the clocks of hub and fleet are some seconds apart, which a camera is told to be degraded for
            return sum(d["shown"] in ("ok", "degraded") for d in self.get("/api/devices")["devices"])
        except OSError:
            return 0

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:  # noqa: S310 - our own
            return json.loads(answer.read())

    def post(self, path: str, said: dict[str, Any]) -> Any:
        """A change by one of the people; what the API answers."""
        headers = {
            "Content-Type": "application/json",
            "X-Village-Hub": "1",
            "X-Village-Hub-Person": quote(WHO),
        }
        asked = urllib.request.Request(self.url + path, json.dumps(said).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def form(self, path: str, **said: str) -> str:
        """The same by a page's form; the page that comes of it."""
        headers = {"Origin": self.url, "Cookie": f"who={quote(WHO)}"}
        body = urllib.parse.urlencode(said).encode()
        asked = urllib.request.Request(self.url + path, body, headers)  # noqa: S310 - our own
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310
            return str(answer.read().decode())

    def command(self, *words: str, out: str = "") -> str:
        """A command; what it says is kept among what is taken."""
        told = self.taken / (out or f"{'-'.join(words[:2])}.txt")
        asked = [*COMMAND, *words, "--settings", str(self.data / "hub.toml")]
        done = subprocess.run(  # noqa: S603 - ourselves
            asked, capture_output=True, text=True, check=False, timeout=60, env=_talkative()
        )
        assert done.returncode == 0, done.stderr
        told.write_text(done.stdout + done.stderr)
        return done.stdout

    def hello(self, name: str, serial: str) -> None:
        """Somebody knocks."""
        enrol = (self.data / "broker" / "enrol.password").read_text().strip()
        said = json.dumps({"kind": "solar_light", "model": "SL-30", "serial": serial})
        publish(self.port, "enrol", enrol, f"vh/1/factory/{name}/hello", said)
        wait(lambda: name in [p["name"] for p in self.get("/api/pending")["pending"]], 20, f"{name} to wait")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def _talkative() -> dict[str, str]:
    """The environment in which everything is logged, and a person asks."""
    return os.environ | {"VILLAGE_HUB_LOG_LEVEL": "DEBUG", "VILLAGE_HUB_WHO": WHO, "LANG": "C.UTF-8"}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def lives(demo: Demo, hunt: Hunt) -> None:
    """Everything that makes, shows or stores a secret, as people do it."""
    for name, password in fleet_file.read(demo.data / "fleet.json").passwords.items():
        hunt.knows(f"the password of {name}", password, "fleet.json")
    for name, password in fleet_file.read(demo.data / "fleet.json").logins.items():
        hunt.knows(f"the password for {name}", password, "fleet.json")
    for what in ("hub", "enrol"):
        hunt.knows(
            f"{what}.password", (demo.data / "broker" / f"{what}.password").read_text(), f"{what}.password"
        )

    demo.hello("den-moi", "N-1")
    how = {"site": "thap-thuong", "kind": "solar_light", "title": "Đèn mới", "interval_s": 3600}
    approved = demo.post("/api/pending/den-moi/approve", how)["password"]
    hunt.knows("the password of den-moi", approved)
    planned = {"name": "den-ke-hoach", "kind": "solar_light", "realm": "thap-thuong", "site": "thap-thuong"}
    demo.post("/api/registry/device-add", planned)
    demo.hello("den-la", "N-2")
    taken = demo.post("/api/pending/den-la/take", {"planned": "den-ke-hoach"})["password"]
    hunt.knows("the password of den-ke-hoach", taken)

    page = demo.form("/devices/tt-l001/password")
    on_page = next(
        word for word in re.findall(r"[A-Za-z0-9]{20}", page) if word not in _text(demo, "/devices/tt-l001")
    )
    hunt.knows("the password of tt-l001 that a page told", on_page)
    shown = demo.post("/api/devices/tt-l001/password", {})["password"]
    hunt.knows("the password of tt-l001 that the API told", shown)
    told = demo.command("device", "password", "tt-w001", out="told.once").strip()
    (demo.taken / "told.once").unlink()
    hunt.knows("the password of tt-w001 that was told to a command", told)
    hunt.knows("secret.key", (demo.data / "secret.key").read_text(), "secret.key")

    names = "den-moi,den-ke-hoach,tt-l001,tt-w001"
    sheet = urllib.request.urlopen(f"{demo.url}/labels?devices={names}", timeout=20).read().decode()  # noqa: S310
    for password in (approved, taken, shown, told):
        assert password in sheet, "a label has its password until it is printed"
    assert not hunt.in_folder(demo.data), "kept for their labels they are sealed"
    demo.form("/labels/printed", devices=names)
    demo.form("/devices/tt-w001/revoke")

    for text in (
        f'{{"password": "{approved}", "batt',
        f"mqtt://den-moi:{approved}@hub/",
    ):  # a device that tells on itself
        publish(demo.port, "den-moi", approved, "vh/1/factory/den-moi/telemetry", text)
    wait(lambda: 'outcome="garbled"} 2' in _text(demo, "/metrics"), 20, "the garbled ones to be counted")


def _text(demo: Demo, path: str) -> str:
    return str(urllib.request.urlopen(demo.url + path, timeout=20).read().decode())  # noqa: S310


def searched(demo: Demo, hunt: Hunt, round_: str) -> tuple[list[str], Crawl]:
    """What is found in all that was written and said."""
    demo.command("backup", "--to", str(demo.taken / f"{round_}.tar.gz"))
    demo.command("device", "show", "tt-l001")
    crawl = Crawl(demo.url, never=("/static/",))
    found: list[str] = []
    for address, body in crawl.follow(["/", *addresses(demo)]).items():
        found += hunt.among(address, body)
        if address.endswith(".parquet"):
            (demo.taken / f"{round_}-{address.split('/')[3]}.parquet").write_bytes(body.partition(b"\n\n")[2])
    for process in [
        psutil.Process(demo.process.pid),
        *psutil.Process(demo.process.pid).children(recursive=True),
    ]:
        seen = "\0".join([*process.cmdline(), *process.environ().values()])
        found += hunt.among(f"what every user may see of {process.name()}", seen.encode())
    return found + hunt.in_folder(demo.data) + hunt.in_folder(demo.taken), crawl


def addresses(demo: Demo) -> list[str]:
    """Every GET of the API, for every device, the site, the incidents, people and programs that there are."""
    names = [d["name"] for d in demo.get("/api/devices")["devices"]]
    filled = {
        "/api/devices/": names,
        "/api/registry/devices/": names,
        "/api/sites/": ["thap-thuong", "ha-noi"],
        "/api/incidents/": ["1"],
        "/api/cameras/": [n for n in names if "-c" in n],
        "/api/programs/": ["x"],
        "/api/agents/": [],
        "/api/boards/": [n for n in names if "-b" in n],
        "/api/notices/": ["1"],
        "/api/frames/": [],
    }
    found = []
    for path, methods in demo.get("/api/openapi.json")["paths"].items():
        if "get" in methods:
            head, gap, tail = path.partition("{")
            found += [head + one + tail.partition("}")[2] for one in filled[head]] if gap else [path]
    pages = ["/audit.csv", "/audit.jsonl", "/labels?site=thap-thuong", "/api/docs", "/registry/csv", "/who"]
    return [*found, *pages, *(f"/labels?devices={name}" for name in names)]


def test_no_secret_of_a_demo_lies_about_in_clear(demo: Demo) -> None:
    demo.settle()
    hunt = Hunt()
    lives(demo, hunt)
    found, crawl = searched(demo, hunt, "first")
    assert not found
    assert len(crawl.seen) > 100
    assert {a for a, code in crawl.refused.items() if code >= 500} == set()
    for path in (
        "/devices/tt-l001",
        "/registry/devices/tt-l001",
        "/audit.csv",
        "/api/devices/tt-l001/export.parquet",
    ):
        assert path in crawl.seen

    name, secret = "tt-l001", fleet_file.read(demo.data / "fleet.json").passwords["tt-l001"]
    known = demo.get(f"/api/registry/devices/{name}")
    said = {k: v for k, v in known["fields"].items() if k != "driver"} | {"version": known["version"]}
    demo.post("/api/registry/device-change", said | {"title": f"Đèn {secret}"})
    planted = "\n".join(searched(demo, hunt, "second")[0])
    for where in (
        "hub.db", "/devices/tt-l001\n", "/api/devices/tt-l001\n", "/audit.csv", "/api/audit",
        "/api/registry/devices.csv",
        "hub.db in second.tar.gz", "device-show.txt of taken",
    ):  # fmt: skip
        assert f"the password of tt-l001 stands in {where}" in planted + "\n", where
    assert {line.partition(" stands")[0] for line in planted.splitlines()} == {"the password of tt-l001"}


@pytest.mark.parametrize("name", ["plain", "hex", "address", "base64"])
def test_a_secret_is_found_in_every_form(tmp_path: Path, name: str) -> None:
    secret = "Đèn/a+b c=7&xyzzy"
    written = {
        "plain": secret.encode(),
        "hex": secret.encode().hex().encode(),
        "address": quote(secret, safe="").encode(),
        "base64": base64.b64encode(b"den-1:" + secret.encode() + b"!"),
    }[name]
    hunt = Hunt()
    hunt.knows("it", secret, "meant")
    for file in ("meant", "elsewhere"):
        (tmp_path / file).write_bytes(b"before " + written + b" after")
    assert hunt.in_folder(tmp_path) == [f"it stands in elsewhere of {tmp_path.name}"]
    assert hunt.among("an answer", written)
    assert not hunt.among("an answer", b"before after")
    assert all(len(form) >= 12 for form in forms(secret.encode()))
