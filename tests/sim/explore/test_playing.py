"""A story is played the same wherever and however often: the same trace byte for byte, also through its JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nattevakt.sim.centre import Stock
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.explore.playing import SAYS, NoReferee, play_story
from nattevakt.sim.explore.story import Story, from_json, to_json
from nattevakt.sim.explore.wording import story_said
from nattevakt.sim.world import World
from tests.sim.explore import replay
from tests.sim.explore.replay import crowded, traced

SEED = 5


def elsewhere(told: Story, hash_seed: str) -> str:
    """The trace of a story as another process plays it, with another order of everything that is hashed."""
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    played = subprocess.run(
        [sys.executable, "-m", replay.__name__],
        input=to_json(told),
        capture_output=True,
        text=True,
        env=env,
        check=False,
        timeout=110,
    )
    assert played.returncode == 0, played.stderr
    return played.stdout


def test_the_same_story_is_the_same_trace_under_any_hash_seed(folder: Path) -> None:
    told = crowded(SEED, minutes=12)
    here, outcome = traced(told, folder)
    assert elsewhere(told, "1") == elsewhere(told, "4711") == "\n".join(here) + "\n"
    assert outcome.seen, "a story in which nothing rings shows nothing"
    assert sum("UHELL" in line for line in here) >= 4


def test_a_story_plays_the_same_through_its_json(folder: Path) -> None:
    told = crowded(SEED + 1, minutes=10)
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    assert traced(told, folder / "a")[0] == traced(from_json(to_json(told)), folder / "b")[0]
    assert len(story_said(told, SAYS)) == 4 + len(told.mishaps) + len(told.happenings)


class Broken:
    """What a strict referee finds."""

    def __init__(self, at_ms: int) -> None:
        self.invariant, self.at_ms, self.says, self.about = 2, at_ms, "noe ringte", "alarm"


class Strict(NoReferee):
    """A referee who wants no alarm at all."""

    def __init__(self, world: World, story: Story, tablets: Callable[[], Sequence[Page]]) -> None:
        super().__init__(world, story, tablets)
        self.violations: list[Broken] = []
        self._world = world

    def look(self) -> None:
        if len(self._world.watch.seen) > len(self.violations):
            self.violations.append(Broken(self._world.line.now_ms))


@pytest.mark.parametrize("enough", [2, 3])
def test_a_story_ends_where_enough_is_known(enough: int, folder: Path, stock: Stock) -> None:
    told = crowded(SEED, minutes=8)
    lines: list[str] = []
    outcome = play_story(told, folder, stock, Strict, enough=enough, trace=lambda _, said: lines.append(said))
    assert outcome.violations[0].says == "noe ringte"
    assert "BRUDD på invariant 2: noe ringte" in lines
    assert (len(outcome.violations) == 1) is (enough == 2)
