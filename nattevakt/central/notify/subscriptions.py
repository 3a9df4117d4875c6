"""Which browsers want push for whom. Serves arrow 9.

Owns the rows of `push_subscriptions`. Must not know how a push is made or sent.
"""

from __future__ import annotations

from sqlalchemy import bindparam, text

from nattevakt.central.db import TenantSession
from nattevakt.central.notify.channel import Subscription
from nattevakt.central.tables_duty import push_subscriptions

GONE = "gone"
"""The push service says that it is no more."""
ENDED = "ended"
"""The person said so."""
MOST = 10
"""So many of one person are pushed to, the newest."""

_OF = text(
    "SELECT id, endpoint, p256dh, auth FROM push_subscriptions "  # noqa: S608 - our own constant
    "WHERE tenant_id = :tenant AND staff_id = :staff_id "
    f"AND ended_ms IS NULL ORDER BY made_ms DESC, id DESC LIMIT {MOST}"
)
# A browser has one endpoint; whoever signs in on it now is who it pushes for.
_AGAIN = text(
    "UPDATE push_subscriptions SET staff_id = :staff_id, p256dh = :p256dh, auth = :auth, made_ms = :made_ms, "
    "ended_ms = NULL, reason = NULL WHERE tenant_id = :tenant AND endpoint = :endpoint"
)
_END = text(
    "UPDATE push_subscriptions SET ended_ms = :now_ms, reason = :reason WHERE tenant_id = :tenant AND id IN :ids "
    "AND ended_ms IS NULL"
).bindparams(bindparam("ids", expanding=True))
_END_ONE = text(
    "UPDATE push_subscriptions SET ended_ms = :now_ms, reason = :reason WHERE tenant_id = :tenant "
    "AND endpoint = :endpoint AND staff_id = :staff_id AND ended_ms IS NULL"
)


def of_person(s: TenantSession, staff_id: int) -> tuple[Subscription, ...]:
    """The browsers that want push for this person."""
    rows = s.execute(_OF, {"staff_id": staff_id})
    return tuple(Subscription(row.id, row.endpoint, row.p256dh, row.auth) for row in rows)


def subscribe(s: TenantSession, staff_id: int, endpoint: str, p256dh: str, auth: str, now_ms: int) -> None:
    """From now on this browser is pushed to for this person, and for nobody else."""
    values: dict[str, object] = {"staff_id": staff_id, "p256dh": p256dh, "auth": auth, "made_ms": now_ms}
    if s.insert_unless_there(push_subscriptions, endpoint=endpoint, **values) is None:
        s.execute(_AGAIN, {"endpoint": endpoint, **values})


def unsubscribe(s: TenantSession, staff_id: int, endpoint: str, now_ms: int) -> bool:
    """The person wants no push on this browser any more. False where it had none."""
    told = {"staff_id": staff_id, "endpoint": endpoint, "now_ms": now_ms, "reason": ENDED}
    return s.execute(_END_ONE, told).rowcount > 0


def end(s: TenantSession, ids: tuple[int, ...], now_ms: int) -> None:
    """The push service knows these no more."""
    if ids:
        s.execute(_END, {"ids": list(ids), "now_ms": now_ms, "reason": GONE})
