"""The whole story of one alarm: what was said, concluded, told to whom, and done. Serves no arrow; it only reads.

Owns how rows become a story, and what may be concluded from them. Must not know words, HTML or HTTP. What the rows do
not say is told as unknown: that nobody confirmed to have shown a notice is not that nobody saw it, and that one was
shown is not that anybody looked. All moments are Unix milliseconds of service time, all spans milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import story_rows, story_ways
from nattevakt.central.alarms.kinds import INTERNAL, KINDS, is_technical, vkp_code
from nattevakt.central.alarms.lifecycle import HELD
from nattevakt.central.alarms.story_parts import At, Change, Look, PlanOf, Reason, Said, Sending, Who
from nattevakt.central.alarms.story_times import Chapter, Cut, Reach, Sounding, Step, chapters, soundings
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import look_up
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json

REFERRED_MAX = 50
"""So many events that an alarm's history names without that the alarm holds them are looked up."""

Key = tuple[int, ...]


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
    sendings: tuple[Sending, ...] = ()
    left_off: tuple[str, ...] = field(default=())


def tell(s: TenantSession, alarm_id: int, now_ms: int) -> Story | None:
    """The story of an alarm as it stands now, None where there is no such alarm in this tenant."""
    row = story_rows.alarm(s, alarm_id)
    if row is None:
        return None
    most = story_rows.ROWS_MAX
    events, looks = story_rows.held(s, alarm_id), story_rows.looks(s, alarm_id, row.raised_ms)
    history = story_rows.changes(s, alarm_id)
    notices, unsure = story_rows.told(s, alarm_id)
    ways = story_ways.read(s, alarm_id, history.rows)
    changes = _with_holders([_change(one, ways) for one in history.rows])
    others = _referred(changes, {_key(one) for one in events[:most]})
    left_off = {
        "events": len(events) > most,
        "referred": len(others) > REFERRED_MAX,
        "changes": history.moves_cut or history.others_cut,
        "notices": unsure is not None,
        "sendings": ways.cut,
        "looks": len(looks) > most,
    }
    said = _said(s, [*events[:most], *story_rows.named(s, others[:REFERRED_MAX])], changes)
    steps, over = _steps(changes, row), row.closed_ms is not None
    rung = soundings(steps, _reaches(notices, changes), over=over, cut=unsure or ())
    cut = Cut(steps=history.moves_cut, notices=unsure is not None)
    return Story(
        id=row.id,
        now_ms=now_ms,
        kind=row.kind,
        vkp_code=_code(row.kind, said),
        technical=is_technical(row.kind),
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
        chapters=chapters(steps, rung, _heard_ms(changes, said), over=over, cut=cut),
        looks=tuple(_look(one) for one in looks[:most]),
        sendings=ways.sendings,
        left_off=tuple(name for name, some in left_off.items() if some),
    )


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
    """The events that the history names and that are not among these: what cleared it, what a note is about. Those that
    raised it and that its moves are about come first."""
    named: dict[Key, bool] = {}
    for change in changes:
        for name in change.events:
            key = tuple(int(part) for part in name.split("/"))
            if key not in held:
                named[key] = named.get(key, True) and change.from_state == change.to_state
    return sorted(named, key=lambda key: (named[key], key))


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


def _change(row: Row[Any], ways: story_ways.Ways) -> Change:
    detail = dict(row.detail or {})
    # What a person gives as a reason is their answer, and no rule's.
    code = detail.get("reason") if row.staff_id is None else None
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
        passed=story_ways.passed(row.cause, detail, ways),
    )


def _with_holders(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same, where the centre wrote down who had the alarm with that person: somebody who had acted on it before."""
    people = {one.by.id: one.by for one in changes if one.by is not None}
    return tuple(replace(one, had=people.get(number)) if (number := _holder_of(one)) else one for one in changes)


def _holder_of(change: Change) -> int | None:
    number = change.detail.get("holder")
    return number if isinstance(number, int) else None


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


def _reaches(notices: Iterable[Row[Any]], changes: Iterable[Change]) -> list[tuple[int, Reach]]:
    """How far each notice has come, and of which sounding it is."""
    acted_ms: dict[int, int] = {}
    for one in changes:
        if one.by is not None and one.tablet is not None:
            acted_ms[one.tablet.id] = max(one.at_ms, acted_ms.get(one.tablet.id, one.at_ms))
    return [_reach(row, acted=row.made_ms <= acted_ms.get(row.tablet_id, row.made_ms - 1)) for row in notices]


def _reach(row: Row[Any], *, acted: bool) -> tuple[int, Reach]:
    times = ("made_ms", "sent_ms", "shown_ms", "sounded_ms", "seen_ms", "taken_ms", "failed_ms", "lease_until_ms")
    known = {name: getattr(row, name) for name in times}
    who = (row.id, row.tablet_id, row.tablet_name or "", row.state, row.reason or "", acted)
    reach = Reach(*who, **known, ward_id=row.ward_id, ward=row.ward_name or "")
    return row.sound_seq, reach


def _look(row: Row[Any]) -> Look:
    return Look(row.at_ms, _who(row), _at(row), "board" if row.what.startswith("alarm:") else "story")
