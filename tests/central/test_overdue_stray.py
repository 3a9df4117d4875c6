"""Deadlines of taken alarms that are held, lost, or set by a wrong clock: none is forgotten or stops the others."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from nattevakt.central.alarms import overdue
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.tables import alarms, wake_rows
from nattevakt.edge.rules.rule import Priority
from tests.central.house import House
from tests.central.taken_night import LIMIT_MS, MINUTE_MS, Night, oslo


@pytest.fixture
def night(house: House) -> Night:
    return Night(house)


def test_many_in_one_sweep_each_ring(night: Night) -> None:
    taken = [night.ring(subject=f"room:{number}") for number in range(7)]
    for alarm in taken:
        night.act(alarm, State.TAKEN)
    night.passes(11)
    night.sweep()
    assert {night.row(alarm).state for alarm in taken} == {State.ESCALATED.value}
    assert night.deadlines() == {}


def test_what_was_taken_before_there_were_deadlines_is_given_one(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(alarms.update().where(alarms.c.tenant_id == TENANT), {"due_ms": None})
        s.execute(wake_rows.delete().where(wake_rows.c.tenant_id == TENANT))
    night.passes(1)
    night.sweep()
    assert night.deadlines() == {f"alarm:{alarm}": night.now_ms + LIMIT_MS}
    with night.house.db.write(night.house.tenant.id) as s:
        assert overdue.ensure(s, night.now_ms) == 0


def test_what_was_taken_by_a_clock_that_ran_ahead_does_not_wait_for_that_time(night: Night) -> None:
    real_ms = night.now_ms
    night.passes(24 * 60)
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    night.house.clock.at_ms = real_ms
    night.sweep()
    assert night.deadlines() == {f"alarm:{alarm}": real_ms + LIMIT_MS}
    for _ in range(3):
        night.passes(5)
        night.sweep()
    assert night.row(alarm).state == State.ESCALATED.value


def test_a_deadline_without_its_alarm_or_its_holder_is_taken_away(night: Night) -> None:
    alarm = night.ring()
    with night.house.db.write(night.house.tenant.id) as s:
        overdue.watch(s, alarm, night.now_ms)
        overdue.watch(s, 4_711, night.now_ms)
    night.sweep()
    assert night.deadlines() == {}
    assert night.causes(alarm) == ["raise"]


def test_a_deadline_that_comes_before_the_holders_time_is_over_is_set_right(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    due_ms = night.row(alarm).due_ms
    with night.house.db.write(night.house.tenant.id) as s:
        overdue.watch(s, alarm, night.now_ms)
    night.passes(1)
    night.sweep()
    assert night.row(alarm).state == State.TAKEN.value
    assert night.deadlines() == {f"alarm:{alarm}": due_ms}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_alarm_that_somebody_holds_stops_no_other_deadline(night: Night) -> None:
    held, other = night.ring(), night.ring(subject="room:2")
    for alarm in (held, other):
        night.act(alarm, State.TAKEN)
    night.passes(11)
    hold = select(alarms.c.id).where(alarms.c.tenant_id == TENANT, alarms.c.id == held).with_for_update()
    with night.house.db.write(night.house.tenant.id) as s:
        assert s.execute(hold).scalar_one() == held
        night.sweep()
        assert [night.row(alarm).state for alarm in (held, other)] == [State.TAKEN.value, State.ESCALATED.value]
        assert list(night.deadlines()) == [f"alarm:{held}"], "left due"
    night.sweep()
    assert night.row(held).state == State.ESCALATED.value
    assert [night.row(alarm).sound_seq for alarm in (held, other)] == [2, 2]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_stray_that_somebody_holds_stops_no_cycle(night: Night) -> None:
    held, other = night.ring(), night.ring(subject="room:2")
    for alarm in (held, other):
        night.act(alarm, State.TAKEN)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(wake_rows.delete().where(wake_rows.c.tenant_id == TENANT))
    hold = select(alarms.c.id).where(alarms.c.tenant_id == TENANT, alarms.c.id == held).with_for_update()
    with night.house.db.write(night.house.tenant.id) as s:
        assert s.execute(hold).scalar_one() == held
        night.sweep()
        assert list(night.deadlines()) == [f"alarm:{other}"]
    night.passes(1)
    night.sweep()
    assert set(night.deadlines()) == {f"alarm:{held}", f"alarm:{other}"}


def test_a_wake_row_alone_that_is_lost_comes_back_with_the_old_deadline(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN, promise_min=20)
    due_ms = night.row(alarm).due_ms
    with night.house.db.write(night.house.tenant.id) as s:
        gone = wake_rows.delete().where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == overdue.RULE)
        assert s.execute(gone).rowcount == 1
    night.passes(3)
    night.sweep()
    assert night.deadlines() == {f"alarm:{alarm}": due_ms}
    assert (night.row(alarm).due_ms, night.row(alarm).promised_min) == (due_ms, 20)


@pytest.mark.parametrize(
    ("kind", "priority", "given_ms"),
    [("call", Priority.HIGH, LIMIT_MS), ("battery_low", Priority.LOW, overdue.TECHNICAL_LEAST_MS)],
)
def test_a_tap_while_the_clock_ran_ahead_gives_nobody_until_that_time(
    night: Night, kind: str, priority: Priority, given_ms: int
) -> None:
    """Taken while the clock was right: only the deadline tells of it."""
    night.house.clock.at_ms = oslo("2026-11-22 14:10")  # the change of shift is nearer than what is given at least
    alarm = night.ring(kind, priority)
    night.act(alarm, State.TAKEN)
    real_ms = night.now_ms
    night.passes(24 * 60)
    night.act(alarm, State.ON_THE_WAY, promise_min=30)
    assert night.row(alarm).taken_ms == real_ms
    night.house.clock.at_ms = real_ms
    night.sweep()
    assert night.deadlines() == {f"alarm:{alarm}": real_ms + given_ms}
    assert (night.row(alarm).due_ms, night.row(alarm).promised_min) == (real_ms + given_ms, None)
    night.passes(given_ms / MINUTE_MS)
    night.sweep()
    assert night.row(alarm).state == State.ESCALATED.value


@pytest.mark.parametrize("column", ["look_ms", "wake_at_ms"])
def test_a_wake_row_that_a_wrong_clock_put_off_is_set_right(night: Night, column: str) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    due_ms = night.row(alarm).due_ms
    with night.house.db.write(night.house.tenant.id) as s:
        mine = (wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == overdue.RULE)
        s.execute(wake_rows.update().where(*mine), {column: due_ms + 24 * 60 * MINUTE_MS})
    night.passes(2)
    night.sweep()
    assert night.deadlines() == {f"alarm:{alarm}": due_ms}
    night.passes(8)
    night.sweep()
    assert night.row(alarm).state == State.ESCALATED.value


@pytest.mark.parametrize("promise_min", [None, 30])
def test_what_was_rightly_given_is_never_taken_for_a_wrong_clocks(night: Night, promise_min: int | None) -> None:
    """The longest that there is, of each kind, just after it was given and just before it ends."""
    night.house.clock.at_ms = oslo("2026-11-21 22:00")
    call, battery = night.ring(), night.ring("battery_low", Priority.LOW, "device:x")
    night.act(call, State.TAKEN, promise_min=promise_min, limit_ms=overdue.LIMIT_MOST_MS)
    night.act(battery, State.TAKEN, promise_min=promise_min)
    given = night.deadlines()
    if promise_min is None:
        assert given == {f"alarm:{call}": night.now_ms + 60 * MINUTE_MS, f"alarm:{battery}": oslo("2026-11-22 07:00")}
    for _ in range(31):
        night.sweep()
        with night.house.db.write(night.house.tenant.id) as s:
            assert overdue.ensure(s, night.now_ms) == 0
        night.passes(0.9)
    assert night.deadlines().items() <= given.items()
