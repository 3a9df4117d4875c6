"""The count itself: what is planted in it, it finds. A judge that finds nothing is not trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.acceptance.kill.judge import Count, Ends, count
from tests.acceptance.kill.life import MQTT, SERIAL, Said
from tests.acceptance.kill.wrecker import Marks

BUTTON, SOS = "enocean:01100001", "z2m:sos-1"
PRESS = Said("g1", BUTTON, "call", SERIAL, 50_000, taken=True)
SOS_PRESS = Said("g1", SOS, "call", MQTT, 60_000, acked_ms=60_010)


def row(seq: int, kind: str, device: str = "", *, at_ms: int = 1, alarm_id: int | None = None, **data: Any) -> Any:
    """One event row of the centre."""
    line = {"at": {"boottime_ms": at_ms}, "data": data}
    named = {"gateway": "g1", "stream": "s", "seq": seq, "kind": kind, "device": device, "line": line}
    return {**named, "raw": f"{seq}".encode(), "urgency": "A" if device else "L", "alarm_id": alarm_id, "holders": 1}


def alarm(number: int, **more: Any) -> Any:
    """One alarm of the resident."""
    return {"id": number, "subject": "resident:1", "rule": "call", "kind": "call", "sound_seq": 2, **more}


EVENTS = (row(1, "started"), row(2, "call", BUTTON, alarm_id=1), row(3, "call", SOS, alarm_id=1))
OUTBOX = {("s", seq): f"{seq}".encode() for seq in (1, 2, 3)}
ENDS = Ends(EVENTS, (alarm(1),), {"g1": OUTBOX}, {"g1": 3})


def judged(ends: Ends = ENDS, marks: Marks | None = None, said: tuple[Said, ...] = (PRESS, SOS_PRESS)) -> Count:
    """The count of a small night."""
    return count(said, marks or Marks(), ends)


def without(seq: int, *more: Any) -> Ends:
    """That row never came to be at either end."""
    left = tuple(one for one in EVENTS if one["seq"] != seq)
    outbox = {key: line for key, line in OUTBOX.items() if key[1] != seq}
    return replace(
        ENDS,
        events=(*left, *more),
        outboxes={"g1": outbox},
        appended={"g1": 2 + len(more)},
        alarms=(alarm(1, sound_seq=1),),
    )


def test_a_good_night() -> None:
    found = judged()
    assert (found.sent, found.stored, found.applied, found.alarms) == (2, 3, 3, 1)
    assert (found.lost, found.duplicated, found.gaps, found.unsure, found.faults) == (0, 0, 0, 0, [])
    assert found.table().splitlines()[1].split() == ["2", "3", "3", "1", "0", "0", "0", "0"]


@pytest.mark.parametrize("seq", [2, 3])
def test_a_press_that_was_taken_and_is_no_row_is_lost(seq: int) -> None:
    assert judged(without(seq)).lost == 1


def test_a_press_around_a_kill_must_be_named_as_a_gap() -> None:
    killed = Marks(deaths={"g1": [50_400]})
    assert judged(without(2), killed).lost == 1
    life, at = {"boottime_ms": 49_900}, 54_000
    found = judged(without(2, row(4, "started", at_ms=at, last_life=life)), killed)
    assert (found.lost, found.gaps, found.faults) == (0, 1, [])
    late = judged(without(2, row(4, "started", at_ms=at, last_life={"boottime_ms": 53_500})), killed)
    assert late.lost == 1, "a gap of another time names nothing"


def test_a_press_long_before_a_kill_is_no_gap_unless_it_could_not_be_stored() -> None:
    named = row(4, "started", at_ms=58_000, last_life={"boottime_ms": 49_000})
    assert judged(without(2, named), Marks(deaths={"g1": [56_000]})).lost == 1
    full = Marks(deaths={"g1": [56_000]}, slow={"g1": [(49_500, 56_000)]})
    assert judged(without(2, named), full).lost == 0


def test_what_a_broker_took_is_excused_only_if_it_died_with_it() -> None:
    gap = row(4, "source_back", at_ms=63_000, source="mqtt", lost={"boottime_ms": 59_500})
    assert judged(without(3, gap)).lost == 1
    assert judged(without(3, gap), Marks(broker_deaths=[60_500])).lost == 0
    assert judged(without(3), Marks(broker_deaths=[60_500])).lost == 1
    away = Marks(wiped=[70_000], deaf={"g1": [(59_000, 75_000)]})
    assert judged(without(3, gap), away).lost == 0
    assert judged(without(3, gap), Marks(wiped=[70_000])).lost == 1, "the gateway listened, and had it long before"
    untold = replace(SOS_PRESS, acked_ms=None)
    assert judged(without(3), said=(PRESS, untold)).lost == 0, "nobody ever took it"


def test_more_rows_than_were_said_are_duplicates() -> None:
    twice = replace(ENDS, events=(*EVENTS, row(4, "call", BUTTON, alarm_id=1)), appended={"g1": 4})
    assert judged(twice).duplicated == 1
    assert judged(said=(PRESS,)).duplicated == 1, "a row that nobody said"


def test_what_was_appended_is_applied_once_and_as_it_was() -> None:
    assert judged(replace(ENDS, appended={"g1": 4})).lost == 1
    again = judged(replace(ENDS, events=(*EVENTS, row(1, "started"))))
    assert again.duplicated == 1
    other = judged(replace(ENDS, outboxes={"g1": {**OUTBOX, ("s", 2): b"other"}}))
    assert "another row" in other.faults[0]


def test_alarms_are_one_an_episode_and_sound_once_a_press() -> None:
    assert judged(replace(ENDS, alarms=(alarm(1, sound_seq=3),))).duplicated == 1
    assert judged(replace(ENDS, alarms=(alarm(1), alarm(2, sound_seq=0)))).duplicated == 1
    lone = {**EVENTS[1], "alarm_id": None, "holders": 0}
    found = judged(replace(ENDS, events=(EVENTS[0], lone, EVENTS[2]), alarms=(alarm(1, sound_seq=1),)))
    assert [fault.partition(":")[0] for fault in found.faults] == ["without an alarm", "in 0 alarms"]
    assert judged(replace(ENDS, alarms=(alarm(1), {**alarm(2), "rule": "x", "kind": "id_conflict"}))).faults
