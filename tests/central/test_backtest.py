"""A plan on past nights: the same as what production would have done, whose nights they were, and what is refused."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text, update

from nattevakt.central import past
from nattevakt.central.backtest import Backtest, run
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.places.plan_lines import Line, PlanError
from nattevakt.central.tables import residents, rooms, stays
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.windows import Window
from tests.central.house import Clock
from tests.central.past_nights import DAY, HOUR, MIN, NOON_MS, Lived, S, at

NIGHT = (Window(22 * 60, 7 * 60),)
BED_15 = Line("not_back_in_bed", NIGHT, {"limit_min": 15})
BED_40 = Line("not_back_in_bed", NIGHT, {"limit_min": 40})
DOOR = Line("door_at_night", NIGHT)


@pytest.fixture
def lived(db: Database) -> Lived:
    """A ward at noon, with nothing planned yet."""
    return Lived(db, Clock(NOON_MS))


def tried(lived: Lived, resident_id: int, *lines: Line, nights: int = 1) -> Backtest:
    """A backtest as of now."""
    with lived.db.read(lived.tenant.id) as s:
        return run(s, resident_id, lines, nights, lived.clock.at_ms)


def told(found: Backtest) -> list[tuple[int, str, str]]:
    """Night, kind and reason of what would have rung."""
    return [
        (index, alarm.kind, alarm.reason.code) for index, night in enumerate(found.nights) for alarm in night.raised
    ]


def one_night(day: int = 0, away_min: int = 30) -> list[tuple[int, str]]:
    """To bed at 22:30; up at 02:00, seen in the sitting room, and back after a while."""
    return [
        (at(day, "22:30"), "in"),
        (at(day + 1, "02:00"), "out"),
        (at(day + 1, "02:01"), "moves"),
        (at(day + 1, "02:00") + away_min * MIN, "in"),
        (at(day + 1, "08:00"), "out"),
    ]


def test_what_would_have_rung_stands_beside_what_did(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live(one_night(), at(1, "11:00"))
    found = tried(lived, r1, BED_15)
    assert told(found) == [(0, "not_back_in_bed", "bed.not_back_seen")]
    (night,) = found.nights
    assert (night.from_ms, night.to_ms, night.events) == (at(0, "12:00"), at(1, "12:00"), 5)
    (would,), (was,) = night.raised, night.was
    assert would.at_ms == at(1, "02:15")
    assert (was.kind, was.state, was.cause, was.action) == ("not_back_in_bed", "avsluttet", "annet", "tilsyn")
    assert would.holds == was.holds
    assert [sound.at_ms for sound in would.sounds] == [at(1, "02:15")]
    assert tried(lived, r1, BED_40).nights[0].raised == ()
    assert found.raised == found.was == 1
    assert tried(lived, r1, BED_15) == found


def test_what_cleared_itself_before_anybody_came_says_when(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live(one_night(away_min=17), at(1, "11:00"))
    (would,) = tried(lived, r1, BED_15).nights[0].raised
    assert would.cleared_ms == at(1, "02:17") + 5 * S
    (was,) = tried(lived, r1, BED_15).nights[0].was
    assert was.state == "auto_avklart"


def test_nothing_is_written(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live(one_night(), at(1, "11:00"))
    before = lived.rows()
    tried(lived, r1, BED_15, DOOR)
    assert lived.rows() == before


def test_who_lay_in_bed_before_the_first_night_began_is_known(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live([(at(0, "13:00"), "in"), (at(1, "23:00"), "out"), (at(1, "23:01"), "moves")], at(2, "11:00"))
    assert told(tried(lived, r1, BED_15)) == [(0, "not_back_in_bed", "bed.not_back_seen")]


def test_a_guests_nights_are_the_guests_alone(lived: Lived) -> None:
    r1, r2 = lived.plan(BED_15), lived.id_of(residents, "r2")
    lived.live(one_night(0), at(1, "10:00"))
    with lived.db.write(lived.tenant.id) as s:
        s.execute(
            update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == r1).values(to_ms=at(1, "10:00"))
        )
        s.insert(stays, resident_id=r2, room_id=lived.id_of(rooms, "201"), from_ms=at(1, "11:00"), to_ms=None)
    lived.live(one_night(1), at(2, "11:00"))
    assert told(tried(lived, r1, BED_15, nights=2)) == [(0, "not_back_in_bed", "bed.not_back_seen")]
    assert told(tried(lived, r2, BED_15, nights=2)) == [(1, "not_back_in_bed", "bed.not_back_seen")]
    assert [night.events for night in tried(lived, r1, BED_15, nights=2).nights] == [5, 0]
    assert tried(lived, r2, BED_15, nights=2).nights[0].was == ()


def test_who_moves_away_is_watched_no_more(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live([(at(0, "22:30"), "in"), (at(1, "02:00"), "out"), (at(1, "02:01"), "moves")], at(1, "02:10"))
    with lived.db.write(lived.tenant.id) as s:
        s.execute(
            update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == r1).values(to_ms=at(1, "02:10"))
        )
    lived.live([], at(1, "11:00"))
    assert told(tried(lived, r1, BED_15)) == []


def test_two_beds_in_a_shared_room_are_watched_each_by_itself(lived: Lived) -> None:
    r1, r2 = lived.plan(BED_15), lived.id_of(residents, "r2")
    with lived.db.write(lived.tenant.id) as s:
        s.insert(stays, resident_id=r2, room_id=lived.id_of(rooms, "201"), from_ms=at(0, "12:00"), to_ms=None)
    lived.plan(BED_15, resident="r2")
    lived.live(one_night(), at(1, "11:00"))
    for resident_id in (r1, r2):
        found = tried(lived, resident_id, BED_15)
        assert told(found) == [(0, "not_back_in_bed", "bed.not_back_seen")]
        assert len(found.nights[0].was) == 1


def test_on_both_nights_when_the_clocks_change_a_night_is_noon_to_noon(lived: Lived) -> None:
    with lived.db.read(lived.tenant.id) as s:
        spring = past.past(s, 1, 2, 1_806_310_800_000)  # 2027-03-29 11:00
        autumn = past.past(s, 1, 60, NOON_MS)
    assert {ms - before for before, ms in zip(spring.begins, spring.begins[1:], strict=False)} == {DAY - HOUR, DAY}
    spans = [ms - before for before, ms in zip(autumn.begins, autumn.begins[1:], strict=False)]
    assert sorted(spans) == [*[DAY] * 59, DAY + HOUR]


def test_the_night_under_way_counts_from_midnight_on(lived: Lived) -> None:
    with lived.db.read(lived.tenant.id) as s:
        clocks = ("00:00", "03:00", "11:59", "12:00", "23:59")
        ends = {clock: past.past(s, 1, 1, at(1, clock)).to_ms for clock in clocks}
    assert ends == {clock: at(1, "12:00") for clock in ends}


def test_too_much_and_what_cannot_be_is_refused(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    for nights in (0, past.NIGHTS_MAX + 1):
        with pytest.raises(RejectError, match="nights"):
            tried(lived, r1, BED_15, nights=nights)
    with pytest.raises(PlanError, match="limit_min"):
        tried(lived, r1, Line("not_back_in_bed", NIGHT, {"limit_min": -1}))
    with pytest.raises(PlanError, match="unknown"):
        tried(lived, r1, Line("no_such_rule"))


def test_a_year_of_flicker_is_refused_with_what_to_do(lived: Lived) -> None:
    r1 = lived.plan(BED_15)
    lived.live([(at(0, "22:30"), "in")], at(1, "11:00"))
    copies = (
        "INSERT INTO events (tenant_id, gateway_id, stream_id, seq, variant, kind, urgency, device, occurred_from_ms, "
        "occurred_to_ms, received_ms, raw, sha256) SELECT e.tenant_id, e.gateway_id, e.stream_id, 1000 + n.n, 0, "
        "e.kind, e.urgency, e.device, e.occurred_from_ms, e.occurred_to_ms, e.received_ms, e.raw, e.sha256 "
        "FROM events e, (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :most) "
        "SELECT n FROM c) n WHERE e.tenant_id = :tenant AND e.kind = 'bed'"
    )
    with lived.db.write(lived.tenant.id) as s:
        s.execute(text(copies), {"most": past.ROWS_MAX})
    with pytest.raises(RejectError, match="choose fewer nights"):
        tried(lived, r1, BED_15)


def random_days(rng: random.Random, days: int) -> list[tuple[int, str]]:
    """Days of somebody who sleeps badly, on a mat that is no better."""
    often = ("in", "out", "out", "in", "moves", "bath", "bath_empty", "door", "shut")
    seldom = ("sits", "rises", "wet", "dry")
    waits_s = (1, 2, 4, 20, 60, 240, 660, 960, 2_400, 6_000)
    found, now = [], NOON_MS + MIN
    while now < NOON_MS + days * DAY:
        found.append((now, rng.choice(often if rng.random() < 0.8 else seldom)))
        # Once in a while nothing is heard for a third of a day.
        now += 9 * HOUR if rng.random() < 0.02 else rng.choice(waits_s) * S + rng.randrange(1000)
    return found


@pytest.mark.parametrize("seed", [3, 9])
def test_a_backtest_of_the_plan_in_force_tells_what_production_did(lived: Lived, seed: int) -> None:
    lines = tuple(Line(rule.name, NIGHT if rule.windowed else ()) for rule in RULES if rule.planned)
    r1 = lived.plan(*lines)
    lived.live(random_days(random.Random(seed), 3), NOON_MS + 3 * DAY + HOUR)
    found = tried(lived, r1, *lines, nights=3)
    assert sum(len(night.was) for night in found.nights) > 3
    for night in found.nights:
        would = [
            (alarm.rule, alarm.kind, alarm.reason.code, dict(alarm.reason.params), len(alarm.sounds), alarm.holds)
            for alarm in night.raised
        ]
        was = [
            (alarm.rule, alarm.kind, alarm.reason.code, dict(alarm.reason.params), alarm.sound_seq, alarm.holds)
            for alarm in night.was
        ]
        assert sorted(would, key=str) == sorted(was, key=str)
        for one, other in zip(
            sorted(night.raised, key=lambda alarm: (alarm.rule, alarm.at_ms)),
            sorted(night.was, key=lambda alarm: (alarm.rule, alarm.at_ms)),
            strict=True,
        ):
            assert 0 <= other.at_ms - one.at_ms <= S
