"""How radars on a serial line misbehave, from bytes to events: each test is a published trap.

Numbers are those of the list of traps; `field` marks what was seen in the field without a number.
"""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.drivers import ld2410, tinyframe
from nattevakt.edge.drivers.driver import Device, Line, Reading, Remember, Use
from nattevakt.edge.drivers.ld2410.decode import Report, Status, Target
from nattevakt.edge.drivers.ld2410.frame import Frame as RadarFrame
from nattevakt.edge.drivers.registry import SerialDriver
from nattevakt.edge.drivers.tinyframe.frame import Frame
from nattevakt.edge.events import Body, Fall, FallOver, Measurement, Presence
from tests.edge.interpreting import House

LINE = Line("bad")
FALL_RADAR = Device("tinyframe:bad", "MR60FDA2", Use.FALL)
VITALS_RADAR = Device("tinyframe:bad", "MR60BHA2", Use.PRESENCE)
ROOM_RADAR = Device("ld2410:bad", "LD2410", Use.PRESENCE)
FALL, NO_FALL = bytes.fromhex("01000000010e02f301fe"), bytes.fromhex("01000000010e02f300ff")
PRESENT = bytes.fromhex("01000100010f09f801fe")
ZERO_LENGTH = bytes.fromhex("01800000000e0e7e")


class Home:
    """One radar on a line, from the wire to events."""

    def __init__(self, driver: SerialDriver, device: Device) -> None:
        self.house = House(device)
        self.driver = driver
        self.device = device
        self.state = driver.start((device,), LINE)
        self.remembered: dict[str, str] = {}
        self.counted: dict[str, int] = {}

    def restart(self) -> None:
        """The agent starts again, with what was on disk."""
        self.house.restart()
        self.state = self.driver.recall(self.remembered, self.driver.start((self.device,), LINE))

    def hear(self, at_ms: int, raw: bytes | None) -> list[Body]:
        stepped = self.driver.step(raw, at_ms, self.state)
        self.state = stepped.state
        self.remembered |= {one.key: one.text for one in stepped.outputs if isinstance(one, Remember)}
        for what, number in stepped.counted.items():
            self.counted[what] = self.counted.get(what, 0) + number
        said: list[Body] = []
        for reading in (one for one in stepped.outputs if isinstance(one, Reading)):
            said += self.house.bodies(at_ms, dict(reading.values), reading.address, raw=reading.raw)
        return [body for body in said if not isinstance(body, Measurement)]


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 9, 12, 17])
def test_trap_12_a_length_of_zero_directly_followed_by_a_fall(cut: int) -> None:
    """Readers that wait for a data checksum take the fall's first byte for it, and lose the fall."""
    home = Home(tinyframe, FALL_RADAR)
    stream = ZERO_LENGTH + FALL
    said = home.hear(1000, stream[:cut]) + home.hear(1001, stream[cut:])
    assert said == [Fall(FALL_RADAR.address, "sure")]
    assert home.counted["frames"] == 2


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_trap_13_a_float_that_is_no_number_comes_with_a_right_checksum(number: float) -> None:
    home = Home(tinyframe, VITALS_RADAR)
    for at, kind in enumerate((0x0A14, 0x0A15)):
        assert home.hear(at, Frame(kind, pack("<f", number)).to_bytes()) == []
    assert home.counted["undecodable"] == 2
    assert home.house.memory == {}
    settings = Home(tinyframe, FALL_RADAR)
    assert settings.hear(0, Frame(0x0E06, pack("<ffI", number, 0.6, 10)).to_bytes()) == []
    assert settings.counted["undecodable"] == 1


def test_trap_14_a_start_byte_in_noise_hides_no_fall() -> None:
    """01 is common inside; a false header may even have a right checksum and claim a kilobyte."""
    for noise in (
        b"\x01",
        b"\x01" * 30,
        FALL[:5],
        FALL[:9],
        b"\x01\x00\x00\x00\x01\x0e\x02\x00",
        b"\x00\x27\x6a\x01\x6a",
    ):
        home = Home(tinyframe, FALL_RADAR)
        assert home.hear(0, noise + FALL) == [Fall(FALL_RADAR.address, "sure")], noise.hex()
    claims = bytes.fromhex("01000004000a08f8")
    home = Home(tinyframe, FALL_RADAR)
    assert home.hear(1000, claims + FALL) == []
    assert home.hear(1101, None) == [Fall(FALL_RADAR.address, "sure")]
    talking = Home(tinyframe, FALL_RADAR)
    said = talking.hear(1000, claims + FALL) + talking.hear(1090, PRESENT) + talking.hear(1170, PRESENT)
    assert said == [Fall(FALL_RADAR.address, "sure"), Presence(FALL_RADAR.address, present=True)]


def test_trap_15_bit_15_of_an_ld2450_means_positive() -> None:
    raw = bytes.fromhex("aaff03000e03b186100040010000000000000000000000000000000055cc")
    assert Target.all_from_frame(RadarFrame.from_bytes(raw)) == (Target(-782, 1713, -16, 320),)
    # The other document's resolution byte changes nothing else.
    other = raw.replace(b"\x40\x01", b"\x68\x01", 1)
    assert Target.all_from_frame(RadarFrame.from_bytes(other)) == (Target(-782, 1713, -16, 360),)


def test_field_radar_lines_carry_stray_bytes() -> None:
    """Stray 00, 27 and 6A between frames cost nothing."""
    stray = b"\x00\x27\x6a" * 5
    falls = Home(tinyframe, FALL_RADAR)
    said = [falls.hear(at, stray + raw + stray) for at, raw in ((0, NO_FALL), (3000, FALL), (6000, NO_FALL))]
    assert said == [[], [Fall(FALL_RADAR.address, "sure")], [FallOver(FALL_RADAR.address)]]
    report = Report(Status.STILL, 0, 0, 120, 60, 120).to_frame().to_bytes()
    assert Home(ld2410, ROOM_RADAR).hear(0, stray + report + stray) == [Presence(ROOM_RADAR.address, present=True)]


def test_field_a_no_target_report_can_hold_distances() -> None:
    home = Home(ld2410, ROOM_RADAR)
    assert home.hear(0, Report(Status.STILL, 0, 0, 120, 60, 120).to_frame().to_bytes()) == [
        Presence(ROOM_RADAR.address, present=True)
    ]
    nobody = Report(Status.NOBODY, 81, 30, 120, 59, 300).to_frame().to_bytes()
    assert home.hear(1000, nobody * 2) == [Presence(ROOM_RADAR.address, present=False)]


def test_field_one_damaged_report_without_checksum_empties_no_room() -> None:
    home = Home(ld2410, ROOM_RADAR)
    still, nobody = (
        Report(status, 0, 0, 120, 60, 120).to_frame().to_bytes() for status in (Status.STILL, Status.NOBODY)
    )
    assert home.hear(0, still) == [Presence(ROOM_RADAR.address, present=True)]
    assert [home.hear(at, still if at % 300 else nobody) for at in range(100, 3000, 100)] == [[]] * 29


def test_field_a_fall_that_lasts_is_one_fall_and_a_second_one_another() -> None:
    """Whether the radar repeats itself or speaks on change only, and also where the end of the first was lost."""
    repeats = Home(tinyframe, FALL_RADAR)
    said = [body for at in range(0, 120_000, 500) for body in repeats.hear(at, FALL)]
    said += repeats.hear(120_000, NO_FALL) + repeats.hear(130_000, FALL)
    assert said == [Fall(FALL_RADAR.address, "sure"), FallOver(FALL_RADAR.address), Fall(FALL_RADAR.address, "sure")]
    on_change = Home(tinyframe, FALL_RADAR)
    assert on_change.hear(0, FALL) == [Fall(FALL_RADAR.address, "sure")]
    damaged = NO_FALL[:-1] + b"\x00"
    assert on_change.hear(600_000, damaged) == []
    assert on_change.hear(700_000, FALL) == [FallOver(FALL_RADAR.address), Fall(FALL_RADAR.address, "sure")]


GARBAGE = st.sampled_from(
    (b"", b"\x01", ZERO_LENGTH, FALL[:5], FALL[:9], NO_FALL[:-1] + b"\x00", bytes.fromhex("01000004000a08f8"))
) | st.binary(max_size=20)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(100, 60_000), st.lists(st.tuples(st.floats(0.8, 1.2), GARBAGE, GARBAGE), min_size=1, max_size=9)
        ),
        min_size=1,
        max_size=3,
    )
)
def test_field_a_fall_told_again_at_any_pace_rings_three_times_at_most(
    runs: list[tuple[int, list[tuple[float, bytes, bytes]]]],
) -> None:
    """At any pace of up to a minute, a fifth early or late, with noise; and a fall after an end always rings."""
    home, now_ms = Home(tinyframe, FALL_RADAR), 0
    for period_ms, reports in runs:
        told: list[Body] = []
        for jitter, before, between in reports:
            told += home.hear(now_ms, before + FALL)
            # What had to be waited for is found when the driver asked to be woken.
            told += home.hear(now_ms + 160, None) + home.hear(now_ms + 200, between) + home.hear(now_ms + 400, None)
            now_ms += max(500, round(period_ms * jitter))
        rung = [body for body in told if isinstance(body, Fall) and body.repeat_of is None]
        assert 1 <= len(rung) <= 3
        # Two seconds, or it would be a repeat of the last.
        assert FallOver(FALL_RADAR.address) in home.hear(now_ms + 1_000, NO_FALL)
        now_ms += 3_100


def test_field_a_radar_with_a_pace_tells_of_a_second_fall_once_it_paused() -> None:
    """As staff see it: the end was lost on the line, and she falls again before anybody came."""
    home = Home(tinyframe, FALL_RADAR)
    for at in range(0, 60_001, 15_000):
        home.hear(at, FALL)
    assert home.hear(84_000, FALL) == [FallOver(FALL_RADAR.address), Fall(FALL_RADAR.address, "sure")]


@pytest.mark.parametrize("period_ms", [1_000, 15_000])
def test_field_after_a_restart_a_radar_that_says_a_fall_again_rings_once(period_ms: int) -> None:
    """It is live and no stored copy: while nobody listened it may have ended, and somebody may have fallen anew."""
    home = Home(tinyframe, FALL_RADAR)
    for at in range(0, 60_001, period_ms):
        home.hear(at, FALL)
    home.restart()
    said = [body for at in range(90_000, 150_001, period_ms) for body in home.hear(at, FALL)]
    assert said == [FallOver(FALL_RADAR.address), Fall(FALL_RADAR.address, "sure")]
    home.restart()
    assert home.hear(300_000, NO_FALL) == [FallOver(FALL_RADAR.address)]
    assert home.hear(303_000, FALL) == [Fall(FALL_RADAR.address, "sure")]


def test_field_an_ld2410_never_tells_of_a_fall() -> None:
    home = Home(ld2410, Device(ROOM_RADAR.address, "LD2410", Use.AUTO))
    said = [home.hear(at, Report(Status(at % 7), at, 9, at, 9, at).to_frame().to_bytes() * 2) for at in range(70)]
    assert {type(body) for some in said for body in some} == {Presence}
