"""`nattevakt-sim house`: a ward's devices on real interfaces, for gateways that somebody else starts. Serves arrows 1
and 2 from the outside.

Owns the settings files that it writes for those gateways and the plain, seeded life of the residents. Must not know
the centre: what it prints is how to start one.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from nattevakt.edge.errors import NattevaktError
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.pacing import Pacer
from nattevakt.sim.people import HOUR_MS, Habits, Happening, Night
from nattevakt.sim.programs import gateway_settings, prepare_folder
from nattevakt.sim.street import Street
from nattevakt.sim.ward import WARD

TURN_S = 0.02
NIGHT_MS = 24 * HOUR_MS
HABITS = {
    "r201": Habits(),
    "r203": Habits(falls=True),
    "r204": Habits(bad_mat=True),
    "r205": Habits(wanders=True),
    "r207": Habits(leaves_door_open=True),
    "r208": Habits(calls=True),
}


def run(
    data: Path, broker: tuple[str, int], centre_port: int, seed: int, speed: float, say: Callable[[str], None]
) -> int:
    """Live on that ward until Ctrl-C; gives the exit code. speed: of service time, which the pace file in the folder
    tells to programs that are started with `--demo`."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # From a thread: the interrupted main thread may hold the event's own lock at this very moment.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    data = data.absolute()
    try:
        mark = prepare_folder(data)
        pacer = Pacer(data, time.time_ns() // 1_000_000)
        (data / "ward.toml").write_text(WARD.seed_toml(), encoding="utf-8")
        street = Street(WARD, data, broker, pacer.now_ms(), Random(f"{seed}:reports"))  # noqa: S311 - a simulation
        for gateway in WARD.gateways:
            settings = gateway_settings(WARD, gateway.key, data, centre_port, broker)
            (data / f"{gateway.key}.toml").write_text(settings, encoding="utf-8")
        street.start()
        pacer.set(speed)
    except (NattevaktError, TimeoutError) as error:
        say(f"nattevakt-sim: {error}")
        return 1
    say(f"Avdelingen lever i {data}, {speed:g} ganger så fort som ellers. Ctrl-C stopper.")
    say(f"  sentralen, med database i samme mappe: nattevakt-central seed --config FIL {data / 'ward.toml'}")
    say(f"           nattevakt-central run --config FIL --demo {pacer.file}")
    for gateway in WARD.gateways:
        say(f"  gateway: nattevakt-gateway run --config {data / f'{gateway.key}.toml'} --demo {pacer.file}")
        say(f"           (nøkkelen fra seed i {data / f'{gateway.key}.key'})")
    _live(street, pacer, seed, stop)
    street.stop()
    pacer.close()
    os.close(mark)
    return 0


def _live(street: Street, pacer: Pacer, seed: int, stop: threading.Event) -> None:
    for resident in WARD.residents:
        # Whoever is in bed by now lies down again within seconds; until then no mat has anything to say.
        street.happens(Happening(pacer.now_ms(), resident.key, Act.OUT_OF_BED))
    street.report_all()
    chance = Random(f"{seed}:people")  # noqa: S311 - a simulation, not a secret
    told_ms = pacer.now_ms()
    while not stop.wait(TURN_S):
        now_ms = pacer.now_ms()
        if now_ms >= told_ms:
            # A day at a time, for as long as it goes on.
            for happening in people.night(WARD, HABITS, Night(told_ms, told_ms + NIGHT_MS), chance):
                street.happens(happening)
            told_ms += NIGHT_MS
        street.turn(now_ms)
