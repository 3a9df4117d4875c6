"""The centre in virtual time: real ingest, heartbeats, sweep and register on a real SQLite file. Serves arrows 6 to 8.

Owns what the HTTP service owns in production: whose turn it is, what a status says, when the sweep runs. Must not
decide anything about alarms. Its workings (rules, handlers, the sweep itself) are arguments, so that a broken twin of
a scenario can be played with one of them broken and nothing patched.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event

from nattevakt.central import credentials, migrate, sweep, wake_handlers
from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import Act, Acted
from nattevakt.central.api import Refusal, refused
from nattevakt.central.credentials import Gatekeeper
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import Revoked, Sender, StaleCredential, receive
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import Seed
from nattevakt.central.supervision import RULES, Rule
from nattevakt.central.wake_handlers import Handler
from nattevakt.edge.errors import NattevaktError, RetryError
from nattevakt.edge.wire import ACCEPT_BYTES_MAX, encode_message
from nattevakt.gateway.inputs import URGENT, HttpSend
from nattevakt.gateway.uplink import HEARTBEATS
from nattevakt.sim.clock import CentreClock, Timeline
from nattevakt.sim.network import Answer, Answered
from nattevakt.sim.power import Disk, Fuse, PowerCut, survives
from nattevakt.sim.storage import Storage

T = TypeVar("T")
PERMIT_WAIT_MS = 1_000
RESTART_MS = 3_000
LOCKED_MS = 4_000
"""So long a writer waits for its turn before it is told to come again."""

IDLE_MS = 20_000
"""So long sweeps with nothing to do may be jumped over: shorter than whatever takes a silent sweep for a dead one."""
_DUE = (
    "SELECT 1 FROM wake_rows WHERE wake_at_ms <= ? AND (look_ms IS NULL OR look_ms <= ?) AND rule <> 'canary' LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Workings:
    """The parts of the centre that a broken twin may break. busy_ms, busy_per_kb_ms: how long one request keeps the
    database. urgent_first: class A needs no permit and backlog does; else all wait in one queue. idle_sweeps: every
    sweep is played; without, time jumps over those that would find nothing due, as long as nobody would miss them."""

    rules: Sequence[Rule] = RULES
    handlers: Mapping[str, Handler] = field(default_factory=lambda: wake_handlers.HANDLERS)
    sweeps: bool = True
    sweep_every_ms: int = sweep.EVERY_MS
    idle_sweeps: bool = True
    urgent_first: bool = True
    busy_ms: int = 4
    busy_per_kb_ms: float = 1.0


class Stock:
    """A migrated, empty database, made once and copied for each centre that wants one."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "empty.sqlite"

    def fresh(self, path: Path) -> None:
        """Put an empty database at this path."""
        if not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            migrate.make_ready(f"sqlite:///{self._file}")
        shutil.copyfile(self._file, path)


class Centre:
    """One central process. It is off until `start`. changed: called after work that changed what tablets show. held:
    for how many reasons it is kept off. slow_ms: so much longer each request and sweep keeps the database. locked: for
    how many reasons another program holds the database."""

    def __init__(
        self,
        folder: Path,
        stock: Stock,
        line: Timeline,
        clock: CentreClock,
        workings: Workings,
        changed: Callable[[], None],
    ) -> None:
        self.workings = workings
        self._disk = Disk(folder, "central.sqlite")
        self.fuse = Fuse(self._disk.hold)
        self.storage = Storage(self._disk, self.fuse)
        self.held = 0
        self.slow_ms = 0
        self.locked = 0
        self.put_off = 0
        """Sweeps that found no database."""
        self.lives = 0
        self.works = 0
        """How many pieces of work it has done: requests, sweeps, acts, changes."""
        self.restores = 0
        """How often its disk was put back to an older copy of itself."""
        self.statuses: dict[int, int] = {}
        """How often each status was answered."""
        self.clock = clock
        self._line = line
        self._clock = clock
        self._changed = changed
        self._dirty = False
        self._db: Database | None = None
        self._gatekeeper: Gatekeeper | None = None
        self._tenant: Tenant | None = None
        self._clockwork: sqlite3.Connection | None = None
        self._judged = False
        """Whether all that was stored was there already at the last sweep."""
        self._swept = False
        """Whether the last sweep was played, or jumped over."""
        self._swept_ms = 0
        self._free_ms = 0
        self._permit_ms = 0
        self._pending: list[Answered] = []
        stock.fresh(self._disk.path)

    # --- power -----------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether it takes connections."""
        return self._db is not None

    @property
    def db(self) -> Database:
        """The database of the life that goes on; only while it is up."""
        assert self._db is not None  # noqa: S101 - asked only while it runs
        return self._db

    @property
    def tenant(self) -> Tenant:
        """The one municipality of this world; only while it is up and seeded."""
        if self._tenant is None:
            (self._tenant,) = self.db.tenants()
        return self._tenant

    @property
    def path(self) -> Path:
        """Where its database is: of the life that goes on, or as the last cut left it."""
        return self._disk.path

    def now_ms(self) -> int:
        """Its service time, Unix ms."""
        return self._clock.now_ms()

    def start(self) -> None:
        """Begin to serve; the first sweep comes at once, as in production."""
        if self.up:
            return
        self.lives += 1
        self._judged = False
        # A look of its own: what an idle sweep costs is none of the product's.
        self._clockwork = sqlite3.connect(self._disk.path, isolation_level=None)
        self._db = Database(f"sqlite:///{self._disk.path}", self._on_change)
        event.listen(self._db.engine, "do_connect", self._connect)
        self._gatekeeper = Gatekeeper(self._db, self._clock)
        self._free_ms = self._permit_ms = self._line.now_ms
        if self.workings.sweeps:
            self._line.after(0, self._sweeper(self.lives))

    def kill(self) -> None:
        """The process is gone between two instructions; what was asked of it stays without an answer."""
        if self._db is None:
            return
        self._disk.cut()
        self._db.close()
        self._db = self._gatekeeper = None
        if self._clockwork is not None:
            self._clockwork.close()
            self._clockwork = None
        self._dirty = False
        pending, self._pending = self._pending, []
        for answered in pending:
            answered(None)

    def _connect(self, _dialect: object, _record: object, where: list[Any], how: dict[str, Any]) -> Any:
        return self.storage.connect(*where, **how)

    def _blown(self) -> None:
        """A fuse has cut the process off in the middle of its work; it is started again as in production."""
        self.kill()
        self._line.after(RESTART_MS, self._again)

    def _again(self) -> None:
        if not self.held:
            self.start()

    def off(self) -> None:
        """One more reason why it is off."""
        self.held += 1
        self.kill()

    def on(self) -> None:
        """One reason less; with the last one it starts on what its disk holds."""
        self.held = max(0, self.held - 1)
        self._again()

    def backup(self) -> Path:
        """A copy of what its disk holds now."""
        return self._disk.copy()

    def restore(self, copy: Path) -> Path:
        """Its disk is gone; it starts on an older copy. Gives where the database that is gone still lies."""
        self.kill()
        self.restores += 1
        gone = self._disk.replace(copy)
        self._dirty = True
        self._again()
        return gone

    @property
    def writable(self) -> bool:
        """Whether its database takes what is written."""
        return self.storage.well and not self.locked

    def seed(self, seed: Seed) -> dict[str, str]:
        """Fill the database; gives each new gateway's credential by its key."""
        said = apply_seed(self.db, seed, self._clock.now_ms())
        tokens = (line.rpartition(" ")[2] for line in said if " nv1." in line)
        return {token.split(".")[2]: token for token in tokens}

    # --- requests --------------------------------------------------------------------------------------------

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:
        """Take one request when its turn comes: class A and heartbeats need none but the database's own."""
        now_ms = self._line.now_ms
        needs_permit = request.lane != URGENT or not self.workings.urgent_first
        # One writer at a time: whoever comes waits for the transaction that runs, class A too.
        begins_ms = max(now_ms, self._free_ms)
        if needs_permit:
            permit_ms = max(begins_ms, self._permit_ms)
            if permit_ms - now_ms > PERMIT_WAIT_MS and self.workings.urgent_first:
                self._no_permit(answered)
                return
            begins_ms = permit_ms
        took_ms = self.workings.busy_ms + round(len(request.body) / 1000 * self.workings.busy_per_kb_ms)
        took_ms += self.slow_ms + (LOCKED_MS if self.locked else 0)
        if needs_permit:
            self._permit_ms = begins_ms + took_ms
        if begins_ms == now_ms:
            self._free_ms = now_ms + took_ms
        self._pending.append(answered)
        life = self.lives
        self._line.at(begins_ms, lambda: self._work(life, credential, request, answered, took_ms))

    def _no_permit(self, answered: Answered) -> None:
        self._count(429)
        busy = refused(Refusal(429, "busy", "another backlog is being read"))
        late = Answer(429, bytes(busy.body), float(busy.headers["Retry-After"]))
        self._line.after(PERMIT_WAIT_MS, lambda: answered(late if self.up else None))

    def _work(self, life: int, credential: str, request: HttpSend, answered: Answered, took_ms: int) -> None:
        if life != self.lives or not self.up:
            return
        answers: list[Answer] = []
        if not survives(lambda: answers.append(self._answer(credential, request))):
            self._blown()
            return
        self._tell()

        def reply() -> None:
            if answered in self._pending:
                self._pending.remove(answered)
                answered(answers[0])

        self._line.after(took_ms, reply)

    def _answer(self, credential: str, request: HttpSend) -> Answer:
        try:
            sender = self._prove(credential)
            if len(request.body) > ACCEPT_BYTES_MAX:
                raise Refusal(413, "too_large", f"more than {ACCEPT_BYTES_MAX} bytes")
            now_ms = self._clock.now_ms()
            if self.locked:
                raise RetryError("another writer holds the database")
            if request.path == HEARTBEATS:
                found = encode_message(beat(self.db, sender, request.body, now_ms))
            else:
                self._judged = False
                reply = receive(self.db, sender, request.body, now_ms, self.fuse, self.workings.rules)
                found = encode_message(reply)
        except NattevaktError as error:
            if isinstance(error, StaleCredential | Revoked):
                self._forget(credential)
            response = refused(error)
            self._count(response.status_code)
            wait = response.headers.get("Retry-After")
            return Answer(response.status_code, bytes(response.body), float(wait) if wait else None)
        self._count(200)
        return Answer(200, found)

    def _prove(self, credential: str) -> Sender:
        assert self._gatekeeper is not None  # noqa: S101 - asked only while it runs
        shown = credentials.parse(f"Bearer {credential}")
        if shown is None:
            raise StaleCredential("no readable credential")
        return self._gatekeeper.known(shown) or self._gatekeeper.prove(shown, "simulated")

    def _forget(self, credential: str) -> None:
        shown = credentials.parse(f"Bearer {credential}")
        if shown is not None and self._gatekeeper is not None:
            self._gatekeeper.forget(shown)

    def _count(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    # --- people and the sweep --------------------------------------------------------------------------------

    def act(self, wish: Act) -> Acted:
        """A person acts at a tablet. Raises what `register.act` raises, and RetryError where no answer comes."""
        return self.by_people(lambda s, now_ms: register.act(s, wish, now_ms))

    def change(self, work: Callable[[TenantSession, int], None]) -> None:
        """Somebody changes who lives where, or what hangs where: (session, service time) -> None. Raises as `act`."""
        self.by_people(work)

    def by_people(self, work: Callable[[TenantSession, int], T]) -> T:
        """One transaction that somebody at a page or a tablet waits for: (session, service time). Raises RetryError
        where the database is away, or the process dies over it; the work may be done all the same."""
        if not self.up or self.locked:
            raise RetryError("the centre gives no answer")
        self._judged = False
        done = self.living(lambda: self.db.transact(self.tenant.id, lambda s: work(s, self._clock.now_ms())))
        self._tell()
        return done

    def living(self, work: Callable[[], T]) -> T:
        """Do what somebody waits for. Raises RetryError where the process dies over it."""
        try:
            return work()
        except PowerCut as cut:
            self._blown()
            raise RetryError("the centre died over it") from cut

    def _sweeper(self, life: int) -> Callable[[], None]:
        def run() -> None:
            if life != self.lives or not self.up:
                return
            if not survives(self._sweep):
                self._blown()
                return
            if self._swept or self._dirty:
                self._tell()
            self._line.after(self.workings.sweep_every_ms + self.slow_ms, run)

        return run

    def _sweep(self) -> None:
        if self.slow_ms:
            self._free_ms = max(self._free_ms, self._line.now_ms) + self.slow_ms
        self._swept = self.workings.idle_sweeps or not self._idle(self._clock.now_ms())
        if not self._swept:
            return
        self._judged, self._swept_ms = True, self._clock.now_ms()
        try:
            if self.locked:
                raise RetryError("another writer holds the database")
            sweep.cycle(self.db, self.tenant, self._clock.now_ms(), handlers=self.workings.handlers)
        except RetryError:
            # As in production: the next one comes soon.
            self.put_off += 1

    def _idle(self, now_ms: int) -> bool:
        """Whether a sweep would only say that it was here: nothing new since a recent one, and no row is due."""
        if not self._judged or self.locked or not 0 <= now_ms - self._swept_ms < IDLE_MS:
            return False
        return self._clockwork is not None and self._clockwork.execute(_DUE, (now_ms, now_ms)).fetchone() is None

    def _on_change(self, _tenant_id: int, _seq: int) -> None:
        self._dirty = True

    def _tell(self) -> None:
        self.works += 1
        if self._dirty:
            self._dirty = False
            self._changed()
