"""The list of devices: its three classes, what each device says of itself, and who heard it last."""

from __future__ import annotations

import json

from nattevakt.central.device_health import MUTE, REPORTING, UNWATCHED, DeviceHealth, class_of, line, of_tenant
from nattevakt.central.model_faults import MODEL_FAULTS, fault_of
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import DeviceEntry, RoomEntry, Seed, TenantEntry, WardEntry
from nattevakt.edge.drivers.zigbee2mqtt.products import WARNINGS
from nattevakt.edge.events import Contact, Health
from tests.central.house import BUTTON, DOOR, LEAK, LOOSE, House, press

MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000


def listed(house: House) -> dict[str, DeviceHealth]:
    with house.db.read(house.tenant.id) as s:
        return {device.address: device for device in of_tenant(s, house.clock.at_ms)}


def seed(house: House, *entries: DeviceEntry) -> list[str]:
    wards = (WardEntry("a", "Avdeling A"), WardEntry("b", "Avdeling B"))
    hung = (RoomEntry("201", "a", "201"), RoomEntry("202", "b", "202"))
    whole = Seed(TenantEntry("furutun", "furutun"), wards, hung, (), (), entries)
    return apply_seed(house.db, whole, house.clock.at_ms)


def test_three_classes() -> None:
    assert class_of(mute=True, interval_s=None) == MUTE
    assert class_of(mute=False, interval_s=60) == REPORTING
    assert class_of(mute=False, interval_s=None) == UNWATCHED


def test_what_a_device_says_of_itself_is_shown(house: House) -> None:
    seed(house, DeviceEntry(DOOR, room="202", spot="inngangsdør", interval_s=3600), DeviceEntry(LOOSE))
    house.gate.tell(1, Contact(DOOR, open=True))
    house.gate.tell(
        2, Health(DOOR, battery_percent=61.5, battery_low=True, tamper=True, available=False, linkquality=9)
    )
    house.gate.tell(3, Health(DOOR, signal_dbm=-101, supply_v=2.84, flood=True, errors=12))
    house.clock.at_ms += 3 * MINUTE_MS
    door = listed(house)[DOOR]
    assert (door.kind, door.interval_s, door.room, door.gateway) == (REPORTING, 3600, "202", "gw1")
    assert (door.last_heard_ms, door.unknown_since_ms) == (house.clock.at_ms - 3 * MINUTE_MS, None)
    assert door.said == {
        "battery_percent": 61.5,
        "battery_low": True,
        "supply_v": 2.84,
        "signal_dbm": -101,
        "linkquality": 9,
        "tamper": True,
        "available": False,
        "errors": 12,
        "flood": True,
    }
    assert line(door, house.clock.at_ms) == (
        f"{DOOR}\trom 202 inngangsdør\tmelder seg selv, hver 60 min, hørt for 3 min siden, batteri 62 %, LAVT BATTERI,"
        " 2.84 V, signal -101 dBm, signal 9 av 255, SABOTASJE, 12 meldinger uten mening, SENDER FOR MYE, UTILGJENGELIG"
    )
    loose = listed(house)[LOOSE]
    assert line(loose, house.clock.at_ms) == f"{LOOSE}\tikke plassert\tintervall ikke satt, hørt aldri"


def test_a_mute_device_has_to_be_tried(house: House) -> None:
    seed(house, DeviceEntry(BUTTON, room="201", spot="bad", mute=True), DeviceEntry(LEAK, room="201", mute=True))
    house.gate.tell(1, press())
    house.clock.at_ms += 40 * DAY_MS
    button, leak = listed(house)[BUTTON], listed(house)[LEAK]
    assert (button.kind, button.proof_due, leak.proved_ms) == (MUTE, True, None)
    assert "virket sist for 57600 min siden, MÅ PRØVES" in line(button, house.clock.at_ms)
    assert "aldri prøvd, MÅ PRØVES" in line(leak, house.clock.at_ms)


def test_a_device_that_two_gateways_hear_is_as_the_last_of_them_heard_it(house: House) -> None:
    house.gates[0].tell(1, Health(BUTTON, signal_dbm=-110))
    house.clock.at_ms += MINUTE_MS
    house.gates[1].tell(1, Health(BUTTON, signal_dbm=-60))
    button = listed(house)[BUTTON]
    assert (button.gateway, button.said["signal_dbm"], button.last_heard_ms) == ("gw2", -60, house.clock.at_ms)


def test_it_is_plain_json(house: House) -> None:
    house.gate.tell(1, Health(BUTTON, battery_percent=100.0))
    house.clock.at_ms += 5_000
    said = json.loads(json.dumps(listed(house)[BUTTON].as_json(house.clock.at_ms)))
    assert (said["kind"], said["last_heard_age_s"], said["said"]) == (UNWATCHED, 5, {"battery_percent": 100.0})
    assert json.loads(json.dumps(listed(house)[DOOR].as_json(house.clock.at_ms)))["last_heard_age_s"] is None


def test_a_model_that_loses_presses_is_flagged_when_it_is_registered_and_in_the_list(house: House) -> None:
    entry = DeviceEntry(BUTTON, room="201", spot="bad", model="HS1EB/HS1EB-E")
    sentence = f"MERK: {WARNINGS['HS1EB']}"
    assert f"enhet {BUTTON}: {sentence}" in seed(house, entry)
    assert seed(house, entry) == []
    assert line(listed(house)[BUTTON], house.clock.at_ms).endswith(f"\n\t{sentence}")
    assert listed(house)[BUTTON].as_json(house.clock.at_ms)["model"] == "HS1EB/HS1EB-E"
    assert not any("MERK" in said for said in seed(house, DeviceEntry(BUTTON, room="201", spot="bad", model="PB206")))
    assert "MERK" not in line(listed(house)[BUTTON], house.clock.at_ms)


def test_the_gateway_and_the_centre_say_the_same_of_a_model() -> None:
    assert dict(MODEL_FAULTS) == dict(WARNINGS)
    assert fault_of("hs1eb") == WARNINGS["HS1EB"]
    assert (fault_of(None), fault_of(""), fault_of("HS1EBX")) == (None, None, None)
