"""What a start tells of the streams before it: what is missing is named once, what is on its way is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.tables import device_states, transitions
from nattevakt.edge.events import (
    Bed,
    Started,
)
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import HeldStream
from tests.central.house import BED, S1, S2, S3, House, moment


def start(house: House, seq: int, last: int, *, life_ms: int | None = None) -> Any:
    life = moment(life_ms) if life_ms is not None else None
    return house.gate.tell(seq, Started("0.1.0", S1, last, life), stream=S2, firsts={S2: seq})


def test_a_stream_that_lacks_its_last_rows_alarms_once_and_clears_when_they_come(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    start(house, 4, last=3)
    assert house.alarms("rows_missing") == [], "until its first heartbeat nobody knows what it still sends"
    house.gate.beat(S2)
    (alarm,) = house.alarms("rows_missing")
    assert (alarm.priority, alarm.reason_params["rows"], alarm.state) == (Priority.LOW, "2–3", "meldt")
    house.gate.beat(S2)
    house.gate.tell(5, Bed(BED, occupied=False), stream=S2)
    assert len(house.rows(transitions)) == 1
    house.gate.tell(2, Bed(BED, occupied=True))
    house.gate.tell(3, Bed(BED, occupied=True))
    house.gate.beat(S2)
    assert house.alarms("rows_missing")[0].state == "auto_avklart"


@pytest.mark.parametrize("late", [False, True], ids=["starts come in turn", "the dead one's start comes last"])
def test_what_died_before_its_first_heartbeat_tells_of_what_was_before_it_all_the_same(
    house: House, late: bool
) -> None:
    """Its start came with a batch, and then nothing; whoever speaks now says that it went on from it."""
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.beat(S1, HeldStream(S1, 1, 1, 1))

    def dead(stream: str, seq: int, previous: str) -> None:
        house.gate.tell(seq, Started("0.1.0", previous, seq - 1), stream=stream, firsts={stream: seq})

    starts = [("2" * 32, 4, S1), *((f"{number:032x}", 4 + number, "") for number in range(1, 8))]
    named = [(stream, seq, starts[index - 1][0] if index else S1) for index, (stream, seq, _) in enumerate(starts)]
    for one in (*named[1:], named[0]) if late else named:
        dead(*one)
        assert house.alarms("rows_missing") == [], "none of these has been heard"
    last = named[-1][0]
    dead(S3, 12, last)
    assert house.alarms("rows_missing") == []
    house.gate.beat(S3, HeldStream(S3, 12, 12, 12))
    (alarm,) = house.alarms("rows_missing")
    assert (alarm.reason_params["stream"], alarm.reason_params["rows"]) == (S1, "2–3")
    house.gate.beat(S3, HeldStream(S3, 12, 12, 12))
    assert house.alarms("rows_missing")[0].sound_seq == 1


def test_a_heartbeat_from_before_a_start_says_nothing_of_what_its_gateway_sends_since(house: House) -> None:
    """It lay about on the way while the start came by: rows that it did not know of are no gap yet."""
    house.gate.tell(1, Bed(BED, occupied=True))
    start(house, 4, last=3)
    house.gate.beat(S1, HeldStream(S1, 1, 1, 1))
    house.gate.beat(S1, HeldStream(S1, 1, 1, 1))
    assert house.alarms("rows_missing") == []


def test_a_stream_is_not_short_while_its_rows_are_still_on_the_way(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.beat(S2, HeldStream(S1, 1, 3, 1))
    start(house, 4, last=3)
    assert house.alarms("rows_missing") == []
    house.gate.beat(S2, HeldStream(S1, 1, 3, 3))
    assert house.alarms("rows_missing") == [], "it hears just now that we have not what it holds for delivered"
    house.gate.beat(S2, HeldStream(S1, 1, 3, 3))
    assert len(house.alarms("rows_missing")) == 1


def test_what_a_centre_that_was_restored_does_not_hold_is_sent_again_and_not_called_missing(house: House) -> None:
    """Dense seed 18: the agents had been started anew after the copy was made."""
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.beat(S1, HeldStream(S1, 1, 1, 1))
    start(house, 4, last=3)
    house.gate.beat(S2, HeldStream(S1, 1, 3, 3), HeldStream(S2, 4, 4, 3))
    house.gate.beat(S2, HeldStream(S1, 1, 3, 1), HeldStream(S2, 4, 4, 4))
    house.gate.tell(2, Bed(BED, occupied=True))
    house.gate.tell(3, Bed(BED, occupied=False))
    house.gate.beat(S2, HeldStream(S1, 1, 3, 3), HeldStream(S2, 4, 4, 4))
    assert house.alarms("rows_missing") == []


def test_a_complete_stream_is_not_short(house: House) -> None:
    for seq in (1, 2, 3):
        house.gate.tell(seq, Bed(BED, occupied=True))
    start(house, 4, last=3)
    house.gate.beat(S2)
    assert house.alarms() == []


def test_what_nobody_listened_to_is_unknown_until_it_is_heard(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    life_ms = house.clock.at_ms + 5_000
    house.clock.at_ms += 3_600_000
    start(house, 2, last=1, life_ms=life_ms)
    (state,) = house.rows(device_states)
    assert (state.unknown_since_ms, state.unknown_reason) == (life_ms, "restart")
    house.gate.beat(S2, heard={BED: 3_700_000})
    assert house.rows(device_states)[0].unknown_since_ms == life_ms
    house.clock.at_ms += 30_000
    house.gate.beat(S2, heard={BED: 5_000})
    (state,) = house.rows(device_states)
    assert (state.unknown_since_ms, state.last_heard_ms) == (None, house.clock.at_ms - 5_000)
