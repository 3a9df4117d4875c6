"""Who asks while somebody reads is given what was read after they asked, by one of all who asked meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from nattevakt.central.tablet.sharing import Readings
from nattevakt.edge.errors import RetryError
from tests.support.wait import until


class Asking:
    """Callers in threads of their own."""

    def __init__(self, readings: Readings, read: Callable[[], int]) -> None:
        self.readings, self.read = readings, read
        self.found: list[object] = []
        self._threads: list[threading.Thread] = []

    def _ask(self, what: str) -> None:
        try:
            self.found.append(self.readings.shared(what, self.read))
        except RetryError as error:
            self.found.append(str(error))

    def more(self, count: int, what: str = "ward") -> None:
        """So many more ask, and wait."""
        self._threads += [threading.Thread(target=self._ask, args=(what,), daemon=True) for _ in range(count)]
        for thread in self._threads[-count:]:
            thread.start()

    def ended(self) -> list[object]:
        """What all of them were given."""
        for thread in self._threads:
            thread.join(10)
        return self.found


def waits(readings: Readings, what: str = "ward") -> bool:
    """Whether somebody waits for the next reading."""
    return what in readings._next


def test_who_is_alone_reads_at_once_and_each_anew() -> None:
    readings = Readings()
    for _ in range(3):
        assert readings.begin("ward")
        readings.end("ward")
    asking = Asking(readings, lambda: 7)
    asking.more(1)
    assert asking.ended() == [7]
    assert readings.begin("ward"), "nothing is left of it"


def test_all_who_ask_meanwhile_share_one_reading_that_begins_after_they_asked() -> None:
    readings = Readings()
    times = []

    def read() -> int:
        times.append(len(asking.found))
        return 100 + len(times)

    asking = Asking(readings, read)
    assert readings.begin("ward")
    asking.more(8)
    until(lambda: waits(readings), "somebody waits")
    assert times == [], "nobody reads while somebody else does"
    assert not readings.begin("ward"), "who comes now does not overtake them"
    readings.end("ward")
    assert len(set(asking.ended())) <= 2
    assert len(times) <= 2, "those who came before the first of them began, and perhaps some after"


def test_who_asks_during_a_shared_reading_is_not_given_that_one() -> None:
    readings = Readings()
    begun, go = threading.Event(), threading.Event()
    numbers = iter(range(10))

    def read() -> int:
        number = next(numbers)
        begun.set()
        assert go.wait(10)
        return number

    asking = Asking(readings, read)
    asking.more(1)
    assert begun.wait(10)
    asking.more(3)
    until(lambda: waits(readings), "they wait for the next one")
    go.set()
    assert sorted(asking.ended(), key=str)[:2] == [0, 1]
    assert asking.found.count(0) == 1


def test_who_comes_while_the_first_of_those_who_wait_is_waking_does_not_overtake_them() -> None:
    readings = Readings()
    asking = Asking(readings, lambda: 5)
    assert readings.begin("ward")
    asking.more(1)
    until(lambda: waits(readings), "somebody waits")
    ended = readings._now.pop("ward")
    assert not readings.begin("ward")
    ended.done.set()
    assert asking.ended() == [5]
    assert readings.begin("ward")


def test_what_goes_wrong_is_said_to_all_and_the_next_reads_again() -> None:
    readings = Readings()

    def read() -> int:
        raise RetryError("no database")

    asking = Asking(readings, read)
    assert readings.begin("ward")
    asking.more(4)
    until(lambda: waits(readings), "somebody waits")
    readings.end("ward")
    assert asking.ended() == ["no database"] * 4
    assert readings.shared("ward", lambda: 3) == 3


def test_a_fault_of_the_program_leaves_nobody_waiting() -> None:
    readings = Readings()

    def read() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        readings.shared("ward", read)
    assert readings.begin("ward")


def test_another_ward_waits_for_nobody() -> None:
    readings = Readings()
    assert readings.begin("ward")
    assert readings.begin("another")
    assert readings.shared("a third", lambda: 1) == 1
