"""What was expected of a night against what came. Serves whoever plays a scenario.

Pure. Owns the matching: every expected alarm is met by one that came, each that came meets one expectation, and
whatever is left over on either side is a failure, technical alarms included. Must not know where the night was played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.findings import Found
from nattevakt.sim.scenario import Expected, Night, Shown, Tolerated
from nattevakt.sim.watch import Seen

SHOWN_MS = 5_000
"""How exact the time shown must be."""


@dataclass(slots=True)
class Verdict:
    """How it went. met: sentences about what came as expected. failures: sentences that name the scenario's line."""

    met: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures


def judge(
    night: Night,
    seen: Sequence[Seen],
    shown: Mapping[Shown, str],
    troubles: Sequence[str] = (),
    *,
    findings: Sequence[Found] = (),
    slack_ms: int = 0,
) -> Verdict:
    """Compare. shown: what each awaited tile was. troubles: what could not be played. findings: about
    devices. slack_ms: real processes may be this much later than expected, and their clocks this far apart."""
    verdict = Verdict(failures=list(troubles))
    left = list(seen)
    for wanted in sorted(night.expected, key=lambda e: (e.by_ms, e.line)):
        found = next((s for s in left if _fits(wanted, s, slack_ms)), None)
        if found is None:
            verdict.failures.append(_missing(night, wanted, left))
            continue
        left.remove(found)
        wrongs = list(_wrongs(night, wanted, found, slack_ms))
        verdict.failures += wrongs
        if not wrongs:
            verdict.met.append(f"{_what(wanted.kind, wanted.room, wanted.about)} kom {night.clock(found.at_ms)}")
    left = _tolerate(night.tolerated, left, verdict)
    for extra in left:
        what = _what(extra.kind, extra.room, extra.about)
        verdict.failures.append(f"uventet: {what} kl. {night.clock(extra.at_ms)} ({extra.reason})")
    for tile in night.shown:
        came = shown.get(tile, "ikke lest")
        sentence = f"{tile.room} vises som {tile.seen} kl. {night.clock(tile.at_ms)}"
        if came == tile.seen:
            verdict.met.append(sentence)
        else:
            verdict.failures.append(f"{night.file}:{tile.line}: {sentence}: ble vist som {came}")
    if night.noted:
        _note(night, findings, slack_ms, verdict)
    return verdict


def _note(night: Night, findings: Sequence[Found], slack_ms: int, verdict: Verdict) -> None:
    left = list(findings)
    for wanted in night.noted:
        mine = [one for one in left if (one.code, one.room) == (wanted.code, wanted.room)]
        left = [one for one in left if one not in mine]
        what = f"funnet {wanted.code} på {wanted.room}"
        if any(wanted.after_ms - slack_ms <= one.at_ms <= wanted.by_ms + slack_ms for one in mine):
            verdict.met.append(what)
            continue
        span = f"mellom {night.clock(wanted.after_ms)} og {night.clock(wanted.by_ms)}"
        others = f" (men kl. {', '.join(night.clock(one.at_ms) for one in mine)})" if mine else ""
        verdict.failures.append(f"{night.file}:{wanted.line}: {what} kom ikke {span}{others}")
    verdict.failures += [f"uventet funn: {one.code} om {one.address} på {one.room}" for one in left]


def _what(kind: str, room: str, about: str) -> str:
    return kind + (f" på {room}" if room else f" om {about}" if about else "")


def _is(wanted: Expected | Tolerated, seen: Seen) -> bool:
    return seen.kind == wanted.kind and wanted.room in ("", seen.room) and wanted.about in ("", seen.about)


def _fits(wanted: Expected, seen: Seen, slack_ms: int) -> bool:
    return _is(wanted, seen) and wanted.after_ms - slack_ms <= seen.at_ms <= wanted.by_ms + slack_ms


def _missing(night: Night, wanted: Expected, left: Sequence[Seen]) -> str:
    what = _what(wanted.kind, wanted.room, wanted.about)
    span = f"mellom {night.clock(wanted.after_ms)} og {night.clock(wanted.by_ms)}"
    others = [night.clock(s.at_ms) for s in left if _is(wanted, s)]
    came = f" (men kl. {', '.join(others)})" if others else ""
    return f"{night.file}:{wanted.line}: {what} kom ikke {span}{came}"


def _wrongs(night: Night, wanted: Expected, seen: Seen, slack_ms: int) -> Sequence[str]:
    what = f"{night.file}:{wanted.line}: {_what(wanted.kind, wanted.room, wanted.about)}"
    found = []
    if wanted.why not in ("", seen.reason):
        found.append(f"{what} kom fordi {seen.reason}, ikke {wanted.why}")
    if wanted.occurred_ms is not None:
        near_ms = SHOWN_MS + slack_ms
        if not seen.occurred_from_ms - near_ms <= wanted.occurred_ms <= seen.occurred_to_ms + near_ms:
            shown = f"{night.clock(seen.occurred_from_ms)}–{night.clock(seen.occurred_to_ms)}"
            found.append(f"{what} sier at det hendte {shown}, men det var {night.clock(wanted.occurred_ms)}")
    if wanted.clears_by_ms is not None:
        of_itself = seen.ended_as == State.CLEARED.value
        if not of_itself or seen.ended_ms is None or seen.ended_ms > wanted.clears_by_ms + slack_ms:
            found.append(f"{what} ble ikke avklart av seg selv innen {night.clock(wanted.clears_by_ms)}")
    elif seen.ended_as == State.CLEARED.value and seen.ended_ms is not None:
        found.append(f"{what} ble avklart av seg selv {night.clock(seen.ended_ms)}, og skulle stå til noen kom")
    if len(seen.soundings) != wanted.again:
        found.append(f"{what} ringte igjen {len(seen.soundings)} ganger, ikke {wanted.again}")
    return found


def _tolerate(tolerated: Sequence[Tolerated], left: Sequence[Seen], verdict: Verdict) -> list[Seen]:
    kept = list(left)
    for some in tolerated:
        mine = [s for s in kept if _is(some, s)]
        kept = [s for s in kept if s not in mine]
        sentence = f"{_what(some.kind, some.room, some.about)} kom {len(mine)} ganger, høyst {some.at_most} tåles"
        (verdict.met if len(mine) <= some.at_most else verdict.failures).append(sentence)
    return kept
