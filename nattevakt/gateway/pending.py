"""What was taken from the ports and is not on disk yet, and one group of it on its way there. Serves arrows 3 and 4.

Owns the view of memory inside a group: every reading must see what those before it in the same group will store.
Must not know the database, drivers or the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Finding, Said
from nattevakt.edge.events import Body, Event, Moment
from nattevakt.edge.memory import DeviceMemory
from nattevakt.gateway.breaks import Break
from nattevakt.gateway.inputs import AckMqtt


@dataclass(frozen=True, slots=True)
class Token:
    """What must be acknowledged to the broker once a message is on disk.

    sha: of topic and payload. session: how many sessions the broker has begun since this agent started.
    """

    ack: AckMqtt
    sha: str
    dup: bool
    session: int = 0


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A bug met this input. device: if it got that far; raw: the input as text for people."""

    device: str | None
    raw: str
    error: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One input's outputs, kept until they are on disk. crowded: it may have come some time before `at`."""

    source: str
    at: Moment
    outputs: tuple[Said | Unhandled | Body, ...]
    token: Token | None = None
    crowded: bool = False


class Overlay(Mapping[str, str]):
    """Stored memory with the changes of this group on top. None in changes: deleted."""

    def __init__(self, base: Mapping[str, str]) -> None:
        self._base = base
        self.changes: dict[str, str | None] = {}

    def __getitem__(self, key: str) -> str:
        found = self.changes[key] if key in self.changes else self._base[key]
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._base if key not in self.changes)
        yield from (key for key, value in self.changes.items() if value is not None)

    def __len__(self) -> int:
        gone = sum(value is None and key in self._base for key, value in self.changes.items())
        new = sum(value is not None and key not in self._base for key, value in self.changes.items())
        return len(self._base) + new - gone

    def put(self, key: str, value: str | None) -> None:
        """Remember a row with this group; None forgets it."""
        self.changes[key] = value


@dataclass(slots=True)
class Group:
    """Everything that one transaction stores, and what becomes true when it has."""

    memory: Overlay
    first_seq: int
    events: list[Event] = field(default_factory=list)
    acks: list[AckMqtt] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    heard: dict[str, Moment] = field(default_factory=dict)
    evidence: dict[str, Moment] = field(default_factory=dict)
    """When each device was last heard while its source was there without a break."""
    settled: dict[str, bool] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    mids: list[int] = field(default_factory=list)
    unhandled: dict[str, int] = field(default_factory=dict)
    known: dict[str, DeviceMemory] = field(default_factory=dict)
    """By address the memory of devices that spoke in this group, as it is after what they said so far."""
    changed: set[str] = field(default_factory=set)
    """Those of them whose row is to be written."""
    news: int = 0
    """How many of the inputs so far had something to store."""

    @property
    def next_seq(self) -> int:
        """The sequence number that the next event of this group will get."""
        return self.first_seq + len(self.events)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter if the group reaches the disk."""
        self.counted[name] = self.counted.get(name, 0) + by
