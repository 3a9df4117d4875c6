"""A ward on an evening when not everything is well: plans, a pause, a silent sensor, open alarms. Tests only."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select, update

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.people import sessions, tablets
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.rounds import times
from nattevakt.central.tables import gateways, residents, rooms, staff, staff_wards, stays, wards
from nattevakt.edge.rules.windows import Window
from tests.central.house import Clock
from tests.central.past_nights import DAY, MIN, NOON_MS
from tests.central.tablet.ward import Ward, ring, seed, thin, turns

EVENING_MS = NOON_MS + 9 * 60 * MIN + 30 * MIN
"""2026-11-22 21:30 in Oslo, a Sunday."""
NIGHT = (Window(22 * 60, 7 * 60),)
BED = Line("not_back_in_bed", NIGHT, {"limit_min": 20})
DOOR = Line("door_at_night", NIGHT)
HANDLING = "Astrid går på toalettet selv.\nFølg henne tilbake til sengen, og la lyset på badet stå på."
OTHER_WARD = "Testperson Annensteds"


@dataclass
class Evening:
    """The ward, and whoever asks about it."""

    db: Database
    tenant: Tenant
    ward: Ward
    clock: Clock
    kari: int
    per: int
    other_ward: int
    cookies: dict[str, str] = field(default_factory=dict)

    def write(self, work: object) -> None:
        """Do something to the database as no page does."""
        self.db.transact(self.tenant.id, work)  # type: ignore[arg-type]

    def enrol(self, ward_key: str = "2etg") -> int:
        """The browser is a tablet of a ward; gives its id."""
        with self.db.write(self.tenant.id) as s:
            code = tablets.new_code(s, ward_key, "PC", self.clock.at_ms)
        cookie = tablets.redeem(self.db, code, self.clock.at_ms)
        assert cookie
        self.cookies = {"__Host-tablet": cookie.text()}
        return cookie.tablet_id

    def log_in(self, tablet_id: int, staff_id: int) -> None:
        """Somebody is at that tablet."""
        with self.db.write(self.tenant.id) as s:
            self.cookies["__Host-person"] = sessions.start(s, tablet_id, staff_id, self.clock.at_ms)


def evening(db: Database, key: str = "furutun") -> Evening:
    """Seeded, on either database. 204 Astrid has all there is; 205 a pause; 206 is unknown; 207 no basis; 208 rings."""
    ward = seed(db, EVENING_MS, key)
    tenant = db.tenant(key)
    assert tenant is not None
    found = Evening(db, tenant, ward, Clock(EVENING_MS), 0, 0, 0)
    found.write(lambda s: _fill(s, found))
    ring(db, ward, EVENING_MS - 20 * MIN, "door_at_night", "204", spot="inngangsdør")
    taken = ring(db, ward, EVENING_MS - 5 * MIN, "call", "208")
    act = Act(taken, State.TAKEN, found.kari, None, "evening-take-208")
    found.write(lambda s: register.act(s, act, EVENING_MS - 4 * MIN))
    ring(db, ward, EVENING_MS - 30 * MIN, "gateway_fault", None)
    turns(db, ward, EVENING_MS, ("209",), late_min=40)
    thin(db, ward, EVENING_MS - 26 * MIN, "206")
    return found


def _fill(s: TenantSession, found: Evening) -> None:
    ward = found.ward
    people = {row.key: int(row.id) for row in s.execute(select(staff).where(staff.c.tenant_id == TENANT))}
    found.kari, found.per = people["kari"], people["per"]
    _plan(s, ward.residents["204"], (BED, DOOR), HANDLING, "Kari N., tlf. 99 00 00 04")
    for number in ("205", "206", "208", "209", "210"):
        _plan(s, ward.residents[number], (BED,), "Se til at hun ligger godt.", "Leder på vakt")
    _plan(s, ward.residents["207"], (BED,), "", "", basis=False)
    until_ms = EVENING_MS + 25 * MIN
    reason = "Datter til Beboer 205 Testperson er på besøk"
    pauses.begin(s, ward.residents["205"], None, until_ms, reason, found.kari, EVENING_MS - 60 * MIN)
    times.set_ward(s, ward.ward, [(23 * 60, 127), (2 * 60, 127), (5 * 60, 127)], "Europe/Oslo", EVENING_MS)
    times.set_resident(s, ward.residents["210"], [(1 * 60, 127)], "Europe/Oslo", EVENING_MS)
    found.other_ward = s.insert(wards, key="b", name="Avdeling B", night_from_minute=1320, night_to_minute=420)
    room = s.insert(rooms, ward_id=found.other_ward, key="901", number="901", name="")
    one = s.insert(residents, key="annen", name=OTHER_WARD)
    s.insert(stays, resident_id=one, room_id=room, from_ms=0, to_ms=None)
    lead = s.insert(staff, key="ola", name="Ola B.", initials="OB", pin_argon2=None, active=True, lead=True)
    s.add(staff_wards, [{"staff_id": lead, "ward_id": found.other_ward}])
    s.insert(rooms, ward_id=ward.ward, key="215", number="215", name="Avlastning")
    s.execute(update(gateways).where(gateways.c.tenant_id == TENANT), {"last_heartbeat_ms": EVENING_MS - MIN})
    s.insert(gateways, key="gw2", name="Mottaker kjeller", ward_id=ward.ward, credential_sha256="y")


def _plan(
    s: TenantSession,
    resident_id: int,
    lines: tuple[Line, ...],
    handling: str,
    responsible: str,
    *,
    basis: bool = True,
) -> None:
    at_ms = EVENING_MS - DAY
    said = {"handling": handling, "responsible": responsible, "why": "prøve", "staff_id": None, "by_name": "test"}
    plans.save(s, resident_id, lines, **said, now_ms=at_ms, expected_version=0)  # type: ignore[arg-type]
    if basis:
        bases.give(s, resident_id, "samtykke", at_ms, at_ms + 300 * DAY, "Kari N.", None, at_ms)
