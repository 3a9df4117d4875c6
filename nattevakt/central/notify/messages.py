"""What a sending says, and to which number or browsers. Serves arrow 9.

Owns the one sentence that leaves the house: ward, room, time, and where to look. No name, no kind of alarm, nothing
about anybody's health: it travels by roads that others can read. Must not know how it travels.
"""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from sqlalchemy import text

from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.notify import subscriptions
from nattevakt.central.notify.channel import Message, Never
from nattevakt.central.notify.sendings import PUSH, SMS, Sending, road_of
from nattevakt.central.tablet.i18n import DEFAULT, N_, words
from nattevakt.central.tablet.when import clock

TEXT_MAX = 160
ROOM = N_("Nattevakt: alarm, {ward} rom {room}, kl. {at}. Åpne nettbrettet.")
WARD = N_("Nattevakt: alarm, {ward}, kl. {at}. Åpne nettbrettet.")
PHONE = "phone:"

_ALARM = text(
    "SELECT a.raised_ms, w.name AS ward, r.number AS room FROM alarms a "
    "JOIN wards w ON w.tenant_id = a.tenant_id AND w.id = a.ward_id "
    "LEFT JOIN rooms r ON r.tenant_id = a.tenant_id AND r.id = a.room_id "
    "WHERE a.tenant_id = :tenant AND a.id = :alarm_id"
)
_PHONE_OF = text("SELECT phone FROM staff WHERE tenant_id = :tenant AND id = :staff_id AND active")


def message_of(s: TenantSession, tenant: Tenant, sending: Sending, at_ms: int) -> Message | Never:
    """The message of a sending as it is to go now, or why it cannot go to this target at all. at_ms: real time."""
    row = s.execute(_ALARM, {"alarm_id": sending.alarm_id}).one()
    say, at = words(DEFAULT), clock(row.raised_ms, ZoneInfo(tenant.time_zone))
    # A long name of a ward must not cost the time, nor a second text message.
    said = say(ROOM if row.room else WARD, {"ward": row.ward[:60], "room": row.room, "at": at})
    made = Message(
        alarm_id=sending.alarm_id,
        road=road_of(sending.channel, sending.target),
        key=sending.idempotency_key,
        text=said[:TEXT_MAX],
        at_ms=at_ms,
    )
    if sending.channel == SMS:
        phone = _phone(s, sending)
        return Never("no_phone") if not phone else replace(made, phone=phone)
    if sending.channel == PUSH:
        found = subscriptions.of_person(s, sending.target_id) if sending.target_id is not None else ()
        return Never("no_subscription") if not found else replace(made, subscriptions=found)
    return made


def _phone(s: TenantSession, sending: Sending) -> str:
    if sending.target.startswith(PHONE):
        return sending.target.removeprefix(PHONE)
    if sending.target_id is None:
        return ""
    found: str | None = s.execute(_PHONE_OF, {"staff_id": sending.target_id}).scalar()
    return found or ""
