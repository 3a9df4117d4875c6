"""From a story that fails to the shortest one found that fails alike. Serves the explorer.

Pure: whether a story fails is asked of a callable, and no more often than allowed. Owns what is tried, in which order:
an earlier end, a later beginning, fewer mishaps, fewer residents, fewer happenings, shorter mishaps, plainer staff.
What makes a story cheap to play comes first, because every later question is asked by playing. Must not know how a
story is played. What is left out is left out for good; whoever reads the result reads only what matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from nattevakt.sim.acts import Act
from nattevakt.sim.explore.story import Manner, Story
from nattevakt.sim.explore.telling import cut_short
from nattevakt.sim.people import MINUTE_MS, Happening

T = TypeVar("T")
Fails = Callable[[Story], bool]
"""Whether a story still breaks what the first one broke."""
LEAST_MS = 30 * MINUTE_MS
"""No story is cut to less than this before its faults end."""
SHORTEST_MS = 1_000
WARMS_UP_MS = 25 * MINUTE_MS
"""So long before the first thing that goes wrong a story may begin: everything has been heard once by then."""


@dataclass(slots=True)
class _Tries:
    """Asks, counts, and says no once there have been enough."""

    fails: Fails
    left: int
    plays: int = 0

    def __call__(self, story: Story) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        self.plays += 1
        return self.fails(story)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The shortest story found. plays: how many stories were tried for it."""

    story: Story
    plays: int


def shrink(story: Story, fails: Fails, plays_most: int, broke_ms: int | None = None) -> Shrunk:
    """Find a shorter story that fails. story: one that does. broke_ms: when it was seen to, as a first guess at an
    earlier end. What comes back has failed when it was played, or is the story itself."""
    tries = _Tries(fails, plays_most)
    found = _later(_earlier(story, tries, broke_ms), tries, broke_ms)
    before = None
    while found != before and tries.left > 0:
        before = found
        found = _fewer_mishaps(found, tries)
        found = _fewer_homes(found, tries)
        found = _fewer_happenings(found, tries)
        found = _shorter(found, tries)
        found = _plainer(found, tries)
        found = _later(_earlier(found, tries, None), tries, None)
    return Shrunk(found, tries.plays)


def fewer(items: Sequence[T], holds: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Some of these for which it still holds: halves are left out, then quarters, down to one at a time."""
    kept, parts = tuple(items), 2
    if kept and holds(()):
        return ()
    while len(kept) >= 2:
        size = max(1, -(-len(kept) // parts))
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and holds(rest):
                kept, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), parts * 2)
    return kept


def _earlier(story: Story, tries: _Tries, broke_ms: int | None) -> Story:
    """End sooner: right after it broke, or after the last thing that goes wrong, or at half of what is left."""
    guesses = [broke_ms + MINUTE_MS] if broke_ms is not None else []
    lasts = [m.ends_ms for m in story.mishaps] + [h.at_ms for h in story.happenings]
    if lasts:
        guesses.append(max(lasts) + MINUTE_MS)
    guesses.append((story.begins_ms + story.faults_end_ms) // 2)
    for guess in sorted(set(guesses)):
        if story.begins_ms + LEAST_MS <= guess < story.faults_end_ms - MINUTE_MS:
            shorter = cut_short(story, guess)
            if tries(shorter):
                return shorter
    return story


def _later(story: Story, tries: _Tries, broke_ms: int | None) -> Story:
    """Begin later: shortly before the first thing that goes wrong, or some time before it broke."""
    guesses = [broke_ms - hours * 60 * MINUTE_MS for hours in (1, 3)] if broke_ms is not None else []
    if story.mishaps:
        guesses.append(min(m.at_ms for m in story.mishaps) - WARMS_UP_MS)
    if not story.mishaps and story.happenings:
        guesses.append(min(h.at_ms for h in story.happenings) - WARMS_UP_MS)
    for guess in sorted(set(guesses), reverse=True):
        if story.begins_ms + WARMS_UP_MS <= guess < story.faults_end_ms - LEAST_MS:
            later = begun_at(story, guess)
            if tries(later):
                return later
    return story


def begun_at(story: Story, begins_ms: int) -> Story:
    """The same story from this moment on: what was over is left out, and who lay in bed, or did not, does so."""
    lies: dict[str, Happening] = {}
    for happening in story.happenings:
        if happening.at_ms < begins_ms and happening.act in (Act.IN_BED, Act.OUT_OF_BED):
            lies[happening.resident] = replace(happening, at_ms=begins_ms + SHORTEST_MS)
    beds = tuple(lies[key] for key in sorted(lies))
    return replace(
        story,
        begins_ms=begins_ms,
        happenings=(*beds, *(h for h in story.happenings if h.at_ms >= begins_ms)),
        mishaps=tuple(m for m in story.mishaps if m.at_ms >= begins_ms),
    )


def _fewer_mishaps(story: Story, tries: _Tries) -> Story:
    return replace(story, mishaps=fewer(story.mishaps, lambda kept: tries(replace(story, mishaps=kept))))


def _fewer_homes(story: Story, tries: _Tries) -> Story:
    def without(kept: tuple[str, ...]) -> Story:
        return story.without(homes=frozenset(story.homes) - frozenset(kept))

    kept = fewer(story.homes, lambda kept: bool(kept) and tries(without(kept)))
    return without(kept) if kept != story.homes else story


def _fewer_happenings(story: Story, tries: _Tries) -> Story:
    return replace(story, happenings=fewer(story.happenings, lambda kept: tries(replace(story, happenings=kept))))


def _shorter(story: Story, tries: _Tries) -> Story:
    """Each mishap that lasts, for a tenth and for half of the time."""
    for number, mishap in enumerate(story.mishaps):
        for part in (10, 2):
            for_ms = mishap.for_ms // part
            if for_ms >= SHORTEST_MS:
                mishaps = (*story.mishaps[:number], replace(mishap, for_ms=for_ms), *story.mishaps[number + 1 :])
                shorter = replace(story, mishaps=mishaps)
                if tries(shorter):
                    story = shorter
                    break
    return story


def _plainer(story: Story, tries: _Tries) -> Story:
    """Staff who do everything right."""
    plain = tuple(Manner(m.worker, m.answers_s, m.walks_s, m.stays_s, chance=m.chance) for m in story.staff)
    if plain != story.staff and tries(replace(story, staff=plain)):
        return replace(story, staff=plain)
    return story
