"""What the bed sensors of one bed, or the pads of one person's chairs, last read. Serves arrow 7.

Owns that several sensors of one kind make one answer (a double bed is left when all its halves are), and which of
them count. Must not know what is made of it.
"""

from __future__ import annotations

from typing import cast

from nattevakt.edge.rules.rule import Armed, Clear, Fact, JsonState, Key, Reason

Mats = dict[str, list[int]]
"""Address → [reads occupied, when it last said anything (ms)]."""

STALE_MS = 24 * 3_600_000
"""What a sensor said so long ago tells nothing of now: its resident may have been elsewhere and come back since."""
FOLDED_LATE_MS = 60_000
"""Nothing rings on the word of a part of the sensors before this has passed."""


def taken_back(code: str, fact: Fact, now_ms: int, key: Key | None = None) -> tuple[Clear, ...]:
    """What is said of an event (the fact's own, if no other is named) with which nothing begins, where it may have
    been taken for a beginning before something earlier was known.
    """
    if now_ms - fact.occurred.to_ms < FOLDED_LATE_MS:
        return ()
    return (Clear(Reason(code, {"place": fact.place}), (key or fact.key,)),)


def of(state: JsonState, name: str = "beds") -> Mats:
    """As a state keeps them; not to be written in."""
    return cast(Mats, state.get(name) or {})


def lain_in(mats: Mats) -> bool:
    """Whether any of them reads occupied."""
    return any(told[0] for told in mats.values())


def kept(mats: Mats, speaks: str, at_ms: int, armed: Armed, stale_ms: int = STALE_MS) -> Mats:
    """Those that still count when `speaks` is heard at `at_ms`: hanging there, and heard not too long ago."""
    if len(mats) == 1 and speaks in mats and at_ms - mats[speaks][1] < stale_ms:
        return mats
    return {
        name: told
        for name, told in mats.items()
        if at_ms - told[1] < stale_ms and (name == speaks or armed.devices is None or name in armed.devices)
    }
