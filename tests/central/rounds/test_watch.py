"""Rounds are made once whoever looks and whenever, late ones too; what is overdue rings once, and ends when done."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import delete, text, update

from nattevakt.central import sweep
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.rounds import times, watch
from nattevakt.central.rounds.limits import Limits, limits_of, set_limits
from nattevakt.central.rounds.schedule import Time
from nattevakt.central.rounds.tasks import State
from nattevakt.central.tables import stays, wake_rows
from nattevakt.central.tables_plans import round_log, round_tasks
from nattevakt.edge.errors import RejectError
from tests.central.rounds.conftest import EVENING_MS, HOUR, KARI, MIN, NIGHT, Rounds, ms
from tests.central.tablet.ward import NUMBERS


def made(rounds: Rounds) -> Counter[int]:
    """How many turns each resident has been given."""
    return Counter(row.resident_id for row in rounds.rows(round_tasks))


def everybody(rounds: Rounds, n: int) -> Counter[int]:
    return Counter(dict.fromkeys(rounds.ward.residents.values(), n))


def all_done(rounds: Rounds) -> None:
    for task in rounds.open():
        if task in rounds.open():
            rounds.confirm(task, "physical")


def test_a_night_has_its_rounds_one_resident_a_minute(rounds: Rounds) -> None:
    rounds.sweep("21 22:59")
    assert rounds.open() == []
    rounds.sweep("21 23:00")
    assert [task.due_ms - rounds.now_ms for task in rounds.open()] == [n * MIN for n in range(len(NUMBERS))]
    assert {task.why for task in rounds.open()} == {"planned"}
    for at in ("21 23:00", "22 02:00", "22 05:00"):
        rounds.live(at, 10 * MIN)
        all_done(rounds)
    rounds.live("22 09:00", 10 * MIN)
    assert made(rounds) == everybody(rounds, 3)
    assert rounds.alarms() == []


@pytest.mark.parametrize(("evening", "hours"), [("2026-10-24", 7), ("2027-03-27", 5)])
def test_a_night_in_which_the_clock_is_changed_has_its_three_rounds(rounds: Rounds, evening: str, hours: int) -> None:
    """Between the first round at 23 and the last at 05 lies an hour more in autumn, and one less in spring."""
    start_ms = ms(f"{evening} 22:00")
    rounds.set_times(*NIGHT)
    rounds.sweep(start_ms)
    before = len(rounds.rows(round_tasks))
    for half_hours in range(1, 22):
        rounds.sweep(start_ms + half_hours * 30 * MIN)
    first = [row.due_ms for row in rounds.rows(round_tasks)[before:] if row.resident_id == rounds.ward.residents["201"]]
    assert len(first) == 3
    assert first[-1] - first[0] == hours * HOUR


def test_sweeps_in_any_number_make_each_turn_once(rounds: Rounds) -> None:
    for _ in range(3):
        rounds.sweep("21 23:00")
    assert made(rounds) == everybody(rounds, 1)


def test_two_processes_and_a_restart_make_each_turn_once(rounds: Rounds) -> None:
    other = Database(rounds.db.url.render_as_string(hide_password=False))
    for at in ("21 23:00", "22 02:00"):
        for db in (other, rounds.db, other):
            assert sweep.cycle(db, rounds.tenant, ms(f"2026-11-{at}"))
    other.close()
    assert made(rounds) == everybody(rounds, 2)


def test_a_deadline_that_was_lost_is_planted_again(rounds: Rounds) -> None:
    with rounds.db.write(rounds.tenant.id) as s:
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT))
        assert watch.ensure(s, rounds.now_ms) == 1
        assert watch.ensure(s, rounds.now_ms) == 0
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT))
    rounds.sweep("21 23:00")
    assert made(rounds) == everybody(rounds, 1)


def test_rounds_that_passed_while_the_centre_was_away_are_made_late_and_ring(rounds: Rounds) -> None:
    rounds.sweep("22 02:40")
    assert made(rounds) == everybody(rounds, 2)
    said = Counter(row.what for row in rounds.rows(round_log) if row.from_state is None)
    assert said == {"made_late": 28}
    states = Counter(task.state for task in rounds.open() if task.due_ms < ms("2026-11-22 02:00"))
    assert states == {State.OVERDUE: 14}
    (alarm,) = rounds.alarms()
    assert alarm.reason_params["residents"] == 14


def test_of_a_long_absence_only_the_last_day_is_made(rounds: Rounds) -> None:
    rounds.sweep(EVENING_MS + 5 * 24 * HOUR)
    assert made(rounds) == everybody(rounds, 3)


def test_what_nobody_does_rings_once_for_the_ward_and_ends_when_all_are_seen(rounds: Rounds) -> None:
    rounds.live("21 23:29")
    assert rounds.alarms() == []
    rounds.live("21 23:30")
    (alarm,) = rounds.alarms()
    assert (alarm.kind, alarm.priority, alarm.state) == ("round_overdue", 2, "meldt")
    assert alarm.reason_params["rooms"] == "201"
    rounds.live("21 23:50")
    (alarm,) = rounds.alarms()
    assert (alarm.sound_seq, alarm.reason_params["residents"]) == (3, 14)
    all_done(rounds)
    rounds.live("21 23:51")
    assert [alarm.state for alarm in rounds.alarms()] == ["auto_avklart"]


def test_who_has_closed_the_alarm_and_not_done_the_round_hears_of_it_again(rounds: Rounds) -> None:
    rounds.live("22 00:00")
    assert len(rounds.alarms()) == 1
    with rounds.db.write(rounds.tenant.id) as s:
        s.execute(text("UPDATE alarms SET closed_ms = 1, state = 'avsluttet' WHERE tenant_id = :tenant"))
    rounds.live("22 00:31")
    assert len(rounds.alarms()) == 2


def test_nothing_happening_never_makes_a_turn_done(rounds: Rounds) -> None:
    rounds.live("22 12:00", 10 * MIN)
    assert {task.state for task in rounds.open()} == {State.OVERDUE}
    assert len(rounds.open()) == 3 * len(NUMBERS)
    assert {row.state for row in rounds.rows(round_tasks)} == {"overdue"}


def test_own_times_replace_the_wards(rounds: Rounds) -> None:
    with rounds.db.write(rounds.tenant.id) as s:
        mine = rounds.ward.residents["204"]
        times.set_resident(s, mine, [(30, 127)], rounds.tenant.time_zone, rounds.now_ms)
        assert times.of_residents(s, [mine]) == {mine: (Time(30),)}
        assert [one.number for one in times.people_of(s, rounds.ward.ward, rounds.now_ms)] == list(NUMBERS)
    rounds.live("22 05:30", 10 * MIN)
    assert [task.due_ms for task in rounds.of("204")] == [ms("2026-11-22 00:30")]
    assert len(rounds.of("205")) == 3


def test_who_moves_out_is_not_asked_for(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    gone = rounds.of("204")
    with rounds.db.write(rounds.tenant.id) as s:
        mine = (stays.c.tenant_id == TENANT, stays.c.resident_id == rounds.ward.residents["204"])
        s.execute(update(stays).where(*mine).values(to_ms=rounds.now_ms))
    rounds.live("21 23:02")
    assert rounds.of("204") == []
    (row,) = [row for row in rounds.rows(round_tasks) if row.id == gone[0].id]
    assert (row.state, row.note) == ("cancelled", "moved_out")
    rounds.live("22 03:00", 10 * MIN)
    assert rounds.of("204") == []


def test_a_round_that_is_not_held_any_more_is_not_asked_for(rounds: Rounds) -> None:
    rounds.sweep("21 23:00")
    (sure,) = rounds.of("204")
    rounds.confirm(sure, "digital", "uncertain")
    rounds.set_times((22 * 60 + 30, 127), (2 * 60, 127))
    assert [task.why for task in rounds.open()] == ["retry"]
    assert {row.note for row in rounds.rows(round_tasks) if row.state == "cancelled"} == {"plan_changed"}
    rounds.set_times()
    rounds.confirm(rounds.of("204")[0], "physical", staff_id=KARI)
    rounds.live("22 07:00", 10 * MIN)
    assert rounds.open() == []
    assert "rounds" not in {row.rule for row in rounds.rows(wake_rows)}


def test_a_time_that_is_set_later_the_same_evening_is_not_made_backwards(rounds: Rounds) -> None:
    rounds.live("21 23:20", 10 * MIN)
    all_done(rounds)
    rounds.set_times((23 * 60 + 10, 127), (23 * 60, 127))
    rounds.live("21 23:59", 10 * MIN)
    assert rounds.open() == []


def test_a_clock_that_was_ahead_and_is_set_back_loses_no_round(rounds: Rounds) -> None:
    rounds.set_times((2 * 60, 127))
    rounds.sweep("25 12:00")
    ahead = len(rounds.rows(round_tasks))
    rounds.sweep("21 22:10")
    rounds.sweep("22 02:00")
    assert ms("2026-11-22 02:00") in {task.due_ms for task in rounds.of("201")}
    assert len(rounds.rows(round_tasks)) == ahead + len(NUMBERS)


def test_a_ward_may_be_more_or_less_patient(rounds: Rounds) -> None:
    with rounds.db.write(rounds.tenant.id) as s:
        assert limits_of(s, rounds.ward.ward) == Limits()
        set_limits(s, rounds.ward.ward, Limits(retry_min=5, overdue_min=10, spread_min=0))
        with pytest.raises(RejectError, match="overdue_min"):
            set_limits(s, rounds.ward.ward, Limits(overdue_min=4))
    rounds.sweep("21 23:00")
    assert {task.due_ms for task in rounds.open()} == {rounds.now_ms}
    rounds.live("21 23:10")
    assert len(rounds.alarms()) == 1


@pytest.mark.parametrize("given", [[(1440, 127)], [(-1, 127)], [(60, 0)], [(60, 128)], [(n, 127) for n in range(25)]])
def test_what_is_no_time_is_refused_and_changes_nothing(rounds: Rounds, given: list[tuple[int, int]]) -> None:
    with rounds.db.write(rounds.tenant.id) as s:
        before = times.of_ward(s, rounds.ward.ward)
        for setting in (times.set_ward, times.set_resident):
            with pytest.raises(RejectError):
                setting(s, 1, given, rounds.tenant.time_zone, rounds.now_ms)
        assert times.of_ward(s, rounds.ward.ward) == before == times.check(NIGHT)


def test_times_that_are_set_again_ask_for_no_round_of_before(rounds: Rounds) -> None:
    """Nobody held rounds meanwhile, so that none of them is late."""
    rounds.set_times()
    rounds.sweep("21 22:30")
    rounds.sweep("24 23:30")
    rounds.set_times(*NIGHT)
    rounds.sweep("24 23:30")
    assert rounds.open() == []
    rounds.sweep("25 02:00")
    assert made(rounds) == everybody(rounds, 1)
