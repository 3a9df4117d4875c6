"""What may be wrong with a road between a gateway and the centre, one thing at a time. Serves arrow 5.

Owns the values of a trouble and what a proxy or portal on the way makes of an answer. Must not know links or lanes.
Each trouble draws from a Random of its own, so that one more changes nothing for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

HTML = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center><hr></body></html>\r\n"
WELCOME = b"<!doctype html><title>Gjestenett</title><form action=/login><button>Koble til</button></form>"
NONSENSE = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"ok"',
    b'{"marks": 1}',
    WELCOME,
    b"\xff\xfe\x00",
    b'{"outcomes": [], "marks": {}}',
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back for a request."""

    status: int
    body: bytes
    retry_after_s: float | None = None


Answered = Callable[[Answer | None], None]
"""Called with the answer, or with None where the centre died over the request."""


class Proxy(StrEnum):
    """What stands in the road and answers, or spoils what is answered."""

    NONE = ""
    BAD_GATEWAY = "502"
    """The request never reaches the centre."""
    UNAVAILABLE = "503"
    """The same, in the word that the centre itself uses; without Retry-After."""
    GATEWAY_TIMEOUT = "504"
    """The centre has done its work, and the gateway is told that it did not answer."""
    PORTAL = "200"
    """A guest network answers 200 with a page of its own; the request never reaches the centre."""
    REDIRECT = "302"
    """The same with a redirection."""
    CUT_OFF = "cut off"
    """The centre has done its work; the connection ends in the middle of the answer, and the lane notices."""
    SHORTENED = "shortened"
    """The same, but a proxy has counted the bytes anew, so that the lane takes the half for a whole."""
    NONSENSE = "nonsense"
    """The centre has done its work; 200 with something else in it."""


BEFORE = frozenset((Proxy.BAD_GATEWAY, Proxy.UNAVAILABLE, Proxy.PORTAL, Proxy.REDIRECT))
"""These answer in the centre's place."""


@dataclass(slots=True, eq=False)
class Trouble:
    """One thing that is wrong with a road while it lasts; two are two, also where they are alike.

    no_requests, no_answers: nothing passes that way. refuses: nobody accepts a connection. late_ms: so much more each
    way. lost, lost_answers, doubled: chances, 0 to 1. wanders: the chance that a copy of a request stays somewhere on
    the way and arrives `wanders_ms` later, when its successors have come before it. bytes_per_s: 0 for no bound.
    proxy: what answers or spoils answers, with the chance `meddles`.
    """

    chance: Random
    no_requests: bool = False
    no_answers: bool = False
    refuses: bool = False
    late_ms: tuple[int, int] = (0, 0)
    lost: float = 0.0
    lost_answers: float = 0.0
    doubled: float = 0.0
    wanders: float = 0.0
    wanders_ms: tuple[int, int] = (0, 0)
    bytes_per_s: int = 0
    proxy: Proxy = Proxy.NONE
    meddles: float = 1.0

    def happens(self, chance: float) -> bool:
        """Whether something of this chance happens now; nothing is drawn for what never does."""
        return chance > 0 and self.chance.random() < chance

    def takes_ms(self, size: int) -> int:
        """How much later this many bytes arrive because of it."""
        late_ms = self.chance.randint(*self.late_ms) if self.late_ms[1] else 0
        return late_ms + (size * 1000 // self.bytes_per_s if self.bytes_per_s else 0)

    def instead(self) -> Answer | None:
        """What answers in the centre's place, None where the request goes on to it."""
        if self.proxy not in BEFORE or not self.happens(self.meddles):
            return None
        status = int(self.proxy.value)
        return Answer(status, WELCOME if status in (200, 302) else HTML % (status, status))

    def spoiled(self, answer: Answer) -> Answer | None:
        """What becomes of an answer; None where its connection ends in the middle of it."""
        if self.proxy is Proxy.NONE or self.proxy in BEFORE or not self.happens(self.meddles):
            return answer
        if self.proxy is Proxy.CUT_OFF:
            return None
        if self.proxy is Proxy.GATEWAY_TIMEOUT:
            return Answer(504, HTML % (504, 504))
        if self.proxy is Proxy.SHORTENED:
            return Answer(answer.status, answer.body[: self.chance.randrange(max(1, len(answer.body)))])
        return Answer(200, self.chance.choice(NONSENSE))
