"""The command `nattevakt-sim year`. Serves rule writers and CI.

Owns its words, the progress bar, and the trace of one night. Must not know how a year is played or judged.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from nattevakt.edge.events import kind_of
from nattevakt.edge.rules.rule import Fact
from nattevakt.sim import year_report
from nattevakt.sim.year import NIGHTS, Outcome, Play, Wishes, cases_of, play_year
from nattevakt.sim.year_judge import BARRED
from nattevakt.sim.year_life import Day
from nattevakt.sim.year_people import PEOPLE

EVERY_S = 0.25
WIDE = 30


def add(commands: Any) -> None:
    """Add `year` to the parser's commands."""
    text = "spill et år med beboere gjennom reglene alene, og døm det mot fasiten"
    year = commands.add_parser("year", help=text, description=text)
    year.add_argument("--seed", type=int, default=1, help="frøet for alt som er tilfeldig (1)")
    year.add_argument("--residents", type=int, default=len(PEOPLE), metavar="N", help="de N første av de tolv")
    year.add_argument("--nights", type=int, default=NIGHTS, metavar="N", help="antall netter fra 20. mars (365)")
    year.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="prosesser (en per kjerne)")
    year.add_argument(
        "--only", default="", metavar="BEBOER:NATT", help="spill bare fram til denne natten, f.eks. B03:120"
    )
    year.add_argument("--trace", action="store_true", help="med --only: skriv alt som hendte den natten")
    year.add_argument("--false", action="store_true", help="skriv også hver falske alarm")
    year.add_argument("--progress", action="store_true", help="vis framdrift også når stderr ikke er en terminal")


def run(args: argparse.Namespace) -> int:
    """Play what was asked for; 0 where every bar is held, 1 where not, 2 for what cannot be played."""
    if not (1 <= args.residents <= len(PEOPLE) and args.nights >= 1 and args.jobs >= 1):
        print(f"1 til {len(PEOPLE)} beboere, minst en natt og en prosess", file=sys.stderr)
        return 2
    if args.only:
        return _only(args)
    wishes = Wishes(args.seed, args.residents, args.nights, min(args.jobs, args.residents))
    progress = Progress(args.residents * args.nights, sys.stderr, time.monotonic)
    began_s = time.monotonic()
    shown = args.progress or sys.stderr.isatty()
    outcomes = play_year(wishes, progress if shown else lambda _done: None)
    progress.done()
    return show(outcomes, wishes, time.monotonic() - began_s, false=args.false)


def show(outcomes: list[Outcome], wishes: Wishes, took_s: float, *, false: bool = False) -> int:
    """Print what a year came to; the exit code."""
    events = sum(outcome.events for outcome in outcomes)
    bad = sum(outcome.person.mat is not None for outcome in outcomes)
    print(
        f"frø {wishes.seed}: {len(outcomes)} beboere × {wishes.nights} netter, {bad} dårlige matter,"
        f" {events / 1e6:.2f} mill. hendelser, {took_s:.0f} s\n"
    )
    found = year_report.rows(outcomes)
    print(year_report.table(found))
    print(f"\n{year_report.rules_table(outcomes)}\n")
    missed = cases_of(outcomes)
    for label, cases in (
        ("savnet", [case for case in missed if case.what in BARRED]),
        ("savnet, uten krav", [case for case in missed if case.what not in BARRED]),
    ):
        for line in year_report.told(cases, wishes.seed):
            print(f"{label}: {line}")
    if false:
        wrong = [case for outcome in outcomes for case in outcome.staffed.cases]
        for line in year_report.told(wrong, wishes.seed):
            print(f"falsk: {line}")
    held, line = year_report.last_line(found)
    print(line)
    return 0 if held else 1


class Progress:
    """One line on stderr: how many nights of all are done, and how long the rest will take."""

    def __init__(self, nights: int, out: TextIO, monotonic: Callable[[], float]) -> None:
        self._nights = nights
        self._out = out
        self._monotonic = monotonic
        self._began_s = self._next_s = monotonic()
        self._shown = False

    def __call__(self, done: int) -> None:
        """So many nights are done."""
        now_s = self._monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        self._shown = True
        share = done / self._nights
        left_s = (now_s - self._began_s) * (1 - share) / share if done else 0.0
        bar = "█" * round(share * WIDE)
        self._out.write(f"\r{bar:<{WIDE}} {share:4.0%}  {done} av {self._nights} netter, {left_s:.0f} s igjen   ")
        self._out.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            self._out.write("\r" + " " * 78 + "\r")
            self._out.flush()


def _only(args: argparse.Namespace) -> int:
    name, _, number = args.only.partition(":")
    person = next((one for one in PEOPLE if name.upper() in (one.key, str(one.number))), None)
    if person is None or not number.isdigit() or int(number) < 1:
        print("--only BEBOER:NATT, for eksempel B03:120", file=sys.stderr)
        return 2
    night = int(number)
    # Two nights more, so that what was begun is ended and judged; a life is the same however long it is played.
    play = Play(person, Wishes(args.seed, nights=night + 2))
    facts = [facts for _, facts in zip(range(night + 2), play.nights(), strict=False)]
    outcome = play.outcome()
    if args.trace:
        for line in story(play, play.days[night - 1], facts[night - 1]):
            print(line)
    heard = ((outcome.staffed, "med vakt"), (outcome.alone, "uten vakt"))
    missed = [(case, side) for one, side in heard for case in one.missed if case.night == night]
    wrong = [(case, side) for one, side in heard for case in one.cases if case.night == night]
    for label, cases in (("savnet", missed), ("falsk", wrong)):
        for case, side in cases:
            print(
                f"{label} {side}: {year_report.WORDS.get(case.what, case.what).strip()} {year_report.clock(case.at_ms)}"
            )
    print(f"frø {args.seed}, {person.key}, natt {night}: {len(missed)} savnet, {len(wrong)} falske")
    return 1 if missed else 0


def story(play: Play, day: Day, facts: list[Fact]) -> list[str]:
    """Everything of one night in order: what was true, what the sensors said, what rang, who came."""
    lines = []
    for name in ("in_bed", "out", "floor", "bath", "chair"):
        for span in getattr(day, name):
            lines.append((span.from_ms, f"fasit   {name} {span.what} til {year_report.clock(span.to_ms)[11:]}"))
    for fact in facts:
        body = fact.body
        state = {name: getattr(body, name) for name in ("occupied", "open", "seated") if hasattr(body, name)}
        lines.append((fact.occurred.to_ms, f"sensor  {kind_of(body)} {fact.place} {state or ''}".rstrip()))
    for desk, side in ((play.staffed, "vakt"), (play.alone, "ingen")):
        for alarm in desk.alarms:
            for heard in alarm.history:
                if day.from_ms <= heard.at_ms < day.to_ms:
                    sound = "LYD " if heard.sounded else ""
                    said = f"{side:<7} {sound}{heard.how} {alarm.rule}/{heard.kind} {heard.reason.code}"
                    lines.append((heard.at_ms, f"{said} #{alarm.number}"))
    return [f"{year_report.clock(at_ms)}  {line}" for at_ms, line in sorted(lines, key=lambda one: one[0])]
