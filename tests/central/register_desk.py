"""Shorthand for what a test asks of the register."""

from __future__ import annotations

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import (
    State,
)
from nattevakt.central.alarms.requests import (
    Act,
    Acted,
    Applied,
    ClearRequest,
    RaiseRequest,
    Where,
)
from nattevakt.central.tables import staff, tablets, transitions
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import House


class Desk:
    """Shorthand for what a test asks of the register."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ward = 1
        with house.db.write(house.tenant.id) as s:
            self.tablet = s.insert(tablets, ward_id=self.ward, name="T", token_sha256="x", enrolled_ms=0)
            s.insert(tablets, ward_id=self.ward, name="gone", token_sha256="y", enrolled_ms=0, revoked_ms=1)
            s.insert(tablets, ward_id=2, name="elsewhere", token_sha256="z", enrolled_ms=0)
        self.kari = house.id_of(staff, "kari")
        self.per = house.id_of(staff, "per")
        self._taps = 0

    def ring(self, kind: str = "call", *, at_ms: int | None = None, doubt_ms: int = 0, code: str = "r") -> Applied:
        """Raise or join."""
        now = self.house.clock.at_ms
        end = now if at_ms is None else at_ms
        request = RaiseRequest(
            "room:1", kind, kind, Priority.HIGH, Reason(code), Occurred(end - doubt_ms, end), Where(self.ward)
        )
        return self.house.db.transact(self.house.tenant.id, lambda s: register.apply(s, request, now))

    def clear(self, kind: str) -> Applied:
        """Explain away."""
        request = ClearRequest("room:1", kind, Reason("c"))
        now = self.house.clock.at_ms
        return self.house.db.transact(self.house.tenant.id, lambda s: register.apply(s, request, now))

    def act(self, alarm: int, to: State, who: int | None = None, key: str = "", **more: str) -> Acted:
        """A person's tap."""
        self._taps += 1
        said = {"cause": "annet", "action": "tilsyn", "reason": "annet", "ward": "b", **more}
        wish = Act(alarm, to, who or self.kari, self.tablet, key or f"tap-{self._taps}", **said)  # type: ignore[arg-type]
        now = self.house.clock.at_ms
        return self.house.db.transact(self.house.tenant.id, lambda s: register.act(s, wish, now))

    def causes(self) -> list[str]:
        """What has happened, in order."""
        return [row.cause for row in self.house.rows(transitions)]
