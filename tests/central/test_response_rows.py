"""Alarms of the real register as times that can be counted, on both databases; and both CSV files to the letter."""

from __future__ import annotations

import io
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from nattevakt.central import response_rows, response_times, response_words
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import Move, State, after
from nattevakt.central.alarms.requests import EventKey, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.response_times import Life, Miss, whys
from nattevakt.central.tables import alarms, transitions
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.rung import Rung
from tests.central.tablet.ward import seed

S, MIN, HOUR = 1_000, 60_000, 3_600_000
OSLO = ZoneInfo("Europe/Oslo")
NOON_MS = 1_795_345_200_000
"""2026-11-22 12:00 in Oslo."""
LATER_MS = NOON_MS + 24 * HOUR
FROM_MS, TO_MS = NOON_MS - 12 * HOUR, NOON_MS + 12 * HOUR


@pytest.fixture
def rung(db: Database) -> Rung:
    return Rung(db, seed(db, NOON_MS))


def lives(rung: Rung, from_ms: int = FROM_MS, to_ms: int = TO_MS) -> list[Life]:
    """Of the ward."""
    with rung.db.read(rung.ward.tenant) as s:
        return response_rows.lives(s, [rung.ward.ward], from_ms, to_ms)


def test_the_times_of_one_alarm(rung: Rung) -> None:
    number = rung.alarm(NOON_MS, shown_s=2, taken_s=30, on_site_s=240, closed_s=900)
    (one,) = lives(rung)
    assert one == Life(
        number,
        "call",
        rung.ward.ward,
        NOON_MS,
        NOON_MS + 2 * S,
        NOON_MS + 30 * S,
        NOON_MS + 240 * S,
        NOON_MS + 900 * S,
        state="avsluttet",
        room="204",
        resident_id=rung.ward.residents["204"],
    )


def test_what_has_not_happened_is_nothing_and_what_cleared_itself_was_not_closed(rung: Rung) -> None:
    rung.alarm(NOON_MS, shown_s=None)
    rung.alarm(NOON_MS + MIN, kind="door_at_night", number="205", cleared_s=50)
    rung.alarm(NOON_MS + 2 * MIN, kind="battery_low", number=None)
    open_one, cleared, technical = lives(rung)
    assert (open_one.shown_ms, open_one.taken_ms, open_one.closed_ms, open_one.cleared_ms) == (None,) * 4
    assert (cleared.closed_ms, cleared.cleared_ms) == (None, NOON_MS + MIN + 50 * S)
    assert (technical.technical, technical.room, technical.resident_id) == (True, "Mottaker 2. etasje", None)


def test_the_first_take_counts_also_where_it_rang_again(rung: Rung) -> None:
    """Taken, not on site within ten minutes: it rings again, and somebody takes it a second time."""
    number = rung.alarm(NOON_MS, taken_s=20)
    escalate(rung, number, NOON_MS + 10 * MIN)
    rung.act(number, State.TAKEN, NOON_MS + 11 * MIN)
    rung.act(number, State.ON_SITE, NOON_MS + 12 * MIN)
    (one,) = lives(rung)
    assert (one.taken_ms, one.on_site_ms, one.rang_again) == (NOON_MS + 20 * S, NOON_MS + 12 * MIN, 1)
    assert whys(one, LATER_MS) == (Miss.LATE_ON_SITE,)


def test_an_escalation_of_what_nobody_took_is_no_ringing_again(rung: Rung) -> None:
    escalate(rung, rung.alarm(NOON_MS), NOON_MS + 90 * S)
    assert [one.rang_again for one in lives(rung)] == [0]


def escalate(rung: Rung, alarm_id: int, at_ms: int) -> None:
    """The centre makes it ring again, as its history then says."""

    def work(s: TenantSession) -> None:
        row = register.by_id(s, alarm_id)
        assert row is not None
        state = after(State(row.state), Move.ESCALATE)
        mine = (alarms.c.tenant_id == TENANT, alarms.c.id == alarm_id)
        s.execute(alarms.update().where(*mine), {"state": state.value, "version": row.version + 1})
        s.insert(
            transitions,
            alarm_id=alarm_id,
            from_state=row.state,
            to_state=state.value,
            at_ms=at_ms,
            cause=Move.ESCALATE.value,
            detail={},
            idempotency_key=None,
        )

    rung.db.transact(rung.ward.tenant, work)


def test_what_cleared_itself_and_rings_anew_counts_from_then(rung: Rung) -> None:
    """What cleared it is found not to hold: nobody was late while it was clear."""
    event = EventKey(1, 1, 1)
    subject = "room:205"

    def rings(at_ms: int, *, first: bool) -> None:
        request = RaiseRequest(
            subject=subject,
            rule="door_at_night",
            kind="door_at_night",
            priority=Priority.MEDIUM,
            reason=Reason("door.opened", {}),
            occurred=Occurred(NOON_MS, NOON_MS),
            where=Where(rung.ward.ward, rung.ward.rooms["205"], rung.ward.residents["205"]),
            event=event if first else None,
            holds=() if first else (event,),
        )
        rung.db.transact(rung.ward.tenant, lambda s: register.apply(s, request, at_ms))

    rings(NOON_MS, first=True)
    with rung.db.read(rung.ward.tenant) as s:
        number = s.execute(select(alarms.c.id).where(alarms.c.tenant_id == TENANT)).scalar_one()
    rung.shown(number, NOON_MS + S)
    rung.clear(subject, "door_at_night", NOON_MS + 5 * S)
    rings(NOON_MS + HOUR, first=False)
    rung.act(number, State.TAKEN, NOON_MS + HOUR + 40 * S)
    (one,) = lives(rung)
    assert (one.rang_ms, one.taken_ms, one.cleared_ms) == (NOON_MS + HOUR, NOON_MS + HOUR + 40 * S, None)
    assert one.shown_ms is None, "it was the first ringing that was shown"
    assert whys(one, NOON_MS + HOUR + 5 * MIN) == (Miss.SHOWN_UNCONFIRMED,)


def test_other_wards_tenants_and_days_are_not_counted(rung: Rung, db: Database) -> None:
    rung.alarm(FROM_MS - 1)
    rung.alarm(TO_MS, number="205")
    inside = rung.alarm(TO_MS - 1, number="206")
    stranger = Rung(db, seed(db, NOON_MS, "annen"))
    theirs = stranger.alarm(NOON_MS)
    assert [one.alarm_id for one in lives(rung)] == [inside]
    assert [one.alarm_id for one in lives(stranger)] == [theirs]
    with db.read(rung.ward.tenant) as s:
        assert response_rows.lives(s, [], FROM_MS, TO_MS) == []
        assert response_rows.lives(s, [rung.ward.ward + 99], FROM_MS, TO_MS) == []


def test_a_period_is_whole_local_days() -> None:
    def local(year: int, month: int, day: int) -> int:
        return round(datetime(year, month, day, tzinfo=OSLO).timestamp() * 1000)

    assert response_rows.span_ms(date(2026, 3, 29), date(2026, 3, 29)) == (local(2026, 3, 29), local(2026, 3, 30))
    spring, autumn = (response_rows.span_ms(day, day) for day in (date(2026, 3, 29), date(2026, 10, 25)))
    assert (spring[1] - spring[0], autumn[1] - autumn[0]) == (23 * HOUR, 25 * HOUR)
    assert response_rows.span_ms(date(2026, 10, 1), date(2026, 10, 31))[1] == local(2026, 11, 1)
    for first, last in ((date(2026, 3, 2), date(2026, 3, 1)), (date(2025, 1, 1), date(2026, 3, 1))):
        with pytest.raises(RejectError):
            response_rows.span_ms(first, last)


FIGURES = """\
about,ward,shift,kind,vkp_code,alarms,rang_again,shown_timed,shown_median_s,shown_p90_s,shown_worst_s,shown_in_time,\
shown_late,shown_never,shown_ended,shown_waiting,shown_share_in_time,taken_timed,taken_median_s,taken_p90_s,\
taken_worst_s,taken_in_time,taken_late,taken_never,taken_ended,taken_waiting,taken_share_in_time,on_site_timed,\
on_site_median_s,on_site_p90_s,on_site_worst_s,on_site_in_time,on_site_late,on_site_never,on_site_ended,\
on_site_waiting,on_site_share_in_time,closed_timed,closed_median_s,closed_p90_s,closed_worst_s,cleared,open
resident,,,,,3,0,2,2.0,31.0,31.0,1,1,1,0,0,0.333,2,30.0,120.0,120.0,1,1,1,0,0,0.333,2,240.0,300.0,300.0,2,0,1,0,0,\
0.667,2,900.0,1000.0,1000.0,0,1
resident,,,call,4.13,2,0,1,2.0,2.0,2.0,1,0,1,0,0,0.500,1,30.0,30.0,30.0,1,0,1,0,0,0.500,1,240.0,240.0,240.0,1,0,1,0,0,\
0.500,1,900.0,900.0,900.0,0,1
resident,,,fall,4.1,1,0,1,31.0,31.0,31.0,0,1,0,0,0,0.000,1,120.0,120.0,120.0,0,1,0,0,0,0.000,1,300.0,300.0,300.0,1,0,0,\
0,0,1.000,1,1000.0,1000.0,1000.0,0,0
"""
ALARMS = """\
alarm,rang_at,about,ward,room,shift,kind,vkp_code,state,shown_s,taken_s,on_site_s,closed_s,cleared_s,rang_again,missed
1,2026-11-22T12:00:00+01:00,resident,"Furutun, 2. etasje",204,dag,call,4.13,avsluttet,2.0,30.0,240.0,900.0,,0,
2,2026-11-22T16:00:00+01:00,resident,"Furutun, 2. etasje",205,kveld,fall,4.1,avsluttet,31.0,120.0,300.0,1000.0,,0,\
late_taken late_shown
3,2026-11-22T23:00:00+01:00,resident,"Furutun, 2. etasje",206,natt,call,4.13,meldt,,,,,,0,never_shown never_taken
4,2026-11-22T23:10:00+01:00,installation,"Furutun, 2. etasje",207,natt,battery_low,internal,meldt,2.0,,,,,0,never_taken
"""


def test_both_files_to_the_letter(rung: Rung) -> None:
    rung.alarm(NOON_MS, shown_s=2, taken_s=30, on_site_s=240, closed_s=900)
    rung.alarm(NOON_MS + 4 * HOUR, kind="fall", number="205", shown_s=31, taken_s=120, on_site_s=300, closed_s=1_000)
    rung.alarm(NOON_MS + 11 * HOUR, number="206", shown_s=None)
    rung.alarm(NOON_MS + 11 * HOUR + 10 * MIN, kind="battery_low", number="207")
    found, names = lives(rung), {rung.ward.ward: "Furutun, 2. etasje"}
    groups = response_times.groups(found, LATER_MS)
    out = io.StringIO()
    response_words.figures_csv(groups, names, out)
    assert out.getvalue()[: len(FIGURES)].replace("\\\n", "") == FIGURES
    rows = [line.split(",") for line in out.getvalue().replace('"Furutun, 2. etasje"', "W").splitlines()]
    assert {len(row) for row in rows} == {len(response_words.FIGURE_COLUMNS)}
    assert [row[:5] for row in rows if row[0] == "installation"][:2] == [
        ["installation", "", "", "", ""],
        ["installation", "", "", "battery_low", "internal"],
    ]
    assert sum(1 for row in rows if row[1:4] == ["W", "natt", "call"]) == 1
    out = io.StringIO()
    response_words.alarms_csv(reversed(found), names, OSLO, LATER_MS, out)
    assert out.getvalue() == ALARMS


def test_how_long_is_said_in_words() -> None:
    said = response_words._SAID
    spans = {None: "–", 0: "0 s", 900: "1 s", 59_000: "59 s", 90_001: "1 min 31 s", 3_600_000: "1 t 0 min"}
    assert {ms: response_words.span(said, ms) for ms in spans} == spans
    assert response_words.kind(said, "fall") == "Fall (VKP 4.1)"
    assert response_words.kind(said, "battery_low") == "Lavt batteri"
    assert response_words.kind(said, "brand_new") == "brand_new"
