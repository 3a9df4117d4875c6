"""The MicRadar models by the names that settings use, and what each says. Serves arrow 2.

Owns which fields a model reports, what it is asked, and by which names it calls itself. Data only.
Facts: wiki.seeedstudio.com (Radar_MR60FDA1, Radar_MR60BHA1, Radar_MR24HPC1), wiki.dfrobot.com/sen0623, DFRobot's
HumanDetection library, the public R60ABD1 receivers named in tests/frames/micradar.jsonl.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FALL, PRESENCE, BED, RESIDENCY = "fall", "presence", "bed", "residency"
FALL_MODE, SLEEP_MODE = 1, 2
"""Values of the field work_mode."""
TEXTS = ("model", "product_id", "hardware", "firmware")
"""What a radar calls itself and its parts."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One model. meaning: Norwegian, for the reference page and for messages about settings.

    fields: what it reports of the home, by the protocol's own field names. names: how its firmware and model texts
    begin; empty where that is not known. modes: whether it works in one of two modes, so that not all fields come.
    """

    meaning: str
    fields: frozenset[str]
    names: tuple[str, ...] = ()
    modes: bool = False

    def states(self, work_mode: int | None) -> tuple[str, ...]:
        """What lasts, is told only when it changes, and so must be asked for; the most urgent first."""
        silent = {FALL_MODE: {BED}, SLEEP_MODE: {FALL, RESIDENCY}}.get(work_mode or 0, set()) if self.modes else set()
        return tuple(name for name in (FALL, PRESENCE, BED, RESIDENCY) if name in self.fields and name not in silent)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it is asked about itself, and about the settings that decide whether and when it tells of a fall."""
        about = [*TEXTS, "presence_switch"]
        if self.modes:
            about.append("work_mode")
        if FALL in self.fields:
            about += ["fall_switch", "sensitivity", "install_height_cm"]
        return tuple(about)


_ROOM = frozenset((PRESENCE, "motion", "movement"))
_FALL = frozenset((FALL, RESIDENCY, "sensitivity"))
_SLEEP = frozenset((BED, "breath_rate", "heart_rate"))
_FALL_NAMES = ("G60FD", "R60AFD", "MR60FD")
_SLEEP_NAMES = ("G60SM", "R60ABD", "R60BHA", "MR60BHA")
_ROOM_NAMES = ("G24VD", "R24DVD", "MR24HPC")

PROFILES: Mapping[str, Profile] = {
    "MR60FDA1": Profile("fallradar i taket: fall, tilstedeværelse, ligger stille", _ROOM | _FALL, _FALL_NAMES),
    "MR60BHA1": Profile("radar over sengen: tilstedeværelse, seng, pust og puls", _ROOM | _SLEEP, _SLEEP_NAMES),
    "C1001": Profile(
        "radar (SEN0623) i fallmodus: fall, tilstedeværelse; i søvnmodus: seng, pust og puls",
        _ROOM | _FALL | _SLEEP,
        modes=True,
    ),
    "MR24HPC1": Profile("tilstedeværelsesradar: tilstedeværelse og bevegelse", _ROOM, _ROOM_NAMES),
    "R60ABD1": Profile("radar over sengen: tilstedeværelse, seng, pust og puls", _ROOM | _SLEEP, _SLEEP_NAMES),
}
"""Profiles by name as written in settings."""

UNKNOWN = Profile("", frozenset((FALL,)))
"""A radar that nobody configured: a fall that it tells of rings all the same, at the gateway's ward."""

FAMILIES = (_FALL_NAMES, _SLEEP_NAMES, _ROOM_NAMES)


def fits(profile: Profile, text: str) -> bool:
    """Whether a model or firmware text can be this profile's; what is not known to be another's is believed."""
    if not profile.names or text.upper().startswith(profile.names):
        return True
    return not any(text.upper().startswith(names) for names in FAMILIES)
