"""How well the alarms serve, in words, and what would help. Serves arrow 9.

Owns the sentences. Must not know how it is counted, or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nattevakt.central.admin import drafts, rule_words
from nattevakt.central.admin.who import Lead, Resident
from nattevakt.central.alarm_health import Count, Health, Suggestion
from nattevakt.central.tablet.i18n import N_
from nattevakt.edge.rules.catalogue import BY_NAME

WEEK = N_("Uke {week}, {year}")
WHOLE_WARD = N_("Hele avdelingen")
PERCENT = N_("{n} %")
UNKNOWN = N_("ikke kjent")
MINUTES, SECONDS = N_("{n} min"), N_("{n} s")
SUGGEST = N_("Sett «{label}» for «{rule}» fra {value} til {proposed} {unit}.")
EFFECT = N_(
    "På de siste {nights} nettene: {useless} unødige alarmer ville blitt {useless_then}, og {alarms} alarmer i alt "
    "ville blitt {alarms_then}."
)
SAFE = N_("Ingen av de {useful} nyttige alarmene ville falt bort. Den seneste ville kommet {later} min senere.")


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One week of a ward or a resident. rules: each with its alarms and its share."""

    week: str
    who: str
    resident_id: int | None
    alarms: int
    useful: str
    cleared: int
    repeated: int
    nights: int
    taken: str
    technical: int
    rules: tuple[tuple[str, int, str], ...]
    sensors: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A change of one number, its simulated effect, and where it can be tried in the plan."""

    change: str
    effect: str
    safe: str
    href: str


def rows(
    lead: Lead, found: Sequence[Health], residents: Sequence[Resident], names: Mapping[str, str]
) -> list[HealthRow]:
    """The weeks of the lead's wards, the newest first. names: of devices by address."""
    known = {one.id: f"{one.number} {one.name}" for one in residents}
    mine = [one for one in found if one.ward_id in lead.wards and (one.resident_id is None or one.resident_id in known)]
    mine.sort(key=lambda one: (-one.year, -one.week))
    return [_row(lead, one, known, names) for one in mine]


def _row(lead: Lead, one: Health, known: Mapping[int, str], names: Mapping[str, str]) -> HealthRow:
    by_rule = sorted(one.by_rule.items(), key=lambda item: -item[1].alarms)
    taken = one.median_taken_s
    return HealthRow(
        lead.words(WEEK, {"week": one.week, "year": one.year}),
        known[one.resident_id] if one.resident_id is not None else lead.words(WHOLE_WARD),
        one.resident_id,
        one.total.alarms,
        _share(lead, one.total),
        one.cleared,
        one.repeated,
        one.nights_woken,
        "" if taken is None else _span(lead, taken),
        one.technical,
        tuple((rule_words.rule_name(lead.words, rule), count.alarms, _share(lead, count)) for rule, count in by_rule),
        tuple((names.get(address, address), count) for address, count in one.by_sensor.most_common(8)),
    )


def _span(lead: Lead, seconds: float) -> str:
    return (
        lead.words(SECONDS, {"n": round(seconds)}) if seconds < 90 else lead.words(MINUTES, {"n": round(seconds / 60)})
    )


def _share(lead: Lead, count: Count) -> str:
    share = count.share
    return lead.words(UNKNOWN) if share is None else lead.words(PERCENT, {"n": round(100 * share)})


def suggestion(lead: Lead, found: Suggestion) -> SuggestionView:
    """A suggestion in words."""
    setting = next(one for one in BY_NAME[found.rule].settings if one.name == found.setting)
    said = rule_words.setting_words(lead.words, found.rule, setting)
    change = {
        "label": said.label,
        "rule": rule_words.rule_name(lead.words, found.rule),
        "value": drafts.typed(found.setting, found.value),
        "proposed": drafts.typed(found.setting, found.proposed),
        "unit": said.unit,
    }
    counts = {name: getattr(found, name) for name in ("nights", "useless", "useless_then", "alarms", "alarms_then")}
    later = -(-found.later_ms // 60_000)
    query = f"line={found.line}&setting={found.setting}&value={found.proposed}"
    return SuggestionView(
        lead.words(SUGGEST, change),
        lead.words(EFFECT, counts),
        lead.words(SAFE, {"useful": found.useful, "later": later}),
        f"/admin/residents/{found.resident_id}?{query}",
    )
