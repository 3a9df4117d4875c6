"""A siren on a real mosquitto: the whole agent tells it, its own report comes back, and nothing keeps it howling."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.edge.wire import HeartbeatReply, decode_heartbeat, encode_message
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid
from nattevakt.gateway import cli
from nattevakt.gateway import config as settings
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.siren import Siren
from nattevakt.sim.devices.siren import SimSiren
from tests.gateway.support import CREDENTIAL, Centre, HttpCentre
from tests.gateway.test_agent import Ahead, running
from tests.gateway.test_local_agent import name_on, read
from tests.support.processes import free_port, mosquitto
from tests.support.wait import until

HORN = Siren("z2m:gang/sirene")
LAMP = Siren("z2m:vaktrom lampe", "state")


@dataclass
class Asking(Centre):
    """A centre that asks for sirens, and keeps what the gateway said of them last."""

    url: str = ""
    asked: SirenAsked | None = None
    said: dict[str, SirenSaid] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def heartbeat(self, body: bytes) -> tuple[int, bytes]:
        """Take a heartbeat, and answer it."""
        found = decode_heartbeat(body)
        self.said, self.faults = dict(found.sirens or {}), found.health.faults
        status, _ = super().heartbeat(body)
        marks = {held.stream: self.mark(held.stream) for held in found.streams if held.stream in self.firsts}
        return status, encode_message(HeartbeatReply(marks, 0, siren=self.asked))

    def state(self, siren: Siren) -> str:
        """What the gateway says of one."""
        found = self.said.get(siren.address)
        return found.state if found is not None else ""


class Bridge:
    """Zigbee2MQTT with its sirens, as a client of the broker."""

    def __init__(self, port: int, *sirens: Siren) -> None:
        self.sirens = {siren.name: SimSiren(siren, "zigbee2mqtt") for siren in sirens}
        self.retained: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bridge", protocol=mqtt.MQTTv311)
        self.client.on_message = self._message
        self.client.on_connect = self._connected
        self.client.connect("127.0.0.1", port)

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe("zigbee2mqtt/#", 0)
        client.publish("zigbee2mqtt/bridge/state", b'{"state":"online"}', retain=True)

    def _message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if not message.topic.endswith("/set"):
            return
        with self._lock:
            if message.retain:
                self.retained.append(message.topic)
            self.heard.append(json.loads(message.payload))
            for siren in self.sirens.values():
                report = siren.hear(message.topic, bytes(message.payload), now_ms())
                if report is not None:
                    client.publish(siren.topic, report, qos=0)

    def sounds(self, siren: Siren) -> bool:
        """Whether it is heard now."""
        with self._lock:
            return self.sirens[siren.name].sounds(now_ms())


def now_ms() -> int:
    """The sirens' own clock."""
    return round(time.monotonic() * 1000)


@contextmanager
def bridge(port: int, *sirens: Siren) -> Iterator[Bridge]:
    found = Bridge(port, *sirens)
    found.client.loop_start()
    try:
        yield found
    finally:
        found.client.disconnect()
        found.client.loop_stop()


@contextmanager
def asking() -> Iterator[Asking]:
    with HttpCentre() as http:
        http.centre = Asking()
        http.centre.url = http.url
        yield http.centre


def configured(folder: Path, centre: Asking, broker: int, *sirens: Siren) -> GatewayConfig:
    (folder / "credential").write_text(CREDENTIAL + "\n")
    text = (
        f'state_dir = "{folder / "state"}"\n[centre]\nurl = "{centre.url}"\n'
        f'credential_file = "{folder / "credential"}"\nheartbeat_s = 0.5\n[mqtt]\nhost = "127.0.0.1"\nport = {broker}\n'
    )
    text += "".join(f'[[siren]]\naddress = "{siren.address}"\ncommand = "{siren.command}"\n' for siren in sirens)
    (folder / "gateway.toml").write_text(text)
    return settings.load(folder / "gateway.toml")


def test_asked_by_the_centre_both_sound_and_say_so_until_it_says_enough(tmp_path: Path) -> None:
    broker = free_port()
    with mosquitto(tmp_path, broker), asking() as centre, bridge(broker, HORN, LAMP) as zigbee:
        with running(configured(tmp_path, centre, broker, HORN, LAMP)):
            until(lambda: centre.state(HORN) == centre.state(LAMP) == "off", "told off at the start")
            centre.asked = SirenAsked(on=True)
            until(lambda: centre.state(HORN) == centre.state(LAMP) == "on", "both confirmed")
            assert zigbee.sounds(HORN)
            assert zigbee.sounds(LAMP)
            assert centre.said[HORN.address].told
            centre.asked = SirenAsked(on=False)
            until(lambda: centre.state(HORN) == centre.state(LAMP) == "off", "both silent")
            assert not zigbee.sounds(HORN)
            assert not zigbee.sounds(LAMP)
            centre.asked = SirenAsked(on=True)
            until(lambda: zigbee.sounds(LAMP), "the lamp again")
        # What would go on without us is told off at the end; the horn ends by itself.
        until(lambda: not zigbee.sounds(LAMP), "the lamp told off")
        assert zigbee.sounds(HORN)
        assert zigbee.retained == []
        assert {"state": "ON"} in zigbee.heard


def test_a_lease_that_is_not_asked_for_again_ends(tmp_path: Path) -> None:
    broker = free_port()
    with mosquitto(tmp_path, broker), asking() as centre, bridge(broker, LAMP) as zigbee:
        config = configured(tmp_path, centre, broker, LAMP)
        with running(config):
            centre.asked = SirenAsked(on=True, lease_s=3)
            until(lambda: zigbee.sounds(LAMP), "it sounds")
            centre.asked = None
            until(lambda: not zigbee.sounds(LAMP), "its lease is over")
            until(lambda: centre.state(LAMP) == "off", "and it says so")


def test_a_broker_that_was_away_brings_what_holds_now(tmp_path: Path) -> None:
    broker = free_port()
    with asking() as centre, mosquitto(tmp_path, broker) as process, bridge(broker, LAMP) as zigbee:
        config = configured(tmp_path, centre, broker, LAMP)
        with running(config):
            centre.asked = SirenAsked(on=True)
            until(lambda: centre.state(LAMP) == "on", "it sounds")
            process.stop()
            until(lambda: centre.state(LAMP) == "unreachable", "the broker is gone")
            centre.asked = SirenAsked(on=False)
            until(lambda: not centre.said[LAMP.address].told, "nobody asks any more")
            assert zigbee.sounds(LAMP)
            with mosquitto(tmp_path, broker):
                until(lambda: not zigbee.sounds(LAMP), "told off when the broker is back")
                until(lambda: centre.state(LAMP) == "off", "and it says so")


def test_a_call_without_any_centre_sounds_until_somebody_has_seen_it(tmp_path: Path) -> None:
    """Nobody has ever answered this gateway."""
    broker, page, clock = free_port(), free_port(), Ahead()
    nobody = Asking(url=f"http://127.0.0.1:{free_port()}")
    configured(tmp_path, nobody, broker, HORN, LAMP)
    toml = tmp_path / "gateway.toml"
    more = f'[[device]]\naddress = "z2m:knapp"\nuse = "call"\n[local]\nafter_s = 30\npage = "127.0.0.1:{page}"\n'
    toml.write_text(toml.read_text() + more)
    with (
        mosquitto(tmp_path, broker),
        bridge(broker, HORN, LAMP) as zigbee,
        running(settings.load(toml), clock=clock),
    ):
        until(lambda: "Mottakeren starter" in read(page), "the page")
        clock.ahead_s += 31
        until(lambda: "Sentralen er ikke i kontakt" in read(page), "the page without the centre")
        assert not zigbee.sounds(LAMP)
        zigbee.client.publish("zigbee2mqtt/knapp", b'{"action":"single"}', qos=1)
        until(lambda: zigbee.sounds(HORN) and zigbee.sounds(LAMP), "both sound")
        assert "Ringer etter hjelp" in read(page)
        read(page, f"alarm={name_on(read(page))}")
        until(lambda: not zigbee.sounds(HORN) and not zigbee.sounds(LAMP), "silent once somebody has seen it")


def test_an_installer_tries_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broker = free_port()
    command = ["siren", "test", "--config", str(tmp_path / "gateway.toml"), "--seconds", "12"]
    with mosquitto(tmp_path, broker), asking() as centre, bridge(broker, HORN, LAMP) as zigbee:
        config = configured(tmp_path, centre, broker, HORN, LAMP)
        with running(config):
            until(lambda: centre.state(HORN) == centre.state(LAMP) == "off", "told off at the start")
            assert cli.run_command(command) == 0
            until(lambda: not zigbee.sounds(LAMP) and not zigbee.sounds(HORN), "silent when the person has left")
            zigbee.sirens[LAMP.name].reachable = False
            assert cli.run_command([*command[:-1], "10"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "sirene z2m:gang/sirene: uler, og sier det selv",
        "sirene z2m:vaktrom lampe: uler, og sier det selv",
        "sirene z2m:gang/sirene: uler, og sier det selv",
        "sirene z2m:vaktrom lampe: har ikke sagt noe om seg selv ennå",
    ]
    assert cli.run_command(command) == 1
    assert "Agenten kjører ikke" in capsys.readouterr().err
