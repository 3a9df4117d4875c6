"""What is wrong with a road: each trouble does what it says, two nest, and who looks is told the truth."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend
from nattevakt.sim.clock import Timeline
from nattevakt.sim.network import Answer, Answered, Link, Road, Trouble, Weather
from nattevakt.sim.trouble import BEFORE, Proxy

T0 = 1_795_000_000_000
BODY = b'{"outcomes": ["stored"], "marks": {"a": 1}}'


class Far:
    """Somebody who answers 200 after so many ms, and remembers what came."""

    up = True

    def __init__(self, line: Timeline, took_ms: int = 0) -> None:
        self.line = line
        self.took_ms = took_ms
        self.got: list[tuple[int, int]] = []

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:
        assert credential == "key"
        self.got.append((self.line.now_ms - T0, request.number))
        self.line.after(self.took_ms, lambda: answered(Answer(200, BODY)))


class Line:
    """One link without chance of its own, and what came back, each with the ms after the beginning."""

    def __init__(self, took_ms: int = 0) -> None:
        self.time = Timeline(T0)
        self.far = Far(self.time, took_ms)
        self.link = Link(self.time, Random(1), self.far, "key", Weather((10, 10)))
        self.came: list[tuple[int, str]] = []
        self.bodies: list[bytes] = []

    def send(self, number: int, lane: str = "urgent", size: int = 0) -> None:
        self.link.send(HttpSend(lane, number, "/v1/batches", "text", bytes(size)), self.take)

    def take(self, answer: HttpReply | HttpFailed) -> None:
        if isinstance(answer, HttpReply):
            self.bodies.append(answer.body)
        said = answer.why if isinstance(answer, HttpFailed) else str(answer.status)
        self.came.append((self.time.now_ms - T0, said))

    def run(self, ms: int) -> None:
        self.time.run(T0 + ms)

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.far.got]


def test_two_cuts_are_over_when_both_are() -> None:
    line = Line()
    first, second = (Trouble(Random(1), no_requests=True, no_answers=True) for _ in range(2))
    line.link.begin(first)
    line.link.begin(second)
    line.link.end(first)
    line.link.end(first)
    assert (line.link.road, line.link.passes, line.link.clean) == (Road.CUT, False, False)
    line.link.end(second)
    assert (line.link.road, line.link.passes, line.link.clean) == (Road.UP, True, True)


def test_half_open_both_ways_is_a_cut_and_a_story_s_own_road_stays() -> None:
    link = Line().link
    mute, deaf = Trouble(Random(1), no_answers=True), Trouble(Random(1), no_requests=True)
    seen: list[Road] = []

    def look() -> None:
        seen.append(link.road)

    link.begin(mute)
    look()
    link.begin(deaf)
    look()
    link.end(mute)
    look()
    link.road = Road.HALF_OPEN
    look()
    link.end(deaf)
    look()
    link.road = Road.UP
    look()
    assert seen == [Road.HALF_OPEN, Road.CUT, Road.DEAF, Road.CUT, Road.HALF_OPEN, Road.UP]
    assert link.clean


def test_a_deaf_road_loses_what_is_sent_while_what_was_answered_still_comes() -> None:
    line = Line(took_ms=100)
    line.send(1)
    line.run(50)
    line.link.begin(Trouble(Random(1), no_requests=True))
    line.send(2, "backlog")
    line.run(20_000)
    assert line.numbers == [1]
    assert line.came == [(120, "200"), (3_050, "connection")]
    line.send(3)
    line.run(40_000)
    assert line.came[2:] == [(25_000, "timeout")], "on an old connection it waits for an answer"
    assert line.link.failures == 2


def test_a_refused_connection_is_known_at_once() -> None:
    line = Line()
    line.link.begin(Trouble(Random(1), refuses=True))
    line.send(1)
    line.run(20_000)
    assert (line.numbers, line.came, line.link.passes) == ([], [(10, "connection")], False)


def test_a_narrow_road_takes_its_time_for_each_byte() -> None:
    line = Line()
    line.link.begin(Trouble(Random(1), bytes_per_s=1_000))
    line.send(1, size=2_000)
    line.run(20_000)
    assert line.far.got == [(2_010, 1)]
    assert line.came == [(2_010 + 10 + len(BODY), "200")]


def test_what_is_too_late_arrives_all_the_same_after_its_successor() -> None:
    line = Line()
    slow = Trouble(Random(1), late_ms=(8_000, 8_000))
    line.link.begin(slow)
    line.send(1)
    line.run(5_000)
    assert line.came == [(5_000, "timeout")]
    line.link.end(slow)
    line.send(2)
    line.run(20_000)
    assert line.numbers == [2, 1], "overtaken"
    assert line.came[1:] == [(5_020, "200")]


def test_the_gateway_waits_no_longer_than_it_does_for_a_slow_centre() -> None:
    line = Line(took_ms=60_000)
    line.send(1)
    line.run(90_000)
    assert (line.numbers, line.came) == ([1], [(5_000, "timeout")])


def test_a_copy_wanders_and_comes_when_its_successors_have_come() -> None:
    line = Line()
    line.link.begin(Trouble(Random(1), wanders=1.0, wanders_ms=(7_000, 7_000)))
    line.send(1)
    line.run(1_000)
    line.send(2)
    line.run(60_000)
    assert line.far.got == [(10, 1), (1_010, 2), (7_000, 1), (8_000, 2)]
    assert [said for _, said in line.came] == ["200", "200"], "nobody waits for the copies' answers"


def test_an_uneven_road_lets_one_lane_overtake_the_other() -> None:
    line = Line()
    line.link.begin(Trouble(Random(3), late_ms=(0, 4_000)))
    for number in range(0, 40, 2):
        line.send(number)
        line.send(number + 1, "backlog")
        line.run((number + 1) * 10_000)
    assert line.numbers != sorted(line.numbers)
    assert sorted(line.numbers) == list(range(40))


@pytest.mark.parametrize(("what", "came"), [("lost", []), ("lost_answers", [1]), ("doubled", [1, 1])])
def test_chances_of_one_always_happen(what: str, came: list[int]) -> None:
    line = Line()
    line.link.begin(Trouble(Random(1), **{what: 1.0}))  # type: ignore[arg-type]
    line.send(1)
    line.run(20_000)
    assert line.numbers == came
    assert [said for _, said in line.came] == (["200"] if what == "doubled" else ["timeout"])
    assert line.link.passes is (what == "doubled")


@pytest.mark.parametrize("proxy", [one for one in Proxy if one])
def test_what_stands_in_the_road_answers_or_spoils(proxy: Proxy) -> None:
    line = Line()
    line.send(1)
    line.run(1_000)
    line.link.begin(Trouble(Random(2), proxy=proxy))
    assert not line.link.passes
    line.send(2)
    line.run(30_000)
    answered_elsewhere = proxy in BEFORE
    assert line.numbers[1:] == ([] if answered_elsewhere else [2, 2] if proxy is Proxy.CUT_OFF else [2])
    said, body = line.came[1][1], [*line.bodies, b""][1]
    wanted: dict[Proxy, Callable[[], bool]] = {
        Proxy.CUT_OFF: lambda: said == "connection",
        Proxy.SHORTENED: lambda: said == "200" and len(body) < len(BODY) and BODY.startswith(body),
        Proxy.NONSENSE: lambda: said == "200" and body != BODY,
    }
    assert wanted.get(proxy, lambda: said == proxy.value and body != BODY)()


def test_an_answer_that_is_cut_off_on_a_new_connection_is_a_failure_at_once() -> None:
    line = Line()
    line.link.begin(Trouble(Random(2), proxy=Proxy.CUT_OFF))
    line.send(1)
    line.run(30_000)
    assert (line.numbers, line.came) == ([1], [(20, "connection")])


def test_what_never_happens_draws_nothing() -> None:
    chance = Random(5)
    before = chance.getstate()
    line = Line()
    line.link.begin(Trouble(chance, no_answers=True))
    line.send(1)
    line.run(30_000)
    assert chance.getstate() == before
