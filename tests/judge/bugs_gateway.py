"""Bugs for the gateway and for what both ends share: rows, disks, brokers, delivery."""

from __future__ import annotations

from tests.judge.mutants import Mutant, bug

_OUTBOX, _CORE, _UPLINK = "gateway/outbox.py", "gateway/core.py", "gateway/uplink.py"
_KEEPS_STREAM = (
    (
        _OUTBOX,
        """            number = (self._streams[-1][0] if self._streams else 0) + 1
            con.execute("INSERT INTO streams(id, stream, first) VALUES(?, ?, ?)", (number, stream, self.next_seq))
            self._streams.append((number, stream, self.next_seq))
""",
        """            if not self._streams:
                con.execute("INSERT INTO streams(id, stream, first) VALUES(?, ?, ?)", (1, stream, self.next_seq))
                self._streams.append((1, stream, self.next_seq))
""",
    ),
)

GATEWAY: tuple[Mutant, ...] = (
    bug(
        "sequence_reused",
        "Identity",
        "the stream is kept over restarts, so that an older card goes on with numbers that were used already",
        "2 4 8",
        *_KEEPS_STREAM,
    ),
    bug(
        "conflict_ignored",
        "Identity",
        "the same, and the centre takes an id that it knows for a row that it knows",
        "1 2 4 7 8",
        *_KEEPS_STREAM,
        ("central/ingest.py", "            elif sha256 in variants:\n", "            elif variants:\n"),
    ),
    bug(
        "shed_silently",
        "No silent holes",
        "rows of class B are shed without a tombstone",
        "4 7",
        (
            _OUTBOX,
            "                self._bury(con, tombstone, now)\n            con.executemany(",
            (
                "                if urgency is Urgency.C:\n                    self._bury(con, tombstone, now)\n"
                "            con.executemany("
            ),
        ),
    ),
    bug(
        "number_spent",
        "No silent holes",
        "a write that failed leaves its sequence numbers spent",
        "1 2 4 5 7",
        (
            _OUTBOX,
            "                self.next_seq, self._cursor, self.acked_rows, self.parked_rows, self._life = kept\n",
            "                _, self._cursor, self.acked_rows, self.parked_rows, self._life = kept\n",
        ),
    ),
    bug(
        # In place of "an alarm about missing rows stays when they have come": since a stream is called short only when
        # nothing of it can be on its way, no world that is played has rows that come after such an alarm.
        "predecessor_unnamed",
        "No silent holes",
        "a stream does not name the one before it, so that nobody can know whether that one is complete",
        "2 4",
        (
            _OUTBOX,
            "        previous = self._streams[-1][1] if self._streams else None\n",
            "        previous = None\n",
        ),
    ),
    bug(
        "repeat_swallowed",
        "Urgency",
        "the second press of two is counted and leaves no row",
        "4",
        (
            "edge/meaning.py",
            "            if not self.memory.flood:\n                self.add(make(first[0]), since)\n",
            "",
        ),
    ),
    bug(
        "suppression_in_memory",
        "Interpretation has memory on disk",
        "what devices last said is kept in memory and never written",
        "2 4",
        (
            "gateway/interpreting.py",
            "        for address in group.changed:\n            group.memory.put(memory_key(address), ",
            "        for address in ():\n            group.memory.put(memory_key(address), ",
        ),
    ),
    bug(
        "retained_is_news",
        "Interpretation has memory on disk",
        "what a broker or a bridge tells again counts as said now",
        "2",
        (
            "edge/meaning.py",
            "        self.replayed = reading.replay or cached\n",
            "        self.replayed = False\n",
        ),
    ),
    bug(
        "acknowledged_before_disk",
        "The promise begins where append returned",
        "the broker hears that a message is stored before it is",
        "4",
        (
            _CORE,
            '        self._probe(\n            "interpreted", {"events"',
            '        outputs += group.acks\n        self._probe(\n            "interpreted", {"events"',
        ),
    ),
    bug(
        "exception_swallowed",
        "The promise begins where append returned",
        "when the disk takes nothing, what waits for it is dropped",
        "4",
        (
            _CORE,
            "            self._store_failed(error, now)\n            return\n        if not self._holding",
            (
                "            self._store_failed(error, now)\n            self._waiting.clear()\n            return\n"
                "        if not self._holding"
            ),
        ),
    ),
    bug(
        "fault_kept_quiet",
        "The watcher is watched",
        "a disk that takes nothing is tried again and never told of",
        "5",
        (
            "gateway/troubles.py",
            '            found["store"] = self.store\n',
            "            pass\n",
        ),
    ),
    bug(
        "settled_when_sent",
        "No silent holes",
        "a row counts as delivered as soon as it has been sent",
        "1 4 7",
        (
            _UPLINK,
            "        firsts = {stream: self._outbox.first_of(stream)",
            (
                "        self._outbox.settle([row.seq for row in taken], {})\n"
                "        firsts = {stream: self._outbox.first_of(stream)"
            ),
        ),
    ),
    bug(
        "busy_is_refusal",
        "Delivery to the centre",
        "429 counts as a refusal of the batch: three of them park rows that nothing is wrong with",
        "2 4",
        (_UPLINK, "        if reply.status in (429, 503):\n", "        if reply.status == 503:\n"),
        (
            _UPLINK,
            "        elif reply.status in (413, 422, 500) and",
            "        elif reply.status in (413, 422, 429, 500) and",
        ),
    ),
    bug(
        "restore_unnoticed",
        "Delivery to the centre",
        "nobody looks whether the centre's marks have gone back",
        "1 4 7",
        (
            _UPLINK,
            "            if mark < own.get(stream, 0) and (known is None or mark < known[0]):\n",
            "            if mark < own.get(stream, 0) < 0 and (known is None or mark < known[0]):\n",
        ),
    ),
    bug(
        "age_stored",
        "Time",
        "a batch tells the clocks of when its last row was written instead of those of this sending",
        "1",
        (
            _UPLINK,
            "        body = wire.encode_batch(now.moment, firsts, lines)\n",
            "        body = wire.encode_batch(wire.decode_event(taken[-1].body).at, firsts, lines)\n",
        ),
    ),
    bug(
        "naive_local_time",
        "Time",
        "windows are read on a clock without a time zone",
        "1 2",
        (
            "edge/rules/windows.py",
            "    local = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, _zone(tz))\n",
            "    local = datetime.fromtimestamp(quarter * QUARTER_MS / 1000)\n",
        ),
    ),
)
