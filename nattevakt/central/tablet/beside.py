"""What stands beside an alarm: its marks in words, and what the plan says is to be done. Serves arrow 9.

Owns the words of the marks, and that nobody reads a name in a plan's text who may not. Must not know storage or HTML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from nattevakt.central.tablet.i18n import N_, Words

MARKS: Mapping[str, str] = {
    "no_basis": N_("Mangler grunnlag for tilsyn"),
    "paused": N_("Tilsynet er på pause"),
    "ended": N_("Tilsynet er avsluttet"),
    "startup": N_("Oppstart: vurderes daglig"),
}
"""What must be said beside an alarm."""
THE_RESIDENT = N_("beboeren")


def marks(words: Words, codes: Iterable[str]) -> tuple[str, ...]:
    """What must be said beside an alarm, in a few words each; a mark without words is said as it is."""
    return tuple(words(MARKS[code]) if code in MARKS else code for code in codes)


def unnamed(words: Words, told: str, *names: str) -> str:
    """A plan's text for whoever may not read these names: each part of one, also with the s of a genitive, is "the
    resident"."""
    told = unicodedata.normalize("NFC", told)
    found = [unicodedata.normalize("NFC", name) for name in names]
    split = {part for name in found for part in (name, *name.split(), *re.split(r"[\s\-\u2010\u2011]+", name))}
    parts = sorted((part for part in split if len(part) > 1), key=lambda part: (-len(part), part))
    if not parts:
        return told
    pattern = rf"\b(?:{'|'.join(map(re.escape, parts))})s?(?!\w)"
    return re.sub(pattern, words(THE_RESIDENT), told, flags=re.IGNORECASE)
