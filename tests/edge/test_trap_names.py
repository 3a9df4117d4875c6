"""Every trap that was published has a test named after it, somewhere under tests/.

The lists are ours, in our own words. A test of a numbered trap is called test_trap_<number>_…; one of a line from the
field test_trap_field_… or test_field_…, or has the name that is written here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

NUMBERED = (
    "EnOcean: the next frame begins inside a failed header",
    "EnOcean: a frame without its optional part",
    "EnOcean: a contact's learn telegram",
    "EnOcean: a contact that speaks the other way round",
    "EnOcean: a voltage that is said to be invalid",
    "EnOcean: one byte, three profiles",
    "MicRadar: a length of FFFF",
    "MicRadar: a wrong sum",
    "MicRadar: a fall from before we listened",
    "MicRadar: a pulse of zero",
    "MicRadar: a negative number as sign and size",
    "TinyFrame: an empty frame and a fall right behind it",
    "TinyFrame: a float that is none",
    "TinyFrame: a start byte in noise",
    "LD2450: the sign bit that means plus",
    "Zigbee2MQTT: an open door from the cache after a restart",
    "Zigbee2MQTT: an action of nothing",
    "Zigbee2MQTT: a press lost with a low battery",
    "ESPHome: a retained OFF after a reconnect",
    "ChirpStack: one press through two gateways",
    "Milesight: history",
    "BTHome: a packet told again",
    "Shelly: an event that is no press",
    "MQTT: an exception in a callback",
    "MQTT: the broker restarts with a call unacknowledged",
    "serial: the plug is pulled in the middle of a frame",
)
"""In order, from 1."""

FROM_THE_FIELD = {
    "the old state comes first, then the new": "test_a_door_that_closes_publishes_its_old_state_first",
    "a press in three forms": "test_one_press_arrives_as_object_then_empty_then_plain_and_rings_once",
    "a press that arrives without its action": "test_an_action_of_null_or_nothing_is_no_event",
    "a press lost by its converter": "test_a_press_that_the_converter_lost_is_silent_and_its_low_battery_is_not",
    "a false emergency": "test_trap_field_a_false_emergency_rings_as_any_other",
    "cached states after a restart": "test_a_restart_of_the_bridge_replays_cached_state_without_news",
    "availability lost at a start": "test_trap_field_availability_lost_at_start_leaves_the_device_heard",
    "the bridge's state in two forms": "test_trap_field_the_bridge_s_state_is_a_word_or_an_object",
    "the same message four times": "test_the_same_message_four_times_in_two_seconds",
    "a door that says open for ever": "test_trap_field_a_bouncing_door_that_says_open_for_ever_is_one_opening",
    "a contact that bounces": "test_a_contact_that_bounces_within_milliseconds_rings_once_and_keeps_its_last_word",
    "a sensor that floods": "test_trap_field_thousands_of_messages_a_day_from_one_sensor_cost_no_call",
    "movement told as its end": "test_trap_field_motion_seen_only_as_not_occupied_is_no_movement_and_no_empty_room",
    "movement repeated with the light": "test_motion_repeated_with_every_light_report_is_one_row",
    "stray bytes on a radar's line": "test_field_radar_lines_carry_stray_00_27_6a_bytes",
    "nobody there, at a distance": "test_field_no_target_beside_distances_that_are_not_zero_is_nobody",
    "a float that is none, with a right checksum": "test_trap_13_a_float_that_is_no_number_comes_with_a_right_checksum",
    "one packet in nine damaged": "test_trap_field_one_enocean_packet_in_nine_is_damaged",
    "repeaters' copies": "test_trap_field_a_repeater_s_copies_are_one_press",
    "a secured contact": "test_trap_field_a_secured_contact_without_a_key_is_reported_and_never_read_as_payload",
    "a device that speaks twice at boot": "test_trap_field_a_device_that_sends_twice_at_boot_is_one_state_and_one_leak",
    "an exception that kills the network thread": (
        "test_trap_24_an_exception_in_a_callback_does_not_kill_the_connection_unseen"
    ),
    "a publish that memory alone holds": "test_trap_field_the_gateway_publishes_nothing_that_memory_alone_would_hold",
}
"""Every line about the wire, and the test that is its."""


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every test function under tests/. Not at import: every process that shares the tests out reads this file."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found |= {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        }
    return found


@pytest.mark.parametrize("number", range(1, len(NUMBERED) + 1), ids=lambda number: f"{number:02d}")
def test_every_numbered_trap_has_a_test(number: int, names: set[str]) -> None:
    assert any(name.startswith(f"test_trap_{number:02d}_") for name in names), NUMBERED[number - 1]


def test_there_are_twenty_six_and_no_test_has_a_number_beyond(names: set[str]) -> None:
    assert len(NUMBERED) == 26
    numbers = {name.split("_")[2] for name in names if name.startswith("test_trap_")}
    assert {number for number in numbers if number.isdigit()} <= {f"{number:02d}" for number in range(1, 27)}


@pytest.mark.parametrize("line", FROM_THE_FIELD)
def test_every_line_from_the_field_has_its_test(line: str, names: set[str]) -> None:
    assert FROM_THE_FIELD[line] in names, line
