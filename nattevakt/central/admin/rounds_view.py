"""A ward's rounds for the page, and a resident's own times: the forms, and how many looks there were. Serves arrow 9.

Owns the words at the limits. Must not know HTTP, HTML, or when a round falls due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nattevakt.central.admin import drafts, problem_words, round_counts, round_drafts, rule_words
from nattevakt.central.admin.drafts import Wrong
from nattevakt.central.admin.round_drafts import TimeDraft
from nattevakt.central.admin.who import Lead, Resident, Ward
from nattevakt.central.db import TenantSession
from nattevakt.central.rounds import tasks, times
from nattevakt.central.rounds.limits import BOUNDS, Limits, limits_of
from nattevakt.central.rounds.schedule import Time
from nattevakt.central.rounds.tasks import Counts
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.windows import EVERY_DAY

LIMITS: Mapping[str, tuple[str, str]] = {
    "retry_min": (
        N_("Nytt forsøk etter «Usikker»"),
        N_("Så lenge etter blir det spurt en gang til. Er noen usikker også da, må de inn på rommet."),
    ),
    "overdue_min": (
        N_("Alarm når tilsynet ikke er gjort"),
        N_("Så lenge etter klokkeslettet ringer det for hele avdelingen."),
    ),
    "spread_min": (
        N_("Spre runden over"),
        N_("En person kan se til én om gangen. 0 betyr at alle står på listen med det samme."),
    ),
    "dense_min": (
        N_("Tettere tilsyn når sensorer er stille"),
        N_("Så ofte må noen inn på rommet, der planen ikke sier noe annet."),
    ),
}
"""Limit → what it is called, and what it does."""
RANGE = N_("fra {least} til {most}, vanligvis {default}")


@dataclass(frozen=True, slots=True)
class LimitView:
    """One limit of the form."""

    name: str
    label: str
    help: str
    range: str
    value: str


@dataclass(frozen=True, slots=True)
class OwnView:
    """A resident with times of their own."""

    id: int
    number: str
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class RoundsView:
    """A ward's page. wrong: by the field's name. unsaved: the times are as typed, not as they hold."""

    ward: Ward
    wards: tuple[Ward, ...]
    times: tuple[TimeDraft, ...]
    limits: tuple[LimitView, ...]
    counts: Counts
    nights: int
    own: tuple[OwnView, ...]
    wrong: Mapping[str, str]
    unsaved: bool
    told: str


@dataclass(frozen=True, slots=True)
class OwnTimes:
    """A resident's own times on their page. ward: the ward's, in words; counts: looks of the last nights."""

    times: tuple[TimeDraft, ...]
    ward: str
    counts: Counts
    nights: int
    unsaved: bool


def view(
    s: TenantSession,
    lead: Lead,
    ward: Ward,
    wards: Sequence[Ward],
    residents: Sequence[Resident],
    *,
    typed_times: tuple[TimeDraft, ...] | None = None,
    typed_limits: Mapping[str, str] | None = None,
    wrong: Mapping[str, Wrong] | None = None,
    told: str = "",
) -> RoundsView:
    """The page with what holds, or with what was typed and what is wrong with it."""
    here = [one for one in residents if one.ward_id == ward.id]
    own = times.of_residents(s, [one.id for one in here])
    held = {name: str(value) for name, value in asdict(limits_of(s, ward.id)).items()}
    shown = typed_times if typed_times is not None else round_drafts.of_times(times.of_ward(s, ward.id))
    return RoundsView(
        ward=ward,
        wards=tuple(wards),
        times=shown or (TimeDraft(),),
        limits=tuple(_limit(lead.words, name, {**held, **(typed_limits or {})}) for name in BOUNDS),
        counts=tasks.counts(s, *round_counts.last_nights(lead.now_ms, lead.zone), ward_id=ward.id),
        nights=round_counts.NIGHTS,
        own=tuple(
            OwnView(one.id, one.number, one.name, said(lead.words, own[one.id])) for one in here if one.id in own
        ),
        wrong={name: problem_words.said(lead.words, one) for name, one in (wrong or {}).items()},
        unsaved=typed_times is not None,
        told=told,
    )


def own_times(s: TenantSession, lead: Lead, resident: Resident, typed: tuple[TimeDraft, ...] | None = None) -> OwnTimes:
    """A resident's own times as they hold, or as they were typed."""
    held = times.of_residents(s, (resident.id,)).get(resident.id, ())
    return OwnTimes(
        typed if typed is not None else round_drafts.of_times(held),
        said(lead.words, times.of_ward(s, resident.ward_id)),
        tasks.counts(s, *round_counts.last_nights(lead.now_ms, lead.zone), resident_id=resident.id),
        round_counts.NIGHTS,
        typed is not None,
    )


def said(words: Words, found: Sequence[Time]) -> str:
    """Times in one line: "23:00, 02:00 lør søn"."""
    parts = []
    for one in round_drafts.of_times(found):
        some = drafts.bits_of(one.days) != EVERY_DAY
        days = [words(rule_words.WEEKDAYS[day]) for day in sorted(one.days)] if some else []
        parts.append(" ".join([one.at, *days]))
    return ", ".join(parts)


def _limit(words: Words, name: str, values: Mapping[str, str]) -> LimitView:
    (label, teaches), (least, most) = LIMITS[name], BOUNDS[name]
    ranged = words(RANGE, {"least": least, "most": most, "default": getattr(Limits(), name)})
    return LimitView(name, words(label), words(teaches), ranged, values[name])
