"""Times of rounds as somebody types them: read from a form, shown as typed, turned into times. Serves arrow 9.

Owns the names of the fields of these forms and what is wrong at each. Must not know HTTP, HTML or whose times they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nattevakt.central.admin import drafts
from nattevakt.central.admin.drafts import Wrong
from nattevakt.central.rounds.limits import BOUNDS, Limits
from nattevakt.central.rounds.schedule import Time
from nattevakt.central.rounds.times import TIMES_MAX

_FIELD = re.compile(r"time-([0-9]{1,2})-(at|day)")
_DROP = re.compile(r"drop-([0-9]{1,2})")
ROWS_MAX = TIMES_MAX + 6
EVERY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class TimeDraft:
    """One time as typed. days: 0 is Monday."""

    at: str = ""
    days: frozenset[int] = EVERY


def of_times(times: Iterable[Time]) -> tuple[TimeDraft, ...]:
    """Times that hold, to be changed; through the night, so that 23 stands before 02."""
    ordered = sorted(times, key=lambda one: ((one.minute - 12 * 60) % (24 * 60), one.weekdays))
    return tuple(TimeDraft(drafts.clock(one.minute), drafts.days_of(one.weekdays)) for one in ordered)


def read_form(form: Sequence[tuple[str, str]]) -> tuple[TimeDraft, ...]:
    """What a form holds. Whatever is no field of ours is passed over; nothing is judged."""
    typed: dict[int, str] = {}
    days: dict[int, set[int]] = {}
    for name, value in form:
        found = _FIELD.fullmatch(name)
        if found is None:
            continue
        if found[2] == "at":
            typed[int(found[1])] = value
        elif value in set("0123456"):
            days.setdefault(int(found[1]), set()).add(int(value))
    return tuple(TimeDraft(typed[n], frozenset(days.get(n, ()))) for n in sorted(typed))[:ROWS_MAX]


def changed(times: tuple[TimeDraft, ...], act: str) -> tuple[TimeDraft, ...]:
    """The times after a button that changes their form: "add", "drop-1"."""
    found = _DROP.fullmatch(act)
    if found is not None:
        return tuple(one for n, one in enumerate(times) if n != int(found[1]))
    return (*times, TimeDraft()) if act == "add" and len(times) < ROWS_MAX else times


def times_of(times: Sequence[TimeDraft]) -> tuple[list[tuple[int, int]], dict[str, Wrong]]:
    """Minutes and weekdays, and what is wrong by field. A row without a time is none."""
    found: list[tuple[int, int]] = []
    wrong: dict[str, Wrong] = {}
    for n, one in enumerate(times):
        if not one.at.strip():
            continue
        minute = drafts.minute_of(one.at)
        if minute is None:
            wrong[f"time-{n}-at"] = Wrong("time_unreadable")
        elif not one.days:
            wrong[f"time-{n}-day"] = Wrong("no_weekday")
        else:
            found.append((minute, drafts.bits_of(one.days)))
    if len(found) > TIMES_MAX:
        wrong["times"] = Wrong("too_many_times")
    return found, wrong


def limits_of(typed: Mapping[str, str]) -> tuple[Limits | None, dict[str, Wrong]]:
    """A ward's limits as typed, None where one of them cannot be."""
    values = {name: drafts.whole(typed.get(name, "")) for name in BOUNDS}
    read = {
        name: value
        for name, value in values.items()
        if value is not None and BOUNDS[name][0] <= value <= BOUNDS[name][1]
    }
    wrong = {
        name: Wrong("out_of_range", {"least": least, "most": most})
        for name, (least, most) in BOUNDS.items()
        if name not in read
    }
    return (None if wrong else replace(Limits(), **read)), wrong
