"""What the words of the MicRadar protocol hold, both ways. Serves arrow 2.

Owns the table of control and command words and the layout of their data. Must not know profiles, readings or time.
A report is (control, command); the answer to a question is the same with the command's high bit set: one field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from nattevakt.edge.drivers.micradar.frame import Frame
from nattevakt.edge.errors import FrameError, RejectError

FieldValue: TypeAlias = int | str
Fields: TypeAlias = Mapping[str, FieldValue]
ANSWER = 0x80
"""Set in the command word of a question and of its answer."""
MARK = b"\x0f"
"""The data of questions, heartbeats and "I am ready"."""
TEXT_MAX = 40


class Layout(Protocol):
    """How the data of one word is read and written."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its fields."""

    def read(self, data: bytes) -> Fields:
        """The data's fields by name. Raises RejectError."""

    def write(self, *values: FieldValue) -> bytes:
        """The data that says these values, in the order of `names`. Raises RejectError."""


@dataclass(frozen=True, slots=True)
class Number:
    """One unsigned number, big-endian."""

    name: str
    maximum: int
    size: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Its one field."""
        return (self.name,)

    def read(self, data: bytes) -> Fields:
        """The number, if it is one that this field can be."""
        value = int.from_bytes(data, "big")
        if len(data) != self.size or value > self.maximum:
            raise RejectError(self.name, f"must be {self.size} bytes and at most {self.maximum}")
        return {self.name: value}

    def write(self, *values: FieldValue) -> bytes:
        """The number's bytes."""
        (value,) = values
        if not isinstance(value, int) or not 0 <= value <= self.maximum:
            raise RejectError(self.name, f"must be 0 to {self.maximum}")
        return value.to_bytes(self.size, "big")


@dataclass(frozen=True, slots=True)
class Word:
    """One byte that stands for one of some words."""

    name: str
    words: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its one field."""
        return (self.name,)

    def read(self, data: bytes) -> Fields:
        """The word."""
        if len(data) != 1 or data[0] >= len(self.words):
            raise RejectError(self.name, f"must be one byte below {len(self.words)}")
        return {self.name: self.words[data[0]]}

    def write(self, *values: FieldValue) -> bytes:
        """The word's byte."""
        (value,) = values
        if value not in self.words:
            raise RejectError(self.name, f"must be one of {', '.join(self.words)}")
        return bytes((self.words.index(str(value)),))


@dataclass(frozen=True, slots=True)
class Signed:
    """Numbers of 16 bits whose highest bit is the sign and the rest the size: 801F is -31, not -32737."""

    names: tuple[str, ...]

    def read(self, data: bytes) -> Fields:
        """The numbers by name."""
        if len(data) != 2 * len(self.names):
            raise RejectError(self.names[0], f"must be {2 * len(self.names)} bytes")
        found: dict[str, FieldValue] = {}
        for name, high, low in zip(self.names, data[::2], data[1::2], strict=True):
            size = (high & 0x7F) << 8 | low
            found[name] = -size if high & 0x80 else size
        return found

    def write(self, *values: FieldValue) -> bytes:
        """The numbers' bytes."""
        raw = b""
        for name, value in zip(self.names, values, strict=True):
            if not isinstance(value, int) or abs(value) > 0x7FFF:
                raise RejectError(name, "must be -32767 to 32767")
            raw += (abs(value) | (0x8000 if value < 0 else 0)).to_bytes(2, "big")
        return raw


@dataclass(frozen=True, slots=True)
class Text:
    """A name in ASCII; what cannot be printed is left out."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Its one field."""
        return (self.name,)

    def read(self, data: bytes) -> Fields:
        """The text."""
        text = "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F).strip()[:TEXT_MAX]
        if not text:
            raise RejectError(self.name, "must hold text")
        return {self.name: text}

    def write(self, *values: FieldValue) -> bytes:
        """The text's bytes."""
        (value,) = values
        text = str(value)
        if not text.isascii() or not text.isprintable() or not 1 < len(text) <= TEXT_MAX:
            raise RejectError(self.name, f"must be 2 to {TEXT_MAX} printable ASCII characters")
        return text.encode("ascii")


@dataclass(frozen=True, slots=True)
class Mark:
    """A word whose data says nothing; it is the word that counts."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Its one field."""
        return (self.name,)

    def read(self, data: bytes) -> Fields:  # noqa: ARG002 - one contract for all layouts
        """That it was said."""
        return {self.name: 1}

    def write(self, *values: FieldValue) -> bytes:  # noqa: ARG002 - one contract for all layouts
        """The usual byte."""
        return MARK


LAYOUTS: Mapping[tuple[int, int], Layout] = {
    (0x01, 0x01): Mark("heartbeat"),
    (0x01, 0x02): Mark("reset"),
    (0x02, 0x08): Number("work_mode", 2),
    (0x02, 0x21): Text("model"),
    (0x02, 0x22): Text("product_id"),
    (0x02, 0x23): Text("hardware"),
    (0x02, 0x24): Text("firmware"),
    (0x05, 0x01): Mark("ready"),
    (0x06, 0x01): Signed(("angle_x", "angle_y", "angle_z")),
    (0x06, 0x02): Number("install_height_cm", 0xFFFF, 2),
    (0x08, 0x00): Number("raw_output", 1),
    (0x80, 0x00): Number("presence_switch", 1),
    (0x80, 0x01): Number("presence", 1),
    (0x80, 0x02): Word("motion", ("none", "still", "active")),
    (0x80, 0x03): Number("movement", 100),
    (0x80, 0x04): Number("distance_cm", 0xFFFF, 2),
    (0x80, 0x05): Signed(("x", "y", "z")),
    (0x81, 0x01): Word("breathing", ("", "normal", "high", "low", "none")),
    (0x81, 0x02): Number("breath_rate", 0xFF),
    (0x83, 0x00): Number("fall_switch", 1),
    (0x83, 0x01): Number("fall", 1),
    (0x83, 0x05): Number("residency", 1),
    (0x83, 0x0A): Number("residency_s", 0xFFFFFFFF, 4),
    (0x83, 0x0B): Number("residency_switch", 1),
    (0x83, 0x0C): Number("fall_s", 0xFFFFFFFF, 4),
    (0x83, 0x0D): Number("sensitivity", 3),
    (0x83, 0x11): Number("fall_height_cm", 0xFFFF, 2),
    (0x83, 0x12): Signed(("track_x", "track_y")),
    (0x84, 0x01): Word("bed", ("out", "in", "none")),
    (0x84, 0x02): Word("sleep", ("deep", "light", "awake", "none")),
    (0x84, 0x0E): Word("sleep_anomaly", ("short", "long", "absent", "none")),
    (0x85, 0x02): Number("heart_rate", 0xFF),
}
"""What is understood, by control word and command word without its high bit. Other words are counted, no more."""

WORDS: Mapping[str, tuple[int, int]] = {layout.names[0]: word for word, layout in LAYOUTS.items()}
"""The word of each field, by the field's (first) name."""

ASKABLE = frozenset(
    (
        *("presence", "fall", "bed", "residency", "work_mode", "model", "product_id", "hardware", "firmware"),
        *("sensitivity", "fall_switch", "presence_switch", "install_height_cm"),
    )
)
"""Fields whose answer can never be the byte 0F alone, so that a question can be told from its answer."""
_QUESTIONS = frozenset((WORDS[name][0], WORDS[name][1] | ANSWER) for name in ASKABLE)


def question(name: str) -> Frame:
    """The frame that asks for a field."""
    control, command = WORDS[name]
    return Frame(control, command if name == "heartbeat" else command | ANSWER, MARK)


def is_question(frame: Frame) -> bool:
    """Whether this is something that only a host says."""
    return frame.data == MARK and (frame.control, frame.command) in _QUESTIONS


def statement(name: str, *values: FieldValue, answering: bool = False) -> Frame:
    """The frame in which a radar says a field, unasked or answering. Raises RejectError."""
    word = WORDS.get(name)
    if word is None:
        raise RejectError("field", f"unknown field {name!r}")
    control, command = word
    # Names and versions are told with the high bit set even in the protocol's own tables.
    answering = answering or (control == 0x02 and command > 0x20)
    return Frame(control, command | (ANSWER if answering else 0), LAYOUTS[word].write(*values))


def fields(frame: Frame) -> Fields:
    """What a frame says; nothing for a word that is not understood. Raises FrameError with the frame's hex."""
    layout = LAYOUTS.get((frame.control, frame.command & 0x7F))
    if layout is None:
        return {}
    try:
        return layout.read(frame.data)
    except RejectError as error:
        raise FrameError(f"micradar.{error.field}", error.reason, frame.to_bytes().hex()) from None
