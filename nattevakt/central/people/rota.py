"""A plan of duties (vaktplan) as a file from a rota system or a spreadsheet. Serves arrow 9.

Owns the columns of the file (docs/how-to/make-a-duty-plan.md), and that it is taken whole or not at all: every line
that cannot be is named. Must not know where the file came from, or how anybody is reached.

The same file again writes nothing; what is over is passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked, Duty, DutyError
from nattevakt.central.people.duty_times import TimeError, moment_ms, typed_of
from nattevakt.central.tables import staff, wards
from nattevakt.edge.errors import RejectError

COLUMNS = ("vakt-fra", "vakt-til", "ansatt", "rolle", "avdeling", "sone")
NEEDED = COLUMNS[:4]
LINES_MAX = 20_000
BYTES_MAX = 4_000_000

_EVERYBODY = select(staff.c.id, staff.c.key).where(staff.c.tenant_id == TENANT)
_STAFF = _EVERYBODY.where(staff.c.active)
_WARDS = select(wards.c.id, wards.c.key).where(wards.c.tenant_id == TENANT)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be. number: as an editor counts, the heading being 1. code, named: as of DutyError and
    TimeError. field: the column."""

    number: int
    field: str
    code: str
    named: str


class RotaError(RejectError):
    """Lines that cannot be; nothing was written."""

    def __init__(self, lines: Sequence[BadLine]) -> None:
        first = lines[0]
        super().__init__(f"line {first.number}.{first.field}", f"{first.code}; {len(lines)} lines cannot be")
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file. made: duties written; there: written before; over: not written, they are history."""

    made: int
    there: int
    over: int


def read_rota(raw: bytes) -> Sequence[tuple[int, Mapping[str, str]]]:
    """The lines of a file with their numbers, without empty ones. Commas or semicolons, UTF-8 or what Excel writes.

    Raises RejectError where it is no such file.
    """
    if len(raw) > BYTES_MAX:
        raise RejectError("file", f"more than {BYTES_MAX} bytes")
    try:
        words = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        words = raw.decode("cp1252", "replace")
    head = words.partition("\n")[0]
    rows = csv.reader(io.StringIO(words, newline=""), delimiter=";" if head.count(";") >= head.count(",") else ",")
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if missing := [name for name in NEEDED if name not in names]:
            raise RejectError("line 1", f"has no column {missing[0]}; wanted are {', '.join(COLUMNS)}")
        if unknown := [name for name in names if name and name not in COLUMNS]:
            raise RejectError("line 1", f"unknown column {unknown[0][:40]}; known are {', '.join(COLUMNS)}")
        found = [
            (rows.line_num, {name: cell.strip() for name, cell in zip(names, row, strict=False)})
            for row in rows
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise RejectError(f"line {rows.line_num}", f"no CSV: {error}") from None
    if len(found) > LINES_MAX:
        raise RejectError("file", f"more than {LINES_MAX} lines")
    return found


def take_in(
    s: TenantSession,
    lines: Sequence[tuple[int, Mapping[str, str]]],
    *,
    zones: Collection[str],
    zone: ZoneInfo,
    made_by: int | None,
    now_ms: int,
) -> Imported:
    """Write the duties of a file, all or none. zones: the keys in the routing; zone: that of the clock on the wall.

    Raises RotaError naming every line that cannot be: the caller's transaction must then be undone.
    """
    people: Mapping[str, int] = {row.key: int(row.id) for row in s.execute(_STAFF)}
    places: Mapping[str, int] = {row.key: int(row.id) for row in s.execute(_WARDS)}
    bad: list[BadLine] = []
    made = there = over = 0
    for number, line in lines:
        try:
            asked = _asked(line, people, places, zone)
            if asked.to_ms <= now_ms and asked.from_ms < asked.to_ms:
                over += 1
            elif duties.is_there(s, asked):
                there += 1
            else:
                duties.add(s, asked, zones=zones, made_by=made_by, now_ms=now_ms)
                made += 1
        except DutyError as error:
            bad.append(BadLine(number, _COLUMN_OF.get(error.field, error.field), error.code, error.named))
        except TimeError as error:
            bad.append(BadLine(number, error.field, error.code, line.get(error.field, "")))
    if bad:
        raise RotaError(bad)
    return Imported(made, there, over)


_COLUMN_OF = {
    "from_ms": "vakt-fra",
    "to_ms": "vakt-til",
    "staff_id": "ansatt",
    "role": "rolle",
    "ward_id": "avdeling",
    "zone": "sone",
}


def _asked(line: Mapping[str, str], people: Mapping[str, int], places: Mapping[str, int], zone: ZoneInfo) -> Asked:
    begins_ms, ends_ms = (
        moment_ms(line.get(name, ""), zone, is_end=name == "vakt-til", field=name) for name in COLUMNS[:2]
    )
    person, role, ward, group = (line.get(name, "") for name in COLUMNS[2:])
    if person not in people:
        raise DutyError("staff_id", f"unknown: {person}", "unknown_staff", person)
    if ward and ward not in places:
        raise DutyError("ward_id", f"unknown: {ward}", "unknown_ward", ward)
    asked = Asked(people[person], role.lower(), begins_ms, ends_ms)
    return replace(asked, ward_id=places[ward] if ward else None, zone=group or None)


def rows_of(s: TenantSession, found: Sequence[Duty], zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    """Duties as lines of such a file, without the heading."""
    people = {
        int(row.id): row.key for row in s.execute(select(staff.c.id, staff.c.key).where(staff.c.tenant_id == TENANT))
    }
    places = {int(row.id): row.key for row in s.execute(_WARDS)}
    for one in found:
        times = (typed_of(ms, zone).replace("T", " ") for ms in (one.from_ms, one.to_ms))
        place = places[one.ward_id] if one.ward_id is not None else ""
        yield (*times, people[one.staff_id], one.role, place, one.zone or "")
