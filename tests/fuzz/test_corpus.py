"""The fuzzing corpus as plain tests: every input that once mattered still breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.corpus import CORPUS, scripts
from tests.fuzz.harness import CODES, NAMES, devices_of, play

FILES = sorted(CORPUS.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_input_of_the_corpus_is_taken(path: Path) -> None:
    play(path.read_bytes())


def test_the_corpus_begins_with_every_driver_that_has_frames() -> None:
    named = {path.name.rpartition("-")[0] for path in FILES}
    assert set(CODES) >= set(NAMES), "give the new driver the next free byte in CODES"
    assert {name for name, many in scripts().items() if many} <= named, "run python -m tests.fuzz.corpus"


@pytest.mark.parametrize("name", NAMES)
def test_the_harness_reaches_every_driver(name: str) -> None:
    """A seed must give readings under some profile: a harness that nothing gets through finds nothing."""
    assert all(devices_of(name, choice) for choice in range(64))
    readings = [play(bytes((CODES[name], choice)) + b"".join(scripts()[name][:60])) for choice in range(0, 64, 3)]
    assert not scripts()[name] or max(readings) > 0


@given(st.binary(min_size=2, max_size=300))
def test_any_input_is_taken(data: bytes) -> None:
    play(data)
