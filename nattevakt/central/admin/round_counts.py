"""How many looks there were, digital and physical apart, for the pages and the API. Serves arrow 9.

Owns which period is counted. Must not know what counts as what (rounds/tasks.py).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nattevakt.central.db import TenantSession
from nattevakt.central.rounds import tasks
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX

NIGHTS = 14
PERIOD_DAYS_MAX = 400
DAY_MS = 86_400_000


def last_nights(now_ms: int, zone: ZoneInfo, nights: int = NIGHTS) -> tuple[int, int]:
    """From the noon so many days ago until now: so many whole nights, and tonight as far as it has come."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    begun = datetime.combine(today - timedelta(days=nights), time(12), zone)
    return round(begun.timestamp() * 1000), now_ms + 1


def period(now_ms: int, zone: ZoneInfo, since_ms: int | None, before_ms: int | None) -> tuple[int, int]:
    """The period that is asked for: an end that is left out is that of the last nights. Raises RejectError."""
    usual = last_nights(now_ms, zone)
    begins, ends = since_ms if since_ms is not None else usual[0], before_ms if before_ms is not None else usual[1]
    for name, value in (("since_ms", begins), ("before_ms", ends)):
        if not 0 <= value <= INT_MAX:
            raise RejectError(name, "must be Unix milliseconds")
    if begins >= ends:
        raise RejectError("since_ms", f"must lie before before_ms, which is {ends}")
    if ends - begins > PERIOD_DAYS_MAX * DAY_MS:
        raise RejectError("since_ms", f"must lie at most {PERIOD_DAYS_MAX} days before before_ms")
    return begins, ends


def plain(
    s: TenantSession, period_ms: tuple[int, int], *, ward_id: int | None = None, resident_id: int | None = None
) -> dict[str, object]:
    """The counts with their period, as JSON can hold them."""
    found = tasks.counts(s, *period_ms, ward_id=ward_id, resident_id=resident_id)
    return {"since_ms": period_ms[0], "before_ms": period_ms[1], **asdict(found)}
