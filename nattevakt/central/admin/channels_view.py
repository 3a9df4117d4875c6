"""The roads by which people are told beyond the tablets, in words: whether each works, and what waits. Serves arrow 9.

Owns these sentences. Must not know HTTP, HTML, or how a road is found to work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nattevakt.central.admin.moments import day_clock
from nattevakt.central.admin.who import Lead
from nattevakt.central.notify.channel_health import Health, is_down
from nattevakt.central.notify.sendings import PUSH, SMS
from nattevakt.central.tablet.i18n import N_, Words

NAMES: Mapping[str, str] = {SMS: N_("Tekstmeldinger"), PUSH: N_("Varsler til telefoner")}
WEBHOOK = N_("Varsling til {key}")
WORKS, FAILS, DOWN = N_("Virker"), N_("Feilet sist"), N_("Virker ikke")
UNUSED, MISSING = N_("Ikke brukt ennå"), N_("Ikke satt opp")
WHYS: Mapping[str, str] = {
    "dns": N_("Adressen finnes ikke på nettet."),
    "connect": N_("Ingen svarer på adressen."),
    "connect_timeout": N_("Ingen svarer på adressen."),
    "timeout": N_("Tjenesten svarer ikke i tide."),
    "tls": N_("Tjenestens sertifikat kan ikke godtas."),
    "connection_lost": N_("Forbindelsen ble brutt før svaret kom."),
    "http_401": N_("Kontoen godtas ikke. Se etter nøkkelen."),
    "http_402": N_("Kontoen er tom."),
    "http_403": N_("Kontoen godtas ikke. Se etter nøkkelen."),
    "http_429": N_("Tjenesten tar ikke imot så mange meldinger."),
    "not_set_up": N_("Noen skal varsles slik, men sentralen er ikke satt opp til det."),
}
WHY_STATUS = N_("Tjenesten svarte med feil {status}.")
WHY_OTHER = N_("Svaret fra tjenesten kunne ikke forstås.")


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One road. standing: good, bad, down, unused or missing; says: the same in words."""

    name: str
    standing: str
    says: str
    why: str
    ok: str
    failed: str
    failures: int
    waiting: int
    oldest: str


def view(lead: Lead, healths: Sequence[Health], there: Sequence[str]) -> list[ChannelView]:
    """Each road in words. there: those that are set up."""
    return [_one(lead, health, health.road in there) for health in healths]


def _one(lead: Lead, health: Health, is_there: bool) -> ChannelView:
    words = lead.words
    standing, says = _standing(health, is_there, lead.now_ms)
    return ChannelView(
        _name(words, health.road),
        standing,
        words(says),
        why(words, health.reason),
        _at(lead, health.ok_ms),
        _at(lead, health.failed_ms),
        health.failures,
        health.waiting,
        _at(lead, health.oldest_ms),
    )


def _name(words: Words, road: str) -> str:
    return words(NAMES[road]) if road in NAMES else words(WEBHOOK, {"key": road.partition(":")[2]})


def _standing(health: Health, is_there: bool, now_ms: int) -> tuple[str, str]:
    if not is_there:
        return "missing", MISSING
    if is_down(health, now_ms):
        return "down", DOWN
    if health.since_ms is not None:
        return "bad", FAILS
    return ("good", WORKS) if health.ok_ms is not None else ("unused", UNUSED)


def why(words: Words, reason: str | None) -> str:
    """Why the last try failed, as a lead may pass it on; "" where it did not."""
    if reason is None:
        return ""
    if reason in WHYS:
        return words(WHYS[reason])
    kind, _, status = reason.partition("_")
    return words(WHY_STATUS, {"status": status}) if kind == "http" else words(WHY_OTHER)


def _at(lead: Lead, ms: int | None) -> str:
    return "" if ms is None else day_clock(lead.words, ms, lead.zone)


def plain(healths: Sequence[Health], there: Sequence[str], now_ms: int) -> list[dict[str, object]]:
    """The same as JSON can hold it."""
    return [{**asdict(health), "set_up": health.road in there, "down": is_down(health, now_ms)} for health in healths]
