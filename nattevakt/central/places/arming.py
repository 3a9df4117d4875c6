"""Whether a rule may judge a resident now: armed, paused, without a legal basis, or off. Serves arrow 7.

Owns the gate, and reads all that it needs of a batch's residents in one statement. A gate that is closed holds back
what a planned rule would raise, never what it follows: facts are folded with the plan's numbers all the same. What no
plan sets (calls, falls, leaks, what is technical) rings through every gate, with a mark. Must not know rules from
within, or what is done with a mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, text

from nattevakt.central.db import TenantSession
from nattevakt.central.places.bases import NIGHT_MOST_MS, holds_to_ms, nights_of
from nattevakt.central.places.plans import bodies
from nattevakt.edge.rules.rule import Entry, Rule


class Word(StrEnum):
    """How a gate stands."""

    ARMED = "armed"
    PAUSED = "paused"
    NO_BASIS = "no_basis"
    OFF = "off"


NO_BASIS, PAUSED, ENDED, STARTUP = "no_basis", "paused", "ended", "startup"
MARKS = (ENDED, NO_BASIS, PAUSED, STARTUP)
"""What an alarm may be marked with. The values are stored and for ever."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How a rule stands for a subject now. until_ms: when a pause ends. marks: for the alarm that it may raise.

    plan_version_id: of the plan by which it is set; of a rule that no plan sets, the resident's plan. since_ms: when
    it closed, None where it is not known to have been open.
    """

    word: Word
    until_ms: int | None = None
    plan_version_id: int | None = None
    marks: tuple[str, ...] = ()
    since_ms: int | None = None

    @property
    def held(self) -> str | None:
        """The reason for which what the rule would raise is only written down; None where it rings."""
        return self.word.value if self.word in (Word.PAUSED, Word.NO_BASIS) else None

    def holds(self, at_ms: int) -> str | None:
        """The same for what was so at a moment: what came due before the gate closed rings, however late."""
        return None if self.since_ms is not None and at_ms < self.since_ms else self.held


OPEN = Gate(Word.ARMED)
"""Of what no resident is behind."""
OFF = Gate(Word.OFF)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one resident now. version_id, entries, startup: of the plan that is in force. ended: service has.

    basis: whether there is a legal ground; based_to_ms: until when there was, where it ran out a short while ago.
    pauses: rule (None: all), beginning and end of each that is in force.
    """

    resident_id: int
    version_id: int | None
    entries_by_rule: Mapping[str, tuple[Entry, ...]]
    startup: bool
    ended: bool
    basis: bool
    pauses: tuple[tuple[str | None, int, int], ...]
    based_to_ms: int | None = None

    def entries(self, rule: str) -> tuple[Entry, ...]:
        """What the plan sets a rule to; nothing where it has no line of it, or service has ended."""
        return self.entries_by_rule.get(rule, ())

    def paused_to_ms(self, rule: str) -> int | None:
        """Until when a rule is paused, None where it is not."""
        return max((to_ms for name, _, to_ms in self.pauses if name is None or name == rule), default=None)

    def paused_from_ms(self, rule: str) -> int | None:
        """Since when it is, None where it is not."""
        return min((from_ms for name, from_ms, _ in self.pauses if name is None or name == rule), default=None)


Standings = Mapping[int, Standing]

_STANDING = text(
    "SELECT r.id AS resident_id, p.id AS plan_id, p.version, p.startup_to_ms, p.ended_ms, v.id AS version_id, v.sha, "
    "b.review_ms, z.id AS pause_id, z.rule AS pause_rule, z.from_ms AS pause_from_ms, z.to_ms AS pause_to_ms "
    "FROM residents r "
    "LEFT JOIN plans p ON p.tenant_id = :tenant AND p.resident_id = r.id "
    "LEFT JOIN plan_versions v ON v.tenant_id = :tenant AND v.plan_id = p.id AND v.version = p.version "
    "LEFT JOIN bases b ON b.tenant_id = :tenant AND b.resident_id = r.id AND b.ended_ms IS NULL "
    "AND b.from_ms <= :now_ms AND b.review_ms > :least_ms "
    "LEFT JOIN pauses z ON z.tenant_id = :tenant AND z.resident_id = r.id AND z.from_ms <= :now_ms "
    "AND z.to_ms > :now_ms AND (z.ended_ms IS NULL OR z.ended_ms > :now_ms) "
    "WHERE r.tenant_id = :tenant AND r.id IN :residents"
).bindparams(bindparam("residents", expanding=True))


_NO_ENTRIES: Mapping[str, tuple[Entry, ...]] = {}


def standings(s: TenantSession, ids: Iterable[int], now_ms: int) -> Standings:
    """What holds for these residents now, in one statement (two, where a plan is new to this process)."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    asked = {"residents": wanted, "now_ms": now_ms, "least_ms": now_ms - NIGHT_MOST_MS}
    rows = s.execute(_STANDING, asked).all()
    known = bodies(s, {(row.version_id, row.sha) for row in rows if row.sha is not None and row.ended_ms is None})
    lapsed = {row.resident_id for row in rows if row.review_ms is not None and row.review_ms <= now_ms}
    nights = nights_of(s, lapsed) if lapsed else {}
    based: dict[int, int] = {}
    pauses: dict[int, dict[int, tuple[str | None, int, int]]] = {}
    for row in rows:
        if row.review_ms is not None:
            to_ms = holds_to_ms(int(row.review_ms), nights.get(row.resident_id))
            based[row.resident_id] = max(to_ms, based.get(row.resident_id, 0))
        if row.pause_id is not None:
            pause = (row.pause_rule, int(row.pause_from_ms), int(row.pause_to_ms))
            pauses.setdefault(row.resident_id, {})[row.pause_id] = pause
    found: dict[int, Standing] = {}
    for row in rows:
        number = int(row.resident_id)
        if number not in found:
            in_force = row.sha is not None and row.ended_ms is None
            found[number] = Standing(
                number,
                row.version_id,
                known[row.sha][1] if in_force else _NO_ENTRIES,
                row.startup_to_ms is not None and now_ms < row.startup_to_ms,
                row.ended_ms is not None,
                now_ms < based.get(number, 0),
                tuple(pauses.get(number, {}).values()),
                based.get(number),
            )
    return found


def gate(standing: Standing, rule: Rule) -> Gate:
    """How a rule stands for one resident."""
    marks = (STARTUP,) if standing.startup else ()
    paused_ms = standing.paused_to_ms(rule.name)
    if not rule.planned:
        said = {ENDED: standing.ended, NO_BASIS: not standing.basis, PAUSED: paused_ms is not None}
        held = tuple(mark for mark, holds in said.items() if holds)
        return Gate(Word.ARMED, None, standing.version_id, (*held, *marks))
    if not standing.entries(rule.name):
        return OFF
    if not standing.basis:
        return Gate(Word.NO_BASIS, None, standing.version_id, marks, standing.based_to_ms)
    if paused_ms is not None:
        return Gate(Word.PAUSED, paused_ms, standing.version_id, marks, standing.paused_from_ms(rule.name))
    return Gate(Word.ARMED, None, standing.version_id, marks)


_LOUDEST = (Word.ARMED, Word.PAUSED, Word.NO_BASIS, Word.OFF)


def gate_of(known: Standings, residents: Sequence[int], rule: Rule) -> tuple[Gate, tuple[Entry, ...]]:
    """How a rule stands for all who live in a place, and its entries: of those for whom it is armed, if any.

    Of several the one that rings wins; an alarm that nobody's plan sets carries the marks of all of them.
    """
    mine = [known[number] for number in residents if number in known]
    gates = [gate(standing, rule) for standing in mine]
    if not gates:
        return (OFF if rule.planned else OPEN), ()
    if not rule.planned:
        marks = tuple(mark for mark in MARKS if any(mark in one.marks for one in gates))
        return Gate(Word.ARMED, None, gates[0].plan_version_id, marks), ()
    word = min((one.word for one in gates), key=_LOUDEST.index)
    chosen = [(one, standing) for one, standing in zip(gates, mine, strict=True) if one.word is word]
    entries = tuple(entry for _, standing in chosen for entry in standing.entries(rule.name))
    # Where both are paused the sooner end is looked at; the later one holds back again.
    ends = [one.until_ms for one, _ in chosen if one.until_ms is not None]
    # What came due before the last of them closed would have rung then.
    closed = max((one.since_ms for one in gates if one.since_ms is not None), default=None)
    first = chosen[0][0]
    return Gate(word, min(ends, default=None), first.plan_version_id, first.marks, closed), entries
