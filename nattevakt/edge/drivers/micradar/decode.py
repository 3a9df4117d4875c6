"""What a MicRadar says, as readings' values, and back into frames. Serves arrow 2.

Owns the meaning of fields for a home, by profile. Must not know framing, state or time.

Distances and positions are read but mean nothing here: a report of "nobody" may stand beside a distance that is not
zero, so presence comes from its own field alone. The same goes for movement, breathing and heart: they are context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nattevakt.edge.drivers.driver import Reading, Value
from nattevakt.edge.drivers.micradar.frame import Frame, feed
from nattevakt.edge.drivers.micradar.profiles import PROFILES, RESIDENCY, Profile
from nattevakt.edge.drivers.micradar.words import FieldValue, question, statement
from nattevakt.edge.drivers.radar import port_name
from nattevakt.edge.errors import RejectError

PREFIX = "micradar:"
CONTEXT = frozenset(("movement", "breath_rate", "heart_rate"))
"""Fields that come about once a second and are never alarms."""


def _fall(value: FieldValue, _profile: Profile) -> dict[str, Value]:
    # The radar's own verdict, given after its own "fall time"; the protocol has no "suspected" beside it as the older
    # 24 GHz family has (Seeed MR24FDB1: 00 suspected, 01 fall, 02 none). It is an assist, but it rings: "sure".
    return {"fall": "sure" if value == 1 else "no"}


def _motion(value: FieldValue, profile: Profile) -> dict[str, Value]:
    found: dict[str, Value] = {"motion": value == "active"}
    if RESIDENCY not in profile.fields:
        found["still"] = value == "still"
    return found


def _bed(value: FieldValue, _profile: Profile) -> dict[str, Value]:
    # "none" is neither in nor out: the radar does not know.
    return {"occupied": {"in": True, "out": False}.get(str(value))}


def _rate(name: str) -> Callable[[FieldValue, Profile], dict[str, Value]]:
    """Zero is how the radar says that it has no value."""
    return lambda value, _profile: {name: float(value)} if value else {}


_MEANINGS: Mapping[str, Callable[[FieldValue, Profile], dict[str, Value]]] = {
    "fall": _fall,
    "presence": lambda value, _profile: {"present": value == 1},
    "motion": _motion,
    "movement": lambda value, _profile: {"movement_percent": float(value)},
    "residency": lambda value, _profile: {"still": value == 1},
    "bed": _bed,
    "breath_rate": _rate("breathing_rpm"),
    "heart_rate": _rate("heart_bpm"),
    "sensitivity": lambda value, _profile: {"sensitivity": value},
}
MEANINGFUL = frozenset(_MEANINGS)
"""Fields that say something of the home (or of the fall alarm's delay)."""

_SAID: Mapping[str, tuple[str, ...]] = {
    "fall": ("fall",),
    "presence": ("present",),
    "motion": ("motion", "still"),
    "movement": ("movement_percent",),
    "residency": ("still",),
    "bed": ("occupied",),
    "breath_rate": ("breathing_rpm",),
    "heart_rate": ("heart_bpm",),
    "sensitivity": ("sensitivity",),
}


def values(name: str, value: FieldValue, profile: Profile) -> dict[str, Value]:
    """What a field means under a profile; nothing for one that the profile does not have, or without a meaning."""
    meaning = _MEANINGS.get(name)
    return meaning(value, profile) if meaning is not None and name in profile.fields else {}


def reports(profile: Profile) -> frozenset[str]:
    """The values that a profile's radar can give."""
    said = {name for field in profile.fields for name in _SAID[field]}
    return frozenset(said)


def _whole(values_: Mapping[str, Value], name: str) -> int:
    value = values_[name]
    if value is None:
        return 0
    if isinstance(value, str):
        raise RejectError(f"values.{name}", "must be a number")
    return round(value)


def _statements(said: Mapping[str, Value], profile: Profile) -> dict[str, FieldValue]:
    """Values as the fields that say them."""
    found: dict[str, FieldValue] = {}
    if "fall" in said:
        found["fall"] = int(said["fall"] in ("sure", "possible"))
    if "present" in said:
        found["presence"] = int(bool(said["present"]))
    if "occupied" in said:
        occupied = said["occupied"]
        found["bed"] = "none" if occupied is None else "in" if occupied else "out"
    if "still" in said and RESIDENCY in profile.fields:
        found["residency"] = int(bool(said["still"]))
    if "motion" in said or ("still" in said and RESIDENCY not in profile.fields):
        found["motion"] = "active" if said.get("motion") else "still" if said.get("still") else "none"
    for name, field in (
        ("movement_percent", "movement"),
        ("breathing_rpm", "breath_rate"),
        ("heart_bpm", "heart_rate"),
        ("sensitivity", "sensitivity"),
    ):
        if name in said:
            found[field] = _whole(said, name)
    return found


def encode(reading: Reading, profile: str) -> bytes:
    """The reports of a radar of this profile that say this reading; a heartbeat where it says nothing.

    Raises RejectError for what such a radar cannot say.
    """
    if profile not in PROFILES:
        raise RejectError("profile", f"unknown profile {profile!r}")
    if not reading.address.startswith(PREFIX):
        raise RejectError("address", f"must begin with {PREFIX}")
    port_name(PREFIX, reading.address.removeprefix(PREFIX))
    can = PROFILES[profile]
    for name in reading.values:
        if name not in reports(can):
            raise RejectError(f"values.{name}", f"{profile} cannot say it")
    said = _statements(reading.values, can)
    if not said:
        return question("heartbeat").to_bytes()
    return b"".join(statement(name, value).to_bytes() for name, value in said.items())


def answer(
    asked: bytes, reading: Reading, profile: str, facts: Mapping[str, FieldValue] | None = None
) -> tuple[bytes, ...]:
    """What a radar of this profile, in the state that the reading says, answers to bytes from a host.

    facts: what it tells of itself and its settings, by field name (model, firmware, sensitivity, work_mode, …). A
    question about anything else stays without an answer, as with a real radar. Raises RejectError as `encode` does.
    """
    can = PROFILES[profile]
    said: dict[str, FieldValue] = {**_statements(reading.values, can), **(facts or {})}
    known = {question(name): name for name in said}
    answers: list[bytes] = []
    frames, _, _ = feed(b"", asked)
    for frame in frames:
        if frame == question("heartbeat"):
            answers.append(frame.to_bytes())
        elif (name := known.get(frame)) is not None:
            answers.append(statement(name, said[name], answering=True).to_bytes())
        elif frame == Frame(0x01, 0x02, frame.data):
            answers += [frame.to_bytes(), statement("ready", 1).to_bytes()]
    return tuple(answers)
