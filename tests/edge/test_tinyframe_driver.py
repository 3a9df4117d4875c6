"""The Hi-Link radars' driver: what a frame says, what is asked, and what silence means."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, Remember, SourceState, Stepped, Value
from nattevakt.edge.drivers.tinyframe import (
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
from nattevakt.edge.drivers.tinyframe.decode import decode, delay_s, spoken_by
from nattevakt.edge.drivers.tinyframe.driver import ASK_MS, CHECK_MS, READ_PARAMETERS
from nattevakt.edge.drivers.tinyframe.frame import FRAME_BYTES_MAX, Frame, feed
from nattevakt.edge.errors import FrameError, RejectError

FALL_RADAR = Device("tinyframe:bad", "MR60FDA2")
VITALS_RADAR = Device("tinyframe:seng", "MR60BHA2")
LINE = Line("bad")
FALL, NO_FALL = Frame(0x0E02, b"\1").to_bytes(), Frame(0x0E02, b"\0").to_bytes()
NEW: list[dict[str, Value]] = [{"fall": "no"}, {"fall": "sure"}]
"""How a fall is told whose predecessor's end nobody heard."""
PRESENT, ABSENT = Frame(0x0F09, b"\1").to_bytes(), Frame(0x0F09, b"\0").to_bytes()


def settings(sensitivity: int) -> bytes:
    return encode(Reading(FALL_RADAR.address, {"sensitivity": sensitivity}), "MR60FDA2")


def values(stepped: Stepped[State]) -> list[dict[str, Value]]:
    return [dict(said.values) for said in stepped.outputs if isinstance(said, Reading)]


def sentences(stepped: Stepped[State]) -> list[str]:
    return [said.sentence for said in stepped.outputs if isinstance(said, Finding)]


class Wired:
    """A radar on a line, heard as the gateway hears it."""

    def __init__(self, *devices: Device, line: Line = LINE, memory: dict[str, str] | None = None) -> None:
        self.memory = memory if memory is not None else {}
        self.state = recall(self.memory, start(devices, line))
        self.last = self.at(0, None)

    def at(self, now_ms: int, given: bytes | None) -> Stepped[State]:
        self.last = step(given, now_ms, self.state)
        self.state = self.last.state
        for said in self.last.outputs:
            if isinstance(said, Remember):
                self.memory[said.key] = said.text
        return self.last

    def say(self, now_ms: int, given: bytes) -> list[dict[str, Value]]:
        return values(self.at(now_ms, given))


def test_the_line_is_the_device() -> None:
    assert canonical("bad") == "bad"
    for name in ("", "a b", "æ", "x" * 41, "a/b"):
        with pytest.raises(RejectError):
            canonical(name)
    said = Wired(FALL_RADAR).at(1, FALL).outputs
    assert [one.address for one in said if isinstance(one, Reading)] == ["tinyframe:bad"]
    assert BAUD == 115_200
    state = start((FALL_RADAR,), LINE)
    assert learning(5000, state) == state


def test_nothing_is_known_until_the_radar_speaks() -> None:
    radar = Wired(FALL_RADAR)
    assert values(radar.last) == []
    assert radar.last.to_send == (READ_PARAMETERS,)
    assert radar.say(100, PRESENT) == [{"present": True}]


def test_the_same_again_is_a_reading_once_a_minute() -> None:
    radar = Wired(FALL_RADAR)
    said = [one for at in range(0, 200_000, 100) for one in radar.say(at, NO_FALL + PRESENT)]
    assert said[:2] == [{"fall": "no"}, {"present": True}]
    assert said[2:] == [{"fall": "no", "present": True}] * 3


def test_a_fall_and_its_end() -> None:
    radar = Wired(FALL_RADAR)
    assert radar.say(10, NO_FALL) == [{"fall": "no"}]
    assert radar.say(20, FALL) == [{"fall": "sure"}]
    assert radar.say(30, FALL * 3) == []
    assert radar.say(40, NO_FALL + FALL) == [{"fall": "no"}, {"fall": "sure"}]


def test_a_fall_byte_that_nobody_knows_is_a_possible_fall() -> None:
    assert Wired(FALL_RADAR).say(10, Frame(0x0E02, b"\2").to_bytes()) == [{"fall": "possible"}]


def test_a_fall_after_a_fall_whose_end_was_lost_is_a_new_fall() -> None:
    """A radar that speaks on change only: between two falls there was an end."""
    radar = Wired(FALL_RADAR)
    assert radar.say(1000, FALL) == [{"fall": "sure"}]
    said = radar.say(900_000, FALL)
    assert said == [{"fall": "no"}, {"fall": "sure"}]
    assert radar.last.counted["fall_end_unheard"] == 1


def test_a_radar_that_repeats_itself_may_have_seen_a_new_fall_after_a_gap_or_a_restart() -> None:
    """Nobody heard it meanwhile: there may have been an end, and another fall."""
    radar = Wired(FALL_RADAR)
    for at in range(0, 25_000, 1000):
        radar.say(at, FALL)
    assert radar.memory == {"radar.tinyframe:bad": "sure repeats"}
    assert {"fall": "no"} not in radar.say(34_000, FALL)
    assert radar.say(60_000, FALL) == NEW
    again = Wired(FALL_RADAR, memory=radar.memory)
    assert again.say(5, FALL) == NEW
    assert again.say(1_005, FALL) == []


def test_after_a_restart_a_fall_of_a_radar_that_speaks_on_change_is_new() -> None:
    first = Wired(FALL_RADAR)
    first.say(1000, FALL)
    assert first.memory == {"radar.tinyframe:bad": "sure once"}
    again = Wired(FALL_RADAR, memory=first.memory)
    assert again.say(5, FALL) == [{"fall": "no"}, {"fall": "sure"}]
    for text in ("", "sure", "sure often", "what once"):
        assert Wired(FALL_RADAR, memory={"radar.tinyframe:bad": text}).say(5, FALL) == [{"fall": "sure"}]


@pytest.mark.parametrize(
    ("sensitivity", "delay"),
    [(3, "3–8"), (5, "3–8"), (7, "8–15"), (10, "15–20"), (15, "15–20"), (18, "20–30"), (30, "30–45")],
)
def test_the_settings_are_read_back_and_tell_how_late_the_alarm_comes(sensitivity: int, delay: str) -> None:
    radar = Wired(FALL_RADAR)
    assert radar.say(50, Frame(0x0E06).to_bytes() + settings(sensitivity)) == [{"sensitivity": sensitivity}]
    (sentence,) = sentences(radar.last)
    assert f"følsomhet {sensitivity}: alarmen kommer {delay} s etter fallet" in sentence
    assert "høyde 2,2 m, fallgrense 0,6 m" in sentence
    assert sentences(radar.at(60, settings(sensitivity))) == []
    assert len(sentences(radar.at(70, settings(sensitivity % 3 + 20)))) == 1
    assert sentences(radar.at(80, settings(sensitivity))) == [sentence]


def test_settings_that_the_radar_cannot_have_are_told() -> None:
    radar = Wired(FALL_RADAR)
    radar.at(10, settings(0))
    assert "utenfor 3–30" in sentences(radar.last)[0]
    assert delay_s(2) is None
    assert delay_s(31) is None


def test_the_settings_are_asked_for_until_answered_and_again_when_it_is_quiet() -> None:
    radar = Wired(FALL_RADAR)
    assert radar.last.wake_at_ms == ASK_MS
    assert radar.at(ASK_MS - 1, None).to_send == ()
    assert radar.at(ASK_MS, None).to_send == (READ_PARAMETERS,)
    radar.at(ASK_MS + 50, settings(10))
    assert radar.at(2 * ASK_MS, None).to_send == (READ_PARAMETERS,)
    radar.at(2 * ASK_MS + 50, settings(10))
    asked = [at for at in range(2 * ASK_MS + 100, CHECK_MS + 3 * ASK_MS, 100) if radar.at(at, PRESENT).to_send]
    assert asked == [2 * ASK_MS + CHECK_MS]
    assert not Wired(VITALS_RADAR, line=Line("seng")).last.to_send
    assert not Wired().last.to_send


def test_an_answer_without_data_is_no_answer_and_no_sign_of_life() -> None:
    """It may be our own question come back from a loose cable."""
    radar = Wired(FALL_RADAR)
    for at in range(1000, 59_000, 1000):
        radar.at(at, READ_PARAMETERS)
    assert radar.at(60_000, READ_PARAMETERS).outputs == (
        SourceState("serial:bad", up=False, reason="radar silent for 60 s"),
    )


def test_silence_for_a_minute_is_a_lost_radar_and_its_state_is_unknown() -> None:
    radar = Wired(FALL_RADAR)
    radar.say(10_000, NO_FALL + PRESENT)
    asked_ms = []
    while not (lost := [one for one in radar.last.outputs if isinstance(one, SourceState)]):
        assert radar.last.wake_at_ms is not None
        now_ms = radar.last.wake_at_ms
        if radar.at(now_ms, None).to_send:
            asked_ms.append(now_ms)
    assert (now_ms, lost) == (70_000, [SourceState("serial:bad", up=False, reason="radar silent for 60 s")])
    assert asked_ms == [20_000, 40_000, 60_000]
    assert values(radar.last) == []
    back = radar.at(300_000, PRESENT)
    assert back.outputs[0] == SourceState("serial:bad", up=True)
    assert values(back) == [{"present": True}]
    assert back.to_send == (READ_PARAMETERS,)
    assert radar.say(300_100, NO_FALL) == [{"fall": "no"}]


def test_a_radar_that_never_spoke_is_lost_too() -> None:
    radar = Wired(VITALS_RADAR, line=Line("seng"))
    assert radar.last.wake_at_ms == 60_000
    assert radar.at(60_000, None).outputs == (SourceState("serial:seng", up=False, reason="radar silent for 60 s"),)
    assert radar.at(120_000, None).outputs == ()
    assert radar.last.wake_at_ms is None


def test_a_radar_that_answers_but_stopped_reporting_is_a_finding() -> None:
    radar = Wired(FALL_RADAR)
    for at in range(0, 30_000, 1000):
        radar.at(at, NO_FALL + settings(10))
    told, heard = [], []
    for at in range(30_000, 600_000, 1000):
        told += sentences(radar.at(at, settings(10) if at % 5000 == 0 else None))
        heard += [at for _ in values(radar.last)]
    assert heard[-1] <= 150_000, "its settings do not make it look well"
    assert told == ["svarer på spørsmål, men har sluttet å melde om fall; slå strømmen av og på"]
    assert not radar.state.radar.lost


def test_vitals_are_context_at_most_once_a_minute() -> None:
    radar = Wired(VITALS_RADAR, line=Line("seng"))
    said: list[dict[str, Value]] = []
    for at in range(0, 130_000, 200):
        heart, breath = 60.0 + at / 1_000_000, 14.0
        reading = Reading(VITALS_RADAR.address, {"heart_bpm": heart, "breathing_rpm": breath})
        said += radar.say(at, encode(reading, "MR60BHA2"))
    assert len(said) == 3
    assert all(set(one) == {"heart_bpm", "breathing_rpm"} for one in said)


@pytest.mark.parametrize("kind", [0x0A14, 0x0A15])
def test_a_rate_of_zero_is_no_value_and_an_impossible_one_is_refused(kind: int) -> None:
    assert decode(Frame(kind, pack("<f", 0.0))) == {}
    for rate in (float("nan"), float("inf"), float("-inf"), -1.0, 301.0):
        with pytest.raises(FrameError):
            decode(Frame(kind, pack("<f", rate)))


def test_traffic_of_the_other_model_is_a_finding_once_and_no_sign_of_life() -> None:
    radar = Wired(FALL_RADAR)
    heart = Frame(0x0A15, pack("<f", 70.0)).to_bytes()
    told = [one for at in range(0, 61_000, 1000) for one in sentences(radar.at(at, heart))]
    assert told == ["sender som en MR60BHA2, men er satt opp med profilen MR60FDA2"]
    assert radar.state.radar.lost
    assert radar.last.counted["profile_mismatch"] == 1


def test_a_fall_rings_even_where_a_vitals_radar_was_set_up() -> None:
    radar = Wired(VITALS_RADAR, line=Line("seng"))
    assert radar.say(10, FALL) == [{"fall": "sure"}]
    assert sentences(radar.last) == ["sender som en MR60FDA2, men er satt opp med profilen MR60BHA2"]
    assert radar.say(20, settings(10)) == []


def test_types_that_mean_other_things_to_the_other_model_are_told_apart_by_size() -> None:
    """LD6002B and C use 0A13 and 0A14 for their power saving."""
    assert spoken_by(Frame(0x0A14, b"\1")) == ""
    assert spoken_by(Frame(0x0A13, b"\0\0\0\0")) == ""
    assert spoken_by(Frame(0x0A14, pack("<f", 14.0))) == "MR60BHA2"
    assert decode(Frame(0x0A14, b"\1")) == {}
    assert sentences(Wired(FALL_RADAR).at(5, Frame(0x0A14, b"\1").to_bytes())) == []


def test_a_line_without_a_device_is_a_finding_and_nothing_else() -> None:
    radar = Wired(Device("tinyframe:stue", "MR60FDA2"))
    assert radar.at(10, FALL).outputs == (Finding("tinyframe:bad", "høres, men er ikke satt opp med noen profil"),)
    assert radar.at(20, FALL).outputs == ()
    assert radar.last.counted["no_profile"] == 1


def test_a_profile_of_another_radio_is_a_finding() -> None:
    radar = Wired(Device("tinyframe:bad", "D5-00-01"))
    assert sentences(radar.at(10, FALL)) == ["er satt opp med profilen D5-00-01, som ikke finnes for denne radaren"]


@pytest.mark.parametrize("frame", [Frame(0x0E02, b"\1\1"), Frame(0x0F09, b"\2"), Frame(0x0E06, bytes(5))])
def test_data_that_cannot_be_is_counted_and_told_once(frame: Frame) -> None:
    radar = Wired(FALL_RADAR)
    said = radar.at(10, frame.to_bytes())
    assert said.counted["undecodable"] == 1
    assert sentences(said) == ["sender meldinger som profilen MR60FDA2 ikke kjenner"]
    assert radar.at(20, frame.to_bytes()).outputs == ()


SPOKEN: dict[str, st.SearchStrategy[dict[str, Value]]] = {
    "MR60FDA2": st.fixed_dictionaries(
        {"fall": st.sampled_from(["no", "sure"])},
        optional={"present": st.booleans(), "sensitivity": st.integers(0, 1000)},
    ),
    "MR60BHA2": st.fixed_dictionaries(
        {"present": st.booleans()},
        optional={"heart_bpm": st.floats(1, 300, width=32), "breathing_rpm": st.floats(1, 300, width=32)},
    ),
}


@given(st.sampled_from(sorted(PROFILES)), st.data())
def test_every_profile_round_trips(profile: str, data: st.DataObject) -> None:
    said = data.draw(SPOKEN[profile])
    raw = encode(Reading("tinyframe:bad", said), profile)
    heard: dict[str, Value] = {}
    for one in Wired(Device("tinyframe:bad", profile)).say(10, raw):
        heard |= one
    assert heard == said


@pytest.mark.parametrize(
    ("address", "profile", "said"),
    [
        ("tinyframe:bad", "LD2410", {"present": True}),
        ("enocean:bad", "MR60FDA2", {"present": True}),
        ("tinyframe:bad", "MR60FDA2", {"wet": True}),
        ("tinyframe:bad", "MR60FDA2", {"fall": "possible"}),
        ("tinyframe:bad", "MR60BHA2", {"fall": "sure"}),
        ("tinyframe:bad", "MR60FDA2", {"heart_bpm": 60.0}),
    ],
)
def test_encode_refuses_what_the_radar_cannot_say(address: str, profile: str, said: dict[str, Value]) -> None:
    with pytest.raises(RejectError):
        encode(Reading(address, said), profile)


def test_products_name_profiles_and_values_that_exist() -> None:
    assert {product.profile for product in PRODUCTS} == set(PROFILES)
    assert all(product.source and product.faults for product in PRODUCTS)
    assert PREFIX == "tinyframe:"


known = st.builds(
    Frame,
    st.sampled_from([0x0E02, 0x0F09, 0x0E06, 0x0E0E, 0x0A08, 0x0A13, 0x0A14, 0x0A15, 0x0A16, 0x2110]),
    st.one_of(st.binary(max_size=2), st.binary(min_size=4, max_size=4), st.binary(min_size=12, max_size=28)),
).map(Frame.to_bytes)
chunks = st.lists(st.tuples(st.one_of(st.binary(max_size=60), known, st.none()), st.integers(0, 70_000)), max_size=25)


@given(chunks, st.sampled_from(sorted(PROFILES)))
def test_nothing_on_the_line_ever_raises_or_grows(chunks: list[tuple[bytes | None, int]], profile: str) -> None:
    state = start((Device("tinyframe:bad", profile),), LINE)
    now_ms = 0
    for chunk, wait_ms in chunks:
        now_ms += wait_ms
        stepped = step(chunk, now_ms, state)
        state = stepped.state
        assert len(state.unfinished.data) < FRAME_BYTES_MAX
        assert len(state.radar.told) <= 50
        assert stepped.wake_at_ms is None or stepped.wake_at_ms > now_ms
    seen: list[dict[str, Value]] = []
    for given_ms, one in ((now_ms + 200, None), (now_ms + 300, ABSENT + PRESENT)):
        stepped = step(one, given_ms, state)
        state = stepped.state
        seen += values(stepped)
    assert any("present" in one and one["present"] is True for one in seen)
    assert feed(b"", PRESENT)[0]
