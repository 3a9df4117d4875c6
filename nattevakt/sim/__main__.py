"""The command line of the simulator: demo. Serves the person who wants to see it work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nattevakt.sim import demo


def parser() -> argparse.ArgumentParser:
    """The words that this program takes."""
    found = argparse.ArgumentParser(prog="nattevakt-sim", description="Nattevakts simulator.")
    commands = found.add_subparsers(dest="command", required=True)
    text = "start sentral, gateway og simulerte sensorer på denne maskinen; Ctrl-C stopper alt"
    play = commands.add_parser("demo", help=text, description=text)
    play.add_argument("--data", type=Path, default=Path("demo-data"), metavar="MAPPE", help="mappen demoen skriver i")
    play.add_argument("--port", type=int, default=0, help="porten på 127.0.0.1; uten denne velges en ledig")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    args = parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    return demo.run(args.data, args.port)


if __name__ == "__main__":
    sys.exit(main())
