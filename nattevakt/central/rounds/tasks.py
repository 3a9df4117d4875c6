"""One resident's turn in a round: its life as a table, and every change of it as a row. Serves arrows 7 and 9.

Owns `round_tasks` and `round_log`: what may follow what, who was first, what an act leaves behind. Must not know when
rounds fall due (schedule.py, watch.py), which sensors are silent (degraded.py) or any page.

A turn ends by a person's act, or is cancelled with a reason; never because nothing happened. Who is not sure gets a
new turn some minutes later, and then one that only a look into the room ends. Every try is a row of its own, so that
doing one twice is known for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Row, and_, bindparam, case, func, or_, select, update

from nattevakt.central import wakes
from nattevakt.central.alarms.requests import SomeoneFirst
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import sensors
from nattevakt.central.rounds.limits import limits_of
from nattevakt.central.rounds.schedule import MINUTE_MS
from nattevakt.central.tables import staff
from nattevakt.central.tables_plans import round_log, round_tasks
from nattevakt.edge.errors import NattevaktError, RejectError

RULE = "rounds"
"""The rule of a ward's wake row."""
NOTE_MAX = 500


class State(StrEnum):
    """Where a turn stands. The values are stored and for ever."""

    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """How a turn wants to be done: from the tablet, or by looking into the room."""

    DIGITAL = "digital"
    PHYSICAL = "physical"


class Act(StrEnum):
    """What can happen to a turn. The values are stored in the log, the last one with its reason."""

    WELL = "well"
    UNSURE = "unsure"
    BEEN_IN = "been_in"
    EXPIRE = "expired"
    CANCEL = "cancelled"


LEADS_TO: Mapping[Act, State] = MappingProxyType(
    {
        Act.WELL: State.DONE,
        Act.UNSURE: State.UNCERTAIN,
        Act.BEEN_IN: State.DONE,
        Act.EXPIRE: State.OVERDUE,
        Act.CANCEL: State.CANCELLED,
    }
)
_NOTHING: frozenset[Act] = frozenset()
ALLOWED: Mapping[tuple[Kind, State], frozenset[Act]] = MappingProxyType(
    {
        (Kind.DIGITAL, State.DUE): frozenset(Act),
        (Kind.DIGITAL, State.OVERDUE): frozenset(Act) - {Act.EXPIRE},
        (Kind.PHYSICAL, State.DUE): frozenset({Act.BEEN_IN, Act.EXPIRE, Act.CANCEL}),
        (Kind.PHYSICAL, State.OVERDUE): frozenset({Act.BEEN_IN, Act.CANCEL}),
        **{(kind, state): _NOTHING for kind in Kind for state in (State.DONE, State.UNCERTAIN, State.CANCELLED)},
    }
)
"""How a turn is to be done and where it stands → what may happen to it. Everything else is refused."""
OPEN = (State.DUE.value, State.OVERDUE.value)
PLANNED, RETRY, DEGRADED = "planned", "retry", "degraded"
"""Why there is a turn: its round has come, somebody was not sure, a sensor that its plan leans on is silent."""
MISSED, COVERED = "missed", "covered"
"""Why a turn is cancelled when somebody looks to its resident by another one: it was overdue, or it was not. Neither
is counted as done."""


class Refused(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """This cannot be done with this turn. code: gone (there is none such), ended, physical, unknown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Task:
    """One turn as it stands. attempt: 1 for the first try. how: as it was done, None while it was not."""

    id: int
    resident_id: int
    room_id: int | None
    ward_id: int
    due_ms: int
    kind: Kind
    why: str
    state: State
    attempt: int
    done_ms: int | None
    staff_id: int | None
    how: str | None

    @property
    def open(self) -> bool:
        """Whether it still wants to be done."""
        return self.state.value in OPEN


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A turn after a person's act. repeated: it had been made before, nothing was changed now."""

    task: Task
    repeated: bool
    follow_up: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Turns by what became of them. uncertain: looked at from the tablet without a result. missed: never done."""

    digital: int
    physical: int
    uncertain: int
    missed: int


_T = round_tasks.c
_MINE = _T.tenant_id == TENANT
_BY_ID = select(round_tasks).where(_MINE, _T.id == bindparam("task_id"))
_OPEN_OF_WARD = (
    select(round_tasks).where(_MINE, _T.ward_id == bindparam("ward_id"), _T.state.in_(OPEN)).order_by(_T.due_ms, _T.id)
)
_OPEN_OF_RESIDENT = (
    select(round_tasks).where(_MINE, _T.resident_id == bindparam("resident_id"), _T.state.in_(OPEN)).order_by(_T.id)
)
_MOVE = (
    update(round_tasks)
    .where(_MINE, _T.id == bindparam("task_id"), _T.state == bindparam("from_state"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "done_ms", "staff_id", "tablet_id", "how", "note")})
)
_PERSON = select(staff.c.name, staff.c.initials).where(staff.c.tenant_id == TENANT, staff.c.id == bindparam("staff_id"))
_RESIDENT, _WARD = bindparam("resident_id", type_=BigInteger), bindparam("ward_id", type_=BigInteger)
_COUNTS = (
    select(
        *(
            func.sum(case((condition, 1), else_=0)).label(name)
            for name, condition in (
                ("digital", and_(_T.state == State.DONE.value, _T.how == Kind.DIGITAL.value)),
                ("physical", and_(_T.state == State.DONE.value, _T.how == Kind.PHYSICAL.value)),
                ("uncertain", _T.state == State.UNCERTAIN.value),
                ("missed", and_(_T.state == State.CANCELLED.value, _T.note == MISSED)),
            )
        )
    )
    .select_from(round_tasks)
    .where(
        _MINE,
        func.coalesce(_T.done_ms, _T.due_ms) >= bindparam("from_ms"),
        func.coalesce(_T.done_ms, _T.due_ms) < bindparam("to_ms"),
        or_(_RESIDENT == 0, _T.resident_id == _RESIDENT),
        or_(_WARD == 0, _T.ward_id == _WARD),
    )
)


def task_of(row: Row[Any]) -> Task:
    """A stored row as a turn."""
    return Task(
        row.id,
        row.resident_id,
        row.room_id,
        row.ward_id,
        row.due_ms,
        Kind(row.kind),
        row.why,
        State(row.state),
        row.attempt,
        row.done_ms,
        row.staff_id,
        row.how,
    )


def by_id(s: TenantSession, task_id: int) -> Task | None:
    """One turn."""
    row = s.execute(_BY_ID, {"task_id": task_id}).one_or_none()
    return task_of(row) if row is not None else None


def open_of(s: TenantSession, ward_id: int) -> list[Task]:
    """All turns of a ward that want to be done, also those whose minute has not come, by when they are due."""
    return [task_of(row) for row in s.execute(_OPEN_OF_WARD, {"ward_id": ward_id})]


def due(s: TenantSession, ward_id: int, now_ms: int) -> list[Task]:
    """The turns of a ward that are due now or were earlier."""
    return [task for task in open_of(s, ward_id) if task.due_ms <= now_ms]


def make(
    s: TenantSession,
    ward_id: int,
    resident_id: int,
    room_id: int | None,
    due_ms: int,
    now_ms: int,
    *,
    kind: Kind = Kind.DIGITAL,
    why: str = PLANNED,
    attempt: int = 1,
    late: bool = False,
    by: Mapping[str, int | None] = MappingProxyType({"staff_id": None, "tablet_id": None}),
) -> int | None:
    """A new turn with its first row in the log; None where this very turn is there already. late: its round had
    passed when the centre came to make it. by: the person whose act led to it."""
    task_id = s.insert_unless_there(
        round_tasks,
        ward_id=ward_id,
        resident_id=resident_id,
        room_id=room_id,
        due_ms=due_ms,
        kind=kind.value,
        why=why,
        state=State.DUE.value,
        attempt=attempt,
    )
    if task_id is not None:
        what = "made_late" if late else "made"
        s.insert(round_log, task_id=task_id, at_ms=now_ms, from_state=None, to_state=State.DUE.value, what=what, **by)
        s.changed()
    return task_id


def move(
    s: TenantSession,
    task: Task,
    act: Act,
    now_ms: int,
    *,
    reason: str = "",
    staff_id: int | None = None,
    tablet_id: int | None = None,
    note: str = "",
) -> bool:
    """Change one turn if nobody else has since it was read, with its row in the log; False if somebody has.

    reason: why it is cancelled. Raises Refused where the table does not have it.
    """
    _check(task, act)
    person = {"staff_id": staff_id, "tablet_id": tablet_id}
    how = {Act.WELL: Kind.DIGITAL.value, Act.BEEN_IN: Kind.PHYSICAL.value}.get(act)
    to = LEADS_TO[act].value
    values: dict[str, object] = {"state": to, "how": how, "note": reason or note or None, "done_ms": None, **person}
    if act is not Act.EXPIRE:
        values["done_ms"] = now_ms
    where = {"task_id": task.id, "from_state": task.state.value}
    if s.execute(_MOVE, {**where, **{f"new_{name}": value for name, value in values.items()}}).rowcount != 1:
        return False
    what = f"{act.value}.{reason}" if reason else act.value
    s.insert(round_log, task_id=task.id, at_ms=now_ms, from_state=task.state.value, to_state=to, what=what, **person)
    s.changed()
    return True


def _check(task: Task, act: Act) -> None:
    if act in ALLOWED[task.kind, task.state]:
        return
    raise Refused("ended" if not task.open else "physical")


def cancel(s: TenantSession, tasks: Sequence[Task], reason: str, now_ms: int) -> None:
    """These turns are not wanted any more; what somebody has done meanwhile stays done."""
    for task in tasks:
        move(s, task, Act.CANCEL, now_ms, reason=reason)


ACTS: Mapping[tuple[str, str], Act] = MappingProxyType(
    {("digital", "ok"): Act.WELL, ("digital", "uncertain"): Act.UNSURE, ("physical", "ok"): Act.BEEN_IN}
)
"""How somebody looked and what came of it → the act."""


def confirm(
    s: TenantSession,
    task_id: int,
    how: str,
    outcome: str,
    staff_id: int,
    tablet_id: int | None,
    note: str,
    now_ms: int,
) -> Confirmed:
    """A person has looked to a resident: how "digital" or "physical", outcome "ok" or "uncertain".

    The same act of the same person again changes nothing. Raises SomeoneFirst where a colleague has ended the turn,
    Refused (a resident who is unknown cannot be seen from a tablet), or RejectError naming a field.
    """
    act = ACTS.get((how, outcome))
    if act is None:
        raise RejectError("outcome", "must be digital ok, digital uncertain or physical ok")
    if len(note) > NOTE_MAX:
        raise RejectError("note", f"longer than {NOTE_MAX} characters")
    task = by_id(s, task_id)
    if task is None:
        raise Refused("gone")
    # Taken before the turn, as the watcher takes them: it must look whether an alarm is over, and what comes next.
    wakes.arm(s, f"ward:{task.ward_id}", RULE, now_ms)
    task = by_id(s, task_id) or task
    if not task.open:
        return _ended(s, task, act, staff_id)
    _check(task, act)
    if act is Act.WELL and not seen(s, task, now_ms):
        raise Refused("unknown")
    if not move(s, task, act, now_ms, staff_id=staff_id, tablet_id=tablet_id, note=note):
        return _ended(s, by_id(s, task_id) or task, act, staff_id)
    person = {"staff_id": staff_id, "tablet_id": tablet_id}
    follow_up = _again(s, task, now_ms, person) if act is Act.UNSURE else None
    if act is not Act.UNSURE:
        _cover(s, task, act, now_ms)
    return Confirmed(by_id(s, task_id) or task, repeated=False, follow_up=follow_up)


def seen(s: TenantSession, task: Task, now_ms: int) -> bool:
    """Whether a tablet shows how it is with a resident: all sensors that can be supervised are known, and one is."""
    if task.room_id is None:
        return False
    there = sensors.in_ward(s, task.ward_id, now_ms).get(task.room_id, [])
    return sensors.known(there)


def _ended(s: TenantSession, task: Task, act: Act, staff_id: int) -> Confirmed:
    """The turn has ended already: by this very act, by a colleague, or it was taken away."""
    if task.staff_id is None:
        raise Refused("ended")
    if task.staff_id != staff_id:
        person = s.execute(_PERSON, {"staff_id": task.staff_id}).one()
        raise SomeoneFirst(person.name, person.initials)
    how = {Act.WELL: Kind.DIGITAL.value, Act.BEEN_IN: Kind.PHYSICAL.value}.get(act)
    if (task.state, task.how) != (LEADS_TO[act], how):
        raise Refused("ended")
    return Confirmed(task, repeated=True)


def _again(s: TenantSession, task: Task, now_ms: int, person: Mapping[str, int | None]) -> int | None:
    """A new try within the agreed minutes; after the second only a look into the room will do."""
    first = task.attempt == 1
    due_ms = now_ms + limits_of(s, task.ward_id).retry_min * MINUTE_MS if first else now_ms
    kind = Kind.DIGITAL if first else Kind.PHYSICAL
    where = (task.ward_id, task.resident_id, task.room_id)
    return make(s, *where, due_ms, now_ms, kind=kind, why=RETRY, attempt=task.attempt + 1, by=person)


def _cover(s: TenantSession, task: Task, act: Act, now_ms: int) -> None:
    """What else is open of a resident whom somebody has just looked to is not asked for any more.

    A look from the tablet leaves open what wants a look into the room.
    """
    others = [task_of(row) for row in s.execute(_OPEN_OF_RESIDENT, {"resident_id": task.resident_id})]
    over = [one for one in others if act is Act.BEEN_IN or one.kind is Kind.DIGITAL]
    cancel(s, [one for one in over if one.state is State.OVERDUE], MISSED, now_ms)
    cancel(s, [one for one in over if one.state is State.DUE], COVERED, now_ms)


def counts(
    s: TenantSession, from_ms: int, to_ms: int, *, resident_id: int | None = None, ward_id: int | None = None
) -> Counts:
    """What became of the turns from one moment to before another, of all, of one resident or of one ward."""
    wanted = {"from_ms": from_ms, "to_ms": to_ms, "resident_id": resident_id or 0, "ward_id": ward_id or 0}
    row = s.execute(_COUNTS, wanted).one()
    return Counts(*(int(value or 0) for value in row))
