"""One home of a simulated fleet: the product's own outbox and uplink over a night that is drawn. Serves arrows 4 and 5.

Owns what happens in the home and what is known of each event: when it was made, when it was acknowledged. The outbox is
real SQLite, in memory. Must not know sockets. The clocks are true: a fleet that goes faster only has more happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.edge.events import Bed, Body, Call, Contact, Event, Fall, Health, Moment, Motion, Presence, Urgency
from nattevakt.edge.wire import CompleteTo, GatewayHealth, Heartbeat, HeartbeatReply
from nattevakt.gateway.health import VERSION
from nattevakt.gateway.identity import mint_stream
from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend, Now
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.uplink import Uplink
from nattevakt.sim.fleet_seed import Home

RATES_PER_H = {"motion": 12.0, "presence": 6.0, "health": 2.5, "bed": 1.5, "door": 0.4, "call": 0.2, "fall": 0.01}
"""What a home says in an hour of the night."""
HOUR_S = 3600.0
BEFORE_MS = 24 * 3_600_000
"""The gateways started so long ago."""


@dataclass(slots=True)
class Ledger:
    """What a phase of the play came to. Waits are seconds from the moment when an event was stored to its answer."""

    made: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    waits_s: dict[str, list[float]] = field(default_factory=lambda: {"A": [], "rest": []})


@dataclass(slots=True)
class _Made:
    """One event that is not acknowledged. at_s: since when it waits."""

    sort: str
    at_s: float
    ledger: Ledger


class Gateway:
    """The gateway of one home. ledger: where what happens is entered, another one from phase to phase.

    entropy: names streams and boots; never from the seed, for a centre knows the streams of an earlier play.
    """

    def __init__(
        self,
        home: Home,
        chance: Random,
        now: Now,
        ledger: Ledger,
        *,
        heartbeat_s: float,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.home = home
        self.ledger = ledger
        self.dark = True
        self._chance = chance
        self._boot = entropy(16).hex()
        self._outbox = Outbox(Path(":memory:"), OutboxLimits(), partial(mint_stream, entropy))
        self._uplink = Uplink(
            self._outbox,
            self._beat,
            chance.random,
            told=(self._told,),
            heartbeat_s=heartbeat_s,
            probe=self._noted,
        )
        self._since_s = now.mono_s
        self._made: dict[int, _Made] = {}
        self._states: dict[str, bool] = {}
        self._heard: dict[str, int] = {}
        self._now = now
        self._named = 0
        self.mark = 0
        self.lost = 0
        """Rows that were acknowledged, and were not there when the last heartbeat was answered."""
        self._outbox.open(VERSION, self._moment(now).moment)
        self._enter((self._outbox.next_seq - 1,), (Urgency.LIFE,), now, ledger)

    def _moment(self, now: Now, ago_ms: int = 0) -> Now:
        """The same moment by this gateway's clocks."""
        wall_ms = now.moment.wall_ms - ago_ms
        boottime_ms = now.moment.boottime_ms - ago_ms + BEFORE_MS
        return Now(Moment(self._boot, boottime_ms, wall_ms, synced=True), now.mono_s)

    # --- what happens ----------------------------------------------------------------------------------------

    def happens(self, now: Now) -> None:
        """Something happens in the home, now."""
        self._append([(self._body(), 0)], now, self.ledger)

    def gathers(self, rows: int, over_ms: int, now: Now, ledger: Ledger) -> None:
        """So much has happened over the last while, and could not be delivered. ledger: where that is entered."""
        ages = sorted((self._chance.randrange(1, over_ms) for _ in range(rows)), reverse=True)
        self._append([(self._body(), age_ms) for age_ms in ages], now, ledger)

    def comes_up(self, now: Now) -> None:
        """There is a line from now on; what has gathered is waited for from this moment."""
        self.dark = False
        for made in self._made.values():
            made.at_s = now.mono_s

    def next_s(self, speed: float) -> float:
        """How long it is until something happens again."""
        return self._chance.expovariate(sum(RATES_PER_H.values()) * speed / HOUR_S)

    def _append(self, bodies: list[tuple[Body, int]], now: Now, ledger: Ledger) -> None:
        events = [Event(body, self._moment(now, ago_ms).moment) for body, ago_ms in bodies]
        self._enter(self._outbox.append(events, {}), tuple(event.urgency for event in events), now, ledger)
        for event in events:
            self._heard[getattr(event.body, "device", "")] = event.at.boottime_ms

    def _enter(self, seqs: tuple[int, ...], classes: tuple[Urgency, ...], now: Now, ledger: Ledger) -> None:
        for seq, urgency in zip(seqs, classes, strict=True):
            sort = "A" if urgency is Urgency.A else "rest"
            self._made[seq] = _Made(sort, now.mono_s, ledger)
            ledger.made[sort] += 1

    def _body(self) -> Body:
        (what,) = self._chance.choices(list(RATES_PER_H), list(RATES_PER_H.values()))
        of = self.home.devices
        on = self._states[what] = not self._states.get(what, False)
        match what:
            case "call":
                return Call(of["call"], "press")
            case "fall":
                return Fall(of["presence"])
            case "door":
                return Contact(of["door"], on)
            case "bed":
                return Bed(of["bed"], on)
            case "presence":
                return Presence(of["presence"], on)
            case "motion":
                return Motion(of["motion"])
        device = self._chance.choice(sorted(of.values()))
        return Health(device, battery_percent=float(self._chance.randint(20, 100)), linkquality=120)

    # --- delivery --------------------------------------------------------------------------------------------

    def deliver(self, now: Now) -> list[HttpSend]:
        """What goes out now."""
        self._now = now
        return [] if self.dark else self._uplink.deliver(self._moment(now))

    def answered(self, given: HttpReply | HttpFailed, now: Now) -> None:
        """Take in an answer, or that there was none."""
        self._now = now
        if isinstance(given, HttpReply):
            self._uplink.replied(given, self._moment(now))
        else:
            self._uplink.failed(given, self._moment(now))

    def wake_at_s(self, now: Now) -> float:
        """When there may be something to send although nothing happens."""
        return self._uplink.wake_at_s(self._moment(now))

    def _beat(self, now: Now) -> Heartbeat:
        held = self._outbox.held()
        self._named = held[-1].acked
        waiting = {one.stream: one.last for one in held if one.acked < one.last or one is held[-1]}
        health = GatewayHealth(
            version=VERSION,
            uptime_s=int(now.mono_s - self._since_s),
            backlog_rows=self._outbox.unsent.total(),
            oldest_unsent_s=0,
            parked_rows=self._outbox.parked_rows,
            shed_rows=0,
            disk_free_mb=8_000,
            clock_synced=True,
            sources={"mqtt": "up", "z2m": "up"},
        )
        ages = {device: max(0, now.moment.boottime_ms - at_ms) for device, at_ms in self._heard.items() if device}
        return Heartbeat(
            now.moment, self._outbox.stream, held, CompleteTo(now.moment, waiting), health, heard_age_ms=ages
        )

    def _noted(self, point: str, facts: Mapping[str, object]) -> None:
        seqs = facts.get("seqs", ())
        if point != "acknowledged" or not isinstance(seqs, list):
            return
        for seq in seqs:
            self._known(seq)
        # After a lost answer it is a mark that says what the centre has.
        own = self._outbox.held()[-1].acked if self._made else 0
        while self._made and (first := next(iter(self._made))) <= own:
            self._known(first)

    def _known(self, seq: int) -> None:
        """This row is acknowledged. What is sent again was so before: it counts once."""
        if (made := self._made.pop(seq, None)) is not None:
            made.ledger.acknowledged[made.sort] += 1
            made.ledger.waits_s[made.sort].append(self._now.mono_s - made.at_s)

    def _told(self, reply: HeartbeatReply) -> None:
        self.mark = reply.marks.get(self._outbox.stream, 0)
        self.lost = max(0, self._named - self.mark)

    # --- the end ---------------------------------------------------------------------------------------------

    @property
    def appended(self) -> int:
        """How many rows the outbox has ever had."""
        return self._outbox.next_seq - 1

    @property
    def waiting(self) -> int:
        """Rows that are not acknowledged."""
        return self._outbox.unsent.total() + self._outbox.parked_rows

    @property
    def unknown(self) -> int:
        """Rows of which no acknowledgement ever came."""
        return len(self._made)

    @property
    def parked(self) -> int:
        """Rows that the centre would not take."""
        return self._outbox.parked_rows

    @property
    def counters(self) -> Mapping[str, int]:
        """The uplink's own: answers by status, and `resent`, what the centre acknowledged and did not have later."""
        return self._uplink.counters

    def close(self) -> None:
        """Let go of the outbox."""
        self._outbox.close()
