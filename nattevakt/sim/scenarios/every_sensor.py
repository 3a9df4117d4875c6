"""One device of every kind lives a night in which every fault that must not ring comes on at its hour. Each call, fall
and leak rings once, and nothing else does.

What loses a press (low_battery_press, empty_action) or a fall (dead) cannot ring: each has one place. A false_press
must ring. Doors stand open from the evening: an old "open" that is said again in the night would ring. Not on: stuck,
dim_motion and secured (they lose what happens), false_fall and history_late (they ring).
"""

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.sim.broken import Deaf, credulous, repeating
from nattevakt.sim.every_kind import EVERY_KIND, UP
from nattevakt.sim.faults import FAULTS
from nattevakt.sim.host import GatewayWorkings
from nattevakt.sim.mishaps import bridge_restarts, fault_ends, has_fault
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import arrives, closes, closes_door, falls, floods, helped_up, opens, presses, takes
from nattevakt.sim.ward import Sensor

NIGHT = Night("every_sensor", "en enhet av hvert slag, og alle feil", begins="21:45", ends="07:00", ward=EVERY_KIND)

LINES = ("noise", "half_frame", "damaged", "long_length", "stray_bytes", "zero_length", "repeater_copies")
BOOTS = ("nan_float", "ghost_distance", "restarts", "twice_at_boot", "learn_telegram")
AGAIN = ("cached_replay", "retained_stale", "history_again", "light_repeats")
ON = {
    "22:05": (*BOOTS, "cached_replay", "retained_stale"),
    "22:15": (*LINES, "quadruple", "two_gateways"),
    "22:47": ("phantom_open",),
    "01:00": (*AGAIN, "availability_lost", "config_changed", "flicker"),
    "02:55": ("bounce",),
    "05:00": (*LINES, "quadruple"),
    "05:40": (*AGAIN, *BOOTS),
}
"""What comes on when on all devices that can have it, and stays but for OFF; what is only said once is said at each."""
OFF = {"22:45": (*LINES, "quadruple"), "05:35": LINES}
"""A line is bad for an hour of the night, or its bytes would be all there is. Nothing is told four times over in which
the old state comes first, before the last: then each copy of the old one would be newer than the new one."""
FLOODED = "E2013"
"""One door floods: that it does is the same on all."""
CALL, FALL, LEAK, DOOR = Use.CALL, Use.FALL, Use.LEAK, Use.DOOR


def _on(when: str, fault: str, first_name: str, sensor: Sensor) -> None:
    if FAULTS[fault].fits(sensor):
        NIGHT.at(when, has_fault(first_name, fault, sensor.use, sensor.spot))


def _off(when: str, fault: str, first_name: str, sensor: Sensor) -> None:
    if FAULTS[fault].fits(sensor):
        NIGHT.at(when, fault_ends(first_name, fault, sensor.use, sensor.spot))


def _rings(kind: str, room: str, when: str, why: str, again: int = 0) -> None:
    NIGHT.expect_alarm(kind, room=room, after=when, by=f"{when}:05", occurred=when, why=why, again=again)


def _answered(kind: str, room: str) -> None:
    NIGHT.at("22:50", takes("kari", kind, room))
    NIGHT.at("22:52", arrives("kari", kind, room))
    NIGHT.at("22:55", closes("kari", kind, room))


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
            _on("03:30", "flood", who.first_name, sensor)
    if who.sensor(DOOR) is not None:
        NIGHT.at("21:50", opens(who.first_name))
        NIGHT.at("23:00", closes_door(who.first_name))
    # Once with the first faults, once with all.
    if who.sensor(CALL) is not None:
        NIGHT.at("22:20", presses(who.first_name))
        _rings("call", who.room, "22:20", "call.pressed")
        _answered("call", who.room)
        NIGHT.at("05:05", presses(who.first_name))
        # A false press (below) is heard where the first one has not been answered.
        _rings("call", who.room, "05:05", "call.pressed", again=int(who.first_name == "Berit"))
    if who.sensor(FALL) is not None:
        NIGHT.at("22:30", falls(who.first_name))
        _rings("fall", who.room, "22:30", "fall.detected")
        _answered("fall", who.room)
        NIGHT.at("22:56", helped_up(who.first_name))
        if who.first_name != "Ida":
            NIGHT.at("05:15", falls(who.first_name))
            # After a restart nobody can tell whether a TinyFrame radar means the same fall: it sounds again.
            _rings("fall", who.room, "05:15", "fall.detected", again=int(who.first_name == "Hans"))
    if who.sensor(LEAK) is not None:
        # Water stays on the floor: what is cached afterwards says so again and again.
        NIGHT.at("22:38", floods(who.first_name))
        _rings("leak", who.room, "22:38", "leak.water")

# An opening in the night is one alarm, however the contact bounces; on the radio each bounce sounds it again.
for first_name in ("Berit", "Gro"):
    NIGHT.at("03:10", opens(first_name, for_s=12))
for room, again in (("302", 2), ("307", 0)):
    NIGHT.expect_alarm("door_at_night", room=room, after="03:10", by="03:10:05", occurred="03:10", again=again)

# Her fall sensor dies: it cannot ring at 06:40, but long before that somebody has been told. What the bridge has cached
# makes it look alive once more, for as long as its silence is allowed to last.
NIGHT.at("02:00", has_fault("Ida", "dead", FALL))
NIGHT.expect_alarm("device_silent", room="309", after="02:00", by="02:45", clears_by="05:51")
NIGHT.expect_shown("04:00", room="309", seen="unknown")
NIGHT.at("05:50", bridge_restarts(UP))
NIGHT.expect_alarm("device_silent", room="309", after="06:15", by="06:30")
NIGHT.at("06:40", falls("Ida"))

# These presses are lost before they reach any gateway, and nobody can tell.
NIGHT.at("06:10", has_fault("Hans", "low_battery_press", CALL), has_fault("Gro", "empty_action", CALL))
NIGHT.at("06:11", presses("Hans"), presses("Gro"))

# And this one looks exactly like a real one.
NIGHT.at("06:20", has_fault("Berit", "false_press", CALL))

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
