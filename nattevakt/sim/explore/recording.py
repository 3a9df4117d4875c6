"""What a page about a night is drawn from: what truly happened, what was away and when, who did what. Serves timeline.

Owns the looking on: a referee that lets the judge judge, and beside it notes what changes, step by step, in true time.
It changes nothing, and nobody pays for it who has not asked for a page. Must not know how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nattevakt.sim.devices.device import Utterance
from nattevakt.sim.explore.judge import Judge
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.explore.playing import Broken, Outcome
from nattevakt.sim.explore.story import Story
from nattevakt.sim.host import GatewayHost
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Ward
from nattevakt.sim.watch import Seen
from nattevakt.sim.witness import Witness
from nattevakt.sim.world import World

WRONG_MS = 10_000
"""A wall clock that is so far from the truth is wrong."""
_MOVES = "SELECT id, alarm_id, at_ms, from_state, to_state, staff_id, cause FROM transitions ORDER BY id"
_SOUNDED = "SELECT id, sounded_ms, alarm_id, tablet_id FROM notices WHERE sounded_ms IS NOT NULL ORDER BY id"
_ROUNDS = "SELECT id, at_ms, staff_id FROM round_log WHERE staff_id IS NOT NULL ORDER BY id"
_STAFF = "SELECT id, key FROM staff"
_TABLETS = "SELECT id, name FROM tablets"


@dataclass(frozen=True, slots=True)
class Span:
    """For so long something was not as it should be. about: a gateway, a worker, "" for the centre. what: "box",
    "line", "slow" (its line is bad), "radio", "broker", "disk", "clock" of a gateway; "centre", "disk" of the centre;
    "off", "mute", "nobody" of a worker's tablet. Times are true Unix ms."""

    about: str
    what: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Cry:
    """A device said what must ring. made_up: no resident did it. heard: somebody was there to hear it."""

    at_ms: int
    address: str
    kind: str
    made_up: bool
    heard: bool


@dataclass(frozen=True, slots=True)
class Move:
    """One step of an alarm, when it was first seen in the centre. worker: "" where nobody did it."""

    at_ms: int
    alarm_id: int
    from_state: str
    to_state: str
    worker: str
    cause: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something at a worker: an alarm "shown" or "sounded" on the tablet, or a "round"."""

    at_ms: int
    worker: str
    what: str
    alarm_id: int = 0


@dataclass(slots=True)
class Night:
    """All of it."""

    story: Story
    ward: Ward
    ends_ms: int
    violations: tuple[Broken, ...]
    alarms: tuple[Seen, ...]
    counts: Mapping[str, int]
    lives: list[Happening] = field(default_factory=list)
    cries: list[Cry] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    """The trace: (true Unix ms, a sentence)."""


class _Onlooker:
    """A witness that notes what happens and passes everything on."""

    def __init__(self, inner: Witness, lives: list[Happening]) -> None:
        self._inner, self._lives = inner, lives

    def happened(self, happening: Happening, told: tuple[Utterance, ...]) -> None:
        """Something happened to a resident."""
        self._lives.append(happening)
        self._inner.happened(happening, told)

    def faulted(self, name: str, address: str, told: tuple[Utterance, ...], *, on: bool) -> None:
        """A device got a fault, or is rid of it."""
        self._inner.faulted(name, address, told, on=on)

    def carried(self, utterance: Utterance, *, reached: bool) -> None:
        """Something was said."""
        self._inner.carried(utterance, reached=reached)


class Recording:
    """A referee: the judge, and whoever writes down beside it. To be made before the world is started."""

    def __init__(self, world: World, story: Story, tablets: Callable[[], Sequence[Page]]) -> None:
        self._world, self._story, self._tablets = world, story, tablets
        self._judge = Judge(world, story, tablets)
        self._lives: list[Happening] = []
        world.witness = _Onlooker(world.witness, self._lives)
        self._spans: list[Span] = []
        self._wrong: dict[tuple[str, str], int] = {}
        self._moves: list[Move] = []
        self._notes: list[Note] = []
        self._known: set[tuple[object, ...]] = set()
        self._shown: dict[str, frozenset[tuple[int, int]]] = {}
        self._works = -1

    @property
    def violations(self) -> Sequence[Broken]:
        """The judge's."""
        return self._judge.violations

    @property
    def counts(self) -> Mapping[str, int]:
        """The judge's."""
        return self._judge.counts

    def look(self) -> None:
        """Something has happened."""
        self._judge.look()
        now_ms = self._world.line.now_ms
        for key, host in self._world.hosts.items():
            self._look_at_box(key, host, now_ms)
        centre = self._world.centre
        self._is("", "centre", not centre.up, now_ms)
        self._is("", "disk", centre.up and not centre.writable, now_ms)
        for page in self._tablets():
            self._look_at_tablet(page, now_ms)
        books = self._judge.truth.books
        if books.readable and centre.works != self._works:
            self._works = centre.works
            self._read(now_ms)

    def end(self) -> None:
        """The story is over."""
        self._judge.end()

    def night(self, outcome: Outcome, told: Sequence[tuple[int, str]]) -> Night:
        """All that was noted. told: the trace."""
        now_ms = self._world.line.now_ms
        left = [Span(about, what, from_ms, now_ms) for (about, what), from_ms in self._wrong.items()]
        spans = sorted([*self._spans, *left], key=lambda one: (one.from_ms, one.about, one.what))
        said, ward = self._judge.truth.said.cries, self._world.ward
        cries = [Cry(c.at_ms, c.address, c.kind, c.made_up, c.heard_ms is not None) for c in said]
        night = Night(self._story, ward, now_ms, outcome.violations, tuple(outcome.seen), outcome.counts)
        night.lives, night.cries, night.spans = self._lives, cries, spans
        night.moves, night.notes, night.told = self._moves, self._notes, list(told)
        return night

    def _is(self, about: str, what: str, wrong: bool, now_ms: int) -> None:
        since_ms = self._wrong.get((about, what))
        if wrong and since_ms is None:
            self._wrong[about, what] = now_ms
        elif since_ms is not None and not wrong:
            del self._wrong[about, what]
            self._spans.append(Span(about, what, since_ms, now_ms))

    def _look_at_box(self, key: str, host: GatewayHost, now_ms: int) -> None:
        up, link, clock = host.up, host.link, host.clock
        self._is(key, "box", not up, now_ms)
        self._is(key, "line", bool(link.troubles) and not link.passes, now_ms)
        self._is(key, "slow", bool(link.troubles) and link.passes, now_ms)
        self._is(key, "radio", up and not all(host.listens(port) for port in host.ports), now_ms)
        self._is(key, "broker", host.session.down, now_ms)
        self._is(key, "disk", up and not host.disk_fine, now_ms)
        wrong = not clock.synced or abs(clock.offset_ms) > WRONG_MS
        self._is(key, "clock", up and wrong, now_ms)

    def _look_at_tablet(self, page: Page, now_ms: int) -> None:
        self._is(page.worker, "off", not page.on, now_ms)
        self._is(page.worker, "mute", page.on and not page.sounds, now_ms)
        self._is(page.worker, "nobody", page.on and not page.person, now_ms)
        shown = frozenset(page.shown.items())
        before = self._shown.get(page.worker, frozenset())
        if shown != before:
            self._shown[page.worker] = shown
            for alarm_id in sorted({alarm for alarm, _ in shown} - {alarm for alarm, _ in before}):
                self._notes.append(Note(now_ms, page.worker, "shown", alarm_id))

    def _read(self, now_ms: int) -> None:
        """What is new in the centre's tables; a restore may give a number again, so rows are told apart by all."""
        ask, fresh = self._judge.truth.books.ask, self._fresh
        staff: dict[int, str] = {}
        for row in fresh("move", ask(_MOVES)):
            staff = staff or dict(ask(_STAFF))
            who = staff.get(row[5], "") if row[5] is not None else ""
            self._moves.append(Move(now_ms, row[1], row[3] or "", row[4], who, row[6]))
        sounded = fresh("sounded", ask(_SOUNDED))
        if sounded:
            tablets = {number: str(name).rpartition(" ")[2] for number, name in ask(_TABLETS)}
            self._notes += [Note(now_ms, tablets.get(row[3], ""), "sounded", row[2]) for row in sounded]
        for row in fresh("round", ask(_ROUNDS)):
            staff = staff or dict(ask(_STAFF))
            self._notes.append(Note(now_ms, staff.get(row[2], ""), "round"))

    def _fresh(self, sort: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        found = [row for row in rows if (sort, *row) not in self._known]
        self._known.update((sort, *row) for row in found)
        return found


class Recorder:
    """Makes the recording of the next story that is played."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._told: list[tuple[int, str]] = []

    def referee(self, world: World, story: Story, tablets: Callable[[], Sequence[Page]]) -> Recording:
        """The referee of a story."""
        self._told = []
        self._recording = Recording(world, story, tablets)
        return self._recording

    def told(self, at_ms: int, sentence: str) -> None:
        """A line of the trace."""
        self._told.append((at_ms, sentence))

    def night(self, outcome: Outcome) -> Night:
        """What was recorded of what was played."""
        assert self._recording is not None  # noqa: S101 - asked after a play
        return self._recording.night(outcome, self._told)
