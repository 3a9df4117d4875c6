"""Lets the explorer hunt a planted bug, in a process of its own on a copy of the product, and says what it needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from nattevakt.sim.commands import MEMORY
from tests.judge.mutants import ROOT, Mutant, plant

HOURS = "1.5"
"""Dense stories of so many hours: a whole night brings two things together too seldom for its price."""
LIMIT_S = 3_600
_FAULT = re.compile(r"^FEIL frø (\d+), .*?, (invariant (\d)|krasj|heng): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Caught:
    """A seed on which something was broken that is whole without the bug. invariants: empty where it crashed."""

    seed: int
    invariants: frozenset[int]
    says: str


def explore(tree: Path, from_seed: int, seeds: int) -> Caught | None:
    """Play seeds on the product in this folder until one of them breaks something."""
    words = [sys.executable, "-m", "nattevakt.sim", "explore", "--from-seed", str(from_seed), "--seeds", str(seeds)]
    words += ["--hours", HOURS, "--faults", "hard", "--until-broken", "--jobs", "1", "--no-shrink"]
    words += ["--save", str(tree / "stories")]
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    found = _FAULT.findall(done.stdout)
    if done.returncode != bool(found):
        # A program that cannot even begin ends with 1 as well, and that is no bug that was missed.
        raise RuntimeError(f"the explorer could not play: {done.stdout[-500:]} {done.stderr[-2_000:]}")
    if not found:
        return None
    seed = int(found[0][0])
    mine = [one for one in found if int(one[0]) == seed]
    return Caught(seed, frozenset(int(one[2]) for one in mine if one[2]), mine[0][3])


@dataclass(slots=True)
class Clean:
    """The product as it is, in a copy that nobody changes meanwhile, and what the explorer finds there by itself."""

    tree: Path
    known: dict[int, Caught | None] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def on(self, seed: int) -> Caught | None:
        """What is broken on a seed without any bug."""
        with self.lock:
            if seed not in self.known:
                self.known[seed] = explore(self.tree, seed, 1)
            return self.known[seed]


def untouched(folder: Path) -> Clean:
    """A copy of the product."""
    return Clean(plant(Mutant("", "", "", (), frozenset()), folder))


def hunt(mutant: Mutant, clean: Clean) -> Caught | None:
    """The first seed that finds a bug, None where none of its seeds does."""
    with tempfile.TemporaryDirectory(prefix="nattevakt-mutant-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        tree = plant(mutant, Path(made), clean.tree)
        seed = 1
        while seed <= mutant.seeds_max:
            caught = explore(tree, seed, mutant.seeds_max - seed + 1)
            if caught is None or clean.on(caught.seed) is None:
                return caught
            # What is broken anyhow says nothing about the bug.
            seed = caught.seed + 1
    return None


def table(found: Iterable[tuple[Mutant, Caught | None]]) -> str:
    """Markdown: bug, rule, seeds needed, invariant."""
    lines = ["| bug | safety rule | seeds | invariant |", "|---|---|---|---|"]
    for mutant, caught in found:
        seeds = str(caught.seed) if caught is not None else f"not in {mutant.seeds_max}"
        broken = ", ".join(map(str, sorted(caught.invariants))) or "crash" if caught is not None else "–"
        lines.append(f"| {mutant.says} (`{mutant.name}`) | {mutant.breaks} | {seeds} | {broken} |")
    return "\n".join(lines) + "\n"


__all__ = ["ROOT", "Caught", "Clean", "explore", "hunt", "table", "untouched"]
