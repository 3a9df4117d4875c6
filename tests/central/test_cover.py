"""A ward that cannot hear, and a ward that nobody is on duty for: told of in time, and over when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import audible, cover, routing_rows
from nattevakt.central.notify.routing import BUILT_IN, Chain, Route, Routing, Step
from nattevakt.central.people import duties, sessions, tablets
from nattevakt.central.people.duties import Asked
from nattevakt.central.tables import staff
from nattevakt.central.tables import tablets as tablet_rows
from tests.central.house import House
from tests.central.taken_night import Night, oslo

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
RUNS = {"audio": "running", "visible": True}
SECOND = 1 / 60


@pytest.fixture
def night(house: House) -> Night:
    house.clock.at_ms = oslo("2026-11-20T22:30")
    return Night(house)


def says(night: Night, said: dict[str, object] | None = None, tablet: int | None = None) -> None:
    """A tablet tells of itself."""
    with night.house.db.write(night.house.tenant.id) as s:
        tablets.note_presence(s, tablet or night.tablet, RUNS if said is None else said, night.now_ms)


def looks(night: Night, seconds: float, *, said: dict[str, object] | None = None, silent: bool = False) -> None:
    """So much time goes by; the tablet says the same each 30 s, the centre looks each five."""
    for tick in range(round(seconds / 5)):
        if not silent and tick % 6 == 0:
            says(night, said)
        night.passes(5 * SECOND)
        night.sweep()


def of_kind(night: Night, kind: str, ward: int = 1) -> list[Any]:
    return [row for row in night.house.alarms() if (row.kind, row.ward_id) == (kind, ward)]


def test_a_tablet_is_heard_while_it_says_so() -> None:
    assert audible.is_audible(RUNS, 0, audible.SAID_MS)
    assert not audible.is_audible(RUNS, 0, audible.SAID_MS + 1)
    assert audible.is_audible(RUNS, 0, 300_000, pace=60), "no limit is shorter than five real seconds"
    for wrong in ({}, {"audio": "running"}, {"audio": "suspended", "visible": True}, {**RUNS, "visible": False}, None):
        assert not audible.is_audible(wrong, 0, 0), wrong
    assert not audible.is_audible(RUNS, None, 0)


def test_a_tablet_whose_battery_dies_is_told_of_on_another_way(night: Night) -> None:
    with night.house.db.write(night.house.tenant.id) as s:
        s.insert(tablet_rows, ward_id=2, name="V", token_sha256="z", enrolled_ms=0)
    looks(night, 300)
    assert of_kind(night, "ward_unheard") == []
    looks(night, 180, silent=True)
    (alarm,) = of_kind(night, "ward_unheard")
    assert (alarm.ward_id, alarm.priority, alarm.reason_code) == (1, 2, "ward_unheard.off")
    assert alarm.reason_params == {"ward": "Avdeling A", "tablets": 1}
    looks(night, 20, silent=True)
    assert of_kind(night, "ward_unheard")[0].state == State.ESCALATED.value, (
        "nobody there shows it: the next hear of it"
    )
    looks(night, 60)
    (alarm,) = of_kind(night, "ward_unheard")
    assert (alarm.state, alarm.closed_ms is not None) == (State.CLEARED.value, True)


def test_a_tablet_that_is_on_but_silent_or_hidden_does_not_count(night: Night) -> None:
    for wrong in ({**RUNS, "audio": "suspended"}, {**RUNS, "visible": False}):
        looks(night, 60)
        looks(night, 120, said=wrong)
        assert of_kind(night, "ward_unheard")[-1].reason_code == "ward_unheard"
        looks(night, 30)
        assert of_kind(night, "ward_unheard")[-1].state == State.CLEARED.value
    assert len(of_kind(night, "ward_unheard")) == 2


def test_what_was_said_by_a_clock_that_was_ahead_does_not_count() -> None:
    assert audible.is_audible(RUNS, 20_000, 0), "clocks of one centre may differ by a little"
    assert not audible.is_audible(RUNS, 40 * MINUTE_MS, 0), "a tablet that has died since would be heard till then"


def ends(night: Night, alarm: int) -> None:
    """Somebody looks at it, and thinks that it is mended."""
    for to in (State.TAKEN, State.ON_SITE, State.CLOSED):
        night.act(alarm, to)


def test_whoever_ended_the_alarm_of_a_ward_that_hears_nothing_hears_of_it_again(night: Night) -> None:
    looks(night, 60)
    looks(night, 180, silent=True)
    (first,) = of_kind(night, "ward_unheard")
    looks(night, 31 * 60, silent=True)
    assert len(of_kind(night, "ward_unheard")) == 1, "while it is open nobody is told of it anew"
    ends(night, first.id)
    looks(night, 29 * 60, silent=True)
    assert len(of_kind(night, "ward_unheard")) == 1
    looks(night, 90, silent=True)
    assert [row.closed_ms is None for row in of_kind(night, "ward_unheard")] == [False, True]


def test_one_tablet_that_can_be_heard_is_enough(night: Night) -> None:
    for _ in range(10):
        says(night, {**RUNS, "visible": False}, night.tablet + 1)
        looks(night, 30)
    assert of_kind(night, "ward_unheard") == []


def test_a_page_that_is_loaded_anew_is_no_alarm_and_a_centre_that_was_away_waits(night: Night) -> None:
    looks(night, 60)
    looks(night, 100, silent=True)
    assert of_kind(night, "ward_unheard") == []
    looks(night, 30)
    night.passes(30)
    night.sweep()
    assert of_kind(night, "ward_unheard") == [], "it was the centre that heard nothing"
    looks(night, 100, silent=True)
    assert of_kind(night, "ward_unheard") == []
    looks(night, 120, silent=True)
    assert len(of_kind(night, "ward_unheard")) == 1


def test_tablets_that_nobody_has_put_to_use_are_nobodys_ward(night: Night) -> None:
    looks(night, 600, silent=True)
    assert night.house.alarms() == []


def on_duty(night: Night, who: int, from_ms: int, to_ms: int, **place: Any) -> None:
    asked = Asked(who, "vakt", from_ms, to_ms, **(place if place else {"ward_id": 1}))
    with night.house.db.write(night.house.tenant.id) as s:
        duties.add(s, asked, zones=(), made_by=None, now_ms=night.now_ms)
        cover.hurry(s, night.now_ms)


def logs_in(night: Night, who: int) -> None:
    with night.house.db.write(night.house.tenant.id) as s:
        sessions.start(s, night.tablet, who, night.now_ms)


def found(night: Night, ward: int = 1) -> list[tuple[int, int, str]]:
    """The ward's holes: from and to in minutes from now, and why."""
    with night.house.db.read(night.house.tenant.id) as s:
        holes = cover.holes(s, night.house.tenant, ward, night.now_ms)
    return [
        ((hole.from_ms - night.now_ms) // MINUTE_MS, (hole.to_ms - night.now_ms) // MINUTE_MS, hole.why)
        for hole in holes
    ]


def test_a_hole_in_tomorrows_duty_is_found_today_and_rings_when_it_begins(night: Night) -> None:
    now_ms = night.now_ms
    says(night)
    logs_in(night, night.kari)
    on_duty(night, night.kari, now_ms - HOUR_MS, now_ms + 9 * HOUR_MS)
    on_duty(night, night.per, now_ms + 10 * HOUR_MS, now_ms + 30 * HOUR_MS)
    assert found(night) == [(540, 600, "no_duty")]
    looks(night, 120)
    (alarm,) = of_kind(night, "duty_gap")
    assert (alarm.ward_id, alarm.priority, alarm.reason_code) == (1, 3, "duty_gap.ahead")
    said = {"ward": "Avdeling A", "from_ms": now_ms + 9 * HOUR_MS, "to_ms": now_ms + 10 * HOUR_MS}
    assert alarm.reason_params == said
    night.passes(9 * 60 - 2)
    looks(night, 130)
    (alarm,) = of_kind(night, "duty_gap")
    assert (alarm.priority, alarm.sound_seq, alarm.reason_code) == (2, 2, "duty_gap.no_duty")
    on_duty(night, night.kari, night.now_ms, night.now_ms + 2 * HOUR_MS)
    looks(night, 10)
    (over, next_one) = of_kind(night, "duty_gap")
    assert over.state == State.CLEARED.value
    assert (next_one.priority, next_one.reason_code) == (3, "duty_gap.ahead"), "another lies ahead: when Per goes home"


def test_logging_off_counts_at_once_and_so_does_a_dying_tablet(night: Night) -> None:
    now_ms = night.now_ms
    on_duty(night, night.kari, now_ms - HOUR_MS, now_ms + 9 * HOUR_MS)
    on_duty(night, night.per, now_ms + 9 * HOUR_MS, now_ms + 33 * HOUR_MS)
    says(night)
    assert found(night) == [(0, 510, "not_there")], "until the change of shift; what comes then nobody knows"
    logs_in(night, night.kari)
    assert found(night) == []
    looks(night, 65)
    assert of_kind(night, "duty_gap") == []
    with night.house.db.write(night.house.tenant.id) as s:
        sessions.end(s, night.tablet)
        cover.hurry(s, night.now_ms)
    night.sweep()
    assert of_kind(night, "duty_gap")[0].reason_code == "duty_gap.not_there"
    logs_in(night, night.kari)
    looks(night, 65)
    assert of_kind(night, "duty_gap")[0].state == State.CLEARED.value
    looks(night, 180, silent=True)
    assert of_kind(night, "duty_gap")[-1].state != State.CLEARED.value, "the tablet has gone"


def test_whoever_ended_the_alarm_of_a_hole_that_is_there_hears_of_it_again(night: Night) -> None:
    on_duty(night, night.kari, night.now_ms - HOUR_MS, night.now_ms + 9 * HOUR_MS)
    looks(night, 65)
    (first,) = of_kind(night, "duty_gap")
    assert (first.priority, first.reason_code) == (2, "duty_gap.not_there")
    ends(night, first.id)
    looks(night, 29 * 60)
    assert len(of_kind(night, "duty_gap")) == 1
    looks(night, 120)
    assert [row.closed_ms is None for row in of_kind(night, "duty_gap")] == [False, True]


def test_whoever_has_a_telephone_is_reached_and_who_has_just_come_is_given_time(night: Night) -> None:
    now_ms = night.now_ms
    says(night)
    on_duty(night, night.kari, now_ms, now_ms + 24 * HOUR_MS)
    assert found(night) == []
    night.passes(10)
    says(night)
    assert [why for *_, why in found(night)] == ["not_there", "no_duty"]
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(
            staff.update().where(staff.c.tenant_id == TENANT, staff.c.id == night.kari).values(phone="+4790000001")
        )
    assert [why for *_, why in found(night)] == ["no_duty"]


def test_a_ward_without_a_tablet_in_use_is_a_hole_where_its_chain_ends_there(night: Night) -> None:
    says(night)
    alone = Chain("alene", "Alene", (Step(("tablets:ward",), 0),), 60)
    routing = Routing(chains=(alone,), routes=(Route("alene"),))

    def save(s: Any) -> None:
        routing_rows.save(s, routing, why="p", staff_id=None, by_name="t", now_ms=night.now_ms, expected_version=0)

    assert found(night, ward=2) == [], "the other ward's tablets ring"
    night.house.db.transact(night.house.tenant.id, save)
    assert found(night, ward=2) == [(0, 1440, "no_tablet")]
    assert found(night) == []
    looks(night, 65)
    (alarm,) = of_kind(night, "duty_gap", 2)
    assert (alarm.ward_id, alarm.reason_code, alarm.priority) == (2, "duty_gap.no_tablet", 2)
    assert BUILT_IN.routes
