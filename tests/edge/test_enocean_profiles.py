"""EnOcean profiles: what each one's bits mean, and that what is encoded is heard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import VALUES, Device, Finding, Product, Reading, Value
from nattevakt.edge.drivers.enocean import PRODUCTS, encode, start, step
from nattevakt.edge.drivers.enocean.decode import PROFILES, Telegram, decode
from nattevakt.edge.drivers.enocean.frame import Frame
from nattevakt.edge.drivers.enocean.telegram import FOUR_BS, ONE_BS, RPS, VLD
from nattevakt.edge.errors import FrameError, RejectError

SENDER = "01825DAB"
ADDRESS = f"enocean:{SENDER}"
STM550 = "9165c02963e4f5d800"
"""reelyactive/advlib-eep-vld, test of D2-14-41: 18.1 C, 75.5 %, 331 lx, not closed, not shaken."""


def told(profile: str, payload: str, status: int = 0) -> dict[str, Value]:
    """What a device of this profile says with this payload, without what the receiver adds."""
    telegram = Telegram(PROFILES[profile].rorg, bytes.fromhex(payload), SENDER, status, dbm=-60)
    (said,) = step(telegram.to_frame().to_bytes(), 1000, start((Device(ADDRESS, profile),))).outputs
    assert isinstance(said, Reading), said
    return {name: value for name, value in said.values.items() if name not in ("signal_dbm", "repeats")}


MEANINGS: list[tuple[str, str, int, dict[str, Value]]] = [
    ("F6-01-01", "10", 0x30, {"pressed": True}),
    ("F6-01-01", "00", 0x20, {"pressed": False}),
    ("F6-02-01", "10", 0x30, {"pressed": True, "action": "AI"}),
    ("F6-02-01", "30", 0x30, {"pressed": True, "action": "AO"}),
    ("F6-02-01", "15", 0x30, {"pressed": True, "action": "AI+BI"}),
    ("F6-02-01", "70", 0x20, {"pressed": True, "action": "several"}),
    ("F6-02-01", "10", 0x20, {"pressed": True}),
    ("F6-02-01", "00", 0x20, {"pressed": False}),
    ("F6-02-01", "50", 0x33, {"pressed": True, "action": "BI"}),
    ("F6-02-01", "d0", 0x30, {"pressed": True, "action": "DI"}),
    ("F6-02-02", "70", 0x30, {"pressed": True, "action": "BO"}),
    ("F6-04-01", "70", 0x30, {"closed": True}),
    ("F6-04-01", "00", 0x20, {"closed": False}),
    ("F6-05-01", "11", 0x30, {"wet": True, "action": "wet"}),
    ("F6-10-00", "c0", 0x20, {"closed": False, "tilted": False}),
    ("F6-10-00", "e3", 0x20, {"closed": False, "tilted": False}),
    ("F6-10-00", "f0", 0x20, {"closed": True, "tilted": False}),
    ("F6-10-00", "d0", 0x20, {"closed": False, "tilted": True}),
    ("D5-00-01", "08", 0, {"closed": False}),
    ("D5-00-01", "09", 0, {"closed": True}),
    ("A5-02-05", "00005508", 0, {"temperature_c": 26.667}),
    ("A5-04-01", "007d7d0a", 0, {"humidity_percent": 50.0, "temperature_c": 20.0}),
    ("A5-04-01", "007d7d08", 0, {"humidity_percent": 50.0}),
    ("A5-04-01", "00fb7d0a", 0, {"temperature_c": 20.0}),
    ("A5-04-02", "007d7d0a", 0, {"humidity_percent": 50.0, "temperature_c": 20.0}),
    ("A5-04-02", "0000000a", 0, {"humidity_percent": 0.0, "temperature_c": -20.0}),
    ("A5-04-03", "ff03ff09", 0, {"humidity_percent": 100.0, "temperature_c": 60.0}),
    ("A5-04-03", "33000008", 0, {"humidity_percent": 20.0, "temperature_c": -20.0}),
    ("A5-07-01", "9600ff09", 0, {"motion": True, "supply_v": 3.0}),
    ("A5-07-01", "96008008", 0, {"motion": True}),
    ("A5-07-01", "fb007f09", 0, {"motion": False}),
    ("A5-07-02", "96000088", 0, {"motion": True, "supply_v": 3.0}),
    ("A5-07-02", "fa000008", 0, {"motion": False, "supply_v": 5.0}),
    ("A5-07-03", "fb19c088", 0, {"motion": True, "light_lx": 103.0}),
    ("A5-07-03", "96fa4008", 0, {"motion": False, "supply_v": 3.0}),
    ("A5-08-01", "96647d09", 0, {"motion": True, "supply_v": 3.0, "light_lx": 200.0, "temperature_c": 25.0}),
    (
        "A5-08-01",
        "96647d0a",
        0,
        {"motion": False, "supply_v": 3.0, "light_lx": 200.0, "temperature_c": 25.0, "action": "button"},
    ),
    ("A5-14-01", "96000008", 0, {"closed": True, "supply_v": 3.0}),
    ("A5-14-01", "fb000009", 0, {"closed": False}),
    ("A5-14-03", "9600000a", 0, {"closed": True, "vibration": True, "supply_v": 3.0}),
    ("A5-14-03", "96000009", 0, {"closed": False, "vibration": False, "supply_v": 3.0}),
    ("A5-14-05", "a500000a", 0, {"vibration": True, "supply_v": 3.3}),
    ("A5-14-05", "a5000009", 0, {"vibration": False, "supply_v": 3.3}),
    ("A5-14-09", "a5000008", 0, {"closed": True, "tilted": False, "supply_v": 3.3}),
    ("A5-14-09", "a500000a", 0, {"closed": False, "tilted": True, "supply_v": 3.3}),
    ("A5-14-09", "a500000e", 0, {"closed": False, "tilted": False, "supply_v": 3.3}),
    ("A5-30-01", "0078c308", 0, {"battery_low": True, "closed": True}),
    ("A5-30-01", "0079c408", 0, {"battery_low": False, "closed": False}),
    (
        "D2-14-40",
        STM550,
        0,
        {"vibration": False, "temperature_c": 18.1, "humidity_percent": 75.5, "light_lx": 331.0},
    ),
    (
        "D2-14-41",
        STM550,
        0,
        {"closed": False, "vibration": False, "temperature_c": 18.1, "humidity_percent": 75.5, "light_lx": 331.0},
    ),
    ("D2-14-41", "ffffffffff" + "e0" + "000010", 0, {"closed": True}),
]


@pytest.mark.parametrize(("profile", "payload", "status", "expected"), MEANINGS)
def test_what_the_bits_mean(profile: str, payload: str, status: int, expected: dict[str, Value]) -> None:
    assert told(profile, payload, status) == expected


@pytest.mark.parametrize(
    ("profile", "payload", "status"),
    [
        ("F6-04-01", "70", 0x20),
        ("F6-04-01", "50", 0x30),
        ("F6-05-01", "10", 0x30),
        ("F6-10-00", "70", 0x20),
        ("A5-14-09", "a500000c", 0),
        ("D2-14-41", "9165c02963e4f5d8", 0),
        ("D2-14-40", "9165c02963e4f5d80000", 0),
    ],
)
def test_a_payload_that_the_profile_does_not_know_is_told_with_its_hex(profile: str, payload: str, status: int) -> None:
    telegram = Telegram(PROFILES[profile].rorg, bytes.fromhex(payload), SENDER, status)
    said = step(telegram.to_frame().to_bytes(), 1000, start((Device(ADDRESS, profile),)))
    (finding,) = said.outputs
    assert isinstance(finding, Finding)
    assert telegram.raw in finding.sentence
    assert said.counted["undecodable"] == 1


def scaled(low: float, high: float, raw_max: int) -> st.SearchStrategy[Value]:
    return st.integers(0, raw_max).map(lambda raw: round(low + raw * (high - low) / raw_max, 3))


VOLTS = scaled(0, 5, 250)
BUTTONS = st.sampled_from(["AI", "AO", "BI", "BO", "AI+BI", "AO+BO", "several"])
flags = st.booleans()
windows: st.SearchStrategy[dict[str, Value]] = st.sampled_from(
    [{"closed": True, "tilted": False}, {"closed": False, "tilted": True}, {"closed": False, "tilted": False}]
)
climate = {"humidity_percent": scaled(0, 100, 250)}
stm550 = {
    "vibration": flags,
    "temperature_c": scaled(-40, 60, 1000),
    "humidity_percent": scaled(0, 100, 200),
    "light_lx": scaled(0, 100_000, 100_000),
}
SPOKEN: dict[str, st.SearchStrategy[dict[str, Value]]] = {
    "F6-01-01": st.fixed_dictionaries({"pressed": flags}),
    "F6-02-01": st.one_of(
        st.just({"pressed": False}), st.fixed_dictionaries({"pressed": st.just(value=True), "action": BUTTONS})
    ),
    "F6-04-01": st.fixed_dictionaries({"closed": flags}),
    "F6-05-01": st.just({"wet": True, "action": "wet"}),
    "F6-10-00": windows,
    "D5-00-01": st.fixed_dictionaries({"closed": flags}),
    "A5-02-05": st.fixed_dictionaries({"temperature_c": scaled(0, 40, 255)}),
    "A5-04-01": st.fixed_dictionaries({}, optional={**climate, "temperature_c": scaled(0, 40, 250)}),
    "A5-04-02": st.fixed_dictionaries({}, optional={**climate, "temperature_c": scaled(-20, 60, 250)}),
    "A5-04-03": st.fixed_dictionaries(
        {"humidity_percent": scaled(0, 100, 255), "temperature_c": scaled(-20, 60, 1023)}
    ),
    "A5-07-01": st.fixed_dictionaries({"motion": flags}, optional={"supply_v": VOLTS}),
    "A5-07-02": st.fixed_dictionaries({"motion": flags}, optional={"supply_v": VOLTS}),
    "A5-07-03": st.fixed_dictionaries(
        {"motion": flags}, optional={"supply_v": VOLTS, "light_lx": scaled(0, 1000, 1000)}
    ),
    "A5-08-01": st.fixed_dictionaries(
        {
            "motion": flags,
            "supply_v": scaled(0, 5.1, 255),
            "light_lx": scaled(0, 510, 255),
            "temperature_c": scaled(0, 51, 255),
        },
        optional={"action": st.just("button")},
    ),
    "A5-14-01": st.fixed_dictionaries({"closed": flags}, optional={"supply_v": VOLTS}),
    "A5-14-03": st.fixed_dictionaries({"closed": flags, "vibration": flags}, optional={"supply_v": VOLTS}),
    "A5-14-05": st.fixed_dictionaries({"vibration": flags}, optional={"supply_v": VOLTS}),
    "A5-14-09": st.builds(
        lambda window, volts: {**window, **volts}, windows, st.fixed_dictionaries({}, optional={"supply_v": VOLTS})
    ),
    "A5-30-01": st.fixed_dictionaries({"battery_low": flags, "closed": flags}),
    "D2-14-40": st.fixed_dictionaries({}, optional=stm550),
    "D2-14-41": st.fixed_dictionaries({"closed": flags}, optional=stm550),
}
SPOKEN |= {"F6-02-02": SPOKEN["F6-02-01"]}


@given(st.sampled_from(sorted(PROFILES)), st.integers(-120, -1), st.integers(0, 2), st.data())
def test_every_profile_round_trips(profile: str, dbm: int, repeats: int, data: st.DataObject) -> None:
    said = {**data.draw(SPOKEN[profile]), "signal_dbm": dbm, "repeats": repeats}
    raw = encode(Reading(ADDRESS, said), profile)
    device = Device(ADDRESS, profile)
    (heard,) = step(raw, 1000, start((device,))).outputs
    assert isinstance(heard, Reading)
    assert heard.values == said
    assert set(said) <= set(VALUES)
    assert decode(Telegram.from_frame(Frame.from_bytes(raw)), device) == heard


SIZES = {RPS: 1, ONE_BS: 1, FOUR_BS: 4, VLD: 9}


@settings(max_examples=500)
@given(st.sampled_from(sorted(PROFILES)), st.binary(min_size=9, max_size=9), st.integers(0, 255))
def test_any_payload_is_read_or_refused_and_what_is_read_can_be_said(profile: str, noise: bytes, status: int) -> None:
    telegram = Telegram(PROFILES[profile].rorg, noise[: SIZES[PROFILES[profile].rorg]], SENDER, status)
    device = Device(ADDRESS, profile)
    try:
        said = decode(telegram, device)
    except FrameError:
        return
    assert isinstance(said, Reading)
    if profile.startswith("F6-02") and said.values["pressed"] and "action" not in said.values:
        return  # a press without a name is encoded as the first button's
    again = decode(Telegram.from_frame(Frame.from_bytes(encode(said, profile))), device)
    assert isinstance(again, Reading)
    assert again.values == said.values


@pytest.mark.parametrize("profile", ["A5-02-05", "A5-04-03", "A5-08-01"])
def test_what_a_profile_cannot_leave_out_is_asked_for(profile: str) -> None:
    with pytest.raises(RejectError, match="cannot leave it out"):
        encode(Reading(ADDRESS, {"motion": True}), profile)


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: f"{product.maker} {product.model}")
def test_a_product_reports_what_its_profile_can_say(product: Product) -> None:
    said: set[str] = {"signal_dbm", "repeats"}
    for profile, _, _, expected in MEANINGS:
        if profile == product.profile:
            said |= set(expected)
    assert set(product.reports) <= said, product.profile
    assert product.source
    assert product.faults
    assert all(sentence.endswith(".") for sentence in product.faults)
    assert product.interval_s is None or product.interval_s > 0
    if product.profile.startswith("F6"):
        assert product.interval_s is None
    assert product.mute is (product.interval_s is None)
