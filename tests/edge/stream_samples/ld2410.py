"""LD2410 reports, basic and engineering, and the LD2450's for ever.

The driver says only what changed, and only when two reports agree, so here each report that it frames is made a
reading: the framing and the patience are the driver's own, and the driver must count as many reports as were framed.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from nattevakt.edge.drivers import ld2410
from nattevakt.edge.drivers.driver import Device, Line, Reading, Stepped
from nattevakt.edge.drivers.ld2410.decode import PRESENCE_RADAR, Report, Status, Target, targets_frame
from nattevakt.edge.drivers.ld2410.driver import PATIENCE
from nattevakt.edge.drivers.ld2410.frame import feed
from nattevakt.edge.drivers.registry import SerialDriver
from nattevakt.edge.drivers.unfinished import Unfinished, take
from tests.edge.streams import Sample

RADAR = Device("ld2410:stream", PRESENCE_RADAR)
GATES = bytes.fromhex("08083c220503030403060503000039101306060804600155")[:-1]


def make(number: int) -> bytes:
    """Two basic reports, one with its gates, one of targets, and again; distances tell them apart."""
    near, far = number % 600, number // 600
    if number % 4 == 3:
        return targets_frame((Target(far - 3000, near + 1, number % 40 - 20, 320),)).to_bytes()
    gates = GATES if number % 4 == 2 else b""
    return Report(Status(number % 3 + 1), near, 60, far, 57, near, gates).to_frame().to_bytes()


def _start(devices: tuple[Device, ...], line: Line) -> tuple[ld2410.State, Unfinished]:
    return ld2410.start(devices, line), Unfinished()


def _step(
    given: bytes | None, now_ms: int, state: tuple[ld2410.State, Unfinished]
) -> Stepped[tuple[ld2410.State, Unfinished]]:
    stepped = ld2410.step(given, now_ms, state[0])
    frames, unfinished, _ = take(feed, state[1], given, now_ms, PATIENCE)
    assert stepped.counted.get("frames", 0) == len(frames)
    assert stepped.state.unfinished == unfinished
    readings = tuple(Reading(RADAR.address, {}, frame.to_bytes().hex()) for frame in frames)
    return Stepped((stepped.state, unfinished), readings, (), stepped.wake_at_ms)


DRIVER = cast(SerialDriver, SimpleNamespace(start=_start, step=_step))
SAMPLE = Sample((RADAR,), make, ld2410.BAUD, line=Line("stream"), driver=DRIVER)
