"""Roads in a test's hand, and a ledger whose sendings go out by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from nattevakt.central.alarms import escalating
from nattevakt.central.notify import dispatch
from nattevakt.central.notify.channel import Message, RateLimit, Result, Sent
from nattevakt.central.tables import wake_rows
from nattevakt.central.tables_duty import channel_health as health_rows
from tests.central.house import House
from tests.central.ledger import Ledger

PHONE = "+4790000001"


class Road:
    """A road in the test's hand: what it was given, and what it says. It may look into the database while it sends."""

    def __init__(self, name: str = "sms", *says: Result | Exception, tenants: tuple[str, ...] = ()) -> None:
        self.name, self.tenants, self.per_minute = name, tenants, 600
        self.says: list[Result | Exception] = list(says) or [Sent("ref")]
        self.given: list[Message] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, message: Message) -> Result:
        """As it was told; the last word for all that follow."""
        self.given.append(message)
        self.meanwhile()
        found = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of what it was given."""
        return [message.key for message in self.given]


class Office(Ledger):
    """A ledger whose sendings go out."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.limits: dict[str, RateLimit] = {}
        self.transact(lambda s: s.execute(PHONES, {"phone": PHONE}))

    def cycle(self, *roads: Road, after_s: float = 0) -> int:
        """Time goes by, and the centre sends."""
        self.passes(after_s)
        return dispatch.cycle(self.house.db, self.house.tenant, roads, self.now_ms, limits=self.limits)

    def health(self, road: str = "sms") -> Any:
        """A road's row."""
        return next((row for row in self.house.rows(health_rows) if row.channel == road), None)

    def down(self) -> list[tuple[str, str, int]]:
        """The alarms about roads: subject, state, priority."""
        return [(row.subject, row.state, row.priority) for row in self.house.alarms("channel_down")]

    def wakes_ms(self, alarm: int) -> int | None:
        """When the alarm's escalation looks again."""
        rows = self.house.rows(wake_rows)
        return next((r.wake_at_ms for r in rows if (r.subject, r.rule) == (f"alarm:{alarm}", escalating.RULE)), None)


PHONES = text("UPDATE staff SET phone = :phone WHERE tenant_id = :tenant")
