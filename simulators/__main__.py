"""`python -m simulators run`: a simulated fleet against a broker; the other commands speak to a running one."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from pathlib import Path

from simulators import control, fleet, fleet_file, scenario
from simulators.behaviour import BEHAVIOURS
from simulators.clock import Clock
from simulators.errors import UserError
from simulators.faults import FAULTS
from simulators.onvif.discovery import PORT
from simulators.runner import Options, Runner, files_of, room_for


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 it failed, 2 wrong arguments."""
    options = parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except UserError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m simulators", description="A pretend field of devices.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    make = commands.add_parser("make", help="write a fleet file (the hub's import format)")
    make.add_argument("fleet", choices=fleet.FLEETS)
    make.add_argument("file", type=Path)
    make.add_argument(
        "--asked",
        action=argparse.BooleanOptionalAction,
        default=fleet.CAMERAS_ARE_ASKED,
        help="cameras are asked by ONVIF; else they report over MQTT",
    )
    make.add_argument("--camera-port", type=int, default=fleet.CAMERA_PORT, help="of cameras that are asked")
    make.set_defaults(do=_make)

    run = commands.add_parser("run", help="play a fleet against a broker")
    run.add_argument("file", type=Path, help="fleet file, with its passwords")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=1883)
    run.add_argument("--rtsp-port", type=int, default=fleet.RTSP_PORT, help="of cameras that are asked")
    run.add_argument("--discovery-port", type=int, help=f"answer searches for them (WS-Discovery: {PORT})")
    run.add_argument("--shift", type=float, default=0.0, help="simulated time is so many seconds ahead")
    run.add_argument("--rate", type=positive, default=1.0, help="simulated time runs so many times as fast")
    run.add_argument(
        "--since", type=float, default=0.0, help="the wall time (s since 1970) at which the shift held"
    )
    run.add_argument("--seed", type=int, default=0, help="another seed, other clouds and chances")
    run.add_argument("--scenario", help=f"a file, or one of: {', '.join(scenario.names())}")
    run.add_argument("--speed", type=positive, default=1.0, help="play the scenario so many times as fast")
    run.add_argument("--socket", type=Path, help="listen here for break and mend")
    run.add_argument("--freeze", action="store_true", help="stop without goodbyes, as if time stood still")
    run.set_defaults(do=_run)

    listed = commands.add_parser("faults", help="what can be broken")
    listed.set_defaults(do=_faults)
    _add_acts(commands)
    return top


def _add_acts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The commands that speak to a running fleet."""
    told = {
        "break": "break a device",
        "mend": "mend one fault of a device, or all",
        "cut_power": "mains off in a village",
        "restore_power": "mains on again",
        "cut_uplink": "a village's uplink off",
        "restore_uplink": "uplink on again",
        "list": "what is broken now",
    }
    for verb, text in told.items():
        command = commands.add_parser(verb.replace("_", "-"), help=text)
        command.set_defaults(do=_ask, verb=verb, target=None, fault=None)
        if verb in ("break", "mend"):
            command.add_argument("target", metavar="DEVICE")
            command.add_argument("fault", metavar="FAULT", nargs=None if verb == "break" else "?")
        elif verb != "list":
            command.add_argument("target", metavar="VILLAGE")
        command.add_argument("--data", type=Path, default=Path("var"), help="the running demo's data folder")


def positive(text: str) -> float:
    """A number above zero."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def _ask(options: argparse.Namespace) -> int:
    request = {"verb": options.verb, "target": options.target, "fault": options.fault}
    print("\n".join(control.ask(options.data / control.SOCKET, request)))
    return 0


def _faults(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    for name, fault in FAULTS.items():
        kinds = "all" if fault.kinds >= frozenset(BEHAVIOURS) else ", ".join(sorted(fault.kinds))
        print(f"{name:16} {fault.text} ({kinds})")
    return 0


def _make(options: argparse.Namespace) -> int:
    old = fleet_file.read(options.file) if options.file.exists() else None
    wanted = fleet.build(options.fleet, asked=options.asked, camera_port=options.camera_port)
    made = fleet_file.with_passwords(wanted, old)
    fleet_file.write(made, options.file)
    print(f"{options.file}: {len(made.devices)} devices.")
    return 0


def _run(options: argparse.Namespace) -> int:
    played = fleet_file.read(options.file)
    room_for(files_of(played))
    clock = Clock(shift_s=options.shift, rate=options.rate, since=options.since)
    chosen = scenario.load(options.scenario) if options.scenario else None
    if chosen:
        scenario.timetable(chosen, played)  # what the fleet does not have is said before anything starts
    how = Options(
        host=options.host,
        port=options.port,
        seed=options.seed,
        freeze=options.freeze,
        scenario=chosen,
        speed=options.speed,
        socket=options.socket,
        rtsp_port=options.rtsp_port,
        discovery_port=options.discovery_port,
    )

    async def play() -> None:
        await Runner(played, clock, how).run()

    asyncio.run(play())
    return 0


if __name__ == "__main__":
    sys.exit(main())
