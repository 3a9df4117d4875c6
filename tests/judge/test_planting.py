"""The planted bugs themselves, without playing any: each still meets the text that it changes, and means something."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.judge.bugs import MUTANTS
from tests.judge.mutants import PACKAGE, ROOT, Mutant, bug, plant

RULES = (ROOT / "docs/explanation/safety.md").read_text("utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_bug_meets_the_text_that_it_changes_once_and_leaves_python(mutant: Mutant) -> None:
    texts: dict[str, str] = {}
    for edit in mutant.edits:
        assert edit.file.startswith(("gateway/", "central/", "edge/"))
        text = texts.setdefault(edit.file, (ROOT / PACKAGE / edit.file).read_text("utf-8"))
        assert text.count(edit.old) == 1, f"{edit.file}: {text.count(edit.old)} times: {edit.old[:80]!r}"
        texts[edit.file] = text.replace(edit.old, edit.new)
    for text in texts.values():
        ast.parse(text)


def test_there_are_enough_of_them_spread_over_all_invariants() -> None:
    assert len(MUTANTS) >= 20
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {number for mutant in MUTANTS for number in mutant.expects} >= set(range(1, 8))
    for mutant in MUTANTS:
        assert mutant.edits
        assert mutant.expects <= set(range(1, 9))
        assert 0 < mutant.seeds_max <= 30


def test_a_planted_tree_differs_where_the_bug_is_and_nowhere_else(tmp_path: Path) -> None:
    tree = plant(MUTANTS[0], tmp_path)
    files = {edit.file for edit in MUTANTS[0].edits}
    for name in ("gateway/core.py", "gateway/uplink.py", "gateway/outbox.py", "central/ingest.py", "edge/events.py"):
        same = (tree / PACKAGE / name).read_text("utf-8") == (ROOT / PACKAGE / name).read_text("utf-8")
        assert same is (name not in files)


def test_a_bug_that_meets_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing: the old text stands 0 times"):
        plant(bug("nothing", "", "", "1", ("gateway/core.py", "no such text", "")), tmp_path)
