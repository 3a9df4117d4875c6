"""The gateway after an hour of traffic: memory, processor time, and how soon after its start it has stored an event.

`python -m bench.hour`. An hour of a ward's traffic is fed in about half a minute (compressed: real bytes on a
pseudo-terminal and real MQTT, real centre, but no hour of heartbeats), so memory is after an hour's events and
processor time is what those events cost. Memory is compared with a bare Python, as a difference.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from bench.figures import Bar, Figure, report, say
from tests.support.house import BUTTON, DOOR, MAT, PROFILES, RADAR, SOS, House, many
from tests.support.processes import ROOT
from tests.support.wait import until

HOUR_EVENTS = 1_800
"""What thirteen rooms say in an hour of a lively night: one message each two seconds."""
ROOMS = 13
RATE_S = 0.015
STARTS = 5


def bare_mb() -> float:
    """Resident memory of an idle interpreter, in MB."""
    program = "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return int(said) / 1024


def bare_start_s() -> float:
    """How long a bare interpreter needs from start to end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def status_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(entry.split()[1]) for entry in text.splitlines() if entry.startswith("VmRSS")) / 1024


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    found = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / 100


def feed(house: House, events: int) -> None:
    """An hour's traffic by turns: doors, the bed, presence, health, and a call now and then."""
    pause = threading.Event()
    doors = [address for address, use in house.also.items() if use == "door"]
    mats = [address for address, use in house.also.items() if use == "bed"]
    for number in range(events):
        room, turn = number // 5 % ROOMS, number // (5 * ROOMS) % 2 == 0
        match number % 5:
            case 0:
                house.stick.say(doors[room], PROFILES[DOOR], {"closed": turn})
            case 1:
                house.bridge().publish(f"{RADAR}-{room}", {"occupancy": turn, "fall_status": "normal"}, wait=False)
            case 2:
                house.stick.say(mats[room], PROFILES[MAT], {"closed": turn})
            case 3:
                house.bridge().publish(SOS, {"battery": 80 + number % 20, "linkquality": number % 250}, wait=False)
            case _ if number % 100 == 4:
                house.presses()
            case _:
                house.bridge().publish(f"{RADAR}-{room}", {"occupancy": not turn, "fall_status": "normal"}, wait=False)
        pause.wait(RATE_S)


def start_s(house: House) -> float:
    """From starting the process until the first event of a sensor is in the outbox: a press as soon as the port is
    open."""
    house.stick.probed.clear()
    path = house.folder / "gateway" / "outbox.sqlite"

    def calls() -> int:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            return int(connection.execute("SELECT count(*) FROM rows WHERE kind = 'call'").fetchone()[0])

    before = calls()
    command = [sys.executable, "-m", "tests.support.run_gateway", str(house.folder / "gateway.toml")]
    with (house.folder / "starts.log").open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        assert house.stick.probed.wait(30), "the gateway did not open the stick"
        house.stick.say(BUTTON, PROFILES[BUTTON], {"action": "BI", "pressed": True})
        while calls() == before:
            assert time.perf_counter() - began < 30, "no event was stored"
            time.sleep(0.002)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(20)


def run(events: int = HOUR_EVENTS, starts: int = STARTS) -> list[Figure]:
    """Memory, processor time, start."""
    say(f"hour: {events} messages in {events * RATE_S:.0f} s or more")
    with (
        tempfile.TemporaryDirectory() as name,
        House(Path(name), f"sqlite:///{Path(name) / 'central.sqlite'}") as house,
    ):
        house.direct = True
        house.heartbeat_s = 15
        extra = many(2 * ROOMS)
        house.also = {**dict.fromkeys(extra[:ROOMS], "door"), **dict.fromkeys(extra[ROOMS:], "bed")}
        house.start()
        pid = house.running["gateway"].process.pid
        before_s = cpu_s(pid)
        feed(house, events)
        until(lambda: house.unsent() == 0, "all is delivered", 60)
        memory, used_s = status_mb(pid), cpu_s(pid) - before_s
        house.running["gateway"].stop()
        say(f"hour: {starts} starts")
        floors, begun = [], []
        for _ in range(starts):
            floors.append(bare_start_s())
            begun.append(start_s(house))
    bare, start, floor = bare_mb(), statistics.median(begun), statistics.median(floors)
    note = f"{events} messages fed in {events * RATE_S:.0f} s, not in an hour; their processor time was {used_s:.1f} s"
    return [
        Figure("gateway", "memory after the hour", memory, bare, "MB", memory - bare, Bar(27, "MB over"), note),
        Figure("gateway", "processor, an hour's events", used_s, 3600, "s", used_s / 3600),
        Figure("gateway", "start to first stored event", start, floor, "s", start, Bar(0.7, "s")),
    ]


if __name__ == "__main__":
    report(run())
