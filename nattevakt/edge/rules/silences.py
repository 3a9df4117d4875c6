"""One silence that a rule waits out: since when, on whose word, until when, and what has been said. Serves arrow 7.

Owns what the rules that wait for somebody to be seen have in common: the deadline within a plan's windows, the
judgement at it, the end of it. Must not know what is waited for; that and the words are each rule's own.

A silence is over when a fact shows it, and not before. Whoever folds anew after a late fact finds the same end, and
says it again: an alarm that rang because that fact was not known clears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nattevakt.edge.events import Bed, Chair, Presence
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    Entry,
    Fact,
    JsonState,
    Key,
    Log,
    Raise,
    Reason,
    RestsOn,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import (
    DAY_MINUTES,
    Window,
    inside,
    local_minute,
    next_at_ms,
    next_start_ms,
    touches,
)

MIN_MS = 60_000
KEYS_MAX = 4
LEANS_MAX = 40
SETTLED_MS = 5_000
"""A bed that reads occupied for less than this was not returned to: mats chatter for one to three seconds."""
LEVELS = (Bed, Chair, Presence)
"""What says of itself that somebody is there, or nobody."""
STALE_MS = 24 * 3_600_000
"""What a bed, a chair or a presence sensor said so long ago tells nothing of now."""
STRETCHES_MAX = 9
"""More stretches than this are not tried: a week of days, and one more at each end."""
SHUT_MS = 1_800_000
"""How long it is taken for granted that windows are still shut: a plan may change."""
CLOCKS_MS = 3_600_000
NEVER_MS = 30 * 24 * 3_600_000


@dataclass(slots=True)
class Silence:
    """Nobody changes one. since_ms, to_ms: the earliest and the latest moment at which it can have begun. due_ms: when
    it has lasted too long. keys: the events that it began with. leans: what hung there then (addresses). rung: it rang
    unconfirmed. done: nothing more will be said of it.
    """

    since_ms: int
    to_ms: int
    due_ms: int
    limit_min: int
    place: str
    keys: tuple[Key, ...]
    leans: tuple[str, ...] = ()
    rung: bool = False
    done: bool = False

    @property
    def wake_ms(self) -> int | None:
        """When it must be judged."""
        return None if self.done else self.due_ms

    def plain(self) -> list[object]:
        """As JSON can hold it."""
        ends = (self.since_ms, self.to_ms, self.due_ms, self.limit_min)
        return [*ends, self.place, [list(key) for key in self.keys], list(self.leans), self.rung, self.done]

    def params(self) -> dict[str, str | int]:
        """What every sentence about it says."""
        return {"place": self.place, "since_ms": self.since_ms, "min": self.limit_min}

    def unjudged(self) -> Silence:
        """The same, as if its deadline had not come yet."""
        return replace(self, rung=False, done=False)

    def named(self, key: Key) -> Silence:
        """The same, known by one more event from before its deadline, and to be judged with it."""
        if key in self.keys or len(self.keys) >= KEYS_MAX:
            return self
        return replace(self, keys=(*self.keys, key), rung=False, done=False)


def load(value: object) -> Silence | None:
    """From what `Silence.plain` gave, or None from nothing."""
    if not isinstance(value, list | tuple):
        return None
    since_ms, to_ms, due_ms, limit_min, place, keys, leans, rung, done = value
    held = tuple(tuple(key) for key in keys)
    return Silence(since_ms, to_ms, due_ms, limit_min, place, held, tuple(leans), rung, done)


def begun(fact: Fact, armed: Armed, due: tuple[int, int]) -> Silence:
    """A silence that begins with this fact. due: when it has lasted too long, and the limit in minutes."""
    at = fact.occurred
    return Silence(at.from_ms, at.to_ms, due[0], due[1], fact.place, (fact.key,), leans_on(armed))


def leans_on(armed: Armed) -> tuple[str, ...]:
    """The addresses without whose word nothing is known there."""
    return tuple(sorted(armed.devices)[:LEANS_MAX]) if armed.devices is not None else ()


def judge(silence: Silence, wake: Wake, alarm: Callable[[Silence, str], Raise]) -> tuple[tuple[Raise, ...], Silence]:
    """What is said of a silence whose deadline has come; `alarm` makes the Raise, with a suffix for its code."""
    if silence.done or wake.at_ms < silence.due_ms:
        return (), silence
    if wake.answered:
        return (), replace(silence, done=True)
    if wake.confirmed:
        return (alarm(silence, ""),), replace(silence, done=True)
    if silence.rung:
        return (), silence
    return (alarm(silence, UNCONFIRMED),), replace(silence, rung=True)


def ended(
    silence: Silence, fact: Fact, clear: str, log: str, params: Mapping[str, str | int], heard_ms: int = 0
) -> tuple[Clear | Log, ...]:
    """What is said when a fact shows that the silence is over.

    It can have rung where its deadline came before that was known, however early it was. heard_ms: when another fact
    became known without which this one would not show it.
    """
    known_ms = max(fact.received_ms, fact.occurred.to_ms, heard_ms)
    if known_ms < silence.due_ms:
        return ()
    cleared = Clear(Reason(clear, params), silence.keys)
    # Past its limit when it ended, and nothing said: only whoever reads afterwards shall know.
    unheard = fact.occurred.to_ms >= silence.due_ms and not (silence.done or silence.rung)
    return (Log(Reason(log, params)), cleared) if unheard else (cleared,)


def rests_on(silence: Silence | None) -> RestsOn:
    """What the next judgement of a silence leans on."""
    return RestsOn() if silence is None else RestsOn(silence.leans, silence.keys, silence.to_ms)


def is_on(body: Bed | Chair | Presence) -> bool:
    """Whether somebody is in the bed, in the chair, in the field."""
    if isinstance(body, Bed):
        return body.occupied
    return body.seated if isinstance(body, Chair) else body.present


def numbers(value: object) -> dict[str, int]:
    """A stored mapping of moments."""
    return dict(value) if isinstance(value, dict) or isinstance(value, Mapping) else {}  # noqa: SIM101 - the quick one first


def number(state: JsonState, name: str) -> int | None:
    """A stored moment."""
    value = state.get(name)
    return value if isinstance(value, int) else None


def soonest(times: Iterable[int | None]) -> int | None:
    """The first of these moments."""
    return min([at_ms for at_ms in times if at_ms is not None], default=None)


def plain_plan(armed: Armed) -> list[object]:
    """The lines of the plan as JSON can hold them, for a deadline that is judged without it."""
    return [
        [[[w.from_minute, w.to_minute, w.weekdays] for w in entry.windows], dict(entry.values)]
        for entry in armed.entries
    ]


_PLANS: dict[int, tuple[object, Sequence[Entry]]] = {}
"""Of the last ones that were found to be the same: the plain lines, by where they lie, and the plan's. Whoever reads it
holds the lines, so that no others can lie there; nobody changes either."""


def is_plan(plain: object, armed: Armed) -> bool:
    """Whether these are the lines that `plain_plan` gives, without making them."""
    known = _PLANS.get(id(plain))
    if known is not None and known[0] is plain and known[1] is armed.entries:
        return True
    if not _is_plan(plain, armed):
        return False
    if len(_PLANS) >= KNOWN_MAX:
        _PLANS.clear()
    _PLANS[id(plain)] = (plain, armed.entries)
    return True


def _is_plan(plain: object, armed: Armed) -> bool:
    if not isinstance(plain, list) or len(plain) != len(armed.entries):
        return False
    for (windows, values), entry in zip(plain, armed.entries, strict=True):
        if values != entry.values or len(windows) != len(entry.windows):
            return False
        for ends, w in zip(windows, entry.windows, strict=True):
            if ends != [w.from_minute, w.to_minute, w.weekdays]:
                return False
    return True


def plan_of(plain: object) -> tuple[Entry, ...]:
    """From what `plain_plan` gave, or from nothing."""
    if not isinstance(plain, list | tuple):
        return ()
    return tuple(Entry(tuple(Window(*ends) for ends in windows), numbers(values)) for windows, values in plain)


def begins_within(entry: Entry, fact: Fact, tz: str) -> bool:
    """Whether a fact lies, or may lie, in the windows of a line of the plan."""
    windows, at = entry.windows, fact.occurred
    if len(windows) == 1 and at.from_ms == at.to_ms:
        return inside(windows[0], at.to_ms, tz)
    return not windows or touches(windows, at.from_ms, at.to_ms, tz)


def first_inside_ms(windows: Sequence[Window], from_ms: int, tz: str) -> int:
    """The first moment from `from_ms` on that lies in any of the windows; no windows are all hours."""
    if not windows:
        return from_ms
    for window in windows:
        if inside(window, from_ms, tz):
            return from_ms
    return min([next_start_ms(window, from_ms, tz) for window in windows])


def due_inside(armed: Armed, since_ms: int, setting: str = "limit_min") -> tuple[int, int] | None:
    """When a silence has lasted for the limit of a line of the plan and its window is open, and that limit."""
    return min([_due(entry, since_ms, entry.values[setting], armed.time_zone) for entry in armed.entries], default=None)


def _due(entry: Entry, since_ms: int, limit_min: int, tz: str) -> tuple[int, int]:
    return first_inside_ms(entry.windows, since_ms + limit_min * MIN_MS, tz), limit_min


def whole_inside_ms(windows: Sequence[Window], from_ms: int, span_ms: int, tz: str) -> int:
    """When `span_ms` have gone by within one stretch of the windows, counted from `from_ms` at the earliest.

    A time outside all windows does not count, and one stretch does not go on in the next. Windows that are shorter
    than the span give a moment that lies far away.
    """
    known = _WHOLE.get((id(windows), span_ms))
    if known is not None and known[0] is windows and known[1] <= from_ms < known[2] and known[4] == tz:
        return known[3]
    begins_ms = first_inside_ms(windows, from_ms, tz)
    short_ms = None
    for _ in range(STRETCHES_MAX):
        ends_ms = _outside_ms(windows, begins_ms, begins_ms + span_ms, tz)
        if ends_ms is None:
            break
        if short_ms is None:
            short_ms = ends_ms
        begins_ms = first_inside_ms(windows, ends_ms, tz)
    found_ms = begins_ms + (span_ms if ends_ms is None else NEVER_MS)
    if short_ms is not None:
        # What is left of this stretch is too short, wherever in it one begins to count.
        if len(_WHOLE) >= KNOWN_MAX:
            _WHOLE.clear()
        _WHOLE[id(windows), span_ms] = (windows, from_ms, short_ms, found_ms, tz)
    return found_ms


_WHOLE: dict[tuple[int, int], tuple[Sequence[Window], int, int, int, str]] = {}
"""The last answers that hold for some while, by where the windows lie, which are kept here with it: from when, until
before when, the answer and the time zone."""
KNOWN_MAX = 1_000
"""Most answers that are kept; then it begins anew."""


def _outside_ms(windows: Sequence[Window], from_ms: int, to_ms: int, tz: str) -> int | None:
    """The first moment of the interval that lies in none of the windows, to the minute; None where all of it does."""
    if not windows:
        return None
    at_ms = from_ms
    while at_ms < to_ms:
        ends = [next_at_ms(window.to_minute, at_ms, tz) for window in windows if inside(window, at_ms, tz)]
        if not ends:
            return at_ms
        at_ms = max(ends)
    return None


def shut_until_ms(entries: Iterable[Entry], at_ms: int, tz: str) -> int:
    """Up to when no window is open, as far as may be taken for granted: a plan may change. `at_ms` where one is."""
    until_ms = at_ms + SHUT_MS
    minute: int | None = None
    for entry in entries:
        if not entry.windows:
            return at_ms
        for window in entry.windows:
            if inside(window, at_ms, tz):
                return at_ms
            if minute is None:
                minute = local_minute(at_ms, tz)
            ahead_ms = (window.from_minute - minute) % DAY_MINUTES * MIN_MS
            # Near its beginning, or near a change of clocks, it is asked exactly.
            if ahead_ms <= SHUT_MS + CLOCKS_MS or ahead_ms >= DAY_MINUTES * MIN_MS - CLOCKS_MS:
                until_ms = min(until_ms, next_start_ms(window, at_ms, tz))
    return until_ms


HEARD_LATE_MS = 5_000


def retracting(
    inner: Callable[[JsonState, Fact | Wake, Armed, int], Step | None],
    waiting: Callable[[JsonState], tuple[tuple[Key, ...], int | None]],
    code: str,
    least_ms: int = MIN_MS,
) -> Callable[[JsonState, Fact | Wake, Armed, int], Step | None]:
    """A step that takes back what it said of a fact before something earlier was known.

    While what was heard late is being caught up with, `heard_ms` in the state says when it was heard. A fact that was
    known before that, and with which nothing begins any more, may have begun a silence that rang. waiting: the events
    that the state waits for something about, and its deadline. code: the reason of the Clear. least_ms: no
    silence rings sooner after it began.
    """

    def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        made = inner(state, fact, armed, now_ms)
        late = isinstance(fact, Fact) and fact.received_ms - fact.occurred.to_ms > HEARD_LATE_MS
        if not late and "heard_ms" not in state:
            return made
        heard_ms = number(state, "heard_ms")
        if isinstance(fact, Wake):
            return _with_heard(made, heard_ms)
        known_ms = max(fact.received_ms, fact.occurred.to_ms)
        if heard_ms is None or known_ms >= heard_ms:
            # It is the latest that has been heard; caught up with where it came at once.
            heard_ms = known_ms if late else None
            if made is None and heard_ms is None:
                made = Step(state, (), waiting(state)[1])
            return _with_heard(made, heard_ms)
        if made is None:
            made = Step(state, (), waiting(state)[1])
        if heard_ms - fact.occurred.from_ms >= least_ms and fact.key not in waiting(made.state)[0]:
            taken_back = Clear(Reason(code, {"place": fact.place}), (fact.key,))
            made = replace(made, verdicts=(*made.verdicts, taken_back))
        return _with_heard(made, heard_ms)

    return step


def _with_heard(made: Step | None, heard_ms: int | None) -> Step | None:
    if made is None or number(made.state, "heard_ms") == heard_ms:
        return made
    state = {name: value for name, value in made.state.items() if name != "heard_ms"}
    return replace(made, state=state if heard_ms is None else {**state, "heard_ms": heard_ms})
