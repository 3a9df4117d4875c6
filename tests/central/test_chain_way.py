"""A test of the whole way in each shift: a real gateway core and the real centre, with the clock in the test's hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from nattevakt.central import sweep
from nattevakt.central.chain import certificates, setup, steps, watch
from nattevakt.central.chain.certificates import Standing
from nattevakt.central.db import TenantSession
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import receive
from nattevakt.central.tables import events, staff, tablets, wards
from nattevakt.central.tables_duty import chain_tests
from nattevakt.edge.wire import encode_message
from nattevakt.gateway.core import Core
from nattevakt.gateway.inputs import HttpReply, HttpSend, Input, Now, PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from tests.central.house import House, moment
from tests.gateway.support import BUTTON, Streams, core, outbox, said

OSLO = "Europe/Oslo"
HOUR = 3_600_000


class Way:
    """A gateway core in front of the centre's own functions; each round trip takes no time."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder, self.mint = house, folder, Streams()
        self.box: Outbox
        self.machine: Core
        self.up = True
        self.kari = house.id_of(staff, "kari")
        self.ward = house.id_of(wards, "a")
        self.write("UPDATE devices SET gateway_id = :gateway WHERE tenant_id = :tenant", gateway=self.gateway)
        with house.db.write(house.tenant.id) as s:
            self.tablet = s.insert(tablets, ward_id=self.ward, name="Vaktrom", token_sha256="x", enrolled_ms=0)
        self.restart()

    @property
    def gateway(self) -> int:
        return self.house.gate.sender.gateway_id

    def write(self, sql: str, **params: object) -> None:
        self.house.db.transact(self.house.tenant.id, lambda s: s.execute(text(sql), params) and None)

    def restart(self) -> None:
        """The agent starts (again) on its outbox."""
        self.machine, self.box = core(self.folder, outbox(self.folder, self.mint))
        self.round(PortUp("r0"))

    def round(self, *inputs: Input) -> None:
        """Rounds of the core until nothing more goes out."""
        given: tuple[Input, ...] = inputs
        idle = 0
        # What an answer asks for goes out in the round after it.
        while idle < 2:
            sent = [one for one in self.machine.handle(given, self._now()) if isinstance(one, HttpSend)]
            given = tuple(self._answered(one) for one in sent)
            idle = 0 if given else idle + 1

    def _now(self) -> Now:
        at_ms = self.house.clock.at_ms
        return Now(moment(at_ms), at_ms / 1000)

    def _answered(self, sent: HttpSend) -> Input:
        serve = beat if sent.path == "/v1/heartbeats" else receive
        reply = serve(self.house.db, self.house.gate.sender, sent.body, self.house.clock.at_ms)
        return HttpReply(sent.lane, sent.number, 200, encode_message(reply))

    def wait(self, ms: int, step_ms: int = 5_000) -> None:
        """Time goes on for gateway and centre."""
        until_ms = self.house.clock.at_ms + ms
        while self.house.clock.at_ms < until_ms:
            self.house.clock.at_ms = min(until_ms, self.house.clock.at_ms + step_ms)
            if self.up:
                self.round()
            assert sweep.cycle(self.house.db, self.house.tenant, self.house.clock.at_ms)

    def ask(self) -> int:
        at_ms = self.house.clock.at_ms

        def work(s: TenantSession) -> int:
            (test_id,) = steps.ask(s, setup.of_wards(s, [self.ward], at_ms), at_ms, OSLO).ids
            return test_id

        return self.house.db.transact(self.house.tenant.id, work)

    def tap(self, test_id: int) -> None:
        """A tablet shows and sounds it, and Kari answers."""

        def work(s: TenantSession) -> None:
            at_ms = self.house.clock.at_ms
            assert [row.id for row in steps.on_screen(s, self.ward, at_ms)] == [test_id]
            steps.show(s, self.ward, [test_id], [test_id], at_ms)
            assert steps.tap(s, test_id, self.ward, self.tablet, self.kari, at_ms)
            row = steps.by_id(s, test_id)
            assert row
            watch.passed(s, row, at_ms)

        self.house.db.transact(self.house.tenant.id, work)

    def standing(self) -> dict[str, Standing]:
        with self.house.db.read(self.house.tenant.id) as s:
            lines = certificates.of_wards(s, [self.ward], self.house.clock.at_ms)
        return {line.shift.value: line.standing for line in lines}

    def told(self) -> list[tuple[str, str]]:
        return [(row.reason_code, row.state) for row in self.house.alarms("chain_test_failed")]


@pytest.fixture
def way(house: House, tmp_path: Path) -> Iterator[Way]:
    found = Way(house, tmp_path)
    yield found
    found.box.close()


def test_one_in_each_shift_and_none_that_rings(way: Way) -> None:
    assert way.standing() == dict.fromkeys(("dag", "kveld", "natt"), Standing.NEVER)
    for _ in range(3):
        test_id = way.ask()
        way.wait(20_000)
        way.tap(test_id)
        row = way.house.rows(chain_tests)[-1]
        assert row.asked_ms <= row.given_ms <= row.appended_ms <= row.received_ms <= row.shown_ms <= row.tapped_ms
        assert row.given_ms - row.asked_ms <= 15_000
        way.house.clock.at_ms += 8 * HOUR
        way.round()
    assert way.standing() == dict.fromkeys(("dag", "kveld", "natt"), Standing.GOOD)
    assert [row.kind for row in way.house.rows(events)].count("chain_test") == 3
    # Nobody walks the rounds of these sixteen hours; a test has rung nothing.
    assert {row.kind for row in way.house.alarms()} <= {"round_overdue"}


def test_a_gateway_that_restarts_on_the_way_sends_it_once(way: Way) -> None:
    test_id = way.ask()
    way.house.clock.at_ms += 15_000
    serve = way._answered

    def deaf(sent: HttpSend) -> Input:
        """The heartbeat is answered, and the agent stops before its batch has gone."""
        if sent.path == "/v1/batches":
            raise InterruptedError
        return serve(sent)

    way._answered = deaf  # type: ignore[method-assign]
    with pytest.raises(InterruptedError):
        way.round()
    assert way.house.rows(chain_tests)[-1].state == "given"
    way._answered = serve  # type: ignore[method-assign]
    way.box.close()
    way.restart()
    way.wait(60_000)
    assert [row.kind for row in way.house.rows(events)].count("chain_test") == 1
    way.tap(test_id)


def test_a_dead_gateway_is_found_by_the_test_and_the_next_shift_s_clears_it(way: Way) -> None:
    way.ask()
    way.up = False
    way.wait(5 * 60_000)
    assert way.told() == [("chain_test_failed.not_given", "meldt")]
    assert Standing.FAILED in way.standing().values()
    way.up = True
    way.wait(30_000)
    test_id = way.ask()
    way.wait(20_000)
    way.tap(test_id)
    assert way.told() == [("chain_test_failed.not_given", "auto_avklart")]
    assert Standing.FAILED not in way.standing().values()


def test_a_call_in_the_same_round_as_tests_rings_in_that_round(way: Way) -> None:
    way.ask()
    way.house.clock.at_ms += 15_000
    way.round(SerialBytes("r0", said(BUTTON, pressed=True)))
    (call,) = way.house.alarms("call")
    assert call.raised_ms == way.house.clock.at_ms
    assert way.house.rows(chain_tests)[-1].state == "received"
