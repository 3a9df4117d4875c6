"""An alarm's story in a few sentences, and what of it must not be passed over. Serves arrow 9.

Owns which sentences are said. Must not know HTTP, HTML, or what may be concluded from what is stored (alarms/story.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from nattevakt.central.admin import story_going, story_words
from nattevakt.central.alarms.lifecycle import HELD
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_parts import Change, Said
from nattevakt.central.alarms.story_times import Chapter, Moment, Sounding
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.rule import LATE_MS

HAPPENED = N_("{what} kl. {at}.")
HAPPENED_LATE = N_("{what} kl. {at}. Sentralen fikk vite det {span} senere.")
HAPPENED_BETWEEN = N_("{what} mellom kl. {start} og {at}, tid usikker.")
DEADLINE = N_("{what}: fristen gikk ut kl. {at}.")
FIRST_SHOWN = N_("Først vist etter {span}.")
TAKEN, TAKEN_SOME = N_("{name} tok den etter {span}."), N_("Tatt etter {span}.")
LAST_TAKEN = N_("Sist tatt av {name}, etter {span}.")
NOT_TAKEN, NEVER_TAKEN = N_("Ingen har tatt den ennå."), N_("Ingen tok den.")
ON_SITE, NOT_ON_SITE = N_("Hos bruker etter {span}."), N_("Ingen har meldt seg hos bruker ennå.")
NEVER_ON_SITE = N_("Ingen meldte seg hos bruker.")
TAKEN_LEFT_OFF = N_("Om noen tok den, står ikke her: historien er for lang.")
SITE_LEFT_OFF = N_("Om noen meldte seg hos bruker, står ikke her: historien er for lang.")
CLOSED, CLEARED = N_("Avsluttet etter {span}: {answers}."), N_("Avklart av seg selv etter {span}.")
AGAIN = N_("Ringte på nytt fordi ingen hadde meldt seg hos bruker innen fristen. Antall ganger: {n}.")
REOPENED = N_("Gjenåpnet kl. {at}.")
RANG, RANG_N = N_("Ringte kl. {at}"), N_("Ringte for {n}. gang kl. {at}")


def summary(words: Words, story: Story, zone: ZoneInfo) -> tuple[str, ...]:
    """What happened, from the event to the end; of one that was reopened how it then went on."""
    if not story.chapters:
        return ()
    first, last = _moments(story.chapters[0]), _moments(story.chapters[-1])
    said = [_happened(words, story, first, zone)]
    if story.soundings:
        said.append(verdict(words, story.soundings[0]))
    if (shown := first["shown"].after_event_ms) is not None:
        said.append(words(FIRST_SHOWN, {"span": story_words.span(words, shown)}))
    if len(story.chapters) > 1 and (at_ms := last["reopened"].at_ms) is not None:
        said.append(words(REOPENED, {"at": clock(words, at_ms, story, zone)}))
    course = [*story_going.course(words, story), *_taken(words, story, last["taken"])]
    said += [sentence for _, sentence in sorted(course, key=lambda one: one[0])]
    if again := sum(one.detail.get("why") == "overdue" for one in story.changes):
        said.append(words(AGAIN, {"n": again}))
    cleared = "cleared" in last
    if not cleared:
        said.append(_on_site(words, last["on_site"]))
    end = last["cleared" if cleared else "closed"]
    if end.after_event_ms is not None:
        after = {"span": story_words.span(words, end.after_event_ms), "answers": _closing(words, story.changes)}
        said.append(words(CLEARED if cleared else CLOSED, after))
    return tuple(said)


def _happened(words: Words, story: Story, first: Mapping[str, Moment], zone: ZoneInfo) -> str:
    raised = next((one for one in story.events if "raise" in one.roles), None)
    deadline = first.get("deadline")
    begin = deadline or first["event"]
    what = sentences.kind(words, story.kind) if deadline or raised is None else _what(words, raised)
    at = clock(words, begin.at_ms or story.occurred_to_ms, story, zone)
    if deadline is not None:
        return words(DEADLINE, {"what": what, "at": at})
    if begin.from_ms is not None:
        return words(HAPPENED_BETWEEN, {"what": what, "at": at, "start": clock(words, begin.from_ms, story, zone)})
    late_ms = first["received"].after_event_ms or 0
    values = {"what": what, "at": at, "span": story_words.span(words, late_ms)}
    return words(HAPPENED_LATE if late_ms > LATE_MS else HAPPENED, values)


def _taken(words: Words, story: Story, taken: Moment) -> list[tuple[int, str]]:
    """Who took it first, and who had it last where that was somebody else; each with its moment."""
    if taken.at_ms is None:
        said = words({"not_yet": NOT_TAKEN, "never": NEVER_TAKEN}.get(taken.told, TAKEN_LEFT_OFF))
        return [(story.now_ms, said)]
    took = [one for one in story.changes if one.to_state in HELD and one.from_state not in HELD]
    by = next((one.by for one in took if one.at_ms == taken.at_ms), None)
    span = story_words.span(words, taken.after_event_ms or 0)
    said = words(TAKEN, {"name": by.name, "span": span}) if by is not None else words(TAKEN_SOME, {"span": span})
    found = [(taken.at_ms, said)]
    last = took[-1] if took else None
    if last is not None and last.by is not None and by is not None and last.by.id != by.id:
        span = story_words.span(words, last.at_ms - story.occurred_to_ms)
        found.append((last.at_ms, words(LAST_TAKEN, {"name": last.by.name, "span": span})))
    return found


def _on_site(words: Words, one: Moment) -> str:
    if one.after_event_ms is None:
        return words({"not_yet": NOT_ON_SITE, "never": NEVER_ON_SITE}.get(one.told, SITE_LEFT_OFF))
    return words(ON_SITE, {"span": story_words.span(words, one.after_event_ms)})


def _closing(words: Words, changes: Sequence[Change]) -> str:
    last = next((one for one in reversed(changes) if one.answers.get("cause")), None)
    if last is None:
        return words(story_words.TOLD["unknown"])
    return answers(words, last)


def answers(words: Words, change: Change) -> str:
    """Why it rang and what was done, as whoever closed it said."""
    cause = story_words.known(words, sentences.CAUSES, change.answers.get("cause", ""))
    return f"{cause}; {story_words.known(words, sentences.ACTIONS, change.answers.get('action', ''))}"


def warnings(words: Words, story: Story, zone: ZoneInfo) -> tuple[str, ...]:
    """What must not be passed over; of several soundings it is said which."""
    found = []
    for one in story.soundings:
        if one.verdict in story_words.GRAVE:
            said = verdict(words, one)
            found.append(said if one.number == 1 else f"{rang(words, story, one, zone)}. {said}")
    clocks = [clock(words, one.at_ms, story, zone) for one in story.changes]
    return (*found, *story_going.warnings(words, story, clocks))


def rang(words: Words, story: Story, one: Sounding, zone: ZoneInfo) -> str:
    """Which time it rang, and when."""
    at = clock(words, one.at_ms, story, zone)
    return words(RANG if one.number == 1 else RANG_N, {"at": at, "n": one.number})


def verdict(words: Words, one: Sounding) -> str:
    """Whom it reached."""
    return words(story_words.VERDICTS[one.verdict], {"n": len(one.reaches), "shown": one.shown})


def clock(words: Words, ms: int, story: Story, zone: ZoneInfo) -> str:
    """A moment; with its day where that is not the alarm's."""
    return story_words.moment(words, ms, story.raised_ms, zone)


def _moments(chapter: Chapter) -> dict[str, Moment]:
    return {one.code: one for one in chapter.moments}


def _what(words: Words, one: Said) -> str:
    return story_words.event(words, one.kind, one.data)
