"""What the API of a ward's lead takes and gives, strictly read. Serves arrow 9.

Owns the form of every body, for the reader and for the OpenAPI document alike. Must not know what is done with them.
Unknown keys are refused: whoever misspells a limit must hear of it, not be given the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nattevakt.central.admin.acts import Ground, Wish
from nattevakt.central.notify.routing import ROLES, SHIFTS, STEPS_MAX
from nattevakt.central.places.plan_lines import TEXT_MAX, Line, PlanError, read_lines
from nattevakt.central.rounds.limits import BOUNDS, Limits
from nattevakt.central.rounds.times import TIMES_MAX
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import DAY_MINUTES, EVERY_DAY
from nattevakt.edge.strict import Reader, list_of, record, whole

BODY = "body"


def _prose(value: object, where: str) -> str:
    """Text of several lines."""
    if not isinstance(value, str):
        raise RejectError(where, "must be text")
    if len(value) > TEXT_MAX:
        raise RejectError(where, f"longer than {TEXT_MAX} characters")
    if any((sign < " " and sign not in "\n\t") or "\ud800" <= sign <= "\udfff" or sign == "\x7f" for sign in value):
        raise RejectError(where, "holds a control character")
    return value


def _lines(value: object, _where: str) -> tuple[Line, ...]:
    return read_lines(value)


_ground = record(Ground, {"kind": _prose, "responsible": _prose}, closed=True)


@dataclass(frozen=True, slots=True)
class PlanBody:
    """A plan to be saved. expected_version: the one that was read, 0 where there is none."""

    expected_version: int
    lines: tuple[Line, ...]
    why: str
    handling: str = ""
    responsible: str = ""
    dense_rounds_min: int | None = None
    basis: Ground | None = None

    @property
    def wish(self) -> Wish:
        """As it is asked for."""
        text = (self.handling, self.responsible)
        return Wish(self.lines, *text, self.dense_rounds_min, self.why, self.expected_version, self.basis)


@dataclass(frozen=True, slots=True)
class TrialBody:
    """A plan to be tried."""

    lines: tuple[Line, ...]
    nights: int = 7


@dataclass(frozen=True, slots=True)
class PauseBody:
    """A pause. rule: none for the whole plan."""

    to_ms: int
    reason: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class StartBody:
    """The start-up period; nothing ends it."""

    startup_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class WhyBody:
    """A reason."""

    why: str


@dataclass(frozen=True, slots=True)
class ChainTestBody:
    """Whose chain is to be tested: one resident's, or those of all of a ward."""

    ward_id: int | None = None
    resident_id: int | None = None


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """Nothing more to say."""


@dataclass(frozen=True, slots=True)
class TimeBody:
    """One time of a round: minutes since local midnight, and the sum of its weekdays."""

    minute: int
    weekdays: int = EVERY_DAY


@dataclass(frozen=True, slots=True)
class TimesBody:
    """The times of rounds, in place of all before; with none there are none, or those of the resident's ward."""

    times: tuple[TimeBody, ...]

    @property
    def plain(self) -> tuple[tuple[int, int], ...]:
        """As they are set."""
        return tuple((each.minute, each.weekdays) for each in self.times)


@dataclass(frozen=True, slots=True)
class LimitsBody:
    """A ward's limits, all of them: one that is left out would else be set back unsaid."""

    retry_min: int
    overdue_min: int
    spread_min: int
    dense_min: int

    @property
    def limits(self) -> Limits:
        """As they are set."""
        return Limits(self.retry_min, self.overdue_min, self.spread_min, self.dense_min)


@dataclass(frozen=True, slots=True)
class RoutingBody:
    """A routing document to be saved. expected_version: the one that was read, 0 where there is none."""

    expected_version: int
    why: str
    routing: object


@dataclass(frozen=True, slots=True)
class DutyBody:
    """A duty: for a ward, or a zone by its key, or with neither for the whole municipality."""

    staff_id: int
    role: str
    from_ms: int
    to_ms: int
    ward_id: int | None = None
    zone: str | None = None


def _as_it_is(value: object, _where: str) -> object:
    return value


def _within(least: int, most: int, unit: str) -> Reader:
    def read_number(value: object, where: str) -> int:
        found = whole(value, where)
        if not least <= found <= most:
            raise RejectError(where, f"must be {least} to {most}{unit}")
        return found

    return read_number


_time = record(
    TimeBody,
    {
        "minute": _within(0, DAY_MINUTES - 1, ", minutes since local midnight"),
        "weekdays": _within(1, EVERY_DAY, ", Monday 1 to Sunday 64"),
    },
    closed=True,
)


def _times(value: object, where: str) -> tuple[TimeBody, ...]:
    found: tuple[TimeBody, ...] = list_of(_time)(value, where)
    if len(found) > TIMES_MAX:
        raise RejectError(where, f"at most {TIMES_MAX} times: take some out")
    return found


_PROSE: Mapping[str, Reader] = dict.fromkeys(("why", "handling", "responsible", "reason", "rule"), _prose)
_PLAN: Mapping[str, Reader] = {**_PROSE, "lines": _lines, "basis": _ground, "dense_rounds_min": whole}
_READERS: Mapping[type, Reader] = {
    PlanBody: record(PlanBody, _PLAN, closed=True),
    TrialBody: record(TrialBody, {"lines": _lines}, closed=True),
    PauseBody: record(PauseBody, _PROSE, closed=True),
    StartBody: record(StartBody, closed=True),
    WhyBody: record(WhyBody, _PROSE, closed=True),
    EmptyBody: record(EmptyBody, closed=True),
    ChainTestBody: record(ChainTestBody, closed=True),
    RoutingBody: record(RoutingBody, {"why": _prose, "routing": _as_it_is}, closed=True),
    DutyBody: record(DutyBody, closed=True),
    Ground: _ground,
    TimesBody: record(TimesBody, {"times": _times}, closed=True),
    LimitsBody: record(LimitsBody, {name: _within(*ends, " minutes") for name, ends in BOUNDS.items()}, closed=True),
}


def read(kind: type[Any], body: object) -> Any:
    """A body of this kind. Raises RejectError with the field's path in the body."""
    try:
        return _READERS[kind](body, BODY)
    except PlanError:
        raise
    except RejectError as error:
        raise RejectError(error.field.removeprefix(f"{BODY}."), error.reason) from None


# --- the same for the OpenAPI document ------------------------------------------------------------------------

_INT = {"type": "integer"}
_TEXT = {"type": "string", "maxLength": TEXT_MAX}
_WINDOW = {
    "type": "object",
    "required": ["from_minute", "to_minute"],
    "additionalProperties": False,
    "properties": {
        "from_minute": {"type": "integer", "minimum": 0, "maximum": 1439},
        "to_minute": {"type": "integer", "minimum": 0, "maximum": 1439},
        "weekdays": {"type": "integer", "minimum": 1, "maximum": 127, "default": 127},
    },
}
_LINE = {
    "type": "object",
    "required": ["rule"],
    "additionalProperties": False,
    "properties": {
        "rule": {"type": "string"},
        "windows": {"type": "array", "items": _WINDOW},
        "settings": {"type": "object", "additionalProperties": _INT},
    },
}
_LINES = {"type": "array", "items": _LINE, "maxItems": 60}


def _schema(*required: str, **properties: object) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": properties}


_GROUND = _schema(
    *("kind", "from_ms", "review_ms", "responsible"),
    kind={"type": "string", "enum": ["samtykke", "vedtak_4_6_a"]},
    from_ms=_INT,
    review_ms=_INT,
    responsible=_TEXT,
)
_TIME = _schema(
    "minute",
    minute={"type": "integer", "minimum": 0, "maximum": DAY_MINUTES - 1},
    weekdays={"type": "integer", "minimum": 1, "maximum": EVERY_DAY, "default": EVERY_DAY},
)
_KEYS = {"type": "array", "items": _TEXT}
_STEP = _schema("to", to={**_KEYS, "minItems": 1}, after_s={"type": "integer", "minimum": 0, "maximum": 3600})
_ROUTING = _schema(
    zones={"type": "array", "items": _schema("key", "name", "wards", key=_TEXT, name=_TEXT, wards=_KEYS)},
    teams={"type": "array", "items": _schema("key", "name", "staff", key=_TEXT, name=_TEXT, staff=_KEYS)},
    chains={
        "type": "array",
        "items": _schema(
            *("key", "name", "steps"),
            key=_TEXT,
            name=_TEXT,
            steps={"type": "array", "items": _STEP, "minItems": 1, "maxItems": STEPS_MAX},
            repeat_s={"type": "integer", "minimum": 0, "maximum": 3600, "default": 300},
        ),
    },
    routes={
        "type": "array",
        "items": _schema(
            "chain",
            chain=_TEXT,
            kinds=_KEYS,
            priorities={"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}},
            wards=_KEYS,
            zones=_KEYS,
            shifts={"type": "array", "items": {"type": "string", "enum": list(SHIFTS)}},
        ),
    },
)
SCHEMAS: Mapping[type, dict[str, Any]] = {
    PlanBody: _schema(
        *("expected_version", "lines", "why"),
        expected_version={"type": "integer", "minimum": 0},
        lines=_LINES,
        why=_TEXT,
        handling=_TEXT,
        responsible=_TEXT,
        dense_rounds_min={"type": ["integer", "null"], "minimum": 15, "maximum": 720},
        basis={"anyOf": [_GROUND, {"type": "null"}]},
    ),
    TrialBody: _schema("lines", lines=_LINES, nights={"type": "integer", "minimum": 1, "maximum": 60, "default": 7}),
    PauseBody: _schema("to_ms", "reason", to_ms=_INT, reason=_TEXT, rule={"type": ["string", "null"]}),
    StartBody: _schema(startup_to_ms={"type": ["integer", "null"]}),
    WhyBody: _schema("why", why=_TEXT),
    EmptyBody: _schema(),
    RoutingBody: _schema(
        *("expected_version", "why", "routing"),
        expected_version={"type": "integer", "minimum": 0},
        why=_TEXT,
        routing=_ROUTING,
    ),
    DutyBody: _schema(
        *("staff_id", "role", "from_ms", "to_ms"),
        staff_id=_INT,
        role={"type": "string", "enum": list(ROLES)},
        from_ms=_INT,
        to_ms=_INT,
        ward_id={"type": ["integer", "null"]},
        zone={"type": ["string", "null"]},
    ),
    ChainTestBody: _schema(ward_id={"type": ["integer", "null"]}, resident_id={"type": ["integer", "null"]}),
    Ground: _GROUND,
    TimesBody: _schema("times", times={"type": "array", "items": _TIME, "maxItems": TIMES_MAX}),
    LimitsBody: _schema(
        *BOUNDS,
        **{name: {"type": "integer", "minimum": least, "maximum": most} for name, (least, most) in BOUNDS.items()},
    ),
}
EXAMPLES: Mapping[type, dict[str, Any]] = {
    PlanBody: {
        "expected_version": 3,
        "lines": [
            {
                "rule": "not_back_in_bed",
                "windows": [{"from_minute": 1320, "to_minute": 420, "weekdays": 127}],
                "settings": {"limit_min": 20},
            }
        ],
        "handling": "Følg til toalettet og tilbake.",
        "responsible": "Kari N.",
        "dense_rounds_min": 60,
        "why": "20 minutter ga færre unødige alarmer",
    },
    TrialBody: {
        "lines": [{"rule": "not_back_in_bed", "windows": [{"from_minute": 1320, "to_minute": 420}]}],
        "nights": 7,
    },
    PauseBody: {"to_ms": 1795240800000, "reason": "På besøk hos datteren", "rule": None},
    StartBody: {"startup_to_ms": 1796421600000},
    WhyBody: {"why": "Flyttet til sykehjem"},
    EmptyBody: {},
    ChainTestBody: {"ward_id": 2},
    RoutingBody: {
        "expected_version": 0,
        "why": "Natten har færre folk",
        "routing": {
            "zones": [{"key": "nord", "name": "Nord", "wards": ["a", "b"]}],
            "chains": [
                {
                    "key": "natt",
                    "name": "Natt",
                    "steps": [
                        {"to": ["tablets:zone"], "after_s": 0},
                        {"to": ["duty:vakt"], "after_s": 60},
                        {"to": ["tablets:all", "duty:*", "siren"], "after_s": 60},
                    ],
                    "repeat_s": 300,
                }
            ],
            "routes": [{"chain": "natt", "shifts": ["night"], "priorities": [1, 2]}],
        },
    },
    DutyBody: {"staff_id": 4, "role": "vakt", "from_ms": 1795298400000, "to_ms": 1795330800000, "ward_id": 1},
    Ground: {"kind": "samtykke", "from_ms": 1795212000000, "review_ms": 1810764000000, "responsible": "Kari N."},
    TimesBody: {"times": [{"minute": 1380, "weekdays": 127}, {"minute": 120}, {"minute": 300}]},
    LimitsBody: {"retry_min": 10, "overdue_min": 30, "spread_min": 15, "dense_min": 60},
}
