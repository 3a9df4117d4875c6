"""While a sensor that a plan leans on is silent, somebody is to look into the room, more often, until it is back."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from nattevakt.central import states
from nattevakt.central.columns import TENANT
from nattevakt.central.completeness import Outage
from nattevakt.central.places import plans
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.rounds import degraded
from nattevakt.central.rounds.degraded import Thin, silent
from nattevakt.central.rounds.schedule import Person
from nattevakt.central.rounds.tasks import Kind, Refused, Task
from nattevakt.central.rounds.times import Resident
from nattevakt.central.tables import placements
from nattevakt.central.tables_plans import round_tasks
from tests.central.rounds.conftest import KARI, MIN, Rounds, ms

WHO = Resident(Person(7, ()), 3, "204", "")
MAT = Sensor(mute=False, spot="seng", last_heard_ms=5, readings={"bed": "occupied"}, address="mat")
LOST = Sensor(mute=False, spot="seng", last_heard_ms=5, unknown_since_ms=9, unknown_reason="silent", address="mat2")
PIR = Sensor(mute=False, spot="bad", last_heard_ms=5, address="pir")
PIR_LOST = Sensor(mute=False, spot="gang", last_heard_ms=5, unknown_since_ms=8, unknown_reason="silent", address="pir2")
CUT = Sensor(mute=False, spot="seng", last_heard_ms=5, outage=Outage(4, "gateway_silent"), address="mat3")
NEVER = Sensor(mute=False, spot="seng", address="mat4")
USES = {"mat": "bed", "mat2": "bed", "mat3": "bed", "mat4": "bed", "pir": "motion", "pir2": "motion"}


@pytest.mark.parametrize(
    ("needs", "there", "found"),
    [
        (["bed"], [MAT], None),
        (["bed"], [LOST], Thin(7, 3, 9, "bed", "seng", "silent")),
        (["bed"], [MAT, LOST], Thin(7, 3, 9, "bed", "seng", "silent")),
        (["bed"], [CUT], Thin(7, 3, 4, "bed", "seng", "gateway_silent")),
        (["bed"], [NEVER], Thin(7, 3, 100, "bed", "seng", "never")),
        (["bed"], [PIR], Thin(7, 3, 100, "bed", "", "missing")),
        (["bed"], [MAT, PIR_LOST], None),
        (["presence|motion"], [PIR, PIR_LOST], None),
        (["presence|motion"], [PIR_LOST], Thin(7, 3, 8, "presence", "gang", "silent")),
        (["bed", "presence|motion"], [LOST, PIR_LOST], Thin(7, 3, 8, "presence", "gang", "silent")),
        ([], [LOST], None),
    ],
)
def test_what_a_plan_leans_on(needs: list[str], there: list[Sensor], found: Thin | None) -> None:
    assert silent(WHO, needs, there, USES, 100) == found


def test_a_sensor_that_nobody_has_told_the_use_of_is_believed_where_it_is_heard() -> None:
    assert silent(WHO, ["bed"], [PIR], {}, 100) is None
    lost = silent(WHO, ["bed"], [PIR_LOST], {}, 100)
    assert lost == Thin(7, 3, 8, "bed", "gang", "silent")
    assert silent(WHO, ["bed"], [PIR, PIR_LOST], {}, 100) is None


def dense(rounds: Rounds, number: str = "204") -> list[Task]:
    return [task for task in rounds.of(number) if task.why == "degraded"]


def thin(rounds: Rounds) -> tuple[Thin, ...]:
    with rounds.db.read(rounds.tenant.id) as s:
        return degraded.now(s, rounds.ward.ward)


@pytest.fixture
def leaning(rounds: Rounds) -> Rounds:
    """No rounds of the ward, and a plan that leans on the mat in 204."""
    rounds.set_times()
    rounds.plan("204", dense_rounds_min=30)
    rounds.sweep()
    return rounds


def test_it_begins_by_itself_goes_on_and_ends_when_the_sensor_is_back(leaning: Rounds) -> None:
    rounds = leaning
    rounds.live("21 22:10")
    assert (dense(rounds), thin(rounds)) == ([], ())
    rounds.silent("204")
    rounds.live("21 22:11")
    (first,) = dense(rounds)
    assert (first.kind, first.due_ms) == (Kind.PHYSICAL, ms("2026-11-21 22:11"))
    assert [(one.spot, one.since_ms) for one in thin(rounds)] == [("seng", ms("2026-11-21 22:10"))]
    with pytest.raises(Refused, match="physical"):
        rounds.confirm(first, "digital")
    rounds.live("21 22:15")
    rounds.confirm(first, "physical", staff_id=KARI)
    rounds.live("21 22:44")
    assert dense(rounds) == []
    rounds.live("21 22:45")
    (second,) = dense(rounds)
    assert second.due_ms == ms("2026-11-21 22:45")
    rounds.live("21 22:50")
    assert dense(rounds) == [second], "one at a time"
    rounds.back("204")
    rounds.live("21 22:51")
    assert (dense(rounds), thin(rounds)) == ([], ())
    (gone,) = [row for row in rounds.rows(round_tasks) if row.id == second.id]
    assert (gone.state, gone.note) == ("cancelled", "sensor_back")
    assert rounds.alarms() == []


def test_nobody_looking_rings_as_any_round_does(leaning: Rounds) -> None:
    leaning.silent("204")
    leaning.live("21 22:32")
    (alarm,) = leaning.alarms()
    assert alarm.reason_params["rooms"] == "204"
    leaning.back("204")
    leaning.live("21 22:33")
    assert [alarm.state for alarm in leaning.alarms()] == ["auto_avklart"]


def test_a_look_into_the_room_for_another_reason_counts(rounds: Rounds) -> None:
    rounds.plan("204", dense_rounds_min=60)
    rounds.sweep("21 23:00")
    rounds.confirm(rounds.of("204")[0], "physical")
    rounds.silent("204")
    rounds.live("21 23:59")
    assert dense(rounds) == []
    rounds.live("22 00:00")
    assert len(dense(rounds)) == 1


def test_it_is_the_same_after_a_restart(leaning: Rounds) -> None:
    leaning.silent("204")
    for _ in range(3):
        leaning.sweep("21 22:11")
    leaning.sweep("22 01:11")
    assert len(dense(leaning)) == 1


def test_a_gateway_that_is_not_heard_sends_somebody_to_all_who_lean_on_it_one_a_minute(rounds: Rounds) -> None:
    rounds.set_times()
    for number in ("201", "202", "203"):
        rounds.plan(number)
    rounds.sweep()
    with rounds.db.write(rounds.tenant.id) as s:
        states.lock(s, "gateway:1", "gateway_silent")
        states.keep(s, "gateway:1", "gateway_silent", {"since_ms": rounds.now_ms})
    rounds.live("21 22:01")
    found = [task for number in ("201", "202", "203") for task in dense(rounds, number)]
    assert [task.due_ms - rounds.now_ms for task in found] == [0, MIN, 2 * MIN]
    assert {one.why for one in thin(rounds)} == {"gateway_silent"}
    with rounds.db.write(rounds.tenant.id) as s:
        states.keep(s, "gateway:1", "gateway_silent", {})
    rounds.live("21 22:02")
    assert rounds.open() == []


def test_what_is_unknown_after_a_restart_has_a_while_to_be_heard(leaning: Rounds) -> None:
    rounds = leaning
    rounds.sensor("204", unknown_since_ms=rounds.now_ms, unknown_reason="restart", known_after_ms=rounds.now_ms)
    rounds.live("21 22:09")
    assert (dense(rounds), thin(rounds)) == ([], ())
    rounds.live("21 22:10")
    assert len(dense(rounds)) == len(thin(rounds)) == 1


def test_a_sensor_that_was_taken_away_leaves_the_plan_leaning_on_nothing(leaning: Rounds) -> None:
    rounds = leaning
    with rounds.db.write(rounds.tenant.id) as s:
        mine = placements.c.room_id == rounds.ward.rooms["204"]
        s.execute(delete(placements).where(placements.c.tenant_id == TENANT, mine))
    rounds.live("21 22:11")
    assert [one.why for one in thin(rounds)] == ["missing"]


def test_a_plan_that_has_ended_leans_on_nothing(leaning: Rounds) -> None:
    rounds = leaning
    rounds.silent("204")
    rounds.live("21 22:05")
    assert dense(rounds)
    with rounds.db.write(rounds.tenant.id) as s:
        plans.end(s, rounds.ward.residents["204"], "flyttet", KARI, rounds.now_ms)
    rounds.live("21 22:06")
    assert (dense(rounds), thin(rounds)) == ([], ())
