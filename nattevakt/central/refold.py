"""Facts into a rule that folds, in the order in which they happened, also when they come late. Serves arrow 7.

Owns the stored fold: the rule's state, how far it has come, and states from a while ago to begin again from. A fact
older than the last folded one is never patched in: the state goes back to before it, and the stored events from there
on are folded anew. Must not know what a rule makes of them; that an alarm is not raised twice by this is the
register's promise, by the events that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select

from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.cases import Case, Pos, Told, Way, concerns, position, where_of
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import devices_of, look_up
from nattevakt.central.states import written
from nattevakt.central.tables import events
from nattevakt.central.technical import Origin
from nattevakt.edge.events import KIND_OF, Health
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Occurred, Rule, Step, Verdict
from nattevakt.edge.wire import decode_event

NEAR_MS = 600_000
FAR_MS = 24 * 3_600_000
"""States to begin again from are at least so far apart: two near ones, for what a second gateway tells a little
later, and two far ones, for what comes after an outage."""
BACK_MS = 24 * 3_600_000
"""How far before a fact that is older than all of them the stored events are read."""
AHEAD_MS = 60_000
"""Nothing happens later than it is told. A stored event that lies further ahead was dated while the centre's clock was
wrong, and must not come after all that happens now."""


@dataclass(slots=True)
class Mark:
    """The state just after the fact at `pos`. text: as it is stored, made once: a mark outlives many batches."""

    pos: Pos
    state: JsonState
    text: str = ""

    def written(self) -> str:
        """As `Fold.written` has it."""
        if not self.text:
            self.text = f"[{_numbers(self.pos)},{written(self.state)}]"
        return self.text


def _numbers(pos: Pos) -> str:
    return f"[{','.join(map(str, pos))}]"


@dataclass(slots=True)
class Fold:
    """What `rule_states` keeps for a rule that folds. wake_ms: the deadline that is armed."""

    state: JsonState = field(default_factory=dict)
    at: Pos = ()
    near: list[Mark] = field(default_factory=list)
    far: list[Mark] = field(default_factory=list)
    wake_ms: int | None = None

    @classmethod
    def load(cls, stored: JsonState) -> Fold:
        """From what `plain` gave, or from nothing."""
        kept: Any = stored
        if not kept:
            return cls()
        near, far = ([Mark(tuple(pos), state) for pos, state in kept[name]] for name in ("near", "far"))
        return cls(kept["state"], tuple(kept["at"]), near, far, kept["wake_ms"])

    def plain(self) -> JsonState:
        """As JSON can hold it."""
        return {
            "state": dict(self.state),
            "at": list(self.at),
            "near": [[list(mark.pos), dict(mark.state)] for mark in self.near],
            "far": [[list(mark.pos), dict(mark.state)] for mark in self.far],
            "wake_ms": self.wake_ms,
        }

    def written(self) -> str:
        """The text of `plain`. Raises ValueError or TypeError where a state is none."""
        near, far = (",".join([mark.written() for mark in marks]) for marks in (self.near, self.far))
        wake_ms = "null" if self.wake_ms is None else str(self.wake_ms)
        return (
            f'{{"state":{written(self.state)},"at":{_numbers(self.at)},'
            f'"near":[{near}],"far":[{far}],"wake_ms":{wake_ms}}}'
        )

    def take(self, step: Step) -> None:
        """What a rule made of a fact or a deadline."""
        self.state, self.wake_ms = step.state, step.wake_at_ms

    def _before(self, pos: Pos, rule: Rule) -> Fold:
        """The fold as it was before this position, its deadlines still to be judged."""
        near = [mark for mark in self.near if mark.pos < pos]
        far = [mark for mark in self.far if mark.pos < pos]
        base = max([*near, *far], key=lambda mark: mark.pos, default=None)
        if base is None or rule.folding is None:
            return Fold(wake_ms=self.wake_ms)
        return Fold(rule.folding.unjudged(base.state), base.pos, near, far, self.wake_ms)

    def is_late(self, cases: Sequence[Case]) -> bool:
        """Whether the first of these, which are in order, happened before what is folded already."""
        return bool(self.at) and cases[0][0].pos < self.at

    def with_late(
        self, s: TenantSession, subject: str, rule: Rule, told: Sequence[Case], cases: Sequence[Case], now_ms: int
    ) -> tuple[Fold, list[tuple[Case, Verdict]]]:
        """Fold a batch's cases in, which are in order, the first of them late. told: cases of the same batch that have
        been folded already and are not stored yet.

        Gives the fold after them and what the rule says, by the case at which it says it.
        """
        first = cases[0][0].pos
        fold = self._before(first, rule)
        since_ms = fold.at[0] if fold.at else first[0] - BACK_MS
        stored = _stored(s, subject, rule, cases[0][1].settings, since_ms)
        to_ms = now_ms + AHEAD_MS
        todo = {case[0].pos: case for case in (*stored, *told, *cases)}
        again = [todo[pos] for pos in sorted(todo) if pos > fold.at and pos[0] <= to_ms]
        return fold, fold.through(rule, again, now_ms)

    def anew(self, s: TenantSession, subject: str, rule: Rule, armed: Armed, now_ms: int) -> Fold:
        """The fold as it would be had the rule been set so since yesterday: an episode that is running gets its new
        limit. What it says to old facts has been said, or is nobody's concern any more; its deadlines are judged.
        """
        old = [mark for mark in self.far if mark.pos[0] <= now_ms - BACK_MS]
        fold = self._before((old[-1].pos[0] + 1,), rule) if old else Fold()
        since_ms = fold.at[0] if fold.at else now_ms - BACK_MS
        to_ms = now_ms + AHEAD_MS
        todo = {case[0].pos: case for case in _stored(s, subject, rule, armed, since_ms)}
        fold.through(rule, [todo[pos] for pos in sorted(todo) if fold.at < pos and pos[0] <= to_ms], now_ms)
        return fold

    def through(self, rule: Rule, cases: Sequence[Case], now_ms: int) -> list[tuple[Case, Verdict]]:
        """Fold these in, which are in order and not late; gives what the rule says."""
        said: list[tuple[Case, Verdict]] = []
        step, state, wake_ms, at = rule.step, self.state, self.wake_ms, self.at
        keep_ms = self._keep_ms()
        for case in cases:
            told, way = case
            if at and at[0] >= keep_ms:
                self.state, self.at = state, at
                keep_ms = self._keep()
            made = step(state, told.fact, way.settings, now_ms)
            at = told.pos
            if made is None:
                continue
            state, wake_ms = made.state, made.wake_at_ms
            if made.verdicts:
                said += [(case, verdict) for verdict in made.verdicts]
        self.state, self.wake_ms, self.at = state, wake_ms, at
        return said

    def _keep_ms(self) -> int:
        """From when on a state is old enough to be kept beside those that are."""
        return self.near[-1].pos[0] + NEAR_MS if self.near else 0

    def _keep(self) -> int:
        """Keep the state as it is before the next fact; gives when the next is kept."""
        mark = Mark(self.at, self.state)
        self.near = [*self.near, mark][-2:]
        if not self.far or self.at[0] - self.far[-1].pos[0] >= FAR_MS:
            self.far = [*self.far, mark][-2:]
        return self._keep_ms()


_STORED = (
    select(
        events.c.gateway_id,
        events.c.stream_id,
        events.c.seq,
        events.c.variant,
        events.c.device,
        events.c.occurred_from_ms,
        events.c.occurred_to_ms,
        events.c.received_ms,
        events.c.raw,
    )
    .where(
        events.c.tenant_id == TENANT,
        events.c.device.in_(bindparam("devices", expanding=True)),
        events.c.occurred_to_ms >= bindparam("since_ms"),
        events.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(events.c.occurred_to_ms)
)
# One for each partial index. What no plan sets sees class A too, and what devices say of themselves.
_EDGES = _STORED.where(events.c.urgency == "B")
_URGENT = _STORED.where(events.c.urgency == "A")
_HEALTH = _STORED.where(events.c.kind == "health")


def _stored(s: TenantSession, subject: str, rule: Rule, armed: Armed, since_ms: int) -> Iterable[Case]:
    """The subject's stored events from a moment on, as this rule sees them."""
    devices = devices_of(s, subject)
    if not devices:
        return
    places = look_up(s, devices)
    kinds = sorted(KIND_OF[body] for body in rule.wants)
    asked = {"devices": list(devices), "since_ms": since_ms, "kinds": kinds}
    health = (_HEALTH,) if Health in rule.wants else ()
    for statement in (_EDGES,) if rule.planned else (_EDGES, _URGENT, *health):
        for row in s.execute(statement, asked):
            spot = places.at(row.device, row.occurred_to_ms)
            body = decode_event(row.raw).body
            if not concerns(subject, rule, body, row.device, row.gateway_id, spot):
                continue
            fact = Fact(
                body,
                Occurred(row.occurred_from_ms, row.occurred_to_ms),
                row.received_ms,
                spot.spot if spot is not None else "",
                EventKey(row.gateway_id, row.stream_id, row.seq, row.variant).plain,
            )
            yield Told(fact, position(fact)), Way(where_of(_NOWHERE, row.device, spot), armed)


_NOWHERE = Origin(0, 0, "", "", "")
"""What is folded again rings nobody, so that nobody asks where."""
