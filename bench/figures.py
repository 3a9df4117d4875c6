"""What a measurement found, judged against its bar, and the one table that shows it.

Every figure is measured beside a floor: the same job on the same machine in the same run with nothing of ours in it.
The two take turns, because a machine that others use slows both; the figure is the median of the turns' ratios.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

WIDE = 24
"""Characters of a drawn bar; two thirds of them are the limit."""


@dataclass(frozen=True)
class Bar:
    """What a figure must reach. at_most: the figure must not be above `limit`, otherwise not below it."""

    limit: float
    unit: str = "x"
    at_most: bool = True

    def met(self, judged: float) -> bool:
        """Whether a figure holds it."""
        return judged <= self.limit if self.at_most else judged >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g} {self.unit}"


@dataclass(frozen=True)
class Figure:
    """One row. judged: what the bar speaks of, the ratio measured / floor where nothing else is said."""

    part: str
    what: str
    measured: float
    floor: float
    unit: str
    judged: float
    bar: Bar | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """met, missed or - where there is no bar."""
        if self.bar is None:
            return "-"
        return "met" if self.bar.met(self.judged) else "MISSED"

    def drawn(self) -> str:
        """The figure as a bar; the upright line is the limit. A filled line past it is good for ≥, bad for ≤."""
        if self.bar is None:
            return ""
        mark = WIDE * 2 // 3
        length = min(WIDE, max(1, round(self.judged / self.bar.limit * mark)))
        cells = ["━" if place < length else " " for place in range(WIDE)]
        cells[mark] = "╋" if length > mark else "│"
        return "".join(cells).rstrip() + ("▸" if self.judged / self.bar.limit * mark > WIDE else "")


def say(what: str) -> None:
    """A line of progress, beside the table and not in it."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Turns:
    """What the turns of product and floor gave: medians, and the median of each turn's own ratio."""

    measured: float
    floor: float
    ratio: float


def interleaved(product: Callable[[], float], floor: Callable[[], float], turns: int) -> Turns:
    """Let both take turns, the floor before and after, so that drift in the machine meets both alike."""
    measured: list[float] = []
    floors = [floor()]
    for _ in range(turns):
        measured.append(product())
        floors.append(floor())
    ratios = [m / ((before + after) / 2) for m, before, after in zip(measured, floors, floors[1:], strict=False)]
    return Turns(statistics.median(measured), statistics.median(floors), statistics.median(ratios))


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below which this share of all lies."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def shown(number: float) -> str:
    """Three digits that matter, and no more."""
    if number >= 1000:
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def table(figures: Iterable[Figure]) -> str:
    """All figures as one Markdown table."""
    rows = [("what", "measured", "floor", "figure", "bar", "", "verdict")]
    for figure in figures:
        unit = figure.bar.unit if figure.bar is not None else "x"
        rows.append(
            (
                f"{figure.part}: {figure.what}",
                f"{shown(figure.measured)} {figure.unit}",
                f"{shown(figure.floor)} {figure.unit}",
                f"{shown(figure.judged)} {unit}",
                str(figure.bar) if figure.bar is not None else "",
                figure.drawn(),
                figure.verdict,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def report(figures: Sequence[Figure], json_file: str = "") -> None:
    """Print the table and what must be said beside it; write the same as JSON if a file is named."""
    print(table(figures))
    notes = {f"{figure.part}: {figure.note}" for figure in figures if figure.note}
    if notes:
        print("\n" + "\n".join(sorted(notes)))
    missed = [figure for figure in figures if figure.verdict == "MISSED"]
    barred = [figure for figure in figures if figure.bar is not None]
    print(f"\n{len(barred) - len(missed)} of {len(barred)} bars met. The line in a drawn bar is the limit.")
    if json_file:
        found = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
        Path(json_file).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
