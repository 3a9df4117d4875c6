"""What goes into the core and what comes out of it. Serves arrows 1 to 5 as the seam between threads and decisions.

Owns these small values only. Must not know queues, sockets or storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nattevakt.edge.events import Moment

Probe: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""Called at named points on the way of an event; does nothing in production."""
Guard: TypeAlias = Callable[[str, Callable[[], None]], str | None]
"""Runs a thunk that may hold a bug; gives the error's text, or None when it went well."""

URGENT = "urgent"
BACKLOG = "backlog"


def no_probe(point: str, data: Mapping[str, object]) -> None:
    """The probe of production: looks at nothing."""


@dataclass(frozen=True, slots=True)
class Now:
    """Both clocks at once: the moment that dates events, and the real seconds that drive waits.

    pace: how fast the moment runs against the seconds; anything but 1 only in a demo. crowded: what is handed over with
    it waited for the core, so that nobody knows how far apart it came.
    """

    moment: Moment
    mono_s: float
    pace: float = 1.0
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class SerialBytes:
    """Bytes from a serial port, as read. read_ms: the boottime then, which is what frames are timed by.

    The core may come to them much later, and must not take its own slowness for a pause on the line.
    """

    port: str
    data: bytes
    read_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PortUp:
    """A serial port was opened."""

    port: str


@dataclass(frozen=True, slots=True)
class PortDown:
    """A serial port could not be opened, or went away."""

    port: str
    reason: str


@dataclass(frozen=True, slots=True)
class MqttUp:
    """The broker accepted us. session_present: it kept our session, so held messages follow."""

    epoch: int
    session_present: bool


@dataclass(frozen=True, slots=True)
class MqttDown:
    """No connection to the broker."""

    reason: str


@dataclass(frozen=True, slots=True)
class MqttReceived:
    """One message. epoch: the connection it came on; an acknowledgement is good only there."""

    topic: str
    payload: bytes
    retained: bool = False
    qos: int = 0
    mid: int = 0
    dup: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The centre answered request `number` of a lane."""

    lane: str
    number: int
    status: int
    body: bytes
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class HttpFailed:
    """No answer. why: "timeout" (it may have been received) or "connection"."""

    lane: str
    number: int
    why: str
    detail: str = ""


Input: TypeAlias = SerialBytes | PortUp | PortDown | MqttUp | MqttDown | MqttReceived | HttpReply | HttpFailed


@dataclass(frozen=True, slots=True)
class AckMqtt:
    """Tell the broker that a message is on our disk."""

    mid: int
    qos: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ReconnectMqtt:
    """Drop the connection so that the broker delivers again what was never acknowledged."""


@dataclass(frozen=True, slots=True)
class MqttSend:
    """One message for the broker, not to be retained. It is lost when there is no connection."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SerialSend:
    """Bytes for a serial port."""

    port: str
    data: bytes


@dataclass(frozen=True, slots=True)
class HttpSend:
    """One request for a lane; exactly one HttpReply or HttpFailed with its number answers it."""

    lane: str
    number: int
    path: str
    content_type: str
    body: bytes


Output: TypeAlias = AckMqtt | ReconnectMqtt | MqttSend | SerialSend | HttpSend
