"""Arrow 5, outbox → batch: what to send on which lane, and what every answer means for the rows.

Owns order, retries, backoff, parking and the reading of the centre's marks; standing.py owns what is told of how the
delivery stands. Must not know sockets or threads.

Two lanes, one request at a time on each. Urgent: class A (newest first, never behind a failing one) and heartbeats.
Backlog: everything else in order; class A too while the urgent lane is failing. A row leaves only when its outcome or
a mark says that the centre has it; everything else that comes back is a reason to try again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nattevakt.edge import wire
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import EventId
from nattevakt.edge.strict import load_json
from nattevakt.gateway.inputs import BACKLOG, URGENT, HttpFailed, HttpReply, HttpSend, Now, Probe, no_probe
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.poison import BACKLOG_MAX, URGENT_MAX, Halving, Singles
from nattevakt.gateway.rows import Row
from nattevakt.gateway.standing import Standing
from nattevakt.gateway.store import StoreError

BATCHES = "/v1/batches"
HEARTBEATS = "/v1/heartbeats"
BACKOFF_MAX_S = 5.0
RETRY_AFTER_MAX_S = 5.0
CREDENTIAL_RETRY_S = 10.0
PARKED_RETRY_S = 600.0
PARKS_WITHOUT_SUCCESS_MAX = 8
"""More than this in a row is no poison but a centre that takes nothing: then keep everything and wait."""
SAME_MARK_S = 6 * 3600.0
IDLE_S = 3600.0
HEARTBEAT_YIELDS_S = 5.0
"""A heartbeat lets calls go first for so long."""
HEARTBEAT_LEAST_S = 0.25
"""Heartbeats are due by service time, but never more often than this in real time."""


@dataclass(slots=True)
class _Busy:
    number: int
    kind: str
    rows: Sequence[Row]
    marks: Mapping[str, int]
    """The gateway's own marks when it was sent: an answer is compared with these, not with later ones."""


@dataclass(slots=True)
class _Lane:
    name: str
    busy: _Busy | None = None
    not_before_s: float = 0.0
    failures: int = 0
    faults: dict[str, str] = field(default_factory=dict)


class Uplink:
    """The delivery to the centre as a state machine."""

    def __init__(
        self,
        outbox: Outbox,
        heartbeat: Callable[[Now], wire.Heartbeat],
        random: Callable[[], float],
        *,
        told: Sequence[Callable[[wire.HeartbeatReply], None]] = (),
        heartbeat_s: float = 15.0,
        probe: Probe = no_probe,
    ) -> None:
        self._outbox = outbox
        self._told = told
        self._heartbeat = heartbeat
        self._random = random
        self._heartbeat_ms = round(heartbeat_s * 1000)
        self._probe = probe
        self._lanes = {URGENT: _Lane(URGENT), BACKLOG: _Lane(BACKLOG)}
        self._halving = Halving()
        self._singles = Singles()
        self._number = 0
        self._next_heartbeat_s = 0.0
        self._next_heartbeat_ms = self._beat_ms = 0
        self._heartbeat_due_s: float | None = None
        self._next_suspect_s = 0.0
        self._next_parked_s = PARKED_RETRY_S
        self._parked_above = 0
        self._rows_went_last = False
        self._parks = 0
        self._standing = Standing()
        self._resent: dict[str, tuple[int, float]] = {}
        self.counters: dict[str, int] = {}

    # --- choosing --------------------------------------------------------------------------------------------

    def deliver(self, now: Now) -> list[HttpSend]:
        """Whatever may be sent now, at most one request a lane. Raises StoreError when rows cannot be read."""
        if self._standing.begins(now):
            self._next_heartbeat_ms = now.moment.boottime_ms
            self._next_heartbeat_s = now.mono_s
            self._next_parked_s = now.mono_s + PARKED_RETRY_S
        self._standing.waits(now, urgent=self._outbox.unsent["A"] > 0)
        if not self._outbox.unsent["A"]:
            self._singles.tries.clear()
        if not self._backlog_rows():
            # Marks have settled what it could not deliver, or so it thought: nothing is left to show that it can.
            self._lanes[BACKLOG].faults.clear()
        chosen = (self._urgent(now), self._backlog(now))
        return [request for request in chosen if request is not None]

    def _urgent(self, now: Now) -> HttpSend | None:
        lane = self._lanes[URGENT]
        if lane.busy is not None or now.mono_s < lane.not_before_s:
            return None
        rows: Sequence[Row] = []
        if self._outbox.unsent["A"]:
            rows = self._outbox.urgent((), URGENT_MAX + len(self._singles.tries))
        due_s = self._due_since_s(now)
        fresh = self._singles.fresh(rows)
        overdue = due_s is not None and now.mono_s >= due_s + HEARTBEAT_YIELDS_S
        if fresh and not (overdue and self._rows_went_last):
            self._rows_went_last = True
            return self._send_rows(lane, "rows", fresh, now)
        self._rows_went_last = False
        if due_s is not None:
            return self._send_heartbeat(lane, now)
        if now.mono_s >= self._next_suspect_s and (suspect := self._singles.suspect(rows)):
            return self._send_rows(lane, "rows", suspect, now)
        return None

    def within(self, ms: int) -> None:
        """Something waits for the centre's word: the next heartbeat comes so long after the last one at the latest."""
        self._next_heartbeat_ms = min(self._next_heartbeat_ms, self._beat_ms + ms)

    def _due_since_s(self, now: Now) -> float | None:
        """When the next heartbeat fell due, in real seconds; None while it is not."""
        if now.mono_s < self._next_heartbeat_s or now.moment.boottime_ms < self._next_heartbeat_ms:
            self._heartbeat_due_s = None
        elif self._heartbeat_due_s is None:
            self._heartbeat_due_s = now.mono_s
        return self._heartbeat_due_s

    def _backlog(self, now: Now) -> HttpSend | None:
        lane = self._lanes[BACKLOG]
        if lane.busy is not None or now.mono_s < lane.not_before_s:
            return None
        rows: Sequence[Row] = []
        if self._backlog_rows():
            with_urgent, skip = self._lanes[URGENT].failures > 0, self._singles.tries
            rows = self._outbox.backlog(with_urgent=with_urgent, skip=skip, rows_max=BACKLOG_MAX)
            rows = self._halving.choose(rows)
        if rows:
            return self._send_rows(lane, "rows", rows, now)
        if now.mono_s >= self._next_parked_s and self._outbox.parked_rows:
            return self._send_parked(lane, now)
        return None

    def _backlog_rows(self) -> int:
        """How many rows wait for the backlog lane; class A among them while its own lane fails."""
        unsent = self._outbox.unsent
        return unsent.total() - (0 if self._lanes[URGENT].failures else unsent["A"])

    def _send_parked(self, lane: _Lane, now: Now) -> HttpSend | None:
        found = self._outbox.parked(self._parked_above, 1) or self._outbox.parked(0, 1)
        if not found:
            return None
        is_last = not self._outbox.parked(found[0].seq, 1)
        self._parked_above = 0 if is_last else found[0].seq
        self._next_parked_s = now.mono_s + (PARKED_RETRY_S if is_last else 1.0)
        return self._send_rows(lane, "parked", found, now)

    def _send_rows(self, lane: _Lane, kind: str, rows: Sequence[Row], now: Now) -> HttpSend:
        lines: list[bytes] = []
        size = 1_000
        for row in rows:
            line = wire.event_line(EventId(row.stream, row.seq), row.body)
            size += len(line) + 1
            if lines and size > wire.BATCH_BYTES_MAX:
                break
            lines.append(line)
        taken = list(rows[: len(lines)])
        firsts = {stream: self._outbox.first_of(stream) for stream in {row.stream for row in taken}}
        body = wire.encode_batch(now.moment, firsts, lines)
        marks = {held.stream: held.acked for held in self._outbox.held()}
        return self._start(lane, _Busy(0, kind, taken, marks), BATCHES, wire.CONTENT_TYPE, body)

    def _send_heartbeat(self, lane: _Lane, now: Now) -> HttpSend:
        self._heartbeat_due_s = None
        self._next_heartbeat_s = now.mono_s + HEARTBEAT_LEAST_S
        self._next_heartbeat_ms = now.moment.boottime_ms + self._heartbeat_ms
        self._beat_ms = now.moment.boottime_ms
        heartbeat = self._heartbeat(now)
        marks = {held.stream: held.acked for held in heartbeat.streams}
        body = wire.encode_message(heartbeat)
        return self._start(lane, _Busy(0, "heartbeat", (), marks), HEARTBEATS, "application/json", body)

    def _start(self, lane: _Lane, busy: _Busy, path: str, content_type: str, body: bytes) -> HttpSend:
        self._number += 1
        busy.number = self._number
        lane.busy = busy
        return HttpSend(lane.name, busy.number, path, content_type, body)

    # --- answers ---------------------------------------------------------------------------------------------

    def replied(self, reply: HttpReply, now: Now) -> None:
        """Take in an answer. Raises StoreError when it could not be stored: the rows will be sent again."""
        lane = self._lanes[reply.lane]
        busy = lane.busy
        if busy is None or busy.number != reply.number:
            return
        lane.busy = None
        self._count(f"http_{reply.status}")
        if reply.status in (429, 503):
            wait = 1.0 if reply.retry_after_s is None else reply.retry_after_s
            lane.not_before_s = now.mono_s + min(max(wait, 0.05), RETRY_AFTER_MAX_S)
            self._postpone_heartbeat(busy, now)
        elif reply.status in (401, 403):
            lane.faults["credential"] = f"centre: credential not accepted ({reply.status})"
            lane.not_before_s = now.mono_s + CREDENTIAL_RETRY_S
            self._postpone_heartbeat(busy, now)
        elif reply.status in (413, 422, 500) and busy.kind != "heartbeat":
            lane.failures = 0
            self._refused(lane, busy, reply, now)
        elif reply.status == 200:
            self._taken(lane, busy, reply, now)
        elif busy.kind == "heartbeat":
            # A bug in one message must not hold up calls: only the next heartbeat waits.
            lane.faults["answer"] = f"centre: heartbeat answered {reply.status}"
            self._heartbeat_again(now, BACKOFF_MAX_S)
        else:
            lane.faults["answer"] = f"centre: answered {reply.status}"
            self._back_off(lane, now)

    def _taken(self, lane: _Lane, busy: _Busy, reply: HttpReply, now: Now) -> None:
        try:
            if busy.kind == "heartbeat":
                outcomes: Sequence[wire.ItemReply] = ()
                said = wire.decode_heartbeat_reply(reply.body)
                for told in self._told:
                    told(said)
                # A stream that we named and the centre does not is one that it has nothing of.
                marks: Mapping[str, int] = {**dict.fromkeys(busy.marks, 0), **said.marks}
            else:
                answer = wire.decode_batch_reply(reply.body)
                outcomes, marks = answer.outcomes, answer.marks
                if len(outcomes) != len(busy.rows):
                    raise RejectError("reply.outcomes", f"{len(outcomes)} for {len(busy.rows)} events")
        except RejectError as error:
            lane.faults["answer"] = f"centre: answer not understood ({str(error)[:100]})"
            self._postpone_heartbeat(busy, now)
            self._back_off(lane, now)
            return
        if lane.failures:
            # What is delivered now tells of no silence before a heartbeat has said how complete it is.
            urgent = self._lanes[URGENT]
            urgent.not_before_s = 0.0 if urgent.failures else urgent.not_before_s
            self._heartbeat_again(now, 0.0)
        lane.failures = 0
        lane.faults.clear()
        self._standing.answered(now)
        refused = [(row, item) for row, item in zip(busy.rows, outcomes, strict=True) if _is_refused(item)]
        acked = [row.seq for row, item in zip(busy.rows, outcomes, strict=True) if not _is_refused(item)]
        if acked:
            self._parks = 0
            self._standing.delivered()
        try:
            self._outbox.settle(acked, marks)
            for row, item in refused:
                self._outbox.park(row, f"refused: {item.reason or 'no reason given'}", now.moment)
            self._lost_by_centre(busy.marks, marks, now)
        except StoreError:
            lane.not_before_s = now.mono_s + 1.0
            raise
        if busy.kind == "rows":
            (self._singles if lane.name == URGENT else self._halving).accepted(busy.rows)
        self._probe("acknowledged", {"lane": lane.name, "seqs": acked})

    def _lost_by_centre(self, own: Mapping[str, int], marks: Mapping[str, int], now: Now) -> None:
        for stream, mark in marks.items():
            known = self._resent.get(stream)
            if known is not None and (mark > known[0] or now.mono_s - known[1] > SAME_MARK_S):
                del self._resent[stream]
                known = None
            # The same mark a second time is a hole that we cannot fill, not a second loss.
            if mark < own.get(stream, 0) and (known is None or mark < known[0]):
                self._resent[stream] = (mark, now.mono_s)
                self._count("resent", self._outbox.resend(stream, mark))

    def _refused(self, lane: _Lane, busy: _Busy, reply: HttpReply, now: Now) -> None:
        if busy.kind == "parked":
            return
        if lane.name == URGENT:
            row = self._singles.rejected(busy.rows)
            tries = max(self._singles.tries[row.seq] for row in busy.rows)
            self._next_suspect_s = now.mono_s + (self._pause(tries) if tries else 0.0)
        else:
            row = self._halving.rejected(busy.rows)
            pause = 0.0 if self._halving.searching or row is not None else self._pause(1)
            lane.not_before_s = now.mono_s + pause
        if row is None:
            return
        if self._parks >= PARKS_WITHOUT_SUCCESS_MAX:
            lane.faults["refusing"] = f"centre: takes no events ({reply.status})"
            if lane.name == BACKLOG:
                lane.not_before_s = now.mono_s + BACKOFF_MAX_S
            self._next_suspect_s = now.mono_s + BACKOFF_MAX_S
            return
        self._outbox.park(row, f"parked: centre answered {reply.status}{_field(reply.body)}", now.moment)
        self._parks += 1
        self._count("parked")
        self._singles.tries.pop(row.seq, None)

    def failed(self, failure: HttpFailed, now: Now) -> None:
        """No answer came."""
        lane = self._lanes[failure.lane]
        busy = lane.busy
        if busy is None or busy.number != failure.number:
            return
        lane.busy = None
        self._count(f"http_{failure.why}")
        if failure.why == "timeout" and busy.kind == "rows":
            (self._singles if lane.name == URGENT else self._halving).timed_out(busy.rows)
        self._postpone_heartbeat(busy, now)
        self._back_off(lane, now)

    def _postpone_heartbeat(self, busy: _Busy, now: Now) -> None:
        if busy.kind == "heartbeat":
            self._heartbeat_again(now, 0.0)

    def _heartbeat_again(self, now: Now, pause_s: float) -> None:
        self._next_heartbeat_s = now.mono_s + pause_s
        self._next_heartbeat_ms = now.moment.boottime_ms

    def _back_off(self, lane: _Lane, now: Now) -> None:
        lane.failures += 1
        lane.not_before_s = now.mono_s + self._pause(lane.failures)

    def _pause(self, failures: int) -> float:
        return float(min(BACKOFF_MAX_S, 0.25 * 2 ** min(failures - 1, 10)) * (0.5 + 0.5 * self._random()))

    def _count(self, name: str, by: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + by

    # --- telling ---------------------------------------------------------------------------------------------

    def wake_at_s(self, now: Now) -> float:
        """When `deliver` may have something to send although nothing came in, in real seconds."""
        urgent, backlog = self._lanes[URGENT], self._lanes[BACKLOG]
        left_s = (self._next_heartbeat_ms - now.moment.boottime_ms) / 1000 / now.pace
        heartbeat_s = max(self._next_heartbeat_s, now.mono_s + left_s)
        found = [now.mono_s + IDLE_S]
        if urgent.busy is None:
            due = min(heartbeat_s, self._next_suspect_s) if self._singles.tries else heartbeat_s
            found.append(max(urgent.not_before_s, 0.0 if self._outbox.unsent["A"] > len(self._singles.tries) else due))
        if backlog.busy is None:
            if self._backlog_rows():
                found.append(backlog.not_before_s)
            elif self._outbox.parked_rows:
                found.append(max(backlog.not_before_s, self._next_parked_s))
        return min(found)

    @property
    def last_ok_ms(self) -> int | None:
        """When the centre last answered well, on this boot's clock; None before the first try."""
        return self._standing.last_ok_ms

    def disproved(self, now: Now) -> frozenset[str]:
        """Keys of faults that no longer are when the centre reads of them."""
        return self._standing.disproved(now)

    def faults(self, now: Now) -> dict[str, str]:
        """What is wrong with the delivery, in words that stay the same while it is."""
        found: dict[str, str] = {}
        for lane in self._lanes.values():
            found.update(lane.faults)
        return {**found, **self._standing.faults(now)}


def _is_refused(item: wire.ItemReply) -> bool:
    return item.outcome is wire.Outcome.REFUSED


def _field(body: bytes) -> str:
    try:
        found = load_json(body[:2_000], "reply").get("field")
    except RejectError:
        return ""
    return f" {found}"[:80] if isinstance(found, str) else ""
