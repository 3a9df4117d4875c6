"""Settings are strict: every error is one line that names the key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.errors import RejectError
from nattevakt.gateway import config as settings
from nattevakt.gateway.identity import default_client_id, mint_stream, read_credential
from nattevakt.gateway.outbox import OutboxLimits
from tests.gateway.support import CREDENTIAL

WHOLE = """
state_dir = "/var/lib/nattevakt"
[centre]
url = "https://sentral.example/nv/"
credential_file = "/etc/nattevakt/credential"
[[serial]]
name = "enocean0"
port = "/dev/serial/by-id/usb-EnOcean"
driver = "enocean"
[mqtt]
host = "127.0.0.1"
[[device]]
address = "enocean:0181192d"
profile = "D5-00-01"
use = "door"
invert = true
[[device]]
address = "z2m:0x00158d0002b435ed"
use = "call"
[outbox]
unsent_rows_max = 1000
[local_alarm]
command = ["/usr/local/bin/siren", "--loud"]
"""


def test_everything_that_is_set_and_what_is_left_out() -> None:
    found = settings.parse(WHOLE)
    assert found.centre.url == "https://sentral.example/nv"
    assert (found.centre.connect_timeout_s, found.centre.reply_timeout_s, found.centre.heartbeat_s) == (3, 5, 15)
    assert (found.serial[0].baud, found.serial[0].speed) == (None, 57_600)
    assert found.mqtt is not None
    assert (found.mqtt.port, found.mqtt.base_topic, found.mqtt.keepalive_s) == (1883, "zigbee2mqtt", 10)
    assert found.device[0] == Device("enocean:0181192D", "D5-00-01", Use.DOOR, invert=True)
    assert found.outbox == OutboxLimits(1000, 200_000, 72)
    assert found.local_alarm is not None
    assert found.local_alarm.command == ("/usr/local/bin/siren", "--loud")
    assert found.outbox_file == Path("/var/lib/nattevakt/outbox.sqlite")


SIREN = """
[[siren]]
address = "z2m:gang/sirene"
[[siren]]
address = "z2m:lampe"
command = "state"
report = "state_l1"
"""


def test_sirens_are_commanded_as_they_are_set_up() -> None:
    first, second = settings.parse(WHOLE + SIREN).siren
    assert (first.command, first.property, first.name) == ("warning", "alarm", "gang/sirene")
    assert (second.command, second.property, second.name) == ("state", "state_l1", "lampe")
    assert settings.parse(WHOLE + SIREN.replace("state_l1", "none")).siren[1].property == ""


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("z2m:gang/sirene", "enocean:0181192D", "siren[0].address"),
        ("z2m:gang/sirene", "z2m:gang/#", "siren[0].address"),
        ("z2m:gang/sirene", "z2m:+", "siren[0].address"),
        ("z2m:gang/sirene", "z2m:", "siren[0].address"),
        ("z2m:gang/sirene", "z2m:lampe", "siren[1].address"),
        ("z2m:gang/sirene", "shelly:lampe/switch:0", "siren[0].address"),
        ('command = "state"', 'command = "squawk"', "siren[1].command"),
        ('report = "state_l1"', 'report = "state l1"', "siren[1].report"),
        ('report = "state_l1"', 'volume = "loud"', "siren[1].volume"),
        ('[mqtt]\nhost = "127.0.0.1"', '[mqtt]\nhost = "x"\ndialects = ["chirpstack"]', "siren[0].address"),
    ],
)
def test_a_siren_that_cannot_be_commanded_is_refused(old: str, new: str, field: str) -> None:
    whole = (WHOLE + SIREN).replace('[[device]]\naddress = "z2m:0x00158d0002b435ed"\nuse = "call"\n', "")
    assert old in whole
    with pytest.raises(RejectError) as caught:
        settings.parse(whole.replace(old, new))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("state_dir =", "statedir =", "statedir"),
        ('state_dir = "/var/lib/nattevakt"', "", "state_dir"),
        ('state_dir = "/var', 'state_dir = "var', "state_dir"),
        ("https://", "ftp://", "centre.url"),
        ("https://sentral.example/nv/", "https://user@host", "centre.url"),
        ("https://sentral.example/nv/", "https://host:99999", "centre.url"),
        ("https://sentral.example/nv/", "https://host/?q=1", "centre.url"),
        ("credential_file =", "credential =", "centre.credential"),
        ("[[serial]]", "heartbeat_s = 0\n[[serial]]", "centre.heartbeat_s"),
        ("[[serial]]", 'reply_timeout_s = "5"\n[[serial]]', "centre.reply_timeout_s"),
        ('driver = "enocean"', 'driver = "zwave"', "serial[0].driver"),
        ('driver = "enocean"', 'driver = "enocean"\nbaud = 1', "serial[0].baud"),
        ('name = "enocean0"', 'name = "eno cean"', "serial[0].name"),
        ('host = "127.0.0.1"', 'host = ""', "mqtt.host"),
        ('host = "127.0.0.1"', 'host = "h"\nport = 70000', "mqtt.port"),
        ('host = "127.0.0.1"', 'host = "h"\nbase_topic = "a/#"', "mqtt.base_topic"),
        ('[mqtt]\nhost = "127.0.0.1"', "", "device[1].address"),
        ('profile = "D5-00-01"', 'profile = "D5-99-99"', "device[0].profile"),
        ('profile = "D5-00-01"\n', "", "device[0].profile"),
        ('use = "door"', 'use = "window"', "device[0].use"),
        ('profile = "D5-00-01"\nuse = "door"', 'profile = "F6-05-01"\nuse = "wet"', "device[0].use"),
        ("invert = true", 'invert = "yes"', "device[0].invert"),
        ("invert = true", "inverted = true", "device[0].inverted"),
        ("enocean:0181192d", "enocean:0181192", "device[0].address"),
        ("enocean:0181192d", "rfx:1", "device[0].address"),
        ("z2m:0x00158d0002b435ed", "enocean:0181192D", "device[1].address"),
        ('use = "call"', 'use = "call"\nprofile = "D5-00-01"', "device[1].profile"),
        ("unsent_rows_max = 1000", "unsent_rows_max = 1", "outbox.unsent_rows_max"),
        ("unsent_rows_max = 1000", "unsent_rows = 1000", "outbox.unsent_rows"),
        ('["/usr/local/bin/siren", "--loud"]', '"/usr/local/bin/siren"', "local_alarm.command"),
        ('["/usr/local/bin/siren", "--loud"]', "[]", "local_alarm.command"),
        ("[outbox]", "[outbox", "file"),
    ],
)
def test_errors_name_the_key(old: str, new: str, field: str) -> None:
    assert old in WHOLE
    with pytest.raises(RejectError) as found:
        settings.parse(WHOLE.replace(old, new, 1))
    assert found.value.field == field
    assert "\n" not in str(found.value)


def test_a_contact_and_a_water_sensor_of_zigbee_may_be_a_pad() -> None:
    text = WHOLE.replace('use = "door"', 'use = "wet"', 1).replace('use = "call"', 'use = "wet"', 1)
    assert {device.use for device in settings.parse(text).device[:2]} == {Use.WET}


def test_a_port_or_name_is_used_once() -> None:
    more = '[[serial]]\nname = "other"\nport = "/dev/serial/by-id/usb-EnOcean"\ndriver = "enocean"\n'
    with pytest.raises(RejectError, match=r"serial\[1\]\.port: .* is used twice"):
        settings.parse(WHOLE + more)


def test_a_gateway_without_any_radio_is_refused() -> None:
    text = 'state_dir = "/s"\n[centre]\nurl = "http://h"\ncredential_file = "/c"\n'
    with pytest.raises(RejectError, match="at least one of"):
        settings.parse(text)
    with pytest.raises(RejectError, match=r"needs a .*serial"):
        settings.parse(text + '[mqtt]\nhost = "h"\n[[device]]\naddress = "enocean:00000001"\nprofile = "D5-00-01"\n')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RejectError, match="cannot be read"):
        settings.load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RejectError, match="cannot be read"):
        settings.load(tmp_path / "bytes.toml")


def test_a_secret_is_one_line_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for wrong in ("", "two\nlines"):
        path.write_text(wrong)
        with pytest.raises(RejectError, match="exactly one line") as found:
            settings.secret(path, "mqtt.password_file")
        assert "two" not in str(found.value)
    path.write_text(" word \n")
    assert settings.secret(path, "x") == "word"
    with pytest.raises(RejectError, match="cannot be read"):
        settings.secret(tmp_path / "none", "x")


def test_the_credential_is_checked_and_hidden() -> None:
    found = read_credential(CREDENTIAL + "\n", "x")
    assert (found.tenant, found.gateway, found.text) == ("furutun", "gw1", CREDENTIAL)
    assert "abcdef" not in repr(found)
    for wrong in ("", "nv1.a.b.short", "nv2." + CREDENTIAL[4:], CREDENTIAL.replace("furutun", "Furu tun")):
        with pytest.raises(RejectError) as error:
            read_credential(wrong, "centre.credential_file")
        assert "short" not in error.value.reason


def test_client_id_is_stable_and_differs_between_gateways(tmp_path: Path) -> None:
    one = read_credential(CREDENTIAL, "x")
    other = read_credential(CREDENTIAL.replace("gw1", "gw2"), "x")
    assert default_client_id(one) == default_client_id(one)
    assert default_client_id(one) != default_client_id(other)
    mqtt = settings.parse(WHOLE).mqtt
    assert mqtt is not None
    assert settings.client_id(mqtt, one) == default_client_id(one)


def test_streams_are_128_random_bits_as_hex() -> None:
    assert mint_stream(lambda count: bytes(range(count))) == "000102030405060708090a0b0c0d0e0f"


def test_whole_example_is_toml() -> None:
    assert set(tomllib.loads(WHOLE)) <= set(settings.GatewayConfig.__dataclass_fields__)


DIALECTS = """
state_dir = "/var/lib/nattevakt"
[centre]
url = "http://h"
credential_file = "/c"
[[serial]]
name = "bad"
port = "/dev/serial/by-id/usb-radar"
driver = "micradar"
[mqtt]
host = "127.0.0.1"
dialects = ["zigbee2mqtt", "esphome", "shelly"]
topics = { esphome = "hus/esphome" }
[[device]]
address = "esphome:rom3/seng"
profile = "bed_weight"
use = "bed"
threshold_kg = 25
[[device]]
address = "shelly:shellyplus1-a8032abc7158/input:0"
profile = "input_button"
use = "call"
[[device]]
address = "micradar:bad"
profile = "MR60FDA1"
"""


def test_several_dialects_each_with_its_topic() -> None:
    found = settings.parse(DIALECTS)
    assert found.mqtt is not None
    roots = {name: one.root for name, one in found.mqtt.rooted().items()}
    assert roots == {"zigbee2mqtt": "zigbee2mqtt", "esphome": "hus/esphome", "shelly": ""}
    assert (found.device[0].threshold_kg, found.device[0].profile) == (25, "bed_weight")
    assert found.serial[0].speed == 115_200


def test_zigbee2mqtt_alone_is_what_an_older_file_means() -> None:
    mqtt = settings.parse(WHOLE).mqtt
    assert mqtt is not None
    assert {name: one.root for name, one in mqtt.rooted().items()} == {"zigbee2mqtt": "zigbee2mqtt"}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('["zigbee2mqtt", "esphome", "shelly"]', '["zigbee2mqtt", "esphome", "homie"]', "mqtt.dialects[2]"),
        ('["zigbee2mqtt", "esphome", "shelly"]', '["zigbee2mqtt", "esphome", "shelly", "esphome"]', "mqtt.dialects[3]"),
        ('["zigbee2mqtt", "esphome", "shelly"]', "[]", "mqtt.dialects"),
        ('["zigbee2mqtt", "esphome", "shelly"]', '"esphome"', "mqtt.dialects"),
        ('["zigbee2mqtt", "esphome", "shelly"]', '["esphome"]', "device[1].address"),
        ('{ esphome = "hus/esphome" }', '{ esphome = "hus/#" }', "mqtt.topics.esphome"),
        ('{ esphome = "hus/esphome" }', "{ esphome = 1 }", "mqtt.topics.esphome"),
        ('{ esphome = "hus/esphome" }', '{ milesight = "up" }', "mqtt.topics.milesight"),
        ('{ esphome = "hus/esphome" }', '{ zigbee2mqtt = "z" }', "mqtt.topics.zigbee2mqtt"),
        ('{ esphome = "hus/esphome" }', '{ esphome = "zigbee2mqtt" }', "mqtt.topics.esphome"),
        ('{ esphome = "hus/esphome" }', '{ esphome = "zigbee2mqtt/esp" }', "mqtt.topics.esphome"),
        ("shelly:shellyplus1-a8032abc7158/", "shelly:zigbee2mqtt/", "mqtt.topics.shelly"),
        ("shelly:shellyplus1-a8032abc7158/", "shelly:hus/esphome/", "mqtt.topics.shelly"),
        ("shelly:shellyplus1-a8032abc7158/input:0", "shelly:shellyplus1", "device[1].address"),
        ("shelly:shellyplus1-a8032abc7158/input:0", "shelly:shellyplus1/input", "device[1].address"),
        ("esphome:rom3/seng", "esphome:seng", "device[0].address"),
        ("esphome:rom3/seng", "esphome:rom3/+", "device[0].address"),
        ('profile = "bed_weight"', 'profile = "D5-00-01"', "device[0].profile"),
        ('profile = "bed_weight"', 'profile = "window"', "device[0].profile"),
        ('profile = "bed_weight"\n', "", "device[0].profile"),
        ("threshold_kg = 25", "threshold_kg = 0", "device[0].threshold_kg"),
        ("threshold_kg = 25", "", "device[0].threshold_kg"),
        ('profile = "input_button"', 'profile = "input_button"\nthreshold_kg = 20', "device[1].threshold_kg"),
        ('profile = "input_button"', 'profile = "input_button"\nkey_file = "/k"', "device[1].key_file"),
        ('profile = "input_button"', 'profile = "input_button"\nkey_file = "k"', "device[1].key_file"),
        ("micradar:bad", "micradar:stue", "device[2].address"),
        ('driver = "micradar"', 'driver = "enocean"', "device[2].address"),
        ('profile = "MR60FDA1"', 'profile = "bed"', "device[2].profile"),
    ],
)
def test_errors_of_dialects_and_profiles_name_the_key(old: str, new: str, field: str) -> None:
    assert old in DIALECTS
    with pytest.raises(RejectError) as found:
        settings.parse(DIALECTS.replace(old, new, 1))
    assert found.value.field == field
    assert "\n" not in str(found.value)


def test_a_dialect_that_would_listen_to_nothing_is_refused() -> None:
    text = DIALECTS.replace('address = "shelly:shellyplus1-a8032abc7158/input:0"', 'address = "esphome:rom3/knapp"')
    text = text.replace('profile = "input_button"', 'profile = "button"')
    with pytest.raises(RejectError, match=r"mqtt\.topics\.shelly: is missing"):
        settings.parse(text)
    settings.parse(text.replace('{ esphome = "hus/esphome" }', '{ esphome = "hus/esphome", shelly = "hus/shelly" }'))


def test_a_node_below_another_node_of_its_own_dialect_is_refused() -> None:
    """ "hus/esphome/a/status" would be the status of one node and, for the other, what is on it."""
    text = DIALECTS.replace('"shelly"]', '"shelly"]\n#').replace("{ esphome", '{ shelly = "sh", esphome')
    text += '[[device]]\naddress = "shelly:x/status/input:0"\nprofile = "input_button"\n'
    with pytest.raises(RejectError, match=r"mqtt\.topics\.shelly: .* overlaps"):
        settings.parse(text)


def test_keys_are_read_from_their_files_and_never_shown(tmp_path: Path) -> None:
    secret = "000102030405060708090A0B0C0D0E0F"
    device = f'address = "enocean:0181192d"\nkey_file = "{tmp_path / "key"}"'
    found = settings.parse(WHOLE.replace('address = "enocean:0181192d"', device))
    (tmp_path / "key").write_text(f"{secret} 8B\n")
    assert settings.keys(found) == {"enocean:0181192D": bytes.fromhex(secret + "8B")}
    for wrong in ("", secret[1:], secret + "XX", secret + "\n" + secret):
        (tmp_path / "key").write_text(wrong)
        with pytest.raises(RejectError) as error:
            settings.keys(found)
        assert error.value.field == "device[0].key_file"
        assert secret not in str(error.value)


@pytest.mark.parametrize("topic", ["$share/g/hus", "$SYS", " hus", "hus ", "z\\uFFFE", "z\\u0085"])
def test_a_topic_on_which_nothing_would_be_heard_is_refused(topic: str) -> None:
    with pytest.raises(RejectError) as found:
        settings.parse(DIALECTS.replace('{ esphome = "hus/esphome" }', f'{{ esphome = "{topic}" }}', 1))
    assert found.value.field == "mqtt.topics.esphome"


@pytest.mark.parametrize("raw", ["x = " + "[" * 5_000 + "]" * 5_000, "x = " + "9" * 5_000])
def test_a_hostile_file_is_refused_with_a_sentence(raw: str) -> None:
    with pytest.raises(RejectError):
        settings.parse(raw)
