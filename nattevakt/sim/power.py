"""What a power cut leaves behind: the files as they are on the disk at that moment. Serves the simulated machines.

Owns the image of a database that nobody got to close, and the cut that strikes in the middle of a transaction. Must
not know what is in the files. An image is taken before the dying program's connection is closed, because closing one
would tidy the log away, which no power cut does.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

SIDES = ("", "-wal")
"""The parts of an SQLite database that hold committed data; its shared memory is made anew."""


class PowerCut(BaseException):
    """The machine stops here. Raised from a probe, and caught only by the simulated machine that dies of it;
    no error, so that nobody who catches errors survives it."""


class Disk:
    """One machine's folder, with a new image of its database for each life."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._life = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        """The database of the life that goes on."""
        return self._folder / f"life-{self._life}" / self._name

    def cut(self) -> None:
        """Keep what is on the disk now for the next life; the old files are of no account from here on."""
        before = self.path
        self._life += 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            source = before.with_name(before.name + side)
            if source.exists():
                shutil.copyfile(source, self.path.with_name(self.path.name + side))


class Fuse:
    """A probe that cuts the power the n-th time that a named point is passed; does nothing until it is set."""

    def __init__(self) -> None:
        self._point = ""
        self._left = 0

    def set(self, point: str, passes: int = 1) -> None:
        """Blow at this point, the `passes`-th time from now."""
        self._point, self._left = point, passes

    def __call__(self, point: str, data: Mapping[str, object]) -> None:  # noqa: ARG002 - one form for all probes
        """A point is passed."""
        if self._left and point == self._point:
            self._left -= 1
            if not self._left:
                raise PowerCut(point)


def survives(work: Callable[[], None]) -> bool:
    """Do some work; False where the power was cut in the middle of it."""
    try:
        work()
    except PowerCut:
        return False
    return True
