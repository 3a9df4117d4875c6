"""The form of a seed file: a ward with its rooms, people and devices, as TOML. Serves every arrow of the centre.

Owns the keys, their checks and the references between entries. Must not know what is stored or how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nattevakt.central.notify.routing import Routing
from nattevakt.central.people.staff import phone_of
from nattevakt.central.places.bases import REVIEW_DAYS_MOST, Ground
from nattevakt.central.places.plan_lines import Line, PlanError, check
from nattevakt.central.places.plans import DENSE_LEAST_MIN, DENSE_MOST_MIN
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.central.seed_duty import DutyEntry, duty_of, routing_of
from nattevakt.central.seed_fields import count, entries, filled, key, known, load_toml, minute, unique, zone
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.not_back_in_bed import LIMIT_MIN
from nattevakt.edge.rules.windows import EVERY_DAY, NORWAY, Window
from nattevakt.edge.strict import Reader, list_of, map_of, record, text, whole

LIMIT_MIN_MAX = 240
INTERVAL_S_MAX = 7 * 86_400


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
    """A member of staff, the wards they may act on, and their PIN ("" leaves it as it is). lead: may change plans.
    phone: for text messages while on duty, "+4790000000"; "" leaves it as it is."""

    key: str
    name: str
    initials: str
    pin: str = ""
    wards: tuple[str, ...] = ()
    active: bool = True
    lead: bool = False
    phone: str = ""


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
    duty: tuple[DutyEntry, ...] = ()
    routing: Routing | None = None


def _span(value: object, where: str, *more: str) -> tuple[Mapping[str, object], str, int, int]:
    # "from" is a word of the language, so these cannot be read by their field names.
    if not isinstance(value, dict):
        raise RejectError(where, "must be a table")
    known = ("from", "resident", "to", *more)
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(sorted(known))}")
    begin, end = (minute(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    return value, key(value.get("resident"), f"{where}.resident"), begin, end


def _window(value: object, where: str) -> WindowEntry:
    _, resident, begin, end = _span(value, where)
    return WindowEntry(resident, begin, end)


def _bed_window(value: object, where: str) -> BedWindowEntry:
    found, resident, begin, end = _span(value, where, "limit_min")
    limit_min = count(1, LIMIT_MIN_MAX)(found.get("limit_min", LIMIT_MIN), f"{where}.limit_min")
    return BedWindowEntry(resident, begin, end, limit_min)


def _line_window(value: object, where: str) -> Window:
    if not isinstance(value, dict):
        raise RejectError(where, 'must be a table like { from = "22:00", to = "07:00" }')
    known = ("from", "to", "weekdays")
    if unknown := sorted(set(value) - set(known)):
        raise RejectError(f"{where}.{unknown[0]}", f"unknown key; known are {', '.join(known)}")
    begin, end = (minute(value.get(name), f"{where}.{name}") for name in ("from", "to"))
    return Window(begin, end, count(1, EVERY_DAY)(value.get("weekdays", EVERY_DAY), f"{where}.weekdays"))


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


def _phone(value: object, where: str) -> str:
    try:
        return phone_of(text(value, where)) or ""
    except RejectError as error:
        raise RejectError(where, error.reason) from None


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
    weekdays = count(1, EVERY_DAY)(value.get("weekdays", EVERY_DAY), f"{where}.weekdays")
    owner = {owners[0]: key(value[owners[0]], f"{where}.{owners[0]}")}
    return RoundEntry(minute(value.get("at"), f"{where}.at"), weekdays=weekdays, **owner)


_line = record(Line, {"windows": list_of(_line_window), "settings": map_of(whole)}, closed=True)
_plan: dict[str, Reader] = {
    "resident": key,
    "lines": _lines,
    "template": _template,
    "dense_rounds_min": count(DENSE_LEAST_MIN, DENSE_MOST_MIN),
    "startup_days": count(0, 366),
}
_named: dict[str, Reader] = {"key": key, "name": filled}
_staff: dict[str, Reader] = {**_named, "initials": filled, "wards": list_of(key), "phone": _phone}
_read = record(
    Seed,
    {
        "tenant": record(TenantEntry, {**_named, "time_zone": zone}, closed=True),
        "ward": entries(record(WardEntry, {**_named, "night_from": minute, "night_to": minute}, closed=True)),
        "room": entries(record(RoomEntry, {"key": key, "number": filled}, closed=True)),
        "resident": entries(record(ResidentEntry, _named, closed=True)),
        "gateway": entries(record(GatewayEntry, _named, closed=True)),
        "device": entries(
            record(DeviceEntry, {"address": filled, "interval_s": count(1, INTERVAL_S_MAX)}, closed=True)
        ),
        "door_window": entries(_window),
        "bed_window": entries(_bed_window),
        "plan": entries(record(PlanEntry, _plan, closed=True)),
        "basis": entries(
            record(
                BasisEntry,
                {"resident": key, "kind": _ground, "review_days": count(1, REVIEW_DAYS_MOST)},
                closed=True,
            )
        ),
        "round": entries(_round),
        "staff": entries(record(StaffEntry, _staff, closed=True)),
        "duty": entries(duty_of),
        "routing": routing_of,
    },
    closed=True,
)


def load_seed(path: Path) -> Seed:
    """Read and check a seed file. Raises RejectError naming the entry and key that is wrong."""
    seed: Seed = _read(load_toml(path), "seed")
    _consistent(seed)
    return seed


def load_lines(path: Path) -> tuple[Line, ...]:
    """The lines of one plan, from a file with the keys of a seed's `[[plan]]` but for whose it is."""
    plan: PlanEntry = record(PlanEntry, _plan, closed=True)({**load_toml(path), "resident": "x"}, "plan")
    return (*TEMPLATES.get(plan.template, ()), *plan.lines)


def _consistent(seed: Seed) -> None:
    wards = unique("ward", (entry.key for entry in seed.ward))
    rooms = unique("room", (entry.key for entry in seed.room))
    residents = unique("resident", (entry.key for entry in seed.resident))
    gateways = unique("gateway", (entry.key for entry in seed.gateway))
    unique("device", (entry.address for entry in seed.device), "address")
    unique("staff", (entry.key for entry in seed.staff))
    known("room", "ward", (entry.ward for entry in seed.room), wards)
    known("resident", "room", (entry.room or None for entry in seed.resident), rooms)
    known("gateway", "ward", (entry.ward for entry in seed.gateway), wards)
    known("device", "gateway", (entry.gateway or None for entry in seed.device), gateways)
    known("device", "room", (entry.room or None for entry in seed.device), rooms)
    known("door_window", "resident", (entry.resident for entry in seed.door_window), residents)
    known("bed_window", "resident", (entry.resident for entry in seed.bed_window), residents)
    known("plan", "resident", (entry.resident for entry in seed.plan), residents)
    unique("plan", (entry.resident for entry in seed.plan), "resident")
    known("basis", "resident", (entry.resident for entry in seed.basis), residents)
    unique("basis", (entry.resident for entry in seed.basis), "resident")
    known("round", "ward", (entry.ward or None for entry in seed.round), wards)
    known("round", "resident", (entry.resident or None for entry in seed.round), residents)
    spans = (f"{entry.resident} {entry.from_minute} {entry.to_minute}" for entry in seed.bed_window)
    unique("bed_window", spans, "resident")
    known("duty", "staff", (entry.staff for entry in seed.duty), {entry.key for entry in seed.staff})
    known("duty", "ward", (entry.ward or None for entry in seed.duty), wards)
    for index, entry in enumerate(seed.staff):
        known(f"staff[{index}]", "wards", entry.wards, wards)
