"""Order is by stream and sequence: what a batch took on its way turns no two events of a gateway round."""

from __future__ import annotations

from nattevakt.central.tables import device_states, events, streams
from nattevakt.edge.events import BEFORE_BOOT, Bed, Body, Fall, Moment
from tests.central.house import BED, BOOTED_MS, NOON_MS, S1, House, line, moment


def sent(house: House, *told: tuple[int, Body, Moment], took_ms: int) -> None:
    """One batch with rows (seq, body, moment) from a gateway whose clock is not synchronised; it arrives now."""
    left = moment(house.clock.at_ms - took_ms, synced=False)
    house.gate.send(*(line(S1, seq, body, at) for seq, body, at in told), sent=left, firsts={S1: 1})


def at(ms: int) -> Moment:
    return Moment("boot-1", ms - BOOTED_MS, 1_000, synced=False)


def moments(house: House) -> list[int]:
    """When each row happened, by sequence, less the beginning of the test."""
    rows = house.rows(events)
    assert all(row.occurred_from_ms == row.occurred_to_ms <= row.received_ms for row in rows)
    return [row.occurred_to_ms - NOON_MS for row in sorted(rows, key=lambda row: row.seq)]


def test_who_lay_down_again_is_in_bed_however_slow_the_first_word_came(house: House) -> None:
    house.clock.at_ms = NOON_MS + 4_000
    sent(house, (1, Bed(BED, occupied=False), at(NOON_MS)), took_ms=4_000)
    house.clock.at_ms = NOON_MS + 4_050
    sent(house, (2, Bed(BED, occupied=True), at(NOON_MS + 2_000)), took_ms=50)
    assert moments(house) == [4_000, 4_000]
    (state,) = house.rows(device_states)
    assert state.readings["bed"] == "occupied"
    house.clock.at_ms = NOON_MS + 9_000
    sent(house, (3, Bed(BED, occupied=False), at(NOON_MS + 8_000)), took_ms=50)
    assert moments(house) == [4_000, 4_000, 8_050]


def test_what_comes_late_on_the_other_lane_happened_before_what_overtook_it(house: House) -> None:
    house.clock.at_ms = NOON_MS + 2_050
    sent(house, (2, Fall(BED), at(NOON_MS + 1_900)), (3, Bed(BED, occupied=True), at(NOON_MS + 2_000)), took_ms=50)
    house.clock.at_ms = NOON_MS + 6_000
    sent(house, (1, Bed(BED, occupied=False), at(NOON_MS)), took_ms=5_000)
    assert moments(house) == [2_049, 1_950, 2_050]
    (state,) = house.rows(device_states)
    assert state.readings["bed"] == "occupied"


def test_stored_history_keeps_its_own_time_and_what_follows_its_place(house: House) -> None:
    house.clock.at_ms = NOON_MS + 4_000
    sent(house, (1, Bed(BED, occupied=False), at(NOON_MS)), took_ms=4_000)
    house.clock.at_ms = NOON_MS + 4_050
    before = Moment(BEFORE_BOOT, 0, NOON_MS - 7_000_000, synced=True)
    told = (2, Fall(BED), at(NOON_MS - 30_000)), (3, Fall(BED), before), (4, Bed(BED, occupied=True), at(NOON_MS + 10))
    sent(house, *told, took_ms=50)
    assert moments(house) == [4_000, -29_950, -7_000_000, 4_000]
    (stream,) = house.rows(streams)
    assert (stream.dated_seq, stream.dated_ms - NOON_MS) == (4, 4_000)
    assert (stream.dated_boot, stream.dated_boottime_ms) == ("boot-1", NOON_MS + 10 - BOOTED_MS)


def test_another_boot_has_a_steady_clock_of_its_own(house: House) -> None:
    house.clock.at_ms = NOON_MS + 4_000
    sent(house, (1, Bed(BED, occupied=False), at(NOON_MS)), took_ms=4_000)
    other = Moment("boot-0", 3_600_000 * 5, NOON_MS - 20_000, synced=True)
    sent(house, (2, Bed(BED, occupied=True), other), took_ms=50)
    assert moments(house) == [4_000, -20_000]
