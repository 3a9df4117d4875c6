"""What a seed file says of plans, their basis and rounds, brought into the database. Serves every arrow of the centre.

Owns how windows and plans of a file become versions. A file that says the same as when it was last carried out changes
nothing, also where somebody has changed the plan since: the plan belongs to the ward. Must not know the file's form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, plans
from nattevakt.central.places.plan_lines import Body, Line, complete, sha_of
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.central.rounds import times
from nattevakt.central.rounds.schedule import Time
from nattevakt.central.seed_file import PlanEntry, Seed
from nattevakt.edge.rules import door_at_night, not_back_in_bed
from nattevakt.edge.rules.windows import Window

BY_NAME = "oppsettfil"
"""Who wrote a version that came from a file."""
CARRIED_OVER = "overført"
"""Who wrote the version that a migration made of windows, which had come from a file."""
CARRIED_DAYS = 30
"""So long somebody has to say on which ground is watched what a file watches without saying it."""
DAY_MS = 86_400_000

Ids = Mapping[tuple[str, str], int]
"""The ids of what the file names, by table and key."""


def carry_out(s: TenantSession, seed: Seed, ids: Ids, now_ms: int) -> list[str]:
    """Plans, bases and rounds of the residents and wards in the file. Gives what was done, a line each."""
    said: list[str] = []
    for resident in seed.resident:
        number = ids["residents", resident.key]
        said += _plan(s, seed, resident.key, number, now_ms)
        said += _basis(s, seed, resident.key, number, now_ms)
    return said + _rounds(s, seed, ids, now_ms)


def _plan(s: TenantSession, seed: Seed, key: str, resident_id: int, now_ms: int) -> list[str]:
    entry = next((one for one in seed.plan if one.resident == key), None)
    body = _body(seed, key, entry)
    versions = plans.history(s, resident_id)
    written = [version for version in versions if version.by_name == BY_NAME]
    told = sha_of(body)
    if written[0].sha == told if written else not body.lines and entry is None:
        return []
    if not written and entry is None and len(versions) > 1 and versions[-1].by_name == CARRIED_OVER:
        # The file's windows were the first version; somebody has changed the plan since.
        return []
    before = plans.current(s, resident_id)
    startup_ms = now_ms + entry.startup_days * DAY_MS if entry is not None and entry.startup_days else None
    plans.carry(
        s,
        resident_id,
        body,
        why=BY_NAME,
        staff_id=None,
        by_name=BY_NAME,
        now_ms=now_ms,
        expected_version=before.version if before is not None else 0,
        startup_to_ms=startup_ms,
        ended_ms=None,
    )
    return [f"beboer {key}: tilsynsplan {_spoken(body.lines) or 'av'}"]


def _body(seed: Seed, key: str, entry: PlanEntry | None) -> Body:
    """A resident's plan as the file has it: the plan's own lines, and the windows as lines of their rules."""
    doors = tuple(Window(w.from_minute, w.to_minute) for w in seed.door_window if w.resident == key)
    beds: dict[int, tuple[Window, ...]] = {}
    for bed in seed.bed_window:
        if bed.resident == key:
            beds[bed.limit_min] = (*beds.get(bed.limit_min, ()), Window(bed.from_minute, bed.to_minute))
    lines = [Line(door_at_night.RULE, doors)] if doors else []
    lines += [Line(not_back_in_bed.RULE, windows, {"limit_min": limit}) for limit, windows in sorted(beds.items())]
    if entry is None:
        return Body(complete(lines))
    own = (*TEMPLATES.get(entry.template, ()), *entry.lines)
    return Body(complete([*own, *lines]), entry.handling, entry.responsible, entry.dense_rounds_min)


def _basis(s: TenantSession, seed: Seed, key: str, resident_id: int, now_ms: int) -> list[str]:
    """The file's basis where there is none of its kind; what is watched without one is carried for a while."""
    entry = next((one for one in seed.basis if one.resident == key), None)
    plan = plans.current(s, resident_id)
    there = {row.kind for row in bases.history(s, resident_id)}
    if entry is not None:
        if entry.kind in there:
            return []
        review_ms = now_ms + entry.review_days * DAY_MS
        bases.give(s, resident_id, entry.kind, 0, review_ms, entry.responsible or BY_NAME, None, now_ms)
        return [f"beboer {key}: grunnlag {entry.kind}, vurderes på nytt om {entry.review_days} dager"]
    if there or plan is None or not plan.lines:
        return []
    carried = bases.Ground.CARRIED
    bases.give(s, resident_id, carried, 0, now_ms + CARRIED_DAYS * DAY_MS, "", None, now_ms)
    return [f"beboer {key}: grunnlag mangler, overført i {CARRIED_DAYS} dager"]


def _rounds(s: TenantSession, seed: Seed, ids: Ids, now_ms: int) -> list[str]:
    """For each ward and resident that the file gives rounds, exactly the file's."""
    said = []
    zone = seed.tenant.time_zone
    for ward in sorted({entry.ward for entry in seed.round if entry.ward}):
        wanted = _times((entry.minute, entry.weekdays) for entry in seed.round if entry.ward == ward)
        if times.of_ward(s, ids["wards", ward]) != wanted:
            times.set_ward(s, ids["wards", ward], [(one.minute, one.weekdays) for one in wanted], zone, now_ms)
            said.append(f"avdeling {ward}: {len(wanted)} tilsynsrunder")
    for resident in sorted({entry.resident for entry in seed.round if entry.resident}):
        wanted = _times((entry.minute, entry.weekdays) for entry in seed.round if entry.resident == resident)
        number = ids["residents", resident]
        if times.of_residents(s, (number,)).get(number, ()) != wanted:
            times.set_resident(s, number, [(one.minute, one.weekdays) for one in wanted], zone, now_ms)
            said.append(f"beboer {resident}: {len(wanted)} tilsynsrunder")
    return said


def _times(wanted: Iterable[tuple[int, int]]) -> tuple[Time, ...]:
    return tuple(sorted(Time(minute, weekdays) for minute, weekdays in set(wanted)))


def _spoken(lines: Iterable[Line]) -> str:
    found = []
    for line in lines:
        hours = ", ".join(f"{_clock(w.from_minute)}–{_clock(w.to_minute)}" for w in line.windows)
        found.append(f"{line.rule} {hours}".rstrip())
    return "; ".join(found)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
