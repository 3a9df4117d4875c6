"""The alarm's life: every state with every move, and nothing outside the table."""

from __future__ import annotations

import itertools

import pytest

from nattevakt.central.alarms.kinds import INTERNAL, KINDS, vkp_code
from nattevakt.central.alarms.lifecycle import (
    ALLOWED,
    ENDED,
    HELD,
    LEADS_TO,
    MOVE_TO,
    UNTAKEN,
    VKP_EVENT,
    IllegalMove,
    Move,
    State,
    after,
)


@pytest.mark.parametrize(("state", "move"), list(itertools.product(State, Move)))
def test_every_state_with_every_move(state: State, move: Move) -> None:
    if move in ALLOWED[state]:
        assert after(state, move) is LEADS_TO[move]
    else:
        with pytest.raises(IllegalMove):
            after(state, move)


def test_the_tables_are_complete_and_do_not_overlap() -> None:
    assert set(ALLOWED) == set(VKP_EVENT) == set(State)
    assert set(LEADS_TO) == set(Move)
    assert set(MOVE_TO) == set(State) - {State.REPORTED}
    assert set(State) == ENDED | HELD | UNTAKEN
    assert not ENDED & HELD
    assert not HELD & UNTAKEN


def test_only_the_untaken_clear_themselves() -> None:
    assert {state for state in State if Move.CLEAR in ALLOWED[state]} == {State.REPORTED, State.ESCALATED}


def test_from_every_state_a_person_can_bring_it_to_an_end() -> None:
    for state in set(State) - ENDED:
        reached = {state}
        for _ in State:
            reached |= {LEADS_TO[move] for known in reached for move in ALLOWED[known] if move is not Move.CLEAR}
        assert State.CLOSED in reached, state


@pytest.mark.parametrize("kind", ["call", "fall", "leak"])
def test_what_a_person_must_see_never_clears_itself(kind: str) -> None:
    assert not KINDS[kind].may_clear_itself
    with pytest.raises(IllegalMove):
        after(State.REPORTED, Move.CLEAR, may_clear_itself=KINDS[kind].may_clear_itself)


def test_every_kind_has_a_national_code_or_says_internal() -> None:
    assert all(kind.vkp_code == INTERNAL or kind.vkp_code.startswith(("4.", "7.1")) for kind in KINDS.values())
    assert vkp_code("call", "cord") == "4.14"
    assert vkp_code("call") == "4.13"
