"""A gateway that starts without what it had stored is named, with from and to; one that goes on is not."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.tables import device_states
from nattevakt.edge.events import Bed, Moment, Started
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import CompleteTo, HeldStream
from tests.central.house import BED, S1, S2, S3, House, line, moment
from tests.central.watch import begun, cycle, live, silent, take, well

SECOND = 1_000
S4 = "4" * 32


def begin(house: House, stream: str, seq: int = 1, previous: str | None = None, last: int | None = None) -> None:
    """A gateway's agent starts, and its start gets through."""
    house.clock.at_ms += 30 * SECOND
    house.gate.tell(seq, Started("0.1.0", previous, last), stream=stream, firsts={stream: seq})


def lives(house: House, stream: str, *held: HeldStream, marks: dict[str, int] | None = None) -> None:
    """A heartbeat that says that all is told."""
    house.clock.at_ms += 15 * SECOND
    house.gate.beat(stream, *held, complete_to=CompleteTo(moment(house.clock.at_ms), marks or {}))


def lost(house: House) -> list[Any]:
    return house.alarms("storage_lost")


def test_a_gateway_that_is_new_has_lost_nothing(house: House) -> None:
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    begin(house, S2, 2, S1, 1)
    lives(house, S2)
    assert house.alarms() == []


def test_another_card_is_named_once_with_from_and_to_and_what_it_leaves_unknown(house: House) -> None:
    begin(house, S1)
    house.gate.tell(2, Bed(BED, occupied=True))
    lives(house, S1, HeldStream(S1, 1, 2, 2), marks={S1: 2})
    whole_ms = house.clock.at_ms
    house.clock.at_ms += 20 * SECOND
    house.gate.beat(S2, HeldStream(S2, 1, 1, 0), complete_to=CompleteTo(moment(house.clock.at_ms), {S2: 1}))
    assert lost(house) == []
    begin(house, S2)
    (alarm,) = lost(house)
    assert (alarm.priority, alarm.reason_code, alarm.sound_seq) == (Priority.MEDIUM, "storage_lost", 1)
    assert alarm.subject == f"gateway:{house.gate.sender.gateway_id}"
    assert (alarm.reason_params["from_ms"], alarm.reason_params["to_ms"]) == (whole_ms, house.clock.at_ms)
    assert alarm.reason_params["rooms"] == "202"
    (state,) = house.rows(device_states)
    assert (state.unknown_since_ms, state.unknown_reason) == (whole_ms, "restart")
    lives(house, S2)
    house.gate.tell(1, Started("0.1.0"), stream=S2, firsts={S2: 1}, at_ms=house.clock.at_ms - 15 * SECOND)
    begin(house, S3, 2, S2, 1)
    lives(house, S3)
    assert [row.sound_seq for row in lost(house)] == [1]


def test_each_card_that_is_changed_is_a_gap_of_its_own(house: House) -> None:
    for stream in (S1, S2, S3):
        begin(house, stream)
        lives(house, stream)
    assert [row.sound_seq for row in lost(house)] == [2]
    assert lost(house)[0].reason_params["to_ms"] == house.clock.at_ms - 15 * SECOND


def test_a_gateway_of_which_nothing_arrived_but_its_heartbeats_had_something_to_lose(house: House) -> None:
    lives(house, S1, HeldStream(S1, 1, 3, 0))
    begin(house, S2)
    (alarm,) = lost(house)
    assert alarm.reason_params["from_ms"] == house.clock.at_ms - 30 * SECOND


@pytest.mark.parametrize("told", [2, 5], ids=["a stream behind", "rows behind"])
def test_an_old_copy_of_a_card_has_forgotten_what_came_after_it(house: House, told: int) -> None:
    begin(house, S1)
    for seq in range(2, told + 1):
        house.gate.tell(seq, Bed(BED, occupied=True))
    lives(house, S1)
    if told == 2:
        begin(house, S2, 3, S1, 2)
        lives(house, S2)
    assert lost(house) == []
    begin(house, S3, 3, S1, 2)
    assert len(lost(house)) == 1


def test_the_first_card_that_is_put_back_has_not_what_the_second_had(house: House) -> None:
    begin(house, S1)
    lives(house, S1)
    begin(house, S2)
    lives(house, S2)
    begin(house, S3, 2, S1, 1)
    assert [row.sound_seq for row in lost(house)] == [2]


def test_starts_that_come_late_and_in_any_order_are_of_one_card(house: House) -> None:
    """Three starts before anything was told: heartbeats overtake them, and a batch holds them in any order."""
    held = HeldStream(S1, 1, 1, 0), HeldStream(S2, 2, 2, 1), HeldStream(S3, 3, 3, 2)
    lives(house, S1, held[0])
    lives(house, S3, *held)
    at = moment(house.clock.at_ms)
    first, second, third = (
        line(stream, seq, Started("0.1.0", previous, seq - 1 if previous else None), at)
        for stream, seq, previous in ((S1, 1, None), (S2, 2, S1), (S3, 3, S2))
    )
    firsts = {S1: 1, S2: 2, S3: 3}
    house.gate.send(third, firsts=firsts)
    house.gate.send(first, firsts=firsts)
    house.gate.send(second, firsts=firsts)
    lives(house, S3, *held)
    begin(house, S4, 4, S3, 3)
    assert house.alarms() == []


def test_a_start_that_was_never_told_is_no_other_card(house: House) -> None:
    """Its rows are missing, and that is said; what came before it is not in doubt."""
    begin(house, S1)
    lives(house, S1)
    begin(house, S3, 5, S2, 4)
    lives(house, S3)
    assert [alarm.kind for alarm in house.alarms()] == ["rows_missing"]


def test_another_gateway_s_streams_say_nothing(house: House) -> None:
    begin(house, S1)
    lives(house, S1)
    house.gates[1].tell(1, Started("0.1.0"), stream=S2, firsts={S2: 1})
    assert house.alarms() == []


def test_rooms_are_named_only_where_there_are_any(house: House) -> None:
    begin(house, S1)
    begin(house, S2)
    assert [row.reason_code for row in lost(house)] == ["storage_lost.empty"]


MINUTE = 60 * SECOND


def returns(house: House, gone_ms: int, *, lived: Moment | None = None, seq: int = 2, pace: float = 1.0) -> None:
    """The agent starts with all that it had stored, so long after its last stored sign of life."""
    lived = lived or moment(house.clock.at_ms)
    house.clock.at_ms += gone_ms
    house.gate.tell(seq, Started("0.1.0", S1, seq - 1, lived), stream=S2, firsts={S2: seq}, pace=pace)


def gaps(house: House) -> list[Any]:
    return house.alarms("gateway_gap")


@pytest.mark.parametrize(("gone_ms", "told"), [(45 * SECOND, 0), (10 * MINUTE, 1)])
def test_who_was_gone_while_the_centre_was_away_too_is_named_with_from_and_to(
    house: House, gone_ms: int, told: int
) -> None:
    """Dense seed 9: an older copy of a card was put in while nobody could see that its gateway was gone."""
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    house.gate.tell(2, Bed(BED, occupied=True))
    house.clock.at_ms += 20 * MINUTE
    lived_ms = house.clock.at_ms
    returns(house, gone_ms, seq=3)
    assert [alarm.sound_seq for alarm in gaps(house)] == [1] * told
    if told:
        (alarm,) = gaps(house)
        assert (alarm.priority, alarm.reason_code) == (Priority.MEDIUM, "gateway_gap")
        wanted = {"gateway": "Loftet", "from_ms": lived_ms, "to_ms": house.clock.at_ms, "rooms": "202"}
        assert alarm.reason_params == wanted
    assert lost(house) == []


def test_who_was_heard_until_it_died_and_is_back_soon_is_not_named(house: House) -> None:
    """Its clocks say nothing of when it last lived; the centre heard it a moment ago."""
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    returns(house, 40 * SECOND, lived=moment(house.clock.at_ms, boot="boot-0", synced=False))
    assert house.alarms() == []


@pytest.mark.parametrize(("gone_ms", "told"), [(200 * SECOND, 0), (260 * SECOND, 1)])
def test_where_a_demo_is_sped_up_the_limit_is_never_shorter_than_five_seconds(
    house: House, gone_ms: int, told: int
) -> None:
    """At fifty times the speed an agent that starts anew is gone for minutes."""
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    returns(house, gone_ms, pace=50.0)
    assert len(gaps(house)) == told


def test_where_no_clock_tells_how_long_it_was_gone_it_is_named(house: House) -> None:
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    returns(house, 10 * MINUTE, lived=moment(house.clock.at_ms, boot="boot-0", synced=False))
    assert [alarm.reason_params["from_ms"] for alarm in gaps(house)] == [house.clock.at_ms - 10 * MINUTE]


def test_each_such_gap_is_heard_of(house: House) -> None:
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    returns(house, 10 * MINUTE)
    house.clock.at_ms += 10 * MINUTE
    lived = moment(house.clock.at_ms)
    house.clock.at_ms += 5 * MINUTE
    house.gate.tell(3, Started("0.1.0", S2, 2, lived), stream=S3, firsts={S3: 3})
    assert [alarm.sound_seq for alarm in gaps(house)] == [2]


@pytest.mark.parametrize("ended", [False, True], ids=["is silent", "was told of it"])
def test_whose_silence_was_told_is_not_told_again(house: House, ended: bool) -> None:
    begun(house)
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    lived = moment(house.clock.at_ms)
    live(house, 5 * MINUTE, house.gates[1])
    if ended:
        well(house.gate, marks={S1: 1})
        cycle(house)
    assert [alarm.state for alarm in silent(house)] == (["auto_avklart"] if ended else ["eskalert"])
    returns(house, 30 * SECOND, lived=lived)
    assert gaps(house) == []


def test_that_it_was_silent_in_the_evening_says_nothing_of_the_night(house: House) -> None:
    begun(house)
    live(house, 5 * MINUTE, house.gates[1])
    take(house, silent(house)[0].id)
    begin(house, S1)
    lives(house, S1, marks={S1: 1})
    cycle(house)
    house.clock.at_ms += 30 * MINUTE
    returns(house, 10 * MINUTE)
    assert [alarm.state for alarm in silent(house)] == ["kvittert"]
    assert len(gaps(house)) == 1
