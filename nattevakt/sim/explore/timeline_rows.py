"""Which rows a night has, and what stands in each. Serves timeline.

Pure. Owns the choice: the installation first, then everybody who lives there by gateway, then who works. What truly
happened stands above what sensors did wrong, and that above what rang. Must not know HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import ENDED, State
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.explore import timeline_words as say
from nattevakt.sim.explore.playing import SAYS
from nattevakt.sim.explore.recording import Move, Night, Note, Span
from nattevakt.sim.explore.staffing import LAPSES
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.explore.timeline_svg import Band, Item, Part, Row
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Resident
from nattevakt.sim.watch import Seen

MARKS = {1: "!!! ", 2: "!! ", 3: "! "}
SLACK_MS = 5_000
AGAIN_MS = 10 * 60_000
"""The same within so long stands beside one mark."""
LETTERS = 58
"""The longest label of something that went wrong."""
RUN, RUN_MS = 3, 20 * 60_000
"""So many of one kind, each within so long after the last, stand in one line."""
SHORT_MS = 2_000
"""What is away for less is no line in a band, but where it is the box itself."""
FORMS = {
    Act.PRESSES: "press",
    Act.FALLS: "fall",
    Act.FALLS_PERHAPS: "fall",
    Act.FLOODS: "water",
    Act.WETS: "water",
}
LASTING = {Act.OPENS: (Act.CLOSES, "door"), Act.SITS: (Act.RISES, "chair"), Act.ENTERS: (Act.LEAVES, "chair")}
"""What lasts until something else, and how it is drawn."""
TABLETS = {"off": "away", "mute": "poor", "nobody": "idle"}
_CRIES = {Act.PRESSES: "call", Act.FALLS: "fall", Act.FALLS_PERHAPS: "fall", Act.FLOODS: "leak"}
_QUIET = (Act.IN_BED, Act.OUT_OF_BED, Act.MOVES, Act.CLOSES, Act.RISES, Act.LEAVES)


@dataclass(frozen=True, slots=True)
class Course:
    """An alarm with all that is known of it. number: its place on the page."""

    number: int
    seen: Seen
    moves: tuple[Move, ...]
    notes: tuple[Note, ...]
    ends_ms: int

    @property
    def link(self) -> str:
        """Where the page tells of it."""
        return f"a{self.number}"

    def first(self, *states: State) -> Move | None:
        """When it first came into one of these states by somebody's hand."""
        return next((m for m in self.moves if m.to_state in states and m.worker and m.from_state != m.to_state), None)

    @property
    def steps(self) -> tuple[Move | None, Move | None]:
        """When somebody took it, and when somebody was there."""
        return self.first(State.TAKEN), self.first(State.ON_SITE)

    def noted(self, what: str) -> Note | None:
        """When it was first shown or sounded."""
        return next((note for note in self.notes if note.what == what), None)


def courses(night: Night) -> list[Course]:
    """Every alarm in the order in which they rang. Numbers of alarms may be given anew after a restore."""
    found = []
    for number, seen in enumerate(sorted(night.alarms, key=lambda one: (one.at_ms, one.alarm_id)), 1):
        ends_ms = seen.ended_ms if seen.ended_ms is not None else night.ends_ms
        low, high = seen.at_ms - SLACK_MS, ends_ms + 1_000
        moves = tuple(m for m in night.moves if m.alarm_id == seen.alarm_id and low <= m.at_ms <= high)
        notes = tuple(n for n in night.notes if n.alarm_id == seen.alarm_id and low <= n.at_ms <= high)
        found.append(Course(number, seen, moves, notes, ends_ms))
    return found


def sections(night: Night) -> list[tuple[str, list[Row]]]:
    """All rows under their headings."""
    known = courses(night)
    owners = {course.number: say.whose(night, course.seen) for course in known}
    keys = {gateway.key for gateway in night.ward.gateways}
    centre = [c for c in known if owners[c.number] is None and c.seen.about not in keys]
    found = [("Installasjonen", [_centre(night, centre)])]
    for gateway in night.ward.gateways:
        found[0][1].append(_gateway(night, gateway.key, [c for c in known if c.seen.about == gateway.key]))
    for gateway in night.ward.gateways:
        rows = []
        for room in dict.fromkeys(resident.room for resident in night.ward.residents):
            homes = [resident for resident in night.ward.residents if resident.room == room]
            if _gateway_of(homes[0]) == gateway.key:
                rows.append(_home(night, homes, [c for c in known if owners[c.number] in homes]))
        if rows:
            found.append((f"Beboere som høres av {gateway.name}", rows))
    found.append(("Nattevaktene", [_worker(night, one.worker, known) for one in night.story.staff]))
    return found


def _gateway_of(resident: Resident) -> str:
    named = [sensor.gateway for sensor in resident.sensors]
    return max(sorted(set(named)), key=named.count) if named else ""


# --- the installation ------------------------------------------------------------------------------------------------


def _centre(night: Night, known: Sequence[Course]) -> Row:
    row = Row("Sentralen", key="centre")
    row.groups.append([_mishap(night, m) for m in night.story.mishaps if not m.about])
    row.groups += _bands(night, "", (("centre", "går"), ("disk", "database")), always=1)
    row.groups.append(_alarms(night, known))
    return row


def _gateway(night: Night, key: str, known: Sequence[Course]) -> Row:
    row = Row(say.about(night, key), key, key=key, names=(key,))
    row.groups.append([_mishap(night, m) for m in night.story.mishaps if m.about == key])
    names = (("box", "strøm, program"), ("line", "linje"), ("radio", "radio"), ("broker", "megler"))
    row.groups += _bands(night, key, (*names, ("disk", "kort"), ("clock", "klokke")), always=2)
    row.groups.append(_alarms(night, known))
    return row


def _bands(night: Night, about: str, names: Iterable[tuple[str, str]], always: int) -> Iterator[Band]:
    """A band for each part that is away at times; the first ones always."""
    for number, (what, caption) in enumerate(names):
        spans = [s for s in night.spans if s.about == about and s.what == what and _worth(s)]
        parts = [Part(s.from_ms, s.to_ms, "away", high=11) for s in spans]
        if what == "line":
            slow = (s for s in night.spans if s.about == about and s.what == "slow")
            parts += [Part(s.from_ms, s.to_ms, "poor", high=7) for s in slow]
        if number < always or parts:
            yield Band(tuple(parts), caption, "fine-line")


def _worth(span: Span) -> bool:
    return span.what in ("box", "centre") or span.to_ms - span.from_ms >= SHORT_MS


def _mishap(night: Night, one: Mishap, label: str = "") -> Item:
    says = say.mishap(night, one)
    length = f", i {say.lasted(one.at_ms, one.ends_ms)}" if one.for_ms else ""
    tip = f"{say.at(one.at_ms)} {says}{length}"
    if one.for_ms:
        parts = (Part(one.at_ms, one.ends_ms, "fault"),)
    else:
        parts = (Part(one.at_ms, one.at_ms, "faultmark", "strike"),)
    return Item(parts, shortened(label or SAYS.get(one.what, one.what)), tip, link=_link(night, one), style="m")


def shortened(label: str) -> str:
    """What fits beside a bar anywhere; pointing at it and the list say all of it."""
    if len(label) <= LETTERS:
        return label
    return label[:LETTERS].rpartition(" ")[0].rstrip(":,") + " …"


def _link(night: Night, one: Mishap) -> str:
    return f"m{night.story.mishaps.index(one) + 1}"


# --- alarms ----------------------------------------------------------------------------------------------------------


def _alarms(night: Night, known: Sequence[Course]) -> list[Item]:
    """One after another; what rings again and again stands in one line, and says how often."""
    runs: list[list[Course]] = []
    for course in known:
        last = next((run for run in reversed(runs) if run[0].seen.kind == course.seen.kind), None)
        if last is not None and 0 <= course.seen.at_ms - last[-1].ends_ms <= RUN_MS:
            last.append(course)
        else:
            runs.append([course])
    found = []
    for run in runs:
        items = [_alarm(night, course) for course in run]
        if len(run) < RUN:
            found += items
            continue
        parts = tuple(part for item in items for part in item.parts if not part.fine)
        label = f"{MARKS.get(run[0].seen.priority, '')}{say.kind(run[0].seen.kind)} ×{len(run)}"
        tip = f"{label}, {say.at(run[0].seen.at_ms)} til {say.at(run[-1].ends_ms)}. Den første: {items[0].says}"
        found.append(Item(parts, label, tip, items[0].link, "a"))
    return found


def _alarm(night: Night, course: Course) -> Item:
    """From when it rang until somebody had it in its colour; after that thin while somebody is on the way, and broad
    again, but calm, while they are there."""
    seen = course.seen
    taken, there = course.steps
    until_ms = taken.at_ms if taken is not None else course.ends_ms
    parts = [Part(seen.at_ms, until_ms, f"p{seen.priority}")]
    if taken is not None:
        arrives_ms = there.at_ms if there is not None else course.ends_ms
        parts.append(Part(taken.at_ms, arrives_ms, "taken", high=5))
        if there is not None:
            parts.append(Part(there.at_ms, course.ends_ms, "there", high=10))
    parts += _fine(night, course)
    who = f" · {say.first(night, taken.worker)}" if taken is not None else ""
    left = "" if seen.ended_ms is not None else " · fortsatt åpen"
    label = f"{MARKS.get(seen.priority, '')}{say.kind(seen.kind)}{who}{left}"
    return Item(tuple(parts), label, said(night, course), course.link, style="a")


def _fine(night: Night, course: Course) -> Iterator[Part]:
    """What is seen from near: when it stood on a tablet and when it was heard, and who else had a hand in it."""
    for what, up in (("shown", -6), ("sounded", 6)):
        for note in (n for n in course.notes if n.what == what):
            yield Part(note.at_ms, note.at_ms, "ink", what, fine=True, up=up)
    taken = course.steps[0]
    for move in course.moves:
        if taken is not None and move.worker not in ("", taken.worker) and move.from_state != move.to_state:
            found = say.worker(night, move.worker)
            yield Part(move.at_ms, move.at_ms, "initials", text=found.initials if found else "?", fine=True)


def said(night: Night, course: Course) -> str:
    """An alarm in one sentence."""
    seen = course.seen
    words = [f"{say.at(seen.at_ms)} {say.kind(seen.kind)}: {say.where(night, seen)}. {say.why(seen)}"]
    for what, word in (("shown", "vist på nettbrettet til"), ("sounded", "hørt hos")):
        note = course.noted(what)
        if note is not None:
            words.append(f"{word} {say.first(night, note.worker)} {say.at(note.at_ms)}")
    for move in course.moves:
        if move.worker and move.from_state != move.to_state:
            done = say.DONE.get(move.to_state, move.to_state)
            words.append(f"{say.first(night, move.worker)} {done} {say.at(move.at_ms)}")
    closing = say.ended(seen)
    if seen.ended_ms is not None:
        closing += f" {say.at(seen.ended_ms)}, etter {say.lasted(seen.at_ms, seen.ended_ms)}"
    return "; ".join([*words, closing]) + "."


# --- who lives there -------------------------------------------------------------------------------------------------


def _home(night: Night, residents: Sequence[Resident], known: Sequence[Course]) -> Row:
    """Everybody in one room stand together: what rings there may be about either."""
    sensors = {sensor.address: sensor for resident in residents for sensor in resident.sensors}
    names = " og ".join(resident.first_name for resident in residents)
    has = ", ".join(dict.fromkeys(say.SHORT[sensor.use] for sensor in sensors.values()))
    row = Row(f"{residents[0].room} {names}", has, key=residents[0].key)
    row.names = (*sensors, f"på {residents[0].room}", f"rom {residents[0].room}")
    for resident in residents:
        lives = [one for one in night.lives if one.resident == resident.key]
        name = f"{resident.first_name}: " if len(residents) > 1 else ""
        row.groups.append([*_happenings(night, resident, lives, name), *_made_up(night, resident, name)])
        if resident.sensor(Use.BED) is not None or resident.sensor(Use.MOTION) is not None:
            row.groups.append(Band((*_bed(lives, night.ends_ms), *_steps(lives))))
    faults = [m for m in night.story.mishaps if m.about in sensors]
    row.groups.append([_mishap(night, m, _device_says(m, sensors[m.about].use)) for m in faults])
    row.groups.append(_alarms(night, known))
    return row


def _device_says(one: Mishap, use: Use) -> str:
    return f"{say.DEVICES[use]}: {SAYS.get(one.what, one.what)}"


def _bed(lives: Sequence[Happening], ends_ms: int) -> Iterator[Part]:
    since_ms: int | None = None
    for one in lives:
        if one.act is Act.IN_BED and since_ms is None:
            since_ms = one.at_ms
        elif one.act is Act.OUT_OF_BED and since_ms is not None:
            yield Part(since_ms, one.at_ms, "bed", high=11)
            since_ms = None
    if since_ms is not None:
        yield Part(since_ms, ends_ms, "bed", high=11)


def _steps(lives: Sequence[Happening]) -> Iterator[Part]:
    return (Part(one.at_ms, one.at_ms, "step", "walk") for one in lives if one.act is Act.MOVES)


def _happenings(night: Night, resident: Resident, lives: Sequence[Happening], name: str) -> Iterator[Item]:
    """What truly happened, the same soon after beside the same mark."""
    groups: list[list[Happening]] = []
    for one in lives:
        if one.act in _QUIET:
            continue
        last = next((g for g in reversed(groups) if g[0].act is one.act and g[0].spot == one.spot), None)
        if one.act not in LASTING and last is not None and one.at_ms - last[-1].at_ms <= AGAIN_MS:
            last.append(one)
        else:
            groups.append([one])
    for group in groups:
        act, unheard = group[0].act, sum(_unheard(night, resident, one) for one in group)
        many = f" ×{len(group)}" if len(group) > 1 else ""
        deaf = " (ingen hørte)" if unheard else ""
        tip = "; ".join(f"{say.at(one.at_ms)} {say.does(night, one.resident, one.act)}" for one in group) + deaf
        if act in LASTING:
            over, style = LASTING[act]
            ends_ms = next((o.at_ms for o in lives if o.act is over and o.at_ms > group[0].at_ms), night.ends_ms)
            parts: tuple[Part, ...] = (Part(group[0].at_ms, ends_ms, style, high=10),)
            tip += f", i {say.lasted(group[0].at_ms, ends_ms)}"
        else:
            styles = ["deaf" if _unheard(night, resident, one) else "true" for one in group]
            form = FORMS.get(act, "other")
            parts = tuple(Part(o.at_ms, o.at_ms, style, form) for o, style in zip(group, styles, strict=True))
        yield Item(parts, f"{name}{say.HAPPENS[act]}{many}{deaf}", tip)


def _unheard(night: Night, resident: Resident, one: Happening) -> bool:
    """Whether the sensor said it and nobody was there to hear it."""
    mine, said = {sensor.address for sensor in resident.sensors}, (_CRIES.get(one.act), one.at_ms)
    mute = (cry for cry in night.cries if not cry.heard and not cry.made_up)
    return any(cry.address in mine and (cry.kind, cry.at_ms) == said for cry in mute)


def _made_up(night: Night, resident: Resident, name: str) -> Iterator[Item]:
    mine = {sensor.address: sensor for sensor in resident.sensors}
    for cry in night.cries:
        if cry.made_up and cry.address in mine:
            device = say.DEVICES[mine[cry.address].use]
            label = f"{name}{device} melder {'et trykk' if cry.kind == 'call' else 'et fall'} uten grunn"
            yield Item((Part(cry.at_ms, cry.at_ms, "lie", "false"),), label, f"{say.at(cry.at_ms)} {label}")


# --- who works -------------------------------------------------------------------------------------------------------


def _worker(night: Night, key: str, known: Sequence[Course]) -> Row:
    found = say.worker(night, key)
    row = Row(say.first(night, key), found.initials if found is not None else "", key=key)
    row.groups.append([_mishap(night, m) for m in night.story.mishaps if m.about == key and m.what in LAPSES])
    spans = [s for s in night.spans if s.about == key and s.to_ms - s.from_ms >= SHORT_MS]
    parts = [Part(s.from_ms, s.to_ms, TABLETS[s.what], high=11 if s.what == "off" else 7) for s in spans]
    rounds = [Part(n.at_ms, n.at_ms, "step", "walk") for n in night.notes if n.worker == key and n.what == "round"]
    row.groups.append(Band((*parts, *rounds), "nettbrett", "fine-line"))
    row.groups.append([_held(night, key, course) for course in known if _mine(key, course)])
    return row


def _mine(key: str, course: Course) -> bool:
    return any(move.worker == key and move.from_state != move.to_state for move in course.moves)


def _held(night: Night, key: str, course: Course) -> Item:
    """What a worker does about one alarm."""
    mine = [move for move in course.moves if move.worker == key and move.from_state != move.to_state]
    there = next((move for move in mine if move.to_state == State.ON_SITE), None)
    after = (m.at_ms for m in course.moves if m.at_ms > mine[-1].at_ms and m.from_state != m.to_state)
    ends_ms = mine[-1].at_ms if mine[-1].to_state in ENDED else next(after, course.ends_ms)
    parts = [Part(mine[0].at_ms, there.at_ms if there is not None else ends_ms, "taken", high=5)]
    if there is not None:
        parts.append(Part(there.at_ms, ends_ms, "there", high=10))
    resident = say.whose(night, course.seen)
    where = resident.room if resident is not None else say.where(night, course.seen)
    name = say.kind(course.seen.kind)
    acts = ", ".join(f"{say.at(move.at_ms)} {say.DONE.get(move.to_state, move.to_state)}" for move in mine)
    return Item(tuple(parts), f"{where} {name}", f"{name} {where}: {acts}", course.link, style="a")


def technical(seen: Seen) -> bool:
    """Whether an alarm is about the installation."""
    return seen.kind in KINDS and KINDS[seen.kind].technical
