"""The watcher finds what nobody handled, and its own silence is seen."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from nattevakt.central import sweep, wakes
from nattevakt.central.alarms import escalating
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import Chain, Route, Routing, Step
from nattevakt.central.tables import alarm_events, events, wake_rows, wards
from nattevakt.central.wake_handlers import HANDLERS
from nattevakt.edge.errors import RetryError
from nattevakt.edge.rules.rule import Priority
from tests.central.house import Clock, House, press
from tests.support.wait import until

HOLD = text("SELECT 1 FROM wake_rows WHERE tenant_id = :tenant AND rule = 'canary' FOR UPDATE")


def test_an_urgent_row_without_an_ending_rings(house: House) -> None:
    house.gate.tell(1, press())
    with house.db.write(house.tenant.id) as s:
        s.execute(update(events).where(events.c.tenant_id == TENANT).values(alarm_id=None))
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    (alarm,) = house.alarms("unhandled_event")
    assert (alarm.priority, alarm.reason_params["kind"]) == (Priority.HIGH, "call")
    assert house.rows(events)[0].alarm_id == alarm.id
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    assert [row.sound_seq for row in house.alarms("unhandled_event")] == [1]
    assert alarm.id in {row.alarm_id for row in house.rows(alarm_events)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cycle_that_finds_nothing_asks_once(house: House) -> None:
    for _ in range(3):
        house.clock.at_ms += 1
        assert sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    seen: list[str] = []
    with house.db.read(house.tenant.id) as s:
        driver: Any = s.connection.connection.driver_connection  # kept, and the next to be used
    driver.set_trace_callback(seen.append)
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    driver.set_trace_callback(None)
    # What there is to do, when the canary is to be taken next, and that it was.
    assert [sql.split()[0] for sql in seen] == ["BEGIN", "SELECT", "UPDATE", "INSERT", "COMMIT"]


def test_what_the_cycle_itself_makes_due_is_handled_by_it(house: House) -> None:
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    with house.db.write(house.tenant.id) as s:
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule != "canary"))
    house.gate.tell(1, press())
    house.clock.at_ms += 120_000
    before = {(row.subject, row.rule): row.wake_at_ms for row in house.rows(wake_rows)}
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    planted = {(row.subject, row.rule): row for row in house.rows(wake_rows) if (row.subject, row.rule) not in before}
    late = [row for row in planted.values() if row.wake_at_ms <= house.clock.at_ms and row.look_ms is None]
    assert not late, "what was planted as due was looked at in the same cycle"


def test_a_deadline_that_finds_no_memory_is_looked_at_again_and_is_no_fault_of_its_rule(house: House) -> None:
    def starved(_s: TenantSession, _tenant: Tenant, _wake: wakes.Wake, _now_ms: int, _pace: float) -> None:
        raise MemoryError

    with house.db.write(house.tenant.id) as s:
        wakes.arm(s, "device:x", "device_silent", house.clock.at_ms)
    with pytest.raises(RetryError):
        sweep.cycle(house.db, house.tenant, house.clock.at_ms, handlers={**HANDLERS, "device_silent": starved})
    assert house.alarms() == []
    due = [row for row in house.rows(wake_rows) if row.subject == "device:x"]
    assert [(row.wake_at_ms, row.look_ms) for row in due] == [(house.clock.at_ms, None)]


def test_a_handled_row_is_left_alone(house: House) -> None:
    house.gate.tell(1, press())
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    assert len(house.alarms()) == 1


def test_a_cycle_takes_the_canary_and_says_when(house: House) -> None:
    assert sweep.age_s(house.db, house.clock.at_ms) is None
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    assert [row.wake_at_ms for row in house.rows(wake_rows) if row.rule == "canary"] == [house.clock.at_ms + 5_000]
    assert sweep.age_s(house.db, house.clock.at_ms + 31_000) == 31.0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_canary_that_another_holds_is_not_taken_and_the_age_grows(house: House) -> None:
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    with house.db.write(house.tenant.id) as s:
        s.execute(HOLD)
        assert not sweep.cycle(house.db, house.tenant, house.clock.at_ms + 40_000)
        assert sweep.age_s(house.db, house.clock.at_ms + 40_000) == 40.0
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms + 41_000)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_sweeper_goes_on_while_another_process_holds_the_database(house: House) -> None:
    blocker = Database(str(house.db.url))
    clock = Clock()
    sweeper = sweep.Sweeper(house.db, clock, 0.02)
    try:
        sweeper.once()
        clock.at_ms += 40_000
        with blocker.write(house.tenant.id):
            sweeper.once()
            assert sweep.age_s(house.db, clock.at_ms) == 40.0
        sweeper.start()
        until(lambda: sweep.age_s(house.db, clock.at_ms) == 0.0, "the sweep runs again")
    finally:
        sweeper.stop()
        blocker.close()


def test_one_tenants_failure_costs_the_others_nothing(house: House) -> None:
    class OddClock(Clock):
        """Fails for the first tenant of each round."""

        def now_ms(self) -> int:
            self.real_s += 1
            if self.real_s % 2:
                raise ZeroDivisionError
            return self.at_ms

    other, _ = house.db.set_tenant("other", "Other", "Europe/Oslo")
    sweep.Sweeper(house.db, OddClock(), 60).once()
    with house.db.read(other) as s:
        assert sweep.last_run_ms(s) == Clock().at_ms
    with house.db.read(house.tenant.id) as s:
        assert sweep.last_run_ms(s) is None


def test_stopping_waits_for_the_cycle_and_leaves_no_thread(house: House) -> None:
    before = threading.active_count()
    sweeper = sweep.Sweeper(house.db, house.clock, 60)
    sweeper.start()
    until(lambda: sweep.age_s(house.db, house.clock.at_ms) is not None, "the first cycle")
    sweeper.stop()
    assert threading.active_count() == before


class Odd(Database):
    """A database that fails once as nobody foresaw."""

    asked = 0

    def tenants(self) -> tuple[Tenant, ...]:
        """Fails the first time."""
        self.asked += 1
        if self.asked == 1:
            raise ZeroDivisionError
        return super().tenants()


def test_the_watcher_outlives_what_nobody_foresaw(house: House, database_url: str) -> None:
    odd = Odd(database_url)
    sweeper = sweep.Sweeper(odd, house.clock, 0.02)
    sweeper.start()
    until(lambda: sweep.age_s(house.db, house.clock.at_ms) is not None, "the next cycle")
    sweeper.stop()
    odd.close()


def broken(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    raise ValueError("ødelagt")


def test_an_alarm_whose_way_fails_is_told_of_once_and_that_one_not_of_itself(house: House) -> None:
    """With one chain for all, the alarm that says so goes on too, and fails as well."""
    chain = Chain("alle", "Alle", (Step(("tablets:ward",), 0), Step(("tablets:all",), 60)))
    routing = Routing(chains=(chain,), routes=(Route("alle"),))
    said: dict[str, Any] = {"why": "prøve", "staff_id": None, "by_name": "x", "expected_version": 0}
    house.db.transact(house.tenant.id, lambda s: routing_rows.save(s, routing, now_ms=house.clock.at_ms, **said))
    house.gate.tell(1, press())
    with house.db.write(house.tenant.id) as s:
        # It rings where no gateway hangs.
        s.execute(text("UPDATE alarms SET ward_id = :b WHERE tenant_id = :tenant"), {"b": house.id_of(wards, "b")})
    for _ in range(30):
        house.clock.at_ms += 15_000
        sweep.cycle(house.db, house.tenant, house.clock.at_ms, 1.0, {**HANDLERS, escalating.RULE: broken})
    call, told = house.alarms()
    assert (told.subject, told.kind, told.priority) == ("rule:escalation", "rule_failed", Priority.MEDIUM)
    assert told.ward_id == call.ward_id == house.id_of(wards, "b")


def test_where_the_failure_cannot_be_told_either_what_is_due_behind_it_is_looked_at(house: House) -> None:
    seen: list[str] = []

    def later(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
        seen.append(wake.subject)
        wakes.arm(s, wake.subject, wake.rule, None)

    chain = Chain("sirene", "Sirene", (Step(("siren",), 0), Step(("tablets:all",), 60)))
    routing = Routing(chains=(chain,), routes=(Route("sirene"),))
    said: dict[str, Any] = {"why": "prøve", "staff_id": None, "by_name": "x", "expected_version": 0}
    house.gate.tell(1, press())
    with house.db.write(house.tenant.id) as s:
        routing_rows.save(s, routing, now_ms=house.clock.at_ms, **said)
        # No such thing is stored by us: whoever raises an alarm now fails at its first step.
        s.execute(text("UPDATE gateways SET health = '[1]' WHERE tenant_id = :tenant"))
        wakes.arm(s, "z", "later", house.clock.at_ms)
    house.clock.at_ms += 60_000
    sweep.cycle(house.db, house.tenant, house.clock.at_ms, 1.0, {"later": later, escalating.RULE: broken})
    assert seen == ["z"]
