"""One exit from the bed as not_back_in_bed.py keeps it: when, what moved since, and what has been said. Serves arrow 7.

Owns its moments, and how it stands in the state. Must not know what is said at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from nattevakt.edge.rules import mats
from nattevakt.edge.rules.rule import JsonState, Key

Moved = tuple[int, str, bool]
"""When (ms) and where something moved, and whether it was a chair that was sat in."""


@dataclass(slots=True)
class Out:
    """One exit from the bed; nobody changes one. All times are service time (ms).

    limit_ms: after the exit comes the first limit; more_ms: so long after it the second. seen: when and where
    something else last moved before the limit, and whether it was a chair that was sat in. after: when and where it
    first did after it. asked: the *sjekk* has been made; moved: the alarm for what moved after it has been; done:
    nothing more will be said of this exit. rung: up to which of the two limits it rang without confirmation.
    """

    from_ms: int
    to_ms: int
    limit_ms: int
    more_ms: int
    keys: tuple[Key, ...]
    place: str
    seen: Moved | None = None
    after: Moved | None = None
    asked: bool = False
    moved: bool = False
    done: bool = False
    rung: int = 0

    @property
    def check_ms(self) -> int:
        """The first limit."""
        return self.from_ms + self.limit_ms

    @property
    def alarm_ms(self) -> int:
        """The second. Whoever is asked about an exit of doubtful time is given as long to look as anybody."""
        return max(self.check_ms, self.to_ms) + self.more_ms

    @property
    def due_ms(self) -> int | None:
        """When this exit must be looked at next while nobody is back."""
        if self.done:
            return None
        if not self.asked:
            return self.check_ms
        return self.alarm_ms if self.after is None or self.moved else min(self.alarm_ms, self.after[0])


def load(state: JsonState) -> Out | None:
    """The exit in a state, if there is one."""
    found = state.get("out")
    if not isinstance(found, Mapping):
        return None
    plain = dict(found)
    plain["keys"] = tuple(map(tuple, plain["keys"]))
    for name in ("seen", "after"):
        plain[name] = tuple(plain[name]) if plain[name] else None
    return Out(**plain)


_NAMES = tuple(Out.__dataclass_fields__)
_values = attrgetter(*_NAMES)


def in_order(exit_: Mapping[str, object]) -> dict[str, object]:
    """An exit (as in the state) with its names in the order in which `plain` gives them."""
    return {name: exit_[name] for name in _NAMES}


def plain(beds: mats.Mats, out: Out | None, back_ms: int | None) -> JsonState:
    """The state with an exit, or none. back_ms: the bed reads occupied since then, not yet for long enough to have been
    returned to.
    """
    if out is None:
        return {"beds": beds}
    exit_ = dict(zip(_NAMES, _values(out), strict=True))
    exit_["keys"] = list(map(list, out.keys))
    return {"beds": beds, "out": exit_, "due_ms": out.due_ms, "back_ms": back_ms}
