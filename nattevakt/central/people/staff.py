"""Staff: who may act on which ward, their PINs and telephone numbers. Serves arrow 9.

Owns what a PIN and a number may look like and how they are kept. Must not know sessions, tablets or HTTP.

A PIN is not a password: it counts only on an enrolled tablet (the first factor), with few tries (ratelimit.py).
Argon2id keeps a stolen database from giving the PINs away cheaply.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import pairwise

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify.routing import PHONE
from nattevakt.central.tables import staff, staff_wards
from nattevakt.edge.errors import RejectError

PIN_MIN = 4
PIN_MAX = 8
# 19 MiB and two passes: about 20 ms on a small server, where many tablets may log in at the change of shift.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_TURNS = threading.BoundedSemaphore(4)


@dataclass(frozen=True, slots=True)
class Colleague:
    """One member of staff as the tablet names them."""

    id: int
    key: str
    name: str
    initials: str


def check_pin(pin: str) -> None:
    """Raises RejectError where a PIN is not 4 to 8 digits, or is among the first that anybody would guess."""
    if not (PIN_MIN <= len(pin) <= PIN_MAX and pin.isascii() and pin.isdigit()):
        raise RejectError("pin", f"must be {PIN_MIN} to {PIN_MAX} digits")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise RejectError("pin", "is one digit again and again, or digits in a row")
    half = len(pin) // 2
    if len(pin) % 2 == 0 and pin[:half] == pin[half:]:
        raise RejectError("pin", "is the same digits twice")
    if pin in {"2580", "0852", "1379", "1793"}:
        raise RejectError("pin", "is a pattern on the keys")


def hash_pin(pin: str) -> str:
    """What is stored of a PIN."""
    with _TURNS:
        return _HASHER.hash(pin)


def verify_pin(stored: str | None, pin: str) -> bool:
    """Whether this is the PIN; somebody without a PIN is never let in."""
    if stored is None:
        return False
    with _TURNS:
        try:
            return _HASHER.verify(stored, pin)
        except (VerificationError, InvalidHashError):
            return False


def set_pin(s: TenantSession, key: str, pin: str) -> None:
    """Give a member of staff a PIN. Raises RejectError for an unknown key or a poor PIN."""
    check_pin(pin)
    changed = s.execute(
        update(staff).where(staff.c.tenant_id == TENANT, staff.c.key == key), {"pin_argon2": hash_pin(pin)}
    )
    if changed.rowcount != 1:
        raise RejectError("staff", f"unknown: {key}")


def phone_of(typed: str) -> str | None:
    """A number as it is kept, "+4790000000", from one that may be typed with spaces; None for none.

    Raises RejectError where it is no number with its country.
    """
    found = "".join(typed.split())
    if not found:
        return None
    if not PHONE.fullmatch(found):
        raise RejectError("phone", "must begin with + and the country, then digits: +4790000000")
    return found


def set_phone(s: TenantSession, key: str, phone: str) -> None:
    """Give a member of staff the number on which text messages reach them while on duty, "" for none.

    Raises RejectError for an unknown key or what is no number.
    """
    changed = s.execute(
        update(staff).where(staff.c.tenant_id == TENANT, staff.c.key == key), {"phone": phone_of(phone)}
    )
    if changed.rowcount != 1:
        raise RejectError("staff", f"unknown: {key}")


def of_ward(s: TenantSession, ward_id: int) -> tuple[Colleague, ...]:
    """The staff who may act on a ward, by name."""
    rows = s.execute(
        select(staff.c.id, staff.c.key, staff.c.name, staff.c.initials)
        .join(staff_wards, (staff_wards.c.tenant_id == staff.c.tenant_id) & (staff_wards.c.staff_id == staff.c.id))
        .where(staff.c.tenant_id == TENANT, staff_wards.c.ward_id == ward_id, staff.c.active)
        .order_by(staff.c.name)
    )
    return tuple(Colleague(row.id, row.key, row.name, row.initials) for row in rows)


def pin_of(s: TenantSession, staff_id: int) -> str | None:
    """What is stored of somebody's PIN."""
    found: str | None = s.execute(
        select(staff.c.pin_argon2).where(staff.c.tenant_id == TENANT, staff.c.id == staff_id, staff.c.active)
    ).scalar()
    return found
