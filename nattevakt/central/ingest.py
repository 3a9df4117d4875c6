"""From a batch to committed rows, verdicts and alarms: one transaction. Serves arrow 6.

Owns identity (same id, same bytes: nothing; other bytes: both kept and alarmed), the dating of events, the
contiguous marks, and what happens to lines that break the contract. Must not know HTTP or how rules decide.

A gateway's batches queue at its row, so what this transaction reads of its streams stays true until it commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from nattevakt.central import cards, claims, lifeline, local_history, technical
from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.arrays import insert_of
from nattevakt.central.chain import steps as chain
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.devices import DeviceStates
from nattevakt.central.event_rows import COLUMNS, STEADY, Fresh, event_rows
from nattevakt.central.lifeline import held_of
from nattevakt.central.marks import Held
from nattevakt.central.occurred import Clocks, Dated, Pair
from nattevakt.central.probe import Probe, silent
from nattevakt.central.supervision import RULES, Ending, Rule, Stored, supervise
from nattevakt.central.tables import boots, events, gateways, refused_rows, streams
from nattevakt.central.technical import Origin
from nattevakt.edge.errors import NattevaktError
from nattevakt.edge.events import ChainTest, ClockSynchronised, SourceBack, SourceLost, Started, Tombstone, device_of
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import Batch, BatchReply, ItemReply, Outcome, Received, Refused, decode_batch


@dataclass(frozen=True, slots=True)
class Sender:
    """A gateway that has shown its credential. credential_sha256: what it showed, hashed."""

    tenant: Tenant
    gateway_id: int
    credential_sha256: str


class Revoked(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """This gateway's key has been withdrawn."""


class StaleCredential(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """This gateway has another key by now."""


_sha256 = hashlib.sha256
_OF_LIFE = frozenset(
    {ClockSynchronised, Started, SourceLost, SourceBack, Tombstone, ChainTest, local_history.LocalAlarm}
)
_STORED, _CONFLICT, _DUPLICATE = (ItemReply(it) for it in (Outcome.STORED, Outcome.CONFLICT, Outcome.DUPLICATE))


class _MarksLied(Exception):  # noqa: N818 - never leaves this module
    """A row stood where the marks said there was none."""


GATEWAY = (
    select(gateways)
    .where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))
    .with_for_update(key_share=True)
)
_BOOTS = select(boots.c.boot, boots.c.boottime_ms, boots.c.wall_ms).where(
    boots.c.tenant_id == TENANT,
    boots.c.gateway_id == bindparam("gateway_id"),
    boots.c.boot.in_(bindparam("names", expanding=True)),
)
_THERE = select(events.c.stream_id, events.c.seq, events.c.variant, events.c.sha256).where(
    events.c.tenant_id == TENANT,
    events.c.gateway_id == bindparam("gateway_id"),
    tuple_(events.c.stream_id, events.c.seq).in_(bindparam("ids", expanding=True)),
)
_ADVANCE = (
    update(streams)
    .where(streams.c.tenant_id == TENANT, streams.c.id == bindparam("stream_id"))
    .values(
        first_seq=bindparam("p_first_seq"),
        mark=bindparam("p_mark"),
        ranges=bindparam("p_ranges", type_=streams.c.ranges.type),
        dated_seq=bindparam("p_dated_seq"),
        dated_ms=bindparam("p_dated_ms"),
        dated_boot=bindparam("p_dated_boot"),
        dated_boottime_ms=bindparam("p_dated_boottime_ms"),
        previous_stream=bindparam("p_previous_stream"),
        previous_last_seq=bindparam("p_previous_last_seq"),
        started_seq=bindparam("p_started_seq"),
    )
)


def receive(
    db: Database,
    sender: Sender,
    body: bytes,
    now_ms: int,
    probe: Probe = silent,
    rules: Sequence[Rule] = RULES,
    pace: float = 1.0,
) -> BatchReply:
    """Store, supervise and answer one batch; the answer is given after the commit. pace: of service time.

    Raises RejectError (header unreadable), Revoked, StaleCredential, or RetryError (database away or busy).
    """
    batch = decode_batch(body)
    probe("decoded", {"events": len(batch.items)})

    def work(s: TenantSession, *, trust_marks: bool = True) -> BatchReply:
        return _Ingest(s, sender, batch, now_ms, trust_marks=trust_marks).run(probe, rules, pace)

    try:
        reply = db.transact(sender.tenant.id, work)
    except _MarksLied:
        # After a restore the marks may know less than the rows do; then every id is looked up.
        reply = db.transact(sender.tenant.id, lambda s: work(s, trust_marks=False))
    probe("committed", {"events": len(batch.items)})
    return reply


def enter(s: TenantSession, sender: Sender) -> Row[Any]:
    """Lock the sender's gateway row, and make sure that its key still counts."""
    row = s.execute(GATEWAY, {"gateway_id": sender.gateway_id}).one_or_none()
    if row is None or row.credential_sha256 != sender.credential_sha256:
        raise StaleCredential("the key has been changed")
    if row.revoked_ms is not None:
        raise Revoked("the key has been withdrawn")
    return row


def origin_of(row: Row[Any], tenant: Tenant) -> Origin:
    """The gateway as alarms about it want it."""
    return Origin(row.id, row.ward_id, row.key, row.name, tenant.time_zone)


@dataclass(slots=True)
class _Stream:
    """One stream as this batch changes it."""

    id: int
    held: Held
    dated: Dated
    previous_stream: str | None = None
    previous_last_seq: int | None = None
    started_seq: int | None = None
    changed: bool = False


class _Ingest:
    """One batch inside its transaction."""

    def __init__(self, s: TenantSession, sender: Sender, batch: Batch, now_ms: int, *, trust_marks: bool) -> None:
        self.s = s
        self.batch = batch
        self.now_ms = now_ms
        self.trust_marks = trust_marks
        self.gateway = enter(s, sender)
        self.origin = origin_of(self.gateway, sender.tenant)
        self.replies: dict[int, ItemReply] = {}
        self.states = DeviceStates(s, self.origin.gateway_id)
        self.streams: dict[str, _Stream] = {}
        self.clocks = Clocks(batch.sent, now_ms)

    def run(self, probe: Probe, rules: Sequence[Rule], pace: float) -> BatchReply:
        received = [item for item in self.batch.items if type(item) is Received]
        received.sort(key=lambda item: (item.id.stream, item.id.seq, item.index))
        # Nearly all speak of one moment and of a device; only the others are looked at for more.
        rare = [item for item in received if item.event.since is not None or type(item.event.body) in _OF_LIFE]
        self._load_streams(received, rare)
        self._load_boots(received, rare)
        fresh = self._sort_out(received)
        stored = self._date(fresh)
        self._note_states(stored)
        if rare:
            self._live(stored)
        endings = supervise(self.s, self.origin, stored, self.now_ms, rules)
        self._write(stored, fresh, endings)
        if len(received) < len(self.batch.items):
            self._refuse([item for item in self.batch.items if isinstance(item, Refused)])
        self.states.save(self.now_ms)
        self._advance()
        starts = [entry for entry in stored if isinstance(entry.event.body, Started)] if rare else []
        if starts:
            beating_id, held = self.gateway.current_stream_id, self.gateway.held or {}
            lifeline.judge_short(self.s, self.origin, beating_id, held, {}, self.now_ms)
            cards.judge(self.s, self.origin, self.gateway, starts, self.clocks, self.now_ms, pace)
        probe("stored", {"devices": [entry.device for entry in stored]})
        outcomes = tuple(self.replies[index] for index in range(len(self.batch.items)))
        marks = {name: stream.held.reply for name, stream in self.streams.items()}
        claims.settle(self.s, self.gateway, marks)
        return BatchReply(outcomes, marks)

    def _load_streams(self, received: Sequence[Received], rare: Sequence[Received]) -> None:
        bodies = [item.event.body for item in rare]
        used = {item.id.stream for item in received}
        used.update(body.stream for body in bodies if isinstance(body, Tombstone))
        used.update(body.previous_stream for body in bodies if isinstance(body, Started) and body.previous_stream)
        names = sorted(used | set(self.batch.firsts))
        if not names:
            return
        for row in self.s.execute(lifeline.NAMED, {"gateway_id": self.origin.gateway_id, "names": names}):
            self.streams[row.stream] = _Stream(
                row.id,
                held_of(row),
                Dated(row.dated_seq, row.dated_ms, row.dated_boot, row.dated_boottime_ms),
                row.previous_stream,
                row.previous_last_seq,
                row.started_seq,
            )
        for name in names:
            if name in used and name not in self.streams:
                number = self.s.insert(
                    streams, gateway_id=self.origin.gateway_id, stream=name, mark=0, ranges=[], missing=None
                )
                self.streams[name] = _Stream(number, Held(None, 0, ()), Dated())
            first = self.batch.firsts.get(name)
            if first is not None and name in self.streams:
                self._hold(self.streams[name], self.streams[name].held.begins_at(first))

    def _hold(self, stream: _Stream, held: Held) -> None:
        stream.changed = stream.changed or held != stream.held
        stream.held = held

    def _load_boots(self, received: Sequence[Received], rare: Sequence[Received]) -> None:
        """Know the clocks of other boots that this batch speaks of, also those it brings itself."""
        pairs: dict[str, Pair] = {}
        for item in rare:
            if isinstance(item.event.body, ClockSynchronised):
                at = item.event.at
                pairs.setdefault(at.boot, Pair(at.boottime_ms, at.wall_ms))
        boots_named = {item.event.at.boot for item in received}
        boots_named.update(boot for item in rare for boot in lifeline.boots_of(item.event))
        others = sorted(boots_named - {self.batch.sent.boot})
        if others:
            found = self.s.execute(_BOOTS, {"gateway_id": self.origin.gateway_id, "names": others})
            pairs.update({row.boot: Pair(row.boottime_ms, row.wall_ms) for row in found})
        self.clocks = Clocks(self.batch.sent, self.now_ms, pairs)

    def _sort_out(self, received: Sequence[Received]) -> list[Fresh]:
        """Tell new rows from known ones; gives the new, each with its variant number."""
        there = self._there(received)
        fresh: list[Fresh] = []
        seqs: dict[str, list[int]] = {name: [] for name in self.streams}
        for item in received:
            known, seq = item.id.stream, item.id.seq
            stream = self.streams[known]
            seqs[known].append(seq)
            sha256 = _sha256(item.raw).digest()
            name = (stream.id, seq)
            variants = there.get(name)
            if variants is None:
                there[name], variant = {sha256: 0}, 0
            elif sha256 in variants:
                self.replies[item.index] = _DUPLICATE
                continue
            else:
                variant = max(variants.values()) + 1
                variants[sha256] = variant
            self.replies[item.index] = _CONFLICT if variant else _STORED
            fresh.append((item, variant, sha256))
            if variant:
                key = EventKey(self.origin.gateway_id, stream.id, seq, variant)
                params: dict[str, str | int] = {"stream": known, "seq": seq}
                technical.sound(self.s, self.origin, "id_conflict", params, self.now_ms, event=key)
        for known, stream in self.streams.items():
            if seqs[known]:
                self._hold(stream, stream.held.with_seqs(seqs[known]))
        return fresh

    def _there(self, received: Sequence[Received]) -> dict[tuple[int, int], dict[bytes, int]]:
        # Nearly all lie above all that is held of their stream.
        tops = {name: stream.held.top for name, stream in self.streams.items()}
        ids = []
        for name in (item.id for item in received):
            stream = self.streams[name.stream]
            if not self.trust_marks or (name.seq <= tops[name.stream] and stream.held.covers(name.seq)):
                ids.append((stream.id, name.seq))
        found: dict[tuple[int, int], dict[bytes, int]] = {}
        if ids:
            for row in self.s.execute(_THERE, {"gateway_id": self.origin.gateway_id, "ids": ids}):
                found.setdefault((row.stream_id, row.seq), {})[bytes(row.sha256)] = row.variant
        return found

    def _date(self, fresh: Sequence[Fresh]) -> list[Stored]:
        """The new rows with the moments at which they happened."""
        stored = []
        occurred_at, gateway_id, now_ms = self.clocks.occurred, self.origin.gateway_id, self.now_ms
        for item, variant, _ in fresh:
            named, event = item.id, item.event
            stream, seq, at = self.streams[named.stream], named.seq, event.at
            dated = stream.dated
            later = dated.seq is not None and seq > dated.seq
            occurred = dated.in_order(at, occurred_at(at, event.since, dated.at_ms if later else None), now_ms)
            if (later or dated.seq is None) and not occurred.uncertain:
                dated.take(seq, at, occurred.from_ms)
                stream.changed = True
            key = EventKey(gateway_id, stream.id, seq, variant)
            stored.append(Stored(key, event, occurred, now_ms, device_of(event.body), event.urgency))
        return stored

    def _note_states(self, stored: Sequence[Stored]) -> None:
        told = {entry.device for entry in stored if entry.device}
        self.states.load(told)
        states = {device: self.states.get(device) for device in told}
        for entry in stored:
            if entry.device:
                states[entry.device].take(entry.event.body, entry.occurred.to_ms)

    def _live(self, stored: Sequence[Stored]) -> None:
        """What the rows about the gateway's own life mean."""
        pairs = []
        for entry in (entry for entry in stored if type(entry.event.body) in _OF_LIFE):
            body, at = entry.event.body, entry.occurred
            match body:
                case ClockSynchronised():
                    boot = entry.event.at
                    pair = {"boot": boot.boot, "boottime_ms": boot.boottime_ms, "wall_ms": boot.wall_ms}
                    pairs.append({"gateway_id": self.origin.gateway_id, **pair})
                case Started():
                    lifeline.started(self.states, body, at, self.clocks)
                    self._succeed(entry, body)
                case SourceLost():
                    lifeline.source_lost(self.states, body, at)
                case SourceBack():
                    lifeline.source_back(self.states, body, at)
                case Tombstone():
                    buried = self.streams[body.stream]
                    self._hold(buried, buried.held.with_ranges([(body.first_seq, body.last_seq)]))
                    lifeline.tombstone(self.s, self.origin, self.states, body, self.clocks, self.now_ms)
                case ChainTest():
                    chain.receive(self.s, self.origin.gateway_id, body.nonce, at.to_ms, self.now_ms)
                case local_history.LocalAlarm():
                    local_history.keep(self.s, self.origin, entry, self.now_ms)
        self.s.add(boots, sorted(pairs, key=lambda row: str(row["boot"])))

    def _succeed(self, entry: Stored, body: Started) -> None:
        for stream in self.streams.values():
            if stream.id == entry.key.stream_id:
                stream.previous_stream = body.previous_stream
                stream.previous_last_seq = body.previous_last_seq
                stream.started_seq = entry.key.seq
                self._hold(stream, stream.held.begins_at(entry.key.seq))
                stream.changed = True

    def _write(self, stored: Sequence[Stored], fresh: Sequence[Fresh], endings: Mapping[EventKey, Ending]) -> None:
        rows = event_rows(stored, fresh, endings)
        if not rows:
            return
        try:
            sql, given = insert_of(events, COLUMNS, STEADY, self.s.tenant_id, self.s.dialect, rows)
            self.s.run_rows(sql, given, turned=True)
        except IntegrityError as error:
            if not self.trust_marks:
                raise
            raise _MarksLied from error

    def _refuse(self, refused: Iterable[Refused]) -> None:
        for item in refused:
            self.replies[item.index] = ItemReply(Outcome.REFUSED, f"{item.field}: {item.reason}")
            row_id = self.s.insert_unless_there(
                refused_rows,
                gateway_id=self.origin.gateway_id,
                stream=item.id.stream if item.id is not None else None,
                seq=item.id.seq if item.id is not None else None,
                received_ms=self.now_ms,
                field=item.field,
                reason=item.reason,
                urgent=item.urgent,
                raw=item.raw,
                sha256=hashlib.sha256(item.raw).hexdigest(),
            )
            if row_id is not None:
                priority = Priority.HIGH if item.urgent else Priority.LOW
                params: dict[str, str | int] = {"field": item.field, "why": item.reason, "row": row_id}
                technical.sound(self.s, self.origin, "event_refused", params, self.now_ms, priority=priority)

    def _advance(self) -> None:
        for stream in sorted(self.streams.values(), key=lambda stream: stream.id):
            if stream.changed:
                values = {
                    "p_first_seq": stream.held.first,
                    "p_mark": stream.held.mark,
                    "p_ranges": [list(pair) for pair in stream.held.ranges],
                    "p_dated_seq": stream.dated.seq,
                    "p_dated_ms": stream.dated.at_ms,
                    "p_dated_boot": stream.dated.boot,
                    "p_dated_boottime_ms": stream.dated.boottime_ms,
                    "p_previous_stream": stream.previous_stream,
                    "p_previous_last_seq": stream.previous_last_seq,
                    "p_started_seq": stream.started_seq,
                }
                self.s.execute(_ADVANCE, {"stream_id": stream.id, **values})
