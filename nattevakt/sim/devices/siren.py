"""A siren behind Zigbee2MQTT as one hears it: it sounds or not, and the bridge publishes its report. Serves arrow 9
from the outside.

Owns how long it sounds by itself and what it says. Must not know who asks for it or why.
"""

from __future__ import annotations

import json

from nattevakt.gateway.siren import Siren

NEVER_MS = 2**62
ALARM_S = 1_800
"""So long a siren that takes no duration sounds at most, by its own setting."""


class SimSiren:
    """One siren. reachable: whether the radio reaches it. base_topic: of its bridge.

    `hear` takes what is published; `due_ms` and `tick` are for its own end. Each gives what the bridge publishes then.
    """

    def __init__(self, siren: Siren, base_topic: str, *, alarm_s: int = ALARM_S) -> None:
        self.siren = siren
        self.topic = f"{base_topic}/{siren.name}"
        self.reachable = True
        self.commands = 0
        self._alarm_ms = alarm_s * 1_000
        self._until_ms: int | None = None
        """Until when it sounds; None: it is silent."""

    def sounds(self, now_ms: int) -> bool:
        """Whether it is heard now."""
        return self._until_ms is not None and now_ms < self._until_ms

    def hear(self, topic: str, payload: bytes, now_ms: int) -> bytes | None:
        """Something was published; the report that follows, None where none does."""
        if topic != f"{self.topic}/set" or not self.reachable:
            return None
        said = json.loads(payload)
        self.commands += 1
        if "warning" in said:
            warning = said["warning"]
            self._until_ms = None if warning["mode"] == "stop" else now_ms + warning["duration"] * 1_000
        else:
            on = said.get("alarm", said.get("state")) in (True, "ON")
            self._until_ms = now_ms + self._alarm_ms if on else None
            if "state" in said and on:
                self._until_ms = NEVER_MS
        return self.report(now_ms)

    @property
    def due_ms(self) -> int | None:
        """When it falls silent by itself; None where it does not."""
        return None if self._until_ms == NEVER_MS else self._until_ms

    def tick(self, now_ms: int) -> bytes | None:
        """Time has passed; the report of its own end, None before that."""
        if self._until_ms is None or now_ms < self._until_ms:
            return None
        self._until_ms = None
        return self.report(now_ms)

    def report(self, now_ms: int) -> bytes | None:
        """What the bridge publishes of it; None while the radio does not reach it."""
        if not self.reachable:
            return None
        on = self.sounds(now_ms)
        words = {"alarm": on, "alarm_on_off": "ON" if on else "OFF", "state": "ON" if on else "OFF", "warning": on}
        told = {self.siren.property: words[self.siren.command]} if self.siren.property else {}
        return json.dumps({**told, "battery": 81, "linkquality": 140}).encode()
