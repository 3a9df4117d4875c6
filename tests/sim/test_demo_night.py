"""The demo's story fits its ward, its ten minutes and its limits; the ward's devices speak on real interfaces."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from random import Random

import pytest

from nattevakt.edge.pace import MARK
from nattevakt.sim import demo_night
from nattevakt.sim.acts import Act
from nattevakt.sim.demo_night import BEATS, PRESSES
from nattevakt.sim.programs import DemoError, prepare_folder
from nattevakt.sim.ward import WARD

STORY = demo_night.night(date(2026, 11, 21))


def test_the_story_is_in_order_within_its_night_and_rings_few_enough_for_ten_minutes() -> None:
    times = [entry.at_ms for entry in STORY.entries]
    assert times == sorted(times)
    assert STORY.begins_ms < times[0]
    assert times[-1] < STORY.ends_ms
    night_s = (STORY.ends_ms - STORY.begins_ms) / 60_000
    assert night_s + 50 * (1 + sum(beat.rings for beat in BEATS)) < 720, "seconds at sixty times, and at one"


@pytest.mark.parametrize("seed", range(5))
def test_who_is_in_no_story_is_never_away_long_enough_to_ring(seed: int) -> None:
    named = {name for beat in BEATS for name in beat.deed.about}
    away: dict[str, int] = {}
    for happening in demo_night.plain(STORY, STORY.begins_ms, Random(seed)):
        who = WARD.resident(happening.resident)
        assert who is not None
        if who.first_name in named:
            assert happening.act is Act.IN_BED, f"{seed}: only put to bed"
        elif happening.act is Act.OUT_OF_BED:
            away[who.key] = happening.at_ms
        elif happening.act is Act.IN_BED and who.key in away:
            assert happening.at_ms - away.pop(who.key) < 15 * 60_000, seed


def test_after_help_everybody_is_as_before() -> None:
    resident = WARD.resident("Dagny")
    assert resident is not None
    acts = [happening.act for happening in demo_night.after_help(resident, "fall", 1_000)]
    assert acts == [Act.GETS_UP_FROM_FLOOR, Act.IN_BED]
    assert demo_night.after_help(resident, "gateway_silent", 1_000) == []


def test_every_button_of_the_side_page_has_a_device_somewhere() -> None:
    for _, words, use, _ in PRESSES:
        assert any(resident.sensor(use) is not None for resident in WARD.residents), words


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("kjære")
    with pytest.raises(DemoError, match="ikke fra en demo"):
        prepare_folder(tmp_path)
    with pytest.raises(DemoError, match="ikke fra en demo"):
        prepare_folder(tmp_path / "letter.txt")
    mark = prepare_folder(tmp_path / "new")
    with pytest.raises(DemoError, match="går allerede"):
        prepare_folder(tmp_path / "new")
    os.close(mark)
    (tmp_path / "new" / "old.log").touch()
    os.close(prepare_folder(tmp_path / "new"))
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == [MARK]
