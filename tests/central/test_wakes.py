"""Deadlines as rows: taken by the sweep, waited with, survived; and what a person's look means for them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, text, update

from nattevakt.central import sweep, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.tables import (
    alarm_events,
    alarms,
    devices,
    placements,
    rooms,
    staff,
    stays,
    transitions,
    wake_rows,
)
from nattevakt.central.wake_handlers import HANDLERS
from nattevakt.edge.events import Bed, Contact, Moment
from nattevakt.edge.rules.rule import Priority
from tests.central.house import S1, S2, House, line, moment
from tests.central.night import BODIES, MIN, Delivery, Happening, Ward

START_MS = round(datetime(2026, 11, 20, 23, 30, tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)
SINGLE = "resident:1"


@pytest.fixture
def ward(database_url: str, tmp_path: Path) -> Iterator[Ward]:
    """One resident's room on each database."""
    made = Ward(database_url, "furutun", START_MS)
    yield made
    made.close()


def script(*steps: tuple[int, str]) -> list[Happening]:
    """What happens, by minute."""
    return [Happening(START_MS + minute * MIN, what) for minute, what in steps]


def beds(ward: Ward) -> list[tuple[str, str, str, int]]:
    """The bed's alarms: kind, reason, state, how often they sounded."""
    with ward.db.read(ward.tenant.id) as s:
        query = select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.rule == "not_back_in_bed")
        rows = s.execute(query.order_by(alarms.c.id)).all()
    return [(row.kind, row.reason_code, row.state, row.sound_seq) for row in rows]


_taps = itertools.count()


def act(ward: Ward, to: State, promise_min: int | None = None) -> None:
    """A person's tap on the newest alarm."""

    def tap(s: TenantSession) -> None:
        if (who := s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT)).scalar()) is None:
            who = s.insert(staff, key="kari", name="Kari N.", initials="KN", active=True)
        alarm_id = max(s.execute(select(alarms.c.id).where(alarms.c.tenant_id == TENANT)).scalars())
        wish = Act(alarm_id, to, who, None, f"tap-{next(_taps)}", "annet", "tilsyn", "", promise_min)
        register.act(s, wish, ward.clock.at_ms)

    ward.db.transact(ward.tenant.id, tap)


def at(minute: int) -> int:
    return START_MS + minute * MIN


LEFT = [(1, "in"), (10, "out")]


def test_the_check_becomes_the_alarm_of_the_same_row(ward: Ward) -> None:
    ward.live(script(*LEFT), Delivery(), at(26))
    assert beds(ward) == [("bed_check", "bed.check", "meldt", 1)]
    ward.live([], Delivery(), at(42))
    # Nobody has it, and there is no tablet that shows it: it has gone on.
    assert beds(ward) == [("not_back_in_bed", "bed.not_back_still", "eskalert", 2)]
    with ward.db.read(ward.tenant.id) as s:
        (row,) = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT)).all()
        causes = s.execute(select(transitions.c.cause).where(transitions.c.tenant_id == TENANT)).scalars().all()
    assert (row.priority, row.resident_id, row.place) == (Priority.MEDIUM, 1, "seng")
    assert [cause for cause in causes if cause != "escalate"] == ["raise", "sound"]


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((), ("not_back_in_bed", "bed.not_back_still", "eskalert", 2)),
        # And whoever takes it and does not come is rung again, before the second limit and by it.
        ((State.TAKEN,), ("not_back_in_bed", "bed.not_back_still", "eskalert", 3)),
        ((State.TAKEN, State.ON_SITE), ("bed_check", "bed.check", "hos_bruker", 1)),
        ((State.TAKEN, State.CLOSED), ("bed_check", "bed.check", "avsluttet", 1)),
    ],
    ids=["nobody", "taken is not seen", "on site", "closed"],
)
def test_only_a_look_answers_the_check(
    ward: Ward, acts: tuple[State, ...], expected: tuple[str, str, str, int]
) -> None:
    ward.live(script(*LEFT), Delivery(), at(26))
    for to in acts:
        act(ward, to)
    ward.live([], Delivery(), at(60))
    assert beds(ward) == [expected]


def test_who_is_on_the_way_is_not_rung_by_her_own_steps_but_the_second_limit_rings(ward: Ward) -> None:
    night = script(*LEFT, (27, "moves"))
    ward.live(night[:2], Delivery(), at(26))
    act(ward, State.TAKEN, promise_min=30)
    gate = ward.gates[0]
    ward.clock.at_ms = night[2].at_ms
    gate.send(line(S1, 3, BODIES["moves"], moment(night[2].at_ms)))
    held = [Happening(entry.at_ms, entry.what) for entry in night]
    ward._pass_time(at(29), held, dict.fromkeys(range(3), 0), {0: 1, 1: 2, 2: 3})
    assert beds(ward) == [("bed_check", "bed.check", "kvittert", 1)]
    ward._pass_time(at(45), held, dict.fromkeys(range(3), 0), {0: 1, 1: 2, 2: 3})
    assert beds(ward) == [("not_back_in_bed", "bed.not_back_seen", "kvittert", 2)]


def test_back_in_bed_clears_what_nobody_took_and_is_a_note_on_what_somebody_did(ward: Ward) -> None:
    ward.live(script(*LEFT, (30, "in")), Delivery(), at(40))
    assert beds(ward) == [("bed_check", "bed.check", "auto_avklart", 1)]


def test_without_contact_a_limit_rings_once_as_unconfirmed_and_the_backlog_clears_it(ward: Ward) -> None:
    night = script(*LEFT, (12, "in"))
    ward.live(night, Delivery({2: at(50)}, sweeps=[at(minute) for minute in range(20, 50)]), at(49))
    with ward.db.read(ward.tenant.id) as s:
        told = s.execute(
            select(transitions.c.detail)
            .join(alarms, alarms.c.id == transitions.c.alarm_id)
            .where(transitions.c.tenant_id == TENANT, alarms.c.rule == "not_back_in_bed")
            .where(transitions.c.cause != "escalate")
            .order_by(transitions.c.id)
        ).scalars()
        codes = [detail["reason"] for detail in told]
    assert codes == ["bed.check_unconfirmed", "bed.not_back_still_unconfirmed", "bed.back"]
    assert [row[2] for row in beds(ward)] == ["auto_avklart"]


@pytest.mark.parametrize(("rest_s", "rings"), [(10, False), (600, True)])
def test_a_backlog_that_is_still_coming_is_waited_for_half_a_minute(ward: Ward, rest_s: int, rings: bool) -> None:
    """The exit is in one batch, the return in a later one, and the sweep comes between them."""
    late = {1: at(50), 2: at(50) + rest_s * 1000}
    ward.live(script(*LEFT, (12, "in")), Delivery(late, sweeps=range(at(1), at(51), 20_000)), at(51))
    assert [reason for _, reason, _, _ in beds(ward)] == ["bed.not_back_still_unconfirmed"] * rings


def test_an_exit_that_comes_after_what_moved_since_is_folded_in_before_it(ward: Ward) -> None:
    ward.live(script(*LEFT, (12, "door")), Delivery({1: at(13)}), at(40))
    assert beds(ward) == [("not_back_in_bed", "bed.not_back_seen", "eskalert", 1)]


def test_a_shared_room_is_watched_by_its_own_name_and_the_earlier_guest_keeps_the_morning(ward: Ward) -> None:
    with ward.db.write(ward.tenant.id) as s:
        s.execute(update(stays).where(stays.c.tenant_id == TENANT).values(to_ms=at(60)))
        room = s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT)).scalar_one()
        s.insert(stays, resident_id=_another(s), room_id=room, from_ms=at(60), to_ms=None)
    # Told two hours late: it was the first guest's bed.
    ward.live(script(*LEFT), Delivery({0: at(120), 1: at(121)}), at(125))
    with ward.db.read(ward.tenant.id) as s:
        (row,) = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.rule == "not_back_in_bed")).all()
    assert (row.subject, row.resident_id, row.kind) == (SINGLE, 1, "not_back_in_bed")


def _another(s: TenantSession) -> int:
    from_table = text("INSERT INTO residents (tenant_id, id, key, name) VALUES (:tenant, 77, 'r77', 'Prøve To')")
    s.execute(from_table)
    return 77


def test_who_moved_out_before_the_limit_is_let_go(ward: Ward) -> None:
    with ward.db.write(ward.tenant.id) as s:
        s.execute(update(stays).where(stays.c.tenant_id == TENANT).values(to_ms=at(20)))
    ward.live(script(*LEFT), Delivery(), at(90))
    assert beds(ward) == []


@pytest.mark.parametrize("exit_comes", [10, 13], ids=["in order", "late"])
def test_of_two_in_a_room_each_bed_is_watched_and_one_sleeper_hides_no_other(ward: Ward, exit_comes: int) -> None:
    with ward.db.write(ward.tenant.id) as s:
        room = s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT)).scalar_one()
        s.insert(stays, resident_id=_another(s), room_id=room, from_ms=0, to_ms=None)
        mat = {"address": "night:mat2", "gateway_id": ward.gates[0].sender.gateway_id, "name": "", "mute": False}
        device = s.insert(devices, interval_s=None, **mat)
        s.insert(placements, device_id=device, room_id=room, spot="seng 2", from_ms=0, to_ms=None)
    ward.gates[0].send(line(S2, 1, Bed("night:mat2", occupied=True), moment(at(0))), firsts={S2: 1})
    ward.live(script(*LEFT, (12, "door")), Delivery({1: at(exit_comes)}), at(30))
    found = [(row.subject, row.resident_id, row.place, row.reason_code) for row in _alarms(ward)]
    assert found == [(f"bed:{room}/night:mat", None, "seng", "bed.not_back_seen")]


def _alarms(ward: Ward) -> list[Any]:
    with ward.db.read(ward.tenant.id) as s:
        return list(s.execute(select(alarms).where(alarms.c.tenant_id == TENANT)).all())


# --- the sweep and its rows ---------------------------------------------------------------------------------


def armed(house: House, count: int) -> None:
    """So many deadlines of a test's own, and none that seeding has left."""
    with house.db.write(house.tenant.id) as s:
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT))
        for number in range(count):
            wakes.arm(s, f"room:{number:04}", "test", house.clock.at_ms)


def test_hundreds_of_deadlines_that_came_due_while_nobody_swept_are_all_taken_once(house: House) -> None:
    armed(house, 350)
    taken: list[str] = []

    def handler(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, now_ms: int, _pace: float) -> None:
        assert wakes.take(s, wake, now_ms) == wake
        taken.append(wake.subject)
        wakes.arm(s, wake.subject, wake.rule, None)

    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms, handlers={**HANDLERS, "test": handler})
    assert taken == sorted(taken)
    assert len(set(taken)) == len(taken) == 350
    assert [row for row in house.rows(wake_rows) if row.rule == "test"] == []


def test_a_handler_that_fails_is_told_and_put_off_and_the_others_go_on(house: House) -> None:
    armed(house, 3)

    def handler(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, _now_ms: int, _pace: float) -> None:
        wakes.arm(s, wake.subject, wake.rule, None)
        if wake.subject == "room:0001":
            raise ZeroDivisionError

    sweep.cycle(house.db, house.tenant, house.clock.at_ms, handlers={**HANDLERS, "test": handler})
    left = [row for row in house.rows(wake_rows) if row.rule == "test"]
    assert [(row.subject, row.look_ms) for row in left] == [("room:0001", house.clock.at_ms + sweep.PUT_OFF_MS)]
    assert [alarm.kind for alarm in house.alarms()] == ["rule_failed"]
    # A rule that this version does not know is a failure too, never a stop.
    sweep.cycle(house.db, house.tenant, house.clock.at_ms + sweep.PUT_OFF_MS)
    assert len(house.alarms()) == 1


def test_a_deadline_that_its_handler_leaves_due_is_looked_at_once_a_cycle(house: House) -> None:
    armed(house, 2)
    looked: list[str] = []
    sweep.cycle(
        house.db,
        house.tenant,
        house.clock.at_ms,
        handlers={**HANDLERS, "test": lambda _s, _t, wake, _n, _p: looked.append(wake.subject)},
    )
    assert looked == ["room:0000", "room:0001"]


def test_what_waits_is_due_again_at_its_look_or_when_the_gateway_is_complete(house: House) -> None:
    now = house.clock.at_ms
    armed(house, 0)
    with house.db.write(house.tenant.id) as s:
        wakes.arm(s, "room:1", "test", now)
        (wake,) = wakes.due(s, now)
        wakes.wait(s, wake, 1, now + 5_000)
        assert (wakes.due(s, now + 4_999), wakes.take(s, wake, now + 4_999)) == ([], None)
        assert list(wakes.due(s, now + 5_000)) == [wake]
        wakes.release(s, 1, now - 1)
        wakes.release(s, 2, now)
        assert wakes.due(s, now) == []
        wakes.release(s, 1, now)
        assert list(wakes.due(s, now)) == [wake]
        assert wakes.due(s, now, after=wake) == []


def test_the_grace_after_an_absence_is_stored_and_not_renewed_soon(house: House) -> None:
    def grace(at_ms: int) -> int | None:
        sweep.cycle(house.db, house.tenant, at_ms)
        with house.db.read(house.tenant.id) as s:
            found: int | None = s.execute(text("SELECT grace_ms FROM sweep_runs WHERE tenant_id = :tenant")).scalar()
        return found

    now = house.clock.at_ms
    assert grace(now) == now
    assert grace(now + 30_000) == now
    assert grace(now + 90_000) == now, "another restart this soon gets none"
    back = now + sweep.GRACE_AGAIN_MS + 90_000
    assert grace(back) == back


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_ingest_and_sweep_never_wait_for_each_other_in_a_circle(ward: Ward, database_url: str) -> None:
    """Two gateways tell of one room while the sweep judges it: no deadlock, which would cost a second each time."""
    errors: list[Exception] = []
    ready = threading.Barrier(3)
    rounds = 40
    with ward.db.write(ward.tenant.id) as s:
        found = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database() AND :tenant > 0")
        before = s.execute(found).scalar_one()

    def tells(number: int) -> None:
        for index in range(rounds):
            at_ms = START_MS + index * MIN
            body = Bed("night:mat", occupied=bool(index % 2)) if number == 0 else Contact("night:door", open=True)
            ward.gates[number].send(line(S1, index + 1, body, moment(at_ms)))

    def sweeps(_number: int) -> None:
        other = Database(database_url)
        for index in range(rounds):
            sweep.cycle(other, ward.tenant, START_MS + (index + 120) * MIN)
        other.close()

    def run(what: object, number: int) -> None:
        try:
            ready.wait(10)
            what(number)  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - told by the assert below
            errors.append(error)

    ward.clock.at_ms = at(120)
    threads = [threading.Thread(target=run, args=given) for given in ((tells, 0), (tells, 1), (sweeps, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    with ward.db.write(ward.tenant.id) as s:
        assert s.execute(found).scalar_one() == before
        keys = s.execute(select(alarm_events).where(alarm_events.c.tenant_id == TENANT)).all()
    assert len({(row.stream_id, row.seq) for row in keys}) == len(keys)


def test_a_statement_that_always_fails_by_itself_stops_nobody_elses_deadline(house: House) -> None:
    """PostgreSQL cuts off what takes too long, SQLite refuses what is no SQL: both seem away."""
    armed(house, 3)
    broken = {"sqlite": "SELECT no_such FROM wake_rows WHERE tenant_id = :tenant"}
    long = "SELECT pg_sleep(1) FROM wake_rows WHERE tenant_id = :tenant"

    def handler(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, _now_ms: int, _pace: float) -> None:
        if wake.subject == "room:0000":
            if s.dialect == "postgresql":
                s.execute(text("SELECT set_config('statement_timeout', '50', true) WHERE :tenant > 0"))
            s.execute(text(broken.get(s.dialect, long)))
        wakes.arm(s, wake.subject, wake.rule, None)

    sweep.cycle(house.db, house.tenant, house.clock.at_ms, handlers={**HANDLERS, "test": handler})
    assert [row.subject for row in house.rows(wake_rows) if row.rule == "test"] == ["room:0000"]


def test_the_lost_deadline_of_an_exit_is_planted_again(ward: Ward) -> None:
    ward.live(script(*LEFT), Delivery(), at(12))
    with ward.db.write(ward.tenant.id) as s:
        s.execute(text("DELETE FROM wake_rows WHERE tenant_id = :tenant AND rule = 'not_back_in_bed'"))
    ward.live([], Delivery(), at(14))
    ward.live([], Delivery(), at(26))
    assert beds(ward) == [("bed_check", "bed.check", "meldt", 1)]


def test_who_is_given_company_while_out_of_bed_is_not_forgotten(ward: Ward) -> None:
    ward.live(script(*LEFT), Delivery(), at(12))
    with ward.db.write(ward.tenant.id) as s:
        room = s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT)).scalar_one()
        s.insert(stays, resident_id=_another(s), room_id=room, from_ms=at(13), to_ms=None)
    ward.live([], Delivery(), at(26))
    assert beds(ward) == [("bed_check", "bed.check", "meldt", 1)]


def test_what_was_dated_while_the_clock_was_ahead_does_not_come_after_what_happens_now(ward: Ward) -> None:
    def tell(seq: int, what: str, boottime_ms: int) -> None:
        then = Moment("unsynced", boottime_ms, 0, synced=False)
        ward.gates[0].send(line(S1, seq, BODIES[what], then), sent=then)

    ward.clock.at_ms = at(120)  # two hours ahead, until the time server is heard again
    tell(1, "in", 0)
    ward.clock.at_ms = at(10)
    tell(2, "out", 10 * MIN)
    ward._pass_time(at(60), [], {}, {})
    assert [row[0] for row in beds(ward)] == ["not_back_in_bed"]
