"""An alarm that nobody has goes on: step by step, stored, declined, passed on, and never again once somebody has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from nattevakt.central.alarms import escalating, register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, Applied, ClearRequest, EventKey, RaiseRequest, SomeoneFirst, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import outbox, routing_rows
from nattevakt.central.notify.routing import Chain, Route, Routing, Step, Zone
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked
from nattevakt.central.tables import alarms, notices, staff, tablets, wake_rows
from nattevakt.central.tables_duty import alarm_wards, routing_versions, sendings
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.house import House
from tests.central.taken_night import Night

SECOND = 1 / 60


@pytest.fixture
def night(house: House) -> Night:
    found = Night(house)
    with house.db.write(house.tenant.id) as s:
        s.insert(tablets, ward_id=2, name="V", token_sha256="z", enrolled_ms=0)
    return found


def looks(night: Night, seconds: float) -> None:
    """So much time goes by, and the centre looks each five seconds as it does."""
    for _ in range(round(seconds / 5)):
        night.passes(5 * SECOND)
        night.sweep()


def shows(night: Night, tablet: int | None = None) -> None:
    """A tablet confirms all that it was given."""
    mine = tablet or night.tablet
    ids = [row.id for row in night.house.rows(notices) if row.tablet_id == mine]
    with night.house.db.write(night.house.tenant.id) as s:
        outbox.mark_shown(s, mine, ids, night.now_ms)


def steps(night: Night, alarm: int) -> list[tuple[Any, ...]]:
    """What the history says of each step: why, which, and whether it reached anybody new."""
    rows = [row for row in night.history(alarm) if row.cause == "escalate"]
    return [(row.detail["why"], row.detail.get("step"), row.detail.get("nobody")) for row in rows]


def sent(night: Night) -> list[tuple[int, str, str, str]]:
    """What other roads were asked for: step, channel, target, state."""
    return sorted((row.step, row.channel, row.target, row.state) for row in night.house.rows(sendings))


def routed(night: Night, routing: Routing) -> None:
    """The tenant writes a routing document."""

    def save(s: Any) -> None:
        routing_rows.save(
            s, routing, why="prøve", staff_id=None, by_name="test", now_ms=night.now_ms, expected_version=0
        )

    night.house.db.transact(night.house.tenant.id, save)


def wakes(night: Night) -> list[tuple[str, int]]:
    return [(row.subject, row.wake_at_ms) for row in night.house.rows(wake_rows) if row.rule == escalating.RULE]


def test_what_nobody_takes_goes_on_to_all_wards_then_to_the_sirens_then_again_and_again(night: Night) -> None:
    alarm = night.ring()
    night.passes(5 * SECOND)
    shows(night)
    looks(night, 80)
    assert (night.row(alarm).state, steps(night, alarm)) == ("meldt", [])
    looks(night, 5)
    assert (night.row(alarm).state, night.row(alarm).sound_seq) == (State.ESCALATED.value, 1)
    assert [row.ward_id for row in night.house.rows(alarm_wards)] == [2]
    assert len([row for row in night.house.rows(notices) if row.alarm_id == alarm]) == 3, "one a tablet, all wards"
    looks(night, 90)
    assert steps(night, alarm) == [("untaken", 1, False), ("untaken", 2, False)]
    sirens = [(2, "siren", f"gateway:{number}", "pending") for number in (1, 2)]
    assert sent(night) == sirens
    looks(night, 600)
    assert [step[1] for step in steps(night, alarm)] == [1, 2, 3, 4], "each five minutes from then on"
    assert {target for _, _, target, _ in sent(night)} == {"gateway:1", "gateway:2"}
    assert len(sent(night)) == 6


def test_what_no_tablet_shows_within_fifteen_seconds_goes_on_at_once(night: Night) -> None:
    alarm = night.ring()
    looks(night, 15)
    assert steps(night, alarm) == [("not_shown", 1, False)]
    looks(night, 15)
    assert steps(night, alarm)[1:] == [("not_shown", 2, False)], "nor does the next ward show it"
    looks(night, 295)
    assert len(steps(night, alarm)) == 2, "what is only told again is not hurried"


def test_low_priority_waits_where_it_is(night: Night) -> None:
    alarm = night.ring("battery_low", Priority.LOW)
    looks(night, 60)
    assert (night.row(alarm).state, steps(night, alarm), wakes(night)) == ("meldt", [], [])


def test_nobody_else_is_asked_once_somebody_has_it(night: Night) -> None:
    alarm = night.ring()
    looks(night, 30)
    assert sent(night)
    night.act(alarm, State.TAKEN)
    assert {state for *_, state in sent(night)} == {"withdrawn"}
    assert wakes(night) == []
    before = night.causes(alarm)
    looks(night, 500)
    assert night.causes(alarm) == before


def test_what_clears_itself_asks_nobody_either(night: Night) -> None:
    alarm = night.ring("not_back_in_bed", Priority.MEDIUM, "resident:1")
    looks(night, 30)
    clear = ClearRequest("resident:1", "not_back_in_bed", Reason("back"))
    night.house.db.transact(night.house.tenant.id, lambda s: register.apply(s, clear, night.now_ms))
    assert night.row(alarm).state == State.CLEARED.value
    assert ({state for *_, state in sent(night)}, wakes(night)) == ({"withdrawn"}, [])


def test_an_alarm_that_its_holder_forgets_begins_its_way_anew(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    looks(night, 600)
    row = night.row(alarm)
    assert (row.state, row.sound_seq, row.step) == (State.ESCALATED.value, 2, 0)
    shows(night)
    looks(night, 90)
    assert steps(night, alarm) == [("overdue", None, None), ("untaken", 1, False)]


def decline(night: Night, alarm: int, who: int = 0, reason: str = "for_langt_unna") -> None:
    wish = Act(
        alarm, State.REJECTED, who or night.kari, night.tablet, f"no-{alarm}-{who}-{night.now_ms}", reason=reason
    )
    night.house.db.transact(night.house.tenant.id, lambda s: register.act(s, wish, night.now_ms))


def test_to_decline_passes_it_on_in_the_same_moment(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    with pytest.raises(SomeoneFirst):
        decline(night, alarm, night.per)
    with pytest.raises(RejectError, match="reason"):
        decline(night, alarm, reason="har ikke lyst")
    decline(night, alarm)
    row = night.row(alarm)
    assert (row.state, row.taken_by, row.due_ms, row.sound_seq) == (State.ESCALATED.value, None, None, 1)
    assert night.causes(alarm) == ["raise", "take", "reject", "escalate"]
    assert night.history(alarm)[2].detail["reason"] == "for_langt_unna"
    assert steps(night, alarm) == [("declined", 1, False)]
    assert [row.ward_id for row in night.house.rows(alarm_wards)] == [2]
    night.act(alarm, State.TAKEN, night.per)
    assert night.row(alarm).taken_by == night.per


def transfer(night: Night, alarm: int, ward: str) -> None:
    wish = Act(alarm, State.TRANSFERRED, night.kari, night.tablet, f"to-{ward}-{night.now_ms}", ward=ward)
    night.house.db.transact(night.house.tenant.id, lambda s: register.act(s, wish, night.now_ms))


def test_to_pass_it_on_to_a_ward_rings_there_and_has_its_own_time(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    for ward in ("a", "c"):
        with pytest.raises(RejectError, match="ward"):
            transfer(night, alarm, ward)
    transfer(night, alarm, "b")
    row = night.row(alarm)
    assert (row.state, row.taken_by, row.sound_seq, row.step) == (State.TRANSFERRED.value, None, 2, 0)
    fresh = [row for row in night.house.rows(notices) if row.sound_seq == 2]
    assert len(fresh) == 3
    assert {row.state for row in fresh} == {"pending"}
    with night.house.db.read(night.house.tenant.id) as s:
        assert [register.rings_in(s, alarm, ward) for ward in (1, 2)] == [True, True]
    looks(night, 15)
    assert steps(night, alarm) == [("not_shown", 1, True)], "all wards have it already"


def test_a_lost_deadline_and_one_of_a_clock_that_was_ahead_are_found(night: Night) -> None:
    first = night.ring()
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(wake_rows.delete().where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == escalating.RULE))
    night.passes(24 * 60)
    second = night.ring(subject="room:2")
    night.passes(-24 * 60)
    looks(night, 90)
    for alarm in (first, second):
        assert night.row(alarm).state == State.ESCALATED.value


def test_alarms_of_before_the_steps_begin_their_way(night: Night) -> None:
    alarm = night.ring()
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(alarms.update().where(alarms.c.tenant_id == TENANT).values(step=None, step_ms=None))
        s.execute(wake_rows.delete().where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == escalating.RULE))
    looks(night, 240)
    assert steps(night, alarm)[-1][1] == 2


ASKED = Routing(
    zones=(Zone("ost", "Øst", ("a", "b")),),
    chains=(
        Chain(
            "vakt", "Vakt", (Step(("tablets:ward", "duty:vakt"), 0), Step(("tablets:zone", "phone:+4790000009"), 30))
        ),
        Chain("rolig", "Rolig", (Step(("tablets:ward",), 0),), 0),
    ),
    routes=(Route("rolig", priorities=(3,)), Route("vakt", kinds=("call",), shifts=("night",)), Route("vakt")),
)


def _on_duty(s: Any, night: Night) -> None:
    """Per is on duty in the ward for an hour."""
    asked = Asked(night.per, "vakt", night.now_ms, night.now_ms + 3_600_000, 1)
    duties.add(s, asked, zones=("ost",), made_by=None, now_ms=night.now_ms)


def test_a_municipality_says_itself_who_is_told_when(night: Night) -> None:
    routed(night, ASKED)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(
            staff.update().where(staff.c.tenant_id == TENANT, staff.c.id == night.per).values(phone="+4790000001")
        )
        _on_duty(s, night)
    alarm = night.ring()
    assert sent(night) == [(0, "sms", f"staff:{night.per}", "pending")], "in the transaction that made it ring"
    shows(night)
    looks(night, 30)
    assert sent(night)[1:] == [(1, "sms", "phone:+4790000009", "pending")]
    assert steps(night, alarm) == [("untaken", 1, False)]
    detail = night.history(alarm)[-1].detail
    assert (detail["to"], detail["wards"], detail["sent"]) == (["tablets:zone", "phone:+4790000009"], [2], 1)


def test_what_cannot_be_sent_goes_on_at_once(night: Night) -> None:
    routed(night, ASKED)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(
            staff.update().where(staff.c.tenant_id == TENANT, staff.c.id == night.per).values(phone="+4790000001")
        )
        _on_duty(s, night)
    alarm = night.ring()
    shows(night)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(sendings.update().where(sendings.c.tenant_id == TENANT).values(state="failed"))
    looks(night, 15)
    assert steps(night, alarm) == [("failed", 1, False)]


def test_a_step_that_reaches_nobody_says_so_once(night: Night) -> None:
    alone = Chain("alene", "Alene", (Step(("tablets:ward",), 0), Step(("duty:vakt",), 30)), 60)
    routed(night, Routing(chains=(alone,), routes=(Route("alene"),)))
    alarm = night.ring()
    looks(night, 600)
    assert steps(night, alarm) == [("not_shown", 1, True)]
    with night.house.db.read(night.house.tenant.id) as s:
        step = s.execute(select(alarms.c.step).where(alarms.c.tenant_id == TENANT)).scalar_one()
    assert step > 5, "it goes on asking: somebody may come on duty"


@pytest.mark.parametrize("back_min", [45, 100])
def test_a_clock_that_is_set_back_holds_nothing_up(night: Night, back_min: int) -> None:
    night.passes(back_min)
    alarm = night.ring()
    night.sweep()
    night.passes(-back_min)
    looks(night, 70)
    assert steps(night, alarm), "an hour, too, as by a clock that was set to local time"


def test_nor_where_low_priority_has_a_chain_of_its_own(night: Night) -> None:
    chain = Chain("lav", "Lav", (Step(("tablets:ward",), 0), Step(("tablets:all",), 60)))
    routed(night, Routing(chains=(chain,), routes=(Route("lav"),)))
    night.passes(24 * 60)
    alarm = night.ring("battery_low", Priority.LOW)
    night.passes(-24 * 60)
    looks(night, 70)
    assert steps(night, alarm)


def test_what_a_wrong_clock_has_put_off_after_a_failure_is_found(night: Night) -> None:
    alarm = night.ring()
    with night.house.db.write(night.house.tenant.id) as s:
        put_off = wake_rows.update().where(wake_rows.c.tenant_id == TENANT, wake_rows.c.rule == escalating.RULE)
        s.execute(put_off.values(look_ms=night.now_ms + 24 * 3_600_000))
    looks(night, 70)
    assert steps(night, alarm)


@pytest.mark.parametrize(
    "body",
    [
        {"routes": [{"chain": "borte"}]},
        {"chains": [{"key": "a", "name": "A", "steps": []}], "routes": [{"chain": "a"}]},
        {
            "chains": [{"key": "a", "name": "A", "repeat_s": 0, "steps": [{"to": ["tablets:ward"]}]}],
            "routes": [{"chain": "a"}],
        },
    ],
)
def test_a_stored_document_that_leads_nowhere_keeps_no_alarm_from_going_on(night: Night, body: dict[str, Any]) -> None:
    with night.house.db.write(night.house.tenant.id) as s:
        row = {"version": 1, "at_ms": 1, "staff_id": None, "by_name": "for hånd", "why": "prøve"}
        s.insert(routing_versions, **row, body=body, sha=f"ingen {body}")
    alarm = night.ring()
    looks(night, 30)
    assert [step[1] for step in steps(night, alarm)] == [1, 2], "the built-in one holds"
    with night.house.db.read(night.house.tenant.id) as s:
        assert [one.routing for one in routing_rows.history(s)] == [None], "and whoever looks sees why"


def test_what_is_said_again_every_other_minute_comes_to_its_last_step_all_the_same(night: Night) -> None:
    """Somebody lies on the floor, and nobody takes the alarm."""
    at, key = Occurred(night.now_ms, night.now_ms), EventKey(1, 1, 1, 0)
    fell = RaiseRequest("room:1", "fall", "fall", Priority.HIGH, Reason("fall"), at, Where(1), event=key)

    def tell(request: RaiseRequest) -> Applied:
        return night.house.db.transact(night.house.tenant.id, lambda s: register.apply(s, request, night.now_ms))

    alarm = tell(fell).alarm_id
    assert alarm is not None
    for minutes in (2, 4):
        for _ in range(24):
            for tablet in {row.tablet_id for row in night.house.rows(notices)}:
                shows(night, tablet)
            looks(night, 5)
        lies = replace(fell, reason=Reason("fall.still", {"min": minutes}), event=None, holds=(key,), again=True)
        assert tell(lies).how == "rung_again"
    assert steps(night, alarm) == [("untaken", 1, False), ("untaken", 2, False)]
    assert {channel for _, channel, *_ in sent(night)} == {"siren"}
    assert night.row(alarm).sound_seq == 3
