"""A taken alarm that nobody comes to rings again: its stored deadline, promises, and a tap in the same moment."""

from __future__ import annotations

import threading
from random import Random

import pytest

from nattevakt.central import sweep
from nattevakt.central.alarms import overdue, register
from nattevakt.central.alarms.lifecycle import IllegalMove, State
from nattevakt.central.alarms.requests import ClearRequest, SomeoneFirst
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.tables import alarms, notices
from nattevakt.edge.errors import NattevaktError, RejectError
from nattevakt.edge.pace import SPEED_MAX, stretched
from nattevakt.edge.rules.rule import Priority, Reason
from tests.central.house import House
from tests.central.taken_night import LIMIT_MS, MINUTE_MS, Night, oslo


@pytest.fixture
def night(house: House) -> Night:
    return Night(house)


def test_taken_and_nobody_there_rings_again_for_everybody_and_says_who_had_it(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    taken_ms = night.now_ms
    night.passes(10 - 1 / 60_000)
    night.sweep()
    assert night.row(alarm).state == State.TAKEN.value
    night.passes(1 / 60_000)
    night.sweep()
    row = night.row(alarm)
    assert (row.state, row.sound_seq, row.due_ms, row.taken_by) == (State.ESCALATED.value, 2, None, night.kari)
    assert (row.kind, row.reason_code) == ("call", "r")
    last = night.history(alarm)[-1]
    assert (last.cause, last.staff_id, last.at_ms) == ("escalate", None, taken_ms + LIMIT_MS)
    assert (last.from_state, last.to_state) == (State.TAKEN.value, State.ESCALATED.value)
    told = {"why": "overdue", "holder": night.kari, "since_ms": taken_ms, "due_ms": taken_ms + LIMIT_MS}
    assert {**last.detail, **told} == last.detail
    fresh = [row for row in night.house.rows(notices) if (row.alarm_id, row.sound_seq) == (alarm, 2)]
    assert [row.state for row in fresh] == ["pending", "pending"]
    night.passes(60)
    night.sweep()
    whys = [row.detail["why"] for row in night.history(alarm)[2:]]
    assert whys.count("overdue") == 1, "once, until somebody takes it again"


def test_it_rings_after_every_take_that_leads_nowhere(night: Night) -> None:
    alarm = night.ring()
    for times in (1, 2, 3):
        night.act(alarm, State.TAKEN, night.per if times == 2 else night.kari)
        assert night.row(alarm).taken_ms == night.now_ms
        night.passes(11)
        night.sweep()
        assert night.row(alarm).sound_seq == 1 + times
    assert [row.detail["holder"] for row in night.history(alarm) if row.cause == "escalate"] == [
        night.kari,
        night.per,
        night.kari,
    ]


def test_the_deadline_is_stored_and_outlives_the_process(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    assert night.deadlines() == {f"alarm:{alarm}": night.now_ms + LIMIT_MS}
    night.passes(26 * 60)
    other = Database(night.house.db.url.render_as_string(hide_password=False))
    try:
        sweep.cycle(other, night.house.tenant, night.now_ms)
    finally:
        other.close()
    assert night.history(alarm)[-1].at_ms == night.now_ms
    assert night.row(alarm).state == State.ESCALATED.value
    assert night.deadlines() == {}


def test_later_acts_move_it_and_who_is_there_is_waited_for_no_more(night: Night) -> None:
    gone, there, done = (night.ring(subject=f"room:{number}") for number in (1, 2, 3))
    for alarm in (gone, there, done):
        night.act(alarm, State.TAKEN)
    night.passes(9)
    night.act(gone, State.ON_THE_WAY)
    night.act(there, State.ON_SITE)
    night.act(done, State.CLOSED)
    assert night.deadlines() == {f"alarm:{gone}": night.now_ms + LIMIT_MS}
    night.passes(9)
    night.sweep()
    assert night.row(gone).state == State.ON_THE_WAY.value
    night.passes(600)
    night.sweep()
    states = [night.row(alarm).state for alarm in (gone, there, done)]
    assert states == [State.ESCALATED.value, State.ON_SITE.value, State.CLOSED.value]


def test_a_promise_takes_the_place_of_the_limit(night: Night) -> None:
    long, short = night.ring(), night.ring(subject="room:2")
    night.act(long, State.TAKEN, promise_min=20)
    night.act(short, State.TAKEN, promise_min=3)
    assert (night.row(long).due_ms, night.row(long).promised_min) == (night.now_ms + 20 * MINUTE_MS, 20)
    assert night.history(long)[-1].detail["promised_min"] == 20
    night.passes(3)
    night.sweep()
    assert [night.row(alarm).state for alarm in (long, short)] == [State.TAKEN.value, State.ESCALATED.value]
    assert night.history(short)[-1].detail["promised_min"] == 3
    night.passes(17)
    night.sweep()
    assert (night.row(long).state, night.row(long).promised_min) == (State.ESCALATED.value, None)


def test_who_has_it_may_promise_again_and_it_stays_where_it_is(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN, promise_min=5)
    night.passes(4)
    first = night.act(alarm, State.TAKEN, promise_min=10, key="again-and-again")
    assert (first.state, first.repeated, night.row(alarm).due_ms) == (
        State.TAKEN,
        False,
        night.now_ms + 10 * MINUTE_MS,
    )
    night.act(alarm, State.ON_THE_WAY)
    assert night.row(alarm).promised_min is None, "the usual time is no shorter than what is left of the promise"
    night.act(alarm, State.TAKEN, promise_min=30)
    kept_ms = night.row(alarm).due_ms
    assert (night.row(alarm).state, kept_ms) == (State.ON_THE_WAY.value, night.now_ms + 30 * MINUTE_MS)
    assert night.causes(alarm) == ["raise", "take", "promise", "on_way", "promise"]
    again = night.act(alarm, State.TAKEN, promise_min=10, key="again-and-again")
    assert (again.state, again.version, again.repeated) == (State.TAKEN, first.version, True)
    assert night.row(alarm).due_ms == kept_ms
    with pytest.raises(SomeoneFirst):
        night.act(alarm, State.TAKEN, night.per, promise_min=10)


def test_to_be_on_the_way_takes_nothing_back_of_a_longer_promise(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN, promise_min=30)
    due_ms = night.row(alarm).due_ms
    night.passes(2)
    night.act(alarm, State.ON_THE_WAY)
    assert (night.row(alarm).due_ms, night.row(alarm).promised_min) == (due_ms, 30)


def test_nobody_inherits_the_promise_of_another(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN, promise_min=30)
    night.passes(2)
    night.act(alarm, State.ON_THE_WAY, night.per)
    row = night.row(alarm)
    assert (row.taken_by, row.taken_ms, row.promised_min) == (night.per, night.now_ms, None)
    assert row.due_ms == night.now_ms + LIMIT_MS


@pytest.mark.parametrize("wrong", [0, 31, -1, 2**70, True, False, "10", 10.0, 7.5, [5], {"min": 5}])
def test_what_is_no_promise_is_refused_by_its_field(night: Night, wrong: object) -> None:
    alarm = night.ring()
    with pytest.raises(RejectError) as caught:
        night.act(alarm, State.TAKEN, promise_min=wrong)
    assert caught.value.field == "promise_min"
    assert night.causes(alarm) == ["raise"]


@pytest.mark.parametrize("to", [State.ON_SITE, State.CLOSED])
def test_who_is_there_promises_nothing(night: Night, to: State) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    with pytest.raises(RejectError, match="promise_min"):
        night.act(alarm, to, promise_min=5)


@pytest.mark.parametrize(
    ("taken", "due"),
    [
        (oslo("2026-11-21 23:00"), oslo("2026-11-22 07:00")),
        (oslo("2026-11-22 06:30"), oslo("2026-11-22 07:30")),
        (oslo("2026-11-22 06:00"), oslo("2026-11-22 07:00")),
        (oslo("2026-11-22 13:59"), oslo("2026-11-22 15:00")),
        (oslo("2026-10-25 02:30"), oslo("2026-10-25 07:00")),
        (oslo("2026-10-25 02:30", fold=1), oslo("2026-10-25 07:00")),
        (oslo("2026-03-29 01:30"), oslo("2026-03-29 07:00")),
    ],
)
def test_a_low_battery_that_is_taken_does_not_ring_all_night(night: Night, taken: int, due: int) -> None:
    night.house.clock.at_ms = taken
    alarm = night.ring("battery_low", Priority.LOW, "device:x")
    night.act(alarm, State.TAKEN)
    assert night.deadlines() == {f"alarm:{alarm}": due}
    night.house.clock.at_ms = due - 1
    night.sweep()
    assert night.row(alarm).state == State.TAKEN.value
    night.house.clock.at_ms = due
    night.sweep()
    assert night.row(alarm).state == State.ESCALATED.value


@pytest.mark.parametrize(("kind", "priority"), [("rows_lost", Priority.HIGH), ("gateway_silent", Priority.MEDIUM)])
def test_what_people_must_go_for_has_no_more_time_than_a_call(night: Night, kind: str, priority: Priority) -> None:
    alarm = night.ring(kind, priority, "gateway:1")
    night.act(alarm, State.TAKEN)
    assert night.row(alarm).due_ms == night.now_ms + LIMIT_MS


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.MEDIUM])
def test_what_becomes_more_urgent_while_somebody_has_it_is_not_left_until_morning(
    night: Night, priority: Priority
) -> None:
    alarm = night.ring("rows_lost", Priority.LOW, "gateway:1")
    night.act(alarm, State.TAKEN)
    assert night.row(alarm).due_ms > night.now_ms + 60 * MINUTE_MS - 1
    night.passes(5)
    night.ring("rows_lost", priority, "gateway:1", code="more")
    assert (night.row(alarm).state, night.row(alarm).priority) == (State.TAKEN.value, int(priority))
    assert night.row(alarm).sound_seq == (2 if priority is Priority.HIGH else 1)
    assert night.deadlines()[f"alarm:{alarm}"] == night.row(alarm).due_ms == night.now_ms + LIMIT_MS


def test_a_second_press_takes_and_gives_no_time(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    due_ms = night.row(alarm).due_ms
    night.passes(5)
    night.ring()
    assert (night.row(alarm).sound_seq, night.row(alarm).due_ms) == (2, due_ms)


@pytest.mark.parametrize("to", [State.ON_THE_WAY, State.ON_SITE, State.CLOSED])
def test_who_had_it_and_taps_a_moment_too_late_has_it_again(night: Night, to: State) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    night.passes(10)
    night.sweep()
    acted = night.act(alarm, to, key="just-too-late")
    assert (acted.state, acted.repeated, night.row(alarm).state) == (to, False, to.value)
    assert night.causes(alarm)[:4] == ["raise", "take", "escalate", "take"]
    assert [row.state for row in night.house.rows(notices) if row.alarm_id == alarm] == ["taken"] * 4
    assert night.act(alarm, to, key="just-too-late").repeated


def test_another_one_takes_it_first(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    night.passes(10)
    night.sweep()
    with pytest.raises(IllegalMove) as caught:
        night.act(alarm, State.ON_SITE, night.per)
    assert caught.value.state is State.ESCALATED
    night.act(alarm, State.TAKEN, night.per)
    with pytest.raises(SomeoneFirst):
        night.act(alarm, State.TAKEN)


@pytest.mark.parametrize("to", [State.ON_THE_WAY, State.ON_SITE, State.CLOSED])
def test_a_tap_in_the_very_moment_wins_or_loses_and_is_never_an_error(night: Night, to: State) -> None:
    seed = 20261122
    print(f"seed {seed}")
    chance, outcomes = Random(seed), set()
    for number in range(12):
        alarm = night.ring(subject=f"room:{number}")
        night.act(alarm, State.TAKEN)
        night.passes(10)
        ready, wrong = threading.Barrier(2), list[NattevaktError]()
        first = chance.random() < 0.5

        def tap(alarm: int = alarm, ready: threading.Barrier = ready, wrong: list[NattevaktError] = wrong) -> None:
            ready.wait(20)
            try:
                night.act(alarm, to)
            except NattevaktError as error:
                wrong.append(error)

        thread = threading.Thread(target=tap)
        thread.start()
        ready.wait(20)
        if first:
            night.sweep()
        thread.join(30)
        night.sweep()
        assert not wrong
        assert night.row(alarm).state == to.value
        causes = night.causes(alarm)
        made = [row.to_state for row in night.history(alarm)]
        assert made.count(to.value) == 1
        assert causes in (
            ["raise", "take", causes[-1]],
            ["raise", "take", "escalate", "take", causes[-1]],
        )
        assert night.row(alarm).sound_seq == 1 + causes.count("escalate")
        outcomes.add(len(causes))
        night.act(alarm, State.CLOSED) if to is not State.CLOSED else None
    assert outcomes <= {3, 5}


def test_at_no_pace_is_the_limit_that_needs_no_settings_too_short() -> None:
    assert stretched(overdue.LIMIT_MS, SPEED_MAX) == overdue.LIMIT_MS


@pytest.mark.parametrize("priority", [Priority.LOW, Priority.HIGH])
def test_an_alarm_of_a_kind_that_only_a_newer_version_knows_is_taken_like_any_other(
    night: Night, priority: Priority
) -> None:
    alarm = night.ring("battery_low", priority)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(alarms.update().where(alarms.c.tenant_id == TENANT), {"kind": "brand_new"})
    night.act(alarm, State.TAKEN)
    assert night.deadlines() == {f"alarm:{alarm}": night.now_ms + LIMIT_MS}
    over = ClearRequest("room:1", "battery_low", Reason("r"))
    done = night.house.db.transact(night.house.tenant.id, lambda s: register.apply(s, over, night.now_ms))
    assert done.how == "noted"
    night.passes(10)
    night.sweep()
    assert night.row(alarm).state == State.ESCALATED.value
    night.house.db.transact(night.house.tenant.id, lambda s: register.apply(s, over, night.now_ms))
    assert night.row(alarm).state == State.ESCALATED.value, "whether it may clear itself, only that version knows"
    for to in (State.TAKEN, State.ON_THE_WAY, State.ON_SITE, State.CLOSED):
        night.act(alarm, to)
    assert night.row(alarm).state == State.CLOSED.value
