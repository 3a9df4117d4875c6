"""How an alarm went on to others and what went out by other roads, in the words of its story. Serves arrow 9.

Owns the only table from those codes to sentences. Must not know HTTP, HTML, or what may be concluded from what is
stored (alarms/story.py). A code that is missing here is shown as itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nattevakt.central import duty_words
from nattevakt.central.admin import channels_view, story_words
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_parts import Change, Passed, Sending, Target
from nattevakt.central.notify.routing import Routing, Team
from nattevakt.central.tablet import held
from nattevakt.central.tablet.i18n import N_, Words

WHYS: Mapping[str, str] = {
    "untaken": N_("Ingen hadde tatt den i tide."),
    "not_shown": N_("Ingen nettbrett hadde bekreftet i tide at den ble vist."),
    "failed": N_("Ingen av meldingene i trinnet før kunne sendes."),
    "declined": N_("Den som ble spurt, kunne ikke."),
    "overdue": N_("Ingen hadde meldt seg hos bruker innen fristen, så alarmen ringte for alle."),
    "handed_over": N_("Overtatt ved vaktskifte."),
}
"""Why an alarm went on, by what stands with the change."""
REASONS: Mapping[str, str] = {**held.DECLINES, "logger_av": N_("Logget av")}
"""Why a person passed it on; one of these nobody says on a card."""
REASON = N_("Grunn: {reason}.")
TOLD = N_("Trinn {n}: {whom}.")
RINGS_IN = N_("Ringer nå også på {wards}.")
OTHER_ROADS = N_("Utenom nettbrettene: {n}, se tabellen over.")
NOBODY = N_("Nådde ingen som ikke var varslet fra før.")
GIVEN = N_("Gitt videre til {ward}.")

CHANNELS: Mapping[str, str] = {
    "sms": N_("tekstmelding"),
    "push": N_("varsel til telefon"),
    "webhook": N_("varsling"),
    "siren": N_("sirene"),
}
STATES: Mapping[str, str] = {
    "pending": N_("venter"),
    "leased": N_("på vei ut"),
    "sent": N_("sendt"),
    "confirmed": N_("kom fram"),
    "failed": N_("kom ikke fram"),
    "withdrawn": N_("trukket tilbake"),
}
SIREN_STATES: Mapping[str, str] = {
    "sent": N_("mottakeren har gitt beskjed til sirenen"),
    "confirmed": N_("sirenen melder selv at den lyder"),
}
"""The same of a siren, whose words mean more."""
FAILURES: Mapping[str, str] = {
    "taken": N_("noen hadde tatt alarmen"),
    "cleared": N_("alarmen ble avklart først"),
    "superseded": N_("spurt på nytt i et senere trinn"),
    "no_phone": N_("har ikke telefonnummer"),
    "no_subscription": N_("har ikke meldt på noen telefon"),
    "subscription_gone": N_("telefonen er ikke lenger meldt på"),
    "no_siren": N_("mottakeren har ingen sirene"),
    "siren_unreachable": N_("mottakeren når ikke sirenen"),
    "siren_silent": N_("sirenen melder ikke at den lyder"),
    "gateway_silent": N_("mottakeren hentet den ikke"),
    "no_answer": N_("ingen svarte"),
    "endpoint_not_allowed": N_("telefonens adresse er ikke tillatt"),
}
"""Why one was not sent; what the net or the other side says is told as on the page of the roads."""
STEP = N_("trinn {n}")
TRIES = N_("{n} forsøk")

WENT_ONCE, WENT = N_("Gikk videre etter {span}."), N_("Gikk videre {n} ganger, først etter {span}.")
DECLINED = N_("{name} kunne ikke, og ga den videre etter {span}.")
TRANSFERRED = N_("{name} ga den videre til {ward} etter {span}.")
HANDED = N_("{name} overtok den ved vaktskifte etter {span}.")
OUT = N_("Varslet utenom nettbrettene: {whom}.")
NOT_OUT = N_("Kom ikke fram: {whom}.")
NOBODY_AT = N_("Gikk videre kl. {at}, men nådde ingen som ikke var varslet fra før.")


@dataclass(frozen=True, slots=True)
class SendingView:
    """One sending. code: its state. Times as spans after the event."""

    whom: str
    channel: str
    step: str
    code: str
    made: str
    sent: str
    confirmed: str
    end: str


def told(words: Words, passed: Passed) -> list[str]:
    """What stands with a change by which it went on."""
    found = []
    if passed.why in WHYS and not passed.reason:
        found.append(words(WHYS[passed.why]))
    if passed.reason:
        found.append(words(REASON, {"reason": story_words.known(words, REASONS, passed.reason).lower()}))
    if passed.why == "transferred":
        return [*found, *(words(GIVEN, {"ward": ward}) for ward in passed.wards)]
    if passed.step is not None and passed.to:
        found.append(words(TOLD, {"n": passed.step + 1, "whom": _targets(words, passed.to)}))
    if passed.wards:
        found.append(words(RINGS_IN, {"wards": ", ".join(passed.wards)}))
    if passed.sent:
        found.append(words(OTHER_ROADS, {"n": passed.sent}))
    if passed.nobody:
        found.append(words(NOBODY))
    return found


def _targets(words: Words, to: Iterable[Target]) -> str:
    return ", ".join(
        duty_words.target(words, one.code, Routing(teams=(Team(one.code[5:], one.name or one.code[5:], ()),)))
        for one in to
    )


def whom(words: Words, one: Sending) -> str:
    """Whom it was for: "Per A., vakt", "Loftet", a number or a receiver."""
    name = one.name or one.target.partition(":")[2]
    role = words(duty_words.ROLES[one.role]).lower() if one.role in duty_words.ROLES else one.role
    return f"{name}, {role}" if role else name


def channel(words: Words, one: Sending) -> str:
    """By which road."""
    return story_words.known(words, CHANNELS, one.channel)


def view(words: Words, story: Story, one: Sending) -> SendingView:
    """One line of the table."""
    base_ms = next((rang.occurred_to_ms for rang in story.soundings if rang.number == one.sound_seq), None)

    def after(ms: int | None) -> str:
        return (
            "" if ms is None else story_words.span(words, ms - (story.occurred_to_ms if base_ms is None else base_ms))
        )

    return SendingView(
        whom=whom(words, one),
        channel=channel(words, one),
        step=words(STEP, {"n": one.step + 1}),
        code=one.state,
        made=after(one.made_ms),
        sent=after(one.sent_ms),
        confirmed=after(one.confirmed_ms),
        end=_end(words, one, after(one.failed_ms)),
    )


def _end(words: Words, one: Sending, failed: str) -> str:
    state = words(SIREN_STATES[one.state]) if one.channel == "siren" and one.state in SIREN_STATES else ""
    parts = [state or story_words.known(words, STATES, one.state)]
    if one.reason:
        parts[0] += f": {why(words, one.reason)}"
    if failed:
        parts.append(failed)
    if one.attempts > 1 and one.channel != "siren":
        parts.append(words(TRIES, {"n": one.attempts}))
    return ", ".join(parts)


def why(words: Words, reason: str) -> str:
    """Why one was not sent, or not yet."""
    if reason in FAILURES:
        return words(FAILURES[reason])
    if reason not in channels_view.WHYS and not reason.startswith(("http_", "answer_")):
        return reason
    said = channels_view.why(words, reason).rstrip(".")
    return said[:1].lower() + said[1:]


def course(words: Words, story: Story) -> list[tuple[int, str]]:
    """How it went on, in a few sentences, each with its moment."""
    found = [(one.at_ms, said) for one in story.changes if (said := _passed_by(words, story, one))]
    went = [one for one in story.changes if one.passed is not None and one.passed.step is not None]
    if went:
        span = _span(words, story, went[0])
        found.append((went[0].at_ms, words(WENT if len(went) > 1 else WENT_ONCE, {"n": len(went), "span": span})))
    out = [one for one in story.sendings if one.out]
    if out:
        told = "; ".join(_named(words, out))
        found.append((min(one.made_ms for one in out), words(OUT, {"whom": told})))
    return found


def _passed_by(words: Words, story: Story, one: Change) -> str:
    if one.passed is None or one.by is None:
        return ""
    forms = {"declined": DECLINED, "transferred": TRANSFERRED, "handed_over": HANDED}
    values = {"name": one.by.name, "ward": ", ".join(one.passed.wards), "span": _span(words, story, one)}
    return words(forms[one.passed.why], values) if one.passed.why in forms else ""


def warnings(words: Words, story: Story, clock: Sequence[str]) -> list[str]:
    """What must not be passed over: a step that reached nobody, and who was never reached. clock: of each change."""
    found = []
    for one, at in zip(story.changes, clock, strict=True):
        if one.passed is not None and one.passed.nobody:
            found.append(words(NOBODY_AT, {"at": at}))
            break
    reached = {(one.channel, one.target) for one in story.sendings if one.out}
    lost = [one for one in story.sendings if one.state == "failed" and (one.channel, one.target) not in reached]
    # Where some are left off, one of those may have reached them.
    if lost and "sendings" not in story.left_off:
        found.append(words(NOT_OUT, {"whom": "; ".join(_named(words, lost))}))
    return found


def _named(words: Words, some: Iterable[Sending]) -> list[str]:
    """Whom these were for and how, each once."""
    return list(dict.fromkeys(f"{whom(words, one)} ({channel(words, one)})" for one in some))


def _span(words: Words, story: Story, one: Change) -> str:
    return story_words.span(words, one.at_ms - story.occurred_to_ms)
