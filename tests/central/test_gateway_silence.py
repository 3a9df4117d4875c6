"""A line that comes and goes is one alarm; rooms follow the truth at once, and a silence after a real return rings."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from nattevakt.central import completeness
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.gateway_silence import ANEW_MS, BACK_MS
from nattevakt.central.tables import gateways, rule_states, staff, transitions
from nattevakt.central.technical import TOLD_AGAIN_MS
from tests.central.house import House
from tests.central.watch import LONG_MS, MIN, S, begun, cycle, live, silent, standing, take, well


def flap(house: House, times: int, gone_ms: int = 150 * S, back_ms: int = 15 * S) -> None:
    """The first gateway's line is gone for so long and back for so long, again and again."""
    for _ in range(times):
        live(house, gone_ms, house.gates[1])
        live(house, back_ms, *house.gates)


def alarms(house: House) -> list[tuple[str, str, int]]:
    return [(alarm.reason_code.partition(".")[2], standing(alarm), alarm.sound_seq) for alarm in silent(house)]


def known(house: House) -> bool:
    """Whether the rooms of the first gateway are shown as they are."""
    with house.db.read(house.tenant.id) as s:
        return not completeness.outages(s, [house.gate.sender.gateway_id])


def close(house: House, alarm_id: int) -> None:
    take(house, alarm_id)
    wish = Act(
        alarm_id, State.CLOSED, house.id_of(staff, "kari"), None, f"close-{alarm_id:08}", "teknisk", "teknisk_rettet"
    )
    house.db.transact(house.tenant.id, lambda s: register.act(s, wish, house.clock.at_ms))


def test_gaps_that_are_shorter_than_the_limit_are_no_silence(house: House) -> None:
    begun(house)
    flap(house, 6, gone_ms=45 * S)
    assert alarms(house) == []


def test_a_line_that_comes_and_goes_rings_twice_and_not_at_every_turn(house: House) -> None:
    """Hard seed 7 rang eight times in 35 minutes. The first silence cannot know that more will come."""
    begun(house)
    flap(house, 12)
    assert alarms(house) == [("", "auto_avklart", 1), ("unstable", "meldt", 1)]
    assert [alarm.reason_params for alarm in silent(house)] == [
        {"gateway": "Loftet", "rooms": "201, 202", "residents": 2}
    ] * 2


def test_what_the_rooms_show_follows_the_truth_at_once_in_both_directions(house: House) -> None:
    begun(house)
    for _ in range(4):
        assert known(house)
        live(house, 75 * S, house.gates[1])
        assert not known(house)
        live(house, 15 * S, *house.gates)
    assert [state for _, state, _ in alarms(house)] == ["auto_avklart", "meldt"], "its alarm stands meanwhile"


def test_its_alarm_ends_once_the_line_has_held(house: House) -> None:
    begun(house)
    flap(house, 3)
    live(house, BACK_MS - MIN, *house.gates)
    assert alarms(house)[-1] == ("unstable", "meldt", 1)
    live(house, 2 * MIN, *house.gates)
    assert alarms(house)[-1] == ("unstable", "auto_avklart", 1)
    cleared = [row.detail["reason"] for row in house.rows(transitions) if row.cause == "clear"]
    assert cleared[-1] == "gateway_silent.over"
    live(house, 75 * S, house.gates[1])
    assert alarms(house)[-1] == ("unstable", "meldt", 1), "it was really back: another silence rings"
    assert len(silent(house)) == 3


def test_a_gateway_that_was_well_for_long_has_no_unstable_line_any_more(house: House) -> None:
    begun(house)
    flap(house, 3)
    live(house, ANEW_MS + MIN, *house.gates)
    flap(house, 1)
    assert [state for _, state, _ in alarms(house)] == ["auto_avklart"] * 3
    assert alarms(house)[-1][0] == ""


def test_who_has_it_is_left_in_peace_and_told_once_that_it_is_over(house: House) -> None:
    begun(house)
    flap(house, 2)
    take(house, silent(house)[-1].id, LONG_MS)
    flap(house, 8)
    assert alarms(house)[-1] == ("unstable", "kvittert", 1)
    live(house, BACK_MS + MIN, *house.gates)
    assert alarms(house)[-1] == ("unstable", "kvittert", 1)
    notes = [row for row in house.rows(transitions) if row.cause == "note"]
    assert [row.alarm_id for row in notes] == [silent(house)[-1].id]


def test_who_thought_it_mended_hears_of_the_next_silence(house: House) -> None:
    begun(house)
    flap(house, 2)
    close(house, silent(house)[-1].id)
    flap(house, 1)
    assert [state for _, state, _ in alarms(house)] == ["auto_avklart", "avsluttet", "meldt"]
    flap(house, 5)
    assert len(silent(house)) == 3


def test_a_gateway_that_stays_silent_is_told_again_half_an_hour_after_its_alarm_was_ended(house: House) -> None:
    begun(house)
    live(house, 2 * MIN, house.gates[1])
    close(house, silent(house)[-1].id)
    live(house, TOLD_AGAIN_MS - MIN, house.gates[1])
    assert [state for _, state, _ in alarms(house)] == ["avsluttet"]
    live(house, 2 * MIN, house.gates[1])
    assert [state for _, state, _ in alarms(house)] == ["avsluttet", "meldt"]
    live(house, 2 * TOLD_AGAIN_MS, house.gates[1])
    assert len(silent(house)) == 2, "its alarm stands"
    live(house, MIN, *house.gates)
    assert alarms(house)[-1][1] == "auto_avklart"


def test_an_alarm_that_was_ended_by_a_clock_ahead_leaves_no_gateway_untold(house: House) -> None:
    begun(house)
    live(house, 2 * MIN, house.gates[1])
    right_ms = house.clock.at_ms
    house.clock.at_ms = right_ms + 300 * MIN
    close(house, silent(house)[-1].id)
    house.clock.at_ms = right_ms
    live(house, TOLD_AGAIN_MS, house.gates[1])
    assert [state for _, state, _ in alarms(house)] == ["avsluttet", "meldt"]


def test_that_the_centre_was_away_does_not_prove_that_the_line_held(house: House) -> None:
    begun(house)
    flap(house, 2)
    house.clock.at_ms += 2 * BACK_MS
    well(house.gates[1])
    cycle(house)
    assert alarms(house)[-1][1] == "meldt"
    live(house, 2 * MIN, house.gates[1])
    assert (alarms(house)[-1], known(house)) == (("unstable", "meldt", 1), False)


def test_a_clock_that_was_ahead_does_not_keep_it_ringing(house: House) -> None:
    begun(house)
    flap(house, 1)
    live(house, 75 * S, house.gates[1])
    right_ms = house.clock.at_ms
    house.clock.at_ms = right_ms + 300 * MIN
    well(house.gate)
    cycle(house)
    house.clock.at_ms = right_ms
    live(house, BACK_MS + 3 * MIN, *house.gates)
    assert alarms(house)[-1] == ("unstable", "auto_avklart", 1)


@pytest.mark.parametrize("back", [False, True])
def test_a_withdrawn_key_ends_its_alarm_too(house: House, back: bool) -> None:
    begun(house)
    flap(house, 3)
    if not back:
        live(house, 75 * S, house.gates[1])
    with house.db.write(house.tenant.id) as s:
        mine = (gateways.c.tenant_id == TENANT, gateways.c.id == house.gate.sender.gateway_id)
        s.execute(update(gateways).where(*mine).values(revoked_ms=house.clock.at_ms))
    live(house, 15 * MIN, house.gates[1])
    assert [state for _, state, _ in alarms(house)] == ["auto_avklart"] * 2
    states = [row.state for row in house.rows(rule_states) if row.subject == f"gateway:{house.gate.sender.gateway_id}"]
    assert states == [{}]
