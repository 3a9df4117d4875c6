"""View models of the board: what is on it, in which order, and who may read a name. Serves arrow 9.

Owns the queries and the order. Must not know HTML or HTTP. Order: priority, then untaken before taken, then age; so
a taken door stands above a low battery that nobody has taken, and a card moves only when its own state changes.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, or_, select

from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.lifecycle import HELD, State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.rounds import tasks as round_tasks
from nattevakt.central.tables import access_log, alarms, notices, residents, rooms, staff, stays, transitions, wards
from nattevakt.central.tables_duty import alarm_wards
from nattevakt.central.tables_plans import plan_versions, plans
from nattevakt.central.tablet import beside, held, sentences, tests_view, when
from nattevakt.central.tablet import rooms as room_views
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.rooms import RoomAlarm, RoomView
from nattevakt.central.tablet.tests_view import NO_TESTS, TestsView
from nattevakt.central.tablet.vitals import seq_and_sweep
from nattevakt.edge.errors import RetryError
from nattevakt.edge.rules.rule import Occurred

LEVELS = {1: "high", 2: "medium", 3: "low"}
UNPLACED = N_("Ukjent plassering")
AGAIN = N_("Meldt {n} ganger, sist kl. {at}")
PLACE_SAID = ("bed_check", "not_back_in_bed")
"""Kinds whose own words say where: nobody writes "empty bed, bed"."""
CONFIRMABLE = ("pending", "leased", "sent", "shown")

# Made once: building a statement and its cache key costs more than running it.
_OPEN = (
    select(
        alarms,
        rooms.c.number.label("room_number"),
        residents.c.name.label("resident_name"),
        staff.c.name.label("holder_name"),
        staff.c.initials.label("holder_initials"),
        plan_versions.c.body.label("plan_body"),
        wards.c.name.label("ward_name"),
    )
    .outerjoin(
        plan_versions,
        (plan_versions.c.tenant_id == alarms.c.tenant_id) & (plan_versions.c.id == alarms.c.plan_version_id),
    )
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .outerjoin(residents, (residents.c.tenant_id == alarms.c.tenant_id) & (residents.c.id == alarms.c.resident_id))
    .outerjoin(staff, (staff.c.tenant_id == alarms.c.tenant_id) & (staff.c.id == alarms.c.taken_by))
    .join(wards, (wards.c.tenant_id == alarms.c.tenant_id) & (wards.c.id == alarms.c.ward_id))
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.closed_ms.is_(None),
        or_(
            alarms.c.ward_id == bindparam("ward_id"),
            # What nobody has in its own ward, and has come here.
            alarms.c.id.in_(
                select(alarm_wards.c.alarm_id).where(
                    alarm_wards.c.tenant_id == TENANT, alarm_wards.c.ward_id == bindparam("ward_id")
                )
            ),
        ),
    )
)
# Whose names a plan's text may hold: of whoever the plan is, and of all who live in the room that it rings in.
_PLANNED = (
    select(plan_versions.c.id, residents.c.name)
    .join(plans, (plans.c.tenant_id == plan_versions.c.tenant_id) & (plans.c.id == plan_versions.c.plan_id))
    .join(residents, (residents.c.tenant_id == plans.c.tenant_id) & (residents.c.id == plans.c.resident_id))
    .where(plan_versions.c.tenant_id == TENANT, plan_versions.c.id.in_(bindparam("ids", expanding=True)))
)
_LIVING = (
    select(stays.c.room_id, residents.c.name)
    .join(residents, (residents.c.tenant_id == stays.c.tenant_id) & (residents.c.id == stays.c.resident_id))
    .where(
        stays.c.tenant_id == TENANT,
        stays.c.to_ms.is_(None),
        stays.c.room_id.in_(bindparam("rooms", expanding=True)),
    )
)
_NOTICES = select(notices.c.id, notices.c.alarm_id, notices.c.sound_seq, notices.c.state).where(
    notices.c.tenant_id == TENANT,
    notices.c.tablet_id == bindparam("tablet_id"),
    notices.c.alarm_id.in_(bindparam("alarm_ids", expanding=True)),
    notices.c.state.in_(CONFIRMABLE),
)
_SOUNDINGS = (
    select(transitions.c.alarm_id, func.count().label("n"), func.max(transitions.c.at_ms).label("last_ms"))
    .where(
        transitions.c.tenant_id == TENANT,
        transitions.c.alarm_id.in_(bindparam("alarm_ids", expanding=True)),
        transitions.c.cause == "sound",
    )
    .group_by(transitions.c.alarm_id)
)
_LOGGED = select(access_log.c.what, access_log.c.resident_id).where(
    access_log.c.tenant_id == TENANT,
    access_log.c.staff_id == bindparam("staff_id"),
    access_log.c.tablet_id == bindparam("tablet_id"),
    access_log.c.at_ms >= bindparam("started_ms"),
    access_log.c.what.in_(bindparam("whats", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class CardView:
    """One alarm card. The name is filled in only where a person may read it and the reading is logged; what the plan
    says is to be done stands on it for everybody, without the name. responsible: for whoever may read names. due_ms and
    what follows: as held.Holding says it. ward: where it is, if that is not here."""

    id: int
    version: int
    priority: int
    level: str
    state: str
    taken: bool
    sound_seq: int
    notice_id: int | None
    notice_sent: bool
    icon: str
    place: str
    placed: bool
    kind: str
    why: str
    when: str
    unusual_time: bool
    again: str
    raised_ms: int
    age: str
    holder: str
    holder_initials: str
    holder_does: str
    held_at: str
    act: str
    act_label: str
    resident_id: int | None
    marks: tuple[str, ...] = ()
    handling: str = ""
    responsible: str = ""
    name: str = ""
    due_ms: int | None = None
    due: str = ""
    left: str = ""
    lapse: str = ""
    may_promise: bool = False
    may_pass: bool = False
    ward: str = ""


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything on the board at one moment."""

    seq: int
    now_ms: int
    sweep_age_s: float | None
    ward_name: str
    person: Person | None
    cards: tuple[CardView, ...]
    rooms: tuple[RoomView, ...]
    rounds_due: int = 0
    rounds_overdue: int = 0
    tests: TestsView = NO_TESTS


def board(s: TenantSession, tablet: Tablet, person: Person | None, words: Words, now_ms: int) -> BoardView:
    """The board of a tablet's ward. Names are in it only with a person; log the reading before showing it."""
    return addressed(s, tablet, person, of_ward(s, tablet, person, words, now_ms))


def addressed(s: TenantSession, tablet: Tablet, person: Person | None, view: BoardView) -> BoardView:
    """A ward's board with the notices that one of its tablets has to confirm. person: for whom the board was read."""
    sent = _notices(s, tablet.id, [card.id for card in view.cards])
    cards = []
    for card in view.cards:
        notice = sent.get((card.id, card.sound_seq))
        if notice is not None:
            card = replace(card, notice_id=notice.id, notice_sent=notice.state not in ("pending", "leased"))
        cards.append(card)
    return replace(view, person=person, cards=tuple(cards))


def of_ward(s: TenantSession, tablet: Tablet, person: Person | None, words: Words, now_ms: int) -> BoardView:
    """What is the same on every tablet of a ward for the same person, or for nobody: all but the notices."""
    zone = ZoneInfo(tablet.tenant.time_zone)
    # First the sequence, then the rows: what is newer than the sequence only brings another look.
    seq, sweep_age_s = seq_and_sweep(s, now_ms)
    rows = _open_alarms(s, tablet.ward_id)
    again = _again(s, [row.id for row in rows if row.sound_seq > 1], zone, words)
    me = person.staff_id if person is not None else None
    hidden = None if person is not None else _names(s, [row for row in rows if _handling(row)])
    cards = [
        replace(
            _card(row, again.get(row.id, ""), hidden, words, zone, now_ms, me),
            ward=row.ward_name if row.ward_id != tablet.ward_id and row.ward_name != row.place else "",
        )
        for row in rows
    ]
    cards.sort(key=lambda card: (card.priority, card.taken, card.raised_ms, card.id))
    tiles = room_views.of_ward(s, tablet.ward_id, _in_rooms(rows, words, zone), words, zone, now_ms)
    turns = round_tasks.due(s, tablet.ward_id, now_ms)
    due = {turn.resident_id for turn in turns}
    late = {turn.resident_id for turn in turns if turn.state is round_tasks.State.OVERDUE}
    ward = (tablet.ward_name, person, tuple(cards), tiles)
    tests = tests_view.of_ward(s, tablet.ward_id, words, zone, now_ms)
    return BoardView(seq, now_ms, sweep_age_s, *ward, rounds_due=len(due), rounds_overdue=len(late), tests=tests)


def _open_alarms(s: TenantSession, ward_id: int) -> Sequence[Row[Any]]:
    return s.execute(_OPEN, {"ward_id": ward_id}).all()


def _handling(row: Row[Any]) -> str:
    return str((row.plan_body or {}).get("handling") or "")


def _names(s: TenantSession, rows: Sequence[Row[Any]]) -> dict[int, list[str]]:
    """By alarm, the names that must not be read in what its plan says is to be done."""
    if not rows:
        return {}
    planned = {row.id: row.name for row in s.execute(_PLANNED, {"ids": sorted({row.plan_version_id for row in rows})})}
    living: dict[int, list[str]] = {}
    in_rooms = sorted({row.room_id for row in rows if row.room_id is not None})
    for one in s.execute(_LIVING, {"rooms": in_rooms}) if in_rooms else ():
        living.setdefault(one.room_id, []).append(one.name)
    return {
        row.id: [row.resident_name or "", planned.get(row.plan_version_id, ""), *living.get(row.room_id, ())]
        for row in rows
    }


def _in_rooms(rows: Sequence[Row[Any]], words: Words, zone: ZoneInfo) -> dict[int, RoomAlarm]:
    """What each room's tile says of its alarms: the worst; of those about a person the one that stands highest."""
    found: dict[int, RoomAlarm] = {}
    for row in sorted(rows, key=lambda row: (row.priority, State(row.state) in HELD, row.raised_ms, row.id)):
        if row.room_id is None:
            continue
        known = found.get(row.room_id)
        level = known.level if known is not None else LEVELS[row.priority]
        if is_technical(row.kind):
            found.setdefault(row.room_id, RoomAlarm(level, "", "", ""))
        elif known is None or not known.words:
            icon = sentences.ICONS.get(row.kind, sentences.ICON_OTHER)
            at = when.clock(row.occurred_to_ms, zone)
            found[row.room_id] = RoomAlarm(level, icon, sentences.kind(words, row.kind), at)
    return found


def _notices(s: TenantSession, tablet_id: int, alarm_ids: Sequence[int]) -> dict[tuple[int, int], Row[Any]]:
    if not alarm_ids:
        return {}
    rows = s.execute(_NOTICES, {"tablet_id": tablet_id, "alarm_ids": alarm_ids})
    return {(row.alarm_id, row.sound_seq): row for row in rows}


def _again(s: TenantSession, alarm_ids: Sequence[int], zone: ZoneInfo, words: Words) -> dict[int, str]:
    if not alarm_ids:
        return {}
    rows = s.execute(_SOUNDINGS, {"alarm_ids": alarm_ids})
    return {row.alarm_id: words(AGAIN, {"n": row.n + 1, "at": when.clock(row.last_ms, zone)}) for row in rows}


def _card(
    row: Row[Any],
    again: str,
    hidden: dict[int, list[str]] | None,
    words: Words,
    zone: ZoneInfo,
    now_ms: int,
    me: int | None,
) -> CardView:
    named = hidden is None
    state = State(row.state)
    taken = state in HELD
    at, unusual = when.occurred(words, Occurred(row.occurred_from_ms, row.occurred_to_ms), row.raised_ms, now_ms, zone)
    act, label = sentences.ACTS.get(state, ("", ""))
    spot = str((row.reason_params or {}).get("place") or "")
    kind = sentences.kind(words, row.kind)
    plan = row.plan_body or {}
    handling = _handling(row)
    had = held.holding(words, row, me, zone, now_ms)
    return CardView(
        id=row.id,
        version=row.version,
        priority=row.priority,
        level=LEVELS[row.priority],
        state=row.state,
        taken=taken,
        sound_seq=row.sound_seq,
        notice_id=None,
        notice_sent=False,
        icon=sentences.ICONS.get(row.kind, sentences.ICON_OTHER),
        place=row.room_number or row.place or words(UNPLACED),
        placed=row.room_number is not None,
        kind=f"{kind}, {spot}" if spot and row.room_number and row.kind not in PLACE_SAID else kind,
        why=sentences.reason(words, row.reason_code, when.spoken(row.reason_params or {}, zone)),
        when=at,
        unusual_time=unusual,
        again=again,
        raised_ms=row.raised_ms,
        age=sentences.age(words, now_ms - row.raised_ms),
        holder=(row.holder_name or "") if taken else "",
        holder_initials=(row.holder_initials or "") if taken else "",
        holder_does=words(sentences.STATES[state]),
        held_at=when.clock(row.taken_ms, zone) if taken and row.taken_ms else "",
        act=act,
        act_label=words(label),
        resident_id=row.resident_id,
        marks=beside.marks(words, row.marks),
        handling=handling if hidden is None else beside.unnamed(words, handling, *hidden.get(row.id, ())),
        responsible=str(plan.get("responsible") or "") if named else "",
        name=(row.resident_name or "") if named else "",
        due_ms=had.due_ms,
        due=had.due,
        left=had.left,
        lapse=had.lapse,
        may_promise=had.may_promise,
        may_pass=had.may_pass,
    )


def log_reading(db: Database, tablet: Tablet, person: Person, cards: Sequence[CardView], now_ms: int) -> bool:
    """Write down that a person reads these residents' names: once for each alarm, person and session.

    False where it could not be written; then the names must not be shown.
    """
    names = {(f"alarm:{card.id}", card.resident_id) for card in cards if card.name}
    return log_names(db, tablet, person, names, now_ms)


def log_names(db: Database, tablet: Tablet, person: Person, wanted: Set[tuple[str, int | None]], now_ms: int) -> bool:
    """The same for any page. wanted: what each name stands by ("alarm:7", "round:31") and whose it is."""
    if not wanted:
        return True
    mine = {"staff_id": person.staff_id, "tablet_id": tablet.id, "started_ms": person.started_ms}
    known = {**mine, "whats": [what for what, _ in wanted]}
    try:
        with db.read(tablet.tenant.id) as s:
            missing = wanted - {(row.what, row.resident_id) for row in s.execute(_LOGGED, known)}
        if missing:
            with db.write(tablet.tenant.id) as s:
                missing = wanted - {(row.what, row.resident_id) for row in s.execute(_LOGGED, known)}
                who = {"staff_id": person.staff_id, "tablet_id": tablet.id}
                for what, resident_id in sorted(missing, key=str):
                    s.insert(access_log, at_ms=now_ms, resident_id=resident_id, what=what, **who)
    except RetryError:
        return False
    return True
