"""A ward in which alarms are taken and time goes by, for tests of what happens to whoever forgets one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nattevakt.central import sweep
from nattevakt.central.alarms import overdue, register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, Acted, RaiseRequest, Where
from nattevakt.central.tables import alarms, staff, tablets, transitions, wake_rows
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import House

MINUTE_MS = 60_000
LIMIT_MS = 10 * MINUTE_MS


def oslo(at: str, fold: int = 0) -> int:
    """A wall time in Norway as Unix milliseconds."""
    return int(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Oslo"), fold=fold).timestamp() * 1000)


class Night:
    """Shorthand for what these tests say."""

    def __init__(self, house: House) -> None:
        self.house = house
        with house.db.write(house.tenant.id) as s:
            self.tablet = s.insert(tablets, ward_id=1, name="T", token_sha256="x", enrolled_ms=0)
            s.insert(tablets, ward_id=1, name="U", token_sha256="y", enrolled_ms=0)
        self.kari, self.per = house.id_of(staff, "kari"), house.id_of(staff, "per")
        self._taps = 0

    @property
    def now_ms(self) -> int:
        """Service time."""
        return self.house.clock.at_ms

    def passes(self, minutes: float) -> None:
        """Time goes by, and nobody looks."""
        self.house.clock.at_ms += round(minutes * MINUTE_MS)

    def ring(
        self, kind: str = "call", priority: Priority = Priority.HIGH, subject: str = "room:1", code: str = "r"
    ) -> int:
        """Raise an alarm, or join the open one."""
        at = Occurred(self.now_ms, self.now_ms)
        request = RaiseRequest(subject, kind, kind, priority, Reason(code), at, Where(1))
        found = self.house.db.transact(self.house.tenant.id, lambda s: register.apply(s, request, self.now_ms)).alarm_id
        assert found is not None
        return found

    def act(
        self,
        alarm: int,
        to: State,
        who: int = 0,
        promise_min: Any = None,
        key: str = "",
        limit_ms: int = overdue.LIMIT_MS,
    ) -> Acted:
        """A person's tap."""
        self._taps += 1
        answers = ("annet", "tilsyn", "")
        wish = Act(alarm, to, who or self.kari, self.tablet, key or f"tap-{self._taps}", *answers, promise_min)
        return self.house.db.transact(self.house.tenant.id, lambda s: register.act(s, wish, self.now_ms, limit_ms))

    def sweep(self) -> None:
        """The centre looks once."""
        sweep.cycle(self.house.db, self.house.tenant, self.now_ms)

    def row(self, alarm: int) -> Any:
        """An alarm as it stands."""
        return next(row for row in self.house.rows(alarms) if row.id == alarm)

    def history(self, alarm: int) -> list[Any]:
        """Its history, row by row."""
        return [row for row in self.house.rows(transitions) if row.alarm_id == alarm]

    def causes(self, alarm: int) -> list[str]:
        """What has happened to it."""
        return [row.cause for row in self.history(alarm)]

    def deadlines(self) -> dict[str, int]:
        """Until when each taken alarm's holder has time, by its subject."""
        return {row.subject: row.wake_at_ms for row in self.house.rows(wake_rows) if row.rule == overdue.RULE}
