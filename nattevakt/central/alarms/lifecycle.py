"""The alarm's life as a table: states, moves, who may make them. Serves arrow 8.

Owns what may follow what. Must not know storage, people or kinds beyond "may clear itself". The only writer
that follows this table is register.py; documentation and tests are generated from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from nattevakt.edge.errors import RejectError


class State(StrEnum):
    """Where an alarm stands. The values are stored and for ever."""

    REPORTED = "meldt"
    TAKEN = "kvittert"
    ON_THE_WAY = "til_utrykning"
    ON_SITE = "hos_bruker"
    CLOSED = "avsluttet"
    REJECTED = "avvist"
    ESCALATED = "eskalert"
    TRANSFERRED = "overfort"
    CLEARED = "auto_avklart"
    REOPENED = "gjenapnet"


class Move(StrEnum):
    """What can be done to an alarm. The values are stored as the cause of a transition."""

    TAKE = "take"
    GO = "on_way"
    ARRIVE = "on_site"
    CLOSE = "close"
    REJECT = "reject"
    ESCALATE = "escalate"
    TRANSFER = "transfer"
    CLEAR = "clear"
    REOPEN = "reopen"


class IllegalMove(RejectError):  # noqa: N818 - named for what it says to the caller
    """This alarm cannot make that move from where it stands. state: where that is; None where it is not why."""

    def __init__(self, field: str, reason: str, state: State | None = None) -> None:
        super().__init__(field, reason)
        self.state = state


LEADS_TO: Mapping[Move, State] = MappingProxyType(
    {
        Move.TAKE: State.TAKEN,
        Move.GO: State.ON_THE_WAY,
        Move.ARRIVE: State.ON_SITE,
        Move.CLOSE: State.CLOSED,
        Move.REJECT: State.REJECTED,
        Move.ESCALATE: State.ESCALATED,
        Move.TRANSFER: State.TRANSFERRED,
        Move.CLEAR: State.CLEARED,
        Move.REOPEN: State.REOPENED,
    }
)
MOVE_TO: Mapping[State, Move] = MappingProxyType({state: move for move, state in LEADS_TO.items()})

_WAITING = frozenset({Move.TAKE, Move.REJECT, Move.ESCALATE, Move.TRANSFER})

ALLOWED: Mapping[State, frozenset[Move]] = MappingProxyType(
    {
        State.REPORTED: _WAITING | {Move.CLEAR},
        State.TAKEN: frozenset({Move.GO, Move.ARRIVE, Move.CLOSE, Move.REJECT, Move.ESCALATE, Move.TRANSFER}),
        State.ON_THE_WAY: frozenset({Move.ARRIVE, Move.CLOSE, Move.REJECT, Move.ESCALATE, Move.TRANSFER}),
        State.ON_SITE: frozenset({Move.CLOSE, Move.TRANSFER}),
        State.CLOSED: frozenset({Move.REOPEN}),
        State.REJECTED: frozenset({Move.TAKE, Move.ESCALATE, Move.TRANSFER}),
        State.ESCALATED: _WAITING | {Move.CLEAR},
        State.TRANSFERRED: _WAITING,
        State.CLEARED: frozenset({Move.REOPEN}),
        State.REOPENED: _WAITING,
    }
)
"""State → the moves that may be made from it. Everything else raises IllegalMove."""

ENDED = frozenset({State.CLOSED, State.CLEARED})
"""Nothing more is wanted of anybody."""
UNTAKEN = frozenset({State.REPORTED, State.ESCALATED, State.REJECTED, State.TRANSFERRED, State.REOPENED})
"""Nobody has it; it rings."""
HELD = frozenset({State.TAKEN, State.ON_THE_WAY, State.ON_SITE})
"""A named person has it."""
PERSON_MOVES = frozenset({Move.TAKE, Move.GO, Move.ARRIVE, Move.CLOSE, Move.REOPEN, Move.REJECT, Move.TRANSFER})
"""What a person does at a tablet."""
CENTRE_MOVES = frozenset({Move.ESCALATE, Move.CLEAR})
"""What the centre does by itself."""
GIVES_UP = frozenset({Move.REJECT, Move.TRANSFER})
"""After these nobody has it any more; while somebody has it, nobody else may."""

VKP_EVENT: Mapping[State, str | None] = MappingProxyType(
    {
        State.REPORTED: "0",
        State.TAKEN: "3",
        State.ON_THE_WAY: "4",
        State.ON_SITE: None,
        State.CLOSED: "7",
        State.REJECTED: "9",
        State.ESCALATED: None,
        State.TRANSFERRED: "9",
        State.CLEARED: None,
        State.REOPENED: None,
    }
)
"""State → the national composition event that reaching it is reported as; None where none fits.
Closing also reports its cause, which has a code of its own."""
VKP_EVENT_CAUSE = "6"

CAUSES = ("trengte_hjelp", "fall", "toalett", "smerte_sykdom", "urolig", "teknisk", "feil_utlost", "annet")
"""Why it rang, as the person on site saw it (codes; the words are in the message catalogue)."""
DECLINES = ("hos_annen_bruker", "for_langt_unna", "ikke_min", "logger_av", "annet")
"""Why somebody passes an alarm on, or will not take it (codes)."""
ACTIONS = ("hjelp_gitt", "tilsyn", "snakket_med", "lege_kontaktet", "teknisk_rettet", "ingen", "annet")
"""What was done (codes)."""


def after(state: State, move: Move, *, may_clear_itself: bool = True) -> State:
    """The state that a move leads to. Raises IllegalMove where the table does not have it."""
    if move not in ALLOWED[state]:
        raise IllegalMove("to", f"{move.value} is not possible from {state.value}", state)
    if move is Move.CLEAR and not may_clear_itself:
        raise IllegalMove("to", "this kind of alarm never clears itself", state)
    return LEADS_TO[move]
