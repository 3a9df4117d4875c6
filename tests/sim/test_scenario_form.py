"""The form of scenarios: times of a night, names that are checked, mistakes that name their line, matching."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from nattevakt.central.findings import Found
from nattevakt.sim.check import judge
from nattevakt.sim.duties import pauses, walks
from nattevakt.sim.scenario import Night, ScenarioError, find, load, names
from nattevakt.sim.script import gateway_dies, gets_up, goes_to_toilet, presses, takes
from nattevakt.sim.watch import Seen

HOUR_MS = 3_600_000


def night(**more: object) -> Night:
    return Night("prøve", "en prøve", begins="22:30", ends="07:00", **more)  # type: ignore[arg-type]


def test_times_after_midnight_belong_to_the_next_day() -> None:
    story = night()
    assert story.moment("23:00") - story.begins_ms == HOUR_MS // 2
    assert story.moment("02:10:30") - story.begins_ms == 3 * HOUR_MS + 40 * 60_000 + 30_000
    assert story.ends_ms - story.begins_ms == 8.5 * HOUR_MS
    assert story.clock(story.moment("02:10:30")) == "02:10:30"


def test_the_nights_when_the_clock_changes() -> None:
    autumn = night(on=date(2026, 10, 24))
    assert autumn.moment("02:30 igjen") - autumn.moment("02:30") == HOUR_MS
    assert autumn.ends_ms - autumn.begins_ms == 9.5 * HOUR_MS
    spring = night(on=date(2027, 3, 27))
    assert spring.moment("03:00") - spring.moment("01:00") == HOUR_MS
    with pytest.raises(ScenarioError, match="klokka 02:30 finnes ikke"):
        spring.moment("02:30")


def test_mistakes_name_the_line_of_the_scenario() -> None:
    story = night()
    here = Path(__file__).name
    with pytest.raises(ScenarioError, match=rf"{here}:\d+: ukjent beboer «Astri»; kjente er Astrid"):
        story.at("02:00", gets_up("Astri"))
    with pytest.raises(ScenarioError, match="Harald har ingen bed-sensor"):
        story.at("02:00", gets_up("Harald"))
    with pytest.raises(ScenarioError, match="Bjarne har ingen call-sensor på bad"):
        story.at("02:00", presses("Bjarne", "bad"))
    with pytest.raises(ScenarioError, match="ukjent gateway «taket»"):
        story.at("02:00", gateway_dies("taket"))
    with pytest.raises(ScenarioError, match="ukjent ansatt «ola»"):
        story.at("02:00", takes("ola", "call", "201"))
    with pytest.raises(ScenarioError, match="ikke et klokkeslett"):
        story.at("25:00", goes_to_toilet("Astrid"))
    with pytest.raises(ScenarioError, match="ukjent alarm «fire»"):
        story.expect_alarm("fire", by="02:00")
    with pytest.raises(ScenarioError, match="ukjent rom «999»"):
        story.expect_alarm("call", room="999", by="02:00")
    with pytest.raises(ScenarioError, match="ukjent rom «999»"):
        story.expect_shown("02:00", room="999", seen="known")
    with pytest.raises(ScenarioError, match="«borte» er ingen av known, unknown, mute"):
        story.expect_shown("02:00", room="201", seen="borte")
    with pytest.raises(ScenarioError, match="ukjent beboer «Ola»"):
        night(up=("Ola",))
    with pytest.raises(ScenarioError, match=r"ukjent funn «implausible\.moon»"):
        story.expect_finding("implausible.moon", room="201", by="06:30")
    with pytest.raises(ScenarioError, match="ukjent ansatt «ola»"):
        story.at("02:00", walks("ola"))
    with pytest.raises(ScenarioError, match="ukjent beboer «Ola»"):
        story.at("02:00", pauses("kari", "Ola", until="03:00", why="bad"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NIGHT = 1\n", "mangler NIGHT"),
        ("x = 1\nNIGHT = (\n", r"feil\.py:2: '\(' was never closed"),
        ("from nattevakt.sim.script import flies\n", r"feil\.py:1: cannot import name 'flies'"),
        (
            "from nattevakt.sim.scenario import Night\n\nNIGHT = Night('a', 'b', begins='1', ends='07:00')\n",
            r"feil\.py:3: «1» er ikke et klokkeslett",
        ),
        (
            "from nattevakt.sim.script import gets_up\n\n\ngets_up('Astrid', until='02:00')\n",
            r"feil\.py:4: gets_up\(\) got an unexpected keyword",
        ),
    ],
)
def test_a_wrong_file_is_an_error_that_names_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "feil.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=said):
        load(path)


def test_scenarios_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    assert find("wandering").is_file()
    own = tmp_path / "min.py"
    own.write_text("", encoding="utf-8")
    assert find(str(own)) == own
    with pytest.raises(ScenarioError, match="ukjent scenario «finnes_ikke»"):
        find("finnes_ikke")
    assert "quiet_night" in names()


def seen(kind: str, room: str, at_ms: int, **more: object) -> Seen:
    values: dict[str, object] = {"occurred_from_ms": at_ms, "occurred_to_ms": at_ms, "reason": "r", **more}
    return Seen(1, kind, room, "", at_ms, priority=1, state="meldt", **values)  # type: ignore[arg-type]


def test_each_alarm_meets_one_expectation_and_the_rest_is_a_failure() -> None:
    story = night()
    story.expect_alarm("call", room="201", after="02:00", by="02:01")
    at_ms = story.moment("02:00:30")
    assert judge(story, [seen("call", "201", at_ms)], {}).passed
    assert judge(story, [], {}).failures == [
        f"{Path(__file__).name}:{story.expected[0].line}: call på 201 kom ikke mellom 02:00:00 og 02:01:00"
    ]
    late = judge(story, [seen("call", "201", story.moment("02:01:01"))], {}).failures
    assert "men kl. 02:01:01" in late[0]
    assert late[1].startswith("uventet: call på 201 kl. 02:01:01")
    assert judge(story, [seen("call", "201", story.moment("02:01:01"))], {}, slack_ms=2_000).passed
    twice = judge(story, [seen("call", "201", at_ms), seen("call", "201", at_ms)], {})
    assert len(twice.failures) == 1
    elsewhere = judge(story, [seen("call", "201", at_ms), seen("fall", "203", at_ms)], {})
    assert elsewhere.failures == ["uventet: fall på 203 kl. 02:00:30 (r)"]


def test_reason_time_and_end_are_looked_at() -> None:
    story = night()
    story.expect_alarm("call", room="201", by="02:30", why="call.pressed_late", occurred="02:00", clears_by="02:40")
    at_ms, true_ms = story.moment("02:20"), story.moment("02:00")
    ended = {"ended_ms": story.moment("02:39"), "ended_as": "auto_avklart"}
    right = {
        "occurred_from_ms": true_ms - 60_000,
        "occurred_to_ms": true_ms + 1,
        "reason": "call.pressed_late",
        **ended,
    }
    assert judge(story, [seen("call", "201", at_ms, **right)], {}).passed
    wrong = judge(story, [seen("call", "201", at_ms)], {}).failures
    assert len(wrong) == 3
    other = judge(story, [seen("call", "201", at_ms, **{**right, "reason": "call.pressed_late_unconfirmed"})], {})
    assert len(other.failures) == 1, "a reason is that reason, not how it begins"
    by_hand = judge(story, [seen("call", "201", at_ms, **{**right, "ended_as": "avsluttet"})], {})
    assert "ikke avklart av seg selv" in by_hand.failures[0]


def test_what_ends_of_itself_or_sounds_anew_without_being_expected_to_is_a_failure() -> None:
    story = night()
    story.expect_alarm("call", room="201", after="02:00", by="02:01")
    at_ms = story.moment("02:00:30")
    gone = judge(story, [seen("call", "201", at_ms, ended_ms=at_ms + 1_000, ended_as="auto_avklart")], {})
    assert "ble avklart av seg selv 02:00:31" in gone.failures[0]
    assert judge(story, [seen("call", "201", at_ms, ended_ms=at_ms + 1_000, ended_as="avsluttet")], {}).passed
    twice = seen("call", "201", at_ms, soundings=[at_ms + 1_000])
    assert "ringte igjen 1 ganger, ikke 0" in judge(story, [twice], {}).failures[0]
    again = night()
    again.expect_alarm("call", room="201", after="02:00", by="02:01", again=1)
    assert judge(again, [twice], {}).passed
    assert not judge(again, [seen("call", "201", at_ms)], {}).passed


def test_what_is_tolerated_is_bounded() -> None:
    story = night()
    story.tolerate("gateway_fault", at_most=1, about="loftet")
    assert "uventet" in judge(story, [seen("gateway_fault", "", story.moment("02:00"))], {}).failures[0]
    story = night()
    story.tolerate("bed_check", at_most=1, room="208")
    at_ms = story.moment("02:00")
    assert judge(story, [seen("bed_check", "208", at_ms)], {}).passed
    assert not judge(story, [seen("bed_check", "208", at_ms), seen("bed_check", "208", at_ms + 1)], {}).passed
    assert not judge(story, [seen("bed_check", "201", at_ms)], {}).passed


def test_a_tile_that_was_never_looked_at_is_a_failure() -> None:
    story = night()
    story.expect_shown("02:00", room="201", seen="known")
    assert judge(story, [], {story.shown[0]: "known"}).passed
    assert "ble vist som unknown" in judge(story, [], {story.shown[0]: "unknown"}).failures[0]
    assert not judge(story, [], {}).passed


def found(code: str, room: str, at_ms: int) -> Found:
    return Found("enocean:01A0C208", "sensor_implausible", code, 1, at_ms, {}, "", room, "seng")


def test_whoever_expects_a_finding_expects_no_other() -> None:
    flickers, stuck = "implausible.bed_flicker", "implausible.bed_stuck"
    story = night()
    at_ms = story.moment("06:10")
    assert judge(story, [], {}, findings=[found(stuck, "208", at_ms)]).passed, "not asked for"
    story.expect_finding(flickers, room="208", after="06:00", by="06:31")
    assert judge(story, [], {}, findings=[found(flickers, "208", at_ms)]).passed
    assert "kom ikke mellom 06:00:00 og 06:31:00" in judge(story, [], {}).failures[0]
    late = judge(story, [], {}, findings=[found(flickers, "208", story.moment("06:40"))]).failures
    assert "men kl. 06:40:00" in late[0]
    assert not judge(story, [], {}, findings=[found(flickers, "201", at_ms)]).passed
    both = judge(story, [], {}, findings=[found(flickers, "208", at_ms), found(stuck, "208", at_ms)]).failures
    assert both == ["uventet funn: implausible.bed_stuck om enocean:01A0C208 på 208"]
