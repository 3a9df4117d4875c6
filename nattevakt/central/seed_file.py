"""The form of a seed file: a ward with its rooms, people and devices, as TOML. Serves every arrow of the centre.

Owns the keys, their checks and the references between entries. Must not know what is stored or how.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nattevakt.central.credentials import KEY
from nattevakt.central.places.bases import REVIEW_DAYS_MOST, Ground
from nattevakt.central.places.plan_lines import Line, PlanError, check
from nattevakt.central.places.plans import DENSE_LEAST_MIN, DENSE_MOST_MIN
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.not_back_in_bed import LIMIT_MIN
from nattevakt.edge.rules.windows import EVERY_DAY, NORWAY, Window
from nattevakt.edge.strict import Reader, list_of, map_of, record, text, whole

ENTRIES_MAX = 20_000
LIMIT_MIN_MAX = 240
INTERVAL_S_MAX = 7 * 86_400
_KEY = re.compile(rf"{KEY}\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """The municipality."""

    key: str
    name: str
    time_zone: str = NORWAY


@dataclass(frozen=True, slots=True)
class WardEntry:
    """A ward; its night is when the lights are low."""

    key: str
    name: str
    night_from: int = 22 * 60
    night_to: int = 7 * 60


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """A room on a ward."""

    key: str
    ward: str
    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResidentEntry:
    """A resident and the room of the current stay, "" for none."""

    key: str
    name: str
    room: str = ""


@dataclass(frozen=True, slots=True)
class GatewayEntry:
    """A gateway; its ward is rung for devices that nobody has placed."""

    key: str
    name: str
    ward: str


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device and where it hangs: a room and the words for the spot in it.

    interval_s: how often it says something even where nothing happens, in seconds; None where that is not known.
    model: the maker's name of it, "" where that is not known; whoever registers it is told what is known to go wrong.
    """

    address: str
    name: str = ""
    gateway: str = ""
    room: str = ""
    spot: str = ""
    mute: bool = False
    interval_s: int | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class WindowEntry:
    """A time of night in which a resident's door is watched."""

    resident: str
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class BedWindowEntry:
    """A time of night in which a resident's empty bed is watched. limit_min: how long it may be empty, in minutes."""

    resident: str
    from_minute: int
    to_minute: int
    limit_min: int = LIMIT_MIN


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """A resident's plan: what is watched, what staff should do, who is responsible. startup_days: of marked alarms.

    template: the name of one whose lines come first, "" for none.
    """

    resident: str
    lines: tuple[Line, ...] = ()
    template: str = ""
    handling: str = ""
    responsible: str = ""
    dense_rounds_min: int | None = None
    startup_days: int = 0


@dataclass(frozen=True, slots=True)
class BasisEntry:
    """On which legal ground a resident is watched, from the day on which the file is first carried out."""

    resident: str
    kind: str
    responsible: str = ""
    review_days: int = 90


@dataclass(frozen=True, slots=True)
class RoundEntry:
    """When somebody looks in: a ward's time, or a resident's own; one of the two is "". weekdays: bits, Monday 1."""

    minute: int
    ward: str = ""
    resident: str = ""
    weekdays: int = EVERY_DAY


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """A member of staff, the wards they may act on, and their PIN ("" leaves it as it is). lead: may change plans."""

    key: str
    name: str
    initials: str
    pin: str = ""
    wards: tuple[str, ...] = ()
    active: bool = True
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole seed file."""

    tenant: TenantEntry
    ward: tuple[WardEntry, ...] = ()
    room: tuple[RoomEntry, ...] = ()
    resident: tuple[ResidentEntry, ...] = ()
    gateway: tuple[GatewayEntry, ...] = ()
    device: tuple[DeviceEntry, ...] = ()
    door_window: tuple[WindowEntry, ...] = ()
    staff: tuple[StaffEntry, ...] = ()
    bed_window: tuple[BedWindowEntry, ...] = ()
    plan: tuple[PlanEntry, ...] = ()
    basis: tuple[BasisEntry, ...] = ()
    round: tuple[RoundEntry, ...] = ()


def _key(value: object, where: str) -> str:
    found = text(value, where)
    if not _KEY.match(found):
        raise RejectError(where, "must be 1 to 40 of a-z, 0-9 and -")
    return found


def _filled(value: object, where: str) -> str:
    found = text(value, where).strip()
    if not found:
        raise RejectError(where, "must not be empty")
    return found


def _minute(value: object, where: str) -> int:
    found = _TIME.match(text(value, where))
    if not found:
        raise RejectError(where, 'must be a time of day like "22:30"')
    return int(found[1]) * 60 + int(found[2])


def _zone(value: object, where: str) -> str:
    name = text(value, where)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RejectError(where, "is not a known time zone") from None
    return name


def _span(value: object, where: str, *more: str) -> tuple[Mapping[str, object], str, int, int]:
    # "from" is a word of the language, so these cannot be read by their field names.
    if not isinstance(value, dict):
        raise RejectError(where, "must be a table")
    known = ("from", "resident", "to", *more)
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(sorted(known))}")
    begin, end = (_minute(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    return value, _key(value.get("resident"), f"{where}.resident"), begin, end


def _window(value: object, where: str) -> WindowEntry:
    _, resident, begin, end = _span(value, where)
    return WindowEntry(resident, begin, end)


def _bed_window(value: object, where: str) -> BedWindowEntry:
    found, resident, begin, end = _span(value, where, "limit_min")
    limit_min = _count(1, LIMIT_MIN_MAX)(found.get("limit_min", LIMIT_MIN), f"{where}.limit_min")
    return BedWindowEntry(resident, begin, end, limit_min)


def _line_window(value: object, where: str) -> Window:
    if not isinstance(value, dict):
        raise RejectError(where, 'must be a table like { from = "22:00", to = "07:00" }')
    known = ("from", "to", "weekdays")
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(known)}")
    begin, end = (_minute(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    return Window(begin, end, _count(1, EVERY_DAY)(value.get("weekdays", EVERY_DAY), f"{where}.weekdays"))


def _lines(value: object, where: str) -> tuple[Line, ...]:
    """The lines of a plan, checked as if the room had every sensor."""
    found: tuple[Line, ...] = list_of(_line)(value, where)
    try:
        check(found)
    except PlanError as error:
        raise RejectError(f"{where.rpartition('.')[0]}.{error.field}", error.reason) from None
    return found


def _template(value: object, where: str) -> str:
    if value not in TEMPLATES:
        raise RejectError(where, "must be one of " + ", ".join(TEMPLATES))
    return text(value, where)


def _ground(value: object, where: str) -> str:
    if value not in set(Ground):
        raise RejectError(where, "must be one of " + ", ".join(Ground))
    return text(value, where)


def _round(value: object, where: str) -> RoundEntry:
    if not isinstance(value, dict):
        raise RejectError(where, "must be a table")
    known = ("at", "resident", "ward", "weekdays")
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(known)}")
    owners = [name for name in ("ward", "resident") if name in value]
    if len(owners) != 1:
        raise RejectError(where, "must name a ward or a resident")
    weekdays = _count(1, EVERY_DAY)(value.get("weekdays", EVERY_DAY), f"{where}.weekdays")
    owner = {owners[0]: _key(value[owners[0]], f"{where}.{owners[0]}")}
    return RoundEntry(_minute(value.get("at"), f"{where}.at"), weekdays=weekdays, **owner)


def _count(least: int, most: int) -> Callable[[object, str], int]:
    def read(value: object, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise RejectError(where, f"must be a whole number from {least} to {most}")
        return value

    return read


def _entries(item: Reader) -> Reader:
    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > ENTRIES_MAX:
            raise RejectError(where, f"must be at most {ENTRIES_MAX} tables [[{where.rpartition('.')[2]}]]")
        return tuple(item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read


_line = record(Line, {"windows": list_of(_line_window), "settings": map_of(whole)}, closed=True)
_plan: dict[str, Reader] = {
    "resident": _key,
    "lines": _lines,
    "template": _template,
    "dense_rounds_min": _count(DENSE_LEAST_MIN, DENSE_MOST_MIN),
    "startup_days": _count(0, 366),
}
_named: dict[str, Reader] = {"key": _key, "name": _filled}
_read = record(
    Seed,
    {
        "tenant": record(TenantEntry, {**_named, "time_zone": _zone}, closed=True),
        "ward": _entries(record(WardEntry, {**_named, "night_from": _minute, "night_to": _minute}, closed=True)),
        "room": _entries(record(RoomEntry, {"key": _key, "number": _filled}, closed=True)),
        "resident": _entries(record(ResidentEntry, _named, closed=True)),
        "gateway": _entries(record(GatewayEntry, _named, closed=True)),
        "device": _entries(
            record(DeviceEntry, {"address": _filled, "interval_s": _count(1, INTERVAL_S_MAX)}, closed=True)
        ),
        "door_window": _entries(_window),
        "bed_window": _entries(_bed_window),
        "plan": _entries(record(PlanEntry, _plan, closed=True)),
        "basis": _entries(
            record(
                BasisEntry,
                {"resident": _key, "kind": _ground, "review_days": _count(1, REVIEW_DAYS_MOST)},
                closed=True,
            )
        ),
        "round": _entries(_round),
        "staff": _entries(record(StaffEntry, {**_named, "initials": _filled, "wards": list_of(_key)}, closed=True)),
    },
    closed=True,
)


def load_seed(path: Path) -> Seed:
    """Read and check a seed file. Raises RejectError naming the entry and key that is wrong."""
    seed: Seed = _read(_toml(path), "seed")
    _consistent(seed)
    return seed


def load_lines(path: Path) -> tuple[Line, ...]:
    """The lines of one plan, from a file with the keys of a seed's `[[plan]]` but for whose it is."""
    plan: PlanEntry = record(PlanEntry, _plan, closed=True)({**_toml(path), "resident": "x"}, "plan")
    return (*TEMPLATES.get(plan.template, ()), *plan.lines)


def _toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise RejectError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RejectError(str(path), f"not TOML: {error}") from None


def _consistent(seed: Seed) -> None:
    wards = _unique("ward", (entry.key for entry in seed.ward))
    rooms = _unique("room", (entry.key for entry in seed.room))
    residents = _unique("resident", (entry.key for entry in seed.resident))
    gateways = _unique("gateway", (entry.key for entry in seed.gateway))
    _unique("device", (entry.address for entry in seed.device), "address")
    _unique("staff", (entry.key for entry in seed.staff))
    _known("room", "ward", (entry.ward for entry in seed.room), wards)
    _known("resident", "room", (entry.room or None for entry in seed.resident), rooms)
    _known("gateway", "ward", (entry.ward for entry in seed.gateway), wards)
    _known("device", "gateway", (entry.gateway or None for entry in seed.device), gateways)
    _known("device", "room", (entry.room or None for entry in seed.device), rooms)
    _known("door_window", "resident", (entry.resident for entry in seed.door_window), residents)
    _known("bed_window", "resident", (entry.resident for entry in seed.bed_window), residents)
    _known("plan", "resident", (entry.resident for entry in seed.plan), residents)
    _unique("plan", (entry.resident for entry in seed.plan), "resident")
    _known("basis", "resident", (entry.resident for entry in seed.basis), residents)
    _unique("basis", (entry.resident for entry in seed.basis), "resident")
    _known("round", "ward", (entry.ward or None for entry in seed.round), wards)
    _known("round", "resident", (entry.resident or None for entry in seed.round), residents)
    spans = (f"{entry.resident} {entry.from_minute} {entry.to_minute}" for entry in seed.bed_window)
    _unique("bed_window", spans, "resident")
    for index, entry in enumerate(seed.staff):
        _known(f"staff[{index}]", "wards", entry.wards, wards)


def _unique(table: str, keys: Iterable[str], name: str = "key") -> set[str]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            raise RejectError(f"seed.{table}[{index}].{name}", f"stands twice: {key}")
        seen.add(key)
    return seen


def _known(table: str, name: str, keys: Iterable[str | None], known: Collection[str]) -> None:
    for index, key in enumerate(keys):
        if key is not None and key not in known:
            raise RejectError(f"seed.{table}[{index}].{name}", f"unknown: {key}")
