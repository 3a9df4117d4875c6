"""An alarm's story as a drawing: how long nobody had it, what the sensor said, what tablets showed. Serves arrow 9.

Owns the drawing, as SVG within the page; its colours are the page's own, by classes. Must not know rows or HTTP. What
is told by colour is told by form and in words too, and all of it stands in the tables below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from nattevakt.central.admin import story_words
from nattevakt.central.alarms.lifecycle import ENDED, HELD, State
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_parts import Sending
from nattevakt.central.alarms.story_times import Reach
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.when import clock, clock_seconds

TABLETS_MAX = 8
"""So many tablets have a lane; of more it is said how many."""
ALARM, SENSOR, STAFF = N_("Alarmen"), N_("Sensoren"), N_("Hvem gjorde noe")
ROADS = N_("Utenom nettbrettene")
MORE = N_("og {n} nettbrett til, se tabellen")
RINGS, HELD_BY, WITH = N_("ingen har den"), N_("tatt"), N_("hos bruker")
TITLE = N_("Tidslinje fra {start} til {end}. Alt i den står i tabellene under.")
LEGEND = (
    ("ring", N_("ingen har den")),
    ("held", N_("tatt")),
    ("site", N_("hos bruker")),
    ("dot", N_("vist på nettbrettet")),
    ("ringed", N_("vist, med lyd")),
    ("hollow", N_("ikke bekreftet")),
    ("cross", N_("ikke sendt")),
    ("out", N_("sendt utenom")),
)
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide it is, where its time begins and ends, whether labels stand beside the lanes or above them."""

    width: int
    left: int
    ticks: int
    beside: bool

    @property
    def lane(self) -> int:
        """How high a lane is."""
        return 34 if self.beside else 52


WIDE, NARROW = Shape(860, 150, 8, beside=True), Shape(350, 8, 4, beside=False)


def drawing(words: Words, story: Story, zone: ZoneInfo, shape: Shape) -> Markup:
    """The whole drawing."""
    return Markup("\n").join(_Drawing(words, story, zone, shape).parts())


class _Drawing:
    def __init__(self, words: Words, story: Story, zone: ZoneInfo, shape: Shape) -> None:
        self.words, self.story, self.zone, self.shape = words, story, zone, shape
        self.bands = list(_bands(story))
        times = [ms for one in story.events for ms in (one.occurred_from_ms, one.occurred_to_ms, one.received_ms)]
        times += [story.occurred_from_ms, story.raised_ms, self.bands[-1][1] if self.bands else story.raised_ms]
        times += [one.at_ms for one in story.changes] + [_sent_ms(one) for one in story.sendings]
        self.from_ms = min(times)
        self.to_ms = max(max(times), self.from_ms + 1_000)
        self.tablets = _tablets(story)
        self.lanes = 3 + bool(story.sendings) + min(len(self.tablets), TABLETS_MAX) + (len(self.tablets) > TABLETS_MAX)
        self.axis_y = 12 + shape.lane * self.lanes
        per_row = 6 if shape.beside else 2
        self.height = self.axis_y + 34 + 22 * -(-len(LEGEND) // per_row)

    def x(self, ms: int) -> float:
        """Where a moment lies."""
        share = (ms - self.from_ms) / (self.to_ms - self.from_ms)
        right = self.shape.width - 14
        return round(self.shape.left + 6 + (right - self.shape.left - 6) * min(max(share, 0.0), 1.0), 1)

    def parts(self) -> Iterator[Markup]:
        """From behind to the front."""
        ends = {"start": self.clock(self.from_ms), "end": self.clock(self.to_ms)}
        width, height = self.shape.width, self.height
        kind = "wide" if self.shape.beside else "narrow"
        yield Markup('<svg class="story-drawing {}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            kind, width, height, self.words(TITLE, ends)
        )
        yield from self.axis()
        lanes = [(self.words(ALARM), self.alarm), (self.words(SENSOR), self.sensor)]
        for number, (label, lane) in enumerate(lanes):
            yield from self.label(label, number)
            yield from lane(self.y(number))
        number = len(lanes)
        for name, reaches in list(self.tablets.values())[:TABLETS_MAX]:
            yield from self.label(name, number)
            yield from self.tablet(reaches, self.y(number))
            number += 1
        if len(self.tablets) > TABLETS_MAX:
            yield from self.label(self.words(MORE, {"n": len(self.tablets) - TABLETS_MAX}), number)
            number += 1
        if self.story.sendings:
            yield from self.label(self.words(ROADS), number)
            yield from self.roads(self.y(number))
            number += 1
        yield from self.label(self.words(STAFF), number)
        yield from self.staff(self.y(number))
        yield from self.legend()
        yield Markup("</svg>")

    def y(self, number: int) -> float:
        """The middle of a lane."""
        top = 12 + self.shape.lane * number
        return top + (self.shape.lane / 2 if self.shape.beside else 34)

    def clock(self, ms: int) -> str:
        """A moment as the reader writes it."""
        return story_words.moment(self.words, ms, self.story.raised_ms, self.zone)

    def label(self, said: str, number: int) -> Iterator[Markup]:
        """What a lane is."""
        longest = 20 if self.shape.beside else 46
        said = said if len(said) <= longest else f"{said[: longest - 1]}…"
        y = self.y(number) + 5 if self.shape.beside else 12 + self.shape.lane * number + 14
        yield _text(4, y, "t", said)

    def axis(self) -> Iterator[Markup]:
        """Upright lines with the clock below."""
        step_s = next(
            (one for one in _STEPS_S if (self.to_ms - self.from_ms) / 1000 / one <= self.shape.ticks), _STEPS_S[-1]
        )
        step_ms = step_s * 1000
        last = -100.0
        for ms in range(-(-self.from_ms // step_ms) * step_ms, self.to_ms + 1, step_ms):
            x = self.x(ms)
            yield Markup('<path class="a" d="M{} 8V{}"/>').format(x, self.axis_y)
            # Two lines of many days lie further apart than a label is wide; the first and last may not.
            if x - last < 62 or x < self.shape.left + 24 or x > self.shape.width - 24:
                continue
            last = x
            yield _text(x, self.axis_y + 16, "q", self.tick(ms, step_s), "middle")
        yield Markup('<path class="o" d="M{} {y}H{}"/>').format(
            self.shape.left + 6, self.shape.width - 14, y=self.axis_y
        )

    def tick(self, ms: int, step_s: int) -> str:
        """What stands at one."""
        if step_s < 60:
            return clock_seconds(ms, self.zone)
        if step_s < 86_400:
            return clock(ms, self.zone)
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(self.zone)
        return f"{local.day}.{local.month}."

    def alarm(self, y: float) -> Iterator[Markup]:
        """Who had it when."""
        said = {"ring": RINGS, "held": HELD_BY, "site": WITH}
        for from_ms, to_ms, code in self.bands:
            x, to = self.x(from_ms), self.x(to_ms)
            wide = round(max(to - x, 3.0), 1)
            yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="20" rx="3"/>').format(code, x, y - 10, wide)
            label = self.words(said[code])
            if wide > 8 * len(label):
                yield _text(x + wide / 2, y + 5, f"on-{code}", label, "middle")

    def sensor(self, y: float) -> Iterator[Markup]:
        """Each event: when it happened, and how long it took until the centre knew."""
        last = -100.0
        for one in self.story.events:
            x, heard = self.x(one.occurred_to_ms), self.x(one.received_ms)
            if x - last < 2 and heard - x <= 6 and not one.uncertain:
                continue
            last = x
            if heard - x > 6:
                yield Markup('<path class="late" d="M{} {y}H{}"/>').format(x, heard, y=y)
            if one.uncertain:
                yield Markup('<path class="doubt" d="M{f} {a}V{b}M{f} {y}H{t}M{t} {a}V{b}"/>').format(
                    f=self.x(one.occurred_from_ms), t=x, y=y, a=y - 7, b=y + 7
                )
            yield Markup('<path class="fact" d="M{} {}l6 6l-6 6l-6 -6z"/>').format(x, y - 6)

    def tablet(self, reaches: Sequence[Reach], y: float) -> Iterator[Markup]:
        """Each notice as far as it came."""
        last = -100.0
        for one in reaches:
            at_ms = one.shown_ms if one.shown_ms is not None else one.sent_ms
            x = self.x(at_ms if at_ms is not None else one.made_ms)
            if x - last < 3:
                continue
            last = x
            form = {"shown": "dot", "not_sent": "cross"}.get(one.screen, "hollow")
            yield _mark(form, x, y)
            if form == "dot" and one.sounded_ms is not None:
                yield _mark("ringed", x, y)

    def roads(self, y: float) -> Iterator[Markup]:
        """Each sending as far as it came; of some close to one another, the first."""
        last = -100.0
        for one in sorted(self.story.sendings, key=_sent_ms):
            x = self.x(_sent_ms(one))
            if x - last >= 3:
                last = x
                yield _mark("out" if one.out else "cross" if one.state == "failed" else "hollow", x, y)

    def staff(self, y: float) -> Iterator[Markup]:
        """What people did, by their initials; of some close to one another, who did the last."""
        acts = [(self.x(one.at_ms), one.by.initials) for one in self.story.changes if one.by is not None]
        for number, (x, initials) in enumerate(acts):
            yield Markup('<path class="did" d="M{} {}l7 12h-14z"/>').format(x, y - 7)
            if number + 1 == len(acts) or acts[number + 1][0] - x >= 40:
                near = x > self.shape.width - 40
                yield _text(x - 10 if near else x + 10, y + 5, "q", initials, "end" if near else "start")

    def legend(self) -> Iterator[Markup]:
        """What the forms mean."""
        per_row = 4 if self.shape.beside else 2
        step = (self.shape.width - 8) / per_row
        for number, (code, said) in enumerate(LEGEND):
            x, y = 10 + step * (number % per_row), self.axis_y + 42 + 22 * (number // per_row)
            if code in ("ring", "held", "site"):
                yield Markup('<rect class="{}" x="{}" y="{}" width="16" height="12" rx="2"/>').format(
                    code, round(x - 6, 1), y - 6
                )
            else:
                yield _mark("dot" if code == "ringed" else code, x, y)
                if code == "ringed":
                    yield _mark(code, x, y)
            yield _text(round(x + 15, 1), y + 5, "q", self.words(said))


def _bands(story: Story) -> Iterator[tuple[int, int, str]]:
    """From when to when the alarm stood how, as far as anybody was wanted."""
    begin_ms, code = None, ""
    for one in story.changes:
        now = _stood(one.to_state)
        if now == code:
            continue
        if begin_ms is not None and code:
            yield begin_ms, one.at_ms, code
        begin_ms, code = one.at_ms, now
    if begin_ms is not None and code:
        yield begin_ms, max(story.now_ms, begin_ms), code


def _stood(state: str) -> str:
    if state in ENDED:
        return ""
    if state == State.ON_SITE:
        return "site"
    return "held" if state in HELD else "ring"


def _tablets(story: Story) -> dict[int, tuple[str, list[Reach]]]:
    found: dict[int, tuple[str, list[Reach]]] = {}
    for rang in story.soundings:
        for one in rang.reaches:
            found.setdefault(one.tablet_id, (one.tablet or f"#{one.tablet_id}", []))[1].append(one)
    return found


def _sent_ms(one: Sending) -> int:
    """When it went out; else when that was given up, or when it was asked for."""
    return next((ms for ms in (one.sent_ms, one.confirmed_ms, one.failed_ms) if ms is not None), one.made_ms)


def _mark(form: str, x: float, y: float) -> Markup:
    match form:
        case "cross":
            return Markup('<path class="cross" d="M{} {}l10 10m0 -10l-10 10"/>').format(round(x - 5, 1), y - 5)
        case "out":
            return Markup('<path class="out" d="M{} {}h10v10h-10z"/>').format(round(x - 5, 1), y - 5)
        case "ringed":
            return Markup('<circle class="ringed" cx="{}" cy="{}" r="9"/>').format(round(x, 1), y)
        case _:
            return Markup('<circle class="{}" cx="{}" cy="{}" r="5.5"/>').format(form, round(x, 1), y)


def _text(x: float, y: float, style: str, said: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        style, round(x, 1), round(y, 1), anchor, escape(said)
    )
