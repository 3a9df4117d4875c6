"""What a ward's lead may do to a resident's supervision; the same for the pages and the API. Serves arrow 9.

Owns what belongs together in one transaction: a plan and the basis it needs, a pause and the one it replaces. Must not
know HTTP, forms or HTML.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nattevakt.central import backtest
from nattevakt.central.admin.who import Lead, Resident
from nattevakt.central.alarm_advice import Suggestion, suggestion
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.places.plans import Plan
from nattevakt.edge.errors import NattevaktError, RejectError

DAY_MS = 86_400_000
STARTUP_DAYS_MAX = 60
TRIALS = threading.BoundedSemaphore(1)
"""One trial of a plan or one report at a time in this process: it is seconds of work, and alarms are judged in the same
process."""


class Busy(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """Another trial or report is under way in this process."""


@contextmanager
def alone() -> Iterator[None]:
    """Nothing else that takes seconds of work is done meanwhile for a ward's lead. Raises Busy where something is."""
    if not TRIALS.acquire(blocking=False):
        raise Busy("another plan is being tried, or a report made")
    try:
        yield
    finally:
        TRIALS.release()


@dataclass(frozen=True, slots=True)
class Ground:
    """A legal basis as it is asked for."""

    kind: str
    from_ms: int
    review_ms: int
    responsible: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A plan as it is asked for. version: the one that was read, 0 where there was none."""

    lines: tuple[Line, ...]
    handling: str
    responsible: str
    dense_rounds_min: int | None
    why: str
    version: int
    ground: Ground | None = None


def save_plan(s: TenantSession, lead: Lead, resident: Resident, wish: Wish) -> Plan:
    """A new version of a plan, and its basis where one is given with it.

    Raises StalePlan, and RejectError: also where the plan has lines and the resident no valid basis (field "basis").
    """
    if wish.ground is not None:
        give_ground(s, lead, resident, wish.ground)
    elif wish.lines and resident.id not in bases.valid(s, (resident.id,), lead.now_ms):
        raise RejectError("basis", "a plan watches nobody without a legal basis: give one with the plan")
    return plans.save(
        s,
        resident.id,
        wish.lines,
        handling=wish.handling,
        responsible=wish.responsible,
        dense_rounds_min=wish.dense_rounds_min,
        why=wish.why,
        staff_id=lead.person.staff_id,
        by_name=lead.person.name,
        now_ms=lead.now_ms,
        expected_version=wish.version,
    )


def give_ground(s: TenantSession, lead: Lead, resident: Resident, ground: Ground) -> int:
    """Write down a legal basis; gives its id."""
    if ground.kind == bases.Ground.CARRIED:
        raise RejectError("kind", "must be samtykke or vedtak_4_6_a")
    return bases.give(
        s,
        resident.id,
        ground.kind,
        ground.from_ms,
        ground.review_ms,
        ground.responsible,
        lead.person.staff_id,
        lead.now_ms,
    )


def end_ground(s: TenantSession, lead: Lead, resident: Resident) -> int:
    """Take the basis back; gives how many ended."""
    return bases.end(s, resident.id, lead.person.staff_id, lead.now_ms)


def pause(s: TenantSession, lead: Lead, resident: Resident, rule: str | None, to_ms: int, reason: str) -> int:
    """Hold a plan or one rule back; one that is in force for the same is replaced. Gives the pause's id."""
    there = pauses.in_force(s, (resident.id,), lead.now_ms).get(resident.id, ())
    number = pauses.begin(s, resident.id, rule, to_ms, reason, lead.person.staff_id, lead.now_ms)
    for known in there:
        if known.rule == rule:
            pauses.end(s, known.id, lead.person.staff_id, lead.now_ms)
    return number


def end_pause(s: TenantSession, lead: Lead, resident: Resident, pause_id: int) -> bool:
    """End one of the resident's pauses; False where it was over. Raises RejectError where it is not theirs."""
    if all(row.id != pause_id for row in pauses.history(s, resident.id)):
        raise RejectError("pause_id", "no such pause of this resident")
    return pauses.end(s, pause_id, lead.person.staff_id, lead.now_ms)


def start(s: TenantSession, lead: Lead, resident: Resident, startup_to_ms: int | None) -> Plan:
    """Begin, prolong or (None) end the start-up period, in which alarms are marked."""
    if startup_to_ms is not None and not 0 < startup_to_ms - lead.now_ms <= STARTUP_DAYS_MAX * DAY_MS:
        raise RejectError("startup_to_ms", f"must lie 1 to {STARTUP_DAYS_MAX} days ahead")
    who = {"staff_id": lead.person.staff_id, "by_name": lead.person.name, "now_ms": lead.now_ms}
    return plans.start(s, resident.id, startup_to_ms, **who)  # type: ignore[arg-type]


def end_plan(s: TenantSession, lead: Lead, resident: Resident, why: str) -> Plan:
    """End service."""
    return plans.end(s, resident.id, why, lead.person.staff_id, lead.now_ms, by_name=lead.person.name)


def try_plan(db: Database, lead: Lead, resident: Resident, lines: Sequence[Line], nights: int) -> backtest.Backtest:
    """What the lines would have done on past nights. Raises Busy where another trial is under way."""
    with alone(), db.read(lead.tablet.tenant.id) as s:
        return backtest.run(s, resident.id, lines, nights, lead.now_ms)


def suggested(db: Database, lead: Lead, resident: Resident) -> Suggestion | None:
    """The change of a limit that would have helped. Raises Busy as `try_plan` does: it is a trial of many plans."""
    with alone(), db.read(lead.tablet.tenant.id) as s:
        return suggestion(s, resident.id, lead.now_ms)
