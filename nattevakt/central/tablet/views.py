"""View models of the board: what is on it, in which order, and who may read a name. Serves arrow 9.

Owns the queries and the order. Must not know HTML or HTTP. Order: priority, then untaken before taken, then age; so
a taken door stands above a low battery that nobody has taken, and a card moves only when its own state changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, select

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import HELD, State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tables import access_log, alarms, notices, residents, rooms, staff, transitions
from nattevakt.central.tablet import rooms as room_views
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.rooms import RoomAlarm, RoomView
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
    )
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .outerjoin(residents, (residents.c.tenant_id == alarms.c.tenant_id) & (residents.c.id == alarms.c.resident_id))
    .outerjoin(staff, (staff.c.tenant_id == alarms.c.tenant_id) & (staff.c.id == alarms.c.taken_by))
    .where(alarms.c.tenant_id == TENANT, alarms.c.ward_id == bindparam("ward_id"), alarms.c.closed_ms.is_(None))
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
    """One alarm card. The name is filled in only where a person may read it and the reading is logged."""

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
    name: str = ""


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


def board(s: TenantSession, tablet: Tablet, person: Person | None, words: Words, now_ms: int) -> BoardView:
    """The board of a tablet's ward. Names are in it only with a person; log the reading before showing it."""
    zone = ZoneInfo(tablet.tenant.time_zone)
    # First the sequence, then the rows: what is newer than the sequence only brings another look.
    seq, sweep_age_s = seq_and_sweep(s, now_ms)
    rows = _open_alarms(s, tablet.ward_id)
    sent = _notices(s, tablet.id, [row.id for row in rows])
    again = _again(s, [row.id for row in rows if row.sound_seq > 1], zone, words)
    cards = [
        _card(row, sent.get((row.id, row.sound_seq)), again.get(row.id, ""), person is not None, words, zone, now_ms)
        for row in rows
    ]
    cards.sort(key=lambda card: (card.priority, card.taken, card.raised_ms, card.id))
    tiles = room_views.of_ward(s, tablet.ward_id, _in_rooms(rows, words, zone), words, zone, now_ms)
    return BoardView(seq, now_ms, sweep_age_s, tablet.ward_name, person, tuple(cards), tiles)


def _open_alarms(s: TenantSession, ward_id: int) -> Sequence[Row[Any]]:
    return s.execute(_OPEN, {"ward_id": ward_id}).all()


def _in_rooms(rows: Sequence[Row[Any]], words: Words, zone: ZoneInfo) -> dict[int, RoomAlarm]:
    """What each room's tile says of its alarms: the worst; of those about a person the one that stands highest."""
    found: dict[int, RoomAlarm] = {}
    for row in sorted(rows, key=lambda row: (row.priority, State(row.state) in HELD, row.raised_ms, row.id)):
        if row.room_id is None:
            continue
        known = found.get(row.room_id)
        level = known.level if known is not None else LEVELS[row.priority]
        if row.kind in KINDS and KINDS[row.kind].technical:
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
    row: Row[Any], notice: Row[Any] | None, again: str, named: bool, words: Words, zone: ZoneInfo, now_ms: int
) -> CardView:
    state = State(row.state)
    taken = state in HELD
    at, unusual = when.occurred(words, Occurred(row.occurred_from_ms, row.occurred_to_ms), row.raised_ms, now_ms, zone)
    act, label = sentences.ACTS.get(state, ("", ""))
    spot = str((row.reason_params or {}).get("place") or "")
    kind = sentences.kind(words, row.kind)
    return CardView(
        id=row.id,
        version=row.version,
        priority=row.priority,
        level=LEVELS[row.priority],
        state=row.state,
        taken=taken,
        sound_seq=row.sound_seq,
        notice_id=notice.id if notice else None,
        notice_sent=notice is not None and notice.state not in ("pending", "leased"),
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
        name=(row.resident_name or "") if named else "",
    )


def log_reading(db: Database, tablet: Tablet, person: Person, cards: Sequence[CardView], now_ms: int) -> bool:
    """Write down that a person reads these residents' names: once for each alarm, person and session.

    False where it could not be written; then the names must not be shown.
    """
    wanted = {(f"alarm:{card.id}", card.resident_id) for card in cards if card.name}
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
