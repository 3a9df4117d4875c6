"""Both ends compare their lists of devices: they agree in the end, nothing flickers, and nothing rings."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import update

from nattevakt.central import device_lists
from nattevakt.central.columns import TENANT
from nattevakt.central.heartbeat import beat
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import DeviceEntry, GatewayEntry, RoomEntry, Seed, TenantEntry, WardEntry
from nattevakt.central.tables import devices, gateways, listed_devices, placements, rooms
from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.wire import (
    DeviceLists,
    GatewayHealth,
    Heartbeat,
    HeartbeatReply,
    decode_heartbeat_reply,
    encode_message,
    list_digest,
)
from nattevakt.gateway.device_list import MORE, ONLY_CENTRE, ONLY_GATEWAY, DeviceList
from tests.central.house import BUTTON, LEAK, S1, S2, Gate, House, moment

HEALTH = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
HUNG_HERE = {BUTTON, LEAK}
"""Devices of the house that hang in the ward of both gateways, tied to neither."""


@dataclass
class End:
    """One gateway's end: its settings, what it has heard, and its list in this run of the agent."""

    gate: Gate
    stream: str
    configured: dict[str, Device] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    run: DeviceList = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The agent starts again with its settings."""
        self.run = DeviceList(dict(self.configured))

    def set_up(self, *addresses: str) -> None:
        """Other settings, and a restart to read them."""
        self.configured = {address: Device(address, use=Use.CALL) for address in addresses}
        self.restart()

    def beat(self, *, answered: bool = True) -> HeartbeatReply:
        """One heartbeat over the wire. answered: the answer reaches the gateway."""
        plain = Heartbeat(self.gate.beats_at(), self.stream, (), None, HEALTH, {})
        body = encode_message(self.run.added_to(plain, self.heard))
        reply = beat(self.gate.db, self.gate.sender, body, self.gate.clock.at_ms)
        over = decode_heartbeat_reply(encode_message(reply))
        if answered:
            self.run.answered(over)
        return over


@pytest.fixture
def ends(house: House) -> tuple[End, End]:
    """Both gateways of the house, with nothing set up."""
    return End(house.gates[0], S1), End(house.gates[1], S2)


def seed(house: House, *entries: DeviceEntry) -> None:
    """Register devices at the centre."""
    wards = (WardEntry("a", "Avdeling A"), WardEntry("b", "Avdeling B"))
    there = (GatewayEntry("gw1", "Loftet", "a"), GatewayEntry("gw2", "Kjelleren", "a"))
    hung = (RoomEntry("201", "a", "201"), RoomEntry("202", "b", "202"))
    apply_seed(house.db, Seed(TenantEntry("furutun", "furutun"), wards, hung, (), there, entries), house.clock.at_ms)


def test_the_centre_asks_for_a_list_once_and_answers_with_what_differs(house: House, ends: tuple[End, End]) -> None:
    first, second = ends
    first.set_up(BUTTON, "lora:24e124535d387374")
    assert (first.beat().list_wanted, house.rows(listed_devices)) == (True, [])
    reply = first.beat()
    assert (reply.list_wanted, reply.lists) == (False, DeviceLists(("lora:24e124535d387374",), (LEAK,)))
    assert first.run.findings() == {"lora:24e124535d387374": ONLY_GATEWAY, LEAK: ONLY_CENTRE}
    assert [(row.address, row.use) for row in house.rows(listed_devices)] == [
        ("lora:24e124535d387374", "call"),
        (BUTTON, "call"),
    ]
    # The other gateway of the ward has what was missing: nobody lacks it any more.
    second.set_up(LEAK)
    second.beat()
    second.beat()
    first.beat()
    assert (first.run.findings(), second.run.findings()) == ({"lora:24e124535d387374": ONLY_GATEWAY}, {})
    seed(house, DeviceEntry("lora:24e124535d387374", room="201"))
    first.beat()
    assert first.run.findings() == {}
    assert house.alarms() == []


def test_a_device_tied_to_a_gateway_is_missed_there_even_if_another_has_it(house: House, ends: tuple[End, End]) -> None:
    first, second = ends
    seed(house, DeviceEntry("enocean:0181192D", gateway="gw1"))
    for end in ends:
        end.set_up(BUTTON, LEAK)
    second.set_up("enocean:0181192D", BUTTON, LEAK)
    for end in (first, second, first, second):
        end.beat()
    assert (first.run.findings(), second.run.findings()) == ({"enocean:0181192D": ONLY_CENTRE}, {})


def test_what_a_gateway_whose_key_was_withdrawn_once_had_counts_no_more(house: House, ends: tuple[End, End]) -> None:
    first, second = ends
    first.set_up(BUTTON)
    second.set_up(LEAK)
    for end in (*ends, *ends, first):
        end.beat()
    assert first.run.findings() == {}
    with house.db.write(house.tenant.id) as s:
        s.execute(
            update(gateways)
            .where(gateways.c.tenant_id == TENANT, gateways.c.id == second.gate.sender.gateway_id)
            .values(revoked_ms=1)
        )
    first.beat()
    assert first.run.findings() == {LEAK: ONLY_CENTRE}
    with house.db.read(house.tenant.id) as s:
        assert list(device_lists.of_tenant(s, house.clock.at_ms)) == ["gw1"]


def test_what_describes_itself_and_was_heard_need_not_be_set_up(house: House, ends: tuple[End, End]) -> None:
    seed(house, DeviceEntry("z2m:knapp", gateway="gw1"), DeviceEntry("lora:24e124535d387374", gateway="gw1"))
    first, _ = ends
    first.set_up(BUTTON, LEAK)
    first.heard = {"z2m:knapp", "z2m:lampe", "lora:24e124535d387374", "z2m:\u0007", "z2m:" + "x" * 400, "nobody"}
    first.beat()
    first.beat()
    assert first.run.findings() == {"lora:24e124535d387374": ONLY_CENTRE}


def test_a_gateway_that_does_not_compare_is_left_in_peace(house: House, ends: tuple[End, End]) -> None:
    first, second = ends
    second.gate.beat(S2)
    first.set_up()
    first.beat()
    # Nobody knows what the older one has: it may be what the first lacks.
    assert first.beat().lists == DeviceLists()
    for _ in range(2):
        second.beat()
    assert set(first.beat().lists.only_centre) == HUNG_HERE  # type: ignore[union-attr]
    reply = second.gate.beat(S2)
    assert (reply.list_wanted, reply.lists) == (None, None)
    assert [row.list_digest is None for row in house.rows(gateways)] == [False, True]
    assert first.beat().lists == DeviceLists()


def test_a_centre_that_does_not_compare_leaves_no_findings() -> None:
    run = DeviceList({})
    run.answered(HeartbeatReply({}, 1, list_wanted=False, lists=DeviceLists(("a:1",), ("a:2",), 4)))
    assert run.findings() == {"a:1": ONLY_GATEWAY, "a:2": ONLY_CENTRE, "…": f"4 {MORE}"}
    run.answered(HeartbeatReply({}, 2, list_wanted=True))
    assert len(run.findings()) == 3
    run.answered(HeartbeatReply({}, 3))
    assert run.findings() == {}


def test_a_list_is_sent_once_for_each_time_it_is_asked_for() -> None:
    run = DeviceList({BUTTON: Device(BUTTON)})
    plain = Heartbeat(moment(0), S1, (), None, HEALTH, {})
    assert run.added_to(plain, ()).devices is None
    run.answered(HeartbeatReply({}, 1, list_wanted=True))
    assert run.added_to(plain, ()).devices == {BUTTON: "auto"}
    assert run.added_to(plain, ()).devices is None


def test_a_list_that_is_not_what_its_digest_says_is_asked_for_again(house: House, ends: tuple[End, End]) -> None:
    first, _ = ends
    lying = Heartbeat(first.gate.beats_at(), S1, (), None, HEALTH, {}, list_digest({}), {BUTTON: "call"})
    assert beat(house.db, first.gate.sender, encode_message(lying), house.clock.at_ms).list_wanted
    assert house.rows(listed_devices) == []
    honest = replace(lying, sent=first.gate.beats_at(), devices={})
    assert beat(house.db, first.gate.sender, encode_message(honest), house.clock.at_ms).list_wanted is False


def test_long_differences_are_cut_and_counted(house: House, ends: tuple[End, End]) -> None:
    first, _ = ends
    first.set_up(BUTTON, LEAK, *(f"enocean:{n:08X}" for n in range(120)))
    first.beat()
    lists = first.beat().lists
    assert lists is not None
    assert (len(lists.only_gateway), lists.only_centre, lists.more) == (50, (), 70)
    assert device_lists.sentences(lists)[-1] == "70 enheter til står på bare én av listene"
    assert house.alarms() == []


def test_five_hundred_devices_fit_into_one_heartbeat(house: House, ends: tuple[End, End]) -> None:
    first, _ = ends
    first.set_up(*(f"z2m:{n:03d} {'ø' * 190}" for n in range(500)))
    first.beat()
    assert first.beat().list_wanted is False
    assert len(house.rows(listed_devices)) == 500


def test_the_gauge_counts_each_device_once(house: House, ends: tuple[End, End]) -> None:
    for end in ends:
        end.set_up("enocean:00000001")
        end.beat()
        end.beat()
    device_lists.measure(house.db, house.clock.at_ms)
    values = {
        sample.labels["known_to"]: sample.value
        for metric in device_lists.DIFFERENCES.collect()
        for sample in metric.samples
    }
    assert values == {"gateway": 2, "centre": len(HUNG_HERE)}


# --- any lists, any order --------------------------------------------------------------------------------

POOL = [f"enocean:0000000{n}" for n in range(6)] + ["z2m:a", "z2m:b"]


def right(house: House, ends: tuple[End, End], end: End) -> dict[str, str]:
    """What this gateway's findings must be, said as simply as possible."""
    known = {row.address: row for row in house.rows(devices)}
    ids = {one.gate.sender.gateway_id: one for one in ends}
    told = {gateway_id: {*one.configured, *_speaking(one.heard)} for gateway_id, one in ids.items()}
    mine = end.gate.sender.gateway_id
    wards = {row.id: row.ward_id for row in house.rows(gateways)}
    ward_of = {row.id: row.ward_id for row in house.rows(rooms)}
    hung = {row.device_id: ward_of[row.room_id] for row in house.rows(placements) if row.to_ms is None}
    missing = {
        address
        for address, row in known.items()
        if (row.gateway_id == mine and address not in told[mine])
        or (row.gateway_id is None and hung.get(row.id) == wards[mine] and not any(address in t for t in told.values()))
    }
    return {
        **dict.fromkeys(missing, ONLY_CENTRE),
        **dict.fromkeys(set(end.configured) - set(known), ONLY_GATEWAY),
    }


def _speaking(heard: set[str]) -> set[str]:
    return {address for address in heard if address.startswith("z2m:")}


@pytest.mark.parametrize("number", range(12))
def test_any_two_lists_converge_and_stay(house: House, ends: tuple[End, End], number: int) -> None:
    chance = random.Random(number)
    print(f"seed {number}")
    for _ in range(25):
        end = chance.choice(ends)
        what = chance.randrange(6)
        house.clock.at_ms += 15_000
        if what == 0:
            end.set_up(*chance.sample(POOL, chance.randrange(len(POOL))))
        elif what == 1:
            gateway, room = chance.choice(["", "gw1", "gw2"]), chance.choice(["", "201", "202"])
            seed(house, DeviceEntry(chance.choice(POOL), gateway=gateway, room=room))
        elif what == 2:
            end.restart()
        elif what == 3:
            end.heard.add(chance.choice(POOL))
        else:
            end.beat(answered=chance.random() < 0.8)
    for end in (*ends, *ends, *ends):
        house.clock.at_ms += 15_000
        end.beat()
    for _ in range(2):
        for end in ends:
            house.clock.at_ms += 15_000
            assert end.beat().list_wanted is False
            assert end.run.findings() == right(house, ends, end)
    with house.db.read(house.tenant.id) as s:
        found = device_lists.of_tenant(s, house.clock.at_ms)
    for key, end in zip(("gw1", "gw2"), ends, strict=True):
        said = {**dict.fromkeys(found[key].only_centre, ONLY_CENTRE)}
        said |= dict.fromkeys(found[key].only_gateway, ONLY_GATEWAY)
        assert said == end.run.findings()
    assert house.alarms() == []
