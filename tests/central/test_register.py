"""The only writer of alarms: raising, joining, clearing, and what people do, also at the same time."""

from __future__ import annotations

import threading

import pytest

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import (
    ALLOWED,
    ENDED,
    GIVES_UP,
    HELD,
    LEADS_TO,
    PERSON_MOVES,
    IllegalMove,
    Move,
    State,
)
from nattevakt.central.alarms.requests import (
    Acted,
    Applied,
    EventKey,
    RaiseRequest,
    SomeoneFirst,
    UnknownAlarm,
    Where,
)
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import outbox
from nattevakt.central.tables import alarms, notices
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import House
from tests.central.register_desk import Desk

MINUTE_MS = 60_000


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def number(applied: Applied) -> int:
    assert applied.alarm_id is not None
    return applied.alarm_id


def test_what_sounds_now_is_what_the_card_explains(desk: Desk) -> None:
    alarm = number(desk.ring(code="fall.possible"))
    assert desk.ring(code="fall.detected") == Applied(alarm, "joined")
    assert [row.reason_code for row in desk.house.rows(alarms)] == ["fall.detected"]


def test_later_events_join_and_sound_until_somebody_is_there(desk: Desk) -> None:
    alarm = number(desk.ring())
    assert desk.ring() == Applied(alarm, "joined")
    desk.act(alarm, State.TAKEN)
    desk.act(alarm, State.ON_THE_WAY)
    assert desk.ring() == Applied(alarm, "joined")
    desk.act(alarm, State.ON_SITE)
    desk.house.clock.at_ms += MINUTE_MS
    assert desk.ring().how == "raised"


def test_an_event_from_before_the_visit_joins_silently_unless_its_time_is_uncertain(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    desk.house.clock.at_ms += MINUTE_MS
    desk.act(alarm, State.ON_SITE)
    desk.act(alarm, State.CLOSED)
    desk.house.clock.at_ms += 10 * MINUTE_MS
    before_ms = desk.house.clock.at_ms - 11 * MINUTE_MS
    assert desk.ring(at_ms=before_ms + 1) == Applied(alarm, "joined_silently")
    assert desk.ring(at_ms=before_ms + 1, doubt_ms=5_000).how == "raised"


def test_a_fall_that_nobody_has_seen_rings_however_late(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    desk.act(alarm, State.ON_SITE)
    assert desk.ring(at_ms=desk.house.clock.at_ms - 60 * MINUTE_MS).how == "raised"


def test_a_closed_alarm_that_nobody_visited_is_not_joined(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    desk.act(alarm, State.CLOSED)
    assert desk.ring(at_ms=desk.house.clock.at_ms - 1).how == "raised"


def test_clearing_ends_only_what_may_and_what_nobody_took(desk: Desk) -> None:
    assert desk.clear("door_at_night") == Applied(None, "nothing")
    door = number(desk.ring("door_at_night"))
    assert desk.clear("door_at_night") == Applied(door, "cleared")
    taken = number(desk.ring("door_at_night"))
    desk.act(taken, State.TAKEN)
    assert desk.clear("door_at_night") == Applied(taken, "noted")
    assert desk.ring("call").how == "raised"
    assert desk.clear("call").how == "noted"
    assert [row.state for row in desk.house.alarms()] == ["auto_avklart", "kvittert", "meldt"]
    assert desk.causes() == ["raise", "clear", "raise", "take", "note", "raise", "note"]


def test_a_lasting_fault_is_heard_once_a_new_loss_of_a_call_again(desk: Desk) -> None:
    now = desk.house.clock.at_ms

    def fault(priority: Priority) -> str:
        request = RaiseRequest(
            "gateway:1", "rows_lost", "rows_lost", priority, Reason("r"), Occurred(now, now), Where(desk.ward)
        )
        return desk.house.db.transact(desk.house.tenant.id, lambda s: register.apply(s, request, now)).how

    assert [fault(p) for p in (Priority.LOW, Priority.LOW, Priority.HIGH, Priority.HIGH, Priority.LOW)] == [
        "raised",
        "joined_silently",
        "joined",
        "joined",
        "joined_silently",
    ]
    assert [row.priority for row in desk.house.alarms()] == [Priority.HIGH]


def test_racing_verdicts_raise_one_alarm(desk: Desk) -> None:
    ready = threading.Barrier(4)
    found: list[Applied] = []

    def race() -> None:
        ready.wait(20)
        found.append(desk.ring())

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(applied.how for applied in found) == ["joined", "joined", "joined", "raised"]
    assert [row.sound_seq for row in desk.house.alarms()] == [4]
    assert len(desk.house.rows(notices)) == 4


# --- people ---------------------------------------------------------------------------------------------


def test_the_same_tap_again_gives_the_same_answer(desk: Desk) -> None:
    alarm = number(desk.ring())
    first = desk.act(alarm, State.TAKEN, key="once")
    desk.act(alarm, State.ON_SITE)
    again = desk.act(alarm, State.TAKEN, key="once")
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.version, again.state) == (first.version, first.state)
    assert desk.causes() == ["raise", "take", "on_site"]


def test_a_key_used_for_something_else_is_refused(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN, key="once")
    with pytest.raises(RejectError, match="idempotency_key"):
        desk.act(alarm, State.ON_SITE, key="once")
    with pytest.raises(RejectError, match="idempotency_key"):
        desk.act(alarm, State.TAKEN, desk.per, key="once")


def test_a_second_tap_by_the_same_person_changes_nothing(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    assert desk.act(alarm, State.TAKEN).repeated
    assert desk.causes() == ["raise", "take"]


@pytest.mark.parametrize("to", [State.TAKEN, State.ON_THE_WAY, State.ON_SITE, State.CLOSED])
def test_who_comes_second_is_told_who_was_first(desk: Desk, to: State) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    if to is not State.TAKEN:
        desk.act(alarm, to)
    with pytest.raises(SomeoneFirst) as caught:
        desk.act(alarm, to, desk.per)
    assert (caught.value.name, caught.value.initials) == ("Kari N.", "KN")


def test_a_colleague_may_go_on_with_it_and_then_has_it(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    desk.act(alarm, State.ON_THE_WAY, desk.per)
    assert desk.house.alarms()[0].taken_by == desk.per
    with pytest.raises(SomeoneFirst):
        desk.act(alarm, State.TAKEN)


def test_one_of_two_at_once_is_first(desk: Desk) -> None:
    alarm = number(desk.ring())
    ready = threading.Barrier(2)
    said: list[str] = []

    def tap(who: int) -> None:
        ready.wait(20)
        try:
            desk.act(alarm, State.TAKEN, who, key=f"race-{who}")
            said.append("mine")
        except SomeoneFirst as first:
            said.append(first.initials)

    threads = [threading.Thread(target=tap, args=(who,)) for who in (desk.kari, desk.per)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(said) == 2
    assert "mine" in said
    assert set(said) - {"mine"} <= {"KN", "PA"}
    assert said.count("mine") == 1


def test_the_same_tap_twice_at_once_is_one(desk: Desk) -> None:
    alarm = number(desk.ring())
    ready = threading.Barrier(2)
    answers: list[Acted] = []

    def tap() -> None:
        ready.wait(20)
        answers.append(desk.act(alarm, State.TAKEN, key="one-tap"))

    threads = [threading.Thread(target=tap) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.repeated for answer in answers) == [False, True]
    assert desk.causes() == ["raise", "take"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("to", sorted(State))
@pytest.mark.parametrize("state", sorted(State))
def test_every_state_with_every_wish(desk: Desk, state: State, to: State) -> None:
    alarm = number(desk.ring())
    values: dict[str, object] = {"state": state.value, "closed_ms": 1 if state in ENDED else None}
    if state in HELD:
        values["taken_by"] = desk.per
    with desk.house.db.write(desk.house.tenant.id) as s:
        s.execute(alarms.update().where(alarms.c.tenant_id == TENANT).values(**values))
    move = next((move for move, end in LEADS_TO.items() if end is to), None)
    anothers = state in HELD and move in GIVES_UP
    if move in PERSON_MOVES and move in ALLOWED[state] and not anothers:
        assert desk.act(alarm, to).state is to
    else:
        with pytest.raises(SomeoneFirst if state in HELD and move in PERSON_MOVES else IllegalMove):
            desk.act(alarm, to)
        assert desk.house.alarms()[0].state == state.value


def test_closing_wants_a_cause_and_an_action_from_the_lists(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    for field, value in (("cause", ""), ("action", "noe rart"), ("note", "x" * 501)):
        with pytest.raises(RejectError) as caught:
            desk.act(alarm, State.CLOSED, desk.kari, "", **{field: value})
        assert caught.value.field == field
    desk.act(alarm, State.CLOSED, cause="fall", action="hjelp_gitt", note="Ok.")
    (row,) = desk.house.alarms()
    assert (row.cause, row.action, row.note, row.closed_ms) == ("fall", "hjelp_gitt", "Ok.", desk.house.clock.at_ms)


def test_reopening_lets_later_events_join_again(desk: Desk) -> None:
    alarm = number(desk.ring())
    for state in (State.TAKEN, State.ON_SITE, State.CLOSED, State.REOPENED):
        desk.act(alarm, state)
    assert desk.ring() == Applied(alarm, "joined")
    assert Move.TAKE in ALLOWED[State.REOPENED]


def test_an_alarm_is_not_reopened_beside_a_newer_one(desk: Desk) -> None:
    alarm = number(desk.ring())
    for state in (State.TAKEN, State.ON_SITE, State.CLOSED):
        desk.act(alarm, state)
    desk.house.clock.at_ms += MINUTE_MS
    desk.ring()
    with pytest.raises(IllegalMove):
        desk.act(alarm, State.REOPENED)


def test_an_unknown_alarm_is_said_to_be_unknown(desk: Desk) -> None:
    with pytest.raises(UnknownAlarm):
        desk.act(999, State.TAKEN)


# --- the ledger of delivery -----------------------------------------------------------------------------


def test_each_sounding_is_one_notice_for_each_enrolled_tablet_of_the_ward(desk: Desk) -> None:
    desk.ring()
    desk.ring()
    rows = desk.house.rows(notices)
    assert [(row.tablet_id, row.sound_seq, row.state) for row in rows] == [
        (desk.tablet, 1, "pending"),
        (desk.tablet, 2, "pending"),
    ]


def test_a_notice_goes_forward_and_keeps_its_times(desk: Desk) -> None:
    desk.ring()
    with desk.house.db.write(desk.house.tenant.id) as s:
        assert outbox.lease(s, desk.tablet, 10, 100) == (1,)
        assert outbox.lease(s, desk.tablet, 109, 100) == ()
        assert outbox.lease(s, desk.tablet, 110, 100) == (1,)
        assert outbox.mark_sounded(s, desk.tablet, [1], 30) == 1
        outbox.mark_shown(s, desk.tablet, [1], 25)
        outbox.mark_sent(s, desk.tablet, [1], 20)
        outbox.mark_sent(s, desk.tablet, [1], 99)
        assert outbox.mark_seen(s, desk.tablet + 1, [1], 40) == 0
        outbox.mark_seen(s, desk.tablet, [1], 40)
    (row,) = desk.house.rows(notices)
    assert (row.state, row.sent_ms, row.shown_ms, row.sounded_ms, row.seen_ms) == ("seen", 20, 25, 30, 40)


def test_taking_settles_and_clearing_withdraws_notices(desk: Desk) -> None:
    alarm = number(desk.ring())
    desk.act(alarm, State.TAKEN)
    desk.ring("door_at_night")
    desk.clear("door_at_night")
    taken, cleared = desk.house.rows(notices)
    assert (taken.state, taken.taken_ms) == ("taken", desk.house.clock.at_ms)
    assert (cleared.state, cleared.reason) == ("failed", "cleared")


# --- marks, plans and what rings once more ------------------------------------------------------------------


def fell(desk: Desk, *, again: int = 0, marks: tuple[str, ...] = (), version: int | None = None) -> Applied:
    now = desk.house.clock.at_ms
    about = (EventKey(1, 1, 1),)
    request = RaiseRequest(
        *("room:1", "fall", "fall"),
        Priority.HIGH,
        Reason("fall.still", {"n": again}) if again else Reason("fall.detected"),
        Occurred(now, now),
        Where(desk.ward),
        holds=about,
        again=again > 0,
        marks=marks,
        plan_version_id=version,
    )
    return desk.house.db.transact(desk.house.tenant.id, lambda s: register.apply(s, request, now))


def test_what_is_told_again_sounds_only_where_it_asks_to(desk: Desk) -> None:
    alarm = fell(desk).alarm_id or 0
    assert (alarm, fell(desk).how) == (1, "known")
    assert fell(desk, again=1).how == "rung_again"
    assert fell(desk, again=1).how == "known"
    desk.act(alarm, State.TAKEN)
    # Taken is not seen: who is on the floor lies there still.
    assert fell(desk, again=2).how == "rung_again"
    desk.act(alarm, State.ON_SITE)
    assert fell(desk, again=3).how == "known"
    assert [(row.sound_seq, row.reason_code) for row in desk.house.rows(alarms)] == [(3, "fall.still")]


def test_an_alarm_keeps_its_plan_and_gathers_marks(desk: Desk) -> None:
    fell(desk, marks=("no_basis",), version=7)
    fell(desk, marks=("paused", "no_basis"), version=8)
    assert [(row.marks, row.plan_version_id) for row in desk.house.rows(alarms)] == [(["no_basis"], 7)]
    fell(desk, again=1, marks=("paused", "no_basis"), version=8)
    assert [(row.marks, row.plan_version_id) for row in desk.house.rows(alarms)] == [(["no_basis", "paused"], 7)]
