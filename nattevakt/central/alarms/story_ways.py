"""How an alarm went on to others, and what went out by roads beyond the tablets. Serves no arrow; it only reads.

Owns how rows of the ledger and what stands with a change become parts of a story: each with the names that a reader
knows people, wards and gateways by. Must not know words, HTML or HTTP. No telephone number or address of a person is
told, only whose it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import story_rows
from nattevakt.central.alarms.lifecycle import Move
from nattevakt.central.alarms.story_parts import Passed, Sending, Target
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.escalation import Why
from nattevakt.central.people import duties

_TIMES = ("made_ms", "sent_ms", "confirmed_ms", "failed_ms")
_PLAIN = ("id", "sound_seq", "step", "channel", "target", "state", "attempts")


@dataclass(frozen=True, slots=True)
class Ways:
    """What an alarm's changes are told with. wards, ward_keys: names by id and by key; teams: names by key. cut: some
    of the sendings are left off."""

    sendings: tuple[Sending, ...]
    cut: bool
    wards: Mapping[int, str]
    ward_keys: Mapping[str, str]
    teams: Mapping[str, str]


def read(s: TenantSession, alarm_id: int, history: Iterable[Row[Any]]) -> Ways:
    """All that is stored of an alarm's way. history: the rows of its changes."""
    rows, gap = story_rows.sent(s, alarm_id)
    wards = story_rows.ward_names(s)
    return Ways(
        sendings=_sendings(s, rows),
        cut=gap is not None,
        wards={int(row.id): row.name for row in wards},
        ward_keys={row.key: row.name for row in wards},
        teams=_teams(s, history),
    )


def _teams(s: TenantSession, history: Iterable[Row[Any]]) -> Mapping[str, str]:
    """The names of the teams, where a step has told one."""
    told = (row.detail.get("to") for row in history if row.cause == Move.ESCALATE and row.detail)
    if not any(str(code).startswith("team:") for to in told if isinstance(to, list) for code in to):
        return {}
    return {team.key: team.name for team in routing_rows.current(s).teams}


def _sendings(s: TenantSession, rows: Sequence[Row[Any]]) -> tuple[Sending, ...]:
    if not rows:
        return ()
    people = {n for row in rows if (n := _number(row.target, "staff")) is not None}
    boxes = {n for row in rows if (n := _number(row.target, "gateway")) is not None}
    names = {f"staff:{row.id}": row.name for row in story_rows.staff_names(s, people)}
    names |= {f"gateway:{row.id}": row.name for row in story_rows.gateway_names(s, boxes)}
    times = [int(row.made_ms) for row in rows]
    there = duties.between(s, min(times), max(times) + 1) if people else []
    return tuple(_sending(row, names.get(row.target, ""), _role(row, there)) for row in rows)


def _role(row: Row[Any], there: Iterable[duties.Duty]) -> str:
    """As what a person was on duty when this was asked for."""
    number = _number(row.target, "staff")
    on = (one.role for one in there if one.staff_id == number and one.from_ms <= row.made_ms < one.to_ms)
    return next(on, "")


def _sending(row: Row[Any], name: str, role: str) -> Sending:
    plain = {one: getattr(row, one) for one in (*_PLAIN, *_TIMES)}
    return Sending(**plain, name=name, role=role, reason=row.reason or "", provider_ref=row.provider_ref or "")


def _number(target: str, kind: str) -> int | None:
    found, _, rest = target.partition(":")
    return int(rest) if found == kind and rest.isdecimal() else None


def passed(cause: str, detail: Mapping[str, object], ways: Ways) -> Passed | None:
    """How a change took the alarm to others; None where it did not."""
    why = detail.get("why")
    match cause:
        case Move.ESCALATE if isinstance(why, str):
            return _step(why, detail, ways)
        case Move.REJECT:
            return Passed(Why.DECLINED.value, reason=str(detail.get("reason") or ""))
        case Move.TRANSFER:
            key = str(detail.get("ward") or "")
            wards = (ways.ward_keys.get(key, key),) if key else ()
            return Passed(why if isinstance(why, str) else Why.TRANSFERRED.value, wards=wards)
        case _:
            return None


def _step(why: str, detail: Mapping[str, object], ways: Ways) -> Passed:
    step, sent, to, wards = (detail.get(name) for name in ("step", "sent", "to", "wards"))
    codes = [str(code) for code in to] if isinstance(to, list) else []
    return Passed(
        why,
        step if isinstance(step, int) else None,
        tuple(Target(code, ways.teams.get(code[5:], "") if code.startswith("team:") else "") for code in codes),
        tuple(ways.wards.get(number, f"#{number}") for number in wards) if isinstance(wards, list) else (),
        sent if isinstance(sent, int) else 0,
        detail.get("nobody") is True,
    )
