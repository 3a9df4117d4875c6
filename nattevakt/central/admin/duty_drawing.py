"""A week's duties as a drawing: a lane for each role, bars for people, holes hatched and named. Serves arrow 9.

Owns the drawing, as SVG within the page; its colours are the page's own, by classes. Must not know rows or HTTP. What
it tells stands in the lists below it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from nattevakt.central.admin.duty_view import Bar, Lane, Place, Span, Week
from nattevakt.central.admin.rule_words import WEEKDAYS
from nattevakt.central.tablet.i18n import N_, Words

TITLE = N_("Vakter: {place}. Alt i tegningen står i listen under.")
HOLE = N_("hull")
NOW = N_("nå")
ROW, HEAD, GAP = 30, 26, 8
LETTER = 7.6
"""About so wide is a letter of the drawing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide it is, where its time begins, how many days are side by side, whether labels stand beside the lanes."""

    name: str
    width: int
    left: int
    days: int


WIDE, NARROW = Shape("wide", 880, 128, 7), Shape("narrow", 340, 4, 1)


def drawings(words: Words, week: Week, place: Place, number: int, zone: ZoneInfo, now_ms: int) -> Markup:
    """The drawing of a place for both widths; the page shows the one that fits. number: of the place on the page."""
    if not place.lanes:
        return Markup("")
    parts = []
    for shape in (WIDE, NARROW):
        for day in range(0, len(week.days) - 1, shape.days):
            within = (week.days[day], week.days[min(day + shape.days, len(week.days) - 1)])
            one = _Drawing(words, week, place, zone, shape, within, f"hole-{number}-{shape.name}-{day}", now_ms)
            parts += [*one.parts()] if one.lanes else []
    return Markup("\n").join(parts)


class _Drawing:
    def __init__(
        self,
        words: Words,
        week: Week,
        place: Place,
        zone: ZoneInfo,
        shape: Shape,
        within: Span,
        pattern: str,
        now_ms: int,
    ) -> None:
        self.words, self.week, self.place, self.zone, self.shape = words, week, place, zone, shape
        self.within, self.pattern, self.now_ms = within, pattern, now_ms
        lanes = [(lane, _rows(_within(lane.bars, within))) for lane in place.lanes]
        # A day of its own has a line only for what it says.
        said = [one for one in lanes if one[1] or _cut(one[0].holes, within)]
        self.lanes = lanes if shape.days > 1 else said

    def x(self, ms: int) -> float:
        """Where a moment lies."""
        share = (ms - self.within[0]) / (self.within[1] - self.within[0])
        return round(self.shape.left + (self.shape.width - 4 - self.shape.left) * min(max(share, 0.0), 1.0), 1)

    def parts(self) -> Iterator[Markup]:
        """From behind to the front."""
        heights = [self._height(rows) for _, rows in self.lanes]
        height = HEAD + sum(heights)
        yield Markup(
            '<svg class="duty-drawing {}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
            '<defs><pattern id="{}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<path class="hatch" d="M0 0V8"/></pattern></defs>'
        ).format(
            self.shape.name,
            self.shape.width,
            height,
            self.words(TITLE, {"place": self.place.name}),
            self.pattern,
        )
        yield from self.axis(height)
        top = HEAD
        for (lane, rows), tall in zip(self.lanes, heights, strict=True):
            yield from self.lane(lane, rows, top)
            top += tall
        if self.within[0] <= self.now_ms < self.within[1]:
            yield Markup('<path class="now" d="M{} {}V{}"/>').format(self.x(self.now_ms), HEAD - 6, height)
        yield Markup("</svg>")

    def axis(self, height: int) -> Iterator[Markup]:
        """The days, and on a narrow page the hours of one."""
        for begins in self.week.days[:-1]:
            if not self.within[0] <= begins < self.within[1]:
                continue
            local = datetime.fromtimestamp(begins / 1000, self.zone)
            name = f"{self.words(WEEKDAYS[local.weekday()])} {local.day}.{local.month}."
            x = self.x(begins)
            yield Markup('<path class="a" d="M{} 4V{}"/><text class="d" x="{}" y="16">{}</text>').format(
                x, height, x + 5, name
            )
        if self.shape.days == 1:
            for hour in (6, 12, 18):
                at = self.within[0] + round((self.within[1] - self.within[0]) * hour / 24)
                yield Markup('<path class="a" d="M{} 18V{}"/>').format(self.x(at), height)

    def lane(self, lane: Lane, rows: Sequence[Sequence[Bar]], top: int) -> Iterator[Markup]:
        """One role."""
        beside = self.shape.days > 1
        yield Markup('<path class="a" d="M0 {}H{}"/>').format(top, self.shape.width)
        yield Markup('<text class="t" x="4" y="{}">{}</text>').format(top + (ROW / 2 + 9 if beside else 15), lane.label)
        y = top + GAP / 2 + (0 if beside else 18)
        for begins, ends in _cut(lane.holes, self.within):
            x, width = self.x(begins), max(self.x(ends) - self.x(begins), 2)
            yield Markup('<rect class="hole" x="{}" y="{}" width="{}" height="{}" fill="url(#{})"/>').format(
                x, y, round(width, 1), ROW - 4, self.pattern
            )
            word = self.words(HOLE)
            # In a narrow one the word would hide what it names; the list beside tells of it.
            if width < len(word) * LETTER + 10:
                continue
            yield Markup('<rect class="under" x="{}" y="{}" width="{}" height="16" rx="4"/>').format(
                round(x + width / 2 - len(word) * LETTER / 2 - 3, 1), y + 5, round(len(word) * LETTER + 6, 1)
            )
            yield Markup('<text class="h" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                round(x + width / 2, 1), y + 18, word
            )
        for number, row in enumerate(rows):
            for bar in row:
                yield from self.bar(bar, y + number * ROW)

    def bar(self, bar: Bar, y: float) -> Iterator[Markup]:
        """Somebody's duty."""
        x, width = self.x(bar.from_ms), max(self.x(bar.to_ms) - self.x(bar.from_ms), 3)
        room = int((width - 8) / LETTER)
        said = next((one for one in (bar.name, bar.initials) if one and len(one) <= room), "")
        yield Markup('<rect class="b" x="{}" y="{}" width="{}" height="{}" rx="5"/>').format(
            x, y, round(width, 1), ROW - 4
        )
        if said:
            yield Markup('<text class="n" x="{}" y="{}">{}</text>').format(x + 5, y + 18, said)

    def _height(self, rows: Sequence[Sequence[Bar]]) -> int:
        return max(len(rows), 1) * ROW + GAP + (0 if self.shape.days > 1 else 18)


def _within(bars: Sequence[Bar], within: Span) -> list[Bar]:
    return [one for one in bars if one.to_ms > within[0] and one.from_ms < within[1]]


def _rows(bars: Sequence[Bar]) -> list[list[Bar]]:
    """Bars in rows in which none lies over another."""
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda one: (one.from_ms, one.to_ms)):
        free = next((row for row in rows if row[-1].to_ms <= bar.from_ms), None)
        if free is None:
            rows.append([bar])
        else:
            free.append(bar)
    return rows


def _cut(spans: Sequence[Span], within: Span) -> list[Span]:
    return [
        (max(begins, within[0]), min(ends, within[1]))
        for begins, ends in spans
        if ends > within[0] and begins < within[1]
    ]
