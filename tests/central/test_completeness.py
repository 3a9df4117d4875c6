"""Up to when nothing is missing, for whom, and what no clock may do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.columns import TENANT
from nattevakt.central.completeness import Judged, Outage, judged, outages, serving, unknown_since_ms
from nattevakt.central.heartbeat import beat
from nattevakt.central.tables import devices, gateways, placements, rooms, sweep_runs
from nattevakt.edge.events import Bed, Moment, SourceLost, Started
from nattevakt.edge.wire import CompleteTo, GatewayHealth, Heartbeat, HeldStream, encode_message
from tests.central.house import BED, BOOTED_MS, BUTTON, DOOR, LEAK, S1, S2, Gate, House, line, moment
from tests.central.watch import begun, live, well

S, MIN = 1_000, 60_000


def ask(house: House, *gates: Gate, leans_on: tuple[str, ...] = ()) -> Judged:
    with house.db.read(house.tenant.id) as s:
        return judged(s, [gate.sender.gateway_id for gate in gates], house.clock.at_ms, leans_on)


def serve(house: House, *wanted: int, at_ms: int | None = None) -> list[int]:
    """Which gateways, by their place in the house."""
    with house.db.read(house.tenant.id) as s:
        found = serving(s, wanted, house.clock.at_ms if at_ms is None else at_ms)
    return [place for place, gate in enumerate(house.gates) if gate.sender.gateway_id in found]


def change(house: House, table: Any, *where: Any, **values: object) -> None:
    with house.db.write(house.tenant.id) as s:
        s.execute(update(table).where(table.c.tenant_id == TENANT, *where).values(**values))


def complete(house: House) -> int | None:
    found: int | None = house.rows(gateways)[0].complete_to_ms
    return found


def test_the_gateway_furthest_behind_holds_all_back(house: House) -> None:
    now = house.clock.at_ms
    assert ask(house) == Judged(now, None, now)
    assert ask(house, *house.gates) == Judged(0, house.gate.sender.gateway_id, 0)
    well(house.gate)
    house.clock.at_ms += 20 * S
    well(house.gates[1])
    assert ask(house, house.gates[1]) == Judged(now + 20 * S, None, now + 20 * S)
    assert ask(house, *house.gates) == Judged(now, house.gate.sender.gateway_id, now)


def test_the_lag_counts_from_the_centres_return_but_completeness_knows_no_grace(house: House) -> None:
    begun(house)
    gone_ms = house.clock.at_ms
    house.clock.at_ms += 60 * MIN
    change(house, sweep_runs, grace_ms=house.clock.at_ms - 5 * S)
    found = ask(house, *house.gates)
    assert (found.to_ms, found.lag_from_ms) == (gone_ms, house.clock.at_ms - 5 * S)


def test_a_sensor_that_is_unknown_holds_back_whoever_leans_on_it(house: House) -> None:
    begun(house)
    lost_ms = house.clock.at_ms
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.tell(2, SourceLost("z2m", "bridge offline", (BED, DOOR)))
    live(house, 5 * MIN, *house.gates)
    assert ask(house, *house.gates, leans_on=(BED,)) == Judged(lost_ms, None, lost_ms)
    assert ask(house, *house.gates, leans_on=(BUTTON,)).to_ms == house.clock.at_ms
    # What another gateway has heard since is known all the same.
    well(house.gates[1], heard={BED: 0})
    assert ask(house, *house.gates, leans_on=(BED,)).to_ms == house.clock.at_ms
    with house.db.read(house.tenant.id) as s:
        assert unknown_since_ms(s, (BED, DOOR)) == lost_ms
        assert unknown_since_ms(s, ("test:nobody",)) is None


def test_who_serves_a_room(house: House) -> None:
    one, two = (house.id_of(rooms, key) for key in ("201", "202"))
    assert serve(house, one, two) == []
    well(house.gates[0], heard={BUTTON: 0, BED: 0})
    well(house.gates[1], heard={BED: 0})
    assert (serve(house, one), serve(house, two), serve(house, one, two)) == ([0], [0, 1], [0, 1])
    # Given to one gateway, a device counts for no other.
    change(house, devices, devices.c.address == BED, gateway_id=house.gates[1].sender.gateway_id)
    assert serve(house, two) == [1]
    # A mute device's silence says nothing.
    change(house, devices, devices.c.address == BUTTON, mute=True)
    assert serve(house, one) == []
    well(house.gates[0], heard={LEAK: 0})
    assert serve(house, one) == [0]
    # A device that was taken down served until then.
    change(house, placements, placements.c.room_id == one, to_ms=house.clock.at_ms)
    assert (serve(house, one), serve(house, one, at_ms=house.clock.at_ms - 1)) == ([], [0])
    change(house, gateways, gateways.c.id == house.gates[1].sender.gateway_id, revoked_ms=house.clock.at_ms)
    assert serve(house, two) == []


def test_outages_are_what_the_sweep_found(house: House) -> None:
    begun(house)
    gone_ms = house.clock.at_ms
    ids = [gate.sender.gateway_id for gate in house.gates]

    def out() -> dict[int, Outage]:
        with house.db.read(house.tenant.id) as s:
            return outages(s, ids)

    assert out() == {}
    live(house, 2 * MIN, house.gates[1])
    assert out() == {ids[0]: Outage(gone_ms, "gateway_silent")}
    change(house, gateways, gateways.c.id == ids[1], revoked_ms=gone_ms + 5)
    assert out()[ids[1]] == Outage(gone_ms + 5, "gateway_revoked")
    live(house, 15 * S, house.gates[0])
    assert set(out()) == {ids[1]}


@pytest.mark.parametrize("wall_ms", [0, 86_400_000 * 365, -20_000], ids=["1970", "a year on", "a step back"])
def test_a_gateways_wall_clock_moves_completeness_neither_back_nor_ahead(house: House, wall_ms: int) -> None:
    well(house.gate)
    before = complete(house)
    assert before is not None
    house.clock.at_ms += 15 * S
    now = house.clock.at_ms
    wrong = 0 if wall_ms == 0 else now + wall_ms
    told = Moment("boot-1", now - BOOTED_MS, wrong, synced=True)
    health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
    from_gate = Heartbeat(told, S1, (), CompleteTo(told, {}), health)
    beat_raw(house, from_gate)
    assert complete(house) == now
    # A moment of another boot, without a clock, tells nothing that could be used.
    older = Moment("boot-0", 5, 5, synced=False)
    later = replace(told, boottime_ms=told.boottime_ms + 1)
    beat_raw(house, Heartbeat(later, S1, (), CompleteTo(older, {}), health))
    assert complete(house) == now


def beat_raw(house: House, heartbeat: Heartbeat) -> None:
    beat(house.db, house.gate.sender, encode_message(heartbeat), house.clock.at_ms)


def test_a_new_stream_must_be_reached_as_well_as_what_is_left_of_the_old(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    well(house.gate, S1, {S1: 1})
    before = complete(house)
    house.clock.at_ms += 15 * S
    now = house.clock.at_ms
    house.gate.send(line(S2, 1, Started("0.1.0", S1, 3), moment(now)), firsts={S2: 1})
    held = (HeldStream(S1, 1, 3, 1), HeldStream(S2, 1, 1, 1))
    house.gate.beat(S2, *held, complete_to=CompleteTo(moment(now), {S1: 3, S2: 1}))
    assert complete(house) == before
    house.gate.send(
        line(S1, 2, Bed(BED, occupied=False), moment(now)), line(S1, 3, Bed(BED, occupied=True), moment(now))
    )
    house.clock.at_ms += 15 * S
    house.gate.beat(S2, complete_to=None)
    assert complete(house) == now
