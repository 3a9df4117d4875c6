"""What a MicRadar says by profile, what it cannot say, and what the installer is told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import micradar
from nattevakt.edge.drivers.driver import VALUES, Device, Line, Reading, Use, Value
from nattevakt.edge.drivers.micradar.decode import answer, encode, reports
from nattevakt.edge.drivers.micradar.frame import FRAME_BYTES_MAX, Frame
from nattevakt.edge.drivers.micradar.profiles import PROFILES
from nattevakt.edge.drivers.micradar.words import question, statement
from nattevakt.edge.errors import RejectError
from tests.edge.micradar_line import BED, FLOOR, HEARTBEAT, Served, says, sentences, settled, values

# --- what it says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "raw", "expected"),
    [
        ("R60ABD1", says("presence", 1), {"present": True}),
        ("R60ABD1", says("presence", 0, answering=True), {"present": False}),
        ("R60ABD1", says("bed", "out"), {"occupied": False}),
        ("R60ABD1", says("bed", "in"), {"occupied": True}),
        ("R60ABD1", says("bed", "none"), {"occupied": None}),
        ("R60ABD1", says("motion", "still"), {"motion": False, "still": True}),
        ("R60ABD1", says("motion", "none"), {"motion": False, "still": False}),
        ("R60ABD1", says("heart_rate", 71), {"heart_bpm": 71.0}),
        ("R60ABD1", says("breath_rate", 22), {"breathing_rpm": 22.0}),
        ("R60ABD1", says("movement", 3), {"movement_percent": 3.0}),
        ("MR60FDA1", says("motion", "active"), {"motion": True}),
        ("MR60FDA1", says("residency", 1), {"still": True}),
        ("MR60FDA1", says("fall", 1), {"fall": "sure"}),
        ("MR60FDA1", says("fall", 0, answering=True), {"fall": "no"}),
        ("MR60FDA1", says("sensitivity", 2, answering=True), {"sensitivity": 2}),
    ],
)
def test_frames_by_profile(profile: str, raw: bytes, expected: dict[str, Value]) -> None:
    served = settled(BED if profile == "R60ABD1" else FLOOR)
    said = served.hear(100, raw)
    assert values(said) == [expected]
    (reading,) = said
    assert isinstance(reading, Reading)
    assert reading.address == "micradar:bad"
    assert reading.raw == raw.hex()


@pytest.mark.parametrize("name", ["heart_rate", "breath_rate"])
def test_zero_is_no_value(name: str) -> None:
    served = settled()
    assert served.hear(100, says(name, 0)) == []
    assert served.counted["no_value"] == 1


@pytest.mark.parametrize(
    "raw",
    [
        says("distance_cm", 120),
        says("x", -31, 50, 0),
        says("sleep", "awake"),
        says("breathing", "none"),
        Frame(0x77, 0x01, b"\1").to_bytes(),
    ],
)
def test_what_means_nothing_for_a_home_says_nothing(raw: bytes) -> None:
    assert settled().hear(100, raw) == []


def test_context_is_passed_on_when_it_changes_and_else_once_a_minute() -> None:
    served = settled()
    said = [one for at in range(1, 121) for one in served.hear(at * 1000, says("movement", 0 if at < 100 else 40))]
    assert [one["movement_percent"] for one in values(said)] == [0.0, 0.0, 40.0]
    assert served.counted["unchanged"] == 117


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_hears_what_it_encodes(profile: str) -> None:
    said: dict[str, Value] = {
        "fall": "sure",
        "present": True,
        "occupied": None,
        "motion": False,
        "still": True,
        "movement_percent": 12.0,
        "breathing_rpm": 14.0,
        "heart_bpm": 66.0,
        "sensitivity": 2,
    }
    can = {name: value for name, value in said.items() if name in reports(PROFILES[profile])}
    before: dict[str, Value] = {"present": False, "fall": "no", "occupied": False}
    radar = {name: value for name, value in before.items() if name in can}
    served = Served(Device("micradar:bad", profile), radar=radar)
    raw = encode(Reading("micradar:bad", can), profile)
    heard = {name: value for one in values(served.hear(200, raw)) for name, value in one.items()}
    assert heard == can


def test_nothing_to_say_is_a_heartbeat() -> None:
    assert encode(Reading("micradar:bad", {}), "MR60FDA1") == HEARTBEAT


@pytest.mark.parametrize(
    ("address", "profile", "said"),
    [
        ("micradar:bad", "MR99", {}),
        ("enocean:01825DAB", "R60ABD1", {}),
        ("micradar:", "R60ABD1", {}),
        ("micradar:bad", "R60ABD1", {"fall": "sure"}),
        ("micradar:bad", "MR24HPC1", {"occupied": True}),
        ("micradar:bad", "MR24HPC1", {"wet": True}),
        ("micradar:bad", "R60ABD1", {"movement_percent": 101.0}),
        ("micradar:bad", "R60ABD1", {"heart_bpm": "fast"}),
    ],
)
def test_what_a_radar_cannot_say_is_not_encoded(address: str, profile: str, said: dict[str, Value]) -> None:
    with pytest.raises(RejectError):
        encode(Reading(address, said), profile)


def test_a_radar_answers_what_it_knows() -> None:
    asked = question("presence").to_bytes() + question("bed").to_bytes() + HEARTBEAT + question("model").to_bytes()
    said = answer(asked, Reading("micradar:bad", {"present": True}), "R60ABD1", {"model": "R60ABD1"})
    assert said == (says("presence", 1, answering=True), HEARTBEAT, says("model", "R60ABD1"))
    reset = Frame(0x01, 0x02, b"\x0f").to_bytes()
    assert answer(reset, Reading("micradar:bad", {}), "R60ABD1") == (reset, says("ready", 1))


# --- findings ------------------------------------------------------------------------------------------------


def test_a_radar_that_nobody_configured_is_a_finding_and_its_fall_rings_all_the_same() -> None:
    served = Served()
    said = served.hear(10, says("presence", 1) + says("fall", 0) + says("presence", 0))
    assert sentences(said) == ["høres, men er ikke satt opp med noen profil"]
    assert values(said) == []
    assert values(served.hear(20, says("fall", 1) + says("fall", 0))) == [{"fall": "sure"}, {"fall": "no"}]
    assert values(served.hear(30, says("fall", 1) + says("ready", 1) + says("fall", 0))) == [
        {"fall": "sure"},
        {"fall": "no"},
    ]


def test_traffic_that_the_profile_does_not_have_is_a_finding_once_but_a_fall_rings() -> None:
    served = settled(BED)
    said = [*served.hear(50, says("fall", 0)), *served.hear(60, says("fall", 1)), *served.hear(70, says("fall", 1))]
    assert sentences(said) == ["melder fall, som profilen R60ABD1 ikke har"]
    assert values(said) == [{"fall": "sure"}, {"fall": "sure"}]
    served = settled(FLOOR)
    said = [*served.hear(50, says("bed", "in")), *served.hear(60, says("bed", "out"))]
    assert sentences(said) == ["melder seng, som profilen MR60FDA1 ikke har"]
    assert values(said) == []


@pytest.mark.parametrize(
    ("profile", "text", "fits"),
    [
        ("MR60FDA1", "G60FD1SYv010104", True),
        ("MR60FDA1", "R24DVD1", False),
        ("R60ABD1", "G60SM1SYv010204", True),
        ("MR60BHA1", "G24VD1SYV001006", False),
        ("MR24HPC1", "R24DVD1", True),
        ("C1001", "G60SM1SYv010204", True),
        ("MR60FDA1", "X1", True),
    ],
)
def test_a_model_that_is_not_the_profile_s_is_a_finding(profile: str, text: str, fits: bool) -> None:
    served = Served(Device("micradar:bad", profile))
    said = served.hear(10, says("firmware", text))
    assert sentences(said) == ([] if fits else [f"er satt opp med profilen {profile}, men sier at den er {text}"])
    assert served.state.firmware == text


def test_model_and_firmware_are_shown_with_its_readings() -> None:
    served = settled()
    served.hear(50, says("model", "R60ABD1") + says("firmware", "G60SM1SYv010204"))
    (reading,) = served.hear(60, says("presence", 1))
    assert isinstance(reading, Reading)
    assert reading.model == "R60ABD1 G60SM1SYv010204"
    served.hear(70, says("hardware", "V1.0") + says("product_id", "R60A"))
    assert served.state.model == "R60ABD1"
    assert dict(served.state.about) == {
        "model": "R60ABD1",
        "firmware": "G60SM1SYv010204",
        "hardware": "V1.0",
        "product_id": "R60A",
    }


def test_a_radar_without_a_profile_is_heard_for_falls_alone() -> None:
    served = Served(Device("micradar:bad", "", Use.FALL))
    said = served.hear(10, says("presence", 1) + says("fall", 1))
    assert sentences(said) == ["melder tilstedeværelse, som profilen (tom) ikke har"]
    assert values(said) == [{"fall": "sure"}]


def test_what_keeps_a_fall_from_being_told_is_a_finding() -> None:
    served = settled(FLOOR)
    said = served.hear(50, says("fall_switch", 0, answering=True) + says("presence_switch", 0, answering=True))
    said += served.hear(60, says("install_height_cm", 180, answering=True) + says("sensitivity", 1, answering=True))
    assert sentences(said) == [
        "har meldingen om fall slått av i radaren",
        "har meldingen om tilstedeværelse slått av i radaren",
        "er stilt inn på 180 cm over gulvet; fallmelding krever 200 til 300 cm",
    ]
    assert served.state.sensitivity == 1
    said = served.hear(70, says("fall_switch", 1) + says("install_height_cm", 250))
    assert sentences(said) == []


def test_a_mode_that_does_not_tell_what_the_radar_is_used_for_is_a_finding() -> None:
    served = Served(Device("micradar:bad", "C1001", Use.FALL))
    assert sentences(served.hear(10, says("work_mode", 2, answering=True))) == ["står i søvnmodus og melder ikke fall"]
    served.until(10_000)
    assert "8381" not in served.asked(11)
    assert "8481" in served.asked(11)
    served = Served(Device("micradar:bad", "C1001", Use.BED))
    assert sentences(served.hear(10, says("work_mode", 1, answering=True))) == ["står i fallmodus og melder ikke seng"]
    served.until(10_000)
    assert "8481" not in served.asked(11)
    assert "8381" in served.asked(11)
    assert sentences(settled(BED).hear(20, says("work_mode", 1))) == []


def test_a_value_that_nobody_knows_is_counted_and_told_with_its_hex() -> None:
    served = settled()
    raw = Frame(0x84, 0x01, b"\x07").to_bytes()
    assert sentences(served.hear(50, raw)) == [f"sendte noe som ikke er kjent: {raw.hex()}"]
    assert served.counted["undecodable"] == 1


# --- whatever comes ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.binary(max_size=120), st.integers(0, 90_000)), max_size=25))
def test_any_bytes_at_any_time_never_raise_and_the_next_fall_is_heard(chunks: list[tuple[bytes, int]]) -> None:
    served = Served(FLOOR)
    at = 0
    for chunk, pause_ms in chunks:
        at += pause_ms
        served.hear(at, chunk)
        assert len(served.state.kept.data) < FRAME_BYTES_MAX
        assert len(served.state.told) <= 50
    said = [*served.hear(at + 1, says("fall", 1)), *served.until(at + 201)]
    assert {"fall": "sure"} in [{k: v for k, v in one.items() if k == "fall"} for one in values(said)]


words = st.builds(
    Frame, st.sampled_from([1, 2, 5, 6, 8, 0x80, 0x81, 0x83, 0x84, 0x85]), st.integers(0, 255), st.binary(max_size=8)
)


@given(st.lists(st.tuples(words, st.integers(0, 20_000)), max_size=40), st.sampled_from(sorted(PROFILES)))
def test_any_whole_frames_never_raise_and_say_only_what_the_profile_can(
    frames: list[tuple[Frame, int]], profile: str
) -> None:
    served = Served(Device("micradar:bad", profile))
    at = 0
    for frame, pause_ms in frames:
        at += pause_ms
        for one in values(served.hear(at, frame.to_bytes())):
            assert set(one) <= reports(PROFILES[profile]) | {"fall"}


def test_a_half_frame_holds_up_what_is_behind_it_for_less_than_200_ms() -> None:
    served = settled()
    false = bytes.fromhex("535980010040")
    assert values(served.hear(1_000, false + says("bed", "in"))) == []
    assert values(served.until(1_200)) == [{"occupied": True}]


def test_products_say_what_their_profiles_say() -> None:
    assert {product.profile for product in micradar.PRODUCTS} == set(PROFILES)
    for product in micradar.PRODUCTS:
        assert set(product.reports) == reports(PROFILES[product.profile])
        assert set(product.reports) <= set(VALUES)
        assert product.source.startswith("https://")
        assert product.faults


def test_a_radar_is_named_by_its_port() -> None:
    assert micradar.canonical("bad") == "bad"
    for wrong in ("", "a b", "../x", "å"):
        with pytest.raises(RejectError):
            micradar.canonical(wrong)
    state = micradar.start((BED,), Line("stue"))
    assert state.device is None
    assert micradar.recall({"a": "b"}, state) == state
    assert micradar.learning(5, state) == state


def test_statement_and_question_are_two_sides_of_one_word() -> None:
    assert statement("presence", 1, answering=True).command == question("presence").command
