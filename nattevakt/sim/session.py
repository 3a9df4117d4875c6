"""A broker that keeps a session for one gateway: QoS 1, redelivery of what was not acknowledged. Serves arrow 1.

Owns message ids, what waits, what was sent and not acknowledged, and retained messages. Must not know devices or what
the gateway does with a message. A real broker is used wherever real processes are; this one lives in virtual time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from nattevakt.gateway.inputs import AckMqtt, Input, MqttDown, MqttReceived, MqttUp

INFLIGHT_MAX = 20
MIDS = 65_535


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    payload: bytes
    retained: bool = False


@dataclass(slots=True)
class Session:
    """One client's session at its broker. hand: takes what the client receives, while it is connected."""

    hand: Callable[[Input], None]
    epoch: int = 0
    connected: bool = False
    redelivered: int = 0
    down: bool = False
    """The broker itself is away: nobody can publish, and no client comes through."""
    _known: bool = False
    _mid: int = 0
    _retained: dict[str, bytes] = field(default_factory=dict)
    _waiting: deque[_Message] = field(default_factory=deque)
    _inflight: dict[int, _Message] = field(default_factory=dict)

    def publish(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Somebody publishes; kept for a client that is away, if the broker knows it."""
        if self.down:
            return
        if retained:
            self._retained[topic] = payload
        if self._known:
            self._waiting.append(_Message(topic, payload))
            self._flow()

    def hand_out(self, topic: str, payload: bytes) -> None:
        """The client subscribes anew, and is given this retained message."""
        if self.connected:
            self._waiting.append(_Message(topic, payload, retained=True))
            self._flow()

    def connect(self) -> None:
        """The client comes (back): what it never acknowledged comes first, marked; then what waited for it. Where the
        broker is away, nothing happens but that the client is told."""
        if self.down:
            self.hand(MqttDown("connection refused"))
            return
        self.epoch += 1
        self.connected = True
        self.hand(MqttUp(self.epoch, session_present=self._known))
        self._known = True
        for mid, message in list(self._inflight.items()):
            self.redelivered += 1
            self._hand_over(mid, message, dup=True)
        # A subscription brings every retained message anew, also where the session was kept.
        self._waiting.extend(_Message(topic, payload, retained=True) for topic, payload in self._retained.items())
        self._flow()

    def disconnect(self, reason: str | None = None) -> None:
        """The connection ends. reason: said to the client, None where it is not there to hear it."""
        self.connected = False
        if reason is not None:
            self.hand(MqttDown(reason))

    def forget(self) -> None:
        """The broker lost its memory: sessions, what waited, and what was retained."""
        self.connected = self._known = False
        self._waiting.clear()
        self._inflight.clear()
        self._retained.clear()

    def ack(self, ack: AckMqtt) -> None:
        """The client has a message on its disk; from another connection it counts for nothing."""
        if self.connected and ack.epoch == self.epoch:
            self._inflight.pop(ack.mid, None)
            self._flow()

    @property
    def remembers(self) -> bool:
        """Whether the broker keeps a session for this client."""
        return self._known

    @property
    def keeps(self) -> bool:
        """Whether what is published now is kept for this client."""
        return self._known and not self.down

    @property
    def unacknowledged(self) -> int:
        """How many messages the client has not acknowledged."""
        return len(self._inflight) + len(self._waiting)

    def _flow(self) -> None:
        while self.connected and self._waiting and len(self._inflight) < INFLIGHT_MAX:
            self._mid = self._mid % MIDS + 1
            while self._mid in self._inflight:
                self._mid = self._mid % MIDS + 1
            self._inflight[self._mid] = self._waiting.popleft()
            self._hand_over(self._mid, self._inflight[self._mid], dup=False)

    def _hand_over(self, mid: int, message: _Message, *, dup: bool) -> None:
        self.hand(MqttReceived(message.topic, message.payload, message.retained, 1, mid, dup, self.epoch))
