"""The plan by which this gateway judges while the centre is away. Serves arrow 7 at the gateway.

Owns which plan is in force, whether it may be believed (its signature, its form, its age), and when the centre is asked
whether it still holds. Must not know rules from within, threads or HTTP. A plan that cannot be believed is refused and
counted, and the one before it stays.

It lies in the outbox's own memory: what is there is on disk, and survives a damaged file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment
from nattevakt.edge.pace import stretched
from nattevakt.edge.wire import Heartbeat, HeartbeatReply
from nattevakt.edge.wire_plan import LocalPlan, SignedPlan, opened
from nattevakt.gateway.health import age_ms
from nattevakt.gateway.inputs import Now

KEY = "local.plan"
"""The row of memory that holds the envelope, and when the centre last said that it holds."""
ASK_MS = 60_000
"""So often the centre is asked; what a plan says of pauses and guests is never older than that when the link goes."""
KEEP_MS = 3_600_000
"""So often it is written down that it still holds; it need not be known to the minute how many days old it is."""
OLD_MS = 7 * 24 * 3_600_000
"""An older plan says nothing any more of who lives there, or what they have agreed to."""


class PlanKept:
    """The plan in force. key: `credential_key` of this gateway's credential."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._envelope: SignedPlan | None = None
        self._held: Moment | None = None
        self._written: Moment | None = None
        self._ask_at_ms = 0
        self.plan: LocalPlan | None = None
        self.refused = 0
        self.problem: str | None = None
        """Why the last one that came was refused, None since one was taken."""

    def load(self, memory: Mapping[str, str]) -> None:
        """What lies on disk; what was tampered with there is refused as if it had come so."""
        if KEY not in memory:
            return
        try:
            text, mac, *held = json.loads(memory[KEY])
            envelope, moment = SignedPlan(str(text), str(mac)), Moment(*held)
            age_ms(moment, moment)
        except (ValueError, TypeError, RecursionError):
            self._refuse("cannot be read")
            return
        try:
            self.plan = opened(envelope, self._key)
        except RejectError as error:
            self._refuse(error.reason)
            return
        self._envelope, self._held, self._written = envelope, moment, moment

    def _refuse(self, why: str) -> None:
        self.refused += 1
        self.problem = f"local plan refused: {why}"

    def added_to(self, heartbeat: Heartbeat, now: Now) -> Heartbeat:
        """The heartbeat, with the version that is in force if it is time to ask."""
        if now.moment.boottime_ms < self._ask_at_ms:
            return heartbeat
        return replace(heartbeat, plan_have=self.plan.version if self.plan is not None else "")

    def answered(self, reply: HeartbeatReply, now: Now) -> dict[str, str | None]:
        """What the centre says; gives the row of memory to store, if any."""
        if reply.plan_version is None:
            return {}
        self._ask_at_ms = now.moment.boottime_ms + stretched(ASK_MS, now.pace)
        if reply.plan is not None:
            try:
                plan = opened(reply.plan, self._key)
            except RejectError as error:
                self._refuse(error.reason)
                return {}
            self.plan, self._envelope, self.problem, self._written = plan, reply.plan, None, None
        elif self.plan is None or self.plan.version != reply.plan_version:
            return {}
        self._held = now.moment
        if self._envelope is None or (self._written is not None and age_ms(self._written, now.moment) < KEEP_MS):
            return {}
        self._written = at = now.moment
        said = [self._envelope.text, self._envelope.hmac, at.boot, at.boottime_ms, at.wall_ms, at.synced]
        return {KEY: json.dumps(said)}

    def unwritten(self) -> None:
        """What `answered` gave last is not on disk."""
        self._written = None

    def old(self, now: Now) -> bool:
        """Whether the centre has not said for too long that it holds; True also where there is none."""
        if self._held is None:
            return True
        # Of another boot the clocks may lie, but it is no younger than this one.
        least_ms = 0 if self._held.boot == now.moment.boot else now.moment.boottime_ms
        return max(least_ms, age_ms(self._held, now.moment)) > OLD_MS
