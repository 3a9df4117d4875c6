"""One resident's night through the real ingest, heartbeat and sweep, delivered well or badly. Tests only.

Events happen at given moments. A `Delivery` says when each reaches the centre and when the centre is restarted; the
sweep looks whenever something is due, and at moments of the test's choosing. A gateway's claim of completeness is
always true: complete to just before the oldest event that has not been delivered.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from nattevakt.central import credentials, sweep
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import IllegalMove, State
from nattevakt.central.alarms.requests import Act, SomeoneFirst
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.ingest import Sender
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import (
    BedWindowEntry,
    DeviceEntry,
    GatewayEntry,
    ResidentEntry,
    RoomEntry,
    Seed,
    TenantEntry,
    WardEntry,
)
from nattevakt.central.tables import alarm_events, alarms, events, gateways, staff, streams, transitions
from nattevakt.edge.events import Bed, Body, Contact, Motion, device_of
from nattevakt.edge.rules.rule import UNCONFIRMED
from nattevakt.edge.wire import CompleteTo
from tests.central.house import S1, Clock, Gate, line, moment

MAT, PIR, DOOR = "night:mat", "night:pir", "night:door"
GATE_OF = {MAT: 0, PIR: 0, DOOR: 1}
MIN = 60_000
BODIES: Mapping[str, Body] = {
    "in": Bed(MAT, occupied=True),
    "out": Bed(MAT, occupied=False),
    "moves": Motion(PIR),
    "door": Contact(DOOR, open=True),
    "shut": Contact(DOOR, open=False),
}
_DUE = text(
    "SELECT min(CASE WHEN look_ms > wake_at_ms THEN look_ms ELSE wake_at_ms END) FROM wake_rows "
    "WHERE tenant_id = :tenant AND rule IN ('not_back_in_bed', 'arming')"
)


def ward(key: str) -> Seed:
    """A room with a bed, a bath and a door, heard through two gateways."""
    return Seed(
        TenantEntry(key, key),
        (WardEntry("a", "Avdeling A"),),
        (RoomEntry("201", "a", "201"),),
        (ResidentEntry("r1", "Prøve En", "201"),),
        (GatewayEntry("gw1", "Loftet", "a"), GatewayEntry("gw2", "Kjelleren", "a")),
        (
            DeviceEntry(MAT, gateway="gw1", room="201", spot="seng"),
            DeviceEntry(PIR, gateway="gw1", room="201", spot="bad"),
            DeviceEntry(DOOR, gateway="gw2", room="201", spot="dør"),
        ),
        bed_window=(BedWindowEntry("r1", 23 * 60, 7 * 60),),
    )


@dataclass(frozen=True)
class Happening:
    """One event. at_ms: when it happened."""

    at_ms: int
    what: str

    @property
    def gate(self) -> int:
        """Which gateway hears it."""
        return GATE_OF[device_of(BODIES[self.what]) or ""]


@dataclass
class Delivery:
    """How the events reach the centre. Times are real moments (ms).

    arrives: when each comes, at once where it is not said. again: which are sent once more, and when. sweeps: extra
    looks. restarts: when the centre is another process from then on. acts: what a person does with the bed's newest
    alarm, and when; nothing where there is none or it cannot be done.
    """

    arrives: Mapping[int, int] = field(default_factory=dict)
    again: Iterable[tuple[int, int]] = ()
    sweeps: Iterable[int] = ()
    restarts: Iterable[int] = ()
    acts: Iterable[tuple[int, State]] = ()


@dataclass(frozen=True)
class Found:
    """What became of a night. told: confirmed "not back" as it was said. open, cleared: alarms by their events."""

    open: frozenset[tuple[Any, ...]]
    cleared: Mapping[frozenset[tuple[int, int]], int]
    told: frozenset[tuple[Any, ...]]


class Ward:
    """A tenant of its own in a database."""

    def __init__(self, url: str, key: str, start_ms: int) -> None:
        self.url = url
        self.clock = Clock(start_ms)
        self.db = Database(url)
        said = apply_seed(self.db, ward(key), start_ms)
        tenant = self.db.tenant(key)
        assert tenant is not None
        self.tenant: Tenant = tenant
        tokens = [entry.rpartition(" ")[2] for entry in said if " nv1." in entry]
        with self.db.read(tenant.id) as s:
            query = select(gateways.c.id).where(gateways.c.tenant_id == TENANT).order_by(gateways.c.id)
            ids = [int(number) for number in s.execute(query).scalars()]
        self.gates = [
            Gate(self.db, self.clock, Sender(tenant, number, credentials.digest(token)), {S1: 1})
            for number, token in zip(ids, tokens, strict=True)
        ]

    def close(self) -> None:
        """Let the database go."""
        self.db.close()

    def restart(self) -> None:
        """The same data, another process."""
        self.db.close()
        self.db = Database(self.url)
        for gate in self.gates:
            gate.db = self.db

    def live(self, night: Sequence[Happening], delivery: Delivery, end_ms: int) -> None:
        """Let it all happen, in the order in which it reaches the centre."""
        seqs = _numbered(night)
        arrives = {index: delivery.arrives.get(index, entry.at_ms) for index, entry in enumerate(night)}
        todo: list[tuple[int, int, str, int]] = [(at, 1, "deliver", index) for index, at in arrives.items()]
        todo += [(max(at, arrives[index] + 1), 2, "deliver", index) for index, at in delivery.again]
        todo += [(at, 3, "sweep", 0) for at in delivery.sweeps] + [(at, 0, "restart", 0) for at in delivery.restarts]
        acts = dict(delivery.acts)
        todo += [(at, 4, "act", at) for at in acts]
        for at_ms, _, act, index in [*sorted(todo), (end_ms, 5, "sweep", 0)]:
            self._pass_time(at_ms, night, arrives, seqs)
            if act == "deliver":
                entry = night[index]
                gate = self.gates[entry.gate]
                gate.send(line(S1, seqs[index], BODIES[entry.what], moment(entry.at_ms)))
            elif act == "restart":
                self.restart()
            elif act == "act":
                self.act(acts[index])
            else:
                self._sweep(night, arrives, seqs)

    def act(self, to: State) -> None:
        """A person's tap on the bed's newest alarm."""

        def tap(s: TenantSession) -> None:
            mine = select(alarms.c.id).where(alarms.c.tenant_id == TENANT, alarms.c.rule == "not_back_in_bed")
            alarm_id = max(s.execute(mine).scalars(), default=None)
            if alarm_id is None:
                return
            if (who := s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT)).scalar()) is None:
                who = s.insert(staff, key="kari", name="Kari N.", initials="KN", active=True)
            wish = Act(alarm_id, to, who, None, f"tap-{self.clock.at_ms}", "annet", "tilsyn")
            with suppress(IllegalMove, SomeoneFirst):
                register.act(s, wish, self.clock.at_ms)

        self.db.transact(self.tenant.id, tap)

    def _pass_time(
        self, to_ms: int, night: Sequence[Happening], arrives: Mapping[int, int], seqs: Mapping[int, int]
    ) -> None:
        """Look whenever something is due until then."""
        while True:
            with self.db.read(self.tenant.id) as s:
                due_ms = s.execute(_DUE).scalar()
            if due_ms is None or max(due_ms, self.clock.at_ms) >= to_ms:
                break
            # A row that is still due after a look is looked at again with the next heartbeat.
            self.clock.at_ms = max(due_ms, self.clock.at_ms + 15_000) if due_ms <= self.clock.at_ms else due_ms
            self._sweep(night, arrives, seqs)
        self.clock.at_ms = max(self.clock.at_ms, to_ms)

    def _sweep(self, night: Sequence[Happening], arrives: Mapping[int, int], seqs: Mapping[int, int]) -> None:
        now = self.clock.at_ms
        for number, gate in enumerate(self.gates):
            mine = [index for index, entry in enumerate(night) if entry.gate == number]
            held = [index for index in mine if arrives[index] <= now]
            missing = [night[index].at_ms for index in mine if night[index].at_ms <= now < arrives[index]]
            before_ms = min(missing, default=now)
            known = max((seqs[index] for index in held if night[index].at_ms < before_ms), default=0)
            gate.beat(complete_to=CompleteTo(moment(before_ms), {S1: known} if known else {}))
        assert sweep.cycle(self.db, self.tenant, now)

    def found(self) -> Found:
        """The alarms of the bed, by the events that they hold."""
        with self.db.read(self.tenant.id) as s:
            rows = {
                table.name: s.execute(select(table).where(table.c.tenant_id == TENANT)).all()
                for table in (alarms, alarm_events, transitions, streams, events)
            }
        first = {row.id: row.gateway_id for row in rows["streams"]}
        beds = [row for row in rows["alarms"] if row.rule == "not_back_in_bed"]
        holds = {
            alarm.id: frozenset(
                (self._gate(first[row.stream_id]), row.seq) for row in rows["alarm_events"] if row.alarm_id == alarm.id
            )
            for alarm in beds
        }
        told = {
            (row.detail["reason"], tuple(sorted(row.detail["params"].items())))
            for row in rows["transitions"]
            if row.alarm_id in holds and row.cause in ("raise", "sound", "join")
        }
        return Found(
            frozenset(
                (row.kind, row.reason_code, tuple(sorted(row.reason_params.items())), row.sound_seq > 0, holds[row.id])
                for row in beds
                if row.closed_ms is None
            ),
            {holds[row.id]: row.closed_ms - row.raised_ms for row in beds if row.closed_ms is not None},
            frozenset(entry for entry in told if not entry[0].endswith(UNCONFIRMED)),
        )

    def _gate(self, gateway_id: int) -> int:
        return [gate.sender.gateway_id for gate in self.gates].index(gateway_id)


def _numbered(night: Sequence[Happening]) -> dict[int, int]:
    """The sequence number of each event in its gateway's stream."""
    counted = [0, 0]
    found = {}
    for index, entry in enumerate(night):
        counted[entry.gate] += 1
        found[index] = counted[entry.gate]
    return found


def copied(template: Path, folder: Path, number: int) -> str:
    """A fresh copy of an empty SQLite database."""
    path = folder / f"night-{number}.sqlite"
    shutil.copy(template, path)
    return f"sqlite:///{path}"
