"""When this gateway is on its own, and what it does then: judges, sounds, writes down. Serves arrow 7 at the gateway.

Owns when that begins (no good answer from the centre for `after_s`) and ends (the first one), the look-back with which
the rules begin, and that each alarm becomes an event that goes up later. Must not know rules from within, threads or
HTML. A bug in here costs no event: everything that it does of its own accord runs under the guard.

Its time is the centre's as last heard in this boot, else this machine's own clock.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf

from nattevakt.edge.events import BEFORE_BOOT, KIND_OF, Event, LocalAlarm, Moment
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import Occurred, Priority
from nattevakt.edge.wire import Heartbeat, HeartbeatReply, decode_event
from nattevakt.gateway.inputs import Guard, Now
from nattevakt.gateway.local_plan import PlanKept
from nattevakt.gateway.local_rules import ALWAYS, Book, Follow, Rung
from nattevakt.gateway.logs import kv
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.siren import LOCAL, Sirens
from nattevakt.gateway.store import StoreError

LOG = logging.getLogger("nattevakt.local")
AFTER_S = 60
BACK_MS = 24 * 3_600_000
"""How far back the rules begin: as far as the centre itself folds anew."""
BACK_ROWS = 20_000
"""And how many rows at most; a turn takes some of them, so that what comes meanwhile is heard."""
TURN_ROWS = 500
LAG_MS = 60_000
"""What falls due waits so long at most for all to be stored that was heard, as at the centre."""
STEP_MS = 5_000
"""A clock that was set by more than this, while no answer of the centre tells the time, has all judged anew."""
MARGIN_MS = 60_000
"""What fell due so shortly before the last contact the centre may not have been able to judge."""
SOUND_MS, SOUND_EVERY_MS = 180_000, 600_000
"""An alarm that nobody has seen sounds for so long out of each such span."""
LEASE_MS = 30_000
FOLLOW_S = 1.0
EVENTS_MAX = 200
OVER_KEPT_MS = 1_800_000
"""How long an alarm that was explained away stands on the page."""
_WANTED = sorted({KIND_OF[body] for rule in RULES if rule.planned or rule in ALWAYS for body in rule.wants})


@dataclass(frozen=True, slots=True)
class View:
    """How it stands, for the page. Times are central time (Unix ms). lost_ms: since when the centre is not in contact,
    None while it is. met: whether it has answered since the start. clock: whether this box knows the time. plan: "ok",
    "old" or "none"."""

    now_ms: int
    lost_ms: int | None = None
    met: bool = True
    clock: bool = True
    plan: str = "ok"
    alarms: tuple[Rung, ...] = ()
    time_zone: str = "Europe/Oslo"


@dataclass(slots=True)
class _Alone:
    """One outage. above: up to this row all has been read; todo: read and not yet fed; behind: there is more of either.
    planned: whether its rules go by a plan. ahead_ms: how far central time is ahead of this boot's clock. over: it has
    ended, and is kept only for what is not written yet."""

    since_ms: int
    ahead_ms: int
    unsent: frozenset[int]
    from_seq: int
    above: int
    book: Book
    follow: Follow | None = None
    todo: list[tuple[int, Event, Occurred]] = field(default_factory=list)
    planned: bool = True
    behind: bool = True
    over: bool = False


class LocalMode:
    """One gateway's life without the centre. kept: its plan; None: it is never on its own."""

    def __init__(self, kept: PlanKept | None = None, *, after_s: float = AFTER_S, guard: Guard | None = None) -> None:
        self._kept = kept
        self._after_ms = round(after_s * 1000)
        self._guard = guard
        self._loaded = False
        self._reply: HeartbeatReply | None = None
        self._pair: tuple[str, int, int] | None = None
        self._alone: _Alone | None = None
        self._broken = False
        self._met = False
        self._seen: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._seen_unwritten: list[Rung] = []
        self.view = View(0)

    # --- the centre ------------------------------------------------------------------------------------------

    def answered(self, reply: HeartbeatReply) -> None:
        """What the centre says, for the next turn."""
        self._reply, self._met = reply, True

    def added_to(self, heartbeat: Heartbeat, now: Now) -> Heartbeat:
        """The heartbeat, with a question for the plan when it is time."""
        return heartbeat if self._kept is None else self._kept.added_to(heartbeat, now)

    def see(self, name: str) -> None:
        """Somebody says that they have seen the alarm of this name, as the page had it; may be called from any
        thread."""
        self._seen.put(name)

    def turn(self, now: Now, outbox: Outbox, last_ok_ms: int | None, complete: Moment | None, sirens: Sirens) -> None:
        """One round. last_ok_ms: when the centre last answered well, on this boot's clock; complete: up to when all
        that was heard is stored. Raises StoreError when something could not be written; it is tried again, and what
        sounds and is shown does not wait for it."""
        if self._kept is None or not outbox.ready:
            return
        now_ms = now.moment.boottime_ms
        lost = last_ok_ms is not None and now_ms - last_ok_ms >= stretched(self._after_ms, now.pace)
        failed: list[StoreError] = []
        for part in (
            partial(self._take_reply, now, outbox),
            partial(self._follow, now, outbox, last_ok_ms if lost else None, complete or now.moment),
            partial(self._note_seen, now, outbox),
        ):
            try:
                part()
            except StoreError as error:
                failed.append(error)
        sounding = any(self._sounds(one, now) for one in self._rung)
        sirens.ask(LOCAL, now_ms + LEASE_MS if sounding else None, now_ms)
        self.view = self._viewed(now, last_ok_ms if lost else None)
        if failed:
            raise failed[0]

    def _follow(self, now: Now, outbox: Outbox, lost_at_ms: int | None, complete: Moment) -> None:
        """Judge while the centre is away; end it when it is back. lost_at_ms: when it was there last, None: it is."""
        self._broken = False
        if lost_at_ms is not None and self._guard is not None:
            error = self._guard("local", partial(self._judge, now, outbox, lost_at_ms, complete))
            self._broken = error is not None
        elif self._alone is not None:
            self._alone.over = True
            self._write(self._alone, now, outbox)
            LOG.warning(kv("centre_back", rung=len(self._alone.book.rung)))
            self._alone = None

    def _take_reply(self, now: Now, outbox: Outbox) -> None:
        assert self._kept is not None  # noqa: S101 - looked at by who calls
        if not self._loaded:
            self._kept.load(outbox.memory)
            self._loaded = True
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if reply.now_ms > 0:
            self._pair = (now.moment.boot, now.moment.boottime_ms, reply.now_ms)
        changes = self._kept.answered(reply, now)
        if changes:
            written = False
            try:
                outbox.append((), changes)
                written = True
            finally:
                if not written:
                    self._kept.unwritten()

    # --- time ------------------------------------------------------------------------------------------------

    def _central_ms(self, at: Moment, now: Now) -> int:
        """A moment in central time."""
        if at.boot != now.moment.boot:
            return min(at.wall_ms, self._central_ms(now.moment, now))
        if self._pair is not None and self._pair[0] == at.boot:
            return self._pair[2] + at.boottime_ms - self._pair[1]
        return now.moment.wall_ms + at.boottime_ms - now.moment.boottime_ms

    def _occurred(self, event: Event, now: Now) -> Occurred:
        to_ms = self._central_ms(event.at, now)
        since = event.since
        return Occurred(min(to_ms, self._central_ms(since, now)) if since is not None else to_ms, to_ms)

    # --- judging ---------------------------------------------------------------------------------------------

    def _judge(self, now: Now, outbox: Outbox, last_ok_ms: int, complete: Moment) -> None:
        if self._alone is None:
            self._alone = self._begin(now, outbox, last_ok_ms)
            LOG.warning(kv("centre_lost", since_ms=self._alone.since_ms, plan=self._plan_word(now)))
        alone = self._alone
        alone.over = False
        stepped_ms = self._ahead_ms(now) - alone.ahead_ms
        if abs(stepped_ms) > STEP_MS:
            self._shift(alone, stepped_ms, self._since_ms(now, outbox, last_ok_ms))
            self._anew(alone, outbox)
            LOG.warning(kv("local_clock_stepped", by_ms=stepped_ms))
        if alone.planned and self._plan_word(now) == "old":
            alone.planned = False  # it has grown too old meanwhile
            self._anew(alone, outbox)
        alone.behind = not self._read(alone, now, outbox)
        if not alone.behind and alone.follow is not None:
            now_ms = self._central_ms(now.moment, now)
            complete_ms = max(self._central_ms(complete, now), now_ms - stretched(LAG_MS, now.pace))
            alone.follow.until(min(now_ms, complete_ms))
        self._write(alone, now, outbox)

    def _begin(self, now: Now, outbox: Outbox, last_ok_ms: int) -> _Alone:
        """What the centre had by its last answer; after a restart that is what is not unsent."""
        since_ms, ahead_ms, above = self._since_ms(now, outbox, last_ok_ms), self._ahead_ms(now), self._first(outbox)
        unsent = frozenset(outbox.not_acked(above, _WANTED))
        book = Book(self._rung_before(outbox, now))
        planned = self._plan_word(now) == "ok"
        return _Alone(since_ms, ahead_ms, unsent, outbox.next_seq, above, book, planned=planned)

    def _since_ms(self, now: Now, outbox: Outbox, last_ok_ms: int) -> int:
        since_ms = self._central_ms(now.moment, now) + last_ok_ms - now.moment.boottime_ms
        oldest = outbox.oldest_unsent()
        if oldest is not None and oldest.boot != BEFORE_BOOT:
            since_ms = min(since_ms, max(self._central_ms(oldest, now), since_ms - BACK_MS))
        return since_ms - MARGIN_MS

    def _ahead_ms(self, now: Now) -> int:
        return self._central_ms(now.moment, now) - now.moment.boottime_ms

    @staticmethod
    def _shift(alone: _Alone, by_ms: int, since_ms: int) -> None:
        """The clock was set: what has rung stands as long ago as before."""
        alone.since_ms, alone.ahead_ms = since_ms, alone.ahead_ms + by_ms
        for one in alone.book.rung:
            one.at_ms += by_ms
            one.seen_ms = one.seen_ms + by_ms if one.seen_ms is not None else None
            one.over_ms = one.over_ms + by_ms if one.over_ms is not None else None

    def _anew(self, alone: _Alone, outbox: Outbox) -> None:
        """Fold all anew, in order."""
        alone.follow, alone.todo, alone.above = None, [], self._first(outbox)

    def _first(self, outbox: Outbox) -> int:
        return outbox.before(_WANTED, BACK_ROWS)

    def _rung_before(self, outbox: Outbox, now: Now) -> list[Rung]:
        """The alarms of earlier runs of the agent in the same outage. None of them is told twice."""
        found: list[Rung] = []
        for row in outbox.waiting("local_alarm"):
            event = decode_event(row.body)
            body = event.body
            if not isinstance(body, LocalAlarm):
                continue
            at_ms, seqs = self._central_ms(event.at, now), [int(name.rpartition("/")[2]) for name in body.events]
            if body.what == "rung":
                number, said = len(found) + 1, (body.rule, body.alarm, body.reason)
                found.append(Rung(number, "", body.room, "", *said, Priority.MEDIUM, at_ms, seqs, told=True))
            for one in found:
                if body.what == "seen" and one.rule == body.rule and not set(seqs).isdisjoint(one.seqs):
                    one.seen_ms = at_ms
        return found

    def _read(self, alone: _Alone, now: Now, outbox: Outbox) -> bool:
        """Take in what has been stored; True when nothing is left. The look-back is put in order before it is fed."""
        rows = outbox.facts(alone.above, _WANTED, TURN_ROWS)
        for row in rows:
            alone.above = row.seq
            event = decode_event(row.body)
            alone.todo.append((row.seq, event, self._occurred(event, now)))
        if len(rows) == TURN_ROWS:
            return False
        if alone.follow is None:
            alone.todo.sort(key=lambda one: (one[2].to_ms, one[0]))
            begins_ms = self._central_ms(now.moment, now) - BACK_MS
            alone.todo = [one for one in alone.todo if one[2].to_ms >= begins_ms or one[0] in alone.unsent]
            plan = self._kept.plan if self._kept is not None and alone.planned else None
            begins_ms = min((one[2].to_ms for one in alone.todo), default=begins_ms)
            assert self._guard is not None  # noqa: S101 - looked at by who calls
            alone.follow = Follow(
                plan, alone.since_ms, alone.unsent, alone.from_seq, begins_ms, alone.book, self._guard
            )
        alone.follow.now_ms = self._central_ms(now.moment, now)
        todo, alone.todo = alone.todo[:TURN_ROWS], alone.todo[TURN_ROWS:]
        for number, one in enumerate(todo):
            if not alone.follow.feed(*one):
                # Told late of something older than what has been judged: all is folded anew, in order.
                self._anew(alone, outbox)
                LOG.info(kv("local_folded_anew", seq=one[0], fed=number))
                return False
        return not alone.todo

    # --- telling ---------------------------------------------------------------------------------------------

    @property
    def _rung(self) -> list[Rung]:
        return self._alone.book.rung if self._alone is not None and not self._alone.over else []

    def _write(self, alone: _Alone, now: Now, outbox: Outbox) -> None:
        """Each alarm once, when it rings first: as an event, which goes up when the centre is back."""
        new = [one for one in alone.book.rung if not one.told]
        if new:
            outbox.append([self._event("rung", one, now, outbox) for one in new], {})
        for one in new:
            one.told = True
            LOG.warning(kv("local_alarm", kind=one.kind, room=one.room, reason=one.reason, rows=len(one.seqs)))

    def _event(self, what: str, one: Rung, now: Now, outbox: Outbox) -> Event:
        names = tuple(f"{stream}/{seq}" for seq in one.seqs[:EVENTS_MAX] if (stream := outbox.stream_of(seq)))
        return Event(LocalAlarm(what, one.rule, one.kind, one.reason, one.room, names), now.moment)

    def _note_seen(self, now: Now, outbox: Outbox) -> None:
        """Who has seen an alarm is believed at once, and it is written down."""
        while not self._seen.empty():
            name = self._seen.get()
            for one in self._rung:
                if one.name == name and one.open:
                    one.seen_ms = self._central_ms(now.moment, now)
                    self._seen_unwritten.append(one)
                    LOG.warning(kv("local_alarm_seen", kind=one.kind, room=one.room))
        if self._seen_unwritten:
            outbox.append([self._event("seen", one, now, outbox) for one in self._seen_unwritten], {})
            self._seen_unwritten = []

    def _sounds(self, one: Rung, now: Now) -> bool:
        age_ms = self._central_ms(now.moment, now) - one.at_ms
        return one.sounding and age_ms % SOUND_EVERY_MS < SOUND_MS

    def faults(self) -> dict[str, str]:
        """What wants a person in this house now, by a key that is another each time that it sounds."""
        found = {
            f"local {one.name}": f"local alarm: {one.kind}, room {one.room or 'unknown'}"
            for one in self._rung
            if one.sounding
        }
        follow = self._alone.follow if self._alone is not None and not self._alone.over else None
        failed = follow.failed if follow is not None else {}
        if self._broken:
            found["local rules"] = "local: nothing is judged while the centre is away"
        elif failed:
            found["local rules"] = "local: a rule failed, and is left out while the centre is away"
        return found

    def findings(self) -> Mapping[str, str]:
        """What an installer should look at."""
        problem = self._kept.problem if self._kept is not None else None
        return {"local": f"{problem} ({self._kept.refused})"} if problem and self._kept is not None else {}

    def _plan_word(self, now: Now) -> str:
        if self._kept is None or self._kept.plan is None:
            return "none"
        return "old" if self._kept.old(now) else "ok"

    def _viewed(self, now: Now, lost_at_ms: int | None) -> View:
        now_ms = self._central_ms(now.moment, now)
        lost_ms = now_ms - (now.moment.boottime_ms - lost_at_ms) if lost_at_ms is not None else None
        clock = now.moment.synced or (self._pair is not None and self._pair[0] == now.moment.boot)
        shown = tuple(one for one in self._rung if one.over_ms is None or now_ms - one.over_ms < OVER_KEPT_MS)
        plan = self._kept.plan if self._kept is not None else None
        zone = plan.time_zone if plan is not None else "Europe/Oslo"
        return View(now_ms, lost_ms, self._met, clock, self._plan_word(now), shown, zone)

    def wake_at_s(self, now: Now) -> float:
        """When `turn` is to be called at the latest, in real seconds."""
        if self._kept is None:
            return inf
        if self._alone is None:
            return now.mono_s + self._after_ms / 4000 / now.pace
        # Behind: at once, with a turn for what comes between.
        return now.mono_s + (0.0 if self._alone.behind and not self._broken else FOLLOW_S)
