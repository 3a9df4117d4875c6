"""One device of every kind lives a night in which every fault comes on at its hour. Each call, fall and leak rings
once, and nothing else does.

What loses a press (low_battery_press, empty_action), a fall (dead) or what else happens (stuck, secured, dim_motion)
cannot ring: each has one place, which says what is lost. So has what must ring though nobody pressed or fell there and
then (false_press, false_fall, history_late). Doors stand open from the evening and are closed at night: an old "open"
that is said again then would ring, and so would a contact that bounces as it closes.
"""

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.sim.broken import Deaf, credulous, hasty, repeating
from nattevakt.sim.every_kind import EVERY_KIND, UP
from nattevakt.sim.faults import FAULTS
from nattevakt.sim.host import GatewayWorkings
from nattevakt.sim.mishaps import bridge_restarts, fault_ends, has_fault
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import (
    arrives,
    closes,
    closes_door,
    falls,
    floods,
    gets_up,
    helped_up,
    moves,
    opens,
    presses,
    takes,
)
from nattevakt.sim.ward import Sensor

NIGHT = Night("every_sensor", "en enhet av hvert slag, og alle feil", begins="21:45", ends="03:05", ward=EVERY_KIND)

LINES = ("noise", "half_frame", "damaged", "long_length", "stray_bytes", "zero_length", "repeater_copies")
BOOTS = ("nan_float", "ghost_distance", "restarts", "twice_at_boot", "learn_telegram")
AGAIN = ("cached_replay", "retained_stale", "history_again", "light_repeats")
ON = {
    "22:05": (*BOOTS, "cached_replay", "retained_stale"),
    "22:18": (*LINES, "quadruple", "two_gateways"),
    "22:47": ("phantom_open",),
    "22:58": ("bounce",),
    "00:30": (*AGAIN, "availability_lost", "config_changed", "flicker", "retained_press"),
    "01:40": (*LINES, "quadruple"),
    "02:09": (*AGAIN, *BOOTS),
}
"""What comes on when on all devices that can have it, and stays but for OFF; what is only said once is said at each."""
OFF = {"22:30": (*LINES, "quadruple"), "01:49": LINES}
"""A line is bad for twenty minutes of the night, or its bytes would be all there is. Nothing is told four times over in
which the old state comes first, before the last: then each copy of the old one would be newer than the new one."""
FLOODED = "E2013"
"""One door floods: that it does is the same on all."""
STILL = 3
"""So often a fall sounds again that nobody sees to: after 5, 10 and 15 minutes."""
CALL, FALL, LEAK, DOOR = Use.CALL, Use.FALL, Use.LEAK, Use.DOOR


def _on(when: str, fault: str, first_name: str, sensor: Sensor) -> None:
    if FAULTS[fault].fits(sensor):
        NIGHT.at(when, has_fault(first_name, fault, sensor.use, sensor.spot))


def _off(when: str, fault: str, first_name: str, sensor: Sensor) -> None:
    if FAULTS[fault].fits(sensor):
        NIGHT.at(when, fault_ends(first_name, fault, sensor.use, sensor.spot))


def _rings(kind: str, room: str, when: str, why: str, again: int = 0) -> None:
    NIGHT.expect_alarm(kind, room=room, after=when, by=f"{when}:05", occurred=when, why=why, again=again)


def _answered(kind: str, room: str, on_site: str, closed: str = "22:55") -> None:
    NIGHT.at(on_site, takes("kari", kind, room), arrives("kari", kind, room))
    NIGHT.at(closed, closes("kari", kind, room))


for who in EVERY_KIND.residents:
    for sensor in who.sensors:
        if sensor.invert:
            _on("21:45", "inverted", who.first_name, sensor)
        for hour, names in ON.items():
            for name in names:
                _on(hour, name, who.first_name, sensor)
        for hour, names in OFF.items():
            for name in names:
                _off(hour, name, who.first_name, sensor)
        if sensor.model == FLOODED:
            _on("01:12", "flood", who.first_name, sensor)
    if who.sensor(DOOR) is not None:
        NIGHT.at("21:50", opens(who.first_name))
        NIGHT.at("23:00", closes_door(who.first_name))
    # Once with the first faults, once with all.
    if who.sensor(CALL) is not None:
        NIGHT.at("22:20", presses(who.first_name))
        _rings("call", who.room, "22:20", "call.pressed")
        _answered("call", who.room, "22:50")
        NIGHT.at("01:42", presses(who.first_name))
        # A false press (below) is heard where the first one has not been answered.
        _rings("call", who.room, "01:42", "call.pressed", again=int(who.first_name == "Berit"))
    if who.sensor(FALL) is not None:
        # Kari is there within five minutes: it sounds once.
        NIGHT.at("22:24", falls(who.first_name))
        _rings("fall", who.room, "22:24", "fall.detected")
        _answered("fall", who.room, "22:28")
        NIGHT.at("22:56", helped_up(who.first_name))
        if who.first_name != "Ida":
            # Nobody comes.
            NIGHT.at("01:45", falls(who.first_name))
            # A TinyFrame radar that restarts 24 minutes later and says so once more may mean the same fall or another:
            # between them it may have ended unheard, so it sounds again, and goes on as after any fall.
            anew = 1 + STILL if who.first_name == "Hans" else 0
            _rings("fall", who.room, "01:45", "fall.still", again=STILL + anew)
    if who.sensor(LEAK) is not None:
        # Water stays on the floor: what is cached afterwards says so again and again.
        NIGHT.at("22:26", floods(who.first_name))
        _rings("leak", who.room, "22:26", "leak.water")

# An opening in the night is one alarm that sounds once, however the contact bounces as the door is opened and closed.
for first_name in ("Berit", "Gro"):
    NIGHT.at("01:20", opens(first_name, for_s=12))
for room in ("302", "307"):
    NIGHT.expect_alarm("door_at_night", room=room, after="01:20", by="01:20:05", occurred="01:20")

# His window is put into its secure mode without a key: that it opens is not heard. The installer is told so (what, is
# tested with the fault), and the window is not taken for silent in the meantime.
NIGHT.at("23:20", has_fault("Carl", "secured", DOOR))
NIGHT.at("23:25", opens("Carl", for_s=60))
NIGHT.at("23:30", fault_ends("Carl", "secured", DOOR))

# Her bed stands fast, and says that she lies in it: that she is up for 20 minutes is not heard, and nobody can tell.
NIGHT.at("23:35", has_fault("Mona", "stuck", Use.BED))
NIGHT.at("23:36", gets_up("Mona", for_min=20))
NIGHT.expect_shown("23:55", room="313", seen="known")
NIGHT.at("23:58", fault_ends("Mona", "stuck", Use.BED))

# He moves, and is told not to: no alarm rests on movement alone, so none is lost.
NIGHT.at("00:05", has_fault("Hans", "dim_motion", Use.MOTION))
NIGHT.at("00:06", moves("Hans"))
NIGHT.at("00:10", fault_ends("Hans", "dim_motion", Use.MOTION))

# A fall that nobody had looks exactly like a real one; one that the network lost rings when it comes, with its time.
# It says 20 seconds later that nobody lies there, so the false one sounds once; somebody is with Kari within minutes.
NIGHT.at("00:15", has_fault("Jon", "false_fall", FALL))
_rings("fall", "310", "00:15", "fall.detected")
NIGHT.at("00:20", has_fault("Kari", "history_late", FALL))
NIGHT.expect_alarm("fall", room="311", after="00:20", by="00:20:05", occurred="23:10", why="fall.detected_late")
for room in ("310", "311"):
    NIGHT.at("00:22", takes("kari", "fall", room))
    NIGHT.at("00:24", arrives("kari", "fall", room))
    NIGHT.at("00:26", closes("kari", "fall", room))

# Her fall sensor dies: it cannot ring at 03:00, but long before that somebody has been told. What the bridge has cached
# makes it look alive once more, for as long as its silence is allowed to last.
NIGHT.at("01:10", has_fault("Ida", "dead", FALL))
NIGHT.expect_alarm("device_silent", room="309", after="01:10", by="01:55", clears_by="02:18")
NIGHT.expect_shown("01:38", room="309", seen="unknown")
NIGHT.at("02:17", bridge_restarts(UP))
NIGHT.expect_alarm("device_silent", room="309", after="02:37", by="02:57")
NIGHT.at("03:00", falls("Ida"))

# These presses are lost before they reach any gateway, and nobody can tell.
NIGHT.at("02:22", has_fault("Hans", "low_battery_press", CALL), has_fault("Gro", "empty_action", CALL))
NIGHT.at("02:23", presses("Hans"), presses("Gro"))

# And this one looks exactly like a real one.
NIGHT.at("02:27", has_fault("Berit", "false_press", CALL))

DEAF = {**SERIAL_DRIVERS, "enocean": Deaf(SERIAL_DRIVERS["enocean"], b"\x55")}
NIGHT.broken(
    "en driver mister rammen etter støy",
    gateways=GatewayWorkings(DEAF),
    notices="call på 301 kom ikke",
    ends="22:21",
)
NIGHT.broken(
    "det broen har lagret, tas for nytt",
    gateways=GatewayWorkings(interpret=credulous),
    notices="uventet: door_at_night på 308",
    ends="22:06",
)
NIGHT.broken(
    "det som kommer flere ganger, kjennes ikke igjen",
    gateways=GatewayWorkings(interpret=repeating),
    notices="call på 307 ringte igjen",
    ends="22:21",
)
NIGHT.broken(
    "en kontakt som spretter, blir trodd med en gang",
    gateways=GatewayWorkings(interpret=hasty),
    notices="uventet: door_at_night på 302",
    ends="23:01",
)
