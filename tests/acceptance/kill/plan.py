"""What is broken when: drawn from a seed, the same each time. Owns the choice; must not know how anything is broken."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

GATEWAYS = ("g1", "g2")
EVERY_S = 0.95
"""So long after one fault the next begins, on the average; several go on at once."""
SHORTEST_S, LONGEST_S = 0.3, 2.5
OF_EACH = (
    "gateway_killed",
    "gateway_stopped",
    "gateway_ended",
    "stick_pulled",
    "disk_full",
    "credential",
    "line_cut",
    "line_half_open",
    "line_delay",
    "mqtt_cut",
    "mqtt_half_open",
)
"""Faults of one gateway or of its lines."""
OF_ALL = (
    "centre_killed",
    "centre_stopped",
    "broker_killed",
    "broker_restarted",
    "broker_wiped",
    "broker_stopped",
    "database_away",
)
TOUCHES = {
    "stick_pulled": ("stick",),
    "credential": ("process", "database"),
    "line_cut": ("line",),
    "line_half_open": ("line",),
    "line_delay": ("line",),
    "mqtt_cut": ("mqtt",),
    "mqtt_half_open": ("mqtt",),
}
"""What of a gateway a fault holds, where that is not its process. Two faults never hold the same thing at once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is broken from `begins_s` to `ends_s` after the start. of: the gateway, "" for what all share."""

    begins_s: float
    ends_s: float
    what: str
    of: str

    @property
    def holds(self) -> frozenset[str]:
        """What nobody else may break meanwhile."""
        if not self.of:
            return frozenset((self.what.partition("_")[0],))
        named = TOUCHES.get(self.what, ("process",))
        return frozenset(name if name == "database" else f"{self.of}.{name}" for name in named)

    def __str__(self) -> str:
        return f"{self.begins_s:6.2f} s {self.what} {self.of}".rstrip() + f", {self.ends_s - self.begins_s:.2f} s"


def plan(seed: int, lasts_s: float) -> list[Fault]:
    """Faults over so long a time: every sort in turn, shuffled, then all of them again. All end by `lasts_s`."""
    chance = Random(seed)
    found: list[Fault] = []
    deck: list[str] = []
    at_s = 0.8
    while at_s < lasts_s - LONGEST_S:
        if not deck:
            deck = [*OF_EACH, *OF_ALL]
            chance.shuffle(deck)
        what = deck.pop()
        ends_s = at_s + chance.uniform(SHORTEST_S, LONGEST_S)
        made = Fault(at_s, ends_s, what, chance.choice(GATEWAYS) if what in OF_EACH else "")
        # A moment between two faults of the same thing, so that each is met by something that works.
        busy = [one.ends_s + 0.5 for one in found if one.holds & made.holds]
        later_s = max(0.0, max(busy, default=0.0) - at_s)
        if ends_s + later_s < lasts_s:
            found.append(Fault(made.begins_s + later_s, ends_s + later_s, what, made.of))
        at_s += chance.uniform(0.5, 1.5) * EVERY_S
    return sorted(found, key=lambda fault: fault.begins_s)
