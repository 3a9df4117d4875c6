"""How fast people came, in words and as CSV. Serves whoever leads a ward, no arrow of its own.

Owns the columns of the two CSV files (docs/how-to/read-the-reports.md), the lines that the command prints, and the
words for shifts, stages and misses. Must not know how anything is counted, or HTML.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO
from zoneinfo import ZoneInfo

from nattevakt.central.alarms.kinds import INTERNAL, KINDS, vkp_code
from nattevakt.central.csv_cells import cell
from nattevakt.central.response_times import (
    LIMITS_MS,
    Figures,
    Group,
    Life,
    Miss,
    Missed,
    Shift,
    Stage,
    shift_of,
    whys,
)
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import DEFAULT, N_, Words, words
from nattevakt.central.tablet.when import clock

SHIFTS: Mapping[Shift, str] = {
    Shift.DAY: N_("Dag, 07 til 15"),
    Shift.EVENING: N_("Kveld, 15 til 22"),
    Shift.NIGHT: N_("Natt, 22 til 07"),
}
STAGES: Mapping[Stage, str] = {
    Stage.SHOWN: N_("Vist på en skjerm"),
    Stage.TAKEN: N_("Tatt av noen"),
    Stage.ON_SITE: N_("Hos bruker"),
    Stage.CLOSED: N_("Avsluttet av noen"),
}
MISSES: Mapping[Miss, str] = {
    Miss.NEVER_SHOWN: N_("Aldri vist for noen"),
    Miss.NEVER_TAKEN: N_("Aldri tatt"),
    Miss.NEVER_ON_SITE: N_("Ingen registrert hos bruker"),
    Miss.LATE_TAKEN: N_("Tatt etter {time}"),
    Miss.LATE_ON_SITE: N_("Hos bruker etter {time}"),
    Miss.LATE_SHOWN: N_("Vist etter {time}"),
    Miss.SHOWN_UNCONFIRMED: N_("Visning aldri bekreftet av skjermen"),
}
_STAGE_OF = {Miss.LATE_TAKEN: Stage.TAKEN, Miss.LATE_ON_SITE: Stage.ON_SITE, Miss.LATE_SHOWN: Stage.SHOWN}
SECONDS, MINUTES, HOURS = N_("{s} s"), N_("{min} min {s} s"), N_("{h} t {min} min")
_LIMITED = tuple(LIMITS_MS)
FIGURE_COLUMNS = (
    *("about", "ward", "shift", "kind", "vkp_code", "alarms", "rang_again"),
    *(
        f"{stage.value}_{name}"
        for stage in _LIMITED
        for name in (
            *("timed", "median_s", "p90_s", "worst_s"),
            *("in_time", "late", "never", "ended", "waiting", "share_in_time"),
        )
    ),
    *("closed_timed", "closed_median_s", "closed_p90_s", "closed_worst_s", "cleared", "open"),
)
ALARM_COLUMNS = (
    *("alarm", "rang_at", "about", "ward", "room", "shift", "kind", "vkp_code", "state"),
    *("shown_s", "taken_s", "on_site_s", "closed_s", "cleared_s", "rang_again", "missed"),
)


def figures_csv(found: Iterable[Group], wards: Mapping[int, str], to: TextIO) -> None:
    """A row for each group; an empty ward, shift or kind stands for all."""
    out = csv.writer(to, lineterminator="\n")
    out.writerow(FIGURE_COLUMNS)
    for group in found:
        key = group.key
        code = _code(key.kind) if key.kind else ""
        ward = cell(wards.get(key.ward_id, ""))
        row: list[object] = [_about(technical=key.technical), ward, key.shift, key.kind, code]
        row += [group.alarms, group.rang_again]
        for stage in _LIMITED:
            one = group.stages[stage]
            share = "" if one.share is None else f"{one.share:.3f}"
            row += [*_timed(one), one.in_time, one.late, one.never, one.ended, one.waiting, share]
        closed = group.stages[Stage.CLOSED]
        out.writerow([*row, *_timed(closed), closed.ended, closed.waiting])


def alarms_csv(lives: Iterable[Life], wards: Mapping[int, str], zone: ZoneInfo, now_ms: int, to: TextIO) -> None:
    """A row for each alarm, by when it rang."""
    out = csv.writer(to, lineterminator="\n")
    out.writerow(ALARM_COLUMNS)
    for life in sorted(lives, key=lambda one: (one.rang_ms, one.alarm_id)):
        at = datetime.fromtimestamp(life.rang_ms / 1000, UTC).astimezone(zone).isoformat(timespec="seconds")
        cleared_ms = None if life.cleared_ms is None else max(0, life.cleared_ms - life.rang_ms)
        out.writerow(
            (
                *(
                    life.alarm_id,
                    at,
                    _about(technical=life.technical),
                    cell(wards.get(life.ward_id, "")),
                    cell(life.room),
                ),
                *(shift_of(life.rang_ms, zone.key).value, life.kind, _code(life.kind), life.state),
                *(_s(life.after_ms(stage)) for stage in Stage),
                *(_s(cleared_ms), life.rang_again, " ".join(miss.value for miss in whys(life, now_ms))),
            )
        )


def _timed(one: Figures) -> tuple[object, ...]:
    return one.timed, _s(one.median_ms), _s(one.p90_ms), _s(one.worst_ms)


def _about(*, technical: bool) -> str:
    return "installation" if technical else "resident"


def _code(kind: str) -> str:
    return vkp_code(kind) if kind in KINDS else INTERNAL


def _s(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.1f}"


def span(told: Words, ms: int | None) -> str:
    """How long something took, "2 s", "1 min 5 s", "2 t 5 min"; "–" where it was never. Never less than it was."""
    if ms is None:
        return "–"
    s = -(-ms // 1000)
    if s < 60:
        return told(SECONDS, {"s": s})
    if s < 3_600:
        return told(MINUTES, {"min": s // 60, "s": s % 60})
    return told(HOURS, {"h": s // 3_600, "min": s % 3_600 // 60})


def why(told: Words, miss: Miss, life: Life) -> str:
    """In what an alarm was missed or late."""
    stage = _STAGE_OF.get(miss)
    return told(MISSES[miss], {"time": span(told, life.after_ms(stage))} if stage is not None else {})


def kind(told: Words, code: str) -> str:
    """A kind of alarm in words, with its national code where it has one."""
    known = KINDS.get(code)
    said = sentences.kind(told, code)
    return said if known is None or known.vkp_code == INTERNAL else f"{said} (VKP {known.vkp_code})"


_SAID = words(DEFAULT)


def lines(found: Sequence[Group], named: Sequence[Missed], wards: Mapping[int, str], zone: ZoneInfo) -> Iterator[str]:
    """A report as a table for people."""
    if not found:
        yield "Ingen alarmer i perioden."
        return
    for group in _alone(found):
        key = group.key
        if not (key.ward_id or key.shift or key.kind):
            yield "Alarmer om utstyr og drift" if key.technical else "Alarmer om beboere"
        name = wards.get(key.ward_id) or (_SAID(SHIFTS[Shift(key.shift)]) if key.shift else "")
        name = name or (kind(_SAID, key.kind) if key.kind else "Alle")
        again = f", {group.rang_again} ringte på nytt" if group.rang_again else ""
        yield f"  {name}: {group.alarms} {'alarm' if group.alarms == 1 else 'alarmer'}{again}"
        yield from (f"    {_line(stage, group.stages[stage])}" for stage in Stage)
    yield f"Glipp og forsinkelser: {len(named)}"
    for one in named:
        life, said = one.life, ", ".join(why(_SAID, miss, one.life).lower() for miss in one.why)
        day = datetime.fromtimestamp(life.rang_ms / 1000, UTC).astimezone(zone).strftime("%d.%m.%Y")
        yield (
            f"  {life.alarm_id}: {day} kl. {clock(life.rang_ms, zone)}, {life.room or 'ukjent plassering'}, "
            f"{kind(_SAID, life.kind)}: {said}"
        )


def _alone(found: Sequence[Group]) -> list[Group]:
    """All of them together, then each shift, each ward where there are several, each kind."""
    wards = {group.key.ward_id for group in found} - {0}

    def wanted(group: Group) -> bool:
        parts = (group.key.ward_id, group.key.shift, group.key.kind)
        return sum(1 for part in parts if part) <= 1 and not (group.key.ward_id and len(wards) == 1)

    mine = [group for group in found if wanted(group)]
    return sorted(mine, key=lambda group: (group.key.technical, group.key.kind != "", group.key.ward_id != 0))


def _line(stage: Stage, one: Figures) -> str:
    said = f"{_SAID(STAGES[stage]):<18} " + (
        f"halvparten innen {span(_SAID, one.median_ms)}, 9 av 10 innen {span(_SAID, one.p90_ms)}, "
        f"verste {span(_SAID, one.worst_ms)} (av {one.timed})"
        if one.timed
        else "ingen tider"
    )
    counted: tuple[tuple[int, str], ...] = (
        (one.late, "for sent"),
        (one.never, "aldri"),
        (one.ended, "avklart av seg selv" if stage is Stage.CLOSED else "over før fristen"),
        (one.waiting, "åpne" if stage is Stage.CLOSED else "venter"),
    )
    return "; ".join([said, *(f"{n} {what}" for n, what in counted if n)])
