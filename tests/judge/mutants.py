"""Real bugs, planted one at a time into a copy of the product, that the explorer must find. Data and how to plant it.

Each is a mistake that somebody could make in production code, and breaks a rule of docs/explanation/safety.md. The old
text stands exactly once in its file (test_planting.py, in CI), so that no change of the product disarms a bug unseen.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "nattevakt"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of text. file: within the package."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. breaks: the safety rule. says: the mistake, one sentence. expects: the invariants of which at least one
    must be broken. seeds_max: within so many seeds."""

    name: str
    breaks: str
    says: str
    edits: tuple[Edit, ...]
    expects: frozenset[int]
    seeds_max: int = 30


def bug(name: str, breaks: str, says: str, expects: str, *edits: tuple[str, str, str], seeds_max: int = 30) -> Mutant:
    """A mutant in few words. expects: numbers of invariants. edits: (file, old text, new text)."""
    return Mutant(
        name, breaks, says, tuple(Edit(*edit) for edit in edits), frozenset(map(int, expects.split())), seeds_max
    )


def plant(mutant: Mutant, folder: Path, root: Path = ROOT) -> Path:
    """Copy the package into a folder with the bug in it; gives what PYTHONPATH must name."""
    shutil.copytree(root / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for edit in mutant.edits:
        path = folder / PACKAGE / edit.file
        text = path.read_text("utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(f"{mutant.name}: the old text stands {text.count(edit.old)} times in {edit.file}")
        path.write_text(text.replace(edit.old, edit.new), "utf-8")
    return folder
