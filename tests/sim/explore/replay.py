"""A short, crowded story, and a program that plays one from its standard input and prints the trace, for tests."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from nattevakt.sim.centre import Stock
from nattevakt.sim.commands import MEMORY
from nattevakt.sim.explore.exploring import quiet
from nattevakt.sim.explore.playing import SORTS, NoReferee, Outcome, play_story
from nattevakt.sim.explore.story import Story, from_json
from nattevakt.sim.explore.telling import tell

MINUTE_MS = 60_000


def crowded(seed: int, minutes: int = 30) -> Story:
    """All that goes wrong and all calls of a hard night, within so many minutes; then as long again of calm."""
    told = tell(seed, 1, "hard", SORTS)
    begins_ms = told.begins_ms
    from_ms = begins_ms + 3 * MINUTE_MS
    end_ms = begins_ms + minutes * MINUTE_MS

    def near(at_ms: int) -> int:
        share = (at_ms - begins_ms) / (told.faults_end_ms - begins_ms)
        return from_ms + round(share * (end_ms - from_ms))

    mishaps = (replace(m, at_ms=near(m.at_ms)) for m in told.mishaps)
    return replace(
        told,
        faults_end_ms=end_ms,
        ends_ms=end_ms + minutes * MINUTE_MS // 2,
        happenings=tuple(replace(h, at_ms=near(h.at_ms)) for h in told.happenings),
        mishaps=tuple(replace(m, for_ms=min(m.for_ms, end_ms - m.at_ms, 4 * MINUTE_MS)) for m in mishaps),
        staff=tuple(replace(m, answers_s=20, doubles=200, rounds_every_min=10) for m in told.staff),
    )


def traced(told: Story, folder: Path) -> tuple[list[str], Outcome]:
    """Play a story; gives every line of its trace, and what came of it."""
    lines: list[str] = []
    outcome = play_story(
        told,
        folder / "world",
        Stock(folder / "stock"),
        NoReferee,
        trace=lambda at_ms, said: lines.append(f"{at_ms} {said}"),
    )
    lines.append(f"{outcome.steps} {sorted(outcome.statuses.items())} {len(outcome.seen)}")
    return lines, outcome


if __name__ == "__main__":
    quiet()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        print("\n".join(traced(from_json(sys.stdin.read()), Path(made))[0]))
