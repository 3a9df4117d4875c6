"""How fast people came, for the page: figures by shift, ward and kind, and every alarm that was missed. Serves arrow 9.

Owns which figures stand where, and the typed period. Must not know HTTP, HTML, or how anything is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from nattevakt.central import response_words
from nattevakt.central.admin import moments
from nattevakt.central.admin.who import Lead, Ward
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.response_times import LIMITS_MS, Figures, Group, Key, Life, Miss, Missed, Stage
from nattevakt.central.response_times import groups as grouped
from nattevakt.central.response_times import missed as missing
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words

DAYS = 28
"""The period of whoever asks for none: these last days, today among them."""
NAMED_MAX = 200
PERCENT = N_("{n} %")
NOBODY = N_("Meldt, ingen har tatt den")
STATES: Mapping[State, str] = {
    **sentences.STATES,
    State.REPORTED: NOBODY,
    State.TAKEN: N_("Noen har tatt den"),
    State.ON_THE_WAY: N_("Noen er på vei"),
    State.ON_SITE: N_("Noen er hos bruker"),
}
"""How an alarm stands where nobody is named."""


@dataclass(frozen=True, slots=True)
class Period:
    """A first and a last day, both included, as a form holds them."""

    first: str
    last: str

    @property
    def days(self) -> tuple[date, date] | None:
        """The two days; None where something else was typed."""
        try:
            return date.fromisoformat(self.first.strip()), date.fromisoformat(self.last.strip())
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage of a group in words. limit: "" for closing; share: "" where it cannot be said."""

    name: str
    limit: str
    median: str
    p90: str
    worst: str
    share: str
    late: int
    never: int
    ended: int
    waiting: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """Some alarms together."""

    name: str
    alarms: int
    rang_again: int
    stages: tuple[StageView, ...]


@dataclass(frozen=True, slots=True)
class MissedView:
    """One alarm that was missed or late. grave: never shown or never taken."""

    alarm_id: int
    when: str
    where: str
    kind: str
    whys: tuple[str, ...]
    state: str
    grave: bool


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole page. total, shifts, by_ward, kinds: about residents; technical: about the installation, by kind.

    counts: what is missing, each with its number, also where that is none. named: how many alarms about residents were
    missed or late; more: how many are named in the file only.
    """

    period: Period
    wards: tuple[Ward, ...]
    ward_id: int
    wrong: str
    total: GroupView | None
    counts: tuple[tuple[str, int], ...]
    shifts: tuple[GroupView, ...]
    by_ward: tuple[GroupView, ...]
    kinds: tuple[GroupView, ...]
    technical: tuple[GroupView, ...]
    named: int
    missed: tuple[MissedView, ...]
    missed_technical: tuple[MissedView, ...]
    more: int
    query: str


def usual(lead: Lead) -> Period:
    """The period of whoever asks for none."""
    today = datetime.fromtimestamp(lead.now_ms / 1000, UTC).astimezone(lead.zone).date()
    return Period((today - timedelta(days=DAYS - 1)).isoformat(), today.isoformat())


def view(
    lead: Lead, wards: Sequence[Ward], ward_id: int, period: Period, lives: Collection[Life], wrong: str = ""
) -> ReportView:
    """The page. ward_id: 0 for all of the lead's."""
    found, named = grouped(lives, lead.now_ms, lead.zone.key), missing(lives, lead.now_ms)
    by_key = {group.key: group for group in found}
    names = {ward.id: ward.name for ward in wards}
    total = by_key.get(Key(technical=False))
    mine = [one for one in named if not one.life.technical]
    others = [one for one in named if one.life.technical]
    return ReportView(
        period=period,
        wards=tuple(wards),
        ward_id=ward_id,
        wrong=wrong,
        total=_group(lead.words, total, "") if total else None,
        counts=_counts(lead.words, mine, total) if total else (),
        shifts=_shifts(lead.words, by_key),
        by_ward=_by_ward(lead.words, by_key, names) if len({life.ward_id for life in lives}) > 1 else (),
        kinds=_kinds(lead.words, found, technical=False),
        technical=_kinds(lead.words, found, technical=True),
        named=len(mine),
        missed=tuple(_missed(lead, one, names) for one in mine[:NAMED_MAX]),
        missed_technical=tuple(_missed(lead, one, names) for one in others[:NAMED_MAX]),
        more=max(0, len(mine) - NAMED_MAX) + max(0, len(others) - NAMED_MAX),
        query=f"from={period.first}&to={period.last}" + (f"&ward={ward_id}" if ward_id else ""),
    )


def _shifts(words: Words, found: Mapping[Key, Group]) -> tuple[GroupView, ...]:
    keys = ((Key(technical=False, shift=shift.value), words(said)) for shift, said in response_words.SHIFTS.items())
    return tuple(_group(words, found[key], name) for key, name in keys if key in found)


def _by_ward(words: Words, found: Mapping[Key, Group], names: Mapping[int, str]) -> tuple[GroupView, ...]:
    keys = ((Key(technical=False, ward_id=number), name) for number, name in names.items())
    return tuple(_group(words, found[key], name) for key, name in keys if key in found)


def _kinds(words: Words, found: Sequence[Group], *, technical: bool) -> tuple[GroupView, ...]:
    """Each kind, alone, the most frequent first."""
    alone = [group for group in found if group.key == Key(technical, kind=group.key.kind) and group.key.kind]
    alone.sort(key=lambda group: (-group.alarms, group.key.kind))
    return tuple(_group(words, group, response_words.kind(words, group.key.kind)) for group in alone)


def _group(words: Words, group: Group, name: str) -> GroupView:
    stages = tuple(_stage(words, stage, group.stages[stage]) for stage in Stage)
    return GroupView(name, group.alarms, group.rang_again, stages)


def _stage(words: Words, stage: Stage, one: Figures) -> StageView:
    limit_ms = LIMITS_MS.get(stage)
    # Rounded down: "100 %" is said of all alarms only.
    share = words(PERCENT, {"n": 100 * one.in_time // one.judged}) if one.judged and limit_ms is not None else ""
    median, p90, worst = (response_words.span(words, ms) for ms in (one.median_ms, one.p90_ms, one.worst_ms))
    return StageView(
        name=words(response_words.STAGES[stage]),
        limit="" if limit_ms is None else limit(words, limit_ms),
        median=median,
        p90=p90,
        worst=worst,
        share=share,
        late=one.late,
        never=one.never,
        ended=one.ended,
        waiting=one.waiting,
    )


WHOLE_MINUTES = N_("{n} min")


def limit(words: Words, ms: int) -> str:
    """A limit as people say it, "15 s", "90 s", "10 min"."""
    if ms % 60_000 == 0:
        return words(WHOLE_MINUTES, {"n": ms // 60_000})
    return words(response_words.SECONDS, {"s": ms // 1000})


_LATE_ON_SITE = frozenset({Miss.NEVER_ON_SITE, Miss.LATE_ON_SITE})
COUNTS: tuple[tuple[str, frozenset[Miss]], ...] = (
    (N_("Aldri vist for noen"), frozenset({Miss.NEVER_SHOWN})),
    (N_("Vist for sent"), frozenset({Miss.LATE_SHOWN})),
    (N_("Visning ikke bekreftet"), frozenset({Miss.SHOWN_UNCONFIRMED})),
    (N_("Aldri tatt"), frozenset({Miss.NEVER_TAKEN})),
    (N_("Tatt for sent"), frozenset({Miss.LATE_TAKEN})),
    (N_("Ikke hos bruker i tide"), _LATE_ON_SITE),
)
RANG_AGAIN, ALARMS = N_("Ringte på nytt, ingen kom fram"), N_("Alarmer om beboere")


def _counts(words: Words, named: Sequence[Missed], total: Group) -> tuple[tuple[str, int], ...]:
    found = [(words(ALARMS), total.alarms)]
    found += [(words(said), sum(1 for one in named if set(one.why) & misses)) for said, misses in COUNTS]
    return (*found, (words(RANG_AGAIN), total.rang_again))


def _missed(lead: Lead, one: Missed, wards: Mapping[int, str]) -> MissedView:
    words, life = lead.words, one.life
    ward = wards.get(life.ward_id, "") if len(wards) > 1 else ""
    state = STATES.get(State(life.state), life.state) if life.state in set(State) else life.state
    return MissedView(
        life.alarm_id,
        moments.day_clock(words, life.rang_ms, lead.zone),
        ", ".join(part for part in (life.room, ward) if part),
        response_words.kind(words, life.kind),
        tuple(response_words.why(words, miss, life) for miss in one.why),
        words(state),
        bool({Miss.NEVER_SHOWN, Miss.NEVER_TAKEN} & set(one.why)),
    )
