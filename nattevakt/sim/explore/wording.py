"""A story and what came of it in Norwegian sentences with clock times. Serves whoever reads what the explorer found.

Pure. Owns the words. Must not know how anything is played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from nattevakt.edge.rules.windows import NORWAY
from nattevakt.sim.acts import Act
from nattevakt.sim.explore.story import Mishap, Story
from nattevakt.sim.explore.wards import ward_of

ZONE = ZoneInfo(NORWAY)
DOES: Mapping[Act, str] = {
    Act.IN_BED: "legger seg",
    Act.OUT_OF_BED: "står opp",
    Act.SITS: "setter seg i stolen",
    Act.RISES: "reiser seg fra stolen",
    Act.ENTERS: "kommer inn",
    Act.LEAVES: "går ut av rommet",
    Act.MOVES: "går",
    Act.OPENS: "åpner døra",
    Act.CLOSES: "lukker døra",
    Act.PRESSES: "trykker på knappen",
    Act.FALLS: "faller, og sensoren ser det",
    Act.FALLS_PERHAPS: "faller kanskje",
    Act.GETS_UP_FROM_FLOOR: "kommer opp fra gulvet",
    Act.FLOODS: "får vann på gulvet",
    Act.WETS: "blir våt i senga",
    Act.CHANGED: "får tørt på senga",
}


def clock(at_ms: int) -> str:
    """A moment as staff would say it, with the offset where the clock shows a time twice."""
    local = datetime.fromtimestamp(at_ms / 1000, ZONE)
    again = " igjen" if local.fold else ""
    return local.strftime("%d.%m. %H:%M:%S") + again


def lasts(ms: int) -> str:
    """A length of time in the greatest unit that says it well."""
    seconds = ms / 1000
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.1f} t"


def mishap_said(mishap: Mishap, says: Mapping[str, str]) -> str:
    """What goes wrong. says: by the mishap's name."""
    about = mishap.about or "sentralen"
    return f"{about}: {says.get(mishap.what, mishap.what)}" + (f", i {lasts(mishap.for_ms)}" if mishap.for_ms else "")


def story_said(story: Story, says: Mapping[str, str]) -> list[str]:
    """A story, a line for each thing that happens, in order."""
    ward = ward_of(story.seed, story.homes)
    lines = [f"frø {story.seed}, {story.level}, {len(story.homes)} beboere: {', '.join(_homes(story))}"]
    told = [(m.at_ms, f"uhell: {mishap_said(m, says)}") for m in story.mishaps]
    for happening in story.happenings:
        resident = ward.resident(happening.resident)
        if resident is not None:
            spot = f" ({happening.spot})" if happening.spot else ""
            told.append((happening.at_ms, f"{resident.first_name} på {resident.room} {DOES[happening.act]}{spot}"))
    told.append((story.begins_ms, "historien begynner"))
    told.append((story.faults_end_ms, "alle feil er over, nå skal det bli rolig"))
    told.append((story.ends_ms, "historien er over"))
    lines += [f"{clock(at_ms)}  {sentence}" for at_ms, sentence in sorted(told, key=lambda one: one[0])]
    return lines


def _homes(story: Story) -> Iterable[str]:
    ward = ward_of(story.seed, story.homes)
    return (f"{resident.first_name} på {resident.room}" for resident in ward.residents)
