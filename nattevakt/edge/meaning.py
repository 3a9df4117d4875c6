"""One live reading in the making: which events its acts and states mean. Serves arrow 3.

Owns uses, edges and repeats. Must not know health and measurements (measuring.py), stored history (history.py), any
radio, the outbox or the centre. Two sorts of message are told apart: *acts* (a press, an action, a telegram that only
says "wet") are news each time they are made; *states* (a contact, a bed, a running fall report) are news when they
differ from the last stored one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from nattevakt.edge import bouncing, flooding
from nattevakt.edge.drivers.driver import UNVERIFIED, Device, Finding, Reading, Use, Value
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Chair,
    Contact,
    Event,
    Fall,
    FallOver,
    Health,
    Leak,
    LeakOver,
    Moment,
    Motion,
    Presence,
    Wet,
)
from nattevakt.edge.memory import ACTS_KEPT, FACTS_KEPT, DeviceMemory, age_ms, moment_of, stamp, whole_stamp

REPEAT_MS = 2_000
"""The same device saying the same urgent thing within this time is a repeat: a row of its own, class C."""
MOTION_ROW_MS = 30_000
DELIVERY_MS = 10_000
"""A message whose own clock is further back than this lay waiting in a broker on its way."""
DELIVERY_MAX_MS = 24 * 3_600_000
"""Further back than this, it is the bridge's clock that is wrong."""
CALL_ACTIONS = frozenset(("emergency", "sos", "panic"))
WET = "wet"
FLOODS = (
    "sender unormalt mye (over 120 meldinger på en time): nå lagres bare siste tilstand, høyst én gang i minuttet. "
    "Sjekk batteri, plassering og sensor"
)
LASTING: Mapping[str, Use] = {"occupied": Use.BED, "present": Use.PRESENCE, "seated": Use.CHAIR}
"""What a driver may say by name of a bed, a room and a chair."""

OWN = "own"
"""The row of a device's states that says for which use it has been heard to say by name what is asked of it."""

Ring = Callable[[Moment | None], None]


def edge_of(name: str, address: str, on: bool) -> Body:
    """The event of a plain input by the name under which its state is kept: a use, or else it is a door's."""
    if name == Use.BED:
        return Bed(address, on)
    if name == Use.PRESENCE:
        return Presence(address, on)
    if name == Use.CHAIR:
        return Chair(address, on)
    if name == Use.WET:
        return Wet(address, on)
    return Contact(address, not on)


class Work:
    """One reading in the making: the mutable inside of a pure function."""

    def __init__(
        self,
        reading: Reading,
        device: Device | None,
        memory: DeviceMemory,
        now: Moment,
        next_seq: int,
        last_heard: Moment | None,
        settled: bool,
        unchanged_until: Moment | None,
        *,
        timely: bool = True,
    ) -> None:
        self.values = reading.values
        self.address = reading.address
        self.memory = memory
        self.now = self.at = now
        self.next_seq = next_seq
        self.use = device.use if device is not None else Use.AUTO
        self.invert = device is not None and device.invert
        seen = self.values.get("last_seen_ms")
        # A clock that is a day ahead would make all that comes later look like an old copy.
        ahead = isinstance(seen, int) and now.synced and seen - now.wall_ms > DELIVERY_MAX_MS
        self.seen = seen if isinstance(seen, int) and not ahead else None
        # The network's own clock says that this message is no newer than one that we stored.
        cached = self.seen is not None and memory.seen is not None and self.seen <= memory.seen
        self.replayed = reading.replay or cached
        self.retained = reading.replay
        self.radio = not reading.key and not reading.replay
        self.settled = settled and not self.replayed
        self.act_key = reading.key
        if reading.replay and not reading.key:
            self.act_key = sha256(reading.raw.encode("utf-8", "replace")).hexdigest()[:16]
        # A cached copy is from before we last heard the device: nobody knows how long before.
        self.state_since = None if self.settled else last_heard if cached else unchanged_until
        if self.replayed and last_heard is None:
            last_heard = self.state_since = Moment(now.boot, 0, now.wall_ms - now.boottime_ms, now.synced)
        self.act_since: Moment | None = None
        if self.replayed:
            # A replayed act may be older than the last of those that we remember.
            self.act_since = last_heard
        elif self.seen is not None and (sent := _sent(self.seen, now, last_heard)) is not None:
            self.act_since = sent
            self.state_since = self.state_since or sent
        # Said in this moment, so that how soon it comes after something else can be told. A network's clock of whole
        # seconds makes it look cached; but what is cached is never another state.
        at_once = self.act_since is None or (cached and self.seen == memory.seen)
        self.timely = timely and settled and not reading.replay and at_once
        self.events: list[Event] = []
        self.findings: list[Finding] = []
        self.counted: dict[str, int] = {}
        self._met = False

    def count(self, what: str) -> None:
        """Add to a counter."""
        self.counted[what] = self.counted.get(what, 0) + 1

    def add(self, body: Body, since: Moment | None) -> None:
        """One more event, in the order in which they will be stored."""
        self.events.append(Event(body, self.at, since))

    def age_ms(self, mark: object) -> int | None:
        """How long ago a stored mark was, None if in another boot or never."""
        return age_ms(mark, self.now)

    def _recent(self, mark: object) -> bool:
        age = self.age_ms(mark)
        return age is not None and age <= REPEAT_MS

    def find(self, sentence: str) -> None:
        """Something that means nothing here, for the installer."""
        self.count("no_meaning")
        self.memory.errors += 1
        self.findings.append(Finding(self.address, sentence))

    def note(self, name: str, value: object) -> None:
        """Keep what became a row, so that the device's own history of it is known as the same."""
        if self.now.synced:
            fact = [name, value, self.now.wall_ms, False]
            self.memory.facts = [*self.memory.facts, fact][-FACTS_KEPT:]

    def _counts(self) -> None:
        """One message counts once in a flood, however much it says."""
        if self._met or self.retained:
            return
        self._met = True
        if flooding.begins(self.memory, self.now):
            self.count("floods")
            self.findings.append(Finding(self.address, FLOODS))
            self.add(Health(self.address, flood=True), None)

    def calm(self) -> None:
        """See whether a flood is over."""
        if flooding.ends(self.memory, self.now):
            self.add(Health(self.address, flood=False), None)

    # --- class A ---------------------------------------------------------------------------------------------

    def urgent(self, name: str, value: str, make: Callable[[int | None], Body], since: Moment | None) -> None:
        """Add a class A event, or its class C repeat naming the first."""
        self._counts()
        first = self.memory.first.get(name)
        if isinstance(first, list) and first and isinstance(first[0], int) and self._recent(first):
            self.count("repeats")
            if not self.memory.flood:
                self.add(make(first[0]), since)
            return
        self.memory.first[name] = [self.next_seq + len(self.events), *stamp(self.now)]
        self.add(make(None), since)
        self.note(name.partition(":")[0], value)

    def _call(self, control: str, since: Moment | None) -> None:
        self.urgent("call", control, lambda first: Call(self.address, control, first), since)

    def _fall(self, certainty: str, since: Moment | None) -> None:
        self.urgent(f"fall:{certainty}", certainty, lambda first: Fall(self.address, certainty, first), since)

    def _leak(self, since: Moment | None) -> None:
        self.urgent("leak", "wet", lambda first: Leak(self.address, first), since)

    def act(self, ring: Ring) -> None:
        """An act rings each time it is made; a retained or cached copy rings once a payload."""
        known = self.act_key in self.memory.acts
        # Two presses within one tick of the bridge's clock look like one message delivered twice.
        fresh = not self.retained and any(self._recent(mark) for mark in self.memory.first.values())
        if self.replayed and known and not fresh:
            self.count("no_news")
            return
        ring(self.act_since)
        if self.act_key and not known:
            self.memory.acts = [*self.memory.acts, self.act_key][-ACTS_KEPT:]

    def _input(self, value: Value) -> bool | None:
        return value != self.invert if isinstance(value, bool) else None

    def acts(self) -> None:
        """Presses, named actions, and telegrams that only ever say "wet"."""
        action = self.values.get("action")
        named = action if isinstance(action, str) else ""
        down = self._input(self.values.get("pressed"))
        if named == WET and self.use is Use.WET:
            self.edge(Use.WET.value, on=True)
        elif named == WET:
            self.act(self._leak)
        elif named.lower() in CALL_ACTIONS:
            self.act(lambda since: self._call(named, since))
        elif self.use in (Use.FALL, Use.LEAK):
            if down or (down is None and named):
                ring: Ring = self._leak if self.use is Use.LEAK else lambda since: self._fall("sure", since)
                self.act(ring)
        elif self.use in (Use.CALL, Use.AUTO):
            if down or (down is None and named and (self.use is Use.CALL or named == UNVERIFIED)):
                self.act(lambda since: self._call(named or "press", since))
            elif down is None and named:
                self.find(f"sender «{named}», men er ikke satt opp med noen bruk")
        elif down is not None:
            self._plain(down, self.use)
        elif named:
            self.find(f"sender «{named}», som ikke betyr noe for bruken {self.use.value}")

    # --- states ----------------------------------------------------------------------------------------------

    def said(self, name: str) -> None:
        """A state was said live now, whether or not it is news."""
        if not self.replayed:
            self.memory.said[name] = whole_stamp(self.now)

    def changed(self, name: str, value: object) -> bool:
        """Whether a state differs from the last stored one, which it then replaces."""
        self.said(name)
        if name in self.memory.states and self.memory.states[name] == value:
            self.count("no_news")
            return False
        self.memory.states[name] = value
        return True

    def edge(self, name: str, on: bool) -> None:
        """A door, bed, room, chair or pad; in a flood its row may have to wait, and a door's until it has settled."""
        self.said(name)
        memory = self.memory
        if name == Use.DOOR or memory.states.get(name) != on:
            # A radar says every second what it sees; a door has no reason to.
            self._counts()
        if name == Use.DOOR and self._bounces(on):
            return
        same = name in memory.states and memory.states[name] == on
        held = memory.held.get(name)
        if same and held is None:
            self.count("no_news")
        elif flooding.withheld(memory, name, on, self.now):
            self.count("withheld")
        else:
            self.tell(name, on, moment_of(held) or self.state_since)

    def _bounces(self, closed: bool) -> bool:
        """Whether this word of a door is no row now: it waits, or takes back what waits, or only repeats that."""
        memory = self.memory
        live = self.timely and not memory.flood
        if memory.bounce:
            if memory.bounce[0] == closed and not memory.flood and not bouncing.has_settled(memory, self.now):
                self.count("no_news")
                return True
            if memory.bounce[0] != closed and live and bouncing.takes_back(memory, self.now, self.seen):
                self.count("bounces")
                return True
            # It has settled, or nobody can tell that this was said soon after it: then it has been.
            self.settle()
        if memory.states.get(Use.DOOR) == closed:
            return False
        if live and bouncing.keeps(memory, closed, self.now, self.seen):
            return True
        if live and Use.DOOR in memory.states:
            bouncing.mark(memory, self.now, self.seen)
        else:
            # Not the moment of a change: what comes next is no leap of that.
            bouncing.unmark(memory)
        return False

    def settle(self) -> None:
        """Tell what a door said and has waited, as of when it was said."""
        self.events += bouncing.told(self.memory, self.address, self.now)

    def tell(self, name: str, on: bool, since: Moment | None) -> None:
        """The rows of a state that is news, or was withheld: then also that it has been otherwise meanwhile."""
        memory = self.memory
        if memory.held.pop(name, None) is not None and memory.states.get(name) == on:
            self.add(edge_of(name, self.address, not on), since)
        memory.states[name] = on
        self.add(edge_of(name, self.address, on), since)
        self.note(name, on)

    def states(self) -> None:
        """Everything that lasts: contacts, beds, rooms, running falls, water, held emergency inputs."""
        closed = self._input(self.values.get("closed"))
        if closed is not None:
            self._plain(closed, Use.DOOR if self.use is Use.AUTO else self.use)
        self._lasting()
        fall = self.values.get("fall")
        if isinstance(fall, str):
            self._fall_state(fall)
        wet = self.values.get("wet")
        if isinstance(wet, bool) and self.values.get("action") != WET:
            self._plain(wet, Use.WET if self.use is Use.WET else Use.LEAK)
        sos = self.values.get("sos")
        if isinstance(sos, bool) and self.changed("sos", sos) and sos:
            self._call("sos", self.state_since)

    def _lasting(self) -> None:
        found = {use: on for name, use in LASTING.items() if (on := self._input(self.values.get(name))) is not None}
        if found and self.use in LASTING.values():
            found = self._of_use(found)
        for use, on in found.items():
            self._plain(on, use)

    def _of_use(self, found: Mapping[Use, bool]) -> dict[Use, bool]:
        """A radar may say several; the use decides which of them this device is asked about.

        One that can say "in bed" does not say so by seeing somebody in the room: only for one that cannot must that
        do. That nobody is in the room does empty the bed, and whoever lies there is in the room.
        """
        if self.use in found:
            self.memory.states[OWN] = self.use.value
            return {self.use: found[self.use]}
        if self.memory.states.get(OWN) != self.use.value:
            return {self.use: next(iter(found.values()))}
        implied = any(found.values()) if self.use is Use.PRESENCE else found.get(Use.PRESENCE) is False
        if implied:
            return {self.use: self.use is Use.PRESENCE}
        self.count("beside_use")
        return {}

    def _plain(self, on: bool, meaning: Use) -> None:
        """An input by what it is used for. on: closed, pressed, occupied, present, seated, after inversion; or wet."""
        if meaning is Use.FALL:
            self._fall_state("sure" if on else "no")
        elif meaning is Use.LEAK:
            self._wet_state(on)
        elif meaning is Use.MOTION:
            if self.changed("input", on) and on:
                self.moved("input", "pir")
        elif meaning is Use.CALL:
            # A radio telegram is never a cached copy: "closed" again means that "open" was lost on the way.
            if (self.changed("input", on) or self.radio) and on:
                self._call("input", self.state_since)
        else:
            self.edge(meaning.value, on)

    def moved(self, name: str, how: str) -> None:
        """Movement: at most one row in 30 s."""
        age = self.age_ms(self.memory.rows.get(name))
        if age is None or age >= MOTION_ROW_MS:
            self.memory.rows[name] = stamp(self.now)
            self.add(Motion(self.address, how), self.state_since)

    def _fall_state(self, fall: str) -> None:
        before = self.memory.states.get("fall")
        if not self.changed("fall", fall):
            return
        if fall == "no":
            if before in ("possible", "sure"):
                self.add(FallOver(self.address), self.state_since)
                self.note("fall", "no")
        elif fall == "sure" or before != "sure":
            self._fall(fall, self.state_since)

    def _wet_state(self, wet: bool) -> None:
        before = self.memory.states.get("wet")
        if not self.changed("wet", wet):
            return
        if wet:
            self._leak(self.state_since)
        elif before is True:
            self.add(LeakOver(self.address), self.state_since)
            self.note("leak", "dry")


def _sent(seen_ms: int, now: Moment, last_heard: Moment | None) -> Moment | None:
    """The earliest moment of a message that waited on its way, by its own clock; None if it came at once."""
    waited_ms = now.wall_ms - seen_ms
    if not now.synced or not DELIVERY_MS < waited_ms <= DELIVERY_MAX_MS:
        return None
    since = Moment(now.boot, max(0, now.boottime_ms - waited_ms), now.wall_ms - waited_ms, now.synced)
    if last_heard is not None and last_heard.boot == now.boot and last_heard.boottime_ms > since.boottime_ms:
        return last_heard
    return since
