"""A whole quiet night: everybody sleeps, most go to the toilet, nobody is away for long. Nothing rings."""

from nattevakt.sim.scenario import Night
from nattevakt.sim.ward import WARD, limited

NIGHT = Night("quiet_night", "en vanlig natt med toalettbesøk", begins="00:45", ends="05:15", plain_life=True)

NIGHT.broken("ingen får være oppe i mer enn to minutter", ward=limited(WARD, 2), notices="uventet: not_back_in_bed")
