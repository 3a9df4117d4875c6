"""An alarm's story as its page says it. Serves arrow 9.

Owns what stands at each line. Must not know HTTP, HTML, or what may be concluded from what is stored (alarms/story.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from nattevakt.central.admin import moments, rule_words, story_going, story_short, story_words
from nattevakt.central.admin.story_going import SendingView
from nattevakt.central.admin.who import Lead
from nattevakt.central.alarms.lifecycle import ENDED, HELD, UNTAKEN
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_parts import Change, Said
from nattevakt.central.alarms.story_times import Chapter, Moment, Reach, Sounding
from nattevakt.central.tablet import beside, sentences, when
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.views import UNPLACED

FIRST_PART, PART = N_("Første gang"), N_("Etter gjenåpning")
PERSONS = N_("Nettbrettet kan vise raden på skjermen uten at noen ser på den. Det er ikke kjent hvem som så den.")
SAYS_WHEN = ("take", "promise")
LEVELS: Mapping[int, str] = {1: N_("Høy prioritet"), 2: N_("Middels prioritet"), 3: N_("Lav prioritet")}
VERSION = N_("Planens versjon {n}, {at}, {by}")


@dataclass(frozen=True, slots=True)
class StepView:
    """One step. told: as `Moment.told`."""

    label: str
    at: str
    after_event: str
    after_previous: str
    note: str
    told: str


@dataclass(frozen=True, slots=True)
class EventView:
    """One event."""

    what: str
    role: str
    device: str
    at: str
    received: str
    late: str
    gateway: str
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class ReachView:
    """One notice. Each time with how long after the event it was. ward: of the tablet, where it is another's."""

    tablet: str
    ward: str
    screen: str
    code: str
    made: str
    sent: str
    shown: str
    sounded: str
    end: str


@dataclass(frozen=True, slots=True)
class SoundingView:
    """One time that it rang."""

    title: str
    verdict: str
    grave: bool
    reaches: tuple[ReachView, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One row of the history."""

    at: str
    after: str
    who: str
    what: str
    tablet: str
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookView:
    """Somebody has read the name."""

    at: str
    who: str
    tablet: str
    what: str


@dataclass(frozen=True, slots=True)
class StoryView:
    """The whole page. standing: "open", "held" or "over"."""

    id: int
    title: str
    where: str
    name: str
    ward: str
    resident_id: int | None
    day: str
    standing: str
    stands: str
    summary: tuple[str, ...]
    warnings: tuple[str, ...]
    chapters: tuple[tuple[str, tuple[StepView, ...]], ...]
    concluded: tuple[tuple[str, str], ...]
    events: tuple[EventView, ...]
    soundings: tuple[SoundingView, ...]
    sendings: tuple[SendingView, ...]
    changes: tuple[ChangeView, ...]
    looks: tuple[LookView, ...]
    left_off: tuple[str, ...]
    unseen: str


def view(lead: Lead, story: Story) -> StoryView:
    """The page."""
    words, zone = lead.words, lead.zone
    return StoryView(
        id=story.id,
        title=sentences.kind(words, story.kind),
        where=story.room or story.place or words(UNPLACED),
        name=story.resident,
        ward=story.ward,
        resident_id=story.resident_id,
        day=moments.day(words, story.raised_ms, zone),
        standing=standing(story.state),
        stands=story_words.state(words, story.state),
        summary=story_short.summary(words, story, zone),
        warnings=story_short.warnings(words, story, zone),
        chapters=tuple(_chapter(words, story, one, n, zone) for n, one in enumerate(story.chapters)),
        concluded=_concluded(words, story, zone),
        events=tuple(_event(words, story, one, zone) for one in story.events),
        soundings=tuple(_sounding(words, story, one, zone) for one in story.soundings),
        sendings=tuple(story_going.view(words, story, one) for one in story.sendings),
        changes=tuple(_change(words, story, one, zone) for one in story.changes),
        looks=tuple(
            LookView(
                story_short.clock(words, one.at_ms, story, zone),
                one.by.name if one.by is not None else "",
                one.tablet.name if one.tablet is not None else "",
                story_words.known(words, story_words.LOOKS, one.what),
            )
            for one in story.looks
        ),
        left_off=story.left_off,
        unseen=words(PERSONS),
    )


def standing(state: str) -> str:
    """How an alarm stands, in one of three words."""
    return "over" if state in ENDED else "held" if state in HELD else "open" if state in UNTAKEN else "unknown"


def _since(words: Words, ms: int, story: Story) -> str:
    return story_words.span(words, ms - story.occurred_to_ms)


# --- the tables -------------------------------------------------------------------------------------------------


def _chapter(words: Words, story: Story, chapter: Chapter, n: int, zone: ZoneInfo) -> tuple[str, tuple[StepView, ...]]:
    title = "" if len(story.chapters) == 1 else words(FIRST_PART if n == 0 else PART)
    return title, tuple(_moment(words, story, one, zone) for one in chapter.moments)


def _moment(words: Words, story: Story, one: Moment, zone: ZoneInfo) -> StepView:
    label = words(story_words.STEPS[one.code])
    if one.at_ms is None:
        return StepView(label, words(story_words.TOLD[one.told]), "", "", "", one.told)
    at = story_short.clock(words, one.at_ms, story, zone)
    if one.from_ms is not None:
        at = f"{story_short.clock(words, one.from_ms, story, zone)}–{at}"
    spans = (one.after_event_ms, one.after_previous_ms)
    after, since = ("" if ms is None else story_words.span(words, ms) for ms in spans)
    first = one.code in ("event", "deadline")
    note = words(story_words.BACKWARDS) if one.backwards else ""
    return StepView(label, at, "" if first else after, since, note, one.told)


def _concluded(words: Words, story: Story, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    rows = [
        (words(N_("Hvorfor")), _reason(words, story.reason.code, story.reason.params, zone)),
        (words(N_("Prioritet")), words(LEVELS[story.priority]) if story.priority in LEVELS else str(story.priority)),
        (words(N_("Regel")), rule_words.rule_name(words, story.rule)),
        (words(N_("Nasjonal kode")), story.vkp_code),
    ]
    if story.plan is not None:
        at = moments.day_clock(words, story.plan.at_ms, zone)
        by = story.plan.by or words(N_("systemet"))
        rows.append((words(N_("Plan")), words(VERSION, {"n": story.plan.version, "at": at, "by": by})))
    if story.marks:
        rows.append((words(N_("Merket")), "; ".join(beside.marks(words, story.marks))))
    return tuple(rows)


def _reason(words: Words, code: str, params: Mapping[str, object], zone: ZoneInfo) -> str:
    return sentences.reason(words, code, when.spoken(params, zone))


def _what(words: Words, one: Said) -> str:
    return story_words.event(words, one.kind, one.data)


def _event(words: Words, story: Story, one: Said, zone: ZoneInfo) -> EventView:
    at = story_short.clock(words, one.occurred_to_ms, story, zone)
    if one.uncertain:
        at = f"{story_short.clock(words, one.occurred_from_ms, story, zone)}–{at}"
    roles = [story_words.known(words, story_words.ROLES, role) for role in one.roles]
    if one.twin_of:
        roles.append(words(N_("samme melding som gjennom en annen mottaker")))
    return EventView(
        what=_what(words, one),
        role=", ".join(roles),
        device=", ".join(part for part in (one.device_name or one.device, one.spot) if part),
        at=at,
        received=story_short.clock(words, one.received_ms, story, zone),
        late=story_words.span(words, one.late_ms),
        gateway=one.gateway,
        name=f"{one.stream[:8]}/{one.seq}",
        said=", ".join(f"{name}: {value}" for name, value in one.data.items() if value is not None),
    )


def _sounding(words: Words, story: Story, one: Sounding, zone: ZoneInfo) -> SoundingView:
    grave = one.verdict in story_words.GRAVE
    reaches = tuple(_reach(words, story, one, reach) for reach in one.reaches)
    return SoundingView(story_short.rang(words, story, one, zone), story_short.verdict(words, one), grave, reaches)


def _reach(words: Words, story: Story, rang: Sounding, one: Reach) -> ReachView:
    def after(ms: int | None) -> str:
        return "" if ms is None else story_words.span(words, ms - rang.occurred_to_ms)

    end = story_words.known(words, story_words.NOTICES, one.state)
    last_ms = one.failed_ms if one.failed_ms is not None else one.taken_ms
    if one.reason:
        end = f"{end}: {story_words.known(words, story_words.FAILURES, one.reason)}"
    if last_ms is not None:
        end = f"{end}, {after(last_ms)}"
    return ReachView(
        tablet=one.tablet or f"#{one.tablet_id}",
        ward=one.ward if one.ward_id != story.ward_id else "",
        screen=words(story_words.SCREENS[one.screen]),
        code=one.screen,
        made=after(one.made_ms),
        sent=after(one.sent_ms),
        shown=after(one.shown_ms),
        sounded=after(one.sounded_ms),
        end=end,
    )


def _change(words: Words, story: Story, one: Change, zone: ZoneInfo) -> ChangeView:
    what = story_words.change(words, one.cause, one.detail.get("why"))
    more = []
    if one.reason is not None:
        more.append(_reason(words, one.reason.code, one.reason.params, zone))
    if one.passed is not None:
        more += story_going.told(words, one.passed)
    if one.had is not None:
        more.append(words(story_words.HAD, {"name": one.had.name}))
    if one.by is not None and one.detail.get("promised_min") and one.cause in SAYS_WHEN:
        more.append(words(story_words.PROMISED, {"n": one.detail["promised_min"]}))
    if one.answers.get("cause"):
        more.append(story_short.answers(words, one))
    if one.answers.get("note"):
        more.append(f"«{one.answers['note']}»")
    goes_on = one.passed is not None
    if one.from_state is not None and one.from_state != one.to_state and one.automatic and not goes_on:
        more.append(f"{story_words.state(words, one.from_state)} → {story_words.state(words, one.to_state)}")
    return ChangeView(
        at=story_short.clock(words, one.at_ms, story, zone),
        after=_since(words, one.at_ms, story),
        who=one.by.name if one.by is not None else words(story_words.SYSTEM),
        what=what,
        tablet=one.tablet.name if one.tablet is not None else "",
        more=tuple(more),
    )
