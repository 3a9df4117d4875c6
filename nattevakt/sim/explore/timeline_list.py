"""Everything of a night as lines of text, in order: for who reads rather than looks. Serves timeline.

Pure. Owns which lines there are. Must not know HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nattevakt.sim.acts import Act
from nattevakt.sim.explore import timeline_words as say
from nattevakt.sim.explore.recording import Night
from nattevakt.sim.explore.timeline_rows import Course
from nattevakt.sim.people import Happening

WALKS_MS = 15 * 60_000
SHORT_MS = 2_000
SOON_MS = 5_000
SLIP_MS = 5_000
"""Nobody is out of bed for so short a time: the mat let go."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. sort: what it is about, in a word. style: "v" for a violation, "al" for an alarm, "mi" for a mishap.
    key: by which others lead to it; link: where it leads."""

    at_ms: int
    sort: str
    says: str
    style: str = ""
    key: str = ""
    link: str = ""


def lines(night: Night, known: Sequence[Course]) -> list[Line]:
    """All of them. What happens in one moment stands in the order of cause and effect."""
    found = [*_story(night), *_lives(night), *_mishaps(night), *_states(night), *_alarms(night, known)]
    found += [Line(at_ms, "system" if "starter" in says or "dør" in says else "nattevakt", says)
              for at_ms, says in say.told(night)]  # fmt: skip
    for number, broken in enumerate(night.violations, 1):
        found.append(Line(broken.at_ms, f"BRUDD {number}", say.plain(night, broken.says), "v", link=f"b{number}"))
    return sorted(found, key=lambda line: line.at_ms)


def _story(night: Night) -> Iterator[Line]:
    yield Line(night.story.begins_ms, "", "historien begynner")
    if night.story.faults_end_ms <= night.ends_ms:
        yield Line(night.story.faults_end_ms, "", "alle feil er over, nå skal det bli rolig")
    yield Line(night.ends_ms, "", "historien er over")


def _lives(night: Night) -> Iterator[Line]:
    """Steps stand together: of a walk only its beginning and its length are told."""
    walks: dict[str, list[Happening]] = {}
    slips: set[Happening] = set()
    for resident in night.ward.residents:
        bed = [h for h in night.lives if h.resident == resident.key and h.act in (Act.IN_BED, Act.OUT_OF_BED)]
        for out, back in pairwise(bed):
            if out.act is Act.OUT_OF_BED and back.act is Act.IN_BED and back.at_ms - out.at_ms <= SLIP_MS:
                slips |= {out, back}
                yield Line(out.at_ms, "sensor", f"senga slipper {say.home(resident)} et øyeblikk")
    for one in night.lives:
        walk = walks.get(one.resident)
        if one.act is not Act.MOVES:
            if walk:
                yield _walked(night, walks.pop(one.resident))
            if one not in slips:
                yield Line(one.at_ms, "beboer", say.does(night, one.resident, one.act))
        elif walk and one.at_ms - walk[-1].at_ms <= WALKS_MS:
            walk.append(one)
        else:
            if walk:
                yield _walked(night, walk)
            walks[one.resident] = [one]
    for walk in walks.values():
        yield _walked(night, walk)
    for cry in night.cries:
        if cry.made_up:
            yield Line(cry.at_ms, "sensor", f"{say.about(night, cry.address)} melder noe som ingen gjorde", "mi")
        elif not cry.heard:
            yield Line(cry.at_ms, "sensor", f"{say.about(night, cry.address)}: ingen hørte det", "mi")


def _walked(night: Night, walk: Sequence[Happening]) -> Line:
    many = f", sett {len(walk)} ganger til {say.at(walk[-1].at_ms)}" if len(walk) > 1 else ""
    return Line(walk[0].at_ms, "beboer", say.does(night, walk[0].resident, Act.MOVES) + many)


def _mishaps(night: Night) -> Iterator[Line]:
    for number, one in enumerate(night.story.mishaps, 1):
        length = f", i {say.lasted(one.at_ms, one.ends_ms)}" if one.for_ms else ""
        yield Line(one.at_ms, "uhell", say.mishap(night, one) + length, "mi", f"m{number}")
        if one.for_ms and one.ends_ms <= night.ends_ms:
            yield Line(one.ends_ms, "over", say.mishap(night, one))


def _states(night: Night) -> Iterator[Line]:
    for one in night.spans:
        if one.to_ms - one.from_ms >= SHORT_MS:
            yield Line(one.from_ms, "tilstand", f"{say.span(night, one)}, i {say.lasted(one.from_ms, one.to_ms)}")


def _tablets(night: Night, course: Course, name: str) -> Iterator[Line]:
    """Who saw and heard it; those who did at about the same time in one line."""
    for what, how in (("shown", "vises hos"), ("sounded", "høres hos")):
        notes = [note for note in course.notes if note.what == what]
        while notes:
            some = [note for note in notes if note.at_ms - notes[0].at_ms <= SOON_MS]
            notes = notes[len(some) :]
            who = list(dict.fromkeys(say.first(night, note.worker) for note in some))
            named = " og ".join((*([", ".join(who[:-1])] if who[1:] else []), who[-1]))
            yield Line(some[0].at_ms, "nettbrett", f"{name}: {how} {named}")


def _alarms(night: Night, known: Sequence[Course]) -> Iterator[Line]:
    for course in known:
        seen, name = course.seen, f"{say.kind(course.seen.kind)}, {say.where(night, course.seen)}"
        yield Line(seen.at_ms, "ALARM", f"{name}: {say.why(seen)}", "al", link=course.link)
        for ms in seen.soundings:
            yield Line(ms, "ringer igjen", name, "al", link=course.link)
        yield from _tablets(night, course, name)
        for move in course.moves:
            if move.worker and move.from_state != move.to_state:
                done = say.DONE.get(move.to_state, move.to_state)
                yield Line(move.at_ms, "nattevakt", f"{say.first(night, move.worker)} {done}: {name}")
        if seen.ended_ms is not None:
            yield Line(seen.ended_ms, "slutt", f"{name}: {say.ended(seen)}", link=course.link)
    for note in night.notes:
        if note.what == "round":
            yield Line(note.at_ms, "nattevakt", f"{say.first(night, note.worker)} ser til en beboer på runden")
