"""The times of an alarm's story: each sounding and whom it reached, each step and how long it took. Pure.

Serves no arrow. Owns what may be concluded from the ledger of notices and the history together. Must not know rows, who
people are, or words. All moments are Unix milliseconds of service time.

A time that lies before the one of the step before it is told as it is stored, and said to be `backwards`: a tablet may
confirm what it shows after somebody has taken the alarm on it, and a gateway's clock may have been ahead.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from nattevakt.central.alarms.lifecycle import ENDED, HELD, State

KNOWN, NOT_YET, NEVER, UNKNOWN, NONE = "known", "not_yet", "never", "unknown", "none"
LEFT_OFF = "left_off"


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the history as far as times go. sound_seq: the number of the sounding that it made, None where it
    made none. occurred: of the event or deadline that it was about."""

    at_ms: int
    cause: str
    from_state: str | None
    to_state: str
    sound_seq: int | None
    occurred_from_ms: int
    occurred_to_ms: int


@dataclass(frozen=True, slots=True)
class Reach:
    """One notice to one tablet. acted: a person has acted on this alarm at this tablet since. lease_until_ms: only
    while it is on its way out. ward: of the tablet; an alarm that has gone on rings in more than its own."""

    id: int
    tablet_id: int
    tablet: str
    state: str
    reason: str
    acted: bool
    made_ms: int
    sent_ms: int | None
    shown_ms: int | None
    sounded_ms: int | None
    seen_ms: int | None
    taken_ms: int | None
    failed_ms: int | None
    lease_until_ms: int | None
    ward_id: int | None = None
    ward: str = ""

    @property
    def screen(self) -> str:
        """What is known of this tablet's screen: "shown" (it has confirmed that), "acted" (a person acted on the alarm
        there, so it was on it), "unknown" (sent, never confirmed) or "not_sent"."""
        if self.shown_ms is not None:
            return "shown"
        if self.acted:
            return "acted"
        return "unknown" if self.sent_ms is not None else "not_sent"


@dataclass(frozen=True, slots=True)
class Sounding:
    """One time that the alarm rang, and the tablets that it was meant for. cause: "" where no change says why.

    verdict: "all" or "some" of the tablets have shown it; "acted" (none has confirmed, but a person acted at one);
    "unknown" (sent, none has confirmed); "nobody_yet"; "nobody" (it never left the centre); "no_tablet" (the ward had
    none); "left_off" (more is stored of it than was read)."""

    number: int
    at_ms: int
    cause: str
    occurred_from_ms: int
    occurred_to_ms: int
    reaches: tuple[Reach, ...]
    verdict: str

    @property
    def shown(self) -> int:
        """How many tablets have confirmed that it was on their screen."""
        return sum(one.shown_ms is not None for one in self.reaches)


@dataclass(frozen=True, slots=True)
class Moment:
    """One step. code: event, deadline, received, raised, reopened, shown, sounded, taken, on_site, closed or
    cleared. told: known, not_yet, never, unknown, none (there was nothing of the kind). from_ms: where the moment is an
    interval, its beginning. Spans are counted from the event's latest possible moment, and from the step before."""

    code: str
    at_ms: int | None
    told: str
    after_event_ms: int | None = None
    after_previous_ms: int | None = None
    backwards: bool = False
    from_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """From the first ring, or from a reopening, to its end."""

    moments: tuple[Moment, ...]


def soundings(
    steps: Sequence[Step], reaches: Iterable[tuple[int, Reach]], *, over: bool, cut: Container[int] = ()
) -> tuple[Sounding, ...]:
    """Every time that it rang. over: the alarm has ended. cut: the soundings of which notices are left off."""
    of: dict[int, list[Reach]] = {}
    for number, reach in reaches:
        of.setdefault(number, []).append(reach)
    told = {step.sound_seq: step for step in steps if step.sound_seq is not None}
    found = []
    for number in sorted({*of, *told}):
        step, mine = told.get(number), tuple(of.get(number, ()))
        if step is not None:
            when = (step.at_ms, step.cause, step.occurred_from_ms, step.occurred_to_ms)
        else:
            first_ms = min(reach.made_ms for reach in mine)
            when = (first_ms, "", first_ms, first_ms)
        found.append(Sounding(number, *when, mine, LEFT_OFF if number in cut else _verdict(mine, over=over)))
    return tuple(found)


def _verdict(reaches: Sequence[Reach], *, over: bool) -> str:
    if not reaches:
        return "no_tablet"
    screens = {reach.screen for reach in reaches}
    if screens == {"shown"}:
        return "all"
    for screen, verdict in (("shown", "some"), ("acted", "acted"), ("unknown", "unknown")):
        if screen in screens:
            return verdict
    waits = any(reach.state in ("pending", "leased") for reach in reaches)
    return "nobody_yet" if waits and not over else "nobody"


@dataclass(frozen=True, slots=True)
class Cut:
    """Of what some is left off: then that it is not there proves nothing."""

    steps: bool = False
    notices: bool = False


WHOLE = Cut()


def chapters(
    steps: Sequence[Step], rung: Sequence[Sounding], heard_ms: int | None, *, over: bool, cut: Cut = WHOLE
) -> tuple[Chapter, ...]:
    """The derived times. heard_ms: when the centre had the event that raised the alarm, None for a deadline."""
    begins = [n for n, step in enumerate(steps) if n == 0 or _reopens(step)]
    found = []
    for begin, end in zip(begins, [*begins[1:], len(steps)], strict=True):
        part, last = steps[begin:end], end == len(steps)
        numbers = {step.sound_seq for step in part}
        mine = [one for one in rung if one.number in numbers]
        if begin == 0:
            mine += [one for one in rung if one.cause == ""]
        found.append(_chapter(part, mine, heard_ms, first=begin == 0, over=over or not last, cut=cut))
    return tuple(found)


def _reopens(step: Step) -> bool:
    return step.from_state in ENDED and step.to_state not in ENDED


def _chapter(
    steps: Sequence[Step], rung: Sequence[Sounding], heard_ms: int | None, *, first: bool, over: bool, cut: Cut
) -> Chapter:
    begin = steps[0]
    moments: list[Moment] = []
    base_ms: int = begin.occurred_to_ms if first else begin.at_ms
    if first:
        from_ms = begin.occurred_from_ms if begin.occurred_from_ms < base_ms else None
        moments.append(Moment("event" if heard_ms is not None else "deadline", base_ms, KNOWN, from_ms=from_ms))
        moments.append(Moment("received", heard_ms, KNOWN if heard_ms is not None else NONE))
    moments.append(Moment("raised" if first else "reopened", begin.at_ms, KNOWN))
    reaches = [reach for one in rung for reach in one.reaches]
    taken_ms = _first(step.at_ms for step in steps if step.to_state in HELD and step.from_state not in HELD)
    waiting = not over and taken_ms is None and not cut.steps and not cut.notices
    unsure = cut.notices or any(reach.screen in ("unknown", "acted") for reach in reaches)
    moments.append(_of_screens("shown", (reach.shown_ms for reach in reaches), unsure=unsure, waiting=waiting))
    heard = cut.notices or any(reach.screen != "not_sent" for reach in reaches)
    moments.append(_of_screens("sounded", (reach.sounded_ms for reach in reaches), unsure=heard, waiting=waiting))
    site_ms = _first(step.at_ms for step in steps if step.to_state == State.ON_SITE)
    missing = UNKNOWN if cut.steps else NEVER if over else NOT_YET
    for code, at_ms in (("taken", taken_ms), ("on_site", site_ms)):
        moments.append(Moment(code, at_ms, KNOWN if at_ms is not None else missing))
    ends = [step for step in steps if step.to_state in ENDED]
    if ends:
        moments.append(Moment("cleared" if ends[-1].to_state == State.CLEARED else "closed", ends[-1].at_ms, KNOWN))
    else:
        moments.append(Moment("closed", None, UNKNOWN if cut.steps else NOT_YET))
    return Chapter(_measured(moments, base_ms))


def _of_screens(code: str, times: Iterable[int | None], *, unsure: bool, waiting: bool) -> Moment:
    """What tablets have confirmed. Where none has: it may still come, nobody knows, or it never was."""
    at_ms = _first(ms for ms in times if ms is not None)
    if at_ms is not None:
        return Moment(code, at_ms, KNOWN)
    return Moment(code, None, NOT_YET if waiting else UNKNOWN if unsure else NEVER)


def _first(times: Iterable[int]) -> int | None:
    return min(times, default=None)


def _measured(moments: Sequence[Moment], base_ms: int) -> tuple[Moment, ...]:
    """The same with their spans, and which of them lie before the one before."""
    found: list[Moment] = []
    last_ms: int | None = None
    for one in moments:
        if one.at_ms is None:
            found.append(one)
            continue
        since_ms = one.at_ms - last_ms if last_ms is not None else None
        backwards = since_ms is not None and since_ms < 0
        found.append(
            Moment(one.code, one.at_ms, one.told, one.at_ms - base_ms, since_ms, backwards, from_ms=one.from_ms)
        )
        last_ms = max(one.at_ms, last_ms if last_ms is not None else one.at_ms)
    return tuple(found)
