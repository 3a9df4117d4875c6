"""What the words for a sensor's spot say about it: a bathroom, a way out of the home, or neither. Serves arrow 7.

Owns the vocabulary, in bokmål, nynorsk and English. Must not know any rule. Spots are free text that an installer
typed; where the words do not say, a contact hangs on an outer door: the side on which somebody is rung.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_BATHROOM_WORDS = frozenset(("bad", "badet", "bath", "wc", "do", "doen", "dass", "loo"))
_BATHROOM_PARTS = ("baderom", "bathroom", "toalett", "toilet", "restroom", "washroom", "dusj", "shower", "våtrom")
_WAY_OUT_PARTS = (
    *("ytter", "inngang", "utgang", "utedør", "entre", "hoveddør", "gatedør", "bakdør", "korridordør"),
    *("veranda", "terrasse", "balkong", "altan", "hagedør", "kjellerdør", "garasje", "trappedør"),
    *("hovuddør", "utgong", "inngong", "felles"),
    *("front door", "back door", "main door", "garden door", "outer", "common", "exit"),
    *("patio", "balcony", "terrace", "garage"),
)
_NO_WAY_OUT_PARTS = (
    *("skap", "skuff", "fryser", "vindu", "postkasse", "luke", "komfyr", "ovn", "medisin"),
    *("skåp", "frysar", "vindauge"),
    *("fridge", "freezer", "refrigerator", "cupboard", "cabinet", "closet", "wardrobe", "drawer", "window", "mailbox"),
    *("soverom", "bedroom", "innerdør", "innedør", "innvendig", "inner door"),
)
_WORD = re.compile(r"[^\W\d_]+")
_BATHROOM_DOORS = ("baddør", "badedør", "dodør", "wcdør")


@lru_cache(maxsize=4096)
def is_bathroom(spot: str) -> bool:
    """Whether a sensor there looks into a bathroom or a toilet."""
    text = spot.casefold()
    if any(part in text for part in (*_BATHROOM_PARTS, *_BATHROOM_DOORS)):
        return True
    return not _BATHROOM_WORDS.isdisjoint(_WORD.findall(text))


@lru_cache(maxsize=4096)
def says_way_out(spot: str) -> bool:
    """Whether the words name a door that leads out of the home."""
    text = spot.casefold()
    return any(part in text for part in _WAY_OUT_PARTS)


@lru_cache(maxsize=4096)
def is_way_out(spot: str) -> bool:
    """Whether a contact there may hang on a door that leads out: wherever the words do not say otherwise."""
    if says_way_out(spot):
        return True
    text = spot.casefold()
    return not (is_bathroom(spot) or any(part in text for part in _NO_WAY_OUT_PARTS))


def any_says_way_out(spots: Iterable[str]) -> bool:
    """Whether the words of any of these spots name a door that leads out."""
    return any(says_way_out(spot) for spot in spots)
