"""Rows of a timeline as inline SVG: bars, marks and bands that keep their place at any width. Serves timeline.

Pure. Owns the form: everything lies at a share of the width, so that a wider drawing is a nearer look and no letter
grows. Things that would cover each other lie in lanes below one another. Must not know what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from nattevakt.sim.explore.playing import Broken

HOUR_PX = 94
LEAST_PX = 1_000
"""The narrowest drawing, px; lanes are made for it."""
LETTER_PX = 6.9
LANE, BAND, GAP, AIR = 20, 13, 3, 5
TITLE = 27
"""Captions stand below a row's title."""
FORMS = {
    "press": '<circle r="6"/><circle r="2.2" class="hole"/>',
    "fall": '<path d="M-7-5H7L0 7z"/>',
    "water": '<path d="M0-8C4-2 6 0 6 3A6 6 0 0 1-6 3C-6 0-4-2 0-8z"/>',
    "other": '<path d="M0-6L6 0L0 6L-6 0z"/>',
    "false": '<path d="M-5-5L5 5M5-5L-5 5" class="stroke"/>',
    "strike": '<path d="M2-8L-5 1H-1L-2 8L5-1H1z"/>',
    "shown": '<rect x="-3" y="-4.500" width="6" height="9" rx="1.500" class="hollow"/>',
    "sounded": '<path d="M-4-1.500H-2L1-4V4L-2 1.500H-4z"/><path d="M3-2.500A4 4 0 0 1 3 2.500" class="line"/>',
    "flag": '<path d="M0 8V-9" class="stroke"/><path d="M0-9H13L9-5L13-1H0z"/>',
    "walk": '<circle r="2.500"/>',
}
"""Marks by name, drawn about their middle."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of an item, or (form) a mark. fine: only seen from near."""

    from_ms: int
    to_ms: int
    style: str
    form: str = ""
    text: str = ""
    fine: bool = False
    high: int = 14
    up: int = 0
    """A mark lies so many px lower."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something with a label. says: when pointed at. link: where a tap leads."""

    parts: tuple[Part, ...]
    label: str
    says: str
    link: str = ""
    style: str = ""

    @property
    def from_ms(self) -> int:
        """Where it begins."""
        return min(part.from_ms for part in self.parts)

    @property
    def to_ms(self) -> int:
        """Where it ends."""
        return max(part.to_ms for part in self.parts)


@dataclass(frozen=True, slots=True)
class Band:
    """A thin line of states through the whole night. caption: its name, left of it."""

    parts: tuple[Part, ...]
    caption: str = ""
    base: str = ""


@dataclass(slots=True)
class Row:
    """One row. groups: each in lanes of its own, from the top; a Band lies where it stands."""

    title: str
    under: str = ""
    groups: list[Band | list[Item]] = field(default_factory=list)
    key: str = ""
    names: tuple[str, ...] = ()
    """By which the judge names what is in it."""

    def concerns(self, broken: Broken) -> bool:
        """Whether a violation is about what is in this row."""
        said = f"{broken.about} {broken.says}"
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in self.names)


@dataclass(frozen=True, slots=True)
class Scale:
    """From when to when a drawing goes."""

    from_ms: int
    to_ms: int

    @property
    def width_px(self) -> int:
        """How wide it is at least."""
        return max(LEAST_PX, round((self.to_ms - self.from_ms) / 3_600_000 * HOUR_PX))

    def share(self, at_ms: int) -> float:
        """Where a moment lies, in hundredths of the width."""
        return 100 * (min(max(at_ms, self.from_ms), self.to_ms) - self.from_ms) / (self.to_ms - self.from_ms)

    def px(self, at_ms: int) -> float:
        """Where it lies in the narrowest drawing."""
        return self.share(at_ms) * self.width_px / 100


def x(share: float) -> str:
    """A share as SVG says it."""
    return f"{share:.3f}".rstrip("0").rstrip(".") + "%"


def lanes(scale: Scale, items: Sequence[Item]) -> list[tuple[Item, int, str]]:
    """Each item with its lane, and where its label stands: "right" or "left" of it, or "below" it, in the next lane,
    where it is too long for either."""
    free: list[float] = []
    found = []
    for item in sorted(items, key=lambda one: (one.from_ms, one.to_ms, one.label)):
        begins, ends = scale.px(item.from_ms) - 6, scale.px(item.to_ms) + 8
        wide = len(item.label) * LETTER_PX + 10
        side = "right"
        if ends + wide > scale.width_px:
            side = "left" if begins > wide else "below"
        begins -= wide if side == "left" else 0
        ends = max(ends, begins + wide) if side == "below" else ends + (wide if side == "right" else 0)
        high = 2 if side == "below" else 1
        lane = next(n for n in range(len(free) + 1) if all(until <= begins for until in free[n : n + high]))
        free[lane : lane + high] = [ends] * high
        found.append((item, lane, side))
    return found


def drawn(scale: Scale, row: Row) -> tuple[str, int, list[tuple[str, int]]]:
    """A row's drawing, its height in px, and where its captions stand."""
    y, parts, captions = AIR, list[str](), list[tuple[str, int]]()
    for group in row.groups:
        if isinstance(group, Band):
            if group.caption:
                y = max(y, TITLE)
                captions.append((group.caption, y))
            parts += _band(scale, group, y)
            y += BAND + GAP
        elif group:
            placed = lanes(scale, group)
            for item, lane, side in placed:
                parts += _item(scale, item, y + lane * LANE + LANE // 2, side)
            y += LANE * (1 + max(lane + (side == "below") for _, lane, side in placed)) + GAP
    return "".join(parts), y + AIR - GAP, captions


def _band(scale: Scale, band: Band, y: int) -> Iterator[str]:
    middle = y + BAND / 2
    if band.base:
        yield f'<line class="{band.base}" x1="0" x2="100%" y1="{middle:g}" y2="{middle:g}"/>'
    for part in band.parts:
        yield _part(scale, part, middle)


def _item(scale: Scale, item: Item, y: int, side: str) -> Iterator[str]:
    if item.link:
        yield f'<a href="#{escape(item.link)}">'
    yield f'<g class="{item.style}"><title>{escape(item.says)}</title>'
    for part in item.parts:
        yield _part(scale, part, y)
    if item.label:
        share = scale.share(item.to_ms if side == "right" else item.from_ms)
        end = ' text-anchor="end"' if side == "left" else ""
        away = {"left": -9, "right": 9, "below": -1}[side]
        down = 4 + (LANE if side == "below" else 0)
        yield f'<text class="l" x="{x(share)}" dx="{away}" y="{y + down}"{end}>{escape(item.label)}</text>'
    yield "</g>"
    if item.link:
        yield "</a>"


def _part(scale: Scale, part: Part, y: float) -> str:
    style = part.style + (" fine" if part.fine else "")
    share = scale.share(part.from_ms)
    if part.form:
        return f'<use class="{style}" href="#f-{part.form}" x="{x(share)}" y="{y + part.up:g}"/>'
    if part.text:
        return f'<text class="{style}" x="{x(share)}" y="{y + 4:g}">{escape(part.text)}</text>'
    wide = scale.share(part.to_ms) - share
    place = f'x="{x(share)}" y="{y - part.high / 2:g}" width="{x(wide)}" height="{part.high}"'
    return f'<rect class="{style}" {place} rx="2"/>'


def forms() -> str:
    """The marks, to be used by name on the page."""
    return "".join(f'<g id="f-{name}">{form}</g>' for name, form in FORMS.items())


def under(
    scale: Scale, ticks: Sequence[tuple[int, str]], shaded: Sequence[tuple[int, int, str]], flags: Sequence[int]
) -> str:
    """What lies under all rows: the hours and what lies between, what is shaded, and a line for each flag."""
    parts = []
    for from_ms, to_ms, style in shaded:
        share = scale.share(from_ms)
        wide = x(scale.share(to_ms) - share)
        parts.append(f'<rect class="{style}" x="{x(share)}" y="0" width="{wide}" height="100%"/>')
    for at_ms, style in (*((at_ms, f"h {style}") for at_ms, style in ticks), *((at_ms, "broke") for at_ms in flags)):
        share = scale.share(at_ms)
        parts.append(f'<line class="{style}" x1="{x(share)}" x2="{x(share)}" y1="0" y2="100%"/>')
    return "".join(parts)
