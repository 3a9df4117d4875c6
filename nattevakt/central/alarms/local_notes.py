"""A note in an alarm's history: a gateway rang about the same by itself. Serves arrow 8.

Owns that it is written once, and changes nothing else of the alarm: where it stands, who has it and how loud it is
follow from our own judgement of the events. Must not know how the alarm was found.
"""

from __future__ import annotations

from nattevakt.central.alarms import rows
from nattevakt.central.alarms.history import CAS_TRIES, by_id, swap, write
from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.alarms.told import columns
from nattevakt.central.db import TenantSession
from nattevakt.edge.errors import RetryError

RUNG, SEEN = "local.rung", "local.seen"
"""Reasons that a note gives; their words stand in tablet/gateway_sentences.py."""


def note(s: TenantSession, alarm_id: int, code: str, at_ms: int, event: EventKey, now_ms: int) -> None:
    """Write that this was rung, or seen, at that moment on the gateway; the same twice is one note."""
    detail = {"reason": code, "params": {"local_ms": at_ms}, "event": columns(event)}
    for _ in range(CAS_TRIES):
        alarm = by_id(s, alarm_id)
        if alarm is None or detail in s.execute(rows.NOTED, {"alarm_id": alarm_id}).scalars().all():
            return
        if swap(s, alarm, state=alarm.state):
            write(s, alarm_id, alarm.state, alarm.state, now_ms, "note", detail)
            return
    raise RetryError("an alarm changes faster than it can be read")
