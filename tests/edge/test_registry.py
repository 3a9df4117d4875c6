"""The names that settings may use, and what stands behind them."""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Device, Line, MqttMessage, Reading
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, PROFILES, RADIOS, SERIAL_DRIVERS


def test_every_serial_driver_hears_what_it_encodes() -> None:
    driver = SERIAL_DRIVERS["enocean"]
    door = Device("enocean:0181192D", "D5-00-01")
    (heard,) = driver.step(
        driver.encode(Reading(door.address, {"closed": True}), door.profile), 0, driver.start((door,), Line())
    ).outputs
    assert isinstance(heard, Reading)
    assert heard.values["closed"] is True


def test_an_address_written_in_small_letters_is_the_same_device() -> None:
    driver = SERIAL_DRIVERS["enocean"]
    raw = driver.encode(Reading("enocean:0181192D", {"closed": True}), "D5-00-01")
    (heard,) = driver.step(raw, 0, driver.start((Device("enocean:0181192d", "D5-00-01"),), Line())).outputs
    assert isinstance(heard, Reading)
    assert heard.address == "enocean:0181192d"


def test_every_mqtt_dialect_hears_what_it_encodes() -> None:
    dialect = MQTT_DIALECTS["zigbee2mqtt"]
    message: MqttMessage = dialect.encode(Reading("z2m:a", {"closed": True}), "base", "a")
    (heard,) = dialect.step(message, 0, dialect.start("base", ())).outputs
    assert isinstance(heard, Reading)
    assert heard.values == {"closed": True}
    assert dialect.subscriptions("base", ()) == ("base/#",)


def test_profiles_have_a_meaning() -> None:
    assert {"F6-01-01", "F6-02-01", "F6-02-02", "F6-05-01", "D5-00-01", "A5-07-01", "A5-30-01"} <= set(PROFILES)
    assert all(PROFILES.values())


def test_a_product_is_mute_or_has_an_interval_or_nobody_knows_but_never_two_of_these() -> None:
    products = [product for radio in RADIOS.values() for product in radio.PRODUCTS]
    for product in products:
        assert not (product.mute and product.interval_s is not None), product
        says_so = any(fault.startswith("Gir ikke livstegn") for fault in product.faults)
        assert product.mute or not says_so, product
    unknown = {product.model for product in products if not product.mute and product.interval_s is None}
    assert {"SNZB-04", "FDS315", "Flood Gen4"} <= unknown
    assert {"F4T65, FT55", "BLU Button1 (SBBT-002C)"} <= {product.model for product in products if product.mute}
