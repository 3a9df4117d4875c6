"""Readings become events: identity, edges, repeats, replayed state. Serves arrow 3.

Owns the order in which a reading is looked at, and what is handed back of it. Its memory is one row a device (JSON
text) in the outbox database, written only in the transaction that stores the events. Must not know any radio, the
outbox or the centre. What a live reading means stands in meaning.py and measuring.py, stored history in history.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge import bouncing, flooding
from nattevakt.edge.drivers.driver import Device, Finding, Reading
from nattevakt.edge.events import Event, Health, Moment
from nattevakt.edge.history import Past
from nattevakt.edge.meaning import Work, edge_of
from nattevakt.edge.measuring import health, health_of, measurements, movement
from nattevakt.edge.memory import DeviceMemory, memory_key, moment_of

UNKNOWN_ROWS_MAX = 5_000
"""Rows of memory beyond which unconfigured devices are no longer remembered; their events still come."""

__all__ = ["Interpreted", "interpret", "memory_key", "released"]


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What one reading meant.

    memory: the device's memory after it, None where no more devices can be remembered. changed: whether its row is to
    be written with the events.
    """

    events: tuple[Event, ...] = ()
    memory: DeviceMemory | None = None
    changed: bool = False
    findings: tuple[Finding, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)


def interpret(
    reading: Reading,
    device: Device | None,
    memory: Mapping[str, str],
    now: Moment,
    *,
    next_seq: int,
    last_heard: Moment | None,
    settled: bool,
    unchanged_until: Moment | None = None,
    known: DeviceMemory | None = None,
    timely: bool = True,
) -> Interpreted:
    """Events that this reading means, and what to remember with them.

    next_seq: the sequence number that the first returned event will get. last_heard: when the device was last
    heard, None for never. settled: False for its first message since its source or the agent came (back).
    unchanged_until: until when it certainly was as last heard, if somebody listened for longer than it spoke.
    known: the device's row of memory where it has been read already; it is not changed. timely: whether it was taken
    in as it came, so that how soon it followed another can be told.
    """
    key = memory_key(reading.address)
    before = known if known is not None else DeviceMemory(memory.get(key))
    after = before.copy()
    work: Work
    if reading.occurred_ms is not None:
        work = _past(Past(reading, device, after, now, next_seq, last_heard))
    else:
        until = unchanged_until or last_heard
        work = _live(Work(reading, device, after, now, next_seq, last_heard, settled, until, timely=timely))
        if work.seen is not None and not reading.replay:
            after.seen = work.seen
    changed = after.differs(before)
    if changed and device is None and key not in memory and len(memory) >= UNKNOWN_ROWS_MAX:
        work.count("memory_full")
        return Interpreted(tuple(work.events), findings=tuple(work.findings), counted=work.counted)
    return Interpreted(tuple(work.events), after, changed, tuple(work.findings), work.counted)


def _live(work: Work) -> Work:
    work.calm()
    work.acts()
    work.states()
    movement(work)
    measurements(work)
    health(work)
    return work


def _past(work: Past) -> Work:
    if not work.told_before():
        work.acts()
        work.states()
        work.context()
    return work


def released(address: str, known: DeviceMemory, now: Moment) -> Interpreted:
    """What waited and may be told now: a flooding device's state as of between then and now, a door's as of then."""
    after = known.copy()
    settled = bouncing.has_settled(after, now)
    events = [*bouncing.told(after, address, now)] if settled else []
    names = flooding.all_due(after, now)
    for name in names:
        held = after.held[name]
        flooding.told(after, name, now)
        if not isinstance(held, list) or not held:
            continue
        since = moment_of(held)
        value = held[0]
        if name == "health" and isinstance(value, dict):
            after.health.update(value)
            body: Health = health_of(address, value, after.errors)
            events.append(Event(body, now, since))
        elif isinstance(value, bool):
            if after.states.get(name) == value:
                events.append(Event(edge_of(name, address, not value), now, since))
            after.states[name] = value
            events.append(Event(edge_of(name, address, value), now, since))
    number = len(names) + settled
    return Interpreted(tuple(events), after, number > 0, (), {"released": number} if number else {})
