"""What a MicRadar is asked and when, when it counts as lost, and what it is worth when it comes back."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import Device, Reading, SourceState
from nattevakt.edge.drivers.micradar.decode import answer
from tests.edge.micradar_line import (
    BED,
    EMPTY_BED,
    FLOOR,
    HEARTBEAT,
    QUIET_FLOOR,
    Served,
    says,
    sentences,
    settled,
    sources,
    values,
)

# --- what it is asked ----------------------------------------------------------------------------------------


def test_everything_that_lasts_is_asked_for_when_the_line_opens() -> None:
    assert Served(FLOOR).asked()[:4] == ["8381", "8081", "8385", "0101"]
    assert Served(BED).asked()[:3] == ["8081", "8481", "0101"]
    assert "8381" not in Served(BED).asked()


def test_the_first_reading_holds_all_states_and_comes_before_any_context() -> None:
    served = Served(BED)
    assert (
        values(served.hear(5, says("movement", 7) + says("presence", 1, answering=True) + says("heart_rate", 60))) == []
    )
    assert values(served.hear(30, says("bed", "in", answering=True))) == [{"present": True, "occupied": True}]
    assert values(served.hear(40, says("movement", 7))) == [{"movement_percent": 7.0}]
    assert served.counted["before_state"] == 2


def test_the_first_answers_do_not_wait_for_one_that_never_comes() -> None:
    served = Served(BED)
    served.hear(5, says("presence", 1, answering=True))
    assert served.until(154) == []
    assert values(served.until(155)) == [{"present": True}]


def test_a_fall_waits_for_no_other_answer() -> None:
    served = Served(FLOOR)
    assert values(served.hear(5, says("fall", 1, answering=True))) == [{"fall": "sure"}]


def test_a_question_without_an_answer_is_asked_again_ever_more_slowly() -> None:
    served = Served(BED)
    served.hear(1, says("presence", 0, answering=True))
    for at in range(2, 100):
        served.hear(at * 1000, says("movement", at))
    times = [at // 1000 for at, question_ in served.sent if question_[4:8] == "8481"]
    assert times == [0, 1, 3, 7, 15, 31, 61, 91]
    assert [at for at, question_ in served.sent if question_[4:8] == "8081"] == [0]


def test_a_radar_that_hears_only_one_question_at_a_time_is_soon_known_all_the_same() -> None:
    served = Served(FLOOR)
    for _ in range(40):
        heard = [question for at, question in served.sent if at == served.now_ms][:1]
        said = answer(bytes.fromhex(heard[0]), Reading("micradar:bad", QUIET_FLOOR), "MR60FDA1") if heard else ()
        served.sent.clear()
        served.hear(served.now_ms + 1, b"".join(said))
        served.until(served.wake_at_ms or 0)
        if not {"fall", "presence", "residency"} & {name for name, one in served.state.asked.items() if one.due_ms}:
            break
    assert served.now_ms < 1_200


def test_a_state_that_is_never_answered_is_a_finding_but_a_fact_is_given_up() -> None:
    served = Served(BED)
    said = served.hear(1, says("presence", 0, answering=True))
    for at in range(1, 100):
        said += served.hear(at * 1000, says("movement", at))
    assert sentences(said) == ["svarer ikke på spørsmål om seng"]
    assert len([q for q in served.asked() if q == "02a1"]) == 5


def test_silence_is_a_gap_after_which_the_states_are_asked_for() -> None:
    served = settled()
    assert served.asked(11) == []
    served.until(4_999)
    assert served.asked(11) == []
    served.until(5_000)
    assert served.asked(11) == ["8081", "8481", "0101"]


def test_a_radar_that_only_answers_is_asked_for_ever_and_never_lost() -> None:
    served = Served(BED, radar=dict(EMPTY_BED))
    said = served.until(600_000)
    assert sources(said) == []
    assert sentences(said) == []
    assert 100 <= served.asked().count("8081") <= 121


def test_a_radar_that_does_not_know_one_of_the_questions_is_asked_the_others_and_never_lost() -> None:
    served = Served(FLOOR, radar={"fall": "no", "present": True})
    said = served.until(600_000)
    assert sources(said) == []
    assert sentences(said) == []
    assert 100 <= served.asked().count("8381") <= 121
    assert served.asked().count("8385") <= 30


def test_a_radar_that_speaks_after_silence_is_asked_at_once() -> None:
    served = settled()
    served.until(40_000)
    served.hear(40_000, says("movement", 9))
    assert served.asked(40_000) == ["8081", "8481"]


def test_damaged_bytes_may_have_been_a_fall() -> None:
    served = settled(FLOOR)
    served.hear(2_000, says("movement", 1)[:-1] + b"\0" + says("movement", 2))
    assert served.asked(2_000) == ["8381", "8081", "8385"]


def test_a_noisy_line_is_not_flooded_with_questions() -> None:
    served = Served(FLOOR, radar=dict(QUIET_FLOOR))
    for at in range(100, 20_000, 100):
        served.hear(at, b"\x27" + says("movement", at // 100 % 100))
    assert served.asked(1).count("8381") <= 20


@pytest.mark.parametrize("word", ["ready", "reset"])
def test_a_radar_that_started_again_is_asked_everything_again(word: str) -> None:
    served = settled(FLOOR)
    served.hear(2_000, says(word, 1))
    assert {"8381", "8081", "8385", "0101", "02a1", "838d"} <= set(served.asked(2_000))
    assert values(served.hear(2_010, says("movement", 50))) == []
    assert values(served.hear(2_020, says("fall", 1, answering=True))) == [{"fall": "sure"}]


# --- its life ------------------------------------------------------------------------------------------------


def test_a_minute_without_a_frame_is_a_lost_radar_and_what_it_says_of_the_room_brings_it_back() -> None:
    served = settled()
    assert served.until(59_999) == []
    (down,) = served.until(60_000)
    assert down == SourceState("serial:bad", up=False, reason="no frame for 60 s")
    assert served.until(300_000) == []
    assert served.hear(300_000, HEARTBEAT) == [], "it lives, but has said nothing of the room"
    assert served.asked(300_000)[:2] == ["8081", "8481"]
    said = served.hear(300_010, says("presence", 1, answering=True))
    assert said == [SourceState("serial:bad", up=True)]
    assert values(served.until(300_200)) == [{"present": True}]


def test_a_line_with_no_radar_on_it_is_lost_too_and_asked_on() -> None:
    served = Served(BED)
    assert sources(served.until(59_999)) == []
    assert sources(served.until(60_000)) == [False]
    served.until(160_000)
    assert served.asked(130_000).count("8081") == 1


def test_what_comes_back_speaks_only_when_it_was_asked() -> None:
    served = settled()
    served.until(60_000)
    assert values(served.hear(70_000, says("movement", 3))) == []


def test_heartbeats_alone_never_become_absent() -> None:
    served = settled(FLOOR)
    said = [one for at in range(1, 400) for one in served.hear(at * 1000, HEARTBEAT)]
    assert sources(said) == []
    assert values(said) == [{}] * 6


def test_our_own_questions_coming_back_are_no_radar() -> None:
    served = Served(FLOOR)
    said = []
    for at in range(1, 200):
        asked = b"".join(bytes.fromhex(text) for when, text in served.sent if served.now_ms == when)
        said += served.hear(at * 1000, asked or HEARTBEAT)
    assert sources(said) == [False]
    assert len(sentences(said)) == 1
    assert "sine egne spørsmål" in sentences(said)[0]
    assert sources(served.hear(300_000, says("movement", 3))) == [True]


@pytest.mark.parametrize("device", [BED, FLOOR])
@pytest.mark.parametrize("known", [True, False])
def test_a_radar_that_only_beats_is_not_heard_and_is_a_finding_once(device: Device, known: bool) -> None:
    served = settled(device) if known else Served(device)
    said = [one for at in range(30_000, 1_800_000, 30_000) for one in served.hear(at, HEARTBEAT)]
    assert values(said) == []
    assert sentences(said).count("sender bare livstegn og svarer ikke på spørsmål; slå strømmen av og på") == 1


def test_a_radar_in_a_quiet_room_that_answers_is_heard() -> None:
    served = Served(BED, radar=dict(EMPTY_BED))
    said = [one for at in range(30_000, 1_800_000, 30_000) for one in served.hear(at, HEARTBEAT)]
    assert len(values(said)) >= 29
    assert sentences(said) == []
