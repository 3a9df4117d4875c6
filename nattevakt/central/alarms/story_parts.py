"""The parts of an alarm's story: people, tablets, events, changes, what went out. Serves no arrow.

Owns their form. Must not know rows, words, HTML or HTTP. All moments are Unix milliseconds of service time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Who:
    """A person of the staff."""

    id: int
    name: str
    initials: str


@dataclass(frozen=True, slots=True)
class At:
    """A tablet."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """One event. key: how changes refer to it. data: what it said beyond its device. late_ms: from when it had happened
    for certain until the centre had it. roles: what it did to the alarm, as causes of changes; "hold" where the alarm
    only holds it. twin_of: the key of the row that said the same through another gateway first, "" where none did."""

    key: str
    gateway: str
    stream: str
    seq: int
    kind: str
    urgency: str
    device: str
    device_name: str
    spot: str
    data: Mapping[str, object]
    occurred_from_ms: int
    occurred_to_ms: int
    received_ms: int
    twin_of: str
    outcome: str
    roles: tuple[str, ...]

    @property
    def late_ms(self) -> int:
        """How long the word took; below zero where the gateway's clock was ahead."""
        return self.received_ms - self.occurred_to_ms

    @property
    def uncertain(self) -> bool:
        """Whether the moment is only known as an interval."""
        return self.occurred_from_ms < self.occurred_to_ms


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as the rule said it."""

    code: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlanOf:
    """The version of the resident's plan that was in force."""

    version_id: int
    version: int
    at_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step was to tell, as the routing says it ("tablets:all", "team:falk"). name: of a team, as it is called
    now; "" where the code says all."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """How an alarm went on to others with one change.

    why: untaken, not_shown, failed or declined (the centre took the next step of the chain), overdue (its holder had
    not come), transferred (by a person, to a ward) or handed_over (at a change of shift). step: of the chain, from 1;
    to: whom that step names; wards: those that it rings in besides from then on; sent: how many messages and sirens
    were asked for. nobody: the step reached nobody who was not told already. reason: why a person declined, "" else.
    """

    why: str
    step: int | None = None
    to: tuple[Target, ...] = ()
    wards: tuple[str, ...] = ()
    sent: int = 0
    nobody: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """What was to be carried by a road beyond the tablets. channel: sms, push, webhook or siren. target: "staff:7",
    "phone:+47...", "webhook:<key>" or "gateway:3"; name: of that person or gateway, "" where it has none here; role: as
    what the person was on duty when it was asked for, "" where they were not. state: pending, leased, sent (the other
    side has it), confirmed (it has arrived, or the siren says that it sounds), failed or withdrawn. reason: why, also
    of the last try that failed while it still waits. attempts: tries so far. Step 0 is the first ring.
    """

    id: int
    sound_seq: int
    step: int
    channel: str
    target: str
    name: str
    role: str
    state: str
    attempts: int
    reason: str
    made_ms: int
    sent_ms: int | None
    confirmed_ms: int | None
    failed_ms: int | None
    provider_ref: str

    @property
    def out(self) -> bool:
        """Whether the other side has said that it has it."""
        return self.sent_ms is not None or self.confirmed_ms is not None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the history. cause: the move of a person, or what the centre did by itself (by is None). answers:
    cause, action and note that a person gave. events: the keys of those that it names. had: who had the alarm until
    then, where that was written down. passed: how it went on to others. detail: all that was written with it."""

    id: int
    at_ms: int
    from_state: str | None
    to_state: str
    cause: str
    by: Who | None
    tablet: At | None
    reason: Reason | None
    sound_seq: int | None
    events: tuple[str, ...]
    answers: Mapping[str, str]
    detail: Mapping[str, object]
    had: Who | None = None
    passed: Passed | None = None

    @property
    def automatic(self) -> bool:
        """Whether no person did it."""
        return self.by is None


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody has read the name that stands by this alarm. what: "board" or "story"."""

    at_ms: int
    by: Who | None
    tablet: At | None
    what: str
