"""Invariants 3 and 5: what rings is on a tablet that can sound, and whoever cannot do its job is known to somebody.

Owns the limits of being nowhere: alarms without a tablet, gateways and devices that are silent, disks that take
nothing. Counted only while the centre is up. Must not know what rang and why.

Where no tablet of the ward has power and sound nothing can be shown: that is counted ("nowhere"). What is demanded then
is that the alarm goes on to others (invariants_onward.py) and that somebody is told of it (invariants_reach.py); once
there is one, the alarm must be on it within the limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from nattevakt.central.alarms.lifecycle import UNTAKEN
from nattevakt.central.gateway_faults import GATEWAY_FAULT, SOURCE
from nattevakt.central.technical import TOLD_AGAIN_MS, at_next_shift
from nattevakt.gateway.sources import MQTT, serial_source
from nattevakt.sim.explore.invariants import (
    GRACE_MS,
    KNOWN_MS,
    MINUTE_MS,
    SHOWN_MS,
    SILENT_MS,
    Court,
    Quiet,
)
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm
from nattevakt.sim.explore.truth_roads import Way

DISK_MS = 2 * MINUTE_MS
"""A disk that takes nothing is told of with the next heartbeat that gets through."""
TOLD_MS = 31 * MINUTE_MS
"""Whoever was told of a fault half an hour ago still knows of it; a heartbeat and a sweep, and it rings again."""
AGAIN_MS = 2 * MINUTE_MS
"""From when whoever ended an alarm is to hear that its fault goes on: a look that comes each minute, and a sweep."""
SOURCE_MS = 30_000 + 2 * MINUTE_MS
"""What a gateway cannot hear its devices by: its own limit, a heartbeat that gets through, and what a broker's client
needs to notice."""
DEVICE_LEAST_MS = 600_000
DEVICE_INTERVALS = 3
DEVICE_SLACK_MS = 3 * MINUTE_MS
"""The heartbeat that says when a device was heard (15 s), a look that came too early and comes again, a lag (60 s)."""
LOOK_MS = 10_000
LEDGER_MS = 5 * MINUTE_MS
"""How far back the ledger of notices is looked through each time."""
_SENT = "SELECT id, tablet_id, alarm_id FROM notices WHERE made_ms > ? AND sent_ms IS NOT NULL"
_UNTAKEN = frozenset(state.value for state in UNTAKEN)


class Shown(Quiet):
    """Invariant 3: never nowhere."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._open: dict[int, Alarm] = {}
        self._since: dict[tuple[int, int], int] = {}
        """Since when a sounding has been nowhere although it could be somewhere."""
        self._before_ms = court.truth.line.now_ms
        self._ledger_ms = 0

    def step(self, step: Step) -> None:
        """Note what rings and nobody has."""
        if step.news is None:
            return
        if step.news.restored:
            self._open = {a.id: a for a in self.truth.books.alarms.values() if a.state in _UNTAKEN}
        for alarm in step.news.alarms:
            if alarm.state in _UNTAKEN:
                self._open[alarm.id] = alarm
            else:
                self._open.pop(alarm.id, None)

    def tick(self, now_ms: int) -> None:
        """See whether everything that rings is somewhere."""
        self._ledger(now_ms)
        tablets = [tablet for tablet in self.court.tablets() if tablet.on and tablet.sounds]
        if not tablets or self.truth.watchman.up_ms is None:
            self._since.clear()
            if self._open:
                self.court.count("seconds nowhere", (now_ms - self._before_ms) // 1000)
            self._before_ms = now_ms
            return
        self._before_ms = now_ms
        for alarm in self._open.values():
            key = (alarm.id, alarm.sound_seq)
            if any(tablet.shown.get(alarm.id) == alarm.sound_seq for tablet in tablets):
                self._since.pop(key, None)
                continue
            since = self._since.setdefault(key, now_ms)
            if now_ms - since > SHOWN_MS and self.truth.watchman.up_for_ms(since, now_ms) > SHOWN_MS:
                says = (
                    f"alarm {alarm.id} ({alarm.kind}) ringer for gang {alarm.sound_seq} og er ikke på noe nettbrett som"
                    f" kan lage lyd, {(now_ms - since) // 1000} s etter at den kunne vært det"
                )
                self.court.accuse(3, f"alarm {alarm.id}", f"nowhere {key}", says)

    def _ledger(self, now_ms: int) -> None:
        """What is written down as sent has come to its tablet."""
        if now_ms < self._ledger_ms or not self.truth.books.readable:
            return
        self._ledger_ms = now_ms + LOOK_MS
        given = {tablet.number: tablet.given for tablet in self.court.tablets() if tablet.number is not None}
        since_ms = now_ms - LEDGER_MS + self.court.offset_ms
        for number, tablet_id, alarm_id in self.truth.books.ask(_SENT, (since_ms,)) if given else ():
            if tablet_id in given and number not in given[tablet_id]:
                says = f"varsel {number} om alarm {alarm_id} står som sendt, men har aldri kommet til nettbrettet"
                self.court.accuse(3, f"alarm {alarm_id}", f"unsent {number}", says)


class Known(Quiet):
    """Invariant 5: who cannot do its job."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._look_ms = 0
        self._stored: dict[str, tuple[int, int]] = {}
        """How much each gateway's disk had taken, and since when it has taken no more."""
        self._revoked_ms: dict[str, int] = {}
        """When each gateway's key was last seen to be withdrawn: whoever has it anew is expected from then on."""
        self._out_ms: dict[tuple[str, str], tuple[int, int]] = {}
        """Since when each source of a gateway has been away, and when it was last seen to be: what hangs on it has a
        fault of its own."""
        self._technical: dict[str, dict[str, Alarm]] = {}
        """The latest alarm of each subject, by rule."""

    def step(self, step: Step) -> None:
        """Note technical alarms."""
        if step.news is None:
            return
        if step.news.restored:
            self._technical.clear()
            for alarm in self.truth.books.alarms.values():
                self._technical.setdefault(alarm.subject, {})[alarm.rule] = alarm
        for alarm in step.news.alarms:
            if alarm.subject.startswith(("gateway:", "device:")):
                self._technical.setdefault(alarm.subject, {})[alarm.rule] = alarm

    def tick(self, now_ms: int) -> None:
        """See who is silent."""
        if now_ms < self._look_ms or not self.truth.books.readable:
            return
        self._look_ms = now_ms + LOOK_MS
        for key in self.truth.ways:
            self._gateway(key, now_ms)
            self._disk(key, now_ms)
            self._sources(key, now_ms)
        self._devices(now_ms)

    def _gateway(self, key: str, now_ms: int) -> None:
        way, watchman = self.truth.ways[key], self.truth.watchman
        if self.court.is_revoked(key):
            self._revoked_ms[key] = now_ms
        if way.passes_ms is not None or self.court.is_revoked(key):
            return
        # The centre's own absence gives everybody a grace, once in ten minutes; here as if it always did.
        silent = watchman.up_for_ms(max(way.stopped_ms, self._revoked_ms.get(key, 0)), now_ms)
        recently = now_ms - silent - watchman.away_ms < 5_000 and watchman.away_ms > 0
        limit_ms = SILENT_MS + KNOWN_MS + (GRACE_MS if recently else 0)
        if silent <= limit_ms:
            return
        alarm = self._technical.get(f"gateway:{self.truth.books.gateways[key]}", {}).get("gateway_silent")
        if alarm is None or not self._is_told(alarm, now_ms):
            says = (
                f"{key} har ikke kunnet nå sentralen siden {self.court.clock(way.stopped_ms)}, og etter"
                f" {silent // 1000} s med sentralen oppe vet ingen det"
            )
            self.court.accuse(5, key, f"silent {way.stopped_ms}", says)

    def _is_told(self, alarm: Alarm, now_ms: int) -> bool:
        """Whether somebody knows by this alarm: it is open, or somebody ended it not long ago and thought it mended."""
        if alarm.is_open:
            return True
        again_ms = alarm.moves[-1].seen_ms + TOLD_AGAIN_MS
        return alarm.state == "avsluttet" and self.truth.watchman.up_for_ms(again_ms, now_ms) <= AGAIN_MS

    def _sources(self, key: str, now_ms: int) -> None:
        """A broker or a line that is away is told of by its gateway, whatever else is wrong with it."""
        way, known = self.truth.ways[key], self._technical.get(f"gateway:{self.truth.books.gateways[key]}", {})
        for source, away in self._away(way):
            if not away:
                self._out_ms[key, source] = now_ms, self._out_ms.get((key, source), (0, 0))[1]
                continue
            since_ms = self._out_ms.get((key, source), (now_ms, 0))[0]
            self._out_ms[key, source] = since_ms, now_ms
            if way.whole_ms is None or way.agent_ms is None or self.court.is_revoked(key):
                continue
            from_ms = max(since_ms, way.whole_ms, way.agent_ms, self._revoked_ms.get(key, 0))
            if self.truth.watchman.up_for_ms(from_ms, now_ms) <= SOURCE_MS:
                continue
            alarm = known.get(f"{GATEWAY_FAULT}:{SOURCE}:{source}")
            if alarm is None or not self._is_told(alarm, now_ms):
                says = f"{key} hører ingenting fra {source} siden {self.court.clock(since_ms)}, og ingen vet det"
                self.court.accuse(5, key, f"source {source} {since_ms}", says)

    def _away(self, way: Way) -> Iterator[tuple[str, bool]]:
        """What a gateway hears its devices by, as it calls it, and whether that is away. An agent that is off says
        nothing of its broker; a line that is out stays out."""
        if self.truth.world.ward.dialects(way.key) and way.host.up:
            yield MQTT, not way.host.session.connected
        for port in way.host.ports:
            yield serial_source(port), way.host.is_out(port)

    def _disk(self, key: str, now_ms: int) -> None:
        way = self.truth.ways[key]
        stored, took_ms = self._stored.get(key, (-1, now_ms))
        if way.host.storage.stored != stored:
            # A disk that cannot grow still takes what fits into it; nothing is wrong before something does not.
            stored, took_ms = way.host.storage.stored, now_ms
        self._stored[key] = (stored, took_ms)
        if way.disk_ms is None or not way.host.up or not way.host.link.passes or now_ms - took_ms <= DISK_MS:
            return
        full = self.truth.watchman.up_for_ms(max(way.disk_ms, way.agent_ms or now_ms), now_ms)
        if full <= DISK_MS or now_ms - way.disk_ms <= DISK_MS:
            return
        mine = self._technical.get(f"gateway:{self.truth.books.gateways[key]}", {})
        known = [alarm for rule, alarm in mine.items() if rule.startswith(("gateway_fault:store", "gateway_silent"))]
        # A card that fails now and then is well now and then: whoever was told a moment ago knows.
        if not any(alarm.is_open or now_ms - alarm.moves[-1].seen_ms < TOLD_MS for alarm in known):
            says = f"disken i {key} har ikke tatt imot noe siden {self.court.clock(way.disk_ms)}, og ingen vet det"
            self.court.accuse(5, key, f"disk {way.disk_ms}", says)

    def _devices(self, now_ms: int) -> None:
        said = self.truth.said
        for sensor in self.truth.world.ward.sensors:
            if sensor.interval_s is None:
                continue
            way = self.truth.ways.get(sensor.gateway)
            # Counted from when somebody has listened without a break.
            if way is None or way.whole_ms is None or sensor.address in self.court.pardoned:
                continue
            heard_ms = said.heard_ms.get(sensor.address, 0)
            source = serial_source(sensor.port) if sensor.is_serial else MQTT
            _, away_ms = self._out_ms.get((sensor.gateway, source), (0, 0))
            source_ms = away_ms if sensor.is_serial else max(away_ms, way.broker_ms)
            since_ms = max(heard_ms, way.whole_ms, way.agent_ms or 0, source_ms)
            limit_ms = max(DEVICE_INTERVALS * 1000 * sensor.interval_s, DEVICE_LEAST_MS) + DEVICE_SLACK_MS
            if self.truth.watchman.up_for_ms(since_ms, now_ms) <= limit_ms:
                continue
            alarm = self._technical.get(f"device:{sensor.address}", {}).get("device_silent")
            if alarm is None or not self._is_told_of_device(alarm, way, heard_ms, now_ms):
                says = (
                    f"{self.court.place(sensor.address)} har ikke sagt noe siden {self.court.clock(heard_ms)} (skal"
                    f" høres hvert {sensor.interval_s // 60}. min), og ingen vet det"
                )
                self.court.accuse(5, sensor.address, f"silent {heard_ms}", says)

    def _is_told_of_device(self, alarm: Alarm, way: Way, heard_ms: int, now_ms: int) -> bool:
        """The same of a device, which can wait for the next shift. What it said after the alarm ended that silence,
        unless its word was lost on the way."""
        if alarm.is_open:
            return True
        told_ms = max(move.seen_ms for move in alarm.moves if move.cause in ("raise", "join", "sound"))
        if alarm.state != "avsluttet" or alarm.closed_ms is None or max(told_ms, way.closed_ms) < heard_ms:
            return False
        again_ms = at_next_shift(alarm.closed_ms, self.court.zone.key) - self.court.offset_ms
        return self.truth.watchman.up_for_ms(again_ms, now_ms) <= DEVICE_SLACK_MS
