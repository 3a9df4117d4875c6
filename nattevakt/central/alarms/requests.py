"""What is asked of the register and what it answers. Serves arrow 8.

Owns the words between supervision, tablets and the register. Must not know storage.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.central.alarms.lifecycle import State
from nattevakt.edge.errors import NattevaktError
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from nattevakt.edge.values import value


@value(frozen=True, slots=True, order=True)
class EventKey:
    """The name of one stored row. variant counts rows that claim the same id, 0 for the first."""

    gateway_id: int
    stream_id: int
    seq: int
    variant: int = 0

    @property
    def plain(self) -> tuple[int, ...]:
        """As rules carry it about: `EventKey(*key.plain) == key`."""
        return (self.gateway_id, self.stream_id, self.seq, self.variant)


@dataclass(frozen=True, slots=True)
class Where:
    """Whose alarm it is, as known at the moment of the event. place: words for the screen."""

    ward_id: int
    room_id: int | None = None
    resident_id: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class RaiseRequest:
    """An alarm is called for. belongs_to: the alarm that already holds this fact (a twin). fresh: the event is a
    row of this very transaction, so no alarm can hold it yet. holds: more events that it is about; an alarm that
    holds any of them is this one. insists: False where it makes nothing louder that somebody has taken. anew:
    a fault that was gone for long has come again, and is heard also where somebody still has its alarm. again: an
    alarm that is open already sounds once more, while nobody is on site. marks: what must be said beside the alarm;
    plan_version_id: the version of the resident's plan that was in force."""

    subject: str
    rule: str
    kind: str
    priority: Priority
    reason: Reason
    occurred: Occurred
    where: Where
    event: EventKey | None = None
    belongs_to: int | None = None
    fresh: bool = False
    holds: tuple[EventKey, ...] = ()
    insists: bool = True
    anew: bool = False
    again: bool = False
    marks: tuple[str, ...] = ()
    plan_version_id: int | None = None

    @property
    def events(self) -> tuple[EventKey, ...]:
        """All events that the alarm is to hold."""
        return self.holds if self.event is None else (self.event, *self.holds)


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """Later evidence explains the open alarm away. holds: if given, only an alarm that holds one of these."""

    subject: str
    rule: str
    reason: Reason
    event: EventKey | None = None
    holds: tuple[EventKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a request. how: raised, joined, joined_silently, louder, explained, rung_again,
    known, cleared, noted or nothing."""

    alarm_id: int | None
    how: str


@dataclass(frozen=True, slots=True)
class Act:
    """A person's move at a tablet. to: the state wanted. idempotency_key: the same for every try of one tap.
    promise_min: within so many minutes they say that they are there, None where they say nothing. reason: why they
    decline it. ward: key of the ward that they transfer it to."""

    alarm_id: int
    to: State
    staff_id: int
    tablet_id: int | None
    idempotency_key: str
    cause: str = ""
    action: str = ""
    note: str = ""
    promise_min: int | None = None
    reason: str = ""
    ward: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """The alarm after a person's move. repeated: it had been made before, nothing was changed now."""

    alarm_id: int
    version: int
    state: State
    repeated: bool


class SomeoneFirst(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """Another person has already brought the alarm there."""

    def __init__(self, name: str, initials: str) -> None:
        super().__init__("someone else was first")
        self.name = name
        self.initials = initials


class UnknownAlarm(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """No alarm with this id in this tenant."""
