"""What a power cut leaves behind: the files as they are on the disk at that moment. Serves the simulated machines.

Owns the image of a database that nobody got to close, and the cut that strikes in the middle of a transaction. Must
not know what is in the files. An image is taken before the dying program's connection is closed, because closing one
would tidy the log away, which no power cut does.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SIDES = ("", "-wal")
"""The parts of an SQLite database that hold committed data; its shared memory is made anew."""


class PowerCut(BaseException):
    """The machine stops here. Raised from a probe, and caught only by the simulated machine that dies of it;
    no error, so that nobody who catches errors survives it."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a database's files as they are now; target: a path in a folder that is there."""
    for side in SIDES:
        beside = source.with_name(source.name + side)
        if beside.exists():
            shutil.copyfile(beside, target.with_name(target.name + side))


class Disk:
    """One machine's folder, with a new image of its database for each life."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._life = 0
        self._held = False
        self._copies = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def life(self) -> int:
        """Which image this is: one more with each cut and each change of the disk."""
        return self._life

    @property
    def path(self) -> Path:
        """The database of the life that goes on."""
        return self._of(self._life)

    @property
    def next_path(self) -> Path:
        """Where the image of this life will be, or is already."""
        return self._of(self._life + 1)

    def _of(self, life: int) -> Path:
        return self._folder / f"life-{life}" / self._name

    def hold(self) -> None:
        """The power goes in this very moment: whatever is written before `cut` no longer counts."""
        if self._held:
            return
        self._held = True
        self.next_path.parent.mkdir(parents=True, exist_ok=True)
        copy_database(self.path, self.next_path)

    def cut(self) -> None:
        """Keep what is on the disk now for the next life; the old files are of no account from here on."""
        self.hold()
        self._held = False
        self._life += 1

    def copy(self) -> Path:
        """Set a copy of what is on the disk now aside, as a backup or a cloned card."""
        self._copies += 1
        target = self._folder / f"copy-{self._copies}" / self._name
        target.parent.mkdir(parents=True)
        copy_database(self.path, target)
        return target

    def replace(self, copy: Path | None) -> Path:
        """Another disk is put in: an empty one, or one that holds this copy. Only while nobody has the database
        open. Gives the path of the database that is gone."""
        gone = self.path
        self._life += 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if copy is not None:
            copy_database(copy, self.path)
        return gone


@dataclass(slots=True, eq=False)
class Charge:
    """Where a fuse will blow, and after how many passes."""

    point: str
    left: int


def _nothing() -> None:
    """Nobody wants to know."""


class Fuse:
    """A probe that cuts the power the n-th time that a named point is passed; does nothing until it is set.

    blown: called in the moment of the cut, before anything unwinds.
    """

    def __init__(self, blown: Callable[[], None] = _nothing) -> None:
        self._blown = blown
        self._charges: list[Charge] = []

    def set(self, point: str, passes: int = 1) -> Charge:
        """Blow at this point, the `passes`-th time from now."""
        charge = Charge(point, passes)
        self._charges.append(charge)
        return charge

    def remove(self, charge: Charge) -> bool:
        """Do not blow for this one any more. False where it has blown."""
        there = [one for one in self._charges if one is charge]
        self._charges = [one for one in self._charges if one is not charge]
        return bool(there)

    @property
    def armed(self) -> bool:
        """Whether it would blow anywhere."""
        return bool(self._charges)

    def passes(self, point: str) -> bool:
        """A point is passed; whether the power goes there, for whoever cuts it in a way of their own."""
        if not self._charges:
            return False
        due = []
        for charge in self._charges:
            if charge.point == point:
                charge.left -= 1
                if charge.left <= 0:
                    due.append(charge)
        for charge in due:
            self.remove(charge)
        return bool(due)

    def blow(self, point: str) -> None:
        """The power goes. Raises PowerCut."""
        self._blown()
        raise PowerCut(point)

    def __call__(self, point: str, data: Mapping[str, object]) -> None:  # noqa: ARG002 - one form for all probes
        """A point is passed."""
        if self.passes(point):
            self.blow(point)


def survives(work: Callable[[], None]) -> bool:
    """Do some work; False where the power was cut in the middle of it."""
    try:
        work()
    except PowerCut:
        return False
    return True
