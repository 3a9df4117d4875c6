"""Tablets: enrolled once with a code, known by a cookie from then on. Serves arrow 9.

Owns codes and tablet tokens. Must not know who stands at the tablet or what it shows.
An enrolled tablet always sees and hears its ward's alarms; only revoking it ends that.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.people import tokens
from nattevakt.central.people.tokens import TabletCookie
from nattevakt.central.tables import tablet_codes, tablets, wards
from nattevakt.edge.errors import RejectError

CODE_LIFE_MS = 15 * 60_000

_ENROLLED = (
    select(tablets.c.ward_id, tablets.c.token_sha256, wards.c.name)
    .join(wards, (wards.c.tenant_id == tablets.c.tenant_id) & (wards.c.id == tablets.c.ward_id))
    .where(tablets.c.tenant_id == TENANT, tablets.c.id == bindparam("tablet_id"), tablets.c.revoked_ms.is_(None))
)
_STILL_ENROLLED = select(tablets.c.id).where(
    tablets.c.tenant_id == TENANT,
    tablets.c.id.in_(bindparam("ids", expanding=True)),
    tablets.c.revoked_ms.is_(None),
)


@dataclass(frozen=True, slots=True)
class Tablet:
    """An enrolled tablet that has proved itself."""

    tenant: Tenant
    id: int
    ward_id: int
    ward_name: str


def new_code(s: TenantSession, ward_key: str, name: str, now_ms: int) -> str:
    """A one-time code for a tablet on a ward, good for 15 minutes; only its hash is kept."""
    ward_id = s.execute(select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.key == ward_key)).scalar()
    if ward_id is None:
        raise RejectError("ward", f"unknown: {ward_key}")
    code = tokens.code()
    row = {"ward_id": ward_id, "name": name, "expires_ms": now_ms + CODE_LIFE_MS}
    s.add(tablet_codes, [{"code_sha256": tokens.digest(code.replace("-", "")), **row}])
    return code


def redeem(db: Database, typed: str, now_ms: int) -> TabletCookie | None:
    """Enrol a tablet with a code: its cookie, or None where the code is wrong, used or too old."""
    code = tokens.normal_code(typed)
    if code is None:
        return None
    digest = tokens.digest(code)
    # A code does not say whose it is: it is short enough to type as it is.
    for tenant in db.tenants():
        with db.read(tenant.id) as s:
            known = s.execute(
                select(tablet_codes.c.ward_id).where(
                    tablet_codes.c.tenant_id == TENANT, tablet_codes.c.code_sha256 == digest
                )
            ).scalar()
        if known is not None:
            return db.transact(tenant.id, lambda s, key=tenant.key: _enrol(s, key, digest, now_ms))  # type: ignore[misc]
    return None


def _enrol(s: TenantSession, tenant_key: str, digest: str, now_ms: int) -> TabletCookie | None:
    row = s.execute(
        update(tablet_codes)
        .where(
            tablet_codes.c.tenant_id == TENANT,
            tablet_codes.c.code_sha256 == digest,
            tablet_codes.c.used_ms.is_(None),
            tablet_codes.c.expires_ms > now_ms,
        )
        .returning(tablet_codes.c.ward_id, tablet_codes.c.name),
        {"used_ms": now_ms},
    ).first()
    if row is None:
        return None
    secret = tokens.token()
    tablet_id = s.insert(
        tablets, ward_id=row.ward_id, name=row.name, token_sha256=tokens.digest(secret), enrolled_ms=now_ms
    )
    return TabletCookie(tenant_key, tablet_id, secret)


def authenticate(db: Database, value: str) -> Tablet | None:
    """The tablet that a cookie proves, or None where it proves none (any more)."""
    cookie = TabletCookie.parse(value)
    tenant = db.tenant(cookie.tenant_key) if cookie else None
    if cookie is None or tenant is None:
        return None
    with db.read(tenant.id) as s:
        return proved(s, tenant, cookie)


def proved(s: TenantSession, tenant: Tenant, cookie: TabletCookie) -> Tablet | None:
    """As `authenticate`, within a transaction of the cookie's tenant."""
    row = s.execute(_ENROLLED, {"tablet_id": cookie.tablet_id}).first()
    if row is None or not tokens.same(row.token_sha256, cookie.secret):
        return None
    return Tablet(tenant, cookie.tablet_id, row.ward_id, row.name)


def enrolled(s: TenantSession, asked: frozenset[int]) -> frozenset[int]:
    """Which of these tablets are still enrolled."""
    return frozenset(s.execute(_STILL_ENROLLED, {"ids": sorted(asked)}).scalars())


def note_presence(s: TenantSession, tablet_id: int, presence: dict[str, object], now_ms: int) -> None:
    """Keep what a tablet last said of itself."""
    s.execute(
        update(tablets).where(tablets.c.tenant_id == TENANT, tablets.c.id == tablet_id),
        {"last_presence": presence, "last_presence_ms": now_ms},
    )
