"""A disk for one gateway that can be filled: a small tmpfs where mounting is allowed, else a limit on its files' size.

The tmpfs gives ENOSPC, as a card does ("disk full"). The limit is RLIMIT_FSIZE of the running process, which needs no
rights at all; it gives EFBIG, which SQLite calls an input/output error. Neither costs what is stored already.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from pathlib import Path

SIZE_MB = 48
_BLOCKS = (1 << 20, 1 << 14, 1 << 12, 1)


class Disk:
    """Where a gateway keeps its outbox. Use as a context manager; mounted: try a file system of its own."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self._wanted = mounted
        self.mounted = False

    def __enter__(self) -> Disk:
        self.folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("mount")
        if self._wanted and program is not None and os.getuid() == 0:
            words = [program, "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=700", "tmpfs", str(self.folder)]
            self.mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_error: object) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=True)
            self.mounted = False

    def fill(self, pid: int) -> None:
        """From now on nothing more can be written: for everybody there, or for this process."""
        if not self.mounted:
            _limit(pid, 0)
            return
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            for size in _BLOCKS:
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(size)) == size:
                        pass

    def empty(self, pid: int) -> None:
        """There is room again. A process that was started meanwhile never had the limit."""
        if self.mounted:
            (self.folder / "ballast").unlink(missing_ok=True)
        else:
            _limit(pid, resource.RLIM_INFINITY)


def _limit(pid: int, size: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))
