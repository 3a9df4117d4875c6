"""What a heartbeat says, read from the database; and the whole live link as one thing to start. Serves arrow 9.

Owns the reading of a tenant's vital signs. Must not know streams (live.py) or what a page shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import select

from nattevakt.central.clock import Clock
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.people import tablets
from nattevakt.central.tables import live_seq, sweep_runs
from nattevakt.central.tablet.live import Hub, PgListener, Vital, Vitals
from nattevakt.edge.pace import stretched

SWEEP_LATE_MS = 30_000

_VITAL = (
    select(live_seq.c.seq, sweep_runs.c.at_ms)
    .outerjoin(sweep_runs, sweep_runs.c.tenant_id == live_seq.c.tenant_id)
    .where(live_seq.c.tenant_id == TENANT)
)


def seq_and_sweep(s: TenantSession, now_ms: int) -> tuple[int, float | None]:
    """The tenant's live sequence, and how many seconds ago the sweep last ran (None: never)."""
    row = s.execute(_VITAL).first()
    seq, swept_ms = (row.seq, row.at_ms) if row is not None else (0, None)
    return int(seq), None if swept_ms is None else max(0, now_ms - swept_ms) / 1000


def sweep_late_s(clock: Clock) -> float:
    """The age of the last sweep at which a page says that nobody watches, in seconds of service time."""
    return stretched(SWEEP_LATE_MS, clock.pace()) / 1000


def vitals_of(db: Database, clock: Clock) -> Vitals:
    """A reader of vital signs for a hub."""

    def read(tenant_id: int, asked: frozenset[int]) -> Vital:
        now_ms = clock.now_ms()
        with db.read(tenant_id) as s:
            seq, sweep_age_s = seq_and_sweep(s, now_ms)
            known = tablets.enrolled(s, asked)
        return Vital(seq, now_ms, sweep_age_s, known, sweep_late_s(clock), clock.speed())

    return read


@asynccontextmanager
async def serving(hub: Hub, db: Database, clock: Clock) -> AsyncIterator[None]:
    """The live link for as long as the application runs; on PostgreSQL also what other processes change."""
    listener = None if db.is_sqlite else PgListener(db.url.render_as_string(hide_password=False), hub)
    async with hub.running(vitals_of(db, clock)):
        if listener:
            listener.start()
        try:
            yield
        finally:
            if listener:
                await asyncio.to_thread(listener.stop)
