"""The command line of the simulator, one function a command. Serves whoever wants to see it work, and CI."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nattevakt.sim import commands as scenarios
from nattevakt.sim import demo, fleet, house, year_command
from nattevakt.sim.explore import command as exploring


def parser() -> argparse.ArgumentParser:
    """The words that this program takes."""
    found = argparse.ArgumentParser(prog="nattevakt-sim", description="Nattevakts simulator.")
    commands = found.add_subparsers(dest="command", required=True)
    text = "start sentral, gateway og simulerte sensorer på denne maskinen; Ctrl-C stopper alt"
    play = commands.add_parser("demo", help=text, description=text)
    play.add_argument("--data", type=Path, default=Path("demo-data"), metavar="MAPPE", help="mappen demoen skriver i")
    play.add_argument("--port", type=int, default=0, help="porten på 127.0.0.1; uten denne velges en ledig")
    play.add_argument("--seed", type=int, default=1, help="frøet for alt som er tilfeldig (1)")
    play.add_argument("--from", dest="from_", default="", metavar="TT:MM", help="begynn senere enn 22:50")
    play.add_argument("--until", default="", metavar="TT:MM", help="la natten være over før 06:30")
    play.add_argument("--patience", type=float, default=30.0, metavar="S", help="når nattevakta tar over, i sekunder")
    play.add_argument("--at-once", action="store_true", help="ikke vent på det første nettbrettet")
    _add_house(commands)
    scenarios.add(commands)
    year_command.add(commands)
    exploring.add(commands)
    fleet.add(commands)
    return found


def _add_house(commands: Any) -> None:
    text = "la en avdeling leve på pseudoterminaler og en MQTT-megler, for gatewayer som startes av andre"
    lives = commands.add_parser("house", help=text, description=text)
    lives.add_argument("--data", type=Path, default=Path("house-data"), metavar="MAPPE", help="mappen det skrives i")
    lives.add_argument("--seed", type=int, default=1, help="frøet for alt som er tilfeldig (1)")
    lives.add_argument("--speed", type=float, default=1.0, metavar="S", help="hvor fort tiden går, 1 til 120 (1)")
    # No default: on a machine with a real Zigbee2MQTT the usual broker is the wrong one.
    lives.add_argument("--broker", required=True, metavar="VERT:PORT", help="en megler som ingen virkelig bro bruker")
    lives.add_argument("--centre-port", type=int, default=8000, help="porten til sentralen på denne maskinen (8000)")


def _house(args: argparse.Namespace) -> int:
    host, _, port = args.broker.rpartition(":")
    if not host or not port.isdecimal():
        print("nattevakt-sim: --broker skal være VERT:PORT", file=sys.stderr)
        return 2
    return house.run(args.data, (host, int(port)), args.centre_port, args.seed, args.speed, print)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    args = parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    if args.command == "run":
        scenarios.ends_in_order()
        return scenarios.run(args)
    if args.command == "list":
        return scenarios.list_faults() if args.faults else scenarios.list_all()
    if args.command == "year":
        scenarios.ends_in_order()
        return year_command.run(args)
    if args.command == "fleet":
        scenarios.ends_in_order()
        return fleet.run(args)
    if args.command == "explore":
        scenarios.ends_in_order()
        return exploring.run(args)
    if args.command == "house":
        return _house(args)
    wait_s = 0.0 if args.at_once else demo.VIEWER_WAIT_S
    return demo.run(demo.Wishes(args.data, args.port, args.seed, args.from_, args.until, args.patience, wait_s))


if __name__ == "__main__":
    sys.exit(main())
