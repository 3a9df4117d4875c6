"""Probes that kill or raise at a chosen point, for the launchers of the acceptance tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

Probe = Callable[[str, Mapping[str, object]], None]


def killer(words: list[str]) -> Probe:
    """[POINT, TRIGGER]: SIGKILL this process when POINT is passed while the file TRIGGER exists. []: do nothing.

    Heartbeats and empty groups pass the same points; they are let through, so that it is an event that is hit.
    """

    def probe(passed: str, facts: Mapping[str, object]) -> None:
        idle = facts.get("path") == "/v1/heartbeats" or not facts.get("seqs", True) or not facts.get("events", True)
        if words and passed == words[0] and not idle and Path(words[1]).exists():
            os.kill(os.getpid(), signal.SIGKILL)

    return probe


def poison(device: str) -> Probe:
    """Storing an event of this device raises, as a bug would."""

    def probe(passed: str, facts: Mapping[str, object]) -> None:
        devices = facts.get("devices", ())
        if passed == "stored" and isinstance(devices, list | tuple | set | frozenset) and device in devices:
            raise ZeroDivisionError("a planted bug")

    return probe
