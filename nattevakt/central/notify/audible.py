"""Which tablets can be seen and heard, and that a ward without one is told of. Serves arrow 9.

Owns what makes a tablet one that an alarm can reach, and the alarm `ward_unheard` of a ward where none is: it rings on
that ward's tablets like any other, and because none of them shows or sounds it, goes on to the next step of its chain.
Must not know what tablets show.

A tablet says of itself every 30 s whether its page is visible and its sound runs. One that has never said anything has
not been put to use; a ward is in use from the first that has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, bindparam, select, text

from nattevakt.central import states, technical, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import sweep_runs, tablets, wards
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Reason

RULE = "ward_unheard"
"""The rule of a ward's wake row, and the kind of its alarm."""
SAID_MS = 90_000
"""Three of a tablet's reports: one that has been silent for so long is taken to be off."""
UNHEARD_MS = 60_000
"""A page that is loaded anew, a shift that begins: so long a ward may be without."""
LOOK_MS = 15_000
GRACE_MS = SAID_MS
"""After the centre itself was away its tablets are given time to speak again."""

_OF_WARD = select(tablets.c.id, tablets.c.name, tablets.c.last_presence, tablets.c.last_presence_ms).where(
    tablets.c.tenant_id == TENANT,
    tablets.c.ward_id == bindparam("ward_id"),
    tablets.c.revoked_ms.is_(None),
    tablets.c.last_presence_ms.is_not(None),
)
_NAME = select(wards.c.name).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))
_GRACE = select(sweep_runs.c.grace_ms).where(sweep_runs.c.tenant_id == TENANT)
_MISSING = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
    "SELECT DISTINCT :tenant, 'ward:' || t.ward_id, 'ward_unheard', CAST(:now_ms AS bigint) FROM tablets t "
    "WHERE t.tenant_id = :tenant AND t.revoked_ms IS NULL AND t.last_presence_ms IS NOT NULL "
    "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET wake_at_ms = excluded.wake_at_ms, look_ms = NULL "
    "WHERE wake_rows.wake_at_ms > :ahead_ms OR wake_rows.look_ms > :ahead_ms"
)


def is_audible(said: Mapping[str, Any] | None, said_ms: int | None, now_ms: int, pace: float = 1.0) -> bool:
    """Whether an alarm is seen and heard on a tablet that said this at that moment. None: it has said nothing."""
    # What was said by a clock that was ahead says nothing of now.
    if said is None or said_ms is None or abs(now_ms - said_ms) > stretched(SAID_MS, pace):
        return False
    return said.get("audio") == "running" and said.get("visible") is True


def of_ward(s: TenantSession, ward_id: int, now_ms: int, pace: float = 1.0) -> frozenset[int]:
    """The tablets of a ward on which an alarm is seen and heard now."""
    return frozenset(row.id for row in _in_use(s, ward_id) if _heard(row, now_ms, pace))


def ensure(s: TenantSession, now_ms: int) -> None:
    """Watch every ward that has a tablet in use and is not watched, or by a clock that was wrong."""
    s.execute(_MISSING, {"now_ms": now_ms, "ahead_ms": now_ms + 60 * LOOK_MS})


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:  # noqa: ARG001 - one form for all
    """See whether a ward can hear: told of when none of its tablets could for a minute, over as soon as one can."""
    state: dict[str, Any] = dict(states.lock(s, wake.subject, RULE))
    if wakes.take(s, wake, now_ms) is None:
        return
    ward_id = int(wake.subject.partition(":")[2])
    there, name = _in_use(s, ward_id), s.execute(_NAME, {"ward_id": ward_id}).scalar()
    if name is None or not there:
        # No tablet left: who would get an alarm is another question, and cover.py asks it.
        wakes.arm(s, wake.subject, RULE, None)
        _over(s, wake.subject, state, str(name or ""), now_ms)
        return
    if any(_heard(row, now_ms, pace) for row in there):
        _over(s, wake.subject, state, str(name), now_ms)
    else:
        since_ms = min(state.get("since_ms", now_ms), now_ms)
        grace_ms = s.execute(_GRACE).scalar() or 0
        counted_ms = max(since_ms, min(grace_ms, now_ms) + stretched(GRACE_MS, pace))
        told = bool(state.get("told"))
        # Whoever ended its alarm thought that it was mended.
        again = told and now_ms >= technical.told_again_ms(s, wake.subject, RULE, now_ms)
        if again or (not told and now_ms - counted_ms >= stretched(UNHEARD_MS, pace)):
            _tell(s, wake.subject, ward_id, str(name), there, now_ms)
            told = True
        after = {"since_ms": since_ms, "told": int(told)}
        if after != state:
            states.keep(s, wake.subject, RULE, after)
    wakes.arm(s, wake.subject, RULE, now_ms + stretched(LOOK_MS, pace))


def _in_use(s: TenantSession, ward_id: int) -> list[Row[Any]]:
    return list(s.execute(_OF_WARD, {"ward_id": ward_id}))


def _heard(row: Row[Any], now_ms: int, pace: float) -> bool:
    return is_audible(row.last_presence, row.last_presence_ms, now_ms, pace)


def _tell(s: TenantSession, subject: str, ward_id: int, name: str, there: list[Row[Any]], now_ms: int) -> None:
    last_ms = max(int(row.last_presence_ms) for row in there)
    code = f"{RULE}.off" if now_ms - last_ms > SAID_MS else RULE
    request = RaiseRequest(
        subject=subject,
        rule=RULE,
        kind=RULE,
        priority=KINDS[RULE].priority,
        reason=Reason(code, {"ward": name, "tablets": len(there)}),
        occurred=Occurred(now_ms, now_ms),
        where=Where(ward_id, place=name),
        anew=True,
    )
    register.apply(s, request, now_ms)


def _over(s: TenantSession, subject: str, state: Mapping[str, Any], name: str, now_ms: int) -> None:
    if state.get("told"):
        register.apply(s, ClearRequest(subject, RULE, Reason(f"{RULE}.over", {"ward": name})), now_ms)
    if state:
        states.keep(s, subject, RULE, {})
