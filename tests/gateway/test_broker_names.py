"""Who speaks, when a broker delivers what it held before the bridge has named its devices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.edge.events import Bed, Call
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.holding import HELD_MAX
from nattevakt.gateway.inputs import MqttDown, MqttReceived, MqttUp
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Rooted, Sources
from tests.gateway.support import Streams, acks, bodies, calls, moment, now, outbox, run

SOS, MAT = "z2m:0xa4c1389960700206", "z2m:0xa4c1389960700207"
DEVICES = (Device(SOS, use=Use.CALL), Device(MAT, use=Use.BED))


def gateway(path: Path, box: Outbox) -> Core:
    """A core with nothing but the broker of a Zigbee2MQTT."""
    sources = Sources(DEVICES, {}, {"zigbee2mqtt": Rooted(MQTT_DIALECTS["zigbee2mqtt"], "z")})
    return Core(sources, box, Machine(path, thermal=path / "none"), guard, lambda: 0.5)


def devices(mid: int = 0, sos: str = "sos", mat: str = "matte") -> MqttReceived:
    told = [{"ieee_address": SOS[4:], "friendly_name": sos}, {"ieee_address": MAT[4:], "friendly_name": mat}]
    return MqttReceived("z/bridge/devices", json.dumps(told).encode(), retained=True, qos=min(mid, 1), mid=mid, epoch=1)


def press(mid: int = 0, name: str = "sos", *, dup: bool = False, epoch: int = 1) -> MqttReceived:
    return MqttReceived(f"z/{name}", b'{"action":"emergency"}', qos=min(mid, 1), mid=mid, dup=dup, epoch=epoch)


def up(epoch: int = 1, *, kept: bool = True) -> MqttUp:
    return MqttUp(epoch, session_present=kept)


def who(box: Outbox) -> list[str]:
    return [call.body.device for call in calls(box) if isinstance(call.body, Call)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a first run of the agent heard the bridge name its devices."""
    box = outbox(tmp_path)
    run(gateway(tmp_path, box), 0, up(kept=False), devices(1))
    box.close()
    return tmp_path


def test_after_a_restart_what_the_broker_held_keeps_its_room(path: Path) -> None:
    box = outbox(path, Streams(5))
    machine = gateway(path, box)
    held = MqttReceived("z/matte", b'{"occupancy":true}', qos=1, mid=8, epoch=1)
    outputs = run(machine, 60_000, up(), press(7, dup=True), held, devices(9))
    assert acks(outputs) == [7, 8, 9]
    assert who(box) == [SOS]
    assert [body for body in bodies(box) if isinstance(body, Bed)] == [Bed(MAT, occupied=True)]
    box.close()


def test_names_are_on_disk_with_the_acknowledgement_and_written_once(tmp_path: Path) -> None:
    commits: list[str] = []
    box = outbox(tmp_path)
    sources = Sources(DEVICES, {}, {"zigbee2mqtt": Rooted(MQTT_DIALECTS["zigbee2mqtt"], "z")})
    machine = Core(sources, box, Machine(tmp_path), guard, lambda: 0.5, probe=lambda point, _: commits.append(point))
    run(machine, 0, up(kept=False))
    assert acks(run(machine, 10, devices(1))) == [1]
    row = box.memory["z2m.devices"]
    assert box._con is not None
    assert box._con.execute("SELECT value FROM memory WHERE key = 'z2m.devices'").fetchall() == [(row,)]
    box._con.execute("PRAGMA query_only=1")
    assert acks(run(machine, 20, devices(2))) == [2], "nothing new needs no write"
    assert acks(run(machine, 30, devices(3, sos="nytt"))) == []
    box._con.execute("PRAGMA query_only=0")
    assert acks(run(machine, 10_000)) == [3]
    assert "nytt" in box.memory["z2m.devices"]
    box.close()


def test_a_damaged_file_costs_no_names_while_the_agent_lives(path: Path) -> None:
    box = outbox(path, Streams(5))
    run(gateway(path, box), 0, up())
    box.replace("1", moment(50), {})
    assert "z2m.devices" in box.memory
    box.close()


def test_at_the_very_first_start_unknown_names_wait_for_the_bridge(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = gateway(tmp_path, box)
    run(machine, 0, up())
    assert acks(run(machine, 100, press(7))) == []
    assert who(box) == []
    complete = machine.describe(now(100)).complete_to
    assert complete is not None
    assert complete.at == moment(0), "what is held occurred later than this"
    assert acks(run(machine, 900, devices(8), press(9))) == [8, 7, 9]
    assert who(box) == [SOS, SOS]
    assert [call.at for call in calls(box)] == [moment(100), moment(900)]
    after = machine.describe(now(900)).complete_to
    assert after is not None
    assert after.at == moment(900)
    box.close()


def test_a_call_waits_three_seconds_at_most(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = gateway(tmp_path, box)
    run(machine, 0, up())
    run(machine, 100, press(7))
    assert machine.wake_at_s(now(100), 60.0) == pytest.approx(100.0 + 3.0)
    assert acks(run(machine, 3_000)) == [7]
    assert who(box) == ["z2m:sos"], "as if it had never been held"
    assert acks(run(machine, 3_100, press(8))) == [8], "whoever the bridge does not name is not waited for again"
    run(machine, 4_000, devices(), press(9))
    assert who(box) == ["z2m:sos", "z2m:sos", SOS]
    box.close()


def test_a_new_name_after_a_broken_connection_waits_and_known_ones_do_not(path: Path) -> None:
    box = outbox(path, Streams(5))
    machine = gateway(path, box)
    run(machine, 0, up(), devices(), MqttDown("gone"))
    outputs = run(machine, 60_000, up(2), press(7, "nytt"), press(8))
    assert acks(outputs) == [8]
    assert acks(run(machine, 60_500, devices(9, sos="nytt"))) == [9, 7]
    assert who(box) == [SOS, SOS]
    box.close()


def test_what_is_held_when_the_connection_breaks_rings_once(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = gateway(tmp_path, box)
    run(machine, 0, up(), press(7))
    run(machine, 500, MqttDown("gone"))
    outputs = run(machine, 1_000, up(2), press(7, dup=True, epoch=2), devices(8))
    assert acks(outputs) == [8, 7, 7]
    assert who(box) == [SOS]
    box.close()


def test_what_is_held_when_the_agent_dies_is_the_broker_s_still(tmp_path: Path) -> None:
    mint = Streams()
    box = outbox(tmp_path, mint)
    machine = gateway(tmp_path, box)
    run(machine, 0, up(), press(7), press(0, "fjern"))
    machine.stopping(now(100))
    assert who(box) == ["z2m:fjern"], "what no broker delivers again is stored as it is"
    box.close()
    box = outbox(tmp_path, mint)
    outputs = run(gateway(tmp_path, box), 5_000, up(), press(7, dup=True), devices(8))
    assert acks(outputs) == [8, 7]
    assert who(box) == ["z2m:fjern", SOS]
    box.close()


def test_while_the_disk_is_away_nobody_is_misnamed(path: Path) -> None:
    file = path / "outbox.sqlite"
    aside = file.with_name("aside.sqlite")
    file.rename(aside)
    file.mkdir()
    box = outbox(path, Streams(5))
    machine = gateway(path, box)
    run(machine, 0, up(), press(7))
    run(machine, 60_000, press(8))
    assert "store" in machine.faults(now(60_000))
    file.rmdir()
    aside.rename(file)
    assert acks(run(machine, 120_000)) == [7, 8]
    assert who(box) == [SOS, SOS]
    assert [call.at for call in calls(box)] == [moment(0), moment(60_000)]
    box.close()


def test_a_flood_of_strangers_is_not_held_without_bound(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = gateway(tmp_path, box)
    flood = [press(0, f"n{number}") for number in range(HELD_MAX + 5)]
    run(machine, 0, up(), *flood)
    assert len(who(box)) == 5
    run(machine, 3_000)
    assert len(set(who(box))) == len(flood)
    box.close()
