"""The traps of LoRaWAN, each under its number in the list of traps."""

from __future__ import annotations

from tests.edge.test_chirpstack import BUTTON, RADAR, feed, up
from tests.edge.test_milesight import OLD, alarm, kept

AT_S = 1_795_000_000


def test_trap_20_chirpstack_same_press_twice_via_two_gateways() -> None:
    near = up("ff2e01", f_cnt=94, deduplicationId="f379", rxInfo=[{"gatewayId": "24e124fffef86c30", "rssi": -49}])
    far = up("ff2e01", f_cnt=94, deduplicationId="8a01", rxInfo=[{"gatewayId": "24e124fffef86c31", "rssi": -101}])
    readings, steps = feed([near, far])
    assert [(one.address, one.values["action"]) for one in readings] == [(f"lora:{BUTTON}", "short")]
    assert steps[1].counted["duplicates"] == 1
    # The next press of the same button, heard by both again, is one more.
    assert len(feed([near, far, up("ff2e01", f_cnt=95), up("ff2e01", f_cnt=95)])[0]) == 2


def test_trap_21_milesight_history_is_dated_at_its_own_time() -> None:
    readings, _ = feed([up(kept(AT_S, 0, 1) + kept(AT_S + 60, 0, 2) + OLD.format("0000"), RADAR, 5)])
    history, now = readings[:-1], readings[-1]
    assert [(dict(one.values), one.occurred_ms) for one in history] == [
        ({"fall": "sure"}, AT_S * 1000),
        ({"fall": "no"}, (AT_S + 60) * 1000),
    ]
    # What is kept says nothing of now, and now nothing of then.
    assert (now.occurred_ms, now.values["fall"]) == (None, "no")
    assert "last_seen_ms" not in history[0].values
    assert "signal_dbm" not in history[0].values


def test_trap_21_the_same_history_sent_twice_has_the_same_name() -> None:
    readings, _ = feed([up(kept(AT_S, 0, 1), RADAR, f_cnt) for f_cnt in (5, 6)])
    first, second = (one for one in readings if one.occurred_ms is not None)
    assert (first.key, first.occurred_ms) == (second.key, second.occurred_ms)
    other, _ = feed([up(kept(AT_S, 0, 1, number=13), RADAR, 7)])
    assert other[0].key != first.key


def test_trap_21_a_fall_now_beside_one_kept_is_two() -> None:
    readings, _ = feed([up(kept(AT_S, 0, 1, number=3) + alarm(0, 1, number=4), RADAR)])
    assert [(one.occurred_ms, one.values.get("fall")) for one in readings] == [(AT_S * 1000, "sure"), (None, "sure")]
