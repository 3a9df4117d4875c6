"""What was held back, and what came while nothing could be stored: told in the right order, and not taken for told."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.edge.events import Bed
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import WAITING_MAX, Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import MqttReceived, MqttUp, ReconnectMqtt
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Rooted, Sources
from tests.gateway.support import acks, bodies, outbox, run

BED = Device("esphome:rom3/seng", "bed", Use.BED)
BUTTON = Device("lora:24e124535d387374", "WS101", Use.CALL)


def heard(topic: str, payload: bytes, mid: int, *, retained: bool = False, dup: bool = False) -> MqttReceived:
    return MqttReceived(topic, payload, retained, 1, mid, dup, 1)


def gateway(path: Path, *names: str) -> tuple[Core, Outbox]:
    box = outbox(path)
    rooted = {name: Rooted(MQTT_DIALECTS[name], MQTT_DIALECTS[name].ROOT) for name in names}
    return Core(Sources((BED, BUTTON), {}, rooted), box, Machine(path, thermal=path / "none"), guard, lambda: 0.5), box


def test_what_is_kept_of_a_topic_does_not_overtake_what_is_said_on_it_now(tmp_path: Path) -> None:
    core, box = gateway(tmp_path, "esphome")
    topic = "rom3/binary_sensor/seng/state"
    run(core, 0, MqttUp(1, session_present=False))
    # Nobody knows yet whether the node can be trusted; it speaks itself, and then says that it is there.
    run(core, 10, heard(topic, b"ON", 1, retained=True))
    run(core, 20, heard(topic, b"OFF", 2))
    run(core, 30, heard("rom3/status", b"online", 3))
    run(core, 4_000)
    beds = [body for body in bodies(box) if isinstance(body, Bed)]
    assert beds == [Bed(BED.address, occupied=False)]


def press(count: int, mid: int, *, dup: bool = False) -> MqttReceived:
    payload = {"deviceInfo": {"devEui": "24e124535d387374"}, "devAddr": "00000001", "fCnt": count, "fPort": 85}
    payload["data"] = base64.b64encode(bytes.fromhex("ff2e01")).decode()
    topic = "application/1/device/24e124535d387374/event/up"
    return heard(topic, json.dumps(payload).encode(), mid, dup=dup)


def test_a_press_that_found_no_room_is_no_repeat_when_it_comes_again(tmp_path: Path) -> None:
    core, box = gateway(tmp_path, "chirpstack")
    run(core, 0, MqttUp(1, session_present=False))
    out = run(core, 10, *(press(n, n) for n in range(1, WAITING_MAX + 2)))
    assert acks(out) == list(range(1, WAITING_MAX + 1))
    assert any(isinstance(one, ReconnectMqtt) for one in out)
    before = box.next_seq
    run(core, 20_000, MqttUp(2, session_present=True))
    last = press(WAITING_MAX + 1, WAITING_MAX + 1, dup=True)
    assert acks(run(core, 30_000, last)) == [WAITING_MAX + 1]
    assert [row.kind for row in box.after(before - 1, 10)] == ["call"]
