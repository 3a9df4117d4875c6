"""A simulated tablet that speaks HTTP with the centre's application. Serves arrow 9 from the outside.

Owns the requests that the page's scripts send, the cookies that its browser keeps, and what a status means to it; when
it fetches, confirms and sounds is pages.py's. Must not know what a worker thinks, or call the centre's own functions,
but to be given a code and a PIN, which in production is the work of the command line, and to learn whom an alarm is
about, which whoever works there reads on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.db import TenantSession
from nattevakt.central.people import staff, tablets
from nattevakt.central.people.tokens import TabletCookie
from nattevakt.central.tablet.routes import STATE_OF
from nattevakt.central.tablet.views import BoardView, CardView
from nattevakt.central.tablet.web import TABLET_COOKIE
from nattevakt.edge.errors import RetryError
from nattevakt.sim import changes
from nattevakt.sim.explore.asgi import AsgiCentre, Request, Response
from nattevakt.sim.explore.pages import PIN, Page, Sees
from nattevakt.sim.world import World

VERB: Mapping[State, str] = {state: verb for verb, state in STATE_OF.items()}
OK, NO_PERSON, CONFLICT, BUSY = 200, 401, 409, 429
FAULT = 500


def page_of(world: World) -> Callable[[World, str, Random, Sees], Page]:
    """The kind of tablet that fits how a world's centre is reached."""
    return HttpPage if isinstance(world.centre, AsgiCentre) else Page


class HttpPage(Page):
    """One tablet on a ward, its browser and all. Only in a world whose centre is an AsgiCentre."""

    def __init__(self, world: World, worker: str, chance: Random, sees: Sees) -> None:
        super().__init__(world, worker, chance, sees)
        if not isinstance(world.centre, AsgiCentre):
            raise TypeError("this tablet needs a centre behind its application")
        self._centre = world.centre
        self._jar: dict[str, str] = {}
        self.statuses: dict[int, int] = {}
        """How often each status was answered to it; 0 for no answer."""

    def enrol(self, *, prove_pin: bool = False) -> None:  # noqa: ARG002 - a log-in by HTTP proves it each time
        """Whoever installs it types a one-time code, and whoever works here has a PIN."""
        told: list[str] = []

        def write(s: TenantSession, now_ms: int) -> None:
            told.append(tablets.new_code(s, self._world.ward.key, f"nettbrett {self.worker}", now_ms))
            self._staff_id = changes.staff_id(s, self.worker)
            staff.set_pin(s, self.worker, PIN)

        self._centre.change(write)
        found = self._post("/tablet/enrol", {"code": told[0]})
        if found is None or found.status != OK:
            raise RetryError("the tablet was not enrolled")
        self._cookie = TabletCookie.parse(self._jar[TABLET_COOKIE])
        self.on, self._life = True, self._centre.lives
        self._contact()
        self._tell_presence()

    def log_in(self) -> None:
        """Whoever works here types the PIN, if the centre answers."""
        if self.on:
            found = self._post("/tablet/person", {"staff": self.worker, "pin": PIN})
            if found is not None and found.status == OK:
                self._begun("logged in")

    def log_out(self) -> None:
        """Nobody is at this tablet any more."""
        self._secret = ""
        if self.on:
            self._post("/tablet/person/end", {})

    def act(self, wish: Act) -> str:
        """Send a tap, as ever: done, first, refused, person or later."""
        if not self.on:
            return "later"
        told = f"{self.worker}: alarm {wish.alarm_id} → {wish.to.value}"
        body = {name: getattr(wish, name) for name in ("cause", "action", "note", "reason", "ward")}
        found = self._post(f"/tablet/alarms/{wish.alarm_id}/{VERB[wish.to]}", body, wish.idempotency_key)
        if found is None or found.status == BUSY or found.status >= FAULT:
            return "later"
        answer = json.loads(found.body)
        if found.status == OK:
            self._world.told(told + (" (gjentatt)" if answer["repeated"] else ""))
            return "done"
        if found.status == NO_PERSON and answer["error"] == "person_needed":
            self._secret = ""
            return "person"
        if found.status == CONFLICT and answer["error"] == "someone_first":
            self._world.told(f"{told}: {answer['taken_by']['initials']} var først")
            return "first"
        self._world.told(f"{told}: gikk ikke ({answer['error']})")
        return "refused"

    # --- what it shows ---------------------------------------------------------------------------------------

    def _snapshot(self) -> BoardView | None:
        found = self._ask(Request("GET", "/tablet/snapshot", self._headers()))
        if found is None or found.status != OK:
            return None
        body = json.loads(found.body)
        cards = tuple(_card(card) for card in body["alarms"])
        try:
            self._reads(cards)
        except RetryError:
            return None
        return BoardView(body["seq"], body["now_ms"], body["sweep_age_s"], body["ward"]["name"], None, cards, ())

    def _reads(self, cards: tuple[CardView, ...]) -> None:
        with self._centre.db.read(self._centre.tenant.id) as s:
            self._learn(s, cards)

    def _confirm(self, sent: list[int], fresh: list[int]) -> None:
        """The application itself notes what it has sent."""
        if not fresh or not self.on:
            self._behind = self._behind or bool(fresh or sent)
            return
        now_ms = self._world.line.now_ms
        if self._receipts([{"id": one, "shown_ms": now_ms} for one in fresh]):
            self._confirmed.update(fresh)
        else:
            self._behind = True

    def _sounded(self, ids: list[int]) -> None:
        if ids and self.on and self.sounds:
            self._receipts([{"id": one, "sounded": True} for one in ids])

    def _receipts(self, notices: list[dict[str, object]]) -> bool:
        found = self._post("/tablet/shown", {"notices": notices})
        return found is not None and found.status == OK

    def _say_presence(self) -> None:
        if self.on:
            self._post("/tablet/presence", self._presence)

    # --- the browser -----------------------------------------------------------------------------------------

    def _post(self, path: str, body: Mapping[str, object], key: str = "") -> Response | None:
        headers = (*self._headers(), ("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin"))
        if key:
            headers += (("Idempotency-Key", key),)
        return self._ask(Request("POST", path, headers, json.dumps(body).encode()))

    def _headers(self) -> tuple[tuple[str, str], ...]:
        cookies = "; ".join(f"{name}={value}" for name, value in sorted(self._jar.items()))
        return (("Accept-Language", "nb"), *((("Cookie", cookies),) if cookies else ()))

    def _ask(self, request: Request) -> Response | None:
        found = self._centre.ask(request)
        status = found.status if found is not None else 0
        self.statuses[status] = self.statuses.get(status, 0) + 1
        for name, value in (found.cookies if found is not None else {}).items():
            if value:
                self._jar[name] = value
            else:
                self._jar.pop(name, None)
        return found


def _card(card: Mapping[str, Any]) -> CardView:
    """A card as far as the snapshot says it in numbers. Its words are in its HTML, which stands for its kind here:
    whoever reads anything new on it looks anew whom it is about."""
    return CardView(
        card["id"],
        card["version"],
        card["priority"],
        level="",
        state=card["state"],
        taken=card["taken"],
        sound_seq=card["sound_seq"],
        notice_id=card["notice_id"],
        notice_sent=True,
        icon="",
        place="",
        placed=True,
        kind=card["html"],
        why="",
        when="",
        unusual_time=False,
        again="",
        raised_ms=0,
        age="",
        holder="",
        holder_initials="",
        holder_does="",
        held_at="",
        act="",
        act_label="",
        resident_id=None,
    )
