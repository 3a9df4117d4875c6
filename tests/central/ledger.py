"""A house whose alarms are told by other roads than tablets: ring, ask, lease. Tests only."""

from __future__ import annotations

from typing import Any

from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import RaiseRequest, Where
from nattevakt.central.notify import sendings
from nattevakt.central.notify.sendings import SMS, Sending
from nattevakt.central.tables import wards
from nattevakt.central.tables_duty import sendings as rows
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import House

KARI = (SMS, "staff:1")
LEASE_MS = 60_000


class Ledger:
    """Shorthand for what these tests say."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ward = house.id_of(wards, "a")

    @property
    def now_ms(self) -> int:
        """Service time."""
        return self.house.clock.at_ms

    def passes(self, seconds: float) -> None:
        """Time goes by."""
        self.house.clock.at_ms += round(seconds * 1000)

    def ring(self, kind: str = "call", priority: Priority = Priority.HIGH, subject: str = "room:1") -> int:
        """Raise an alarm, or join the open one."""
        at = Occurred(self.now_ms, self.now_ms)
        request = RaiseRequest(subject, kind, kind, priority, Reason("r"), at, Where(self.ward))
        found: int | None = self.transact(lambda s: register.apply(s, request, self.now_ms)).alarm_id
        assert found is not None
        return found

    def transact(self, what: Any) -> Any:
        """One transaction of this tenant."""
        return self.house.db.transact(self.house.tenant.id, what)

    def ask(self, alarm: int, *targets: tuple[str, str], step: int = 0, sound_seq: int = 1, later_ms: int = 0) -> int:
        """Ask for some sendings."""
        now_ms = self.now_ms + later_ms
        found: int = self.transact(lambda s: sendings.ask(s, alarm, sound_seq, step, targets, now_ms))
        return found

    def lease(self, road: str = SMS, most: int = 10, later_ms: int = 0) -> tuple[Sending, ...]:
        """What a road may send now."""
        at_ms = self.now_ms + later_ms
        found: tuple[Sending, ...] = self.transact(lambda s: sendings.lease(s, road, at_ms, LEASE_MS, most))
        return found

    def row(self, sending_id: int = 1) -> Any:
        """One row as it stands."""
        return next(row for row in self.house.rows(rows) if row.id == sending_id)

    def states(self) -> list[str]:
        """All rows' states, in the order in which they were asked for."""
        return [row.state for row in self.house.rows(rows)]
