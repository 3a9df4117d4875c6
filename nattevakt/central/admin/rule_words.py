"""What a ward's lead reads of rules: what each looks for, and what each of its numbers does. Serves arrow 9.

Owns the only table from rules, settings, sensors and templates to sentences that teach. Must not know plans or HTML.
What is missing here is shown as itself, with the English reason of its default: a plan can be set all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.rule import Setting

RULES: Mapping[str, tuple[str, str]] = {
    "door_at_night": (N_("Dør åpnes"), N_("Ringer når ytterdøren åpnes i tidsrommet.")),
    "out_of_bed": (
        N_("Ute av sengen"),
        N_("Ringer straks beboeren står opp. For den som kan falle på de første skrittene."),
    ),
    "not_back_in_bed": (
        N_("Ikke tilbake i seng"),
        N_("Ringer når beboeren har vært oppe for lenge. Et vanlig toalettbesøk ringer ikke."),
    ),
    "in_bed_late": (N_("Ikke i seng"), N_("Ber om en sjekk når beboeren ikke er i seng innen et klokkeslett.")),
    "not_up": (N_("Ikke stått opp"), N_("Ringer når beboeren fortsatt ligger i sengen ved et klokkeslett.")),
    "chair": (N_("Reist seg fra stolen"), N_("Ringer straks beboeren reiser seg. For den som kan falle.")),
    "wet": (N_("Fukt i sengen"), N_("Sier fra når fuktsensoren i sengen er våt.")),
    "not_returned": (
        N_("Gått ut og ikke kommet tilbake"),
        N_("Ringer når døren er åpnet og ingenting inne har rørt seg siden."),
    ),
    "out_of_room": (N_("Ute av rommet"), N_("Ringer når ingen har vært i rommet på en stund.")),
    "long_bathroom": (N_("Lenge på badet"), N_("Ringer når siste livstegn er på badet, og det er for lenge siden.")),
    "inactivity": (
        N_("Ingen livstegn"),
        N_("Ringer når ingenting har rørt seg på lenge. Den som har gått ut av døren, regnes som borte."),
    ),
    "unexpected_activity": (
        N_("Uventet aktivitet"),
        N_("Ringer når noen er oppe i et tidsrom da ingen skal være det. Flere tegn må til."),
    ),
}
"""Rule → what it is called, and when it rings."""

HELP: Mapping[tuple[str, str], tuple[str, str]] = {
    ("out_of_bed", "settle_s"): (
        N_("Vent før det ringer"),
        N_(
            "Sengematter hakker i 1 til 3 sekunder når noen snur seg. Under 5 sekunder ringer for den som sover urolig."
        ),
    ),
    ("out_of_bed", "in_bed_min"): (
        N_("Må ha ligget i"),
        N_("Den som bare satte seg på sengekanten, har ikke lagt seg."),
    ),
    ("not_back_in_bed", "limit_min"): (
        N_("Lengste tid ute av sengen"),
        N_("Et toalettbesøk om natten tar vanligvis 5 minutter, og 2 til 5 av 100 tar mer enn 15."),
    ),
    ("in_bed_late", "by_minute"): (
        N_("I seng innen"),
        N_("Noen legger seg kl. 20, andre kl. 01. Sett det etter vanen, med god margin."),
    ),
    ("not_up", "by_minute"): (
        N_("Oppe innen"),
        N_("Noen står opp kl. 8, andre etter 9. Sett det en time eller mer etter det vanlige."),
    ),
    ("chair", "settle_s"): (
        N_("Vent før det ringer"),
        N_("Stolmatter hakker når noen flytter på seg. Den som kan falle, gjør det på de første skrittene."),
    ),
    ("chair", "seated_min"): (N_("Må ha sittet i"), N_("Den som satt kortere, var bare innom stolen.")),
    ("wet", "delay_min"): (
        N_("Vent før det sies fra"),
        N_("Noen minutter gjør at et sengeskift eller en fuktig fold ikke varsles."),
    ),
    ("not_returned", "limit_min"): (
        N_("Lengste tid ute"),
        N_("10 til 15 minutter er vanlig om natten. Kortere ved kulde eller trafikk."),
    ),
    ("out_of_room", "limit_min"): (
        N_("Lengste tid ute av rommet"),
        N_("De fleste turer om natten tar under 10 minutter. Sensoren selv kan bruke 5."),
    ),
    ("long_bathroom", "limit_min"): (
        N_("Lengste tid på badet"),
        N_("2 til 5 av 100 toalettbesøk om natten tar mer enn 15 minutter."),
    ),
    ("inactivity", "limit_min"): (
        N_("Lengste tid uten livstegn"),
        N_("Hos en frisk person kan sensorene være stille i over 5 timer. Bare tid i tidsrommet teller."),
    ),
    ("inactivity", "limit_in_bed_min"): (
        N_("Lengste tid i sengen"),
        N_("Noen ligger fra 20 til 08, altså 12 timer. En matte som står fast, skjuler ingen lenger enn dette."),
    ),
    ("inactivity", "limit_away_min"): (
        N_("Lengste tid borte"),
        N_("0 betyr at det aldri ringer for den som har gått ut. Ellers ringer det én gang."),
    ),
    ("unexpected_activity", "least_signs"): (
        N_("Så mange tegn må til"),
        N_("Et tomt rom gir enkelte falske tegn. Tre tegn er som regel et menneske."),
    ),
    ("unexpected_activity", "within_min"): (
        N_("Innen så lang tid"),
        N_("Tegn som ligger lenger fra hverandre, regnes ikke sammen."),
    ),
    ("", "check_min"): (
        N_("Frist for en sjekk"),
        N_("Når sengen ser tom ut og ingenting rører seg, ber systemet først om en sjekk. Så lenge venter det på den."),
    ),
    ("", "flicker_per_h"): (
        N_("Matten er upålitelig fra"),
        N_("En dårlig matte veksler 12 ganger i timen eller mer. Da stoler ikke systemet på den alene."),
    ),
    ("", "weekday_bits"): (N_("Ukedager"), N_("Mange står opp og legger seg til andre tider i helgen.")),
}
"""(Rule, setting), or ("", setting) where it is the same for all → label and help."""

USES: Mapping[str, str] = {
    "bed": N_("seng"),
    "door": N_("dør"),
    "presence": N_("tilstedeværelse"),
    "motion": N_("bevegelse"),
    "chair": N_("stol"),
    "wet": N_("fukt"),
    "call": N_("alarmknapp"),
    "fall": N_("fall"),
    "leak": N_("vann"),
}
OR, AND = N_(" eller "), N_(" og ")

TEMPLATES: Mapping[str, tuple[str, str]] = {
    "fallfare_orientert": (
        N_("Fallfare, orientert"),
        N_("Kan falle når ingen er der, og kan ringe selv. Det ringer når beboeren står opp om natten."),
    ),
    "nattevandrer": (N_("Nattevandrer"), N_("Står opp og går. Døren er viktigst, sengen er det første tegnet.")),
    "e_rom_standard": (
        N_("E-rom, standard"),
        N_("Ingen særskilt fare. Ringer når noen blir borte for lenge."),
    ),
}

UNITS: Mapping[str, str] = {"min": N_("minutter"), "s": N_("sekunder"), "h": N_("ganger i timen"), "signs": N_("tegn")}
"""The last word of a setting's name → its unit."""

WEEKDAYS = (N_("man"), N_("tir"), N_("ons"), N_("tor"), N_("fre"), N_("lør"), N_("søn"))


@dataclass(frozen=True, slots=True)
class SettingWords:
    """One number of a rule in words. unit: "" for what is no plain number."""

    label: str
    unit: str
    help: str


def rule_name(words: Words, name: str) -> str:
    """What a rule is called."""
    if name in RULES:
        return words(RULES[name][0])
    return sentences.kind(words, BY_NAME[name].kind) if name in BY_NAME else sentences.kind(words, name)


def rule_says(words: Words, name: str) -> str:
    """When a rule rings."""
    return words(RULES[name][1]) if name in RULES else ""


def setting_words(words: Words, rule: str, setting: Setting) -> SettingWords:
    """A setting's label, unit and help."""
    found = HELP.get((rule, setting.name)) or HELP.get(("", setting.name))
    unit = UNITS.get(setting.name.rpartition("_")[2], "")
    if found is None:
        return SettingWords(setting.name, words(unit), setting.why)
    return SettingWords(words(found[0]), words(unit), words(found[1]))


def needs(words: Words, wanted: str) -> str:
    """What a room must have, "bed, presence|motion", in words."""
    each = (words(OR).join(words(USES.get(use, use)) for use in need.split("|")) for need in wanted.split(", "))
    return words(AND).join(each)


def template_name(words: Words, name: str) -> str:
    """What a template is called."""
    return words(TEMPLATES[name][0]) if name in TEMPLATES else name


def template_says(words: Words, name: str) -> str:
    """Whom a template is for."""
    return words(TEMPLATES[name][1]) if name in TEMPLATES else ""
