"""On which legal ground a resident is watched, and until when. Serves arrow 7.

Owns the rows of `bases` and the alarm of one that runs out. A basis holds until its review date. One that runs out
at night is not the resident's danger: the plan stays armed until the day shift comes, and the ward's lead hears of it
at once. Must not know plans or rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, text, update

from nattevakt.central import wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places import plans
from nattevakt.central.tables_plans import bases
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Occurred, Reason
from nattevakt.edge.rules.windows import Window, inside, next_at_ms

BASIS_EXPIRED = "basis_expired"
"""The kind, and the rule, of the alarm of a basis that has run out."""
DAY_SHIFT_MINUTE = 7 * 60
"""When the day shift comes, on Norwegian wards between 07:00 and 07:30: somebody who may renew a basis is there."""
NIGHT_MOST_MS = 15 * 3_600_000
"""No night is longer; a basis that ran out so long ago holds no more, whatever the ward's night is."""
REVIEW_DAYS_MOST = 366
"""A basis is reviewed at least once a year."""
TEXT_MAX = 200


class Ground(StrEnum):
    """Why a resident may be watched. The values are stored and for ever.

    CARRIED: watched since before plans had a basis; somebody must say on which ground within 30 days.
    """

    CONSENT = "samtykke"
    DECISION = "vedtak_4_6_a"
    CARRIED = "overfort"


@dataclass(frozen=True, slots=True)
class Basis:
    """One legal basis. review_ms: when it runs out; holds_to_ms: until when the plan stays armed by it."""

    id: int
    resident_id: int
    kind: str
    from_ms: int
    review_ms: int
    holds_to_ms: int
    responsible: str
    made_ms: int
    staff_id: int | None


_VALID = (
    select(bases)
    .where(
        bases.c.tenant_id == TENANT,
        bases.c.resident_id.in_(bindparam("residents", expanding=True)),
        bases.c.ended_ms.is_(None),
        bases.c.from_ms <= bindparam("now_ms"),
        bases.c.review_ms > bindparam("least_ms"),
    )
    .order_by(bases.c.review_ms, bases.c.id)
)
_ALL = (
    select(bases)
    .where(bases.c.tenant_id == TENANT, bases.c.resident_id == bindparam("resident_id"))
    .order_by(bases.c.id.desc())
)
_END = update(bases).where(bases.c.tenant_id == TENANT, bases.c.id == bindparam("basis_id"), bases.c.ended_ms.is_(None))
_WARDS = text(
    "SELECT t.resident_id, r.ward_id, w.night_from_minute, n.time_zone FROM stays t "
    "JOIN rooms r ON r.tenant_id = :tenant AND r.id = t.room_id "
    "JOIN wards w ON w.tenant_id = :tenant AND w.id = r.ward_id JOIN tenants n ON n.id = :tenant "
    "WHERE t.tenant_id = :tenant AND t.to_ms IS NULL AND t.resident_id IN :residents ORDER BY t.id"
).bindparams(bindparam("residents", expanding=True))


def give(
    s: TenantSession,
    resident_id: int,
    kind: str,
    from_ms: int,
    review_ms: int,
    responsible: str,
    staff_id: int | None,
    now_ms: int,
) -> int:
    """Write down a basis; it takes the place of those of before. Gives its id.

    Raises RejectError where it cannot be: no such kind, a review that is not ahead or too far, nobody responsible.
    """
    if kind not in set(Ground):
        raise RejectError("kind", "must be one of " + ", ".join(Ground))
    if kind != Ground.CARRIED and not responsible.strip():
        raise RejectError("responsible", "say who is responsible for the review")
    if len(responsible) > TEXT_MAX:
        raise RejectError("responsible", f"longer than {TEXT_MAX} characters")
    if review_ms <= max(from_ms, now_ms):
        raise RejectError("review_ms", "the review must lie ahead, after the basis begins")
    if review_ms - max(from_ms, now_ms) > REVIEW_DAYS_MOST * 86_400_000:
        raise RejectError("review_ms", "a basis is reviewed at least once a year: choose an earlier date")
    if from_ms <= now_ms:
        for basis in _there(s, (resident_id,), now_ms):
            s.execute(_END, {"basis_id": basis.id, "ended_ms": now_ms, "ended_by": staff_id})
    number = s.insert(
        bases,
        resident_id=resident_id,
        kind=kind,
        from_ms=from_ms,
        review_ms=review_ms,
        responsible=responsible,
        made_ms=now_ms,
        staff_id=staff_id,
        ended_ms=None,
        ended_by=None,
    )
    if from_ms <= now_ms:
        register.apply(
            s, ClearRequest(f"resident:{resident_id}", BASIS_EXPIRED, Reason(f"{BASIS_EXPIRED}.renewed")), now_ms
        )
    # One that begins later holds nothing today: until when today's does is still watched.
    reach_ms, next_ms = _reach(s, resident_id, now_ms)
    _watch(s, resident_id, now_ms, max(now_ms, min(at_ms for at_ms in (reach_ms, next_ms) if at_ms is not None)))
    return number


def end(s: TenantSession, resident_id: int, staff_id: int | None, now_ms: int) -> int:
    """Take the basis back (a consent that is withdrawn): planned rules judge no more, at once. Gives how many ended.

    One that was to begin later is taken back with it, or it would arm the plan by itself.
    """
    found = {basis.id for basis in _there(s, (resident_id,), now_ms)}
    found |= {int(row.id) for row in history(s, resident_id) if row.ended_ms is None and row.from_ms > now_ms}
    for basis_id in sorted(found):
        s.execute(_END, {"basis_id": basis_id, "ended_ms": now_ms, "ended_by": staff_id})
    _watch(s, resident_id, now_ms, now_ms)
    return len(found)


def valid(s: TenantSession, ids: Iterable[int], now_ms: int) -> dict[int, Basis]:
    """The basis that holds for each of these residents; who has none is not in the answer."""
    return {basis.resident_id: basis for basis in _there(s, ids, now_ms) if now_ms < basis.holds_to_ms}


def history(s: TenantSession, resident_id: int) -> list[Row[Any]]:
    """All rows of a resident's bases, the newest first."""
    return list(s.execute(_ALL, {"resident_id": resident_id}).all())


def _there(s: TenantSession, ids: Iterable[int], now_ms: int) -> list[Basis]:
    """What nobody has ended and has begun, also what ran out a while ago; the one that holds longest last."""
    wanted = sorted(set(ids))
    asked = {"residents": wanted, "now_ms": now_ms, "least_ms": now_ms - NIGHT_MOST_MS}
    rows = s.execute(_VALID, asked).all() if wanted else []
    nights = nights_of(s, {row.resident_id for row in rows if row.review_ms <= now_ms})
    return [basis_of(row, nights.get(row.resident_id)) for row in rows]


@dataclass(frozen=True, slots=True)
class Night:
    """The night of a resident's ward."""

    ward_id: int
    from_minute: int
    time_zone: str


def nights_of(s: TenantSession, ids: Iterable[int]) -> dict[int, Night]:
    """The ward's night of each of these residents; who lives nowhere now is not in the answer."""
    wanted = sorted(set(ids))
    rows = s.execute(_WARDS, {"residents": wanted}).all() if wanted else []
    return {row.resident_id: Night(row.ward_id, row.night_from_minute, row.time_zone) for row in rows}


def basis_of(row: Any, night: Night | None) -> Basis:
    """A basis from its row. night: of the resident's ward, wanted only where it has run out."""
    return Basis(
        int(row.id),
        int(row.resident_id),
        row.kind,
        int(row.from_ms),
        int(row.review_ms),
        holds_to_ms(int(row.review_ms), night),
        row.responsible,
        int(row.made_ms),
        row.staff_id,
    )


def holds_to_ms(review_ms: int, night: Night | None) -> int:
    """Until when a plan stays armed by a basis that runs out then: not to a moment inside the ward's night."""
    if night is None or night.from_minute == DAY_SHIFT_MINUTE:
        return review_ms
    if not inside(Window(night.from_minute, DAY_SHIFT_MINUTE), review_ms, night.time_zone):
        return review_ms
    return next_at_ms(DAY_SHIFT_MINUTE, review_ms, night.time_zone)


# --- the alarm of one that runs out --------------------------------------------------------------------------

_OPEN = (
    select(bases.c.from_ms, bases.c.review_ms)
    .where(bases.c.tenant_id == TENANT, bases.c.resident_id == bindparam("resident_id"), bases.c.ended_ms.is_(None))
    .order_by(bases.c.from_ms)
)


def _reach(s: TenantSession, resident_id: int, now_ms: int) -> tuple[int | None, int | None]:
    """Until when the bases that have begun hold without a gap, None where none has; and when the next one begins."""
    review_ms, next_ms = None, None
    for row in s.execute(_OPEN, {"resident_id": resident_id}):
        if row.from_ms <= now_ms or (review_ms is not None and now_ms < review_ms and row.from_ms <= review_ms):
            review_ms = max(int(row.review_ms), review_ms or 0)
        elif next_ms is None:
            next_ms = int(row.from_ms)
    return review_ms, next_ms


def _watch(s: TenantSession, resident_id: int, now_ms: int, look_ms: int) -> None:
    wakes.arm(s, f"resident:{resident_id}", BASIS_EXPIRED, look_ms)
    plans.rearm(s, resident_id, now_ms)
    s.changed()


def look(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, now_ms: int, _pace: float) -> None:
    """Handler of the sweep: a basis has run out, a night that it was stretched over is past, or it was renewed."""
    if wakes.take(s, wake, now_ms) is None:
        return
    resident_id = int(wake.subject.partition(":")[2])
    review_ms, next_ms = _reach(s, resident_id, now_ms)
    plan = plans.current(s, resident_id)
    watched = plan is not None and plan.ended_ms is None and bool(plan.entries)
    if review_ms is None or review_ms > now_ms or not watched:
        reason = Reason(
            f"{BASIS_EXPIRED}.renewed" if review_ms is not None and watched else f"{BASIS_EXPIRED}.not_wanted"
        )
        register.apply(s, ClearRequest(wake.subject, BASIS_EXPIRED, reason), now_ms)
        _again(s, wake, now_ms, review_ms, next_ms)
        # What waited for a basis that begins now.
        plans.rearm(s, resident_id, now_ms)
        return
    night = nights_of(s, (resident_id,)).get(resident_id)
    to_ms = holds_to_ms(review_ms, night)
    if night is not None:
        code = f"{BASIS_EXPIRED}.armed" if now_ms < to_ms else BASIS_EXPIRED
        request = RaiseRequest(
            subject=wake.subject,
            rule=BASIS_EXPIRED,
            kind=BASIS_EXPIRED,
            priority=KINDS[BASIS_EXPIRED].priority,
            reason=Reason(code, {"review_ms": review_ms}),
            occurred=Occurred(review_ms, review_ms),
            where=Where(night.ward_id, resident_id=resident_id),
            # The second word of it is another: until now the plan was armed.
            anew=now_ms >= to_ms,
        )
        register.apply(s, request, now_ms)
    _again(s, wake, now_ms, to_ms, next_ms)
    plans.rearm(s, resident_id, now_ms)


def _again(s: TenantSession, wake: wakes.Wake, now_ms: int, *moments: int | None) -> None:
    """Look again at the first of these moments that lies ahead; without any, never."""
    ahead = [at_ms for at_ms in moments if at_ms is not None and at_ms > now_ms]
    wakes.arm(s, wake.subject, wake.rule, min(ahead, default=None))
