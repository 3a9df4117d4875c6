"""A test's way, step by step: asked, given, received, shown, sounded, tapped. Serves arrows 6 and 9.

Owns the rows of `chain_tests` and what each step writes. Must not know HTTP, pages, or what a failed test means.
Every step is written once and by its first proof; what comes twice, or after the end, changes nothing.

A test is never in front of a real alarm: each answer to a gateway and each snapshot carries few of them, a resident has
one at a time and a gateway a bounded number, and nothing that an event of a resident is stored by looks at one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text, update

from nattevakt.central import wakes
from nattevakt.central.chain.setup import Setup
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.response_times import shift_of
from nattevakt.central.tables_duty import chain_tests
from nattevakt.edge.wire_heartbeat import TESTS_MAX

RULE = "chain_test"
"""The rule of a ward's wake row (subject "ward:<id>")."""
RECEIVE_LIMIT_MS = 5 * 60_000
"""So long a gateway has to ask for a test, and then to bring it: twenty heartbeats each."""
TAP_LIMIT_MS = 10 * 60_000
"""So long after it has come somebody has to answer on a tablet."""
PER_GATEWAY_MAX = 200
"""Most that one gateway is asked for at a time: at its pace it has asked for all of them within half the limit."""
SHOWN_MAX = 20
"""Most that a snapshot carries."""

_OPEN = "state IN ('asked', 'given', 'received')"
OPEN_OF_WARD = select(chain_tests).where(
    chain_tests.c.tenant_id == TENANT, chain_tests.c.ward_id == bindparam("p_ward_id"), text(_OPEN)
)
_OPEN_OF_RESIDENTS = select(chain_tests.c.id, chain_tests.c.resident_id).where(
    chain_tests.c.tenant_id == TENANT,
    chain_tests.c.resident_id.in_(bindparam("residents", expanding=True)),
    text(_OPEN),
)
_WAITING = (
    select(chain_tests.c.gateway_id, func.count().label("n"))
    .where(chain_tests.c.tenant_id == TENANT, text(_OPEN), chain_tests.c.received_ms.is_(None))
    .group_by(chain_tests.c.gateway_id)
)
_TO_GIVE = (
    select(chain_tests.c.id, chain_tests.c.nonce, chain_tests.c.given_ms)
    .where(
        chain_tests.c.tenant_id == TENANT,
        chain_tests.c.gateway_id == bindparam("p_gateway_id"),
        text(_OPEN),
        chain_tests.c.received_ms.is_(None),
    )
    .order_by(chain_tests.c.id)
    .limit(TESTS_MAX)
)
_MANY = chain_tests.c.id.in_(bindparam("ids", expanding=True))
_GIVEN = (
    update(chain_tests)
    .where(chain_tests.c.tenant_id == TENANT, _MANY, chain_tests.c.state == "asked")
    .values(state="given", given_ms=bindparam("p_now_ms"))
)
_RECEIVED = (
    update(chain_tests)
    .where(
        chain_tests.c.tenant_id == TENANT,
        chain_tests.c.nonce == bindparam("p_nonce"),
        chain_tests.c.gateway_id == bindparam("p_gateway_id"),
        chain_tests.c.state.in_(("asked", "given")),
    )
    .values(state="received", appended_ms=bindparam("p_appended_ms"), received_ms=bindparam("p_now_ms"))
)
_ON_SCREEN = (
    OPEN_OF_WARD.where(chain_tests.c.received_ms > bindparam("since_ms"))
    .order_by(chain_tests.c.received_ms, chain_tests.c.id)
    .limit(SHOWN_MAX)
)
_MINE = (
    chain_tests.c.tenant_id == TENANT,
    chain_tests.c.ward_id == bindparam("p_ward_id"),
    chain_tests.c.state.in_(("received", "done")),
)
_SHOWN, _SOUNDED = (
    update(chain_tests).where(*_MINE, _MANY, column.is_(None)).values({column.name: bindparam("p_now_ms")})
    for column in (chain_tests.c.shown_ms, chain_tests.c.sounded_ms)
)
_TAPPED = (
    update(chain_tests)
    .where(
        chain_tests.c.tenant_id == TENANT,
        chain_tests.c.ward_id == bindparam("p_ward_id"),
        chain_tests.c.id == bindparam("p_id"),
        chain_tests.c.state == "received",
    )
    .values(
        state="done",
        tapped_ms=bindparam("p_now_ms"),
        tapped_by=bindparam("p_staff_id"),
        tablet_id=bindparam("p_tablet_id"),
        # Whoever taps it has it on the screen.
        shown_ms=func.coalesce(chain_tests.c.shown_ms, bindparam("p_now_ms")),
    )
)
_ONE = select(chain_tests).where(chain_tests.c.tenant_id == TENANT, chain_tests.c.id == bindparam("p_id"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking. ids: of the tests, also of those that were under way already. refused: by resident, why
    there is none: "no_sensor" (nothing hangs in the room), "too_many" (the gateway has enough to do)."""

    ids: tuple[int, ...]
    refused: Mapping[int, str]


def nonce() -> str:
    """128 random bits: nobody answers a test that they were not asked for."""
    return secrets.token_hex(16)


def ask(
    s: TenantSession,
    setups: Sequence[Setup],
    now_ms: int,
    time_zone: str,
    staff_id: int | None = None,
    mint: Callable[[], str] = nonce,
) -> Asked:
    """Ask for a test of each of these chains. staff_id: who asks, None for a timer.

    Where no gateway serves the room there is a test all the same: it fails at the sweep's next look, and is told.
    """
    under_way = {}
    residents = sorted(one.resident_id for one in setups)
    for row in s.execute(_OPEN_OF_RESIDENTS, {"residents": residents}) if residents else ():
        under_way[row.resident_id] = row.id
    waiting = {row.gateway_id: int(row.n) for row in s.execute(_WAITING)}
    ids, refused = [], {}
    shift = shift_of(now_ms, time_zone).value
    for one in setups:
        if one.resident_id in under_way:
            ids.append(under_way[one.resident_id])
        elif not one.devices:
            refused[one.resident_id] = "no_sensor"
        elif one.gateway_id is not None and waiting.get(one.gateway_id, 0) >= PER_GATEWAY_MAX:
            refused[one.resident_id] = "too_many"
        else:
            waiting[one.gateway_id] = waiting.get(one.gateway_id, 0) + 1
            ids.append(_write(s, one, now_ms, shift, staff_id, mint()))
    for ward_id in sorted({one.ward_id for one in setups if one.resident_id not in refused}):
        watch(s, ward_id, now_ms)
    return Asked(tuple(ids), refused)


def _write(s: TenantSession, one: Setup, now_ms: int, shift: str, staff_id: int | None, name: str) -> int:
    return s.insert(
        chain_tests,
        resident_id=one.resident_id,
        ward_id=one.ward_id,
        gateway_id=one.gateway_id,
        shift=shift,
        nonce=name,
        state="asked",
        config_sha=one.sha,
        path=one.path,
        asked_ms=now_ms,
        asked_by=staff_id,
    )


def due_ms(row: Row[Any], receive_limit_ms: int = RECEIVE_LIMIT_MS, tap_limit_ms: int = TAP_LIMIT_MS) -> int:
    """When an open test has failed where it stands. One that no gateway can bring has failed when it was asked for."""
    if row.gateway_id is None:
        return int(row.asked_ms)
    if row.received_ms is not None:
        return int(row.received_ms) + tap_limit_ms
    return int(row.asked_ms if row.given_ms is None else row.given_ms) + receive_limit_ms


def watch(s: TenantSession, ward_id: int, now_ms: int) -> None:
    """Have the ward looked at when the first of its open tests will have failed."""
    rows = s.execute(OPEN_OF_WARD, {"p_ward_id": ward_id}).all()
    first_ms = min((due_ms(row) for row in rows), default=None)
    wakes.arm(s, f"ward:{ward_id}", RULE, None if first_ms is None else max(first_ms, now_ms))


def give(s: TenantSession, gateway_id: int, now_ms: int) -> tuple[str, ...] | None:
    """What a gateway is asked for with the answer to its heartbeat, the oldest first; said again until it has come."""
    rows = s.execute(_TO_GIVE, {"p_gateway_id": gateway_id}).all()
    new = [row.id for row in rows if row.given_ms is None]
    if new:
        s.execute(_GIVEN, {"ids": new, "p_now_ms": now_ms})
    return tuple(row.nonce for row in rows) or None


def receive(s: TenantSession, gateway_id: int, name: str, appended_ms: int, now_ms: int) -> None:
    """A test has come from this gateway. appended_ms: when it was on the gateway's disk. The tablets hear of it."""
    when = {"p_appended_ms": appended_ms, "p_now_ms": now_ms}
    if s.execute(_RECEIVED, {"p_nonce": name, "p_gateway_id": gateway_id, **when}).rowcount:
        s.changed()


def on_screen(s: TenantSession, ward_id: int, now_ms: int) -> Sequence[Row[Any]]:
    """What the ward's tablets are to show, in the order in which it came."""
    return s.execute(_ON_SCREEN, {"p_ward_id": ward_id, "since_ms": now_ms - TAP_LIMIT_MS}).all()


def show(s: TenantSession, ward_id: int, shown: Iterable[int], sounded: Iterable[int], now_ms: int) -> None:
    """A tablet of the ward confirms what is on its screen, and what it has sounded."""
    for statement, ids in ((_SHOWN, shown), (_SOUNDED, sounded)):
        if wanted := sorted(set(ids)):
            s.execute(statement, {"p_ward_id": ward_id, "ids": wanted, "p_now_ms": now_ms})


def tap(s: TenantSession, test_id: int, ward_id: int, tablet_id: int, staff_id: int, now_ms: int) -> bool:
    """A person answers a test. False where it is not open (any more)."""
    who = {"p_staff_id": staff_id, "p_tablet_id": tablet_id}
    done = s.execute(_TAPPED, {"p_id": test_id, "p_ward_id": ward_id, "p_now_ms": now_ms, **who}).rowcount
    if done:
        s.changed()
    return bool(done)


def by_id(s: TenantSession, test_id: int) -> Row[Any] | None:
    """One test, None where there is no such."""
    return s.execute(_ONE, {"p_id": test_id}).one_or_none()
