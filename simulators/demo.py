"""`make demo`: broker, hub and a simulated fleet on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from simulators import demo_clock, fleet, fleet_file, scenario
from simulators.__main__ import positive
from simulators.control import SOCKET
from simulators.errors import UserError
from simulators.fleet import FLEETS
from simulators.onvif import discovery
from simulators.runner import files_of, room_for
from simulators.supervise import LOOK_S, Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.demo_clock import DemoClock
    from simulators.fleet import Fleet

HOST = "127.0.0.1"
READY_S = 60.0
IMPORT_S = 180.0
SAVE_S = 30.0
LEAST_DISK = 50_000_000
OUTSIDE = 443
"""The outside door's port is so far above that of the pages, where that one is free."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 stopped by Ctrl-C, 1 it could not run, 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    if options.data is None:
        options.data = Path("var") if options.fleet == "demo" else Path("var") / Path(options.fleet).stem
    try:
        wanted = _asked(options)
    except UserError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    try:
        _play(options, wanted)
    except KeyboardInterrupt:
        return 0
    except UserError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"demo: cannot use {error.filename or options.data}: {error.strerror or error}.", file=sys.stderr
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.demo", description="A pretend village on this machine."
    )
    parser.add_argument(
        "--fleet", default="demo", help=f"{', '.join(FLEETS)}, or a fleet file (default: demo)"
    )
    parser.add_argument(
        "--scenario", default="demo", help=f"a file, or one of: {', '.join(scenario.names())}"
    )
    parser.add_argument("--port", type=int, default=1883, help="of the broker")
    parser.add_argument("--http-port", type=int, default=8000, help="of the pages")
    parser.add_argument(
        "--camera-port", type=int, default=fleet.CAMERA_PORT, help="of cameras that are asked, for HTTP"
    )
    parser.add_argument("--rtsp-port", type=int, default=fleet.RTSP_PORT, help="of the same, for RTSP")
    parser.add_argument("--data", type=Path, help="data folder (default: var; another fleet's is below it)")
    parser.add_argument("--rate", type=positive, default=1.0, help="time runs so many times as fast")
    parser.add_argument("--speed", type=positive, default=1.0, help="play the scenario so many times as fast")
    parser.set_defaults(outside=0)
    return parser


def _interrupt(*_: object) -> NoReturn:
    """A closed terminal and `kill` stop the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _asked(options: argparse.Namespace) -> Fleet:
    """The fleet that is wanted, which has what the scenario names; raises UserError for wrong arguments."""
    for flag in ("--port", "--http-port", "--camera-port", "--rtsp-port"):
        if not 0 < (port := _port(options, flag)) < 65536:  # noqa: PLR2004 - ports
            raise UserError(f"{port} is no port ({flag}).")
    name = options.fleet
    if name not in FLEETS and not Path(name).is_file():
        raise UserError(f"There is no fleet {name!r}: neither a file nor one of {', '.join(FLEETS)}.")
    built = partial(fleet.build, name, camera_port=options.camera_port)
    wanted = built() if name in FLEETS else fleet_file.read(Path(name))
    scenario.timetable(scenario.load(options.scenario), wanted)
    return wanted


def _port(options: argparse.Namespace, flag: str) -> int:
    return int(vars(options)[flag.strip("-").replace("-", "_")])


def _play(options: argparse.Namespace, wanted: Fleet) -> None:
    for flag in ("--port", "--http-port"):
        _check_port(_port(options, flag), flag)
    cameras = [urlsplit(d.address) for d in wanted.devices if fleet.is_asked(d)]
    if cameras:
        host = cameras[0].hostname or HOST
        _check_port(cameras[0].port or 80, "--camera-port", host)
        _check_port(options.rtsp_port, "--rtsp-port", host)
    data: Path = options.data
    options.outside = _outside(options.http_port + OUTSIDE)
    _check_disk(data)
    clock = demo_clock.load(data / "demo.json", time.time(), options.rate)
    played = _written(wanted, data / "fleet.json")
    room_for(files_of(played))  # for the broker, too: children inherit it
    supervisor = Supervisor(data)
    try:
        _start(options, clock, supervisor)
        print(
            f"{len(played.devices)} devices in {len({d.site for d in played.devices})} villages. {clock.told()}"
        )
        print(f"Pages on http://{HOST}:{options.http_port}   (Ctrl-C stops everything)", flush=True)
        if options.outside:
            print(f"Links that you make there open on http://{HOST}:{options.outside}", flush=True)
        _watch(supervisor, data, clock)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
    finally:
        supervisor.stop()
        with contextlib.suppress(OSError):
            demo_clock.save(data / "demo.json", clock, time.time())


def _start(options: argparse.Namespace, clock: DemoClock, supervisor: Supervisor) -> None:
    """Broker, registry, hub, fleet: each once the one before it answers."""
    data: Path = options.data
    hub, settings = _hub_command(), data / "hub.toml"
    supervisor.start(
        "broker",
        [*hub, "broker", "--data", str(data / "broker"), "--port", str(options.port)],
        shown=True,
        before_again=lambda: None,
    )
    supervisor.wait_for("broker", lambda: _listens(options.port), READY_S)
    settings.write_text(hub_settings(options, clock), "utf-8")
    fleet_of, taken = data / "fleet.json", data / "fleet.imported"
    digest = hashlib.sha256(fleet_of.read_bytes()).hexdigest()
    known = taken.read_text("utf-8") if taken.exists() and (data / "hub.db").exists() else ""
    if known != digest:  # else what people changed since would be undone
        supervisor.run("import", [*hub, "import", str(fleet_of), "--settings", str(settings)], IMPORT_S)
        taken.write_text(digest, "utf-8")
    settings.write_text(hub_settings(options, clock), "utf-8")
    supervisor.start(
        "hub",
        [*hub, "run", "--settings", str(settings)],
        shown=False,
        before_again=lambda: settings.write_text(hub_settings(options, clock), "utf-8"),
    )
    supervisor.wait_for("hub", lambda: _answers(options.http_port), READY_S)
    supervisor.start("fleet", _fleet_command(options, clock), shown=True)


def hub_settings(options: argparse.Namespace, clock: DemoClock) -> str:
    """The hub's settings file for a start about now; also makes the hub's password for the broker."""
    broker: Path = options.data / "broker"
    secret = broker / "hub.password"
    if not secret.exists():
        broker.mkdir(parents=True, exist_ok=True)
        fleet_file.write_private(secret, secrets.token_urlsafe(18) + "\n")
    return f"""# Written anew by `make demo` at each start
data_dir = {_toml(options.data)}
log_level = "WARNING"

[poll]
picture_s = {600 if options.fleet == "district" else 30}
village_kbit_s = {256 if options.fleet == "district" else 50000}
plain_passwords = true
search_from = "{HOST}"    # simulated cameras answer on this machine only

[web]
host = "{HOST}"
port = {options.http_port}

[outside]
host = "{HOST if options.outside else ""}"
port = {options.outside or 8443}
behind_proxy = "{HOST}"    # this machine only, so without TLS

[broker]
host = "{HOST}"
port = {options.port}
username = "hub"
password_file = {_toml(secret)}
access_dir = {_toml(broker)}
pid_file = {_toml(broker / "mosquitto.pid")}

[clock]
shift_s = {clock.shift_s}
rate = {clock.rate}
since = {clock.epoch}
"""


def _toml(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _hub_command() -> list[str]:
    beside = Path(sys.executable).with_name("village-hub")
    found = str(beside) if beside.exists() else shutil.which("village-hub")
    if not found:
        raise UserError("The command village-hub is not installed here; run `make setup`.")
    return [found]


def _fleet_command(options: argparse.Namespace, clock: DemoClock) -> list[str]:
    data: Path = options.data
    command = [sys.executable, "-m", "simulators", "run", str(data / "fleet.json"), "--freeze"]
    command += ["--rtsp-port", str(options.rtsp_port), "--discovery-port", str(discovery.PORT)]
    command += ["--port", str(options.port), f"--shift={clock.shift_s}", "--rate", str(clock.rate)]
    command += ["--since", str(clock.epoch)]
    command += ["--scenario", options.scenario, "--speed", str(options.speed), "--socket", str(data / SOCKET)]
    return command


def _written(wanted: Fleet, path: Path) -> Fleet:
    """The fleet with its passwords (the last start's where there was one), as it now stands in `path`."""
    old = fleet_file.read(path) if path.exists() else wanted
    made = fleet_file.with_passwords(wanted, old)
    fleet_file.write(made, path)
    return made


def _watch(supervisor: Supervisor, data: Path, clock: DemoClock) -> None:
    saved = 0.0
    while True:
        supervisor.look()
        if time.monotonic() - saved > SAVE_S:
            with contextlib.suppress(OSError):  # a full disk is the hub's to tell
                demo_clock.save(data / "demo.json", clock, time.time())
            saved = time.monotonic()
        time.sleep(5 * LOOK_S)


def _outside(port: int) -> int:
    """The port where it can be used, else 0: the demo does without."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((HOST, port))
        except (OSError, OverflowError):
            return 0
    return port


def _check_port(port: int, flag: str, host: str = HOST) -> None:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError as error:
            why = (
                "is in use by another program"
                if _listens(port, host)
                else f"cannot be used ({error.strerror})"
            )
            raise UserError(
                f"Port {port} {why}; choose another: python -m simulators.demo {flag} NUMBER."
            ) from error


def _check_disk(data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if not os.access(data, os.W_OK | os.X_OK):
        raise UserError(f"No right to write into {data}.")
    free = shutil.disk_usage(data).free
    if free < LEAST_DISK:
        raise UserError(
            f"The disk of {data} is full ({free // 1_000_000} MB left, {LEAST_DISK // 1_000_000} needed)."
        )


def _listens(port: int, host: str = HOST) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _answers(port: int) -> bool:
    link = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        link.request("GET", "/healthz")
        link.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()
    return True


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if ending is not signal.SIGHUP or signal.getsignal(ending) is not signal.SIG_IGN:  # nohup means it
            signal.signal(ending, _interrupt)
    sys.exit(main())
