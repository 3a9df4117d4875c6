"""Tests of the whole way that the centre asks for: each becomes one event. Serves arrows 3 to 5.

Owns which of them have been made an event already; that is remembered on disk with the event itself, so that one that
is asked for again, after whatever restart, is none anew. Must not know HTTP, or what becomes of a test.

A test goes the way of every event: interpreted group, outbox, batch, centre. It is class C, which the backlog lane
carries: a call has a lane of its own and never waits for one, and when the outbox is full tests are shed first. The
question came in the answer to a heartbeat, which is the lane of calls; so one test has used both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from nattevakt.edge.events import Body, ChainTest
from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_heartbeat import TESTS_MAX

KEY = "core.chain_tests"
"""The row of memory that holds the nonces that have become events, the newest last."""
KEPT = 500
"""So many are remembered: the centre asks for one for minutes only, and for few at a time."""
_NONCE = re.compile(r"[0-9a-f]{1,64}\Z")


class ChainTests:
    """What was asked for and is not on disk yet."""

    def __init__(self) -> None:
        self._asked: dict[str, None] = {}

    def answered(self, reply: HeartbeatReply) -> None:
        """What the centre asks for with this answer; what is no nonce is passed over."""
        for nonce in (reply.tests or ())[:TESTS_MAX]:
            if _NONCE.match(nonce) and len(self._asked) < KEPT:
                self._asked[nonce] = None

    @property
    def waiting(self) -> bool:
        """Whether any is to be made an event."""
        return bool(self._asked)

    def made(self, memory: Mapping[str, str]) -> tuple[list[Body], str | None]:
        """The events of those that are none yet, and the row of memory to store with them; None where there are none.

        Asked again before `stored` it gives the same again: nothing is taken off before it is on disk.
        """
        known = _known(memory)
        fresh = [nonce for nonce in self._asked if nonce not in known]
        if not fresh:
            self._asked.clear()
            return [], None
        return [ChainTest(nonce) for nonce in fresh], json.dumps([*known, *fresh][-KEPT:])

    def stored(self, memory: Mapping[str, str]) -> None:
        """This memory is on disk: what it names need not be made any more."""
        for nonce in _known(memory):
            self._asked.pop(nonce, None)


def _known(memory: Mapping[str, str]) -> list[str]:
    try:
        found = json.loads(memory.get(KEY, "[]"))
    except (ValueError, RecursionError):
        return []
    return [nonce for nonce in found if isinstance(nonce, str)] if isinstance(found, list) else []
