"""The real core while a night runs sixty times as fast: heartbeats by service time, waits by real time."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.edge.wire import HeartbeatReply, encode_message
from nattevakt.gateway.core import Core
from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend, Input, MqttDown, Now
from nattevakt.gateway.uplink import HEARTBEATS
from tests.gateway.support import core, moment

TICK_S = 0.05


class Paced:
    """A core whose service time runs at `speed` against its real time."""

    def __init__(self, machine: Core) -> None:
        self.machine = machine
        self.speed = 1.0
        self.real_s = 100.0
        self.service_ms = 0.0
        self.beats: list[Now] = []
        self.reachable = True
        self._answers: list[Input] = []

    def now(self) -> Now:
        """Both clocks."""
        return Now(moment(round(self.service_ms), synced=True), self.real_s, self.speed)

    def turn(self, *inputs: Input) -> None:
        """One round, a real tick after the last one; what is sent is answered at the next."""
        self.real_s += TICK_S
        self.service_ms += TICK_S * 1000 * self.speed
        now = self.now()
        given, self._answers = [*self._answers, *inputs], []
        for output in self.machine.handle(given, now):
            if not isinstance(output, HttpSend):
                continue
            self.beats += [now] if output.path == HEARTBEATS else []
            body = encode_message(HeartbeatReply({}, now.moment.wall_ms)) if output.path == HEARTBEATS else b"{}"
            failed = HttpFailed(output.lane, output.number, "connection")
            reply = HttpReply(output.lane, output.number, 200 if output.path == HEARTBEATS else 503, body)
            self._answers.append(reply if self.reachable else failed)

    def run(self, real_s: float) -> None:
        """Let real time pass."""
        for _ in range(round(real_s / TICK_S)):
            self.turn()


@pytest.mark.parametrize("speed", [1, 20, 60, 120])
def test_heartbeats_keep_service_time_and_never_come_faster_than_four_a_second(tmp_path: Path, speed: int) -> None:
    machine, box = core(tmp_path)
    paced = Paced(machine)
    paced.speed = speed
    paced.run(20)
    gaps_s = [b.mono_s - a.mono_s for a, b in zip(paced.beats, paced.beats[1:], strict=False)]
    assert gaps_s
    assert min(gaps_s) >= 0.25 - 1e-6
    assert max(gaps_s) <= max(15 / speed, 0.25) + 2 * TICK_S
    box.close()


def test_a_heartbeat_that_was_far_off_is_near_once_time_runs_faster(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    paced = Paced(machine)
    paced.run(1)
    assert len(paced.beats) == 1
    paced.speed = 60
    wait_s = machine.wake_at_s(paced.now()) - paced.real_s
    assert wait_s <= 0.25
    paced.run(0.5)
    assert len(paced.beats) >= 2
    box.close()


def test_what_is_told_after_a_minute_is_never_told_before_five_real_seconds(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    paced = Paced(machine)
    paced.speed = 60
    paced.run(1)
    paced.reachable = False
    paced.turn(MqttDown("gone"))
    paced.run(4.5)
    assert not {"unreachable", "source mqtt"} & set(machine.faults(paced.now()))
    paced.run(2)
    assert {"unreachable", "source mqtt"} <= set(machine.faults(paced.now()))
    box.close()
