"""The equipment profiles: payload to values and back. Serves arrow 2.

Owns what each profile's bits mean (EEP 2.6.7; D2-14-40/41 from the EnOcean Alliance's later profile pages). Must not
know framing, settings, state or time. The same bytes mean different things under different profiles, so a profile
is never guessed. Where a measurement is outside the profile's range, or its own "valid" bit says no, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Value
from nattevakt.edge.drivers.enocean.telegram import FOUR_BS, LEARN_BIT, NU, ONE_BS, RPS, T21, VLD, Telegram
from nattevakt.edge.errors import RejectError

ROCKERS = ("AI", "AO", "BI", "BO", "CI", "CO", "DI", "DO")
"""By number; C and D are those of a four-rocker (F6-03), whose press is a press under F6-02 too."""
MULTISENSOR_BYTES = 9

Values = dict[str, Value]
Said = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Scale:
    """A raw number 0..raw_max that stands for low..high; anything above raw_max is no measurement."""

    raw_max: int
    low: float
    high: float
    field_max: int = 255

    def read(self, raw: int) -> float | None:
        """What a raw number means."""
        if raw > self.raw_max:
            return None
        return round(self.low + raw * (self.high - self.low) / self.raw_max, 3)

    def write(self, value: Value) -> int:
        """The raw number for a value; the field's largest number, which means nothing, for None."""
        if value is None:
            return self.field_max
        share = (float(value) - self.low) / (self.high - self.low)
        return max(0, min(self.raw_max, round(share * self.raw_max)))


SUPPLY = Scale(250, 0.0, 5.0)
SUPPLY_0801 = Scale(255, 0.0, 5.1)
HUMIDITY = Scale(250, 0.0, 100.0)
HUMIDITY_0403 = Scale(255, 0.0, 100.0)
TEMPERATURE_0205 = Scale(255, 0.0, 40.0)
TEMPERATURE_0401 = Scale(250, 0.0, 40.0)
TEMPERATURE_0402 = Scale(250, -20.0, 60.0)
TEMPERATURE_0403 = Scale(1023, -20.0, 60.0, 1023)
TEMPERATURE_0801 = Scale(255, 0.0, 51.0)
LIGHT_0703 = Scale(1000, 0.0, 1000.0, 1023)
LIGHT_0801 = Scale(255, 0.0, 510.0)
TEMPERATURE_D214 = Scale(1000, -40.0, 60.0, 1023)
HUMIDITY_D214 = Scale(200, 0.0, 100.0)
LIGHT_D214 = Scale(100_000, 0.0, 100_000.0, 131_071)


def _known(**found: Value) -> Values:
    return {name: value for name, value in found.items() if value is not None}


# --- F6: one byte and the status ---------------------------------------------------------------------------


def _push_button(telegram: Telegram) -> Values:
    return {"pressed": bool(telegram.payload[0] & 0x10)}


def _encode_push(said: Said) -> tuple[bytes, int]:
    return (b"\x10", T21 | NU) if said.get("pressed") else (b"\x00", T21)


def _rocker(telegram: Telegram) -> Values:
    byte = telegram.payload[0]
    pressed = bool(byte & 0x10)
    first = byte >> 5
    if not telegram.status & NU:
        # Only the number of buttons is told: three or more at once is a hand that fumbles, still a press.
        return {"pressed": pressed, "action": "several"} if pressed and first else {"pressed": pressed}
    if not pressed:
        return {"pressed": False}
    names = [ROCKERS[first]]
    if byte & 0x01:
        names.append(ROCKERS[byte >> 1 & 7])
    return {"pressed": True, "action": "+".join(names)}


def _encode_rocker(said: Said) -> tuple[bytes, int]:
    action = said.get("action")
    if not said.get("pressed"):
        return b"\x00", T21
    if action == "several":
        return b"\x70", T21
    names = str(action or "AI").split("+")
    byte = ROCKERS.index(names[0]) << 5 | 0x10
    if len(names) > 1:
        byte |= ROCKERS.index(names[1]) << 1 | 0x01
    return bytes((byte,)), T21 | NU


def _key_card(telegram: Telegram) -> Values:
    said = (telegram.payload[0], bool(telegram.status & NU))
    if said not in ((0x70, True), (0x00, False)):
        raise RejectError("payload", "F6-04-01 knows only 70 (inserted) and 00 (taken out)")
    return {"closed": said[1]}


def _encode_key_card(said: Said) -> tuple[bytes, int]:
    return (b"\x70", T21 | NU) if said.get("closed") else (b"\x00", T21)


def _leak(telegram: Telegram) -> Values:
    # The profile has no "dry again": every telegram is an act of its own, which the action says.
    if telegram.payload[0] != 0x11:
        raise RejectError("payload", "F6-05-01 knows only 11")
    return {"wet": True, "action": "wet"}


def _encode_leak(said: Said) -> tuple[bytes, int]:
    if not said.get("wet"):
        raise RejectError("values.wet", "F6-05-01 can only say wet")
    return b"\x11", T21 | NU


def _handle(telegram: Telegram) -> Values:
    turned = telegram.payload[0] >> 4
    if turned not in (0xC, 0xD, 0xE, 0xF):
        raise RejectError("payload", "F6-10-00 knows only C, D, E and F in its upper half")
    return {"closed": turned == 0xF, "tilted": turned == 0xD}


def _encode_handle(said: Said) -> tuple[bytes, int]:
    if said.get("tilted"):
        return b"\xd0", T21
    return (b"\xf0" if said.get("closed") else b"\xe0"), T21


# --- D5: one byte ------------------------------------------------------------------------------------------


def _contact(telegram: Telegram) -> Values:
    return {"closed": bool(telegram.payload[0] & 0x01)}


def _encode_contact(said: Said) -> tuple[bytes, int]:
    return bytes((LEARN_BIT | bool(said.get("closed")),)), 0


# --- A5: four bytes, DB3 first -----------------------------------------------------------------------------


def _temperature(telegram: Telegram) -> Values:
    # The one scale that runs backwards: 255 is the lowest.
    return {"temperature_c": TEMPERATURE_0205.read(255 - telegram.payload[2])}


def _encode_temperature(said: Said) -> tuple[bytes, int]:
    return bytes((0, 0, 255 - TEMPERATURE_0205.write(_needed(said, "temperature_c")), LEARN_BIT)), 0


def _climate(temperature: Scale) -> tuple[_Decoder, _Encoder]:
    """A5-04-01 and -02: the same fields with another range."""

    def decode(telegram: Telegram) -> Values:
        _, db2, db1, db0 = telegram.payload
        measured = temperature.read(db1) if db0 & 0x02 else None
        return _known(humidity_percent=HUMIDITY.read(db2), temperature_c=measured)

    def encode(said: Said) -> tuple[bytes, int]:
        measured = said.get("temperature_c")
        available = 0x00 if measured is None else 0x02
        humidity = HUMIDITY.write(said.get("humidity_percent"))
        return bytes((0, humidity, temperature.write(measured), LEARN_BIT | available)), 0

    return decode, encode


def _climate_3(telegram: Telegram) -> Values:
    db3, db2, db1, _ = telegram.payload
    return _known(
        humidity_percent=HUMIDITY_0403.read(db3),
        temperature_c=TEMPERATURE_0403.read((db2 & 0x03) << 8 | db1),
    )


def _encode_climate_3(said: Said) -> tuple[bytes, int]:
    raw = TEMPERATURE_0403.write(_needed(said, "temperature_c"))
    return bytes((HUMIDITY_0403.write(_needed(said, "humidity_percent")), raw >> 8, raw & 0xFF, LEARN_BIT)), 0


def _needed(said: Said, name: str) -> Value:
    if said.get(name) is None:
        raise RejectError(f"values.{name}", "this profile cannot leave it out")
    return said[name]


def _occupancy_1(telegram: Telegram) -> Values:
    db3, _, db1, db0 = telegram.payload
    return {"motion": db1 >= 128, **_known(supply_v=SUPPLY.read(db3) if db0 & 0x01 else None)}


def _encode_occupancy_1(said: Said) -> tuple[bytes, int]:
    valid = said.get("supply_v") is not None
    return bytes((SUPPLY.write(said.get("supply_v")), 0, 255 if said.get("motion") else 0, LEARN_BIT | valid)), 0


def _occupancy_2(telegram: Telegram) -> Values:
    db3, _, _, db0 = telegram.payload
    return {"motion": bool(db0 & 0x80), **_known(supply_v=SUPPLY.read(db3))}


def _occupancy_3(telegram: Telegram) -> Values:
    light = telegram.payload[1] << 2 | telegram.payload[2] >> 6
    return {**_occupancy_2(telegram), **_known(light_lx=LIGHT_0703.read(light))}


def _encode_occupancy_23(said: Said) -> tuple[bytes, int]:
    light = LIGHT_0703.write(said.get("light_lx"))
    moves = 0x80 if said.get("motion") else 0
    return bytes((SUPPLY.write(said.get("supply_v")), light >> 2, light << 6 & 0xFF, LEARN_BIT | moves)), 0


def _light_temperature_occupancy(telegram: Telegram) -> Values:
    db3, db2, db1, db0 = telegram.payload
    # The occupancy button is an act; as a lasting "pressed" it would stand beside the motion and confuse the use.
    pushed: Values = {} if db0 & 0x01 else {"action": "button"}
    return {
        "motion": not db0 & 0x02,
        "supply_v": SUPPLY_0801.read(db3),
        "light_lx": LIGHT_0801.read(db2),
        "temperature_c": TEMPERATURE_0801.read(db1),
        **pushed,
    }


def _encode_light_temperature_occupancy(said: Said) -> tuple[bytes, int]:
    still = 0x00 if said.get("motion") else 0x02
    released = 0x00 if said.get("action") == "button" else 0x01
    raw = (
        SUPPLY_0801.write(_needed(said, "supply_v")),
        LIGHT_0801.write(_needed(said, "light_lx")),
        TEMPERATURE_0801.write(_needed(said, "temperature_c")),
    )
    return bytes((*raw, LEARN_BIT | still | released)), 0


def _window(*, contact: bool, vibration: bool) -> tuple[_Decoder, _Encoder]:
    """A5-14-01, -03 and -05. Contact bit 0 means closed: the opposite of D5-00-01."""

    def decode(telegram: Telegram) -> Values:
        db3, _, _, db0 = telegram.payload
        return _known(
            closed=not db0 & 0x01 if contact else None,
            vibration=bool(db0 & 0x02) if vibration else None,
            supply_v=SUPPLY.read(db3),
        )

    def encode(said: Said) -> tuple[bytes, int]:
        bits = LEARN_BIT
        bits |= 0x01 if contact and not said.get("closed") else 0x00
        bits |= 0x02 if vibration and said.get("vibration") else 0x00
        return bytes((SUPPLY.write(said.get("supply_v")), 0, 0, bits)), 0

    return decode, encode


_WINDOW_STATES: Mapping[int, Values] = {
    0b00: {"closed": True, "tilted": False},
    0b01: {"closed": False, "tilted": True},
    0b11: {"closed": False, "tilted": False},
}


def _window_9(telegram: Telegram) -> Values:
    state = _WINDOW_STATES.get(telegram.payload[3] >> 1 & 0x03)
    if state is None:
        raise RejectError("payload", "A5-14-09 knows no window state 2")
    return {**state, **_known(supply_v=SUPPLY.read(telegram.payload[0]))}


def _encode_window_9(said: Said) -> tuple[bytes, int]:
    bits = 0b01 if said.get("tilted") else 0b00 if said.get("closed") else 0b11
    return bytes((SUPPLY.write(said.get("supply_v")), 0, 0, LEARN_BIT | bits << 1)), 0


def _input(telegram: Telegram) -> Values:
    _, db2, db1, _ = telegram.payload
    return {"battery_low": db2 <= 120, "closed": db1 <= 195}


def _encode_input(said: Said) -> tuple[bytes, int]:
    low = 0x00 if said.get("battery_low") else 0xFF
    return bytes((0, low, 0x00 if said.get("closed") else 0xFF, LEARN_BIT)), 0


# --- D2-14-40/41: 9 bytes, a string of bits ----------------------------------------------------------------

# Offsets in bits from the first: temperature 0 (10), humidity 10 (8), light 18 (17), what the accelerometer noticed
# 35 (2), its three axes 37, 47, 57 (10 each), magnet contact 67 (1; only -41). Checked with a published telegram:
# github.com/reelyactive/advlib-eep-vld, test of D2-14-41.
_NOTICED = {0: False, 1: True, 2: True}
"""0 said periodically, 1 and 2 a threshold was passed; 3 says nothing."""
_LEVEL = 500
"""No acceleration along an axis."""


def _bits(payload: bytes, at: int, size: int) -> int:
    return int.from_bytes(payload, "big") >> (len(payload) * 8 - at - size) & ((1 << size) - 1)


def _multisensor(*, contact: bool) -> tuple[_Decoder, _Encoder]:
    def decode(telegram: Telegram) -> Values:
        payload = telegram.payload
        if len(payload) != MULTISENSOR_BYTES:
            raise RejectError("payload", f"D2-14-40/41 has {MULTISENSOR_BYTES} bytes")
        return _known(
            closed=bool(_bits(payload, 67, 1)) if contact else None,
            vibration=_NOTICED.get(_bits(payload, 35, 2)),
            temperature_c=TEMPERATURE_D214.read(_bits(payload, 0, 10)),
            humidity_percent=HUMIDITY_D214.read(_bits(payload, 10, 8)),
            light_lx=LIGHT_D214.read(_bits(payload, 18, 17)),
        )

    def encode(said: Said) -> tuple[bytes, int]:
        shaken = said.get("vibration")
        fields = (
            (10, TEMPERATURE_D214.write(said.get("temperature_c"))),
            (8, HUMIDITY_D214.write(said.get("humidity_percent"))),
            (17, LIGHT_D214.write(said.get("light_lx"))),
            (2, 3 if shaken is None else int(bool(shaken))),
            (10, _LEVEL),
            (10, _LEVEL),
            (10, _LEVEL),
            (1, int(contact and bool(said.get("closed")))),
            (4, 0),
        )
        word = 0
        for size, raw in fields:
            word = word << size | raw
        return word.to_bytes(MULTISENSOR_BYTES, "big"), 0

    return decode, encode


_Decoder = Callable[[Telegram], Values]
_Encoder = Callable[[Said], tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Profile:
    """One equipment profile. meaning: for the reference page and for messages about settings.

    decode: raises RejectError for a payload that is none of its values. encode: payload and status.
    """

    rorg: int
    meaning: str
    decode: _Decoder
    encode: _Encoder


PROFILES: Mapping[str, Profile] = {
    "F6-01-01": Profile(RPS, "trykknapp eller snortrekk med én knapp", _push_button, _encode_push),
    "F6-02-01": Profile(RPS, "vippebryter med inntil fire knapper (Europa)", _rocker, _encode_rocker),
    "F6-02-02": Profile(RPS, "vippebryter med inntil fire knapper (Amerika)", _rocker, _encode_rocker),
    "F6-04-01": Profile(RPS, "nøkkelkortholder", _key_card, _encode_key_card),
    "F6-05-01": Profile(RPS, "vannlekkasjesensor", _leak, _encode_leak),
    "F6-10-00": Profile(RPS, "vindushåndtak", _handle, _encode_handle),
    "D5-00-01": Profile(ONE_BS, "dør- eller vinduskontakt, matte med kontaktutgang", _contact, _encode_contact),
    "A5-02-05": Profile(FOUR_BS, "temperatur (0–40 °C)", _temperature, _encode_temperature),
    "A5-04-01": Profile(FOUR_BS, "temperatur (0–40 °C) og luftfuktighet", *_climate(TEMPERATURE_0401)),
    "A5-04-02": Profile(FOUR_BS, "temperatur (−20–60 °C) og luftfuktighet", *_climate(TEMPERATURE_0402)),
    "A5-04-03": Profile(FOUR_BS, "temperatur (−20–60 °C, fin) og luftfuktighet", _climate_3, _encode_climate_3),
    "A5-07-01": Profile(FOUR_BS, "bevegelsessensor", _occupancy_1, _encode_occupancy_1),
    "A5-07-02": Profile(FOUR_BS, "bevegelsessensor", _occupancy_2, _encode_occupancy_23),
    "A5-07-03": Profile(FOUR_BS, "bevegelsessensor med lysmåling", _occupancy_3, _encode_occupancy_23),
    "A5-08-01": Profile(
        FOUR_BS,
        "bevegelsessensor med lys, temperatur og knapp",
        _light_temperature_occupancy,
        _encode_light_temperature_occupancy,
    ),
    "A5-14-01": Profile(FOUR_BS, "kontakt med batterispenning", *_window(contact=True, vibration=False)),
    "A5-14-03": Profile(FOUR_BS, "kontakt med rystelse og batterispenning", *_window(contact=True, vibration=True)),
    "A5-14-05": Profile(FOUR_BS, "rystelsessensor med batterispenning", *_window(contact=False, vibration=True)),
    "A5-14-09": Profile(FOUR_BS, "vindussensor: lukket, på gløtt eller åpent", _window_9, _encode_window_9),
    "A5-30-01": Profile(FOUR_BS, "digital inngang (matte, relé)", _input, _encode_input),
    "D2-14-40": Profile(VLD, "multisensor: temperatur, fukt, lys og rystelse", *_multisensor(contact=False)),
    "D2-14-41": Profile(VLD, "multisensor med magnetkontakt", *_multisensor(contact=True)),
}
"""Profiles by name as written in settings. One that is not here cannot be configured."""
