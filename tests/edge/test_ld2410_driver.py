"""The LD2410's and LD2450's driver: when a room holds somebody, and when that is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, SourceState, Stepped, Value
from nattevakt.edge.drivers.ld2410 import (
    BAUD,
    PREFIX,
    PRODUCTS,
    PROFILES,
    State,
    canonical,
    encode,
    learning,
    recall,
    start,
    step,
)
from nattevakt.edge.drivers.ld2410.decode import Report, Status, Target, targets_frame
from nattevakt.edge.drivers.ld2410.frame import FRAME_BYTES_MAX
from nattevakt.edge.errors import RejectError

ROOM = Device("ld2410:bad", "LD2410")
TRACKED = Device("ld2410:bad", "LD2450")
LINE = Line("bad")


def report(status: int, gates: bytes = b"") -> bytes:
    return Report(Status(status), 120, 40, 130, 60, 120, gates).to_frame().to_bytes()


WALKER = targets_frame((Target(-782, 1713, -16, 320),)).to_bytes()
NOBODY_MOVES = targets_frame(()).to_bytes()


def values(stepped: Stepped[State]) -> list[dict[str, Value]]:
    return [dict(said.values) for said in stepped.outputs if isinstance(said, Reading)]


def sentences(stepped: Stepped[State]) -> list[str]:
    return [said.sentence for said in stepped.outputs if isinstance(said, Finding)]


class Wired:
    """A radar on a line, heard as the gateway hears it."""

    def __init__(self, *devices: Device) -> None:
        self.state = recall({}, start(devices, LINE))
        self.last = self.at(0, None)

    def at(self, now_ms: int, given: bytes | None) -> Stepped[State]:
        self.last = step(given, now_ms, self.state)
        self.state = self.last.state
        return self.last

    def say(self, now_ms: int, given: bytes) -> list[dict[str, Value]]:
        return values(self.at(now_ms, given))


@pytest.mark.parametrize("status", range(7))
@pytest.mark.parametrize("gates", [b"", bytes.fromhex("08083c2205030304030605000000391013060608046001")])
def test_what_each_status_means(status: int, gates: bytes) -> None:
    expected: list[dict[str, Value]] = [] if status > 3 else [{"present": status > 0}]
    assert Wired(ROOM).say(10, report(status, gates)) == expected


def test_a_change_is_believed_when_two_reports_in_a_row_say_it() -> None:
    radar = Wired(ROOM)
    assert radar.say(0, report(2)) == [{"present": True}]
    assert radar.say(100, report(0)) == []
    assert radar.say(200, report(1)) == []
    assert radar.say(300, report(0)) == []
    assert radar.say(400, report(0)) == [{"present": False}]
    assert radar.say(500, report(3) * 2) == [{"present": True}]


def test_ten_reports_a_second_become_one_reading_a_minute() -> None:
    radar = Wired(ROOM)
    said = [one for at in range(0, 300_000, 100) for one in radar.say(at, report(1 + at // 100 % 3))]
    assert said == [{"present": True}] * 5
    assert radar.last.counted == {"frames": 1}
    assert radar.last.to_send == ()


def test_silence_for_a_minute_makes_the_room_unknown_and_never_empty() -> None:
    radar = Wired(ROOM)
    radar.say(1000, report(2))
    assert radar.last.wake_at_ms == 61_000
    assert radar.at(60_999, None).outputs == ()
    lost = radar.at(61_000, None)
    assert lost.outputs == (SourceState("serial:bad", up=False, reason="radar silent for 60 s"),)
    assert lost.wake_at_ms is None
    back = radar.at(500_000, report(2))
    assert back.outputs[0] == SourceState("serial:bad", up=True)
    assert values(back) == [{"present": True}]


def test_a_radar_that_calibrates_itself_says_nothing_of_the_room() -> None:
    radar = Wired(ROOM)
    radar.say(0, report(2))
    told = [one for at in range(100, 60_001, 100) for one in sentences(radar.at(at, report(4)))]
    assert told == ["kalibrerer seg selv; så lenge er det ukjent om noen er i rommet"]
    assert radar.state.radar.lost
    assert radar.at(60_100, report(6)).counted["calibrating"] == 1
    assert sentences(radar.last) == ["klarte ikke å kalibrere seg selv; gjenta det i et tomt rom"]
    assert radar.say(60_200, report(0)) == [{"present": False}]
    assert not radar.state.radar.lost


def test_an_unknown_status_is_counted_and_is_no_sign_of_life() -> None:
    odd = report(2)[:8] + b"\x09" + report(2)[9:]
    said = Wired(ROOM).at(10, odd)
    assert (said.outputs, said.counted) == ((), {"frames": 1, "undecodable": 1})
    assert said.state.radar.alive_ms is None


def test_a_tracking_radar_tells_of_movement_and_never_of_an_empty_room() -> None:
    radar = Wired(TRACKED)
    assert radar.say(0, WALKER) == [{"motion": True}]
    assert radar.say(100, NOBODY_MOVES * 2) == [{"motion": False}]


@pytest.mark.parametrize(
    ("device", "raw", "told"),
    [
        (ROOM, WALKER, "sender som en LD2450, men er satt opp med profilen LD2410"),
        (TRACKED, report(2), "sender som en LD2410, men er satt opp med profilen LD2450"),
        (
            Device("ld2410:bad", "D5-00-01"),
            report(2),
            "er satt opp med profilen D5-00-01, som ikke finnes for denne radaren",
        ),
        (Device("ld2410:stue", "LD2410"), report(2), "høres, men er ikke satt opp med noen profil"),
    ],
)
def test_what_does_not_fit_the_settings_is_a_finding_once(device: Device, raw: bytes, told: str) -> None:
    radar = Wired(device)
    assert radar.at(10, raw * 3).outputs == (Finding("ld2410:bad", told),)
    assert radar.at(20, raw).outputs == ()


def test_the_line_is_the_device() -> None:
    assert (BAUD, canonical("stue-1")) == (256_000, "stue-1")
    with pytest.raises(RejectError):
        canonical("stue 1")
    state = start((ROOM,), LINE)
    assert learning(5000, state) == state


@given(st.sampled_from([(ROOM, "present"), (TRACKED, "motion")]), st.lists(st.booleans(), min_size=1, max_size=6))
def test_what_is_encoded_is_heard(what: tuple[Device, str], said: list[bool]) -> None:
    device, name = what
    radar = Wired(device)
    heard: list[Value] = []
    for turn, value in enumerate(said):
        radar.at(1000 * turn, encode(Reading(device.address, {name: value}), device.profile))
        heard.append(radar.state.seen)
    assert heard == said


@pytest.mark.parametrize(
    ("address", "profile", "said"),
    [
        ("ld2410:bad", "MR60FDA2", {"present": True}),
        ("z2m:bad", "LD2410", {"present": True}),
        ("ld2410:bad", "LD2410", {"fall": "sure"}),
        ("ld2410:bad", "LD2450", {"present": True}),
    ],
)
def test_encode_refuses_what_the_radar_cannot_say(address: str, profile: str, said: dict[str, Value]) -> None:
    with pytest.raises(RejectError):
        encode(Reading(address, said), profile)


def test_products_name_profiles_that_exist_and_no_fall() -> None:
    assert {product.profile for product in PRODUCTS} == set(PROFILES)
    assert all(product.source and product.faults and "fall" not in product.reports for product in PRODUCTS)
    assert PREFIX == "ld2410:"


reports = st.sampled_from([report(status) for status in range(7)] + [WALKER, NOBODY_MOVES])
chunks = st.lists(st.tuples(st.one_of(st.binary(max_size=60), reports, st.none()), st.integers(0, 70_000)), max_size=25)


@given(chunks, st.sampled_from([ROOM, TRACKED]))
def test_nothing_on_the_line_ever_raises_grows_or_tells_of_a_fall(
    chunks: list[tuple[bytes | None, int]], device: Device
) -> None:
    state = start((device,), LINE)
    now_ms = 0
    for chunk, wait_ms in chunks:
        now_ms += wait_ms
        stepped = step(chunk, now_ms, state)
        state = stepped.state
        assert len(state.unfinished.data) < FRAME_BYTES_MAX
        assert stepped.wake_at_ms is None or stepped.wake_at_ms > now_ms
        assert all(set(one) in ({"present"}, {"motion"}) for one in values(stepped))
    good = (report(0) * 2 + report(1) * 2) if device is ROOM else (NOBODY_MOVES * 2 + WALKER * 2)
    assert values(step(good, now_ms + 200, state))[-1] in ({"present": True}, {"motion": True})
