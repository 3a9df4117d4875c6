"""Every published ESP3 vector (tests/frames/enocean-esp3.jsonl) decodes as it says, or is refused as it is marked.

What a vector expects is looked up by the name of its key; a key that nobody looks up fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Learned, Reading, Value
from nattevakt.edge.drivers.enocean import learning, start, step
from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.edge.drivers.enocean.learn import MAKERS, Query
from nattevakt.edge.drivers.enocean.telegram import NU, T21, Telegram
from nattevakt.edge.errors import FrameError

FRAMES = Path(__file__).parents[1] / "frames" / "enocean-esp3.jsonl"
VECTORS = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]
PROFILE_OF = {
    "55000707017ad50801825dab0001ffffffff360053": "D5-00-01",
    "55000707017ad50901825dab0001ffffffff3600c7": "D5-00-01",
    "55000707017af650002989793001ffffffff37009d": "F6-02-01",
    "55000707017af600002989792002ffffffff4a0003": "F6-02-01",
    "55000a0701eba5000055080181b7440001ffffffff2d0075": "A5-02-05",
    "55000707017ad509ffdba5ed0001ffffffff470096": "D5-00-01",
    "55a03d79000155000707017ad509ffdba5ed0001ffffffff470096": "D5-00-01",
    "550707017ad509ffdba5ed0001ffffffdf55000707017ad509ffdba5ed0001ffffffff470096": "D5-00-01",
    "55000707017af600ffd9b7812001ffffffff460050": "F6-02-02",
    "55000707017af6e0018e560d2002ffffffff4a00cc": "F6-10-00",
    "55000707017ad5000181192d8001ffffffff3a0049": "D5-00-01",
    "55000707017af670002e79fb3001ffffffff370083": "F6-02-01",
}
"""The profile under which a vector's meaning is meant; other vectors are not data of a profile that we have."""
WITHOUT_EXPECT: Mapping[str, Mapping[str, Value]] = {
    "55000707017ad509ffdba5ed0001ffffffff470096": {"closed": True},
    "55a03d79000155000707017ad509ffdba5ed0001ffffffff470096": {"closed": True},
    "550707017ad509ffdba5ed0001ffffffdf55000707017ad509ffdba5ed0001ffffffff470096": {"closed": True},
    "55000707017af600ffd9b7812001ffffffff460050": {"pressed": False},
    "55000707017af670002e79fb3001ffffffff370083": {"pressed": True, "action": "BO"},
}
"""The values of those whose meaning stands in words only."""


REFUSED_FOR = {
    "55000f07012bd2dddcdddddddddddddddd008035c40003ffffffff4d0036": "header says 29 bytes, got 30",
    "55000f07012bd2dddddddddddddddddd008035c40003ffffffff4d0037": "data checksum wrong",
    "55000f07011bd2dddddddddddddddddd008035c40003ffffffff4d0036": "header checksum",
    "55000100057038": "header says 8 bytes, got 7",
    "55000000010700": "lengths wrong",
}
"""Why each invalid vector is no frame; the first has a byte more than its header says, besides the changed one."""


@dataclass(frozen=True)
class Found:
    """A vector through frame, telegram and driver."""

    frames: tuple[Frame, ...]
    telegram: Telegram | None
    values: Mapping[str, Value]
    learned: Learned | None
    base_id: str | None
    events_told: bool

    @property
    def radio(self) -> Telegram:
        assert self.telegram is not None
        return self.telegram

    @property
    def teach_in(self) -> Learned:
        assert self.learned is not None
        return self.learned


def found_in(text: str) -> Found:
    raw = bytes.fromhex(text)
    frames, _, _ = feed(b"", raw)
    telegram = Telegram.from_frame(frames[0]) if frames and frames[0].packet_type == 1 else None
    devices = (Device(telegram.address, PROFILE_OF.get(text, "D5-00-01")),) if telegram else ()
    said = step(raw, 10, learning(1000, start(devices)))
    readings = [o for o in said.outputs if isinstance(o, Reading)]
    learned = [o for o in said.outputs if isinstance(o, Learned)]
    return Found(
        frames,
        telegram,
        readings[0].values if readings else {},
        learned[0] if learned else None,
        said.state.base_id,
        bool(readings),
    )


def mid(learned: Learned) -> int:
    """The number of a maker that the driver names or numbers."""
    numbers = {name: number for number, name in MAKERS.items()}
    return numbers[learned.maker] if learned.maker in numbers else int(learned.maker, 16)


LOOKED_UP: Mapping[str, Callable[[Found], object]] = {
    "rorg": lambda f: f"{f.radio.rorg:02X}",
    "sender": lambda f: f.radio.sender,
    "contact": lambda f: {True: "closed", False: "open"}[bool(f.values["closed"])],
    "handle": lambda f: "tilted" if f.values["tilted"] else {True: "closed", False: "open"}[bool(f.values["closed"])],
    "learn": lambda f: f.radio.learns and f.learned is not None and not f.events_told,
    "dbm": lambda f: f.values["signal_dbm"],
    "status": lambda f: f.radio.status,
    "button": lambda f: f.values["action"],
    "pressed": lambda f: f.values["pressed"],
    "t21": lambda f: int(bool(f.radio.status & T21)),
    "nu": lambda f: int(bool(f.radio.status & NU)),
    "subtel": lambda f: f.frames[0].optional[0],
    "temperature_c": lambda f: round(float(f.values["temperature_c"] or 0.0), 1),
    "func": lambda f: int(f.teach_in.profile.split("-")[1], 16),
    "type": lambda f: int(f.teach_in.profile.split("-")[2], 16),
    "eep": lambda f: f.teach_in.profile,
    "mid": lambda f: mid(f.teach_in),
    "response_expected": lambda f: Query.of(f.radio).wants_answer,
    "ret": lambda f: f.frames[0].data[0],
    "base_id": lambda f: f.base_id,
    "frames": lambda f: [frame.to_bytes().hex() for frame in f.frames],
}


def test_all_vectors_are_here() -> None:
    assert len([v for v in VECTORS if v["valid"]]) == 31
    assert len([v for v in VECTORS if not v["valid"]]) == 5
    assert all(v["protocol"] == "enocean-esp3" and v["source"] for v in VECTORS)
    assert set(PROFILE_OF) <= {v["hex"] for v in VECTORS}


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["valid"]], ids=lambda v: str(v["meaning"]))
def test_a_valid_vector_is_what_it_says(vector: Mapping[str, object]) -> None:
    text = str(vector["hex"])
    found = found_in(text)
    assert len(found.frames) == 1
    assert Frame.from_bytes(found.frames[0].to_bytes()) == found.frames[0]
    assert found.frames[0].to_bytes().hex() in text
    expect = vector.get("expect", {})
    assert isinstance(expect, dict)
    for key, expected in expect.items():
        seen = LOOKED_UP[key](found)
        assert (len(found.frames) if isinstance(expected, int) and key == "frames" else seen) == expected, key
    for name, value in WITHOUT_EXPECT.get(text, {}).items():
        assert found.values[name] == value


@pytest.mark.parametrize("vector", [v for v in VECTORS if not v["valid"]], ids=lambda v: str(v["meaning"]))
def test_an_invalid_vector_is_refused(vector: Mapping[str, object]) -> None:
    text = str(vector["hex"])
    assert found_in(text).frames == ()
    with pytest.raises(FrameError) as caught:
        Frame.from_bytes(bytes.fromhex(text))
    assert REFUSED_FOR[text] in caught.value.reason
