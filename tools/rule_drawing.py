"""Draws a played story as a timeline: what each sensor said, when the rule looked, and what it said. SVG.

Owns the drawing. Must not know rules. Colours of its own for light and dark; what is told by colour is also told by
form and in words.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from html import escape
from zoneinfo import ZoneInfo

from nattevakt.central.tablet.sentences import KINDS
from nattevakt.central.tablet.when import clock
from nattevakt.edge.rules.rule import Fact
from nattevakt.edge.rules.windows import NORWAY, inside
from tools.rule_play import HOW, MINUTE_MS, WORDS, Played, Told

WIDTH, LEFT, RIGHT = 860, 118, 836
TOP, LANE, AXIS, LINE = 40, 30, 24, 17
CHARACTERS = 112
NEAR = 22
"""Marks closer than this go below one another."""
ZONE = ZoneInfo(NORWAY)
SAID = {"i": "i sengen"}
LANES = {
    "dør": "ytterdør",
    "snor": "alarmknapp",
    "gulv": "fallsensor",
    "vann": "vannsensor",
    "fukt": "fuktsensor",
    "rom": "noen i rommet",
    "matte": "sengematte",
}
"""What a sensor is called in the drawing, where that is not its name."""
STYLE = """
.k{fill:#fff;stroke:#ccc} .t{fill:#222} .q{fill:#666} .a{stroke:#ddd} .n{fill:#36c;fill-opacity:.09}
.b{fill:#4a7dbd} .i{fill:#fff} .o{stroke:#999} .u{stroke:#999;stroke-dasharray:2 5} .p{fill:#222}
.d{fill:#8a6d00} .x{fill:none;stroke:#8a8a8a} .h{fill:none;stroke:#8a6d00;stroke-dasharray:3 3}
.raise,.again{fill:#b3001b;stroke:#b3001b} .check{fill:#fff3c4;stroke:#8a6d00;stroke-width:2}
.clear,.well{fill:#e2f5e8;stroke:#0a7a3c;stroke-width:2} .finding,.log{fill:#eee;stroke:#555;stroke-width:2}
.w{fill:#fff;font-weight:bold} .v{fill:#222;font-weight:bold} .c{fill:none;stroke-width:1.5;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){.k{fill:#17191d;stroke:#444} .t{fill:#e6e6e6} .q{fill:#a5a5a5} .a{stroke:#33363c}
.n{fill:#7aa7ff;fill-opacity:.13} .b{fill:#5f92d4} .i{fill:#0b0d10} .o{stroke:#888} .u{stroke:#888} .p{fill:#e6e6e6}
.d{fill:#e8c04a} .x{stroke:#8a8a8a} .h{stroke:#e8c04a} .raise,.again{fill:#ff7a85;stroke:#ff7a85}
.check{fill:#4a3c00;stroke:#e8c04a} .clear,.well{fill:#0f3d22;stroke:#4fd487} .finding,.log{fill:#2c2f35;stroke:#aaa}
.w{fill:#17191d} .v{fill:#f2f2f2} .c{fill:none}}
"""


def drawing(played: Played) -> str:
    """The whole drawing, as a file."""
    return "\n".join((*_Drawing(played).parts(), ""))


def spoken_of(told: Told) -> str:
    """What it says in one line: when, whether it rings, and its sentence."""
    named = f" ({KINDS[told.kind]})" if told.kind in KINDS else ""
    return f"kl. {clock(told.at_ms, ZONE)} {HOW[told.how]}{named}: {told.text}"


def described(played: Played) -> str:
    """The story for who does not see the drawing."""
    told = [
        f"kl. {clock(fact.occurred.to_ms, ZONE)} {LANES.get(sensor, sensor)} {_word(word)}"
        for sensor, word, fact in played.facts
    ]
    few = [*told[:6], f"… {len(told) - 12} til …", *told[-6:]] if len(told) > 14 else told
    looked = [f"kl. {clock(played.look_ms, ZONE)} ser noen inn"] if played.look_ms is not None else []
    said = [spoken_of(one) for one in played.told] or ["Regelen sier ingenting."]
    return f"{', '.join([*few, *looked])}. {' '.join(said)}"


def _word(word: str) -> str:
    return SAID.get(word, word.replace("_", " "))


def _text(x: float, y: float, style: str, said: str, anchor: str = "start") -> str:
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{style}" x="{x:g}" y="{y:g}"{at}>{escape(said)}</text>'


def _apart(xs: Sequence[float], near: float) -> list[int]:
    """A row for each of these places, so that none covers another."""
    rows: list[float] = []
    found = []
    for x in xs:
        row = next((i for i, last in enumerate(rows) if x - last >= near), len(rows))
        rows[row : row + 1] = [x]
        found.append(row)
    return found


class _Drawing:
    def __init__(self, played: Played) -> None:
        self.played = played
        self.sensors = list(dict.fromkeys(sensor for sensor, _, _ in played.facts))
        self.rows = _apart([self.x(one.at_ms) for one in played.told], NEAR)
        lanes = len(self.sensors) + bool(played.due or played.dropped) + (played.look_ms is not None)
        self.said_y = TOP + LANE * lanes
        self.axis_y = self.said_y + NEAR * (max(self.rows, default=0) + 1) + 8
        self.lines = [textwrap.wrap(spoken_of(one), CHARACTERS) for one in played.told] or [["Ingenting ringer."]]
        self.height = self.axis_y + AXIS + 12 + sum(LINE * len(lines) + 5 for lines in self.lines) + 6

    def x(self, at_ms: int) -> float:
        """Where a moment lies."""
        span = (at_ms - self.played.from_ms) / (self.played.to_ms - self.played.from_ms)
        return round(LEFT + (RIGHT - LEFT) * span, 1)

    def parts(self) -> Iterator[str]:
        """The drawing, from behind to the front."""
        played = self.played
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
            f'height="{self.height}" role="img" aria-labelledby="t d" font-family="sans-serif" font-size="13">'
        )
        yield f'<title id="t">{escape(played.story.title)}</title>'
        yield f'<desc id="d">{escape(described(played))}</desc>'
        yield f"<style>{STYLE}</style>"
        yield f'<rect class="k" x=".5" y=".5" width="{WIDTH - 1}" height="{self.height - 1}" rx="8"/>'
        yield f'<g font-weight="bold">{_text(14, 24, "t", played.story.title)}</g>'
        yield from self._windows()
        yield from self._axis()
        for i, sensor in enumerate(self.sensors):
            yield from self._lane(sensor, TOP + LANE * i)
        yield from self._deadlines(TOP + LANE * len(self.sensors))
        yield from self._said()
        yield "</svg>"

    def _windows(self) -> Iterator[str]:
        begins: int | None = None
        step = MINUTE_MS
        for at_ms in range(self.played.from_ms, self.played.to_ms + step, step):
            within = at_ms < self.played.to_ms and any(inside(window, at_ms) for window in self.played.windows)
            if within and begins is None:
                begins = at_ms
            elif not within and begins is not None:
                x, to = self.x(begins), self.x(min(at_ms, self.played.to_ms))
                yield f'<rect class="n" x="{x:g}" y="{TOP - 6}" width="{to - x:.1f}" height="{self.axis_y - TOP + 6}"/>'
                begins = None

    def _axis(self) -> Iterator[str]:
        played, y = self.played, self.axis_y
        minutes = (played.to_ms - played.from_ms) // MINUTE_MS
        step = next(step for step in (5, 10, 15, 30, 60, 120, 240) if minutes / step <= 10)
        for ahead in range(0, minutes + 1, step):
            x = self.x(played.from_ms + ahead * MINUTE_MS)
            yield f'<path class="a" d="M{x:g} {TOP - 6}V{y}"/>'
            yield _text(x, y + 16, "q", clock(played.from_ms + ahead * MINUTE_MS, ZONE), "middle")
        if played.windows:
            yield _text(RIGHT, 24, "q", f"tidsrom {played.story.window.replace('-', ' til ')} er skyggelagt", "end")

    def _lane(self, sensor: str, y: int) -> Iterator[str]:
        yield _text(14, y + 18, "t", LANES.get(sensor, sensor))
        facts = [(word, fact) for name, word, fact in self.played.facts if name == sensor]
        says = tuple(WORDS[sensor][1])
        if len(says) == 2:
            yield from self._level(facts, says[0], y)
            return
        yield f'<path class="u" d="M{LEFT} {y + 13.5}H{RIGHT}"/>'
        for word, fact in facts:
            x = self.x(fact.occurred.to_ms)
            yield f'<circle class="p" cx="{x:g}" cy="{y + 13.5}" r="4.5"/>'
            if word != "bevegelse":
                yield _text(x + 9, y + 10, "q", _word(word))

    def _level(self, facts: Sequence[tuple[str, Fact]], on: str, y: int) -> Iterator[str]:
        """A sensor that says on and off: a bar while it is on, a line while it is off, dots where nobody knows."""
        ends = [fact.occurred.to_ms for _, fact in facts[1:]] + [self.played.to_ms]
        first = self.x(facts[0][1].occurred.to_ms)
        yield f'<path class="u" d="M{LEFT} {y + 13.5}H{first:g}"/>'
        for (word, fact), end_ms in zip(facts, ends, strict=True):
            x, to = self.x(fact.occurred.to_ms), self.x(end_ms)
            if word != on:
                yield f'<path class="o" d="M{x:g} {y + 13.5}H{to:g}"/>'
                continue
            yield f'<rect class="b" x="{x:g}" y="{y + 4}" width="{max(to - x, 2.5):.1f}" height="19" rx="2"/>'
            if to - x > 8 * len(_word(word)):
                yield _text(x + 6, y + 18, "i", _word(word))

    def _deadlines(self, y: int) -> Iterator[str]:
        played = self.played
        if played.look_ms is not None:
            x = self.x(played.look_ms)
            yield _text(14, y + 18, "t", "tilsyn")
            yield f'<circle class="p" cx="{x:g}" cy="{y + 13.5}" r="4.5"/>'
            yield _text(x + 9, y + 18, "q", "noen ser inn")
            y += LANE
        if not (played.due or played.dropped):
            return
        yield _text(14, y + 18, "t", "frister")
        for style, times in (("x", played.dropped), ("d", played.due)):
            last = -100.0
            for at_ms in times:
                x = self.x(at_ms)
                if x - last >= 4:
                    last = x
                    yield f'<path class="{style}" d="M{x - 5:.1f} {y + 8}h10l-5 11z"/>'

    def _said(self) -> Iterator[str]:
        played = self.played
        yield _text(14, self.said_y + 16, "t", "regelen sier")
        if not played.told:
            yield _text(LEFT, self.said_y + 16, "q", "ingenting")
        for number, (one, row) in enumerate(zip(played.told, self.rows, strict=True), 1):
            x, y = self.x(one.at_ms), self.said_y + 12 + NEAR * row
            yield f'<path class="{one.how} c" style="fill:none" d="M{x:g} {TOP - 6}V{y - 9}"/>'
            yield from _mark(one.how, number, x, y)
        y = self.axis_y + AXIS + 14
        for number, lines in enumerate(self.lines, 1):
            if played.told:
                yield from _mark(played.told[number - 1].how, number, 24, y - 4)
            for line in lines:
                yield _text(42 if played.told else 14, y, "t", line)
                y += LINE
            y += 5


def _disc(x: float, y: float) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="9.5"/>'


def _diamond(x: float, y: float) -> str:
    return f'<path d="M{x:g} {y - 12:g}l12 12l-12 12l-12 -12z"/>'


def _square(x: float, y: float) -> str:
    return f'<rect x="{x - 9:g}" y="{y - 9:g}" width="18" height="18" rx="2"/>'


FORMS: dict[str, Callable[[float, float], str]] = {"check": _diamond, "finding": _square, "log": _square}


def _mark(how: str, number: int, x: float, y: float) -> Iterator[str]:
    """A numbered mark: a disc rings (full) or ends what rang (hollow), a diamond asks, a square is only written."""
    shape = FORMS.get(how, _disc)(x, y).replace(" ", f' class="{how}" ', 1)
    yield shape
    yield f'<g font-size="11">{_text(x, y + 4, "w" if how in ("raise", "again") else "v", str(number), "middle")}</g>'
