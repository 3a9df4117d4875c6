"""Where a story is played, and what a deed is. Serves the words that scenarios use, and whoever plays them.

Owns the verbs of a stage, which is the world of virtual time or a house of real processes; a deed knows neither. Must
not know any deed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.db import TenantSession
from nattevakt.sim.network import Road
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Ward

Change = Callable[[TenantSession, int], None]
"""(session, service time in Unix ms): what somebody writes down, all of it or nothing."""


class Stage(Protocol):
    """Where a story is played. Every verb means: now. Names have been checked against the ward."""

    @property
    def ward(self) -> Ward:
        """The ward that lives there."""
        ...

    def later(self, after_ms: int, action: Callable[[], None]) -> None:
        """Do something so much later."""
        ...

    def happens(self, happening: Happening) -> None:
        """Something happens to a resident, at its own moment."""
        ...

    def road(self, gateway: str, road: Road) -> None:
        """A link changes."""
        ...

    def gateway_off(self, gateway: str, *, box: bool = True) -> None:
        """A gateway dies."""
        ...

    def gateway_on(self, gateway: str) -> None:
        """A gateway comes back."""
        ...

    def card_gone(self, gateway: str) -> None:
        """A gateway that is off gets an empty card."""
        ...

    def clock_lost(self, gateway: str, until_ms: int) -> None:
        """From its next boot a gateway believes in 1970, until this moment."""
        ...

    def centre_off(self) -> None:
        """The centre dies."""
        ...

    def centre_on(self) -> None:
        """The centre comes back."""
        ...

    def dies(self, address: str) -> None:
        """A device falls silent."""
        ...

    def lives(self, address: str) -> None:
        """A device speaks again."""
        ...

    def fault(self, name: str, address: str, chance: Random, *, on: bool = True) -> None:
        """A device gets a fault, or is rid of it."""
        ...

    def bridge_restarts(self, gateway: str, away_ms: int) -> None:
        """A gateway's Zigbee2MQTT is away for so long, and says again all that it has cached."""
        ...

    def guest_changes(self, room: str, key: str, name: str) -> None:
        """Somebody else lives in a room."""
        ...

    def change(self, says: str, work: Change) -> None:
        """Somebody changes something in the centre, at a tablet or at a desk."""
        ...

    def moves(self, worker: str, kind: str, room: str, to: State, cause: str = "", action: str = "") -> None:
        """A member of staff moves the open alarm of this kind in this room."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """The moment at which a deed is played. when: a time of day of this night as Unix ms."""

    at_ms: int
    chance: Random
    when: Callable[[str], int]


Play = Callable[[Stage, Scene], None]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that happens. says: in Norwegian, for the story. check: what is wrong with it in this ward, or None.
    about: the residents it moves; their own plain nights are left out."""

    says: str
    play: Play
    check: Callable[[Ward], str | None]
    about: tuple[str, ...] = ()
