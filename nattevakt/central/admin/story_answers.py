"""An alarm's story as JSON can hold it. Serves arrow 9.

Owns the form of the answer: what is stored, what follows from it, and each reason as the reader's sentence beside its
code. Must not know HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nattevakt.central.admin import story_going, story_words
from nattevakt.central.admin.who import Lead
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_parts import Change, Reason, Said, Sending
from nattevakt.central.alarms.story_times import Reach, Sounding
from nattevakt.central.tablet import sentences, when

STEPS = ("made", "sent", "shown", "sounded", "seen", "taken", "failed")


def plain(lead: Lead, found: Story) -> dict[str, object]:
    """The whole story. Spans end in `_ms` and say from what; a moment that is not known is null and says why."""
    return {
        **asdict(found),
        "kind_says": sentences.kind(lead.words, found.kind),
        "reason": _reason(lead, found.reason),
        "events": [_said(one) for one in found.events],
        "soundings": [_sounding(one) for one in found.soundings],
        "sendings": [_sending(lead, one) for one in found.sendings],
        "changes": [_change(lead, one) for one in found.changes],
        "chapters": [{"moments": [asdict(moment) for moment in one.moments]} for one in found.chapters],
    }


def _reason(lead: Lead, reason: Reason) -> dict[str, object]:
    says = sentences.reason(lead.words, reason.code, when.spoken(reason.params, lead.zone))
    return {"code": reason.code, "params": dict(reason.params), "says": says}


def _said(one: Said) -> dict[str, object]:
    return {**asdict(one), "late_ms": one.late_ms, "uncertain": one.uncertain}


def _sounding(one: Sounding) -> dict[str, object]:
    notices = [_reach(reach, one.occurred_to_ms) for reach in one.reaches]
    told: Mapping[str, Any] = {name: value for name, value in asdict(one).items() if name != "reaches"}
    return {**told, "tablets": len(notices), "shown": one.shown, "notices": notices}


def _reach(one: Reach, event_ms: int) -> dict[str, object]:
    """after_event_ms: each step that was made, counted from the event that this sounding is about."""
    times = {step: getattr(one, f"{step}_ms") for step in STEPS}
    after = {step: ms - event_ms for step, ms in times.items() if ms is not None}
    return {**asdict(one), "screen": one.screen, "after_event_ms": after}


def _change(lead: Lead, one: Change) -> dict[str, object]:
    reason = _reason(lead, one.reason) if one.reason is not None else None
    says = story_words.change(lead.words, one.cause, one.detail.get("why"))
    passed = (
        {**asdict(one.passed), "says": story_going.told(lead.words, one.passed)} if one.passed is not None else None
    )
    return {**asdict(one), "automatic": one.automatic, "says": says, "reason": reason, "passed": passed}


def _sending(lead: Lead, one: Sending) -> dict[str, object]:
    says = {"whom": story_going.whom(lead.words, one), "channel": story_going.channel(lead.words, one)}
    return {**asdict(one), "out": one.out, "says": says}
