"""Two scenarios with real processes, twenty times as fast as life: the same files that virtual time plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.sim import scenario
from nattevakt.sim.real import Pacing, play_real
from nattevakt.sim.report import story
from nattevakt.sim.scenario import ScenarioError

MINUTE_MS = 60_000
pytestmark = pytest.mark.acceptance


@pytest.mark.judge
@pytest.mark.parametrize("name", ["wandering", "short_outage"])
def test_a_scenario_passes_with_real_processes(name: str, tmp_path: Path) -> None:
    night = scenario.load(scenario.find(name))
    assert night.ends_ms - night.begins_ms <= 30 * MINUTE_MS
    said: list[str] = []
    played = play_real(night, 1, tmp_path / "data", Pacing(), lambda at, text: said.append(f"{night.clock(at)} {text}"))
    assert played.verdict.passed, story(played) + "\n".join(said)
    assert {seen.kind for seen in played.seen} >= {wanted.kind for wanted in night.expected}


def test_no_real_run_is_faster_than_twenty_times(tmp_path: Path) -> None:
    night = scenario.load(scenario.find("wandering"))
    with pytest.raises(ScenarioError, match="fra 1 til 20"):
        play_real(night, 1, tmp_path / "data", Pacing(speed=21))
    assert not (tmp_path / "data").exists()
