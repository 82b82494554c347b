"""A village for journeys: a real broker, a real hub, and devices that are mosquitto_pub processes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from benchmarks.stage import PASSWORD, Stage, wait

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = [sys.executable, "-c", "from hub.cli import main; main()"]
SITES = {
    "sites": [{"slug": "thon-1", "name": "Thôn 1", "tier": "village", "lat": 21.09, "lon": 105.67}],
    "placings": [],
}


def row(name: str, kind: str = "solar_light", **more: Any) -> dict[str, Any]:
    """A device of a registry file: heard each second, silent after two."""
    return {
        "name": name, "kind": kind, "realm": "thon-1", "site": "thon-1", "interval_s": 1, "timeout_s": 2,
        "password": PASSWORD,
    } | more  # fmt: skip


class Village(Stage):
    """A stage whose broker is run by `village-hub broker`, as people run it."""

    def settle(self, *devices: dict[str, Any], more: str = "") -> None:
        """Register these, start broker and hub, wait until it hears."""
        self.settings.write_text(self.settings.read_text() + more)
        file = self.folder / "fleet.json"
        file.write_text(json.dumps(SITES | {"devices": list(devices)}))
        self.command("import", str(file))
        self.start_broker()
        self.start_hub()
        self.wait_ready()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A `village-hub` command that ends by itself. Raises where it fails."""
        done = self.tries(*words)
        assert done.returncode == 0, done.stderr
        return done

    def tries(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A `village-hub` command that may fail."""
        command = [*COMMAND, *words, "--settings", str(self.settings)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    def start_broker(self) -> None:
        data = str(self.folder / "broker")
        self.broker = self._start("broker", [*COMMAND, "broker", "--data", data, "--port", str(self.port)])
        wait(self._broker_answers, 60, "the broker to listen")

    def post_json(self, path: str, said: dict[str, Any], who: str = "Lan") -> Any:
        """What somebody changes by the API, and its answer."""
        headers = {"Content-Type": "application/json", "X-Village-Hub": "1", "X-Village-Hub-Person": who}
        asked = Request(self.url + path, json.dumps(said).encode(), headers)  # noqa: S310 - our own
        with urlopen(asked, timeout=20) as answer:  # noqa: S310 - our own
            return json.loads(answer.read() or b"null")

    # --- what is seen -----------------------------------------------------------------------------------------

    def device(self, name: str) -> Any:
        """A device as the API tells."""
        return self.get_json(f"/api/devices/{name}")

    def until(self, done: Callable[[], Any], what: str) -> None:
        """Wait until something holds."""
        wait(lambda: bool(done()), 30, what)

    def until_shown(self, name: str, state: str) -> None:
        """Wait until a page shows this for a device."""
        self.until(lambda: self.device(name)["shown"] == state, f"{name} to be {state}")

    def changes(self, name: str) -> list[str]:
        """A device's changes of health, oldest first."""
        found = self.get_json(f"/api/devices/{name}/transitions")
        return [t["after"] for t in reversed(found)]

    def incidents(self) -> list[Any]:
        """Every incident there ever was."""
        found = self.get_json("/api/incidents")
        return list({i["id"]: i for i in [*found["past"], *found["open"]]}.values())

    def alerts_of(self, *names: str) -> list[str]:
        """Rules of every incident there ever was of these devices."""
        return [i["rule"] for i in self.incidents() if set(i["devices"]) & set(names)]


class Device:
    """A device that is one `mosquitto_pub` process: it keeps its connection, and says a line when it is told."""

    def __init__(self, village: Village, name: str, channel: str = "telemetry", *, boot: int = 1) -> None:
        self.boot, self.seq = boot, 0
        topic = f"vh/1/thon-1/{name}/{channel}"
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(village.port), "-u", name, "-P", PASSWORD]
        command += ["-q", "1", "-t", topic, "-l", "-i", f"{name}-{channel}"]
        command += ["--will-topic", f"vh/1/thon-1/{name}/state", "--will-qos", "1", "--will-retain"]
        command += ["--will-payload", json.dumps({"online": False, "boot": boot})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, bufsize=1)  # noqa: S603

    def says(self, **said: Any) -> None:
        """A message."""
        if self.process.poll() is not None or self.process.stdin is None:
            return  # it is dark
        self.seq += 1
        self.process.stdin.write(json.dumps({"boot": self.boot, "seq": self.seq, **said}) + "\n")

    def loses_power(self) -> None:
        """Dead at once; the broker publishes its will."""
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        """Out of the way at the end of a test."""
        self.loses_power()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
