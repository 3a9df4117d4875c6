"""Simulated staff with their tablets, in virtual time. Serves arrows 8 and 9 from the outside.

Owns what a worker does because a tablet shows and sounds an alarm, and how workers fail: they ignore, forget, tap
twice, log out, are away, let the battery die. What a tap does is done by the product's own code (pages.py). A worker
knows nothing but what their tablet has shown; whoever comes to a resident helps (lives.py).
Must not know devices, the outbox, or what is demanded of anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act as Wish
from nattevakt.central.tablet.views import CardView
from nattevakt.edge.rules.windows import next_at_ms
from nattevakt.sim import changes
from nattevakt.sim.explore.asgi_page import page_of
from nattevakt.sim.explore.lives import Lives
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.explore.story import Manner, Mishap, Story
from nattevakt.sim.explore.wards import ASIDE, GUEST_ROOM, guests
from nattevakt.sim.people import MINUTE_MS
from nattevakt.sim.ward import Sensor
from nattevakt.sim.world import World

LOOKS_AGAIN_MS = 4 * MINUTE_MS
"""It rings until somebody has it: so often a worker thinks again about what they let ring."""
REMEMBERS_MIN = (8, 40)
"""After so many minutes a worker remembers an alarm that they took and forgot."""
TECHNICAL_MIN = (3, 15)
"""What is about the installation is looked at after so many minutes."""
RETRY_MS = 2_000
TYPES_PIN_MS = 6_000
SHIFTS = (7 * 60, 15 * 60, 22 * 60)
ENDS: Mapping[str, tuple[str, str]] = {
    "call": ("toalett", "hjelp_gitt"),
    "fall": ("fall", "hjelp_gitt"),
    "door_at_night": ("urolig", "snakket_med"),
    "not_back_in_bed": ("trengte_hjelp", "hjelp_gitt"),
    "leak": ("teknisk", "teknisk_rettet"),
}


@dataclass(frozen=True, slots=True)
class Lapse:
    """Something that befalls a worker or is done by one beside alarms. says: in Norwegian. lasts: it has an end."""

    says: str
    level: str
    lasts: bool
    about: str = "staff"

    def fits(self, _sensor: Sensor) -> bool:
        """It befalls no device."""
        return False


LAPSES: Mapping[str, Lapse] = {
    "tablet_dies": Lapse("nettbrettet går tomt for strøm", "soft", lasts=True),
    "tablet_mute": Lapse("nettbrettet er skrudd lydløst", "soft", lasts=True),
    "away": Lapse("er opptatt og ser ikke på nettbrettet", "soft", lasts=True),
    "logs_out": Lapse("logger seg ut", "soft", lasts=False),
    "same_second": Lapse("svarer i samme sekund som en kollega", "soft", lasts=False),
    "pauses_plan": Lapse("setter en beboers plan på pause", "soft", lasts=True),
    "guest_changes": Lapse("skriver inn en ny gjest i e-rommet", "soft", lasts=False),
}
"""What can go wrong with staff, by the name that a mishap has."""


class Staffing:
    """All who work in a story, with their tablets."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.lives = Lives(world)
        self.hands = {manner.worker: Hands(self, manner) for manner in story.staff}
        self.forgotten: set[int] = set()
        """Alarms that somebody took and forgot."""

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every worker's tablet."""
        return tuple(hands.page for hands in self.hands.values())

    def start(self) -> None:
        """Everybody enrols a tablet, gets a PIN and logs in."""
        for number, hands in enumerate(self.hands.values()):
            hands.page.enrol(prove_pin=number == 0)
            self.world.pages.append(hands.page.hint)
            self.world.later(1_000 + number * 700, hands.begin)

    def lapse(self, mishap: Mishap) -> None:
        """A worker's mishap begins."""
        hands = self.hands.get(mishap.about)
        if hands is not None:
            self.world.told(f"{mishap.about} {LAPSES[mishap.what].says}")
            hands.lapse(mishap)

    def over(self, mishap: Mishap) -> None:
        """A worker's mishap ends."""
        hands = self.hands.get(mishap.about)
        if hands is not None:
            hands.over(mishap)


@dataclass(slots=True)
class _Job:
    """What a worker means to do about one alarm. next: what they tap. tapped: they have begun to, and will hear what
    came of it. reminded: it rang again because somebody forgot it; that happens to nobody twice. gives_up: they will
    pass it on or to another ward, None where they go."""

    alarm_id: int
    sound_seq: int
    next: State
    number: int = 0
    tapped: bool = False
    reminded: bool = False
    gives_up: State | None = None


@dataclass(slots=True)
class Hands:
    """One worker and their tablet."""

    staffing: Staffing
    manner: Manner
    chance: Random = field(init=False)
    moods: Random = field(init=False)
    """What decides whether they pass an alarm on; apart, so that nothing else is drawn differently by it."""
    page: Page = field(init=False)
    away: int = 0
    """How many reasons there are not to look at the tablet."""
    _jobs: dict[int, _Job] = field(default_factory=dict)
    _gave: set[int] = field(default_factory=set)
    """Alarms that they have given away once; nobody does that again and again."""
    _taps: int = 0
    _at_once: bool = False

    def __post_init__(self) -> None:
        self.chance = Random(self.manner.chance)  # noqa: S311 - a simulation, not a secret
        self.moods = Random(self.manner.chance + 2)  # noqa: S311 - a simulation, not a secret
        self.page = page_of(self.world)(self.world, self.manner.worker, Random(self.manner.chance + 1), self._sees)  # noqa: S311

    @property
    def world(self) -> World:
        """Where they work."""
        return self.staffing.world

    def begin(self) -> None:
        """Come on duty."""
        self.page.log_in()
        self.page.fetch()
        if self.manner.rounds_every_min:
            self._rounds()

    def lapse(self, mishap: Mishap) -> None:
        """One of LAPSES, now."""
        chance = Random(mishap.chance)  # noqa: S311 - a simulation, not a secret
        if mishap.what == "tablet_dies":
            self.page.dies()
        elif mishap.what == "tablet_mute":
            self.page.sounds = False
        elif mishap.what == "away":
            self.away += 1
        elif mishap.what == "logs_out":
            self.page.log_out()
        elif mishap.what == "same_second":
            for hands in self.staffing.hands.values():
                hands._at_once = True
        elif mishap.what == "pauses_plan":
            self._pauses(mishap, chance)
        elif mishap.what == "guest_changes":
            self._guest(chance)

    def over(self, mishap: Mishap) -> None:
        """It ends."""
        if mishap.what == "tablet_dies":
            self.page.lives()
        elif mishap.what == "tablet_mute":
            self.page.sounds = True
        elif mishap.what == "away":
            self.away -= 1

    def _rounds(self) -> None:
        if self.page.on and not self.away:
            says = f"{self.manner.worker} går runden"
            self.world.insist(says, partial(changes.rounds, self.manner.worker))
        self.world.later(self.manner.rounds_every_min * MINUTE_MS, self._rounds)

    def _pauses(self, mishap: Mishap, chance: Random) -> None:
        """Never beyond the change of shift: the tablet does not offer it."""
        residents = [r for r in self.world.ward.residents if r.room != GUEST_ROOM]
        if not residents:
            return
        key, now_ms = chance.choice(residents).key, self.world.line.now_ms
        shift_ms = min(next_at_ms(minute, now_ms, self.world.ward.time_zone) for minute in SHIFTS)
        to_ms = min(mishap.ends_ms, shift_ms - MINUTE_MS)
        if to_ms > now_ms + MINUTE_MS:
            paused = partial(changes.pause, self.manner.worker, key, None, to_ms, "besøk på rommet")
            self.world.insist(f"{self.manner.worker} setter planen for {key} på pause", paused)

    def _guest(self, chance: Random) -> None:
        room = guests(self.world.ward)
        if room is not None and self.world.centre.up:
            number = chance.randrange(10_000)
            self.world.told(f"ny gjest på {room.room}")
            self.world.guest_changes(room.room, f"gjest-{number}", f"Gjest{number} Prøve")

    # --- alarms ----------------------------------------------------------------------------------------------

    def _sees(self, cards: tuple[CardView, ...]) -> None:
        """The tablet shows these; what sounds and is nobody's is thought about."""
        shown = {card.id for card in cards}
        for alarm_id in [known for known in self._jobs if known not in shown]:
            del self._jobs[alarm_id]
        for card in cards:
            job = self._jobs.get(card.id)
            if card.taken:
                # Somebody has it. If that may be by the second of two taps of one's own, the first one's answer tells.
                if job is not None and job.next is State.TAKEN and not job.tapped:
                    del self._jobs[card.id]
            elif job is None or (job.sound_seq < card.sound_seq and self._is_news(job, card)):
                self._consider(card)

    @staticmethod
    def _is_news(job: _Job, card: CardView) -> bool:
        """Nobody has it, and they have not answered; or they did and forgot, and it rings again."""
        return job.next is State.TAKEN or card.state == State.ESCALATED.value

    def _consider(self, card: CardView) -> None:
        job = self._jobs[card.id] = _Job(card.id, card.sound_seq, State.TAKEN, self._number())
        job.reminded = card.id in self.staffing.forgotten
        job.gives_up = self._mood() if card.id not in self._gave else None
        chance, manner = self.chance, self.manner
        after_ms = round(chance.lognormvariate(0.0, 0.6) * manner.answers_s * 1000)
        kind = self.page.kind(card.id)
        if kind not in KINDS or KINDS[kind].technical:
            after_ms += round(chance.uniform(*TECHNICAL_MIN) * MINUTE_MS)
            if kind in KINDS and KINDS[kind].may_clear_itself and chance.random() < 0.7:
                after_ms += LOOKS_AGAIN_MS * 3
        ignored = chance.randrange(1000) < manner.ignores or not self.page.sounds
        if self._at_once:
            self._at_once = False
            after_ms, ignored = 5_000 + (-self.world.line.now_ms) % 10_000, False
        self._after(LOOKS_AGAIN_MS + after_ms if ignored else after_ms, job, self._take)

    def _mood(self) -> State | None:
        drawn = self.moods.randrange(1000)
        if drawn < self.manner.declines:
            return State.REJECTED
        return State.TRANSFERRED if drawn < self.manner.declines + self.manner.transfers else None

    def _number(self) -> int:
        self._taps += 1
        return self._taps

    def _after(self, ms: int, job: _Job, step: Callable[[_Job], None]) -> None:
        number = job.number

        def act() -> None:
            if self._jobs.get(job.alarm_id) is job and job.number == number:
                step(job)

        self.world.later(ms, act)

    def _take(self, job: _Job) -> None:
        if self.away or not self.page.on:
            self._after(LOOKS_AGAIN_MS, job, self._take)
            return
        # Half of those who pass an alarm on have taken it first.
        at_once = job.gives_up is not None and self.moods.random() < 0.5
        self._tap(job, job.gives_up if at_once and job.gives_up is not None else State.TAKEN)

    def _go(self, job: _Job) -> None:
        if job.gives_up is not None:
            self._tap(job, job.gives_up)
            return
        says = self.chance.random() < 0.6
        if says:
            self._tap(job, State.ON_THE_WAY)
        else:
            self._walk(job)

    def _walk(self, job: _Job) -> None:
        walk_ms = round(self.manner.walks_s * self.chance.uniform(0.5, 2.0) * 1000)
        self._after(walk_ms, job, lambda job: self._tap(job, State.ON_SITE))

    def _taken(self, job: _Job) -> None:
        """It is theirs."""
        if self.chance.randrange(1000) < self.manner.forgets and not job.reminded:
            self.world.told(f"{self.manner.worker} glemmer alarm {job.alarm_id}")
            self.staffing.forgotten.add(job.alarm_id)
            self._after(round(self.chance.uniform(*REMEMBERS_MIN) * MINUTE_MS), job, self._go)
        else:
            self._after(self.chance.randint(2_000, 15_000), job, self._go)

    def _care(self, job: _Job) -> None:
        stay_ms = round(self.manner.stays_s * self.chance.uniform(0.4, 1.6) * 1000)
        self._after(stay_ms // 2, job, self._helps)
        self._after(stay_ms, job, lambda job: self._tap(job, State.CLOSED))

    def _helps(self, job: _Job) -> None:
        kind = self.page.kind(job.alarm_id)
        for resident in self.page.whose(job.alarm_id):
            self.staffing.lives.helped(resident, kind)

    def _tap(self, job: _Job, to: State) -> None:
        """One tap, perhaps two; tried until it gets through, with the key of the first try."""
        job.next, job.tapped = to, True
        job.number = self._number()
        key = f"{self.manner.worker}-{job.number:08}"
        doubled = self.chance.randrange(1000) < self.manner.doubles
        self._try(job, to, key)
        if doubled:
            self.world.later(self.chance.randint(60, 400), partial(self._again, job.alarm_id, to, key))
            self.world.later(self.chance.randint(60, 400), partial(self._again, job.alarm_id, to, key + "-b"))

    def _wish(self, alarm_id: int, to: State, key: str) -> Wish:
        if to is State.CLOSED:
            cause, action = ENDS.get(self.page.kind(alarm_id), ("annet", "tilsyn"))
            return self.page.wish(alarm_id, to, key, cause=cause, action=action)
        if to is State.REJECTED:
            return self.page.wish(alarm_id, to, key, reason="hos_annen_bruker")
        return self.page.wish(alarm_id, to, key, **({"ward": ASIDE} if to is State.TRANSFERRED else {}))

    def _again(self, alarm_id: int, to: State, key: str) -> None:
        if self.page.on and self.page.person:
            self.page.act(self._wish(alarm_id, to, key))

    def _try(self, job: _Job, to: State, key: str) -> None:
        if not self.page.on:
            self._after(LOOKS_AGAIN_MS // 2, job, lambda job: self._try(job, to, key))
            return
        if not self.page.person:
            self.page.log_in()
            self._after(TYPES_PIN_MS, job, lambda job: self._try(job, to, key))
            return
        became = self.page.act(self._wish(job.alarm_id, to, key))
        if became == "later":
            self._after(RETRY_MS, job, lambda job: self._try(job, to, key))
        elif became == "person":
            self.page.log_in()
            self._after(TYPES_PIN_MS, job, lambda job: self._try(job, to, key))
        elif became == "done":
            self._next(job, to)
        else:
            # Somebody was first, or it has come to an end meanwhile: the next look says how it stands.
            self._jobs.pop(job.alarm_id, None)
            self.page.hint()

    def _next(self, job: _Job, to: State) -> None:
        if to is State.TAKEN:
            job.next = State.ON_THE_WAY
            self._taken(job)
        elif to is State.ON_THE_WAY:
            self._walk(job)
        elif to is State.ON_SITE:
            self._care(job)
        elif to in (State.REJECTED, State.TRANSFERRED):
            # It is whoever's comes; who gave it away goes themselves if nobody has it after a while.
            job.next, job.tapped, job.gives_up = State.TAKEN, False, None
            self._gave.add(job.alarm_id)
            self._after(LOOKS_AGAIN_MS, job, self._take)
        else:
            self._jobs.pop(job.alarm_id, None)
