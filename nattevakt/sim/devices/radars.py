"""Radars on serial lines of their own: MicRadar, TinyFrame and LD2410. Serves arrows 1 and 2 from the outside.

Owns when each speaks and what it answers; what happened is said by the drivers' own encoders, and the small talk of the
protocols (heartbeat, boot, answers) is written here from their documents. Must not know the drivers that read it.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Reading, Use, Value
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.sim.acts import Act
from nattevakt.sim.devices.device import Plain, Utterance, Values
from nattevakt.sim.ward import Sensor

ANSWER_MS = 0
"""At once: an answer on its way would tell how things were behind what has happened since, as no line does."""
ANSWERS = 0x80
_NONE, _ALL = 0x0F, 0xFF


def mic_frame(control: int, command: int, data: bytes) -> bytes:
    """One whole `53 59` frame."""
    body = b"\x53\x59" + bytes((control, command)) + len(data).to_bytes(2, "big") + data
    return body + bytes((sum(body) & 0xFF,)) + b"\x54\x43"


def tiny_frame(kind: int, data: bytes, number: int = 0) -> bytes:
    """One whole TinyFrame frame; without data there is no data checksum."""
    head = b"\x01" + b"".join(part.to_bytes(2, "big") for part in (number, len(data), kind))
    return head + bytes((_inverse(head),)) + (data + bytes((_inverse(data),)) if data else b"")


def _inverse(data: bytes) -> int:
    found = 0
    for byte in data:
        found ^= byte
    return ~found & 0xFF


class Radar(Plain):
    """What all three have in common: they see presence besides what they are for."""

    DRIVER = ""

    def __init__(self, sensor: Sensor) -> None:
        super().__init__(sensor)
        if sensor.use in (Use.FALL, Use.PRESENCE, Use.BED):
            self.state.setdefault("present", True)

    def changed(self) -> tuple[Utterance, ...]:
        """A radar reports only what changed."""
        return self.say({name: v for name, v in self.state.items() if self.before.get(name) != v})

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One or more frames with these values."""
        if not values:
            return ()
        reading = Reading(self.sensor.address, self.told(values))
        return (self.wired(SERIAL_DRIVERS[self.DRIVER].encode(reading, self.sensor.profile), after_ms),)


class MicRadar(Radar):
    """Speaks on change only; answers queries about how things are; its heart beats."""

    DRIVER = "micradar"
    QUERIES: Mapping[tuple[int, int], str] = {(0x80, 0x81): "present", (0x83, 0x81): "fall", (0x84, 0x81): "occupied"}

    def reports(self) -> tuple[Utterance, ...]:
        """A sign of life is a heartbeat: nothing about the room."""
        return (self.wired(mic_frame(0x01, 0x01, bytes((_NONE,)))),)

    def starts(self) -> tuple[Utterance, ...]:
        """Initialisation is complete: whoever wants to know how things are must ask."""
        return (self.wired(mic_frame(0x05, 0x01, bytes((_NONE,)))),)

    def hears(self, asked: bytes) -> tuple[Utterance, ...]:
        """Answers every query that it knows, as real ones do: with the query's own command."""
        found: list[Utterance] = []
        at = asked.find(b"\x53\x59")
        while 0 <= at <= len(asked) - 10:
            control, command, size = asked[at + 2], asked[at + 3], int.from_bytes(asked[at + 4 : at + 6], "big")
            if asked[at : at + 9 + size] == mic_frame(control, command, asked[at + 6 : at + 6 + size]):
                found += self._answer(control, command, ANSWER_MS * (len(found) + 1))
            at = asked.find(b"\x53\x59", at + 2)
        return tuple(found)

    def _answer(self, control: int, command: int, after_ms: int) -> tuple[Utterance, ...]:
        value = self.told(self.state).get(self.QUERIES.get((control, command), ""))
        if value is None:
            return ()
        on = value == "sure" if isinstance(value, str) else bool(value)
        return (self.wired(mic_frame(control, command, bytes((on,))), after_ms),)


class TinyFrame(Radar):
    """Reports falls and presence again and again; tells its parameters to whoever asks."""

    DRIVER = "tinyframe"
    PARAMETERS = bytes.fromhex("000020409a99193f05000000")
    """Height 2.5 m, threshold 0.6 m, sensitivity 5 (little-endian)."""

    def reports(self) -> tuple[Utterance, ...]:
        """Presence again and again; a fall it tells of once."""
        return self.say({"present": self.state.get("present", True)})

    def starts(self) -> tuple[Utterance, ...]:
        """A boot frame without data, and right behind it how things are."""
        (first, *rest) = self.say(self.state)
        boot = tiny_frame(0x0E0E, b"", 0x8000)
        said = first.said
        data = boot + (said.data if hasattr(said, "data") else b"")
        return (self.wired(data), *rest)

    def hears(self, asked: bytes) -> tuple[Utterance, ...]:
        """Answers the question for its parameters."""
        if tiny_frame(0x0E06, b"")[5:7] not in asked:
            return ()
        return (self.wired(tiny_frame(0x0E06, self.PARAMETERS, 0x8000), ANSWER_MS),)


class LD2410(Radar):
    """Reports presence all the time; a real one ten times a second, this one as often as the ward says."""

    DRIVER = "ld2410"

    def does(self, act: Act) -> tuple[Utterance, ...]:
        """Seen once as a change, and in each report."""
        return super().does(act)


def ghost(present: int, centimetres: int) -> bytes:
    """A basic LD2410 report: state and distance need not agree."""
    far = centimetres.to_bytes(2, "little")
    inner = b"\x02\xaa" + bytes((present,)) + far + b"\x00" + far + b"\x3b" + far + b"\x55\x00"
    return b"\xf4\xf3\xf2\xf1" + len(inner).to_bytes(2, "little") + inner + b"\xf8\xf7\xf6\xf5"


def not_a_number(kind: int) -> bytes:
    """A TinyFrame value that is no number, with a correct checksum."""
    return tiny_frame(kind, b"\x00\x00\xc0\x7f")


__all__ = ["LD2410", "MicRadar", "Radar", "TinyFrame", "Values", "ghost", "mic_frame", "not_a_number", "tiny_frame"]
