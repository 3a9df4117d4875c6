"""What the centre keeps in mind between batches, and that it never goes by it where the rows say otherwise."""

from __future__ import annotations

import json

from nattevakt.central import states, wakes
from nattevakt.central.db import Database
from nattevakt.central.memory import Memory
from nattevakt.central.refold import Fold, Mark
from nattevakt.central.tables import rule_states, wake_rows
from tests.central.house import House

A, B, C = ("resident:1", "inactivity"), ("resident:1", "not_up"), ("resident:2", "inactivity")


def test_a_memory_is_of_one_text_and_given_once() -> None:
    memory: Memory[list[int]] = Memory(most=2)
    memory.put("a", "[1]", [1])
    assert memory.take("a", "[2]") is None
    assert memory.take("a", "[1]") is None  # whoever asked with another text has made it anew by now
    memory.put("a", "[1]", [1])
    assert memory.take("a", "[1]") == [1]
    assert memory.take("a", "[1]") is None
    for number in range(3):
        memory.put(number, "[]", [number])
    assert [memory.take(number, "[]") for number in range(3)] == [None, [1], [2]]


def test_states_are_made_once_and_read_as_they_were_kept(house: House) -> None:
    for text in ("{}", '{"æ":["\\u0000","\\"",1.5,null]}'):
        with house.db.write(house.tenant.id) as s:
            assert states.lock_texts(s, [C, A, B])[B] == text or text != "{}"
            states.keep_all(s, {B: text, A: '{"a":1}'})
        with house.db.write(house.tenant.id) as s:
            assert states.lock_texts(s, [A, B, C]) == {A: '{"a":1}', B: text, C: "{}"}
            assert states.lock(s, *B) == states.read(text)
    assert len(house.rows(rule_states)) >= 3


def test_a_state_that_is_remembered_and_gone_is_made_again(house: House, database_url: str) -> None:
    other = Database(database_url)
    with house.db.write(house.tenant.id) as s:
        states.lock_texts(s, [A, B])
        states.keep_all(s, {A: '{"a":1}', B: '{"b":1}'})
    with other.engine.connect() as connection:
        if not other.is_sqlite:
            tenant = (str(house.tenant.id),)
            connection.exec_driver_sql("SELECT set_config('nattevakt.tenant', %s, true)", tenant)
        connection.exec_driver_sql("DELETE FROM rule_states WHERE rule = 'inactivity'")
        connection.commit()
    other.close()
    with house.db.write(house.tenant.id) as s:
        assert states.lock_texts(s, [A, B]) == {A: "{}", B: '{"b":1}'}


def test_a_row_of_an_undone_transaction_is_not_taken_for_there(house: House) -> None:
    try:
        with house.db.write(house.tenant.id) as s:
            states.lock_texts(s, [A])
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with house.db.write(house.tenant.id) as s:
        assert states.lock_texts(s, [A]) == {A: "{}"}
        states.keep_all(s, {A: '{"a":1}'})
    assert [(row.subject, row.rule) for row in house.rows(rule_states) if row.state] == [A]


def test_many_deadlines_are_set_moved_and_given_up_together(house: House) -> None:
    def armed() -> dict[tuple[str, str], tuple[int, int | None]]:
        rows = house.rows(wake_rows)
        return {(row.subject, row.rule): (row.wake_at_ms, row.look_ms) for row in rows if row.rule != "canary"}

    before = armed()
    with house.db.write(house.tenant.id) as s:
        wakes.arm_all(s, {C: 30, A: 10, B: 20})
        wakes.wait(s, wakes.Wake(*A, 10), None, 99)
    assert armed() == {**before, A: (10, 99), B: (20, None), C: (30, None)}
    with house.db.write(house.tenant.id) as s:
        wakes.arm_all(s, {A: 11, B: None})
    assert armed() == {**before, A: (11, None), C: (30, None)}
    with house.db.write(house.tenant.id) as s:
        wakes.arm_all(s, {A: None, C: None})
        wakes.arm_all(s, {})
    assert armed() == before


def test_what_is_no_moment_is_known_before_it_is_written() -> None:
    assert all(map(wakes.is_moment, (None, 0, -1, 2**63 - 1)))
    assert not any(map(wakes.is_moment, (2**63, 1.5, True, "1")))


def test_a_fold_is_written_as_it_is_read() -> None:
    mark = Mark((10, 1, 1, 2, 0), {"æ": [None, 1.5, '"\\'], "held": {}})
    for fold in (Fold(), Fold({"a": (1, 2)}, (20, 1, 1, 3, 0), [mark], [mark, mark], 30)):
        for _ in range(2):  # the second time a mark's text is the one that was made the first time
            assert json.loads(fold.written()) == json.loads(json.dumps(fold.plain()))
            assert Fold.load(states.read(fold.written())).plain() == json.loads(json.dumps(fold.plain()))
