"""A night in two wards: rooms with buttons, two gateways, a siren, staff, and time that passes. Tests only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from nattevakt.central import sweep
from nattevakt.central.columns import TENANT
from nattevakt.central.config_channels import Roads
from nattevakt.central.notify import dispatch
from nattevakt.central.notify.channel import RateLimit
from nattevakt.central.people import duties
from nattevakt.central.people import staff as staff_rows
from nattevakt.central.people.duties import Asked
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import (
    DeviceEntry,
    GatewayEntry,
    ResidentEntry,
    RoomEntry,
    Seed,
    StaffEntry,
    TenantEntry,
    WardEntry,
)
from nattevakt.central.tables import alarms, staff
from nattevakt.edge.events import Body, ChainTest
from nattevakt.edge.wire import CONTENT_TYPE, CompleteTo, GatewayHealth, Heartbeat, encode_batch, encode_message
from nattevakt.edge.wire_heartbeat import HeartbeatReply, SirenSaid, decode_heartbeat_reply
from tests.acceptance.help.centre import PIN, Centre, Person, Tablet, Wish
from tests.acceptance.help.told import Story, read
from tests.central.house import Clock, line, moment, press
from tests.central.taken_night import MINUTE_MS, oslo

TWO_MS = oslo("2026-11-23T02:00")
HOUR_MS = 60 * MINUTE_MS
SECOND_FLOOR, THIRD_FLOOR = "Furutun, 2. etasje", "Furutun, 3. etasje"
PHONE = "+4790000001"
HORN = "z2m:gang/sirene"
PIN_HASH = staff_rows.hash_pin(PIN)
"""Made once: it takes its time on purpose."""
STAFF = (
    StaffEntry("kari", "Kari Nes", "KN", wards=("2etg", "3etg"), lead=True),
    StaffEntry("per", "Per Aas", "PA", wards=("2etg", "3etg")),
    StaffEntry("lise", "Lise Lund", "LL", wards=("2etg", "3etg"), lead=True),
)
SEED = Seed(
    TenantEntry("furutun", "Furutun kommune"),
    (WardEntry("2etg", SECOND_FLOOR), WardEntry("3etg", THIRD_FLOOR)),
    (RoomEntry("204", "2etg", "204"), RoomEntry("205", "2etg", "205"), RoomEntry("301", "3etg", "301")),
    tuple(ResidentEntry(f"r{number}", f"Prøve Person {number}", number) for number in ("204", "205", "301")),
    (GatewayEntry("gw2", "Loftet", "2etg"), GatewayEntry("gw3", "Kjelleren", "3etg")),
    tuple(
        DeviceEntry(f"test:{number}", gateway=gateway, room=number, spot="bad")
        for number, gateway in (("204", "gw2"), ("205", "gw2"), ("301", "gw3"))
    ),
    staff=STAFF,
)


class Gateway:
    """One gateway as the centre knows it. siren: whether it has one; sounds: whether that one does."""

    def __init__(self, centre: Centre, token: str, stream: str, rooms: Sequence[str]) -> None:
        self.centre, self.stream, self.rooms = centre, stream, rooms
        self.on, self.siren, self.sounds, self.beat_ms = True, False, False, 0
        self.nonces: tuple[str, ...] = ()
        self._seq = 0
        self._headers = {"Authorization": f"Bearer {token}"}

    def tells(self, body: Body) -> None:
        """An event that has just happened is delivered."""
        now = moment(self.centre.clock.at_ms)
        self._seq += 1
        batch = encode_batch(now, {self.stream: 1}, [line(self.stream, self._seq, body, now)])
        wish = Wish("POST", "/v1/batches", batch, {**self._headers, "Content-Type": CONTENT_TYPE})
        (answer,) = self.centre.ask(wish)
        assert answer.status_code == 200, answer.text
        self.centre.settle()

    def howls(self) -> bool:
        """Whether its siren sounds."""
        return self.sounds

    def beats(self) -> HeartbeatReply:
        """A sign of life with what the siren says of itself; the siren is told what the answer asks for."""
        state = SirenSaid("on" if self.sounds else "off", told=self.sounds, age_ms=200)
        # No two at the same moment: that would be one that came twice.
        self.beat_ms = max(self.centre.clock.at_ms, self.beat_ms + 1)
        now = moment(self.beat_ms)
        told = Heartbeat(
            now,
            self.stream,
            (),
            CompleteTo(now, {self.stream: self._seq} if self._seq else {}),
            GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True),
            {f"test:{number}": 1_000 for number in self.rooms},
            sirens={HORN: state} if self.siren else None,
        )
        headers = {**self._headers, "Content-Type": "application/json"}
        (answer,) = self.centre.ask(Wish("POST", "/v1/heartbeats", encode_message(told), headers))
        assert answer.status_code == 200, answer.text
        said = decode_heartbeat_reply(answer.content)
        self.sounds = said.siren is not None and said.siren.on
        self.nonces = said.tests or ()
        return said


class Night(Centre):
    """Begins at two in the morning."""

    def __init__(self, url: str, roads: Roads | None = None, start_ms: int = TWO_MS) -> None:
        super().__init__(url, Clock(start_ms), roads)
        tokens = [said.rpartition(" ")[2] for said in apply_seed(self.db, SEED, start_ms) if " nv1." in said]
        with self.db.write(self.tenant.id) as s:
            s.execute(update(staff).where(staff.c.tenant_id == TENANT), {"pin_argon2": PIN_HASH})
        self.loft = Gateway(self, tokens[0], "1" * 32, ("204", "205"))
        self.cellar = Gateway(self, tokens[1], "2" * 32, ("301",))
        self._limits: dict[str, RateLimit] = {}
        self.passes(seconds=5)

    def passes(self, minutes: float = 0, seconds: float = 0, step_s: int = 5) -> None:
        """Time goes by, and everything does what it does: gateways and tablets, the sweep, the dispatcher."""
        end_ms = self.clock.at_ms + round(minutes * MINUTE_MS + seconds * 1_000)
        while self.clock.at_ms < end_ms:
            self.clock.at_ms = min(end_ms, self.clock.at_ms + step_s * 1_000)
            for gateway in (self.loft, self.cellar):
                if gateway.on and self.clock.at_ms - gateway.beat_ms >= 15_000:
                    gateway.beats()
            assert sweep.cycle(self.db, self.tenant, self.clock.at_ms)
            dispatch.cycle(self.db, self.tenant, self.roads.all, self.clock.at_ms, limits=self._limits)
            self.beat()
            self.settle()

    def hurries(self, minutes: float = 0, seconds: float = 0) -> None:
        """The same where nothing hangs on seconds: all look only each quarter of a minute."""
        self.passes(minutes, seconds, step_s=15)

    def sleeps(self, hours: float) -> None:
        """So long the centre and everything before it is off; then all are back."""
        self.clock.at_ms += round(hours * HOUR_MS)
        self.passes(seconds=5)

    def presses(self, number: str) -> int:
        """Somebody presses the button of a room; gives the alarm."""
        before = {row["id"] for row in self.alarms()}
        (self.cellar if number.startswith("3") else self.loft).tells(press(f"test:{number}"))
        (new,) = [int(row["id"]) for row in self.alarms() if row["id"] not in before]
        return new

    def answers_test(self, gateway: Gateway) -> None:
        """A gateway brings back what it was asked for."""
        gateway.beats()
        for nonce in gateway.nonces:
            gateway.tells(ChainTest(nonce))

    def alarms(self) -> list[dict[str, Any]]:
        """All that has ever rung, in order."""
        query = select(alarms.c.id, alarms.c.kind, alarms.c.state).where(alarms.c.tenant_id == TENANT)
        with self.db.read(self.tenant.id) as s:
            return [dict(row) for row in s.execute(query.order_by(alarms.c.id)).mappings()]

    def kinds(self) -> list[str]:
        """What has rung, in order."""
        return [str(row["kind"]) for row in self.alarms()]

    def one(self, kind: str) -> int:
        """The one alarm of a kind."""
        (found,) = [int(row["id"]) for row in self.alarms() if row["kind"] == kind]
        return found

    def on_duty(self, key: str, hours: float = 24, ahead: float = 0, phone: str = "") -> None:
        """Somebody is on duty for all wards, from so many hours ahead."""
        with self.db.write(self.tenant.id) as s:
            if phone:
                s.execute(update(staff).where(staff.c.tenant_id == TENANT, staff.c.key == key), {"phone": phone})
            from_ms = self.clock.at_ms + round(ahead * HOUR_MS)
            asked = Asked(self._staff(key), "vakt", from_ms, from_ms + round(hours * HOUR_MS))
            duties.add(s, asked, zones=(), made_by=None, now_ms=self.clock.at_ms)

    def _staff(self, key: str) -> int:
        return 1 + [one.key for one in STAFF].index(key)

    def story(self, alarm: int) -> Story:
        """What a ward's lead reads afterwards, by API and page; it is compared with all that was done."""
        desk = next((one for one in self.tablets if one.name == "Kontoret"), None)
        if desk is None:
            desk = Tablet(self, "Kontoret", "2etg")
            desk.on = False
            self.tablets.append(desk)
        if "__Host-person" not in desk.cookies:
            Person.comes("lise", desk)
        return read(self, desk, alarm)
