"""Which alarms were worth ringing for, by what the person on site said of them. Serves no arrow.

Owns the table from closing causes to use, with the reason for each. Must not know how often, or who was disturbed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Use(StrEnum):
    """Whether an alarm that was closed with a cause had been worth ringing for."""

    YES = "yes"
    NO = "no"
    IF_HELPED = "if_helped"
    """It depends on what was done."""


USEFUL: Mapping[str, tuple[Use, str]] = MappingProxyType(
    {
        "trengte_hjelp": (Use.YES, "Somebody needed help: this is what it is for."),
        "fall": (Use.YES, "Somebody had fallen."),
        "smerte_sykdom": (Use.YES, "Somebody was in pain or ill and was seen."),
        "urolig": (Use.YES, "Somebody was restless and was met in time: what a door or an empty bed is watched for."),
        "toalett": (
            Use.IF_HELPED,
            "A trip to the bathroom is what people drove for in vain. It counts where help was given or asked for.",
        ),
        "teknisk": (Use.NO, "A fault of the installation is for the day, and should have been a finding."),
        "feil_utlost": (Use.NO, "Nothing had happened."),
        "annet": (Use.IF_HELPED, "Says nothing by itself. It counts where something was done."),
    }
)
HELPED = frozenset({"hjelp_gitt", "snakket_med", "lege_kontaktet"})
"""Actions by which something was done for the resident."""


def useful(kind: str, cause: str | None, action: str | None) -> bool | None:
    """Whether an alarm was of use, None where nobody has said."""
    if not cause or cause not in USEFUL:
        return None
    use = USEFUL[cause][0]
    if use is Use.IF_HELPED:
        return action in HELPED or (kind == "call" and cause == "toalett")
    return use is Use.YES
