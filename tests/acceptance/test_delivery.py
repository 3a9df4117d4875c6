"""Delivery under load and fault: overtaking, poison, a busy or absent database, repeats, restored and new cards."""

from __future__ import annotations

import http.client
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from nattevakt.edge.events import Call, Contact, Event, EventId, Moment
from nattevakt.edge.wire import CONTENT_TYPE, decode_batch_reply, encode_batch, encode_event, event_line
from tests.support.house import BUTTON, CORD, DOOR, DRIP, MAT, House, many
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def post(house: House, body: bytes, lane: str = "urgent") -> tuple[int, bytes]:
    """One batch with the gateway's credential."""
    connection = http.client.HTTPConnection("127.0.0.1", house.central_port, timeout=30)
    try:
        connection.request(
            "POST",
            "/v1/batches",
            body,
            {
                "Content-Type": CONTENT_TYPE,
                "Authorization": f"Bearer {(house.folder / 'credential').read_text(encoding='utf-8')}",
                "Nattevakt-Lane": lane,
            },
        )
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def batch(stream: str, seqs: range, *, urgent_every: int = 0) -> bytes:
    """A batch of door events, with a call every so often, as a gateway would send it."""
    lines = []
    for seq in seqs:
        at = Moment("boot-1", seq * 1000, 1_790_000_000_000 + seq * 1000, synced=True)
        body = Call(BUTTON, "press") if urgent_every and seq % urgent_every == 0 else Contact(DOOR, seq % 2 == 0)
        lines.append(event_line(EventId(stream, seq), encode_event(Event(body, at))))
    sent = Moment("boot-1", 10_000_000, 1_790_010_000_000, synced=True)
    return encode_batch(sent, {stream: 1}, lines)


@pytest.mark.timeout(360)
def test_a_call_overtakes_a_drain_of_ten_thousand_rows(house: House) -> None:
    """10,000 rows wait; a press made now is at the centre before row 1,000 of them."""
    house.also = dict.fromkeys(many(400), "bed")
    house.start(broker=False)
    until(lambda: house.count("started") == 1, "the link works")
    house.proxy.set("cut")
    for number in range(25):
        frames = (house.stick_bytes(mat, "A5-30-01", {"closed": number % 2 == 0}) for mat in house.also)
        house.stick.write(b"".join(frames))
        # One reading of each at a time: told within one instant they would be dated out of order, and folded anew.
        until(partial(house.holds, "bed", 400 * (number + 1)), "another four hundred rows wait")
    house.proxy.set("open")
    house.presses(BUTTON)
    until(lambda: house.alarms("call"), "the press rings")
    (received,) = [row["received_ms"] for row in house.rows("SELECT received_ms FROM events WHERE kind = 'call'")]
    earlier = house.rows("SELECT count(*) AS n FROM events WHERE kind = 'bed' AND received_ms < :at", at=received)
    assert earlier[0]["n"] < 1_000
    until(lambda: house.count("bed") >= 10_000, "the drain ends", limit_s=200)
    until(lambda: house.unsent() == 0, "everything is acknowledged")


def test_a_poisoned_row_is_parked_and_alarmed_at_both_ends(house: House) -> None:
    """Its neighbours wait for three tries and eight halvings at most (< 30 s), urgent rows not at all."""
    house.also = dict.fromkeys(many(200), "door")
    house.start(broker=False)
    until(lambda: house.count("started") == 1, "the link works")
    house.running["central"].stop()
    for number, door in enumerate(house.also):
        house.stick.say(door, "D5-00-01", {"closed": number % 2 == 0})
        if number == 100:
            house.stick.say(MAT, "A5-30-01", {"closed": True})
            house.stick.say(DRIP, "F6-05-01", {"wet": True})
    until(lambda: house.unsent() >= 202, "one poisoned row among two hundred")
    house.start_central("poison", MAT)
    began = time.monotonic()
    house.presses(BUTTON)
    until(lambda: house.alarms("call") and house.alarms("leak"), "urgent rows are not delayed", limit_s=10)
    until(lambda: house.count("contact") == 200, "all neighbours are through")
    assert time.monotonic() - began < 30
    until(lambda: house.alarms("parked_event"), "alarmed at the centre")
    until(lambda: any("parked" in fault for fault in house.health().get("faults", [])), "alarmed at the gateway")
    assert house.count("bed") == 0
    until(lambda: house.count("tombstone") == 2, "the bed row and the mat's first sign of life are both named")


def test_every_batch_three_times_twice_at_once_newer_first(house: House) -> None:
    """Every row is stored once, nobody deadlocks, and the marks end up contiguous."""
    house.seed()
    house.start_central()
    stream = "ab" * 16
    bodies = [batch(stream, range(first, first + 100), urgent_every=25) for first in range(1, 1001, 100)]
    statuses: list[int] = []

    def send(order: list[bytes]) -> None:
        for body in order:
            statuses.append(post(house, body)[0])

    orders = [list(reversed(bodies)), bodies, bodies]
    threads = [threading.Thread(target=send, args=(order,)) for order in orders[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send(orders[2])
    assert statuses == [200] * 30
    assert house.rows("SELECT count(*) AS n FROM events")[0]["n"] == 1000
    assert house.rows("SELECT max(variant) AS v FROM events")[0]["v"] == 0
    assert len(house.alarms("call")) == 1
    assert house.rows("SELECT count(*) AS n FROM alarm_events WHERE rule = 'call'")[0]["n"] == 40
    reply = decode_batch_reply(post(house, bodies[0])[1])
    assert reply.marks[stream] == 1000


def test_database_away_parks_nothing(sqlite_house: House) -> None:
    """503 while the database is locked: rows wait, nothing is parked, all arrives afterwards."""
    house = sqlite_house.start(broker=False)
    until(lambda: house.count("started") == 1, "the link works")
    with closing(sqlite3.connect(house.folder / "central.sqlite", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        house.presses(BUTTON)
        until(lambda: house.unsent() >= 1, "the press waits")
        until(
            lambda: "503" in house.running["gateway"].text() or "503" in house.running["central"].text(),
            "the centre says 503",
        )
        lock.execute("ROLLBACK")
    until(lambda: house.alarms("call"), "the press rings")
    until(lambda: house.unsent() == 0, "everything is acknowledged")
    assert house.health().get("parked_rows", 0) == 0
    assert house.count("tombstone") == 0


@pytest.mark.parametrize("card", ["restored", "new"])
def test_no_new_event_is_taken_for_an_old_one(sqlite_house: House, card: str) -> None:
    """The outbox is restored from an old copy, or the card is new: later presses are new rows and ring."""
    house = sqlite_house.start(broker=False)
    outbox = house.folder / "gateway" / "outbox.sqlite"
    house.presses(BUTTON)
    until(lambda: house.count("call") == 1, "the first press")
    until(lambda: house.unsent() == 0, "acknowledged")
    house.running["gateway"].stop()
    old = house.folder / "old.sqlite"
    shutil.copy(outbox, old)
    house.start_gateway()
    until(lambda: house.count("started") == 2, "a second start")
    house.opens(DOOR)
    until(lambda: house.count("contact") == 1 and house.unsent() == 0, "rows after the copy")
    house.running["gateway"].stop()
    for path in (outbox, *(Path(f"{outbox}{tail}") for tail in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)
    if card == "restored":
        shutil.copy(old, outbox)
    house.start_gateway()
    until(lambda: house.count("started") == 3, "a start on the other card")
    house.closes(DOOR)
    house.presses(CORD)
    until(lambda: len(house.alarms("call")) == 2, "the new press rings")
    until(lambda: house.count("contact") == 2, "the new door row is stored")
    until(lambda: house.unsent() == 0, "everything is acknowledged")
    assert house.rows("SELECT max(variant) AS v FROM events")[0]["v"] == 0
    assert house.alarms("id_conflict") == []
