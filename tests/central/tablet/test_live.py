"""The hub without a browser: what is sent when, what is not sent without a database, and the end at SIGTERM."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from nattevakt.central.clock import ServiceClock
from nattevakt.central.tablet.live import STREAMS_PER_TABLET_MAX, Hub, Mailbox, PgListener, Vital, Vitals
from tests.central.tablet.conftest import Server, running
from tests.support.people import HttpTablet
from tests.support.postgres import Postgres
from tests.support.wait import until

BOUND_S = 30.0


def steady(seq: int = 7) -> Vitals:
    """Vital signs of a centre that is well, with every tablet enrolled."""
    return lambda _tenant, tablets: Vital(seq, 1_000, 2.0, tablets)


@asynccontextmanager
async def hub_with(vitals: Vitals, beat_s: float = 30.0) -> AsyncIterator[Hub]:
    hub = Hub(ServiceClock(), beat_s=beat_s)
    async with hub.running(vitals):
        yield hub


def parse(said: bytes) -> list[tuple[str, dict[str, object]]]:
    """Events of a piece of stream."""
    found = []
    for block in said.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story on a loop of its own, in a thread where no browser's loop can be in its way."""

    async def bounded() -> None:
        await asyncio.wait_for(story(), BOUND_S)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(bounded())).result(2 * BOUND_S)


def test_a_page_is_greeted_with_a_beat_at_once() -> None:
    async def story() -> None:
        async with hub_with(steady()) as hub:
            stream = hub.stream(hub.open(1, 5))
            events = parse(await anext(stream))
            assert [name for name, _ in events] == ["hello", "hb"]
            assert events[0][1] == {"epoch": hub.epoch, "seq": 7, "hb_s": 30.0, "now_ms": 1_000, "speed": 1}
            swept = {"sweep_age_s": 2.0, "sweep_late_s": 30.0}
            assert events[1][1] == {"seq": 7, "now_ms": 1_000, "speed": 1, **swept}

    run(story)


def test_a_change_goes_out_without_a_thread_between() -> None:
    """The heartbeat's threads are all held; a change from another thread arrives all the same, and coalesced."""
    release = threading.Event()

    def held(_tenant: int, tablets: frozenset[int]) -> Vital:
        release.wait(BOUND_S)
        return Vital(1, 1, None, tablets)

    async def story() -> None:
        async with hub_with(held) as hub:
            box = hub.open(1, 5)
            stream = hub.stream(box)
            for seq in (41, 42):
                await asyncio.to_thread(hub.publish, 1, seq)
            await asyncio.to_thread(hub.publish, 2, 99)
            assert parse(await anext(stream)) == [("changed", {"seq": 42})]
            release.set()

    run(story)


def test_without_a_database_there_is_no_heartbeat() -> None:
    calls = []

    def away(_tenant: int, tablets: frozenset[int]) -> Vital:
        calls.append(tablets)
        if len(calls) < 4:
            raise OSError("away")
        return Vital(9, 1, None, tablets)

    async def story() -> None:
        async with hub_with(away, beat_s=0.02) as hub:
            events = parse(await anext(hub.stream(hub.open(1, 5))))
            assert len(calls) == 4
            assert hub.beats_failed == 3
            assert [name for name, _ in events] == ["hello", "hb"]

    run(story)


def test_a_tablet_whose_enrolment_ended_is_let_go_and_others_stay() -> None:
    def only_six(_tenant: int, tablets: frozenset[int]) -> Vital:
        return Vital(1, 1, None, tablets & {6})

    async def story() -> None:
        async with hub_with(only_six) as hub:
            gone, stays = hub.open(1, 5), hub.open(1, 6)
            assert [said async for said in hub.stream(gone)] == []
            assert parse(await anext(hub.stream(stays)))
            assert not stays.closed

    run(story)


def test_streams_of_one_tablet_are_bounded_and_its_oldest_go() -> None:
    async def story() -> None:
        async with hub_with(steady()) as hub:
            boxes = [hub.open(1, 5) for _ in range(STREAMS_PER_TABLET_MAX + 2)]
            other = hub.open(1, 6)
            assert [box.closed for box in boxes] == [True, True] + [False] * STREAMS_PER_TABLET_MAX
            assert not other.closed
            for box in boxes:
                hub.leave(box)
            assert hub.streams() == 1

    run(story)


def test_a_refresh_greets_everybody_anew() -> None:
    """A listener that was away may have missed changes; every page is told to look."""

    async def story() -> None:
        async with hub_with(steady()) as hub:
            stream = hub.stream(hub.open(1, 5))
            await anext(stream)
            await asyncio.to_thread(hub.refresh)
            assert [name for name, _ in parse(await anext(stream))] == ["hello", "hb"]

    run(story)


def test_what_a_page_was_not_told_never_grows() -> None:
    async def story() -> None:
        async with hub_with(steady()) as hub:
            box: Mailbox = hub.open(1, 5)
            for seq in range(10_000):
                hub.publish(1, seq)
            stream = hub.stream(box)
            told = [parse(await anext(stream))[0]]
            while told[-1][1]["seq"] != 9_999:
                told += parse(await anext(stream))
            assert len(told) < 10

    run(story)


def test_after_the_loop_is_gone_publishing_is_quiet() -> None:
    hub = Hub(ServiceClock())
    hub.publish(1, 1)

    async def story() -> None:
        async with hub.running(steady()):
            pass

    run(story)
    hub.publish(1, 2)
    hub.refresh()


def listen(tablet: HttpTablet) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """An open stream of an enrolled tablet."""
    connection = http.client.HTTPConnection("127.0.0.1", tablet.port, timeout=BOUND_S)
    cookies = "; ".join(f"{key}={value}" for key, value in tablet.cookies.items())
    connection.request("GET", "/tablet/events", headers={"Cookie": cookies})
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert reply.getheader("Content-Length") is None
    return connection, reply


def test_leaves_within_five_seconds_of_sigterm_with_streams_open(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        tablet = HttpTablet(server.port, str(server.order("code")))
        streams = [listen(tablet) for _ in range(5)]
        for _, reply in streams:
            assert reply.readline()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.ended(BOUND_S)
        took = time.monotonic() - began
        # Each stream ended as it should, with its last chunk; none was cut off.
        for connection, reply in streams:
            assert reply.read() is not None
            connection.close()
        assert took < 5


def test_a_page_that_stopped_reading_does_not_hold_up_the_others_or_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        tablet = HttpTablet(server.port, str(server.order("code")))
        deaf = socket.create_connection(("127.0.0.1", server.port))
        cookies = "; ".join(f"{key}={value}" for key, value in tablet.cookies.items())
        deaf.sendall(f"GET /tablet/events HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n".encode())
        connection, reply = listen(tablet)
        server.ring(number="204")

        def heard() -> bool:
            return b"event: changed" in reply.readline()

        until(heard, "the other page hears of the change")
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.ended(BOUND_S)
        assert time.monotonic() - began < 8
        connection.close()
        deaf.close()


def test_push_reaches_the_socket_in_a_few_milliseconds(server: Server) -> None:
    """Median of twenty alarms, measured around the order that raises them; generous for a busy machine."""
    tablet = HttpTablet(server.port, str(server.order("code")))
    connection, reply = listen(tablet)
    waited = []
    for place in range(20):
        alarm = threading.Thread(target=server.ring, kwargs={"number": str(201 + place % 14), "kind": "leak"})
        began = time.monotonic()
        alarm.start()
        while b"event: changed" not in reply.readline():
            pass
        waited.append(time.monotonic() - began)
        alarm.join()
    connection.close()
    assert sorted(waited)[10] < 0.25, waited


def test_another_process_change_is_heard_through_postgresql_and_heard_again_after_a_break(postgres: Postgres) -> None:
    """NOTIFY from any connection reaches the pages here; a listener that was cut off comes back and has them look."""
    url, admin = postgres.fresh_database()

    async def story() -> None:
        async with hub_with(steady()) as hub:
            listener = PgListener(url, hub)
            listener.start()
            try:
                await asyncio.to_thread(listener.connected.wait, BOUND_S)
                stream = hub.stream(hub.open(1, 5))
                assert [name for name, _ in parse(await anext(stream))] == ["hello", "hb"]
                await asyncio.to_thread(order, admin, "SELECT pg_notify('nattevakt_live', '1:42')")
                assert parse(await anext(stream)) == [("changed", {"seq": 42})]
                others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                await asyncio.to_thread(order, admin, f"SELECT pg_terminate_backend(pid) {others}")
                assert [name for name, _ in parse(await anext(stream))] == ["hello", "hb"]
                assert listener.reconnects == 1
                await asyncio.to_thread(order, admin, "SELECT pg_notify('nattevakt_live', 'rubbish')")
                await asyncio.to_thread(order, admin, "SELECT pg_notify('nattevakt_live', '1:43')")
                assert parse(await anext(stream)) == [("changed", {"seq": 43})]
            finally:
                await asyncio.to_thread(listener.stop)

    run(story)


def order(url: str, sql: str) -> None:
    """One statement from another connection."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql)
