"""What a plan, its ground and its pauses let ring: on each database, through the real ingest and sweep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from nattevakt.central import sweep
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.tables import alarms, events, residents, rule_states, stays, wake_rows
from nattevakt.central.tables import wards as ward_rows
from nattevakt.edge.events import Bed, Contact, Fall
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.windows import Window
from tests.central.house import DOOR, S1, House, line, moment, press
from tests.central.night import BODIES, MAT, MIN, Delivery, Happening, Ward

START_MS = round(datetime(2026, 11, 20, 23, 30, tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
BED = "not_back_in_bed"


@pytest.fixture
def ward(database_url: str, tmp_path: Path) -> Iterator[Ward]:
    """One resident's room on each database."""
    made = Ward(database_url, "furutun", START_MS)
    yield made
    made.close()


def at(minute: float) -> int:
    return START_MS + round(minute * MIN)


def script(*steps: tuple[int, str]) -> list[Happening]:
    return [Happening(at(minute), what) for minute, what in steps]


LEFT = ((1, "in"), (10, "out"), (12, "moves"))
"""Up at ten past, seen in the bath: an alarm at 25."""


def told(ward: Ward) -> list[tuple[str, str, tuple[str, ...]]]:
    """The alarms of the bed: kind, state, marks."""
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT).order_by(alarms.c.id)).all()
    return [(row.kind, row.state, tuple(row.marks)) for row in rows if row.rule == BED]


def write(ward: Ward | House, fn: Any, *args: Any, **named: Any) -> Any:
    with ward.db.write(ward.tenant.id) as s:
        return fn(s, *args, **named)


def saved(ward: Ward | House, resident: int, *lines: Line) -> plans.Plan:
    with ward.db.write(ward.tenant.id) as s:
        plan = plans.current(s, resident)
        return plans.save(
            s,
            resident,
            lines,
            why="prøve",
            staff_id=None,
            by_name="prøve",
            now_ms=ward.clock.at_ms,
            expected_version=plan.version if plan is not None else 0,
        )


def bed(limit_min: int) -> Line:
    return Line(BED, (Window(23 * 60, 7 * 60),), {"limit_min": limit_min})


def lived(ward: Ward, night: list[Happening], from_minute: float, to_minute: float) -> None:
    """What happens of a night from one moment to another, with its sequence numbers kept."""
    part = [entry for entry in night if at(from_minute) <= entry.at_ms < at(to_minute)]
    ward.live(part, Delivery(), at(to_minute))


# --- what rings at once --------------------------------------------------------------------------------------


def test_a_paused_rule_is_written_down_and_a_call_rings_marked(house: House) -> None:
    now = house.clock.at_ms
    write(house, pauses.begin, 2, None, now + HOUR_MS, "Datter på besøk", 1, now)
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(2, Fall(DOOR))
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.marks) == ("fall", ["paused"])
    assert [row.outcome_reason for row in house.rows(events)] == ["paused", None]


def test_a_pause_of_another_rule_holds_nothing_back(house: House) -> None:
    saved(house, 2, Line("door_at_night", (Window(0, 0),)), bed(15))
    write(house, pauses.begin, 2, BED, house.clock.at_ms + HOUR_MS, "Ligger på sofaen", 1, house.clock.at_ms)
    house.gate.tell(1, Contact(DOOR, open=True))
    assert [(alarm.kind, alarm.marks) for alarm in house.alarms()] == [("door_at_night", [])]


def test_without_a_ground_nothing_planned_rings_and_a_call_says_so(house: House) -> None:
    write(house, bases.end, 2, 1, house.clock.at_ms)
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(2, press(DOOR))
    assert [(alarm.kind, alarm.marks) for alarm in house.alarms()] == [("call", ["no_basis"])]
    assert house.rows(events)[0].outcome_reason == "no_basis"
    give(house, 2)
    house.gate.tell(3, Contact(DOOR, open=True))
    assert [(alarm.kind, alarm.marks) for alarm in house.alarms()][1:] == [("door_at_night", [])]


def give(house: Ward | House, resident: int, days: int = 90) -> None:
    now = house.clock.at_ms
    write(house, bases.give, resident, "samtykke", now, now + days * DAY_MS, "Avdelingsleder", None, now)


def test_an_alarm_names_the_version_of_the_plan_and_the_start_up(house: House) -> None:
    plan = write(house, plans.start, 2, house.clock.at_ms + DAY_MS, staff_id=1, now_ms=house.clock.at_ms)
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(2, press())
    door, call = house.alarms()
    assert (door.plan_version_id, door.marks) == (plan.version_id, ["startup"])
    # Whoever has no plan has no ground either, and is answered all the same.
    assert (call.plan_version_id, call.marks) == (None, ["no_basis"])
    house.clock.at_ms += DAY_MS
    house.gate.tell(3, press(DOOR))
    assert house.alarms()[-1].marks == []


def test_after_the_end_of_service_only_calls_ring_and_say_so(house: House) -> None:
    plan = write(house, plans.end, 2, "Flyttet til sykehjem", 1, house.clock.at_ms)
    assert (plan.version, plan.ended_ms) == (2, house.clock.at_ms)
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(2, press(DOOR))
    assert [(alarm.kind, alarm.marks) for alarm in house.alarms()] == [("call", ["ended"])]
    saved(house, 2, Line("door_at_night", (Window(0, 0),)))
    house.gate.tell(3, Contact(DOOR, open=True))
    assert len(house.alarms()) == 2


def test_of_two_in_a_room_the_one_who_is_watched_is_enough(house: House) -> None:
    saved(house, 1, Line("door_at_night", (Window(0, 0),)))
    with house.db.write(house.tenant.id) as s:
        s.insert(stays, resident_id=1, room_id=2, from_ms=0, to_ms=None)
    write(house, pauses.begin, 2, None, house.clock.at_ms + HOUR_MS, "Ute", 1, house.clock.at_ms)
    house.gate.tell(1, Contact(DOOR, open=True))
    assert house.alarms() == []
    give(house, 1)
    house.gate.tell(2, Contact(DOOR, open=True))
    assert [alarm.kind for alarm in house.alarms()] == ["door_at_night"]


# --- what waits ----------------------------------------------------------------------------------------------


def test_a_deadline_under_a_pause_is_judged_when_the_pause_is_over(ward: Ward) -> None:
    night = script(*LEFT)
    lived(ward, night, 0, 20)
    write(ward, pauses.begin, 1, BED, at(60), "Jeg er hos henne", None, ward.clock.at_ms)
    ward.live([], Delivery(), at(59))
    assert told(ward) == []
    ward.live([], Delivery(), at(61))
    assert told(ward) == [(BED, "eskalert", ())]


def test_a_pause_that_is_ended_early_is_looked_behind_at_once(ward: Ward) -> None:
    lived(ward, script(*LEFT), 0, 20)
    pause = write(ward, pauses.begin, 1, None, at(90), "Stell", None, ward.clock.at_ms)
    ward.live([], Delivery(), at(40))
    assert told(ward) == []
    assert write(ward, pauses.end, pause, None, ward.clock.at_ms)
    assert not write(ward, pauses.end, pause, None, ward.clock.at_ms)
    ward.live([], Delivery(), at(40.1))
    assert told(ward) == [(BED, "meldt", ())]


def test_who_is_back_before_the_pause_is_over_rings_nobody(ward: Ward) -> None:
    lived(ward, script(*LEFT), 0, 20)
    write(ward, pauses.begin, 1, None, at(60), "Stell", None, ward.clock.at_ms)
    ward.clock.at_ms = at(50)
    # The fourth event of the stream: the first three are there already.
    ward.gates[0].send(line(S1, 4, Bed(MAT, occupied=True), moment(at(50))))
    ward.live([], Delivery(), at(90))
    assert told(ward) == []


def test_a_deadline_without_a_ground_is_judged_when_there_is_one(ward: Ward) -> None:
    write(ward, bases.end, 1, None, START_MS)
    lived(ward, script(*LEFT), 0, 90)
    assert told(ward) == []
    give(ward, 1)
    ward.live([], Delivery(), at(90.1))
    assert told(ward) == [(BED, "meldt", ())]


# --- a plan that is changed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "silent_to"), [(5, 20), (40, 49)], ids=["shorter, at once", "longer"])
def test_an_episode_that_is_running_gets_its_new_limit(ward: Ward, limit: int, silent_to: int) -> None:
    lived(ward, script(*LEFT), 0, 20)
    assert told(ward) == []
    plan = saved(ward, 1, bed(limit))
    if silent_to > 20:
        ward.live([], Delivery(), at(silent_to))
    assert told(ward) == []
    ward.live([], Delivery(), at(silent_to + 2))
    assert told(ward) == [(BED, "eskalert", ())]
    with ward.db.read(ward.tenant.id) as s:
        row = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT)).one()
    assert (row.plan_version_id, row.reason_params["min"]) == (plan.version_id, limit)


def test_what_has_rung_does_not_ring_anew_by_a_change_of_the_plan(ward: Ward) -> None:
    lived(ward, script(*LEFT), 0, 26)
    assert [entry[0] for entry in told(ward)] == [BED]
    saved(ward, 1, bed(10))
    ward.live([], Delivery(), at(28))
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(alarms.c.sound_seq).where(alarms.c.tenant_id == TENANT)).all()
    assert [row.sound_seq for row in rows] == [1]


def test_a_rule_that_is_taken_out_leaves_its_alarm_to_people(ward: Ward) -> None:
    lived(ward, script(*LEFT), 0, 26)
    saved(ward, 1)
    ward.live([], Delivery(), at(30))
    assert told(ward) == [(BED, "eskalert", ())]
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(rule_states).where(rule_states.c.tenant_id == TENANT, rule_states.c.rule == BED)).all()
    assert [row.state for row in rows] == [{}]
    ward.live([], Delivery(), at(90))
    assert told(ward) == [(BED, "eskalert", ())]


def test_a_rule_that_is_put_in_knows_who_is_out_already(ward: Ward) -> None:
    saved(ward, 1)
    lived(ward, script(*LEFT), 0, 20)
    saved(ward, 1, bed(15))
    ward.live([], Delivery(), at(26))
    assert told(ward) == [(BED, "eskalert", ())]


def test_what_happens_while_a_rule_is_switched_off_is_known_when_it_is_back(ward: Ward) -> None:
    evening = [(-85, "in"), (-60, "out"), (-40, "in"), (10, "out")]
    for seq, (minute, what) in enumerate(evening, 1):
        ward.clock.at_ms = at(minute)
        saved(ward, 1, *(() if minute == -40 else (bed(15),)))
        ward.gates[0].send(line(S1, seq, BODIES[what], moment(at(minute))))
    ward.live([], Delivery(), at(60))
    assert [entry[0] for entry in told(ward)] == [BED]


# --- a ground that runs out ----------------------------------------------------------------------------------


def about_basis(ward: Ward) -> list[tuple[str, str, int]]:
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.kind == "basis_expired")).all()
    return [(row.reason_code, row.state, row.sound_seq) for row in rows]


def test_a_ground_that_runs_out_at_night_holds_until_the_day_shift(ward: Ward) -> None:
    write(ward, bases.end, 1, None, START_MS)
    write(ward, bases.give, 1, "samtykke", 0, at(5), "Avdelingsleder", None, START_MS)
    lived(ward, script(*LEFT), 0, 30)
    assert told(ward) == [(BED, "eskalert", ())]
    assert about_basis(ward) == [("basis_expired.armed", "meldt", 1)]
    seven = at(7.5 * 60)
    with ward.db.read(ward.tenant.id) as s:
        assert 1 in bases.valid(s, (1,), seven - 1)
        assert bases.valid(s, (1,), seven) == {}
    ward.live([], Delivery(), seven)
    sweep.cycle(ward.db, ward.tenant, seven)
    assert about_basis(ward) == [("basis_expired", "meldt", 2)]
    ward.clock.at_ms = seven + HOUR_MS
    give(ward, 1)
    assert about_basis(ward)[0][1] == State.CLEARED.value
    sweep.cycle(ward.db, ward.tenant, ward.clock.at_ms)
    assert len(about_basis(ward)) == 1


def test_a_ground_that_runs_out_by_day_ends_there_and_then(ward: Ward) -> None:
    noon = START_MS + 12 * HOUR_MS
    write(ward, bases.give, 1, "vedtak_4_6_a", 0, noon, "Avdelingsleder", None, START_MS)
    with ward.db.read(ward.tenant.id) as s:
        assert 1 in bases.valid(s, (1,), noon - 1)
        assert bases.valid(s, (1,), noon) == {}
    ward.live([], Delivery(), noon)
    sweep.cycle(ward.db, ward.tenant, noon)
    assert about_basis(ward) == [("basis_expired", "meldt", 1)]


def test_the_end_of_a_service_needs_no_ground(ward: Ward) -> None:
    write(ward, bases.give, 1, "samtykke", 0, at(30), "Avdelingsleder", None, START_MS)
    write(ward, plans.end, 1, "Slutt", None, START_MS)
    ward.live([], Delivery(), at(60))
    sweep.cycle(ward.db, ward.tenant, at(60))
    assert about_basis(ward) == []


def test_the_wards_night_is_the_one_of_the_ward(ward: Ward) -> None:
    with ward.db.write(ward.tenant.id) as s:
        s.execute(update(ward_rows).where(ward_rows.c.tenant_id == TENANT).values(night_from_minute=60))
    write(ward, bases.give, 1, "samtykke", 0, at(5), "Avdelingsleder", None, START_MS)
    with ward.db.read(ward.tenant.id) as s:
        assert bases.valid(s, (1,), at(5)) == {}


# --- rules that wait for a time of day -----------------------------------------------------------------------

TIMED = [rule.name for rule in RULES if rule.timed]


def waiting(ward: Ward) -> dict[str, int]:
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(wake_rows).where(wake_rows.c.tenant_id == TENANT)).all()
    return {row.rule: row.wake_at_ms for row in rows if row.rule in TIMED}


@pytest.mark.parametrize("name", TIMED)
def test_a_rule_that_waits_for_a_time_of_day_is_asked_from_when_it_is_armed(ward: Ward, name: str) -> None:
    saved(ward, 1, Line(name))
    ward.live([], Delivery(), at(1))
    found = waiting(ward)
    assert list(found) == [name]
    assert at(1) < found[name] <= at(1) + DAY_MS
    # Lost by whatever accident, it is planted again; taken out of the plan, it is not.
    with ward.db.write(ward.tenant.id) as s:
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == name))
    ward.live([], Delivery(), at(3))
    ward.live([], Delivery(), at(4))
    assert waiting(ward) == found
    saved(ward, 1)
    ward.live([], Delivery(), at(6))
    assert waiting(ward) == {}


@pytest.mark.parametrize("name", TIMED)
def test_who_gets_company_is_asked_for_the_room_and_no_longer_alone(ward: Ward, name: str) -> None:
    saved(ward, 1, Line(name))
    ward.live([], Delivery(), at(1))
    with ward.db.write(ward.tenant.id) as s:
        room = s.execute(select(stays.c.room_id).where(stays.c.tenant_id == TENANT)).scalar_one()
        other = s.insert(residents, key="r2", name="Prøve To")
        s.insert(stays, resident_id=other, room_id=room, from_ms=at(1), to_ms=None)
    for minute in range(2, 26 * 60, 60):
        ward.live([], Delivery(), at(minute))
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(wake_rows).where(wake_rows.c.tenant_id == TENANT)).all()
    subjects = {row.subject for row in rows if row.rule == name}
    assert "resident:1" not in subjects
    assert all(subject.startswith(("room:", "bed:")) for subject in subjects)
