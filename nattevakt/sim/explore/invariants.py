"""What all invariants share: the court that they accuse before, and the limits with their reasons. For the judge.

Owns the form of an accusation, its words for rooms and times, and every limit L. A limit counts only while what it
needs was there: the road whole, the centre up. Must not know any single invariant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.truth import Step, Truth

SECOND_MS, MINUTE_MS = 1_000, 60_000
URGENT_MS = 20_000
"""Class A, from its append or from when its road became whole. An undisturbed call takes less than a second. After a
break the lane may still wait for an answer that was lost (5 s), then back off (at most 5 s) and connect (3 s); and a
heartbeat may go before it. Class A waits for no permit."""
LIVE_MS = 5_000
"""The same where the road has been whole for a minute: one request is under way, and one heartbeat."""
SETTLED_MS = 60_000
"""A road that has been whole for so long is not still recovering from a break."""
REST_MS = 30_000
"""Everything else: as class A, and what another gateway's backlog may keep the permit."""
ROWS_PER_S = 50
"""And so many rows of backlog before it a second: batches of 100, one at a time, each with its way there and back."""
STORED_MS = 5_000
"""From bytes at an open port to the disk: one turn, and what waits until a door has settled (0.5 s)."""
TAKEN_MS = 30_000
"""The same for what a broker keeps: the agent connects (0.4 s), may hold a message until it knows whose it is (10 s),
and comes back for what it could not take (5 s)."""
DATED_MS = 15_000
"""How far from the truth a certain time may be: what the design allows a synchronised clock (10 s), and a slow road."""
SILENT_MS = 60_000
"""A gateway that is not heard: the design's limit."""
KNOWN_MS = 45_000
"""And what comes on top of it: the last heartbeat before (15 s), the sweep (5 s), a request that was under way (10
s), and what is left."""
GRACE_MS = 60_000
"""After the centre's own absence gateways have so long to come back."""
SHOWN_MS = 30_000
"""A tablet that is on and in contact shows what rings: a push takes a second, a lost one is found by the page's own
heartbeat (5 s) or its next contact (15 s)."""
CALM_MS = 45 * MINUTE_MS
"""M: so long after all faults have ended the ward is quiet and green. The slowest sensors say how they are every 30
min, a silence is judged after three of those (but only from when somebody listens), and staff answer within 15
min."""
GAP_MS = 120_000
"""Rows that died with a card: from when the new agent's road is whole."""
INVARIANTS = range(1, 8)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant. at_ms: true Unix ms. says: a Norwegian sentence. about: a gateway, device, alarm or room."""

    invariant: int
    at_ms: int
    says: str
    about: str


class Tablet(Protocol):
    """A tablet as its simulation knows it: whether it has power, makes a sound, and what it shows."""

    @property
    def on(self) -> bool:
        """It has power."""
        ...

    @property
    def sounds(self) -> bool:
        """It can be heard."""
        ...

    @property
    def shown(self) -> dict[int, int]:
        """What is on its screen: alarm -> sounding."""
        ...

    @property
    def number(self) -> int | None:
        """Its own number at the centre, None where it has none."""
        ...

    @property
    def given(self) -> Collection[int]:
        """The numbers of all notices that have ever come to it."""
        ...


def no_tablets() -> Sequence[Tablet]:
    """A ward without tablets."""
    return ()


class Invariant(Protocol):
    """One invariant, or a part of one."""

    def step(self, step: Step) -> None:
        """Something has changed."""
        ...

    def tick(self, now_ms: int) -> None:
        """A second has passed."""
        ...

    def end(self, now_ms: int) -> None:
        """The story is over."""
        ...


@dataclass(slots=True)
class Court:
    """Before whom invariants accuse. Each accusation is heard once: (invariant, about, what)."""

    truth: Truth
    story: Story
    tablets: Callable[[], Sequence[Tablet]] = no_tablets
    violations: list[Violation] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    pardoned: set[str] = field(default_factory=set)
    """Devices of which nothing is demanded any more: somebody has taken them down, or hung others."""
    _heard: set[tuple[int, str, str]] = field(default_factory=set)
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.truth.world.ward.time_zone)

    def accuse(self, invariant: int, about: str, what: str, says: str) -> None:
        """Something is broken. what: its name, so that the same is not said twice."""
        key = (invariant, about, what)
        if key not in self._heard:
            self._heard.add(key)
            self.violations.append(Violation(invariant, self.truth.line.now_ms, says, about))

    def count(self, name: str, by: int = 1) -> None:
        """Count something for the summary."""
        self.counts[name] = self.counts.get(name, 0) + by

    def clock(self, at_ms: int) -> str:
        """A true moment as the wall clock of the ward reads it."""
        return f"{datetime.fromtimestamp(at_ms / 1000, self.zone):%d.%m. %H:%M:%S}"

    def place(self, address: str | None) -> str:
        """A device in words: where it hangs, and which it is."""
        ward = self.truth.world.ward
        sensor = ward.sensor(address or "")
        if sensor is None:
            return address or "gatewayen selv"
        room = next(r.room for r in ward.residents if sensor in r.sensors)
        return f"{sensor.use.value} på {room} ({sensor.address})"

    def is_revoked(self, gateway: str) -> bool:
        """Whether a gateway's key has been withdrawn: the centre knows that it is not heard."""
        return bool(self.truth.books.ask("SELECT 1 FROM gateways WHERE key = ? AND revoked_ms IS NOT NULL", (gateway,)))

    @property
    def offset_ms(self) -> int:
        """How far the centre's wall clock is ahead of the truth now."""
        return self.truth.world.centre.now_ms() - self.truth.line.now_ms


class Quiet:
    """An invariant that looks at nothing; whoever is one says what it looks at."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.truth = court.truth

    def step(self, step: Step) -> None:
        """Something has changed."""

    def tick(self, now_ms: int) -> None:
        """A second has passed."""

    def end(self, now_ms: int) -> None:
        """The story is over."""
