"""The story of an alarm, on both databases: what is told is what was done, and what nobody knows is said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import update

from nattevakt.central import sweep
from nattevakt.central.alarms import register, story
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, ClearRequest, EventKey, RaiseRequest, SomeoneFirst, Where
from nattevakt.central.alarms.story import Story
from nattevakt.central.alarms.story_times import KNOWN, Moment
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import outbox
from nattevakt.central.tables import access_log, alarms, staff, tablets, transitions
from nattevakt.edge.events import Bed, Contact
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import BED, DOOR, S1, Clock, House, build, line, moment, press

SECOND_MS, MINUTE_MS = 1_000, 60_000


class Scene:
    """A ward whose tablets are in the test's hand."""

    def __init__(self, house: House, count: int = 3) -> None:
        self.house = house
        self.kari, self.per = house.id_of(staff, "kari"), house.id_of(staff, "per")
        self.tablets = [self.enrol(f"Nettbrett {number}") for number in range(1, count + 1)]
        self._taps = 0

    def enrol(self, name: str, ward: int = 1) -> int:
        """One more tablet."""
        with self.house.db.write(self.house.tenant.id) as s:
            return s.insert(tablets, ward_id=ward, name=name, token_sha256=name, enrolled_ms=0)

    def passes(self, ms: int) -> int:
        """Time goes by; gives what the clock shows then."""
        self.house.clock.at_ms += ms
        return self.house.clock.at_ms

    def sends(self, tablet: int) -> tuple[int, ...]:
        """The tablet fetches its snapshot; gives the notices in it."""
        now = self.house.clock.at_ms
        with self.house.db.write(self.house.tenant.id) as s:
            ids = outbox.lease(s, tablet, now, MINUTE_MS)
            outbox.mark_sent(s, tablet, ids, now)
        return ids

    def shows(self, tablet: int, ids: Sequence[int], *, sounds: bool = False) -> None:
        """The tablet confirms."""
        now = self.house.clock.at_ms
        with self.house.db.write(self.house.tenant.id) as s:
            outbox.mark_shown(s, tablet, ids, now)
            if sounds:
                outbox.mark_sounded(s, tablet, ids, now)

    def act(self, alarm: int, to: State, who: int | None = None, tablet: int | None = None, note: str = "") -> None:
        """A person's tap."""
        self._taps += 1
        wish = Act(alarm, to, who or self.kari, tablet, f"tap-{self._taps}", cause="fall", action="tilsyn", note=note)
        self.house.db.transact(self.house.tenant.id, lambda s: register.act(s, wish, self.house.clock.at_ms))

    def told(self, alarm: int = 1) -> Story:
        """The story as it is now."""
        with self.house.db.read(self.house.tenant.id) as s:
            found = story.tell(s, alarm, self.house.clock.at_ms)
        assert found is not None
        return found


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def times(found: Story, chapter: int = -1) -> dict[str, Moment]:
    """A chapter's moments by code."""
    return {one.code: one for one in found.chapters[chapter].moments}


def test_a_press_from_the_button_to_the_end(scene: Scene) -> None:
    began = scene.house.clock.at_ms
    scene.house.gate.tell(1, press(), at_ms=began - 400)
    first, second, third = scene.tablets
    scene.passes(300)
    ids = scene.sends(first)
    scene.passes(200)
    scene.shows(first, ids, sounds=True)
    scene.sends(second)
    scene.passes(40 * SECOND_MS)
    scene.act(1, State.TAKEN, tablet=second)
    scene.passes(MINUTE_MS)
    scene.act(1, State.ON_SITE, tablet=second)
    scene.passes(10 * MINUTE_MS)
    scene.act(1, State.CLOSED, tablet=second, note="Lå på gulvet")
    told = scene.told()
    assert (told.kind, told.vkp_code, told.state, told.room) == ("call", "4.13", "avsluttet", "201")
    (said,) = told.events
    assert (said.gateway, said.kind, said.spot, said.late_ms, said.roles) == ("Loftet", "call", "bad", 400, ("raise",))
    assert said.data["control"] == "press"
    steps = times(told)
    assert [(one.code, one.after_event_ms) for one in steps.values()] == [
        ("event", 0),
        ("received", 400),
        ("raised", 400),
        ("shown", 900),
        ("sounded", 900),
        ("taken", 40_900),
        ("on_site", 100_900),
        ("closed", 700_900),
    ]
    (rang,) = told.soundings
    assert (rang.verdict, rang.shown) == ("some", 1)
    assert [(one.tablet_id, one.screen) for one in rang.reaches] == [
        (first, "shown"),
        (second, "acted"),
        (third, "not_sent"),
    ]
    assert [(one.cause, one.by.name if one.by else None) for one in told.changes] == [
        ("raise", None),
        ("take", "Kari N."),
        ("on_site", "Kari N."),
        ("close", "Kari N."),
    ]
    assert told.changes[-1].answers == {"cause": "fall", "action": "tilsyn", "note": "Lå på gulvet"}
    assert told.changes[1].tablet is not None
    assert told.changes[1].tablet.name == "Nettbrett 2"
    assert told.holder is None


def test_a_late_event_says_how_late_and_the_spans_count_from_it(scene: Scene) -> None:
    late_ms = 41 * MINUTE_MS
    scene.house.gate.tell(1, press(), at_ms=scene.house.clock.at_ms - late_ms)
    told = scene.told()
    assert told.events[0].late_ms == late_ms
    assert times(told)["raised"].after_event_ms == late_ms
    assert times(told)["taken"].told == "not_yet"
    assert told.reason.code == "call.pressed_late"


def test_a_time_that_is_only_an_interval_is_told_as_one(scene: Scene) -> None:
    now = scene.house.clock.at_ms
    scene.house.gate.send(line(S1, 1, press(), moment(now), moment(now - 5 * MINUTE_MS)))
    told = scene.told()
    assert told.events[0].uncertain
    event = times(told)["event"]
    assert (event.from_ms, event.at_ms) == (now - 5 * MINUTE_MS, now)


def test_twins_are_one_alarm_with_two_events(scene: Scene) -> None:
    scene.house.gates[0].tell(1, press())
    scene.house.gates[1].tell(1, press(), at_ms=scene.house.clock.at_ms + 500)
    first, second = scene.told().events
    assert (second.twin_of, first.twin_of) == (first.key, "")
    assert {first.gateway, second.gateway} == {"Loftet", "Kjelleren"}
    assert (first.roles, second.roles) == (("raise",), ("join",))
    assert len(scene.told().soundings) == 1


def test_a_second_press_joins_and_its_sounding_counts_from_itself(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    scene.passes(20 * SECOND_MS)
    scene.house.gate.tell(2, press(), at_ms=scene.house.clock.at_ms - 100)
    scene.passes(400)
    scene.shows(scene.tablets[0], scene.sends(scene.tablets[0]))
    told = scene.told()
    assert [(one.number, one.cause, len(one.reaches)) for one in told.soundings] == [(1, "raise", 3), (2, "sound", 3)]
    shown = told.soundings[1].reaches[0].shown_ms
    assert shown is not None
    assert shown - told.soundings[1].occurred_to_ms == 500
    assert [one.roles for one in told.events] == [("raise",), ("sound",)]


def test_what_cleared_it_is_told_though_the_alarm_does_not_hold_it(house: House) -> None:
    scene = Scene(house, count=0)
    scene.enrol("Nede", ward=2)
    house.gate.tell(1, Contact(DOOR, open=True))
    scene.passes(90 * SECOND_MS)
    house.gate.tell(2, Bed(BED, occupied=True))
    opened = scene.told()
    raised = EventKey(*(int(part) for part in opened.events[0].key.split("/")))
    seen = ClearRequest(opened.subject, opened.rule, Reason("door.seen_inside"), replace(raised, seq=2))
    house.db.transact(house.tenant.id, lambda s: register.apply(s, seen, house.clock.at_ms))
    told = scene.told()
    assert told.kind == "door_at_night"
    assert [(one.kind, one.roles) for one in told.events] == [("contact", ("raise",)), ("bed", ("clear",))]
    assert (times(told)["cleared"].after_event_ms, times(told)["taken"].told) == (90 * SECOND_MS, "never")
    (reach,) = told.soundings[0].reaches
    assert (reach.reason, reach.screen, told.soundings[0].verdict) == ("cleared", "not_sent", "nobody")
    assert times(told)["shown"].told == "never"


def test_who_was_first_has_it_and_the_other_is_not_in_it(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    scene.act(1, State.TAKEN)
    with pytest.raises(SomeoneFirst):
        scene.act(1, State.TAKEN, scene.per)
    told = scene.told()
    assert told.holder is not None
    assert told.holder.name == "Kari N."
    assert [one.by.name for one in told.changes if one.by] == ["Kari N."]


def test_a_taken_alarm_that_rang_again_says_who_had_it(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    scene.passes(SECOND_MS)
    scene.act(1, State.TAKEN)
    assert sweep.cycle(scene.house.db, scene.house.tenant, scene.passes(11 * MINUTE_MS))
    scene.passes(SECOND_MS)
    scene.act(1, State.TAKEN, scene.per)
    told = scene.told()
    again = told.changes[2]
    assert (again.cause, again.automatic, again.had, again.sound_seq) == ("escalate", True, told.changes[1].by, 2)
    assert [(one.number, one.cause) for one in told.soundings] == [(1, "raise"), (2, "escalate")]
    assert told.holder == told.changes[3].by
    assert told.holder is not None
    assert told.holder.name == "Per A."
    assert times(told)["taken"].after_event_ms == SECOND_MS, "the first time"


def test_a_reopened_alarm_has_a_chapter_more(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    for wait_ms, state in ((10, State.TAKEN), (20, State.ON_SITE), (30, State.CLOSED), (5_000, State.REOPENED)):
        scene.passes(wait_ms)
        scene.act(1, state)
    scene.passes(70)
    scene.act(1, State.TAKEN, scene.per)
    told = scene.told()
    assert len(told.chapters) == 2
    assert times(told, 0)["closed"].told == KNOWN
    assert times(told, 0)["on_site"].after_event_ms == 30
    again = times(told)
    assert (again["reopened"].after_event_ms, again["taken"].after_event_ms) == (0, 70)
    assert (again["on_site"].told, again["closed"].told) == ("not_yet", "not_yet")


def test_that_nobody_was_shown_it_is_said_and_what_is_not_known_is_not(house: House) -> None:
    scene = Scene(house, count=0)
    house.gate.tell(1, press())
    assert scene.told().soundings[0].verdict == "no_tablet"
    assert times(scene.told())["shown"].told == "not_yet"
    scene.act(1, State.TAKEN)
    scene.act(1, State.CLOSED)
    assert times(scene.told())["shown"].told == "never"

    (tablet,) = [scene.enrol("Nettbrett 1")]
    scene.passes(MINUTE_MS)
    house.gate.tell(2, press())
    assert scene.told(2).soundings[0].verdict == "nobody_yet"
    scene.sends(tablet)
    assert scene.told(2).soundings[0].verdict == "unknown", "sent, and whether it was shown nobody knows"
    scene.act(2, State.TAKEN)
    assert times(scene.told(2))["shown"].told == "unknown"
    scene.act(2, State.ON_SITE, tablet=tablet)
    assert scene.told(2).soundings[0].verdict == "acted"
    scene.act(2, State.CLOSED)

    scene.passes(MINUTE_MS)
    house.gate.tell(3, press())
    scene.act(3, State.TAKEN)
    assert scene.told(3).soundings[0].verdict == "nobody"
    assert times(scene.told(3))["shown"].told == "never"


def test_what_a_tablet_did_before_a_sounding_is_no_proof_that_it_showed_that_one(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    scene.passes(1_000)
    scene.act(1, State.TAKEN, tablet=scene.tablets[0])
    scene.passes(1_000)
    scene.house.gate.tell(2, press())
    assert [one.reaches[0].screen for one in scene.told().soundings] == ["acted", "not_sent"]


def test_a_deadline_is_no_event(scene: Scene) -> None:
    house, now = scene.house, scene.house.clock.at_ms
    reason = Reason("bed.check", {"left_ms": now - MINUTE_MS})
    wish = RaiseRequest("resident:1", "r", "bed_check", Priority.LOW, reason, Occurred(now, now), Where(1, 1, 1))
    house.db.transact(house.tenant.id, lambda s: register.apply(s, wish, now + 900))
    scene.passes(2_000)
    clear = ClearRequest("resident:1", "r", Reason("bed.back"))
    house.db.transact(house.tenant.id, lambda s: register.apply(s, clear, now + 2_000))
    told = scene.told()
    assert [(one.code, one.told) for one in told.chapters[0].moments][:3] == [
        ("deadline", KNOWN),
        ("received", "none"),
        ("raised", KNOWN),
    ]
    assert told.events == ()
    assert times(told)["cleared"].after_event_ms == 2_000
    assert told.resident == "Prøve En"


def test_what_a_newer_version_wrote_is_told_as_it_stands(scene: Scene) -> None:
    house = scene.house
    house.gate.tell(1, press())
    with house.db.write(house.tenant.id) as s:
        written = {"from_state": "meldt", "to_state": "sov", "at_ms": house.clock.at_ms + 5, "cause": "snoozed"}
        s.insert(transitions, alarm_id=1, **written, detail={"sound_seq": 7, "had": 3, "holds": [{"seq": "x"}, 4]})
        s.execute(update(alarms).where(alarms.c.tenant_id == TENANT), {"state": "sov", "kind": "brand_new"})
    told = scene.told()
    assert (told.changes[-1].cause, told.changes[-1].automatic, told.changes[-1].detail["had"]) == ("snoozed", True, 3)
    assert (told.vkp_code, told.state) == ("internal", "sov")
    assert [(one.number, one.verdict) for one in told.soundings] == [(1, "nobody_yet"), (7, "no_tablet")]


def test_who_read_the_name_is_in_it(scene: Scene) -> None:
    house = scene.house
    house.gate.tell(1, press())
    at = {"at_ms": house.clock.at_ms, "staff_id": scene.per, "tablet_id": scene.tablets[0], "resident_id": 1}
    with house.db.write(house.tenant.id) as s:
        for what in ("alarm:1", "alarm:11", "plan:1", "story:1"):
            s.insert(access_log, what=what, **at)
    looks = scene.told().looks
    assert [(one.what, one.by.name if one.by else "", one.tablet.name if one.tablet else "") for one in looks] == [
        ("board", "Per A.", "Nettbrett 1"),
        ("story", "Per A.", "Nettbrett 1"),
    ]


def test_another_tenants_alarm_has_no_story(scene: Scene) -> None:
    scene.house.gate.tell(1, press())
    other = build(scene.house.db, Clock(), "annen")
    with other.db.read(other.tenant.id) as s:
        assert story.tell(s, 1, other.clock.at_ms) is None
