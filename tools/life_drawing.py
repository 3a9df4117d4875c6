"""Draws an alarm's life: its way from the first ring to the end, and every move from every state. SVG.

Owns the drawing. Must not know what a move does: states, moves and who makes them are read from
nattevakt/central/alarms/lifecycle.py. Below the way stands a grid: a row for each state, a column for each move; where
the table allows the move, its cell names the state that it leads to. Colours of its own for light and dark; what is
told by colour is also told by form and in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from nattevakt.central.alarms.lifecycle import (
    ALLOWED,
    CENTRE_MOVES,
    ENDED,
    HELD,
    LEADS_TO,
    PERSON_MOVES,
    UNTAKEN,
    Move,
    State,
    after,
)

NAMES = {
    State.REPORTED: "meldt",
    State.TAKEN: "kvittert",
    State.ON_THE_WAY: "til utrykning",
    State.ON_SITE: "hos bruker",
    State.CLOSED: "avsluttet",
    State.REJECTED: "avvist",
    State.ESCALATED: "eskalert",
    State.TRANSFERRED: "overført",
    State.CLEARED: "auto-avklart",
    State.REOPENED: "gjenåpnet",
}
ORDER = (
    State.REPORTED,
    State.ESCALATED,
    State.REOPENED,
    State.REJECTED,
    State.TRANSFERRED,
    State.TAKEN,
    State.ON_THE_WAY,
    State.ON_SITE,
    State.CLOSED,
    State.CLEARED,
)
"""The rows: what rings, what somebody has, what has ended."""
GROUPS = (("rings", "ringer", UNTAKEN), ("held", "noen har den", HELD), ("ended", "er over", ENDED))
WIDTH, LEFT, TOP, ROW, GAP, FOOT = 1040, 168, 226, 34, 12, 54
ROAD = (Move.TAKE, Move.GO, Move.ARRIVE, Move.CLOSE)
"""What an alarm goes through where all is well: drawn above the grid, with what happens where nobody comes."""
COLUMN = (WIDTH - LEFT - 12) / len(Move)
STYLE = """
.k{fill:#fff;stroke:#ccc} .t{fill:#222} .q{fill:#595959} .l{stroke:#ddd}
.rings{fill:#fde3e1;stroke:#b3001b} .held{fill:#e0e9fb;stroke:#2a54a0} .ended{fill:#e9e9e9;stroke:#666}
.h{fill:#555} .e,.f{fill:none;stroke:#555;stroke-width:1.5} .f{stroke-dasharray:4 3}
.s{stroke-width:1.5} .m{stroke-width:1.5;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){.h{fill:#aaa} .e,.f{stroke:#aaa}
.k{fill:#17191d;stroke:#444} .t{fill:#e6e6e6} .q{fill:#a8a8a8} .l{stroke:#33363c}
.rings{fill:#4a1317;stroke:#ff7a85} .held{fill:#1c2c4d;stroke:#8fb4ff} .ended{fill:#2c2f35;stroke:#aaa}}
"""


def drawing() -> str:
    """The whole drawing, as a file."""
    return "\n".join((*_parts(), ""))


def described() -> str:
    """The table for who does not see the drawing."""
    told = []
    for state in ORDER:
        moves = [f"{move.value} til {NAMES[LEADS_TO[move]]}" for move in Move if move in ALLOWED[state]]
        told.append(f"Fra {NAMES[state]}: {', '.join(moves)}.")
    return " ".join(told)


def _height() -> int:
    return TOP + ROW * len(ORDER) + GAP * (len(GROUPS) - 1) + FOOT


def _group(state: State) -> str:
    return next(style for style, _, states in GROUPS if state in states)


def _text(x: float, y: float, style: str, said: str, anchor: str = "start", more: str = "") -> str:
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{style}" x="{x:g}" y="{y:g}"{at}{more}>{escape(said)}</text>'


def _box(state: State, x: float, y: float, width: float, line: str) -> str:
    """A state: round where it rings, square where somebody has it or it is over."""
    round_ = 13 if state in UNTAKEN else 3
    style = f"{_group(state)} {line}"
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="26" rx="{round_}"/>'


def _parts() -> Iterator[str]:
    height = _height()
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="t d" font-family="sans-serif" font-size="12">'
    )
    yield '<title id="t">En alarms liv: tilstander og trekk</title>'
    yield f'<desc id="d">{escape(described())}</desc>'
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="k" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
    yield _text(14, 26, "t", "En alarms liv", more=' font-weight="bold" font-size="15"')
    yield from _road()
    yield from _columns(height)
    y, last = TOP, _group(ORDER[0])
    for state in ORDER:
        if _group(state) != last:
            y, last = y + GAP, _group(state)
        yield from _row(state, y)
        y += ROW
    yield from _legend(y + 22)
    yield "</svg>"


def _road() -> Iterator[str]:
    """From the first ring to the end; below it that a taken alarm rings again, and may be taken again."""
    yield (
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path class="h" d="M0 0l8 4l-8 4z"/></marker></defs>'
    )
    step, y, wide = 208.0, 52.0, 128.0
    place, state = {State.REPORTED: 24.0}, State.REPORTED
    for move in ROAD:
        to = after(state, move)
        place[to] = place[state] + step
        yield _arrow(f"M{place[state] + wide:g} {y + 13:g}H{place[to] - 2:g}", "e")
        yield _text(place[state] + (wide + step) / 2, y + 7, "q", move.value, "middle", ' font-size="11"')
        state = to
    again, below = place[State.TAKEN] + step / 2, y + 62
    for held, side in ((State.TAKEN, -24.0), (State.ON_THE_WAY, 24.0)):
        assert after(held, Move.ESCALATE) is State.ESCALATED  # noqa: S101 - or there is nothing to draw
        yield _arrow(f"M{place[held] + wide / 2 - side:g} {y + 26:g}L{again + wide / 2 + side:g} {below - 2:g}", "f")
    x = place[State.TAKEN] + 20
    yield _arrow(f"M{again:g} {below + 13:g}H{x:g}V{y + 28:g}", "e")
    yield _text(x + 8, below + 8, "q", Move.TAKE.value, more=' font-size="11"')
    said = "escalate: tiden er ute, og ingen er hos bruker. Den ringer igjen på alle nettbrett."
    yield _text(again + wide + 12, below + 18, "q", said)
    for state, at in (*place.items(), (State.ESCALATED, again)):
        here = below if state is State.ESCALATED else y
        yield _box(state, at, here, wide, "s")
        yield _text(at + wide / 2, here + 17.5, "t", NAMES[state], "middle", ' font-weight="bold"')


def _arrow(path: str, style: str) -> str:
    return f'<path class="{style}" d="{path}" marker-end="url(#a)"/>'


def _columns(height: int) -> Iterator[str]:
    for number, move in enumerate(Move):
        x = LEFT + COLUMN * number
        middle = x + COLUMN / 2
        yield f'<path class="l" d="M{x:g} {TOP - 30}V{height - FOOT + 6}"/>'
        yield _text(middle, TOP - 28, "t", move.value, "middle", ' font-weight="bold"')
        who = "en person" if move in PERSON_MOVES else "sentralen" if move in CENTRE_MOVES else "ikke i bruk ennå"
        yield _text(middle, TOP - 12, "q", who, "middle", ' font-size="11"')


def _row(state: State, y: float) -> Iterator[str]:
    yield _box(state, 12, y + 3, LEFT - 24, "s")
    yield _text(LEFT / 2, y + 20.5, "t", NAMES[state], "middle", ' font-weight="bold"')
    for number, move in enumerate(Move):
        middle = LEFT + COLUMN * (number + 0.5)
        if move in ALLOWED[state]:
            to = LEADS_TO[move]
            yield _box(to, middle - COLUMN / 2 + 4, y + 3, COLUMN - 8, "s" if move in PERSON_MOVES else "m")
            yield _text(middle, y + 20.5, "t", NAMES[to], "middle")
        else:
            yield _text(middle, y + 20.5, "q", "–", "middle")


def _legend(y: float) -> Iterator[str]:
    lines = (
        "En rad for hver tilstand, en kolonne for hvert trekk: ruten sier hvor det fører. En strek:",
        "trekket avvises med en setning. Stiplet ramme: ikke noe en person gjør på nettbrettet.",
    )
    for number, line in enumerate(lines):
        yield _text(14, y + 17 * number, "q", line)
    x = 700.0
    for _, said, states in GROUPS:
        example = next(state for state in ORDER if state in states)
        yield _box(example, x, y - 10, 96, "s")
        yield _text(x + 48, y + 7.5, "t", said, "middle")
        x += 108
