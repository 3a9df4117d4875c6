"""Every kind of alarm: its national code, how loud, whether it may clear itself. Serves arrow 8.

Owns the table; the documentation of kinds is made from it. Must not know states or storage.

Codes are those of the national alert vocabulary, group 4 (digitalt tilsyn). Where that has none, the word is
`internal`: such an alarm is for the people who keep the installation running.

An empty bed is 4.2 (forlatt sengen) in both its steps: 4.7 and 4.12 say that the person is not in the room, which no
mat knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nattevakt.edge.rules.rule import Priority

INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alarm.

    vkp_code: the national alert code, or `internal`. may_clear_itself: later evidence may end it while nobody
    has taken it; never so for a fall, a call or a leak.
    """

    key: str
    vkp_code: str
    priority: Priority
    may_clear_itself: bool

    @property
    def technical(self) -> bool:
        """True where the alarm is about the installation, not about a resident."""
        return self.vkp_code == INTERNAL and self.key != "unknown_event"


_ALL = (
    Kind("call", "4.13", Priority.HIGH, may_clear_itself=False),
    Kind("fall", "4.1", Priority.HIGH, may_clear_itself=False),
    Kind("leak", "4.17", Priority.MEDIUM, may_clear_itself=False),
    Kind("door_at_night", "4.15", Priority.MEDIUM, may_clear_itself=True),
    Kind("left_home", "4.21", Priority.MEDIUM, may_clear_itself=True),
    Kind("out_of_room", "4.6", Priority.MEDIUM, may_clear_itself=True),
    Kind("long_bathroom", "4.23", Priority.MEDIUM, may_clear_itself=True),
    Kind("inactivity", "4.19", Priority.MEDIUM, may_clear_itself=True),
    Kind("unexpected_activity", "4.18", Priority.LOW, may_clear_itself=True),
    Kind("not_back_in_bed", "4.2", Priority.MEDIUM, may_clear_itself=True),
    Kind("bed_check", "4.2", Priority.LOW, may_clear_itself=True),
    Kind("out_of_bed", "4.2", Priority.MEDIUM, may_clear_itself=True),
    Kind("in_bed_late", "4.2", Priority.LOW, may_clear_itself=True),
    Kind("not_up", "4.9", Priority.MEDIUM, may_clear_itself=True),
    Kind("chair", "4.4", Priority.MEDIUM, may_clear_itself=True),
    Kind("wet", "7.1", Priority.LOW, may_clear_itself=True),
    Kind("unknown_event", INTERNAL, Priority.HIGH, may_clear_itself=False),
    Kind("event_refused", INTERNAL, Priority.LOW, may_clear_itself=False),
    Kind("id_conflict", INTERNAL, Priority.LOW, may_clear_itself=False),
    Kind("gateway_cloned", INTERNAL, Priority.LOW, may_clear_itself=False),
    Kind("gateway_fault", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("parked_event", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("rows_lost", INTERNAL, Priority.LOW, may_clear_itself=False),
    Kind("rows_missing", INTERNAL, Priority.LOW, may_clear_itself=True),
    # As loud as a gateway that nothing is known from: until it started, nothing was.
    Kind("storage_lost", INTERNAL, Priority.MEDIUM, may_clear_itself=False),
    Kind("gateway_gap", INTERNAL, Priority.MEDIUM, may_clear_itself=False),
    Kind("gateway_silent", INTERNAL, Priority.MEDIUM, may_clear_itself=True),
    Kind("device_silent", INTERNAL, Priority.LOW, may_clear_itself=True),
    # Nobody has seen the resident when the plan said so: as loud as a gateway that nothing is known from.
    Kind("round_overdue", INTERNAL, Priority.MEDIUM, may_clear_itself=True),
    # Nobody would hear an alarm: as loud as a gateway that nothing is known from.
    Kind("ward_unheard", INTERNAL, Priority.MEDIUM, may_clear_itself=True),
    # Of low priority while it lies ahead.
    Kind("duty_gap", INTERNAL, Priority.MEDIUM, may_clear_itself=True),
    Kind("battery_low", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("tamper", INTERNAL, Priority.LOW, may_clear_itself=True),
    # Raised as MEDIUM where it is the only road beyond the tablets.
    Kind("channel_down", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("basis_expired", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("chain_test_failed", INTERNAL, Priority.LOW, may_clear_itself=True),
    Kind("rule_failed", INTERNAL, Priority.LOW, may_clear_itself=False),
    Kind("unhandled_event", INTERNAL, Priority.HIGH, may_clear_itself=False),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.key: kind for kind in _ALL})
"""Kind by key."""
TECHNICAL = frozenset(kind.key for kind in _ALL if kind.technical)
"""The kinds that are about the installation."""

VKP_PULL_CORD = "4.14"


def is_technical(kind: str) -> bool:
    """Whether alarms of this kind are about the installation. A kind that only a newer version knows is taken for one
    about a resident: it is not left for the morning."""
    return kind in TECHNICAL


def vkp_code(kind: str, control: str = "") -> str:
    """The code to report for an alarm; a call made with a pull cord has its own."""
    if kind == "call" and control == "cord":
        return VKP_PULL_CORD
    return KINDS[kind].vkp_code
