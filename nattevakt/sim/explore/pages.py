"""A simulated tablet: the page as it is used, over the centre's own functions. Serves arrow 9 from the outside.

Owns what the page's scripts and the routes do in production, without HTTP: a hint leads to a snapshot, what is on the
screen is confirmed, what was sounded is confirmed, a tap is an act of whoever is logged in. Every read and write is the
product's own (views, outbox, sessions, register). Must not know what a worker thinks. Tokens come from the machine's
own randomness and reach neither time nor trace.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from sqlalchemy import bindparam, select

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, Acted, SomeoneFirst
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import outbox
from nattevakt.central.people import sessions, staff, tablets
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.people.tokens import TabletCookie
from nattevakt.central.tables import residents
from nattevakt.central.tablet import views
from nattevakt.central.tablet.i18n import words
from nattevakt.central.tablet.routes import LEASE_MS
from nattevakt.central.tablet.views import BoardView, CardView
from nattevakt.edge.errors import NattevaktError, RetryError
from nattevakt.sim import changes
from nattevakt.sim.ward import Resident
from nattevakt.sim.world import World

PIN = "4826"
HINT_MS = (20, 300)
BURST_MS = (900, 1_600)
"""So long a sound takes to be played, after which the page confirms it."""
CONTACT_EVERY_MS = 15_000
"""So often the page finds out that its stream was cut, and opens another."""
PRESENCE_EVERY_MS = 30_000
"""So often the page says that it is there, and whether it can be seen and heard."""
Sees = Callable[[tuple[CardView, ...]], None]
"""Told of what the page shows, each time that it has drawn."""


class Page:
    """One tablet on a ward. sounds: whether anybody can hear it. on: whether it has power."""

    def __init__(self, world: World, worker: str, chance: Random, sees: Sees) -> None:
        self.worker = worker
        self.on = False
        self.sounds = True
        self.shown: dict[int, int] = {}
        """What is on its screen: alarm -> the sounding that was confirmed for it."""
        self.given: set[int] = set()
        """The notices that have ever come to it."""
        self._world = world
        self._chance = chance
        self._sees = sees
        self._words = words("nb")
        self._cookie: TabletCookie | None = None
        self._secret = ""
        self._staff_id = 0
        self._asked = False
        self._behind = False
        self._life = 0
        self._about: dict[int, tuple[str, int | None, str]] = {}
        self._confirmed: set[int] = set()
        self._heard: dict[int, int] = {}

    # --- the tablet itself -----------------------------------------------------------------------------------

    def enrol(self, *, prove_pin: bool = False) -> None:
        """Make it a tablet of the ward. prove_pin: whoever works here has a PIN, and it is tried once."""
        centre, worker, told = self._world.centre, self.worker, []

        def write(s: TenantSession, now_ms: int) -> None:
            told.append(tablets.new_code(s, self._world.ward.key, f"nettbrett {worker}", now_ms))
            self._staff_id = changes.staff_id(s, worker)
            if prove_pin:
                staff.set_pin(s, worker, PIN)
                assert staff.verify_pin(staff.pin_of(s, self._staff_id), PIN)  # noqa: S101 - it was set just now

        centre.change(write)
        self._cookie = tablets.redeem(centre.db, told[0], centre.now_ms())
        self.on, self._life = True, centre.lives
        self._contact()
        self._tell_presence()

    def dies(self) -> None:
        """Its battery is empty."""
        self.on = False

    def lives(self) -> None:
        """It is charged, and its page is opened anew: it knows nothing and shows what there is."""
        self.on = True
        self._confirmed.clear()
        self._heard.clear()
        self.shown.clear()
        self._say_presence()
        self.hint()

    @property
    def number(self) -> int | None:
        """Its own number at the centre; None before it is enrolled."""
        return self._cookie.tablet_id if self._cookie is not None else None

    @property
    def person(self) -> bool:
        """Whether it holds somebody's session, as far as it knows."""
        return bool(self._secret)

    def log_in(self) -> None:
        """Whoever works here types the PIN, if the centre answers."""
        if self.on and self._world.centre.up and self._cookie is not None:
            tablet_id = self._cookie.tablet_id
            self._change(lambda s, now_ms: self._begun(sessions.start(s, tablet_id, self._staff_id, now_ms)))

    def log_out(self) -> None:
        """Nobody is at this tablet any more."""
        self._secret = ""
        if self.on and self._world.centre.up and self._cookie is not None:
            tablet_id = self._cookie.tablet_id
            self._change(lambda s, _: sessions.end(s, tablet_id))

    def _begun(self, secret: str) -> None:
        self._secret = secret

    def _change(self, work: Callable[[TenantSession, int], None]) -> bool:
        try:
            self._world.centre.change(work)
        except RetryError:
            return False
        return True

    # --- what it shows ---------------------------------------------------------------------------------------

    def hint(self) -> None:
        """The centre says that something has changed: the page fetches what there is, once for many hints."""
        if not self._asked and self.on:
            self._asked = True
            self._world.later(self._chance.randint(*HINT_MS), self.fetch)

    def fetch(self) -> None:
        """Fetch the snapshot and draw it; what is on the screen is confirmed, what is new is sounded."""
        self._asked = False
        if not self.on:
            return
        self._behind = True
        view = self._snapshot()
        if view is None:
            return
        self._behind = False
        self.given.update(card.notice_id for card in view.cards if card.notice_id is not None)
        sent = [card.notice_id for card in view.cards if card.notice_id is not None and not card.notice_sent]
        fresh = [c.notice_id for c in view.cards if c.notice_id is not None and c.notice_id not in self._confirmed]
        loud = [card for card in view.cards if self._ought_to_sound(card)] if self.sounds else []
        self.shown = {card.id: card.sound_seq for card in view.cards}
        if sent or fresh:
            self._world.later(self._chance.randint(5, 120), lambda: self._confirm(sent, fresh))
        if loud:
            burst = [card.notice_id for card in loud if card.notice_id is not None]
            self._world.later(self._chance.randint(*BURST_MS), lambda: self._sounded(burst))
        self._sees(view.cards)

    def _snapshot(self) -> BoardView | None:
        centre = self._world.centre
        if not centre.up or self._cookie is None:
            return None
        now_ms = centre.now_ms()
        try:
            with centre.db.read(centre.tenant.id) as s:
                tablet = tablets.proved(s, centre.tenant, self._cookie)
                if tablet is None:
                    return None
                person = self._person(s, tablet, now_ms)
                view = views.board(s, tablet, person, self._words, now_ms)
                self._learn(s, view.cards)
            if person is not None:
                centre.living(partial(views.log_reading, centre.db, tablet, person, view.cards, now_ms))
        except RetryError:
            return None
        return view

    def _person(self, s: TenantSession, tablet: Tablet, now_ms: int) -> Person | None:
        return sessions.find(s, tablet.id, tablet.ward_id, self._secret, now_ms) if self._secret else None

    def _learn(self, s: TenantSession, cards: tuple[CardView, ...]) -> None:
        for card in cards:
            row = register.by_id(s, card.id) if self._about.get(card.id, ("", None, ""))[2] != card.kind else None
            if row is not None:
                self._about[card.id] = (row.kind, row.resident_id, card.kind)

    def _ought_to_sound(self, card: CardView) -> bool:
        """As the page does it: what is new at once, and once more what is reported anew."""
        heard = self._heard.get(card.id, card.sound_seq if card.taken else 0)
        self._heard[card.id] = card.sound_seq
        return heard < card.sound_seq

    def _confirm(self, sent: list[int], fresh: list[int]) -> None:
        centre = self._world.centre
        if not centre.up or self._cookie is None or not self.on:
            self._behind = True
            return
        tablet_id = self._cookie.tablet_id

        def write(s: TenantSession, now_ms: int) -> None:
            if sent:
                outbox.lease(s, tablet_id, now_ms, LEASE_MS)
                outbox.mark_sent(s, tablet_id, sent, now_ms)
            if fresh:
                outbox.mark_shown(s, tablet_id, fresh, now_ms)

        if self._change(write):
            self._confirmed.update(fresh)
        else:
            self._behind = True

    def _sounded(self, ids: list[int]) -> None:
        centre = self._world.centre
        if centre.up and self.on and self.sounds and self._cookie is not None and ids:
            tablet_id = self._cookie.tablet_id

            def write(s: TenantSession, now_ms: int) -> None:
                outbox.mark_sounded(s, tablet_id, ids, now_ms)

            self._change(write)

    def _contact(self) -> None:
        """The stream broke with the centre, or a fetch failed: look again."""
        centre = self._world.centre
        if self.on and centre.up and (self._behind or self._life != centre.lives):
            self._life = centre.lives
            self.hint()
        self._world.later(CONTACT_EVERY_MS, self._contact)

    def _tell_presence(self) -> None:
        self._say_presence()
        self._world.later(PRESENCE_EVERY_MS, self._tell_presence)

    def _say_presence(self) -> None:
        centre = self._world.centre
        if not self.on or not centre.up or centre.locked or self._cookie is None:
            return
        tablet_id = self._cookie.tablet_id

        def note(s: TenantSession) -> None:
            tablets.note_presence(s, tablet_id, self._presence, centre.now_ms())

        # No tablet looks different by it, and nothing falls due: no piece of work that anybody must look at.
        with suppress(RetryError):
            centre.living(lambda: centre.db.transact(centre.tenant.id, note))

    @property
    def _presence(self) -> dict[str, object]:
        """What the page says of itself."""
        return {"audio": "running" if self.sounds else "suspended", "visible": True}

    # --- what is done on it ----------------------------------------------------------------------------------

    def kind(self, alarm_id: int) -> str:
        """What kind of alarm one is that it has shown."""
        return self._about.get(alarm_id, ("", None, ""))[0]

    def whose(self, alarm_id: int) -> tuple[Resident, ...]:
        """Whom one is about; nobody where it is about the installation."""
        resident_id, centre = self._about.get(alarm_id, ("", None, ""))[1], self._world.centre
        if resident_id is None or not centre.up:
            return ()
        with centre.db.read(centre.tenant.id) as s:
            key = s.execute(_KEY, {"p_id": resident_id}).scalar()
        return tuple(resident for resident in self._world.ward.residents if resident.key == key)

    def wish(
        self, alarm_id: int, to: State, key: str, cause: str = "", action: str = "", reason: str = "", ward: str = ""
    ) -> Act:
        """A tap as the page sends it."""
        tablet_id = self._cookie.tablet_id if self._cookie is not None else None
        return Act(alarm_id, to, self._staff_id, tablet_id, key, cause, action, reason=reason, ward=ward)

    def act(self, wish: Act) -> str:
        """Send a tap: done, first (somebody else was), refused, person (somebody must log in), or later."""
        centre, came = self._world.centre, list[Acted]()
        if not centre.up or self._cookie is None or not self.on:
            return "later"
        tablet_id, alone = self._cookie.tablet_id, False

        def write(s: TenantSession, now_ms: int) -> None:
            nonlocal alone
            tablet = tablets.proved(s, centre.tenant, self._cookie) if self._cookie is not None else None
            alone = tablet is None or self._person(s, tablet, now_ms) is None
            if not alone:
                sessions.use(s, tablet_id, self._secret, now_ms)
                came.append(register.act(s, wish, now_ms))

        told = f"{self.worker}: alarm {wish.alarm_id} → {wish.to.value}"
        try:
            centre.change(write)
        except RetryError:
            return "later"
        except SomeoneFirst as error:
            self._world.told(f"{told}: {error.initials} var først")
            return "first"
        except NattevaktError as error:
            self._world.told(f"{told}: gikk ikke ({error})")
            return "refused"
        if alone:
            self._secret = ""
            return "person"
        again = " (gjentatt)" if came[-1].repeated else ""
        self._world.told(f"{told}{again}")
        return "done"


_KEY = select(residents.c.key).where(residents.c.tenant_id == TENANT, residents.c.id == bindparam("p_id"))
