"""Every serial driver on a bad line: 10,000 frames, 5 % of the bytes damaged, 20 seeds.

Seeds and figures are printed; `pytest -s` or a failure shows them. `Judge(driver, sample).judge(seed, 10_000)` plays
one of them again.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from nattevakt.edge.drivers import micradar
from nattevakt.edge.drivers.driver import Device, Line, Stepped
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.edge.drivers.unfinished import Unfinished
from tests.edge.streams import CHUNK_BYTES, SILENCE_MS, Judge, build, sample_of

FRAMES = 10_000
SEEDS = range(20)
DECODED_SHARE_MIN = 0.999


@pytest.mark.parametrize("name", sorted(SERIAL_DRIVERS))
def test_of_intact_frames_on_a_bad_line_999_in_1000_come_out_in_time(name: str) -> None:
    judge = Judge(SERIAL_DRIVERS[name], sample_of(name))
    failed = []
    for seed in SEEDS:
        verdict = judge.judge(seed, FRAMES)
        print(f"{name} seed {seed}: {verdict}")
        assert 0.04 < verdict.damaged_share < 0.06
        assert verdict.intact > FRAMES / 10
        if verdict.decoded_share < DECODED_SHARE_MIN or verdict.late:
            failed.append((seed, [one.raw.hex() for one in (*verdict.missing, *verdict.late)]))
    assert not failed


class Impatient:
    """A driver that forgets half a frame when its chunk ends."""

    def start(self, devices: tuple[Device, ...], line: Line) -> Any:
        return micradar.start(devices, line)

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        stepped = micradar.step(given, now_ms, state)
        return replace(stepped, state=replace(stepped.state, kept=Unfinished()))


class Sleepy(Impatient):
    """A driver that never asks to be woken."""

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        return replace(micradar.step(given, now_ms, state), wake_at_ms=None)


class Stubborn(Impatient):
    """A driver that throws away what stands behind a damaged frame in the same chunk."""

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        stepped = micradar.step(given, now_ms, state)
        return replace(stepped, outputs=()) if "sum_bad" in stepped.counted else stepped


def test_a_driver_that_does_wrong_is_found_out() -> None:
    sample = sample_of("micradar")
    assert Judge(Impatient(), sample).judge(1, 1_000).decoded_share < 0.9
    assert Judge(Stubborn(), sample).judge(1, 1_000).decoded_share < 0.9
    slow = Judge(Sleepy(), sample).judge(1, 5_000)
    assert slow.late
    assert slow.worst_ms > SILENCE_MS
    assert slow.decoded_share == 1


def test_a_bad_line_carries_what_its_frames_say_it_does() -> None:
    sample = sample_of("micradar")
    frames = [sample.make(number) for number in range(500)]
    stream = build(frames, sample.baud, Random(3))
    carried = b"".join(chunk for _, chunk in stream.chunks)
    times = [at_ms for at_ms, _ in stream.chunks]
    assert times == sorted(times)
    assert max(len(chunk) for _, chunk in stream.chunks) <= max(CHUNK_BYTES)
    assert [one.raw for one in stream.sent] == frames
    for one in stream.sent:
        if one.intact:
            assert carried[one.end - len(one.raw) : one.end] == one.raw
    assert 0 < sum(not one.intact for one in stream.sent) < 300
    assert build(frames, sample.baud, Random(3)) == stream


@pytest.mark.parametrize("name", sorted(SERIAL_DRIVERS))
def test_sample_frames_differ_from_those_before_them(name: str) -> None:
    sample = sample_of(name)
    frames = [sample.make(number) for number in range(1_000)]
    assert all(len(set(frames[at : at + 200])) == 200 for at in range(800))
