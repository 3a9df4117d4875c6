"""Whoever is told what truly happens in a world, whatever becomes of it. Serves the judge of simulated nights.

Owns what is told. A witness changes nothing: a world with one runs exactly as a world without. Must not know who
listens or what is made of it.
"""

from __future__ import annotations

from typing import Protocol

from nattevakt.sim.devices.device import Utterance
from nattevakt.sim.people import Happening


class Witness(Protocol):
    """Told as it happens, in true time."""

    def happened(self, happening: Happening, told: tuple[Utterance, ...]) -> None:
        """Something happened to a resident, and this is what their device will say of it."""
        ...

    def faulted(self, name: str, address: str, told: tuple[Utterance, ...], *, on: bool) -> None:
        """A device got this fault, or is rid of it, and this is what the fault alone makes it say."""
        ...

    def carried(self, utterance: Utterance, *, reached: bool) -> None:
        """Something was said. reached: an agent was there to hear it, or a broker that keeps it for one."""
        ...


class Nobody:
    """The witness of a world that nobody judges."""

    def happened(self, happening: Happening, told: tuple[Utterance, ...]) -> None:
        """Nobody cares."""

    def faulted(self, name: str, address: str, told: tuple[Utterance, ...], *, on: bool) -> None:
        """Nobody cares."""

    def carried(self, utterance: Utterance, *, reached: bool) -> None:
        """Nobody cares."""
