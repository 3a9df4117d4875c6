"""Sirens within the gateway's core: asked in a heartbeat's answer, told of in the next, and never taken for sensors."""

from __future__ import annotations

import json
from pathlib import Path

from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.edge.wire import Heartbeat, HeartbeatReply, decode_heartbeat, encode_message
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import AckMqtt, HttpReply, HttpSend, MqttDown, MqttReceived, MqttSend, MqttUp, Output
from nattevakt.gateway.siren import Siren, Sirens
from nattevakt.gateway.sources import Rooted, Sources
from tests.gateway.support import DEVICES, bodies, calls, now, outbox, run

HORN = Siren("z2m:sirene")
ON, OFF = SirenAsked(on=True), SirenAsked(on=False)


class Box:
    """A core with one siren on a broker, and its centre's answers in the test's hand."""

    def __init__(self, folder: Path, *sirens: Siren) -> None:
        self.outbox = outbox(folder)
        dialects = {"zigbee2mqtt": Rooted(MQTT_DIALECTS["zigbee2mqtt"], "zigbee2mqtt")}
        machine = Machine(folder, thermal=folder / "none")
        self.core = Core(
            Sources(DEVICES[2:], {}, dialects), self.outbox, machine, guard, lambda: 0.5, sirens=Sirens(sirens)
        )
        self.told: list[dict[str, object]] = []
        self.beats: list[tuple[int, Heartbeat]] = []
        self.waiting: list[HttpSend] = []
        self.run(0, MqttUp(1, session_present=False))

    def run(self, ms: int, *inputs: MqttUp | MqttDown | MqttReceived | HttpReply) -> list[Output]:
        """One round."""
        outputs = run(self.core, ms, *inputs)
        for output in outputs:
            if isinstance(output, MqttSend):
                assert output.topic == "zigbee2mqtt/sirene/set"
                self.told.append(json.loads(output.payload))
            elif isinstance(output, HttpSend) and output.path == "/v1/heartbeats":
                self.beats.append((ms, decode_heartbeat(output.body)))
                self.waiting.append(output)
        return outputs

    def answer(self, ms: int, asked: SirenAsked | None, which: int = -1) -> list[Output]:
        """The centre answers a heartbeat."""
        sent = self.waiting[which]
        body = encode_message(HeartbeatReply({}, 0, siren=asked))
        return self.run(ms, HttpReply(sent.lane, sent.number, 200, body))

    def says(self, ms: int, payload: bytes, topic: str = "zigbee2mqtt/sirene") -> list[Output]:
        """Something is published."""
        return self.run(ms, MqttReceived(topic, payload, qos=1, mid=7, epoch=1))


def test_the_answer_is_carried_out_at_once_and_told_of_in_the_next_heartbeat(tmp_path: Path) -> None:
    box = Box(tmp_path, HORN)
    assert box.beats[0][1].sirens == {HORN.address: SirenSaid("unknown")}
    box.answer(100, ON)
    assert box.told == [{"warning": {"mode": "emergency", "level": "very_high", "strobe": True, "duration": 60}}]
    box.says(400, b'{"alarm": true}')
    box.run(5_000)
    ms, beat = box.beats[-1]
    assert (ms, beat.sirens) == (5_000, {HORN.address: SirenSaid("on", told=True, age_ms=4_600)})
    box.answer(5_100, OFF)
    assert box.told[-1]["warning"]["mode"] == "stop"  # type: ignore[index]
    assert [at for at, _ in box.beats] == [0, 5_000]
    box.run(15_000)
    assert len(box.beats) == 2, "at rest the usual pace"
    box.run(20_000)
    assert len(box.beats) == 3


def test_an_answer_to_another_request_is_none(tmp_path: Path) -> None:
    box = Box(tmp_path, HORN)
    box.answer(100, OFF)
    box.run(15_000)
    box.answer(15_100, ON, which=0)
    assert all(said["warning"]["mode"] == "stop" for said in box.told), "an old answer that came late"  # type: ignore[index]
    box.answer(15_200, ON)
    box.answer(15_300, OFF)
    assert box.told[-1]["warning"]["mode"] == "emergency"  # type: ignore[index]


def test_what_a_siren_says_is_acknowledged_and_is_no_event_and_no_danger(tmp_path: Path) -> None:
    box = Box(tmp_path, HORN)
    before = bodies(box.outbox)
    for payload in (b'{"alarm": true, "battery": 5, "tamper": true}', b"nonsense"):
        assert AckMqtt(7, 1, 1) in box.says(500, payload)
    assert bodies(box.outbox) == before
    beat = box.core.describe(now(600))
    assert (beat.heard_age_ms, beat.health.findings) == ({}, ())
    box.says(700, b'{"action": "emergency"}', "zigbee2mqtt/sos")
    assert len(calls(box.outbox)) == 1, "a sensor beside it is heard as ever"


def test_a_siren_that_does_not_confirm_is_a_fault_in_the_health(tmp_path: Path) -> None:
    box = Box(tmp_path, HORN)
    for ms in range(0, 60_000, 1_000):
        box.run(ms)
        if box.waiting and box.beats[-1][0] == ms:
            box.answer(ms + 1, ON)
    assert box.beats[-1][1].sirens == {HORN.address: SirenSaid("silent", told=True)}
    assert box.beats[-1][1].health.faults == ("siren: z2m:sirene was told to sound and does not say that it does",)


def test_a_gateway_without_sirens_says_nothing_of_them(tmp_path: Path) -> None:
    box = Box(tmp_path)
    assert box.beats[0][1].sirens is None
    box.answer(100, ON)
    assert box.told == []
