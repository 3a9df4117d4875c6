"""The demo's night as a story: when who does what, and what the terminal says of it. Serves the demo.

Owns the choice of what is shown in ten minutes. Must not know processes or time beyond times of day. Residents whom
the story does not name live a plain night by the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.people import Habits, Happening
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import falls, flickers, gets_up, goes_to_toilet, link_dies, moves, opens, presses
from nattevakt.sim.stage import Deed
from nattevakt.sim.ward import WARD, Resident

BEGINS, ENDS = "22:50", "06:30"
LONGEST_MIN = 11.0
"""Who is in no story is never away for so long that anybody is sent to look."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens. rings: it is to ring at once, so the night goes at its own pace from there.
    says: a word more about it, for the terminal and the side page."""

    when: str
    deed: Deed
    rings: bool = False
    says: str = ""


BEATS = (
    Beat("22:58", goes_to_toilet("Bjarne", 5)),
    Beat("23:12", goes_to_toilet("Astrid", 6)),
    Beat("23:25", presses("Gerd", "seng"), rings=True, says="anrop"),
    Beat("23:45", flickers("Einar", 70, gaps=2, chatter=9), says="ingen skal varsles"),
    Beat("00:20", link_dies("kjelleren", 25), says="teknisk alarm, rommene der blir ukjente"),
    Beat("00:24", goes_to_toilet("Frida", 8), says="ingen får vite det før linja er tilbake"),
    Beat("01:38", moves("Harald")),
    Beat("01:40", opens("Harald", 9), rings=True, says="dør åpnet om natten"),
    Beat("02:12", goes_to_toilet("Dagny", 4)),
    Beat("02:40", goes_to_toilet("Einar", 7)),
    Beat("03:05", gets_up("Astrid"), says="sjekk etter et kvarter, alarm et kvarter senere"),
    Beat("04:10", goes_to_toilet("Bjarne", 7)),
    Beat("04:35", goes_to_toilet("Gerd", 5)),
    Beat("05:47", gets_up("Dagny")),
    Beat("05:49:40", falls("Dagny"), rings=True, says="fall"),
)
PRESSES = (
    ("trykk", "Trykker på knappen", Use.CALL, (Act.PRESSES,)),
    ("opp", "Står opp", Use.BED, (Act.OUT_OF_BED,)),
    ("seng", "Legger seg", Use.BED, (Act.IN_BED,)),
    ("dor", "Åpner døra", Use.DOOR, (Act.OPENS,)),
    ("lukk", "Lukker døra", Use.DOOR, (Act.CLOSES,)),
    ("fall", "Faller", Use.FALL, (Act.FALLS,)),
)
"""What the side page lets a viewer do with a resident: key, words, the device that must be there, acts."""


def night(on: date) -> Night:
    """The story of the night that begins on this day."""
    found = Night("demo", "en natt på ti minutter", begins=BEGINS, ends=ENDS, on=on)
    for beat in BEATS:
        found.at(beat.when, beat.deed)
    return found


def plain(story: Night, from_ms: int, chance: Random) -> list[Happening]:
    """Who lies in bed when it begins, and the plain night of those whom the story does not name."""
    moved = {name for beat in BEATS for name in beat.deed.about}
    found = [
        Happening(from_ms + chance.randint(1_000, 5_000), resident.key, Act.IN_BED)
        for resident in WARD.residents
        if resident.sensor(Use.BED) is not None
    ]
    habits = {resident.key: Habits(longest_min=LONGEST_MIN) for resident in WARD.residents}
    span = people.Night(story.begins_ms, story.ends_ms)
    for happening in people.night(WARD, habits, span, chance):
        who = WARD.resident(happening.resident)
        if who is not None and who.first_name not in moved and happening.at_ms > from_ms + 60_000:
            found.append(happening)
    return found


def after_help(resident: Resident, kind: str, at_ms: int) -> list[Happening]:
    """What happens once somebody has been there: up from the floor, the door closed, back in bed."""
    found = []
    if kind == "fall":
        found.append(Happening(at_ms + 5_000, resident.key, Act.GETS_UP_FROM_FLOOR))
    if kind == "door_at_night":
        found.append(Happening(at_ms + 5_000, resident.key, Act.CLOSES))
    if kind in ("fall", "not_back_in_bed", "bed_check") and resident.sensor(Use.BED) is not None:
        found.append(Happening(at_ms + 60_000, resident.key, Act.IN_BED))
    return found
