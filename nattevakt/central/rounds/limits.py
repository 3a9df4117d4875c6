"""How patient a ward's rounds are. Serves arrow 7.

Owns four numbers for each ward and their bounds. Must not know what they do. They stand among the states of rules,
under the ward, because they are read with the ward's rounds and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from sqlalchemy import bindparam, select

from nattevakt.central import states
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import rule_states
from nattevakt.edge.errors import RejectError

RULE = "round_limits"
BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"retry_min": (1, 60), "overdue_min": (5, 180), "spread_min": (0, 60), "dense_min": (10, 240)}
)
"""Least and most of each."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Minutes. retry_min: until the next try after "not sure" (agreed in Swedish practice).

    overdue_min: so long after it was due a turn that nobody has done becomes an alarm. spread_min: over how long one
    round is spread. dense_min: between looks into the room while a sensor is silent, where the plan says nothing.
    """

    retry_min: int = 10
    overdue_min: int = 30
    spread_min: int = 15
    dense_min: int = 60


_KEPT = select(rule_states.c.state).where(
    rule_states.c.tenant_id == TENANT, rule_states.c.subject == bindparam("subject"), rule_states.c.rule == RULE
)


def limits_of(s: TenantSession, ward_id: int) -> Limits:
    """A ward's numbers; what nobody has set is as it comes."""
    return Limits(**(s.execute(_KEPT, {"subject": f"ward:{ward_id}"}).scalar() or {}))


def set_limits(s: TenantSession, ward_id: int, limits: Limits) -> None:
    """Set a ward's numbers. Raises RejectError for one that is out of bounds."""
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(limits, name) <= most:
            raise RejectError(name, f"must be {least} to {most} minutes")
    subject = f"ward:{ward_id}"
    states.lock(s, subject, RULE)
    states.keep(s, subject, RULE, asdict(limits))
    s.changed()
