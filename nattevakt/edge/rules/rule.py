"""The one contract of all rules. Serves arrow 7.

A rule is `step(state, fact, settings, now_ms) -> Step`: pure, over JSON-able state. It says what it decides, why, and
when it would change its mind (`wake_at_ms`). It must not know storage, alarms that are open, or who is on duty:
whether a Raise joins an open alarm is decided by central/alarms/register.py.

A rule that judges silence is a fold: its facts come in the order in which they happened, and a `Wake` in place of a
fact says that a deadline it asked for has come. Whoever drives it folds anew when a fact comes late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from nattevakt.edge.events import Body

JsonState = Mapping[str, object]
Key = tuple[int, ...]
"""The name of an event row as a rule may carry it about: opaque to every rule."""


class Priority(IntEnum):
    """How loud and how high an alarm stands. Modelled on three levels: high 1, medium 2, low 3."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


@dataclass(frozen=True, slots=True)
class Occurred:
    """When something happened, in central time (Unix ms). from_ms < to_ms means the time is uncertain."""

    from_ms: int
    to_ms: int

    @property
    def uncertain(self) -> bool:
        """True where the screen must say "tid usikker" (more than a second of doubt)."""
        return self.to_ms - self.from_ms > 1000


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Wake:
    """The deadline that a rule asked for has come.

    at_ms: the deadline. confirmed: True where all that happened until then is known, False where the word of it has
    been missing for too long to wait. answered: a person has looked since the deadline began to run.
    """

    at_ms: int
    confirmed: bool = True
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a code of the message catalogue with its parameters; nurse, log and test see the same."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raise:
    """An alarm of this kind is called for. kind: a key of the alarm kinds ("call", "fall", "leak", "door_at_night").

    holds: the events that it is about where that is not the fact's own: an alarm that holds any of them is this
    alarm, and becomes louder or better explained instead of ringing beside itself. insists: False where it makes
    nothing louder that somebody has taken.
    """

    kind: str
    priority: Priority
    reason: Reason
    holds: tuple[Key, ...] = ()
    insists: bool = True


@dataclass(frozen=True, slots=True)
class Clear:
    """Later evidence explains the open alarm of this rule away; applies only while nobody has taken it.

    holds: if given, only an alarm that holds one of these events is meant.
    """

    reason: Reason
    holds: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """No alarm, for this written reason."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Step:
    """What a rule made of one fact. wake_at_ms: service time at which it wants to look again, or None."""

    state: JsonState
    verdicts: tuple[Raise | Clear | Log, ...] = ()
    wake_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RestsOn:
    """What a rule's next judgement rests on: bed sensors and the like (addresses), and the events that began it.

    since_ms: a person who looked from then on has answered it.
    """

    devices: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    since_ms: int = 0


UNCONFIRMED = "_unconfirmed"
"""How the code of a reason ends that rests on the word of a part of the sensors only."""
LATE_MS = 120_000
"""From here on a screen must say how late the word came."""


def when(code: str, params: Mapping[str, str | int], fact: Fact) -> Reason:
    """The reason `code`, or `…_uncertain`, or `…_late` with `late_min`, as the fact's time wants it said."""
    if fact.occurred.uncertain:
        return Reason(f"{code}_uncertain", params)
    if fact.late_ms > LATE_MS:
        return Reason(f"{code}_late", {**params, "late_min": fact.late_ms // 60_000})
    return Reason(code, params)
