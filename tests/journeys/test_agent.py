"""An agent behind a village's NAT: it loses its link, is killed, changes its key; nothing is lost, doubled or told."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

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

    def accept(self) -> None:
        """A person accepts the key that the agent offers."""
        self.until(lambda: self.get_json(f"/api/agents/{AGENT}")["waits"], "a key to be offered")
        self.say(
            f"/api/agents/{AGENT}/accept", {"fingerprint": self.get_json(f"/api/agents/{AGENT}")["offered"]}
        )

    def light(self, name: str, light: str) -> str:
        """One of a camera's lights."""
        found = {one["name"]: one["state"] for one in self.get_json(f"/api/cameras/{name}")["lights"]}
        return str(found[light])

    def log(self) -> str:
        """What the agent said."""
        return (self.folder / "agent.log").read_text()

    def readings(self, name: str) -> list[tuple[int, int, bool]]:
        """(boot, seq, late) of every reading in the journal."""
        sql = (
            "SELECT body FROM journal JOIN device ON device.id=journal.device WHERE name=? AND what & 15 = 1"
        )
        with closing(sqlite3.connect(self.database)) as db:
            said = [json.loads(body) for (body,) in db.execute(sql, (name,))]
        return [(s["boot"], s["seq"], s.get("late", False)) for s in said]


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


def test_cameras_behind_nat_have_lights_pictures_and_do_as_people_say() -> None:
    names = (name_made_by("Thanh Long"), name_made_by("Lam Son"))
    with scene(*names) as (made, _):
        first = names[0]
        made.start_agent()
        made.until(lambda: made.light(first, "reachable") == "ok", "cameras to be reached")
        assert made.light(first, "logged_in") == "unknown", "nobody accepted the key"
        made.accept()
        made.until(lambda: {made.light(n, "logged_in") for n in names} == {"ok"}, "logins")
        made.until(lambda: made.get_json(f"/api/cameras/{first}")["pictures"], "a picture")
        made.say(f"/api/cameras/{first}/clock", {})
        made.say(f"/api/cameras/{first}/visit", {})
        assert made.get_json(f"/api/agents/{AGENT}")["follows"]
        assert made.device(AGENT)["values"]["children"] == 2
