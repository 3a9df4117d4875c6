"""The register in memory makes of verdicts and of people what the register in the database makes of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from nattevakt.central.alarms import register
from nattevakt.central.alarms.desk import Answer, Desk, Rung
from nattevakt.central.alarms.lifecycle import LEADS_TO, IllegalMove, Move
from nattevakt.central.alarms.requests import Act, ClearRequest, EventKey, RaiseRequest, SomeoneFirst, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import alarms, staff
from nattevakt.edge.events import Body, Call
from nattevakt.edge.rules import call, not_back_in_bed
from nattevakt.edge.rules.replay import Driver, Said
from nattevakt.edge.rules.rule import Armed, Clear, Entry, Finding, Key, Occurred, Per, Priority, Raise, Reason
from nattevakt.edge.rules.windows import Window
from tests.central.house import NOON_MS, House
from tests.edge.test_rules_replay import IN, OUT, T0, facts

S, MIN = 1_000, 60_000
KINDS_TRIED = ("not_back_in_bed", "bed_check", "fall", "device_silent")
KEYS: tuple[Key, ...] = tuple((1, 1, seq, 0) for seq in range(1, 6))
RULE = "rule"

keys = st.lists(st.sampled_from(KEYS), max_size=3, unique=True).map(tuple)
reasons = st.builds(
    Reason, st.sampled_from(["a.said", "b.said", "b.said_unconfirmed"]), st.sampled_from([{}, {"min": 15}, {"min": 30}])
)
raises = st.builds(
    Raise,
    st.sampled_from(KINDS_TRIED),
    st.sampled_from(list(Priority)),
    reasons,
    keys,
    st.booleans(),
    st.booleans(),
)
clears = st.builds(Clear, reasons, keys)
moves = st.sampled_from([Move.TAKE, Move.GO, Move.ARRIVE, Move.CLOSE, Move.REOPEN])


@dataclass(frozen=True)
class Step:
    """One thing that happens. ago_ms, doubt_ms: how long before it is told it happened, and how surely. event: by a
    fact of this name, () at a deadline. which: the alarm that a person has in hand, counted from the newest.
    """

    wait_ms: int
    what: Raise | Clear | Move
    ago_ms: int
    doubt_ms: int
    event: Key
    which: int


steps = st.builds(
    Step,
    st.sampled_from([0, 1, 10 * S, 5 * MIN, 30 * MIN]),
    st.one_of(raises, raises, clears, moves),
    st.sampled_from([0, 0, 90 * S, 8 * MIN, 45 * MIN]),
    st.sampled_from([0, 0, 0, 5 * S, 20 * MIN]),
    st.sampled_from([(), *KEYS]),
    st.sampled_from([0, 0, 0, 1, 2]),
)
_subjects = itertools.count(1)
Row = tuple[object, ...]


def of_desk(alarm: Rung) -> Row:
    """What is compared, of an alarm in memory."""
    return (
        alarm.kind,
        alarm.priority,
        alarm.reason.code,
        dict(alarm.reason.params),
        alarm.state.value,
        alarm.sound_seq,
        alarm.raised_ms,
        (alarm.occurred.from_ms, alarm.occurred.to_ms),
        (alarm.taken_ms, alarm.on_site_ms, alarm.closed_ms),
        alarm.cause or None,
    )


def of_register(s: TenantSession, subject: str) -> list[Row]:
    """The same, of the rows."""
    query = select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.subject == subject).order_by(alarms.c.id)
    return [
        (
            row.kind,
            row.priority,
            row.reason_code,
            row.reason_params,
            row.state,
            row.sound_seq,
            row.raised_ms,
            (row.occurred_from_ms, row.occurred_to_ms),
            (row.taken_ms, row.on_site_ms, row.closed_ms),
            row.cause,
        )
        for row in s.execute(query)
    ]


class Both:
    """The same verdicts and moves, to the register and to the desk."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.subject = f"resident:{next(_subjects) + 1000}"
        self.desk = Desk()
        self.kari = house.id_of(staff, "kari")
        self.now_ms = NOON_MS
        self._taps = itertools.count()

    def live(self, s: TenantSession, step: Step) -> None:
        """One step, and the same of both."""
        self.now_ms += step.wait_ms
        what, end_ms = step.what, self.now_ms - step.ago_ms
        occurred = Occurred(end_ms - step.doubt_ms, end_ms)
        if isinstance(what, Raise):
            # Only what is told by a fact may be doubtful; a deadline is its own moment.
            occurred = occurred if step.event else Occurred(end_ms, end_ms)
            how = register.apply(s, self._asked(what, step.event, occurred), self.now_ms).how
            assert self.desk.ring(self.subject, RULE, what, occurred, step.event, self.now_ms) == how
        elif isinstance(what, Clear):
            request = ClearRequest(self.subject, RULE, what.reason, None, _names(what.holds))
            how = register.apply(s, request, self.now_ms).how
            assert self.desk.clear(self.subject, RULE, what, self.now_ms) == how
        else:
            self._act(s, what, step.which)
        assert [of_desk(alarm) for alarm in self.desk.alarms] == of_register(s, self.subject)
        for since_ms in (self.now_ms - 10 * MIN, self.now_ms + 1):
            for held in ((), KEYS[:2]):
                real = register.answered(s, self.subject, RULE, _names(held), since_ms)
                assert self.desk.answered(self.subject, RULE, held, since_ms, self.now_ms) == real

    def _asked(self, what: Raise, event: Key, occurred: Occurred) -> RaiseRequest:
        return RaiseRequest(
            subject=self.subject,
            rule=RULE,
            kind=what.kind,
            priority=what.priority,
            reason=what.reason,
            occurred=occurred,
            where=Where(1),
            event=EventKey(*event) if event else None,
            holds=_names(what.holds),
            insists=what.insists,
            again=what.again,
        )

    def _act(self, s: TenantSession, move: Move, which: int) -> None:
        if len(self.desk.alarms) <= which:
            return
        alarm = self.desk.alarms[-1 - which]
        query = select(alarms.c.id).where(alarms.c.tenant_id == TENANT, alarms.c.subject == self.subject)
        number = sorted(s.execute(query).scalars())[-1 - which]
        wish = Act(number, LEADS_TO[move], self.kari, None, f"{self.subject}-{next(self._taps)}", "annet", "tilsyn")
        try:
            done = not register.act(s, wish, self.now_ms).repeated
        except (IllegalMove, SomeoneFirst):
            done = False
        assert self.desk.act(alarm, Answer(self.now_ms, move, "annet")) == done


def _names(held: tuple[Key, ...]) -> tuple[EventKey, ...]:
    return tuple(EventKey(*key) for key in held)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(steps, min_size=2, max_size=14))
def test_desk_and_register_agree_on_any_sequence(house: House, script: list[Step]) -> None:
    both = Both(house)
    with house.db.write(house.tenant.id) as s:
        for step in script:
            both.live(s, step)


def night(desk: Desk, *told: tuple[int, Body], until_ms: int = 6 * 60 * MIN) -> list[tuple[int, str]]:
    """A bed that is watched, with this desk; what became of its alarms, in minutes."""
    armed = Armed((Entry((Window(0, 0),), {"limit_min": 15, "check_min": 15}),))
    driver = Driver([(not_back_in_bed.SPEC, armed)], desk.ear("resident:1"), answered=desk.asked("resident:1"))
    for fact in facts(*told):
        driver.feed(fact)
    driver.until(T0 + until_ms)
    desk.until(T0 + until_ms)
    return [(round((heard.at_ms - T0) / MIN), heard.how) for alarm in desk.alarms for heard in alarm.history]


OUT_AT_ONE = ((0, IN), (MIN, OUT))


def test_whoever_has_been_there_is_not_asked_again() -> None:
    def comes(_alarm: Rung, now_ms: int) -> list[Answer]:
        return [Answer(now_ms + 5 * MIN, Move.TAKE), Answer(now_ms + 9 * MIN, Move.ARRIVE)]

    assert night(Desk(), *OUT_AT_ONE) == [(16, "raised"), (31, "louder")]
    assert night(Desk(comes), *OUT_AT_ONE) == [(16, "raised"), (21, "take"), (25, "on_site")]


def test_who_comes_too_late_for_an_alarm_that_is_gone_does_nothing() -> None:
    desk = Desk(lambda _alarm, now_ms: [Answer(now_ms + 5 * MIN, Move.TAKE)])
    assert night(desk, *OUT_AT_ONE, (18 * MIN, IN)) == [(16, "raised"), (18, "cleared")]
    (alarm,) = desk.alarms
    assert (alarm.cleared_ms, alarm.taken_ms, alarm.holds) == (T0 + 18 * MIN + 5 * S, None, {(1, 1, 2, 0)})


def test_what_a_rule_finds_out_about_a_device_is_the_devices() -> None:
    desk = Desk()
    found = Finding("mat", Reason("sensor.flicker"))
    rule = replace(call.SPEC, per=Per.DEVICE)
    desk.take(Said(T0, found, rule, subject="mat"), "resident:1")
    desk.take(Said(T0, Raise("call", Priority.HIGH, Reason("call.pressed")), rule, subject="mat"), "resident:1")
    assert desk.findings == [(T0, "device:mat", found)]
    assert [alarm.subject for alarm in desk.alarms] == ["device:mat"]


def test_an_alarm_stands_under_the_rule_that_it_belongs_to() -> None:
    desk = Desk()
    other = replace(call.SPEC, name="still_calls", alarms_as="call")
    told = facts((0, Call("knapp", "press")))[0]
    desk.take(Said(T0, Raise("call", Priority.HIGH, Reason("call.pressed")), call.SPEC, told), "resident:1")
    again = Raise("call", Priority.HIGH, Reason("call.still"), holds=(told.key,), again=True)
    desk.take(Said(T0 + MIN, again, other, due_ms=T0 + MIN), "resident:1")
    (alarm,) = desk.alarms
    assert (alarm.rule, alarm.sound_seq, alarm.reason.code) == ("call", 2, "call.still")
