"""A small ward and its gateways, for tests that speak the wire's language to the centre's functions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select

from nattevakt.central import credentials
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import Sender, receive
from nattevakt.central.probe import Probe, silent
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
    WindowEntry,
)
from nattevakt.central.supervision import RULES, Rule
from nattevakt.central.tables import alarms, gateways
from nattevakt.edge.events import Body, Call, Event, EventId, Moment, Urgency
from nattevakt.edge.wire import (
    BatchReply,
    CompleteTo,
    GatewayHealth,
    Heartbeat,
    HeartbeatReply,
    HeldStream,
    encode_batch,
    encode_event,
    encode_message,
    event_line,
)

NOON_MS = 1_795_212_000_000
BUTTON = "test:button"
DOOR = "test:door"
BED = "test:bed"
LEAK = "test:leak"
LOOSE = "test:loose"
BOOT = "boot-1"
BOOTED_MS = NOON_MS - 3_600_000
S1, S2, S3 = "1" * 32, "2" * 32, "3" * 32


class Clock:
    """A service clock in the test's hand."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.at_ms = now_ms
        self.real_s = 0.0

    def now_ms(self) -> int:
        """Where it stands."""
        return self.at_ms

    def monotonic(self) -> float:
        """Real seconds, as far as this test is concerned."""
        return self.real_s

    def real_ms(self) -> int:
        """People live as fast as the service."""
        return self.at_ms

    def pace(self) -> float:
        """Nothing is sped up."""
        return 1.0

    def speed(self) -> float | None:
        """No demo."""
        return None


SEED = Seed(
    TenantEntry("furutun", "Furutun"),
    (WardEntry("a", "Avdeling A"), WardEntry("b", "Avdeling B")),
    (RoomEntry("201", "a", "201"), RoomEntry("202", "b", "202")),
    (ResidentEntry("r1", "Prøve En", "201"), ResidentEntry("r2", "Prøve To", "202")),
    (GatewayEntry("gw1", "Loftet", "a"), GatewayEntry("gw2", "Kjelleren", "a")),
    (
        DeviceEntry(BUTTON, room="201", spot="bad"),
        DeviceEntry(DOOR, room="202", spot="inngangsdør"),
        DeviceEntry(BED, room="202", spot="seng"),
        DeviceEntry(LEAK, room="201", spot="kjøkken"),
    ),
    (WindowEntry("r2", 0, 0),),
    (
        StaffEntry("kari", "Kari N.", "KN", wards=("a", "b"), lead=True),
        StaffEntry("per", "Per A.", "PA", wards=("a", "b")),
    ),
)


def moment(at_ms: int, *, boot: str = BOOT, synced: bool = True) -> Moment:
    """The gateway's clocks at a true moment, in a boot that began an hour before the test."""
    return Moment(boot, at_ms - BOOTED_MS, at_ms, synced)


def press(device: str = BUTTON) -> Call:
    """A press of a call button."""
    return Call(device, "press")


def line(
    stream: str, seq: int, body: Body, at: Moment, since: Moment | None = None, declared: Urgency | None = None
) -> bytes:
    """One event's line as a gateway sends it."""
    return event_line(EventId(stream, seq), encode_event(Event(body, at, since, declared)))


@dataclass
class Gate:
    """One gateway as the centre sees it: it sends lines and heartbeats."""

    db: Database
    clock: Clock
    sender: Sender
    firsts: dict[str, int] = field(default_factory=dict)
    beat_ms: int = 0
    """When the last heartbeat was sent."""

    def beats_at(self) -> Moment:
        """When a heartbeat is sent: now, but no two at the same moment, for that would be one that came twice. A clock
        that a test sets back by hours is believed."""
        again = 0 <= self.beat_ms - self.clock.at_ms < 60_000
        self.beat_ms = self.beat_ms + 1 if again else self.clock.at_ms
        return moment(self.beat_ms)

    def send(
        self,
        *lines: bytes,
        firsts: dict[str, int] | None = None,
        probe: Probe = silent,
        rules: Sequence[Rule] = RULES,
        sent: Moment | None = None,
        pace: float = 1.0,
    ) -> BatchReply:
        """Deliver a batch of lines."""
        body = encode_batch(sent or moment(self.clock.at_ms), self.firsts if firsts is None else firsts, lines)
        return receive(self.db, self.sender, body, self.clock.at_ms, probe, rules, pace)

    def tell(self, seq: int, body: Body, *, stream: str = S1, at_ms: int | None = None, **more: Any) -> BatchReply:
        """Deliver one event that happened now, or at a given moment."""
        return self.send(line(stream, seq, body, moment(at_ms if at_ms is not None else self.clock.at_ms)), **more)

    def beat(
        self,
        stream: str = S1,
        *held: HeldStream,
        faults: tuple[str, ...] = (),
        heard: dict[str, int] | None = None,
        complete_to: CompleteTo | None = None,
        sent: Moment | None = None,
    ) -> HeartbeatReply:
        """Deliver a heartbeat."""
        health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True, faults=faults)
        heartbeat = Heartbeat(sent or self.beats_at(), stream, held, complete_to, health, heard or {})
        return beat(self.db, self.sender, encode_message(heartbeat), self.clock.at_ms)


@dataclass
class House:
    """One tenant with two gateways."""

    db: Database
    clock: Clock
    tenant: Tenant
    gates: tuple[Gate, Gate]
    tokens: tuple[str, ...]

    @property
    def gate(self) -> Gate:
        """The first gateway."""
        return self.gates[0]

    def rows(self, table: Table) -> list[Any]:
        """All of this tenant's rows, by key."""
        with self.db.read(self.tenant.id) as s:
            key = list(table.primary_key.columns)
            return list(s.execute(select(table).where(table.c.tenant_id == TENANT).order_by(*key)).all())

    def alarms(self, kind: str = "") -> list[Any]:
        """All alarms, or those of one kind."""
        return [row for row in self.rows(alarms) if not kind or row.kind == kind]

    def id_of(self, table: Table, key: str) -> int:
        """The id of the row with this key."""
        return next(int(row.id) for row in self.rows(table) if row.key == key)


_numbers = itertools.count()


def build(db: Database, clock: Clock, key: str = "furutun") -> House:
    """Seed a tenant and prove its gateways."""
    seed = Seed(
        TenantEntry(key, key),
        SEED.ward,
        SEED.room,
        SEED.resident,
        SEED.gateway,
        SEED.device,
        SEED.door_window,
        SEED.staff,
    )
    said = apply_seed(db, seed, clock.at_ms)
    tokens = tuple(entry.rpartition(" ")[2] for entry in said if " nv1." in entry)
    tenant = db.tenant(key)
    assert tenant is not None
    with db.read(tenant.id) as s:
        ids = list(
            s.execute(select(gateways.c.id).where(gateways.c.tenant_id == TENANT).order_by(gateways.c.id)).scalars()
        )
    gates = [
        Gate(db, clock, Sender(tenant, number, credentials.digest(token)), {S1: 1})
        for number, token in zip(ids, tokens, strict=True)
    ]
    return House(db, clock, tenant, (gates[0], gates[1]), tokens)
