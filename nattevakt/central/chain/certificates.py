"""Which chains have been tested when, and whether that still counts. Serves arrow 9.

Owns the judgement: by resident and shift the last test that came through, and whether it is too old, of another setup
than now, or followed by one that failed. Must not know pages or words. What has never been tested is not green.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text

from nattevakt.central.chain import setup
from nattevakt.central.chain.setup import Setup
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.response_times import Shift
from nattevakt.central.tables_duty import chain_tests

DAY_MS = 24 * 3_600_000
VALID_DAYS = 30
"""So many days a test counts where the settings say nothing else."""

_RESIDENTS = chain_tests.c.resident_id.in_(bindparam("residents", expanding=True))
_NEWEST = (
    select(func.max(chain_tests.c.id))
    .where(chain_tests.c.tenant_id == TENANT, _RESIDENTS)
    .group_by(chain_tests.c.resident_id, chain_tests.c.shift, chain_tests.c.state)
)
_ROWS = select(chain_tests).where(
    chain_tests.c.tenant_id == TENANT, chain_tests.c.id.in_(bindparam("ids", expanding=True))
)
_LAST_DONE = (
    select(chain_tests.c.tapped_ms, chain_tests.c.path)
    .where(
        chain_tests.c.tenant_id == TENANT,
        chain_tests.c.ward_id == bindparam("p_ward_id"),
        text("state = 'done'"),
    )
    .order_by(chain_tests.c.id.desc())
    .limit(1)
)


class Standing(StrEnum):
    """How a chain stands in one shift."""

    GOOD = "good"
    OLD = "old"
    """The last test was longer ago than counts."""
    CHANGED = "changed"
    """What the chain rests on is not what it was."""
    FAILED = "failed"
    """The last test did not come through."""
    NEVER = "never"
    NO_SENSOR = "no_sensor"
    """Nothing hangs in the room: there is no chain."""


RED = frozenset({Standing.OLD, Standing.CHANGED, Standing.FAILED})


@dataclass(frozen=True, slots=True)
class Line:
    """One chain in one shift. done: the last test that came through; failed: the last one that did not, where none has
    come through since; under_way: one that is open. Rows of `chain_tests`."""

    setup: Setup
    shift: Shift
    standing: Standing
    done: Row[Any] | None = None
    failed: Row[Any] | None = None
    under_way: Row[Any] | None = None


def judge(
    sha: str, done: Row[Any] | None, failed: Row[Any] | None, now_ms: int, valid_days: int, *, sensors: bool
) -> Standing:
    """How a chain stands whose setup has this sum. The gravest first: what did not come through, then what has changed,
    then what is old. Pure."""
    if failed is not None and (done is None or failed.id > done.id):
        return Standing.FAILED
    if done is None:
        return Standing.NEVER if sensors else Standing.NO_SENSOR
    if done.config_sha != sha:
        return Standing.CHANGED
    return Standing.OLD if now_ms - int(done.tapped_ms) > valid_days * DAY_MS else Standing.GOOD


def of_wards(s: TenantSession, ward_ids: Iterable[int], now_ms: int, valid_days: int = VALID_DAYS) -> list[Line]:
    """All chains of these wards: three lines for each who lives there, by ward and room."""
    setups = setup.of_wards(s, ward_ids, now_ms)
    newest = _newest(s, [one.resident_id for one in setups])
    return [line for one in setups for line in _lines(one, newest, now_ms, valid_days)]


def _lines(
    one: Setup, newest: Mapping[tuple[int, str], Sequence[Row[Any]]], now_ms: int, valid_days: int
) -> Iterable[Line]:
    sha = one.sha
    for shift in Shift:
        by_state = {row.state: row for row in newest.get((one.resident_id, shift.value), ())}
        done, failed = by_state.get("done"), by_state.get("failed")
        standing = judge(sha, done, failed, now_ms, valid_days, sensors=bool(one.devices))
        open_ones = [row for state, row in by_state.items() if state not in ("done", "failed")]
        under_way = max(open_ones, key=lambda row: row.id, default=None)
        yield Line(one, shift, standing, done, failed if standing is Standing.FAILED else None, under_way)


def _newest(s: TenantSession, residents: Sequence[int]) -> dict[tuple[int, str], list[Row[Any]]]:
    """By resident and shift, the newest test in each state."""
    found: dict[tuple[int, str], list[Row[Any]]] = {}
    ids = sorted(s.execute(_NEWEST, {"residents": sorted(set(residents))}).scalars()) if residents else []
    for row in s.execute(_ROWS, {"ids": ids}) if ids else ():
        found.setdefault((row.resident_id, row.shift), []).append(row)
    return found


def last_done(s: TenantSession, ward_id: int) -> Row[Any] | None:
    """The ward's last test that came through (`tapped_ms`, `path`), None where there never was one."""
    return s.execute(_LAST_DONE, {"p_ward_id": ward_id}).one_or_none()
