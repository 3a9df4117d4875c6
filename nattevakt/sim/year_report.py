"""The one table of the simulated year, and its last line. Serves rule writers and CI.

Owns the bars and what is printed. Must not know how anything was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nattevakt.edge.rules.windows import local_ms
from nattevakt.sim.year import Outcome
from nattevakt.sim.year_judge import BARRED, Case, Heard

FALSE_BAD_BAR, FALSE_GOOD_BAR = 0.3, 0.02
PLAIN_FROM, PLAIN_TO = 1.4, 3.0
"""What a plain timer makes of a bad mat in real homes; a year where it makes something else says nothing of rules."""
TOLD_MAX = 40
"""Missed cases that are printed one by one."""

WORDS = {
    "call": "anrop",
    "fall": "fall som sensoren meldte",
    "leak": "vannlekkasjer",
    "door": "døråpninger i vinduet",
    "absence": "ute av seng over grensen",
    "left": "ute av hjemmet over grensen",
    "silent": "stille fall fra seng, nådd innen grensen + 15 min",
    "blind": "  stille fall mens matta alt leste tom (ingen sensor sier noe)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. met: None where there is no bar."""

    what: str
    staffed: str
    alone: str
    plain: str = ""
    bar: str = ""
    met: bool | None = None


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """The whole table."""
    bad = [outcome for outcome in outcomes if outcome.person.mat is not None]
    good = [outcome for outcome in outcomes if outcome.person.mat is None]
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(outcome.total)
    found = [_caught(outcomes, what, total[what]) for what in BARRED]
    found.append(_caught(outcomes, "blind", total["blind"]))
    if bad:
        found += _bad_rows(bad)
    if good:
        rate = _rate(good, lambda heard: sum(heard.false.values()))
        plain = sum(outcome.plain_false for outcome in good) / _nights(good)
        bar = f"≤ {FALSE_GOOD_BAR:g}"
        found.append(
            Row("falske alarmer per natt, god matte", *_two(rate), f"{plain:.3f}", bar, rate[0] <= FALSE_GOOD_BAR)
        )
        found.append(Row("sjekk per natt, god matte", *_two(_rate(good, lambda heard: sum(heard.soft.values())))))
    days = sum(outcome.nights for outcome in outcomes)
    made_up = [sum(_heard(outcome)[side].made_up for outcome in outcomes) / days for side in (0, 1)]
    found.append(Row("fall som sensoren fant på, lyd per døgn", *_two((made_up[0], made_up[1]))))
    batteries = [sum(_heard(outcome)[side].batteries for outcome in outcomes) for side in (0, 1)]
    found.append(Row("batteri lavt, lyd i året", str(batteries[0]), str(batteries[1])))
    return found


def _heard(outcome: Outcome) -> tuple[Heard, Heard]:
    return outcome.staffed, outcome.alone


def _caught(outcomes: Sequence[Outcome], what: str, total: int) -> Row:
    caught = [sum(_heard(outcome)[side].caught[what] for outcome in outcomes) for side in (0, 1)]
    staffed, alone = (f"{one} av {total}" for one in caught)
    plain = ""
    if what == "absence":
        plain = f"{total - sum(outcome.plain_missed for outcome in outcomes)} av {total}"
    if what == "blind":
        return Row(WORDS[what], staffed, alone)
    return Row(WORDS[what], staffed, alone, plain, "alle", caught == [total, total])


def _nights(outcomes: Sequence[Outcome]) -> int:
    return max(1, sum(outcome.slept for outcome in outcomes))


def _rate(outcomes: Sequence[Outcome], count: Callable[[Heard], int]) -> tuple[float, float]:
    """A night at home, with staff and without."""
    nights = _nights(outcomes)
    staffed, alone = (sum(count(_heard(outcome)[side]) for outcome in outcomes) / nights for side in (0, 1))
    return staffed, alone


def _two(rate: tuple[float, float]) -> tuple[str, str]:
    return f"{rate[0]:.3f}", f"{rate[1]:.3f}"


def _bad_rows(bad: Sequence[Outcome]) -> list[Row]:
    nights = _nights(bad)
    false = _rate(bad, lambda heard: sum(heard.false.values()))
    wrong = sum(outcome.plain_false for outcome in bad)
    still = sum(outcome.plain_still for outcome in bad)
    flickers = _rate(bad, lambda heard: heard.findings["implausible.bed_flicker"])
    beside = [_rate(bad, lambda heard, what=what: heard.besides[what]) for what in ("soft", "false")]  # type: ignore[misc]
    each = "; ".join(f"{outcome.plain_false / max(1, outcome.slept):.1f}" for outcome in bad)
    plain = f"{wrong / nights:.2f} ({each})"
    return [
        Row(
            "falske alarmer per natt, dårlig matte",
            *_two(false),
            plain,
            f"≤ {FALSE_BAD_BAR:g}",
            false[0] <= FALSE_BAD_BAR,
        ),
        Row("  enkel timer på slike matter ute i verden", "", "", f"{PLAIN_FROM:g} til {PLAIN_TO:g}"),
        Row("  av dem der ingenting annet rørte seg; ute i verden 71-93 %", "", "", f"{still / max(1, wrong):.0%}"),
        Row("sjekk per natt, dårlig matte", *_two(_rate(bad, lambda heard: sum(heard.soft.values())))),
        Row("matta funnet dårlig, av nettene", *_two(flickers)),
        Row("  utenfor planen, «ute av seng straks» på dårlig matte: sjekk per natt", *_two(beside[0])),
        Row("  det samme: falske alarmer per natt", *_two(beside[1])),
    ]


def table(found: Sequence[Row]) -> str:
    """As Markdown."""
    head = ("", "med vakt", "uten vakt", "enkel timer", "krav", "")
    lines = [head]
    for row in found:
        verdict = "" if row.met is None else "holdt" if row.met else "BRUTT"
        lines.append((row.what, row.staffed, row.alone, row.plain, row.bar, verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([drawn[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn[1:]])


def rules_table(outcomes: Sequence[Outcome]) -> str:
    """What each rule's alarms were, with staff: true, false and soft, all residents together."""
    true: Counter[str] = Counter()
    false: Counter[str] = Counter()
    soft: Counter[str] = Counter()
    for outcome in outcomes:
        true.update(outcome.staffed.true)
        false.update(outcome.staffed.false)
        soft.update(outcome.staffed.soft)
    lines = [f"{'regel/type, med vakt':<44} {'sanne':>7} {'falske':>7} {'myke':>7}"]
    lines += [f"{name:<44} {true[name]:>7} {false[name]:>7} {soft[name]:>7}" for name in sorted({*true, *false, *soft})]
    return "\n".join(lines)


def clock(at_ms: int) -> str:
    """Local date and time."""
    return datetime.fromtimestamp(local_ms(at_ms) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def told(cases: Sequence[Case], seed: int) -> list[str]:
    """Cases one by one, each with how to play it again."""
    lines = [
        f"{WORDS.get(case.what, case.what).strip()}: {case.person}, natt {case.night}, {clock(case.at_ms)}"
        f" (nattevakt-sim year --seed {seed} --only {case.person}:{case.night} --trace)"
        for case in cases[:TOLD_MAX]
    ]
    return lines + ([f"… og {len(cases) - TOLD_MAX} til"] if len(cases) > TOLD_MAX else [])


def last_line(found: Sequence[Row]) -> tuple[bool, str]:
    """Whether every bar was held, and the last line that says so or what was missed."""
    missed = [row.what.strip() for row in found if row.met is False]
    return (not missed), ("BESTÅTT" if not missed else f"IKKE BESTÅTT: {'; '.join(missed)}")
