"""The table of all rules. Serves arrow 7.

Owns which rules there are, and in which order a batch meets them. Must not know any of them from within.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nattevakt.edge.rules import (
    battery_low,
    call,
    chair,
    door_at_night,
    fall,
    in_bed_late,
    inactivity,
    leak,
    long_bathroom,
    not_back_in_bed,
    not_returned,
    not_up,
    out_of_bed,
    out_of_room,
    sensor_implausible,
    still_on_floor,
    tamper,
    unexpected_activity,
    wet,
)
from nattevakt.edge.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    call.SPEC,
    fall.SPEC,
    still_on_floor.SPEC,
    leak.SPEC,
    door_at_night.SPEC,
    not_returned.SPEC,
    out_of_room.SPEC,
    long_bathroom.SPEC,
    inactivity.SPEC,
    unexpected_activity.SPEC,
    out_of_bed.SPEC,
    not_back_in_bed.SPEC,
    in_bed_late.SPEC,
    not_up.SPEC,
    chair.SPEC,
    wet.SPEC,
    battery_low.SPEC,
    tamper.SPEC,
    sensor_implausible.SPEC,
)

BY_NAME: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in RULES})
