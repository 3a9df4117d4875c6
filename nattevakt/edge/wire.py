"""The contract between gateway and centre, version 1. Serves arrows 5 and 6.

Owns the bytes: with its parts (wire_heartbeat.py for signs of life, wire_json.py for what both are written with,
wire_quick.py for lines that are as they should be) it is the only code that writes or reads them. Must not know where
rows are stored.

A batch is lines of JSON (application/x-ndjson): a header, then one event a line. A damaged line damages
only itself, and "the event's bytes as sent" is simply its line. Golden files: tests/wire/v1/.

header    {"v":1,"sent":MOMENT,"firsts":{STREAM:first sequence of that stream}}
event     {"stream":32 hex,"seq":n,"kind":"call","class":"A","at":MOMENT,"since":MOMENT?,"data":{...}}
MOMENT    {"boot":text,"boottime_ms":n,"wall_ms":n,"synced":bool}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nattevakt.edge import wire_quick
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import KINDS, Body, Event, EventId, Foreign, Moment, Urgency, kind_of
from nattevakt.edge.strict import Reader, count, load_json, record, text, whole
from nattevakt.edge.wire_heartbeat import CompleteTo as CompleteTo
from nattevakt.edge.wire_heartbeat import DeviceLists as DeviceLists
from nattevakt.edge.wire_heartbeat import GatewayHealth as GatewayHealth
from nattevakt.edge.wire_heartbeat import Heartbeat as Heartbeat
from nattevakt.edge.wire_heartbeat import HeartbeatReply as HeartbeatReply
from nattevakt.edge.wire_heartbeat import HeldStream as HeldStream
from nattevakt.edge.wire_heartbeat import decode_heartbeat as decode_heartbeat
from nattevakt.edge.wire_heartbeat import decode_heartbeat_reply as decode_heartbeat_reply
from nattevakt.edge.wire_heartbeat import list_digest as list_digest
from nattevakt.edge.wire_json import VERSION, dump, marks, moment, plain, stream, versioned

CONTENT_TYPE = "application/x-ndjson"
BATCH_EVENTS_MAX = 200
"""Most events a gateway puts into one batch."""
BATCH_BYTES_MAX = 64_000
"""Most bytes a gateway puts into one batch, unless a single event is larger."""
ACCEPT_EVENTS_MAX = 1_000
ACCEPT_BYTES_MAX = 1_000_000
"""Most that a centre reads; more is refused with 413."""
EVENT_BYTES_MAX = 16_000

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_URGENCIES = {urgency.value: urgency for urgency in Urgency}


class Outcome(StrEnum):
    """What the centre did with one event of a batch."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """Same id, another body: stored beside the first and alarmed."""
    REFUSED = "refused"


@dataclass(slots=True)
class Received:
    """One event that follows the contract. raw: its line as sent, without the newline. Nobody changes one; frozen it
    would cost thrice as much, and a batch makes hundreds."""

    index: int
    raw: bytes
    id: EventId
    event: Event


@dataclass(frozen=True, slots=True)
class Refused:
    """One line that does not. id is None where even that could not be read; urgent if it might be class A."""

    index: int
    raw: bytes
    id: EventId | None
    field: str
    reason: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch. firsts: the first sequence number of each stream that it speaks of."""

    sent: Moment
    firsts: Mapping[str, int]
    items: tuple[Received | Refused, ...]


@dataclass(frozen=True, slots=True)
class ItemReply:
    """The outcome of one event; reason is set when it was refused."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BatchReply:
    """The answer to a batch: one outcome an event in order, and the contiguous mark of each stream."""

    outcomes: tuple[ItemReply, ...]
    marks: Mapping[str, int]


# --- writing -------------------------------------------------------------------------------------------


def encode_event(event: Event) -> bytes:
    """The part of an event's line that does not depend on its id, as stored in the outbox: a JSON object."""
    data = json.loads(event.body.data_json) if isinstance(event.body, Foreign) else plain(event.body)
    line: dict[str, object] = {
        "kind": kind_of(event.body),
        "class": event.urgency.value,
        "at": plain(event.at),
    }
    if event.since is not None:
        line["since"] = plain(event.since)
    line["data"] = data
    return dump(line)


def event_line(event_id: EventId, stored: bytes) -> bytes:
    """The line as sent: the id put in front of what `encode_event` gave. Same row, same bytes, always."""
    return b'{"stream":"%s","seq":%d,%s' % (event_id.stream.encode(), event_id.seq, stored[1:])


def encode_batch(sent: Moment, firsts: Mapping[str, int], lines: Iterable[bytes]) -> bytes:
    """A whole batch of lines made by `event_line`."""
    header = dump({"v": VERSION, "sent": plain(sent), "firsts": dict(firsts)})
    return b"\n".join((header, *lines, b""))


def encode_message(message: BatchReply | Heartbeat | HeartbeatReply) -> bytes:
    """A reply or heartbeat as one JSON object."""
    if isinstance(message, BatchReply):
        # Nearly all are alike: what each says is made once, and the rest is as `dump` would have it.
        unlike = {id(item): item for item in message.outcomes}
        said = {key: dump({"outcome": item.outcome.value, "reason": item.reason}) for key, item in unlike.items()}
        outcomes = b",".join([said[id(item)] for item in message.outcomes])
        return b'{"v":%d,"outcomes":[%s],"marks":%s}' % (VERSION, outcomes, dump(dict(message.marks)))
    found = plain(message)
    assert isinstance(found, dict)  # noqa: S101 - a dataclass always becomes a dict
    return dump({"v": VERSION, **found})


# --- reading -------------------------------------------------------------------------------------------


_BODIES: dict[str, Reader] = {
    kind: record(
        body,
        {
            "stream": stream,
            "first_seq": count,
            "last_seq": count,
            "count": count,
            "previous_stream": stream,
            "last_life": moment,
            "lost": moment,
            "began": moment,
            "ended": moment,
        },
    )
    for kind, body in KINDS.items()
}


def _outcome(value: object, where: str) -> Outcome:
    try:
        return Outcome(text(value, where))
    except ValueError:
        raise RejectError(where, "unknown outcome") from None


_item_reply = record(ItemReply, {"outcome": _outcome})


def _outcomes(value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > ACCEPT_EVENTS_MAX:
        raise RejectError(where, f"must be a list of at most {ACCEPT_EVENTS_MAX}")
    return tuple(_item_reply(v, f"{where}[{i}]") for i, v in enumerate(value))


_batch_reply = record(BatchReply, {"outcomes": _outcomes, "marks": marks})


def decode_event(stored: bytes) -> Event:
    """What `encode_event` wrote, or a whole event line, as an Event.

    Raises RejectError naming the field.
    """
    return _event(load_json(stored, "event"), "event")


def _event(value: dict[str, object], where: str) -> Event:
    kind = value.get("kind")
    if not isinstance(kind, str) or not (kind in _BODIES or _KIND.match(kind)):
        raise RejectError(f"{where}.kind", "must be 1 to 40 of a-z, 0-9, _")
    declared = _URGENCIES.get(text(value.get("class"), f"{where}.class"))
    if declared is None:
        raise RejectError(f"{where}.class", "must be A, B, C or L")
    at = moment(value.get("at"), f"{where}.at")
    since = moment(value["since"], f"{where}.since") if value.get("since") is not None else None
    data = value.get("data")
    body: Body
    if kind in _BODIES:
        body = _BODIES[kind](data, f"{where}.data")
        if getattr(body, "device", "-") == "":
            raise RejectError(f"{where}.data.device", "must not be empty")
    else:
        if not isinstance(data, dict):
            raise RejectError(f"{where}.data", "must be an object")
        device = text(data["device"], f"{where}.data.device") if data.get("device") is not None else None
        try:
            data_json = dump(data).decode()
        except (ValueError, RecursionError):
            raise RejectError(f"{where}.data", "holds what is not JSON text") from None
        if "\\u0000" in data_json:
            raise RejectError(f"{where}.data", "holds a control character")
        body = Foreign(kind, device, data_json, declared)
    return Event(body, at, since, declared)


def _item(index: int, raw: bytes) -> Received | Refused:
    quick = wire_quick.read(raw)
    if quick is not None:
        return Received(index, raw, *quick)
    item = _slow_item(index, raw)
    if isinstance(item, Received):
        wire_quick.learn(raw, item.event)
    return item


def _slow_item(index: int, raw: bytes) -> Received | Refused:
    where = f"events[{index}]"
    event_id: EventId | None = None
    urgent = True
    try:
        if len(raw) > EVENT_BYTES_MAX:
            raise RejectError(where, f"longer than {EVENT_BYTES_MAX} bytes")
        value = load_json(raw, where)
        urgent = value.get("class") not in ("B", "C", "L")
        seq = whole(value.get("seq"), f"{where}.seq")
        if seq < 1:
            raise RejectError(f"{where}.seq", "must be at least 1")
        event_id = EventId(stream(value.get("stream"), f"{where}.stream"), seq)
        return Received(index, raw, event_id, _event(value, where))
    except RejectError as error:
        return Refused(index, raw, event_id, error.field, error.reason, urgent)


def decode_batch(raw: bytes) -> Batch:
    """A batch as received. A malformed event becomes a `Refused` item and disturbs no other.

    Raises RejectError only when the header cannot be read or the batch holds no or too many events.
    """
    lines = raw.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise RejectError("batch", "is empty")
    header = versioned(lines[0], "header")
    sent = moment(header.get("sent"), "header.sent")
    firsts = marks(header.get("firsts"), "header.firsts")
    if not 1 <= len(lines) - 1 <= ACCEPT_EVENTS_MAX:
        raise RejectError("batch", f"must hold 1 to {ACCEPT_EVENTS_MAX} events")
    return Batch(sent, firsts, tuple(_item(i, line) for i, line in enumerate(lines[1:])))


def decode_batch_reply(raw: bytes) -> BatchReply:
    """The centre's answer to a batch. Raises RejectError naming the field."""
    reply: BatchReply = _batch_reply(versioned(raw, "reply"), "reply")
    return reply
