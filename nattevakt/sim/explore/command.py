"""The command `nattevakt-sim explore`. Serves developers and CI.

Owns its words, the progress line, the summary and the exit code. Must not know how a story is told, played or judged.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from nattevakt.edge.errors import NattevaktError
from nattevakt.gateway.health import VERSION
from nattevakt.sim.explore import rules_only
from nattevakt.sim.explore.exploring import (
    CRASH,
    HANG,
    Bench,
    Explored,
    Failure,
    Wishes,
    explore,
    home,
    quiet,
    story_of,
)
from nattevakt.sim.explore.playing import SAYS, SORTS, Outcome
from nattevakt.sim.explore.recording import Recorder
from nattevakt.sim.explore.reporting import junit
from nattevakt.sim.explore.story import LEVELS, Story, from_json, to_json
from nattevakt.sim.explore.telling import nights_of
from nattevakt.sim.explore.timeline import page
from nattevakt.sim.explore.wording import clock, story_said
from nattevakt.sim.world import Trace, no_trace

EVERY_S = 0.5
WIDE = 24
SEEDS, LIMIT_S = 20, 300.0
PAGES_MOST = 20
"""More pages than this nobody looks at; each costs the playing of a story."""
HELP = """Spiller hele netter på en liten simulert avdeling, med sentralens og gatewayenes egen kode i virtuell tid,
mens det som kan gå galt, går galt: linjer, strøm, klokker, disker, sensorer og folk. En dommer ser på hele tiden og
sjekker det som alltid skal holde. Hvert frø er en historie for seg: samme frø og samme kode gir samme natt, sekund for
sekund."""
EXAMPLES = """eksempler:
  nattevakt-sim explore --seeds 50                 femti frø, én natt hver, på alle kjerner
  nattevakt-sim explore --seed 17 --trace          spill frø 17 om igjen, og les alt som skjer
  nattevakt-sim explore --seed 17 --html natt.html se hele natten som en tegning i nettleseren
  nattevakt-sim explore --story feil.json --trace  spill en lagret historie
  nattevakt-sim explore --seeds 2000 --rules-only  de samme livene gjennom reglene alene, mye fortere

For hvert brudd skrives frøet, hva som ikke holdt, og den korteste historien som fortsatt feiler; den lagres også som
JSON. Avslutter med 0 når alt holdt, 1 når noe ikke holdt, 2 når noe ikke kunne spilles."""


def add(commands: Any) -> None:
    """Add `explore` to the parser's commands."""
    short = "let etter feil: spill netter der alt som kan gå galt, går galt, og døm dem"
    found = commands.add_parser(
        "explore",
        help=short,
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = found.add_mutually_exclusive_group()
    what.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"hvor mange frø som spilles ({SEEDS})")
    what.add_argument("--seed", type=int, metavar="N", help="spill bare dette frøet, i denne prosessen")
    what.add_argument("--story", type=Path, metavar="FIL", help="spill en historie som er lagret som JSON")
    found.add_argument("--from-seed", type=int, default=1, metavar="N", help="det første frøet (1)")
    found.add_argument("--nights", type=int, default=1, metavar="N", help="netter i hver historie, 21:00–07:00 (1)")
    found.add_argument(
        "--hours", type=float, metavar="T", help="i stedet for netter: T timer der mye treffer hverandre, og så rolig"
    )
    found.add_argument(
        "--until-broken", action="store_true", help="stopp ved det første bruddet; lengre enn dit spilles ingenting"
    )
    found.add_argument(
        "--faults",
        choices=LEVELS,
        default="hard",
        help="none: ingenting går galt; soft: det enhver uke byr på; hard: alt (hard)",
    )
    found.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="hvor mange prosesser (én per kjerne)"
    )
    found.add_argument("--trace", action="store_true", help="med --seed eller --story: skriv alt som skjer")
    found.add_argument("--rules-only", action="store_true", help="bare reglene: ingen gatewayer, sentral eller feil")
    found.add_argument("--limit", type=float, default=LIMIT_S, metavar="S", help="sekunder et frø får ta (300)")
    found.add_argument("--no-shrink", action="store_true", help="let ikke etter kortere historier")
    found.add_argument(
        "--save", type=Path, default=Path("failing-stories"), metavar="MAPPE", help="hit lagres historier som feiler"
    )
    found.add_argument(
        "--html",
        type=Path,
        metavar="FIL",
        help="tegn natten som en nettside: hva som skjedde med hver beboer, hva som var galt, hva som ringte, og hvem "
        "som kom. Med --seed eller --story en fil, ellers en mappe med én side for hvert frø som feiler, med den "
        "korteste historien",
    )
    found.add_argument("--junit", type=Path, metavar="FIL", help="skriv en JUnit-rapport hit")
    found.add_argument("--progress", action="store_true", help="vis framdrift også når stderr ikke er en terminal")


def run(args: argparse.Namespace) -> int:
    """Play what was asked for; 0 where everything held, 1 where not, 2 for what cannot be played."""
    if not (args.seeds >= 1 and args.nights >= 1 and args.jobs >= 1 and args.limit > 0 and (args.hours or 1) >= 1):
        print("minst ett frø, én natt, én prosess og ett sekund", file=sys.stderr)
        return 2
    if args.rules_only and args.html is not None:
        print("--html tegner netter med gatewayer og folk; --rules-only har ingen", file=sys.stderr)
        return 2
    try:
        if args.rules_only:
            return rules_only.show(_seeds(args), args.nights, sys.stdout)
        if args.story is not None:
            return _one(_read(args.story), args)
        if args.seed is not None:
            return _one(story_of(args.seed, args.nights, args.faults, args.hours), args)
        return _many(args)
    except NattevaktError as error:
        print(error, file=sys.stderr)
        return 2


def _seeds(args: argparse.Namespace) -> tuple[int, ...]:
    return (args.seed,) if args.seed is not None else tuple(range(args.from_seed, args.from_seed + args.seeds))


def _read(path: Path) -> Story:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NattevaktError(f"{path}: kan ikke leses: {error}") from error
    story = from_json(text)
    unknown = sorted({mishap.what for mishap in story.mishaps} - set(SORTS))
    if unknown:
        raise NattevaktError(f"{path}: ukjent uhell «{unknown[0]}»; kjente er {', '.join(sorted(SORTS))}")
    return story


def _one(story: Story, args: argparse.Namespace) -> int:
    """Play one story here, and say what came of it."""
    quiet()

    def trace(at_ms: int, sentence: str) -> None:
        if args.trace:
            print(f"{clock(at_ms)}  {sentence}", flush=True)

    if not args.trace:
        print("\n".join(story_said(story, SAYS)))
    began_s = time.process_time()
    with home() as folder:
        outcome = Bench(folder).outcome(story, trace) if args.html is None else _drawn(story, folder, args.html, trace)
    cpu_s = time.process_time() - began_s
    for broken in outcome.violations:
        print(f"BRUDD {clock(broken.at_ms)}  invariant {broken.invariant}: {broken.says}")
    speed = 2 * nights_of(story) / max(cpu_s / 60, 1e-9)
    print(
        f"frø {story.seed}: {len(outcome.violations)} brudd, {len(outcome.seen)} alarmer, {outcome.steps} hendelser, "
        f"{counted(outcome.counts)} ({cpu_s:.1f} s, {speed:.0f} gatewaynetter per kjerneminutt)"
    )
    return 1 if outcome.violations else 0


def _drawn(story: Story, folder: Path, to: Path, trace: Trace = no_trace) -> Outcome:
    """Play a story with somebody who writes down what a page is drawn from, and draw it."""
    recorder = Recorder()

    def told(at_ms: int, sentence: str) -> None:
        recorder.told(at_ms, sentence)
        trace(at_ms, sentence)

    outcome = Bench(folder, recorder.referee).outcome(story, told)
    drawing = page(recorder.night(outcome), commit())
    try:
        to.write_text(drawing, "utf-8")
    except OSError as error:
        raise NattevaktError(f"{to}: kan ikke skrives: {error}") from error
    return outcome


def draw_all(found: Explored, to: Path) -> None:
    """A page for each seed that failed, of the shortest of its stories; whoever crashed or hung has none."""
    shortest: dict[int, Failure] = {}
    for failure in sorted(found.failures, key=_length):
        if failure.fault.invariant not in (CRASH, HANG):
            shortest.setdefault(failure.seed, failure)
    to.mkdir(parents=True, exist_ok=True)
    for seed, failure in sorted(shortest.items())[:PAGES_MOST]:
        name = to / f"seed-{seed}-{names(failure.fault.invariant, '-')}.html"
        with home() as folder:
            _drawn(failure.story, folder, name)
        print(f"tegnet: {name}")
    if len(shortest) > PAGES_MOST:
        print(f"{len(shortest) - PAGES_MOST} frø til feilet og er ikke tegnet: --seed N --html FIL tegner ett av dem")


def _length(failure: Failure) -> int:
    story = failure.story
    return len(story.happenings) + len(story.mishaps) + len(story.homes)


def _many(args: argparse.Namespace) -> int:
    seeds = _seeds(args)
    wishes = Wishes(seeds, args.nights, args.faults, min(args.jobs, len(seeds)), args.limit, not args.no_shrink)
    wishes = replace(wishes, hours=args.hours, stops=args.until_broken)
    shown = args.progress or sys.stderr.isatty()
    progress = Progress(sys.stderr, time.monotonic) if shown else None
    began_s = time.monotonic()
    found = explore(wishes, progress or (lambda _: None), time.monotonic)
    if progress is not None:
        progress.done()
    code = commit()
    for failure in found.failures:
        print(failure_said(failure, code, _saved(failure, args.save), wishes))
    if args.html is not None and found.failures:
        quiet()
        draw_all(found, args.html)
    if args.junit is not None:
        args.junit.write_bytes(junit(found))
    print(summary(found, code, time.monotonic() - began_s))
    return 1 if found.failures else 0


def _saved(failure: Failure, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{failure.seed}-{names(failure.fault.invariant, '-')}.json"
    path.write_text(to_json(failure.story), "utf-8")
    return path


def names(invariant: int, gap: str = " ") -> str:
    """An invariant as people name it, or what came in its place."""
    return {CRASH: "krasj", HANG: "heng"}.get(invariant, f"invariant{gap}{invariant}")


def failure_said(failure: Failure, code: str, saved: Path, wishes: Wishes) -> str:
    """One failure, with all that it takes to play it again."""
    fault, story = failure.fault, failure.story
    long = f"--nights {wishes.nights}" if wishes.hours is None else f"--hours {wishes.hours:g}"
    again = f"nattevakt-sim explore --seed {failure.seed} {long} --faults {wishes.level} --trace"
    lines = [
        f"FEIL frø {failure.seed}, {code}, {clock(fault.at_ms)}, {names(fault.invariant)}: {fault.says}",
        f"  igjen: {again}",
        f"  lagret: {saved}",
    ]
    if failure.plays:
        lines.append(f"  korteste historie etter {failure.plays} forsøk:")
        lines += [f"    {line}" for line in story_said(story, SAYS)]
    return "\n".join(lines) + "\n"


def counted(counts: dict[str, int]) -> str:
    """What was counted, in order of name."""
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts)) or "ingenting talt"


def summary(found: Explored, code: str, took_s: float) -> str:
    """The last line."""
    wishes = found.wishes
    listed = ", ".join(map(str, found.failed[:12])) + (" …" if len(found.failed) > 12 else "")
    failed = f"{len(found.failed)} feilet ({listed})" if found.failed else "ingen feilet"
    return (
        f"{found.done} frø × {wishes.nights} netter, {wishes.level}, {code}: {failed}; {counted(found.counts)}; "
        f"{found.gateway_nights:.0f} gatewaynetter på {took_s:.0f} s, {found.speed:.0f} per kjerneminutt"
    )


def commit() -> str:
    """Which code this is: the checkout's commit (+ where files have been changed), else the version."""
    head, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", ".")
    return head + ("+" if changed else "") if head else f"versjon {VERSION}"


def _git(*words: str) -> str:
    """What git says of this checkout; "" where there is none."""
    git = shutil.which("git")
    if git is None:
        return ""
    here = Path(__file__).parent
    said = subprocess.run([git, *words], cwd=here, capture_output=True, text=True, check=False)  # noqa: S603 - our words
    return said.stdout.strip() if said.returncode == 0 else ""


class Progress:
    """One line on stderr: how many seeds are done, how many failed, how fast it goes, how long is left."""

    def __init__(self, out: TextIO, monotonic: Callable[[], float]) -> None:
        self._out = out
        self._monotonic = monotonic
        self._began_s = monotonic()
        self._next_s = self._began_s
        self._shown = 0

    def __call__(self, found: Explored) -> None:
        """It has come so far."""
        now_s = self._monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        total = len(found.wishes.seeds)
        share = found.done / total
        left = f"{(now_s - self._began_s) * (1 - share) / share:.0f} s igjen" if found.done else "…"
        if found.done == total:
            left = "leter etter kortere historier"
        bar = "█" * round(share * WIDE)
        line = (
            f"{bar:<{WIDE}} {found.done} av {total} frø, {len(found.failed)} feilet, "
            f"{found.speed:.0f} gatewaynetter/kjerneminutt, {left}"
        )
        self._out.write("\r" + line.ljust(self._shown))
        self._out.flush()
        self._shown = len(line)

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            self._out.write("\r" + " " * self._shown + "\r")
            self._out.flush()
