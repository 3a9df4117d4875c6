"""Backtests and alarm health in words and as CSV. Serves the people who plan supervision, no arrow of its own.

Owns what a table line says, in bokmål, and the columns of the CSV files (docs/how-to/try-a-plan-on-past-nights.md).
Must not know how any of it is counted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TextIO
from zoneinfo import ZoneInfo

from nattevakt.central.alarm_health import Health, Suggestion
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.backtest import Backtest, Night, Raised, Was
from nattevakt.central.csv_cells import cell
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import DEFAULT, words
from nattevakt.edge.rules.rule import Reason
from nattevakt.edge.rules.windows import EVERY_DAY, Window

BACKTEST_COLUMNS = (
    "night",
    "source",
    "at",
    "rule",
    "kind",
    "reason",
    "sounds",
    "cleared_at",
    "state",
    "cause",
    "action",
    "taken_at",
    "on_site_at",
    "closed_at",
)
HEALTH_COLUMNS = (
    "week",
    "ward",
    "resident",
    "alarms",
    "useful",
    "useless",
    "share_useful",
    "cleared",
    "repeated",
    "nights_woken",
    "median_taken_s",
    "technical",
    "by_rule",
    "by_sensor",
)
_DAYS = ("man", "tir", "ons", "tor", "fre", "lør", "søn")
_SAID = words(DEFAULT)


def backtest_lines(resident: str, plan: Sequence[Line], found: Backtest, zone: ZoneInfo) -> Iterator[str]:
    """A backtest as a table for people."""
    lines = "; ".join(plan_line(line) for line in plan) or "ingen regler"
    yield f"Beboer {resident}, {len(found.nights)} netter. Planen: {lines}"
    for night in found.nights:
        yield (
            f"{_day(night.day):<11} {night.events:>6} hendelser   planen {len(night.raised):>2}   "
            f"virkelig {len(night.was):>2}"
        )
        yield from (f"    planen    {_raised(alarm, zone)}" for alarm in night.raised)
        yield from (f"    virkelig  {_was(alarm, zone)}" for alarm in night.was)
    alone = sum(1 for night in found.nights for alarm in night.raised if alarm.cleared_ms is not None)
    yield (
        f"{'I alt':<11} {sum(night.events for night in found.nights):>6} hendelser   planen {found.raised:>2}   "
        f"virkelig {found.was:>2}   ({alone} av planens ville avklart seg selv)"
    )


def plan_line(line: Line) -> str:
    """One line of a plan: the rule, its hours and its numbers."""
    hours = ", ".join(_window(window) for window in line.windows)
    numbers = ", ".join(f"{name} {value}" for name, value in line.settings.items())
    return " ".join(part for part in (line.rule, hours, numbers and f"({numbers})") if part)


def backtest_csv(found: Backtest, zone: ZoneInfo, to: TextIO) -> None:
    """A row for each alarm, of the plan and real ones; a night without any has one row with nothing but its date."""
    out = csv.writer(to, lineterminator="\n")
    out.writerow(BACKTEST_COLUMNS)
    for night in found.nights:
        out.writerows(_night_rows(night, zone))


def _night_rows(night: Night, zone: ZoneInfo) -> Iterator[tuple[object, ...]]:
    day = _date(night.day).isoformat()
    if not night.raised and not night.was:
        yield (day, *[""] * (len(BACKTEST_COLUMNS) - 1))
    for would in night.raised:
        at, cleared = _iso(would.at_ms, zone), _iso(would.cleared_ms, zone)
        what = (would.rule, would.kind, would.reason.code, len(would.sounds))
        yield (day, "plan", at, *what, cleared, "", "", "", "", "", "")
    for was in night.was:
        times = (_iso(ms, zone) for ms in (was.taken_ms, was.on_site_ms, was.closed_ms))
        cleared = _iso(was.closed_ms if was.state == State.CLEARED else None, zone)
        what = (was.rule, was.kind, was.reason.code, was.sound_seq)
        judged = (was.state, was.cause or "", was.action or "")
        yield (day, "real", _iso(was.at_ms, zone), *what, cleared, *judged, *times)


def health_lines(found: Iterable[Health], wards: Mapping[int, str], people: Mapping[int, str]) -> Iterator[str]:
    """Alarm health as a table for people."""
    yield "Uke      Avdeling/beboer         alarmer  nyttige  unødige  nytte  avklart  gjentatt  netter  svartid"
    for health in found:
        total = health.total
        name = people.get(health.resident_id or 0, "?") if health.resident_id is not None else wards[health.ward_id]
        who = f"  {name}" if health.resident_id is not None else name
        share = "–" if total.share is None else f"{total.share:.0%}"
        taken = "–" if health.median_taken_s is None else f"{health.median_taken_s:.0f} s"
        yield (
            f"{_week(health):<8} {who[:22]:<22} {total.alarms:>8} {total.useful:>8} {total.useless:>8} {share:>6} "
            f"{health.cleared:>8} {health.repeated:>9} {health.nights_woken:>7} {taken:>8}"
        )
        if health.resident_id is not None:
            rules = ", ".join(f"{rule} {count.alarms}" for rule, count in sorted(health.by_rule.items()))
            sensors = ", ".join(f"{name} {count}" for name, count in health.by_sensor.most_common(3))
            yield f"           {rules}" + (f" · {sensors}" if sensors else "")


def health_csv(found: Iterable[Health], wards: Mapping[int, str], people: Mapping[int, str], to: TextIO) -> None:
    """A row for each ward and week, and for each resident of it."""
    out = csv.writer(to, lineterminator="\n")
    out.writerow(HEALTH_COLUMNS)
    for health in found:
        total = health.total
        share = "" if total.share is None else f"{total.share:.3f}"
        median_s = "" if health.median_taken_s is None else f"{health.median_taken_s:.0f}"
        resident = people.get(health.resident_id, "") if health.resident_id is not None else ""
        counts = (total.alarms, total.useful, total.useless, share, health.cleared, health.repeated)
        rules = " ".join(f"{rule}={count.alarms}" for rule, count in sorted(health.by_rule.items()))
        sensors = " ".join(f"{name}={count}" for name, count in sorted(health.by_sensor.items()))
        more = (health.nights_woken, median_s, health.technical, rules, cell(sensors))
        out.writerow((_week(health), cell(wards[health.ward_id]), cell(resident), *counts, *more))


def suggestion_line(resident: str, found: Suggestion | None) -> str:
    """What would have helped a resident, with its simulated effect."""
    if found is None:
        return f"{resident}: ingen endring ville hjulpet"
    later_min = round(found.later_ms / 60_000)
    later = f", høyst {later_min} min senere" if later_min else ""
    return (
        f"{resident}: {found.rule} {found.setting} {found.value} → {found.proposed}: siste {found.nights} netter "
        f"{found.useless} → {found.useless_then} unødige, {found.alarms} → {found.alarms_then} alarmer i alt; "
        f"alle {found.useful} nyttige beholdt{later}"
    )


def _raised(alarm: Raised, zone: ZoneInfo) -> str:
    again = f", ringer {len(alarm.sounds)} ganger" if len(alarm.sounds) > 1 else ""
    ends = f", avklart kl. {when.clock(alarm.cleared_ms, zone)}" if alarm.cleared_ms is not None else ""
    return f"{_what(alarm.at_ms, alarm.kind, alarm.reason, zone)}{again}{ends}"


def _was(alarm: Was, zone: ZoneInfo) -> str:
    again = f", ringte {alarm.sound_seq} ganger" if alarm.sound_seq > 1 else ""
    state = _SAID(sentences.STATES[State(alarm.state)])
    cause = f": {_SAID(sentences.CAUSES.get(alarm.cause, alarm.cause))}" if alarm.cause else ""
    return f"{_what(alarm.at_ms, alarm.kind, alarm.reason, zone)}{again}, {state.lower()}{cause}"


def _what(at_ms: int, kind: str, reason: Reason, zone: ZoneInfo) -> str:
    said = sentences.reason(_SAID, reason.code, when.spoken(reason.params, zone)).rstrip(".")
    return f"{when.clock(at_ms, zone)}  {sentences.kind(_SAID, kind)} ({said})"


def _window(window: Window) -> str:
    hours = f"{_minute(window.from_minute)}–{_minute(window.to_minute)}"
    if window.weekdays == EVERY_DAY:
        return hours
    return hours + " " + "/".join(name for bit, name in enumerate(_DAYS) if window.weekdays >> bit & 1)


def _minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _week(health: Health) -> str:
    return f"{health.year}-W{health.week:02}"


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _day(day: int) -> str:
    """The night by the day on which it begins."""
    found = _date(day)
    return f"{_DAYS[found.weekday()]} {found.day}.{found.month}."


def _iso(ms: int | None, zone: ZoneInfo) -> str:
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).isoformat(timespec="seconds")
