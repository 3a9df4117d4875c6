"""Alarms about the installation itself, raised outside the rules. Serves arrows 6 and 8.

Owns how such an alarm is addressed: a gateway is its subject, its ward sees it. Must not know why it is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import Applied, ClearRequest, EventKey, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.pauses import most_ms
from nattevakt.central.tables import alarms
from nattevakt.edge.rules.rule import Occurred, Priority, Reason

TEXT_MAX = 200
TOLD_AGAIN_MS = 1_800_000
"""So long after a person has ended the alarm of a fault that goes on somebody is told of it again."""
_LATEST = (
    select(alarms.c.closed_ms)
    .where(alarms.c.tenant_id == TENANT, alarms.c.subject == bindparam("subject"), alarms.c.rule == bindparam("p_rule"))
    .order_by(alarms.c.closed_ms.is_(None).desc(), alarms.c.id.desc())
    .limit(1)
)
"""When the newest ended, NULL where one is open."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The gateway that something came through. time_zone: its tenant's."""

    gateway_id: int
    ward_id: int
    key: str
    name: str
    time_zone: str

    @property
    def subject(self) -> str:
        """The subject of alarms about this gateway."""
        return f"gateway:{self.gateway_id}"


def sound(
    s: TenantSession,
    origin: Origin,
    kind: str,
    params: Mapping[str, str | int],
    now_ms: int,
    *,
    priority: Priority | None = None,
    rule: str = "",
    code: str = "",
    event: EventKey | None = None,
    anew: bool = False,
) -> Applied:
    """Raise (or join) the technical alarm of this kind for this gateway. code: of its sentence, where that is not the
    kind's own. anew: it sounds also where it is joined."""
    cut = {key: value[:TEXT_MAX] if isinstance(value, str) else value for key, value in params.items()}
    request = RaiseRequest(
        subject=origin.subject,
        rule=rule or kind,
        kind=kind,
        priority=priority or KINDS[kind].priority,
        reason=Reason(code or kind, {"gateway": origin.name, **cut}),
        occurred=Occurred(now_ms, now_ms),
        where=Where(origin.ward_id, place=origin.name),
        event=event,
        anew=anew,
    )
    return register.apply(s, request, now_ms)


def clear(s: TenantSession, origin: Origin, kind: str, now_ms: int, *, rule: str = "") -> Applied:
    """The fault is gone; an alarm that nobody has taken ends, another gets a note."""
    reason = Reason(f"{kind}.over", {"gateway": origin.name})
    return register.apply(s, ClearRequest(origin.subject, rule or kind, reason), now_ms)


def half_an_hour_after(ended_ms: int) -> int:
    """When somebody is told again of most faults whose alarm ended then."""
    return ended_ms + TOLD_AGAIN_MS


def at_next_shift(ended_ms: int, time_zone: str) -> int:
    """When somebody is told again of what can wait for the day, and whose alarm ended then: at the next change of
    shift, so that nobody is rung twice a night for a battery, and no sooner than of anything else."""
    return max(most_ms(ended_ms, time_zone), half_an_hour_after(ended_ms))


def told_again_ms(
    s: TenantSession, subject: str, rule: str, now_ms: int, after: Callable[[int], int] = half_an_hour_after
) -> int:
    """When somebody is to be told again of a fault that goes on: whoever ended its alarm thought it mended. One whose
    alarm is open, or that has none, at the earliest that time from now. after: when somebody is told again of what
    ended then."""
    ended_ms = s.execute(_LATEST, {"subject": subject, "p_rule": rule}).scalar()
    if ended_ms is None:
        return after(now_ms)
    # What has ended in the future was ended while the centre's own clock was ahead: nobody knows when, so it is due.
    return after(int(ended_ms)) if ended_ms <= now_ms else now_ms
