"""A gateway's sign of life and its answer on the wire. Serves arrow 6.

Owns the form of both, and how a list of devices is made into a digest that both ends compare. Must not know batches, or
what is made of any of it. What a peer leaves out that is older than this, is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from nattevakt.edge.events import Moment
from nattevakt.edge.strict import boolean, count, list_of, map_of, record, text, whole
from nattevakt.edge.wire_json import marks, moment, stream, versioned
from nattevakt.edge.wire_plan import SignedPlan, read_signed

LISTED_MAX = 1_000
"""Most devices that a list holds; a gateway may have half as many set up."""
DIFFERENCES_MAX = 50
TESTS_MAX = 20
"""Most tests of the whole way that one answer asks for."""


@dataclass(frozen=True, slots=True)
class HeldStream:
    """One stream that a gateway still holds rows of. acked: its own contiguous acknowledged mark."""

    stream: str
    first: int
    last: int
    acked: int


@dataclass(frozen=True, slots=True)
class CompleteTo:
    """Once your marks have reached `marks`, you hold all that this gateway appended and that occurred
    before `at`."""

    at: Moment
    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """What a gateway says of itself every heartbeat. None: this machine cannot know."""

    version: str
    uptime_s: int
    backlog_rows: int
    oldest_unsent_s: int
    parked_rows: int
    shed_rows: int
    disk_free_mb: int
    clock_synced: bool
    temperature_c: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    """Source name to "up" or "down: reason"."""
    counters: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    """Local faults that want a person, as short English words ("store: disk full", "parked: …")."""
    findings: tuple[str, ...] = ()
    """What an installer should look at ("enocean:01A2B3C4: no profile")."""


SIREN_LEASE_S = 120
"""How long a siren may sound after the last answer that asked for it: a link that is lost must not leave it howling."""


@dataclass(frozen=True, slots=True)
class SirenSaid:
    """One siren as its gateway knows it. state: "on" or "off" by the siren's own last report since it was last told
    something else; "unreachable"; "silent", told to sound for a while and without a report that it does; "unknown",
    nothing said yet. told: whether the gateway tells it to sound. age_ms: of its own last report, None without one.
    """

    state: str
    told: bool = False
    age_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SirenAsked:
    """Whether the gateway's sirens are to sound, and for how long at most if nothing more is heard. why: which alarms,
    as text for the log."""

    on: bool
    lease_s: int = SIREN_LEASE_S
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A gateway's sign of life, every 15 s. heard_age_ms: how long ago each device was last heard.

    list_digest: of its list of devices, None from a gateway that does not compare. devices: the list itself where the
    centre asked for it, address to use ("" for one that nobody set up but that describes itself and was heard).
    sirens: by address, all that are set up; None from a gateway that knows of none. plan_have: the version of the plan
    that it would judge by while the centre is away, "" where it has none; said now and then, to be answered.
    """

    sent: Moment
    stream: str
    streams: tuple[HeldStream, ...]
    complete_to: CompleteTo | None
    health: GatewayHealth
    heard_age_ms: Mapping[str, int] = field(default_factory=dict)
    list_digest: str | None = None
    devices: Mapping[str, str] | None = None
    sirens: Mapping[str, SirenSaid] | None = None
    plan_have: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceLists:
    """What comparing both ends' lists of devices gave: addresses that only one of them knows, some of each (at most
    DIFFERENCES_MAX); more: how many there are beyond these."""

    only_gateway: tuple[str, ...] = ()
    only_centre: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """The centre's answer: its contiguous marks (0 for a stream it has nothing of) and its own time.

    list_wanted: it has not seen the list of this digest; the next heartbeat should bring it. lists: what it makes of
    the one that it has; None while it has none, and from a centre that does not compare. tests: nonces of tests of the
    whole way that the gateway is to send back as events (at most TESTS_MAX); said until they have come.
    siren: for the gateway's sirens; None where it has told of none, and from a centre that does not ask. plan_version:
    of the plan that holds for this gateway now, where it asked; plan: that plan, where the gateway has another.
    """

    marks: Mapping[str, int]
    now_ms: int
    list_wanted: bool | None = None
    lists: DeviceLists | None = None
    tests: tuple[str, ...] | None = None
    siren: SirenAsked | None = None
    plan_version: str | None = None
    plan: SignedPlan | None = None


def list_digest(devices: Mapping[str, str]) -> str:
    """The digest of a list of devices: the same at both ends for the same addresses and uses."""
    return sha256(json.dumps(sorted(devices.items())).encode()).hexdigest()[:32]


_held = record(HeldStream, {"stream": stream, "first": count, "last": count, "acked": count})
_complete_to = record(CompleteTo, {"at": moment, "marks": marks})
_health = record(GatewayHealth, {"sources": map_of(text), "counters": map_of(whole)})
_said = record(SirenSaid, {"age_ms": count})
_heartbeat = record(
    Heartbeat,
    {
        "sent": moment,
        "stream": stream,
        "streams": list_of(_held),
        "complete_to": _complete_to,
        "health": _health,
        "heard_age_ms": map_of(count),
        "devices": map_of(text),
        "sirens": map_of(_said),
    },
)
_lists = record(DeviceLists, {"more": count})
_asked = record(SirenAsked, {"lease_s": count})
_reply = record(
    HeartbeatReply,
    {
        "marks": marks,
        "now_ms": count,
        "list_wanted": boolean,
        "lists": _lists,
        "tests": list_of(text),
        "siren": _asked,
        "plan": read_signed,
    },
)


def decode_heartbeat(raw: bytes) -> Heartbeat:
    """A gateway's heartbeat. Raises RejectError naming the field."""
    heartbeat: Heartbeat = _heartbeat(versioned(raw, "heartbeat"), "heartbeat")
    return heartbeat


def decode_heartbeat_reply(raw: bytes) -> HeartbeatReply:
    """The centre's answer to a heartbeat. Raises RejectError naming the field."""
    reply: HeartbeatReply = _reply(versioned(raw, "reply"), "reply")
    return reply
