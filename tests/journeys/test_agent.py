"""An agent behind a village's NAT: it loses its link, is killed, changes its key; nothing is lost, doubled or told."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.stage import PASSWORD
from tests.journeys.village import COMMAND, Village, row
from tests.simulators.cameras import PASSWORD as CAMERA_PASSWORD
from tests.simulators.cameras import USER, name_made_by
from tests.simulators.village_cameras import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from simulators.onvif.camera import Camera

AGENT = "thon-1-agent"


class Scene(Village):
    """A village with cameras, and an agent as a process."""

    agent: subprocess.Popen[bytes] | None = None

    def begin(self, cameras: Mapping[str, Camera]) -> None:
        """Register the cameras and their agent, start broker and hub."""
        rows = [
            row(name, "camera", driver="onvif", address=f"http://{c.host}:{c.port}/onvif/device_service",
                login=USER, login_password=CAMERA_PASSWORD, timeout_s=None, password="")
            for name, c in cameras.items()
        ]  # fmt: skip
        self.settle(row(AGENT, "gateway", driver="agent"), *rows)
        self.say("/api/people", {"name": "An", "role": "administrator"})

    def start_agent(self) -> None:
        """`village-hub agent`."""
        (self.folder / "agent.password").write_text(PASSWORD)
        log = (self.folder / "agent.log").open("ab")
        self.agent = subprocess.Popen(  # noqa: S603 - ourselves
            [*COMMAND, "agent", "--realm", "thon-1", "--port", str(self.port), "--no-tls", "--data", str(self.data),
             "--password-file", str(self.folder / "agent.password"), "--buffer-mb", "8", "--kbit-s", "20000"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()

    @property
    def data(self) -> Path:
        return self.folder / "agent"

    def end_agent(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code. A killed one leaves its poller, which ends with its input."""
        assert self.agent is not None
        self.agent.send_signal(how)
        code = self.agent.wait(30)
        self.agent = None
        return code

    def say(self, path: str, said: Any) -> None:
        """A POST, as An."""
        head = {"Content-Type": "application/json", "X-Village-Hub": "1", "X-Village-Hub-Person": "An"}
        asked = Request(self.url + path, json.dumps(said).encode(), head)  # noqa: S310 - our own
        with urlopen(asked, timeout=60):  # noqa: S310
            pass

    def agent_view(self) -> Any:
        """What the API tells of the agent."""
        return self.get_json(f"/api/agents/{AGENT}")

    def accept(self) -> None:
        """A person accepts the key that the agent offers."""
        self.until(lambda: self.agent_view()["waits"], "a key to be offered")
        self.say(
            f"/api/agents/{AGENT}/accept", {"fingerprint": self.get_json(f"/api/agents/{AGENT}")["offered"]}
        )

    def light(self, name: str, light: str) -> str:
        """One of a camera's lights."""
        found = {one["name"]: one["state"] for one in self.get_json(f"/api/cameras/{name}")["lights"]}
        return str(found[light])

    def pictures(self, name: str) -> dict[str, Any]:
        """What is kept of a camera, by what it shows."""
        return {p["what"]: p for p in self.get_json(f"/api/cameras/{name}")["pictures"]}

    def reasons(self, name: str) -> list[str]:
        """Why a device is not better."""
        return [r["code"] for r in self.device(name)["reasons"]]

    def desired(self) -> bytes:
        """What the broker keeps for the agent."""
        command = ["mosquitto_sub", "-p", str(self.port), "-u", AGENT, "-P", PASSWORD, "-W", "5", "-C", "1"]
        return subprocess.run(  # noqa: S603
            [*command, "-t", f"vh/1/thon-1/{AGENT}/desired"], capture_output=True, check=True, timeout=20
        ).stdout

    def buffered(self) -> set[tuple[int, int]]:
        """(boot, seq) of the readings on the agent's disk."""
        with closing(sqlite3.connect(f"file:{self.data}/agent.db?mode=ro", uri=True)) as db:
            found = db.execute("SELECT body FROM message WHERE channel='telemetry'").fetchall()
        said = [json.loads(body) for (body,) in found]
        return {(s["boot"], s["seq"]) for s in said}

    def told_in(self) -> list[str]:
        """Files in which the cameras' password stands."""
        words = [CAMERA_PASSWORD.encode(), json.dumps(CAMERA_PASSWORD)[1:-1].encode()]
        files = [p for p in self.folder.rglob("*") if p.is_file() and p.name != "fleet.json"]
        assert {"hub.db", "mosquitto.db", "agent.db", "agent.log"} <= {p.name for p in files}
        return [str(p) for p in files if any(w in p.read_bytes() for w in words)]

    def readings(self, name: str) -> list[tuple[int, int, bool, float]]:
        """(boot, seq, late, placed so many seconds from when it was measured) of every reading in the journal."""
        sql = "SELECT at, body FROM journal JOIN device ON device.id=device WHERE name=? AND what & 15 = 1"
        with closing(sqlite3.connect(self.database)) as db:
            said = [(at, json.loads(body)) for at, body in db.execute(sql, (name,))]
        return [(s["boot"], s["seq"], s.get("late", False), at / 1000 - s["ts"]) for at, s in said]


@contextmanager
def scene(*names: str) -> Iterator[tuple[Scene, Mapping[str, Camera]]]:
    """Cameras that are registered and listen, a broker and a hub."""
    with listening(*names) as cameras, Scene() as made:
        try:
            made.begin(cameras)
            yield made, cameras
        finally:
            if made.agent is not None:
                made.agent.kill()
                made.agent.wait(30)


def test_cameras_behind_nat_are_asked_with_sealed_passwords_and_no_key_is_trusted_by_itself() -> None:
    names = (name_made_by("Thanh Long"), name_made_by("Lam Son"))
    with scene(*names) as (made, _):
        first = names[0]
        made.start_agent()
        made.until(lambda: made.light(first, "reachable") == "ok", "cameras to be reached")
        assert made.light(first, "logged_in") == "unknown", "nobody accepted the key"
        assert b'"box"' not in made.desired()
        assert made.agent_view()["offered"].encode() in made.get(f"/devices/{AGENT}")
        assert f'href="/devices/{AGENT}"'.encode() in made.get(f"/devices/{first}")
        made.accept()
        made.until(lambda: {made.light(n, "logged_in") for n in names} == {"ok"}, "logins")
        made.until(lambda: made.pictures(first), "a picture")
        assert made.get_json(f"/api/agents/{AGENT}")["follows"]
        assert made.device(AGENT)["values"]["children"] == 2
        # what people ask for
        made.say(f"/api/cameras/{first}/clock", {})
        made.say(f"/api/cameras/{first}/reference", {})
        made.until(lambda: "reference" in made.pictures(first), "the reference")
        assert made.pictures(first)["reference"]["by"] == "An"
        # another key is a question, and until it is answered there are no passwords
        assert made.end_agent() == 0
        made.until(lambda: made.device(first)["shown"] == "unknown", "its cameras to be unknown")
        assert made.reasons(first) == ["gateway_silent"]
        (made.data / "agent.key").unlink()
        made.start_agent()
        made.until(lambda: made.agent_view()["waits"], "the new key to be told")
        made.until(lambda: made.light(first, "logged_in") == "unknown", "no logins")
        made.until(lambda: "keyWaits" in made.device(AGENT)["values"]["faults"], "its own word")
        assert b'"box"' not in made.desired()
        old = made.agent_view()["accepted"]
        with pytest.raises(HTTPError, match="409"):
            made.say(f"/api/agents/{AGENT}/accept", {"fingerprint": old})
        made.accept()
        made.until(lambda: made.light(first, "logged_in") == "ok", "logins")
        made.end_agent()
        made.stop_hub()
        made.stop_broker()  # it writes what it keeps
        assert made.told_in() == [], "the cameras' password stands somewhere in plain words"
        assert {p.stat().st_mode & 0o077 for p in made.data.rglob("*")} == {0}


def test_a_lost_link_and_a_kill_lose_and_double_nothing() -> None:
    name = name_made_by("Thanh Long")
    with scene(name) as (made, _):
        made.start_agent()
        made.accept()
        made.until(lambda: made.light(name, "logged_in") == "ok", "a login")
        made.end_agent(signal.SIGKILL)
        made.until(lambda: made.device(name)["shown"] == "unknown", "its will")
        assert made.reasons(name) == ["gateway_silent"]
        made.start_agent()
        made.until(lambda: made.device(name)["shown"] != "unknown", "it is back")
        made.stop_broker()
        made.until(lambda: len(made.buffered()) >= 3, "a backlog")
        made.end_agent(signal.SIGKILL)
        before = made.buffered()
        made.start_agent()  # no broker to ask: it goes on with the targets that it had
        made.until(lambda: len(made.buffered()) >= len(before) + 1, "more of it, by the next poller")
        kept = made.buffered()
        made.start_broker()
        made.until(lambda: not made.buffered(), "the backlog to be told")
        made.until(lambda: kept <= {r[:2] for r in made.readings(name)}, "all of it at the hub")
        readings = made.readings(name)
        assert len({r[:2] for r in readings}) == len(readings), "each once"
        assert {late for b, s, late, _ in readings if (b, s) in before} == {True}
        assert max(abs(off) for *_, late, off in readings if late) < 2, "placed when they were measured"
        for boot in {r[0] for r in readings}:
            seqs = sorted(r[1] for r in readings if r[0] == boot)
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "none is missing"
        made.until(lambda: made.device(name)["shown"] == "ok", "as it is now")
        assert made.device(AGENT)["values"]["dropped"] == 0
