"""The whole story of one alarm: what was said, concluded, told to whom, and done. Serves no arrow; it only reads.

Owns how rows become a story, and what may be concluded from them. Must not know words, HTML or HTTP. What the rows do
not say is told as unknown: that nobody confirmed to have shown a notice is not that nobody saw it, and that one was
shown is not that anybody looked. All moments are Unix milliseconds of service time, all spans milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import story_rows
from nattevakt.central.alarms.kinds import INTERNAL, KINDS, vkp_code
from nattevakt.central.alarms.lifecycle import HELD
from nattevakt.central.alarms.story_times import Chapter, Reach, Sounding, Step, chapters, soundings
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import look_up
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json

REFERRED_MAX = 50
"""So many events that an alarm's history names without that the alarm holds them are looked up."""

Key = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Who:
    """A person of the staff."""

    id: int
    name: str
    initials: str


@dataclass(frozen=True, slots=True)
class At:
    """A tablet."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """One event. key: how changes refer to it. data: what it said beyond its device. late_ms: from when it had happened
    for certain until the centre had it. roles: what it did to the alarm, as causes of changes; "hold" where the alarm
    only holds it. twin_of: the key of the row that said the same through another gateway first, "" where none did."""

    key: str
    gateway: str
    stream: str
    seq: int
    kind: str
    urgency: str
    device: str
    device_name: str
    spot: str
    data: Mapping[str, object]
    occurred_from_ms: int
    occurred_to_ms: int
    received_ms: int
    twin_of: str
    outcome: str
    roles: tuple[str, ...]

    @property
    def late_ms(self) -> int:
        """How long the word took; below zero where the gateway's clock was ahead."""
        return self.received_ms - self.occurred_to_ms

    @property
    def uncertain(self) -> bool:
        """Whether the moment is only known as an interval."""
        return self.occurred_from_ms < self.occurred_to_ms


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as the rule said it."""

    code: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlanOf:
    """The version of the resident's plan that was in force."""

    version_id: int
    version: int
    at_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the history. cause: the move of a person, or what the centre did by itself (by is None). answers:
    cause, action and note that a person gave. events: the keys of those that it names. had: who had the alarm when the
    centre did this. detail: all that was written with it."""

    id: int
    at_ms: int
    from_state: str | None
    to_state: str
    cause: str
    by: Who | None
    tablet: At | None
    reason: Reason | None
    sound_seq: int | None
    events: tuple[str, ...]
    answers: Mapping[str, str]
    detail: Mapping[str, object]
    had: Who | None = None

    @property
    def automatic(self) -> bool:
        """Whether no person did it."""
        return self.by is None


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody has read the name that stands by this alarm. what: "board" or "story"."""

    at_ms: int
    by: Who | None
    tablet: At | None
    what: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything. left_off: of which lists more is stored than is told here."""

    id: int
    now_ms: int
    kind: str
    vkp_code: str
    technical: bool
    priority: int
    state: str
    subject: str
    rule: str
    ward_id: int
    ward: str
    room: str
    place: str
    resident_id: int | None
    resident: str
    occurred_from_ms: int
    occurred_to_ms: int
    raised_ms: int
    reason: Reason
    marks: tuple[str, ...]
    plan: PlanOf | None
    holder: Who | None
    events: tuple[Said, ...]
    soundings: tuple[Sounding, ...]
    changes: tuple[Change, ...]
    chapters: tuple[Chapter, ...]
    looks: tuple[Look, ...]
    left_off: tuple[str, ...] = field(default=())


def tell(s: TenantSession, alarm_id: int, now_ms: int) -> Story | None:
    """The story of an alarm as it stands now, None where there is no such alarm in this tenant."""
    row = story_rows.alarm(s, alarm_id)
    if row is None:
        return None
    most = story_rows.ROWS_MAX
    found: dict[str, Sequence[Row[Any]]] = {
        "events": story_rows.held(s, alarm_id),
        "changes": story_rows.changes(s, alarm_id),
        "notices": story_rows.told(s, alarm_id),
        "looks": story_rows.looks(s, alarm_id, row.raised_ms),
    }
    left_off = tuple(name for name, rows in found.items() if len(rows) > most)
    events, changed, notices, looks = (rows[:most] for rows in found.values())
    changes = _with_holders([_change(one) for one in changed])
    others = _referred(changes, {_key(one) for one in events})
    said = _said(s, [*events, *story_rows.named(s, others)], changes)
    rung = soundings(_steps(changes, row), [_reach(one, changes) for one in notices], over=_over(row))
    return Story(
        id=row.id,
        now_ms=now_ms,
        kind=row.kind,
        vkp_code=_code(row.kind, said),
        technical=row.kind in KINDS and KINDS[row.kind].technical,
        **{name: getattr(row, name) for name in ("priority", "state", "subject", "rule", "ward_id", "place")},
        ward=row.ward_name,
        room=row.room_number or "",
        resident_id=row.resident_id,
        resident=row.resident_name or "",
        occurred_from_ms=row.occurred_from_ms,
        occurred_to_ms=row.occurred_to_ms,
        raised_ms=row.raised_ms,
        reason=Reason(row.reason_code, dict(row.reason_params or {})),
        marks=tuple(row.marks or ()),
        plan=_plan(row),
        holder=_holder(row, changes),
        events=said,
        soundings=rung,
        changes=changes,
        chapters=chapters(_steps(changes, row), rung, _heard_ms(changes, said), over=_over(row)),
        looks=tuple(_look(one) for one in looks),
        left_off=left_off,
    )


def _over(row: Row[Any]) -> bool:
    return row.closed_ms is not None


def _code(kind: str, said: Iterable[Said]) -> str:
    if kind not in KINDS:
        return INTERNAL
    return vkp_code(kind, str(next((one.data.get("control", "") for one in said if "raise" in one.roles), "")))


def _plan(row: Row[Any]) -> PlanOf | None:
    if row.plan_version is None:
        return None
    return PlanOf(row.plan_version_id, row.plan_version, row.plan_at_ms, row.plan_by or "")


def _holder(row: Row[Any], changes: Iterable[Change]) -> Who | None:
    """Who has it now."""
    if row.state not in HELD:
        return None
    return next((one.by for one in changes if one.by is not None and one.by.id == row.taken_by), None)


# --- what the sensor said ---------------------------------------------------------------------------------------


def _key(row: Row[Any]) -> Key:
    return (row.gateway_id, row.stream_id, row.seq, row.variant)


def _name(key: Iterable[int]) -> str:
    return "/".join(str(part) for part in key)


def _referred(changes: Iterable[Change], held: set[Key]) -> list[Key]:
    """The events that the history names and the alarm does not hold: what cleared it, what a note is about."""
    named = {tuple(int(part) for part in name.split("/")) for change in changes for name in change.events}
    return sorted(named - held)[:REFERRED_MAX]


def _said(s: TenantSession, rows: Sequence[Row[Any]], changes: Sequence[Change]) -> tuple[Said, ...]:
    places = look_up(s, {row.device for row in rows if row.device})
    roles: dict[str, dict[str, None]] = {}
    for change in changes:
        for name in change.events:
            roles.setdefault(name, {})[change.cause] = None
    found = []
    for row in rows:
        name = _name(_key(row))
        spot = places.at(row.device, row.occurred_to_ms) if row.device else None
        plain = {one: getattr(row, one) for one in ("stream", "seq", "kind", "urgency", "received_ms")}
        found.append(
            Said(
                key=name,
                gateway=row.gateway_name,
                **plain,
                device=row.device or "",
                device_name=row.device_name or "",
                spot=spot.spot if spot is not None else "",
                data=_data(row.raw),
                occurred_from_ms=row.occurred_from_ms,
                occurred_to_ms=row.occurred_to_ms,
                twin_of=row.twin_of or "",
                outcome=row.outcome_reason or "",
                roles=tuple(roles.get(name, ("hold",))),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.occurred_to_ms, one.received_ms, one.key)))


def _data(raw: bytes) -> dict[str, object]:
    """What an event said, as it was sent; the device is told apart."""
    try:
        data = load_json(bytes(raw), "event").get("data")
    except RejectError:
        return {}
    return {name: value for name, value in data.items() if name != "device"} if isinstance(data, dict) else {}


def _heard_ms(changes: Sequence[Change], said: Iterable[Said]) -> int | None:
    """When the centre had the event that raised it; None where a deadline raised it."""
    if not changes or "event" not in changes[0].detail:
        return None
    return next((one.received_ms for one in said if one.key == changes[0].events[0]), None)


# --- what became of it ------------------------------------------------------------------------------------------


def _who(row: Row[Any]) -> Who | None:
    return Who(row.staff_id, row.staff_name or "", row.staff_initials or "") if row.staff_id is not None else None


def _at(row: Row[Any]) -> At | None:
    return At(row.tablet_id, row.tablet_name or "") if row.tablet_id is not None else None


def _change(row: Row[Any]) -> Change:
    detail = dict(row.detail or {})
    code = detail.get("reason")
    params = detail.get("params")
    seq = 1 if row.cause == "raise" else detail.get("sound_seq")
    keys = [detail.get("event"), *(detail.get("holds") or ())]
    answers = {name: str(detail[name]) for name in ("cause", "action", "note") if detail.get(name)}
    return Change(
        id=row.id,
        at_ms=row.at_ms,
        from_state=row.from_state,
        to_state=row.to_state,
        cause=row.cause,
        by=_who(row),
        tablet=_at(row),
        reason=Reason(str(code), dict(params) if isinstance(params, dict) else {}) if code else None,
        sound_seq=seq if isinstance(seq, int) else None,
        events=tuple(_name(key[part] for part in _PARTS) for key in keys if _is_key(key)),
        answers=answers if row.staff_id is not None else {},
        detail=detail,
    )


def _with_holders(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same, where the centre wrote down who had the alarm with that person: somebody who had acted on it before."""
    people = {one.by.id: one.by for one in changes if one.by is not None}
    return tuple(replace(one, had=people.get(number)) if (number := _holder_of(one)) else one for one in changes)


def _holder_of(change: Change) -> int | None:
    number = change.detail.get("holder")
    return number if isinstance(number, int) and change.automatic else None


_PARTS = ("gateway_id", "stream_id", "seq", "variant")


def _is_key(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(part), int) for part in _PARTS)


def _steps(changes: Sequence[Change], row: Row[Any]) -> list[Step]:
    """The same as far as times go. When it happened is written where it was told, else it is the alarm's own."""
    found = []
    happened = (row.occurred_from_ms, row.occurred_to_ms)
    for one in changes:
        told = one.detail.get("occurred")
        if isinstance(told, list) and len(told) == 2:
            happened = (int(told[0]), int(told[1]))
        found.append(Step(one.at_ms, one.cause, one.from_state, one.to_state, one.sound_seq, *happened))
    return found


def _reach(row: Row[Any], changes: Iterable[Change]) -> tuple[int, Reach]:
    """How far one notice has come, and of which sounding it is."""
    acted = any(
        one.by is not None and one.tablet is not None and one.tablet.id == row.tablet_id and one.at_ms >= row.made_ms
        for one in changes
    )
    times = ("made_ms", "sent_ms", "shown_ms", "sounded_ms", "seen_ms", "taken_ms", "failed_ms", "lease_until_ms")
    known = {name: getattr(row, name) for name in times}
    reach = Reach(row.id, row.tablet_id, row.tablet_name or "", row.state, row.reason or "", acted, **known)
    return row.sound_seq, reach


def _look(row: Row[Any]) -> Look:
    return Look(row.at_ms, _who(row), _at(row), "board" if row.what.startswith("alarm:") else "story")
