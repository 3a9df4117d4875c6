"""Bringing a seed file into the database: adds what is new, changes what differs, says what it did. Serves every
arrow of the centre.

Owns how each entry becomes rows. Running the same file again changes nothing; what the file does not name is left
alone. A stay or placement that changes is ended and a new one begun: the past keeps its residents. Must not know
the file's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select, update

from nattevakt.central import credentials, seed_plans, seed_rota, watching
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.model_faults import fault_of
from nattevakt.central.people import staff as staff_people
from nattevakt.central.places import plans
from nattevakt.central.seed_file import DeviceEntry, ResidentEntry, Seed, StaffEntry
from nattevakt.central.tables import (
    devices,
    gateways,
    placements,
    residents,
    rooms,
    staff,
    staff_wards,
    stays,
    wards,
)


def apply_seed(db: Database, seed: Seed, now_ms: int) -> list[str]:
    """Carry a seed out in one transaction. Gives what was done, a line each, in Norwegian; a new gateway's key is
    among it and is never shown again.

    Raises RejectError for a PIN that is too easy, RetryError where the database is away.
    """
    for entry in seed.staff:
        if entry.pin:
            staff_people.check_pin(entry.pin)
    tenant_id, changed = db.set_tenant(seed.tenant.key, seed.tenant.name, seed.tenant.time_zone)
    said = [f"kommune {seed.tenant.key}: lagret"] if changed else []
    return said + db.transact(tenant_id, lambda s: _Seeding(s, seed, now_ms).run())


class _Seeding:
    """One run within its transaction."""

    def __init__(self, s: TenantSession, seed: Seed, now_ms: int) -> None:
        self.s = s
        self.seed = seed
        self.now_ms = now_ms
        self.said: list[str] = []
        self.ids: dict[tuple[str, str], int] = {}

    def run(self) -> list[str]:
        """Entry by entry, in the order in which they refer to each other."""
        for ward in self.seed.ward:
            night = {"night_from_minute": ward.night_from, "night_to_minute": ward.night_to}
            self._keep(wards, "avdeling", ward.key, {"name": ward.name, **night})
        for room in self.seed.room:
            ward_id = self.ids["wards", room.ward]
            self._keep(rooms, "rom", room.key, {"ward_id": ward_id, "number": room.number, "name": room.name})
        for resident in self.seed.resident:
            self._keep(residents, "beboer", resident.key, {"name": resident.name})
            self._stay(resident)
        for gateway in self.seed.gateway:
            self._gateway(gateway.key, gateway.name, self.ids["wards", gateway.ward])
        for device in self.seed.device:
            self._device(device)
        self.said += seed_plans.carry_out(self.s, self.seed, self.ids, self.now_ms)
        for person in self.seed.staff:
            self._person(person)
        duty = (self.seed.routing, self.seed.duty, self.ids, self.seed.tenant.time_zone)
        self.said += seed_rota.carry_out(self.s, *duty, self.now_ms)
        return self.said

    def _keep(self, table: Table, word: str, key: str, values: Mapping[str, object], key_column: str = "key") -> int:
        """Add or change the row with this key; gives its id."""
        row = self._row(table, key_column, key)
        if row is None:
            number = self.s.insert(table, **{key_column: key}, **values)
            self.said.append(f"{word} {key}: ny")
        else:
            number = int(row.id)
            self._change(table, row, word, key, values)
        self.ids[table.name, key] = number
        return number

    def _row(self, table: Table, column: str, key: str) -> Row[Any] | None:
        return self.s.execute(select(table).where(table.c.tenant_id == TENANT, table.c[column] == key)).one_or_none()

    def _change(self, table: Table, row: Row[Any], word: str, key: str, values: Mapping[str, object]) -> None:
        differing = {name: value for name, value in values.items() if getattr(row, name) != value}
        if differing:
            self.s.execute(update(table).where(table.c.tenant_id == TENANT, table.c.id == row.id).values(**differing))
            self.said.append(f"{word} {key}: endret ({', '.join(sorted(differing))})")

    def _stay(self, entry: ResidentEntry) -> None:
        resident_id = self.ids["residents", entry.key]
        room_id = self.ids["rooms", entry.room] if entry.room else None
        wanted = {"room_id": room_id} if room_id is not None else None
        said = f"beboer {entry.key}: " + (f"bor i {entry.room}" if entry.room else "bor ikke her lenger")
        self._since(stays, "resident_id", resident_id, wanted, said)

    def _since(self, table: Table, owner: str, owner_id: int, wanted: Mapping[str, object] | None, said: str) -> None:
        """End what no longer holds, and begin what holds from now on; the first ever holds from the beginning."""
        open_rows = self.s.execute(
            select(table).where(table.c.tenant_id == TENANT, table.c[owner] == owner_id, table.c.to_ms.is_(None))
        ).all()
        kept = [row for row in open_rows if wanted and all(getattr(row, name) == v for name, v in wanted.items())]
        for row in open_rows:
            if row not in kept:
                self.s.execute(
                    update(table).where(table.c.tenant_id == TENANT, table.c.id == row.id).values(to_ms=self.now_ms)
                )
        if wanted and not kept:
            from_ms = self.now_ms if self._was_used(table, owner, owner_id, wanted) else 0
            self.s.insert(table, **{owner: owner_id}, **wanted, from_ms=from_ms, to_ms=None)
        if bool(wanted) != bool(kept) or len(open_rows) != len(kept):
            self.said.append(said)
            if table is stays and plans.current(self.s, owner_id) is not None:
                plans.rearm(self.s, owner_id, self.now_ms)

    def _was_used(self, table: Table, owner: str, owner_id: int, wanted: Mapping[str, object]) -> bool:
        """Whether this owner was anywhere before, or (stays) somebody else was in that room."""
        before = table.c[owner] == owner_id
        if table is stays:
            before = before | (table.c.room_id == wanted["room_id"])
        return self.s.execute(select(table.c.id).where(table.c.tenant_id == TENANT, before)).first() is not None

    def _gateway(self, key: str, name: str, ward_id: int) -> None:
        row = self._row(gateways, "key", key)
        if row is None:
            number, token = add_gateway(self.s, self.seed.tenant.key, key, name, ward_id)
            self.ids["gateways", key] = number
            self.said.append(f"gateway {key}: ny, nøkkel (vises bare nå): {token}")
        else:
            self.ids["gateways", key] = int(row.id)
            self._change(gateways, row, "gateway", key, {"name": name, "ward_id": ward_id})

    def _device(self, entry: DeviceEntry) -> None:
        values: dict[str, object] = {
            "name": entry.name or entry.address,
            "gateway_id": self.ids["gateways", entry.gateway] if entry.gateway else None,
            "mute": entry.mute,
            "interval_s": entry.interval_s,
            "model": entry.model or None,
        }
        before = len(self.said)
        device_id = self._keep(devices, "enhet", entry.address, values, "address")
        wanted = {"room_id": self.ids["rooms", entry.room], "spot": entry.spot} if entry.room else None
        place = f"henger i {entry.room} {entry.spot}".rstrip() if entry.room else "henger ikke lenger noe sted"
        self._since(placements, "device_id", device_id, wanted, f"enhet {entry.address}: {place}")
        new = f"enhet {entry.address}: ny" in self.said[before:]
        if len(self.said) > before and (fault := fault_of(entry.model)) is not None:
            self.said.append(f"enhet {entry.address}: MERK: {fault}")
        if len(self.said) > before and (entry.interval_s is not None or not new):
            watching.expect_device(self.s, entry.address, self.now_ms)

    def _person(self, entry: StaffEntry) -> None:
        row = self._row(staff, "key", entry.key)
        values: dict[str, object] = {"name": entry.name, "initials": entry.initials, "active": entry.active}
        values["lead"] = entry.lead
        if entry.phone:
            values["phone"] = entry.phone
        if entry.pin and (row is None or not staff_people.verify_pin(row.pin_argon2, entry.pin)):
            values["pin_argon2"] = staff_people.hash_pin(entry.pin)
        staff_id = self._keep(staff, "ansatt", entry.key, values)
        mine = (staff_wards.c.tenant_id == TENANT, staff_wards.c.staff_id == staff_id)
        there = set(self.s.execute(select(staff_wards.c.ward_id).where(*mine)).scalars())
        wanted = {self.ids["wards", ward] for ward in entry.wards}
        for ward_id in sorted(there - wanted):
            self.s.execute(delete(staff_wards).where(*mine, staff_wards.c.ward_id == ward_id))
        for ward_id in sorted(wanted - there):
            self.s.execute(insert(staff_wards), {"staff_id": staff_id, "ward_id": ward_id})
        if there != wanted:
            self.said.append(f"ansatt {entry.key}: avdelinger {', '.join(entry.wards) or 'ingen'}")


def add_gateway(s: TenantSession, tenant_key: str, key: str, name: str, ward_id: int) -> tuple[int, str]:
    """A new gateway: its id and its key, which is kept only as a digest."""
    token = credentials.new_token(tenant_key, key)
    values = {"name": name, "ward_id": ward_id, "credential_sha256": credentials.digest(token)}
    return s.insert(gateways, key=key, **values), token
