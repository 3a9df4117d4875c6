"""Alarms with their times, through the real register and ledger: rung, shown, taken, on site, closed. Tests only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, ClearRequest
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.notify import outbox
from nattevakt.central.people import tablets
from nattevakt.central.tables import notices, staff
from nattevakt.edge.rules.rule import Reason
from tests.central.tablet.ward import Ward, ring

S = 1_000


@dataclass
class Rung:
    """A ward with one tablet, where alarms ring and are answered by Kari."""

    db: Database
    ward: Ward
    tablet_id: int = 0
    kari: int = 0

    def __post_init__(self) -> None:
        with self.db.write(self.ward.tenant) as s:
            code = tablets.new_code(s, "2etg", "Nettbrett", 0)
            self.kari = int(
                s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == "kari")).scalar_one()
            )
        cookie = tablets.redeem(self.db, code, 0)
        assert cookie
        self.tablet_id = cookie.tablet_id

    def alarm(
        self,
        at_ms: int,
        *,
        kind: str = "call",
        number: str | None = "204",
        shown_s: float | None = 2,
        taken_s: float | None = None,
        on_site_s: float | None = None,
        closed_s: float | None = None,
        cleared_s: float | None = None,
    ) -> int:
        """One alarm and what became of it, in seconds after it rang; gives its id."""
        alarm_id = ring(self.db, self.ward, at_ms, kind, number)
        if shown_s is not None:
            self.shown(alarm_id, at_ms + round(shown_s * S))
        steps = ((State.TAKEN, taken_s), (State.ON_SITE, on_site_s), (State.CLOSED, closed_s))
        for state, after_s in steps:
            if after_s is not None:
                self.act(alarm_id, state, at_ms + round(after_s * S))
        if cleared_s is not None:
            self.clear(f"room:{number}", kind, at_ms + round(cleared_s * S))
        return alarm_id

    def shown(self, alarm_id: int, at_ms: int) -> None:
        """The tablet confirms that the alarm is on its screen."""

        def mark(s: TenantSession) -> None:
            mine = (notices.c.alarm_id == alarm_id, notices.c.tablet_id == self.tablet_id)
            ids = s.execute(select(notices.c.id).where(notices.c.tenant_id == TENANT, *mine)).scalars().all()
            outbox.mark_shown(s, self.tablet_id, list(ids), at_ms)

        self.db.transact(self.ward.tenant, mark)

    def act(self, alarm_id: int, to: State, at_ms: int) -> None:
        """Kari does something about it."""
        cause, action = ("trengte_hjelp", "hjelp_gitt") if to is State.CLOSED else ("", "")
        wish = Act(alarm_id, to, self.kari, self.tablet_id, f"{alarm_id}-{to}-{at_ms}", cause, action)
        self.db.transact(self.ward.tenant, lambda s: register.act(s, wish, at_ms))

    def clear(self, subject: str, rule: str, at_ms: int) -> None:
        """Later evidence explains it away."""
        request = ClearRequest(subject, rule, Reason("door.seen_inside", {}))
        self.db.transact(self.ward.tenant, lambda s: register.apply(s, request, at_ms))
