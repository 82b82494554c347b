"""`python -m simulators run`: a simulated fleet against a broker; the other commands speak to a running one."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from simulators import fleet, fleet_file
from simulators.clock import Clock
from simulators.errors import UserError
from simulators.runner import Options, Runner, room_for


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 it failed, 2 wrong arguments."""
    options = parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except (UserError, OSError) as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m simulators", description="A pretend field of devices.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    make = commands.add_parser("make", help="write a fleet file (the hub's import format)")
    make.add_argument("fleet", choices=fleet.FLEETS)
    make.add_argument("file", type=Path)
    make.set_defaults(do=_make)

    run = commands.add_parser("run", help="play a fleet against a broker")
    run.add_argument("file", type=Path, help="fleet file, with its passwords")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=1883)
    run.add_argument("--shift", type=float, default=0.0, help="simulated time is so many seconds ahead")
    run.add_argument("--rate", type=float, default=1.0, help="simulated time runs so many times as fast")
    run.add_argument("--seed", type=int, default=0, help="another seed, other clouds and chances")
    run.add_argument("--freeze", action="store_true", help="stop without goodbyes, as if time stood still")
    run.set_defaults(do=_run)
    return top


def _make(options: argparse.Namespace) -> int:
    old = fleet_file.read(options.file) if options.file.exists() else None
    made = fleet_file.with_passwords(fleet.build(options.fleet), old)
    fleet_file.write(made, options.file)
    print(f"{options.file}: {len(made.devices)} devices.")
    return 0


def _run(options: argparse.Namespace) -> int:
    played = fleet_file.read(options.file)
    room_for(len(played.passwords))
    clock = Clock(shift_s=options.shift, rate=options.rate)
    how = Options(host=options.host, port=options.port, seed=options.seed, freeze=options.freeze)

    async def play() -> None:
        await Runner(played, clock, how).run()

    asyncio.run(play())
    return 0


if __name__ == "__main__":
    sys.exit(main())
