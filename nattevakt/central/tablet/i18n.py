"""Languages of the tablet: which one, and its sentences. Serves arrow 9.

Owns the catalogues in central/locale/ and the choice between them. Must not know any page. The sentences in the
code are bokmål; the catalogues are read as text when the program starts, so nothing has to be compiled.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = ("nb", "nn", "en")
DEFAULT = "nb"
DOMAIN = "nattevakt"
CATALOGUES = Path(__file__).resolve().parent.parent / "locale"
# What browsers call our languages; "no" is bokmål to all of them.
_ALIASES = {"no": "nb", "nb_NO": "nb", "nn_NO": "nn"}


def N_(message: str) -> str:  # noqa: N802 - the name that extractors and translators know
    """Mark a sentence for translation where it is written; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Words:
    """One language: its tag and its sentences."""

    lang: str
    translations: Translations

    def __call__(self, message: str, values: Mapping[str, object] | None = None) -> str:
        """A sentence in this language with its {places} filled in; a place without a value becomes nothing."""
        found = self.translations.gettext(message) if message else ""
        return found.format_map(_Gaps(values or {}))

    def count(self, one: str, many: str, n: int) -> str:
        """A sentence about a number, in the right form."""
        return self.translations.ngettext(one, many, n).format_map(_Gaps({"n": n}))


class _Gaps(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


@cache
def words(lang: str) -> Words:
    """The sentences of one of `LANGUAGES`."""
    with (CATALOGUES / lang / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        catalogue = read_po(file, locale=Locale.parse(lang), domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(lang, Translations(compiled, DOMAIN))


def choose(cookie: str | None, accept_language: str) -> str:
    """The language for a page: what was chosen on it, else what the browser asks for, else bokmål."""
    if cookie in LANGUAGES:
        return cookie
    asked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            asked.append((-float(weight or 1), place, tag.replace("-", "_")))
        except ValueError:
            continue
    preferred = [tag for _, _, tag in sorted(asked) if tag]
    return negotiate_locale(preferred, LANGUAGES, aliases=_ALIASES) or DEFAULT
