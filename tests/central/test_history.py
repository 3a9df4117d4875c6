"""What a device stored and tells later reaches the centre after the moment up to which all was said to be there.

Such rows stand at their own time, of this boot or of none (`BEFORE_BOOT`). They ring if they must, they may not undo
what is known since, and nothing that the centre has heard of the gateway's completeness moves back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nattevakt.central import sweep
from nattevakt.central.tables import events, gateways
from nattevakt.edge.events import BEFORE_BOOT, Bed, Body, Call, Contact, Fall, Leak, Moment, Motion
from nattevakt.edge.wire import CompleteTo, ItemReply, Outcome
from tests.central.house import BED, BOOTED_MS, BUTTON, DOOR, LEAK, NOON_MS, S1, House, line, moment
from tests.central.night import MAT, MIN, PIR, Ward
from tests.central.watch import begun, live, silent, state_of

S, HOUR = 1_000, 60 * MIN
STORED = (ItemReply(Outcome.STORED),)
AGES = [41 * MIN, 2 * HOUR]
"""Within the gateway's boot, which began an hour before, and before it."""


def past(at_ms: int) -> Moment:
    """How a gateway dates what a device kept."""
    if at_ms < BOOTED_MS:
        return Moment(BEFORE_BOOT, 0, at_ms, synced=True)
    return moment(at_ms)


def complete(house: House) -> int:
    found: int = house.rows(gateways)[0].complete_to_ms
    return found


@pytest.mark.parametrize("age_ms", AGES)
@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (Call(BUTTON, "single"), "call", "call.pressed_late"),
        (Fall(BUTTON), "fall", "fall.detected_late"),
        (Leak(LEAK), "leak", "leak.water_late"),
        (Contact(DOOR, open=True), "door_at_night", "door.opened_late"),
    ],
)
def test_late_history_rings_and_says_how_late(house: House, body: Body, kind: str, reason: str, age_ms: int) -> None:
    begun(house)
    live(house, 2 * MIN, *house.gates)
    known_ms = complete(house)
    happened_ms = house.clock.at_ms - age_ms
    assert known_ms > happened_ms
    assert house.gate.send(line(S1, 1, body, past(happened_ms))).outcomes == STORED
    (alarm,) = house.alarms(kind)
    assert (alarm.occurred_from_ms, alarm.occurred_to_ms) == (happened_ms, happened_ms)
    assert (alarm.reason_code, alarm.reason_params["late_min"]) == (reason, age_ms // MIN)
    assert alarm.sound_seq > 0
    assert complete(house) >= known_ms
    live(house, 5 * MIN, *house.gates)
    assert len(house.alarms(kind)) == 1
    assert silent(house) == []
    assert complete(house) == house.clock.at_ms


@pytest.mark.parametrize("age_ms", AGES)
def test_late_history_never_undoes_a_newer_state_nor_a_devices_last_word(house: House, age_ms: int) -> None:
    begun(house)
    house.gate.tell(1, Bed(BED, occupied=True))
    live(house, 2 * MIN, *house.gates)
    heard_ms = house.clock.at_ms
    house.gate.tell(2, Contact(DOOR, open=False))
    house.gate.send(
        line(S1, 3, Bed(BED, occupied=False), past(heard_ms - age_ms)),
        line(S1, 4, Contact(DOOR, open=True), past(heard_ms - age_ms)),
    )
    assert (state_of(house, BED).readings["bed"], state_of(house, DOOR).readings["contact"]) == ("occupied", "closed")
    assert state_of(house, DOOR).last_heard_ms == heard_ms
    rows = {row.seq: row for row in house.rows(events)}
    assert rows[3].occurred_from_ms == rows[3].occurred_to_ms == heard_ms - age_ms
    live(house, 3 * MIN, *house.gates)
    assert silent(house) == []


def test_what_comes_after_history_in_its_stream_is_dated_as_well_as_before(house: House) -> None:
    """History is no floor: a row of a boot that nobody knows is later than what came live before it."""
    begun(house)
    live_ms = house.clock.at_ms
    house.gate.tell(1, Contact(DOOR, open=False))
    house.gate.send(line(S1, 2, Contact(DOOR, open=True), past(live_ms - 2 * HOUR)))
    house.clock.at_ms += MIN
    house.gate.send(line(S1, 3, Call(BUTTON, "single"), Moment("boot-unknown", 5, 7, synced=False)))
    (alarm,) = house.alarms("call")
    assert (alarm.occurred_from_ms, alarm.occurred_to_ms) == (live_ms, house.clock.at_ms)


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    """A watched bed, on each database; it is 01:30, and its window began at 23:00."""
    made = Ward(database_url, "furutun", NOON_MS + 150 * MIN)
    yield made
    made.close()


def tell(ward: Ward, seq: int, body: Body, at: Moment) -> None:
    assert ward.gates[0].send(line(S1, seq, body, at)).outcomes == STORED


def pass_time(ward: Ward, ms: int, marks: int) -> None:
    """Both gateways beat, complete to now, and the centre looks, every 30 s."""
    for _ in range(ms // (30 * S)):
        ward.clock.at_ms += 30 * S
        for number, gate in enumerate(ward.gates):
            gate.beat(complete_to=CompleteTo(moment(ward.clock.at_ms), {S1: marks} if number == 0 else {}))
        assert sweep.cycle(ward.db, ward.tenant, ward.clock.at_ms)


def before_boot(at_ms: int) -> Moment:
    return Moment(BEFORE_BOOT, 0, at_ms, synced=True)


@pytest.mark.parametrize("dated", [moment, before_boot])
def test_a_late_history_return_ends_the_alarm_and_a_late_history_exit_and_return_make_none(
    ward: Ward, dated: Callable[[int], Moment]
) -> None:
    start_ms = ward.clock.at_ms
    tell(ward, 1, Bed(MAT, occupied=True), moment(start_ms))
    pass_time(ward, 40 * MIN, 1)
    # Up for twenty minutes and back again: told at once, after it was said that all to now is there.
    tell(ward, 2, Bed(MAT, occupied=False), dated(start_ms + 5 * MIN))
    tell(ward, 3, Bed(MAT, occupied=True), dated(start_ms + 9 * MIN))
    pass_time(ward, 40 * MIN, 3)
    assert ward.found().open == frozenset()
    assert ward.found().told == frozenset()
    # Truly up, live; the return is known only from what the mat kept.
    left_ms = ward.clock.at_ms
    tell(ward, 4, Bed(MAT, occupied=False), moment(left_ms))
    tell(ward, 5, Motion(PIR), moment(left_ms + 2 * S))
    pass_time(ward, 20 * MIN, 5)
    assert len(ward.found().open) == 1
    tell(ward, 6, Bed(MAT, occupied=True), dated(left_ms + 10 * MIN))
    pass_time(ward, 2 * MIN, 6)
    assert ward.found().open == frozenset()
    assert len(ward.found().cleared) == 1


@pytest.mark.parametrize("dated", [moment, before_boot])
def test_a_late_history_exit_that_nobody_returned_from_is_an_alarm_from_its_own_time(
    ward: Ward, dated: Callable[[int], Moment]
) -> None:
    start_ms = ward.clock.at_ms
    tell(ward, 1, Bed(MAT, occupied=True), moment(start_ms))
    pass_time(ward, 40 * MIN, 1)
    left_ms = start_ms + 5 * MIN
    tell(ward, 2, Bed(MAT, occupied=False), dated(left_ms))
    pass_time(ward, MIN, 2)
    ((kind, reason, params, sounded, _),) = ward.found().open
    # Both limits have passed when it comes to be known.
    assert (kind, reason, dict(params)["left_ms"], sounded) == (
        *("not_back_in_bed", "bed.not_back_still", left_ms),
        True,
    )


@pytest.mark.parametrize("dated", [moment, before_boot])
def test_history_older_than_what_is_known_leaves_whoever_lies_in_bed_in_bed(
    ward: Ward, dated: Callable[[int], Moment]
) -> None:
    """The gateway tells the state that is so once more, after the history: the end is the same in either order."""
    start_ms = ward.clock.at_ms
    tell(ward, 1, Bed(MAT, occupied=True), moment(start_ms))
    pass_time(ward, 30 * MIN, 1)
    now_ms = ward.clock.at_ms
    tell(ward, 2, Bed(MAT, occupied=False), dated(start_ms - 70 * MIN))
    tell(ward, 3, Bed(MAT, occupied=False), dated(start_ms + 2 * MIN))
    ward.gates[0].send(line(S1, 4, Bed(MAT, occupied=True), moment(now_ms), dated(start_ms + 2 * MIN)))
    pass_time(ward, 70 * MIN, 4)
    assert ward.found().open == frozenset()
    # A month of it, at once.
    days = [
        dated(now_ms - day * 24 * HOUR) if dated is before_boot else dated(now_ms - day * MIN) for day in range(1, 31)
    ]
    for seq, at in enumerate(reversed(days), 5):
        tell(ward, seq, Bed(MAT, occupied=seq % 2 == 0), at)
    pass_time(ward, 40 * MIN, 34)
    assert ward.found().open == frozenset()
