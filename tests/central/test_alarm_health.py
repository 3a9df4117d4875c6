"""How well the alarms serve, by week; and whether another limit would have served better."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central import alarm_use
from nattevakt.central.alarm_health import WEEKS_MAX, Health, monday_ms, suggestion, week
from nattevakt.central.alarms.lifecycle import ACTIONS, CAUSES
from nattevakt.central.db import Database
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.tables import residents, wards
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import Window
from tests.central.house import Clock
from tests.central.past_nights import DAY, DOOR, HOUR, MAT, MIN, NOON_MS, Lived, at

NIGHT = (Window(22 * 60, 7 * 60),)
BED_15 = Line("not_back_in_bed", NIGHT, {"limit_min": 15})
DOORS = Line("door_at_night", NIGHT)


@pytest.fixture
def lived(db: Database) -> Lived:
    """A ward at noon of a Sunday, with nothing planned yet."""
    return Lived(db, Clock(NOON_MS))


def weeks(lived: Lived, **of: int) -> list[Health]:
    with lived.db.read(lived.tenant.id) as s:
        return week(s, lived.clock.at_ms, 2, **of)


def trip(day: int, clock: str, away_min: int) -> list[tuple[int, str]]:
    """To bed two hours before; out, seen in the sitting room, and back after a while."""
    left = at(day, clock)
    return [(left - 2 * HOUR, "in"), (left, "out"), (left + MIN, "moves"), (left + away_min * MIN, "in")]


def test_every_cause_has_a_use_and_a_reason() -> None:
    assert set(alarm_use.USEFUL) == set(CAUSES)
    assert all(reason for _, reason in alarm_use.USEFUL.values())
    assert set(ACTIONS) >= alarm_use.HELPED


@pytest.mark.parametrize(
    ("kind", "cause", "action", "use"),
    [
        ("not_back_in_bed", "fall", "ingen", True),
        ("not_back_in_bed", "feil_utlost", "tilsyn", False),
        ("not_back_in_bed", "toalett", "tilsyn", False),
        ("not_back_in_bed", "toalett", "hjelp_gitt", True),
        ("call", "toalett", "tilsyn", True),
        ("call", "annet", "ingen", False),
        ("call", None, None, None),
        ("call", "et_nytt_ord", "tilsyn", None),
    ],
)
def test_use_is_what_the_person_on_site_says(
    kind: str, cause: str | None, action: str | None, use: bool | None
) -> None:
    assert alarm_use.useful(kind, cause, action) is use


def test_a_week_counts_use_repeats_nights_sensors_and_how_long_it_rang(lived: Lived) -> None:
    causes = {"door_at_night": ("urolig", "snakket_med"), "not_back_in_bed": ("feil_utlost", "ingen")}
    lived.cause = lambda kind, _at_ms: causes[kind]
    r1 = lived.plan(BED_15, DOORS)
    told = [
        *trip(1, "02:00", 40),  # Monday: rings at 02:15
        *trip(2, "02:00", 17),  # Tuesday: clears itself
        (at(2, "23:30"), "door"),
        (at(2, "23:31"), "shut"),
        (at(2, "23:32"), "door"),  # the same alarm rings again
        *trip(4, "05:00", 40),  # Thursday
    ]
    lived.live(told, at(5, "12:00"))
    found = weeks(lived)
    ward, mine = found
    assert (ward.ward_id, ward.resident_id, mine.resident_id) == (lived.id_of(wards, "a"), None, r1)
    assert (mine.year, mine.week) == (2026, 48)
    for health in found:
        assert (health.total.alarms, health.total.useful, health.total.useless) == (4, 1, 2)
        assert health.total.share == pytest.approx(1 / 3)
        assert (health.cleared, health.repeated, health.technical) == (1, 1, 0)
        assert health.by_rule["door_at_night"].share == 1
        assert (health.by_rule["not_back_in_bed"].alarms, health.by_rule["not_back_in_bed"].share) == (3, 0)
        assert health.by_sensor == {MAT: 3, DOOR: 1}
        # The nights that began on Sunday, Monday, Tuesday and Wednesday.
        assert health.nights_woken == 4
        assert health.median_taken_s == pytest.approx(4 * 60, abs=1)
    assert weeks(lived, resident_id=r1) == [mine]
    assert weeks(lived, ward_id=lived.id_of(wards, "a")) == found
    assert weeks(lived, ward_id=99) == []


def test_a_year_is_refused(lived: Lived) -> None:
    for number in (0, WEEKS_MAX + 1):
        with lived.db.read(lived.tenant.id) as s, pytest.raises(RejectError, match="weeks"):
            week(s, NOON_MS, number)


def test_a_week_begins_on_monday_at_local_midnight() -> None:
    zone = ZoneInfo("Europe/Oslo")
    for day in ("2026-11-22T12:00", "2027-03-28T23:30", "2026-10-25T03:30", "2027-01-01T00:00", "2027-03-29T00:00"):
        now = datetime.fromisoformat(day).replace(tzinfo=zone)
        for back in (0, 1, 5):
            found = datetime.fromtimestamp(monday_ms(round(now.timestamp() * 1000), back, "Europe/Oslo") / 1000, UTC)
            local = found.astimezone(zone)
            assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
            assert (now.date() - local.date()).days - 7 * back == now.weekday()


def fortnight(lived: Lived, minutes: list[int]) -> int:
    """Two weeks of nights, each with one trip of so long. Those under an hour were for nothing."""
    long = {at(day + 1, "02:15") for day, away_min in enumerate(minutes) if away_min >= 60}

    def cause(_kind: str, at_ms: int) -> tuple[str, str]:
        helped = any(abs(at_ms - ms) < 20 * MIN for ms in long)
        return ("trengte_hjelp", "hjelp_gitt") if helped else ("toalett", "tilsyn")

    lived.cause = cause
    r1 = lived.plan(BED_15)
    told = [entry for day, away_min in enumerate(minutes) for entry in trip(day + 1, "02:00", away_min)]
    lived.live(told, at(len(minutes), "12:00"))
    return r1


def advice(lived: Lived, resident_id: int) -> object:
    with lived.db.read(lived.tenant.id) as s:
        return suggestion(s, resident_id, lived.clock.at_ms)


def test_a_longer_limit_is_proposed_where_it_saves_and_nothing_that_mattered_comes_late(lived: Lived) -> None:
    r1 = fortnight(lived, [22, 24, 5, 23, 90, 4, 22, 5, 5, 24, 6, 5, 23, 5])
    with lived.db.read(lived.tenant.id) as s:
        found = suggestion(s, r1, lived.clock.at_ms)
    assert found is not None
    assert (found.rule, found.setting, found.value, found.proposed) == ("not_back_in_bed", "limit_min", 15, 25)
    assert (found.useless, found.useless_then, found.useful, round(found.later_ms / MIN)) == (6, 0, 1, 10)
    assert (found.alarms, found.alarms_then, found.nights) == (7, 1, 14)


def test_nothing_is_proposed_that_would_lose_an_alarm_or_bring_it_late(lived: Lived) -> None:
    # What was for nothing needs a limit of half an hour or more, and then the one that mattered comes too late.
    r1 = fortnight(lived, [28, 29, 5, 28, 90, 4, 27, 5])
    assert advice(lived, r1) is None


def test_nothing_is_proposed_where_nothing_was_for_nothing(lived: Lived) -> None:
    assert advice(lived, fortnight(lived, [5, 90, 4])) is None
    assert advice(lived, lived.id_of(residents, "r2")) is None


def test_an_alarm_that_nobody_has_closed_is_not_given_away(lived: Lived) -> None:
    r1 = fortnight(lived, [22, 24, 23])
    lived.comes = False
    lived.live(trip(4, "02:00", 300), at(4, "04:00"))
    assert lived.clock.at_ms < NOON_MS + 5 * DAY
    with lived.db.read(lived.tenant.id) as s:
        found = suggestion(s, r1, lived.clock.at_ms)
    assert found is not None
    assert (found.useful, found.proposed) == (1, 25)
