"""A story as plain data: what happens to whom, what goes wrong and when, and how staff behave. Serves the explorer.

Owns the form of a story and its words as JSON, strictly read: what a seed told, a shrunk failure and a regression
scenario are all this. Must not know how a story is told, played or judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from nattevakt.edge.errors import NattevaktError
from nattevakt.sim.acts import Act
from nattevakt.sim.people import Happening

FORMAT = 1
"""The version of the JSON; a file of another one is refused."""
LATER = frozenset({"declines", "transfers"})
"""What stories of before do not say: nobody did."""
LEVELS = ("none", "soft", "hard")
"""How bad it gets: nothing goes wrong, what every week brings, or everything that can break."""
_Row = TypeVar("_Row")


class StoryError(NattevaktError):
    """Something in a story's file that cannot be; the sentence names the field."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong, or that people do with the installation. at_ms: true Unix ms. what: a key of
    befalls.BEFALLS, or of staffing.LAPSES. about: the key of a gateway or a worker, a device's address, "" for the
    centre. for_ms: how long; 0 for what is over at once, or lasts. chance: the seed of its own randomness."""

    at_ms: int
    what: str
    about: str
    for_ms: int = 0
    chance: int = 0

    @property
    def ends_ms(self) -> int:
        """When it is over, true Unix ms; its beginning for what is over at once."""
        return self.at_ms + self.for_ms


@dataclass(frozen=True, slots=True)
class Manner:
    """How one member of the staff works. worker: key. answers_s: from the sound to kvittert, at the median; walks_s:
    from there to hos bruker; stays_s: from there to avsluttet. Chances in thousandths: ignores an alarm, forgets one
    that was taken, taps twice, is on the way without a word, passes one on that they have or could have (declines),
    or gives it to another ward (transfers). rounds_every_min: how often they look at who is due, 0 for never. chance:
    the seed of their own randomness."""

    worker: str
    answers_s: int = 45
    walks_s: int = 60
    stays_s: int = 180
    ignores: int = 0
    forgets: int = 0
    doubles: int = 0
    rounds_every_min: int = 20
    chance: int = 0
    declines: int = 0
    transfers: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """Some nights in a ward. seed: which ward (wards.py), and all chance that is not a mishap's own. begins_ms,
    faults_end_ms, ends_ms: true Unix ms; between the last two is the calm in which the ward must become quiet. homes:
    the residents who live there, by key."""

    seed: int
    level: str
    begins_ms: int
    faults_end_ms: int
    ends_ms: int
    homes: tuple[str, ...]
    happenings: tuple[Happening, ...]
    mishaps: tuple[Mishap, ...]
    staff: tuple[Manner, ...]

    def without(self, *, homes: frozenset[str]) -> Story:
        """The same story in a ward where these residents do not live."""
        return replace(
            self,
            homes=tuple(key for key in self.homes if key not in homes),
            happenings=tuple(h for h in self.happenings if h.resident not in homes),
        )


def to_json(story: Story) -> str:
    """A story as JSON, one happening and one mishap a line, the same text for the same story."""
    known = asdict(story)
    lines = [f'{{"format": {FORMAT}']
    for name, value in known.items():
        if name in ("happenings", "mishaps", "staff"):
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            lines.append(f'"{name}": [\n  {rows}\n]' if rows else f'"{name}": []')
        else:
            lines.append(f'"{name}": {json.dumps(value, ensure_ascii=False)}')
    return ",\n".join(lines) + "\n}\n"


def from_json(text: str) -> Story:
    """A story from its JSON. Raises StoryError, which names the field, for anything that `to_json` does not write."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise StoryError(f"ikke JSON: {error}") from error
    told = _object(found, "historien", {"format", *(f.name for f in fields(Story))})
    if told["format"] != FORMAT:
        raise StoryError(f"format: {told['format']!r} kan ikke leses, bare {FORMAT}")
    level = _text(told["level"], "level")
    if level not in LEVELS:
        raise StoryError(f"level: «{level}» finnes ikke; kjente er {', '.join(LEVELS)}")
    story = Story(
        _whole(told["seed"], "seed"),
        level,
        _whole(told["begins_ms"], "begins_ms"),
        _whole(told["faults_end_ms"], "faults_end_ms"),
        _whole(told["ends_ms"], "ends_ms"),
        tuple(_text(key, f"homes[{n}]") for n, key in enumerate(_list(told["homes"], "homes"))),
        _rows(told["happenings"], "happenings", _happening),
        _rows(told["mishaps"], "mishaps", lambda row, path: Mishap(**_plain(row, path, Mishap))),
        _rows(told["staff"], "staff", lambda row, path: Manner(**_plain(row, path, Manner))),
    )
    if not story.begins_ms <= story.faults_end_ms <= story.ends_ms:
        raise StoryError("faults_end_ms: skal ligge mellom begins_ms og ends_ms")
    return story


def _happening(row: object, path: str) -> Happening:
    told = _object(row, path, {f.name for f in fields(Happening)})
    act = _text(told["act"], f"{path}.act")
    if act not in {known.value for known in Act}:
        raise StoryError(f"{path}.act: «{act}» finnes ikke")
    return Happening(
        _whole(told["at_ms"], f"{path}.at_ms"),
        _text(told["resident"], f"{path}.resident"),
        Act(act),
        _text(told["spot"], f"{path}.spot"),
    )


def _plain(row: object, path: str, kind: type[Mishap | Manner]) -> dict[str, Any]:
    """A row of texts and whole numbers, as the dataclass has them."""
    kinds = {f.name: f.type for f in fields(kind)}
    said = LATER & row.keys() if isinstance(row, dict) else frozenset()
    names = {name for name in kinds if name not in LATER or name in said}
    told = _object(row, path, names)
    return {name: (_text if kinds[name] == "str" else _whole)(told[name], f"{path}.{name}") for name in names}


def _rows(value: object, name: str, read: Callable[[object, str], _Row]) -> tuple[_Row, ...]:
    return tuple(read(row, f"{name}[{number}]") for number, row in enumerate(_list(value, name)))


def _object(value: object, path: str, names: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise StoryError(f"{path}: skal være et objekt")
    for name in sorted(names - set(value)):
        raise StoryError(f"{path}: «{name}» mangler")
    for name in sorted(set(value) - names):
        raise StoryError(f"{path}: «{name}» er ukjent")
    return value


def _list(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise StoryError(f"{path}: skal være en liste")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise StoryError(f"{path}: skal være en tekst, var {value!r}")
    return value


def _whole(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise StoryError(f"{path}: skal være et helt tall, var {value!r}")
    return value
