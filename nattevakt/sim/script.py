"""What can happen in a story, in the words that scenarios use. Serves scenario files.

Owns what residents and the installation do, and what staff do with alarms: each deed says itself in Norwegian, checks
its names against the ward, and is played on a stage when its moment comes. Must not know what is expected of the night.
"""

from __future__ import annotations

from collections.abc import Callable

from nattevakt.central.alarms.lifecycle import State
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.network import Road
from nattevakt.sim.people import MINUTE_MS, Happening
from nattevakt.sim.stage import Deed, Play, Scene, Stage
from nattevakt.sim.ward import Resident, Sensor, Ward


def _resident(ward: Ward, name: str) -> Resident:
    found = ward.resident(name)
    assert found is not None  # noqa: S101 - the deed was checked before it is played
    return found


def of_person(name: str, says: str, play: Callable[[Stage, Scene, Resident], None], use: Use, spot: str = "") -> Deed:
    """A deed of one resident that a device of theirs (for this use, at this spot) must be able to notice."""

    def check(ward: Ward) -> str | None:
        resident = ward.resident(name)
        if resident is None:
            return f"ukjent beboer «{name}»; kjente er " + ", ".join(r.first_name for r in ward.residents[:12])
        if resident.sensor(use, spot) is None:
            return f"{name} har ingen {use.value}-sensor" + (f" på {spot}" if spot else "")
        return None

    return Deed(says, lambda stage, scene: play(stage, scene, _resident(stage.ward, name)), check, (name,))


def _acts(name: str, says: str, use: Use, spot: str, *acts: tuple[int, Act]) -> Deed:
    """A deed made of acts, each so many ms after the deed."""

    def play(stage: Stage, scene: Scene, resident: Resident) -> None:
        for after_ms, act in acts:
            stage.happens(Happening(scene.at_ms + after_ms, resident.key, act, spot))

    return of_person(name, says, play, use, spot)


def gets_up(name: str, for_min: float | None = None) -> Deed:
    """Out of bed; back after `for_min` minutes, or (None) not until the story says so."""
    back = () if for_min is None else ((round(for_min * MINUTE_MS), Act.IN_BED),)
    says = f"{name} står opp" + (f" og legger seg igjen etter {for_min:g} min" if for_min is not None else "")
    return _acts(name, says, Use.BED, "", (0, Act.OUT_OF_BED), *back)


def lies_down(name: str) -> Deed:
    """Into bed."""
    return _acts(name, f"{name} legger seg", Use.BED, "", (0, Act.IN_BED))


def moves(name: str, spot: str = "") -> Deed:
    """Seen by a motion sensor."""
    return _acts(name, f"{name} går" + (f" på {spot}" if spot else ""), Use.MOTION, spot, (0, Act.MOVES))


def goes_to_toilet(name: str, minutes: float = 5) -> Deed:
    """Out of bed, seen by the motion sensor on the way there and back, into bed again."""
    back_ms = round(minutes * MINUTE_MS)

    def play(stage: Stage, scene: Scene, resident: Resident) -> None:
        sensor = resident.sensor(Use.MOTION)
        spot = sensor.spot if sensor is not None else ""
        for after_ms, act, where in (
            (0, Act.OUT_OF_BED, ""),
            (20_000, Act.MOVES, spot),
            (max(40_000, back_ms - 30_000), Act.MOVES, spot),
            (back_ms, Act.IN_BED, ""),
        ):
            stage.happens(Happening(scene.at_ms + after_ms, resident.key, act, where))

    return of_person(name, f"{name} går på toalettet i {minutes:g} min", play, Use.MOTION)


def opens(name: str, for_s: float | None = None) -> Deed:
    """Opens the door; it closes after `for_s` seconds, or (None) stays open."""
    closing = () if for_s is None else ((round(for_s * 1000), Act.CLOSES),)
    return _acts(name, f"{name} åpner døra", Use.DOOR, "", (0, Act.OPENS), *closing)


def closes_door(name: str) -> Deed:
    """Closes the door."""
    return _acts(name, f"{name} lukker døra", Use.DOOR, "", (0, Act.CLOSES))


def presses(name: str, spot: str = "") -> Deed:
    """Presses a call button, at this spot where there are several."""
    return _acts(name, f"{name} trykker" + (f" på {spot}" if spot else ""), Use.CALL, spot, (0, Act.PRESSES))


def falls(name: str) -> Deed:
    """Falls where the fall sensor sees it."""
    return _acts(name, f"{name} faller, og sensoren ser det", Use.FALL, "", (0, Act.FALLS))


def falls_unseen(name: str) -> Deed:
    """Falls out of bed where no fall sensor looks, and lies still: the bed is empty and nothing moves."""
    return _acts(name, f"{name} faller ut av senga og blir liggende", Use.BED, "", (0, Act.OUT_OF_BED))


def helped_up(name: str) -> Deed:
    """Somebody helps them up from the floor, and the fall sensor sees it."""
    return _acts(name, f"{name} blir hjulpet opp", Use.FALL, "", (0, Act.GETS_UP_FROM_FLOOR))


def floods(name: str, spot: str = "") -> Deed:
    """Water on the floor."""
    return _acts(name, f"vann på gulvet hos {name}", Use.LEAK, spot, (0, Act.FLOODS))


def flickers(name: str, minutes: float, *, gaps: int = 0, chatter: int = 0) -> Deed:
    """A bad mat under somebody who lies still: drop-outs of minutes (`gaps`) and of seconds (`chatter`)."""

    def play(stage: Stage, scene: Scene, resident: Resident) -> None:
        to_ms = scene.at_ms + round(minutes * MINUTE_MS)
        for happening in people.flicker(resident.key, scene.at_ms, to_ms, scene.chance, gaps=gaps, chatter=chatter):
            stage.happens(happening)

    return of_person(name, f"matta til {name} blafrer i {minutes:g} min", play, Use.BED)


def sensors_of(ward: Ward, name: str, use: Use, spot: str) -> tuple[Sensor, ...]:
    """A resident's devices for this use, at this spot where one is named."""
    resident = _resident(ward, name)
    return tuple(s for s in resident.sensors if s.use is use and spot in ("", s.spot))


def device_dies(name: str, use: Use, spot: str = "") -> Deed:
    """A device of this resident says nothing from now on."""

    def play(stage: Stage, _: Scene, __: Resident) -> None:
        for sensor in sensors_of(stage.ward, name, use, spot):
            stage.dies(sensor.address)

    where = f" på {spot}" if spot else ""
    return of_person(name, f"{use.value}-sensoren{where} hos {name} dør", play, use, spot)


def device_lives(name: str, use: Use, spot: str = "") -> Deed:
    """A device that was dead speaks again."""

    def play(stage: Stage, _: Scene, __: Resident) -> None:
        for sensor in sensors_of(stage.ward, name, use, spot):
            stage.lives(sensor.address)

    return of_person(name, f"{use.value}-sensoren hos {name} virker igjen", play, use, spot)


def sits(name: str) -> Deed:
    """Sits down in the chair."""
    return _acts(name, f"{name} setter seg", Use.CHAIR, "", (0, Act.SITS))


def rises(name: str) -> Deed:
    """Gets up from the chair."""
    return _acts(name, f"{name} reiser seg", Use.CHAIR, "", (0, Act.RISES))


def wets(name: str, for_min: float) -> Deed:
    """The moisture pad in the bed gets wet, and is changed for a dry one so much later."""
    return _acts(name, f"{name} blir våt", Use.WET, "", (0, Act.WETS), (round(for_min * MINUTE_MS), Act.CHANGED))


def enters(name: str, spot: str = "") -> Deed:
    """Comes where a presence sensor looks."""
    return _acts(name, f"{name} kommer inn" + (f" på {spot}" if spot else ""), Use.PRESENCE, spot, (0, Act.ENTERS))


def leaves(name: str, spot: str = "") -> Deed:
    """Goes from where a presence sensor looks."""
    return _acts(name, f"{name} går fra" + (f" {spot}" if spot else " rommet"), Use.PRESENCE, spot, (0, Act.LEAVES))


def of_gateway(key: str, says: str, play: Play) -> Deed:
    """A deed that befalls a gateway of the ward."""

    def check(ward: Ward) -> str | None:
        if ward.gateway(key) is None:
            return f"ukjent gateway «{key}»; kjente er " + ", ".join(g.key for g in ward.gateways)
        return None

    return Deed(says, play, check)


def _for(minutes: float | None) -> str:
    return "" if minutes is None else f" i {minutes:g} min"


def _minutes(minutes: float) -> int:
    return round(minutes * MINUTE_MS)


def link_dies(gateway: str, minutes: float | None = None) -> Deed:
    """The road to the centre is cut, for so many minutes or for good."""

    def play(stage: Stage, _: Scene) -> None:
        stage.road(gateway, Road.CUT)
        if minutes is not None:
            stage.later(_minutes(minutes), lambda: stage.road(gateway, Road.UP))

    return of_gateway(gateway, f"linja til {gateway} er brutt{_for(minutes)}", play)


def link_half_dies(gateway: str, minutes: float) -> Deed:
    """What the gateway sends arrives, but it hears no answer."""

    def play(stage: Stage, _: Scene) -> None:
        stage.road(gateway, Road.HALF_OPEN)
        stage.later(_minutes(minutes), lambda: stage.road(gateway, Road.UP))

    return of_gateway(gateway, f"{gateway} får ikke svar{_for(minutes)}", play)


def gateway_dies(gateway: str, minutes: float | None = None) -> Deed:
    """The box loses its power, for so many minutes or for good."""

    def play(stage: Stage, _: Scene) -> None:
        stage.gateway_off(gateway)
        if minutes is not None:
            stage.later(_minutes(minutes), lambda: stage.gateway_on(gateway))

    return of_gateway(gateway, f"{gateway} mister strømmen{_for(minutes)}", play)


def card_changed(gateway: str, seconds: float = 30) -> Deed:
    """The box is switched off, gets an empty card, and is back so much later."""

    def play(stage: Stage, _: Scene) -> None:
        stage.gateway_off(gateway)
        stage.card_gone(gateway)
        stage.later(round(seconds * 1000), lambda: stage.gateway_on(gateway))

    return of_gateway(gateway, f"{gateway} får et nytt kort", play)


def agent_restarts(gateway: str, seconds: float = 5) -> Deed:
    """The gateway's program is killed and started again; box and broker stay up."""

    def play(stage: Stage, _: Scene) -> None:
        stage.gateway_off(gateway, box=False)
        stage.later(round(seconds * 1000), lambda: stage.gateway_on(gateway))

    return of_gateway(gateway, f"programmet på {gateway} dør og starter igjen", play)


def boots_in_1970(gateway: str, until: str) -> Deed:
    """The box is without power for a quarter of a minute; its clock comes back in 1970 and is right from `until` on."""

    def play(stage: Stage, scene: Scene) -> None:
        stage.gateway_off(gateway)
        stage.clock_lost(gateway, scene.when(until))
        stage.later(15_000, lambda: stage.gateway_on(gateway))

    return of_gateway(gateway, f"{gateway} starter på nytt med klokka i 1970, riktig fra {until}", play)


def _anything(_: Ward) -> None:
    return None


def centre_dies(minutes: float | None = None) -> Deed:
    """The centre's process is killed; it comes back after so many minutes, or not."""

    def play(stage: Stage, _: Scene) -> None:
        stage.centre_off()
        if minutes is not None:
            stage.later(_minutes(minutes), stage.centre_on)

    return Deed(f"sentralen dør{_for(minutes)}", play, _anything)


def guest_changes(room: str, to: str) -> Deed:
    """Somebody else moves into a room, and who lived there moves out."""

    def check(ward: Ward) -> str | None:
        return None if ward.resident(room) is not None else f"ukjent rom «{room}»"

    key = "ny-" + room
    return Deed(f"{to} flytter inn på {room}", lambda stage, _: stage.guest_changes(room, key, to), check)


def of_worker(ward: Ward, worker: str) -> str | None:
    """What is wrong with the name of this member of staff, or None."""
    known = [person.key for person in ward.staff]
    return None if worker in known else f"ukjent ansatt «{worker}»; kjente er " + ", ".join(known)


def _staff(worker: str, kind: str, room: str, to: State, says: str, cause: str = "", action: str = "") -> Deed:
    def check(ward: Ward) -> str | None:
        known = ward.resident(room) is not None
        return of_worker(ward, worker) or (None if known else f"ukjent rom «{room}»")

    def play(stage: Stage, _: Scene) -> None:
        stage.moves(worker, kind, room, to, cause, action)

    return Deed(f"{worker} {says} {kind} på {room}", play, check)


def takes(worker: str, kind: str, room: str) -> Deed:
    """A member of staff takes the alarm (kvittert)."""
    return _staff(worker, kind, room, State.TAKEN, "kvitterer")


def arrives(worker: str, kind: str, room: str) -> Deed:
    """Is on site (hos bruker)."""
    return _staff(worker, kind, room, State.ON_SITE, "er hos bruker for")


def closes(worker: str, kind: str, room: str, cause: str = "annet", action: str = "tilsyn") -> Deed:
    """Ends the alarm with a cause and an action."""
    return _staff(worker, kind, room, State.CLOSED, "avslutter", cause, action)
