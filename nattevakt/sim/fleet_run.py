"""A fleet at work: thousands of gateways on one event loop against a running centre. Serves arrows 5 and 6.

Owns the phases (a calm night, a storm, the drain), who is woken when, and what it all came to. Must not know how an
event looks or how an answer is read. Time is an argument. Everything is bounded: connections, phases, and patience.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from nattevakt.edge.events import Moment
from nattevakt.gateway.inputs import HttpSend, Now
from nattevakt.sim.fleet_home import Gateway, Ledger
from nattevakt.sim.fleet_seed import Home
from nattevakt.sim.fleet_wire import SHARES, Wire, sort_of

AT_ONCE = 50
"""So many gateways are woken before the answers that have come are read."""
IDLE_S = 0.05
OUTAGE_MS = 3_600_000
"""What a storm brings has gathered over the last hour."""
GATHER_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a fleet is played. lasts_s: the calm night. storm_rows: what each gateway has when the power returns, 0 for
    no storm; within_s: the time in which they all come back. patience_s: how long the drain at the end may take."""

    url: str
    seed: int = 1
    speed: float = 1.0
    heartbeat_s: float = 15.0
    lasts_s: float = 60.0
    storm_rows: int = 0
    within_s: float = 60.0
    patience_s: float = 120.0
    connections: int = 200


@dataclass(slots=True)
class Phase:
    """What one phase came to. gathered: what had waited for the line. answers_s: how long the centre took, by what it
    was asked; waited_s: for a connection."""

    name: str
    ledger: Ledger = field(default_factory=Ledger)
    gathered: Ledger = field(default_factory=Ledger)
    answers_s: dict[str, list[float]] = field(default_factory=lambda: {sort: [] for sort in SHARES})
    waited_s: list[float] = field(default_factory=list)
    took_s: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What a play came to. same: gateways whose mark at the centre is their last row. lost: rows that were
    acknowledged, and of which the centre knew nothing at the end; waiting: rows that were not; resent: rows that the
    centre acknowledged, did not have later, and was sent again."""

    gateways: int
    phases: list[Phase]
    same: int = 0
    lost: int = 0
    waiting: int = 0
    resent: int = 0
    parked: int = 0
    unknown: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    drained: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, nor acknowledged without being kept, and everybody agrees."""
        bad = self.lost or self.resent or self.parked or self.unknown
        return self.drained and not bad and self.same == self.gateways


@dataclass(frozen=True, slots=True)
class Glimpse:
    """How far it has come, for whoever looks on."""

    phase: str
    done: float
    up: int
    made: int
    waiting: int
    urgent_s: Sequence[float]


class Fleet:
    """One play. monotonic in seconds; clocks: wall and boot time in milliseconds; entropy: so many random bytes."""

    def __init__(
        self,
        homes: Sequence[Home],
        wishes: Wishes,
        monotonic: Callable[[], float],
        clocks: Callable[[], tuple[int, int]],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._wishes = wishes
        self._monotonic = monotonic
        self._clocks = clocks
        self._chance = Random(wishes.seed)  # noqa: S311 - a simulation, not a secret
        self._phases = [Phase("rolig natt")]
        self._wire = Wire(wishes.url, wishes.connections, monotonic)
        self._wakes: list[tuple[float, int]] = []
        self._due: dict[int, float] = {}
        self._next: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calm = False
        now = self._now()
        self._gateways = [
            Gateway(
                home,
                Random(self._chance.getrandbits(64)),  # noqa: S311 - as above
                now,
                self._phase.ledger,
                heartbeat_s=self._beats_s,
                entropy=entropy,
            )
            for home in homes
        ]

    @property
    def _phase(self) -> Phase:
        return self._phases[-1]

    @property
    def _beats_s(self) -> float:
        return self._wishes.heartbeat_s / self._wishes.speed

    def _now(self) -> Now:
        wall_ms, boottime_ms = self._clocks()
        return Now(Moment("fleet", boottime_ms, wall_ms, synced=True), self._monotonic())

    async def play(self, look: Callable[[Glimpse], None]) -> Outcome:
        """All phases, then the count. look: called some times a second."""
        wishes = self._wishes
        try:
            self._wake_all(self._beats_s)
            await self._go_on(wishes.lasts_s, look, lambda: False)
            if wishes.storm_rows:
                await self._storm(look)
            self._calm = True
            with self._another("tømming"):
                drained = await self._go_on(wishes.patience_s, look, self._over)
            return self._outcome(drained=drained)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._wire.close()
            for gateway in self._gateways:
                gateway.close()

    @contextmanager
    def _another(self, name: str) -> Iterator[None]:
        self._phases.append(Phase(name))
        for gateway in self._gateways:
            gateway.ledger = self._phase.ledger
        yield

    async def _storm(self, look: Callable[[Glimpse], None]) -> None:
        """The line has been gone for an hour; each gateway has a backlog; the power returns to the town."""
        for gateway in self._gateways:
            gateway.dark = True
        with self._another("storm"):
            for number, gateway in enumerate(self._gateways):
                gateway.gathers(self._wishes.storm_rows, OUTAGE_MS, self._now(), self._phase.gathered)
                if number % GATHER_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._wake_all(self._wishes.within_s)
            await self._go_on(self._wishes.within_s + self._wishes.patience_s, look, self._caught_up)

    def _wake_all(self, within_s: float) -> None:
        """Everybody comes up within so long, at a moment of its own."""
        now_s = self._monotonic()
        for number in range(len(self._gateways)):
            up_s = now_s + self._chance.random() * within_s
            self._next[number] = up_s + self._gateways[number].next_s(self._wishes.speed)
            self._wake(number, up_s)

    def _wake(self, number: int, at_s: float) -> None:
        self._due[number] = at_s
        heapq.heappush(self._wakes, (at_s, number))

    # --- going on --------------------------------------------------------------------------------------------

    async def _go_on(self, lasts_s: float, look: Callable[[Glimpse], None], over: Callable[[], bool]) -> bool:
        """For so long, or until it is over; whether it was."""
        phase, began_s = self._phase, self._monotonic()
        looked_s = 0.0
        while (passed_s := self._monotonic() - began_s) < lasts_s:
            self._some()
            if passed_s - looked_s > 0.2:
                looked_s = passed_s
                look(self._glimpse(passed_s / lasts_s))
                if over():
                    break
            left_s = self._wakes[0][0] - self._monotonic() if self._wakes else IDLE_S
            await asyncio.sleep(min(max(left_s, 0.0), IDLE_S))
        phase.took_s = self._monotonic() - began_s
        return over()

    def _some(self) -> None:
        """Wake those whose time has come, a few at a time."""
        for _ in range(AT_ONCE):
            if not self._wakes or self._wakes[0][0] > self._monotonic():
                return
            at_s, number = heapq.heappop(self._wakes)
            if self._due.get(number) == at_s:
                self._turn(number)

    def _turn(self, number: int) -> None:
        gateway, now = self._gateways[number], self._now()
        if gateway.dark:
            gateway.comes_up(now)
        while not self._calm and self._next[number] <= now.mono_s:
            gateway.happens(now)
            self._next[number] += gateway.next_s(self._wishes.speed)
        for send in gateway.deliver(now):
            task = asyncio.create_task(self._exchange(number, send))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        wakes_s = gateway.wake_at_s(now)
        self._wake(number, max(wakes_s if self._calm else min(wakes_s, self._next[number]), now.mono_s + 0.001))

    async def _exchange(self, number: int, send: HttpSend) -> None:
        phase = self._phase
        answer, took = await self._wire.exchange(self._gateways[number].home.token, send)
        phase.answers_s[sort_of(send)].append(took.answered_s)
        phase.waited_s.append(took.waited_s)
        self._gateways[number].answered(answer, self._now())
        if not self._gateways[number].dark:
            self._turn(number)

    # --- looking ---------------------------------------------------------------------------------------------

    def _caught_up(self) -> bool:
        """Everybody is up, and all that had gathered is delivered."""
        gathered = self._phase.gathered
        return gathered.made == gathered.acknowledged and not any(gateway.dark for gateway in self._gateways)

    def _over(self) -> bool:
        """Nothing waits, and each gateway has been told since that the centre holds all of it."""
        return all(not gateway.waiting and gateway.mark == gateway.appended for gateway in self._gateways)

    def _glimpse(self, done: float) -> Glimpse:
        up = sum(not gateway.dark for gateway in self._gateways)
        waiting = sum(gateway.waiting for gateway in self._gateways)
        made = sum(phase.ledger.made.total() for phase in self._phases)
        return Glimpse(self._phase.name, min(1.0, done), up, made, waiting, self._phase.ledger.waits_s["A"])

    def _outcome(self, *, drained: bool) -> Outcome:
        found = Outcome(len(self._gateways), self._phases, drained=drained)
        for gateway in self._gateways:
            found.same += gateway.mark == gateway.appended
            found.lost += gateway.lost
            found.waiting += gateway.waiting
            found.resent += gateway.counters.get("resent", 0)
            found.parked += gateway.parked
            found.unknown += gateway.unknown
            for name, times in gateway.counters.items():
                if name.startswith("http_"):
                    found.statuses[name.removeprefix("http_")] += times
        return found
