"""A house with a tablet in which the whole way can be tested: asked, given, received, shown, tapped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from nattevakt.central import sweep
from nattevakt.central.chain import certificates, setup, steps, watch
from nattevakt.central.chain.certificates import Standing
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import (
    staff,
    tablets,
    wards,
)
from nattevakt.central.tables_duty import chain_tests
from nattevakt.edge.events import ChainTest
from tests.central.house import BUTTON, LEAK, S1, House

OSLO = "Europe/Oslo"
MINUTE = 60_000
HEARD = {BUTTON: 1_000, LEAK: 4_000}


class Chain:
    """The ward of resident r1, its gateway, and a tablet with Kari."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seq = itertools.count(1)
        house.gate.beat(heard=HEARD)
        self.ward = house.id_of(wards, "a")
        self.kari = house.id_of(staff, "kari")
        with house.db.write(house.tenant.id) as s:
            self.tablet = s.insert(tablets, ward_id=self.ward, name="Vaktrom", token_sha256="x", enrolled_ms=0)

    @property
    def now_ms(self) -> int:
        return self.house.clock.at_ms

    def wait(self, ms: int) -> None:
        """Time goes on, and the sweep looks."""
        self.house.clock.at_ms += ms
        assert sweep.cycle(self.house.db, self.house.tenant, self.now_ms)

    def write(self, work: Callable[[TenantSession], Any]) -> Any:
        return self.house.db.transact(self.house.tenant.id, work)

    def setups(self) -> list[setup.Setup]:
        with self.house.db.read(self.house.tenant.id) as s:
            return setup.of_wards(s, [self.ward], self.now_ms)

    def ask(self) -> steps.Asked:
        found: steps.Asked = self.write(lambda s: steps.ask(s, self.setups(), self.now_ms, OSLO, self.kari))
        return found

    def beat(self, gate: int = 0) -> tuple[str, ...] | None:
        return self.house.gates[gate].beat(S1, heard=HEARD if gate == 0 else {}).tests

    def bring(self, nonce: str, gate: int = 0, ago_ms: int = 0, stream: str = S1) -> None:
        """The gateway's event arrives."""
        self.house.gates[gate].tell(next(self.seq), ChainTest(nonce), stream=stream, at_ms=self.now_ms - ago_ms)

    def show(self, *ids: int, sounded: bool = True) -> None:
        self.write(lambda s: steps.show(s, self.ward, ids, ids if sounded else (), self.now_ms))

    def tap(self, test_id: int) -> bool:
        def work(s: TenantSession) -> bool:
            done = steps.tap(s, test_id, self.ward, self.tablet, self.kari, self.now_ms)
            if done:
                row = steps.by_id(s, test_id)
                assert row
                watch.passed(s, row, self.now_ms)
            return done

        return bool(self.write(work))

    def on_screen(self) -> list[int]:
        with self.house.db.read(self.house.tenant.id) as s:
            return [row.id for row in steps.on_screen(s, self.ward, self.now_ms)]

    def tests(self) -> list[Any]:
        return self.house.rows(chain_tests)

    def last(self) -> Any:
        return self.tests()[-1]

    def through(self) -> int:
        """One whole way; gives the test."""
        (test_id,) = self.ask().ids
        (nonce,) = self.beat() or ()
        self.bring(nonce)
        self.show(test_id)
        assert self.tap(test_id)
        return test_id

    def standing(self, days: int = 30) -> dict[str, Standing]:
        with self.house.db.read(self.house.tenant.id) as s:
            found = certificates.of_wards(s, [self.ward], self.now_ms, days)
        return {one.shift.value: one.standing for one in found}

    def alarms(self) -> list[tuple[str, str, str]]:
        """Subject, where it stopped, state."""
        return [
            (row.subject, row.reason_code.partition(".")[2], row.state)
            for row in self.house.alarms("chain_test_failed")
        ]
