"""Messages from the broker that nobody can place yet: held until the bridge has told its devices. Serves arrow 1.

Owns how long and how many. Must not know drivers, events or storage. What is held is neither stored nor acknowledged:
should the agent die, the broker delivers it again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import MqttMessage
from nattevakt.gateway.inputs import MqttReceived, Now

HOLD_S = 3.0
"""From the moment when the broker is there. A call is not kept back longer for the sake of its room."""
HELD_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """One message and when it came."""

    given: MqttReceived
    now: Now

    @property
    def message(self) -> MqttMessage:
        """As the dialect takes it."""
        return MqttMessage(self.given.topic, self.given.payload, self.given.retained)


class Holding:
    """What is held back; empty nearly always."""

    def __init__(self) -> None:
        self._held: deque[Held] = deque()
        self._until_s: float | None = None

    def __len__(self) -> int:
        return len(self._held)

    def connected(self, now: Now) -> None:
        """The broker is there: what it kept comes now, and what it knows of devices a little later."""
        self._until_s = now.mono_s + HOLD_S

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return len(self._held) >= HELD_MAX

    def over(self, now: Now) -> bool:
        """Whether nothing may be held any longer."""
        return self._until_s is None or now.mono_s >= self._until_s

    def hold(self, held: Held) -> None:
        """Keep this one back."""
        self._held.append(held)

    def of(self, topic: str) -> list[Held]:
        """What is held of a topic, taken out."""
        found = [held for held in self._held if held.given.topic == topic]
        if found:
            self._held = deque(held for held in self._held if held.given.topic != topic)
        return found

    def first(self) -> Held | None:
        """The oldest that is held."""
        return self._held[0] if self._held else None

    def take(self, now: Now, awaits: Callable[[MqttMessage], bool]) -> list[Held]:
        """All that wait no longer, in the order in which they came; the others are held on."""
        over = self.over(now)
        found: list[Held] = []
        kept: deque[Held] = deque()
        for held in self._held:
            (kept if not over and awaits(held.message) else found).append(held)
        self._held = kept
        return found

    def left(self) -> list[Held]:
        """What no broker delivers again, taken out; the rest stays with the broker."""
        found = [held for held in self._held if held.given.qos == 0]
        self._held.clear()
        return found

    def wake_at_s(self) -> float:
        """When `over` becomes true for something held, in real seconds; never, if there is nothing."""
        return self._until_s if self._held and self._until_s is not None else math.inf
