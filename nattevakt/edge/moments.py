"""When, how urgent, and its name: what every event has besides what it says. Serves arrows 3 to 7.

Owns the classes of events and a reading of the gateway's clocks; both are part of the vocabulary (events.py), where
everybody takes them from. Must not know any kind of event.
"""

from __future__ import annotations

from enum import StrEnum

from nattevakt.edge.values import value


class Urgency(StrEnum):
    """The class of an event, which decides order of sending, shedding, and whether it always rings."""

    A = "A"
    """Call, fall, leak, and whatever a newer gateway marks so. Never shed, always ends in an alarm."""
    B = "B"
    """Edges of bed, door, presence, chair, moisture pad. Shed after C when the outbox is full."""
    C = "C"
    """Health, measurements, repeats. Shed first."""
    LIFE = "L"
    """The gateway's own life: started, clock synchronised, source lost or back, tombstones. Never shed."""


@value(frozen=True, slots=True)
class Moment:
    """One reading of the gateway's clocks.

    boot: the kernel's boot id, 1 to 64 characters.
    boottime_ms: CLOCK_BOOTTIME in milliseconds, >= 0; never steps within one boot.
    wall_ms: Unix time in milliseconds as the machine believed it; may be decades wrong.
    synced: whether the kernel held the wall clock synchronised at that moment.
    """

    boot: str
    boottime_ms: int
    wall_ms: int
    synced: bool


@value(frozen=True, slots=True, order=True)
class EventId:
    """The name of one row in one outbox, never reused: 128 random bits an agent start, AUTOINCREMENT."""

    stream: str
    seq: int


BEFORE_BOOT = "history"
"""The boot of a moment of stored history that lies before this boot began: only its wall clock says when it was."""
