"""Plays the small stories of the rules' pages: what the real rule says of a few facts, and when it looked.

Owns how a story is written (local times, a sensor's name, a word) and how it is played. Must not know what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from zoneinfo import ZoneInfo

from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import words
from nattevakt.central.tablet.when import spoken
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Chair,
    Contact,
    Fall,
    FallOver,
    Health,
    Leak,
    Motion,
    Presence,
    Wet,
)
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.replay import Said, replay
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Entry,
    Fact,
    Finding,
    JsonState,
    Occurred,
    Raise,
    RestsOn,
    Rule,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import DAY_MINUTES, NORWAY, Window, next_at_ms

EVENING_MS = 1_768_474_800_000
"""Noon of Thursday 15 January 2026 in Oslo: every story begins in the 24 hours after it."""
MINUTE_MS = 60_000
WORDS: Mapping[str, tuple[type[Body], Mapping[str, Mapping[str, object]]]] = {
    "seng": (Bed, {"i": {"occupied": True}, "tom": {"occupied": False}}),
    "dør": (Contact, {"åpen": {"open": True}, "lukket": {"open": False}}),
    "bad": (Motion, {"bevegelse": {}}),
    "stue": (Motion, {"bevegelse": {}}),
    "soverom": (Motion, {"bevegelse": {}}),
    "rom": (Presence, {"noen": {"present": True}, "ingen": {"present": False}}),
    "stol": (Chair, {"sitter": {"seated": True}, "reist": {"seated": False}}),
    "fukt": (Wet, {"våt": {"wet": True}, "tørr": {"wet": False}}),
    "snor": (Call, {"trykk": {"control": "press"}}),
    "gulv": (Fall, {"fall": {}}),
    "vann": (Leak, {"vann": {}}),
    "matte": (
        Health,
        {
            "9_%": {"battery_percent": 9.0},
            "80_%": {"battery_percent": 80.0},
            "lavt_batteri": {"battery_low": True},
            "nytt_batteri": {"battery_low": False, "battery_percent": 100.0},
            "åpnet": {"tamper": True},
            "lukket": {"tamper": False},
        },
    ),
}
"""Sensor → what its word is an event of. The first word of a sensor with two is the one that lasts."""
OVER = ("gulv", "oppe")
SPOTS: Mapping[str, str] = {"dør": "inngangsdør", "snor": "bad", "gulv": "bad", "vann": "bad", "matte": "seng"}
"""Sensor → where it hangs, if that is not its name."""


HOW: Mapping[str, str] = {
    "raise": "ringer",
    "check": "sjekk",
    "again": "ringer igjen",
    "clear": "avklart av seg selv",
    "well": "forklart, ingenting ringte",
    "finding": "funn for dagen, ringer ingen",
    "log": "bare i loggen",
}
"""What a verdict does, as the drawings say it."""


@dataclass(frozen=True, slots=True)
class Story:
    """A few facts and what a plan says of them.

    name: of the drawing. told: one fact a line: local time, sensor, word; or two times, sensor, "flimrer" and how
    often. A time is the next such one. says: how each verdict is said (Told.how), "" where the rule has nothing to say.
    window: "22:00-07:00", "" where the rule has none. looks: when a person looks in.
    """

    name: str
    rule: str
    title: str
    from_at: str
    to_at: str
    told: str
    says: str
    window: str = ""
    looks: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing said. how: a key of HOW. text: as staff read it."""

    at_ms: int
    how: str
    kind: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Played:
    """A story that has been played. due: moments (ms) at which the rule looked; dropped: those it no longer wanted."""

    story: Story
    rule: Rule
    from_ms: int
    to_ms: int
    windows: tuple[Window, ...]
    facts: tuple[tuple[str, str, Fact], ...]
    told: tuple[Told, ...]
    due: tuple[int, ...]
    dropped: tuple[int, ...]
    look_ms: int | None


def minute(text: str) -> int:
    """Minutes since midnight of "23:05"."""
    hours, minutes = text.split(":")[:2]
    return int(hours) * 60 + int(minutes)


def moment(text: str, after_ms: int) -> int:
    """The next such local time (ms); seconds may follow. The minute that `after_ms` lies in counts as next."""
    seconds = int(text.split(":")[2]) if text.count(":") == 2 else 0
    return next_at_ms(minute(text), after_ms - MINUTE_MS) + seconds * 1000


def play(story: Story) -> Played:
    """What the rule makes of the story."""
    rule = BY_NAME[story.rule]
    from_ms = moment(story.from_at, EVENING_MS)
    facts = tuple(_facts(story, from_ms))
    to_ms = moment(story.to_at, max((fact.occurred.to_ms for _, _, fact in facts), default=from_ms))
    windows = tuple(Window(*(minute(end) % DAY_MINUTES for end in part.split("-"))) for part in story.window.split())
    values = {setting.name: setting.default for setting in rule.settings}
    devices = {sensor: SPOTS.get(sensor, sensor) for sensor, _, _ in facts}
    armed = Armed((Entry(windows, values),), NORWAY, devices)
    look_ms = moment(story.looks, from_ms) if story.looks else None
    watched = _Watched(rule)
    noted = replace(rule, step=watched.step)

    def answered(rests_on: RestsOn, at_ms: int) -> bool:
        return look_ms is not None and rests_on.since_ms <= look_ms <= at_ms

    said = replay(noted, (fact for _, _, fact in facts), armed, to_ms, from_ms=from_ms, answered=answered)
    # Logged and cleared in one breath is one thing to read.
    told = tuple(next(same) for _, same in groupby(_told(said), key=lambda one: (one.at_ms, one.code)))
    due = tuple(sorted({at_ms for at_ms in watched.due if from_ms < at_ms < to_ms}))
    dropped = tuple(sorted({at_ms for at_ms in watched.dropped if from_ms < at_ms < to_ms}))
    return Played(story, rule, from_ms, to_ms, windows, facts, told, due, dropped, look_ms)


def _facts(story: Story, from_ms: int) -> Iterator[tuple[str, str, Fact]]:
    """Each fact with its sensor and its word."""
    at_ms, number = from_ms, 0
    for line in story.told.strip().splitlines():
        at, *parts = line.split()
        at_ms = moment(at, at_ms)
        if parts[2:3] == ["flimrer"]:
            until_ms, sensor, times = moment(parts[0], at_ms), parts[1], 2 * int(parts[3])
            on, off = tuple(WORDS[sensor][1])
            every = [(at_ms + (until_ms - at_ms) * i // times, off if i % 2 == 0 else on) for i in range(times)]
            at_ms = until_ms
        else:
            sensor, every = parts[0], [(at_ms, parts[1])]
        for when_ms, word in every:
            number += 1
            body = _body(sensor, word)
            yield sensor, word, Fact(body, Occurred(when_ms, when_ms), when_ms, SPOTS.get(sensor, sensor), (1, number))


def _body(sensor: str, word: str) -> Body:
    if (sensor, word) == OVER:
        return FallOver(sensor)
    kind, said = WORDS[sensor]
    return kind(sensor, **said[word])  # type: ignore[call-arg]  # as the table says


class _Watched:
    """A rule's step that notes the deadlines it asks for."""

    def __init__(self, rule: Rule) -> None:
        self._step = rule.step
        self._wake_ms: int | None = None
        self.due: list[int] = []
        self.dropped: list[int] = []

    def step(self, state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        """The rule's own."""
        if isinstance(fact, Wake):
            self.due.append(fact.at_ms)
        made = self._step(state, fact, armed, now_ms)
        if made is not None:
            if isinstance(fact, Fact) and self._wake_ms not in (None, made.wake_at_ms):
                self.dropped.append(self._wake_ms or 0)
            self._wake_ms = made.wake_at_ms
        elif isinstance(fact, Wake):
            self._wake_ms = None
        return made


def _told(said: Iterator[Said]) -> Iterator[Told]:
    """Each verdict as it is drawn. What clears an alarm that never rang says that all is well."""
    rung, zone = False, ZoneInfo(NORWAY)
    for one in said:
        verdict = one.verdict
        reason = verdict.reason
        kind = ""
        if isinstance(verdict, Raise):
            rung, kind = True, verdict.kind
            how = "again" if verdict.again else "check" if verdict.kind in SOFT else "raise"
        elif isinstance(verdict, Clear):
            how, rung = "clear" if rung else "well", False
        else:
            how = "finding" if isinstance(verdict, Finding) else "log"
        params = spoken({"device": one.subject, **reason.params}, zone)
        yield Told(one.at_ms, how, kind, reason.code, sentences.reason(words("nb"), reason.code, params))


SOFT = frozenset({"bed_check", "in_bed_late"})
"""Kinds that ask for a look: a *sjekk*."""
