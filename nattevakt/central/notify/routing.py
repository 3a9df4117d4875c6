"""The routing document (varslingsplan): zones, teams, chains of steps, and which alarm goes which way. Serves arrow 9.

Owns the form of the document, its checks, the default where a municipality has written none, and which chain an alarm
goes. Must not know where documents are kept, who is on duty, or how a notice travels. Pure.

Whatever a document leaves out, an alarm has a chain: the built-in one. Delays: 90 s a step is what a night round of one
corridor takes; both products whose steps are known count in minutes (domain.md 3.2).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.strict import list_of, record

STEP_S = 90
REPEAT_S = 300
STEP_LEAST_S, STEP_MOST_S = 5, 3_600
REPEAT_LEAST_S, REPEAT_MOST_S = 60, 3_600
STEPS_MAX = 12
SHIFTS = ("day", "evening", "night")
ROLES = ("vakt", "sykepleier", "ansvarlig", "teknisk")
"""What somebody can be on duty as (codes; the words are in the message catalogue)."""
ANY_ROLE = "*"
TABLETS = ("ward", "zone", "all")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""A telephone number with its country, as the networks write it (E.164)."""


class RoutingError(RejectError):
    """A routing document that cannot be. code: what is wrong, for a page to say; named: what the sentence names."""

    def __init__(self, field: str, reason: str, code: str, named: str = "") -> None:
        super().__init__(field, reason)
        self.code = code
        self.named = named


@dataclass(frozen=True, slots=True)
class Zone:
    """Wards that help each other."""

    key: str
    name: str
    wards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """People who are told whoever is on duty."""

    key: str
    name: str
    staff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told, so many seconds after the step before; of the first one nothing is waited for."""

    to: tuple[str, ...]
    after_s: int = STEP_S


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps in their order. repeat_s: the last one is taken again each so many seconds, 0: it is not."""

    key: str
    name: str
    steps: tuple[Step, ...]
    repeat_s: int = REPEAT_S


@dataclass(frozen=True, slots=True)
class Route:
    """Alarms for which all that is said here holds go this chain; what is left empty holds for all."""

    chain: str
    kinds: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    wards: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """One document."""

    zones: tuple[Zone, ...] = ()
    teams: tuple[Team, ...] = ()
    chains: tuple[Chain, ...] = ()
    routes: tuple[Route, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found

    def zone_of(self, ward: str) -> Zone | None:
        """The zone that a ward is in."""
        return next((zone for zone in self.zones if ward in zone.wards), None)


STANDARD = Chain(
    "standard",
    "Standard",
    (
        Step(("tablets:ward",), 0),
        Step(("tablets:all", f"duty:{ANY_ROLE}")),
        Step(("tablets:all", f"duty:{ANY_ROLE}", "siren")),
    ),
)
"""Of every alarm that no route takes: its ward, then all who are there, then what cannot be ignored, over and over."""
QUIET = Chain("quiet", "Stille", (Step(("tablets:ward",), 0),), 0)
"""Of low priority: it waits on its ward's tablets. Nobody is fetched from another ward for a battery."""
BUILT_IN = Routing(
    chains=(STANDARD, QUIET), routes=(Route(QUIET.key, priorities=(int(Priority.LOW),)), Route(STANDARD.key))
)
"""Where a municipality has written none."""


def chain_of(routing: Routing, kind: str, priority: int, ward: str, shift: str) -> Chain:
    """The chain of an alarm: of the first route that takes it; where none does, the built-in one. Never none."""
    zone = routing.zone_of(ward)
    chains = {chain.key: chain for chain in routing.chains}
    for route in routing.routes:
        asked = (
            (route.kinds, kind),
            (route.priorities, priority),
            (route.wards, ward),
            (route.zones, zone.key if zone is not None else ""),
            (route.shifts, shift),
        )
        if all(not wanted or value in wanted for wanted, value in asked):
            return chains[route.chain]
    return QUIET if priority >= Priority.LOW else STANDARD


def sha_of(routing: Routing) -> str:
    """The sum of a document: equal ones have equal sums."""
    written = json.dumps(routing.plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _whole(value: object, where: str) -> int:
    if type(value) is not int or not 0 <= value <= STEP_MOST_S:
        raise RejectError(where, f"must be a whole number from 0 to {STEP_MOST_S}")
    return value


_step = record(Step, {"after_s": _whole}, closed=True)
_document = record(
    Routing,
    {
        "zones": list_of(record(Zone, closed=True)),
        "teams": list_of(record(Team, closed=True)),
        "chains": list_of(record(Chain, {"steps": list_of(_step), "repeat_s": _whole}, closed=True)),
        "routes": list_of(record(Route, {"priorities": list_of(_whole)}, closed=True)),
    },
    closed=True,
)


def read(plain: object) -> Routing:
    """A document from JSON. Raises RejectError naming the field where its form is wrong; `check` looks at the sense."""
    found: Routing = _document(plain, "routing")
    return found


def check_ways(routing: Routing) -> None:
    """Raise RoutingError for what would leave an alarm without a way, or with one that ends, whoever is named there."""
    chains = {chain.key: chain for chain in routing.chains}
    for number, chain in enumerate(routing.chains):
        _steps(f"chains[{number}]", chain)
    for number, route in enumerate(routing.routes):
        _leads(f"routes[{number}]", route, chains)


def check(routing: Routing, wards: Sequence[str], staff: Sequence[str], webhooks: Sequence[str] | None = None) -> None:
    """Raise RoutingError for what could leave an alarm with nobody, or names what is not there.

    wards, staff: the keys that there are. webhooks: those of the settings, None where nobody knows them here.
    """
    _unique("zones", [zone.key for zone in routing.zones])
    _unique("teams", [team.key for team in routing.teams])
    _unique("chains", [chain.key for chain in routing.chains])
    for number, zone in enumerate(routing.zones):
        _known(f"zones[{number}].wards", zone.wards, wards, "unknown_ward")
    _unique("zones.wards", [ward for zone in routing.zones for ward in zone.wards], "ward_in_two_zones")
    for number, team in enumerate(routing.teams):
        _known(f"teams[{number}].staff", team.staff, staff, "unknown_staff")
    check_ways(routing)
    for number, chain in enumerate(routing.chains):
        for place, step in enumerate(chain.steps):
            for target in step.to:
                _target(f"chains[{number}].steps[{place}].to", target, routing, webhooks)
    for number, route in enumerate(routing.routes):
        _route(f"routes[{number}]", route, routing, wards)


def _steps(where: str, chain: Chain) -> None:
    if not 1 <= len(chain.steps) <= STEPS_MAX:
        raise RoutingError(f"{where}.steps", f"must be 1 to {STEPS_MAX} steps", "steps", chain.name)
    if chain.repeat_s and not REPEAT_LEAST_S <= chain.repeat_s <= REPEAT_MOST_S:
        allowed = f"must be 0 or from {REPEAT_LEAST_S} to {REPEAT_MOST_S}"
        raise RoutingError(f"{where}.repeat_s", allowed, "repeat", chain.name)
    for number, step in enumerate(chain.steps):
        at = f"{where}.steps[{number}]"
        if number and not STEP_LEAST_S <= step.after_s <= STEP_MOST_S:
            allowed = f"must be from {STEP_LEAST_S} to {STEP_MOST_S}"
            raise RoutingError(f"{at}.after_s", allowed, "delay", chain.name)
        if not step.to:
            raise RoutingError(f"{at}.to", "names nobody", "empty_step", chain.name)


def _target(where: str, target: str, routing: Routing, webhooks: Sequence[str] | None) -> None:
    road, _, rest = target.partition(":")
    known: Mapping[str, bool] = {
        "tablets": rest in TABLETS,
        "duty": rest == ANY_ROLE or rest in ROLES,
        "team": any(team.key == rest for team in routing.teams),
        "phone": PHONE.fullmatch(rest) is not None,
        "webhook": bool(rest) if webhooks is None else rest in webhooks,
        "siren": rest == "",
    }
    if not known.get(road, False):
        raise RoutingError(where, f"is nobody that can be told: {target}", "unknown_target", target)


def _leads(where: str, route: Route, chains: Mapping[str, Chain]) -> None:
    chain = chains.get(route.chain)
    if chain is None:
        raise RoutingError(f"{where}.chain", f"unknown: {route.chain}", "unknown_chain", route.chain)
    if set(route.priorities) != {int(Priority.LOW)} and not chain.repeat_s:
        # An alarm that nobody takes must not come to an end of being told.
        reason = "more than low priority needs a chain that repeats its last step"
        raise RoutingError(f"{where}.chain", reason, "ends", chain.name)


def _route(where: str, route: Route, routing: Routing, wards: Sequence[str]) -> None:
    _known(f"{where}.kinds", route.kinds, tuple(KINDS), "unknown_kind")
    _known(f"{where}.priorities", route.priorities, tuple(int(one) for one in Priority), "unknown_priority")
    _known(f"{where}.wards", route.wards, wards, "unknown_ward")
    _known(f"{where}.zones", route.zones, tuple(zone.key for zone in routing.zones), "unknown_zone")
    _known(f"{where}.shifts", route.shifts, SHIFTS, "unknown_shift")


def _known(where: str, asked: Sequence[object], known: Sequence[object], code: str) -> None:
    for one in asked:
        if one not in known:
            raise RoutingError(where, f"unknown: {one}", code, str(one))


def _unique(where: str, keys: Sequence[str], code: str = "twice") -> None:
    for number, key in enumerate(keys):
        if code == "twice" and not _KEY.fullmatch(key):
            raise RoutingError(f"{where}.key", f"must be small letters, digits, - and _: {key}", "key", key)
        if key in keys[:number]:
            raise RoutingError(where, f"twice: {key}", code, key)
