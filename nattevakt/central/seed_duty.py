"""What a seed file says of who is told and who is on duty. Serves every arrow of the centre.

Owns the form of the tables `[routing]` and `[[duty]]`. A duty of a file is one that comes again: by the clock, on some
weekdays, for some days ahead. Must not know the rest of the file, or what is stored or how.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.central.notify.routing import ROLES, Routing, read
from nattevakt.central.seed_fields import count, filled, key, minute
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import EVERY_DAY

DAYS, DAYS_MOST = 14, 62


@dataclass(frozen=True, slots=True)
class DutyEntry:
    """Somebody's duty, over and over: by the local clock, on these weekdays, so many days ahead. For a ward, a zone, or
    (both "") all of the municipality."""

    staff: str
    from_minute: int
    to_minute: int
    role: str = ROLES[0]
    ward: str = ""
    zone: str = ""
    weekdays: int = EVERY_DAY
    days: int = DAYS


def routing_of(value: object, where: str) -> Routing:
    """The whole document, as its own reader reads it; its sense is looked at when it is saved."""
    if not isinstance(value, dict):
        raise RejectError(where, "must be a table [routing]")
    return read(value)


def duty_of(value: object, where: str) -> DutyEntry:
    """One table [[duty]]."""
    # "from" is a word of the language, so it cannot be read by its field name.
    if not isinstance(value, dict):
        raise RejectError(where, "must be a table")
    known = ("days", "from", "role", "staff", "to", "ward", "weekdays", "zone")
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(known)}")
    if "ward" in value and "zone" in value:
        raise RejectError(where, "must name a ward or a zone, or neither")
    role = value.get("role", ROLES[0])
    if role not in ROLES:
        raise RejectError(f"{where}.role", "must be one of " + ", ".join(ROLES))
    begin, end = (minute(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    return DutyEntry(
        key(value.get("staff"), f"{where}.staff"),
        begin,
        end,
        role,
        ward=key(value["ward"], f"{where}.ward") if "ward" in value else "",
        zone=filled(value["zone"], f"{where}.zone") if "zone" in value else "",
        weekdays=count(1, EVERY_DAY)(value.get("weekdays", EVERY_DAY), f"{where}.weekdays"),
        days=count(1, DAYS_MOST)(value.get("days", DAYS), f"{where}.days"),
    )
