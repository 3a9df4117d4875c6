"""The drawing of an alarm's life tells the whole table of moves, and nothing else."""

from __future__ import annotations

from itertools import product
from xml.etree import ElementTree

from nattevakt.central.alarms.lifecycle import ALLOWED, ENDED, HELD, LEADS_TO, UNTAKEN, Move, State
from tools.life_drawing import GROUPS, LEFT, NAMES, ORDER, TOP, described, drawing
from tools.reference import pages

SVG = "{http://www.w3.org/2000/svg}"


def cells() -> list[list[str]]:
    """What stands in the grid, row by row, from left to right."""
    found: dict[float, list[tuple[float, str]]] = {}
    for text in ElementTree.fromstring(drawing()).iter(f"{SVG}text"):  # noqa: S314 - our own
        y = float(text.attrib["y"])
        if y > TOP and text.attrib.get("text-anchor") == "middle":
            found.setdefault(y, []).append((float(text.attrib["x"]), str(text.text)))
    return [[said for _, said in sorted(row)] for _, row in sorted(found.items()) if min(row)[0] < LEFT]


def test_every_pair_of_state_and_move_stands_in_the_grid_as_in_the_table() -> None:
    rows = cells()
    assert [row[0] for row in rows] == [NAMES[state] for state in ORDER]
    told = {(state, move): rows[ORDER.index(state)][1 + list(Move).index(move)] for state, move in product(State, Move)}
    for (state, move), said in told.items():
        assert said == (NAMES[LEADS_TO[move]] if move in ALLOWED[state] else "–"), (state, move)


def test_every_state_is_drawn_once_and_in_the_group_that_it_is_of() -> None:
    assert sorted(ORDER) == sorted(State)
    assert len(set(NAMES.values())) == len(State)
    assert [states for _, _, states in GROUPS] == [UNTAKEN, HELD, ENDED]


def test_who_does_not_see_it_is_told_the_same() -> None:
    assert described().count("Fra ") == len(State)
    for state, move in product(State, Move):
        part = described().split(f"Fra {NAMES[state]}: ")[1].split(".")[0]
        assert (f"{move.value} til {NAMES[LEADS_TO[move]]}" in part) == (move in ALLOWED[state]), (state, move)


def test_it_is_on_the_page_and_written_with_it() -> None:
    assert pages()["docs/reference/alarms/life.svg"] == drawing()
    assert "](alarms/life.svg)" in pages()["docs/reference/alarms.md"]
