"""The stage of a benchmark: a broker and a hub as real processes in a folder of their own, and what they cost.

Not a benchmark. Everything listens on 127.0.0.1 at free ports, and ends with the `with` block, also after an error
or Ctrl-C; the folder stays where the environment says KEEP=1. Registry files hold the first district's proportion:
2,700 cameras, 1,800 lights, 207 wifi points and 23 boards, spread evenly over realms, one gateway a realm where
gateways are asked for.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from hub import broker

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable
    from types import FrameType, TracebackType

KINDS = (("camera", 2700), ("solar_light", 1800), ("access_point", 207), ("signboard", 23))
DISTRICT = sum(n for _, n in KINDS)
PASSWORD = "bench"  # noqa: S105 - a broker of this benchmark alone
SITES_PER_COMMUNE = 8


def proportioned(count: int) -> list[str]:
    """Kinds of `count` devices in the district's proportion, well mixed."""
    found: list[str] = []
    owed = dict.fromkeys((k for k, _ in KINDS), 0.0)
    for _ in range(count):
        for kind, n in KINDS:
            owed[kind] += n / DISTRICT
        worst = max(owed, key=owed.__getitem__)
        owed[worst] -= 1
        found.append(worst)
    return found


def fleet(count: int, realms: int, *, gateways: bool, **every: Any) -> list[dict[str, Any]]:
    """Device rows of a registry file; gateways first. `every` goes into each row."""
    found: list[dict[str, Any]] = []
    if gateways:
        found += [
            {
                "name": f"gw-{r}",
                "kind": "gateway",
                "realm": f"r{r}",
                "site": f"thon-{r}",
                "password": PASSWORD,
            }
            | every
            for r in range(realms)
        ]
    for i, kind in enumerate(proportioned(count)):
        r = i % realms
        row: dict[str, Any] = {"name": f"{kind[:2]}-{i}", "kind": kind, "realm": f"r{r}", "site": f"thon-{r}"}
        row |= {"uplink_by": f"gw-{r}"} if gateways else {"password": PASSWORD}
        found.append(row | every)
    return found


def tree(realms: int) -> dict[str, list[dict[str, Any]]]:
    """Sites and placings: a village a realm, 8 villages a commune, one district."""
    communes = -(-realms // SITES_PER_COMMUNE)
    sites: list[dict[str, Any]] = [{"slug": "huyen", "name": "Huyện", "tier": "district"}]
    sites += [{"slug": f"xa-{c}", "name": f"Xã {c}", "tier": "commune"} for c in range(communes)]
    sites += [
        {"slug": f"thon-{r}", "name": f"Thôn {r}", "tier": "village", "lat": 21.09, "lon": 105.67}
        for r in range(realms)
    ]
    placings = [{"site": f"xa-{c}", "parent": "huyen"} for c in range(communes)]
    placings += [{"site": f"thon-{r}", "parent": f"xa-{r // SITES_PER_COMMUNE}"} for r in range(realms)]
    return {"sites": sites, "placings": placings}


def reading(kind: str, boot: int, seq: int, rng: random.Random, *, fault: bool = False) -> bytes:
    """One telemetry message of about 200 bytes, calm but for a light's lampFailure."""
    said: dict[str, Any] = {"boot": boot, "seq": seq, "ts": round(time.time(), 3)}
    if kind == "solar_light":
        said |= {
            "battery_v": round(rng.uniform(12.6, 13.4), 2), "soc_pct": round(rng.uniform(60, 95), 1), "panel_w": 5.0,
            "load_w": round(rng.uniform(25, 32), 1), "lamp_commanded": True, "lamp_lit": not fault, "level_pct": 100,
            "controller_c": round(rng.uniform(20, 35), 1), "faults": ["lampFailure"] if fault else [],
        }  # fmt: skip
    elif kind == "access_point":
        said |= {
            "uplink_up": True, "clients": rng.randrange(40), "rx_kbit_s": round(rng.uniform(0, 9000), 1),
            "tx_kbit_s": round(rng.uniform(0, 2000), 1), "radio_on": True,
            "channel_busy_pct": round(rng.uniform(5, 40), 1),
            "noise_dbm": -92.0, "latency_ms": round(rng.uniform(10, 40), 1), "loss_pct": 0.0, "faults": [],
        }  # fmt: skip
    elif kind == "gateway":
        said |= {
            "mains": True,
            "ups_pct": 100.0,
            "buffered": 0,
            "children": 220,
            "uplink_ms": 12.0,
            "faults": [],
        }
    else:
        said |= {
            "uptime_s": seq * 60 + rng.randrange(60),
            "faults": [],
            "firmware": "4.2.11-b20260911",
            "slot": rng.random(),
        }
        said |= {"stream": {"main": "1920x1080@25", "sub": "640x360@12", "kbit_s": rng.randrange(1500, 2500)}}
    return json.dumps(said).encode()


def wait(done: Callable[[], bool], limit_s: float, what: str, step_s: float = 0.05) -> float:
    """Wait until `done`; how long it took. Raises TimeoutError."""
    start = time.monotonic()
    while not done():
        if time.monotonic() - start > limit_s:
            raise TimeoutError(f"waited {limit_s:.0f} s: {what}")
        time.sleep(step_s)
    return time.monotonic() - start


def raise_open_files() -> None:
    """As many open files as this machine allows: every device has a connection of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _free_ports(n: int) -> list[int]:
    held = [socket.socket() for _ in range(n)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [int(s.getsockname()[1]) for s in held]
    finally:
        for s in held:
            s.close()


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class Stage:
    """One broker, one hub, one folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="village-hub-bench-"))
        self.port, self.web = _free_ports(2)
        self.url = f"http://127.0.0.1:{self.web}"
        self.settings = self.folder / "hub.toml"
        self.database = self.folder / "hub.db"
        self.broker: subprocess.Popen[bytes] | None = None
        self.hub: subprocess.Popen[bytes] | None = None
        self._before: Any = None
        self._logs = {name: (self.folder / f"{name}.log").open("ab") for name in ("broker", "hub")}

    def __enter__(self) -> Self:
        found = broker.find_mosquitto()
        if found is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            sys.exit("this benchmark needs mosquitto")
        self._mosquitto = found
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _terminated)
        raise_open_files()
        data = self.folder / "broker"
        broker.prepare(data)
        (data / "mosquitto.conf").write_text(broker.render(data, self.port))
        (self.folder / "hub.password").write_text(PASSWORD)
        self.settings.write_text(
            f'data_dir = "{self.folder}"\nlog_level = "WARNING"\n[web]\nport = {self.web}\n'
            f"[broker]\nport = {self.port}\n"
            f'password_file = "{self.folder}/hub.password"\naccess_dir = "{data}"\npid_file = "{data}/mosquitto.pid"\n'
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self.hub, self.broker):
            if process is not None:
                process.kill()
                process.wait(30)
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        for log in self._logs.values():
            log.close()
        if kind is not None and issubclass(kind, Exception):
            for name in self._logs:
                print(f"--- {name}'s last words", file=sys.stderr)
                print((self.folder / f"{name}.log").read_text(errors="replace")[-3000:], file=sys.stderr)
        if os.environ.get("KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        log = self._logs[name]
        return subprocess.Popen(  # noqa: S603 - ourselves and mosquitto
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | environment,
        )  # fmt: skip

    # --- registry ---------------------------------------------------------------------------------------------

    def register(self, devices: Iterable[dict[str, Any]], realms: int) -> None:
        """`village-hub import`."""
        file = self.folder / "fleet.json"
        file.write_text(json.dumps(tree(realms) | {"devices": list(devices)}))
        command = [*_VILLAGE_HUB, "import", str(file), "--settings", str(self.settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
        if done.returncode:
            raise RuntimeError(f"village-hub import: {done.stderr[-2000:]}")

    # --- the broker -------------------------------------------------------------------------------------------

    def start_broker(self) -> None:
        """mosquitto, until it takes connections."""
        self.broker = self._start(
            "broker", [self._mosquitto, "-c", str(self.folder / "broker" / "mosquitto.conf")]
        )
        wait(self._broker_answers, 60, "the broker to listen")

    def _broker_answers(self) -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop_broker(self, *, kill: bool = False) -> None:
        """SIGTERM (it saves what it holds), or SIGKILL."""
        if self.broker is not None:
            (self.broker.kill if kill else self.broker.terminate)()
            self.broker.wait(120)
            self.broker = None

    def forget_sessions(self) -> None:
        """Away with the stopped broker's memory: sessions, queues, retained messages."""
        for path in (self.folder / "broker").glob("mosquitto.db*"):
            path.unlink()

    def broker_saved_at(self) -> float:
        """When the broker last wrote its memory to disk; 0 where it never did."""
        try:
            return (self.folder / "broker" / "mosquitto.db").stat().st_mtime
        except OSError:
            return 0.0

    # --- the hub ----------------------------------------------------------------------------------------------

    def start_hub(self, failpoint: str = "") -> float:
        """`village-hub run`; returns the instant of exec (monotonic)."""
        at = time.monotonic()
        self.hub = self._start(
            "hub",
            [*_VILLAGE_HUB, "run", "--settings", str(self.settings)],
            **({"VILLAGE_HUB_FAILPOINT": failpoint} if failpoint else {}),
        )
        return at

    def stop_hub(self, *, kill: bool = False) -> int:
        """SIGTERM or SIGKILL; the exit code."""
        if self.hub is None:
            return 0
        (self.hub.kill if kill else self.hub.terminate)()
        return self.hub_died(60)

    def hub_died(self, limit_s: float) -> int:
        """Wait for the hub's end; its exit code. Raises subprocess.TimeoutExpired."""
        assert self.hub is not None
        code = self.hub.wait(limit_s)
        self.hub = None
        return code

    def ready(self) -> bool:
        """`/healthz` says 200. Raises RuntimeError where the hub is dead."""
        if self.hub is not None and self.hub.poll() is not None:
            raise RuntimeError(f"the hub ended with {self.hub.returncode}")
        try:
            return self.get("/healthz") != b""
        except OSError:
            return False

    def wait_ready(self, limit_s: float = 120) -> float:
        """Wait until the hub has caught up; the instant (monotonic)."""
        wait(self.ready, limit_s, "the hub to be ready", 0.02)
        return time.monotonic()

    def get(self, path: str, limit_s: float = 30) -> bytes:
        """The body of a page. Raises OSError (also for an answer that is not 2xx)."""
        with urllib.request.urlopen(self.url + path, timeout=limit_s) as answer:  # noqa: S310 - our own
            return bytes(answer.read())

    def get_json(self, path: str) -> Any:
        """What the API says. Raises OSError."""
        return json.loads(self.get(path))

    def outcomes(self) -> dict[str, int]:
        """Messages by what became of them, since the hub's start. Raises OSError."""
        return self.counters("village_hub_messages_total", "outcome")

    def counters(self, name: str, label: str) -> dict[str, int]:
        """A counter of the hub's by its label. Raises OSError."""
        head = f'{name}{{{label}="'
        lines = [x for x in self.get("/metrics", 5).decode().splitlines() if x.startswith(head)]
        pairs = [x.removeprefix(head).split('"} ') for x in lines]
        return {name: int(float(count)) for name, count in pairs}


_VILLAGE_HUB = [sys.executable, "-c", "from hub.cli import main; main()"]


def rss_mb(process: subprocess.Popen[bytes] | None) -> float:
    """Resident memory of a process and its children, summed (shared pages count in each)."""
    return sum(rss_mb_each(process))


def rss_mb_each(process: subprocess.Popen[bytes] | None) -> list[float]:
    """The same of each, the process itself first."""
    return [p.memory_info().rss / 1e6 for p in _family(process)]


def uss_mb(process: subprocess.Popen[bytes] | None) -> float:
    """Memory that a process tree alone holds."""
    return float(sum(p.memory_full_info().uss for p in _family(process))) / 1e6


def cpu_s(process: subprocess.Popen[bytes] | None) -> float:
    """User and system time of a process tree so far."""
    return float(sum(t.user + t.system for t in (p.cpu_times() for p in _family(process))))


def _family(process: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    if process is None:
        return []
    try:
        head = psutil.Process(process.pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def load() -> float:
    """The machine's load average over a minute, for the figures' context."""
    return round(os.getloadavg()[0], 2)


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all lies (nearest rank); infinite where there is none."""
    if not values:
        return float("inf")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1e6) * len(ranked) // 1_000_000) - 1))]


def finite(value: float) -> float | None:
    """For JSON, which has no infinity: None stands for it."""
    return None if value == float("inf") else round(value, 3)
