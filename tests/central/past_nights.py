"""A resident's days and nights through the real ingest, sweep and register, with staff who answer. Tests only.

Time goes from event to event, to whatever is due, and to whatever the staff do next; everything is delivered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import select, text

from nattevakt.central import credentials, sweep
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import IllegalMove, State
from nattevakt.central.alarms.requests import Act, SomeoneFirst
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.ingest import Sender
from nattevakt.central.past import STAFF_MIN
from nattevakt.central.places import bases, plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import (
    DeviceEntry,
    GatewayEntry,
    ResidentEntry,
    RoomEntry,
    Seed,
    StaffEntry,
    TenantEntry,
    WardEntry,
)
from nattevakt.central.tables import alarms, gateways, residents, staff, transitions
from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence, Wet
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.wire import CompleteTo
from tests.central.house import S1, Clock, Gate, line, moment

S, MIN, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
MAT, PIR, DOOR, BATH, CHAIR, SHEET = "p:mat", "p:pir", "p:door", "p:bath", "p:chair", "p:sheet"
BODIES: dict[str, Body] = {
    "in": Bed(MAT, occupied=True),
    "out": Bed(MAT, occupied=False),
    "moves": Motion(PIR),
    "bath": Presence(BATH, present=True),
    "bath_empty": Presence(BATH, present=False),
    "door": Contact(DOOR, open=True),
    "shut": Contact(DOOR, open=False),
    "sits": Chair(CHAIR, seated=True),
    "rises": Chair(CHAIR, seated=False),
    "wet": Wet(SHEET, wet=True),
    "dry": Wet(SHEET, wet=False),
}
NOON_MS = 1_795_345_200_000
"""2026-11-22 12:00 in Oslo."""
_RULES = ", ".join(f"'{rule.name}'" for rule in RULES if rule.planned)
_DUE = text(
    "SELECT min(CASE WHEN look_ms > wake_at_ms THEN look_ms ELSE wake_at_ms END) FROM wake_rows "  # noqa: S608 - ours
    f"WHERE tenant_id = :tenant AND rule IN ({_RULES})"
)


def ward(key: str) -> Seed:
    """A room with every sensor that a plan may lean on, and an empty room beside it."""
    return Seed(
        TenantEntry(key, key),
        (WardEntry("a", "Avdeling A"),),
        (RoomEntry("201", "a", "201"), RoomEntry("202", "a", "202")),
        (ResidentEntry("r1", "Prøve En", "201"), ResidentEntry("r2", "Prøve To")),
        (GatewayEntry("gw1", "Loftet", "a"),),
        (
            DeviceEntry(MAT, gateway="gw1", room="201", spot="seng"),
            DeviceEntry(PIR, gateway="gw1", room="201", spot="stue"),
            DeviceEntry(BATH, gateway="gw1", room="201", spot="bad"),
            DeviceEntry(DOOR, gateway="gw1", room="201", spot="inngangsdør"),
            DeviceEntry(CHAIR, gateway="gw1", room="201", spot="stol"),
            DeviceEntry(SHEET, gateway="gw1", room="201", spot="seng"),
        ),
        staff=(StaffEntry("kari", "Kari N.", "KN", wards=("a",)),),
    )


Cause = Callable[[str, int], tuple[str, str]]
"""From an alarm's kind and moment to the cause and action with which it is closed."""


def other(_kind: str, _at_ms: int) -> tuple[str, str]:
    """Nothing in particular."""
    return "annet", "tilsyn"


@dataclass
class Lived:
    """A ward and its past. comes: whether staff answer what rings, as those of a backtest do."""

    db: Database
    clock: Clock
    key: str = "furutun"
    comes: bool = True
    cause: Cause = other
    _seq: int = 0
    _answers: list[tuple[int, int, State]] = field(default_factory=list)
    _heard: int = 0

    def __post_init__(self) -> None:
        said = apply_seed(self.db, ward(self.key), self.clock.at_ms)
        token = next(entry.rpartition(" ")[2] for entry in said if " nv1." in entry)
        tenant = self.db.tenant(self.key)
        assert tenant is not None
        self.tenant: Tenant = tenant
        self.gate = Gate(
            self.db, self.clock, Sender(tenant, self.id_of(gateways, "gw1"), credentials.digest(token)), {S1: 1}
        )
        self.kari = self.id_of(staff, "kari")

    def id_of(self, table: object, key: str) -> int:
        """The id of the row with this key."""
        with self.db.read(self.tenant.id) as s:
            query = select(table.c.id).where(table.c.tenant_id == TENANT, table.c.key == key)  # type: ignore[attr-defined]
            return int(s.execute(query).scalar_one())

    def plan(self, *lines: Line, resident: str = "r1") -> int:
        """A plan with a basis for a resident; gives the resident's id."""
        number, now = self.id_of(residents, resident), self.clock.at_ms

        def work(s: TenantSession) -> None:
            known = plans.current(s, number)
            version = known.version if known is not None else 0
            plans.save(
                s, number, lines, why="prøve", staff_id=None, by_name="test", now_ms=now, expected_version=version
            )
            bases.give(s, number, "samtykke", now, now + 300 * DAY, "Kari", None, now)

        self.db.transact(self.tenant.id, work)
        return number

    def live(self, told: Iterable[tuple[int, str]], until_ms: int) -> None:
        """What happens, each at its moment, and all that follows from it."""
        for at_ms, what in told:
            self._pass(at_ms)
            self._seq += 1
            self.clock.at_ms = at_ms
            self.gate.send(line(S1, self._seq, BODIES[what], moment(at_ms)))
            self._hear()
        self._pass(until_ms)
        self.clock.at_ms = until_ms

    def _pass(self, to_ms: int) -> None:
        while True:
            with self.db.read(self.tenant.id) as s:
                due_ms = s.execute(_DUE).scalar()
            act_ms = self._answers[0][0] if self._answers else None
            first = min((ms for ms in (due_ms, act_ms) if ms is not None), default=to_ms)
            if first >= to_ms:
                return
            if first == act_ms:
                self.clock.at_ms = max(first, self.clock.at_ms)
                self._act(*self._answers.pop(0)[1:])
            else:
                # The deadline is judged once all before it, and it itself, is known.
                self.clock.at_ms = max(first + 1, self.clock.at_ms)
                self.gate.beat(complete_to=CompleteTo(moment(self.clock.at_ms), {S1: self._seq} if self._seq else {}))
                assert sweep.cycle(self.db, self.tenant, self.clock.at_ms)
                self._hear()

    def _hear(self) -> None:
        """Whatever has sounded is answered."""
        if not self.comes:
            return
        with self.db.read(self.tenant.id) as s:
            query = (
                select(transitions.c.id, transitions.c.alarm_id, transitions.c.at_ms)
                .where(
                    transitions.c.tenant_id == TENANT,
                    transitions.c.id > self._heard,
                    transitions.c.cause.in_(("raise", "sound")),
                )
                .order_by(transitions.c.id)
            )
            rows = s.execute(query).all()
        for row in rows:
            self._heard = row.id
            states = (State.TAKEN, State.ON_SITE, State.CLOSED)
            self._answers += [
                (row.at_ms + minutes * MIN, row.alarm_id, state)
                for minutes, state in zip(STAFF_MIN, states, strict=True)
            ]
        self._answers.sort(key=lambda answer: answer[0])

    def _act(self, alarm_id: int, to: State) -> None:
        def tap(s: TenantSession) -> None:
            row = register.by_id(s, alarm_id)
            assert row is not None
            cause, action = self.cause(row.kind, row.raised_ms) if to is State.CLOSED else ("", "")
            key = f"{alarm_id}-{to}-{self.clock.at_ms}"
            with suppress(IllegalMove, SomeoneFirst):
                register.act(s, Act(alarm_id, to, self.kari, None, key, cause, action), self.clock.at_ms)

        self.db.transact(self.tenant.id, tap)

    def rows(self) -> Sequence[object]:
        """All alarms."""
        with self.db.read(self.tenant.id) as s:
            return s.execute(select(alarms).where(alarms.c.tenant_id == TENANT).order_by(alarms.c.id)).all()


def at(day: int, clock: str) -> int:
    """A moment of the test's days: day 0 is 2026-11-22; clock in local time, winter."""
    hours, minutes = clock.split(":")
    return NOON_MS - 12 * HOUR + day * DAY + int(hours) * HOUR + int(minutes) * MIN
