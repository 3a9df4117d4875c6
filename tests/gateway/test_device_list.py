"""The gateway's list of devices on its way to the centre, and the centre's word about it on its way to the status."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device
from nattevakt.edge.wire import (
    ACCEPT_BYTES_MAX,
    DeviceLists,
    GatewayHealth,
    Heartbeat,
    HeartbeatReply,
    decode_heartbeat,
    decode_heartbeat_reply,
    encode_message,
    list_digest,
)
from nattevakt.edge.wire_heartbeat import LISTED_MAX
from nattevakt.gateway.core import Core
from nattevakt.gateway.device_list import ONLY_CENTRE, ONLY_GATEWAY, list_of
from nattevakt.gateway.inputs import HttpReply, HttpSend
from tests.gateway.support import DEVICES, DOOR, core, now, run

HEALTH = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
TOLD = {device.address: device.use.value for device in DEVICES}


def beat(machine: Core, ms: int) -> tuple[HttpSend, Heartbeat]:
    """The heartbeat that goes out then."""
    (sent,) = [one for one in run(machine, ms) if isinstance(one, HttpSend) and one.path == "/v1/heartbeats"]
    return sent, decode_heartbeat(sent.body)


def answer(machine: Core, sent: HttpSend, ms: int, reply: HttpReply | HeartbeatReply) -> None:
    """The centre's answer arrives."""
    if isinstance(reply, HeartbeatReply):
        reply = HttpReply(sent.lane, sent.number, 200, encode_message(reply))
    run(machine, ms, reply)


def test_the_list_goes_when_it_is_asked_for_and_findings_stand_in_the_status(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    sent, said = beat(machine, 0)
    assert (said.list_digest, said.devices) == (list_digest(TOLD), None)
    answer(machine, sent, 100, HeartbeatReply({}, 0, list_wanted=True))
    sent, said = beat(machine, 15_000)
    assert (said.list_digest, said.devices) == (list_digest(TOLD), TOLD)
    lists = DeviceLists((DOOR,), ("lora:24e124535d387374",))
    answer(machine, sent, 15_100, HeartbeatReply({}, 0, list_wanted=False, lists=lists))
    assert machine.describe(now(15_200)).health.findings == (
        f"lora:24e124535d387374: {ONLY_CENTRE}",
        f"{DOOR}: {ONLY_GATEWAY}",
    )
    sent, said = beat(machine, 30_000)
    assert said.devices is None
    answer(machine, sent, 30_100, HeartbeatReply({}, 0, list_wanted=False, lists=DeviceLists()))
    assert machine.describe(now(30_200)).health.findings == ()
    assert machine.faults(now(30_200)) == {}
    box.close()


def test_a_list_that_is_refused_costs_one_heartbeat_and_never_the_next(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    sent, _ = beat(machine, 0)
    answer(machine, sent, 100, HeartbeatReply({}, 0, list_wanted=True))
    sent, said = beat(machine, 15_000)
    assert said.devices == TOLD
    answer(machine, sent, 15_100, HttpReply(sent.lane, sent.number, 422, b"{}"))
    _, said = beat(machine, 30_000)
    assert (said.list_digest, said.devices) == (list_digest(TOLD), None)
    box.close()


def test_peers_of_either_age_understand_each_other() -> None:
    older = b'{"v":1,"marks":{},"now_ms":1}'
    assert decode_heartbeat_reply(older) == HeartbeatReply({}, 1)
    newer = b'{"v":1,"marks":{},"now_ms":1,"list_wanted":false,"lists":{"only_both":[1]},"more":{}}'
    assert decode_heartbeat_reply(newer) == HeartbeatReply({}, 1, list_wanted=False, lists=DeviceLists())


ADDRESSES = st.sets(
    st.one_of(
        st.text(max_size=20),
        st.text(max_size=350).map("z2m:".__add__),
        st.integers(0, 3000).map("z2m:{}".format),
        st.integers(0, 9).map("enocean:0000000{}".format),
    ),
    max_size=40,
)


@given(ADDRESSES, st.integers(0, 500))
def test_any_list_is_one_that_the_centre_takes(heard: set[str], number: int) -> None:
    configured = {device.address: device for device in (Device(f"enocean:{n:08X}", "D5-00-01") for n in range(number))}
    heard |= {f"z2m:lamp {n}" for n in range(2 * number)}
    found = list_of(configured, heard)
    assert set(configured) <= set(found)
    assert len(found) <= LISTED_MAX
    assert not any(address.startswith("enocean:") for address in set(found) - set(configured))
    plain = Heartbeat(now().moment, "1" * 32, (), None, HEALTH, {}, list_digest(found), found)
    assert decode_heartbeat(encode_message(plain)).devices == found


def test_long_names_on_the_broker_do_not_make_the_heartbeat_too_long_for_the_centre() -> None:
    configured = {f"z2m:{n:03d} {'ø' * 190}": Device(f"z2m:{n:03d} {'ø' * 190}") for n in range(500)}
    heard = [f"z2m:{n:04d}" + "\U0001f600" * 195 for n in range(1_000)]
    devices = list_of(configured, heard)
    assert set(configured) < set(devices)
    ages = dict.fromkeys([*configured, *heard[:500]], 1_000_000)
    beat_ = Heartbeat(now().moment, "1" * 32, (), None, HEALTH, ages, list_digest(devices), devices)
    assert len(encode_message(beat_)) < ACCEPT_BYTES_MAX
