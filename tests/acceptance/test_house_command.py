"""`nattevakt-sim house`: anybody's gateways find telegrams on pseudo-terminals and Zigbee2MQTT on the broker."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.edge.pace import Pace
from nattevakt.gateway import config as gateway_config
from nattevakt.sim.ward import WARD
from tests.support.processes import free_port, mosquitto, python
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def test_the_ward_speaks_on_real_interfaces_at_its_own_speed(tmp_path: Path) -> None:
    data, port = tmp_path / "house", free_port()
    heard: dict[str, bytes] = {}
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="ear")
    client.on_message = lambda _client, _data, message: heard.update({message.topic: bytes(message.payload)})
    words = ("-m", "nattevakt.sim", "house", "--data", str(data), "--broker", f"127.0.0.1:{port}", "--speed", "60")
    with mosquitto(tmp_path, port), python("house", tmp_path, *words, "--seed", "3") as house:
        client.connect("127.0.0.1", port)
        client.subscribe("#", qos=1)
        client.loop_start()
        until(lambda: "Ctrl-C stopper" in house.text() or not house.alive, "the ward lives")
        assert house.alive, house.text()
        frames: list[Frame] = []
        buffer = b""
        stick = os.open(data / "loftet" / "enocean-stick", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)

        def listened() -> int:
            nonlocal buffer
            try:
                found, buffer, _ = feed(buffer, os.read(stick, 4096))
            except BlockingIOError:
                return len(frames)
            frames.extend(found)
            return len(frames)

        until(lambda: listened() >= 5, "telegrams on the line")
        os.close(stick)
        until(lambda: "zigbee2mqtt/seng-203" in heard, "a bed sensor's sign of life")
        assert json.loads(heard["zigbee2mqtt-kjeller/bridge/state"]) == {"state": "online"}
        assert "occupancy" in json.loads(heard["zigbee2mqtt/seng-203"])
        assert Pace.from_bytes((data / "pace").read_bytes()).speed == 60
        house.signal(signal.SIGINT)
        assert house.died() == 0, house.text()
    client.loop_stop()
    for gateway in WARD.gateways:
        config = gateway_config.load(data / f"{gateway.key}.toml")
        assert {device.address for device in config.device} == {s.address for s in WARD.of_gateway(gateway.key)}
        assert config.mqtt is not None
        assert (config.mqtt.port, config.mqtt.base_topic) == (port, gateway.base_topic)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--broker", "nowhere"), 2, "VERT:PORT"),
        (("--speed", "0.5"), 1, "pace.speed"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    port = free_port()
    broker = () if "--broker" in words else ("--broker", f"127.0.0.1:{port}")
    with (
        mosquitto(tmp_path, port),
        python(
            "house", tmp_path, "-m", "nattevakt.sim", "house", "--data", str(tmp_path / "d"), *broker, *words
        ) as house,
    ):
        assert house.died(60) == code, house.text()
        assert said in house.text()
