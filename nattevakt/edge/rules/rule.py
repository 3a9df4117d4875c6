"""The one contract of all rules. Serves arrow 7.

A rule is `step(state, fact, armed, now_ms) -> Step | None`: pure, over JSON-able state; None where the fact is nothing
to it and all stays as it was. It says what it decides, why, and when it would change its mind (`wake_at_ms`). It must
not know storage, alarms that are open, pauses, or who is on duty: whether a Raise rings, joins an open alarm or is
held back by a pause is decided at the centre. What a rule is called, wants and can be set to stands in its `Rule`
(catalogue.py lists them).

A rule that judges silence is a fold: its facts come in the order in which they happened, and a `Wake` in place of a
fact says that a deadline it asked for has come. Whoever drives it folds anew when a fact comes late. A deadline may
be looked at long after it passed, with facts from after it folded already: those may explain it away where they are
themselves the all-clear, and must otherwise not change what is said at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from nattevakt.edge.events import Body
from nattevakt.edge.rules.windows import NORWAY, Window
from nattevakt.edge.values import value

JsonState = Mapping[str, object]
Key = tuple[int, ...]
"""The name of an event row as a rule may carry it about: opaque to every rule."""


class Priority(IntEnum):
    """How loud and how high an alarm stands. Modelled on three levels: high 1, medium 2, low 3."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


@value(frozen=True, slots=True)
class Occurred:
    """When something happened, in central time (Unix ms). from_ms < to_ms means the time is uncertain."""

    from_ms: int
    to_ms: int

    @property
    def uncertain(self) -> bool:
        """True where the screen must say "tid usikker" (more than a second of doubt)."""
        return self.to_ms - self.from_ms > 1000


@value(frozen=True, slots=True)
class Fact:
    """One stored event as a rule sees it.

    occurred: when. received_ms: when the centre got it. late_ms: received_ms - occurred.to_ms, never negative.
    place: the room's own words for where the device sits ("bad", "inngangsdør"), "" if unknown.
    key: the event row's name.
    """

    body: Body
    occurred: Occurred
    received_ms: int
    place: str = ""
    key: Key = ()

    @property
    def late_ms(self) -> int:
        """How long after it happened the centre learned of it."""
        return max(0, self.received_ms - self.occurred.to_ms)


@dataclass(slots=True)
class Wake:
    """The deadline that a rule asked for has come. Nobody changes one, as with a `Step`.

    at_ms: the deadline. confirmed: True where all that happened until then is known, False where the word of it has
    been missing for too long to wait. answered: a person has looked since the deadline began to run.
    """

    at_ms: int
    confirmed: bool = True
    answered: bool = False


@dataclass(slots=True)
class Reason:
    """Why, as a code of the message catalogue with its parameters; nurse, log and test see the same. Nobody changes
    one, as with a `Step`.
    """

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raise:
    """An alarm of this kind is called for. kind: a key of the alarm kinds ("call", "fall", "leak", "door_at_night").

    holds: the events that it is about where that is not the fact's own: an alarm that holds any of them is this
    alarm, and becomes louder or better explained instead of ringing beside itself. insists: False where it makes
    nothing louder that somebody has taken. again: True where an alarm that is open already sounds once more.
    """

    kind: str
    priority: Priority
    reason: Reason
    holds: tuple[Key, ...] = ()
    insists: bool = True
    again: bool = False


@dataclass(slots=True)
class Clear:
    """Later evidence explains the open alarm of this rule away; applies only while nobody has taken it. Nobody changes
    one, as with a `Step`.

    holds: if given, only an alarm that holds one of these events is meant.
    """

    reason: Reason
    holds: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """No alarm, for this written reason."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a sensor for somebody to see to by day; it rings nobody.

    device: its address. The centre keeps one a day of each device and code; its params are the evidence. day: the local
    date that it is of (days since 1970), None for that of its moment.
    """

    device: str
    reason: Reason
    day: int | None = None


Verdict = Raise | Clear | Log | Finding


@dataclass(slots=True)
class Step:
    """What a rule made of one fact. wake_at_ms: service time at which it wants to look again, or None.

    Nobody changes one. It is not frozen, because that makes it three times as dear, and a mat makes thousands a night.
    """

    state: JsonState
    verdicts: tuple[Verdict, ...] = ()
    wake_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RestsOn:
    """What a rule's next judgement rests on: bed sensors and the like (addresses), and the events that began it.

    since_ms: a person who looked from then on has answered it.
    """

    devices: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    since_ms: int = 0


class Per(StrEnum):
    """Whom a rule judges. In a room that several share, RESIDENT is the room and BED each bed by itself."""

    RESIDENT = "resident"
    BED = "bed"
    ROOM = "room"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Setting:
    """One number that a plan may set. name: with its unit last. least, most: what is accepted. why: of the default,
    with its source.
    """

    name: str
    least: int
    most: int
    default: int
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a resident's plan: a rule's windows and numbers. No windows: at all hours. values: complete."""

    windows: tuple[Window, ...] = ()
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Armed:
    """What a rule is set to for one subject. No entries: it is followed and says nothing.

    devices: the addresses that hang there now and the words for their spots, None where that is not known. shared:
    several people live there, so that what one does says nothing of the others.
    """

    entries: tuple[Entry, ...] = ()
    time_zone: str = NORWAY
    devices: Mapping[str, str] | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Folding:
    """What a rule that folds over its facts has beside its step.

    unjudged: the state with its deadlines still to be judged. rests_on: what the next judgement leans on. left: the
    last word when the subject is there no more.
    """

    unjudged: Callable[[JsonState], JsonState]
    rests_on: Callable[[JsonState], RestsOn]
    left: Callable[[JsonState], Step]


@dataclass(frozen=True, slots=True)
class Noting:
    """Facts of which a rule keeps nothing but the last, for whoever drives it over many.

    body: of this kind they are. near_ms: as long as each happened at one certain moment later than the one before, and
    sooner than this after it. turns: only while they come from one device, and no two in a row say the same; the name
    of what they say, "" where they need not take turns. since_ms: after such a fact was told, since when the next ones
    may be only noted, `NEVER_MS` where they do more. until_ms: before which moment, where that is not for as long as
    nothing else is told. noted: the state that the last of them leaves; no deadline is another by it, and nothing is
    said.
    """

    body: type[Body]
    near_ms: int
    since_ms: Callable[[JsonState, Fact, Armed], int]
    noted: Callable[[JsonState, Fact], JsonState]
    turns: str = ""
    until_ms: Callable[[JsonState], int] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, sees, can be set to and may say.

    kind: the alarm that rings plainly if the rule itself fails. kinds: all that it may raise. wants: the bodies that
    are facts to it. settings: what a plan may set. windowed: a plan gives it windows. needs: words of device use of
    which the room must have one for each entry ("bed", "door", "presence|motion"). planned: True where it sees
    nothing but by a plan, and that only with a legal basis; False for what always rings and what is technical.
    timed: it is woken once when it is armed, because it waits for a time of day. alarms_as: the rule under which its
    alarms stand, where that is another. folding: set where its facts must come in order, late ones too. idle: for
    whoever drives a rule over many facts: before which moment (ms) no fact of this one's kind, device and place is
    anything to it while its state stays as it is; 0 where any may be. noting: for the same, facts that it only notes.
    """

    name: str
    kind: str
    wants: tuple[type[Body], ...]
    step: Callable[[JsonState, Fact | Wake, Armed, int], Step | None]
    reasons: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    per: Per = Per.RESIDENT
    settings: tuple[Setting, ...] = ()
    windowed: bool = False
    needs: tuple[str, ...] = ()
    planned: bool = False
    timed: bool = False
    alarms_as: str = ""
    folding: Folding | None = None
    idle: Callable[[JsonState, Fact], int] | None = None
    noting: tuple[Noting, ...] = ()


UNCONFIRMED = "_unconfirmed"
"""How the code of a reason ends that rests on the word of a part of the sensors only."""
NEVER_MS = 2**63
"""Later than any moment."""
LATE_MS = 120_000
"""From here on a screen must say how late the word came."""


def when(code: str, params: Mapping[str, str | int], fact: Fact) -> Reason:
    """The reason `code`, or `…_uncertain`, or `…_late` with `late_min`, as the fact's time wants it said."""
    if fact.occurred.uncertain:
        return Reason(f"{code}_uncertain", params)
    if fact.late_ms > LATE_MS:
        return Reason(f"{code}_late", {**params, "late_min": fact.late_ms // 60_000})
    return Reason(code, params)
