"""The contract of a road by which people are told beyond the tablets' page. Serves arrow 9.

Owns what a message is, the three ways in which a try may end, which HTTP answer means which, and how often a road may
be used. Must not know any road, or storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

RETRY_AFTER_MAX_S = 300
"""However long the other side asks us to wait, an alarm is not kept for longer than this."""
_PASSING = frozenset({408, 421, 425, 429})
"""4xx that say nothing against the message; all 5xx are passing too."""
_WHOLE_ROAD = frozenset({401, 402, 403, 404, 405, 410})
"""4xx that any other message would be given as well: the account or the address is wrong."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser that wants push for one person. p256dh, auth: its keys, base64url."""

    id: int
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one target. It holds no name and nothing about anybody's health.

    key: the idempotency key, the same at every try. road: "sms", "push" or "webhook:<key>". phone: for text messages,
    "+4790000000". subscriptions: for push. at_ms: real time of this try.
    """

    alarm_id: int
    road: str
    key: str
    text: str
    at_ms: int
    phone: str = ""
    subscriptions: tuple[Subscription, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has said that it has it. gone: ids of subscriptions that are no more."""

    provider_ref: str | None = None
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; the same message may be taken later. retry_after_s: what the other side asks for, None if nothing.
    whole_road: it asks that for all messages, not for this one alone."""

    reason: str
    retry_after_s: float | None = None
    gone: tuple[int, ...] = ()
    whole_road: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """This message will not be taken. whole_road: no other one would be either, until somebody changes something."""

    reason: str
    whole_road: bool = False
    gone: tuple[int, ...] = ()


Result = Sent | Later | Never


class Road(Protocol):
    """One way out of the house."""

    @property
    def name(self) -> str:
        """As `sendings.road_of` says; the key of its health."""
        ...

    @property
    def tenants(self) -> Sequence[str]:
        """The keys of the tenants that it serves; none: all."""
        ...

    @property
    def per_minute(self) -> int:
        """How many messages it may be given in a minute."""
        ...

    def send(self, message: Message) -> Result:
        """Try once. Never raises for anything that the other side, or the net, does; takes some ten seconds at most."""
        ...


def serves(road: Road, tenant_key: str) -> bool:
    """Whether this road is there for a tenant."""
    return not road.tenants or tenant_key in road.tenants


def judged(status: int, retry_after: str = "", never: frozenset[int] = frozenset()) -> Later | Never | None:
    """What an HTTP status says; None: the message was taken. never: statuses that are for good on this road as well.

    A redirect is never followed: whoever answers with one is not whom we were to speak to.
    """
    reason = f"http_{status}"
    if 200 <= status < 300:
        return None
    if status in never:
        return Never(reason)
    if status in _PASSING or status >= 500:
        return Later(reason, _seconds(retry_after))
    return Never(reason, whole_road=status in _WHOLE_ROAD or status < 400)


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; its other form, a date, is not used by those we speak to and counts as none."""
    text = retry_after.strip()
    if not text.isascii() or not text.isdecimal():
        return None
    return float(min(int(text[:9]), RETRY_AFTER_MAX_S))


class RateLimit:
    """How often one road may be used: so many a minute, as many at once; and not at all while it asks us to wait.

    For one thread.
    """

    def __init__(self, per_minute: int) -> None:
        self._every_ms = 60_000 / per_minute
        self._most = float(per_minute)
        self._left = self._most
        self._at_ms: int | None = None
        self._not_before_ms = 0

    def take(self, now_ms: int) -> bool:
        """Whether one message may go now; counts it if so."""
        if self._at_ms is not None:
            # A clock that was set back gives nothing, and takes nothing.
            self._left = min(self._most, self._left + max(0, now_ms - self._at_ms) / self._every_ms)
        self._at_ms = now_ms
        if 0 < self._not_before_ms - now_ms <= RETRY_AFTER_MAX_S * 1000 or self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """The one that was taken last was not needed."""
        self._left = min(self._most, self._left + 1)

    def pause(self, until_ms: int) -> None:
        """Nothing before then."""
        self._not_before_ms = until_ms
