"""A real gateway core and the real centre in one process, with a link that can be cut and one clock. Tests only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from nattevakt.central import credentials, sweep
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import Sender, receive
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
from nattevakt.central.tables import gateways
from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.events import Moment
from nattevakt.edge.wire import encode_message
from nattevakt.edge.wire_plan import credential_key
from nattevakt.gateway import inputs as io
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import Now
from nattevakt.gateway.local_mode import LocalMode
from nattevakt.gateway.local_plan import PlanKept
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Sources
from tests.central.house import Clock
from tests.gateway.support import Streams, TinyDriver, outbox, said

BED, BUTTON = "tiny:bed", "tiny:button"
BOOTED_MS = 3_600_000
SEED = Seed(
    TenantEntry("furutun", "Furutun"),
    (WardEntry("a", "Avdeling A"),),
    (RoomEntry("201", "a", "201"),),
    (ResidentEntry("r1", "Prøve En", "201"),),
    (GatewayEntry("gw1", "Loftet", "a"),),
    (
        DeviceEntry(BED, gateway="gw1", room="201", spot="seng"),
        DeviceEntry(BUTTON, gateway="gw1", room="201", spot="bad"),
    ),
    bed_window=(BedWindowEntry("r1", 22 * 60, 7 * 60),),
)


class LocalHouse:
    """One ward with one gateway."""

    def __init__(self, db: Database, folder: Path, start_ms: int, clock: Clock | None = None) -> None:
        self.db, self.clock, self.folder = db, clock or Clock(start_ms), folder
        self.start_ms = start_ms
        (token,) = [entry.rpartition(" ")[2] for entry in apply_seed(db, SEED, start_ms) if " nv1." in entry]
        tenant = db.tenant("furutun")
        assert tenant is not None
        self.tenant = tenant
        (row,) = self.rows(gateways)
        self.sender = Sender(tenant, int(row.id), credentials.digest(token))
        self.token = token
        self.up = True
        self.swept_ms = 0
        self.boot = 1
        self.minted = Streams()
        self.local, self.core, self.box = self.start()

    def start(self) -> tuple[LocalMode, Core, Outbox]:
        """The agent begins, on the file that is there."""
        devices = (Device(BED, "X", Use.BED), Device(BUTTON, "X", Use.CALL))
        sources = Sources(devices, {"r0": ("tiny", TinyDriver())}, {})
        box = outbox(self.folder, self.minted)
        local = LocalMode(PlanKept(credential_key(self.token)), guard=guard)
        machine = Machine(self.folder, thermal=self.folder / "none")
        return local, Core(sources, box, machine, guard, lambda: 0.5, local=local), box

    def restart(self, *, boot: bool = False) -> None:
        """The agent ends and begins again, after a loss of power if asked."""
        self.box.close()
        self.boot += boot
        self.local, self.core, self.box = self.start()

    def now(self) -> Now:
        """The gateway's clocks."""
        boottime_ms = self.clock.at_ms - self.start_ms + BOOTED_MS
        return Now(Moment(f"boot-{self.boot}", boottime_ms, self.clock.at_ms, synced=True), self.clock.at_ms / 1000)

    def hears(self, address: str, **values: object) -> None:
        """A sensor says something."""
        self._turn([io.SerialBytes("r0", said(address, **values))])

    def _turn(self, given: Sequence[io.Input] = ()) -> None:
        todo: list[io.Input] = list(given)
        for _ in range(50):
            outputs = self.core.handle(todo, self.now())
            todo = [self._exchange(out) for out in outputs if isinstance(out, io.HttpSend)]
            if not todo:
                return
        raise AssertionError("the gateway never has enough")

    def _exchange(self, out: io.HttpSend) -> io.Input:
        if not self.up:
            return io.HttpFailed(out.lane, out.number, "connection")
        take: Any = receive if out.path == "/v1/batches" else beat
        return io.HttpReply(
            out.lane, out.number, 200, encode_message(take(self.db, self.sender, out.body, self.clock.at_ms))
        )

    def passes(self, minutes: float, step_s: int = 5) -> None:
        """Time goes by; both ends do what they do, and the centre sweeps every five seconds."""
        end_ms = self.clock.at_ms + round(minutes * 60_000)
        while self.clock.at_ms < end_ms:
            self.clock.at_ms = min(end_ms, self.clock.at_ms + step_s * 1000)
            self._turn()
            assert sweep.cycle(self.db, self.tenant, self.clock.at_ms)

    def rows(self, table: Table) -> list[Any]:
        """All rows, by key."""
        with self.db.read(self.tenant.id) as s:
            key = list(table.primary_key.columns)
            return list(s.execute(select(table).where(table.c.tenant_id == TENANT).order_by(*key)).all())
