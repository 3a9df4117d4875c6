"""The judge judged: each planted bug is found by the explorer, within its seeds, where the product itself is clean.

`make judge`: two at a time. The table that it prints and writes (failing-stories/mutants.md) is the one of
docs/explanation/simulation.md. MUTANTS=name,name hunts only some.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nattevakt.sim.commands import MEMORY
from tests.judge.bugs import MUTANTS
from tests.judge.hunting import ROOT, hunt, table, untouched

AT_A_TIME = 2


@pytest.mark.judge
@pytest.mark.timeout(7_200)
def test_each_planted_bug_is_found() -> None:
    named = [name for name in os.environ.get("MUTANTS", "").split(",") if name]
    wanted = [mutant for mutant in MUTANTS if not named or mutant.name in named]
    assert wanted
    with (
        tempfile.TemporaryDirectory(prefix="nattevakt-clean-", dir=MEMORY if MEMORY.is_dir() else None) as made,
        ThreadPoolExecutor(AT_A_TIME) as pool,
    ):
        clean = untouched(Path(made))
        found = list(zip(wanted, pool.map(lambda mutant: hunt(mutant, clean), wanted), strict=True))
    told = table(found)
    print(told)
    (ROOT / "failing-stories").mkdir(exist_ok=True)
    (ROOT / "failing-stories" / "mutants.md").write_text(told, "utf-8")
    missed = [mutant.name for mutant, caught in found if caught is None]
    assert not missed, f"not found: {', '.join(missed)}"
    odd = [f"{m.name}: {c.invariants}" for m, c in found if c is not None and not c.invariants & m.expects]
    assert not odd, f"found, but not by what was expected: {'; '.join(odd)}"
