"""The commands `run` and `list` of nattevakt-sim. Serves installers, developers and CI.

Owns what is printed while scenarios are played and the exit code. Must not know how a night is played.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import structlog

from nattevakt.edge.errors import NattevaktError
from nattevakt.sim import real, report, scenario
from nattevakt.sim.centre import Stock
from nattevakt.sim.faults import FAULTS, Fault
from nattevakt.sim.play import Played, play
from nattevakt.sim.scenario import Night
from nattevakt.sim.world import Trace

MEMORY = Path("/dev/shm")  # noqa: S108 - memory-backed where it exists; a folder of our own is made in it
EVERY_S = 0.5


def add(commands: Any) -> None:
    """Add `run` and `list` to the parser's commands."""
    text = "spill en eller flere scenarioer i én prosess under virtuell tid"
    run = commands.add_parser("run", help=text, description=text)
    run.add_argument("scenario", nargs="*", metavar="SCENARIO", help="navn (se list) eller sti til en .py-fil")
    run.add_argument("--all", action="store_true", help="alle scenarioene som følger med")
    run.add_argument("--seed", type=int, default=1, help="frøet for alt som er tilfeldig (1)")
    run.add_argument("--twin", type=int, metavar="N", help="spill den N-te ødelagte tvillingen; den skal feile")
    run.add_argument("--junit", type=Path, metavar="FIL", help="skriv en JUnit-rapport hit")
    run.add_argument("--trace", action="store_true", help="skriv alt som skjer, mens det skjer")
    run.add_argument("--progress", action="store_true", help="vis framdrift også når stderr ikke er en terminal")
    text = f"spill med virkelige prosesser, høyst {real.SPEED_MAX:g} ganger så fort som ellers"
    run.add_argument("--real", action="store_true", help=text)
    run.add_argument("--speed", type=float, default=real.SPEED_MAX, help="farten med --real (20)")
    text = "vis scenarioene som følger med"
    shown = commands.add_parser("list", help=text, description=text)
    shown.add_argument("--faults", action="store_true", help="vis feilene som simulerte enheter kan ha, i stedet")


def list_all() -> int:
    """Print every scenario with its sentence and its twins."""
    for name in scenario.names():
        night = scenario.load(scenario.find(name))
        print(f"{name:<28} {night.says}")
        for number, twin in enumerate(night.twins, 1):
            print(f"{'':<28}   tvilling {number}: {twin.says}")
    return 0


def consequence(fault: Fault) -> str:
    """What an alarm can be expected to make of a fault, in Norwegian; "" where all rings as it should."""
    if fault.loses:
        return "det som hender, er tapt"
    return "ringer av seg selv" if fault.rings else ""


def list_faults() -> int:
    """Print every fault that a simulated device can have: its name, for which devices, and what it is."""
    for fault in FAULTS.values():
        told = consequence(fault)
        print(f"{fault.name:<18} {fault.of:<32} {fault.says}" + (f" [{told}]" if told else ""))
    return 0


def ends_in_order() -> None:
    """Let the first Ctrl-C, SIGTERM or SIGHUP unwind the program: what was started is stopped, folders are removed."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: object) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, end)


def run(args: argparse.Namespace) -> int:
    """Play what was asked for; 0 where everything was as expected, 1 where not, 2 for a wrong scenario."""
    level = logging.INFO if args.trace else logging.CRITICAL
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("nattevakt").setLevel(level)
    try:
        wanted = scenario.names() if args.all else args.scenario
        if not wanted:
            raise scenario.ScenarioError("hvilket scenario? Se nattevakt-sim list, eller bruk --all")
        nights = [scenario.load(scenario.find(name)) for name in wanted]
        runs = _play_all(nights, args)
    except NattevaktError as error:
        print(error, file=sys.stderr)
        return 2
    if args.junit is not None:
        args.junit.write_bytes(report.junit(runs))
    failed = [played.title for played, _ in runs if not played.verdict.passed]
    if len(runs) > 1:
        print(f"{len(runs) - len(failed)} av {len(runs)} bestått" + (f"; feilet: {', '.join(failed)}" * bool(failed)))
    return 1 if failed else 0


def _play_all(nights: list[Night], args: argparse.Namespace) -> list[tuple[Played, float]]:
    runs: list[tuple[Played, float]] = []
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="nattevakt-sim-", dir=where) as made:
        folder = Path(made)
        stock = Stock(folder / "stock")
        for number, night in enumerate(nights):
            began_s = time.monotonic()
            mine = folder / f"night-{number}"
            if args.real:
                print(f"{night.name}: virkelige prosesser i {args.speed:g} ganger farten, {real.TOLERANCE_S:g} s slark")
                played = real.play_real(night, args.seed, mine, real.Pacing(args.speed), _trace(night, args))
            else:
                played = _play_one(night, mine, stock, args)
            runs.append((played, time.monotonic() - began_s))
            shutil.rmtree(mine, ignore_errors=True)
            print(report.story(runs[-1][0]))
    return runs


def _play_one(night: Night, folder: Path, stock: Stock, args: argparse.Namespace) -> Played:
    broken = None
    if args.twin is not None:
        if not 1 <= args.twin <= len(night.twins):
            raise scenario.ScenarioError(f"{night.name} har {len(night.twins)} tvillinger")
        broken = night.twins[args.twin - 1]

    progress = Progress(night.name, sys.stderr, time.monotonic) if args.progress or sys.stderr.isatty() else None
    played = play(night, args.seed, folder, stock, broken=broken, trace=_trace(night, args), progress=progress)
    if progress is not None:
        progress.done()
    return played


def _trace(night: Night, args: argparse.Namespace) -> Trace:
    def trace(at_ms: int, sentence: str) -> None:
        if args.trace:
            print(f"{night.clock(at_ms)}  {sentence}", flush=True)

    return trace


class Progress:
    """One line on stderr that says how far a long run has come; silent for the first half second."""

    def __init__(self, name: str, out: TextIO, monotonic: Callable[[], float]) -> None:
        self._name = name
        self._out = out
        self._monotonic = monotonic
        self._next_s = monotonic() + EVERY_S
        self._shown = False

    def __call__(self, begins_ms: int, now_ms: int, ends_ms: int) -> None:
        """It has come to `now_ms`."""
        if self._monotonic() < self._next_s:
            return
        self._next_s = self._monotonic() + EVERY_S
        self._shown = True
        done, hours = (now_ms - begins_ms) / max(1, ends_ms - begins_ms), (now_ms - begins_ms) / 3_600_000
        self._out.write(f"\r{self._name}: {done:4.0%}, {hours:.1f} simulerte timer ")
        self._out.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            self._out.write("\r" + " " * 60 + "\r")
            self._out.flush()
