"""Night lists over the nights: which boxes are ticked on one, and that one that stops coming is told."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from nattevakt.central.admin import night_list_routes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.rounds import times
from nattevakt.central.tables import rooms, stays
from nattevakt.central.tables_plans import round_tasks
from tests.central.admin.browser import ask
from tests.central.admin.desk import plain
from tests.central.admin.evening import EVENING_MS, Evening
from tests.central.admin.evening import evening as seeded
from tests.central.admin.test_night_list import entry, made
from tests.central.past_nights import HOUR, MIN

OSLO = "Europe/Oslo"


@pytest.fixture
def evening(db: Database) -> Evening:
    return seeded(db)


@pytest.mark.parametrize(
    ("due_min", "why", "ticked"),
    [
        (0, "planned", "23:00"),
        (9, "planned", "23:00"),
        (10, "planned", ""),  # of 23:00 with all its spread, or the first of 23:10
        (15, "planned", ""),
        (16, "planned", "23:10"),
        (25, "planned", "23:10"),
        (26, "planned", ""),  # of none, by what the ward's limits are now
        (9, "retry", "23:00"),
        (12, "retry", ""),
        (180, "planned", "02:00"),
        (200, "retry", "02:00"),
    ],
)
def test_where_a_turn_fits_two_rounds_neither_box_is_ticked(
    evening: Evening, due_min: int, why: str, ticked: str
) -> None:
    one, rounds_ms = evening.ward.residents["204"], EVENING_MS + 90 * MIN

    def walk(s: TenantSession) -> None:
        times.set_ward(s, evening.ward.ward, [(23 * 60, 127), (23 * 60 + 10, 127), (2 * 60, 127)], OSLO, EVENING_MS)
        due_ms = rounds_ms + due_min * MIN
        values = {"resident_id": one, "room_id": evening.ward.rooms["204"], "attempt": 1}
        done = {"due_ms": due_ms, "done_ms": due_ms + MIN, "state": "done", "kind": "digital", "why": why}
        s.insert(round_tasks, ward_id=evening.ward.ward, how="digital", **values, **done)

    evening.write(walk)
    boxes = entry(made(evening, rounds_ms + 4 * HOUR), "204").boxes
    assert [box.at for box in boxes] == ["23:00", "23:10", "02:00"]
    assert [box.at for box in boxes if box.done] == ([ticked] if ticked else [])


def test_a_list_that_has_stopped_coming_is_told_to_the_lead(evening: Evening) -> None:
    tablet = evening.enrol()
    told = "Nattlisten for Furutun, 2. etasje er ikke laget siden lør 21.11. kl. 20:45. Skriv den ut selv"
    last_ms = EVENING_MS - 24 * HOUR - 45 * MIN
    mine = tuple(evening.ward.residents.values())

    def says() -> bool:
        evening.log_in(tablet, evening.kari)
        answer = ask(evening, "/admin")
        assert answer.status_code == 200
        assert ("er ikke laget siden" in plain(answer.text)) == (told in plain(answer.text))
        return told in plain(answer.text)

    def made_by_the_timer(at_ms: int, residents: tuple[int, ...] = mine) -> None:
        evening.write(lambda s: night_list_routes.note(s, residents, at_ms, named=at_ms % 2 == 0))

    evening.clock.at_ms = last_ms + 26 * HOUR + 1
    assert not says(), "no timer"
    made_by_the_timer(last_ms)
    assert not says(), "somebody has tried the command once"
    made_by_the_timer(last_ms - 24 * HOUR)
    assert says()
    evening.clock.at_ms = last_ms + 26 * HOUR
    assert not says(), "the last one is of yesterday, and the night may have 25 hours"
    evening.clock.at_ms += 1
    evening.write(lambda s: night_list_routes.note(s, mine, last_ms + HOUR, named=True, staff_id=1, tablet_id=tablet))
    assert says(), "what somebody prints is not the timer's"
    moved = update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == mine[0])
    elsewhere = evening.other_ward
    with evening.db.write(evening.tenant.id) as s:
        room = s.insert(rooms, ward_id=elsewhere, key="902", number="902", name="")
        s.execute(moved, {"to_ms": last_ms + HOUR})
        s.insert(stays, resident_id=mine[0], room_id=room, from_ms=last_ms + HOUR, to_ms=None)
    made_by_the_timer(last_ms + 24 * HOUR, mine[:1])
    assert says(), "that was the list of another ward"
    made_by_the_timer(last_ms + 24 * HOUR)
    assert not says()
    evening.clock.at_ms = last_ms + 60 * 24 * HOUR
    assert not says(), "given up long ago"
