"""The vocabulary: one frozen dataclass per thing that can happen, each with its class. Serves arrows 3 to 7.

Owns what can be said between gateway and centre, and how urgent it is. Must not know how it is written
(wire.py), where it is stored, or what is done about it (rules).

A body says what happened to which device. An `Event` adds when (four clock values) and how urgent.
Device addresses are text chosen by the driver: "enocean:0181192D", "z2m:0x00158d0002b435ed".
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.edge.moments import BEFORE_BOOT as BEFORE_BOOT
from nattevakt.edge.moments import EventId as EventId
from nattevakt.edge.moments import Moment as Moment
from nattevakt.edge.moments import Urgency as Urgency
from nattevakt.edge.values import value


class Body:
    """Base of everything that can happen. Subclasses are frozen dataclasses registered in `KINDS`."""

    __slots__ = ()

    @property
    def urgency(self) -> Urgency:
        """The class that this body has by its nature."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Call(Body):
    """A person asked for help: a button, a pull cord, an SOS.

    control: what was done, as the driver names it ("press", "emergency", "double", "AI").
    repeat_of: sequence number of the first row when the same device said the same within 2 s; else None.
    """

    device: str
    control: str
    repeat_of: int | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.A if self.repeat_of is None else Urgency.C


@dataclass(frozen=True, slots=True)
class Fall(Body):
    """A fall sensor reports a person on the floor. certainty: "sure" or "possible"."""

    device: str
    certainty: str = "sure"
    repeat_of: int | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.A if self.repeat_of is None else Urgency.C


@dataclass(frozen=True, slots=True)
class FallOver(Body):
    """The fall sensor no longer reports a fall. Never clears an alarm; it is context."""

    device: str

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Leak(Body):
    """Water where it should not be."""

    device: str
    repeat_of: int | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.A if self.repeat_of is None else Urgency.C


@dataclass(frozen=True, slots=True)
class LeakOver(Body):
    """The leak sensor reads dry again. Never clears an alarm."""

    device: str

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Contact(Body):
    """A door or window changed: open or closed."""

    device: str
    open: bool

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Bed(Body):
    """A bed sensor changed: somebody in the bed or nobody."""

    device: str
    occupied: bool

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Presence(Body):
    """A presence sensor changed: somebody in its field or nobody."""

    device: str
    present: bool

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Motion(Body):
    """Movement seen at one moment (a passive infrared sensor, a vibration). how: "pir" or "vibration"."""

    device: str
    how: str = "pir"

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Chair(Body):
    """A chair pad changed: somebody sits or nobody."""

    device: str
    seated: bool

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Wet(Body):
    """A moisture pad in a bed or a garment changed: wet or dry. Not water on the floor, which is a leak."""

    device: str
    wet: bool

    @property
    def urgency(self) -> Urgency:
        return Urgency.B


@dataclass(frozen=True, slots=True)
class Measurement(Body):
    """One measured value: context for people, never an alarm by itself.

    quantity: with its unit last ("breathing_rpm", "heart_bpm", "temperature_c", "still" as 0 or 1), 1 to 40 characters.
    """

    device: str
    quantity: str
    value: float

    @property
    def urgency(self) -> Urgency:
        return Urgency.C


@dataclass(frozen=True, slots=True)
class Health(Body):
    """What a device says of itself. None means: it said nothing about that.

    battery_percent: 0 to 100. supply_v: volts. linkquality: 0 to 255 (Zigbee). signal_dbm: negative dBm.
    flood: it says so much that not every change of its state is a row. errors: how many of its messages meant nothing.
    """

    device: str
    battery_percent: float | None = None
    battery_low: bool | None = None
    tamper: bool | None = None
    available: bool | None = None
    linkquality: int | None = None
    signal_dbm: int | None = None
    supply_v: float | None = None
    flood: bool | None = None
    errors: int | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.C


@dataclass(frozen=True, slots=True)
class Started(Body):
    """The agent started and minted a new stream; always the first row of its stream.

    previous_stream, previous_last_seq: the stream before it in this outbox file and its last row, None on
    a new card. last_life: the last clock reading that the old stream stored (the gap's beginning).
    """

    version: str
    previous_stream: str | None = None
    previous_last_seq: int | None = None
    last_life: Moment | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class ClockSynchronised(Body):
    """The wall clock became synchronised in this boot; its Moment is that boot's (boottime, wall) pair."""

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class SourceLost(Body):
    """A source of readings went away; its devices are unknown from then.

    source: "serial:<name>", "mqtt" (the broker) or "z2m" (the bridge). reason: a few English words.
    devices: addresses known to come from it (at most 200).
    """

    source: str
    reason: str
    devices: tuple[str, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class SourceBack(Body):
    """A source is back. lost: when it was last known to work. devices: as in SourceLost."""

    source: str
    lost: Moment | None = None
    devices: tuple[str, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class Tombstone(Body):
    """Rows that will never come as themselves: shed, parked, refused. The contiguous mark passes over them.

    stream, first_seq, last_seq: the range, inclusive. lost_class: the most urgent in it.
    reason: "shed", "parked: …" or "refused: …". count: how many rows of the range it speaks for.
    began, ended: clock readings of the first and last of them. devices: whose they were (at most 200).
    """

    stream: str
    first_seq: int
    last_seq: int
    lost_class: str
    reason: str
    count: int
    began: Moment
    ended: Moment
    devices: tuple[str, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class ChainTest(Body):
    """A test of the whole way, which the centre has asked for: it goes the way of an event, and rings nothing.

    nonce: what the centre asked with, 1 to 64 of 0-9, a-f. Class C: it goes on the lane where nothing waits that rings,
    is shed first, and a centre that does not know it only keeps it.
    """

    nonce: str

    @property
    def urgency(self) -> Urgency:
        return Urgency.C


@dataclass(frozen=True, slots=True)
class LocalAlarm(Body):
    """What the gateway rang by itself while it could not reach the centre; it rings nothing there.

    what: "rung" or "seen" (somebody said so on the gateway's own page). rule, alarm (a kind), reason: as the rule had
    them. room: its number, "" if unknown. events: the names of those that it is about, "<stream>/<seq>", at most 200.
    """

    what: str
    rule: str
    alarm: str
    reason: str
    room: str = ""
    events: tuple[str, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return Urgency.LIFE


@dataclass(frozen=True, slots=True)
class Foreign(Body):
    """A kind that this version does not know, from a newer gateway: kept whole, and rings if it is class A.

    data_json: its data as canonical JSON text. declared: the class that its sender gave it.
    """

    kind: str
    device: str | None
    data_json: str
    declared: Urgency

    @property
    def urgency(self) -> Urgency:
        return self.declared


@value(frozen=True, slots=True)
class Event:
    """Something that happened, when, and how urgent.

    at: the clocks when the gateway learned of it. since: if not None, it happened somewhere between
    `since` and `at` (time uncertain). declared: the class written on the wire, None where it is made.
    """

    body: Body
    at: Moment
    since: Moment | None = None
    declared: Urgency | None = None

    @property
    def urgency(self) -> Urgency:
        """The more urgent of what the body is by nature and what its sender declared."""
        natural, declared = self.body.urgency, self.declared
        if declared is None or declared is natural or Urgency.LIFE in (natural, declared):
            return natural
        return min(natural, declared)


KINDS: dict[str, type[Body]] = {
    "call": Call,
    "fall": Fall,
    "fall_over": FallOver,
    "leak": Leak,
    "leak_over": LeakOver,
    "contact": Contact,
    "bed": Bed,
    "presence": Presence,
    "motion": Motion,
    "chair": Chair,
    "wet": Wet,
    "measurement": Measurement,
    "health": Health,
    "started": Started,
    "clock_synchronised": ClockSynchronised,
    "source_lost": SourceLost,
    "source_back": SourceBack,
    "tombstone": Tombstone,
    "chain_test": ChainTest,
    "local_alarm": LocalAlarm,
}
"""Wire name of every kind that this version knows. Names are for ever: a changed meaning is a new kind."""

KIND_OF: dict[type[Body], str] = {body: kind for kind, body in KINDS.items()}


def kind_of(body: Body) -> str:
    """The wire name of a body; a foreign one keeps the name it came with."""
    return body.kind if isinstance(body, Foreign) else KIND_OF[type(body)]


def device_of(body: Body) -> str | None:
    """The device address that a body speaks of, None for the gateway's own life."""
    device = getattr(body, "device", None)
    return device if isinstance(device, str) else None
