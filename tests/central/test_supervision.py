"""From rows to alarms: every urgent row ends with an alarm or a reason, whatever a rule does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from nattevakt.central import states
from nattevakt.central.columns import TENANT
from nattevakt.central.supervision import RULES, Rule
from nattevakt.central.tables import alarm_events, alarms, events, rule_states, stays, transitions
from nattevakt.edge.errors import RetryError
from nattevakt.edge.events import Bed, Call, Contact, Event, Fall, Foreign, Leak, Motion, Urgency
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Priority, Step, Wake
from tests.central.house import BED, BUTTON, DOOR, LEAK, LOOSE, S1, House, line, moment, press


def fails(_state: JsonState, _fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step:
    raise ZeroDivisionError


def writes_nonsense(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step:
    found = RULES[0].step(state, fact, armed, now_ms)
    return Step({"not json": object()}, found.verdicts if found is not None else ())


@pytest.mark.parametrize("step", [fails, writes_nonsense])
def test_a_rule_that_fails_rings_plainly_and_says_so(house: House, step: object) -> None:
    rules: tuple[Rule, ...] = (replace(RULES[0], step=step), *RULES[1:])  # type: ignore[arg-type]
    at = moment(house.clock.at_ms)
    house.gate.send(line(S1, 1, press(), at), line(S1, 2, Fall(BUTTON), at), line(S1, 3, press(), at), rules=rules)
    (call,) = house.alarms("call")
    assert (call.reason_code, call.priority, call.sound_seq, call.place) == ("plain", Priority.HIGH, 2, "bad")
    assert len(house.alarms("fall")) == 1
    assert len(house.alarms("rule_failed")) == 1
    assert all(row.alarm_id is not None for row in house.rows(events))
    assert [row.state for row in house.rows(rule_states) if row.rule in ("call", "fall")] == [{}, {}]


def test_a_rule_without_memory_is_no_fault_of_its_event(house: House) -> None:
    """Three failures that count against a batch would park rows that nothing is wrong with."""

    def starved(_state: JsonState, _fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step:
        raise MemoryError

    with pytest.raises(RetryError):
        house.gate.tell(1, press(), rules=(replace(RULES[0], step=starved), *RULES[1:]))
    assert house.rows(events) == []
    house.gate.tell(1, press())
    assert [alarm.kind for alarm in house.alarms()] == ["call"]


def test_a_rule_that_fails_for_one_event_still_judges_the_others(house: House) -> None:
    def picky(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        assert isinstance(fact, Fact)
        assert isinstance(fact.body, Call)
        if fact.body.control == "odd":
            raise ZeroDivisionError
        return RULES[0].step(state, fact, armed, now_ms)

    at = moment(house.clock.at_ms)
    lines = [line(S1, seq, Call(BUTTON, control), at) for seq, control in ((1, "press"), (2, "odd"), (3, "press"))]
    house.gate.send(*lines, rules=(replace(RULES[0], step=picky),))
    (alarm,) = house.alarms("call")
    assert (alarm.reason_code, alarm.sound_seq) == ("call.pressed", 3)
    assert len(house.rows(alarm_events)) == 4 - 1


def test_a_rule_that_fails_on_a_lesser_event_is_told_but_rings_nobody(house: House) -> None:
    broken = tuple(replace(rule, step=fails) for rule in RULES)
    house.gate.send(line(S1, 1, Contact(DOOR, open=True), moment(house.clock.at_ms)), rules=broken)
    assert [alarm.kind for alarm in house.alarms()] == ["rule_failed"]


def test_an_unplaced_button_rings_the_gateways_ward(house: House) -> None:
    house.gate.tell(1, press(LOOSE))
    (alarm,) = house.alarms()
    assert (alarm.room_id, alarm.resident_id, alarm.place) == (None, None, LOOSE)
    assert alarm.subject == f"device:{LOOSE}@{house.gate.sender.gateway_id}"
    assert alarm.ward_id == 1


def test_the_resident_is_looked_up_at_the_moment_of_the_event(house: House) -> None:
    moved_ms = house.clock.at_ms - 60_000
    with house.db.write(house.tenant.id) as s:
        s.execute(update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == 1).values(to_ms=moved_ms))
        s.insert(stays, resident_id=2, room_id=1, from_ms=moved_ms, to_ms=None)
    house.gate.tell(1, press(), at_ms=moved_ms - 1000)
    house.gate.tell(2, press(), at_ms=moved_ms + 1000)
    assert [alarm.resident_id for alarm in house.alarms()] == [1, 2]


def test_a_batch_across_a_move_is_looked_up_event_by_event(house: House) -> None:
    moved_ms = house.clock.at_ms - 60_000
    with house.db.write(house.tenant.id) as s:
        s.execute(update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == 1).values(to_ms=moved_ms))
        s.insert(stays, resident_id=2, room_id=1, from_ms=moved_ms, to_ms=None)
    moments = [moment(moved_ms + offset_ms) for offset_ms in (-1, 0, -2_000, 30_000)]
    house.gate.send(*(line(S1, seq, press(), at) for seq, at in enumerate(moments, 1)))
    assert [(alarm.resident_id, alarm.sound_seq) for alarm in house.alarms()] == [(1, 2), (2, 2)]


def test_states_of_many_subjects_are_taken_and_kept_in_one_statement_each(house: House) -> None:
    names = [("resident:2", "b"), ("resident:1", "ø"), ("resident:1", "b")]
    odd = {"text": "\\u0000 \" ' {} , NULL æ", "list": [1, None, 2.5, True], "big": 2**60}
    with house.db.write(house.tenant.id) as s:
        assert states.lock_all(s, names) == {name: {} for name in names}
        states.keep_all(s, {names[1]: states.written(odd)})
    with house.db.write(house.tenant.id) as s:
        assert states.lock_all(s, names) == {name: odd if name == names[1] else {} for name in names}
        assert states.lock(s, *names[1]) == odd
    assert [(row.subject, row.rule) for row in house.rows(rule_states)] == sorted(names)


@pytest.mark.parametrize("state", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_a_state_that_a_database_would_refuse_is_refused_beforehand(state: JsonState) -> None:
    with pytest.raises((ValueError, TypeError)):
        states.written(state)


def test_a_call_from_a_new_room_moves_the_open_alarm_there(house: House) -> None:
    house.gate.tell(1, press())
    moved_ms = house.clock.at_ms + 1_000
    with house.db.write(house.tenant.id) as s:
        s.execute(update(stays).where(stays.c.tenant_id == TENANT).values(to_ms=moved_ms))
        s.insert(stays, resident_id=1, room_id=2, from_ms=moved_ms, to_ms=None)
    house.clock.at_ms += 60_000
    house.gate.tell(2, press(BED))
    house.gate.tell(3, press(), at_ms=house.clock.at_ms - 59_500)
    (alarm,) = house.alarms()
    assert (alarm.ward_id, alarm.room_id, alarm.place, alarm.sound_seq) == (2, 2, "seng", 3)


def test_two_residents_in_one_room_are_not_guessed(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        s.insert(stays, resident_id=2, room_id=1, from_ms=0, to_ms=None)
    house.gate.tell(1, press())
    (alarm,) = house.alarms()
    assert (alarm.subject, alarm.resident_id, alarm.room_id) == ("room:1", None, 1)


def test_water_belongs_to_the_room(house: House) -> None:
    house.gate.tell(1, Leak(LEAK))
    assert [(alarm.subject, alarm.priority) for alarm in house.alarms()] == [("room:1", Priority.MEDIUM)]


def test_an_urgent_event_that_nobody_understands_rings_as_unknown(house: House) -> None:
    foreign = Foreign("seizure", BUTTON, json.dumps({"device": BUTTON}), Urgency.A)
    house.gate.tell(1, foreign)
    house.gate.tell(2, Foreign("weather", None, "{}", Urgency.C))
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.priority, alarm.resident_id) == ("unknown_event", Priority.HIGH, 1)
    assert alarm.reason_params["kind"] == "seizure"
    house.gate.tell(3, Foreign("no_device", None, "{}", Urgency.A))
    assert len(house.alarms()) == 2


def test_an_ordinary_event_declared_urgent_rings(house: House) -> None:
    raw = line(S1, 1, Motion(LOOSE), moment(house.clock.at_ms)).replace(b'"class":"B"', b'"class":"A"')
    house.gate.send(raw)
    assert [alarm.kind for alarm in house.alarms()] == ["unknown_event"]


def test_a_repeat_declared_urgent_rings(house: House) -> None:
    """Class A always rings: no sender's bookkeeping may talk it down."""
    raw = line(S1, 1, Call(BUTTON, "press", repeat_of=7), moment(house.clock.at_ms))
    house.gate.send(raw.replace(b'"class":"C"', b'"class":"A"'))
    assert [alarm.kind for alarm in house.alarms()] == ["call"]


def test_every_urgent_row_ends_with_an_alarm_or_a_reason(house: House) -> None:
    at = moment(house.clock.at_ms)
    bodies = [
        press(),
        Fall(BUTTON),
        Leak(LEAK),
        press(LOOSE),
        Foreign("x", None, "{}", Urgency.A),
        Call(BUTTON, "p", 1),
    ]
    lines = [line(S1, seq, body, at) for seq, body in enumerate(bodies, 1)]
    lines[-1] = lines[-1].replace(b'"class":"C"', b'"class":"A"')
    house.gate.send(*lines)
    urgent = [row for row in house.rows(events) if row.urgency == "A"]
    assert len(urgent) == 6
    assert all(row.alarm_id is not None or row.outcome_reason for row in urgent)


def test_a_repeat_belongs_to_the_alarm_of_the_first(house: House) -> None:
    house.gate.tell(1, press())
    house.gate.tell(2, Call(BUTTON, "press", repeat_of=1))
    (alarm,) = house.alarms()
    assert alarm.sound_seq == 1
    assert {row.alarm_id for row in house.rows(events)} == {alarm.id}


def test_the_door_is_watched_only_with_a_window(house: House) -> None:
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(2, Contact(BUTTON, open=True))
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.resident_id, alarm.place) == ("door_at_night", 2, "inngangsdør")


def test_the_door_of_a_shared_room_is_watched_for_each_of_them(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        s.insert(stays, resident_id=1, room_id=2, from_ms=0, to_ms=None)
    house.gate.tell(1, Bed(BED, occupied=True), at_ms=house.clock.at_ms - 60_000)
    house.gate.tell(2, Contact(DOOR, open=True), at_ms=house.clock.at_ms - 600_000)
    assert [(alarm.kind, alarm.subject) for alarm in house.alarms()] == [("door_at_night", "room:2")]


def test_a_late_opening_is_only_written_down_if_the_resident_was_seen_inside(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True), at_ms=house.clock.at_ms - 60_000)
    house.gate.tell(2, Contact(DOOR, open=True), at_ms=house.clock.at_ms - 600_000)
    assert house.alarms() == []


def test_evidence_that_comes_later_clears_a_late_alarm_that_nobody_took(house: House) -> None:
    house.gate.tell(1, Contact(DOOR, open=True), at_ms=house.clock.at_ms - 600_000)
    assert [alarm.state for alarm in house.alarms()] == ["meldt"]
    house.gate.tell(2, Bed(BED, occupied=True))
    assert [alarm.state for alarm in house.alarms()] == ["auto_avklart"]
    assert [row.cause for row in house.rows(transitions)] == ["raise", "clear"]


def test_a_call_that_was_seen_is_never_cleared_by_a_sensor(house: House) -> None:
    house.gate.tell(1, press())
    house.gate.tell(2, Bed(BED, occupied=True))
    assert [alarm.state for alarm in house.alarms()] == ["meldt"]


# --- twins ------------------------------------------------------------------------------------------------


def test_one_press_through_two_gateways_rings_once_and_keeps_both_rows(house: House) -> None:
    house.gates[0].tell(1, press())
    house.gates[1].tell(1, press(), at_ms=house.clock.at_ms - 2_500)
    (alarm,) = house.alarms()
    assert alarm.sound_seq == 1
    assert [row.alarm_id for row in house.rows(events)] == [alarm.id, alarm.id]
    assert len(house.rows(alarm_events)) == 2


def test_two_presses_through_two_gateways_are_two(house: House) -> None:
    for seq, offset_ms in ((1, 0), (2, 1_000)):
        house.gates[0].tell(seq, press(), at_ms=house.clock.at_ms - 5_000 + offset_ms)
    for seq, offset_ms in ((1, 200), (2, 1_200), (3, 1_400)):
        house.gates[1].tell(seq, press(), at_ms=house.clock.at_ms - 5_000 + offset_ms)
    (alarm,) = house.alarms()
    assert alarm.sound_seq == 3
    assert [row.twin_of is None for row in house.rows(events)] == [True, True, False, False, True]


def test_two_presses_through_one_gateway_are_never_twins(house: House) -> None:
    house.gate.tell(1, press())
    house.gate.tell(2, press())
    assert [alarm.sound_seq for alarm in house.alarms()] == [2]


@pytest.mark.parametrize("other", [Call(BUTTON, "double"), Fall(BUTTON)])
def test_other_values_or_times_are_no_twins(house: House, other: Call | Fall) -> None:
    house.gates[0].tell(1, press(), at_ms=house.clock.at_ms - 20_000)
    house.gates[1].tell(1, other, at_ms=house.clock.at_ms - 20_000)
    house.gates[1].tell(2, press())
    assert sum(alarm.sound_seq for alarm in house.alarms()) == 3


def test_a_late_twin_of_a_closed_alarm_rings_nobody(house: House) -> None:
    house.gates[0].tell(1, press())
    with house.db.write(house.tenant.id) as s:
        s.execute(update(alarms).where(alarms.c.tenant_id == TENANT).values(state="avsluttet", closed_ms=1, version=2))
    house.clock.at_ms += 3_600_000
    house.gates[1].tell(1, press(), at_ms=house.clock.at_ms - 3_600_000)
    assert [(alarm.state, alarm.sound_seq) for alarm in house.alarms()] == [("avsluttet", 1)]


def test_a_doubtful_time_is_not_explained_away_by_a_call_that_was_seen_to(house: House) -> None:
    house.gates[0].tell(1, press())
    with house.db.write(house.tenant.id) as s:
        s.execute(update(alarms).where(alarms.c.tenant_id == TENANT).values(state="avsluttet", closed_ms=1, version=2))
    house.clock.at_ms += 3_600_000
    # Stored before a restart with a clock that nobody had set: it may be as old as the first, or a new one.
    house.gates[1].send(line(S1, 1, press(), moment(house.clock.at_ms, boot="before", synced=False)))
    assert [(alarm.state, alarm.sound_seq) for alarm in house.alarms()] == [("avsluttet", 1), ("meldt", 1)]


def test_urgency_of_an_event_is_the_more_urgent_of_the_two() -> None:
    assert Event(Motion(LOOSE), moment(0), declared=Urgency.A).urgency is Urgency.A
