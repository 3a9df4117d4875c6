"""The life of one turn: every pair of state and act is legal or refused, and a person's act is done once."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import text

from nattevakt.central.alarms.requests import SomeoneFirst
from nattevakt.central.rounds import tasks
from nattevakt.central.rounds.tasks import ALLOWED, LEADS_TO, Act, Counts, Kind, Refused, State
from nattevakt.central.tables_plans import round_log, round_tasks
from nattevakt.edge.errors import RejectError
from tests.central.rounds.conftest import KARI, MIN, PER, Rounds, ms

_SET = text("UPDATE round_tasks SET state = :to WHERE tenant_id = :tenant AND id = :task_id")
_LOG = text(
    "SELECT from_state, to_state, what, staff_id FROM round_log "
    "WHERE tenant_id = :tenant AND task_id = :task_id ORDER BY id"
)


def test_the_table_knows_every_pair_and_nothing_ends_by_itself() -> None:
    assert set(ALLOWED) == set(product(Kind, State))
    assert set(LEADS_TO) == set(Act)
    persons = {Act.WELL, Act.UNSURE, Act.BEEN_IN}
    for (kind, state), acts in ALLOWED.items():
        if state in (State.DONE, State.UNCERTAIN, State.CANCELLED):
            assert acts == frozenset()
        else:
            assert Act.BEEN_IN in acts, "a look into the room always counts"
            assert (Act.WELL in acts) == (kind is Kind.DIGITAL)
        done = {act for act in acts if LEADS_TO[act] is State.DONE}
        assert done <= persons


def test_each_pair_is_carried_out_or_refused(rounds: Rounds) -> None:
    where = (rounds.ward.ward, rounds.ward.residents["204"], rounds.ward.rooms["204"])
    for place, (kind, state, act) in enumerate(product(Kind, State, Act)):
        with rounds.db.write(rounds.tenant.id) as s:
            task_id = tasks.make(s, *where, rounds.now_ms + place, rounds.now_ms, kind=kind, why="sjekk")
            s.execute(_SET, {"task_id": task_id, "to": state.value})
            task = tasks.by_id(s, task_id or 0)
            assert task
            if act in ALLOWED[kind, state]:
                assert tasks.move(s, task, act, rounds.now_ms, staff_id=KARI)
            else:
                with pytest.raises(Refused):
                    tasks.move(s, task, act, rounds.now_ms, staff_id=KARI)
            after = tasks.by_id(s, task.id)
            log = [tuple(row) for row in s.execute(_LOG, {"task_id": task.id})]
        if act in ALLOWED[kind, state]:
            assert after is not None
            assert after.state is LEADS_TO[act]
            assert log == [(None, "due", "made", None), (state.value, after.state.value, act.value, KARI)]
        else:
            assert after == task
            assert log == [(None, "due", "made", None)]


def test_a_turn_that_was_changed_meanwhile_is_left_alone(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (task,) = rounds.of("204")
    rounds.confirm(task, "digital")
    with rounds.db.write(rounds.tenant.id) as s:
        assert not tasks.move(s, task, Act.EXPIRE, rounds.now_ms)


def test_all_well_takes_one_act_and_is_written_down(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (task,) = rounds.of("204")
    done = rounds.confirm(task, "digital")
    assert (done.task.state, done.task.how, done.task.staff_id) == (State.DONE, "digital", KARI)
    assert done.task.done_ms == rounds.now_ms
    log = [row for row in rounds.rows(round_log) if row.task_id == task.id]
    assert [(row.from_state, row.to_state, row.what, row.staff_id) for row in log] == [
        (None, "due", "made", None),
        ("due", "done", "well", KARI),
    ]
    assert rounds.of("204") == []


def test_the_same_act_again_changes_nothing_and_a_colleague_is_told_who_was_first(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (task,) = rounds.of("204")
    rounds.confirm(task, "digital")
    before = rounds.rows(round_log)
    assert rounds.confirm(task, "digital").repeated
    with pytest.raises(SomeoneFirst) as first:
        rounds.confirm(task, "digital", staff_id=PER)
    assert first.value.name == "Kari N."
    with pytest.raises(Refused, match="ended"):
        rounds.confirm(task, "physical")
    assert rounds.rows(round_log) == before


def test_who_is_unknown_is_never_ticked_off_from_the_tablet(rounds: Rounds) -> None:
    """206's radio is away, 213 has a mute sensor only, 214 has none: there is nothing to see."""
    rounds.sweep("21 23:00")
    for number in ("206", "213", "214"):
        (task,) = rounds.of(number)
        with pytest.raises(Refused, match="unknown"):
            rounds.confirm(task, "digital")
        assert rounds.of(number) == [task]
        assert rounds.confirm(task, "physical").task.how == "physical"


def test_not_sure_comes_again_and_then_wants_a_look_into_the_room(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (task,) = rounds.of("204")
    assert rounds.confirm(task, "digital", "uncertain").task.state is State.UNCERTAIN
    (again,) = rounds.of("204")
    assert (again.kind, again.why, again.attempt) == (Kind.DIGITAL, "retry", 2)
    assert again.due_ms == rounds.now_ms + 10 * MIN
    assert rounds.confirm(task, "digital", "uncertain").repeated
    assert rounds.of("204") == [again]
    rounds.sweep("21 23:11")
    rounds.confirm(again, "digital", "uncertain")
    (last,) = rounds.of("204")
    assert (last.kind, last.attempt, last.due_ms) == (Kind.PHYSICAL, 3, rounds.now_ms)
    for outcome in ("ok", "uncertain"):
        with pytest.raises(Refused, match="physical"):
            rounds.confirm(last, "digital", outcome)
    rounds.confirm(last, "physical")
    assert rounds.of("204") == []


def test_a_later_look_goes_over_what_was_missed_and_does_not_count_it_as_done(rounds: Rounds) -> None:
    rounds.live("22 02:00", 10 * MIN)
    late, now = rounds.of("204")
    assert (late.state, now.state) == (State.OVERDUE, State.DUE)
    rounds.confirm(now, "digital")
    assert rounds.of("204") == []
    (gone,) = [row for row in rounds.rows(round_tasks) if row.id == late.id]
    assert (gone.state, gone.note) == ("cancelled", "missed")


def test_counts_keep_looks_from_the_tablet_and_into_the_room_apart(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    rounds.confirm(rounds.of("201")[0], "digital")
    rounds.confirm(rounds.of("202")[0], "physical")
    rounds.confirm(rounds.of("203")[0], "digital", "uncertain")
    rounds.live("22 02:00", 10 * MIN)
    rounds.confirm(rounds.of("204")[-1], "digital")
    span = (ms("2026-11-21 20:00"), ms("2026-11-22 08:00"))
    with rounds.db.read(rounds.tenant.id) as s:
        assert tasks.counts(s, *span, ward_id=rounds.ward.ward) == Counts(2, 1, 1, 1)
        assert tasks.counts(s, *span) == Counts(2, 1, 1, 1)
        assert tasks.counts(s, *span, resident_id=rounds.ward.residents["202"]) == Counts(0, 1, 0, 0)
        assert tasks.counts(s, span[1], span[1] + 1) == Counts(0, 0, 0, 0)


def test_what_is_no_act_is_refused(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (task,) = rounds.of("204")
    with pytest.raises(RejectError, match="outcome"):
        rounds.confirm(task, "physical", "uncertain")
    with pytest.raises(Refused, match="gone"):
        rounds.confirm(task.id + 1000, "digital")
    with rounds.db.write(rounds.tenant.id) as s, pytest.raises(RejectError, match="note"):
        tasks.confirm(s, task.id, "digital", "ok", KARI, None, "x" * 501, rounds.now_ms)
    assert replace(task) == rounds.of("204")[0]
