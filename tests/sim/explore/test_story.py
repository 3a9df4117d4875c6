"""Stories as data: through JSON and back unchanged, and whatever is wrong with a file is named by its field."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.sim.acts import Act
from nattevakt.sim.explore.story import LEVELS, Manner, Mishap, Story, StoryError, from_json, to_json
from nattevakt.sim.people import Happening
from tests.sim.explore.stories import story

NUMBERS = st.integers(0, 2**45)
TEXTS = st.text(max_size=12)
STORIES = st.builds(
    Story,
    seed=NUMBERS,
    level=st.sampled_from(LEVELS),
    begins_ms=st.just(5),
    faults_end_ms=st.integers(5, 100),
    ends_ms=st.integers(100, 10**13),
    homes=st.lists(TEXTS, max_size=3).map(tuple),
    happenings=st.lists(st.builds(Happening, NUMBERS, TEXTS, st.sampled_from(list(Act)), TEXTS), max_size=3).map(tuple),
    mishaps=st.lists(st.builds(Mishap, NUMBERS, TEXTS, TEXTS, NUMBERS, NUMBERS), max_size=3).map(tuple),
    staff=st.lists(st.builds(Manner, TEXTS, NUMBERS, NUMBERS), max_size=2).map(tuple),
)


@settings(max_examples=100, derandomize=True)
@given(STORIES)
def test_a_story_comes_back_from_its_json_as_it_was(told: Story) -> None:
    assert from_json(to_json(told)) == told
    assert to_json(from_json(to_json(told))) == to_json(told)


def wrong(change: dict[str, object], row: str = "") -> str:
    """The sentence about a file in which something is otherwise."""
    plain = json.loads(to_json(story()))
    (plain[row][1] if row else plain).update(change)
    with pytest.raises(StoryError) as caught:
        from_json(json.dumps(plain))
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "row", "field"),
    [
        ({"seed": "7"}, "", "seed: skal være et helt tall"),
        ({"level": "worse"}, "", "level: «worse»"),
        ({"begins_ms": 2**60}, "", "faults_end_ms: skal ligge mellom"),
        ({"homes": "r1"}, "", "homes: skal være en liste"),
        ({"homes": ["r1", 2]}, "", "homes[1]: skal være en tekst"),
        ({"weather": 1}, "", "«weather» er ukjent"),
        ({"format": 2}, "", "format: 2"),
        ({"at_ms": True}, "mishaps", "mishaps[1].at_ms: skal være et helt tall"),
        ({"what": None}, "mishaps", "mishaps[1].what: skal være en tekst"),
        ({"colour": 1}, "mishaps", "mishaps[1]: «colour» er ukjent"),
        ({"act": "flies"}, "happenings", "happenings[1].act: «flies»"),
        ({"resident": 4}, "happenings", "happenings[1].resident"),
        ({"ignores": 0.5}, "staff", "staff[1].ignores: skal være et helt tall"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], row: str, field: str) -> None:
    assert field in wrong(change, row)


def test_a_missing_field_and_no_json_are_named_too() -> None:
    plain = json.loads(to_json(story()))
    del plain["homes"]
    with pytest.raises(StoryError, match="«homes» mangler"):
        from_json(json.dumps(plain))
    with pytest.raises(StoryError, match="ikke JSON"):
        from_json("{")
    with pytest.raises(StoryError, match="skal være et objekt"):
        from_json("[]")


def test_a_story_of_before_alarms_could_be_given_away_is_read() -> None:
    plain = json.loads(to_json(story()))
    for manner in plain["staff"]:
        del manner["declines"], manner["transfers"]
    assert from_json(json.dumps(plain)) == story()
    del plain["staff"][1]["forgets"]
    with pytest.raises(StoryError, match="«forgets» mangler"):
        from_json(json.dumps(plain))


def test_who_does_not_live_there_does_nothing() -> None:
    told = story()
    fewer = told.without(homes=frozenset({"r2"}))
    assert fewer.homes == ("r1", "r3")
    assert {h.resident for h in fewer.happenings} == {"r1", "r3"}
    assert replace(fewer, homes=told.homes, happenings=told.happenings) == told
