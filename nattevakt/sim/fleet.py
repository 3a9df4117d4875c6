"""The command `nattevakt-sim fleet`. Serves whoever wants to know what a centre carries, and CI.

Owns its words, the progress line and the report. Must not know how a gateway is played or how its requests travel.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from nattevakt.edge.errors import NattevaktError
from nattevakt.sim.fleet_run import Fleet, Glimpse, Outcome, Phase, Wishes
from nattevakt.sim.fleet_seed import FleetError, homes, seed_text

GATEWAYS_MAX = 4_000
"""A seed file holds five devices a gateway, and so many entries of one sort at most."""
HERE = ("127.0.0.1", "localhost", "::1")
FILES_BESIDE = 64
TEXT = """\
Spill mange gatewayer mot en sentral som kjører, over virkelig HTTP, med gatewayens egen utboks og levering.
Hver gateway er et hjem med fem sensorer: bevegelse, seng, dør, rom og anropsknapp, så ofte som om natten.

Tre kommandoer, i denne rekkefølgen:
  nattevakt-sim fleet --gateways 2000 --seed-file flaate.toml
      skriver en kommune med 2000 hjem (uten --centre spilles ingenting)
  (umask 077; nattevakt-central seed --config central.toml flaate.toml > flaate.keys)
      legger den inn i sentralen; nøklene vises bare denne ene gangen, og filen skal ingen andre lese
  nattevakt-sim fleet --gateways 2000 --seed-file flaate.toml --keys flaate.keys --centre http://127.0.0.1:8000
      spiller, og sier hvor mye sentralen tok, hvor lenge anrop ventet, og om noe ble borte

Bruk en sentral for prøver, aldri den som passer på noen: hjemmene ringer, og det de sier, blir stående.
Avslutter med 0 når hver hendelse er kvittert og merkene hos sentralen er like, ellers 1; 2 for gale ord."""


def add(commands: Any) -> None:
    """Add `fleet` to the parser's commands."""
    fleet = commands.add_parser(
        "fleet",
        help="spill tusener av gatewayer mot en sentral som kjører, og mål gjennomstrømming, ventetid og tap",
        description=TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fleet.add_argument("--gateways", type=int, default=200, metavar="N", help="antall gatewayer (200)")
    fleet.add_argument("--seed-file", type=Path, required=True, metavar="FIL", help="kommunen, skrevet av fleet selv")
    fleet.add_argument("--keys", type=Path, metavar="FIL", help="det nattevakt-central seed skrev ut")
    fleet.add_argument("--centre", default="", metavar="URL", help="sentralen; uten denne skrives bare --seed-file")
    fleet.add_argument("--elsewhere", action="store_true", help="tillat en sentral på en annen maskin enn denne")
    fleet.add_argument("--seed", type=int, default=1, help="frøet for alt som er tilfeldig (1)")
    text = "så mange ganger så mye hender, og så mange ganger så ofte kommer hjerteslag (1)"
    fleet.add_argument("--speed", type=float, default=1.0, metavar="X", help=text)
    fleet.add_argument("--heartbeat", type=float, default=15.0, metavar="S", help="sekunder mellom hjerteslag (15)")
    fleet.add_argument("--for", type=float, default=60.0, dest="lasts_s", metavar="S", help="rolig natt så lenge (60)")
    text = "etterpå: strømmen har vært borte i byen, og alle kommer tilbake med et etterslep"
    fleet.add_argument("--storm", action="store_true", help=text)
    fleet.add_argument("--backlog", type=int, default=100, metavar="N", help="hendelser i hvert etterslep (100)")
    fleet.add_argument("--within", type=float, default=60.0, metavar="S", help="alle er tilbake innen så lenge (60)")
    text = "så lenge ventes det til slutt på at alt er levert (120)"
    fleet.add_argument("--patience", type=float, default=120.0, metavar="S", help=text)
    text = "TCP-forbindelser som gatewayene deler; en firedel er for anrop alene (200)"
    fleet.add_argument("--connections", type=int, default=200, metavar="N", help=text)
    fleet.add_argument("--progress", action="store_true", help="vis framdrift også når stderr ikke er en terminal")


def run(args: argparse.Namespace) -> int:
    """Write the seed, or play; 0 where nothing was lost, 1 where something was, 2 for what cannot be played."""
    try:
        _check(args)
        if not args.centre:
            args.seed_file.write_text(seed_text(args.gateways), encoding="utf-8")
            print(f"{args.seed_file}: {args.gateways} hjem. Nå: nattevakt-central seed {args.seed_file} > FIL")
            return 0
        found = homes(args.seed_file, args.keys, args.gateways)
        _files(args.connections)
    except (NattevaktError, OSError) as error:
        print(f"nattevakt-sim fleet: {error}", file=sys.stderr)
        return 2
    wishes = Wishes(
        url=args.centre,
        seed=args.seed,
        speed=args.speed,
        heartbeat_s=args.heartbeat,
        lasts_s=args.lasts_s,
        storm_rows=args.backlog if args.storm else 0,
        within_s=args.within,
        patience_s=args.patience,
        connections=args.connections,
    )
    progress = Progress(sys.stderr, args.gateways) if args.progress or sys.stderr.isatty() else None
    outcome = asyncio.run(_play(wishes, found, progress if progress is not None else lambda _glimpse: None))
    if progress is not None:
        progress.done()
    print(report(wishes, outcome))
    return 0 if outcome.whole else 1


async def _play(wishes: Wishes, found: Any, look: Callable[[Glimpse], None]) -> Outcome:
    return await Fleet(found, wishes, time.monotonic, _clocks, os.urandom).play(look)


def _clocks() -> tuple[int, int]:
    return time.time_ns() // 1_000_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _check(args: argparse.Namespace) -> None:
    """Raises FleetError for what cannot be played."""
    if not 1 <= args.gateways <= GATEWAYS_MAX:
        raise FleetError(f"--gateways er fra 1 til {GATEWAYS_MAX}")
    if not (0.1 <= args.speed <= 1000 and 0.5 <= args.heartbeat <= 60 and args.connections >= 4):
        raise FleetError("--speed er fra 0.1 til 1000, --heartbeat fra 0.5 til 60 s, --connections minst 4")
    if not (args.lasts_s > 0 and args.within > 0 and args.patience > 0 and 1 <= args.backlog <= 10_000):
        raise FleetError("--for, --within og --patience er over 0 s, --backlog fra 1 til 10000")
    if not args.centre:
        return
    parts = urlsplit(args.centre)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FleetError(f"{args.centre} er ingen adresse; skriv for eksempel http://127.0.0.1:8000")
    if parts.hostname not in HERE and not args.elsewhere:
        raise FleetError(f"{parts.hostname} er en annen maskin; si --elsewhere om den er der for prøver")
    if args.keys is None:
        raise FleetError("--keys mangler: det som nattevakt-central seed skrev ut")


def _files(connections: int) -> None:
    """Raises FleetError where this process may not have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + FILES_BESIDE
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise FleetError(f"{connections} forbindelser er flere enn denne maskinen tillater ({hard} filer)")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


# --- what is shown ---------------------------------------------------------------------------------------------


class Progress:
    """One line on stderr: the phase, who is up, what waits, and how long calls wait."""

    def __init__(self, out: TextIO, gateways: int) -> None:
        self._out = out
        self._gateways = gateways

    def __call__(self, glimpse: Glimpse) -> None:
        """It has come so far."""
        line = (
            f"{glimpse.phase} {glimpse.done:4.0%}: {glimpse.up} av {self._gateways} oppe, {glimpse.made} hendelser,"
            f" {glimpse.waiting} venter, anrop p99 {_ms(glimpse.urgent_s, 0.99)}"
        )
        self._out.write(f"\r{line:<100}")
        self._out.flush()

    def done(self) -> None:
        """Take the line away."""
        self._out.write("\r" + " " * 100 + "\r")
        self._out.flush()


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so large a share is at or below; 0 where there is none."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def _ms(values: Sequence[float], share: float) -> str:
    return f"{quantile(values, share) * 1000:.0f} ms" if values else "–"


def report(wishes: Wishes, outcome: Outcome) -> str:
    """What a play came to, for people."""
    lines = [f"{outcome.gateways} gatewayer mot {wishes.url}, frø {wishes.seed}, fart {wishes.speed:g}"]
    lines[0] += f", {wishes.connections} forbindelser, {os.cpu_count()} kjerner her"
    lines += [
        "",
        f"{'':<34}{'antall':>9}{'kvittert':>10}{'per s':>9}{'p50':>10}{'p99':>10}{'verst':>10}",
    ]
    for phase in outcome.phases:
        lines += _phase_lines(phase)
    lines += ["", "svar: " + ", ".join(f"{name} × {times}" for name, times in sorted(outcome.statuses.items()))]
    lines += [_last(outcome)]
    return "\n".join(lines)


def _phase_lines(phase: Phase) -> list[str]:
    rows: list[tuple[str, int, int, Sequence[float]]] = []
    for ledger, names in (
        (phase.ledger, {"A": "anrop og fall (A)", "rest": "andre hendelser (B, C)"}),
        (phase.gathered, {"A": "etterslep, anrop og fall", "rest": "etterslep, andre"}),
    ):
        for sort, name in names.items():
            rows.append((name, ledger.made[sort], ledger.acknowledged[sort], ledger.waits_s[sort]))
    for key, name in (("heartbeat", "hjerteslag"), ("urgent", "svartid, anrop"), ("backlog", "svartid, etterslep")):
        rows.append((name, len(phase.answers_s[key]), len(phase.answers_s[key]), phase.answers_s[key]))
    rows.append(("ventet på en forbindelse her", len(phase.waited_s), len(phase.waited_s), phase.waited_s))
    took_s = max(phase.took_s, 0.001)
    found = [f"{phase.name}, {phase.took_s:.1f} s"]
    for name, made, known, times in rows:
        if made or known:
            figures = f"{made:>9}{known:>10}{known / took_s:>9.1f}"
            found.append(f"  {name:<32}{figures}{_ms(times, 0.5):>10}{_ms(times, 0.99):>10}{_ms(times, 1.0):>10}")
    return found


def _last(outcome: Outcome) -> str:
    """The line that says whether it held."""
    if outcome.whole:
        return f"Alt er kvittert, og merkene er like for alle {outcome.gateways} gatewayer. Tapt: 0."
    said = [f"merkene er like for {outcome.same} av {outcome.gateways} gatewayer"]
    if outcome.resent:
        said.append(f"{outcome.resent} hendelser var kvittert uten å være lagret, og ble sendt på nytt")
    if outcome.lost:
        said.append(f"{outcome.lost} kvitterte hendelser mangler fortsatt hos sentralen")
    if outcome.parked:
        said.append(f"{outcome.parked} hendelser ville sentralen ikke ta")
    if outcome.waiting or outcome.unknown:
        said.append(f"{max(outcome.waiting, outcome.unknown)} hendelser var ikke levert da tiden var ute")
    return f"TAP: {'; '.join(said)}. Tapt: {outcome.resent + outcome.lost + outcome.parked}."
