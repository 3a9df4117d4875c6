"""Ground truth of a simulated night: what was written, what was said, and when it could be known. Serves the judge.

Owns the joining of what the witnesses saw: rows on the gateways' disks (truth_rows), the centre's books (truth_books),
what devices said (truth_said), the roads between (truth_roads). Looked at after every step of the timeline, so it does
nothing where nothing has changed. Must not know what is demanded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from nattevakt.edge.events import BEFORE_BOOT, EventId, Moment, Tombstone
from nattevakt.edge.wire import event_line
from nattevakt.sim.explore.truth_books import Books, Held, News
from nattevakt.sim.explore.truth_roads import Watchman, Way
from nattevakt.sim.explore.truth_rows import Box, Id, Written
from nattevakt.sim.explore.truth_said import Said
from nattevakt.sim.host import GatewayHost
from nattevakt.sim.world import World


@dataclass(slots=True)
class Step:
    """What one look brought. written: rows that are new on a disk. news: what the centre did, None where nothing.
    unknown: rows at the centre that no disk ever held, or with other bytes. roads: a road has changed. disks: a cut
    has left an image, or a card is another."""

    now_ms: int
    written: list[Written] = field(default_factory=list)
    news: News | None = None
    unknown: list[Held] = field(default_factory=list)
    roads: bool = False
    disks: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not (self.written or self.news is not None or self.roads or self.disks)


class Truth:
    """All that is true of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.line = world.line
        self.boxes: dict[str, Box] = {}
        self.ways: dict[str, Way] = {}
        self.books = Books(world.centre)
        self.said = Said(world)
        self.watchman = Watchman(world.centre, world.line.now_ms)
        self.clones: dict[int, Box] = {}
        """Boxes that run on a copy of another's card, by the order in which they came; nothing is demanded of them."""
        self.cloned: set[str] = set()
        """The gateways of which there has been a copy."""
        self._clones: dict[str, GatewayHost] = {}
        self.forgot_ms: dict[str, int] = {}
        """When each gateway's broker last lost its memory."""
        self.rows: dict[Id, Written] = {}
        self._remembers: dict[str, bool] = {}
        self._offset_ms = world.centre.now_ms() - world.line.now_ms
        self._set_back_ms: list[int] = []
        self._clock_ms = 0
        self._signs: tuple[object, ...] = ()
        self._steady = False
        """Whether nothing but time passes for all roads until one of their signs changes."""
        self._works: tuple[int, ...] = ()
        self._nothing = Step(self.line.now_ms)
        world.witness = self.said

    def look(self) -> Step:
        """See what has changed since the last look."""
        now_ms = self.line.now_ms
        signs = self._signs_now(now_ms)
        moved = signs != self._signs
        works = self._works_now()
        # A clone has an agent of its own, whose turns nobody counts here.
        if not moved and self._steady and not self.world.clones:
            for way in self.ways.values():
                way.passes_time(now_ms)
            if works == self._works and now_ms < self.books.all_at_ms:
                self._nothing.now_ms = now_ms
                return self._nothing
            step = Step(now_ms)
        else:
            self._signs = signs
            step = self._roads(now_ms, at_once=moved)
        self._works = works
        self._read(step)
        return step

    def _signs_now(self, now_ms: int) -> tuple[object, ...]:
        """What the roads, the disks and the clocks hang on: while these are as they were, so are they."""
        centre = self.world.centre
        mine = (centre.lives, centre.up, centre.writable, centre.now_ms() - now_ms, len(self.world.hosts))
        return (*mine, *[way.signs for way in self.ways.values()])

    def _works_now(self) -> tuple[int, ...]:
        """What has been done that may have been written down."""
        return (self.world.centre.works, *[way.host.turns for way in self.ways.values()])

    def _roads(self, now_ms: int, *, at_once: bool) -> Step:
        step = Step(now_ms)
        if len(self.boxes) < len(self.world.hosts):
            self._meet(now_ms)
        self.watchman.look(now_ms)
        if at_once or now_ms >= self._clock_ms:
            self._clock_ms = now_ms + 100
            self._look_at_clock(now_ms)
        for key, way in self.ways.items():
            step.roads |= way.look(now_ms, at_once=at_once)
            step.disks |= self.boxes[key].is_another
            remembers = way.host.session.remembers
            if remembers != self._remembers[key]:
                self._remembers[key] = remembers
                if not remembers:
                    self.forgot_ms[key] = now_ms
        self._steady = self.watchman.up_ms is not None and all(way.steady for way in self.ways.values())
        return step

    def _read(self, step: Step) -> None:
        """What has been written, by gateways and by the centre."""
        for box in self.boxes.values():
            written = box.look(step.now_ms)
            if written:
                step.written += written
                self.rows.update((row.id, row) for row in written)
        if self.world.clones or self.clones:
            self._look_at_clones(step.now_ms)
        step.news = self.books.look(step.now_ms)
        if step.news is not None:
            self._arrive(step, step.news)

    def true_span(self, row: Written) -> tuple[int, int]:
        """Between which true moments what a row tells of happened. A row of stored history by its own clock."""
        event = row.event
        to_ms = self.true_ms(row.gateway, event.at, row.at_ms)
        if event.since is None:
            return to_ms, to_ms
        return min(to_ms, self.true_ms(row.gateway, event.since, 0)), to_ms

    def true_ms(self, gateway: str, moment: Moment, otherwise: int) -> int:
        """The true moment of a gateway's reading of its clocks."""
        if moment.boot == BEFORE_BOOT:
            return moment.wall_ms
        known = self.boxes[gateway].true_ms(moment.boot, moment.boottime_ms)
        return otherwise if known is None else known

    def set_back(self, from_ms: int, to_ms: int) -> bool:
        """Whether the centre's clock was set back between two true moments."""
        return any(from_ms <= at_ms <= to_ms for at_ms in self._set_back_ms)

    def close(self) -> None:
        """Let go of all files."""
        for box in (*self.boxes.values(), *self.clones.values()):
            box.close()
        self.books.close()

    def _look_at_clones(self, now_ms: int) -> None:
        for key, host in self.world.clones.items():
            if self._clones.get(key) is not host:
                self._clones[key] = host
                self.cloned.add(key)
                self.clones[len(self.clones)] = Box(host, self.world.plan.folder / f"judge-clone-{len(self.clones)}")
        for box in self.clones.values():
            for row in box.look(now_ms):
                self.rows.setdefault((row.gateway, row.stream, row.seq), row)

    def _look_at_clock(self, now_ms: int) -> None:
        offset_ms = self.world.centre.now_ms() - now_ms
        if offset_ms < self._offset_ms:
            self._set_back_ms.append(now_ms)
        self._offset_ms = offset_ms

    def _meet(self, now_ms: int) -> None:
        folder = self.world.plan.folder / "judge"
        for key, host in self.world.hosts.items():
            if key not in self.boxes:
                self.boxes[key] = Box(host, folder)
                self.ways[key] = Way(host, self.world.centre, now_ms)
                self._remembers[key] = host.session.remembers

    def _arrive(self, step: Step, news: News) -> None:
        for name in news.lost:
            row = self.rows.get(name)
            if row is not None:
                self.boxes[row.gateway].lost_again(row, step.now_ms)
        for held in news.held:
            row = self.rows.get(held.id)
            if row is None or held.variant or not _same(row, held):
                step.unknown.append(held)
                continue
            self.boxes[row.gateway].arrived(row, step.now_ms)
            body = row.event.body if row.kind == "tombstone" else None
            if isinstance(body, Tombstone):
                self._bury(row.gateway, body)
        for name, _ in news.refused:
            row = self.rows.get(name)
            if row is not None:
                self.boxes[row.gateway].arrived(row, step.now_ms)

    def _bury(self, gateway: str, body: Tombstone) -> None:
        box = self.boxes[gateway]
        for seq in range(body.first_seq, body.last_seq + 1):
            row = self.rows.get((gateway, body.stream, seq))
            # What is shed from a range is gone; what was only passed over still comes by itself.
            if row is not None and row.open and (body.reason != "shed" or row.urgency == body.lost_class):
                box.bury(row)


def _same(row: Written, held: Held) -> bool:
    line = event_line(EventId(row.stream, row.seq), row.body)
    return sha256(line).digest() == held.sha256
