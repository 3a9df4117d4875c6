"""A plan that leans on a sensor which has told of what cannot be so: a warning, never a refusal. Serves arrow 9.

Owns which finding casts doubt on which rule, and its sentence. Must not know how a finding comes about, or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from nattevakt.central.admin import rule_words
from nattevakt.central.admin.who import Lead, Resident
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.findings import Found, date_of, recent
from nattevakt.central.tables import listed_devices
from nattevakt.central.tablet.i18n import N_
from nattevakt.edge.rules.catalogue import BY_NAME

DAYS = 14
FLICKER = "implausible.bed_flicker"
FLOOD = "implausible.flood"
FAULTS: Mapping[str, tuple[str, str]] = {
    FLICKER: ("bed", N_("Sengematta her melder inn og ut uten at noen beveger seg")),
    "implausible.bed_stuck": ("bed", N_("Sengematta her har stått fast på «i seng»")),
    "implausible.bed_inverted": ("bed", N_("Sengematta her kan være satt opp omvendt")),
    "implausible.chair_stuck": ("chair", N_("Stolsensoren her har stått fast på «sitter»")),
    "implausible.door_flicker": ("door", N_("Dørsensoren her melder åpen uten at noen går ut")),
    "implausible.door_open": ("door", N_("Dørsensoren her har stått fast på åpen")),
    "implausible.door_mostly_open": ("door", N_("Dørsensoren her melder åpen nesten hele døgnet")),
    "implausible.door_inverted": ("door", N_("Dørsensoren her kan være satt opp omvendt")),
    FLOOD: ("", N_("En sensor her sender unormalt mye")),
}
"""Code of a finding → what the sensor is for ("": as the gateway says), and what is wrong with it."""
CHECKS = frozenset({"out_of_bed", "not_back_in_bed"})
"""The rules that a mat which flickers keeps asking for."""
MANY = N_("{fault}: {rules} vil gi mange sjekk. Se til sensoren først.")
WRONG = N_("{fault}: {rules} kan ringe feil eller la være å ringe. Se til sensoren først.")
RULE = N_("«{rule}»")
_USE = select(listed_devices.c.address, listed_devices.c.use).where(
    listed_devices.c.tenant_id == TENANT, listed_devices.c.address.in_(bindparam("addresses", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a plan should not lean on yet. day: the local date of the finding. message: the same in words."""

    device: str
    code: str
    day: str
    rules: tuple[str, ...]
    message: str


def found(s: TenantSession, lead: Lead, resident: Resident, rules: Sequence[str]) -> list[Doubt]:
    """The doubts about these rules where the resident lives, from the findings of the last days; newest first."""
    if not rules:
        return []
    latest: dict[tuple[str, str], Found] = {}
    for one in recent(s, lead.now_ms, DAYS, lead.zone.key):
        if one.room_id == resident.room_id and one.code in FAULTS:
            latest.setdefault((one.address, one.code), one)
    floods = [one.address for one in latest.values() if one.code == FLOOD]
    uses = {row.address: row.use for row in s.execute(_USE, {"addresses": floods})} if floods else {}
    doubts = []
    for one in latest.values():
        use = FAULTS[one.code][0] or uses.get(one.address, "")
        leaning = [rule for rule in dict.fromkeys(rules) if _leans(rule, use)]
        many = [rule for rule in leaning if one.code == FLICKER and rule in CHECKS]
        rest = [rule for rule in leaning if rule not in many]
        doubts += [_doubt(lead, one, said, part) for said, part in ((MANY, many), (WRONG, rest)) if part]
    return doubts


def _leans(name: str, use: str) -> bool:
    rule = BY_NAME.get(name)
    return rule is not None and any(use in need.split("|") for need in rule.needs)


def _doubt(lead: Lead, one: Found, said: str, rules: Sequence[str]) -> Doubt:
    words = lead.words
    each = (words(RULE, {"rule": rule_words.rule_name(words, rule)}) for rule in rules)
    message = words(said, {"fault": words(FAULTS[one.code][1]), "rules": words(rule_words.AND).join(each)})
    return Doubt(one.address, one.code, date_of(one.day).isoformat(), tuple(rules), message)
