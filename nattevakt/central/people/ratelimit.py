"""What a wrong guess costs. Serves arrow 9.

Owns how long somebody waits after wrong PINs, and how often a one-time code may be tried. Must not know how a PIN
is verified. It never hides an alarm and never locks anybody out for good: it only delays who may act.

PIN tries are rows in the database, so a restart or another process forgets none, and a try is counted as failed
before it is verified, so that many at once gain nothing. Five failures make that person wait on that tablet, twice
as long with each further one. Wider and slower counts (one tablet against many people, many tablets against one
person) need more failures, so that nobody can lock a colleague out from another tablet by mischief.

Tries of enrolment codes are counted in memory: a code has 128 random bits, so this only bounds the load that an
unknown caller can put on the database, and rows written for each would be such a load.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy import ColumnElement, delete, func, select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import pin_attempts

PAIR_FREE = 5
TABLET_FREE = 15
STAFF_FREE = 20
WAIT_FIRST_MS = 30_000
WAIT_MAX_MS = 15 * 60_000
PAIR_WINDOW_MS = 12 * 3_600_000
WIDE_WINDOW_MS = 3_600_000
KEEP_MS = 24 * 3_600_000

CODE_TRIES = 10
CODE_WINDOW_S = 60.0
CALLERS_MAX = 1_000


def wait_after(failures: int, free: int) -> int:
    """How long to wait after this many failures in a row, in milliseconds; none before `free` of them."""
    if failures < free:
        return 0
    return int(min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** min(failures - free, 20)))


def wait_ms(s: TenantSession, tablet_id: int, staff_id: int, now_ms: int) -> int:
    """How long this person must still wait on this tablet before the next try; 0 is none."""
    pair = (pin_attempts.c.tablet_id == tablet_id) & (pin_attempts.c.staff_id == staff_id)
    succeeded = s.execute(
        select(func.max(pin_attempts.c.at_ms)).where(pin_attempts.c.tenant_id == TENANT, pair, pin_attempts.c.succeeded)
    ).scalar()
    since = max(int(succeeded or 0), now_ms - PAIR_WINDOW_MS)
    wide = now_ms - WIDE_WINDOW_MS
    return max(
        _left(s, pair, since, PAIR_FREE, now_ms),
        _left(s, pin_attempts.c.tablet_id == tablet_id, wide, TABLET_FREE, now_ms),
        _left(s, pin_attempts.c.staff_id == staff_id, wide, STAFF_FREE, now_ms),
    )


def _left(s: TenantSession, whose: ColumnElement[bool], since_ms: int, free: int, now_ms: int) -> int:
    found = s.execute(
        select(func.count().label("failures"), func.max(pin_attempts.c.at_ms).label("last_ms")).where(
            pin_attempts.c.tenant_id == TENANT, whose, pin_attempts.c.at_ms > since_ms, ~pin_attempts.c.succeeded
        )
    ).one()
    # A clock that was set back must not make anybody wait longer than the longest wait.
    return min(WAIT_MAX_MS, max(0, int(found.last_ms or 0) + wait_after(found.failures, free) - now_ms))


def begin(s: TenantSession, tablet_id: int, staff_id: int, now_ms: int) -> int:
    """Count a try as failed until it is known better; gives its id."""
    s.execute(delete(pin_attempts).where(pin_attempts.c.tenant_id == TENANT, pin_attempts.c.at_ms < now_ms - KEEP_MS))
    return s.insert(pin_attempts, tablet_id=tablet_id, staff_id=staff_id, at_ms=now_ms, succeeded=False)


def succeed(s: TenantSession, attempt_id: int) -> None:
    """The try was right after all."""
    s.execute(
        update(pin_attempts).where(pin_attempts.c.tenant_id == TENANT, pin_attempts.c.id == attempt_id),
        {"succeeded": True},
    )


class CodeTries:
    """Wrong enrolment codes by caller, within a sliding minute of real time. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, caller: str, now: float) -> int:
        """Whole seconds that this caller must wait; 0 is none."""
        with self._lock:
            recent = [at for at in self._failures.get(caller, ()) if now - at < CODE_WINDOW_S]
            if len(recent) < CODE_TRIES:
                return 0
            return int(recent[0] + CODE_WINDOW_S - now) + 1

    def failed(self, caller: str, now: float) -> None:
        """Count a wrong code."""
        with self._lock:
            recent = [at for at in self._failures.pop(caller, []) if now - at < CODE_WINDOW_S]
            self._failures[caller] = [*recent, now][-CODE_TRIES:]
            while len(self._failures) > CALLERS_MAX:
                self._failures.popitem(last=False)
