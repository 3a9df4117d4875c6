"""A night as a story: what happens, what must ring, and nothing else. Serves scenario files and whoever plays them.

Owns the form of a scenario: times of day of one night, deeds, expectations, and the broken twins that prove that the
expectations can fail. Mistakes in a scenario are errors that name its file and line. Must not know where it is played.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.edge.errors import NattevaktError
from nattevakt.edge.rules import sensor_implausible
from nattevakt.edge.rules.windows import NORWAY
from nattevakt.sim.centre import Workings
from nattevakt.sim.host import GatewayWorkings
from nattevakt.sim.people import Habits
from nattevakt.sim.stage import Deed
from nattevakt.sim.ward import WARD, Ward

SCENARIOS = Path(__file__).parent / "scenarios"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?( igjen)?\Z")
SHOWN = ("known", "unknown", "mute")
FINDINGS = sensor_implausible.REASONS


class ScenarioError(NattevaktError):
    """Something in a scenario that cannot be; the sentence names the file and line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed at its moment (Unix ms). line: where in the file it stands."""

    at_ms: int
    deed: Deed
    line: int


@dataclass(frozen=True, slots=True)
class Expected:
    """An alarm that must come, between two moments (Unix ms, both included).

    room, about, why, occurred_ms: as `expect_alarm` takes them. clears_by_ms: it must have ended of itself by then;
    None: it must not end of itself. again: how often it sounds anew.
    """

    kind: str
    room: str
    about: str
    after_ms: int
    by_ms: int
    why: str
    occurred_ms: int | None
    clears_by_ms: int | None
    again: int
    line: int


@dataclass(frozen=True, slots=True)
class Tolerated:
    """Alarms that may come, at most so many."""

    kind: str
    room: str
    about: str
    at_most: int


@dataclass(frozen=True, slots=True)
class Shown:
    """How a room's tile must look at a moment: known, unknown or mute."""

    at_ms: int
    room: str
    seen: str
    line: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding about a device in this room that must be there for somebody to see to by day. code: its reason's.

    after_ms, by_ms: when it must have been told last, both included.
    """

    code: str
    room: str
    after_ms: int
    by_ms: int
    line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A twin of the story that is played with one thing broken, and must fail. says: what is broken, in Norwegian.

    workings: of the centre. ward: another one, None for the story's own. renames_guests: the clerk's careless way.
    clocks_lie: gateways say that their clocks are right when they are not. gateways: their workings.
    notices: words of a failure that must be among its failures, so that it fails for what was broken and nothing else.
    ends_ms: when it has failed for sure, and need not be played on; None for the story's own end.
    """

    says: str
    workings: Workings = field(default_factory=Workings)
    ward: Ward | None = None
    renames_guests: bool = False
    clocks_lie: bool = False
    notices: str = ""
    gateways: GatewayWorkings = field(default_factory=GatewayWorkings)
    ends_ms: int | None = None


class Night:
    """One story. name: its file's. begins, ends: local times of day. date: the day on which it begins."""

    def __init__(
        self,
        name: str,
        says: str,
        *,
        begins: str,
        ends: str,
        on: date = date(2026, 11, 17),
        ward: Ward = WARD,
        plain_life: bool = False,
        habits: Mapping[str, Habits] | None = None,
        up: Iterable[str] = (),
        workings: Workings | None = None,
        time_zone: str = NORWAY,
    ) -> None:
        """plain_life: residents whom the story does not move go to the toilet and so on, by the seed. habits: by
        resident key. up: who is not in bed when the story begins. workings: of the centre, where it is not usual."""
        self.name = name
        self.says = says
        self.ward = ward
        self.plain_life = plain_life
        self.habits = dict(habits or {})
        self.up = tuple(up)
        self.workings = workings or Workings()
        self.zone = ZoneInfo(time_zone)
        self.entries: list[Entry] = []
        self.expected: list[Expected] = []
        self.tolerated: list[Tolerated] = []
        self.shown: list[Shown] = []
        self.noted: list[Noted] = []
        self.twins: list[Broken] = []
        self._on = on
        self.file = Path(self._caller()[0]).name
        self.begins_ms = self._local(begins, on)
        self.ends_ms = self.moment(ends)
        for name_of in self.up:
            if ward.resident(name_of) is None:
                raise self._wrong(f"ukjent beboer «{name_of}»")

    # --- what happens ----------------------------------------------------------------------------------------

    def at(self, when: str, *deeds: Deed) -> None:
        """Let deeds happen at a time of this night ("02:10", "02:10:30")."""
        at_ms = self.moment(when)
        line = self._caller()[1]
        for deed in deeds:
            if wrong := deed.check(self.ward):
                raise self._wrong(wrong)
            self.entries.append(Entry(at_ms, deed, line))

    # --- what must come of it --------------------------------------------------------------------------------

    def expect_alarm(
        self,
        kind: str,
        *,
        by: str,
        room: str = "",
        about: str = "",
        after: str = "",
        why: str = "",
        occurred: str = "",
        clears_by: str = "",
        again: int = 0,
    ) -> None:
        """This kind must ring once in this room, no later than `by` and no earlier than `after`.

        about: the resident's name, gateway's key or device's address. why: its reason code. occurred: the
        true time of what it is about, which the time shown must be or (shown as uncertain) must hold. clears_by: by
        when it must have ended of itself; without it, it must stand until somebody comes. again: how often it sounds
        anew.
        """
        if kind not in KINDS:
            raise self._wrong(f"ukjent alarm «{kind}»; kjente er " + ", ".join(sorted(KINDS)))
        if room and self.ward.resident(room) is None:
            raise self._wrong(f"ukjent rom «{room}»")
        self.expected.append(
            Expected(
                kind,
                room,
                about,
                self.moment(after) if after else self.begins_ms,
                self.moment(by),
                why,
                self.moment(occurred) if occurred else None,
                self.moment(clears_by) if clears_by else None,
                again,
                self._caller()[1],
            )
        )

    def tolerate(self, kind: str, *, at_most: int, room: str = "", about: str = "") -> None:
        """This kind may come, in this room (about this gateway, device or resident), but no more often than this."""
        if kind not in KINDS:
            raise self._wrong(f"ukjent alarm «{kind}»; kjente er " + ", ".join(sorted(KINDS)))
        self.tolerated.append(Tolerated(kind, room, about, at_most))

    def expect_shown(self, when: str, *, room: str, seen: str) -> None:
        """At this moment the room's tile is `known`, `unknown` or `mute`."""
        if seen not in SHOWN:
            raise self._wrong(f"«{seen}» er ingen av " + ", ".join(SHOWN))
        if self.ward.resident(room) is None:
            raise self._wrong(f"ukjent rom «{room}»")
        self.shown.append(Shown(self.moment(when), room, seen, self._caller()[1]))

    def expect_finding(self, code: str, *, room: str, by: str, after: str = "") -> None:
        """This finding about a device in this room, told last no later than `by` and no earlier than `after`. Who
        expects one expects no other; a story that expects none does not ask for them."""
        if code not in FINDINGS:
            raise self._wrong(f"ukjent funn «{code}»; kjente er " + ", ".join(FINDINGS))
        if self.ward.resident(room) is None:
            raise self._wrong(f"ukjent rom «{room}»")
        after_ms = self.moment(after) if after else self.begins_ms
        self.noted.append(Noted(code, room, after_ms, self.moment(by), self._caller()[1]))

    def broken(
        self,
        says: str,
        workings: Workings | None = None,
        *,
        ward: Ward | None = None,
        renames_guests: bool = False,
        clocks_lie: bool = False,
        notices: str = "",
        gateways: GatewayWorkings | None = None,
        ends: str = "",
    ) -> None:
        """A twin with one thing broken, which this story must notice. notices: words of the failure that tells so.
        ends: the time by which it has failed, where playing on would only cost time."""
        self.twins.append(
            Broken(
                says,
                workings or self.workings,
                ward,
                renames_guests,
                clocks_lie,
                notices,
                gateways or GatewayWorkings(),
                self.moment(ends) if ends else None,
            )
        )

    # --- times -----------------------------------------------------------------------------------------------

    def moment(self, when: str) -> int:
        """A time of day of this night as Unix ms: the first such moment after the beginning. "02:30 igjen" is the
        second one, on the night when the clock is set back."""
        found = [self._local(when, self._on + timedelta(days=days)) for days in (0, 1)]
        after = [at_ms for at_ms in found if at_ms >= self.begins_ms]
        if not after:
            raise self._wrong(f"klokka {when} kommer ikke i løpet av denne natten")
        return after[0]

    def clock(self, at_ms: int) -> str:
        """A moment as the wall clock shows it, "02:10:30"."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone).strftime("%H:%M:%S")

    def _local(self, when: str, on: date) -> int:
        found = _TIME.match(when)
        if not found:
            raise self._wrong(f"«{when}» er ikke et klokkeslett som «02:10» eller «02:10:30»")
        of_day = time(int(found[1]), int(found[2]), int(found[3] or 0), fold=1 if found[4] else 0)
        local = datetime.combine(on, of_day, self.zone)
        if local.astimezone(UTC).astimezone(self.zone).time() != of_day.replace(fold=0):
            raise self._wrong(f"klokka {when} finnes ikke den natten klokka stilles fram")
        return round(local.timestamp() * 1000)

    # --- mistakes --------------------------------------------------------------------------------------------

    def _caller(self) -> tuple[str, int]:
        """File and line of whoever called into this module."""
        frame: FrameType | None = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("?", 0)

    def _wrong(self, sentence: str) -> ScenarioError:
        file, line = self._caller()
        return ScenarioError(f"{Path(file).name}:{line}: {sentence}")


def load(path: Path) -> Night:
    """The story of a scenario file: its module's `NIGHT`. Raises ScenarioError."""
    spec = importlib.util.spec_from_file_location(f"scenario_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ScenarioError(f"{path}: finnes ikke, eller er ikke en Python-fil")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ScenarioError(f"{path.name}:{error.lineno}: {error.msg}") from None
    except (NameError, TypeError, ImportError) as error:
        raise ScenarioError(f"{path.name}:{_line_of(error, path)}: {error}") from None
    found = getattr(module, "NIGHT", None)
    if not isinstance(found, Night):
        raise ScenarioError(f"{path.name}: mangler NIGHT = Night(...)")
    return found


def _line_of(error: Exception, path: Path) -> int:
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def names() -> list[str]:
    """The scenarios that come with the program."""
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if path.stem != "__init__")


def find(name: str) -> Path:
    """A scenario by its name, or by its path. Raises ScenarioError."""
    if name in names():
        return SCENARIOS / f"{name}.py"
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return path
    raise ScenarioError(f"ukjent scenario «{name}»; kjente er " + ", ".join(names()))
